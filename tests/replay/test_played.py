"""Paces and content codings, played: as a script for the server, and in process without one."""

from __future__ import annotations

import asyncio
import time
import zlib

import httpx2
import pytest
from loopback import PATIENCE
from streamproof.case import all_cases, the_case
from streamproof.cassette import Cassette, Interaction
from streamproof.cell import Cell, can_play
from streamproof.hermetic import hermetic
from streamproof.providers import TABLE
from streamproof.replay.played import Hold, played
from streamproof.replay.script import End, Gate, Pause, Reset, Response, Send, ShortBody, Stall, Step, Withhold
from streamproof.replay.serving import CaseServer
from streamproof.replay.transport import Playback
from streamproof.wire.plans import Plan

ROW = TABLE["openai", "openai_chat"]
BODY = b"abcdefghi"
GATE = Gate()
CASES = list(all_cases())
TEXT = the_case(CASES, "openai_chat/text")
RECORDED = the_case(CASES, "openai_responses/llama-cpp-text")


def recorded(body: bytes = BODY, chunks: object = None, **headers: str) -> Interaction:
    """A recording, with the times of its chunks."""
    extras = {} if chunks is None else {"streamproof": {"chunks": chunks, "end": "complete"}}
    return Interaction(
        method="POST",
        uri="https://api.example.org/v1/x",
        headers={name.replace("_", "-"): [value] for name, value in headers.items()},
        body=body,
        extras=extras,
    )


def steps(hold: Hold | None = None, chunks: object = None, **plan: str) -> list[Step]:
    """The script of a plan."""
    return list(played(recorded(chunks=chunks), Plan(**plan), "openai_chat", hold).steps)


@pytest.mark.parametrize(
    ("cut", "last"), [("at-3", End), ("at-3-reset", Reset), ("at-3-short", ShortBody), ("at-3-stall", Stall)]
)
def test_ends(cut: str, last: type[Step]) -> None:
    """An end of a plan that the script has another step for."""
    assert steps(cut=cut) == [Send(b"abc"), last()]


def test_paces() -> None:
    """A wait before the wrong piece, or one that is lost."""
    assert steps(split="7", pace="fixed-20") == [Send(b"abcdefg"), Pause(0.02), Send(b"hi"), End()]
    assert steps(pace="first-20") == [Pause(0.02), Send(BODY), End()]
    assert steps(pace="recorded", chunks=[[0.5, 4], [0.5, 5]]) == [Pause(0.5), Send(b"abcd"), Send(b"efghi"), End()]


@pytest.mark.parametrize(
    "chunks",
    [None, "x", [], [[0.5, 4]], [[0.5]], [["0.5", 9]], [[0.5, 4.5], [1, 4.5]], [[-1, 9]], [[None, 9]]],
    ids=str,
)
def test_times_that_are_none(chunks: object) -> None:
    """A strange key of a foreign recording that ends in a traceback, or in times of other bytes."""
    interaction = recorded(chunks=chunks)
    assert interaction.chunks == ()
    assert steps(pace="recorded", chunks=chunks) == [Send(BODY), End()]


@pytest.mark.parametrize(
    ("hold", "plan", "script"),
    [
        (Hold(gate=GATE, after_bytes=0), {}, [Withhold(GATE), Send(BODY)]),
        (Hold(gate=GATE, after_bytes=4), {}, [Send(b"abcd"), Withhold(GATE), Send(b"efghi")]),
        (Hold(gate=GATE, after_bytes=4), {"split": "2"}, ["ab", "cd", Withhold(GATE), "ef", "gh", "i"]),
        (Hold(gate=GATE, after_bytes=5), {"split": "7"}, ["abcde", Withhold(GATE), "fg", "hi"]),
        (Hold(gate=GATE, after_bytes=99), {}, [Send(BODY), Withhold(GATE)]),
        (Hold(gate=GATE, after_pieces=1), {"split": "7"}, ["abcdefg", Withhold(GATE), "hi"]),
        (Hold(gate=GATE, after_pieces=9), {"split": "7"}, ["abcdefg", "hi", Withhold(GATE)]),
        (
            Hold(gate=GATE, after_bytes=8),
            {"split": "7", "pace": "fixed-20"},
            ["abcdefg", Pause(0.02), "h", Withhold(GATE), "i"],
        ),
    ],
)
def test_holds(hold: Hold, plan: dict[str, str], script: list[Step | str]) -> None:
    """A hold that shows more or less than it says, or moves a wait."""
    expected = [Send(step.encode()) if isinstance(step, str) else step for step in script]
    assert steps(hold, **plan) == [*expected, End()]


