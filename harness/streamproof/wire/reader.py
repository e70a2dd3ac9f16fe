"""From the bytes of a response body to its events, whatever the framing.

The first bytes decide the framing, as early as they allow; headers lie too often (JSON errors under
`text/event-stream`, event streams under `application/json`). The same bytes give the same events however they are cut.
"""

from __future__ import annotations

import re
from typing import Protocol

from ..jsontext import loads
from .encoding import Decompressor
from .event import WireEvent, malformed, new_tuple, not_utf8
from .eventstream import PRELUDE_SIZE, EventStreamParser, is_prelude
from .json_array import JSONBodyParser
from .sse import Frame, SSEParser

_BOM = b"\xef\xbb\xbf"
_WHITE = b" \t\r\n"
_WHITE_TEXT = " \t\r\n"
_TEXT_LIMIT = 4096
_TEXT_STARTS = frozenset(bytes([byte]) for byte in (*_WHITE, *range(0x20, 0x7F), _BOM[0]))
_FIELD_START = re.compile(r"(?:d(?:at?)?|e(?:v(?:en?)?)?|id?|r(?:e(?:tr?)?)?)\Z")  # `data` and others, cut


class Framing(Protocol):
    """One way to put events into bytes."""

    def feed(self, chunk: bytes, /) -> list[WireEvent]:
        """The events that this chunk completes."""

    def close(self) -> list[WireEvent]:
        """What the end of the body says."""


class Reader:
    """Bytes in, events out: `feed` every chunk, then `close` once. Neither ever raises.

    content_type, content_encoding: the values of these headers, None when absent.
    """

    def __init__(self, content_type: str | None = None, content_encoding: str | None = None) -> None:
        self._binary = "vnd.amazon.eventstream" in (content_type or "").lower()
        self._decompressor = Decompressor(content_encoding) if content_encoding else None
        self._framing: Framing | None = None
        self._head: list[bytes] = []
        self._head_size = 0

    def feed(self, chunk: bytes) -> list[WireEvent]:
        """The events that this chunk completes, in order."""
        if self._decompressor:
            chunk = self._decompressor.feed(chunk)
        return self._decoded(chunk)

    def close(self) -> list[WireEvent]:
        """No more bytes will come: the rest, and what is wrong with the end of the body. An empty body gives none."""
        events = self._decoded(self._decompressor.close()) if self._decompressor else []
        framing = self._framing
        if not framing:
            head = b"".join(self._head)
            framing = _framing_of_rest(head)
            events = framing.feed(head)
        events += framing.close()
        if self._decompressor and (error := self._decompressor.error):
            events.append(malformed(error.code, str(error), ""))
        return events

    def _decoded(self, chunk: bytes) -> list[WireEvent]:
        return self._framing.feed(chunk) if self._framing else self._sniff(chunk)

    def _start(self, framing: Framing, head: bytes) -> list[WireEvent]:
        self._framing, self._head = framing, []
        return framing.feed(head)

    def _sniff(self, chunk: bytes) -> list[WireEvent]:
        self._head.append(chunk)
        self._head_size += len(chunk)
        if self._head_size > PRELUDE_SIZE + len(chunk) and not chunk.strip(_WHITE):
            return []  # only white space leaves so many bytes undecided, and this is more of it
        head = b"".join(self._head)
        framing = _framing(head, binary=self._binary)
        return self._start(framing, head) if framing else []


def _framing(head: bytes, *, binary: bool) -> Framing | None:
    """The framing that these bytes begin, None while they are too few. binary: headers say AWS event stream."""
    if not head:
        return None
    if binary and head[:1] not in _TEXT_STARTS:
        return EventStreamParser()
    if head[0] <= 1:  # a frame is under 32 MiB, so its first byte is 0 or 1; no text begins so
        if len(head) < PRELUDE_SIZE:
            return None
        return EventStreamParser() if is_prelude(head) else SSEFraming()
    if _BOM.startswith(head):
        return None
    start = head.removeprefix(_BOM).lstrip(_WHITE)[:1]
    if not start:
        return None
    if start in (b"{", b"["):
        return JSONBodyParser()
    return HTMLFraming() if start == b"<" else SSEFraming()


def _framing_of_rest(head: bytes) -> Framing:
    """The framing of a body that ended before it could be told; a cut, then, or white space."""
    if head[:1] in (b"\x00", b"\x01") or (head and head != _BOM and _BOM.startswith(head)):
        return EventStreamParser()  # it says truncated
    return SSEFraming()


