"""Chat Completions: which call an entry of `tool_calls` belongs to, and which part a reasoning detail belongs to."""

from __future__ import annotations

from typing import Any

import pytest
from chat_wire import STOP, call, called, calls, chunk, content, decode, run
from streamproof.completion import Delta
from streamproof.decoders.base import Quirks
from streamproof.decoders.openai_chat import OpenAIChatDecoder

XAI = Quirks(server_call_prefixes=("xs_call_",))


def deltas_of(*deltas: Any, quirks: Quirks = XAI) -> list[Delta]:
    """What a stream of these deltas gives."""
    decoder = OpenAIChatDecoder(quirks)
    return [step for delta in deltas for step in decoder.feed(chunk(delta))]


def said(*deltas: Any) -> list[str]:
    """The diagnostics of a stream of these deltas."""
    _, decoder = run(*(chunk(delta) for delta in deltas), STOP)
    return [f"{note.kind}: {note.detail}" for note in decoder.diagnostics]


def entries(*pieces: Any) -> list[Any]:
    """One delta for each entry of `tool_calls`."""
    return [{"tool_calls": [piece]} for piece in pieces]


# -- calls


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"id": "a", "function": {"name": "f"}}, None),
        ({"id": "a", "custom": {"name": "f"}}, "custom"),
        ({"id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}, "custom"),
        ({"id": "a", "type": "novel", "function": {"name": "f"}}, None),
        ({"id": "a", "type": "novel", "custom": {"name": "f"}}, "custom"),
        ({"id": "a", "type": ""}, None),
        ({"id": "a", "type": None}, None),
        ({"id": "a", "type": "function"}, None),
        ({"id": "a", "type": "custom"}, None),
        ({"id": "a"}, None),
    ],
)
def test_what_is_a_call(entry: Any, kind: str | None) -> None:
    """By its body or by its type; the part says where it is no function call."""
    completion = decode(calls(entry, finish="tool_calls"))
    assert [made.id for made in completion.tool_calls] == ["a"]
    assert content(completion) == [{"type": "tool_call", "index": 0} | ({"kind": kind} if kind else {})]


def test_the_kind_of_the_deprecated_call() -> None:
    """`function_call` says so."""
    completion = decode(chunk({"function_call": {"name": "f", "arguments": "{}"}}, "function_call"))
    assert content(completion) == [{"type": "tool_call", "index": 0, "kind": "function_call"}]
    assert called(completion) == [(None, "f", "{}", True)]


def test_no_empty_piece_is_shown() -> None:
    """Empty arguments are no delta, and an id or kind that is not there is not told."""
    steps = deltas_of(*entries(call(0, None, "f", ""), call(0, None, None, "{}"), call(0, None, None, None)))
    assert [step.value for step in steps if step.op == "start" and step.part] == [{"type": "tool_call", "name": "f"}]
    assert [(step.field, step.value) for step in steps if step.op != "start"] == [("arguments", "{}")]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        # without an index the last call is the one that was named last
        (
            [call(None, "a", "f", "{"), call(None, "b", "g", "{}"), call(None, "a"), call(None, arguments="}")],
            [("a", "f", "{}"), ("b", "g", "{}")],
        ),
        # an id that came late is the call's own from then on
        (
            [call(0, None, "f", "{}"), call(0, "late"), call(0, "other", "g", "{}")],
            [("late", "f", "{}"), ("other", "g", "{}")],
        ),
        ([call(0, None, "f", "{"), call(0, "late"), call(None, "late", None, "}")], [("late", "f", "{}")]),
        # a new id without a name changes nothing
        ([call(0, "a", "f", "{"), call(0, "b", None, "}")], [("a", "f", "{}")]),
        # an old id on another index is that of a new call
        ([call(0, "a", "f", "{}"), call(1, "a", "g", "{}")], [("a", "f", "{}"), ("a", "g", "{}")]),
        ([call("x", "a", "f", "{"), call("x", None, None, "}")], [("a", "f", "{}")]),
        ([call(True, "a", "f", "{"), call(None, None, None, "}")], [("a", "f", "{}")]),
        ([call(None, None, "f", "{}"), call(None, None, "f", "{}")], [(None, "f", "{}"), (None, "f", "{}")]),
    ],
)
def test_which_call_an_entry_continues(pieces: list[Any], expected: list[Any]) -> None:
    """Index, id and name decide in this order; what nobody can tell apart stays together."""
    completion = decode(*map(calls, pieces), STOP)
    assert [(made.id, made.name, made.arguments) for made in completion.tool_calls] == expected


def test_a_name_that_came_late_is_the_name() -> None:
    """Another one after it is noted."""
    assert said(*entries(call(0, "a"), call(0, None, "f"), call(0, None, "g"))) == ["tool_call_name_changed: f -> g"]


def test_a_call_that_the_provider_runs() -> None:
    """It is a server tool from its first piece on, keeps its place among calls, and never gets a call's fields."""
    server = call(0, "xs_call_1", "search", '{"a"')
    steps = deltas_of(*entries(server, call(0, "b", "g", "{}"), call(0, "xs_call_1", None, ":1}")))
    data = [step.value["data"] if step.op == "start" else step.value for step in steps if step.part == (0,)]
    assert [piece["arguments"] for piece in data] == ["", '{"a"', '{"a":1}']
    assert {step.field for step in steps if step.part == (0,)} == {None, "data"}
    completion = decode(*(chunk(delta) for delta in entries(server, call(0, "b", "g", "{}"))), STOP, quirks=XAI)
    assert [made.id for made in completion.tool_calls] == ["b"]


