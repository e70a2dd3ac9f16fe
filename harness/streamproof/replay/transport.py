"""Playing a cassette in process: an HTTP transport over vcrpy's own matching, without a socket.

The SDKs take an HTTP client, so nothing is patched: vcrpy's patches are global and do not survive two overlapping
cassettes. One transport serves sync and async clients and plays the body in the chunks it is told to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import httpx2
from vcr.cassette import Cassette as VCRCassette
from vcr.errors import UnhandledHTTPRequestError
from vcr.matchers import host, method, path, port, scheme
from vcr.request import Request

from ..cassette import Cassette, Interaction, load_vcr
from ..errors import HarnessFault
from ..providers import Provider
from ..wire.encoding import Decompressor
from ..wire.plans import End, Plan

_SAME = (method, scheme, host, port, path)

Split = Callable[[bytes], Iterable[bytes]]


class Played(NamedTuple):
    """One recorded response. headers: pairs as recorded. chunks: the body as it is delivered."""

    status: int
    headers: list[tuple[str, str]]
    chunks: Iterable[bytes]

    def header(self, name: str) -> str | None:
        """The first value of a header, None when there is none."""
        return next((value for key, value in self.headers if key.lower() == name), None)


def whole(body: bytes) -> Iterable[bytes]:
    """The body in one piece."""
    return (body,) if body else ()


_FAULTS: Mapping[End, tuple[type[httpx2.TransportError], str]] = {
    "reset": (httpx2.ReadError, "[Errno 104] Connection reset by peer"),
    "short": (
        httpx2.RemoteProtocolError,
        "peer closed connection without sending complete message body (incomplete chunked read)",
    ),
    "stall": (httpx2.ReadTimeout, "The read operation timed out"),
}
"""How httpx2 reports an end that is none, over a socket; a stall does not keep anybody waiting here."""


def by_plan(plan: Plan, protocol: str) -> Split:
    """The split that delivers a body by a wire plan, and raises what httpx2 raises where the connection breaks."""

    def delivered(body: bytes) -> Iterator[bytes]:
        delivery = plan.deliver(body, protocol)
        yield from delivery.chunks
        if delivery.end != "clean":
            fault, message = _FAULTS[delivery.end]
            raise fault(message)

    return delivered


class Playback:
    """A cassette as one provider's row would have received it.

    The bytes are the cassette's; the URLs are the row's, as one cassette stands for every provider that sends the same
    bytes. model: the model that the case asks for. split: how a body is delivered. plan: the same as a wire plan,
    instead of a split.
    """

    def __init__(
        self, cassette: Cassette, provider: Provider, model: str, split: Split = whole, *, plan: Plan | None = None
    ) -> None:
        self.cassette, self.url = cassette, provider.url(model)
        self._split = by_plan(plan, provider.protocol) if plan else split

    def responses(self) -> Iterator[Played]:
        """The responses in their order, for adapters that use no HTTP."""
        return (self._played(interaction) for interaction in self.cassette.interactions)

    def client(self) -> httpx2.Client:
        """A sync HTTP client that gets the recorded responses, whatever the network is like."""
        return httpx2.Client(transport=self.transport())

    def async_client(self) -> httpx2.AsyncClient:
        """The async twin of `client`."""
        return httpx2.AsyncClient(transport=self.transport())

    def transport(self) -> ReplayTransport:
        """A fresh transport: each interaction is played once."""
        return ReplayTransport(self._vcr_cassette(), self._split, str(self.cassette.path or "the cassette"))

    def _played(self, interaction: Interaction) -> Played:
        pairs = [(name, value) for name, values in interaction.headers.items() for value in values]
        return Played(interaction.status, pairs, self._split(interaction.body))

    def _vcr_cassette(self) -> VCRCassette:
        # No headers: matching ignores them, and secrets have no business here.
        asked = tuple(replace(i, uri=self.url, request_headers={}) for i in self.cassette.interactions)
        return load_vcr(replace(self.cassette, interactions=asked), match_on=_SAME)


class ReplayTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Answers from a vcrpy cassette; a request that it does not hold is a HarnessFault."""

    def __init__(self, tape: VCRCassette, split: Split = whole, name: str = "the cassette") -> None:
        """name: the cassette's, as messages show it."""
        self._tape, self._split, self._name = tape, split, name
        self.requests: list[httpx2.Request] = []
        """What the client asked, in order."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        return self._answer(request)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        return self._answer(request)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        asked = Request(request.method, str(request.url), request.content, {})
        try:
            recorded: dict[str, Any] = self._tape.play_response(asked)
        except UnhandledHTTPRequestError as miss:
            held = ", ".join(f"{r.method} {r.uri}" for r in self._tape.requests) or "nothing"
            raise HarnessFault(
                f"{self._name} holds no further answer to {request.method} {request.url.copy_with(query=None)}; "
                f"it holds: {held}"
            ) from miss
        body = recorded["body"]["string"] or b""
        headers = [
            (name, value)
            for name, values in recorded["headers"].items()
            for value in values
            if name.lower() != "content-encoding" or _is_encoded(body, value)
        ]
        return httpx2.Response(recorded["status"]["code"], headers=headers, stream=_Chunks(self._split(body)))


def _is_encoded(body: bytes, encoding: str) -> bool:
    """False where the body was stored decoded, and the header left as it was (`decode_compressed_response`)."""
    decompressor = Decompressor(encoding)
    return decompressor.feed(body) + decompressor.close() != body


class _Chunks(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body in chunks. Ends itself once closed, as an open `iter_bytes` goes on reading otherwise."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)

    def __iter__(self) -> Iterator[bytes]:
        while (chunk := next(self._chunks, None)) is not None:
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := next(self._chunks, None)) is not None:
            yield chunk

    def close(self) -> None:
        chunks, self._chunks = self._chunks, iter(())
        if isinstance(chunks, Generator):
            chunks.close()

    async def aclose(self) -> None:
        self.close()
