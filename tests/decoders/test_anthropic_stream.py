"""Anthropic Messages: what is unknown, malformed, cut, doubled, or any JSON at all."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from anthropic_wire import (
    OVERLOADED,
    block,
    completion,
    decoded,
    delta_at,
    finish,
    notes,
    raw,
    signature,
    start,
    text,
    thinking,
    thought,
    tool,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from streamproof.wire.event import Kind, WireEvent

# -- the unknown


def test_unknown_block_delta_and_event() -> None:
    """An unknown block keeps its object and deltas, an unknown event is noted, all else is intact."""
    aroma = {"type": "aroma_delta", "aroma": "pine"}
    events = [*block(0, aroma, type="hologram", size=3), {"type": "telemetry", "x": 1}, *text(1, "ok")]
    decoder = decoded([start(), *events, *finish()])
    assert decoder.completion.to_json()["content"] == [
        {"type": "unknown", "name": "hologram", "data": {"type": "hologram", "size": 3, "deltas": [aroma]}},
        {"type": "text", "text": "ok"},
    ]
    assert notes(decoder) == ["unknown_event"]


def test_unknown_delta_leaves_a_known_block_intact() -> None:
    """A delta of an unknown type on a text block is noted."""
    events = block(0, {"type": "aroma_delta"}, {"type": "text_delta", "text": "a"}, {"type": 5}, type="text", text="")
    decoder = decoded([start(), *events, *finish()])
    assert (decoder.completion.text, notes(decoder)) == ("a", ["unknown_delta", "unknown_delta"])


def test_compaction_and_fallback() -> None:
    """Blocks of beta features come out whole, compaction with its delta."""
    delta = {"type": "compaction_delta", "content": "summary"}
    events = [*block(0, delta, type="compaction", content=None), *block(1, type="fallback", to={"model": "m"})]
    parts = completion([start(), *events, *finish("compaction")]).to_json()["content"]
    assert parts == [
        {"type": "unknown", "name": "compaction", "data": {"type": "compaction", "content": None, "deltas": [delta]}},
        {"type": "unknown", "name": "fallback", "data": {"type": "fallback", "to": {"model": "m"}}},
    ]


def test_deltas_without_a_block() -> None:
    """Deltas whose block never started still give their text; JSON alone is no call that anyone could answer."""
    events = [
        delta_at(0, **thought("t")),
        delta_at(0, **signature("S")),
        delta_at(1, type="text_delta", text="a"),
        delta_at(1, type="text_delta", text="b"),
        delta_at(2, type="input_json_delta", partial_json="{"),
        delta_at(2, type="input_json_delta", partial_json="}"),
        delta_at(3, type="aroma_delta", aroma=1),
    ]
    decoder = decoded([start(), *events, *finish()])
    parts = decoder.completion.to_json()["content"]
    assert parts[:2] == [{"type": "reasoning", "text": "t", "signature": "S"}, {"type": "text", "text": "ab"}]
    assert [(part["name"], len(part["data"]["deltas"])) for part in parts[2:]] == [
        ("input_json_delta", 2),
        ("aroma_delta", 1),
    ]
    assert decoder.completion.tool_calls == ()
    assert notes(decoder).count("delta_without_block") == 4


def test_deltas_of_another_kind_of_block() -> None:
    """Text for a tool block is a text part of its own; the call's later JSON still reaches the call."""
    opened = tool(0, '{"a"', stop=False)
    rest = [delta_at(0, type="text_delta", text="x"), delta_at(0, type="input_json_delta", partial_json=":1}")]
    stops = [{"type": "content_block_stop", "index": 0}] * 3
    decoder = decoded([start(), *opened, *rest, *stops, *finish("tool_use")])
    assert (decoder.completion.text, decoder.completion.tool_calls[0].arguments) == ("x", '{"a":1}')
    assert decoder.completion.tool_calls[0].complete
    assert notes(decoder) == ["delta_without_block", "stop_without_block"]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            {"type": "message_start", "message": 5},
            ["malformed_event: message_start: the message is a JSON int"],
        ),
        (start(), ["duplicate_message_start: msg_1"]),
        (
            start(content=[{"type": "text", "text": "again"}]),
            [
                "duplicate_message_start: msg_1",
                "content_ignored: message_start has content, but blocks have come before it",
            ],
        ),
        (start(novel=1), ["duplicate_message_start: msg_1", "unknown_field: message: novel"]),
        (
            {"type": "content_block_start", "index": 3, "content_block": "x"},
            ["malformed_event: block at index 3 is a JSON str"],
        ),
        (
            {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "mood": 1}},
            ["unknown_field: text: mood"],
        ),
        ({"type": "content_block_stop", "index": 4}, ["stop_without_block: no open block at index 4"]),
        ({"type": "content_block_stop", "index": "x"}, []),
        (delta_at(3, type="text_delta", text=""), ["delta_without_block: text at index 3"]),
        (delta_at(3, type="novel_delta"), ["delta_without_block: novel_delta at index 3"]),
        (delta_at(0, type="novel_delta"), ["unknown_delta: novel_delta of block (0,)"]),
        (
            {"type": "content_block_delta", "index": 7, "delta": []},
            ["malformed_event: the delta at index 7 is a JSON list"],
        ),
        (
            {"type": "content_block_delta", "index": "x"},
            ["malformed_event: the delta at an index that is a str is a JSON NoneType"],
        ),
        (delta_at(0, type="text_delta", text=5), ["malformed_delta: text of block (0,) is a int"]),
        (
            delta_at(0, type="citations_delta", citation="x"),
            ["malformed_delta: the citation of block (0,) is a JSON str"],
        ),
        ({**delta_at(0, type="text_delta", text=""), "novel": 1}, ["unknown_field: content_block_delta: novel"]),
        ({**delta_at(0, type="text_delta", text=""), "base_resp": {}}, []),
        (delta_at(0, type="text_delta", text="", novel=1), ["unknown_field: delta: novel"]),
        ({"type": "message_delta", "delta": 3}, ["malformed_event: message_delta: the delta is a JSON int"]),
        ({"type": "message_delta", "delta": {"novel": 1}}, ["unknown_field: message_delta.delta: novel"]),
        ({"type": "message_delta", "delta": {"stop_reason": 5}}, ["malformed_event: stop_reason is a JSON int"]),
        ({"type": "message_delta", "usage": 3}, ["malformed_event: usage is a JSON int"]),
        ({"type": "message_delta", "usage": {"input_tokens": "3"}}, ["malformed_count: input_tokens is a str"]),
        ({"type": "message_stop", "usage": 3}, ["malformed_event: usage is a JSON int"]),
        ({"novel": True}, ["unknown_event: an event without a type"]),
        ({"type": "novel"}, ["unknown_event: novel"]),
        ({"type": ["x"]}, ["unknown_event: an event without a type"]),
        (None, ["malformed_event: : a JSON NoneType"]),
        (WireEvent("json", "ping", [1]), ["malformed_event: ping: a JSON list"]),
        (WireEvent("json", "", 5.5), ["malformed_event: : a JSON float"]),
    ],
)
def test_what_does_not_fit_is_noted(event: Any, told: list[str]) -> None:
    """Wrong shapes and unknown fields are diagnostics that say what and where; the rest of the stream is untouched."""
    decoder = decoded([start(), *text(0, "a", stop=False), event, delta_at(0, type="text_delta", text="b"), *finish()])
    found = [f"{note.kind}: {note.detail}" for note in decoder.diagnostics if note.event == 3]
    assert found == told
    assert (decoder.completion.text, decoder.completion.status) == ("ab", "complete")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (5, "malformed_event: the content is a JSON int"),
        ({"a": 1, "b": 2}, "malformed_event: the content is a JSON object with a, b"),
        ({}, "malformed_event: the content is a JSON object with no keys"),
        (["x"], "malformed_event: block at an index that is a NoneType is a JSON str"),
    ],
)
def test_content_that_is_none_is_noted(content: Any, told: str) -> None:
    """A message that starts with something else than blocks: what it was is said, not its size and depth."""
    decoder = decoded([start(content=content), *text(0, "a"), *finish()])
    assert [f"{note.kind}: {note.detail}" for note in decoder.diagnostics] == [told]
    assert decoder.completion.text == "a"


