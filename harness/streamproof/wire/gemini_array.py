"""The two forms of a Gemini stream: with `alt=sse` server-sent events, without it one JSON array, for the same answer.

https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent and recordings: one array whose elements
come one by one, as `[{...}`, `\\n,\\r\\n{...}`, `]`; or events `data: {...}`, each on one line, with CRLF.
"""

from __future__ import annotations

from ..jsontext import loads
from .plans.body import Document, field, spans

_FIELDS = frozenset({b"", b"data", b"event", b"id", b"retry"})
_FIRST, _NEXT, _END = b"[", b"\n,\r\n", b"\n]"
_BETWEEN = b" \t\r\n[,"
"""What may stand before an element that is an object."""


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


def server_sent_events(body: bytes) -> bytes | None:
    """An array of objects as server-sent events; None for any other body, also an array without its end."""
    try:
        chunks = loads(body.decode())
    except ValueError:
        return None
    if not isinstance(chunks, list) or not all(isinstance(chunk, dict) for chunk in chunks):
        return None
    elements = (body[slice(*span.data)].lstrip(_BETWEEN) for span in spans(body))
    # JSON may go over several lines, and Google's events do not: clients read them line by line
    return b"".join(b"data: " + b"".join(map(bytes.strip, each.splitlines())) + b"\r\n\r\n" for each in elements)


def _is_json(data: bytes) -> bool:
    try:
        loads(data.decode())
    except ValueError:
        return False
    return True
