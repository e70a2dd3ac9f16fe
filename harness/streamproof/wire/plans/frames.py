"""Framing variants: the same events in other lines. What a reader makes of them, the standard says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from .body import Block, Document, field, value

_COMMENT = Block((b": ping",))
_STRING_OR_COMMA = re.compile(rb'"(?:[^"\\]|\\.)*"|,')


def _ends(*ends: bytes) -> Callable[[Document], Document]:
    return lambda document: replace(document, ends=ends)


def _each(change: Callable[[Block, int], Block]) -> Callable[[Document], Document]:
    """Every event through `change`, with its number."""

    def changed(document: Document) -> Document:
        blocks, number = [], 0
        for block in document.blocks:
            blocks.append(change(block, number) if block.is_event else block)
            number += block.is_event
        return replace(document, blocks=tuple(blocks))

    return changed


def _before(*extra: Block) -> Callable[[Document], Document]:
    return lambda document: replace(document, blocks=(*extra, *document.blocks))


def _between(document: Document) -> Document:
    blocks: list[Block] = []
    for block in document.blocks:
        if block.is_event and any(earlier.is_event for earlier in blocks):
            blocks.append(_COMMENT)
        blocks.append(block)
    return replace(document, blocks=tuple(blocks))


def _commented(block: Block, _: int) -> Block:
    return block._replace(lines=(block.lines[0], b": ping", *block.lines[1:]))


def _all_comments(document: Document) -> Document:
    return _before(_COMMENT)(_between(_each(_commented)(document)))


def _no_space(block: Block, _: int) -> Block:
    return block._replace(lines=tuple(_squeezed(line) for line in block.lines))


def _squeezed(line: bytes) -> bytes:
    """Without the space after the colon, unless a second one would be taken for it."""
    name, space, rest = line.partition(b": ")
    known = name in (b"data", b"event", b"id", b"retry")
    return name + b":" + rest if known and space and not rest.startswith(b" ") else line


def _with_id(block: Block, number: int) -> Block:
    return block._replace(lines=(b"id: %d" % number, *block.lines))


def _with_field(block: Block, number: int) -> Block:
    return block._replace(lines=(*block.lines, b"x-trace: %d" % number))


def _nameless(block: Block, _: int) -> Block:
    """Without the event's name, where the payload's `type` says it as well."""
    payload = block.payload()
    said = payload.get("type") if isinstance(payload, dict) else None
    if not isinstance(said, str) or said.encode("utf-8", "surrogatepass") != block.name:
        return block
    return block._replace(lines=tuple(line for line in block.lines if field(line) != b"event"))


def _in_two(block: Block, _: int) -> Block:
    """The data over two lines, broken after a comma between members; a line end there is JSON's white space."""
    at = [number for number, line in enumerate(block.lines) if field(line) == b"data"]
    if len(at) != 1 or not isinstance(block.payload(), dict):
        return block
    data = value(block.lines[at[0]])
    comma = next((match for match in _STRING_OR_COMMA.finditer(data) if match[0] == b","), None)
    if comma is None:
        return block
    halves = (b"data: " + data[: comma.end()], b"data: " + data[comma.end() :])
    return block._replace(lines=(*block.lines[: at[0]], *halves, *block.lines[at[0] + 1 :]))


def _unterminated(document: Document) -> Document:
    """Nothing after the last event's own lines."""
    blocks = list(document.blocks)
    while blocks and not blocks[-1].lines:
        blocks.pop()
    if not blocks or not blocks[-1].is_event:
        return document
    return replace(document, blocks=(*blocks[:-1], blocks[-1]._replace(ended=False)))


def _with_done(document: Document) -> Document:
    blocks = document.blocks
    if any(block.is_done for block in blocks) or not blocks or not blocks[-1].ended:
        return document
    return replace(document, blocks=(*blocks, Block((b"data: [DONE]",))))


def _without_done(document: Document) -> Document:
    return replace(document, blocks=tuple(block for block in document.blocks if not block.is_done))


FRAMES: Mapping[str, Callable[[Document], Document]] = {
    "done": _with_done,
    "no-done": _without_done,
    "unterminated": _unterminated,
    "two-lines": _each(_in_two),
    "no-names": _each(_nameless),
    "no-space": _each(_no_space),
    "ids": _each(_with_id),
    "retry": _before(Block((b"retry: 3000",))),
    "fields": _each(_with_field),
    "comments-before": _before(_COMMENT),
    "comments-between": _between,
    "comments-inside": _each(_commented),
    "comments": _all_comments,
    "lf": _ends(b"\n"),
    "crlf": _ends(b"\r\n"),
    "cr": _ends(b"\r"),
    "mixed": _ends(b"\n", b"\r\n", b"\r"),
    "bom": lambda document: replace(document, bom=True),
}
"""Name -> what it does. Several in one plan are applied in this order, and named in it."""
