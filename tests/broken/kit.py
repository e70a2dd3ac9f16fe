"""How a broken adapter is made: the healthy way from bytes to a completion, with one step of it spoiled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

import httpx2
from streamproof.adapters.contract import Call, Emit, Endpoint
from streamproof.adapters.faults import ERROR_STATUS, http_error, lost
from streamproof.adapters.response import Shown
from streamproof.completion import Completion, Delta
from streamproof.decoders.stream import DECODERS
from streamproof.fold import fold
from streamproof.providers import PROTOCOLS
from streamproof.replay.transport import Played
from streamproof.wire.encoding import decompressed
from streamproof.wire.event import WireEvent
from streamproof.wire.reader import Reader

Events: TypeAlias = Iterable[WireEvent]
Deltas: TypeAlias = Iterable[Delta]
Document: TypeAlias = dict[str, Any]


def _same(value: Any) -> Any:
    return value


def _end(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """Raise what has to be raised, return the rest."""
    failure = shown.failure(endpoint.provider.name, None)
    if failure is not None:
        failure.partial = completion
        raise failure
    return completion


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong, at one step; all other steps are sound.

    chunks: the response's body as it came. body: the whole of it. events: what was read of it. deltas: the steps shown,
    of which the completion is the fold. completion: its JSON; such an adapter shows no steps, so that only what it
    returns can give it away. ending: called in place of returning or raising, with (shown, completion, emit, endpoint).

    cases: those that are meant to catch it, under `plan`. laws: those that it breaks there.
    """

    name: str
    cases: tuple[str, ...]
    laws: tuple[str, ...] = ()
    plan: str = ""
    chunks: Callable[[list[bytes]], list[bytes]] = _same
    body: Callable[[bytes], bytes] = _same
    events: Callable[[Events], Events] = _same
    deltas: Callable[[Deltas], Deltas] = _same
    completion: Callable[[Document], Document | None] | None = None
    ending: Callable[[Shown, Completion, Emit, Endpoint], Any] = _end

    def spoiled(self, document: Document) -> Document:
        """The completion's JSON after its fault; a function that returns nothing has changed it in place."""
        assert self.completion is not None
        changed = self.completion(document)
        return document if changed is None else changed


BROKEN: dict[str, Fault] = {}


def breaks(
    step: str, *cases: str, laws: tuple[str, ...] = (), plan: str = ""
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make the decorated function the fault at this step. cases, laws, plan: as `Fault` has them."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        name = function.__name__
        assert name not in BROKEN, name
        assert function.__doc__, name
        BROKEN[name] = Fault(name=name, cases=cases, laws=laws, plan=plan, **{step: function})
        return function

    return register


@dataclass
class BrokenAdapter:
    """The wire adapter with a fault."""

    fault: Fault
    protocols: tuple[str, ...] = PROTOCOLS
    shown: Shown = field(default_factory=Shown)

    @property
    def name(self) -> str:
        """The fault's."""
        return self.fault.name

    def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Any:
        """The first recorded response, wrongly."""
        assert endpoint.playback is not None
        self.shown = Shown()
        response = next(endpoint.playback.responses())
        deltas = list(self.fault.deltas(self._deltas(response, call, endpoint)))
        completion = fold(deltas)
        if self.fault.completion is not None:
            return Completion.from_json(self.fault.spoiled(completion.to_json()))
        for delta in deltas:
            emit(delta)
        return self.fault.ending(self.shown, completion, emit, endpoint)

    def _deltas(self, response: Played, call: Call, endpoint: Endpoint) -> Iterator[Delta]:
        chunks, cut = _read(response)
        body = b"".join(self.fault.chunks(chunks))
        if response.status >= ERROR_STATUS:
            headers = {name.lower(): value for name, value in response.headers}
            plain = decompressed(body, response.header("content-encoding"))
            yield self.shown.refused(http_error(response.status, headers, plain))
            return
        reader = Reader(response.header("content-type"), response.header("content-encoding"))
        decoder = DECODERS[endpoint.provider.protocol](endpoint.provider.quirks, n=call.n)
        self.shown.decoder = decoder
        events = [*reader.feed(self.fault.body(body)), *reader.close()]
        for event in self.fault.events(events):
            yield from decoder.feed(event)
        yield from decoder.end(cut)


def _read(response: Played) -> tuple[list[bytes], Document | None]:
    """The chunks that came, and the error that ended them."""
    chunks: list[bytes] = []
    try:
        for chunk in response.chunks:
            chunks.append(chunk)
    except httpx2.TransportError as broken:
        return chunks, asdict(lost(broken, started=True))
    return chunks, None


def parts(document: Document, kind: str) -> list[Document]:
    """The content parts of one type."""
    return [part for part in document["content"] if part["type"] == kind]


def payloads(events: Events) -> Iterator[tuple[WireEvent, Any]]:
    """Every event with its payload, {} where it is no object."""
    for event in events:
        yield event, event.payload if isinstance(event.payload, dict) else {}


def chat_deltas(events: Events) -> Iterator[Any]:
    """The `delta` of every choice of a Chat stream."""
    for _, payload in payloads(events):
        for choice in payload.get("choices") or ():
            if choice.get("delta"):
                yield choice["delta"]


def chat_calls(events: Events) -> Iterator[Any]:
    """The entries of `tool_calls` of a Chat stream."""
    for delta in chat_deltas(events):
        yield from delta.get("tool_calls") or ()
