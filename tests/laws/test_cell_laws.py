"""The laws of one cell: what breaks each, and what must not be taken for a breach."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from streamproof.adapters.contract import Call, Emit, Endpoint
from streamproof.adapters.wire import WireAdapter
from streamproof.capabilities import Capabilities
from streamproof.case import Case, all_cases
from streamproof.cell import Cell, can_play, cells
from streamproof.completion import (
    Completion,
    Delta,
    ErrorInfo,
    MediaPart,
    ReasoningPart,
    TextPart,
    ToolCall,
    Usage,
)
from streamproof.errors import LLMError
from streamproof.fold import fold
from streamproof.laws import LAWS, PREFIX
from streamproof.outcome import Outcome
from streamproof.requirements import Finding
from streamproof.running.run_cell import run_cell
from streamproof.verdict import Verdict
from streamproof.wire.plans import Plan

CASES = {case.id: case for case in all_cases()}
TEXT, TOOL = CASES["openai_chat/text"], CASES["anthropic_messages/tool-call"]
CUT = CASES["openai_chat/cut-clean-eof"]
LOST = ErrorInfo(type="interrupted", code="connection_lost", message="gone")
CALL = ToolCall(id="c", name="f", arguments="{}", complete=True)

Change = Callable[[Completion], Completion]
Show = Callable[[list[Delta]], list[Delta]]


def cell(case: Case, plan: str = "") -> Cell:
    """The first row's cell."""
    return replace(cells([case])[0], plan=Plan.parse(plan))


class Faulty(WireAdapter):
    """The wire adapter with a fault in its completion, or in its deltas, of which it then makes the completion."""

    def __init__(self, change: Change | None, show: Show | None) -> None:
        super().__init__()
        self.change, self.show = change, show

    def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        deltas: list[Delta] = []
        try:
            got = super().run(call, endpoint, deltas.append)
        except LLMError as error:
            got = error.partial or Completion()
        if self.change is not None:
            return self.change(got)
        for delta in self.show(deltas) if self.show else deltas:
            emit(delta)
        return got


def run(case: Case, plan: str = "", change: Change | None = None, show: Show | None = None) -> Outcome:
    """The outcome of a cell, with a fault put in."""
    return asyncio.run(run_cell(Faulty(change, show), cell(case, plan)))


def laws(outcome: Outcome) -> dict[str, Finding]:
    """The findings of laws, by name."""
    return {
        finding.requirement.removeprefix(PREFIX): finding
        for finding, _ in outcome.findings
        if finding.requirement.startswith(PREFIX)
    }


def broken(outcome: Outcome) -> dict[str, Finding]:
    """The laws that do not hold."""
    return {name: finding for name, finding in laws(outcome).items() if not finding.verdict.ok}


def changed(**values: Any) -> Change:
    """A fault: these members of the completion."""
    return lambda completion: replace(completion, **values)


def output_tokens(count: int) -> Change:
    """A fault: this count."""
    return lambda completion: replace(completion, usage=replace(completion.usage, output_tokens=count))


def _more_text(completion: Completion) -> Completion:
    return replace(completion, content=(TextPart(text=f"{completion.text} and more"),))


def _text_twice(completion: Completion) -> Completion:
    return replace(completion, content=completion.content * 2)


def _calls_twice(completion: Completion) -> Completion:
    return replace(completion, tool_calls=completion.tool_calls * 2)


def _ids_of_its_own(completion: Completion) -> Completion:
    return replace(completion, tool_calls=tuple(replace(call, id="call_0") for call in completion.tool_calls))


