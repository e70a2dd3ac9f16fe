"""Chat Completions: tool calls."""

from __future__ import annotations

from typing import Any

import pytest
from chat_wire import STOP, call, called, calls, chunk, content, decode, notes, run, text
from streamproof.decoders.base import Quirks


def test_parallel_calls_interleaved() -> None:
    """Pieces go to the call of their index; the order is that of first appearance, also with sparse indexes."""
    completion = decode(
        text("Let me see"),
        calls(call(7, "a", "f", ""), call(2, "b", "g", "")),
        calls(call(2, arguments="{}"), call(7, arguments='{"x":')),
        calls(call(7, arguments="1}"), finish="tool_calls"),
    )
    assert called(completion) == [("a", "f", '{"x":1}', True), ("b", "g", "{}", True)]
    assert content(completion)[1:] == [{"type": "tool_call", "index": 0}, {"type": "tool_call", "index": 1}]


@pytest.mark.parametrize("again", [{"id": "a", "name": "f"}, {"id": "", "name": ""}, {"id": "b"}, {}])
def test_id_and_name_are_set_once(again: dict[str, Any]) -> None:
    """Repeated, empty or changed ids and names neither double, wipe nor split a call."""
    pieces = [call(0, "a", "f", ""), call(0, arguments='{"x"', **again), call(0, arguments=":1}", **again)]
    assert called(decode(*map(calls, pieces), chunk(finish="tool_calls"))) == [("a", "f", '{"x":1}', True)]


def test_index_missing() -> None:
    """Without an index an id or a name starts a call, nothing of both continues the last, a known id its own."""
    completion = decode(
        calls(call(None, "a", "f", "{}"), call(None, "b", "g", '{"x":')), calls(call(None, arguments="1}")), STOP
    )
    assert called(completion) == [("a", "f", "{}", True), ("b", "g", '{"x":1}', True)]
    assert called(decode(calls(call(None, None, "f", "{}")), calls(call(None, None, "g", "{}")), STOP)) == [
        (None, "f", "{}", True),
        (None, "g", "{}", True),
    ]
    again = [call(None, "a", "f", "{"), call(None, "b", "g", "{}"), call(None, "a", "f", "}")]
    assert called(decode(*map(calls, again), STOP)) == [("a", "f", "{}", True), ("b", "g", "{}", True)]


def test_index_used_twice() -> None:
    """A new id with a name is a new call; what comes without an id belongs to it, an old id to its own."""
    pieces = [call(0, "a", "f", '{"x":'), call(0, "b", "g", "{"), call(0, arguments="}"), call(0, "a", arguments="1}")]
    assert called(decode(*map(calls, pieces), chunk(finish="tool_calls"))) == [
        ("a", "f", '{"x":1}', True),
        ("b", "g", "{}", True),
    ]


def test_id_missing() -> None:
    """No id is None: none is made up."""
    assert called(decode(calls(call(0, "", "f", "{}"), call(1, None, "g", "{}")), STOP)) == [
        (None, "f", "{}", True),
        (None, "g", "{}", True),
    ]


@pytest.mark.parametrize("index", [0, None])
def test_late_name_and_id(index: Any) -> None:
    """Arguments may come before the name; a call whose name never comes is listed and not complete."""
    completion = decode(calls(call(index, arguments="{")), calls(call(index, None, "f", "}")), STOP)
    assert called(completion) == [(None, "f", "{}", True)]
    assert called(decode(calls(call(index, arguments="{}")), STOP)) == [(None, "", "{}", False)]
    assert called(decode(calls(call(0, None, "f", "{}")), calls(call(0, "late")), STOP)) == [("late", "f", "{}", True)]


