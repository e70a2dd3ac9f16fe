"""Grading what a library does not offer: green with the right declaration, red without it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import pytest
from limited import (
    Change,
    Limited,
    blanks,
    drops,
    drops_reasoning,
    drops_usage,
    joins_text,
    only_raises,
    says,
    says_raw_finish,
)
from streamproof.adapters.contract import Call, Emit, Endpoint
from streamproof.capabilities import Capabilities, Overlay
from streamproof.case import all_cases
from streamproof.cell import Cell, cells
from streamproof.completion import (
    Completion,
    ErrorInfo,
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    ToolCallPart,
    Usage,
    part_to_json,
)
from streamproof.errors import LLMError, llm_error
from streamproof.grading.capability_check import complaints
from streamproof.grading.view import Told, View, view
from streamproof.jsontext import JSON
from streamproof.outcome import Outcome
from streamproof.requirements import Requirement
from streamproof.running.run_cell import refused, run_cell
from streamproof.verdict import Verdict

UNSUPPORTED = Verdict.UNSUPPORTED
BESIDE = ("-details", "-diagnostics")
"""What the fake library never shows."""


@cache
def suite() -> tuple[Cell, ...]:
    """Every fifth case, for its first provider."""
    return tuple(cells([case])[0] for case in list(all_cases())[::5])


def outcomes(adapter: Limited) -> Iterator[Outcome]:
    """A part of the suite through an adapter."""
    with asyncio.Runner() as runner:
        for cell in suite():
            yield runner.run(run_cell(adapter, cell))


def red(adapter: Limited) -> list[str]:
    """The cells that fail."""
    return [outcome.cell for outcome in outcomes(adapter) if not outcome.verdict.ok]


LIBRARIES = {
    "reasoning": ((drops_reasoning,), Capabilities(fields=("-content.reasoning", *BESIDE))),
    "signatures": (
        (blanks("reasoning", signature=None),),
        Capabilities(fields=("-content.reasoning.signature", *BESIDE)),
    ),
    "server-tools": (
        (drops("server_tool", "citation", "unknown"),),
        Capabilities(fields=("-content.server_tool", "-content.citation", "-content.unknown", *BESIDE)),
    ),
    "usage": ((drops_usage,), Capabilities(fields=("-usage", "-raw_usage", *BESIDE))),
    "finish": (
        (says(finish_reason=None, raw_finish_reason=None),),
        Capabilities(fields=("-finish_reason", "-raw_finish_reason", *BESIDE)),
    ),
    "raw-finish": (
        (says_raw_finish,),
        Capabilities(finish_dialect="raw", fields=("-raw_finish_reason", *BESIDE)),
    ),
    "errors": ((only_raises,), Capabilities(fields=("-error", *BESIDE))),
    "joined": (
        (joins_text,),
        Capabilities(
            text="joined",
            fields=(
                "-content.ids", "-content.signatures", "-content.text.annotations",
                "-content.reasoning.signature", "-content.reasoning.summary", "-content.reasoning.encrypted", *BESIDE,
            ),
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_right_declaration_is_green(library: str) -> None:
    """A library that would be red in every cell for what it never claimed to show."""
    changes, capabilities = LIBRARIES[library]
    found = list(outcomes(Limited(changes, capabilities)))
    assert [outcome.cell for outcome in found if not outcome.verdict.ok] == []
    assert sum(outcome.verdict is Verdict.NOT_OFFERED for outcome in found) >= 1
    assert sum(outcome.verdict is Verdict.PASS for outcome in found) >= 1


@pytest.mark.parametrize("library", LIBRARIES)
def test_no_declaration_is_red(library: str) -> None:
    """A declaration that makes no difference, so that its test above proves nothing."""
    changes, _ = LIBRARIES[library]
    assert red(Limited(changes, Capabilities(fields=BESIDE)))


def test_a_short_list_of_fields_is_green() -> None:
    """A declaration of little that a whole completion cannot be laid under."""
    modest = Capabilities(fields=("content.text", "tool_calls"), text="joined")
    found = list(outcomes(Limited((), modest)))
    assert [outcome.cell for outcome in found if not outcome.verdict.ok] == []


class JoinsInResponses(Limited):
    """A library that joins text in one protocol, and gives its parts in the others."""

    def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        joins = endpoint.provider.protocol == "openai_responses"
        return Limited.run(self if joins else Limited(), call, endpoint, emit)


def test_what_differs_in_a_protocol() -> None:
    """A library that has to be declared as the least of its protocols, and is complained of in the others."""
    changes, joined = LIBRARIES["joined"]
    whole = Capabilities(fields=BESIDE)
    there: Overlay = {"text": "joined", "fields": joined.fields or ()}
    differs = replace(whole, by_protocol={"openai_responses": there})
    found = list(outcomes(JoinsInResponses(changes, differs)))
    assert [outcome.cell for outcome in found if not outcome.verdict.ok] == []
    assert not [each for each in complaints(differs, found) if "text in parts" in each]
    undeclared = red(JoinsInResponses(changes, whole))
    assert {cell.partition("/")[0] for cell in undeclared} == {"openai_responses"}
    (everywhere,) = [each for each in complaints(joined, found) if "text in parts" in each]
    assert "openai_responses" not in everywhere


def test_providers_of_a_protocol() -> None:
    """A library that speaks to a provider in one of its protocols only is asked in the other too."""
    elsewhere = Capabilities(by_protocol={"openai_chat": {"providers": ("nobody",)}})
    unsupported = {o.cell.partition("/")[0] for o in outcomes(Limited((), elsewhere)) if o.own_verdict is UNSUPPORTED}
    assert unsupported == {"openai_chat"}


def test_several_choices_are_asked_of_who_shows_them() -> None:
    """A library with one answer is blamed for the choices that it was made to ask for."""
    several = next(cell for cell in cells(all_cases()) if cell.case.id == "openai_chat/n-choices")
    assert refused(Limited((), Capabilities(fields=("-choices",))), several)
    assert not refused(Limited((), Capabilities(fields=("choices",))), several)


LIES: dict[str, Change] = {
    "drops-text": drops("text"),
    "drops-calls": says(tool_calls=()),
    "invents-stop": says(finish_reason="stop"),
    "looks-complete": says(status="complete", error=None),
    "doubles-text": lambda c: replace(
        c, content=tuple(replace(p, text=p.text * 2) if isinstance(p, TextPart) else p for p in c.content)
    ),
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("library", ["reasoning", "joined", "usage"])
def test_a_declaration_hides_no_other_fault(library: str, lie: str) -> None:
    """A view that takes from the wire what the library does offer."""
    changes, capabilities = LIBRARIES[library]
    undeclared = red(Limited((LIES[lie],), Capabilities(fields=BESIDE)))
    caught = red(Limited((*changes, LIES[lie]), capabilities))
    assert undeclared
    assert set(undeclared) <= set(caught)


THOUGHT, HELLO, WORLD = ReasoningPart(text="hm"), TextPart(text="Hello"), TextPart(text=" world")
CALL = ToolCallPart(index=0)
SEARCH = ServerToolPart(name="web_search_call", data={"q": 1})


def laid(wire: Sequence[Part], got: Sequence[Part], **capabilities: object) -> list[object]:
    """The content that requirements see."""
    seen = _view(Completion(content=tuple(wire)), Completion(content=tuple(got)), **capabilities)
    return [tuple(part.values()) for part in seen.full["content"]]


def _view(wire: Completion, got: Completion, **capabilities: object) -> View:
    return view(Told(wire, {}), Told(got, {}), Capabilities(**capabilities))  # type: ignore[arg-type]


def shapes(*parts: Part) -> list[object]:
    """The same of parts."""
    return [tuple(part_to_json(part).values()) for part in parts]


NO_REASONING = {"fields": ("-content.reasoning",)}
JOINED = {"text": "joined"}


@pytest.mark.parametrize(
    ("wire", "got", "capabilities", "expected"),
    [
        ([THOUGHT, HELLO], [HELLO], NO_REASONING, [THOUGHT, HELLO]),
        ([THOUGHT, HELLO], [THOUGHT, HELLO], NO_REASONING, [THOUGHT, HELLO]),
        ([HELLO, THOUGHT, WORLD], [HELLO, WORLD], NO_REASONING, [HELLO, THOUGHT, WORLD]),
        ([HELLO, THOUGHT, WORLD], [TextPart(text="Hello world")], NO_REASONING, [HELLO, THOUGHT, WORLD]),
        ([THOUGHT, HELLO], [HELLO, WORLD], NO_REASONING, [THOUGHT, HELLO, WORLD]),
        ([THOUGHT, HELLO, CALL], [CALL, HELLO], NO_REASONING, [THOUGHT, CALL, HELLO]),
        ([HELLO, CALL, WORLD], [TextPart(text="Hello world"), CALL], JOINED, [HELLO, CALL, WORLD]),
        ([HELLO, CALL, WORLD], [TextPart(text="Hello\n\n world"), CALL], JOINED, [HELLO, CALL, WORLD]),
        ([HELLO, THOUGHT, WORLD], [THOUGHT, TextPart(text="Hello world")], JOINED, [HELLO, THOUGHT, WORLD]),
        ([HELLO], [HELLO, THOUGHT], JOINED, [HELLO, THOUGHT]),
        ([HELLO, WORLD], [TextPart(text="Hello world!")], JOINED, [HELLO, TextPart(text=" world!")]),
        (
            [ReasoningPart(text="a\n\nb", summary=("a", "b"))],
            [ReasoningPart(text="ab")],
            {"text": "joined", "fields": ("-content.reasoning.summary",)},
            [ReasoningPart(text="a\n\nb", summary=("a", "b"))],
        ),
        ([RefusalPart(text="No."), HELLO], [TextPart(text="No."), HELLO], {"fields": ("-content.refusal",)},
         [RefusalPart(text="No."), HELLO]),
        ([RefusalPart(text="No.")], [TextPart(text="No.")], {"text": "joined", "fields": ("-content.refusal",)},
         [RefusalPart(text="No.")]),
        ([RefusalPart(text="No.")], [TextPart(text="Yes.")], {"fields": ("-content.refusal",)},
         [RefusalPart(text="No."), TextPart(text="Yes.")]),
        ([SEARCH, HELLO], [HELLO], {"fields": ("-content.server_tool",)}, [SEARCH, HELLO]),
        (
            [ReasoningPart(signature="s"), HELLO],
            [HELLO],
            {"fields": ("-content.reasoning.signature",)},
            [ReasoningPart(signature="s"), HELLO],
        ),
        (
            [ReasoningPart(text="hm", signature="s"), HELLO],
            [THOUGHT, HELLO],
            {"fields": ("-content.reasoning.signature",)},
            [ReasoningPart(text="hm", signature="s"), HELLO],
        ),
    ],
)  # fmt: skip
def test_parts_find_their_places(
    wire: list[Part], got: list[Part], capabilities: dict[str, object], expected: list[Part]
) -> None:
    """A part that stands one place too early, and fails requirements that are about another."""
    assert laid(wire, got, **capabilities) == shapes(*expected)


def test_a_joined_text_that_lacks_a_part_fails_there_only() -> None:
    """One lost part that makes all behind it look lost, or a place that looks filled."""
    seen = _view(
        Completion(content=(HELLO, CALL, WORLD)), Completion(content=(TextPart(text=" world"), CALL)), text="joined"
    )
    assert seen.full["content"] == [{}, part_to_json(CALL), part_to_json(WORLD)]
    assert verdict(seen, "content[0].text", "equals", "Hello") is Verdict.LOSSY
    assert verdict(seen, "content[0].type", "equals", "text") is Verdict.LOSSY
    assert verdict(seen, "content[2].text", "equals", " world") is Verdict.PASS
    assert verdict(seen, "content[3]", "absent", None) is Verdict.PASS


def test_what_is_missing_at_the_end_is_not_hidden() -> None:
    """`content[-1]` that lands on a part which is not offered, because the one behind it is gone."""
    seen = _view(Completion(content=(THOUGHT, HELLO)), Completion(), **NO_REASONING)
    assert verdict(seen, "content[-1].text", "equals", "Hello") is Verdict.LOSSY
    assert verdict(seen, "content[1].type", "equals", "text") is Verdict.LOSSY


def verdict(seen: View, path: str, op: str, value: JSON) -> Verdict:
    """What a single requirement gives."""
    fact = Requirement(id="fact", level="must", path=path, op=op, value=value, source={"kind": "docs", "ref": "x"})
    (finding,) = seen.check([fact])
    return finding.verdict


WIRE = Completion(
    content=(ReasoningPart(text="hm", signature="s"), TextPart(text="Hello"), CALL),
    tool_calls=(ToolCall(id="c1", name="f", arguments='{"a": 1}', complete=True),),
    usage=Usage(input_tokens=3, output_tokens=2),
    finish_reason="tool_calls",
    raw_finish_reason="STOP",
    status="complete",
)


@pytest.mark.parametrize(
    ("path", "op", "value", "expected"),
    [
        ("content[0].text", "equals", "hm", Verdict.NOT_OFFERED),
        ("content[0].type", "equals", "reasoning", Verdict.NOT_OFFERED),
        ("content[-3].signature", "equals", "s", Verdict.NOT_OFFERED),
        ("content[0]", "contains", {"type": "reasoning"}, Verdict.NOT_OFFERED),
        ("content", "contains", {"type": "reasoning", "text": "hm"}, Verdict.NOT_OFFERED),
        ("content", "contains", {"type": "text", "text": "Hello"}, Verdict.PASS),
        ("content[1].text", "equals", "Hello", Verdict.PASS),
        ("content[1].text", "equals", "Bye", Verdict.WRONG),
        ("content[3]", "absent", None, Verdict.PASS),
        ("usage.input_tokens", "equals", 3, Verdict.PASS),
        ("usage.reasoning_tokens", "absent", None, Verdict.NOT_OFFERED),
        ("status", "equals", "complete", Verdict.PASS),
        ("error", "absent", None, Verdict.PASS),
        ("tool_calls[0].id", "equals", "c1", Verdict.NOT_OFFERED),
        ("tool_calls[0].name", "equals", "f", Verdict.PASS),
        ("details.stop_sequence", "equals", "x", Verdict.NOT_OFFERED),
    ],
)
def test_what_a_requirement_is_about(path: str, op: str, value: JSON, expected: Verdict) -> None:
    """A requirement about something else than it seems: credit for what is not shown, or blame for it."""
    got = replace(
        WIRE,
        content=(TextPart(text="Hello"), CALL),
        tool_calls=(ToolCall(name="f", arguments='{"a": 1}', complete=True),),
    )
    seen = _view(
        WIRE, got, fields=("-content.reasoning", "-usage.reasoning_tokens", "-tool_calls.id", "-details"),
        finish_dialect="wire",
    )  # fmt: skip
    assert verdict(seen, path, op, value) is expected


@pytest.mark.parametrize(
    ("dialect", "said", "expected"),
    [
        ("normal", "tool_calls", Verdict.PASS),
        ("normal", "stop", Verdict.WRONG),
        ("wire", "stop", Verdict.PASS),
        ("wire", "tool_calls", Verdict.PASS),
        ("wire", "length", Verdict.WRONG),
        ("wire", "STOP", Verdict.WRONG),
        ("raw", "STOP", Verdict.PASS),
        ("raw", "MAX_TOKENS", Verdict.WRONG),
        ("raw", None, Verdict.LOSSY),
        ("wire", "other", Verdict.WRONG),
    ],
)
def test_finish_dialects(dialect: str, said: str | None, expected: Verdict) -> None:
    """A dialect that accepts another reason than the wire's, or refuses its own words."""
    seen = _view(WIRE, replace(WIRE, finish_reason=said), finish_dialect=dialect, fields=("-details",))
    assert verdict(seen, "finish_reason", "equals", "tool_calls") is expected


