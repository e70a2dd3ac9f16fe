"""Anthropic Messages: what stands where, block by block and field by field."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic_wire import Event, block, completion, decoded, delta_at, finish, notes, start, text, tool
from streamproof.decoders.anthropic_messages import AnthropicMessagesDecoder
from streamproof.wire.event import WireEvent


def parts(result: Any) -> list[Any]:
    """The content as JSON."""
    content: list[Any] = result.to_json()["content"]
    return content


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ({"type": "thinking", "thinking": "t", "signature": "S"}, {"type": "reasoning", "text": "t", "signature": "S"}),
        (
            {"type": "redacted_thinking", "data": "x"},
            {"type": "reasoning", "text": "", "kind": "redacted", "encrypted": "x"},
        ),
        (
            {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
            {
                "type": "server_tool",
                "id": "s1",
                "name": "server_tool_use",
                "data": {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
            },
        ),
        (
            {"type": "hologram", "id": "h1"},
            {"type": "unknown", "id": "h1", "name": "hologram", "data": {"type": "hologram", "id": "h1"}},
        ),
        ({"type": 7, "x": 1}, {"type": "unknown", "name": "", "data": {"type": 7, "x": 1}}),
    ],
)
def test_every_kind_of_block_stands_at_its_index(kind: Event, expected: Event) -> None:
    """A block that starts first but has the higher index comes last, with all that its start said."""
    result = completion([start(), *block(5, **kind), *text(2, "two"), *finish()])
    assert [part["type"] for part in parts(result)] == ["text", expected["type"]]
    assert parts(result)[1] == expected


def test_a_redacted_block_takes_no_text() -> None:
    """A text delta for a redacted block is no part of its ciphertext."""
    odd = delta_at(0, type="signature_delta", signature="S")
    decoder = decoded([start(), *block(0, type="redacted_thinking", data="x", stop=False), odd, *finish()])
    first, second = parts(decoder.completion)
    assert (first.get("encrypted"), first.get("signature")) == ("x", None)
    assert (second["type"], second["signature"]) == ("reasoning", "S")
    assert "delta_without_block" in notes(decoder)


def test_an_unknown_delta_of_a_redacted_block_is_noted() -> None:
    """The block is known and keeps its form; what the delta was, a diagnostic says."""
    odd = delta_at(0, type="novel_delta", x=1)
    decoder = decoded([start(), *block(0, type="redacted_thinking", data="x", stop=False), odd, *finish()])
    assert [part["type"] for part in parts(decoder.completion)] == ["reasoning"]
    assert notes(decoder)[0] == "unknown_delta"


def test_a_call_without_a_name_has_none() -> None:
    """A tool block that names no tool is listed with an empty name."""
    result = completion([start(), *block(0, type="tool_use", id="t1", input={}), *finish("tool_use")])
    assert [(call.id, call.name) for call in result.tool_calls] == [("t1", "")]


def test_a_delta_finds_the_older_block_of_its_kind() -> None:
    """Text for an index where a call has started after the text still goes to that text."""
    decoder = decoded(
        [
            start(),
            *text(0, "a", stop=False),
            *tool(0, "{}", stop=False),
            delta_at(0, type="text_delta", text="b"),
            *finish(),
        ]
    )
    assert decoder.completion.text == "ab"
    assert "delta_without_block" not in notes(decoder)


def test_json_does_not_pass_a_server_call() -> None:
    """JSON for an index whose newest call is the server's is nobody's, not the older client call's."""
    json = delta_at(0, type="input_json_delta", partial_json="{")
    server = block(0, type="server_tool_use", id="s", name="web_search", input={}, stop=False)
    result = completion(
        [start(), *tool(0, "{}", stop=False), *server, *text(0, "a", stop=False), json, *finish("tool_use")]
    )
    assert [call.arguments for call in result.tool_calls] == ["{}"]
    assert [part["type"] for part in parts(result)] == ["tool_call", "server_tool", "text", "unknown"]


