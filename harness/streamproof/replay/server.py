"""A loopback HTTP/1.1 server with full control of what goes on the socket and when.

    with LoopbackServer(handler) as server:
        client = openai.OpenAI(base_url=server.base_url, ...)

It listens on 127.0.0.1 only, on a random port, and runs in a thread with an event loop of its own, so that sync and
async clients of the same process can use it. script.py says what a response is, exchanges.py what is logged.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from ..cassette import Cassette, Interaction
from ..errors import HarnessFault
from .connection import READ_SIZE, Handler, Shared, problem, serve, turn_away
from .exchanges import KEPT, Exchange, ExchangeLog, Request
from .script import Framing, Gate, Response, Send

if TYPE_CHECKING:
    from .transport import Split

BACKLOG = 1024
"""Connections that the system keeps until they are accepted."""

TIMEOUT = 30.0
"""Seconds to wait for something that takes milliseconds."""

CONNECTION_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Recorded headers that speak of the recorded connection (RFC 9110 section 7.6.1) or of its framing."""


class LoopbackServer:
    """Serves a handler. Start and stop it with `with`; one server runs once.

    port: 0 for a free one. listener: a socket that listens already, which becomes the server's. keep: how many
    exchanges the log keeps. ended: called with each exchange that has ended, on the server's thread; it must not wait.
    Stopping ends open streams (`stopped`) and leaves no thread, task or socket behind.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        port: int = 0,
        listener: socket.socket | None = None,
        keep: int = KEPT,
        ended: Callable[[Exchange], object] | None = None,
    ) -> None:
        self._log, self._wanted, self._given = ExchangeLog(keep, ended), port, listener
        self._gates: dict[str, Gate] = {}
        self._shared = Shared(handler, self._log, self.gate)
        self._connections: set[asyncio.Task[None]] = set()
        self._faults: list[BaseException] = []
        self._thread: threading.Thread | None = None
        self._port = 0
        self._stopping = False
        self._running: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:<port>`, without a slash at the end."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def exchanges(self) -> list[Exchange]:
        """The requests so far (the last ones, as many as are kept), in their order, each as it stands now."""
        return self._log.snapshot()

    @property
    def log(self) -> ExchangeLog:
        """The log of requests, for what `exchanges` and `wait_for` do not tell."""
        return self._log

    @property
    def reports(self) -> list[str]:
        """What somebody has to look at: requests that matched nothing, handlers that failed."""
        return [exchange.report for exchange in self.exchanges if exchange.report]

    def start(self) -> None:
        """Listen. Returns when a client can connect.

        Raises RuntimeError when it was started before, OSError when the port is taken.
        """
        if self._thread is not None:
            raise RuntimeError("a server runs once; make a new one")
        listener = self._given or socket.create_server(("127.0.0.1", self._wanted), backlog=BACKLOG)
        self._port = listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(listener,), name="streamproof-loopback", daemon=True)
        self._thread.start()
        self._running.result(TIMEOUT)

    def stop(self) -> None:
        """End what is open, and the thread. Raises HarnessFault for a fault of the server's own."""
        if self._thread is None or self._stopping:
            return
        self._stopping = True
        loop, stop = self._running.result(TIMEOUT)
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        self._thread.join(TIMEOUT)
        if self._thread.is_alive():
            raise HarnessFault(f"the loopback server did not stop within {TIMEOUT:g} s")
        if self._faults:
            raise HarnessFault("the loopback server failed") from self._faults[0]

    def gate(self, name: str) -> Gate:
        """The gate that `Withhold(name)` waits for, the same for all streams of this server."""
        return self._gates.setdefault(name, Gate())

    def release(self, name: str) -> None:
        """Open the gate of this name, for those who wait and for those to come. From any thread."""
        self.gate(name).release()

    def wait_for(self, predicate: Callable[[Sequence[Exchange]], object], timeout: float = TIMEOUT) -> list[Exchange]:
        """The exchanges as soon as the predicate holds of them. timeout: seconds.

        Raises TimeoutError, which lists the exchanges, when it does not hold in time. It blocks: async code
        calls it through `asyncio.to_thread`.
        """
        return self._log.wait_for(predicate, timeout)

    # -- on the server's thread

    def _run(self, listener: socket.socket) -> None:
        try:
            asyncio.run(self._main(listener))
        except BaseException as error:  # noqa: BLE001 - raised again by `start` or `stop`
            self._faults.append(error)
            if not self._running.done():
                self._running.set_exception(error)
        finally:
            listener.close()

    async def _main(self, listener: socket.socket) -> None:
        stop = asyncio.Event()
        server = await asyncio.start_server(self._connected, sock=listener, backlog=BACKLOG, limit=READ_SIZE)
        self._running.set_result((asyncio.get_running_loop(), stop))
        await stop.wait()
        connections = tuple(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        # What is left is accepting connections; asyncio loses the socket of one that is under way at `close`.
        while accepting := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(accepting)
        server.close()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        work = turn_away(writer) if self._stopping else serve(reader, writer, self._shared)
        task = asyncio.get_running_loop().create_task(work)
        self._connections.add(task)
        task.add_done_callback(self._disconnected)
        # for a task that is cancelled before it begins: nobody else would close its socket
        task.add_done_callback(lambda _: writer.transport.abort())

    def _disconnected(self, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._faults.append(error)


def respond_with_cassette(
    cassette: Cassette,
    *,
    split: Split | None = None,
    prefix: str = "",
    framing: Framing = "chunked",
    repeat: bool = False,
) -> Handler:
    """A handler that answers with the recorded responses, in their order.

    Any path under the prefix will do, as one cassette stands for every provider that sends the same bytes; the method
    has to be the recorded one. split: how a body is delivered, None in one piece; each piece is one `Send`. repeat:
    after the last response the first comes again. A request that matches nothing gets a 404 that says what there is.
    """
    recorded = cassette.interactions
    answered = 0

    def handler(request: Request) -> Response:
        nonlocal answered
        due = recorded[answered % len(recorded)] if recorded and (repeat or answered < len(recorded)) else None
        if due is None or request.method != due.method or not _under(prefix, request.path):
            return _no_match(request, recorded, prefix, answered)
        answered += 1
        return recorded_response(due, split=split, framing=framing)

    return handler


def recorded_response(
    interaction: Interaction, *, split: Split | None = None, framing: Framing = "chunked"
) -> Response:
    """A recorded response as a script: its status, headers and body, without what the recorded connection needed."""
    kept = [
        (name, value)
        for name, values in interaction.headers.items()
        for value in values
        if name.lower() not in CONNECTION_HEADERS
    ]
    pieces = (interaction.body,) if split is None else split(interaction.body)
    return Response(
        interaction.status, kept, tuple(Send(piece) for piece in pieces), framing, reason=interaction.reason
    )


def _under(prefix: str, path: str) -> bool:
    prefix = prefix.rstrip("/")
    return path == prefix or path.startswith(prefix + "/")


def _no_match(request: Request, recorded: Sequence[Interaction], prefix: str, answered: int) -> Response:
    """404, with the interactions there are and which of them is due."""
    there = [{"method": each.method, "path": urlsplit(each.uri).path, "status": each.status} for each in recorded]
    message = (
        f"no answer to {request.method} {request.path}: {answered} requests were answered from {len(recorded)} "
        f"recorded interactions, and paths begin with {prefix.rstrip('/') + '/'}"
    )
    return problem(404, "no_match", message, prefix=prefix, answered=answered, interactions=there)
