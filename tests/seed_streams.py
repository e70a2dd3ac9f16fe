"""The three shapes that started the project, in every protocol: reasoning only, content filter, empty content.

Short streams of our own, in the form of the SDKs' types and the providers' documentation.
"""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

from case_files import chat_chunk, sse
from streamproof import jsontext
from streamproof.wire.eventstream import encode_frame


class Seed(NamedTuple):
    """A stream and what must come out. parts: type and text of the content."""

    name: str
    protocol: str
    body: bytes
    parts: list[tuple[str, str]]
    finish_reason: str
    raw_finish_reason: str
    input_tokens: int
    output_tokens: int


def _chat() -> list[Seed]:
    usage = chat_chunk({}) | {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}}

    def stream(finish: str, *deltas: dict[str, Any]) -> bytes:
        return sse(*map(chat_chunk, deltas), chat_chunk({}, finish), usage, done=True)

    role: dict[str, Any] = {"role": "assistant", "content": None}
    thought = ({"reasoning_content": "Let me "}, {"reasoning_content": "think"})
    return [
        Seed("reasoning", "openai_chat", stream("length", role, *thought), [("reasoning", "Let me think")],
             "length", "length", 9, 4),
        Seed("filter", "openai_chat", stream("content_filter", role, {"content": "I wi"}), [("text", "I wi")],
             "content_filter", "content_filter", 9, 4),
        Seed("empty", "openai_chat", stream("stop", role, {"content": ""}), [], "stop", "stop", 9, 4),
    ]  # fmt: skip


def _responses() -> list[Seed]:
    def response(status: str, output: list[Any], reason: str | None) -> dict[str, Any]:
        return {
            "id": "resp_A1", "object": "response", "model": "m-1", "status": status, "output": output,
            "incomplete_details": {"reason": reason} if reason else None,
            "usage": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13},
        }  # fmt: skip

    def stream(status: str, output: list[Any], *events: dict[str, Any], reason: str | None = None) -> bytes:
        created = {"type": "response.created", "response": {**response("in_progress", [], None), "usage": None}}
        terminal = {"type": f"response.{status}", "response": response(status, output, reason)}
        numbered = [{**event, "sequence_number": n} for n, event in enumerate((created, *events, terminal))]
        return sse(*numbered, names=True)

    def added(item: dict[str, Any]) -> dict[str, Any]:
        return {"type": "response.output_item.added", "output_index": 0, "item": item}

    def done(item: dict[str, Any]) -> dict[str, Any]:
        return {**added(item), "type": "response.output_item.done"}

    thoughts = {"type": "reasoning", "id": "rs_A1", "summary": []}
    said = {"type": "output_text", "text": "I wi", "annotations": []}
    message = {"type": "message", "id": "msg_A1", "role": "assistant", "status": "incomplete", "content": [said]}
    empty = {**message, "status": "completed", "content": []}
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "item_id": "msg_A1"}
    return [
        Seed("reasoning", "openai_responses",
             stream("incomplete", [thoughts], added(thoughts), done(thoughts), reason="max_output_tokens"),
             [("reasoning", "")], "length", "max_output_tokens", 9, 4),
        Seed("filter", "openai_responses",
             stream("incomplete", [message], added({**message, "content": []}), {**delta, "delta": "I wi"},
                    done(message), reason="content_filter"),
             [("text", "I wi")], "content_filter", "content_filter", 9, 4),
        Seed("empty", "openai_responses", stream("completed", [empty], added(empty), done(empty)), [], "stop",
             "completed", 9, 4),
    ]  # fmt: skip


def _anthropic_events(stop: str, *events: dict[str, Any]) -> list[dict[str, Any]]:
    message = {"id": "msg_A1", "type": "message", "role": "assistant", "model": "m-1", "content": [],
               "stop_reason": None, "usage": {"input_tokens": 9, "output_tokens": 1}}  # fmt: skip
    delta = {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}}
    return [
        {"type": "message_start", "message": message},
        {"type": "ping"},
        *events,
        {**delta, "usage": {"output_tokens": 4}},
        {"type": "message_stop"},
    ]


