"""The recording proxy, between a client and the loopback server: what the client gets and what is kept of it."""

from __future__ import annotations

import http.client
import json
import socket

import pytest
from recording_kit import EVENT, FIRST, PATIENCE, SECOND, ask, end, lengths, proxy, serving
from streamproof.errors import UsageError
from streamproof.recording.upstream import Upstream
from streamproof.replay.exchanges import Request
from streamproof.replay.script import End, Framing, Pause, Reset, Response, Send, ShortBody, Stall, Step, Withhold
from streamproof.replay.server import LoopbackServer


def test_the_first_byte_is_not_delayed() -> None:
    """A proxy that waits for the end, or for a full buffer, before the client sees anything."""
    with serving(Send(FIRST), Withhold("rest"), Send(SECOND)) as upstream, proxy(upstream.base_url) as running:
        response = ask(running.port)
        assert response.read1() == FIRST  # the rest has not been sent yet
        upstream.release("rest")
        assert response.read() == SECOND
        (kept,) = running.wait()
    assert (kept.body, end(kept), lengths(kept)) == (FIRST + SECOND, "complete", [len(FIRST), len(SECOND)])


def test_chunk_times_are_those_of_arrival() -> None:
    """Chunks that are told apart by length only: a replay could not keep the pace."""
    with serving(Send(FIRST), Pause(0.2), Send(SECOND)) as upstream, proxy(upstream.base_url) as running:
        assert ask(running.port).read() == FIRST + SECOND
        (kept,) = running.wait()
    (first, _), (second, _) = kept.extras["streamproof"]["chunks"]
    assert 0 <= first < second
    assert 0.15 < second - first < 5


def test_what_is_asked_and_answered_is_passed_on_unchanged() -> None:
    """A path prefix, a query, a body, a status or a header that the other side does not get."""
    answer = Response(429, [("retry-after", "7"), ("x-request-id", "req_1")], (Send(b"{}"),), "length", reason="Slow")
    with LoopbackServer(lambda _: answer) as upstream, proxy(upstream.base_url + "/api/") as running:
        response = ask(running.port, "/v1/chat?alt=sse", b'{"a": 1}', {"x-extra": "yes"})
        assert (response.status, response.reason, response.read()) == (429, "Slow", b"{}")
        assert response.getheader("retry-after") == "7"
        (kept,) = running.wait()
        (seen,) = upstream.exchanges
    assert (seen.request.target, seen.request.body) == ("/api/v1/chat?alt=sse", b'{"a": 1}')
    assert seen.request.header("x-extra") == "yes"
    assert seen.request.header("host") == upstream.base_url.removeprefix("http://")
    assert kept.uri == f"{upstream.base_url}/api/v1/chat?alt=sse"
    assert (kept.status, kept.reason, kept.header("x-request-id")) == (429, "Slow", "req_1")
    assert kept.request_body == b'{"a": 1}'
    assert "connection" not in kept.headers


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_a_cut_stays_a_cut(framing: Framing) -> None:
    """A body that ends too early, which the client takes for whole since the proxy closed it properly."""
    with serving(Send(FIRST), ShortBody(), framing=framing) as upstream, proxy(upstream.base_url) as running:
        with pytest.raises(http.client.IncompleteRead):
            ask(running.port).read()
        (kept,) = running.wait()
    assert (kept.body, end(kept)) == (FIRST, "cut")


def test_a_reset_stays_a_reset() -> None:
    """A broken connection that the client sees as an orderly end, and the cassette as a complete body."""
    with serving(Send(FIRST), Withhold("go"), Reset()) as upstream, proxy(upstream.base_url) as running:
        response = ask(running.port)
        assert response.read1() == FIRST
        upstream.release("go")
        with pytest.raises(ConnectionResetError):
            response.read()
        (kept,) = running.wait()
    assert (kept.body, end(kept)) == (FIRST, "reset")


def test_a_body_that_the_connection_ends() -> None:
    """HTTP/1.0 framing, where the end of the connection is the clean end."""
    with serving(Send(FIRST), End(), framing="close") as upstream, proxy(upstream.base_url) as running:
        assert ask(running.port).read() == FIRST
        (kept,) = running.wait()
    assert (kept.body, end(kept)) == (FIRST, "complete")


