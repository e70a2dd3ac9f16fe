"""Measuring contenders side by side: each round runs every one once, so that what disturbs one disturbs all.

The figure that counts is the ratio of two contenders, in CPU time of this process (or, over sockets, of the clock): the
median over the rounds of the ratio within a round.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Clock = Callable[[], float]


def children() -> float:
    """CPU seconds of all processes that this one has started and seen end."""
    used = os.times()
    return used.children_user + used.children_system


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each round, by contender, in the order they were given; all have as many rounds."""

    rounds: Mapping[str, list[float]]

    def seconds(self, name: str) -> float:
        """The median."""
        return statistics.median(self.rounds[name])

    def ratio(self, name: str, base: str) -> float:
        """How many times the base's."""
        return statistics.median(a / b for a, b in zip(self.rounds[name], self.rounds[base], strict=True))


def interleaved(
    contenders: Mapping[str, Callable[[], object]], rounds: int = 15, clock: Clock = time.process_time
) -> Times:
    """Time every contender in turn, `rounds` times over, after one round that does not count."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, run in contenders.items():
            gc.collect()
            gc.disable()
            begin = clock()
            run()
            took = clock() - begin
            gc.enable()
            if number:
                found[name].append(took)
    return Times(found)
