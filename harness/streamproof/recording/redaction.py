"""Secrets out of a recording: a body stays byte for byte as it came, unless there is one in it.

A body is taken piece by piece (a line of text, a frame of an event stream), so that the boundaries of its chunks can
follow where a piece becomes longer or shorter.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from .. import jsontext
from ..replay.exchanges import Request
from ..scrub import REDACTED, SECRET_HEADERS, redact, redact_text, redact_url
from ..wire.encoding import Decompressor
from ..wire.eventstream import PRELUDE_SIZE, is_prelude

SHORTEST = 16
"""Characters of a key that is looked for literally; local servers get words like `lm-studio` for a key."""

Chunk = tuple[float, int]
"""Seconds, and bytes."""

Piece = tuple[bytes, bytes]
"""A part of a body as it came, and as it is kept."""


class Body(NamedTuple):
    """A body as it is kept. encoded: whether it still has its content coding."""

    data: bytes
    chunks: list[Chunk]
    encoded: bool


class Redactor:
    """Knows the secrets of one request by value, besides those that can be seen by name or shape."""

    def __init__(self, request: Request) -> None:
        values = [value for name, value in request.headers if name in SECRET_HEADERS]
        values += [unquote(value) for value in _query_secrets(request.target)]
        words = {word for value in values for word in value.replace(";", " ").replace("=", " ").split()}
        self._known = sorted((word for word in words if len(word) >= SHORTEST), key=len, reverse=True)

    def url(self, url: str) -> str:
        """A URL without secrets."""
        return self._literal(redact_url(url))

    def headers(self, pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
        """Headers as a cassette keeps them."""
        kept: dict[str, list[str]] = {}
        for name, value in pairs:
            text = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            secret = name in SECRET_HEADERS
            kept.setdefault(name, []).append(REDACTED if secret else self._literal(redact_text(redact_url(text))))
        return kept

    def body(self, data: bytes, encoding: str | None, chunks: Sequence[Chunk] = ()) -> Body:
        """A body without secrets; a compressed one that has some is kept decoded."""
        plain = _decoded(data, encoding)
        pieces = [(piece, self._piece(piece)) for piece in _pieces(plain)]
        if all(old == new for old, new in pieces):
            return Body(data, list(chunks), True)
        kept = b"".join(new for _, new in pieces)
        return Body(kept, moved(chunks, pieces if plain is data else [(data, kept)]), plain is data)

    def _piece(self, piece: bytes) -> bytes:
        if is_prelude(piece[:PRELUDE_SIZE]):
            return _reframed(piece, self._payload)
        field, colon, data = piece.partition(b":")
        if colon and field.strip() in (b"data", b"\xef\xbb\xbfdata"):
            line = data.strip()
            start = piece.index(line, len(field) + 1)
            return piece[:start] + self._text(line) + piece[start + len(line) :]
        return self._text(piece)

    def _payload(self, payload: bytes) -> bytes:
        """What a frame holds; InvokeModel wraps the model's own event in base64."""
        inner = _base64_event(payload)
        if inner is not None and (event := self._text(inner)) != inner:
            payload = payload.replace(base64.b64encode(inner), base64.b64encode(event))
        return self._text(payload)

    def _text(self, data: bytes) -> bytes:
        """JSON by its names, and anything by its shapes; unchanged bytes where there is nothing."""
        text = data.decode("utf-8", "surrogateescape")
        try:
            value = jsontext.loads(text) if text.lstrip()[:1] in ("{", "[") else None
        except ValueError:
            value = None
        if value is None:
            text = redact_text(text)
        elif (clean := redact(value)) != value:
            text = jsontext.dumps(clean) + text[len(text.rstrip()) :]
        return self._literal(text).encode("utf-8", "surrogateescape")

    def _literal(self, text: str) -> str:
        for word in self._known:
            text = text.replace(word, REDACTED)
        return text


def moved(chunks: Sequence[Chunk], pieces: Sequence[Piece]) -> list[Chunk]:
    """The chunks of a body whose pieces changed their length: a boundary stays where it was in its piece."""
    starts, old_at, new_at = [(0, 0, 0)], 0, 0
    for old, new in pieces:
        starts.append((old_at, new_at, len(new)))
        old_at, new_at = old_at + len(old), new_at + len(new)
    result, end, before, index = [], 0, 0, 0
    for seconds, length in chunks:
        end += length
        while index + 1 < len(starts) and starts[index + 1][0] < end:
            index += 1
        old_start, new_start, size = starts[index]
        place = new_at if end >= old_at else new_start + min(end - old_start, size)
        result.append((seconds, place - before))
        before = place
    return result


def _query_secrets(target: str) -> list[str]:
    pairs = target.partition("?")[2].split("&")
    return [pair.partition("=")[2] for pair in pairs if redact_url(f"?{pair}").endswith(f"={REDACTED}")]


def _decoded(data: bytes, encoding: str | None) -> bytes:
    """The same object where there is no content coding. A cut body gives what there is of it."""
    if not encoding or encoding.strip().lower() == "identity":
        return data
    decompressor = Decompressor(encoding)
    return decompressor.feed(data) + decompressor.close()


def _pieces(data: bytes) -> list[bytes]:
    """A JSON document whole, an event stream frame by frame, any other body line by line."""
    if is_prelude(data[:PRELUDE_SIZE]):
        return _frames(data)
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            jsontext.loads(data.decode("utf-8"))
        except ValueError:
            return data.splitlines(keepends=True)
        return [data]
    return data.splitlines(keepends=True)


def _frames(data: bytes) -> list[bytes]:
    """Frames, and what follows the last whole one."""
    found, at = [], 0
    while is_prelude(data[at : at + PRELUDE_SIZE]):
        size = int.from_bytes(data[at : at + 4], "big")
        if not PRELUDE_SIZE + 4 <= size <= len(data) - at:
            break
        found.append(data[at : at + size])
        at += size
    return [*found, data[at:]] if at < len(data) else found


def _reframed(frame: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """The frame with another payload, its headers as they are, its sizes and checksums renewed."""
    size = int.from_bytes(frame[:4], "big")
    start = PRELUDE_SIZE + int.from_bytes(frame[4:8], "big")
    payload = frame[start : size - 4]
    clean = change(payload)
    if size != len(frame) or clean == payload:
        return frame
    sizes = struct.pack("!II", size - len(payload) + len(clean), start - PRELUDE_SIZE)
    message = sizes + struct.pack("!I", zlib.crc32(sizes)) + frame[PRELUDE_SIZE:start] + clean
    return message + struct.pack("!I", zlib.crc32(message))


def _base64_event(payload: bytes) -> bytes | None:
    try:
        outer: Any = jsontext.loads(payload.decode("utf-8"))
        inner = outer.get("bytes") if isinstance(outer, dict) else None
        return base64.b64decode(inner, validate=True) if isinstance(inner, str) else None
    except (ValueError, binascii.Error):
        return None
