"""Any bytes at all, and damaged streams of every protocol: they end in a completion, never in anything else.

Whether a stream may be `complete` is told by a check of its own that only looks for words in the bytes.
"""

from __future__ import annotations

import base64
import json
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamproof import jsontext
from streamproof.completion import Completion, Delta
from streamproof.decoders.stream import DECODERS, StreamDecoder
from streamproof.fold import fold
from streamproof.schemas import problems
from streamproof.wire.eventstream import encode_frame

WATCHDOG = 30
"""Seconds for one example, which takes milliseconds; a hang costs this once."""

PROTOCOLS = sorted(DECODERS)
BINARY = "application/vnd.amazon.eventstream"


@contextmanager
def watchdog() -> Iterator[None]:
    """A hang becomes a TimeoutError, where the platform can interrupt it."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def bark(*_: object) -> None:
        raise TimeoutError(f"no end within {WATCHDOG} s")

    before = signal.signal(signal.SIGALRM, bark)
    signal.setitimer(signal.ITIMER_REAL, WATCHDOG)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# -- small streams of every protocol: one with every kind of part


def _chunk(delta: Any, finish: Any = None, **more: Any) -> Any:
    return {
        "id": "chatcmpl-1",
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **more,
    }


def _call(**fields: Any) -> Any:
    return _chunk({"tool_calls": [{"index": 0, **fields}]})


CHAT = [
    _chunk({"role": "assistant", "content": ""}),
    _chunk({"reasoning_content": "Hm."}),
    _chunk({"content": "Schön"}),
    _chunk({"content": " warm"}),
    _call(id="call_a9", type="function", function={"name": "look", "arguments": ""}),
    _call(function={"arguments": '{"at":1}'}),
    _chunk({"refusal": "No."}),
    _chunk({}, "tool_calls"),
    {"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}},
    "[DONE]",
]

_MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Schön"}],
}
_FUNCTION = {"id": "fc_1", "type": "function_call", "call_id": "call_a9", "name": "look", "arguments": '{"at":1}'}
_REASONING = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}

RESPONSES = [
    {"type": "response.created", "response": {"id": "resp_1", "model": "m", "status": "in_progress", "output": []}},
    {"type": "response.output_item.added", "output_index": 0, "item": {**_REASONING, "summary": []}},
    {"type": "response.reasoning_summary_text.delta", "item_id": "rs_1", "output_index": 0, "delta": "Hm."},
    {"type": "response.output_item.done", "output_index": 0, "item": _REASONING},
    {"type": "response.output_item.added", "output_index": 1, "item": {**_MESSAGE, "content": []}},
    {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 1, "content_index": 0, "delta": "Schön"},
    {"type": "response.output_item.done", "output_index": 1, "item": _MESSAGE},
    {"type": "response.output_item.added", "output_index": 2, "item": {**_FUNCTION, "arguments": ""}},
    {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 2, "delta": '{"at":1}'},
    {"type": "response.output_item.done", "output_index": 2, "item": _FUNCTION},
    {
        "type": "response.completed",
        "response": {
            "id": "resp_1",
            "model": "m",
            "status": "completed",
            "output": [_REASONING, _MESSAGE, _FUNCTION],
            "usage": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13},
        },
    },
]  # fmt: skip


def _block(index: int, block: Any, *deltas: Any) -> list[Any]:
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


MESSAGES = [
    {
        "type": "message_start",
        "message": {"id": "msg_1", "model": "m", "content": [], "stop_reason": None, "usage": {"input_tokens": 9}},
    },
    *_block(0, {"type": "thinking", "thinking": ""}, {"type": "thinking_delta", "thinking": "Hm."}),
    *_block(1, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Schön"}),
    {"type": "ping"},
    *_block(
        2,
        {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"at":1}'},
    ),
    *_block(3, {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}),
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 4}},
    {"type": "message_stop"},
]


def _candidate(*parts: Any, **more: Any) -> Any:
    return {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "index": 0, **more}],
        "modelVersion": "m",
    }


GEMINI = [
    _candidate({"text": "Hm.", "thought": True}),
    _candidate({"text": "Schön"}),
    _candidate({"functionCall": {"name": "look", "args": {"at": 1}}, "thoughtSignature": "c2ln"}),
    _candidate({"inlineData": {"mimeType": "image/png", "data": "aGk="}}),
    {**_candidate(finishReason="STOP"), "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 4}},
]

CONVERSE = [
    {"messageStart": {"role": "assistant"}},
    {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "Hm."}}}},
    {"contentBlockStop": {"contentBlockIndex": 0}},
    {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"text": "Schön"}}},
    {"contentBlockStop": {"contentBlockIndex": 1}},
    {"contentBlockStart": {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "tooluse_1", "name": "look"}}}},
    {"contentBlockDelta": {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"at":1}'}}}},
    {"contentBlockStop": {"contentBlockIndex": 2}},
    {"messageStop": {"stopReason": "tool_use"}},
    {"metadata": {"usage": {"inputTokens": 9, "outputTokens": 4, "totalTokens": 13}}},
]


# -- framings: one event each


def _text(event: Any) -> bytes:
    return (event if isinstance(event, str) else jsontext.dumps(event)).encode("utf-8", "backslashreplace")


def _sse(event: Any) -> bytes:
    return b"data: " + _text(event) + b"\n\n"


def _named(event: Any) -> bytes:
    name = event.get("type", "") if isinstance(event, dict) else ""
    return f"event: {name}\n".encode("utf-8", "backslashreplace") + _sse(event)


def _crlf(event: Any) -> bytes:
    return b"data: " + _text(event) + b"\r\n\r\n"


def _array(event: Any) -> bytes:
    return b"," + _text(event)


def _wrapped(event: Any) -> bytes:
    payload = json.dumps({"bytes": base64.b64encode(_text(event)).decode(), "p": "abc"}).encode()
    return encode_frame({":message-type": "event", ":event-type": "chunk"}, payload)


def _frame(event: Any) -> bytes:
    name, payload = next(iter(event.items())) if isinstance(event, dict) and event else ("odd", event)
    return encode_frame({":message-type": "event", ":event-type": name[:99]}, _text(payload))


class Form(NamedTuple):
    """A protocol's stream in one framing. terminal: words of which one stands in every whole stream, and nowhere
    else in it."""

    protocol: str
    events: list[Any]
    framing: Callable[[Any], bytes]
    terminal: str
    content_type: str = "text/event-stream"


_CHAT_END = r'"finish_reason"\s*:\s*"[^"]|\[DONE\]'
_RESPONSES_END = r'response\.(completed|incomplete)|"status"\s*:\s*"(completed|incomplete)"'
_MESSAGES_END = r'message_stop|"stop_reason"\s*:\s*"[^"]'
_GEMINI_END = r'"finish_?[rR]eason"\s*:\s*"[^"]|block_?[rR]eason'

FORMS: Mapping[str, Form] = {
    "chat": Form("openai_chat", CHAT, _sse, _CHAT_END),
    "responses": Form("openai_responses", RESPONSES, _named, _RESPONSES_END),
    "messages": Form("anthropic_messages", MESSAGES, _named, _MESSAGES_END),
    "invoke_model": Form("anthropic_messages", MESSAGES, _wrapped, _MESSAGES_END, BINARY),
    "gemini": Form("gemini_generate_content", GEMINI, _crlf, _GEMINI_END),
    "gemini_array": Form("gemini_generate_content", GEMINI, _array, _GEMINI_END, "application/json"),
    "converse": Form("bedrock_converse", CONVERSE, _frame, r"messageStop|stopReason", BINARY),
}


def body_of(form: Form, events: list[Any]) -> bytes:
    """The bytes of a stream."""
    body = b"".join(form.framing(event) for event in events)
    return b"[" + body[1:] + b"]" if form.framing is _array else body


def holds_terminal(form: Form, body: bytes) -> bool:
    """Whether the bytes hold a terminal event, as far as words can tell."""
    if re.search(form.terminal.encode(), body):
        return True
    inner = re.findall(rb'"bytes": ?"([A-Za-z0-9+/=]+)', body)
    return any(re.search(form.terminal.encode(), base64.b64decode(text + b"==")) for text in inner)


# -- damage

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["\ud800", -1, 10**30]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _replaced(event: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy: Any = dict(event) if isinstance(event, dict) else list(event)
    copy[path[0]] = _replaced(copy[path[0]], path[1:], value)
    return copy


@st.composite
def streams(draw: st.DrawFn, form: Form) -> bytes:
    """A stream with some damage: events moved, repeated, left out or changed inside, then bytes."""
    events = list(form.events)
    for kind in draw(st.lists(st.sampled_from(["drop", "repeat", "swap", "value"]), max_size=3)):
        at, other = draw(st.integers(0, len(events) - 1)), draw(st.integers(0, len(events) - 1))
        if kind == "drop" and len(events) > 1:
            del events[at]
        elif kind == "repeat":
            events.insert(other, events[at])
        elif kind == "swap":
            events[at], events[other] = events[other], events[at]
        elif places := list(_places(events[at])):
            events[at] = _replaced(events[at], draw(st.sampled_from(places)), draw(json_values))
    body = bytearray(body_of(form, [json.loads(json.dumps(event)) for event in events]))
    for _ in range(draw(st.integers(0, 2))):
        body[draw(st.integers(0, len(body) - 1))] ^= 1 << draw(st.integers(0, 7))
    if draw(st.booleans()):
        del body[draw(st.integers(0, len(body))) :]
    return bytes(body)


# -- the laws


def run(decoder: StreamDecoder, chunks: list[bytes]) -> tuple[Completion, list[Delta]]:
    """The completion of a body in chunks, and its deltas."""
    with watchdog():
        deltas = [delta for chunk in chunks for delta in decoder.feed(chunk)]
        deltas += decoder.end()
        return decoder.completion, deltas


def check(body: bytes, cuts: list[int], protocol: str, **headers: str | None) -> Completion:
    """Everything that holds for any bytes; the completion."""
    completion, deltas = run(StreamDecoder(protocol, **headers), [body])  # type: ignore[arg-type]
    assert (completion.error is None) is (completion.status == "complete")
    text = jsontext.dumps(completion.to_json())
    assert jsontext.dumps(fold(deltas).to_json()) == text
    assert jsontext.dumps(Completion.from_json(jsontext.loads(text)).to_json()) == text
    assert problems("completion", completion.to_json()) == []
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    pieces = [body[start:end] for start, end in pairwise(edges)]
    split, deltas = run(StreamDecoder(protocol, **headers), pieces)  # type: ignore[arg-type]
    assert jsontext.dumps(split.to_json()) == text
    assert jsontext.dumps(fold(deltas).to_json()) == text
    return completion


cut_points = st.lists(st.integers(0, 4096), max_size=12)
FUZZ = settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("name", FORMS)
def test_the_undamaged_streams_are_complete(name: str) -> None:
    """The fuzzer plays with streams that hold nothing, so that it finds nothing."""
    form = FORMS[name]
    body = body_of(form, form.events)
    completion = check(body, [], form.protocol, content_type=form.content_type)
    assert completion.status == "complete"
    assert "Schön" in completion.text
    assert {part.type for part in completion.content} >= {"text", "reasoning", "tool_call"}
    assert completion.usage.output_tokens == 4
    assert holds_terminal(form, body)
    cut = body_of(form, form.events[:-3])
    assert not holds_terminal(form, cut)
    assert check(cut, [], form.protocol, content_type=form.content_type).status == "interrupted"


@pytest.mark.parametrize("name", FORMS)
def test_every_cut_of_a_stream(name: str) -> None:
    """A stream cut at some byte passes for complete, or raises."""
    form = FORMS[name]
    body = body_of(form, form.events)
    for end in range(0, len(body), 7):
        completion, _ = run(StreamDecoder(form.protocol, content_type=form.content_type), [body[:end]])
        assert completion.status != "complete" or holds_terminal(form, body[:end])


@pytest.mark.parametrize("name", FORMS)
@FUZZ
@given(data=st.data(), cuts=cut_points)
def test_damaged_streams(name: str, data: st.DataObject, cuts: list[int]) -> None:
    """A damaged stream raises, hangs, depends on its delivery, or passes for complete without a terminal event."""
    form = FORMS[name]
    body = data.draw(streams(form))
    headers = data.draw(st.sampled_from([form.content_type, None, "application/json"]))
    completion = check(body, cuts, form.protocol, content_type=headers)
    assert completion.status != "complete" or holds_terminal(form, body)


_words = st.sampled_from(
    [b"data:", b"event:", b" ", b"\n", b"\r", b"{", b"}", b"[", b"]", b'"', b",", b":", b"null", b"1e999", b"[DONE]",
     b"\x00", b"\xff", b"\xef\xbb\xbf", b"\x1f\x8b\x08", b"<html>", b'"error":{}', b'"type"', b'"choices"']
)  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
@FUZZ
@given(
    body=st.binary(max_size=300) | st.lists(_words, max_size=40).map(b"".join),
    cuts=cut_points,
    content_type=st.sampled_from([None, "text/event-stream", "application/json", BINARY]),
    content_encoding=st.sampled_from([None, None, "gzip", "br", "deflate", "zstd", "gzip, br", "odd"]),
)
def test_any_bytes(
    protocol: str, body: bytes, cuts: list[int], content_type: str | None, content_encoding: str | None
) -> None:
    """Bytes that are no stream raise, hang, or pass for an answer."""
    completion = check(body, cuts, protocol, content_type=content_type, content_encoding=content_encoding)
    by_protocol = next(form for form in FORMS.values() if form.protocol == protocol)
    if content_encoding is None:
        assert completion.status != "complete" or holds_terminal(by_protocol, body)
