"""One connection of the loopback server: one request read, one script played, then closed.

h11 reads the request; the response's bytes are written as the script says. Each connection serves one request
(`connection: close`), so that no answer depends on another. While the script plays the socket is read as well, so that
a client that leaves is noticed at once; a client that closes only its sending half counts as one that left.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

import h11

from .. import jsontext
from .exchanges import Ended, Entry, ExchangeLog, Request
from .script import End, Gate, Pause, Reset, Response, Send, ShortBody, Stall, Step, Withhold

if sys.platform != "win32":
    import fcntl

Handler: TypeAlias = Callable[[Request], Response]
"""Answers a request; called on the server's thread, must not wait. What it raises becomes a 500 and is reported."""

MAX_BODY = 64 * 1024 * 1024
"""Bytes of a request's body; a longer one is read, thrown away and answered with 413."""

MAX_HEAD = 256 * 1024
READ_SIZE = 256 * 1024

TURN = 100
"""Steps of one stream after which the others have their turn."""

# struct linger {l_onoff, l_linger}; two u_short on Windows
NO_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

SIOCOUTQNSD = 0x894B
"""Linux, linux/sockios.h: bytes in the queue of a socket that have not been sent."""

QUEUE_SECONDS = 0.002
"""Between two looks at that queue."""


def problem(status: int, kind: str, message: str, **facts: Any) -> Response:
    """An answer of the server's own: a JSON body in the shape of the providers' errors; it is reported."""
    body = jsontext.dumps({"error": {"type": kind, "message": message}, **facts}).encode()
    return Response(
        status, [("content-type", "application/json")], (Send(body),), framing="length", report=f"{kind}: {message}"
    )


class Shared(NamedTuple):
    """What all connections of a server have in common."""

    handler: Handler
    log: ExchangeLog
    gates: Callable[[str], Gate]


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, shared: Shared) -> None:
    """Read one request, answer it, close. Cancelled when the server stops."""
    writer.transport.set_write_buffer_limits(0)  # drained = handed to the system
    try:
        await _exchange(reader, writer, shared)
    finally:
        await turn_away(writer)


async def turn_away(writer: asyncio.StreamWriter) -> None:
    """Close the connection at once. Nothing is lost of a response that was played: each step has been drained."""
    writer.transport.abort()
    with suppress(OSError):  # how it was lost is in the log
        await writer.wait_closed()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, shared: Shared) -> None:
    incoming = Incoming()
    try:
        refusal = await incoming.read(reader, writer)
    except (OSError, EOFError):
        if incoming.head is not None:
            shared.log.begin(incoming.request()).ended("client_closed")
        return
    request = incoming.request()
    entry = shared.log.begin(request)
    response = refusal or _answer(shared.handler, request)
    entry.told(response.report, response.tags)
    ended: Ended = "stopped"
    try:
        ended = await _play(reader, _Player(writer, response, request.method, entry, shared.gates))
    finally:
        entry.ended(ended)


def _answer(handler: Handler, request: Request) -> Response:
    try:
        response = handler(request)
        if isinstance(response, Response):
            return response
        raise TypeError(f"a handler returns a Response, not {type(response).__name__}")
    except BaseException as error:  # noqa: BLE001 - a test's failure on this thread; it is reported, nothing is lost
        return problem(500, "handler_failed", f"{type(error).__name__}: {error}")


async def _play(reader: asyncio.StreamReader, player: _Player) -> Ended:
    """Play until the script or the client is done."""
    playing = asyncio.create_task(player.play())
    leaving = asyncio.create_task(client_left(reader))
    try:
        await asyncio.wait((playing, leaving), return_when=asyncio.FIRST_COMPLETED)
        return playing.result() if playing.done() else "client_closed"
    finally:
        playing.cancel()
        leaving.cancel()
        await asyncio.gather(playing, leaving, return_exceptions=True)


async def client_left(reader: asyncio.StreamReader) -> None:
    """Return when the client has closed."""
    with suppress(OSError):  # not in order, but closed
        while await reader.read(READ_SIZE):
            pass  # a further request: one connection, one request


