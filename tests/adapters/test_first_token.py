"""Each delta is yielded when its event is complete: the server withholds the next byte until the delta was seen."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from itertools import count

import pytest
from adapter_kit import ANTHROPIC, OPENAI, SDK_ROWS, pieces_of
from live_kit import asked, each_sdk, each_side, ended, playing, run, shows
from streamproof.completion import Delta
from streamproof.decoders.stream import StreamDecoder
from streamproof.providers import Provider
from streamproof.replay.script import Send, Step, Withhold
from streamproof.replay.server import LoopbackServer

pytestmark = pytest.mark.filterwarnings("error")

TEXT = "Let me see, häppily."
EVENTS_TO_TEXT = {"openai_chat": 4, "openai_responses": 6, "anthropic_messages": 7, "gemini_generate_content": 2}
"""How many events of the small stream it takes until its first text is there."""


@each_side
@pytest.mark.parametrize("row", SDK_ROWS, ids=lambda row: row.key)
def test_the_first_text_comes_before_the_next_byte(row: Provider, sync: bool) -> None:
    """A reader, decoder, recorder or client that buffers never shows the delta that releases the rest."""
    pieces, at = pieces_of(row), EVENTS_TO_TEXT[row.protocol]
    steps = (Send(b"".join(pieces[:at])), Withhold("rest"), Send(b"".join(pieces[at:])))
    is_first = shows("Let me ")
    with playing(row, *steps) as server:
        got = run(asked(server, row), sync=sync, emit=lambda delta: is_first(delta) and server.release("rest"))
        assert got.error is None
        assert (got.completion.text, got.completion.status) == (TEXT, "complete")
        assert ended(server, "complete")


def _in_turn(pieces: list[bytes]) -> list[Step]:
    """Each piece behind a gate of its number."""
    return [step for number, piece in enumerate(pieces) for step in (Withhold(str(number)), Send(piece))]


def _releasing(server: LoopbackServer, row: Provider, pieces: list[bytes]) -> Callable[[Delta], None]:
    """Releases the piece after those whose deltas have all been shown; those that show nothing with the one before."""
    decoder = StreamDecoder(row.protocol, quirks=row.quirks)
    shown = [len(decoder.feed(piece)) for piece in pieces]
    seen = count(1)

    def release(number: int) -> None:
        for at in range(len(pieces) + 1):
            if sum(shown[:at]) <= number:
                server.release(str(at))

    release(0)
    return lambda _: release(next(seen))


@each_side
@each_sdk
def test_every_event_comes_before_the_next(row: Provider, sync: bool) -> None:
    """One event of any kind that is held back until its successor comes: the successor waits for it."""
    pieces = pieces_of(row)
    with playing(row, *_in_turn(pieces)) as server:
        got = run(asked(server, row), sync=sync, emit=_releasing(server, row, pieces))
        assert (got.completion.text, got.completion.status) == (TEXT, "complete")
        assert len(got.completion.tool_calls) == 1


@each_side
@pytest.mark.parametrize("row", [OPENAI, ANTHROPIC], ids=lambda row: row.key)
def test_a_compressed_stream_comes_at_once_too(row: Provider, sync: bool) -> None:
    """A server that compresses and flushes after each event: a decompressor that waits for more."""
    pieces = pieces_of(row)
    gzip = zlib.compressobj(wbits=31)
    packed = [gzip.compress(piece) + gzip.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
    with playing(row, *_in_turn(packed), headers=[("content-encoding", "gzip")]) as server:
        got = run(asked(server, row), sync=sync, emit=_releasing(server, row, pieces))
        assert (got.completion.text, got.completion.status) == (TEXT, "complete")


@each_side
@each_sdk
def test_the_terminal_ends_nothing_too_early(row: Provider, sync: bool) -> None:
    """What comes after the finish reason (usage, a sentinel) is lost when the adapter stops at the terminal."""
    pieces = pieces_of(row)
    with playing(row, Send(b"".join(pieces[:-2])), Withhold("rest"), Send(b"".join(pieces[-2:]))) as server:
        got = run(asked(server, row), sync=sync, emit=lambda delta: delta.value == TEXT[7:] and server.release("rest"))
        assert (got.completion.usage.input_tokens, got.completion.usage.output_tokens) == (11, 7)
        assert ended(server, "complete")
