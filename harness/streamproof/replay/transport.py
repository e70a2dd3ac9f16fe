"""Playing a cassette in process: an HTTP transport over vcrpy's own matching, without a socket.

The SDKs take an HTTP client, so nothing is patched: vcrpy's patches are global and do not survive two overlapping
cassettes. One transport serves sync and async clients and plays the body in the chunks it is told to.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import httpx2
from vcr.cassette import Cassette as VCRCassette
from vcr.errors import UnhandledHTTPRequestError
from vcr.matchers import host, method, path, port, scheme
from vcr.request import Request

from ..cassette import Cassette, Interaction, load_vcr, recorded_chunks
from ..errors import HarnessFault
from ..providers import Provider
from ..wire.plans import AS_STORED, End, Plan
from ..wire.plans.paces import Recorded

_SAME = (method, scheme, host, port, path)

Split = Callable[[bytes], Iterable[bytes]]


class Wait(NamedTuple):
    """Some seconds without bytes, in the place of a chunk."""

    seconds: float


_Source: TypeAlias = Callable[[bytes, Recorded], Iterable[bytes | Wait]]
"""A body and the recorded times of its chunks -> what is delivered."""


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


def by_plan(plan: Plan, protocol: str) -> _Source:
    """What delivers a body by a wire plan, and raises what httpx2 raises where the connection breaks."""

    def delivered(body: bytes, recorded: Recorded) -> Iterator[bytes | Wait]:
        delivery = plan.deliver(body, protocol, recorded)
        for number, chunk in enumerate(delivery.coded):
            if delivery.waits and delivery.waits[number]:
                yield Wait(delivery.waits[number])
            yield chunk
        if delivery.end != "clean":
            fault, message = _FAULTS[delivery.end]
            raise fault(message)

    return delivered


def _by_split(split: Split) -> _Source:
    return lambda body, _: split(body)


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
        self._plan = plan or AS_STORED
        self._source = by_plan(plan, provider.protocol) if plan else _by_split(split)

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
        name = str(self.cassette.path or "the cassette")
        return ReplayTransport(self._vcr_cassette(), name=name, source=self._source, plan=self._plan)

    def _played(self, interaction: Interaction) -> Played:
        pairs = [(name, value) for name, values in interaction.headers.items() for value in values]
        if self._plan.coding:  # else as they are, for adapters that can tell a body that was stored decoded
            pairs = self._plan.headers(pairs, interaction.body)
        return Played(interaction.status, pairs, _awaited(self._source(interaction.body, interaction.chunks)))

    def _vcr_cassette(self) -> VCRCassette:
        # No headers: matching ignores them, and secrets have no business here.
        asked = tuple(replace(i, uri=self.url, request_headers={}) for i in self.cassette.interactions)
        return load_vcr(replace(self.cassette, interactions=asked), match_on=_SAME)


class ReplayTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Answers from a vcrpy cassette; a request that it does not hold is a HarnessFault."""

    def __init__(
        self,
        tape: VCRCassette,
        split: Split = whole,
        name: str = "the cassette",
        *,
        source: _Source | None = None,
        plan: Plan = AS_STORED,
    ) -> None:
        """name: the cassette's, as messages show it. source, plan: what delivers bodies, instead of a split."""
        self._tape, self._name, self._plan = tape, name, plan
        self._source = _by_split(split) if source is None else source
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
        pairs = [(name, value) for name, values in recorded["headers"].items() for value in values]
        return httpx2.Response(
            recorded["status"]["code"],
            headers=self._plan.headers(pairs, body),
            stream=_Chunks(self._source(body, recorded_chunks(recorded, len(body)))),
        )


def _awaited(chunks: Iterable[bytes | Wait]) -> Iterator[bytes]:
    """The chunks, each when its time has come."""
    for chunk in chunks:
        if isinstance(chunk, Wait):
            time.sleep(chunk.seconds)
        else:
            yield chunk


class _Chunks(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body in chunks. Ends itself once closed, as an open `iter_bytes` goes on reading otherwise."""

    def __init__(self, chunks: Iterable[bytes | Wait]) -> None:
        self._chunks = iter(chunks)

    def __iter__(self) -> Iterator[bytes]:
        while (chunk := next(self._chunks, None)) is not None:
            if isinstance(chunk, Wait):
                time.sleep(chunk.seconds)
            else:
                yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (chunk := next(self._chunks, None)) is not None:
            if isinstance(chunk, Wait):
                await asyncio.sleep(chunk.seconds)
            else:
                yield chunk

    def close(self) -> None:
        chunks, self._chunks = self._chunks, iter(())
        if isinstance(chunks, Generator):
            chunks.close()

    async def aclose(self) -> None:
        self.close()