@pytest.mark.parametrize(
    ("plan", "names"),
    [
        ("", "one-end fold text-is-fold calls-once ids-stable nothing-invented failed-is-told"),
        (
            "cut:after-3",
            "one-end fold text-is-fold calls-once ids-stable nothing-invented cut-is-not-complete failed-is-told "
            "prefix-kept fault-after-terminal-noted",
        ),
    ],
)
def test_held_laws_are_findings_too(plan: str, names: str) -> None:
    """A report that cannot tell a law that holds from one that nobody looked at."""
    found = laws(run(TEXT, plan))
    assert " ".join(found) == names
    assert {(f.level, f.verdict, f.got) for f in found.values()} == {("must", Verdict.PASS, "holds")}
    assert all(f.requirement == LAWS[name].id for name, f in found.items())


def test_laws_about_deltas_are_silent_without_deltas() -> None:
    """An adapter blamed for the deltas of a library that has none."""
    silent = laws(run(TEXT, change=lambda completion: completion))
    assert " ".join(silent) == "calls-once nothing-invented failed-is-told"


@pytest.mark.parametrize(
    ("case", "plan", "change", "law", "verdict"),
    [
        (TEXT, "cut:after-3", changed(status="complete", error=None), "cut-is-not-complete", Verdict.WRONG),
        (CUT, "", changed(status="complete", error=None), "cut-is-not-complete", Verdict.WRONG),
        (TEXT, "cut:after-3", changed(status="failed"), "failed-is-told", Verdict.WRONG),
        (TEXT, "cut:after-3", changed(error=None), "failed-is-told", Verdict.LOSSY),
        (TEXT, "inject:error-3", changed(status="interrupted"), "failed-is-told", Verdict.WRONG),
        (TEXT, "inject:error-3", changed(status="complete", error=None), "failed-is-told", Verdict.WRONG),
        (TEXT, "cut:after-3", changed(finish_reason="stop"), "nothing-invented", Verdict.WRONG),
        (TEXT, "cut:after-3", _more_text, "nothing-invented", Verdict.WRONG),
        (TEXT, "", _text_twice, "nothing-invented", Verdict.WRONG),
        (TEXT, "cut:after-3", changed(usage=Usage(input_tokens=1)), "nothing-invented", Verdict.WRONG),
        (TEXT, "", changed(usage=Usage(input_tokens=0)), "nothing-invented", Verdict.WRONG),
        (TEXT, "cut:after-3", changed(tool_calls=(CALL,)), "nothing-invented", Verdict.WRONG),
        (TEXT, "", changed(content=(MediaPart(data="eA=="),)), "nothing-invented", Verdict.WRONG),
        (TOOL, "", _ids_of_its_own, "nothing-invented", Verdict.WRONG),
        (TEXT, "", output_tokens(0), "nothing-invented", Verdict.WRONG),
        (CASES["openai_chat/usage-absent"], "", output_tokens(0), "nothing-invented", Verdict.WRONG),
        (
            CASES["openai_chat/finish-provider-specific-error"],
            "",
            changed(status="complete", error=None, finish_reason="stop", raw_finish_reason=None),
            "failed-is-told",
            Verdict.WRONG,
        ),
        (TOOL, "", _calls_twice, "calls-once", Verdict.WRONG),
        (TEXT, "cut:after-3", changed(content=()), "prefix-kept", Verdict.LOSSY),
        (TOOL, "cut:inside-9", changed(tool_calls=()), "prefix-kept", Verdict.LOSSY),
        (CASES["openai_chat/cut-clean-eof-reasoning-only"], "", changed(content=()), "prefix-kept", Verdict.LOSSY),
    ],
)
def test_a_wrong_completion(case: Case, plan: str, change: Change, law: str, verdict: Verdict) -> None:
    """A fault that the law does not see; or one that the sound adapter is accused of."""
    assert run(case, plan).verdict is Verdict.PASS
    found = broken(run(case, plan, change))
    assert law in found
    assert found[law].verdict is verdict


