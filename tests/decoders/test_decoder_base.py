"""What every decoder does alike: approval, how a stream ends, errors, what a diagnostic keeps."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from streamproof.completion import Delta, ToolCallPart
from streamproof.decoders.anthropic_messages import AnthropicMessagesDecoder
from streamproof.decoders.base import Decoder
from streamproof.decoders.bedrock_converse import BedrockConverseDecoder
from streamproof.decoders.openai_chat import OpenAIChatDecoder
from streamproof.decoders.openai_responses import OpenAIResponsesDecoder
from streamproof.decoders.stream import DECODERS, StreamDecoder
from streamproof.fold import fold
from streamproof.wire.event import WireEvent


def chat(delta: Any, finish: Any = None) -> WireEvent:
    """A chunk of Chat Completions."""
    return WireEvent("json", "", {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def called(name: Any, arguments: str = "", index: int = 0) -> WireEvent:
    """A piece of a call."""
    return chat({"tool_calls": [{"index": index, "function": {"name": name, "arguments": arguments}}]})


def played(decoder: Decoder, *events: WireEvent, error: Any = None) -> list[Delta]:
    """All deltas of a stream; they fold to the completion."""
    deltas = [delta for event in events for delta in decoder.feed(event)] + decoder.end(error)
    assert fold(deltas) == decoder.completion
    return deltas


def flagged(decoder: Decoder) -> list[bool]:
    """Which calls wait for a human, as their parts say, those of choice 0 first."""
    choices = (decoder.completion, *decoder.completion.choices)
    parts = [part for choice in choices for part in choice.content if isinstance(part, ToolCallPart)]
    return [part.requires_approval for part in parts]


STOP = chat({}, "stop")


# -- approval


@pytest.mark.parametrize(
    ("names", "guarded"),
    [((), []), (("pay",), ["pay"]), (("pay", "look"), ["pay", "look"]), (("other",), [])],
)
def test_which_calls_need_approval(names: tuple[str, ...], guarded: list[str]) -> None:
    """The start of a call says so, for the tools that were named and for no other; text never does."""
    decoder = OpenAIChatDecoder()
    decoder.requires_approval = names
    deltas = played(decoder, chat({"content": "pay"}), called("pay", "{}"), called("look", "{}", 1), STOP)
    starts = [delta.value for delta in deltas if delta.op == "start" and delta.part is not None]
    assert [value["name"] for value in starts if value.get("requires_approval") is True] == guarded
    assert [value["type"] for value in starts] == ["text", "tool_call", "tool_call"]
    assert flagged(decoder) == ["pay" in guarded, "look" in guarded]


def test_a_name_that_comes_late_is_guarded_too() -> None:
    """A call whose name comes after its arguments is released by nobody before it is known."""
    decoder = OpenAIChatDecoder()
    decoder.requires_approval = ("pay",)
    deltas = played(decoder, called("", "{"), called("pay", "}"), called("", "", 1), called("look", "{}", 1), STOP)
    told = [(delta.part, delta.value) for delta in deltas if delta.field == "requires_approval"]
    assert told == [((0,), True)]
    assert flagged(decoder) == [True, False]


def test_a_late_name_is_guarded_at_once() -> None:
    """The event that brings the name brings the flag: nobody may run the call in between."""
    decoder = OpenAIChatDecoder()
    decoder.requires_approval = ("pay",)
    decoder.feed(called("", "{}"))
    assert [delta.field for delta in decoder.feed(called("pay"))] == ["name", "requires_approval"]


def test_a_late_name_of_another_choice() -> None:
    """The call of choice 1 is guarded in choice 1, whatever the one at its place in choice 0 is."""
    pieces = [
        WireEvent(
            "json", "", {"choices": [{"index": 1, "delta": {"tool_calls": [{"index": 0, "function": function}]}}]}
        )
        for function in ({"arguments": "{"}, {"name": "pay", "arguments": "}"})
    ]
    decoder = OpenAIChatDecoder()
    decoder.requires_approval = ("pay",)
    played(decoder, called("pay", "{}"), *pieces, STOP)
    assert flagged(decoder) == [True, True]


@pytest.mark.parametrize(
    ("first", "then", "guarded"), [("pay", "look", False), ("look", "pay", True), ("pay", "pay", True)]
)
def test_a_name_that_changes(first: str, then: str, guarded: bool) -> None:
    """The name that the call ends with decides."""
    item = {"type": "function_call", "id": "fc", "call_id": "c", "arguments": "{}"}
    events = [
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "name": first}},
        {"type": "response.output_item.done", "output_index": 0, "item": {**item, "name": then}},
        {"type": "response.completed", "response": {"status": "completed"}},
    ]
    decoder = OpenAIResponsesDecoder()
    decoder.requires_approval = ("pay",)
    deltas = played(decoder, *(WireEvent("json", "", event) for event in events))
    assert flagged(decoder) == [guarded]
    assert len([delta for delta in deltas if delta.field == "requires_approval"]) == (first != then)


def test_nobody_is_asked_about_what_the_server_ran() -> None:
    """A server tool of a guarded name is no call that a human could release."""
    decoder = AnthropicMessagesDecoder()
    decoder.requires_approval = ("web_search",)
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    events = [{"type": "message_start", "message": {"content": [block]}}, {"type": "message_stop"}]
    deltas = played(decoder, *(WireEvent("json", "", event) for event in events))
    assert "requires_approval" not in repr(deltas)


# -- the end


@pytest.mark.parametrize(("error", "detail"), [({"message": "reset"}, "reset"), ({}, ""), ({"message": 5}, "5")])
def test_a_fault_after_the_terminal_is_noted(error: Any, detail: str) -> None:
    """It takes nothing away, and what it was stays visible."""
    decoder = OpenAIChatDecoder()
    played(decoder, chat({"content": "a"}), STOP, error=error)
    assert decoder.completion.status == "complete"
    assert [(note.kind, note.detail) for note in decoder.diagnostics] == [("fault_after_terminal", detail)]


def test_a_cut_says_why() -> None:
    """The transport's error, when there is one, else that the terminal is missing."""
    cut, silent = OpenAIChatDecoder(), OpenAIChatDecoder()
    played(cut, chat({"content": "a"}), error={"type": "connection", "message": "reset"})
    played(silent, chat({"content": "a"}))
    assert cut.completion.error is not None
    assert silent.completion.error is not None
    assert (cut.completion.error.type, cut.completion.error.message) == ("connection", "reset")
    assert (silent.completion.error.type, silent.completion.error.code, silent.completion.error.message) == (
        "interrupted",
        "stream_incomplete",
        "the stream ended before its terminal event",
    )