@pytest.mark.parametrize(
    ("delta", "name"),
    [({"type": "novel_delta", "x": 1}, "novel_delta"), ({"x": 1}, ""), ({"type": ["novel_delta"]}, "")],
)
def test_an_orphan_stands_at_its_index_and_keeps_its_deltas(delta: Event, name: str) -> None:
    """Deltas without a block are kept as they came, two of one index in one part."""
    orphan = {"type": "content_block_delta", "index": 5, "delta": delta}
    result = completion([start(), orphan, orphan, *text(2, "two"), *finish()])
    assert parts(result) == [
        {"type": "text", "text": "two"},
        {"type": "unknown", "name": name, "data": {"deltas": [delta, delta]}},
    ]


DETAILS = ("stop_sequence", "stop_details", "container", "context_management", "diagnostics", "input_transformations")


@pytest.mark.parametrize("name", DETAILS)
@pytest.mark.parametrize("place", ["message", "delta", "event"])
def test_details_are_known_wherever_they_stand(name: str, place: str) -> None:
    """What the end says besides its reason is kept and no unknown field, in the message, the delta or the event."""
    said: Event = {name: {"x": 1}}
    opened = start(**said) if place == "message" else start()
    end, *rest = finish(**said) if place == "delta" else finish()
    end = {**end, **said} if place == "event" else end
    decoder = decoded([opened, *text(0, "a"), end, *rest])
    assert decoder.details == said
    assert decoder.diagnostics == []


def test_an_error_that_is_null_is_none() -> None:
    """Servers that write `error: null` into every event, and into the message, have not failed."""
    events = [{**event, "error": None} for event in [start(error=None), *text(0, "a"), *finish()]]
    decoder = decoded(events)
    assert (decoder.completion.status, decoder.completion.text) == ("complete", "a")
    assert decoder.diagnostics == []


@pytest.mark.parametrize("name", ["", "message_start"])
def test_an_error_inside_a_message_fails_it(name: str) -> None:
    """A message that starts with an error object is failed, under any event name."""
    event = start(error={"type": "overloaded_error", "message": "busy"})
    result = completion([WireEvent("json", name, event)])
    assert result.error is not None
    assert (result.status, result.error.code, result.error.message) == ("failed", "overloaded_error", "busy")


# -- documents


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"type": "message", "content": [{"type": "text", "text": "a"}]}, "interrupted", "a"),
        ({"content": [{"type": "text", "text": "a"}], "stop_reason": "end_turn"}, "complete", "a"),
        ({"content": [{"type": "text", "text": "a"}]}, "failed", ""),
        ({"stop_reason": "end_turn"}, "failed", ""),
    ],
)
def test_which_document_is_a_message(body: Event, status: str, said: str) -> None:
    """A document is a message by its type, or by having both content and stop_reason."""
    result = completion([body], kind="document")
    assert (result.status, result.text) == (status, said)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([], "the body is no message stream but a JSON list"),
        ("text", "the body is no message stream but a JSON str"),
        ({"type": "novel", "message": "m"}, "the body is no message stream but a JSON object with type, message"),
        ({"type": "error", "message": "bare"}, "bare"),
        ({"message": "aws"}, "aws"),
        ({"base_resp": {"status_code": 1004}}, ""),
    ],
)
def test_what_a_failed_document_says(body: Any, message: str) -> None:
    """The error says what the body was, or what the provider said; nothing that nobody said."""
    result = completion([body], kind="document")
    assert result.error is not None
    assert result.error.message == message


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"__type": "NovelException"}, ("provider", "NovelException", None, None)),
        ({"status": 429}, ("rate_limit", "429", 429, None)),
        ({"status_code": "529"}, ("overloaded", "529", 529, None)),
        ({"code": "123456"}, ("provider", "123456", None, None)),
        ({"code": 12.5}, ("provider", None, None, None)),
        ({"code": True}, ("provider", None, None, None)),
        ({"message": "m", "request_id": "req_2"}, ("provider", None, None, "req_2")),
    ],
)
def test_where_an_error_says_what(body: Event, expected: tuple[Any, ...]) -> None:
    """Code, HTTP status and request id from every place that a server has for them."""
    error = completion([start(), {"type": "error", "error": body}]).error
    assert error is not None
    assert (error.type, error.code, error.status_code, error.request_id) == expected


