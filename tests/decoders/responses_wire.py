"""Helpers of the Responses tests: writing events, decoding them, reading what came out."""

from __future__ import annotations

from typing import Any

from streamproof import jsontext
from streamproof.completion import Completion, Delta, part_to_json
from streamproof.decoders.base import Quirks
from streamproof.decoders.openai_responses import OpenAIResponsesDecoder
from streamproof.fold import fold
from streamproof.wire.event import Kind, WireEvent


def decode(
    *events: Any, kind: Kind = "json", quirks: Quirks | None = None, error: dict[str, Any] | None = None
) -> tuple[Completion, OpenAIResponsesDecoder, list[Delta]]:
    """Feed the events one by one; the deltas must fold to the completion, whatever they are."""
    decoder = OpenAIResponsesDecoder(quirks or Quirks())
    deltas = []
    for event in events:
        deltas += decoder.feed(event if isinstance(event, WireEvent) else WireEvent(kind, "", event))
    deltas += decoder.end(error)
    completion = decoder.completion
    assert fold(deltas) == completion
    document = completion.to_json()
    assert Completion.from_json(jsontext.loads(jsontext.dumps(document))).to_json() == document
    return completion, decoder, deltas


def ev(type: str, index: int | None = None, **fields: Any) -> dict[str, Any]:
    """One event, `response.` left out of its type."""
    return {"type": f"response.{type}", **({} if index is None else {"output_index": index}), **fields}


def created(id: str = "resp_a") -> dict[str, Any]:
    """The first event."""
    return ev("created", response={"id": id, "object": "response", "status": "in_progress", "model": "m-1"})


def ended(
    status: str = "completed", *output: Any, event: str = "", reason: str | None = None, **fields: Any
) -> dict[str, Any]:
    """The terminal event of a status, under its own name or another; fields: further ones of the response."""
    details = None if reason is None else {"reason": reason}
    response = {"id": "resp_a", "status": status, "model": "m-1-final", "incomplete_details": details}
    return ev(event or status, response=response | {"output": list(output)} | fields)


def message(*content: Any, id: str = "msg_a", status: str = "completed", **fields: Any) -> dict[str, Any]:
    """A message item; strings are output texts."""
    parts = [{"type": "output_text", "text": part} if isinstance(part, str) else part for part in content]
    return {"type": "message", "role": "assistant", "id": id, "status": status, "content": parts, **fields}


def reasoning(*summary: str, id: str = "rs_a", thoughts: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    """A reasoning item with summaries and raw thoughts."""
    content = {"content": [{"type": "reasoning_text", "text": text} for text in thoughts]} if thoughts else {}
    summaries = [{"type": "summary_text", "text": text} for text in summary]
    return {"type": "reasoning", "id": id, "summary": summaries, **content, **fields}


def call(arguments: str, id: str = "call_Aa1", name: str = "get_weather", **fields: Any) -> dict[str, Any]:
    """A function call item."""
    return {"type": "function_call", "id": f"fc_{id}", "call_id": id, "name": name, "arguments": arguments, **fields}


def added(index: int, item: dict[str, Any]) -> dict[str, Any]:
    """`output_item.added`."""
    return ev("output_item.added", index, item=item)


def done(index: int, item: dict[str, Any]) -> dict[str, Any]:
    """`output_item.done`."""
    return ev("output_item.done", index, item=item)


def text_delta(text: Any, index: int = 0, content_index: int = 0) -> dict[str, Any]:
    """`output_text.delta`."""
    return ev("output_text.delta", index, content_index=content_index, item_id="msg_a", delta=text)


def args_delta(text: str, index: int = 0) -> dict[str, Any]:
    """`function_call_arguments.delta`."""
    return ev("function_call_arguments.delta", index, item_id="fc_a", delta=text)


def streamed(*texts: str, index: int = 0, status: str = "completed", **fields: Any) -> list[dict[str, Any]]:
    """A message as OpenAI streams it: its text stands in deltas, text.done, content_part.done and item.done."""
    whole = "".join(texts)
    place = {"output_index": index, "content_index": 0, "item_id": "msg_a"}
    part = {"type": "output_text", "text": whole, "annotations": []}
    return [
        added(index, message(status="in_progress", **fields)),
        ev("content_part.added", **place, part={"type": "output_text", "text": "", "annotations": []}),
        *(ev("output_text.delta", **place, delta=text, logprobs=[], obfuscation="x") for text in texts),
        ev("output_text.done", **place, text=whole, logprobs=[]),
        ev("content_part.done", **place, part=part),
        done(index, message(part, status=status, **fields)),
    ]


def content(completion: Completion) -> list[dict[str, Any]]:
    """The parts as JSON."""
    return [part_to_json(part) for part in completion.content]


def texts(completion: Completion) -> list[tuple[str, str]]:
    """Type and text of the parts."""
    return [(part.type, getattr(part, "text", "")) for part in completion.content]


def calls(completion: Completion) -> list[tuple[str | None, str, str, bool]]:
    """The calls as (id, name, arguments, complete)."""
    return [(call.id, call.name, call.arguments, call.complete) for call in completion.tool_calls]


def notes(decoder: OpenAIResponsesDecoder) -> list[str]:
    """The kinds of the diagnostics."""
    return [note.kind for note in decoder.diagnostics]