class Incoming:
    """A request as far as it has come."""

    def __init__(self) -> None:
        self.head: h11.Request | None = None
        self._body: list[bytes] = []
        self._size = 0

    async def read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Response | None:
        """Read it whole; the answer where it has to be refused. Raises OSError or EOFError when the client leaves."""
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
        try:
            while not self._over(event := parser.next_event()):
                if event is h11.NEED_DATA:
                    if parser.they_are_waiting_for_100_continue:
                        writer.write(parser.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
                    data = await reader.read(READ_SIZE)
                    if not data:
                        raise EOFError
                    parser.receive_data(data)
        except h11.RemoteProtocolError as error:
            return problem(400, "bad_request", f"no HTTP/1.1 request: {error}")
        if self._size > MAX_BODY:
            return problem(413, "request_too_large", f"{self._size} bytes of body, more than {MAX_BODY}")
        return None

    def request(self) -> Request:
        """What has come, an empty request when nothing has."""
        if self.head is None:
            return Request()
        return Request(
            method=self.head.method.decode("ascii"),
            target=self.head.target.decode("latin-1"),
            headers=tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in self.head.headers),
            body=b"".join(self._body),
        )

    def _over(self, event: object) -> bool:
        """Take an event in; whether it was the last."""
        if isinstance(event, h11.Request):
            self.head = event
        elif isinstance(event, h11.Data):
            self._size += len(event.data)
            if self._size > MAX_BODY:
                self._body.clear()
            else:
                self._body.append(bytes(event.data))
        return isinstance(event, h11.EndOfMessage)


class _Player:
    """Plays one response into one connection."""

    def __init__(
        self,
        writer: asyncio.StreamWriter,
        response: Response,
        method: str,
        entry: Entry,
        gates: Callable[[str], Gate],
    ) -> None:
        self._writer, self._response, self._method, self._entry, self._gates = writer, response, method, entry, gates

    async def play(self) -> Ended:
        """How the script ended it."""
        try:
            return await self._steps()
        except OSError:
            return "client_closed"

    async def _steps(self) -> Ended:
        for step in self._response.before:
            if (ended := await _PLAY[type(step)](self, step)) is not None:
                return ended
        await self._write(self._response.head(self._method))
        self._entry.answered(self._response.status)
        if self._response.bodiless(self._method):
            return "complete"
        for number, step in enumerate(self._response.steps, start=1):
            if type(step) is Send:
                await self._send(step)
            elif (ended := await _PLAY[type(step)](self, step)) is not None:
                return ended
            if number % TURN == 0:
                await asyncio.sleep(0)  # to a client that reads fast `drain` never waits
        return await self._end(End())

    async def _send(self, step: Send) -> None:
        self._writer.write(self._response.frame(step.data))
        await self._writer.drain()
        self._entry.sent(len(step.data))

    async def _withhold(self, step: Withhold) -> None:
        await (self._gates(step.gate) if isinstance(step.gate, str) else step.gate).wait()

    async def _pause(self, step: Pause) -> None:
        await asyncio.sleep(step.seconds)

    async def _end(self, _: End) -> Ended:
        await self._write(self._response.end())
        return "complete"

    async def _reset(self, _: Reset) -> Ended:
        await self._all_sent()
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self._writer.transport.abort()
        return "reset_by_us"

    async def _all_sent(self) -> None:
        """Return when the system has passed on all it was handed: RST throws away what a slow client left there."""
        if sys.platform == "linux":
            place = self._writer.get_extra_info("socket").fileno()
            while int.from_bytes(fcntl.ioctl(place, SIOCOUTQNSD, bytes(4)), sys.byteorder):
                await asyncio.sleep(QUEUE_SECONDS)

    async def _short(self, _: ShortBody) -> Ended:
        return "short"

    async def _stall(self, _: Stall) -> Ended:
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nothing ends a stall but cancellation")

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()


_PLAY: Mapping[type[Step], Callable[[_Player, Any], Awaitable[Ended | None]]] = {
    Send: _Player._send,
    Withhold: _Player._withhold,
    Pause: _Player._pause,
    End: _Player._end,
    Reset: _Player._reset,
    ShortBody: _Player._short,
    Stall: _Player._stall,
}
