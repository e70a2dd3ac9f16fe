"""Wire plans: what a decoder makes of what is put in, where each terminal is, what refusals say, and odd bodies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamproof.decoders.stream import StreamDecoder
from streamproof.errors import UsageError
from streamproof.wire.plans import Plan, applies, drawn, plans, terminals, unmarked
from streamproof.wire.plans.body import Block, Document, Span, body_kind, spans
from streamproof.wire.plans.frames import FRAMES

SAID = "The service is overloaded, try again later."
MARK = "streamproof_unknown"


def sse(*payloads: Any, named: bool = False) -> bytes:
    """Server-sent events; named: each under the name that its `type` says."""
    names = [f"event: {payload['type']}\n" if named else "" for payload in payloads]
    lines = [payload if isinstance(payload, str) else json.dumps(payload) for payload in payloads]
    return "".join(f"{name}data: {line}\n\n" for name, line in zip(names, lines, strict=True)).encode()


CALL = {"index": 0, "id": "t1", "type": "function", "function": {"name": "f", "arguments": '{"a":{}}'}}
OUTPUT = {"type": "function_call", "id": "i1", "call_id": "t1", "name": "f", "arguments": '{"a":{}}'}
USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
GIVEN = {"type": "input_json_delta", "partial_json": '{"a":{}}'}

STREAMS = {
    "openai_chat": sse(
        {"id": "c1", "choices": [{"index": 0, "delta": {"content": "süß"}}]},
        {"id": "c1", "choices": [{"index": 0, "delta": {"tool_calls": [CALL]}}]},
        {"id": "c1", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
        "[DONE]",
    ),
    "openai_responses": sse(
        {"type": "response.created", "sequence_number": 0, "response": {"id": "r1", "metadata": {"k": "v"}}},
        {"type": "response.output_item.done", "sequence_number": 1, "output_index": 0, "item": OUTPUT},
        {
            "type": "response.completed",
            "sequence_number": 2,
            "response": {"id": "r1", "status": "completed", "output": [OUTPUT]},
        },
        named=True,
    ),
    "anthropic_messages": sse(
        {"type": "message_start", "message": {"id": "m1", "role": "assistant", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": USE},
        {"type": "content_block_delta", "index": 0, "delta": GIVEN},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
        named=True,
    ),
    "gemini_generate_content": sse(
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "süß"}]}}]},
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {"a": {"b": {}}}}}]}}]},
        {"candidates": [{"finishReason": "STOP"}]},
    ),
}


def decoded(protocol: str, body: bytes) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """The completion, and kind and detail of each diagnostic."""
    decoder = StreamDecoder(protocol)
    decoder.feed(body)
    decoder.end()
    return decoder.completion.to_json(), [(found.kind, found.detail) for found in decoder.diagnostics]


def content(body: bytes, protocol: str = "openai_chat", **parts: str) -> bytes:
    """The body under a plan."""
    return Plan(**parts).deliver(body, protocol).content


# -- what is put in


@pytest.mark.parametrize("protocol", STREAMS)
@pytest.mark.parametrize("name", ["event", "ping", "null", "field"])
def test_what_a_provider_may_add_changes_no_completion(protocol: str, name: str) -> None:
    """An injection that says something: then an adapter that takes it up would be right."""
    body = STREAMS[protocol]
    plain, notes = decoded(protocol, body)
    assert (plain["status"], notes) == ("complete", [])
    assert len(plain["tool_calls"]) == 1
    assert unmarked(decoded(protocol, content(body, protocol, inject=name))[0]) == plain


@pytest.mark.parametrize(
    ("protocol", "notes"),
    [
        ("openai_responses", [("unknown_event", f"response.{MARK}")] * 2),
        ("anthropic_messages", [("unknown_event", MARK)] * 5),
        ("gemini_generate_content", [("unknown_field", f"chunk: {MARK}")] * 2),
    ],
)
def test_an_unknown_event_is_seen_as_one(protocol: str, notes: list[tuple[str, str]]) -> None:
    """An unknown event that a decoder knows, or takes for damage. (Chat has no events: there it is an empty chunk.)"""
    found = decoded(protocol, content(STREAMS[protocol], protocol, inject="event"))[1]
    assert list(dict.fromkeys(found)) == list(dict.fromkeys(notes))


@pytest.mark.parametrize("protocol", ["openai_responses", "anthropic_messages"])
def test_a_ping_is_nothing_new(protocol: str) -> None:
    """A ping that is none: decoders know the protocol's own and say nothing of it."""
    sent = content(STREAMS[protocol], protocol, inject="ping")
    assert len(spans(sent)) == 2 * len(spans(STREAMS[protocol])) - 1
    assert decoded(protocol, sent)[1] == []


