"""The loopback server at its seam: raw sockets and HTTP clients, sync and async."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise

import httpx2
import pytest
from loopback import PATIENCE, POST, RawClient, cassette, ended, nothing_left_behind
from streamproof.replay.connection import MAX_BODY
from streamproof.replay.exchanges import MASK, Exchange, ExchangeLog, Request
from streamproof.replay.hermetic import hermetic
from streamproof.replay.script import End, Gate, Pause, Reset, Response, Send, ShortBody, Stall, Withhold
from streamproof.replay.server import LoopbackServer, respond_with_cassette

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Every test leaves no thread and no socket, and nothing reaches beyond loopback."""
    with hermetic(), nothing_left_behind():
        yield


def serving(*steps: Send | Withhold | Pause | End | Reset | ShortBody | Stall, **more: object) -> LoopbackServer:
    """A server that plays these steps to everybody."""
    response = Response(200, [("content-type", "text/plain")], steps, **more)  # type: ignore[arg-type]
    return LoopbackServer(lambda _: response)


# -- what goes on the socket


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


# -- requests


def test_the_handler_sees_the_request_and_the_log_masks_it() -> None:
    """Secrets reach the handler, as an adapter has to send them, and nobody else."""
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        return Response(steps=(Send(b"ok"),))

    secrets = ("Authorization", "x-api-key", "API-Key", "X-Goog-Api-Key", "Cookie", "chatgpt-account-id")
    with LoopbackServer(handler) as server:
        url = f"{server.base_url}/v1/y?alt=sse&key=s3cret&X-Amz-Signature=s3cret"
        headers = {"x-plain": "kept", **{name: f"Bearer s3cret {name}" for name in secrets}}
        assert httpx2.post(url, json={"a": [1]}, headers=headers, timeout=PATIENCE).text == "ok"
        (exchange,) = server.exchanges
    assert seen[0].header("Authorization") == "Bearer s3cret Authorization"
    assert seen[0].target.endswith("key=s3cret&X-Amz-Signature=s3cret")
    logged = exchange.request
    assert "s3cret" not in repr(exchange)
    assert logged.target == f"/v1/y?alt=sse&key={MASK}&X-Amz-Signature={MASK}"
    assert (logged.method, logged.path, logged.json()) == ("POST", "/v1/y", {"a": [1]})
    assert (logged.header("x-plain"), logged.header("cookie"), logged.header("absent")) == ("kept", MASK, None)


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS"])
def test_other_methods_are_answered(method: str) -> None:
    """Which methods are right is for the handler to say."""
    with serving(Send(b"body")) as server:
        assert httpx2.request(method, server.base_url, timeout=PATIENCE).content == b"body"
        assert ended(server, "complete")


def test_head_gets_the_head_only() -> None:
    """RFC 9110 section 9.3.2: no body, whatever the script says."""
    with serving(Send(b"body"), Reset(), framing="length") as server:
        with RawClient(server, b"HEAD / HTTP/1.1\r\nhost: here\r\n\r\n") as client:
            assert client.rest().endswith(b"content-length: 5\r\n\r\n")
        assert ended(server, "complete")


def test_a_client_that_expects_100_continue_gets_it() -> None:
    """RFC 9110 section 10.1.1: the interim answer comes before the body is sent."""
    expecting = POST.removesuffix(b"{}").replace(b"host:", b"expect: 100-continue\r\nhost:")
    with serving(Send(b"ok")) as server, RawClient(server, expecting) as client:
        assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 \r\n\r\n"
        client.socket.sendall(b"{}")
        assert client.rest().endswith(b"2\r\nok\r\n0\r\n\r\n")
        assert server.exchanges[0].request.body == b"{}"


def test_a_request_body_in_chunks_and_byte_by_byte() -> None:
    """The request is read whole, however it arrives."""
    request = b"POST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with serving(Send(b"ok")) as server, RawClient(server, b"") as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request:
            client.socket.sendall(bytes([byte]))
        client.rest()
        assert server.exchanges[0].request.body == b"abcde"


def test_a_large_request_body() -> None:
    """64 MB are kept; one byte more is read, thrown away and refused."""
    with serving(Send(b"ok")) as server:
        assert httpx2.post(server.base_url, content=b"x" * MAX_BODY, timeout=PATIENCE).text == "ok"
        assert len(server.exchanges[0].request.body) == MAX_BODY
        refused = httpx2.post(server.base_url, content=b"x" * (MAX_BODY + 1), timeout=PATIENCE)
        assert refused.status_code == 413
        assert server.exchanges[1].request.body == b""
        assert len(server.reports) == 1


def test_what_is_no_http_is_refused_and_reported() -> None:
    """A client that speaks something else gets a 400 with the reason."""
    with serving(Send(b"ok")) as server, RawClient(server, b"hello\r\n\r\n") as client:
        assert client.rest().startswith(b"HTTP/1.1 400 Bad Request\r\n")
        assert "no HTTP/1.1 request" in server.reports[0]


