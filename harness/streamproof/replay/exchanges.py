"""What the loopback server's clients asked and what became of it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from .. import jsontext
from ..jsontext import JSON
from ..scrub import REDACTED, SECRET_HEADERS, redact_url

Ended = Literal["complete", "client_closed", "reset_by_us", "short", "stopped"]
"""How a response ended: all sent; the client closed first; RST; closed before the body's end; the server stopped."""

KEPT: Final = 10_000
"""Exchanges that a log keeps; the oldest go first."""

KEPT_BYTES: Final = 64 * 1024 * 1024
"""Bytes of request bodies that a log keeps, the newest one's in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client sent. target: path and query as sent. headers: in order, lower-case names. body: as sent."""

    method: str = ""
    target: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    def header(self, name: str) -> str | None:
        """The first value of a header, None when there is none."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    def json(self) -> JSON:
        """The body as JSON. Raises ValueError where it is none."""
        return jsontext.loads(self.body.decode("utf-8"))

    def masked(self) -> Request:
        """Without the values of secret headers and query parameters. The body stays as it is."""
        headers = tuple((name, REDACTED if name in SECRET_HEADERS else value) for name, value in self.headers)
        return replace(self, target=redact_url(self.target), headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and its answer so far. Times: seconds of `time.perf_counter`.

    request: secrets masked; empty where the client spoke no HTTP. status: None as long as no status line was sent.
    bytes_sent: of the body, without its framing, handed to the system. ended: None as long as it goes on. report: what
    somebody has to look at: a request that matched nothing, a handler that failed. tags: what the handler said about
    it. asked: the request was complete. answered: the status line was sent. closed: it ended.
    """

    request: Request
    status: int | None = None
    bytes_sent: int = 0
    ended: Ended | None = None
    report: str | None = None
    tags: Mapping[str, str | int] = field(default_factory=dict)
    asked: float
    answered: float | None = None
    closed: float | None = None

    def __str__(self) -> str:
        asked = f"{self.request.method} {self.request.target}" if self.request.method else "no HTTP request"
        report = f" ({self.report})" if self.report else ""
        return f"{asked}: {self.status or 'no answer'}, {self.bytes_sent} bytes, {self.ended or 'open'}{report}"


class _Changes(threading.Condition):
    """Told to those who wait for a change."""

    waiting = 0
    """How many there are; set before they look, so that nobody who finds 0 has to tell them."""


class ExchangeLog:
    """The exchanges of a server, in the order of the requests. Written by its thread, read by any.

    keep: how many it keeps; what they sent is bounded too (`KEPT_BYTES`). ended: called with each exchange that has
    ended, on the server's thread; it must not wait.
    """

    def __init__(self, keep: int = KEPT, ended: Callable[[Exchange], object] | None = None) -> None:
        self._changed = _Changes()
        self._entries: deque[Entry] = deque()
        self._keep, self._bytes, self._ended = keep, 0, ended
        self.dropped = 0
        """How many were too old to be kept."""

    def begin(self, request: Request) -> Entry:
        """A request has come."""
        entry = Entry(Exchange(request=request.masked(), asked=time.perf_counter()), self._changed, self._ended)
        with self._changed:
            self._entries.append(entry)
            self._bytes += entry.size
            while len(self._entries) > self._keep or (self._bytes > KEPT_BYTES and len(self._entries) > 1):
                self._bytes -= self._entries.popleft().size
                self.dropped += 1
            self._changed.notify_all()
        return entry

    def snapshot(self, **tags: str | int) -> list[Exchange]:
        """As they are now. tags: only those that have these."""
        with self._changed:
            return [entry.exchange for entry in self._entries if entry.has(tags)]

    def forget(self, **tags: str | int) -> None:
        """Drop those that have these tags."""
        with self._changed:
            self._entries = deque(entry for entry in self._entries if not entry.has(tags))
            self._bytes = sum(entry.size for entry in self._entries)

    def wait_for(
        self, predicate: Callable[[Sequence[Exchange]], object], timeout: float, **tags: str | int
    ) -> list[Exchange]:
        """The exchanges (with these tags) as soon as the predicate holds of them.

        Raises TimeoutError, which lists them, when it never does.
        """
        with self._changed:
            self._changed.waiting += 1
            try:
                holds = self._changed.wait_for(lambda: predicate(self.snapshot(**tags)), timeout)
            finally:
                self._changed.waiting -= 1
            exchanges = self.snapshot(**tags)
        if holds:
            return exchanges
        shown = "; ".join(str(exchange) for exchange in exchanges[-20:]) or "no request came"
        raise TimeoutError(f"not within {timeout:g} s; {shown}")


class Entry:
    """One exchange of the log, for the connection that it is about."""

    def __init__(
        self,
        exchange: Exchange,
        changed: _Changes,
        ended: Callable[[Exchange], object] | None = None,
    ) -> None:
        self._exchange, self._changed, self._ended = exchange, changed, ended
        self._bytes_sent = 0  # apart, as it changes with every chunk

    @property
    def exchange(self) -> Exchange:
        """As it is now."""
        return replace(self._exchange, bytes_sent=self._bytes_sent)

    @property
    def size(self) -> int:
        """Bytes of the request's body."""
        return len(self._exchange.request.body)

    def has(self, tags: Mapping[str, str | int]) -> bool:
        """Whether it has these tags."""
        return all(self._exchange.tags.get(name) == value for name, value in tags.items())

    def told(self, report: str | None, tags: Mapping[str, str | int]) -> None:
        """What the handler said about it: what there is to look at, and its tags."""
        if report or tags:
            self._change(report=report, tags=tags)

    def answered(self, status: int) -> None:
        """The status line was sent."""
        self._change(status=status, answered=time.perf_counter())

    def sent(self, count: int) -> None:
        """Bytes of the body were sent. Called for every chunk, by the server's thread alone."""
        self._bytes_sent += count
        if self._changed.waiting:
            with self._changed:
                self._changed.notify_all()

    def ended(self, how: Ended) -> None:
        """It is over."""
        self._change(ended=how, closed=time.perf_counter())
        if self._ended is not None:
            self._ended(self.exchange)

    def _change(self, **changes: Any) -> None:
        with self._changed:
            self._exchange = replace(self._exchange, **changes)
            self._changed.notify_all()
