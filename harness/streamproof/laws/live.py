"""The laws that watch a live connection: what is asked, when the first delta comes, what is left open.

Nothing is measured: the server withholds the rest of a stream until the law lets it go on.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from ..cell import Cell
from ..completion import Delta
from ..decoders.stream import StreamDecoder
from ..running.run_cell import run_cell
from ..wire.plans.body import spans
from . import calling
from .calling import Overheard, Probe, endpoint
from .evidence import Breach

if TYPE_CHECKING:
    from ..replay.serving import Served


class Stopped(Exception):
    """The caller wants no more: it comes out of `emit`. An adapter lets it pass and closes its connection."""


async def one_request(about: Probe) -> list[Breach] | None:
    """As many as the case has answers, and at least one."""
    if about.plain.asked is None:
        return None
    breach = miscounted(about.cell, about.plain.asked)
    return [breach] if breach else []


def miscounted(cell: Cell, asked: int) -> Breach | None:
    """How a number of requests for the stream breaks `one-request`."""
    there = len(cell.case.cassette.interactions)
    if 1 <= asked <= there:
        return None
    expected = "1 request" if there == 1 else f"1 to {there} requests"
    return Breach(expected, f"{asked} requests", "the server's log")


async def first_delta_early(about: Probe) -> list[Breach] | None:
    """A part of the answer is shown while the rest of it has not been sent."""
    at = _where_to_hold(about)
    if about.server is None or at is None:
        return None
    with about.server.open(about.stored) as served:
        early = await _comes_early(about, served, at)
    return [] if early else [Breach(f"a delta after {at} bytes", "none until the rest was sent", f"byte {at}")]


async def closing_closes(about: Probe) -> list[Breach] | None:
    """The server sees the connection close before it has sent the rest."""
    at = _where_to_hold(about)
    adapter = about.make(about.stored)
    declared = getattr(adapter, "capabilities", None)
    if about.server is None or at is None or (declared is not None and not declared.cancel):
        return None
    with about.server.open(about.stored) as served:
        served.hold(after_bytes=at)
        wait = _cancelled if inspect.iscoroutinefunction(adapter.run) and not about.stored.sync else _refused
        if not await wait(about, served):
            return None  # nothing came that one could stop at: `first-delta-early` says so
        closed = await asyncio.to_thread(served.wait_closed, calling.PATIENCE)
    return [] if closed else [Breach("the connection closed by the caller", "left open", f"byte {at}")]


def shows(delta: Delta) -> bool:
    """Whether a delta shows a part of the answer."""
    return delta.part is not None and delta.op in ("append", "replace") and bool(delta.value)


def _where_to_hold(about: Probe) -> int | None:
    """The byte after which to withhold: something has come that can be shown, half of the events, not the last.

    None where there is no such place, or the adapter shows no steps.
    """
    if not any(shows(delta) for delta in about.plain.outcome.deltas):
        return None
    case, first = about.cell.case, about.cell.case.cassette.interactions[0]
    stream = StreamDecoder(case.protocol, quirks=about.cell.row.quirks, n=case.call.n)
    ends, start, due = [span.end for span in spans(first.body)], 0, None
    for number, end in enumerate(ends):
        if any(shows(delta) for delta in stream.feed(first.body[start:end])):
            due = number
            break
        start = end
    if due is None or due + 2 >= len(ends):
        return None
    return ends[min(max(due + 1, len(ends) // 2), len(ends) - 2)]


async def _comes_early(about: Probe, served: Served, at: int) -> bool:
    """Whether something is shown before the rest is let go; also an adapter that blocks its thread is heard."""
    early = False
    let_go = threading.Event()

    def hear(delta: Delta) -> None:
        nonlocal early
        if shows(delta):
            early = early or not let_go.is_set()
            release()

    def release() -> None:
        let_go.set()
        served.release()

    served.hold(after_bytes=at)
    watchdog = threading.Timer(calling.PATIENCE, release)
    watchdog.start()
    try:
        await run_cell(Overheard(about.make(about.stored), hear), about.stored, endpoint(served))
    finally:
        watchdog.cancel()
    return early


async def _cancelled(about: Probe, served: Served) -> bool:
    """Cancel the task of the call once something was shown; whether that came."""
    loop, came = asyncio.get_running_loop(), asyncio.Event()

    def hear(delta: Delta) -> None:
        if shows(delta):
            loop.call_soon_threadsafe(came.set)

    adapter = Overheard(about.make(about.stored), hear)
    call = asyncio.create_task(run_cell(adapter, about.stored, endpoint(served)))
    with suppress(TimeoutError):
        await asyncio.wait_for(came.wait(), calling.PATIENCE)
    call.cancel()
    with suppress(asyncio.CancelledError):
        await call
    return came.is_set()


async def _refused(about: Probe, served: Served) -> bool:
    """Raise out of `emit` once something was shown; whether that came."""
    came = False

    def hear(delta: Delta) -> None:
        nonlocal came
        if shows(delta):
            came = True
            raise Stopped

    watchdog = threading.Timer(calling.PATIENCE, served.release)
    watchdog.start()
    try:
        await run_cell(Overheard(about.make(about.stored), hear), about.stored, endpoint(served))
    finally:
        watchdog.cancel()
    return came
