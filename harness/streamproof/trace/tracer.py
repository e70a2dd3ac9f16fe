"""Hands records to sinks, each on a thread of its own, so that no sink delays the stream, breaks it or starves another.

Each sink has a queue of `queue_size` records. When it is full the oldest record is dropped and counted: a sink that
recovers sees the latest. Threads are daemons, begin with the first record and end with their tracer. What is queued
when the interpreter ends gets one more second; a forked child begins with empty queues and threads of its own.
"""

from __future__ import annotations

import atexit
import inspect
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType

from ..scrub import redact_text
from .record import ProviderTrace
from .sinks import Sink

logger = logging.getLogger("streamproof.trace")

EXIT_SECONDS = 1.0
"""How long the end of the interpreter waits for what is queued."""

STUCK_SECONDS = 5.0
"""A sink that is at one record for longer is a problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong with one sink, or before any sink (`sink` is then `tracer`).

    failures: records it raised on. dropped: records it never saw. stuck_for: seconds it has been at its present record,
    0.0 when that is less than STUCK_SECONDS. last_error: type and message of the last exception, secrets redacted.
    """

    sink: str
    failures: int = 0
    dropped: int = 0
    stuck_for: float = 0.0
    last_error: str | None = None


class Tracer:
    """Takes a record per call and passes it to every sink.

    capture_content: False takes content out before any sink sees a record (`ProviderTrace.without_content`); a sink
    that writes content has to be told so too. queue_size: records that may wait for each sink. Use it as a context
    manager, or call `close`; without either nothing hangs, and what is queued still goes out.
    """

    def __init__(self, sinks: Iterable[Sink], *, capture_content: bool = False, queue_size: int = 1000) -> None:
        if queue_size < 1:
            raise ValueError(f"queue_size is {queue_size}: at least one record has to fit")
        self.capture_content = capture_content
        self._workers = tuple(_Worker(sink, queue_size) for sink in sinks)
        self._faults = _Faults("tracer")
        self._closed = False
        weakref.finalize(self, _stop, self._workers).atexit = False

    def submit(self, record: ProviderTrace) -> None:
        """Queue the record for every sink. Never waits for a sink and never raises; after `close` it only counts."""
        try:
            kept = record.owned() if self.capture_content else record.without_content()
        except Exception as error:  # noqa: BLE001 - a request that cannot be copied must not break the stream
            self._faults.failed(error)
            self._faults.tell_soon()
            return
        for worker in self._workers:
            worker.put(kept, closed=self._closed)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What has gone wrong so far, one entry per sink that has a problem; empty when all is well."""
        found = (self._faults.problem(), *(worker.problem() for worker in self._workers))
        return tuple(problem for problem in found if problem.failures or problem.dropped or problem.stuck_for)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait up to `timeout` seconds until the sinks have seen all that was submitted; False when they have not."""
        return _flush(self._workers, timeout)

    def close(self, timeout: float = 5.0) -> bool:
        """`flush`, then take no more records; those that did not go out in time are dropped and counted."""
        self._closed = True
        flushed = self.flush(timeout)
        _stop(self._workers)
        for worker in self._workers:
            worker.give_up()
        self._faults.tell()
        return flushed

    def __enter__(self) -> Tracer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


_WARNING = "trace sink %s: %d failed, %d dropped, last error: %s; more are only counted, in Tracer.problems"


class _Faults:
    """Counts what goes wrong with one sink and tells the log once. Its text has no secrets."""

    def __init__(self, name: str) -> None:
        self.name, self.failures, self.dropped, self.told = name, 0, 0, False
        self.last_error: str | None = None

    def failed(self, error: BaseException) -> None:
        self.failures += 1
        self.last_error = _text(error)

    def tell(self) -> None:
        """One warning, ever."""
        if self.told or not (self.failures or self.dropped):
            return
        self.told = True
        try:
            logger.warning(_WARNING, self.name, self.failures, self.dropped, self.last_error)
        except Exception as error:  # noqa: BLE001 - a log handler may raise
            self.failed(error)

    def tell_soon(self) -> None:
        """`tell`, from a thread of its own: a log handler may block, and `submit` may not."""
        if self.told:
            return
        try:
            threading.Thread(target=self.tell, name="streamproof-trace log", daemon=True).start()
        except RuntimeError as error:  # no more threads; `close` tells
            self.failed(error)

    def problem(self, stuck_for: float = 0.0) -> Problem:
        return Problem(
            sink=self.name,
            failures=self.failures,
            dropped=self.dropped,
            stuck_for=stuck_for,
            last_error=self.last_error,
        )


