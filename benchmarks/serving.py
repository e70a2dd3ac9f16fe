"""The loopback server against a bare asyncio writer of the same bytes."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from streamproof.replay.script import Response, Send
from streamproof.replay.server import LoopbackServer

from .figures import Figure, Section
from .interleaved import interleaved
from .streams import stream

EVENTS, STREAMS = 500, 20
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
QUESTION = b'{"model":"m","messages":[{"role":"user","content":"hello"}],"stream":true}'
BARE, OURS = "bare asyncio writer", "LoopbackServer"


def sections(rounds: int) -> list[Section]:
    """One."""
    pieces = stream("openai_chat", EVENTS).pieces
    steps = tuple(Send(piece) for piece in pieces)
    response = Response(200, [("content-type", "text/event-stream")], steps)
    with reader() as read, bare_writer(pieces) as port, LoopbackServer(lambda _: response) as server:
        ours = int(server.base_url.rpartition(":")[2])
        assert read(port) == read(ours)
        contenders: dict[str, Callable[[], object]] = {BARE: lambda: read(port), OURS: lambda: read(ours)}
        cpu = interleaved(contenders, rounds)
        clock = interleaved(contenders, rounds, time.perf_counter)
    events = STREAMS * len(pieces)
    figures = [
        Figure(f"{BARE}, CPU", [s / events for s in cpu.rounds[BARE]], "s/event", 1.0),
        Figure(f"{OURS}, CPU", [s / events for s in cpu.rounds[OURS]], "s/event", 1 / cpu.ratio(OURS, BARE), 0.7, True),
        Figure(f"{BARE}, by the clock", [s / events for s in clock.rounds[BARE]], "s/event", 1.0),
        Figure(
            f"{OURS}, by the clock", [s / events for s in clock.rounds[OURS]], "s/event", 1 / clock.ratio(OURS, BARE)
        ),
    ]
    work = (
        f"{STREAMS} streams of {len(pieces)} events, one after the other, one write each event, chunked, to a process "
        "that only reads. CPU time of the server's process; ratios are of throughputs, so more is better."
    )
    return [Section("serving", "The loopback server", work, figures)]


@contextmanager
def reader() -> Iterator[Callable[..., int]]:
    """A process that asks a port (and path) for a Chat stream, STREAMS times, and reads each answer to its end; calling
    it gives the bytes read."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_read, args=(theirs,), daemon=True)
    process.start()

    def read(port: int, path: str = "/v1/chat/completions") -> int:
        ours.send((port, path))
        return int(ours.recv())

    yield read
    ours.send(None)
    process.join()


def _read(pipe: Connection) -> None:
    while (place := pipe.recv()) is not None:
        pipe.send(sum(_fetched(*place) for _ in range(STREAMS)))


def _fetched(port: int, path: str) -> int:
    """The bytes of the body with its framing; 0 for another status than 200."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer x\r\ncontent-type: application/json\r\n"
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(f"{head}connection: close\r\ncontent-length: {len(QUESTION)}\r\n\r\n".encode() + QUESTION)
        while not received.endswith(b"\r\n0\r\n\r\n") and (piece := line.recv(1 << 16)):
            received += piece
    return len(received.partition(b"\r\n\r\n")[2]) if received.startswith(b"HTTP/1.1 200 ") else 0


@contextmanager
def bare_writer(pieces: list[bytes]) -> Iterator[int]:
    """A server of a few lines that writes the same chunks; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(QUESTION)
        writer.write(_HEAD)
        for piece in pieces:
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        loops.append(asyncio.get_running_loop())
        ready.set()
        async with server:
            await ended.wait()

    ports: list[int] = []
    loops: list[asyncio.AbstractEventLoop] = []
    ready, ended = threading.Event(), asyncio.Event()
    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    ready.wait()
    yield ports[0]
    loops[0].call_soon_threadsafe(ended.set)
    thread.join()
