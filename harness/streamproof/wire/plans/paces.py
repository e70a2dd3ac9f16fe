"""When the pieces of a body are sent: seconds to wait before each. Numbers only; who plays a plan does the waiting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final, TypeAlias

Recorded: TypeAlias = Sequence[tuple[float, int]]
"""A recording's chunks: (seconds since the request was sent, bytes) for each."""

SLOWEST: Final = 60_000
"""Milliseconds that a plan may ask for."""


def ends(recorded: Recorded) -> Iterable[int]:
    """The offsets where the recorded chunks end."""
    return accumulate(size for _, size in recorded)


def waits(pace: str | None, pieces: Sequence[bytes], recorded: Recorded) -> list[float]:
    """Seconds to wait before each piece, from the piece before it, or from the headers. Empty for no pace."""
    if pace is None or not pieces:
        return []
    name, _, number = pace.partition("-")
    if name == "fixed":
        return [0.0] + [int(number) / 1000] * (len(pieces) - 1)
    if name == "first":
        return [int(number) / 1000] + [0.0] * (len(pieces) - 1)
    return _as_recorded(pieces, recorded)


def _as_recorded(pieces: Sequence[bytes], recorded: Recorded) -> list[float]:
    """A piece can be sent when the recorded chunk that its last byte stood in has come."""
    arrivals = iter(zip(ends(recorded), (came for came, _ in recorded), strict=True))
    found: list[float] = []
    end = 0
    at = now = 0.0
    for sent in accumulate(map(len, pieces)):
        while end < sent:
            end, came = next(arrivals, (sent, now))
            now = max(now, came)
        found.append(now - at)
        at = now
    return found