def test_a_client_that_leaves_ends_the_upstream() -> None:
    """A proxy that goes on paying for tokens which nobody reads, or loses what had come."""
    with serving(Send(FIRST), Stall()) as upstream, proxy(upstream.base_url) as running:
        response = ask(running.port)
        assert response.read1() == FIRST
        response.close()
        (kept,) = running.wait()
        upstream.wait_for(lambda exchanges: [e.ended for e in exchanges] == ["client_closed"])
    assert (kept.body, end(kept)) == (FIRST, "client_closed")


def test_a_stream_that_is_open_when_the_proxy_stops() -> None:
    """What came of an unfinished stream, lost when the user has seen enough."""
    with serving(Send(FIRST), Stall()) as upstream:
        with proxy(upstream.base_url) as running:
            response = ask(running.port)
            assert response.read1() == FIRST
        (kept,) = running.wait()
    assert (kept.body, end(kept)) == (FIRST, "stopped")


def test_interactions_stand_in_the_order_of_their_requests() -> None:
    """The one that ended first written first, though it was asked second."""

    def handler(request: Request) -> Response:
        waits = [Withhold("slow")] if request.path == "/slow" else []
        return Response(200, EVENT, (*waits, Send(request.path.encode())))

    with LoopbackServer(handler) as upstream, proxy(upstream.base_url) as running:
        slow = ask(running.port, "/slow")
        assert ask(running.port, "/fast").read() == b"/fast"
        upstream.release("slow")
        assert slow.read() == b"/slow"
        kept = running.wait(2)
    assert [each.body for each in kept] == [b"/slow", b"/fast"]


def test_an_upstream_that_refuses_is_a_clear_502() -> None:
    """A client that hangs or gets an empty answer, and a user who does not learn why."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with proxy(f"http://127.0.0.1:{port}") as running:
        response = ask(running.port)
        error = json.loads(response.read())["error"]
        assert (response.status, error["type"]) == (502, "connect_failed")
        assert f"127.0.0.1:{port}" in error["message"]
    assert "connect_failed" in running.reports[0]
    assert running.ended == []


@pytest.mark.parametrize(
    ("steps", "kind"), [((Reset(),), "no_answer"), ((Withhold("never"),), "no_answer")], ids=["reset", "closed"]
)
def test_an_upstream_that_gives_no_answer_is_a_clear_502(steps: tuple[Step, ...], kind: str) -> None:
    """A connection that ends before the status line."""
    upstream = LoopbackServer(lambda _: Response(200, EVENT, before=steps))
    with upstream, proxy(upstream.base_url) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE)
        connection.request("POST", "/v1/x", b"{}")
        upstream.wait_for(lambda exchanges: exchanges)
        upstream.stop()
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["error"]["type"]) == (502, kind)


def test_an_upstream_without_tls_is_a_clear_502() -> None:
    """`https` in front of a server that speaks none: an error of the client's SDK instead of ours."""
    with serving(Send(FIRST)) as upstream, proxy(upstream.base_url.replace("http:", "https:")) as running:
        response = ask(running.port)
        assert (response.status, json.loads(response.read())["error"]["type"]) == (502, "tls_failed")


def test_an_upstream_that_speaks_no_http_is_a_clear_502() -> None:
    """Bytes that are no HTTP, passed on or waited for."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        proxy(f"http://127.0.0.1:{listener.getsockname()[1]}") as running,
    ):
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE)
        connection.request("POST", "/v1/x", b"{}")
        accepted, _ = listener.accept()
        with accepted:
            accepted.sendall(b"SSH-2.0-none\r\n\r\n")
            response = connection.getresponse()
            assert (response.status, json.loads(response.read())["error"]["type"]) == (502, "bad_answer")


def test_a_proxy_setting_is_told_what_to_do() -> None:
    """HTTP_PROXY set to us: requests for a foreign host sent to the upstream with its key."""
    with serving(Send(FIRST)) as upstream, proxy(upstream.base_url) as running:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE)
        connection.request("CONNECT", "api.example.org:443")
        response = connection.getresponse()
        assert (response.status, json.loads(response.read())["error"]["type"]) == (400, "no_forward_proxy")
        assert upstream.exchanges == []


@pytest.mark.parametrize(
    "url", ["api.openai.com", "ftp://x", "https://", "https://x/?key=1", "http://u:p@x", "http://x:y"]
)
def test_an_upstream_that_is_no_place(url: str) -> None:
    """A URL that would only fail at the first request."""
    with pytest.raises(UsageError):
        Upstream.parse(url)
