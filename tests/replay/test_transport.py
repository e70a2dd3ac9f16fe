"""Playing cassettes in process: matching, splits, early ends, encodings."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from streamproof.cassette import Cassette, Interaction
from streamproof.errors import HarnessFault
from streamproof.providers import TABLE
from streamproof.replay.transport import Playback, ReplayTransport, whole

ROW = TABLE["openai", "openai_chat"]
URL = ROW.url("m")
pytestmark = pytest.mark.filterwarnings("error")


def recorded(*bodies: bytes, status: int = 200, path: Path | None = None, **headers: list[str]) -> Cassette:
    """A cassette with one interaction per body, recorded somewhere else."""
    return Cassette(
        path=path,
        interactions=tuple(
            Interaction(
                method="POST",
                uri="https://elsewhere.example/v9/chat",
                request_headers={"authorization": ["Bearer secret"]},
                status=status,
                headers={name.replace("_", "-"): values for name, values in headers.items()},
                body=body,
            )
            for body in bodies
        ),
    )


def post(playback: Playback, url: str = URL) -> httpx2.Response:
    """One request through a sync client."""
    with playback.client() as client:
        return client.post(url, json={})


def test_sync_and_async_get_the_recorded_response() -> None:
    """Status, headers (each value of them) or body change between cassette and client."""
    cassette = recorded(b"data: 1\n\n", status=418, x_one=["a"], set_cookie=["b=1", "c=2"])
    playback = Playback(cassette, ROW, "m")

    async def asynchronous() -> httpx2.Response:
        async with playback.async_client() as client:
            return await client.post(URL, json={})

    for response in (post(playback), asyncio.run(asynchronous())):
        assert response.status_code == 418
        assert response.headers["x-one"] == "a"
        assert response.headers.get_list("set-cookie") == ["b=1", "c=2"]
        assert response.content == b"data: 1\n\n"


def test_the_query_does_not_matter_and_the_rest_does() -> None:
    """`?alt=sse` or an api-version makes a miss; another host, path, port, scheme or method does not."""
    playback = Playback(recorded(b"x"), ROW, "m")
    assert post(playback, URL + "?api-version=1").content == b"x"
    for url in (
        URL + "/more",
        URL.replace("api.", "www."),
        URL.replace("https", "http"),
        URL.replace(".com", ".com:1"),
    ):
        with pytest.raises(HarnessFault):
            post(playback, url)
    with playback.client() as client, pytest.raises(HarnessFault, match="GET"):
        client.get(URL)


def test_a_miss_names_the_file_and_what_it_holds() -> None:
    """A miss that leaves the reader to guess; a secret in its message."""
    playback = Playback(recorded(b"x", path=Path("cassettes/some.yaml")), ROW, "m")
    with pytest.raises(HarnessFault) as caught:
        post(playback, "https://elsewhere.example/?key=hidden")
    message = str(caught.value)
    assert message == (
        f"cassettes/some.yaml holds no further answer to POST https://elsewhere.example/; it holds: POST {URL}"
    )
    assert caught.value.__cause__ is not None


def test_an_empty_cassette_says_so() -> None:
    """A cassette without an interaction, whose message ends in nothing."""
    with pytest.raises(HarnessFault, match=r"the cassette holds no further answer .*; it holds: nothing"):
        post(Playback(Cassette(interactions=()), ROW, "m"))


def test_each_interaction_is_played_once_and_in_order() -> None:
    """A second request gets the first answer again, which hides a retry."""
    playback = Playback(recorded(b"one", b"two"), ROW, "m")
    with playback.client() as client:
        assert [client.post(URL).content, client.post(URL).content] == [b"one", b"two"]
        with pytest.raises(HarnessFault, match="no further answer"):
            client.post(URL)
    assert [b"".join(played.chunks) for played in playback.responses()] == [b"one", b"two"]
    assert post(playback).content == b"one"  # a fresh transport begins anew


def test_requests_are_kept() -> None:
    """A test cannot see what a client asked for."""
    transport = Playback(recorded(b"x"), ROW, "m").transport()
    with httpx2.Client(transport=transport) as client:
        client.post(URL, json={"a": 1})
    assert [(r.method, str(r.url), r.content) for r in transport.requests] == [("POST", URL, b'{"a":1}')]


def test_the_cassette_itself_stays_as_it_is() -> None:
    """Replay writes into the cassette that other rows share."""
    cassette = recorded(b"x", x_one=["a"])
    before = repr(cassette)
    post(Playback(cassette, ROW, "m"))
    assert repr(cassette) == before


def test_whole_gives_no_empty_chunk() -> None:
    """An empty body as one empty chunk."""
    assert list(whole(b"")) == []
    assert list(whole(b"ab")) == [b"ab"]
    assert post(Playback(recorded(b""), ROW, "m")).content == b""


def test_played_header() -> None:
    """A header is looked up by its case, or its second value wins."""
    (played,) = Playback(recorded(b"", Content_Type=["a", "b"]), ROW, "m").responses()
    assert played.header("content-type") == "a"
    assert played.header("x-none") is None


class Pieces:
    """A split that tells how far it was pulled, and whether its generator was ended."""

    def __init__(self) -> None:
        self.pulled, self.ended = 0, False

    def __call__(self, body: bytes) -> Iterator[bytes]:
        try:
            for byte in body:
                self.pulled += 1
                yield bytes([byte])
        finally:
            self.ended = True


def test_chunks_are_pulled_one_by_one_and_none_after_close() -> None:
    """The body is read ahead of the reader, or read on after the reader has closed it."""
    pieces = Pieces()
    with (
        Playback(recorded(b"abcdef"), ROW, "m", pieces).client() as client,
        client.stream("POST", URL) as response,
    ):
        chunks = response.iter_bytes()
        assert pieces.pulled == 0
        assert (next(chunks), pieces.pulled) == (b"a", 1)
        assert (next(chunks), pieces.pulled) == (b"b", 2)
        response.close()
        assert list(chunks) == []
        assert (pieces.pulled, pieces.ended) == (2, True)


def test_async_chunks_are_pulled_one_by_one_and_none_after_close() -> None:
    """The same for the async client."""
    pieces = Pieces()

    async def run() -> None:
        async with (
            Playback(recorded(b"abcdef"), ROW, "m", pieces).async_client() as client,
            client.stream("POST", URL) as response,
        ):
            chunks = response.aiter_bytes()
            assert await anext(chunks) == b"a"
            await response.aclose()
            assert [chunk async for chunk in chunks] == []

    asyncio.run(run())
    assert (pieces.pulled, pieces.ended) == (1, True)


def test_a_split_that_is_a_list_can_be_closed_early() -> None:
    """Closing assumes a generator."""
    playback = Playback(recorded(b"ab"), ROW, "m", lambda body: [body[:1], body[1:]])
    with playback.client() as client, client.stream("POST", URL) as response:
        assert next(response.iter_bytes()) == b"a"


@pytest.mark.parametrize(
    ("encoding", "body", "stays"),
    [
        ("gzip", gzip.compress(b"plain text", mtime=0), True),
        ("deflate", zlib.compress(b"plain text"), True),
        ("gzip", b"plain text", False),
        ("br", b"plain text, long enough to be no brotli", False),
        ("identity", b"plain text", False),
        ("gzip", b"", False),
    ],
)
def test_content_encoding(encoding: str, body: bytes, stays: bool) -> None:
    """vcrpy stores decoded bodies under the header of the encoded ones: the client fails to decode them again."""
    response = post(Playback(recorded(body, content_encoding=[encoding]), ROW, "m"))
    assert response.text in ("plain text", "plain text, long enough to be no brotli", "")
    assert ("content-encoding" in response.headers) is stays


def test_closing_a_transport() -> None:
    """A client that closes its transport, sync or async, fails."""
    transport = Playback(recorded(b"x"), ROW, "m").transport()
    assert isinstance(transport, ReplayTransport)
    transport.close()
    asyncio.run(transport.aclose())
