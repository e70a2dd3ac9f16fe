"""The adapters over the SDKs' clients, per chunk, against the bare SDK's typed iteration."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
from streamproof.adapters.contract import Call, Endpoint
from streamproof.adapters.reference import ReferenceAdapter
from streamproof.adapters.sdk import TypedSdkAdapter
from streamproof.providers import row

from .clients import Pieces, bare
from .figures import Section, compared
from .interleaved import interleaved
from .streams import PROTOCOLS, stream

EVENTS = 1000
SDK = "bare SDK"
_PROVIDERS = {
    "openai_chat": "openai",
    "openai_responses": "openai",
    "anthropic_messages": "anthropic",
    "gemini_generate_content": "google_ai",
}


class Prepared:
    """A playback of prepared pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def client(self) -> httpx2.Client:
        """As `Playback.client`."""
        return httpx2.Client(transport=Pieces(self._pieces))


def running(adapter: Any, protocol: str, pieces: list[bytes]) -> Callable[[], object]:
    """One call through a sync adapter, its client built and closed as in any call."""
    playback: Any = Prepared(pieces)
    endpoint = Endpoint(provider=row(_PROVIDERS[protocol], protocol), playback=playback)
    call = Call(model="m", messages=[{"role": "user", "content": "Hello?"}])
    return lambda: asyncio.run(adapter.run(call, endpoint, lambda _: None))


def sections(rounds: int) -> list[Section]:
    """One for each protocol."""
    found = []
    for protocol in PROTOCOLS:
        given = stream(protocol, EVENTS)
        times = interleaved(
            {
                SDK: bare(protocol, given.pieces),
                "reference": running(ReferenceAdapter(sync=True), protocol, given.pieces),
                "sdk": running(TypedSdkAdapter(sync=True), protocol, given.pieces),
            },
            rounds,
        )
        figures = compared(times, len(given.texts), "s/chunk", SDK, {"reference": 0.15, "sdk": 1.25})
        work = f"{len(given.texts)} events, one per read, asked for with the SDK's sync client. CPU time."
        found.append(Section(f"adapters/{protocol}", f"Adapters: {protocol}", work, figures))
    return found