def test_null_arguments() -> None:
    """Null is no piece; a call without arguments is whole under a natural finish."""
    null = {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": None}}
    assert called(decode(calls(null), calls(call(0, arguments="{}")), STOP)) == [("a", "f", "{}", True)]
    assert called(decode(calls(null), chunk(finish="tool_calls"))) == [("a", "f", "", True)]
    assert called(decode(calls(null), chunk(finish="length"))) == [("a", "f", "", False)]


def test_arguments_as_object() -> None:
    """An object becomes compact JSON."""
    assert called(decode(calls(call(0, "a", "f", {"x": [1, "ä"]})), STOP)) == [("a", "f", '{"x":[1,"ä"]}', True)]


@pytest.mark.parametrize(
    ("finish", "normal"), [("stop", "tool_calls"), ("length", "length"), ("tool_calls", "tool_calls")]
)
def test_cut_arguments_are_not_complete(finish: str, normal: str) -> None:
    """Truncated arguments stay as they are, whatever the reason says; `length` beats `tool_calls`."""
    completion = decode(calls(call(0, "a", "f", '{"a": "lo')), chunk(finish=finish))
    assert called(completion) == [("a", "f", '{"a": "lo', False)]
    assert (completion.finish_reason, completion.raw_finish_reason) == (normal, finish)


def test_length_cuts_the_last_call_only() -> None:
    """Under `length` the last call may be cut even when it parses; those before it are whole."""
    completion = decode(calls(call(0, "a", "f", "{}"), call(1, "b", "g", "{}")), chunk(finish="length"))
    assert [c.complete for c in completion.tool_calls] == [True, False]


def test_whole_call_and_finish_in_one_chunk() -> None:
    """A call on the finish chunk counts, and the natural stop becomes `tool_calls`."""
    completion = decode(calls(call(0, "a", "f", "{}"), finish="stop"))
    assert (called(completion), completion.finish_reason) == ([("a", "f", "{}", True)], "tool_calls")


def test_legacy_function_call() -> None:
    """The deprecated field makes one call without an id."""
    deltas = [{"function_call": {"name": "f", "arguments": ""}}, {"function_call": {"arguments": "{}"}}]
    completion = decode(*map(chunk, deltas), chunk(finish="function_call"))
    assert called(completion) == [(None, "f", "{}", True)]
    assert (completion.finish_reason, completion.raw_finish_reason) == ("tool_calls", "function_call")


def test_custom_tool() -> None:
    """A custom tool's input is free text, and whole without being JSON."""
    pieces = [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "py", "input": "print("}}]
    pieces.append({"index": 0, "custom": {"input": "1)"}})
    assert called(decode(*map(calls, pieces), chunk(finish="tool_calls"))) == [("a", "py", "print(1)", True)]


def test_gemini_signatures() -> None:
    """Gemini's compatible endpoint signs calls and text; the signature stays on its part and closes a text."""
    signed = {"extra_content": {"google": {"thought_signature": "s"}}}
    completion = decode(calls(call(0, "a", "f", "{}", **signed)), chunk({"content": "t", **signed}), text("u"), STOP)
    assert content(completion) == [
        {"type": "tool_call", "index": 0, "signature": "s"},
        {"type": "text", "text": "t", "signature": "s"},
        {"type": "text", "text": "u"},
    ]
    alone = decode(chunk(signed), chunk({"extra_content": {"google": {}}}), STOP)
    assert content(alone) == [{"type": "text", "text": "", "signature": "s"}]


def test_server_calls_by_id_prefix() -> None:
    """Calls that the provider runs itself are server_tool parts where the row knows their ids."""
    pieces = [call(0, "xs_1", "web_search", '{"q":'), call(0, arguments="1}")]
    completion = decode(*map(calls, pieces), STOP, quirks=Quirks(server_call_prefixes=("xs_",)))
    data = {"id": "xs_1", "name": "web_search", "arguments": '{"q":1}'}
    assert content(completion) == [{"type": "server_tool", "id": "xs_1", "name": "web_search", "data": data}]
    assert (completion.tool_calls, completion.finish_reason) == ((), "stop")


def test_odd_tool_entries() -> None:
    """A tool of a new kind is an unknown part; entries that say nothing, or are no objects, make no call."""
    new = {"index": 0, "type": "web_search", "web_search": {"q": 1}}
    completion, decoder = run(calls(new, {"index": 1}), chunk({"tool_calls": [5, {"index": 2, "function": "f"}]}), STOP)
    assert (content(completion), completion.tool_calls) == (
        [{"type": "unknown", "name": "web_search", "data": new}],
        (),
    )
    assert notes(decoder) == ["malformed_field", "malformed_field"]
    _, decoder = run(calls(call(0, "a", "f", "{}", new=1), call(0, "a", "other")), STOP)
    assert notes(decoder) == ["unknown_field", "tool_call_name_changed"]


def test_arguments_nested_beyond_reason() -> None:
    """Arguments too deep to be written are noted, not a crash."""
    deep: list[Any] = []
    for _ in range(2000):
        deep = [deep]
    completion, decoder = run(calls(call(0, "a", "f", deep)), STOP)
    assert (completion.tool_calls[0].arguments, notes(decoder)) == ("", ["malformed_field"])
