"""Counting what came of the inputs, and saying so while it goes on."""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from .laws import Seen
from .mutations import Input

EVERY = 10.0
"""Seconds between two lines of progress where no terminal shows them."""


@dataclass(slots=True)
class Tally:
    """One engine with one adapter. limits: how many inputs and seconds at most, None for no limit."""

    engine: str
    adapter: str
    inputs: int | None = None
    seconds: float | None = None
    count: int = 0
    failures: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    outcomes: set[Any] = field(default_factory=set)
    started: float = field(default_factory=time.perf_counter)
    _said: float = field(default_factory=time.perf_counter)

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.started

    @property
    def over(self) -> bool:
        """Whether the limits are reached."""
        return (self.inputs is not None and self.count >= self.inputs) or (
            self.seconds is not None and self.elapsed >= self.seconds
        )

    def take(self, given: Input, seen: Seen) -> None:
        """One input that broke no law."""
        self.count += 1
        completion = seen.completion
        self.statuses[completion.status] += 1
        kind = completion.error.type if completion.error else completion.finish_reason in _REASONS
        parts = frozenset(part.type for part in completion.content)
        self.outcomes.add((given.row.protocol, completion.status, kind, parts, frozenset(seen.kinds)))
        self.progress()

    def progress(self, *, last: bool = False) -> None:
        """A line, now and then."""
        now, often = time.perf_counter(), sys.stderr.isatty()
        if last or now - self._said >= (0.5 if often else EVERY):
            self._said = now
            end = "\n" if last or not often else ""
            clear = "\r\x1b[2K" if often else ""
            print(f"{clear}{self}", end=end, file=sys.stderr, flush=True)

    def __str__(self) -> str:
        said = ", ".join(f"{count} {status}" for status, count in sorted(self.statuses.items())) or "nothing yet"
        rate = self.count / self.elapsed if self.elapsed else 0.0
        return (
            f"{self.engine} {self.adapter}: {self.count} inputs in {self.elapsed:.0f} s ({rate:.0f}/s), "
            f"{len(self.outcomes)} distinct outcomes ({said}), {self.failures} failures"
        )

    def to_json(self) -> dict[str, Any]:
        """The figures."""
        return {
            "engine": self.engine,
            "adapter": self.adapter,
            "inputs": self.count,
            "seconds": round(self.elapsed, 1),
            "distinct_outcomes": len(self.outcomes),
            "statuses": dict(sorted(self.statuses.items())),
            "failures": self.failures,
        }


_REASONS = {"stop", "length", "tool_calls", "content_filter", None}