# -- blocks without an index, and what is told of blocks


def test_without_an_index_the_block_that_started_last_is_meant() -> None:
    """Text without an index does not reach past a call to the text before it."""
    events = [*text(None, "a", stop=False), *tool(None, "{}", stop=False), delta_at(None, type="text_delta", text="b")]
    decoder = decoded([start(), *events, *finish("tool_use")])
    assert [(part["type"], part.get("text")) for part in parts(decoder.completion)] == [
        ("text", "a"),
        ("tool_call", None),
        ("text", "b"),
    ]
    assert notes(decoder)[0] == "delta_without_block"


def test_stops_without_an_index_close_the_newest_open_block() -> None:
    """Two of them close both blocks."""
    stops = [{"type": "content_block_stop"}] * 2
    events = [start(), *text(None, "a", stop=False), *tool(None, "{}", stop=False), *stops, *finish("tool_use")]
    assert notes(decoded(events)) == []


def test_places_without_an_index_follow_each_other() -> None:
    """The first block is the first, the next takes the place after the highest so far."""
    decoder = AnthropicMessagesDecoder()
    events = [*text(None, "a"), *text(3, "b"), *text(None, "c")]
    deltas = [delta for event in events for delta in decoder.feed(WireEvent("json", "", event))]
    assert [delta.part for delta in deltas if delta.op == "start"] == [(0,), (3,), (4,)]


def test_what_a_server_tool_was_given_is_told_once() -> None:
    """Its data is brought to its final state when it ends, and not again; pieces that are no text are noted."""
    pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in ("{", 7, "}")]
    decoder = AnthropicMessagesDecoder()
    events = [start(), *block(0, *pieces, type="server_tool_use", id="s", name="n"), *finish()]
    deltas = [delta for event in events for delta in decoder.feed(WireEvent("json", "", event))] + decoder.end()
    assert [delta.op for delta in deltas if delta.field == "data"] == ["replace"]
    assert [(note.kind, note.detail) for note in decoder.diagnostics] == [
        ("malformed_delta", "JSON of block (0,) is a int")
    ]


def test_a_shape_is_told_by_eight_keys() -> None:
    """Of a large object a diagnostic names the first keys."""
    result = completion([dict.fromkeys("abcdefghij")], kind="document")
    assert result.error is not None
    assert result.error.message.endswith("a JSON object with a, b, c, d, e, f, g, h")


@pytest.mark.parametrize(
    "kind",
    ["server_tool_use", "mcp_tool_use", "mcp_tool_listing", "container_upload", "mcp_tool_result", "novel_tool_result"],
)
def test_what_the_provider_ran(kind: str) -> None:
    """It is a server_tool part with the block as it came, and no client call."""
    item = {"type": kind, "id": "s1", "x": 1}
    result = completion([start(), *block(0, **item), *finish()])
    assert parts(result) == [{"type": "server_tool", "id": "s1", "name": kind, "data": item}]
    assert result.tool_calls == ()


def test_what_has_to_go_back_with_a_call() -> None:
    """The caller, unless it is the model, and the toolset are kept; neither is an unknown field."""
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": {"type": "direct"}, "toolset_name": "s"}
    decoder = decoded([start(), *block(0, **call), *finish("tool_use")])
    assert parts(decoder.completion)[0]["extra"] == {"toolset_name": "s"}
    assert decoder.diagnostics == []
