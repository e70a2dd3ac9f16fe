"""Verdicts, worst first, and how they add up."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Verdict(IntEnum):
    """What is said of a requirement, and of a cell. The smaller, the worse."""

    HANG = 0
    """No answer within the time limit."""
    CRASH = 1
    """An exception that is no LLMError."""
    WRONG = 2
    """Contradicts the wire."""
    LOSSY = 3
    """The truth stands only in raw metadata, or nowhere."""
    HARNESS = 4
    """streamproof's own fault."""
    UNSUPPORTED = 5
    """The adapter declares that it does not speak this protocol."""
    NOT_OFFERED = 6
    """The library has no such field."""
    PASS = 7
    """As it should be."""

    @property
    def word(self) -> str:
        """How it is written in outcomes and expectations."""
        return self.name.lower()

    @property
    def ok(self) -> bool:
        """Whether a run with this verdict is green."""
        return self >= Verdict.UNSUPPORTED


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of the whole; PASS when there is nothing to say."""
    return min(verdicts, default=Verdict.PASS)
