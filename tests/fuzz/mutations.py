"""Damage, by the choices of a `random.Random`: the same choices give the same input, whoever makes them.

Choices are drawn so that small numbers mean little damage: engines that shrink or search by bytes prefer those.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random
from typing import Any, NamedTuple

from streamproof.providers import Provider

from .seeds import Seed
from .streams import NO_VALUE, Event, changed, joined

MAX_EVENTS = 48
"""Longer streams are thinned out first: head, a run from the middle, tail."""

BINARY = "application/vnd.amazon.eventstream"
CONTENT_TYPES = (None, "", "text/event-stream", "application/json", BINARY, "text/html; charset=latin-1", "\x7f/;=")
STATUSES = (200, 201, 204, 301, 400, 401, 403, 404, 413, 422, 429, 500, 503, 529, 599)


class Input(NamedTuple):
    """One damaged stream, and how it is delivered. cuts: where the body is cut into chunks, ascending."""

    seed: str
    row: Provider
    n: int | None
    status: int
    content_type: str | None
    content_encoding: str | None
    body: bytes
    cuts: tuple[int, ...]

    def chunks(self) -> list[bytes]:
        """The body as it is delivered."""
        edges = (0, *self.cuts, len(self.body))
        return [self.body[a:b] for a, b in pairwise(edges) if a < b]


def mutated(random: Random, seeds: Sequence[Seed]) -> Input:
    """A seed with some damage: to its events, to its bytes, to its headers; and some way to cut it."""
    seed = random.choice(seeds)
    found = _thinned(random, list(seed.events))
    for _ in range(_few(random, 5)):
        if not found:
            break
        _EVENT_DAMAGE[random.randrange(len(_EVENT_DAMAGE))](random, found, seeds)
    body = bytearray(joined(found))
    for _ in range(_few(random, 4) if random.randrange(5) > 2 else 0):
        _BYTE_DAMAGE[random.randrange(len(_BYTE_DAMAGE))](random, body)
    content_type = random.choice(CONTENT_TYPES) if random.randrange(8) == 7 else seed.content_type
    whole, encoding = _encoded(random, bytes(body)) if random.randrange(50) == 49 else (bytes(body), None)
    status = random.choice(STATUSES) if random.randrange(50) == 49 else 200
    row = random.choice(seed.rows)
    return Input(seed.name, row, seed.n, status, content_type, encoding, whole, _cuts(random, len(whole)))


def _few(random: Random, most: int) -> int:
    """0 to `most`, small numbers more often."""
    return min(random.randrange(most + 1), random.randrange(most + 1))


def _thinned(random: Random, found: list[Event]) -> list[Event]:
    if len(found) <= MAX_EVENTS or random.randrange(100) == 99:
        return found
    head, tail, run = random.randrange(8), 1 + random.randrange(12), random.randrange(24)
    start = random.randrange(head, len(found) - tail)
    return found[:head] + found[start : min(start + run, len(found) - tail)] + found[-tail:]


# -- to events


def _drop(random: Random, found: list[Event], _: Sequence[Seed]) -> None:
    at = random.randrange(len(found))
    del found[at : at + 1 + _few(random, 3)]


def _repeat(random: Random, found: list[Event], _: Sequence[Seed]) -> None:
    found.insert(random.randrange(len(found) + 1), random.choice(found))


def _swap(random: Random, found: list[Event], _: Sequence[Seed]) -> None:
    a, b = random.randrange(len(found)), random.randrange(len(found))
    found[a], found[b] = found[b], found[a]


def _cut(random: Random, found: list[Event], _: Sequence[Seed]) -> None:
    del found[random.randrange(len(found) + 1) :]


def _splice(random: Random, found: list[Event], seeds: Sequence[Seed]) -> None:
    """Go on with another stream from some event on; of any protocol."""
    other = random.choice(seeds).events
    if other:
        start = random.randrange(len(other))
        found[random.randrange(len(found) + 1) :] = other[start : start + MAX_EVENTS]


def _foreign(random: Random, found: list[Event], seeds: Sequence[Seed]) -> None:
    """One event of another stream."""
    other = random.choice(seeds).events
    if other:
        found.insert(random.randrange(len(found) + 1), random.choice(other))


def _value(random: Random, found: list[Event], _: Sequence[Seed]) -> None:
    """Another value somewhere inside an event: a hostile one, or one that stands elsewhere in the stream."""
    at = random.randrange(len(found))
    if found[at].value is NO_VALUE:
        return
    path = _path(random, found[at].value)
    if random.randrange(3) == 2:
        other = random.choice(found).value
        value = None if other is NO_VALUE else _at(other, _path(random, other))
    else:
        value = random.choice(HOSTILE)
    found[at] = changed(found[at], _replaced(found[at].value, path, value))


def _key(random: Random, found: list[Event], _: Sequence[Seed]) -> None:
    """A key that is gone, is another one's, or is new."""
    at = random.randrange(len(found))
    if found[at].value is NO_VALUE:
        return
    path = _path(random, found[at].value)
    holder = _at(found[at].value, path[:-1]) if path else found[at].value
    if not isinstance(holder, dict) or not holder:
        return
    keys, copy = list(holder), dict(holder)
    kind, key = random.randrange(3), random.choice(keys)
    if kind == 0:
        del copy[key]
    elif kind == 1:
        copy[key] = copy[random.choice(keys)]
    else:
        copy[random.choice(_KEYS)] = random.choice(HOSTILE)
    found[at] = changed(found[at], _replaced(found[at].value, path[:-1], copy))