def test_the_reason_of_every_choice_is_settled() -> None:
    """A call that comes after its choice's reason still makes it `tool_calls`, in choice 1 as in choice 0."""
    late = {"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]}
    events = [
        WireEvent("json", "", {"choices": [{"index": number, "delta": delta, "finish_reason": reason}]})
        for number in (0, 1)
        for delta, reason in (({}, "stop"), (late, None))
    ]
    decoder = OpenAIChatDecoder()
    played(decoder, *events)
    assert [decoder.completion.finish_reason, decoder.completion.choices[0].finish_reason] == ["tool_calls"] * 2


@pytest.mark.parametrize(
    ("reason", "arguments", "whole"),
    [
        ("tool_calls", "{}", True),
        ("stop", "{}", True),
        ("stop", "", True),
        ("novel", "{}", True),
        ("novel", "", False),
        ("length", "{}", False),
        ("content_filter", "{}", False),
        ("tool_calls", '{"a"', False),
    ],
)
def test_which_call_may_be_run(reason: str, arguments: str, whole: bool) -> None:
    """The last of two calls that have no explicit close: whole JSON, or nothing at a natural end; never at a cut."""
    decoder = OpenAIChatDecoder()
    deltas = played(decoder, called("f", "{}"), called("g", arguments, 1), chat({}, reason))
    assert [call.complete for call in decoder.completion.tool_calls] == [True, whole]
    assert [delta.op for delta in deltas].count("finish") == 1


# -- answers that are no stream


def test_an_http_error() -> None:
    """There was no stream: failed, with the error as it was told, in one delta."""
    decoder = OpenAIChatDecoder()
    deltas = decoder.refuse({"type": "rate_limit", "message": "slow", "status_code": 429})
    assert [delta.op for delta in deltas] == ["error"]
    assert decoder.failed is True
    assert decoder.completion.status == "failed"
    assert decoder.completion.error is not None
    assert (decoder.completion.error.type, decoder.completion.error.status_code) == ("rate_limit", 429)
    assert fold([*deltas, *decoder.end()]) == decoder.completion
    assert decoder.details == {}


@pytest.mark.parametrize(
    ("said", "kept"),
    [({"message": "slow", "code": 429}, False), ({"message": "slow", "param": "n"}, True), ("slow", False)],
)
def test_the_error_object_of_an_http_error(said: Any, kept: bool) -> None:
    """What it says besides is lost, or a copy is kept of what the error shows already."""
    decoder = OpenAIChatDecoder()
    decoder.refuse({"type": "rate_limit", "message": "slow", "status_code": 429}, said)
    assert decoder.details == ({"error": said} if kept else {})


def test_an_estimate_keeps_what_the_wire_reported() -> None:
    """Estimated counts are flagged, and the provider's own object stays beside them."""
    stream = StreamDecoder("openai_chat")
    for payload in ({"choices": [{"index": 0, "delta": {"content": "a"}}]}, {"choices": [], "usage": {"novel": 1}}):
        stream.feed_event(WireEvent("json", "", payload))
    deltas = stream.estimate({"input_tokens": 3, "output_tokens": 2, "estimated": True})
    usage = stream.completion.usage
    assert [delta.op for delta in deltas] == ["usage"]
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (3, 2, True)
    assert stream.completion.raw_usage == {"novel": 1}


# -- errors


@pytest.mark.parametrize(
    ("payload", "message", "status"),
    [
        ({"message": "m", "originalStatusCode": 424}, "m", 424),
        ({"message": "m", "originalStatusCode": True}, "m", None),
        ({"message": "m", "originalStatusCode": "424"}, "m", None),
        ({}, "", None),
        ([], "", None),
        ("text", "", None),
    ],
)
def test_exception_frames(payload: Any, message: str, status: int | None) -> None:
    """The frame's name is the code; message and status are taken where they are what they should be."""
    decoder = BedrockConverseDecoder()
    played(decoder, WireEvent("exception", "modelStreamErrorException", payload))
    error = decoder.completion.error
    assert error is not None
    assert (error.code, error.message, error.status_code) == ("modelStreamErrorException", message, status)


@pytest.mark.parametrize(
    ("payload", "kept"),
    [
        ({"message": "m", "originalStatusCode": 424, "p": "abcd"}, False),
        ({"message": "m", "originalStatusCode": 424, "originalMessage": "reset"}, True),
        ({"message": "m", "originalMessage": ""}, False),
    ],
)
def test_what_an_error_says_besides_is_kept(payload: dict[str, Any], kept: bool) -> None:
    """An exception frame with more than code, message and status is a detail; padding and empty fields are not."""
    decoder = BedrockConverseDecoder()
    played(decoder, WireEvent("exception", "modelStreamErrorException", payload))
    assert decoder.details == ({"error": payload} if kept else {})


def test_an_error_object_with_more_than_type_and_message_is_kept() -> None:
    """The `details` of an Anthropic error event have no field in `ErrorInfo`."""
    decoder = AnthropicMessagesDecoder()
    said = {"type": "api_error", "message": "m", "details": {"error_visibility": "user_facing"}}
    played(decoder, WireEvent("json", "", {"type": "error", "error": said}))
    assert decoder.details == {"error": said}


def test_the_message_tells_the_type() -> None:
    """A catch-all code beside a telling message is of the type that the message tells."""
    decoder = AnthropicMessagesDecoder()
    said = "prompt is too long: 210000 tokens > 200000 maximum"
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": said}}
    played(decoder, WireEvent("json", "", body))
    assert decoder.completion.error is not None
    assert decoder.completion.error.type == "context_window"


def test_a_further_error_is_noted_with_its_message() -> None:
    """The first error counts; the second is a diagnostic that says what it said."""
    decoder = AnthropicMessagesDecoder()
    errors = [{"type": "error", "error": {"type": "api_error", "message": message}} for message in ("one", "two")]
    played(decoder, *(WireEvent("json", "", error) for error in errors))
    assert decoder.completion.error is not None
    assert decoder.completion.error.message == "one"
    assert [(note.kind, note.event, note.detail) for note in decoder.diagnostics] == [("further_error", 1, "two")]


@pytest.mark.parametrize(
    ("code", "kind"),
    [("truncated", "truncated_event"), ("unknown_line", "unknown_line"), ("invalid_utf8", "invalid_utf8")],
)
def test_strange_bytes_are_noted(code: str, kind: str) -> None:
    """A cut or a strange line is no failure; the note shows at most 200 characters of it."""
    decoder = OpenAIChatDecoder()
    odd = WireEvent("malformed", code, {"reason": "r", "text": "x" * 300})
    played(decoder, chat({"content": "a"}), odd, STOP)
    assert decoder.completion.status == "complete"
    assert [(note.kind, note.event, note.detail) for note in decoder.diagnostics] == [(kind, 1, "x" * 200)]


HELD_BACK = {
    "openai_chat": (
        [{"choices": [{"index": 0, "delta": {"content": "a"}}], "citations": ["https://example.org/a"]}],
        {"error": {"message": "down", "code": 502}},
        {"type": "citation", "citations": ["https://example.org/a"]},
    ),
    "gemini_generate_content": (
        [
            {
                "candidates": [
                    {"content": {"parts": [{"text": "a"}]}, "groundingMetadata": {"webSearchQueries": ["tide"]}}
                ]
            }
        ],
        {"error": {"message": "down", "code": 503}},
        {"type": "citation", "citations": [{"groundingMetadata": {"webSearchQueries": ["tide"]}}]},
    ),
    "openai_responses": (
        [
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": {"type": "function_call", "id": "f", "call_id": "c", "name": "look", "arguments": "{}"},
            }
        ],
        {"type": "error", "code": "server_error", "message": "down"},
        None,
    ),
}


