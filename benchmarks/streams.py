"""Long streams, as the providers' documentation gives their events: text for the most part, then a tool call."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

WORDS = ("the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog,", "señor;", "and", "“so”", "on\n")


class Stream(NamedTuple):
    """pieces: the events in their framing, one each. texts: their JSON alone."""

    protocol: str
    pieces: list[bytes]
    texts: list[bytes]

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(self.pieces)


def stream(protocol: str, events: int) -> Stream:
    """A stream with about so many events."""
    built = list(_BUILDERS[protocol](events))
    texts = [json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode() for event in built]
    named = protocol in ("openai_responses", "anthropic_messages")
    pieces = [
        (b"event: %b\n" % event["type"].encode() if named else b"") + b"data: " + text + b"\n\n"
        for event, text in zip(built, texts, strict=True)
    ]
    if protocol == "openai_chat":
        pieces.append(b"data: [DONE]\n\n")
    return Stream(protocol, pieces, texts)


def of_size(protocol: str, size: int) -> Stream:
    """A stream of at least so many bytes."""
    sample = stream(protocol, 1000)
    return stream(protocol, size * 1000 // len(sample.body) + 1)


def _words(count: int) -> Iterator[str]:
    return itertools.islice((word + " " for word in itertools.cycle(WORDS)), count)


def _arguments(count: int) -> Iterator[str]:
    yield '{"lines":["'
    yield from (word.strip() + " " for word in _words(count))
    yield '"]}'


def _split(events: int) -> tuple[int, int]:
    return events * 4 // 5, events // 5


def _chat(events: int) -> Iterator[Any]:
    text, call = _split(events)
    head = {"id": "chatcmpl-AB12", "object": "chat.completion.chunk", "created": 1700000000, "model": "m-1"}

    def chunk(delta: Any, finish: str | None = None) -> Any:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**head, "service_tier": "default", "system_fingerprint": "fp_12", "choices": [choice], "usage": None}

    def function(**fields: Any) -> Any:
        return chunk({"tool_calls": [{"index": 0, **fields}]})

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    yield from (chunk({"content": word}) for word in _words(text))
    yield function(id="call_1", type="function", function={"name": "write", "arguments": ""})
    yield from (function(function={"arguments": piece}) for piece in _arguments(call))
    yield chunk({}, "tool_calls")
    yield {
        **head,
        "choices": [],
        "usage": {"prompt_tokens": 9, "completion_tokens": events, "total_tokens": events + 9},
    }


def _responses(events: int) -> Iterator[Any]:
    text, call = _split(events)
    number = itertools.count()
    response = {"id": "resp_1", "object": "response", "created_at": 1700000000, "model": "m-1", "tools": [],
                "parallel_tool_calls": True, "tool_choice": "auto", "error": None, "incomplete_details": None,
                "instructions": None, "metadata": {}, "temperature": 1.0, "top_p": 1.0}  # fmt: skip
    message = {"id": "msg_1", "type": "message", "role": "assistant"}
    function = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "write"}

    def event(kind: str, **fields: Any) -> Any:
        return {"type": f"response.{kind}", "sequence_number": next(number), **fields}

    words, pieces = list(_words(text)), list(_arguments(call))
    said = {"type": "output_text", "text": "".join(words), "annotations": [], "logprobs": []}
    whole = {**message, "status": "completed", "content": [said]}
    called = {**function, "status": "completed", "arguments": "".join(pieces)}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    yield event("created", response={**response, "status": "in_progress", "output": [], "usage": None})
    yield event("output_item.added", output_index=0, item={**message, "status": "in_progress", "content": []})
    yield event("content_part.added", **place, part={**said, "text": ""})
    for word in words:
        yield event("output_text.delta", **place, delta=word, logprobs=[], obfuscation="aB3dEf")
    yield event("output_text.done", **place, text="".join(words), logprobs=[])
    yield event("content_part.done", **place, part=said)
    yield event("output_item.done", output_index=0, item=whole)
    yield event("output_item.added", output_index=1, item={**function, "status": "in_progress", "arguments": ""})
    for piece in pieces:
        yield event("function_call_arguments.delta", item_id="fc_1", output_index=1, delta=piece, obfuscation="x")
    yield event("function_call_arguments.done", item_id="fc_1", output_index=1, arguments="".join(pieces))
    yield event("output_item.done", output_index=1, item=called)
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    usage = {"input_tokens": 9, "output_tokens": events, "total_tokens": events + 9, **details}
    ended = {**response, "status": "completed", "output": [whole, called], "usage": usage}
    yield event("completed", response=ended)


def _messages(events: int) -> Iterator[Any]:
    text, call = _split(events)
    unended = {"stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 9, "output_tokens": 1}}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m-1", "content": [], **unended}

    def block(index: int, start: Any, deltas: Iterator[Any]) -> Iterator[Any]:
        yield {"type": "content_block_start", "index": index, "content_block": start}
        yield from ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
        yield {"type": "content_block_stop", "index": index}

    yield {"type": "message_start", "message": message}
    yield from block(0, {"type": "text", "text": ""}, ({"type": "text_delta", "text": word} for word in _words(text)))
    pieces = ({"type": "input_json_delta", "partial_json": piece} for piece in _arguments(call))
    yield from block(1, {"type": "tool_use", "id": "toolu_1", "name": "write", "input": {}}, pieces)
    ended = {"stop_reason": "tool_use", "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": {"output_tokens": events}}
    yield {"type": "message_stop"}


def _gemini(events: int) -> Iterator[Any]:
    text, _ = _split(events)

    def chunk(part: Any, **more: Any) -> Any:
        counts = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12,
                  "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9}]}  # fmt: skip
        candidate = {"content": {"parts": [part], "role": "model"}, "index": 0, **more}
        return {"candidates": [candidate], "usageMetadata": counts, "modelVersion": "m-1", "responseId": "R1"}

    yield from (chunk({"text": word, "thought": True}) for word in _words(events - text))
    yield from (chunk({"text": word}) for word in _words(text))
    yield chunk({"functionCall": {"name": "write", "args": {"lines": ["a", "b"]}}})
    yield chunk({"text": ""}, finishReason="STOP")


_BUILDERS: Mapping[str, Callable[[int], Iterator[Any]]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic_messages": _messages,
    "gemini_generate_content": _gemini,
}
PROTOCOLS = tuple(_BUILDERS)
