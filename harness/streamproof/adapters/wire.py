"""`wire`: bytes to decoder, without HTTP and without an SDK. The fast path of sweeps and the source of snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import httpx2

from ..completion import Completion, Delta
from ..decoders.stream import StreamDecoder
from ..errors import HarnessFault
from ..providers import PROTOCOLS
from ..replay.transport import Played
from ..wire.encoding import decompressed
from .contract import Call, Emit, Endpoint
from .faults import ERROR_STATUS, error_object, http_error, lost
from .response import Shown


class WireAdapter:
    """Plays the recorded bytes into the decoders. Needs a playback: there is no server to ask."""

    name = "wire"
    protocols = PROTOCOLS

    def __init__(self) -> None:
        self.shown = Shown()
        """What the last run showed."""

    def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        """The first recorded response as a completion. Raises LLMError when the stream failed or was cut."""
        if endpoint.playback is None:
            raise HarnessFault("the wire adapter decodes recorded bytes; give it a playback")
        response = next(endpoint.playback.responses(), None)
        if response is None:
            raise HarnessFault("the cassette holds no response")
        self.shown = Shown()
        for delta in self._deltas(response, call, endpoint):
            emit(delta)
        failure = self.shown.failure(endpoint.provider.name, call.model)
        if failure is not None:
            raise failure
        return self.shown.completion

    def _deltas(self, response: Played, call: Call, endpoint: Endpoint) -> Iterator[Delta]:
        if response.status >= ERROR_STATUS:
            headers = {name.lower(): value for name, value in response.headers}
            body = decompressed(b"".join(response.chunks), response.header("content-encoding"))
            yield self.shown.refused(http_error(response.status, headers, body), error_object(body))
            return
        stream = StreamDecoder(
            endpoint.provider.protocol,
            quirks=endpoint.provider.quirks,
            n=call.n,
            content_type=response.header("content-type"),
            content_encoding=response.header("content-encoding"),
        )
        self.shown.decoder = stream.decoder
        fault = None
        try:
            for chunk in response.chunks:
                yield from stream.feed(chunk)
        except httpx2.TransportError as broken:  # a wire plan's
            fault = asdict(lost(broken, started=True))
        yield from stream.end(fault)