@pytest.mark.parametrize("protocol", HELD_BACK)
def test_what_was_held_back_comes_before_an_error(protocol: str) -> None:
    """Whoever stops at the error would miss it; and the end must not show it a second time."""
    events, error, part = HELD_BACK[protocol]
    decoder = DECODERS[protocol]()
    for event in events:
        decoder.feed(WireEvent("json", event.get("type", ""), event))
    last = decoder.feed(WireEvent("json", "", error))
    assert last[-1].op == "error"
    assert part is None or part in [delta.value for delta in last if delta.op == "start"]
    assert [delta for delta in decoder.end() if delta.op in ("start", "append")] == []


def test_a_loss_settles_nothing() -> None:
    """The stream goes on after bytes that were lost: sources that come again with each chunk are shown once."""
    chunk = WireEvent("json", "", {"choices": [], "citations": ["https://example.org/a"]})
    lost = WireEvent("malformed", "invalid_json", {"reason": "r", "text": "x"})
    deltas = played(decoder := OpenAIChatDecoder(), chunk, lost, chunk)
    assert decoder.completion.status == "failed"
    assert [delta.value["type"] for delta in deltas if delta.op == "start" and delta.part is not None] == ["citation"]


def test_lost_bytes_are_a_failure_that_shows_them() -> None:
    """What was lost fails the stream as a protocol error; a second loss adds nothing."""
    decoder = OpenAIChatDecoder()
    odd = WireEvent("malformed", "invalid_json", {"reason": "Expecting value", "text": "x" * 300})
    played(decoder, chat({"content": "a"}), odd, odd)
    error = decoder.completion.error
    assert error is not None
    assert (decoder.completion.status, decoder.completion.text) == ("failed", "a")
    assert (error.type, error.code, error.message) == ("protocol", "invalid_json", f"Expecting value: {'x' * 200!r}")
    assert decoder.diagnostics == []


