"""Limits for one input, far above what it needs: milliseconds and a few megabytes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 30
"""For one input; a hang costs this once."""

MEGABYTES = 256
"""How far one input may raise the most memory that the process has ever held."""


class MemoryExceededError(Exception):
    """An input took more memory than any honest one."""


@contextmanager
def limited(seconds: int = SECONDS, megabytes: int = MEGABYTES) -> Iterator[None]:
    """A hang becomes a TimeoutError, and memory that was taken a MemoryExceededError, where the platform can tell."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def bark(*_: object) -> None:
        raise TimeoutError(f"no end within {seconds} s")

    before, held = signal.signal(signal.SIGALRM, bark), peak()
    other = signal.setitimer(signal.ITIMER_REAL, seconds)  # a test's own watchdog
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *other)
    if peak() - held > megabytes:
        raise MemoryExceededError(f"{peak() - held:.0f} MB for one input")


def peak() -> float:
    """The most memory that this process has ever held, in MB."""
    import resource  # noqa: PLC0415 - not on Windows

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
