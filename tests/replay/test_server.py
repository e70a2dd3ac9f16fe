"""The loopback server at its seam: what goes on the socket, and what the client does."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator

import httpx2
import pytest
from loopback import PATIENCE, POST, RawClient, ended, nothing_left_behind, serving
from streamproof.hermetic import hermetic
from streamproof.replay.script import End, Gate, Pause, Reset, Response, Send, ShortBody, Stall, Withhold
from streamproof.replay.server import LoopbackServer

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Every test leaves no thread and no socket, and nothing reaches beyond loopback."""
    with hermetic(), nothing_left_behind():
        yield


def test_a_chunk_goes_out_while_the_rest_is_withheld() -> None:
    """Each `Send` is one chunk on the wire at once; the rest comes only after the release, then the clean end."""
    with serving(Send(b"one"), Withhold("rest"), Send(b"two")) as server, RawClient(server) as client:
        head = client.until(b"3\r\none\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n")
        server.wait_for(lambda exchanges: exchanges[0].bytes_sent == 3, PATIENCE)
        assert server.exchanges[0].ended is None
        server.release("rest")
        assert client.body() == b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
        assert ended(server, "complete")


def test_each_stream_can_have_a_gate_of_its_own() -> None:
    """A `Gate` in the script holds one stream only; the other goes on."""
    gates = [Gate(), Gate()]
    left = iter(gates)
    server = LoopbackServer(lambda _: Response(steps=(Withhold(next(left)), Send(b"x"))))
    with server, RawClient(server) as first:
        first.until(b"\r\n\r\n")
        with RawClient(server) as second:
            gates[1].release()
            assert second.body() == b"1\r\nx\r\n0\r\n\r\n"
            assert server.exchanges[0].ended is None
            gates[0].release()
        assert first.body() == b"1\r\nx\r\n0\r\n\r\n"


def test_a_reset_comes_after_what_was_sent() -> None:
    """The client reads the bytes before the reset, then an error and no clean end."""
    with serving(Send(b"one"), Withhold("reset"), Reset()) as server, RawClient(server) as client:
        client.until(b"one\r\n")
        server.release("reset")
        with pytest.raises(ConnectionResetError):
            client.rest()
        assert ended(server, "reset_by_us")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems may drop what was not read yet")
def test_a_slow_client_gets_all_that_was_sent_before_a_reset() -> None:
    """More than the connection takes at once: a reset that comes too early throws away what the client has not read."""
    size = 3_000_000
    with serving(Send(b"x" * size), Reset()) as server, RawClient(server) as client:
        time.sleep(0.2)  # the client is slow, and nothing else tells when the server would have reset
        with pytest.raises(ConnectionResetError):
            client.rest()
        assert client.seen.count(b"x") >= size
        assert ended(server, "reset_by_us")


def test_a_short_chunked_body_ends_without_the_last_chunk() -> None:
    """The connection closes in order, yet the body is not whole."""
    with serving(Send(b"one"), ShortBody()) as server, RawClient(server) as client:
        assert client.body() == b"3\r\none\r\n"
        assert ended(server, "short")


def test_a_body_by_length_and_a_short_one() -> None:
    """`content-length` says all bytes; a short body has fewer."""
    with serving(Send(b"one"), Send(b"two"), framing="length") as server, RawClient(server) as client:
        assert b"\r\ncontent-length: 6\r\n" in client.rest()
        assert client.seen.endswith(b"\r\n\r\nonetwo")
    with serving(Send(b"one"), ShortBody(), framing="length") as server:
        with pytest.raises(httpx2.RemoteProtocolError):
            httpx2.post(server.base_url, timeout=PATIENCE)
        assert ended(server, "short")


def test_a_body_that_the_connection_ends() -> None:
    """Without framing headers the end of the connection is the end of the body."""
    with serving(Send(b"one"), End(), framing="close") as server, RawClient(server) as client:
        assert client.body() == b"one"
        assert b"transfer-encoding" not in client.seen
        assert b"content-length" not in client.seen


def test_a_script_can_write_a_broken_framing() -> None:
    """Framing `close` leaves the headers to the script: a chunk size that is no number reaches the client."""
    broken = Response(headers=[("transfer-encoding", "chunked")], steps=(Send(b"zz\r\nx"),), framing="close")
    with LoopbackServer(lambda _: broken) as server, pytest.raises(httpx2.RemoteProtocolError):
        httpx2.post(server.base_url, timeout=PATIENCE)