class _Worker:
    """One sink, its queue and its thread."""

    def __init__(self, sink: Sink, queue_size: int) -> None:
        self.sink, self.size = sink, queue_size
        self.faults = _Faults(redact_text(_name(sink)))
        self.begin()
        _WORKERS.add(self)

    def begin(self) -> None:
        """Everything that a thread holds, anew; in a forked child the old lock may be held for ever."""
        self.changed = threading.Condition()  # reentrant: a stream closed by the garbage collector submits too
        self.queue: deque[tuple[int, ProviderTrace]] = deque()
        self.thread: threading.Thread | None = None
        self.count = 0
        self.at: int | None = None
        self.since = 0.0
        self.stopped = False

    def put(self, record: ProviderTrace, *, closed: bool) -> None:
        with self.changed:
            if closed:
                self.faults.dropped += 1
                return
            if len(self.queue) >= self.size:
                self.queue.popleft()
                self.faults.dropped += 1
                self.faults.tell_soon()
            self.count += 1
            self.queue.append((self.count, record))
            self._start()
            self.changed.notify_all()

    def _start(self) -> None:
        if self.thread is not None:
            return
        thread = threading.Thread(target=self._run, name=f"streamproof-trace {self.faults.name}"[:60], daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no more threads, or the interpreter is ending; the next record tries again
            self.faults.failed(error)
        else:
            self.thread = thread

    def _run(self) -> None:
        while (record := self._next()) is not None:
            self._deliver(record)
            del record  # not held while waiting
            with self.changed:
                self.at = None
                self.changed.notify_all()

    def _next(self) -> ProviderTrace | None:
        with self.changed:
            self.changed.wait_for(lambda: self.queue or self.stopped)
            if not self.queue:
                self.thread = None
                return None
            self.at, record = self.queue.popleft()
            self.since = time.monotonic()
            return record

    def _deliver(self, record: ProviderTrace) -> None:
        try:
            outcome = self.sink(record)
            if inspect.iscoroutine(outcome):
                outcome.close()
                raise TypeError("the sink is a coroutine function; give a plain one")
        except BaseException as error:  # noqa: BLE001 - a sink's SystemExit must not end the thread either
            self.faults.failed(error)
        self.faults.tell()

    def wait(self, target: int, deadline: float) -> bool:
        """Wait until the records up to number `target` are done or dropped."""

        def done() -> bool:
            waiting = self.queue and self.queue[0][0] <= target
            return not waiting and (self.at is None or self.at > target)

        with self.changed:
            return self.changed.wait_for(done, max(0.0, deadline - time.monotonic()))

    def give_up(self) -> None:
        """Drop what still waits, and say so."""
        with self.changed:
            self.faults.dropped += len(self.queue)
            self.queue.clear()
        self.faults.tell()

    def problem(self) -> Problem:
        with self.changed:
            busy = time.monotonic() - self.since if self.at is not None else 0.0
            return self.faults.problem(busy if busy >= STUCK_SECONDS else 0.0)


_WORKERS: weakref.WeakSet[_Worker] = weakref.WeakSet()


def _flush(workers: Iterable[_Worker], timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    return all(worker.wait(worker.count, deadline) for worker in workers)


def _stop(workers: Iterable[_Worker]) -> None:
    """Let the threads end once their queues are empty."""
    for worker in workers:
        with worker.changed:
            worker.stopped = True
            worker.changed.notify_all()


def _name(sink: Sink) -> str:
    name = getattr(sink, "__qualname__", None)
    return name if isinstance(name, str) else _said(repr, sink)


def _text(error: BaseException) -> str:
    return redact_text(f"{type(error).__name__}: {_said(str, error)}")


def _said(how: Callable[[object], str], thing: object) -> str:
    try:
        return how(thing)[:500]
    except Exception:  # noqa: BLE001 - a broken __str__ of somebody else's class
        return f"a {type(thing).__qualname__} that cannot be shown"


def _after_fork() -> None:
    for worker in list(_WORKERS):
        worker.begin()


def _at_exit() -> None:
    workers = list(_WORKERS)
    if not _flush(workers, EXIT_SECONDS):
        for worker in workers:
            worker.give_up()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
