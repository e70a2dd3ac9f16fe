"""The loopback server: requests of all kinds, the log, and answers from a cassette."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx2
import pytest
from loopback import PATIENCE, POST, RawClient, cassette, ended, nothing_left_behind, serving
from streamproof.hermetic import hermetic
from streamproof.replay.connection import MAX_BODY
from streamproof.replay.exchanges import Request
from streamproof.replay.script import Reset, Response, Send, Withhold
from streamproof.replay.server import LoopbackServer, respond_with_cassette
from streamproof.scrub import REDACTED as MASK

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Every test leaves no thread and no socket, and nothing reaches beyond loopback."""
    with hermetic(), nothing_left_behind():
        yield


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
