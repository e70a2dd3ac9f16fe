"""`application/vnd.amazon.eventstream`, the framing of Bedrock's streams: bytes in, events out.

A frame: u32 total length, u32 length of the headers, u32 CRC-32 of these eight bytes; the headers, each a u8 length
and its name, a u8 type and its value; the payload; u32 CRC-32 of all before. Integers are big-endian.
Source: https://smithy.io/2.0/aws/amazon-eventstream.html; the limits and exceptions are those of botocore.eventstream.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from ..jsontext import loads
from .event import WireEvent, malformed, parsed

PRELUDE_SIZE: Final = 12
_OVERHEAD = PRELUDE_SIZE + 4
_MAX_HEADERS = 128 * 1024
_MAX_PAYLOAD = 24 * 1024 * 1024
_PRELUDE = struct.Struct("!III")
_SIZES: Mapping[int, int] = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Header value type -> size: true, false, byte, short, integer, long, timestamp, UUID."""
_BYTES, _STRING = 6, 7  # a u16 length, then the value


class Frame(NamedTuple):
    """One frame. headers: those of type string, by name."""

    headers: Mapping[str, str]
    payload: bytes


def is_prelude(head: bytes) -> bool:
    """Whether the first twelve bytes begin a frame: their checksum is right."""
    return len(head) >= PRELUDE_SIZE and zlib.crc32(head[:8]) == _PRELUDE.unpack_from(head)[2]


def encode_frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame with string headers.

    Raises ValueError for a header name over 255 bytes or a value over 65 535.
    """
    block = bytearray()
    for name, value in headers.items():
        key, text = name.encode(), value.encode()
        if len(key) > 0xFF or len(text) > 0xFFFF:
            raise ValueError(f"header {name[:40]!r} is too long")
        block += struct.pack("!B", len(key)) + key + struct.pack("!BH", _STRING, len(text)) + text
    sizes = struct.pack("!II", _OVERHEAD + len(block) + len(payload), len(block))
    message = sizes + struct.pack("!I", zlib.crc32(sizes)) + bytes(block) + payload
    return message + struct.pack("!I", zlib.crc32(message))


class EventStreamParser:
    """An incremental parser: `feed` every chunk, then `close` once.

    A damaged frame gives one `bad_frame`, and nothing after it is parsed: frames have no mark to find the next one by.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._needed = PRELUDE_SIZE
        self._dead = False

    def feed(self, chunk: bytes) -> list[WireEvent]:
        """The events of the frames that this chunk completes."""
        if self._dead:
            return []
        self._pieces.append(chunk)
        self._size += len(chunk)
        if self._size < self._needed:
            return []
        data = b"".join(self._pieces)
        events: list[WireEvent] = []
        start = 0
        try:
            while len(data) - start >= (size := self._frame_size(data, start)):
                events += to_events(_frame(data[start : start + size]))
                start += size
        except _BadFrameError as fault:
            self._dead = True
            self._pieces = []
            return [*events, malformed("bad_frame", str(fault), fault.data)]
        self._pieces, self._size, self._needed = [data[start:]], len(data) - start, size
        return events

    def close(self) -> list[WireEvent]:
        """`truncated` when the body ended inside a frame."""
        rest = b"".join(self._pieces)
        return [malformed("truncated", f"{len(rest)} bytes of an unfinished frame", rest)] if rest else []

    @staticmethod
    def _frame_size(data: bytes, start: int) -> int:
        """Bytes from `start` that are needed for the next step: the prelude or, once it is there, the frame."""
        if len(data) - start < PRELUDE_SIZE:
            return PRELUDE_SIZE
        head = data[start : start + PRELUDE_SIZE]
        total, headers, _ = _PRELUDE.unpack(head)
        if not is_prelude(head):
            raise _BadFrameError("wrong checksum of the prelude", head)
        if headers > _MAX_HEADERS or not 0 <= total - headers - _OVERHEAD <= _MAX_PAYLOAD:
            raise _BadFrameError(f"absurd lengths: {total} bytes in all, {headers} of headers", head)
        return int(total)


class _BadFrameError(Exception):
    """data: the frame, or as much of it as was read."""

    def __init__(self, message: str, data: bytes) -> None:
        super().__init__(message)
        self.data = data


def _frame(data: bytes) -> Frame:
    """Decode one whole frame whose prelude has been checked."""
    if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "big"):
        raise _BadFrameError("wrong checksum of the message", data)
    headers_end = PRELUDE_SIZE + int.from_bytes(data[4:8], "big")
    try:
        return Frame(_headers(data[PRELUDE_SIZE:headers_end]), data[headers_end:-4])
    except (IndexError, struct.error) as fault:
        raise _BadFrameError("headers that cannot be read", data) from fault


def _headers(block: bytes) -> dict[str, str]:
    """The string headers. Raises IndexError or struct.error when a value does not fit or its type is unknown."""
    headers: dict[str, str] = {}
    at = 0
    while at < len(block):
        name_end = at + 1 + block[at]
        name, kind = block[at + 1 : name_end], block[name_end]
        at = name_end + 1
        if kind in (_BYTES, _STRING):
            (size,) = struct.unpack_from("!H", block, at)
            at += 2
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            raise IndexError(kind)
        if at + size > len(block):
            raise IndexError(at)
        if kind == _STRING:
            headers[name.decode("utf-8", "replace")] = block[at : at + size].decode("utf-8", "replace")
        at += size
    return headers


def to_events(frame: Frame) -> list[WireEvent]:
    """What one frame says; usually one event."""
    return _BY_MESSAGE_TYPE.get(frame.headers.get(":message-type", ""), _event)(frame)


def _event(frame: Frame) -> list[WireEvent]:
    """Converse and others: the payload is the event, its type a header. InvokeModel: see `_chunk`."""
    name = frame.headers.get(":event-type", "")
    if not frame.payload:
        return [WireEvent("json", name, {})]
    return _chunk(frame.payload) if name == "chunk" else parsed("json", name, frame.payload)


def _chunk(payload: bytes) -> list[WireEvent]:
    """InvokeModelWithResponseStream: `{"bytes": base64 of the model's own event}`, beside it padding `p`."""
    outer = parsed("json", "chunk", payload)
    body = outer[0].payload
    inner = body.get("bytes") if outer[0].kind == "json" and isinstance(body, dict) else None
    if not isinstance(inner, str):
        return outer
    try:
        return parsed("json", "", base64.b64decode(inner)) + outer[1:]
    except ValueError as fault:  # not base64
        return [malformed("invalid_json", str(fault), inner)]


def _exception(frame: Frame) -> list[WireEvent]:
    """A modelled exception: its type is a header, its fields the payload, `{"message": ...}` at least."""
    name = frame.headers.get(":exception-type", "")
    text = frame.payload.decode("utf-8", "replace")
    try:
        return [WireEvent("exception", name, loads(text))]
    except ValueError:
        return [WireEvent("exception", name, {"message": text})]


def _error(frame: Frame) -> list[WireEvent]:
    """An error outside the service's model: only headers."""
    message = frame.headers.get(":error-message", "")
    return [WireEvent("exception", frame.headers.get(":error-code", ""), {"message": message})]


_BY_MESSAGE_TYPE: Mapping[str, Callable[[Frame], list[WireEvent]]] = {
    "exception": _exception,
    "error": _error,
}
"""Every other frame, also one that says nothing of its type, is an `event`."""
