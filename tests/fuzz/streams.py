"""A body as its events, so that a mutation can take hold of one: bytes in, pieces out, and the same bytes again."""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
from typing import Any, Literal, NamedTuple, TypeAlias

from streamproof.wire.eventstream import encode_frame

Kind: TypeAlias = Literal["sse", "array", "document", "frame", "chunk", "bytes"]
"""chunk: a frame whose payload wraps the event in base64. bytes: a piece without JSON that we could change."""

NO_VALUE: Any = object()
_BLOCK = re.compile(rb".*?(?:\r\n\r\n|\n\n|\r\r|\Z)", re.DOTALL)
_DATA = re.compile(rb"\A((?:(?!data:)[^\r\n]*[\r\n]+)*data: ?)([^\r\n]*)((?:[\r\n]+(?!data:)[^\r\n]*)*)\Z")


class Event(NamedTuple):
    """One event. raw: its bytes. value: its JSON, NO_VALUE where there is none. around: bytes before and after the JSON
    in a text; the string headers of a frame."""

    kind: Kind
    raw: bytes
    value: Any = NO_VALUE
    around: Any = ()


def events(body: bytes) -> tuple[Event, ...]:
    """The events of a body; `b"".join` of their bytes is the body."""
    if body[:1] == b"\0":
        return _frames(body)
    if body[:1] == b"[":
        return _array(body)
    value = _json(body) if body[:1] == b"{" else NO_VALUE
    if value is not NO_VALUE:
        return (Event("document", body, value, (b"", b"")),)
    return tuple(_block(piece) for piece in _BLOCK.findall(body) if piece)


def changed(event: Event, value: Any) -> Event:
    """The event with another JSON value."""
    text = json.dumps(value, separators=(",", ":")).encode()
    if event.kind == "frame":
        raw = encode_frame(event.around, text)
    elif event.kind == "chunk":
        raw = encode_frame(event.around, json.dumps({"bytes": base64.b64encode(text).decode(), "p": "abc"}).encode())
    else:
        raw = event.around[0] + text + event.around[1]
    return event._replace(raw=raw, value=value)


def joined(found: list[Event]) -> bytes:
    """The body of these events; an array keeps its brackets whatever happened to its elements."""
    body = b"".join(event.raw for event in found)
    return b"[" + body.lstrip(b",\r\n ") + b"]" if found and found[0].kind == "array" else body


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return NO_VALUE


def _block(piece: bytes) -> Event:
    """One block of server-sent events; with more than one data line it stays as it is."""
    found = _DATA.match(piece)
    value = _json(found[2]) if found else NO_VALUE
    if found is None or value is NO_VALUE:
        return Event("bytes", piece)
    return Event("sse", piece, value, (found[1], found[3]))


def _array(body: bytes) -> tuple[Event, ...]:
    values = _json(body)
    if not isinstance(values, list):
        return (Event("bytes", body),)
    empty = Event("array", b"", None, (b",\n", b""))
    return tuple(changed(empty, value) for value in values)


def _frames(body: bytes) -> tuple[Event, ...]:
    found, at = [], 0
    while at + 16 <= len(body):
        total, size = struct.unpack_from("!II", body, at)
        if not 16 + size <= total <= len(body) - at:
            break
        raw = body[at : at + total]
        found.append(_frame(raw, _headers(raw[12 : 12 + size]), raw[12 + size : -4]))
        at += total
    return (*found, Event("bytes", body[at:])) if at < len(body) else tuple(found)


def _headers(block: bytes) -> dict[str, str] | None:
    """None when there are others than strings."""
    headers, at = {}, 0
    while at < len(block):
        end = at + 1 + block[at]
        if end + 3 > len(block) or block[end] != 7:
            return None
        size = int.from_bytes(block[end + 1 : end + 3], "big")
        headers[block[at + 1 : end].decode("utf-8", "replace")] = block[end + 3 : end + 3 + size].decode(
            "utf-8", "replace"
        )
        at = end + 3 + size
    return headers


def _frame(raw: bytes, headers: dict[str, str] | None, payload: bytes) -> Event:
    value = _json(payload)
    if headers is None or value is NO_VALUE:
        return Event("bytes", raw)
    if isinstance(value, dict) and isinstance(value.get("bytes"), str):
        try:
            inner = _json(base64.b64decode(value["bytes"]))
        except (binascii.Error, ValueError):
            inner = NO_VALUE
        if inner is not NO_VALUE:
            return Event("chunk", raw, inner, headers)
    return Event("frame", raw, value, headers)
