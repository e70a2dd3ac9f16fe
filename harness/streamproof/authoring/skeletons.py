"""The shortest whole stream of each protocol: what `streamproof new` begins a case with.

Each says `Hello.` and stops, with every event and member that the published schema requires (schemas/wire).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import NamedTuple

from .. import jsontext
from ..jsontext import JSONObject
from ..providers import Provider
from ..wire.eventstream import encode_frame

TEXT = "Hello."
QUESTION = "Say hello."

_SSE = {"content-type": ["text/event-stream; charset=utf-8"]}
_FRAMES = {"content-type": ["application/vnd.amazon.eventstream"]}
_RESPONSES_USAGE: JSONObject = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 3,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 12,
}


class Skeleton(NamedTuple):
    """A stream to begin with. model: whose it is. query: what the URL needs. request: the body that asks for it.
    finish: the word by which the wire says that it stopped. source: the page that the bytes follow."""

    model: str
    headers: Mapping[str, list[str]]
    query: str
    request: JSONObject
    body: bytes
    finish: str
    source: str


def skeleton(row: Provider, slug: str) -> Skeleton:
    """The stream of a provider's row. slug: of the case; its ids are made of it, so that no two cases share any."""
    return _MAKERS[row.protocol](row, sha256(slug.encode()).hexdigest())


def _sse(events: list[JSONObject], *, named: bool, done: bool = False) -> bytes:
    blocks = [(f"event: {e['type']}\n" if named else "") + f"data: {jsontext.dumps(e)}\n\n" for e in events]
    return ("".join(blocks) + ("data: [DONE]\n\n" if done else "")).encode()


def _frame(name: str, payload: JSONObject) -> bytes:
    headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    return encode_frame(headers, jsontext.dumps(payload).encode())


def _openai_chat(row: Provider, seed: str) -> Skeleton:
    model = "gpt-5.5"
    head = {"id": f"chatcmpl-{seed[:29]}", "object": "chat.completion.chunk", "created": 1795300000, "model": model}

    def chunk(delta: JSONObject, finish: str | None = None) -> JSONObject:
        return {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}

    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    events = [chunk({"role": "assistant", "content": ""}), chunk({"content": TEXT}), chunk({}, "stop")]
    asked = {
        "model": model,
        "messages": [{"role": "user", "content": QUESTION}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    return Skeleton(
        model=model,
        headers=_SSE,
        query="?api-version=2025-04-01-preview" if row.sdk == "azure" else "",
        request=asked,
        body=_sse([*events, {**head, "choices": [], "usage": usage}], named=False, done=True),
        finish="stop",
        source="https://platform.openai.com/docs/api-reference/chat-streaming/streaming",
    )


def _openai_responses(row: Provider, seed: str) -> Skeleton:
    model, item_id = "gpt-5.5", f"msg_{seed[:48]}"
    head: JSONObject = {
        "id": f"resp_{seed[8:56]}",
        "object": "response",
        "created_at": 1795300000,
        "model": model,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    part = {"type": "output_text", "annotations": [], "text": TEXT}
    item = {"id": item_id, "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    place = {"item_id": item_id, "output_index": 0, "content_index": 0}
    whole = {**head, "status": "completed", "output": [item], "usage": _RESPONSES_USAGE}
    events: list[JSONObject] = [
        {"type": "response.created", "response": {**head, "status": "in_progress", "output": []}},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**item, "status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        {"type": "response.output_text.delta", **place, "delta": TEXT, "logprobs": []},
        {"type": "response.output_text.done", **place, "text": TEXT, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return Skeleton(
        model=model,
        headers=_SSE,
        query="?api-version=2025-04-01-preview" if row.sdk == "azure" else "",
        request={"model": model, "input": [{"role": "user", "content": QUESTION}], "stream": True},
        body=_sse([{**event, "sequence_number": n} for n, event in enumerate(events)], named=True),
        finish="completed",
        source="https://platform.openai.com/docs/api-reference/responses-streaming",
    )


def _anthropic_messages(row: Provider, seed: str) -> Skeleton:
    frames = row.sdk == "anthropic_bedrock"
    model = "us.anthropic.claude-sonnet-4-5-20250929-v1:0" if frames else "claude-sonnet-4-5-20250929"
    message: JSONObject = {
        "id": f"msg_{'bdrk_' if frames else ''}01{seed[:22]}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 1},
    }
    stopped = {"stop_reason": "end_turn", "stop_sequence": None}
    events: list[JSONObject] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": TEXT}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": stopped, "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    ]
    asked = {"max_tokens": 64, "messages": [{"role": "user", "content": QUESTION}]}
    if frames:
        chunks = [base64.b64encode(jsontext.dumps(event).encode()).decode() for event in events]
        body = b"".join(_frame("chunk", {"bytes": chunk}) for chunk in chunks)
        asked["anthropic_version"] = "bedrock-2023-05-31"
    else:
        body = _sse(events, named=True)
        asked = {"model": model, **asked, "stream": True}
    return Skeleton(
        model=model,
        headers=_FRAMES if frames else _SSE,
        query="",
        request=asked,
        body=body,
        finish="end_turn",
        source="https://docs.anthropic.com/en/docs/build-with-claude/streaming",
    )


def _gemini_generate_content(_: Provider, seed: str) -> Skeleton:
    model = "gemini-2.5-flash"
    usage = {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}
    content = {"role": "model", "parts": [{"text": TEXT}]}
    chunk = {
        "candidates": [{"content": content, "finishReason": "STOP", "index": 0}],
        "usageMetadata": usage,
        "modelVersion": model,
        "responseId": seed[:22],
    }
    return Skeleton(
        model=model,
        headers={"content-type": ["text/event-stream"]},
        query="?alt=sse",
        request={"contents": [{"parts": [{"text": QUESTION}], "role": "user"}]},
        body=_sse([chunk], named=False),
        finish="STOP",
        source="https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent",
    )


def _bedrock_converse(_row: Provider, _seed: str) -> Skeleton:
    usage = {"inputTokens": 9, "outputTokens": 3, "totalTokens": 12}
    events: list[tuple[str, JSONObject]] = [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": TEXT}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": usage, "metrics": {"latencyMs": 600}}),
    ]
    return Skeleton(
        model="us.amazon.nova-lite-v1:0",
        headers=_FRAMES,
        query="",
        request={"messages": [{"role": "user", "content": [{"text": QUESTION}]}]},
        body=b"".join(_frame(name, payload) for name, payload in events),
        finish="end_turn",
        source="https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html",
    )


_MAKERS: Mapping[str, Callable[[Provider, str], Skeleton]] = {
    "openai_chat": _openai_chat,
    "openai_responses": _openai_responses,
    "anthropic_messages": _anthropic_messages,
    "gemini_generate_content": _gemini_generate_content,
    "bedrock_converse": _bedrock_converse,
}
