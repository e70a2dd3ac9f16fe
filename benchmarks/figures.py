"""What a benchmark hands back: sections of figures, each a contender of one comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .interleaved import Times


class Figure(NamedTuple):
    """One line.

    values: seconds (or what `unit` says) for one unit of work, a value each round. ratio: to the base of its section,
    None for none. target: what ratio (or value) shall not exceed, None for none; at_least: not fall below.
    """

    name: str
    values: list[float]
    unit: str
    ratio: float | None = None
    target: float | None = None
    at_least: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target is met, None without one."""
        if self.target is None:
            return None
        reached = self.ratio if self.ratio is not None else sorted(self.values)[len(self.values) // 2]
        return reached >= self.target if self.at_least else reached <= self.target


@dataclass(frozen=True, slots=True)
class Section:
    """One comparison. work: what is done, in one sentence."""

    key: str
    title: str
    work: str
    figures: list[Figure]


def compared(
    times: Times,
    per: int,
    unit: str,
    base: str,
    targets: Mapping[str, float] | None = None,
    bases: Mapping[str, str] | None = None,
) -> list[Figure]:
    """Figures of contenders that did `per` units of work each round. bases: another base for some."""
    targets, bases = targets or {}, bases or {}
    return [
        Figure(
            name,
            [seconds / per for seconds in times.rounds[name]],
            unit,
            times.ratio(name, bases.get(name, base)),
            targets.get(name),
        )
        for name in times.rounds
    ]
