"""Helpers of the loopback server's tests: a raw client, a check that nothing is left behind, small recordings."""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from streamproof.cassette import Cassette, Interaction
from streamproof.replay.exchanges import Ended
from streamproof.replay.script import Response, Step
from streamproof.replay.server import LoopbackServer

PATIENCE = 60.0
"""Seconds before a test gives up; nothing here takes more than a fraction of one."""

POST = b"POST /v1/x HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\n\r\n{}"
"""A small whole request."""


class RawClient:
    """A TCP client that sends and reads bytes as they are."""

    def __init__(self, server: LoopbackServer, request: bytes = POST) -> None:
        host, port = server.base_url.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=PATIENCE)
        self.seen = b""
        try:
            self.socket.sendall(request)
        except OSError:
            self.socket.close()
            raise

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def until(self, mark: bytes) -> bytes:
        """Read until these bytes have come; all that has been read so far."""
        while mark not in self.seen:
            data = self.socket.recv(65536)
            assert data, f"closed after {self.seen!r}"
            self.seen += data
        return self.seen

    def rest(self) -> bytes:
        """Read until the server closes; all that has been read. Raises OSError on a reset."""
        while data := self.socket.recv(65536):
            self.seen += data
        return self.seen

    def body(self) -> bytes:
        """What follows the head, read to the end of the connection."""
        return self.rest().partition(b"\r\n\r\n")[2]


def ended(server: LoopbackServer, how: Ended, count: int = 1) -> bool:
    """Wait until so many exchanges have ended, and whether all did it this way."""
    found = server.wait_for(lambda exchanges: sum(e.ended is not None for e in exchanges) >= count, PATIENCE)
    return [exchange.ended for exchange in found] == [how] * count


def cassette(*bodies: bytes, status: int = 200, **headers: str) -> Cassette:
    """A recording of one interaction per body."""
    return Cassette(
        path=Path("recording.yaml"),
        interactions=tuple(
            Interaction(
                method="POST",
                uri="https://api.example.org/v1/x?key=secret",
                status=status,
                headers={name.replace("_", "-"): [value] for name, value in headers.items()},
                body=body,
            )
            for body in bodies
        ),
    )


@contextmanager
def nothing_left_behind(*, sockets: bool = True) -> Iterator[None]:
    """No thread of a server more than before; sockets: no open file or socket either."""
    before = _open_files()
    yield
    gc.collect()
    assert [thread for thread in threading.enumerate() if thread.name == "streamproof-loopback"] == []
    assert not sockets or _open_files() <= before


def _open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(os.listdir(folder)) if folder.is_dir() else 0


def serving(*steps: Step, **more: object) -> LoopbackServer:
    """A server that plays these steps to everybody."""
    response = Response(200, [("content-type", "text/plain")], steps, **more)  # type: ignore[arg-type]
    return LoopbackServer(lambda _: response)