def test_a_said_call_is_no_natural_stop() -> None:
    """The wire said `tool_calls` itself, so `stop` is not the wire's word."""
    wire = replace(WIRE, raw_finish_reason="tool_calls")
    seen = _view(wire, replace(wire, finish_reason="stop"), finish_dialect="wire")
    assert verdict(seen, "finish_reason", "equals", "tool_calls") is Verdict.WRONG


@pytest.mark.parametrize(
    ("truth", "expected"),
    [("pause_turn", Verdict.NOT_OFFERED), ("length", Verdict.WRONG), ("other", Verdict.PASS)],
)
def test_other_is_the_word_of_a_closed_list(truth: str, expected: Verdict) -> None:
    """A closed list of words is no lie about a word that is not in it; about one that is, it is."""
    wire = replace(WIRE, finish_reason=truth, raw_finish_reason=truth)
    seen = _view(wire, replace(wire, finish_reason="other"), fields=("-details",))
    assert verdict(seen, "finish_reason", "equals", truth) is expected


def test_a_refusal_may_be_told_by_the_reason() -> None:
    """A library that says why, where the normal form has a part for it."""
    wire = replace(WIRE, content=(RefusalPart(text="No."),), finish_reason="stop", raw_finish_reason="stop")
    seen = _view(wire, replace(wire, finish_reason="content_filter"), fields=("-details",))
    assert verdict(seen, "finish_reason", "equals", "stop") is Verdict.PASS
    plain = replace(wire, content=(HELLO,))
    seen = _view(plain, replace(plain, finish_reason="content_filter"), fields=("-details",))
    assert verdict(seen, "finish_reason", "equals", "stop") is Verdict.WRONG