@pytest.mark.parametrize(
    ("case", "plan", "change"),
    [
        (TEXT, "cut:after-3", changed(usage=Usage(input_tokens=1, estimated=True))),  # marked as an estimate
        (CASES["openai_chat/tool-calls-with-finish-stop"], "", changed(finish_reason="stop")),  # the wire's own word
        (CASES["openai_chat/refusal-delta"], "", changed(finish_reason="content_filter")),
        (CASES["openai_responses/two-messages-phase"], "", lambda c: replace(c, content=(TextPart(text=c.text),))),
        (
            CASES["openai_responses/two-messages-phase"],
            "",
            lambda c: replace(c, content=(TextPart(text="\n\n".join(p.text for p in c.content)),)),
        ),
        (CASES["openai_chat/reasoning-content"], "", lambda c: replace(c, content=c.content[1:])),
        (CASES["openai_chat/empty-content-xai"], "", output_tokens(0)),  # xAI's own completion_tokens
        (CASES["openai_chat/text-xai"], "", output_tokens(11)),
        (CASES["openai_chat/finish-provider-specific-error"], "", changed(status="complete", error=None)),
        (
            CASES["openai_chat/text"],
            "",
            lambda c: replace(c, content=tuple(TextPart(text=piece) for piece in c.text)),
        ),
    ],
)
def test_another_reading_is_no_invention(case: Case, plan: str, change: Change) -> None:
    """A library of another style that is accused of lying; whether its style is right is for the requirements."""
    assert broken(run(case, plan, change)) == {}


BLOCKED = ErrorInfo(type="content_filter", code=None, message="the prompt was blocked: PROHIBITED_CONTENT")
REFUSED = ErrorInfo(type="provider", code=None, message="no events came")


@pytest.mark.parametrize(
    ("id", "values", "verdict"),
    [
        ("gemini_generate_content/prompt-blocked-no-candidates", {"status": "failed", "error": BLOCKED}, Verdict.PASS),
        ("gemini_generate_content/prompt-blocked-no-candidates", {"status": "failed", "error": LOST}, Verdict.WRONG),
        ("gemini_generate_content/prompt-blocked-no-candidates", {}, Verdict.LOSSY),
        ("openai_chat/error-body-http200-completion", {"status": "interrupted", "error": LOST}, Verdict.PASS),
        ("openai_chat/error-body-http200-completion", {"status": "failed", "error": REFUSED}, Verdict.PASS),
        ("openai_chat/error-body-http200-completion", {}, Verdict.LOSSY),
    ],
)
def test_who_raises_has_told(id: str, values: dict[str, Any], verdict: Verdict) -> None:
    """An error that says what happened, counted as a lost answer; or an empty success, let pass as if it were one."""
    nothing = changed(content=(), finish_reason=None, raw_finish_reason=None, usage=Usage(), raw_usage=None, **values)
    assert run(CASES[id], change=nothing).verdict is verdict


def append(deltas: list[Delta]) -> int:
    """Where the first text is appended."""
    return next(n for n, delta in enumerate(deltas) if delta.op == "append")


def _content_after_the_end(deltas: list[Delta]) -> list[Delta]:
    return [*deltas, deltas[append(deltas)]]


def _rename(deltas: list[Delta]) -> list[Delta]:
    started = next(n for n, delta in enumerate(deltas) if delta.op == "start" and delta.value.get("call_id"))
    return [*deltas[: started + 1], deltas[started]._replace(op="replace", field="call_id", value="other"),
            *deltas[started + 1 :]]  # fmt: skip


def _start_twice(deltas: list[Delta]) -> list[Delta]:
    started = next(n for n, delta in enumerate(deltas) if delta.op == "start" and delta.value.get("call_id"))
    return [*deltas[: started + 1], *deltas[started:]]


def _arguments_first(deltas: list[Delta]) -> list[Delta]:
    started = next(n for n, delta in enumerate(deltas) if delta.op == "start" and delta.value.get("call_id"))
    early = Delta("append", deltas[started].part, "arguments", "{")
    return [*deltas[:started], early, *deltas[started:]]