def decoded(response: Response) -> list[bytes]:
    """The pieces without their coding, each as soon as it has come."""
    codec = zlib.decompressobj(zlib.MAX_WBITS | 16)
    return [codec.decompress(step.data) for step in response.steps if isinstance(step, Send)]


def test_codings() -> None:
    """A header without the coding, a coding without the header, or a hold after which less can be read than it says."""
    hold = Hold(gate=GATE, after_bytes=4)
    response = played(recorded(x_a="1"), Plan(coding="gzip", split="3"), "openai_chat", hold)
    assert list(response.headers) == [("x-a", "1"), ("content-encoding", "gzip")]
    assert decoded(response) == [b"abc", b"d", b"ef", b"ghi"]
    assert [type(step) for step in response.steps] == [Send, Send, Withhold, Send, Send, End]


def test_a_stale_header_is_not_played() -> None:
    """A body that was stored decoded under the header of the encoded one, which no client could read."""
    assert list(played(recorded(content_encoding="gzip"), Plan(), "openai_chat").headers) == []


def test_over_the_server() -> None:
    """A compressed body that a client cannot read, or that was not compressed at all."""
    body = TEXT.cassette.interactions[0].body
    cell = Cell(case=TEXT, row=TEXT.row(), plan=Plan(split="event", coding="gzip"))
    with hermetic(), CaseServer([TEXT]) as server:
        url = server.url(cell) + "/chat/completions"
        with httpx2.stream("POST", url, timeout=PATIENCE) as answer:
            raw = b"".join(answer.iter_raw())
        plain = httpx2.post(url, timeout=PATIENCE)
    assert plain.headers["content-encoding"] == "gzip"
    assert plain.content == body == zlib.decompress(raw, zlib.MAX_WBITS | 16)
    assert len(raw) < len(body)


def test_recordings_know_their_pace() -> None:
    """Recorded times that no plan can play, or a pace for bytes that nobody timed."""
    assert can_play(RECORDED, Plan(pace="recorded"))
    assert can_play(RECORDED, Plan(pace="recorded", split="byte", coding="gzip"))
    assert not can_play(RECORDED, Plan(pace="recorded", frame="bom"))
    assert not can_play(TEXT, Plan(pace="recorded"))
    first = RECORDED.cassette.interactions[0]
    script = played(first, Plan(pace="recorded"), "openai_responses").steps
    assert [len(step.data) for step in script if isinstance(step, Send)] == [size for _, size in first.chunks if size]
    total = sum(step.seconds for step in script if isinstance(step, Pause))
    assert total == pytest.approx(max(seconds for seconds, _ in first.chunks))


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that were slept, instead of sleeping."""
    seconds: list[float] = []

    async def sleep(delay: float) -> None:
        seconds.append(delay)

    monkeypatch.setattr(time, "sleep", seconds.append)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return seconds


def _playback(**plan: str) -> Playback:
    return Playback(Cassette(interactions=(recorded(chunks=[[0.5, 4], [0.75, 5]]),)), ROW, "m", plan=Plan(**plan))


@pytest.mark.parametrize("way", ["responses", "client", "async_client"])
@pytest.mark.parametrize(
    ("plan", "waits"),
    [({"pace": "recorded"}, [0.5, 0.25]), ({"pace": "fixed-20", "split": "7"}, [0.02]), ({"split": "7"}, [])],
)
def test_in_process(way: str, plan: dict[str, str], waits: list[float], slept: list[float]) -> None:
    """A pace that holds only over the server, or one that makes an event loop wait for all."""
    playback = _playback(**plan, coding="gzip")

    async def asynchronous() -> bytes:
        async with playback.async_client() as client:
            return (await client.post(playback.url)).content

    if way == "responses":
        (response,) = playback.responses()
        assert response.header("content-encoding") == "gzip"
        got = zlib.decompress(b"".join(response.chunks), zlib.MAX_WBITS | 16)
    elif way == "client":
        with playback.client() as client:
            got = client.post(playback.url).content
    else:
        got = asyncio.run(asynchronous())
    assert got == BODY
    assert slept == pytest.approx(waits)