@pytest.mark.parametrize(
    ("sent", "shown", "expected"),
    [
        ('{"a": 1, "b": 2}', '{"b":2,"a":1}', Verdict.PASS),
        ("", "{}", Verdict.PASS),
        ('{"a": 1}', '{"a":2}', Verdict.WRONG),
        ('{"a": 1}', "", Verdict.LOSSY),
        ('{"a": 1', "{}", Verdict.NOT_OFFERED),
    ],
)
def test_parsed_arguments(sent: str, shown: str, expected: Verdict) -> None:
    """Arguments that are compared as text although the library shows an object, or not compared at all."""
    wire = replace(WIRE, tool_calls=(replace(WIRE.tool_calls[0], arguments=sent),))
    got = replace(WIRE, tool_calls=(replace(WIRE.tool_calls[0], arguments=shown),))
    seen = _view(wire, got, arguments="object")
    assert verdict(seen, "tool_calls[0].arguments", "equals", sent) is expected


CUT = replace(WIRE, status="interrupted", finish_reason=None, error=ErrorInfo(type="interrupted", message="cut"))


def test_an_exception_that_does_not_say_which() -> None:
    """`interrupted` and `failed` are one to a library that only raises; looking complete is not."""
    got = replace(CUT, status="failed", error=ErrorInfo(type="provider"))
    assert verdict(_view(CUT, got), "status", "equals", "interrupted") is Verdict.WRONG
    seen = _view(CUT, got, fields=("-error",))
    assert verdict(seen, "status", "equals", "interrupted") is Verdict.PASS
    assert verdict(seen, "error.type", "equals", "interrupted") is Verdict.NOT_OFFERED
    seen = _view(CUT, replace(WIRE, status="complete"), fields=("-error",))
    assert verdict(seen, "status", "equals", "interrupted") is Verdict.WRONG


class Raises:
    """A library that raises and leaves nothing behind."""

    name, protocols = "raises", ("openai_chat",)

    def __init__(self, capabilities: Capabilities | None) -> None:
        self.capabilities = capabilities

    def run(self, *_: object) -> Completion:
        raise self.error

    error: LLMError = llm_error(ErrorInfo(type="interrupted", message="connection lost"))


def test_without_partial_only_the_end_is_graded() -> None:
    """An adapter that is blamed for what its library does not keep, or praised where nothing was cut."""
    by_id = {case.id: case for case in all_cases()}
    cut, whole = (cells([by_id[name]])[0] for name in ("openai_chat/cut-clean-eof", "openai_chat/text"))
    bare = Raises(Capabilities(fields=("-partial", "-error.code", "-error.message", *BESIDE)))
    assert asyncio.run(run_cell(bare, cut)).verdict is Verdict.NOT_OFFERED
    assert asyncio.run(run_cell(bare, whole)).verdict is Verdict.WRONG
    assert asyncio.run(run_cell(Raises(None), cut)).verdict is Verdict.LOSSY
