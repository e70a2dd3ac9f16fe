"""One cell: a case and a provider's row, replayed into an adapter; what comes out is graded."""

from __future__ import annotations

import asyncio
import inspect
import time
from dataclasses import replace
from typing import Any

from .. import jsontext
from ..adapters.contract import Adapter, Emit, Endpoint
from ..adapters.threads import in_thread
from ..capabilities import declared_by
from ..cell import Cell
from ..completion import Completion, Delta, Status
from ..errors import AdapterError, CellFault, HarnessFault, LLMError, StreamproofError
from ..grading.grade import graded
from ..outcome import Outcome
from ..replay.transport import Playback
from ..timeline import Timeline, timeline
from ..verdict import Verdict

TIMEOUT = 30.0
"""Seconds for one cell; a replay takes milliseconds."""


async def run_cell(
    adapter: Adapter, cell: Cell, endpoint: Endpoint | None = None, *, seconds: float | None = None
) -> Outcome:
    """Replay one cell into an adapter and grade what it says.

    endpoint: whom it asks; None plays the cassette in process. seconds: after which it hangs, TIMEOUT by default.
    """
    outcome = Outcome(cell=cell.id, adapter=adapter.name, level=cell.case.level)
    refusal = refused(adapter, cell)
    if refusal:
        return replace(outcome, own_verdict=Verdict.UNSUPPORTED, message=refusal)
    try:
        case = cell.case
        story = timeline(case.cassette.interactions[0], case.protocol, cell.row.quirks, case.call.n)
        if endpoint is None:
            playback = Playback(case.cassette, cell.row, case.call.model, plan=cell.plan)
            endpoint = Endpoint(provider=cell.row, playback=playback)
    except StreamproofError as error:
        return replace(outcome, own_verdict=Verdict.HARNESS, message=str(error))
    return await _played(adapter, cell, endpoint, story, outcome, TIMEOUT if seconds is None else seconds)


def refused(adapter: Adapter, cell: Cell) -> str:
    """Why an adapter is not asked: what it declares that it does not do; "" when it is asked."""
    declared = declared_by(adapter, cell.case.protocol)
    if cell.case.protocol not in adapter.protocols:
        return "the adapter does not speak this protocol"
    if declared is None:
        return ""
    if declared.providers is not None and cell.row.name not in declared.providers:
        return "the adapter does not speak to this provider"
    if (cell.case.call.n or 1) > 1 and not declared.offers("choices"):
        return "the adapter shows one choice, and the case asks for several"
    return "the adapter has no sync side" if cell.sync and not declared.sync else ""


async def _played(
    adapter: Adapter, cell: Cell, endpoint: Endpoint, story: Timeline, outcome: Outcome, seconds: float
) -> Outcome:
    deltas: list[Delta] = []
    started = time.perf_counter()
    completion: Completion | None = None
    verdict, message = Verdict.PASS, ""
    watch = asyncio.timeout(seconds)
    try:
        async with watch:
            completion, verdict, message = await _told(adapter, cell, endpoint, _recorder(deltas))
    except HarnessFault as fault:
        verdict, message = Verdict.HARNESS, str(fault)
    except CellFault as fault:
        verdict, message = fault.verdict, str(fault)
    except (Exception, SystemExit, asyncio.CancelledError) as exception:  # the adapter's own, whatever it is
        if _is_cancelled(exception):
            raise
        verdict, message = Verdict.CRASH, f"{type(exception).__name__}: {exception}"
        if watch.expired():
            verdict, message = Verdict.HANG, f"no answer within {seconds:g} s"
    outcome = replace(outcome, seconds=time.perf_counter() - started, own_verdict=verdict, message=message)
    return graded(adapter, cell, outcome, completion, tuple(deltas), story)


def _recorder(deltas: list[Delta]) -> Emit:
    """The emit function of a cell."""

    def emit(delta: Delta) -> None:
        if not isinstance(delta, Delta):
            raise AdapterError(f"emit was given {type(delta).__name__}, not a Delta")
        deltas.append(delta)

    return emit


def _is_cancelled(exception: BaseException) -> bool:
    """Whether it is this run that is cancelled; an adapter may raise CancelledError of its own."""
    task = asyncio.current_task()
    return isinstance(exception, asyncio.CancelledError) and task is not None and task.cancelling() > 0


async def _told(adapter: Adapter, cell: Cell, endpoint: Endpoint, emit: Emit) -> tuple[Completion | None, Verdict, str]:
    """What the adapter returns or raises as partial, and what is wrong with that by itself."""
    raised: LLMError | None = None
    try:
        answer = await _answer(adapter, cell, endpoint, emit)
    except LLMError as error:
        raised, answer = error, error.partial
        if answer is None and not _offers(adapter, cell, "partial"):
            answer = Completion(status=_status(error), error=error.info)
        if answer is None:
            return None, Verdict.LOSSY, f"{type(error).__name__} without a partial completion: {error}"
    _check_answer(adapter, answer, "run returned" if raised is None else f"{type(raised).__name__} holds")
    if raised is not None and answer.status == "complete":
        return answer, Verdict.WRONG, f"{type(raised).__name__} raised although the completion is complete: {raised}"
    return answer, Verdict.PASS, ""


def _offers(adapter: Adapter, cell: Cell, name: str) -> bool:
    capabilities = declared_by(adapter, cell.case.protocol)
    return capabilities is None or capabilities.offers(name)


def _status(error: LLMError) -> Status:
    return "interrupted" if error.info.type in ("interrupted", "cancelled") else "failed"


def _check_answer(adapter: Adapter, answer: Any, gave: str) -> None:
    """Raises AdapterError for what is no completion, or one that holds what no JSON can: there is nothing to grade."""
    if not isinstance(answer, Completion):
        raise AdapterError(f"{gave} {type(answer).__name__}, not a Completion")
    shown = getattr(adapter, "shown", None)
    try:
        document = answer.to_json()
        same = Completion.from_json(document) == answer
        jsontext.dumps([document, dict(shown.details), [d.to_json() for d in shown.diagnostics]] if shown else document)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise AdapterError(f"{gave} a completion that is no JSON: {error}") from error
    if not same:
        raise AdapterError(f"{gave} a completion that is another one when read back from its JSON")


async def _answer(adapter: Adapter, cell: Cell, endpoint: Endpoint, emit: Emit) -> Any:
    """What the adapter returns. A plain function runs in a thread of its own, so that it can be given up."""
    if inspect.iscoroutinefunction(adapter.run):
        answer = await adapter.run(cell.case.call, endpoint, emit)
    else:
        answer = await in_thread(lambda: adapter.run(cell.case.call, endpoint, emit))
        if inspect.isawaitable(answer):
            answer = await answer
    return answer