# -- which decoder


@pytest.mark.parametrize("protocol", sorted(DECODERS))
def test_every_protocol_has_its_decoder(protocol: str) -> None:
    """A stream decoder of a protocol is that protocol's, and knows how many choices were asked for."""
    stream = StreamDecoder(protocol, n=3)
    assert (stream.decoder.protocol, stream.decoder.n) == (protocol, 3)
    assert [delta.op for delta in stream.end()] == ["error"]
    assert (stream.completion.status, stream.diagnostics, stream.details) == ("interrupted", [], {})


def test_bytes_are_read_as_their_headers_say() -> None:
    """A compressed body is undone; what the content type calls an event stream is none that begins as text does."""
    body = b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'
    packed = StreamDecoder("openai_chat", content_type="text/event-stream", content_encoding="gzip")
    packed.feed(gzip.compress(body))
    packed.end()
    assert (packed.completion.text, packed.completion.status) == ("a", "complete")
    binary = StreamDecoder("bedrock_converse", content_type="application/vnd.amazon.eventstream")
    binary.feed(b"\x05" + b"x" * 20)
    binary.end()
    assert binary.completion.error is not None
    assert binary.completion.error.code == "bad_frame"


def test_how_the_body_ended_reaches_the_completion() -> None:
    """The transport's error is that of the completion."""
    stream = StreamDecoder("openai_chat")
    stream.feed(b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n')
    stream.end({"type": "connection", "message": "reset"})
    assert stream.completion.error is not None
    assert (stream.completion.text, stream.completion.error.message) == ("a", "reset")


def test_a_large_chunk_loses_nothing() -> None:
    """A whole body at once, of many kilobytes, gives the same deltas as its events one by one."""
    lines = [b'data: {"choices":[{"index":0,"delta":{"content":"%d,"}}]}\n\n' % n for n in range(1000)] + [
        b"data: [DONE]\n\n"
    ]
    whole, single = StreamDecoder("openai_chat"), StreamDecoder("openai_chat")
    at_once = whole.feed(b"".join(lines)) + whole.end()
    assert at_once == [delta for line in lines for delta in single.feed(line)] + single.end()
    assert whole.completion.text == "".join(f"{n}," for n in range(1000))
