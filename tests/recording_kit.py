"""What the tests of the recording proxy share: a proxy in a thread, and requests through it."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from streamproof.cassette import Interaction
from streamproof.recording.kept import EXTRA, Kept
from streamproof.recording.proxy import RecordingProxy
from streamproof.recording.upstream import Upstream
from streamproof.replay.script import Framing, Response, Step
from streamproof.replay.server import LoopbackServer

EVENT = [("content-type", "text/event-stream")]
FIRST, SECOND = b'data: {"delta":"Hel"}\n\n', b'data: {"delta":"lo \xc3\xa9"}\n\n'

PATIENCE = 30.0
"""Seconds before a test gives up."""


class Running:
    """A proxy that runs: its port, what has ended, what it reported."""

    def __init__(self, upstream: str) -> None:
        self.reports: list[str] = []
        self.ended: list[Kept] = []
        self._changed = threading.Condition()
        self._proxy = RecordingProxy(Upstream.parse(upstream), ended=self._over, report=self.reports.append)
        self._up = threading.Event()
        self._stop: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    @property
    def port(self) -> int:
        return self._proxy.port

    def wait(self, count: int = 1) -> list[Interaction]:
        """The interactions, in the order of their requests, once so many exchanges have ended."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.ended) >= count, PATIENCE), self.reports
        return [found for kept in self._proxy.kept if (found := kept.interaction()) is not None]

    def run(self) -> None:
        asyncio.run(self._main())

    def stop(self) -> None:
        assert self._stop is not None
        loop, stop = self._stop
        loop.call_soon_threadsafe(stop.set)

    def started(self) -> None:
        assert self._up.wait(PATIENCE)

    def _over(self, kept: Kept) -> None:
        with self._changed:
            self.ended.append(kept)
            self._changed.notify_all()

    async def _main(self) -> None:
        stop = asyncio.Event()
        self._stop = asyncio.get_running_loop(), stop
        await self._proxy.start()
        self._up.set()
        await stop.wait()
        await self._proxy.stop()


@contextmanager
def proxy(upstream: str) -> Iterator[Running]:
    """A proxy in front of this URL."""
    running = Running(upstream)
    thread = threading.Thread(target=running.run, name="recording-proxy")
    thread.start()
    running.started()
    try:
        yield running
    finally:
        running.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


def ask(
    port: int, path: str = "/v1/x", body: bytes = b"{}", headers: dict[str, str] | None = None
) -> http.client.HTTPResponse:
    """A POST; the answer with its head read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("POST", path, body, {"content-type": "application/json", **(headers or {})})
    return connection.getresponse()


def end(interaction: Interaction) -> str:
    """How the recording says that the response ended."""
    return str(interaction.extras[EXTRA]["end"])


def lengths(interaction: Interaction) -> list[int]:
    """The bytes of each chunk."""
    return [length for _, length in interaction.extras[EXTRA]["chunks"]]


def serving(*steps: Step, framing: Framing = "chunked", status: int = 200, **headers: str) -> LoopbackServer:
    """An upstream that plays these steps to everybody."""
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()] or EVENT
    return LoopbackServer(lambda _: Response(status, pairs, steps, framing))
