"""Running cells: a case, a provider's row, an adapter; what comes out is graded."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from . import jsontext
from .adapters.contract import Adapter, Emit, Endpoint
from .cell import Cell
from .completion import Completion, Delta
from .errors import AdapterError, HarnessFault, LLMError, StreamproofError
from .grade import graded
from .outcome import Outcome
from .replay.transport import Playback
from .timeline import Timeline, timeline
from .verdict import Verdict

TIMEOUT = 30.0
"""Seconds for one cell; a replay takes milliseconds."""


def _wire() -> Adapter:
    from .adapters.wire import WireAdapter  # noqa: PLC0415 - adapters are imported when they are used

    return WireAdapter()


def _reference(sync: bool) -> Adapter:
    from .adapters.reference import ReferenceAdapter  # noqa: PLC0415 - as above

    return ReferenceAdapter(sync=sync)


def _sdk(sync: bool) -> Adapter:
    from .adapters.sdk import TypedSdkAdapter  # noqa: PLC0415 - as above

    return TypedSdkAdapter(sync=sync)


ADAPTERS: Mapping[str, Callable[[bool], Adapter]] = {"wire": lambda _: _wire(), "reference": _reference, "sdk": _sdk}
"""Our adapters by name; the argument says whether the sync client is wanted."""


def run_cells(adapter_name: str, cells: Iterable[Cell]) -> Iterator[Outcome]:
    """Run cells one by one. A cell that goes wrong costs itself only."""
    with asyncio.Runner() as runner:
        for cell in cells:
            yield runner.run(run_cell(ADAPTERS[adapter_name](cell.sync), cell))


async def run_cell(adapter: Adapter, cell: Cell) -> Outcome:
    """Replay one cell into an adapter and grade what it says."""
    outcome = Outcome(cell=cell.id, adapter=adapter.name)
    if cell.case.protocol not in adapter.protocols:
        return replace(outcome, own_verdict=Verdict.UNSUPPORTED, message="the adapter does not speak this protocol")
    try:
        case = cell.case
        story = timeline(case.cassette.interactions[0], case.protocol, cell.row.quirks, case.call.n)
        playback = Playback(case.cassette, cell.row, case.call.model, plan=cell.plan)
    except StreamproofError as error:
        return replace(outcome, own_verdict=Verdict.HARNESS, message=str(error))
    return await _played(adapter, cell, Endpoint(provider=cell.row, playback=playback), story, outcome)


async def _played(adapter: Adapter, cell: Cell, endpoint: Endpoint, story: Timeline, outcome: Outcome) -> Outcome:
    deltas: list[Delta] = []
    started = time.perf_counter()
    completion: Completion | None = None
    verdict, message = Verdict.PASS, ""
    watch = asyncio.timeout(TIMEOUT)
    try:
        async with watch:
            completion, verdict, message = await _told(adapter, cell, endpoint, _recorder(deltas))
    except HarnessFault as fault:
        verdict, message = Verdict.HARNESS, str(fault)
    except (Exception, SystemExit, asyncio.CancelledError) as exception:  # the adapter's own, whatever it is
        if _is_cancelled(exception):
            raise
        verdict, message = Verdict.CRASH, f"{type(exception).__name__}: {exception}"
        if watch.expired():
            verdict, message = Verdict.HANG, f"no answer within {TIMEOUT:g} s"
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
        if answer is None:
            return None, Verdict.LOSSY, f"{type(error).__name__} without a partial completion: {error}"
    _check_answer(adapter, answer, "run returned" if raised is None else f"{type(raised).__name__} holds")
    if raised is not None and answer.status == "complete":
        return answer, Verdict.WRONG, f"{type(raised).__name__} raised although the completion is complete: {raised}"
    return answer, Verdict.PASS, ""


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
        answer = await _in_thread(lambda: adapter.run(cell.case.call, endpoint, emit))
        if inspect.isawaitable(answer):
            answer = await answer
    return answer


async def _in_thread(function: Callable[[], Any]) -> Any:
    # asyncio.to_thread would do, but waits for a hanging thread when the loop closes.
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    answer: Any = None
    error: BaseException | None = None

    def work() -> None:
        nonlocal answer, error
        try:
            answer = function()
        except BaseException as raised:  # noqa: BLE001 - raised again where it is awaited
            error = raised
        if not loop.is_closed():  # it is when this was given up
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=work, daemon=True).start()
    await done.wait()
    if error is not None:
        raise error
    return answer


def versions() -> dict[str, str]:
    """The versions that a result depends on, as far as they are installed."""
    found = {}
    for name in ("openai", "anthropic", "google-genai", "vcrpy", "httpx2"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
