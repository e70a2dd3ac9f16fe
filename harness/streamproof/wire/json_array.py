"""A body that is JSON: Gemini's stream without `alt=sse`, `[{...}\\n,\\n{...}\\n]`, or one document `{...}`.

Each element of the array is an event as soon as its last brace is there. Only strings and brackets are looked at,
every byte once or twice whatever the chunks; whether an element is JSON is for the parser to say.
Source of the array form: https://ai.google.dev/api/generate-content (streamGenerateContent), recordings.
"""

from __future__ import annotations

import re

from .event import WireEvent, malformed, parsed

_WHITE = b" \t\r\n"
_BOM_OR_WHITE = b"\xef\xbb\xbf" + _WHITE
_TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_TO_BRACKET_OR_COMMA = re.compile(rb'(?:[^"{}\[\],]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_IN_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_QUOTE, _BACKSLASH = b'"\\'
_OPENING, _CLOSING = frozenset(b"{["), frozenset(b"}]")
_GARBAGE_LIMIT = 4096


class JSONBodyParser:
    """An incremental parser: `feed` every chunk, then `close` once.

    A body that begins with `[`: its elements are events of kind `json`. With `{`: one event of kind `document`.
    """

    def __init__(self) -> None:
        self._base: int | None = None  # depth at which elements stand: 1 in an array, 0 for a document
        self._depth = 0
        self._in_string = False
        self._escape = False  # the last byte was a backslash inside a string
        self._pieces: list[bytes] = []  # of the element that is not yet whole
        self._ended = False
        self._garbage = b""

    def feed(self, chunk: bytes) -> list[WireEvent]:
        """The events that this chunk completes."""
        if self._base is None:
            chunk = chunk.lstrip(_BOM_OR_WHITE)
            if not chunk:
                return []
            self._base = int(chunk[:1] == b"[")
            self._depth = self._base
            chunk = chunk[self._base :]
        events: list[WireEvent] = []
        at = 0
        while at < len(chunk) and not self._ended:
            at = self._scan(chunk, at, events)
        if self._ended and len(self._garbage) < _GARBAGE_LIMIT:
            rest = chunk[at:] if self._garbage else chunk[at:].lstrip(_WHITE)
            self._garbage = (self._garbage + rest)[:_GARBAGE_LIMIT]
        return events

    def close(self) -> list[WireEvent]:
        """`truncated` when the body ended before its last bracket, `invalid_json` when more than JSON followed it."""
        if self._ended:
            garbage = self._garbage.rstrip(_WHITE)
            return [malformed("invalid_json", "more follows the JSON document", garbage)] if garbage else []
        if self._base is None:
            return []
        return [malformed("truncated", "the JSON document has no end", b"".join(self._pieces).strip(_WHITE))]

    def _scan(self, chunk: bytes, start: int, events: list[WireEvent]) -> int:
        """Take bytes up to the end of an element or of the chunk; where to go on."""
        at = start
        while (at := self._next(chunk, at)) < len(chunk):
            byte = chunk[at]
            at += 1
            if byte == _QUOTE:
                self._in_string = True
            elif byte in _OPENING:
                self._depth += 1
            elif byte in _CLOSING:
                self._depth -= 1
                if self._depth <= (self._base or 0):
                    self._deliver(chunk[start : at if self._depth == self._base else at - 1], events)
                    self._ended = not self._base or self._depth < self._base
                    return at
            else:  # a comma between elements
                self._deliver(chunk[start : at - 1], events)
                return at
        self._pieces.append(chunk[start:])
        return at

    def _next(self, chunk: bytes, at: int) -> int:
        """The next bracket, opening quote or, between elements, comma; the length of the chunk when there is none."""
        if self._in_string:
            if self._escape:
                self._escape = False
                at += 1
            at = _end(_IN_STRING, chunk, at)
            if at < len(chunk) and chunk[at] == _BACKSLASH:  # the last byte: what it escapes is not here yet
                self._escape = True
                return len(chunk)
            if at >= len(chunk):
                return len(chunk)
            self._in_string = False
            at += 1
        between = self._depth == self._base and self._base
        return _end(_TO_BRACKET_OR_COMMA if between else _TO_BRACKET, chunk, at)

    def _deliver(self, last: bytes, events: list[WireEvent]) -> None:
        self._pieces.append(last)
        element = b"".join(self._pieces).strip(_WHITE)
        self._pieces = []
        if element:
            events += parsed("json" if self._base else "document", "", element)


def _end(pattern: re.Pattern[bytes], chunk: bytes, at: int) -> int:
    match = pattern.match(chunk, at)
    assert match is not None  # nothing at all matches, too
    return match.end()