def _anthropic() -> list[Seed]:
    def block(start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"type": "content_block_start", "index": 0, "content_block": start},
            *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
            {"type": "content_block_stop", "index": 0},
        ]

    thinking = block(
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "Let me "},
        {"type": "thinking_delta", "thinking": "think"},
    )
    text = block({"type": "text", "text": ""}, {"type": "text_delta", "text": "I wi"})
    shapes = {
        "reasoning": (_anthropic_events("max_tokens", *thinking), [("reasoning", "Let me think")], "length"),
        "filter": (_anthropic_events("refusal", *text), [("text", "I wi")], "content_filter"),
        "empty": (_anthropic_events("end_turn"), [], "stop"),
    }
    raw = {"reasoning": "max_tokens", "filter": "refusal", "empty": "end_turn"}
    protocol = "anthropic_messages"
    seeds = [
        Seed(name, protocol, sse(*events, names=True), parts, finish, raw[name], 9, 4)
        for name, (events, parts, finish) in shapes.items()
    ]
    return seeds + [
        Seed(f"{name}-frames", protocol, b"".join(map(_invoke, events)), parts, finish, raw[name], 9, 4)
        for name, (events, parts, finish) in shapes.items()
    ]


def _invoke(event: dict[str, Any]) -> bytes:
    inner = base64.b64encode(jsontext.dumps(event).encode()).decode()
    headers = {":event-type": "chunk", ":content-type": "application/json", ":message-type": "event"}
    return encode_frame(headers, jsontext.dumps({"bytes": inner, "p": "abc"}).encode())


def _gemini() -> list[Seed]:
    def chunk(*parts: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
        if not parts:
            del candidate["content"]
        usage = {"promptTokenCount": 9, "candidatesTokenCount": 1, "thoughtsTokenCount": 3, "totalTokenCount": 13}
        candidate |= {"finishReason": finish} if finish else {}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m-1", "responseId": "R1"}

    shapes = {
        "reasoning": ([chunk({"text": "Let me ", "thought": True}), chunk({"text": "think", "thought": True}),
                       chunk(finish="MAX_TOKENS")], [("reasoning", "Let me think")], "length", "MAX_TOKENS"),
        "filter": ([chunk({"text": "I wi"}), chunk(finish="SAFETY")], [("text", "I wi")], "content_filter", "SAFETY"),
        "empty": ([chunk(finish="STOP")], [], "stop", "STOP"),
    }  # fmt: skip
    protocol = "gemini_generate_content"
    seeds = []
    for name, (chunks, parts, finish, raw) in shapes.items():
        body = b"".join(b"data: " + jsontext.dumps(c).encode() + b"\r\n\r\n" for c in chunks)
        array = jsontext.dumps(chunks, indent=2).encode()
        seeds.append(Seed(name, protocol, body, parts, finish, raw, 9, 4))
        seeds.append(Seed(f"{name}-array", protocol, array, parts, finish, raw, 9, 4))
    return seeds


def _converse() -> list[Seed]:
    def frame(name: str, payload: dict[str, Any]) -> bytes:
        headers = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
        return encode_frame(headers, jsontext.dumps({**payload, "p": "abcd"}).encode())

    def stream(stop: str, *deltas: dict[str, Any]) -> bytes:
        usage = {"inputTokens": 9, "outputTokens": 4, "totalTokens": 13}
        frames = [frame("messageStart", {"role": "assistant"})]
        frames += [frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta}) for delta in deltas]
        frames += [frame("contentBlockStop", {"contentBlockIndex": 0})] if deltas else []
        frames += [frame("messageStop", {"stopReason": stop})]
        return b"".join([*frames, frame("metadata", {"usage": usage, "metrics": {"latencyMs": 12}})])

    thought = ({"reasoningContent": {"text": "Let me "}}, {"reasoningContent": {"text": "think"}})
    protocol = "bedrock_converse"
    return [
        Seed("reasoning", protocol, stream("max_tokens", *thought), [("reasoning", "Let me think")], "length",
             "max_tokens", 9, 4),
        Seed("filter", protocol, stream("guardrail_intervened", {"text": "I wi"}), [("text", "I wi")],
             "content_filter", "guardrail_intervened", 9, 4),
        Seed("empty", protocol, stream("end_turn"), [], "stop", "end_turn", 9, 4),
    ]  # fmt: skip


SEEDS = [*_chat(), *_responses(), *_anthropic(), *_gemini(), *_converse()]
