"""The server that is recorded: one connection per request, its answer piece by piece as it arrives.

h11 reads the answer; a body that ends before its framing says so is a `CutError`, a connection that breaks an OSError.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

import h11

from ..errors import UsageError
from ..replay.connection import MAX_HEAD, READ_SIZE
from ..replay.exchanges import Request
from ..replay.script import Framing
from ..replay.server import CONNECTION_HEADERS

CONNECT_TIMEOUT = 30.0
"""Seconds to connect, TLS included. An answer may take as long as it likes: reasoning models think for minutes."""

_PORTS: Mapping[str, int] = {"http": 80, "https": 443}
_NOT_RELAYED = CONNECTION_HEADERS | {"host", "expect"}


class UpstreamError(Exception):
    """There is no answer to relay. kind: `connect_failed`, `tls_failed`, `no_answer` or `bad_answer`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class CutError(Exception):
    """The connection was closed in order, but before the body's end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Where requests go: scheme, host, port, and a path that is put before theirs (no slash at its end)."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, url: str) -> Self:
        """From `https://host[:port][/path]`. Raises UsageError for anything else."""
        try:
            parts = urlsplit(url)
            scheme, host, port = parts.scheme, parts.hostname, parts.port
        except ValueError as error:
            raise UsageError(f"no URL: {url!r}: {error}", remedy=_REMEDY) from None
        if scheme not in _PORTS or not host or parts.query or parts.fragment or parts.username is not None:
            raise UsageError(f"no upstream: {url!r}", remedy=_REMEDY)
        return cls(scheme=scheme, host=host, port=_PORTS[scheme] if port is None else port, path=parts.path.rstrip("/"))

    @property
    def authority(self) -> str:
        """Host, and the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """As it was given, without a slash at the end."""
        return f"{self.scheme}://{self.authority}{self.path}"

    async def ask(self, request: Request) -> Answer:
        """Send a request; the answer as soon as its head is there. Raises UpstreamError."""
        reader, writer = await self._connect()
        try:
            parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
            writer.write(b"".join(parser.send(event) or b"" for event in self._events(request)))
            await writer.drain()
            head = await _head(parser, reader)
            if head.status_code > 599:
                raise h11.RemoteProtocolError(f"status {head.status_code}")
            return Answer(head, parser, reader, writer)
        except OSError as error:
            writer.transport.abort()
            raise UpstreamError("no_answer", f"{self.url} broke the connection: {error}") from error
        except (h11.RemoteProtocolError, CutError) as error:
            writer.transport.abort()
            kind = "no_answer" if isinstance(error, CutError) else "bad_answer"
            raise UpstreamError(kind, f"{self.url}: {error}") from error
        except BaseException:
            writer.transport.abort()
            raise

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        context = ssl.create_default_context() if self.scheme == "https" else None
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                return await asyncio.open_connection(self.host, self.port, ssl=context, limit=READ_SIZE)
        except ssl.SSLError as error:  # a certificate that does not hold is one as well
            raise UpstreamError("tls_failed", f"no TLS with {self.url}: {error}") from error
        except (OSError, TimeoutError) as error:
            reason = str(error) or f"no connection within {CONNECT_TIMEOUT:g} s"
            raise UpstreamError("connect_failed", f"cannot connect to {self.url}: {reason}") from error

    def _events(self, request: Request) -> tuple[h11.Event, ...]:
        headers = [(name, value) for name, value in request.headers if name not in _NOT_RELAYED]
        headers += [("host", self.authority), ("connection", "close")]
        if request.body or request.header("content-length") or request.header("transfer-encoding"):
            headers.append(("content-length", str(len(request.body))))
        # h11 takes bytes; header values are latin-1 as they were read
        raw = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers]
        target = self.path + request.target
        head = h11.Request(method=request.method, target=target.encode("latin-1"), headers=raw)
        return (head, *([h11.Data(data=request.body)] if request.body else []), h11.EndOfMessage())


_REMEDY = "Give scheme, host and what stands before the API's own path: https://api.openai.com"


class Answer:
    """An answer whose head has come. headers: pairs, lower-case names, without those of the connection.

    framing, length: how the body's end is marked, and the `content-length`.
    """

    def __init__(
        self,
        head: h11.Response,
        parser: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        pairs = [(name.decode("ascii"), value.decode("utf-8", "surrogateescape")) for name, value in head.headers]
        self.status: int = head.status_code
        self.reason = head.reason.decode("latin-1")
        self.headers = [(name, value) for name, value in pairs if name not in CONNECTION_HEADERS]
        self.length = next((value for name, value in pairs if name == "content-length"), None)
        chunked = any(name == "transfer-encoding" for name, _ in pairs)
        self.framing: Framing = "chunked" if chunked else "close" if self.length is None else "length"
        self._parser, self._reader, self._writer = parser, reader, writer

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives, to its clean end. Raises CutError, or OSError when the connection breaks."""
        while True:
            event = await _next(self._parser, self._reader)
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return

    async def close(self) -> None:
        """Let the connection go."""
        self._writer.transport.abort()
        with suppress(OSError):  # it is over, in whatever way
            await self._writer.wait_closed()


async def _head(parser: h11.Connection, reader: asyncio.StreamReader) -> h11.Response:
    while True:  # 100 Continue, 103 Early Hints: not the answer
        event = await _next(parser, reader)
        if isinstance(event, h11.Response):
            return event
        if not isinstance(event, h11.InformationalResponse):
            raise CutError("closed without an answer")


async def _next(parser: h11.Connection, reader: asyncio.StreamReader) -> object:
    """The next event. Raises CutError at an end too early, RemoteProtocolError for what is no HTTP."""
    while (event := parser.next_event()) is h11.NEED_DATA:
        data = await reader.read(READ_SIZE)
        parser.receive_data(data)
        if not data:
            try:
                return parser.next_event()
            except h11.RemoteProtocolError as error:
                raise CutError(str(error)) from error
    return event
