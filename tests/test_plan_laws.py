"""Cells under wire plans: what is graded, and that the laws of cut and failed streams can be broken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from click.testing import CliRunner
from streamproof.adapters.contract import Call, Emit, Endpoint
from streamproof.adapters.wire import WireAdapter
from streamproof.case import Case, all_cases
from streamproof.cell import Cell, can_play, cells, with_plans
from streamproof.cli import main
from streamproof.completion import Completion, ErrorInfo, TextPart, ToolCall, Usage
from streamproof.errors import LLMError, UsageError
from streamproof.outcome import Outcome
from streamproof.providers import TABLE
from streamproof.replay.transport import Playback
from streamproof.run import run_cell
from streamproof.verdict import Verdict
from streamproof.wire.plans import Plan

CASES = {case.id: case for case in all_cases()}
TEXT, TOOL = CASES["openai_chat/text"], CASES["anthropic_messages/tool-call"]
LOST = ErrorInfo(type="interrupted", code="connection_lost", message="gone")


def cell(case: Case, plan: str) -> Cell:
    """The first row's cell."""
    return replace(cells([case])[0], plan=Plan.parse(plan))


def run(case: Case, plan: str, change: Callable[[Completion], Completion] | None = None) -> Outcome:
    """The wire adapter on a cell, with a fault put into its completion."""

    class Faulty(WireAdapter):
        def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
            try:
                got = super().run(call, endpoint, lambda _: None)
            except LLMError as error:
                got = error.partial or Completion()
            return change(got) if change else got

    return asyncio.run(run_cell(Faulty(), cell(case, plan)))


@pytest.mark.parametrize("plan", ["split:byte", "frame:comments,crlf", "inject:field", "split:7+frame:two-lines"])
def test_requirements_hold_where_a_plan_changes_nothing(plan: str) -> None:
    """A cell whose requirements nobody checked, as its bytes came otherwise."""
    outcome = run(TEXT, plan)
    assert (outcome.verdict, outcome.message) == (Verdict.PASS, "")
    assert len(outcome.findings) == len(TEXT.requirements)
    assert outcome.cell.endswith(plan)


def test_requirements_are_not_those_of_a_cut_stream() -> None:
    """A cut blamed for the end that it took away; but a case written for a plan states what must come out of it."""
    assert run(TEXT, "cut:after-3").findings == ()
    own = CASES["openai_chat/cut-transport-error"]
    assert str(own.plan) == "cut:after-4-reset"
    outcome = run(own, str(own.plan))
    assert len(outcome.findings) == len(own.requirements)
    assert outcome.verdict is Verdict.PASS
    assert outcome.completion is not None
    assert outcome.completion.error is not None
    assert outcome.completion.error.code == "connection_lost"


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", "stream_incomplete"),
        ("-reset", "connection_lost"),
        ("-short", "connection_lost"),
        ("-stall", "idle_timeout"),
    ],
)
def test_every_end_is_told(end: str, code: str) -> None:
    """A broken connection that looks like a clean end."""
    outcome = run(TEXT, f"cut:after-3{end}")
    assert outcome.verdict is Verdict.PASS, outcome.message
    assert outcome.completion is not None
    assert outcome.completion.text
    assert outcome.completion.error is not None
    assert outcome.completion.error.code == code


@pytest.mark.parametrize("end", ["-reset", "-short", "-stall"])
def test_a_fault_after_the_terminal_is_noted(end: str) -> None:
    """A connection that breaks after message_stop makes a failure of a whole message, or goes unseen."""
    stop = max(n for n in range(30) if can_play(TOOL, Plan(cut=f"after-{n}-reset")))
    outcome = run(TOOL, f"cut:after-{stop}{end}")
    assert outcome.verdict is Verdict.PASS, outcome.message
    assert [note.kind for note in outcome.diagnostics] == ["fault_after_terminal"]
    lost = run(TOOL, f"cut:after-{stop}{end}", lambda c: replace(c, status="interrupted", error=LOST))
    assert "the terminal came, and the status is interrupted" in lost.message


def _more_text(completion: Completion) -> Completion:
    return replace(completion, content=(TextPart(text=f"{completion.text} and more"),))


CALL = ToolCall(id="c", name="f", arguments="{}", complete=True)


