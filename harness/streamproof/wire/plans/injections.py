"""What a plan puts into a stream that was not there: what a provider may add any day, and an error in mid-stream."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ...jsontext import JSON, dumps
from .body import Block, Document, field

MARK = "streamproof_unknown"
"""The name of every field and event that is put in."""

_FREE = frozenset(
    {
        "args", "input", "arguments", "action", "actions", "operation", "partialArgs", "response", "output",
        "properties", "metadata",
    }
)  # fmt: skip
"""Objects under these keys hold what the caller, the model or a tool wrote, or what a completion hands on as the
arguments of a call: a field more is another value. `response` and `output` of Responses are its own, see `_marked`."""


def _block(payload: JSON, name: str = "") -> Block:
    lines = [b"event: " + name.encode()] if name else []
    return Block((*lines, b"data: " + dumps(payload).encode()))


_UNKNOWN: Mapping[str, Block] = {
    "openai_chat": _block({"object": MARK}),
    "openai_responses": _block({"type": f"response.{MARK}", "sequence_number": 0}, f"response.{MARK}"),
    "anthropic_messages": _block({"type": MARK}, MARK),
    "gemini_generate_content": _block({MARK: {"note": "new"}}),
}

_PINGS: Mapping[str, Block] = {
    "openai_responses": _block({"type": "keepalive", "sequence_number": 0}, "keepalive"),
    "anthropic_messages": _block({"type": "ping"}, "ping"),
}

_SAID = "The service is overloaded, try again later."

_ERRORS: Mapping[str, Block] = {
    "openai_chat": _block({"error": {"message": _SAID, "type": "server_error", "param": None, "code": "server_error"}}),
    "openai_responses": _block(
        {"type": "error", "sequence_number": 0, "code": "server_error", "message": _SAID, "param": None}, "error"
    ),
    "anthropic_messages": _block({"type": "error", "error": {"type": "overloaded_error", "message": _SAID}}, "error"),
    "gemini_generate_content": _block({"error": {"code": 503, "message": _SAID, "status": "UNAVAILABLE"}}),
}


def _after_each(extra: Block | None, document: Document) -> Document:
    """After every event but the last, so that nothing follows what ends the stream."""
    if extra is None:
        return document
    last = document.events[-1:]
    blocks: list[Block] = []
    for number, block in enumerate(document.blocks):
        blocks.append(block)
        if block.is_event and [number] != last:
            blocks.append(extra)
    return replace(document, blocks=tuple(blocks))


def _field(document: Document, protocol: str) -> Document:
    return replace(document, blocks=tuple(_with_field(block, protocol) for block in document.blocks))


def _with_field(block: Block, protocol: str) -> Block:
    payload = block.payload()
    if not isinstance(payload, dict) or len(block.data) != 1:
        return block
    data = b"data: " + dumps(_marked(payload, protocol)).encode()
    return block._replace(lines=tuple(data if field(line) == b"data" else line for line in block.lines))


def _marked(value: JSON, protocol: str, key: str = "") -> JSON:
    """Every object with a field more, but those of free form."""
    if isinstance(value, list):
        return [_marked(item, protocol, key) for item in value]
    envelope = protocol == "openai_responses" and key in ("response", "output")
    if not isinstance(value, dict) or not value or (key in _FREE and not envelope):
        return value  # an empty object stays one: that it is empty may be what it says
    members = {name: _marked(item, protocol, name) for name, item in value.items()}
    return members if key == "parts" else {**members, MARK: 1}  # a new member of Gemini's part is a new kind of part


def unmarked(value: JSON) -> JSON:
    """A completion's JSON without the fields that were put in: wire objects that it keeps whole have them."""
    if isinstance(value, list):
        return [unmarked(item) for item in value]
    if isinstance(value, dict):
        return {name: unmarked(item) for name, item in value.items() if name != MARK}
    return value


def _null(document: Document, _: str) -> Document:
    return _after_each(Block((b"data: null",)), document)


INJECTIONS: Mapping[str, Callable[[Document, str], Document]] = {
    "event": lambda document, protocol: _after_each(_UNKNOWN.get(protocol), document),
    "ping": lambda document, protocol: _after_each(_PINGS.get(protocol), document),
    "field": _field,
    "null": _null,
}
"""Name -> what it does to the events of a protocol; one that the protocol does not know stays away."""


def with_error(document: Document, protocol: str, after: int) -> Document:
    """The provider's error event after event number `after`, and nothing more. Raises IndexError: no such event."""
    end = document.events[after] + 1
    error = _ERRORS.get(protocol)
    return document if error is None else replace(document, blocks=(*document.blocks[:end], error))
