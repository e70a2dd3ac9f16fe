"""Each delta is yielded when its event is complete: the server withholds the next byte until the delta was seen."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import pytest
from adapter_kit import OPENAI, SDK_ROWS
from live_kit import each_sdk, each_side, ended, pieces_of, playing, run, shows
from live_kit import asked as asking
from streamproof.completion import Delta
from streamproof.providers import Provider
from streamproof.replay.script import Send, Step, Withhold
from streamproof.replay.server import LoopbackServer

pytestmark = pytest.mark.filterwarnings("error")

TEXT = ("Let me ", "see, häppily.")


def _pieces(row: Provider) -> list[bytes]:
    """The small stream, one event per piece; for Bedrock one frame."""
    return pieces_of(row)


def _first_text(pieces: list[bytes], row: Provider) -> int:
    """How many pieces it takes until the first text is there."""
    events = pieces_of(row)
    head = {"openai_chat": 4, "openai_responses": 6, "anthropic_messages": 7, "gemini_generate_content": 2}
    assert len(events) == len(pieces)
    return head[row.protocol]


def _release_on(server: LoopbackServer, wanted: Callable[[Delta], bool], gate: str) -> Callable[[Delta], None]:
    def emit(delta: Delta) -> None:
        if wanted(delta):
            server.release(gate)

    return emit


@each_side
@pytest.mark.parametrize("row", SDK_ROWS, ids=lambda row: row.key)
def test_the_first_text_comes_before_the_next_byte(row: Provider, sync: bool) -> None:
    """A reader, decoder, recorder or client that buffers never sees what the delta releases."""
    pieces = _pieces(row)
    at = _first_text(pieces, row)
    steps = (Send(b"".join(pieces[:at])), Withhold("rest"), Send(b"".join(pieces[at:])))
    with playing(row, *steps) as server:
        got = run(asking(server, row), sync=sync, emit=_release_on(server, shows(TEXT[0]), "rest"))
        assert got.error is None
        assert (got.completion.text, got.completion.status) == ("".join(TEXT), "complete")
        assert ended(server, "complete")


@each_side
@each_sdk
def test_every_event_comes_before_the_next(row: Provider, sync: bool) -> None:
    """An event that waits for its successor: each piece is released by the deltas of the one before."""
    pieces = _pieces(row)
    silent = {b"data: [DONE]\n\n"}
    steps: list[Step] = []
    for number, piece in enumerate(pieces):
        steps += [Withhold(str(number)), Send(piece)] if number else [Send(piece)]
    with playing(row, *steps) as server:
        stream = asking(server, row)
        fed = 0

        def emit(_: Delta) -> None:
            nonlocal fed
            # what has been shown of these bytes is all that they can show: let the next piece go
            while fed < len(pieces) and server.exchanges[0].bytes_sent >= sum(map(len, pieces[: fed + 1])):
                fed += 1
                server.release(str(fed))

        # events that give no delta of their own must not hold the stream up
        for number, quiet in enumerate(_quiet(row, pieces)):
            if quiet or pieces[number] in silent:
                server.release(str(number + 1))
        got = run(stream, sync=sync, emit=emit)
        assert got.completion.text == "".join(TEXT)
        assert got.completion.status == "complete"


def _quiet(row: Provider, pieces: list[bytes]) -> list[bool]:
    """Which pieces give no delta, by the decoder alone."""
    from streamproof.decoders.stream import StreamDecoder

    decoder = StreamDecoder(row.protocol, quirks=row.quirks)
    return [not decoder.feed(piece) for piece in pieces]
