"""Small streams of every protocol and framing, each with every kind of part."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from streamproof import jsontext
from streamproof.wire.eventstream import encode_frame

BINARY = "application/vnd.amazon.eventstream"


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
    """A protocol's stream in one framing."""

    protocol: str
    events: list[Any]
    framing: Callable[[Any], bytes]
    content_type: str = "text/event-stream"


FORMS: Mapping[str, Form] = {
    "chat": Form("openai_chat", CHAT, _sse),
    "responses": Form("openai_responses", RESPONSES, _named),
    "messages": Form("anthropic_messages", MESSAGES, _named),
    "invoke_model": Form("anthropic_messages", MESSAGES, _wrapped, BINARY),
    "gemini": Form("gemini_generate_content", GEMINI, _crlf),
    "gemini_array": Form("gemini_generate_content", GEMINI, _array, "application/json"),
    "converse": Form("bedrock_converse", CONVERSE, _frame, BINARY),
}


def body_of(form: Form, events: list[Any]) -> bytes:
    """The bytes of a stream."""
    body = b"".join(form.framing(event) for event in events)
    return b"[" + body[1:] + b"]" if form.framing is _array else body