@pytest.mark.parametrize(
    ("case", "plan", "change", "message"),
    [
        (TEXT, "cut:after-3", {"status": "complete", "error": None}, "was cut before its terminal, and looks complete"),
        (TEXT, "cut:after-3", {"status": "failed"}, "the connection broke, and the status is failed"),
        (TEXT, "cut:after-3", {"error": None}, "no error says why"),
        (TEXT, "cut:after-3", {"finish_reason": "stop"}, "finish_reason 'stop' before the wire gave one"),
        (TEXT, "cut:after-3", {"content": ()}, "text that came is lost"),
        (TEXT, "cut:after-3", _more_text, "text that never came"),
        (TEXT, "cut:after-3", {"usage": Usage(input_tokens=1)}, "usage.input_tokens is 1"),
        (TEXT, "cut:after-3", {"tool_calls": (CALL,)}, "a complete call that the wire never made"),
        (TEXT, "inject:error-3", {"status": "complete", "error": None}, "looks complete|reported an error"),
        (TEXT, "inject:error-3", {"status": "interrupted"}, "the provider reported an error, and the status is"),
        (TOOL, "cut:inside-9", {"tool_calls": ()}, "tool calls came, 0 are there"),
    ],
)
def test_broken_laws(case: Case, plan: str, change: Any, message: str) -> None:
    """A wrong adapter that a cut does not show."""
    assert run(case, plan).verdict is Verdict.PASS
    outcome = run(case, plan, change if callable(change) else lambda completion: replace(completion, **change))
    assert outcome.verdict is Verdict.WRONG
    assert any(part in outcome.message for part in message.split("|"))


def test_estimated_usage_is_not_invented() -> None:
    """An estimate that is marked as one, taken for a lie."""
    usage = Usage(input_tokens=1, estimated=True)
    assert run(TEXT, "cut:after-3", lambda completion: replace(completion, usage=usage)).verdict is Verdict.PASS


def test_with_plans() -> None:
    """Cells whose plan is not legal for their stream; a request that gives no cell at all."""
    http_error = CASES["anthropic_messages/http-401"]
    both = cells([TEXT, http_error])
    chosen = with_plans(both, [Plan(split="byte"), Plan(cut="after-0")])
    assert {(c.case.id, str(c.plan)) for c in chosen} == {
        (TEXT.id, "split:byte"), (TEXT.id, "cut:after-0"), (http_error.id, "split:byte"),
    }  # fmt: skip
    with pytest.raises(UsageError, match="inject:ping: legal for none"):
        with_plans(both[:1], [Plan(inject="ping")])


@pytest.mark.parametrize(
    ("end", "fault"),
    [("reset", httpx2.ReadError), ("short", httpx2.RemoteProtocolError), ("stall", httpx2.ReadTimeout)],
)
def test_the_transport_raises_what_a_socket_would(end: str, fault: type[Exception]) -> None:
    """A cut that a client over HTTP takes for the end of the body, or that loses the bytes before it."""
    row, plan = TABLE["openai", "openai_chat"], Plan(split="7", cut=f"after-0-{end}")
    playback = Playback(TEXT.cassette, row, "m", plan=plan)
    came: list[bytes] = []
    with playback.client() as client, client.stream("POST", row.url("m")) as response, pytest.raises(fault):
        came.extend(response.iter_raw())
    body = TEXT.cassette.interactions[0].body
    assert all(len(chunk) <= 7 for chunk in came)
    assert b"".join(came) == body[: body.index(b"\n\n") + 2]


def test_plans_on_the_command_line() -> None:
    """A plan that the run forgets, names otherwise, or cannot be repeated by the command it prints."""
    asked = ["run", TEXT.id, "--adapter", "wire", "--provider", TEXT.providers[0]]
    result = CliRunner().invoke(
        main, [*asked, "--plan", "split:byte+frame:crlf", "--plan", "cut:after-1", "--json", "-"]
    )
    assert result.exit_code == 0, result.output
    for plan in ("split:byte+frame:crlf", "cut:after-1"):
        assert f'"{TEXT.id}@{TEXT.providers[0]}+{plan}"' in result.output
    result = CliRunner().invoke(main, [*asked, "--plan", "frame:utf7"])
    assert result.exit_code == 2
    assert "no wire plan frame:utf7" in result.output