def test_a_pause_is_a_time_on_the_wire() -> None:
    """The second chunk is not sent before the pause is over."""
    with serving(Send(b"a"), Pause(0.05), Send(b"b")) as server, RawClient(server) as client:
        client.until(b"a\r\n")
        client.rest()
        (exchange,) = server.wait_for(lambda exchanges: exchanges[0].ended, PATIENCE)
        assert exchange.answered is not None
        assert exchange.closed is not None
        assert exchange.closed - exchange.answered >= 0.05
        assert exchange.asked <= exchange.answered <= exchange.closed <= time.perf_counter()


@pytest.mark.parametrize(
    ("step", "error", "how"),
    [
        (Reset(), httpx2.ReadError, "reset_by_us"),
        (ShortBody(), httpx2.RemoteProtocolError, "short"),
        (Stall(), httpx2.ReadTimeout, "client_closed"),
    ],
)
def test_an_answer_may_never_begin(step: Reset | ShortBody | Stall, error: type[Exception], how: str) -> None:
    """Reset, close or silence ahead of the status line; the log says that there was no answer."""
    with LoopbackServer(lambda _: Response(before=(step,))) as server:
        timeout = httpx2.Timeout(PATIENCE, read=0.2 if isinstance(step, Stall) else PATIENCE)
        with pytest.raises(error):
            httpx2.post(server.base_url, timeout=timeout)
        (exchange,) = server.wait_for(lambda exchanges: exchanges[0].ended, PATIENCE)
        assert (exchange.status, exchange.ended, exchange.answered) == (None, how, None)


def test_an_answer_can_be_withheld_whole() -> None:
    """Steps ahead of the status line: the client has nothing until they are over."""
    server = LoopbackServer(lambda _: Response(before=(Withhold("head"),), steps=(Send(b"x"),)))
    with server, RawClient(server) as client:
        server.wait_for(lambda exchanges: exchanges, PATIENCE)
        assert server.exchanges[0].status is None
        server.release("head")
        assert client.body() == b"1\r\nx\r\n0\r\n\r\n"


# -- what the client does


@pytest.mark.parametrize("waiting", [Withhold("never"), Stall(), Pause(PATIENCE)])
def test_a_client_that_leaves_is_noticed(waiting: Withhold | Stall | Pause) -> None:
    """The server reads the end of the connection while it sends nothing."""
    with serving(Send(b"one"), waiting) as server:
        with RawClient(server) as client:
            client.until(b"one\r\n")
        assert ended(server, "client_closed")
        assert server.exchanges[0].bytes_sent == 3


def test_a_client_that_leaves_in_the_middle_of_much_data_is_noticed() -> None:
    """Writing to a client that does not read stops, and ends when it closes; unread bytes are not called sent."""
    with serving(*[Send(b"x" * 100_000)] * 500) as server:
        with RawClient(server) as client:
            client.until(b"x")
        assert ended(server, "client_closed")
        assert server.exchanges[0].bytes_sent < 500 * 100_000


def test_much_data_arrives_whole() -> None:
    """Back pressure loses nothing, and a body that was read whole was complete."""
    with serving(*[Send(b"x" * 100_000)] * 200) as server:
        assert len(httpx2.post(server.base_url, timeout=PATIENCE).content) == 20_000_000
        assert ended(server, "complete")
        assert server.exchanges[0].bytes_sent == 20_000_000


def test_a_stream_closed_early_by_an_http_client() -> None:
    """Leaving a streaming response before its end closes the connection, and the server says so."""
    with serving(Send(b"one"), Stall()) as server:
        with httpx2.stream("POST", server.base_url, timeout=PATIENCE) as response:
            assert next(response.iter_bytes()) == b"one"
        assert ended(server, "client_closed")


async def _first_of_stalled(url: str) -> bytes:
    async with httpx2.AsyncClient(timeout=PATIENCE) as client, client.stream("POST", url) as response:
        return await anext(aiter(response.aiter_bytes()))


def test_the_client_may_be_async() -> None:
    """Client and server run in loops of their own, in one process."""
    with serving(Send(b"one"), Stall()) as server:
        assert asyncio.run(_first_of_stalled(server.base_url)) == b"one"
        assert ended(server, "client_closed")


def test_a_request_that_is_left_half_way() -> None:
    """A client that closes inside its request is logged without an answer; one that sends nothing is no request."""
    with serving(Send(b"x")) as server:
        with RawClient(server, b""):
            pass
        with RawClient(server, POST.replace(b"content-length: 2", b"content-length: 200")):
            pass
        assert ended(server, "client_closed")
        assert (server.exchanges[0].request.path, server.exchanges[0].status) == ("/v1/x", None)
