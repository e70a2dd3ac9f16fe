"""What an adapter in another process may use, and who watches it.

The limits are there so that a cell that hangs, forks, floods or grows costs itself only; they are no sandbox.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import psutil

PERIOD = 0.1
"""Seconds between two looks at what the processes use."""

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """seconds: of a cell. memory_mb: resident memory of the adapter's processes together; pages that they share count
    for each. output_mb: what it writes to standard output and error in a cell. processes: how many it may have.
    start_seconds: from its start to its `hello`; libraries are slow to import."""

    seconds: float = 30.0
    memory_mb: int = 2048
    output_mb: int = 64
    processes: int = 64
    start_seconds: float = 60.0

    @property
    def patience(self) -> float:
        """Seconds until it has to say hello: slow machines are given more of both."""
        return max(self.start_seconds, self.seconds)

    @property
    def read_seconds(self) -> float:
        """How long the adapter's HTTP client is told to wait for the next bytes: it has to give up before we do."""
        return min(self.seconds / 3, 10.0)

    def to_json(self) -> dict[str, Any]:
        """As the run's header holds it."""
        return asdict(self)


DEFAULTS = Limits()


class Use(NamedTuple):
    """What processes use. memory: bytes."""

    processes: int
    memory: int

    def beyond(self, limits: Limits) -> str:
        """Which limit this is beyond, as a sentence with its option; "" for none."""
        if self.processes > limits.processes:
            return f"has {self.processes} processes, more than {limits.processes}"
        if self.memory > limits.memory_mb * _MEGABYTE:
            return f"uses {self.memory // _MEGABYTE} MB of memory, more than {limits.memory_mb} (--memory)"
        return ""


def use(pid: int, *, itself: bool) -> Use:
    """What the descendants of a process use. itself: the process counts too."""
    try:
        parent = psutil.Process(pid)
        found = parent.children(recursive=True) + ([parent] if itself else [])
    except psutil.Error:
        return Use(0, 0)
    return Use(len(found), sum(map(_resident, found)))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has just ended
        return 0


class Watch:
    """A thread that looks at a process's descendants until one limit is passed, or until it is stopped."""

    def __init__(self, pid: int, limits: Limits, passed: Callable[[str], object], *, itself: bool) -> None:
        """passed: called once, on the thread, with what is beyond the limits."""
        self._stopped = threading.Event()
        self._thread = threading.Thread(
            target=self._look, args=(pid, limits, passed, itself), name="streamproof-limits", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _look(self, pid: int, limits: Limits, passed: Callable[[str], object], itself: bool) -> None:
        while not self._stopped.wait(PERIOD):
            if beyond := use(pid, itself=itself).beyond(limits):
                passed(beyond)
                return
