"""Running cells: a case, a provider's row, an adapter; what comes out is graded."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .adapters.contract import Adapter, Emit, Endpoint
from .case import Case
from .cellid import CellId
from .completion import Completion, Delta
from .errors import AdapterError, HarnessFault, LLMError, StreamproofError, UsageError
from .fold import fold
from .outcome import Outcome
from .providers import Provider
from .replay.transport import Playback
from .requirements import check
from .timeline import Timeline, timeline
from .verdict import Verdict

TIMEOUT = 30.0
"""Seconds for one cell; a replay takes milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One thing to run. sync: through the SDK's sync client, where the adapter has one."""

    case: Case
    row: Provider
    sync: bool = False

    @property
    def id(self) -> str:
        """`<protocol>/<slug>@<provider>`, with `+sync`."""
        return str(CellId(self.case.id, self.row.name, sync=self.sync))


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


def cells(cases: Iterable[Case], provider: str | None = None, *, sync: bool = False) -> list[Cell]:
    """The cells of some cases. provider: only this one. Raises UsageError when it has no cell among them."""
    found = [Cell(case=case, row=row, sync=sync) for case in cases for row in case.rows()]
    if provider is None:
        return found
    chosen = [cell for cell in found if cell.row.name == provider]
    if not chosen:
        names = ", ".join(sorted({cell.row.name for cell in found}))
        raise UsageError(f"no case runs for provider {provider!r}", remedy=f"these cases have: {names}")
    return chosen


def run_cells(adapter_name: str, cells: Iterable[Cell]) -> Iterator[Outcome]:
    """Run cells one by one. A cell that goes wrong costs itself only."""
    with asyncio.Runner() as runner:
        for cell in cells:
            yield runner.run(run_cell(ADAPTERS[adapter_name](cell.sync), cell))


async def run_cell(adapter: Adapter, cell: Cell) -> Outcome:
    """Replay one cell into an adapter and grade what it says."""
    outcome = Outcome(cell=cell.id, adapter=adapter.name)
    if cell.case.protocol not in adapter.protocols or (adapter.name != "wire" and cell.row.sdk == "none"):
        return replace(outcome, own_verdict=Verdict.UNSUPPORTED, message="the adapter does not speak this protocol")
    try:
        case = cell.case
        story = timeline(case.cassette.interactions[0], case.protocol, cell.row.quirks, case.call.n)
        playback = Playback(case.cassette, cell.row, case.call.model)
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
            completion = await _answer(adapter, cell, endpoint, deltas.append)
    except LLMError as error:
        completion = error.partial
        if completion is None:
            verdict, message = Verdict.LOSSY, f"{type(error).__name__} without a partial completion: {error}"
    except HarnessFault as fault:
        verdict, message = Verdict.HARNESS, str(fault)
    except Exception as exception:  # noqa: BLE001 - the adapter's own, whatever it is
        verdict, message = Verdict.CRASH, f"{type(exception).__name__}: {exception}"
        if watch.expired():
            verdict, message = Verdict.HANG, f"no answer within {TIMEOUT:g} s"
    outcome = replace(outcome, seconds=time.perf_counter() - started, own_verdict=verdict, message=message)
    return _graded(adapter, cell, outcome, completion, tuple(deltas), story)


async def _answer(adapter: Adapter, cell: Cell, endpoint: Endpoint, emit: Emit) -> Completion:
    """What the adapter returns. A plain function runs in a thread of its own, so that it can be given up."""
    if inspect.iscoroutinefunction(adapter.run):
        answer = await adapter.run(cell.case.call, endpoint, emit)
    else:
        answer = await _in_thread(lambda: adapter.run(cell.case.call, endpoint, emit))
        if inspect.isawaitable(answer):
            answer = await answer
    if not isinstance(answer, Completion):
        raise AdapterError(f"run returned {type(answer).__name__}, not a Completion", case=cell.id)
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


def _graded(
    adapter: Adapter,
    cell: Cell,
    outcome: Outcome,
    completion: Completion | None,
    deltas: tuple[Delta, ...],
    story: Timeline,
) -> Outcome:
    if completion is None:
        return outcome
    shown = getattr(adapter, "shown", None)
    details = dict(shown.details) if shown else {}
    diagnostics = tuple(shown.diagnostics) if shown else ()
    document = {**completion.to_json(), "details": details, "diagnostics": [d.to_json() for d in diagnostics]}
    findings = tuple((check(r, document), story.place(r.path)) for r in cell.case.requirements)
    broken = _broken_law(deltas, completion)
    if broken and outcome.own_verdict is Verdict.PASS:
        outcome = replace(outcome, own_verdict=Verdict.WRONG, message=broken)
    return replace(
        outcome,
        completion=completion,
        details=details,
        diagnostics=diagnostics,
        findings=findings,
        deltas=deltas,
    )


def _broken_law(deltas: tuple[Delta, ...], completion: Completion) -> str:
    """What is wrong with the deltas, "" for nothing; an adapter need not show any."""
    if not deltas:
        return ""
    try:
        same = fold(deltas) == completion
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
        return f"the deltas cannot be folded: {type(error).__name__}: {error}"
    return "" if same else "the deltas do not fold to the completion"


def versions() -> dict[str, str]:
    """The versions that a result depends on, as far as they are installed."""
    found = {}
    for name in ("openai", "anthropic", "google-genai", "vcrpy", "httpx2"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
