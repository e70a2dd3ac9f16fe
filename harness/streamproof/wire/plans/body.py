"""What a stored body is made of: its kind, its events and where they lie, its lines when it is server-sent events."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from ...jsontext import JSON, loads
from ..eventstream import PRELUDE_SIZE, is_prelude
from ..json_array import JSONBodyParser

BodyKind: TypeAlias = Literal["sse", "eventstream", "json", "other"]
"""sse: server-sent events. eventstream: AWS frames. json: an array, or one document. other: all else, and empty."""

_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(rb"([^\r\n]*)(\r\n|\r|\n|\Z)")
_FIELD = re.compile(rb"(?:\A|[\r\n])(?:\xef\xbb\xbf)?(?:data|event|id|retry)?:")


def body_kind(body: bytes) -> BodyKind:
    """Which kind of body these bytes are; a compressed one is `other`."""
    if is_prelude(body[:PRELUDE_SIZE]):
        return "eventstream"
    if body.removeprefix(_BOM).lstrip()[:1] in (b"{", b"["):
        return "json"
    return "sse" if _FIELD.search(body) else "other"


class Span(NamedTuple):
    """One event: body[start:end], what precedes it (comments) included. data: where its payload begins and ends.
    ended: False when the body ends before the event does."""

    start: int
    end: int
    data: tuple[int, int]
    ended: bool = True


@lru_cache(maxsize=64)
def spans(body: bytes) -> Sequence[Span]:
    """The events of a body, in order. Of server-sent events those with data; an unfinished last one counts."""
    return _SPANS[body_kind(body)](body)


def _sse_spans(body: bytes) -> list[Span]:
    found: list[Span] = []
    start = 0
    data: tuple[int, int] | None = None
    for at, line, end in _lines(body):
        if field(line) == b"data":
            data = (data[0] if data else at, at + len(line))
        elif not line and data:
            found.append(Span(start, end, data))
            start, data = end, None
    if data:
        found.append(Span(start, len(body), data, ended=False))
    return found


def _lines(body: bytes) -> Iterable[tuple[int, bytes, int]]:
    """Every line with the offsets of its first byte and of what follows its end."""
    at = len(_BOM) if body.startswith(_BOM) else 0
    while at < len(body):
        match = _LINE.match(body, at)
        assert match is not None
        yield at, match[1], match.end()
        at = match.end()


def _frame_spans(body: bytes) -> list[Span]:
    found: list[Span] = []
    at = 0
    while is_prelude(body[at : at + PRELUDE_SIZE]):
        end = at + int(struct.unpack_from("!I", body, at)[0])
        found.append(Span(at, min(end, len(body)), (at, min(end, len(body))), ended=end <= len(body)))
        at = end
    return found


def _element_spans(body: bytes) -> list[Span]:
    parser, start = JSONBodyParser(), 0
    found: list[Span] = []
    for at in range(len(body)):
        if parser.feed(body[at : at + 1]):
            found.append(Span(start, at + 1, (start, at + 1)))
            start = at + 1
    return found


def _none(_: bytes) -> list[Span]:
    return []


_SPANS: Mapping[BodyKind, Callable[[bytes], list[Span]]] = {
    "sse": _sse_spans,
    "eventstream": _frame_spans,
    "json": _element_spans,
    "other": _none,
}


class Block(NamedTuple):
    """Consecutive lines of server-sent events, without their ends. ended: a blank line follows."""

    lines: tuple[bytes, ...]
    ended: bool = True

    @property
    def data(self) -> list[bytes]:
        """The values of its `data` lines."""
        return [value(line) for line in self.lines if field(line) == b"data"]

    @property
    def is_event(self) -> bool:
        """Whether a reader makes an event of it."""
        return any(field(line) == b"data" for line in self.lines)

    @property
    def name(self) -> bytes:
        """The value of its last `event` line, empty when it has none."""
        return next((value(line) for line in reversed(self.lines) if field(line) == b"event"), b"")

    def payload(self) -> JSON:
        """Its data as JSON, None when it is none."""
        try:
            return loads(b"\n".join(self.data).decode())
        except ValueError:
            return None

    @property
    def is_done(self) -> bool:
        """Whether it is the sentinel `[DONE]`."""
        return b"\n".join(self.data).strip() == b"[DONE]"


def field(line: bytes) -> bytes:
    """The name of the field in a line; empty for a comment."""
    return line.partition(b":")[0]


def value(line: bytes) -> bytes:
    """The value of the field in a line."""
    return line.partition(b":")[2].removeprefix(b" ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Server-sent events as lines. ends: line ends, one per block, in turn. bom: a byte order mark comes first."""

    blocks: tuple[Block, ...]
    ends: Sequence[bytes]
    bom: bool

    @classmethod
    def parse(cls, body: bytes) -> Document:
        """Of a body; of several kinds of line ends the first one is kept."""
        blocks: list[Block] = []
        lines: list[bytes] = []
        for _, line, _ in _lines(body):
            if line:
                lines.append(line)
            else:
                blocks.append(Block(tuple(lines)))
                lines = []
        if lines:
            blocks.append(Block(tuple(lines), ended=False))
        first = _LINE.match(body)
        assert first is not None
        return cls(blocks=tuple(blocks), ends=(first[2] or b"\n",), bom=body.startswith(_BOM))

    def render(self) -> bytes:
        """The bytes; those of `parse` where these had one kind of line end and no half last line."""
        pieces = [_BOM] if self.bom else []
        for number, block in enumerate(self.blocks):
            end = self.ends[number % len(self.ends)]
            pieces += [line + end for line in block.lines]
            pieces += [end] if block.ended else []
        return b"".join(pieces)

    @property
    def events(self) -> list[int]:
        """Which blocks are events."""
        return [number for number, block in enumerate(self.blocks) if block.is_event]
