"""Helpers of the Anthropic tests: writing events, decoding them, reading what came out."""

from __future__ import annotations

from typing import Any

from streamproof.completion import Completion, Delta
from streamproof.decoders.anthropic_messages import AnthropicMessagesDecoder
from streamproof.decoders.base import NO_QUIRKS, Quirks
from streamproof.fold import fold
from streamproof.wire.event import Kind, WireEvent

Event = dict[str, Any]


def decoded(events: list[Any], *, kind: Kind = "json", quirks: Quirks = NO_QUIRKS) -> AnthropicMessagesDecoder:
    """The decoder at the end of a stream of payloads; the deltas are checked against its completion on the way."""
    decoder = AnthropicMessagesDecoder(quirks)
    deltas: list[Delta] = []
    for event in events:
        deltas += decoder.feed(event if isinstance(event, WireEvent) else WireEvent(kind, "", event))
    deltas += decoder.end()
    assert fold(deltas) == decoder.completion
    assert Completion.from_json(decoder.completion.to_json()) == decoder.completion
    return decoder


def completion(events: list[Any], **options: Any) -> Completion:
    """The completion of a stream of payloads."""
    return decoded(events, **options).completion


def start(usage: Any = None, **message: Any) -> Event:
    """A `message_start`."""
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": []}
    return {"type": "message_start", "message": {**body, "stop_reason": None, "usage": usage, **message}}


def block(index: Any, *deltas: Event, stop: bool = True, **fields: Any) -> list[Event]:
    """The events of one block: its start, its deltas, its stop."""
    events: list[Event] = [{"type": "content_block_start", "index": index, "content_block": fields}]
    events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return events + ([{"type": "content_block_stop", "index": index}] if stop else [])


def text(index: Any, *pieces: str, **more: Any) -> list[Event]:
    """A text block."""
    return block(index, *({"type": "text_delta", "text": piece} for piece in pieces), type="text", text="", **more)


def thinking(index: Any, *deltas: Event, **more: Any) -> list[Event]:
    """A thinking block."""
    return block(index, *deltas, type="thinking", thinking="", **more)


def tool(
    index: Any, *pieces: str, id: str = "toolu_1", name: str = "look", input: Any = None, **more: Any
) -> list[Event]:
    """A tool_use block."""
    deltas = ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)
    return block(index, *deltas, type="tool_use", id=id, name=name, input={} if input is None else input, **more)


def finish(reason: Any = "end_turn", usage: Any = None, stop: bool = True, **delta: Any) -> list[Event]:
    """`message_delta` and `message_stop`."""
    end: list[Event] = [{"type": "message_stop"}] if stop else []
    return [{"type": "message_delta", "delta": {"stop_reason": reason, **delta}, "usage": usage}, *end]


def notes(decoder: AnthropicMessagesDecoder) -> list[str]:
    """The kinds of the diagnostics."""
    return [diagnostic.kind for diagnostic in decoder.diagnostics]


def thought(piece: str) -> Event:
    """A thinking_delta."""
    return {"type": "thinking_delta", "thinking": piece}


def signature(piece: str) -> Event:
    """A signature_delta."""
    return {"type": "signature_delta", "signature": piece}


def raw(i: Any = None, o: Any = None, read: Any = None, write: Any = None, think: Any = None) -> Event:
    """A usage object with the counts that are given."""
    names = {"input_tokens": i, "output_tokens": o, "cache_read_input_tokens": read}
    names |= {"cache_creation_input_tokens": write}
    counts: Event = {name: value for name, value in names.items() if value is not None}
    return counts if think is None else {**counts, "output_tokens_details": {"thinking_tokens": think}}


def delta_at(index: Any, **delta: Any) -> Event:
    """A content_block_delta."""
    return {"type": "content_block_delta", "index": index, "delta": delta}


OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}, "request_id": "req_1"}
