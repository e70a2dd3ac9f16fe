"""The benchmarks measure what they say: streams that decode whole, ratios within a round, tables that show a miss."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent))  # they are no part of the package

from streamproof.decoders.stream import StreamDecoder

from benchmarks.clients import bare
from benchmarks.figures import Figure, Section, compared
from benchmarks.interleaved import Times, interleaved
from benchmarks.streams import PROTOCOLS, of_size, stream
from benchmarks.table import BEGIN, END, tables, write_table


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_streams_are_whole(protocol: str) -> None:
    """A benchmark of a stream that fails early, or that nobody notes, measures something else."""
    given = stream(protocol, 50)
    decoder = StreamDecoder(protocol, content_type="text/event-stream")
    deltas = [delta for piece in given.pieces for delta in decoder.feed(piece)] + decoder.end()
    completion = decoder.completion
    assert (completion.status, completion.finish_reason, decoder.diagnostics) == ("complete", "tool_calls", [])
    assert completion.text.startswith("the quick brown fox ")
    assert completion.tool_calls[0].complete
    assert len(deltas) >= 50
    assert len(of_size(protocol, 100_000).body) >= 100_000


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_bare_sdk_reads_every_event(protocol: str) -> None:
    """The base of all ratios skips events, so that everything else looks slow."""
    given = stream(protocol, 30)
    assert bare(protocol, [given.body])() == bare(protocol, given.pieces)() == len(given.texts)


def test_contenders_take_turns() -> None:
    """One contender runs while the machine is busy, the other when it is not."""
    order: list[str] = []
    times = interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=3)
    assert "".join(order) == "abababab"
    assert {name: len(rounds) for name, rounds in times.rounds.items()} == {"a": 3, "b": 3}


def test_ratios_are_those_of_a_round() -> None:
    """A slow round of both makes a ratio that no round had."""
    times = Times({"a": [1.0, 10.0, 3.0], "b": [2.0, 20.0, 6.0]})
    assert times.ratio("b", "a") == 2.0
    assert [f.ratio for f in compared(times, 10, "s", "a")] == [1.0, 2.0]
    assert compared(times, 10, "s", "a")[1].values == [0.2, 2.0, 0.6]


def test_a_missed_target_is_shown(tmp_path: Path) -> None:
    """A target that is missed looks like one that is met; or the document around the table is lost."""
    figures = [
        Figure("a", [1e-6, 2e-6, 3e-6], "s/chunk", 0.04, 0.05),
        Figure("b", [1.0], "s", 0.06, 0.05),
        Figure("c", [1.0], "s", 0.6, 0.7, at_least=True),
        Figure("d", [0.25], "s", target=0.2),
    ]
    section = Section("k", "Title", "Work.", figures)
    lines = tables([section]).splitlines()
    assert lines[-4:] == [
        "| a | 2 µs/chunk | 0.04 | at most 0.05 | met |",
        "| b | 1 s | 0.06 | at most 0.05 | **missed** |",
        "| c | 1 s | 0.6 | at least 0.7 | **missed** |",
        "| d | 250 ms |  | at most 200 ms | **missed** |",
    ]
    page = tmp_path / "page.md"
    page.write_text(f"Before.\n{BEGIN}\nold\n{END}\nAfter.\n")
    write_table(page, [section], "nox -s bench")
    text = page.read_text("utf-8")
    assert text.startswith("Before.\n")
    assert text.endswith(f"{END}\nAfter.\n")
    assert "old" not in text
    assert "Command: `nox -s bench`" in text
