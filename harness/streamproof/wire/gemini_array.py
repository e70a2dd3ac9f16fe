"""The JSON-array form of a Gemini stream: what the API sends for the same answer when `alt=sse` is not asked for.

https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent and recordings: one array whose elements
come one by one, as `[{...}`, `\\n,\\r\\n{...}`, `]`.
"""

from __future__ import annotations

from ..jsontext import loads
from .plans.body import Document, field

_FIELDS = frozenset({b"", b"data", b"event", b"id", b"retry"})
_FIRST, _NEXT, _END = b"[", b"\n,\r\n", b"\n]"


def json_array(body: bytes) -> bytes | None:
    """Server-sent events as an array; None where an event is no JSON, or bare JSON stands between events: no such array
    was ever sent.

    An event that the body leaves unfinished is the array's last, and the array has no end then.
    """
    pieces: list[bytes] = []
    for block in Document.parse(body).blocks:
        data = b"\n".join(block.data)
        if not all(field(line) in _FIELDS for line in block.lines):
            return None
        if not block.is_event or data == b"[DONE]":
            continue
        pieces += [_NEXT if pieces else _FIRST, data]
        if not _is_json(data):
            return b"".join(pieces) if not block.ended else None
    return b"".join([*(pieces or [_FIRST]), _END])


def _is_json(data: bytes) -> bool:
    try:
        loads(data.decode())
    except ValueError:
        return False
    return True
