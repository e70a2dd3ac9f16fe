"""Decoding, per chunk: the wire adapter's way, the bare SDK's typed iteration, and parsing the JSON alone."""

from __future__ import annotations

import json
from collections.abc import Callable

import jiter
from streamproof.decoders.stream import StreamDecoder

from .clients import bare
from .figures import Section, compared
from .interleaved import interleaved
from .streams import PROTOCOLS, stream

EVENTS = 1000
WHOLE, EACH = "wire, whole body", "wire, one event per read"
SDK_WHOLE, SDK_EACH = "bare SDK, whole body", "bare SDK, one event per read"


def sections(rounds: int) -> list[Section]:
    """One for each protocol."""
    return [_section(protocol, rounds) for protocol in PROTOCOLS]


def decoding(protocol: str, pieces: list[bytes]) -> Callable[[], object]:
    """Bytes to deltas to a completion, the deltas let go at once."""

    def run() -> None:
        decoder = StreamDecoder(protocol, content_type="text/event-stream")
        for piece in pieces:
            decoder.feed(piece)
        decoder.end()
        assert decoder.completion.status == "complete"

    return run


def _section(protocol: str, rounds: int) -> Section:
    given = stream(protocol, EVENTS)
    body, texts = [given.body], given.texts
    strings = [text.decode() for text in texts]

    def parse(load: Callable[[str], object]) -> None:
        for text in strings:
            load(text)

    def parse_jiter() -> None:
        for text in texts:
            jiter.from_json(text)

    times = interleaved(
        {
            SDK_WHOLE: bare(protocol, body),
            SDK_EACH: bare(protocol, given.pieces),
            WHOLE: decoding(protocol, body),
            EACH: decoding(protocol, given.pieces),
            "json.loads of the data alone": lambda: parse(json.loads),
            "jiter of the data alone": parse_jiter,
        },
        rounds,
    )
    figures = compared(times, len(texts), "s/chunk", SDK_WHOLE, {WHOLE: 0.05, EACH: 0.08}, {EACH: SDK_EACH})
    size = len(given.body) // len(texts)
    work = f"{len(texts)} events of {size} bytes, text and a tool call, to one completion. CPU time; ratios to the SDK."
    return Section(f"decoding/{protocol}", f"Decoding: {protocol}", work, figures)