Damage = Callable[[Random, list[Event], Sequence[Seed]], None]
_EVENT_DAMAGE: tuple[Damage, ...] = (
    _value, _value, _value, _value, _drop, _repeat, _swap, _cut, _key, _key, _splice, _foreign,
)  # fmt: skip

HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, 1, 2, -1, -(10**30), 10**30, 2**63, 10**9, 0.5, -0.0, 1e308, float("nan"), float("inf"),
    "", "x", "0", "null", "\ud800", "\udfffz", "\ud83d\ude00", "\x00", "é" * 200, "x" * 3000, "[DONE]", "stop", "error",
    "{", '{"a":', '{"a":1}', '{"a":1}}', "\u2028\r\n\n", [], {}, [None], [[]], [{}], {"": None}, {"type": None},
    {"index": -1}, [{"type": "text", "text": None}], {"error": {"message": None, "code": []}}, {"error": "x"},
    ["x"] * 50,
)  # fmt: skip

_KEYS = (
    "error", "type", "index", "usage", "choices", "delta", "message", "content", "finish_reason", "stop_reason", "id",
    "output", "response", "item", "candidates", "tool_calls", "arguments", "text", "status", "", "\ud800", "reasoning",
)  # fmt: skip


def _path(random: Random, value: Any) -> tuple[Any, ...]:
    """A place inside a JSON value; () is the value itself."""
    path: list[Any] = []
    while isinstance(value, dict | list) and value and random.randrange(6) != 5:
        key = random.choice(list(value)) if isinstance(value, dict) else random.randrange(len(value))
        path.append(key)
        value = value[key]
    return tuple(path)


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(copy[path[0]], path[1:], new)
    return copy


# -- to bytes


def _flip(random: Random, body: bytearray) -> None:
    if body:
        body[random.randrange(len(body))] ^= 1 << random.randrange(8)


def _insert(random: Random, body: bytearray) -> None:
    at = random.randrange(len(body) + 1)
    body[at:at] = random.choice(_SNIPPETS)


def _remove(random: Random, body: bytearray) -> None:
    at = random.randrange(len(body) + 1)
    del body[at : at + 1 + _few(random, 40)]


def _truncate(random: Random, body: bytearray) -> None:
    del body[random.randrange(len(body) + 1) :]


def _behead(random: Random, body: bytearray) -> None:
    del body[: random.randrange(min(len(body), 40) + 1)]


_BYTE_DAMAGE: Sequence[Callable[[Random, bytearray], None]] = (_flip, _flip, _truncate, _insert, _remove, _behead)

_SNIPPETS = (
    b"\n", b"\r", b"\r\n", b"\n\n", b"\x00", b"\xff", b"\xf0\x9f", b"\xef\xbb\xbf", b":", b": ping\n\n", b"data:",
    b"data: [DONE]\n\n", b"data: null\n\n", b"event: error\n", b"event: message_stop\n", b"id: \x00\n", b"retry: 5\n",
    b"{", b"}", b"[", b"]", b'"', b"\\", b",", b"[DONE]", b"<html>", b"\x1f\x8b\x08", b"\x00\x00\x00\x10", b"[" * 300,
    b'data: {"error":{"message":"x"}}\n\n', b"1e999", b"9" * 5000, b"NaN",
)  # fmt: skip


# -- to the delivery


def _encoded(random: Random, body: bytes) -> tuple[bytes, str]:
    """Compressed, or only said to be; perhaps cut."""
    name = random.choice(("gzip", "gzip, gzip", "br", "deflate", "zstd", "odd"))
    if name.startswith("gzip"):
        for _ in name.split(","):
            body = gzip.compress(body, 1, mtime=0)
    return body[: random.randrange(len(body) + 1)] if random.randrange(3) == 2 else body, name


def _cuts(random: Random, size: int) -> tuple[int, ...]:
    """Whole, in two, at some places, or every few bytes."""
    kind = random.randrange(8)
    if kind == 0 or size < 2:
        return ()
    if kind == 1:
        return (random.randrange(1, size),)
    if kind == 2:
        step = random.choice((1, 2, 3, 7, 64)) if size <= 2000 else random.choice((64, 512, 4096))
        return tuple(range(step, size, step))
    return tuple(sorted({random.randrange(1, size) for _ in range(1 + random.randrange(12))}))