def test_a_custom_call_that_the_provider_runs() -> None:
    """It has no kind of its own."""
    entry = {"index": 0, "id": "xs_call_1", "custom": {"name": "f", "input": "x"}}
    (part,) = content(decode(calls(entry), STOP, quirks=XAI))
    assert part == {
        "type": "server_tool",
        "id": "xs_call_1",
        "name": "f",
        "data": {"id": "xs_call_1", "name": "f", "arguments": "x"},
    }


# -- reasoning


def detail(text: str = "", **more: Any) -> dict[str, Any]:
    """A readable reasoning detail."""
    return {"type": "reasoning.text", "text": text, **more}


def details(*found: Any, **more: Any) -> dict[str, Any]:
    """A delta with reasoning details."""
    return {"reasoning_details": list(found), **more}


def parts(*deltas: Any) -> list[Any]:
    """The parts of a stream of these deltas, without what only goes back with them."""
    found = content(decode(*(chunk(delta) for delta in deltas), STOP))
    return [{name: value for name, value in part.items() if name != "extra"} for part in found]


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        ([details(detail(id="x"))], []),
        ([details(detail("a", id="x"), detail("b", id="x"))], [{"type": "reasoning", "text": "ab", "id": "x"}]),
        ([details(detail("a")), details(detail("b"))], [{"type": "reasoning", "text": "ab"}]),
        (
            [details({"type": "novel", "data": "x"})],
            [{"type": "unknown", "name": "novel", "data": {"type": "novel", "data": "x"}}],
        ),
        (
            [details({"type": "reasoning.encrypted"})],
            [{"type": "unknown", "name": "reasoning.encrypted", "data": {"type": "reasoning.encrypted"}}],
        ),
        (
            [
                details(
                    {"type": "reasoning.encrypted", "data": "x"}, {"type": "redacted_thinking", "data": "y", "id": "i"}
                )
            ],
            [
                {"type": "reasoning", "text": "", "encrypted": "x"},
                {"type": "reasoning", "text": "", "encrypted": "y", "id": "i"},
            ],
        ),
        (
            [details(detail("a", signature="s"), detail("", signature="s"))],
            [{"type": "reasoning", "text": "a", "signature": "s"}],
        ),
        (
            [details(detail("a", signature="s"), detail("", signature="t"))],
            [
                {"type": "reasoning", "text": "a", "signature": "s"},
                {"type": "reasoning", "text": "", "signature": "t"},
            ],
        ),
        (
            [details(detail("a", signature=5)), details(detail("b", signature=""))],
            [{"type": "reasoning", "text": "ab"}],
        ),
        (
            [{"thinking_blocks": [{"type": "thinking", "thinking": "a", "signature": "s"}]}],
            [{"type": "reasoning", "text": "a", "signature": "s"}],
        ),
        ([details(), {"reasoning": "b"}], [{"type": "reasoning", "text": "b"}]),
        ([{"content": [{"type": "thinking"}]}], []),
    ],
)
def test_what_a_detail_gives(deltas: list[Any], expected: list[Any]) -> None:
    """Text grows, ids and signatures end a run, ciphertext stands alone, what is unknown is kept."""
    assert parts(*deltas) == expected


def test_what_a_detail_says_once() -> None:
    """Id and the fields that go back are told once for a part, and never without one."""
    steps = deltas_of(details(detail("a", id="x")), details(detail("b", id="x")), details(detail("c")))
    assert [step.field for step in steps if step.op == "replace"] == ["id", "extra"]
    hidden = deltas_of(details({"type": "reasoning.encrypted", "data": "d"}))
    assert "id" not in next(step.value for step in hidden if step.part)


@pytest.mark.parametrize(
    "delta",
    [
        details(detail("a"), detail("b"), reasoning="ab"),
        details(detail("a"), {"type": "reasoning.encrypted", "data": "d"}, reasoning="a"),
        details(detail(""), reasoning="a"),
        {"reasoning": "a", "reasoning_content": "a"},
        {"reasoning": "a", "reasoning_content": ""},
    ],
)
def test_details_that_repeat_the_string(delta: dict[str, Any]) -> None:
    """They agree with it, whatever stands beside them: nothing to note, and the text comes once."""
    assert said(delta) == []
    assert parts(delta)[0]["text"] == delta["reasoning"]


def test_details_after_a_string() -> None:
    """The whole of what the strings said is a repetition, a part of it or something else is not."""
    strings = [{"reasoning": "a"}, {"reasoning": "b"}]
    assert parts(*strings, details(detail("ab"))) == [{"type": "reasoning", "text": "ab"}]
    assert parts(*strings, details(detail("b"))) == [{"type": "reasoning", "text": "abb"}]
    assert parts(*strings, details(detail("cd"))) == [{"type": "reasoning", "text": "abcd"}]
    again = [*strings, {"content": "x"}, {"reasoning": "c"}]
    assert [part["text"] for part in parts(*again, details(detail("c")))] == ["ab", "x", "c"]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", "reasoning_text"])
def test_every_name_of_plain_reasoning(field: str) -> None:
    """Each server's field is reasoning."""
    assert parts({field: "r"}) == [{"type": "reasoning", "text": "r"}]
    assert said({field: "r"}) == []


def test_fields_of_an_entry_that_are_known() -> None:
    """None of them is told."""
    body = {"name": "f", "arguments": "{}", "description": "d", "parameters": {}, "provider_specific_fields": {}}
    entry = {"index": 0, "id": "a", "type": "function", "function": body}
    signed = {"extra_content": {"google": {"thought_signature": "s"}}, "provider_specific_fields": {}}
    custom = {"index": 1, "id": "b", "type": "custom", "custom": {"name": "f", "input": "x"}}
    assert said({"tool_calls": [{**entry, **signed}, custom]}) == []