def test_padding_is_known() -> None:
    """Bedrock's padding key is no unknown field."""
    events = [start(), *text(0, "a"), *finish()]
    assert decoded([{**event, "p": "abc"} for event in events]).diagnostics == []


def test_server_tool_keeps_odd_deltas() -> None:
    """JSON that is no text is noted on a server block; other deltas are kept with it."""
    odd = {"type": "result_delta", "x": 1}
    events = block(0, odd, {"type": "input_json_delta", "partial_json": 7}, type="server_tool_use", input={})
    decoder = decoded([start(), *events, *finish()])
    assert decoder.completion.to_json()["content"][0]["data"]["deltas"] == [odd]
    assert notes(decoder) == ["malformed_delta"]


# -- the shape of the stream


@pytest.mark.parametrize("name", ["", "message_start", "banana"])
def test_type_decides_not_the_event_name(name: str) -> None:
    """Without event names, or with wrong ones, the result is the same; a payload without type goes by its name."""
    events = [start(), *text(0, "a"), *finish()]
    named = [WireEvent("json", name, event) for event in events]
    assert completion(named) == completion(events)
    untyped = WireEvent("json", "message_delta", {"delta": {"stop_reason": "end_turn"}})
    assert completion([start(), untyped]).finish_reason == "stop"