def test_an_unknown_field_is_seen_as_one() -> None:
    """Unknown fields that stand only where nobody looks."""
    for protocol, body in STREAMS.items():
        found = decoded(protocol, content(body, protocol, inject="field"))[1]
        assert found
        assert {kind for kind, _ in found} == {"unknown_field"}
        assert all(detail.endswith(MARK) for _, detail in found)


@pytest.mark.parametrize(
    "key",
    [
        "args", "input", "arguments", "action", "actions", "operation", "partialArgs", "response", "output",
        "properties", "metadata",
    ],
)  # fmt: skip
def test_what_others_wrote_stays_as_it_is(key: str) -> None:
    """A field more in an object that the caller, the model or a tool wrote."""
    body = sse({key: {"a": {"b": 1}}, "more": {"a": 1}})
    assert json.loads(content(body, inject="field")[6:]) == {
        key: {"a": {"b": 1}},
        "more": {"a": 1, MARK: 1},
        MARK: 1,
    }
    assert json.loads(content(sse({key: [{"a": 1}]}), inject="field")[6:]) == {key: [{"a": 1}], MARK: 1}


def test_a_response_and_its_output_are_the_protocols_own() -> None:
    """The whole response of the last event, taken for what a tool wrote."""
    body = sse({"response": {"output": [{"type": "x", "arguments": {"a": 1}}]}})
    assert json.loads(content(body, "openai_responses", inject="field")[6:]) == {
        "response": {"output": [{"type": "x", "arguments": {"a": 1}, MARK: 1}], MARK: 1},
        MARK: 1,
    }


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b"data: [1]\n\n", b"data: [1]\n\n"),
        (b'data: {"a":\ndata: 1}\n\n', b'data: {"a":\ndata: 1}\n\n'),
        (b'id: 1\ndata: {"a":{}}\nx: 1\n\n', b'id: 1\ndata: {"a":{},"%s":1}\nx: 1\n\n' % MARK.encode()),
        (b": c\n\ndata: {\n\n", b": c\n\ndata: {\n\n"),
    ],
)
def test_a_field_goes_only_into_objects_on_one_line(body: bytes, sent: bytes) -> None:
    """Another line, or data that is no object, that changes."""
    assert content(body, inject="field") == sent


@pytest.mark.parametrize(
    ("protocol", "type", "code"),
    [
        ("openai_chat", "server", "server_error"),
        ("openai_responses", "server", "server_error"),
        ("anthropic_messages", "overloaded", "overloaded_error"),
        ("gemini_generate_content", "overloaded", "UNAVAILABLE"),
    ],
)
def test_an_error_is_the_providers_own(protocol: str, type: str, code: str) -> None:
    """An error that the protocol does not have: adapters would be blamed for not knowing it."""
    completion, notes = decoded(protocol, content(STREAMS[protocol], protocol, inject="error-0"))
    assert completion["status"] == "failed"
    assert {name: completion["error"][name] for name in ("type", "code", "message")} == {
        "type": type, "code": code, "message": SAID,
    }  # fmt: skip
    assert notes == []


def test_the_fields_of_an_error_are_those_of_its_type() -> None:
    """A field that an SDK's type requires, missing."""
    errors = {
        protocol: Document.parse(content(body, protocol, inject="error-0")).blocks[-1]
        for protocol, body in STREAMS.items()
    }
    assert {protocol: block.name for protocol, block in errors.items()} == {
        "openai_chat": b"", "openai_responses": b"error", "anthropic_messages": b"error",
        "gemini_generate_content": b"",
    }  # fmt: skip
    assert {protocol: block.payload() for protocol, block in errors.items()} == {
        "openai_chat": {"error": {"message": SAID, "type": "server_error", "param": None, "code": "server_error"}},
        "openai_responses": {
            "type": "error", "sequence_number": 0, "code": "server_error", "message": SAID, "param": None,
        },
        "anthropic_messages": {"type": "error", "error": {"type": "overloaded_error", "message": SAID}},
        "gemini_generate_content": {"error": {"code": 503, "message": SAID, "status": "UNAVAILABLE"}},
    }  # fmt: skip


@pytest.mark.parametrize("name", ["event", "ping", "error-0"])
def test_what_a_protocol_does_not_have_stays_away(name: str) -> None:
    """Another protocol's event in a stream of Converse."""
    body = STREAMS["openai_chat"]
    assert content(body, "bedrock_converse", inject=name) == body


# -- terminals


