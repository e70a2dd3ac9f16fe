"""The case server under load, and when it stops: a thousand streams at once, a bounded log, nothing left behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import httpx2
import pytest
from loopback import PATIENCE, nothing_left_behind
from streamproof.case import all_cases, the_case
from streamproof.cell import Cell
from streamproof.hermetic import hermetic
from streamproof.replay import serving
from streamproof.replay.exchanges import KEPT_BYTES, Exchange, ExchangeLog, Request
from streamproof.replay.serving import CaseServer
from streamproof.wire.plans import Plan

TEXT = the_case(all_cases(), "openai_chat/text")
BODY = TEXT.cassette.interactions[0].body
ASKED = b"POST /%b/v1/chat/completions HTTP/1.1\r\nhost: here\r\ncontent-length: 0\r\n\r\n"
STREAMS = 1000


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Nothing reaches beyond loopback, and the server leaves nothing behind."""
    with hermetic(), nothing_left_behind():
        yield


@pytest.fixture(autouse=True)
def _files() -> None:
    """Each stream takes two files of this process: a client's end and the server's."""
    resource = pytest.importorskip("resource", reason="Windows has no limit of this kind")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * STREAMS + 200
    if soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            pytest.skip(f"{hard} open files are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _begin(url: str, at_a_time: asyncio.Semaphore) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A request, and its answer up to the first byte of the body."""
    host, _, path = url.removeprefix("http://").partition("/")
    async with at_a_time:  # that connect; all stay open
        reader, writer = await asyncio.open_connection("127.0.0.1", int(host.rpartition(":")[2]))
        writer.write(ASKED % path.encode())
        await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def _stream(urls: list[str], begun: Callable[[], object]) -> list[bytes]:
    """Ask all, and go on with `begun` once all have begun; their bodies, as they are framed."""
    at_a_time = asyncio.Semaphore(100)
    async with asyncio.timeout(PATIENCE):
        streams = await asyncio.gather(*(_begin(url, at_a_time) for url in urls))
        begun()
        bodies = await asyncio.gather(*(reader.read() for reader, _ in streams))
        for _, writer in streams:
            writer.close()
            await writer.wait_closed()
    return bodies


def test_a_thousand_streams_at_once() -> None:
    """All are open before any goes on; each gets the whole of its own body, in the pieces of its own plan."""
    plans = [Plan(), Plan(split="event"), Plan(split="7"), Plan(frame="bom"), Plan(cut="after-2")]
    opened = []

    def begun() -> None:
        exchanges = server.exchanges
        assert [exchange.ended for exchange in exchanges] == [None] * STREAMS
        for served in opened:
            served.release()

    with CaseServer([TEXT]) as server:
        for number in range(STREAMS):
            opened.append(server.open(Cell(case=TEXT, row=TEXT.row(), plan=plans[number % len(plans)])))
            opened[-1].hold(after_bytes=100)
        bodies = asyncio.run(_stream([served.root for served in opened], begun))
        done = server.server.wait_for(lambda exchanges: all(e.ended == "complete" for e in exchanges), PATIENCE)
        assert len(done) == STREAMS
    for plan, got in zip(plans * STREAMS, bodies, strict=False):
        assert unchunked(got) == b"".join(plan.deliver(BODY, "openai_chat").chunks)


def test_stopping_a_thousand_streams() -> None:
    """A server that waits for clients when it is told to stop, or leaves their connections open."""
    with CaseServer([TEXT]) as server:
        urls = [f"{server.base_url}/{TEXT.id}+cut:after-1-stall"] * STREAMS
        bodies = asyncio.run(_stream(urls, threading.Thread(target=server.stop).start))
        assert {exchange.ended for exchange in server.exchanges} == {"stopped"}
        assert len(server.exchanges) == STREAMS
    assert not any(body.endswith(b"0\r\n\r\n") for body in bodies)


def unchunked(body: bytes) -> bytes:
    """The content of a chunked body, which has to have its end."""
    content = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        if int(size, 16) == 0:
            assert body == b"\r\n"
            return content
        content, body = content + body[: int(size, 16)], body[int(size, 16) + 2 :]


def test_the_log_keeps_the_last_requests() -> None:
    """A server that runs for weeks and remembers every request, or forgets without saying so."""
    ended: list[Exchange] = []
    with CaseServer([TEXT], keep=3, ended=ended.append) as server:
        for number in range(5):
            httpx2.post(f"{server.base_url}/{TEXT.id}/v1/chat/completions?n={number}", timeout=PATIENCE)
        assert [exchange.request.target[-1] for exchange in server.exchanges] == ["2", "3", "4"]
        assert server.server.log.dropped == 2
    assert [(exchange.request.target[-1], exchange.ended) for exchange in ended] == [(c, "complete") for c in "01234"]


def test_the_log_is_bounded_in_bytes() -> None:
    """Few requests with huge bodies, that fill the memory all the same."""
    log, half = ExchangeLog(), b"x" * (KEPT_BYTES // 2)
    for _ in range(4):
        log.begin(Request(body=half))
    assert (len(log.snapshot()), log.dropped) == (2, 2)
    log.begin(Request(body=half * 3))
    assert (len(log.snapshot()), log.dropped) == (1, 5 - 1)
    log.forget()
    assert log.snapshot() == []


def test_what_is_kept_ready_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens and answers that pile up, one for every URL that a client makes up."""
    monkeypatch.setattr(serving, "SCRIPTS", 3)
    monkeypatch.setattr(serving, "TOKENS", 3)
    with CaseServer([TEXT]) as server, httpx2.Client(timeout=PATIENCE) as client:
        for number in (*range(5), 0):
            path = f"/~t{number}/{TEXT.id}+split:at-{number + 1}/v1/chat/completions"
            assert client.post(server.base_url + path).content == BODY  # the oldest token is as good as new
        assert (len(server._scripts), len(server._given)) == (3, 3)
