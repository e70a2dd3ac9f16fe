"""What the loopback server sends, and when: an HTTP response as a script of steps. Data and bytes only, no socket.

    Response(200, [("content-type", "text/event-stream")], (Send(first), Withhold("rest"), Send(rest), End()))

A script that runs out ends as if `End` stood there.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal, TypeAlias

Framing = Literal["chunked", "length", "close"]
"""How the client learns where the body ends: chunked coding, `content-length`, or the end of the connection.
RFC 9112 section 6.3."""

FRAMING_HEADERS = frozenset({"content-length", "transfer-encoding", "connection"})
"""Headers that follow from the framing."""

LAST_CHUNK = b"0\r\n\r\n"
"""What ends a chunked body (RFC 9112 section 7.1)."""

BODILESS = frozenset({204, 304})
"""Statuses whose response has no body (RFC 9110 section 6.4.1)."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_VALUE = re.compile(r"[\r\n\0]")


class Gate:
    """What a `Withhold` waits for. Opens once, from any thread, and stays open for all who wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open = False
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def is_open(self) -> bool:
        """Whether it has been released."""
        return self._open

    def release(self) -> None:
        """Let everybody through, now and later."""
        with self._lock:
            self._open = True
            for waiter in self._waiting:
                waiter.get_loop().call_soon_threadsafe(_settle, waiter)

    async def wait(self) -> None:
        """Return once it is open."""
        with self._lock:
            if self._open:
                return
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.add(waiter)
        try:
            await waiter
        finally:
            # Under the lock: as long as a waiter is listed its loop is alive.
            with self._lock:
                self._waiting.discard(waiter)


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes of the body, written at once; under chunked framing one chunk. Empty bytes send nothing."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Withhold:
    """Wait until the test lets go on: `server.release(name)`, or `gate.release()` of a gate of the script's own."""

    gate: str | Gate


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class End:
    """The clean end of the body."""


@dataclass(frozen=True, slots=True)
class Reset:
    """End the connection with RST. Linux lets the client read what was sent before; other systems may drop it."""


@dataclass(frozen=True, slots=True)
class ShortBody:
    """Close the connection in order, but before the body's end: no last chunk, or less than `content-length`."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Send nothing more, until the client leaves or the server stops."""


Step: TypeAlias = Send | Withhold | Pause | End | Reset | ShortBody | Stall

_LAST = (End, Reset, ShortBody, Stall)
_STEPS = (Send, Withhold, Pause, *_LAST)


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. headers: name and value, sent as given; those of the framing are added.

    framing `close` adds no header but `connection: close` and leaves given ones alone, so that a script can write
    a framing of its own, a broken one too. before: steps ahead of the status line, such as a stall or a reset instead
    of an answer. reason: the status line's phrase, None for the usual one. report: what the server shall report about
    the request that gets this answer. tags: what its log shall say about it. Raises ValueError for what cannot be
    played.
    """

    status: int = 200
    headers: Sequence[tuple[str, str]] = ()
    steps: Sequence[Step] = ()
    framing: Framing = "chunked"
    before: Sequence[Step] = ()
    reason: str | None = None
    report: str | None = None
    tags: Mapping[str, str | int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 200 <= self.status <= 599:
            raise ValueError(f"status {self.status}: a final status is 200 to 599")
        _check_steps(self.before)
        _check_steps(self.steps)
        if any(isinstance(step, Send | End) for step in self.before):
            raise ValueError("before the status line there is nothing to send and no body to end")
        if self.framing == "close" and any(isinstance(step, ShortBody) for step in self.steps):
            raise ValueError("with framing 'close' every end is a clean one: no ShortBody")
        _check_headers(self.headers, self.framing)

    def bodiless(self, method: str) -> bool:
        """Whether an answer to this method has no body, whatever the steps say."""
        return method == "HEAD" or self.status in BODILESS

    def head(self, method: str) -> bytes:
        """Status line and headers, with the empty line."""
        reason = _phrase(self.status) if self.reason is None else self.reason
        lines = [f"HTTP/1.1 {self.status} {_NO_VALUE.sub(' ', reason)}"]
        lines += [f"{name}: {value}" for name, value in (*self.headers, *self._framing_headers(method))]
        return "\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape")

    def frame(self, data: bytes) -> bytes:
        """A piece of the body as it goes on the wire."""
        return b"%x\r\n%b\r\n" % (len(data), data) if data and self.framing == "chunked" else data

    def end(self) -> bytes:
        """What goes on the wire at the clean end."""
        return LAST_CHUNK if self.framing == "chunked" else b""

    def _framing_headers(self, method: str) -> list[tuple[str, str]]:
        given = {name.lower() for name, _ in self.headers}
        added = [] if "connection" in given else [("connection", "close")]
        if self.framing == "chunked" and not self.bodiless(method):
            added.append(("transfer-encoding", "chunked"))
        if self.framing == "length" and self.status not in BODILESS:
            added.append(("content-length", str(self._length())))
        return added

    def _length(self) -> int:
        """What `content-length` says: all bytes of the steps, and one more where the body does not end."""
        total = sum(len(step.data) for step in self.steps if isinstance(step, Send))
        return total + any(isinstance(step, Reset | ShortBody | Stall) for step in self.steps)


def _check_steps(steps: Sequence[Step]) -> None:
    for at, step in enumerate(steps):
        if not isinstance(step, _STEPS):
            raise ValueError(f"no step: {step!r}")
        if isinstance(step, _LAST) and at < len(steps) - 1:
            raise ValueError(f"{len(steps) - at - 1} steps after {step!r}, which ends the response")


def _check_headers(headers: Sequence[tuple[str, str]], framing: Framing) -> None:
    for name, value in headers:
        if not _TOKEN.fullmatch(name) or _NO_VALUE.search(value):
            raise ValueError(f"no HTTP header: {name!r}: {value!r}")
        if framing != "close" and name.lower() in FRAMING_HEADERS:
            raise ValueError(f"{name} follows from the framing {framing!r}; only framing 'close' leaves it to you")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