@pytest.mark.parametrize(
    ("protocol", "payload"),
    [
        ("openai_chat", "[DONE]"),
        ("openai_chat", {"choices": [5, {"finish_reason": None}, {"finish_reason": "length"}]}),
        *(
            ("openai_responses", {"type": f"response.{word}"})
            for word in ("completed", "incomplete", "failed", "cancelled", "done")
        ),
        ("openai_responses", {"output": []}),
        ("anthropic_messages", {"type": "message_stop"}),
        ("anthropic_messages", {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
        ("anthropic_messages", {"type": "message_start", "message": {"stop_reason": "end_turn"}}),
        ("anthropic_messages", {"type": "message", "stop_reason": "end_turn"}),
        ("gemini_generate_content", {"candidates": [{"index": 0}, {"finishReason": "STOP"}]}),
        ("gemini_generate_content", {"candidates": [{"finish_reason": "STOP"}]}),
        ("gemini_generate_content", {"promptFeedback": {"blockReason": "SAFETY"}}),
        ("gemini_generate_content", {"prompt_feedback": {"block_reason": "SAFETY"}}),
        ("gemini_generate_content", [{"candidates": []}, {"candidates": [{"finishReason": "STOP"}]}]),
    ],
)
def test_every_terminal_is_known(protocol: str, payload: object) -> None:
    """A stream that is whole, of which a plan says that it has to look cut."""
    before = sse({"type": "other", "choices": [{"delta": {}}], "candidates": [{}], "delta": None, "message": 5})
    body = before + sse(payload) + sse({"type": "more"})
    end = len(before + sse(payload))
    assert terminals(body, protocol) == (end - 2, end)


@pytest.mark.parametrize("name", ["response.completed", "response.done"])
def test_a_terminal_may_be_told_by_its_name_alone(name: str) -> None:
    """An event whose payload has no type."""
    body = b"event: %s\ndata: {}\n\n" % name.encode()
    assert terminals(body, "openai_responses") == (len(body) - 2, len(body))
    assert terminals(body, "anthropic_messages") == (None, None)
    assert terminals(b"event: message_stop\ndata: 1\n\n", "anthropic_messages").last == 29


@pytest.mark.parametrize("protocol", [*STREAMS, "bedrock_converse"])
@pytest.mark.parametrize(
    "payload", [None, 5, [], [5], {}, {"choices": {}}, {"candidates": 5}, {"delta": []}, {"type": None}]
)
def test_other_events_are_no_terminals(protocol: str, payload: object) -> None:
    """A stream that may look whole too early; or a payload of another shape that raises."""
    assert terminals(sse(payload), protocol) == (None, None)


# -- refusals


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "split",
            "'split' is no wire plan (write parts of split:, frame:, inject:, cut:, pace:, coding: joined by +; ",
        ),
        ("split:", "'split:' is no wire plan (write parts of split:, "),
        ("speed:2", "'speed:2' is no wire plan (write parts of split:, "),
        ("split:2+split:3", "'split:2+split:3' is no wire plan (write parts of split:, "),
        ("frame:bom:x", "no wire plan frame:bom:x (one of: done, no-done, unterminated, "),
        ("inject:x", "no wire plan inject:x (one of: event, ping, field, null, error-N)"),
        ("cut:after", "no wire plan cut:after (one of: empty, after-N, inside-N, at-N)"),
        ("split:2,3", "no wire plan split:2,3 (one of: whole, event, mid-event, "),
        ("split:byte-reset", "no wire plan split:byte-reset (one of: whole, "),
        ("pace:first-60001", "pace:first-60001 is slower than 60000 ms (wait less)"),
        ("frame:bom,crlf", "frame:bom,crlf names frames out of order (the order: done, no-done, unterminated, "),
    ],
)
def test_a_refusal_says_what_would_do(text: str, said: str) -> None:
    """A plan that is refused without its name, or without a way out."""
    with pytest.raises(UsageError) as refused:
        Plan.parse(text)
    assert str(refused.value).startswith(said)


def test_the_slowest_pace_is_one() -> None:
    """The limit itself is refused."""
    assert Plan.parse("pace:first-60000").pace == "first-60000"


# -- odd bodies


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"data: 1\ndata: 2\n\n", [Span(0, 17, (0, 15))]),
        (b": c\ndata: 1\nid: 1\ndata: 2\n\n", [Span(0, 27, (4, 25))]),
        (b"data: 1\n\n\ndata: 2", [Span(0, 9, (0, 7)), Span(9, 17, (10, 17), ended=False)]),
        (b"\xef\xbb\xbfdata: 1\n\n", [Span(0, 12, (3, 10))]),
        (b"data: 1", [Span(0, 7, (0, 7), ended=False)]),
        (b": c\n\nid: 1\n\n", []),
        (b'[{"a":1}\n,{}]', [Span(0, 8, (0, 8)), Span(8, 12, (8, 12))]),
    ],
)
def test_where_events_are(body: bytes, found: list[Span]) -> None:
    """A cut or split inside of what lies between the events."""
    assert list(spans(body)) == found