def test_every_event_goes_by_its_name_where_it_has_no_type() -> None:
    """Also deltas, which have a path of their own."""
    events = [start(), *text(0, "a"), *finish()]
    nameless = [WireEvent("json", event["type"], {k: v for k, v in event.items() if k != "type"}) for event in events]
    assert completion(nameless) == completion(events)


def test_done_sentinel_is_ignored() -> None:
    """`[DONE]`, which other protocols send, says nothing here: neither an error nor a terminal."""
    done = WireEvent("done", "", None)
    assert completion([start(), *text(0, "a"), *finish(), done]).status == "complete"
    assert completion([start(), *text(0, "a"), done]).status == "interrupted"


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 6])
def test_cut(cut: int) -> None:
    """A stream cut anywhere before its stop_reason is interrupted, keeps what came, and holds no call to run."""
    result = completion([start(), *text(0, "a"), *tool(1, '{"x":', "1}", stop=False)][:cut])
    assert (result.status, result.finish_reason) == ("interrupted", None)
    assert result.error is not None
    assert result.error.code == "stream_incomplete"
    assert result.text == ("a" if cut > 2 else "")
    assert not any(call.complete for call in result.tool_calls)


def test_duplicate_message_start() -> None:
    """The same message_start twice is one message, its usage not added."""
    decoder = decoded([start(raw(17, 1)), start(raw(17, 1)), *text(0, "a"), *finish(usage=raw(o=227))])
    assert (decoder.completion.text, decoder.completion.usage.input_tokens) == ("a", 17)
    assert (notes(decoder), decoder.completion.status) == (["duplicate_message_start"], "complete")


def test_second_message_in_a_cut_first() -> None:
    """A retried generation that is spliced in does not mix with the first, whose call never becomes whole."""
    first = [start(id="msg_1"), *text(0, "AAA"), *tool(1, '{"v":"Sp', stop=False)]
    second = [start(id="msg_2"), *text(0, "BBB"), *tool(1, '{"v":1}'), *finish("tool_use", raw(1, 2))]
    decoder = decoded([*first, *second])
    result = decoder.completion
    assert (result.text, result.status, result.message_id) == ("AAA", "interrupted", "msg_1")
    assert (result.tool_calls[0].arguments, result.tool_calls[0].complete) == ('{"v":"Sp', False)
    assert (result.usage.output_tokens, notes(decoder)) == (None, ["second_cycle"])


def test_second_cycle_after_the_terminal() -> None:
    """Recordings of several turns in one body give the first turn, complete."""
    decoder = decoded([start(), *text(0, "one"), *finish(), start(), *text(0, "two"), *finish("max_tokens")])
    assert (decoder.completion.text, decoder.completion.finish_reason) == ("one", "stop")
    assert notes(decoder) == ["second_cycle"]


# -- anything at all

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(["", "a", "{", "tool_use"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2)
)
ORDINARY = [start(raw(1, 2), content=[{"type": "text", "text": "a"}]), *text(0, "a"), *thinking(1, thought("b"))]
ORDINARY += [
    *tool(2, "{}"),
    *block(3, type="redacted_thinking", data="x"),
    *block(4, type="hologram"),
    *finish(usage=raw(1)),
]
ORDINARY += [*block(5, {"type": "input_json_delta", "partial_json": "{"}, type="server_tool_use", input={}), OVERLOADED]


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *itertools.chain(*(paths(item, (*here, key)) for key, item in inner))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with another one at a place."""
    if not path:
        return new
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@settings(max_examples=200, deadline=None)
@given(data=st.data(), kind=st.sampled_from(["json", "json", "document"]))
def test_any_json_anywhere(data: st.DataObject, kind: Kind) -> None:
    """Any JSON value at any place of any event ends in a completion, never in an exception."""
    events = data.draw(st.lists(st.sampled_from(ORDINARY), max_size=12))
    odd = [replaced(event, data.draw(st.sampled_from(paths(event))), data.draw(VALUES)) for event in events]
    result = completion(odd, kind=kind)
    assert result.status in ("complete", "interrupted", "failed")