def test_a_second_request_on_the_connection_is_not_answered() -> None:
    """One connection, one request: the answer says `connection: close` and the pipelined request is ignored."""
    with serving(Send(b"ok")) as server, RawClient(server, POST + POST) as client:
        client.until(b"0\r\n\r\n")
        assert b"\r\nconnection: close\r\n" in client.seen
        assert client.seen.count(b"HTTP/1.1 200") == 1
        assert len(server.exchanges) == 1


def test_a_client_that_sends_more_has_not_left() -> None:
    """What comes after the request is thrown away while the answer goes on."""
    with serving(Send(b"one"), Withhold("rest"), Send(b"two")) as server, RawClient(server) as client:
        client.until(b"one")
        client.socket.sendall(POST * 10_000)
        server.release("rest")
        assert client.until(b"0\r\n\r\n").endswith(b"3\r\ntwo\r\n0\r\n\r\n")
        assert ended(server, "complete")


def test_a_client_with_a_pool_asks_again_on_a_new_connection() -> None:
    """A keep-alive client is not confused by connections that close."""
    with serving(Send(b"ok")) as server, httpx2.Client(timeout=PATIENCE) as client:
        assert [client.post(server.base_url).text for _ in range(5)] == ["ok"] * 5
        assert ended(server, "complete", 5)


def test_a_handler_that_fails_costs_its_request_only() -> None:
    """Whatever it raises or returns becomes a 500 and is reported; the server goes on."""
    answers: Iterator[object] = iter([ZeroDivisionError("by zero"), KeyboardInterrupt(), None, Response()])

    def handler(_: Request) -> Response:
        answer = next(answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[return-value]

    with LoopbackServer(handler) as server:
        statuses = [httpx2.post(server.base_url, timeout=PATIENCE).status_code for _ in range(4)]
        assert statuses == [500, 500, 500, 200]
        assert [report.partition(":")[0] for report in server.reports] == ["handler_failed"] * 3
        assert "by zero" in server.reports[0]


# -- cassettes


def test_a_cassette_answers_in_its_order() -> None:
    """Status, headers and bytes of each interaction; any path; the recorded framing is replaced by ours."""
    recorded = cassette(b"first", b"second", content_type="text/event-stream", content_length="99", connection="x")
    with LoopbackServer(respond_with_cassette(recorded)) as server:
        first, second = (httpx2.post(server.base_url + path, timeout=PATIENCE) for path in ("/v1/a", "/b:stream?x=1"))
        assert (first.text, second.text) == ("first", "second")
        assert first.headers["content-type"] == "text/event-stream"
        assert first.headers.get_list("connection") == ["close"]
        assert "content-length" not in first.headers
        assert server.reports == []


def test_a_split_shows_on_the_wire() -> None:
    """Each piece of the split is one chunk; a compressed body stays compressed."""
    handler = respond_with_cassette(cassette(b"abcde"), split=lambda body: (body[:2], body[2:]))
    with LoopbackServer(handler) as server, RawClient(server) as client:
        assert client.body() == b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/other/v1/x"), ("POST", "/casex/v1"), ("GET", "/case/v1/x"), ("POST", "/")]
)
def test_a_request_that_matches_nothing_is_told_what_there_is(method: str, path: str) -> None:
    """404 with a JSON body, and a report; the recording is still there for the right request."""
    with LoopbackServer(respond_with_cassette(cassette(b"x"), prefix="/case")) as server:
        answer = httpx2.request(method, server.base_url + path, timeout=PATIENCE)
        assert answer.status_code == 404
        assert answer.json()["interactions"] == [{"method": "POST", "path": "/v1/x", "status": 200}]
        assert "no answer to" in answer.json()["error"]["message"]
        assert len(server.reports) == 1
        assert httpx2.post(server.base_url + "/case/v1/x", timeout=PATIENCE).text == "x"


def test_a_cassette_that_is_played_to_its_end() -> None:
    """One request too many is a 404 that says so, unless the recording repeats."""
    with LoopbackServer(respond_with_cassette(cassette(b"x"))) as server:
        statuses = [httpx2.post(server.base_url, timeout=PATIENCE).status_code for _ in range(2)]
        assert statuses == [200, 404]
        assert "1 requests were answered from 1 recorded" in server.reports[0]
    with LoopbackServer(respond_with_cassette(cassette(b"x", b"y"), repeat=True)) as server:
        assert [httpx2.post(server.base_url, timeout=PATIENCE).text for _ in range(3)] == ["x", "y", "x"]
    with LoopbackServer(respond_with_cassette(cassette(), repeat=True)) as server:
        assert httpx2.post(server.base_url, timeout=PATIENCE).status_code == 404


# -- many, and the end


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
