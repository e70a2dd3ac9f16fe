"""What the loopback server's clients asked and what became of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

from .. import jsontext
from ..jsontext import JSON
from ..scrub import REDACTED, SECRET_HEADERS, redact_url

Ended = Literal["complete", "client_closed", "reset_by_us", "short", "stopped"]
"""How a response ended: all sent; the client closed first; RST; closed before the body's end; the server stopped."""


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
    somebody has to look at: a request that matched nothing, a handler that failed. asked: the request was complete.
    answered: the status line was sent. closed: it ended.
    """

    request: Request
    status: int | None = None
    bytes_sent: int = 0
    ended: Ended | None = None
    report: str | None = None
    asked: float
    answered: float | None = None
    closed: float | None = None

    def __str__(self) -> str:
        asked = f"{self.request.method} {self.request.target}" if self.request.method else "no HTTP request"
        report = f" ({self.report})" if self.report else ""
        return f"{asked}: {self.status or 'no answer'}, {self.bytes_sent} bytes, {self.ended or 'open'}{report}"


class ExchangeLog:
    """All exchanges of a server, in the order of the requests. Written by its thread, read by any."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._entries: list[Entry] = []

    def begin(self, request: Request) -> Entry:
        """A request has come."""
        entry = Entry(Exchange(request=request.masked(), asked=time.perf_counter()), self._changed)
        with self._changed:
            self._entries.append(entry)
            self._changed.notify_all()
        return entry

    def snapshot(self) -> list[Exchange]:
        """As they are now."""
        with self._changed:
            return [entry.exchange for entry in self._entries]

    def wait_for(self, predicate: Callable[[Sequence[Exchange]], object], timeout: float) -> list[Exchange]:
        """The exchanges as soon as the predicate holds. Raises TimeoutError, which lists them, when it never does."""
        with self._changed:
            holds = self._changed.wait_for(lambda: predicate(self.snapshot()), timeout)
            exchanges = self.snapshot()
        if holds:
            return exchanges
        shown = "; ".join(str(exchange) for exchange in exchanges[-20:]) or "no request came"
        raise TimeoutError(f"not within {timeout:g} s; {shown}")


class Entry:
    """One exchange of the log, for the connection that it is about."""

    def __init__(self, exchange: Exchange, changed: threading.Condition) -> None:
        self._exchange, self._changed = exchange, changed
        self._bytes_sent = 0  # apart, as it changes with every chunk

    @property
    def exchange(self) -> Exchange:
        """As it is now."""
        return replace(self._exchange, bytes_sent=self._bytes_sent)

    def report(self, text: str) -> None:
        """There is something to look at."""
        self._change(report=text)

    def answered(self, status: int) -> None:
        """The status line was sent."""
        self._change(status=status, answered=time.perf_counter())

    def sent(self, count: int) -> None:
        """Bytes of the body were sent."""
        with self._changed:
            self._bytes_sent += count
            self._changed.notify_all()

    def ended(self, how: Ended) -> None:
        """It is over."""
        self._change(ended=how, closed=time.perf_counter())

    def _change(self, **changes: Any) -> None:
        with self._changed:
            self._exchange = replace(self._exchange, **changes)
            self._changed.notify_all()
