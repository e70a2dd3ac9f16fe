"""The loopback server: many streams at once, stopping, and waiting for what happens."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise

import httpx2
import pytest
from loopback import PATIENCE, POST, RawClient, ended, nothing_left_behind, serving
from streamproof.hermetic import hermetic
from streamproof.replay.exchanges import Exchange, ExchangeLog, Request
from streamproof.replay.script import End, Response, Send, Stall, Withhold
from streamproof.replay.server import LoopbackServer

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Every test leaves no thread and no socket, and nothing reaches beyond loopback."""
    with hermetic(), nothing_left_behind():
        yield


async def _gather(url: str, count: int, begun: threading.Event) -> list[bytes]:
    limits = httpx2.Limits(max_connections=None)
    waiting = count

    async def one(client: httpx2.AsyncClient) -> bytes:
        nonlocal waiting
        async with client.stream("POST", url) as response:
            pieces = aiter(response.aiter_bytes())
            first = await anext(pieces)
            waiting -= 1
            if not waiting:
                begun.set()
            return first + b"".join([piece async for piece in pieces])

    async with httpx2.AsyncClient(timeout=PATIENCE, limits=limits) as client:
        return await asyncio.gather(*(one(client) for _ in range(count)))


def test_two_hundred_streams_at_once() -> None:
    """All of them have their first chunk before any has its second."""
    begun = threading.Event()
    with serving(Send(b"one "), Withhold("rest"), Send(b"two")) as server:

        def release() -> None:
            if begun.wait(PATIENCE):
                server.release("rest")

        releasing = threading.Thread(target=release)
        releasing.start()
        bodies = asyncio.run(_gather(server.base_url, 200, begun))
        releasing.join()
        assert bodies == [b"one two"] * 200
        assert ended(server, "complete", 200)


def test_stopping_with_open_streams() -> None:
    """Streams that are withheld, stalled, unread or not yet asked for end at once and are logged as stopped."""
    many = (*[Send(b"x" * 100_000)] * 500, End())
    scripts = iter([(Send(b"x"), Withhold("never")), (Send(b"x"), Stall()), many])
    server = LoopbackServer(lambda _: Response(steps=next(scripts)))
    server.start()
    with RawClient(server) as first, RawClient(server) as second, RawClient(server) as third:
        for client in (first, second, third):
            client.until(b"x\r\n" if client is not third else b"xxx")
        with RawClient(server, POST[:20]) as fourth:
            server.wait_for(lambda exchanges: len(exchanges) == 3, PATIENCE)
            server.stop()
            assert [exchange.ended for exchange in server.exchanges] == ["stopped"] * 3
            first.rest()
            assert not first.seen.endswith(b"0\r\n\r\n")
            with suppress(ConnectionResetError):  # as its data may not have been read
                fourth.rest()
            assert fourth.seen == b""
    server.stop()


def test_a_long_script_does_not_keep_the_others_waiting() -> None:
    """While a million small chunks go to a client that reads fast, another is answered and the server can stop."""
    scripts = iter([[Send(b"x")] * 1_000_000, [Send(b"y")]])
    with LoopbackServer(lambda _: Response(steps=next(scripts))) as server, RawClient(server) as client:
        client.until(b"x")
        reading = threading.Thread(target=client.rest)
        reading.start()
        assert httpx2.post(server.base_url, timeout=PATIENCE).text == "y"
        server.stop()
        reading.join()
        assert server.exchanges[0].ended == "stopped"
        assert server.exchanges[0].bytes_sent < 1_000_000


def test_stopping_while_clients_connect() -> None:
    """Connections that come at the last moment leave nothing behind either."""

    def connect(server: LoopbackServer, many: threading.Event) -> None:
        with suppress(OSError):  # the end of the server
            for at in range(10_000):
                RawClient(server).socket.close()
                if at == 10:
                    many.set()

    for _ in range(20):
        many = threading.Event()
        with serving(Send(b"x"), Stall()) as server:
            connecting = threading.Thread(target=connect, args=(server, many))
            connecting.start()
            assert many.wait(PATIENCE)
        connecting.join()
        assert {exchange.ended for exchange in server.exchanges} <= {"stopped", "client_closed"}


def test_a_stopped_server_is_gone() -> None:
    """Nobody listens any more, a second stop is harmless, and a second start is an error."""
    server = serving(Send(b"x"))
    server.stop()
    with server:
        assert server.base_url.startswith("http://127.0.0.1:")
    server.stop()
    with pytest.raises(httpx2.ConnectError):
        httpx2.post(server.base_url, timeout=PATIENCE)
    with pytest.raises(RuntimeError, match="runs once"):
        server.start()


def test_servers_live_side_by_side() -> None:
    """Each has its own port, thread, gates and log."""
    with serving(Withhold("a"), Send(b"1")) as first, serving(Withhold("a"), Send(b"2")) as second:
        assert first.base_url != second.base_url
        second.release("a")
        assert httpx2.post(second.base_url, timeout=PATIENCE).text == "2"
        assert first.exchanges == []
        first.release("a")
        assert httpx2.post(first.base_url, timeout=PATIENCE).text == "1"


def test_waiting_ends_with_the_change_that_is_waited_for() -> None:
    """A request, bytes sent, the end: each wakes those who wait already, long before their time is up."""
    log = ExchangeLog()
    other = log.begin(Request())
    steps: list[tuple[Callable[[], object], Callable[[Sequence[Exchange]], bool]]] = [
        (lambda: log.begin(Request()), lambda exchanges: len(exchanges) == 2),
        (lambda: other.sent(3), lambda exchanges: exchanges[0].bytes_sent == 3),
        (lambda: other.ended("complete"), lambda exchanges: exchanges[0].ended == "complete"),
    ]
    started = time.perf_counter()
    for change, holds in steps:
        changing = threading.Thread(target=change)

        def predicate(
            exchanges: Sequence[Exchange],
            changing: threading.Thread = changing,
            holds: Callable[[Sequence[Exchange]], bool] = holds,
        ) -> bool:
            if changing.ident is None:
                changing.start()  # the log is locked until this returns and is waited for
                return False
            return holds(exchanges)

        log.wait_for(predicate, PATIENCE)
        changing.join()
    assert time.perf_counter() - started < PATIENCE / 2


def test_waiting_for_what_does_not_happen() -> None:
    """The error lists what did happen."""
    with serving(Send(b"x")) as server:
        with pytest.raises(TimeoutError, match="no request came"):
            server.wait_for(lambda exchanges: exchanges, 0.01)
        httpx2.post(server.base_url + "/v1/z", timeout=PATIENCE)
        with pytest.raises(TimeoutError, match="POST /v1/z: 200, 1 bytes"):
            server.wait_for(lambda exchanges: len(exchanges) > 1, 0.01)


def test_times_are_in_order() -> None:
    """Exchanges stand in the order in which their requests were complete."""
    with serving(Send(b"x")) as server:
        for _ in range(3):
            httpx2.post(server.base_url, timeout=PATIENCE)
        assert all(first.asked < second.asked for first, second in pairwise(server.exchanges))
