"""Where a body is cut into the pieces that a client reads."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise

from .body import spans


def pieces(body: bytes, positions: Iterable[int]) -> list[bytes]:
    """The body cut at these offsets; no piece is empty."""
    size = len(body)
    return [body[start:end] for start, end in pairwise(sorted({0, size, *(min(at, size) for at in positions)}))]


def _every(size: int) -> Callable[[bytes], Iterable[int]]:
    return lambda body: range(size, len(body), size)


def _random(body: bytes, seed: int) -> Iterator[int]:
    """Pieces of 1 to 64 bytes, half of them under 8; the same for the same seed and length."""
    dice, at = random.Random(f"{seed}/{len(body)}"), 0
    while at < len(body):
        at += dice.choice((dice.randint(1, 7), dice.randint(1, 64)))
        yield at


SPLITS: Mapping[str, Callable[[bytes], Iterable[int]]] = {
    "whole": lambda _: (),
    "event": lambda body: (span.end for span in spans(body)),
    "mid-event": lambda body: (sum(span.data) // 2 for span in spans(body)),
    "utf8": lambda body: (at for at, byte in enumerate(body) if byte & 0xC0 == 0x80),
    "crlf": lambda body: (at for at in range(1, len(body)) if body[at - 1 : at + 1] == b"\r\n"),
    "byte": _every(1),
    "2": _every(2),
    "3": _every(3),
    "7": _every(7),
}
"""Name -> the offsets of the cuts."""

NUMBERED: Mapping[str, Callable[[bytes, int], Iterable[int]]] = {
    "random": _random,
    "at": lambda _, position: (position,),
}
"""Name before `-<number>` -> the offsets of the cuts: random-<seed>, at-<offset>."""