@pytest.mark.parametrize(
    ("case", "show", "law"),
    [
        (TEXT, lambda deltas: [*deltas, Delta("close")], "one-end"),
        (TEXT, lambda deltas: deltas[:-1], "one-end"),
        (TEXT, _content_after_the_end, "one-end"),
        (TEXT, lambda deltas: [d for d in deltas if d.op != "usage"], "fold"),
        (TEXT, lambda deltas: [d for d in deltas if d.op != "start"], "fold"),
        (TEXT, lambda deltas: [*deltas[: append(deltas)], *deltas[append(deltas) + 1 :]], "text-is-fold"),
        (TOOL, _rename, "ids-stable"),
        (TOOL, _start_twice, "calls-once"),
        (TOOL, _arguments_first, "calls-once"),
        (TEXT, lambda _: [Delta("start", (0,), value=7)], "calls-once"),
    ],
)
def test_wrong_deltas(case: Case, show: Show, law: str) -> None:
    """An adapter that shows something else than it returns; also what is no delta at all."""
    found = broken(run(case, show=show))
    assert law in found
    assert found[law].verdict in (Verdict.WRONG, Verdict.LOSSY)
    assert found[law].expected
    assert found[law].got


@pytest.mark.parametrize("id", ["openai_responses/call-id-changes", "openai_responses/id-rotation"])
def test_ids_may_change_with_the_wire(id: str) -> None:
    """The provider's own fault laid at the adapter's door."""
    outcome = run(CASES[id])
    assert any(delta.op == "replace" and delta.field in ("id", "call_id") for delta in shown_by_wire(CASES[id]))
    assert broken(outcome) == {}


def shown_by_wire(case: Case) -> list[Delta]:
    """The deltas of the wire adapter."""
    deltas: list[Delta] = []
    keep: Show = lambda got: deltas.extend(got) or got  # type: ignore[func-returns-value]  # noqa: E731
    run(case, show=keep)
    return deltas


@pytest.mark.parametrize("end", ["-reset", "-short", "-stall"])
def test_a_fault_after_the_terminal_is_noted(end: str) -> None:
    """A connection that breaks after message_stop makes a failure of a whole message, or goes unseen."""
    stop = max(n for n in range(30) if can_play(TOOL, Plan(cut=f"after-{n}-reset")))
    outcome = run(TOOL, f"cut:after-{stop}{end}")
    assert outcome.verdict is Verdict.PASS, outcome.failures()
    assert [note.kind for note in outcome.diagnostics] == ["fault_after_terminal"]
    lost = broken(run(TOOL, f"cut:after-{stop}{end}", changed(status="interrupted", error=LOST)))
    assert lost["fault-after-terminal-noted"].got.startswith("interrupted")

    class Deaf(Faulty):
        def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
            got = super().run(call, endpoint, emit)
            self.shown.diagnostics.clear()
            return got

    deaf = asyncio.run(run_cell(Deaf(None, None), cell(TOOL, f"cut:after-{stop}{end}")))
    assert list(broken(deaf)) == ["fault-after-terminal-noted"]


def test_what_a_library_does_not_offer_is_not_missed() -> None:
    """An adapter that declares that it has no reasoning, blamed for losing it at a cut."""
    case = CASES["openai_chat/cut-clean-eof-reasoning-only"]
    assert any(isinstance(part, ReasoningPart) for part in fold(shown_by_wire(case)).content)

    class Modest(Faulty):
        capabilities = Capabilities(fields=("content.text", "error"))

    outcome = asyncio.run(run_cell(Modest(changed(content=()), None), cell(case)))
    assert "prefix-kept" not in broken(outcome)


def test_deltas_that_no_json_can_hold_are_left_out() -> None:
    """An outcome that cannot be written down, because of what it is about."""
    outcome = run(TEXT, show=lambda deltas: [*deltas[:1], Delta("start", (0,), value={"type": object()})])
    assert "fold" in broken(outcome)
    assert len(outcome.to_json()["deltas"]) == 1
