"""Turns with tool calls, in the events of every protocol."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import pytest
from adapter_kit import ANTHROPIC, BEDROCK, GOOGLE, MODEL, OPENAI, RESPONSES_ROW
from streamproof.completion import Completion

ROWS = [OPENAI, RESPONSES_ROW, ANTHROPIC, BEDROCK, GOOGLE]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)


class Made(NamedTuple):
    """A call that the model made. closed: False when the stream ends inside it."""

    id: str | None
    name: str
    arguments: str
    closed: bool = True


Event = Any
Events = list[Event]


def chat(delta: Any = None, finish: str | None = None, **more: Any) -> Event:
    """A chunk of Chat Completions."""
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": MODEL, "choices": choices, **more}


def chat_call(*entries: Any, finish: str | None = None) -> Event:
    """A chunk with entries of `tool_calls`."""
    return chat({"tool_calls": list(entries)}, finish)


def entry(index: int | None, arguments: str | None = None, id: str | None = None, name: str | None = None) -> Event:
    """An entry of `tool_calls`; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    fields = {key: value for key, value in (("index", index), ("id", id)) if value is not None}
    return {**fields, "type": "function", "function": function}


def response(type: str, status: str, **more: Any) -> Event:
    """A Responses event that carries the response."""
    head = {"id": "resp_1", "object": "response", "model": MODEL, "status": status, "output": [], "usage": None}
    return {"type": f"response.{type}", "response": {**head, **more}}


def item(call: Made, status: str = "completed", **more: Any) -> Event:
    """A `function_call` item."""
    fields = {"type": "function_call", "id": f"fc_{call.id}", "call_id": call.id, "name": call.name}
    return {**fields, "arguments": call.arguments, "status": status, **more}


def item_event(type: str, index: int, item: Event) -> Event:
    """`output_item.added` or `output_item.done`."""
    return {"type": f"response.output_item.{type}", "output_index": index, "item": item}


def candidate(*parts: Any, finish: str | None = None) -> Event:
    """A chunk of generateContent."""
    fields: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    return {"candidates": [fields | ({"finishReason": finish} if finish else {})], "responseId": "r-1"}


def _halves(call: Made) -> tuple[str, str]:
    middle = len(call.arguments) // 2
    return call.arguments[:middle], call.arguments[middle:]


def _chat_steps(index: int, call: Made) -> Events:
    entries = [entry(index, "", call.id, call.name), *(entry(index, half) for half in _halves(call))]
    return [chat_call(each) for each in entries]


def _responses_steps(index: int, call: Made) -> Events:
    at = {"item_id": f"fc_{call.id}", "output_index": index}
    steps = [item_event("added", index, item(call._replace(arguments=""), "in_progress"))]
    steps += [{"type": "response.function_call_arguments.delta", **at, "delta": half} for half in _halves(call)]
    return [*steps, item_event("done", index, item(call))] if call.closed else steps


def _messages_steps(index: int, call: Made) -> Events:
    block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
    steps: Events = [{"type": "content_block_start", "index": index, "content_block": block}]
    for half in _halves(call):
        delta = {"type": "input_json_delta", "partial_json": half}
        steps.append({"type": "content_block_delta", "index": index, "delta": delta})
    return [*steps, {"type": "content_block_stop", "index": index}] if call.closed else steps


def _gemini_steps(index: int, call: Made) -> Events:
    fields = {"name": call.name} if call.id is None else {"name": call.name, "id": call.id}
    if call.closed:
        return [candidate({"functionCall": {**fields, "args": json.loads(call.arguments)}})]
    piece = {"jsonPath": "$.city", "stringValue": "Ostr", "willContinue": True}
    return [candidate({"functionCall": {**fields, "partialArgs": [piece], "willContinue": True}})]


_MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "content": []}


def _stopped(reason: str) -> Events:
    delta = {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 7}}
    return [delta, {"type": "message_stop"}]


class Wire(NamedTuple):
    """How a protocol writes a turn. ends: what ends it, by `natural`, `length` and `cut` (nothing)."""

    head: Events
    steps: Callable[[int, Made], Events]
    ends: Mapping[str, Events]


_LIMIT = {"incomplete_details": {"reason": "max_output_tokens"}}
WIRES: Mapping[str, Wire] = {
    "openai_chat": Wire(
        [chat({"role": "assistant", "content": ""})],
        _chat_steps,
        {"natural": [chat(finish="tool_calls"), "[DONE]"], "length": [chat(finish="length"), "[DONE]"], "cut": []},
    ),
    "openai_responses": Wire(
        [response("created", "in_progress")],
        _responses_steps,
        {
            "natural": [response("completed", "completed")],
            "length": [response("incomplete", "incomplete", **_LIMIT)],
            "cut": [],
        },
    ),
    "anthropic_messages": Wire(
        [{"type": "message_start", "message": {**_MESSAGE, "usage": {"input_tokens": 11, "output_tokens": 1}}}],
        _messages_steps,
        {"natural": _stopped("tool_use"), "length": _stopped("max_tokens"), "cut": []},
    ),
    "gemini_generate_content": Wire(
        [],
        _gemini_steps,
        {
            "natural": [candidate(finish="STOP")],
            "length": [candidate(finish="MAX_TOKENS")],
            "bad_call": [candidate(finish="MALFORMED_FUNCTION_CALL")],
            "cut": [],
        },
    ),
}


def turn(protocol: str, calls: Sequence[Made], end: str = "natural", *, interleaved: bool = False) -> Events:
    """A turn with these calls; interleaved: their pieces in turns, as far as the protocol can say so."""
    wire = WIRES[protocol]
    steps = [wire.steps(index, call) for index, call in enumerate(calls)]
    groups: Any = zip_longest(*steps) if interleaved else steps
    return [*wire.head, *(event for group in groups for event in group if event is not None), *wire.ends[end]]


def calls_of(completion: Completion) -> list[tuple[str | None, str, str, bool]]:
    """The calls as tuples: id, name, arguments, complete."""
    return [(call.id, call.name, call.arguments, call.complete) for call in completion.tool_calls]
