"""The recording proxy: every request goes to the upstream, every piece of the answer to the client as it arrives."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

import h11

from ..replay.connection import NO_LINGER, READ_SIZE, Incoming, client_left, problem, turn_away
from ..replay.exchanges import Request
from ..replay.script import LAST_CHUNK, Response
from .kept import End, Kept
from .upstream import Answer, CutError, Upstream, UpstreamError


class _ClientLeftError(Exception):
    """The client's connection broke while something was written to it."""


class RecordingProxy:
    """Listens on 127.0.0.1 and records what passes. All methods belong to one event loop.

    ended: called with each exchange that is over and has an answer. report: called with a line about what went wrong.
    """

    def __init__(self, upstream: Upstream, *, ended: Callable[[Kept], object], report: Callable[[str], object]) -> None:
        self.kept: list[Kept] = []
        """All exchanges, in the order of their requests."""
        self._upstream, self._ended, self._report = upstream, ended, report
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen; port 0: a free one. Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port, limit=READ_SIZE)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and end what is open; it is kept as far as it came."""
        if self._server is None:
            return
        self._server.close()
        connections = tuple(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(0)  # drained = handed to the system
        try:
            with suppress(OSError, EOFError, _ClientLeftError):  # left before there was anything to keep
                await self._exchange(reader, writer)
        finally:
            await turn_away(writer)

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        incoming = Incoming()
        refusal = await incoming.read(reader, writer)
        request = _origin_form(incoming.request())
        if refusal is None and not request.target.startswith("/"):
            refusal = problem(400, "no_forward_proxy", "set the SDK's base URL to this proxy, not HTTP_PROXY")
        if refusal is not None:
            await self._refuse(writer, request, refusal)
            return
        kept = Kept(request, self._upstream.url + request.target)
        self.kept.append(kept)
        relaying = asyncio.create_task(self._relay(kept, writer))
        leaving = asyncio.create_task(client_left(reader))
        try:
            await asyncio.wait((relaying, leaving), return_when=asyncio.FIRST_COMPLETED)
            kept.end = relaying.result() if relaying.done() else "client_closed"
        finally:
            relaying.cancel()
            leaving.cancel()
            await asyncio.gather(relaying, leaving, return_exceptions=True)
            kept.end = kept.end or "stopped"
            if kept.status:
                self._ended(kept)

    async def _relay(self, kept: Kept, writer: asyncio.StreamWriter) -> End:
        try:
            answer = await self._upstream.ask(kept.request)
        except UpstreamError as error:
            body = problem(502, error.kind, str(error), upstream=self._upstream.url)
            await self._refuse(writer, kept.request, body)
            return "cut"  # of which nothing is kept, as no answer came
        try:
            return await self._pass_on(kept, answer, writer)
        except _ClientLeftError:
            return "client_closed"
        finally:
            await answer.close()

    async def _pass_on(self, kept: Kept, answer: Answer, writer: asyncio.StreamWriter) -> End:
        response = _head(answer)
        kept.answered(answer.status, answer.reason, answer.headers)
        await _write(writer, response.head(kept.request.method))
        chunked = Response(framing="chunked") if answer.framing == "chunked" else response
        try:
            async for piece in answer.pieces():
                kept.arrived(piece)
                await _write(writer, chunked.frame(piece))
        except (CutError, h11.RemoteProtocolError):
            return "cut"  # closed without the body's end, as it came
        except OSError:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            return "reset"
        if answer.framing == "chunked" and not response.bodiless(kept.request.method):
            await _write(writer, LAST_CHUNK)
        return "complete"

    async def _refuse(self, writer: asyncio.StreamWriter, request: Request, response: Response) -> None:
        """An answer of our own, which is reported and not recorded."""
        self._report(f"{request.method or 'a request'} {urlsplit(request.target).path}: {response.report}")
        body = b"".join(getattr(step, "data", b"") for step in response.steps)
        await _write(writer, response.head(request.method) + body)


def _head(answer: Answer) -> Response:
    """The answer's head with the framing that it came with."""
    framing = {"chunked": [("transfer-encoding", "chunked")], "length": [("content-length", answer.length or "0")]}
    headers = [*answer.headers, *framing.get(answer.framing, [])]
    return Response(answer.status, headers, framing="close", reason=answer.reason)


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    try:
        writer.write(data)
        await writer.drain()
    except OSError as error:
        raise _ClientLeftError from error


def _origin_form(request: Request) -> Request:
    """Path and query of a target that names the host as well (RFC 9112 section 3.2.2)."""
    parts = urlsplit(request.target)
    if parts.scheme != "http" or not parts.netloc:
        return request
    path, query = parts.path or "/", f"?{parts.query}" if parts.query else ""
    return replace(request, target=path + query)