class HTMLFraming:
    """No framing: a page, usually of a gateway."""

    def __init__(self) -> None:
        self._text = b""

    def feed(self, chunk: bytes) -> list[WireEvent]:
        """Nothing before the end, which alone knows the whole text."""
        self._text += chunk[: _TEXT_LIMIT - len(self._text)]
        return []

    def close(self) -> list[WireEvent]:
        """The page as one malformed event."""
        return [malformed("html", "the body is HTML or XML", self._text)]


class SSEFraming:
    """Server-sent events whose data is JSON."""

    def __init__(self) -> None:
        self._parser = SSEParser()
        self._unknown: list[WireEvent] = []  # held until the next event: the whole body may be plain text

    def feed(self, chunk: bytes) -> list[WireEvent]:
        """The events that this chunk completes."""
        events: list[WireEvent] = []
        for frame in self._parser.feed(chunk):
            kind, name, text, replaced, _ = frame
            if kind == "event" and not replaced and not self._unknown:
                try:
                    events.append(new_tuple(WireEvent, ("json", name, loads(text))))
                except ValueError as fault:
                    events += _not_json(frame, fault)
            else:
                events += self._special(frame)
        return events

    def close(self) -> list[WireEvent]:
        """The block that the end of the body cut: it counts when its data is whole."""
        events: list[WireEvent] = []
        for frame in self._parser.close():
            events += self._special(frame)
        if self._unknown and not self._parser.recognized:
            text = "\n".join(event.payload["text"] for event in self._unknown)
            return [*events, malformed("not_a_stream", "the body is plain text", text)]
        return [*events, *self._unknown]

    def _special(self, frame: Frame) -> list[WireEvent]:
        """Any frame, with the lines held so far before its events."""
        events = _data_events(frame) if frame.kind == "event" else self._stray_events(frame)
        if not events:
            return []
        if frame.replaced:
            events.append(not_utf8(frame.text))
        held, self._unknown = self._unknown, []
        return held + events

    def _stray_events(self, frame: Frame) -> list[WireEvent]:
        """Errors that servers write outside `data:` count; other unknown lines are held."""
        if whole := _embedded(frame.text):
            return whole
        lines = [(line, _embedded(line)) for line in frame.text.split("\n")]
        if not any(found for _, found in lines) or (frame.text.startswith("{") and not lines[0][1]):
            return self._lost(frame.text, frame)
        return [event for line, found in lines for event in found or self._lost(line, frame)]

    def _lost(self, text: str, frame: Frame) -> list[WireEvent]:
        if not text.strip(_WHITE_TEXT):
            return []
        if not frame.terminated and (self._parser.recognized or _FIELD_START.match(text)):
            return [malformed("truncated", "the body ends inside a line or block", text)]
        if text.startswith(("{", "error:")):
            return [malformed("invalid_json", "a line that is no field and no JSON", text)]
        self._unknown.append(malformed("unknown_line", "a line that is no field of server-sent events", text))
        return []


_KEEP_ALIVES = {"ping", "keepalive", "keep-alive", "heartbeat"}
"""Event names that servers and proxies use for events that say nothing; their data need not be JSON."""


def _data_events(frame: Frame) -> list[WireEvent]:
    try:
        return [WireEvent("json", frame.name, loads(frame.text))]
    except ValueError as fault:
        return _not_json(frame, fault)


def _not_json(frame: Frame, fault: ValueError) -> list[WireEvent]:
    """The sentinel, an event without data (a keep-alive), or damage."""
    text = frame.text.strip(_WHITE_TEXT)
    if text == "[DONE]":
        return [WireEvent("done", frame.name, None)]
    if not frame.terminated:
        return [malformed("truncated", "the body ends inside an event", frame.text or frame.name)]
    code = "unknown_line" if frame.name in _KEEP_ALIVES else "invalid_json"
    return [malformed(code, str(fault), frame.text)] if text else []


def _embedded(text: str) -> list[WireEvent]:
    """Events from text outside `data:`; none when it holds no object.

    An unknown field `error: {...}` (llama-box) is named `error`; a bare object, or an array of objects, has no name
    (Gemini, when it fails in mid-stream).
    """
    field, _, rest = text.partition(":")
    name, body = ("error", rest) if field == "error" else ("", text)
    try:
        value = loads(body)
    except ValueError:
        return []
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(item, dict) for item in values):
        return []
    return [WireEvent("json", name, item) for item in values]