def test_a_document_after_a_byte_order_mark_is_json() -> None:
    """A document with a mark before it, taken for a page."""
    assert [body_kind(b"\xef\xbb\xbf" + body) for body in (b" [1]", b"{}", b"x")] == ["json", "json", "other"]


@pytest.mark.parametrize(
    ("frame", "body", "sent"),
    [
        (
            "ids",
            b": c\n\ndata: 1\n\nretry: 1\n\ndata: 2\n\n",
            b": c\n\nid: 0\ndata: 1\n\nretry: 1\n\nid: 1\ndata: 2\n\n",
        ),
        ("ids", b"data: 1", b"id: 0\ndata: 1\n"),
        ("two-lines", b'data: {"a":1,\ndata: "b":2}\n\n', b'data: {"a":1,\ndata: "b":2}\n\n'),
        ("two-lines", b"data: [1,2]\n\n", b"data: [1,2]\n\n"),
        ("two-lines", b'data: {"a":1,"b":2}\nid: 1\n\n', b'data: {"a":1,\ndata: "b":2}\nid: 1\n\n'),
        ("two-lines", b'data: {"\\",a":1,"b":2}\n\n', b'data: {"\\",a":1,\ndata: "b":2}\n\n'),
        ("no-names", b'event: a\ndata: {"type":\ndata: "a"}\n\n', b'data: {"type":\ndata: "a"}\n\n'),
        ("no-names", b'event: a\ndata: {"type":"\\ud800"}\n\n', b'event: a\ndata: {"type":"\\ud800"}\n\n'),
        ("no-names", b"event: a\ndata: 5\n\n", b"event: a\ndata: 5\n\n"),
        ("no-space", b"id: 1\nretry: 2\ndata: a: b\nx: 1\n\n", b"id:1\nretry:2\ndata:a: b\nx: 1\n\n"),
        ("unterminated", b"data: 1\n\n\n\n", b"data: 1\n"),
        ("unterminated", b"data: 1\n\n: c\n\n", b"data: 1\n\n: c\n\n"),
        ("unterminated", b": c\n\ndata: 1\n\n", b": c\n\ndata: 1\n"),
        ("done", b"data: 1\n", b"data: 1\n"),
        ("done", b"data: 1\n\ndata: 2\n", b"data: 1\n\ndata: 2\n"),
        ("done", b"data: 1\n\n", b"data: 1\n\ndata: [DONE]\n\n"),
    ],
)
def test_a_framing_of_an_odd_body(frame: str, body: bytes, sent: bytes) -> None:
    """A framing that touches what is no event, or breaks what it cannot change."""
    assert content(body, frame=frame) == sent


def test_the_last_block_says_that_it_has_no_end() -> None:
    """A framing after `unterminated`, or of a body that is cut, that closes the last block."""
    cut = Document.parse(b"data: 1")
    assert cut.blocks == (Block((b"data: 1",), ended=False),)
    assert cut.render() == b"data: 1\n"
    assert FRAMES["unterminated"](Document.parse(b"data: 1\n\n")) == cut


@pytest.mark.parametrize(
    ("plan", "protocol", "body", "fits"),
    [
        ("frame:no-names", "openai_chat", STREAMS["anthropic_messages"], False),
        ("cut:at-3", "openai_chat", b"<html>", False),
        ("coding:gzip", "openai_chat", b"\x28\xb5\x2f\xfd and more", False),
        ("frame:bom", "openai_chat", b"data: 1\n\n", True),
        ("frame:done", "openai_chat", b"data: 1\n\n", False),
        ("frame:done,bom", "openai_chat", b"data: 1\n\n", False),
        ("frame:done", "anthropic_messages", b"data: 1\n\n", True),
        ("inject:event+cut:after-6-reset", "openai_chat", STREAMS["openai_chat"], True),
        ("inject:event+cut:after-7-reset", "openai_chat", STREAMS["openai_chat"], False),
    ],
)
def test_where_a_plan_applies(plan: str, protocol: str, body: bytes, fits: bool) -> None:
    """A plan that is not legal, does nothing or takes the terminal away; or one that is refused though it is legal."""
    assert applies(Plan.parse(plan), protocol, body) is fits


def test_a_stream_without_events_has_plans() -> None:
    """An injection after the first event, where there is none."""
    found = plans("openai_chat", b": c\n\n")
    assert Plan(frame="bom") in found
    assert all(plan.inject is None for plan in found)
    assert len(drawn("openai_chat", b": c\n\n", 3, "seed")) == 3


def test_a_line_end_at_the_very_beginning_is_cut() -> None:
    """CR LF before the first event."""
    assert Plan(split="crlf").deliver(b"\r\ndata: 1\r\n\r\n", "openai_chat").chunks == [
        b"\r", b"\ndata: 1\r", b"\n\r", b"\n",
    ]  # fmt: skip
