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

from . import jsontext
from .adapters.contract import Adapter, Emit, Endpoint
from .adapters.faults import ERROR_STATUS
from .case import Case
from .cellid import CellId
from .completion import Completion, Delta
from .decoders.base import Diagnostic
from .decoders.stream import StreamDecoder
from .errors import AdapterError, HarnessFault, LLMError, StreamproofError, UsageError
from .fold import fold
from .outcome import Outcome
from .plan_laws import broken_law
from .providers import Provider
from .replay.transport import Playback
from .requirements import check_all
from .timeline import Timeline, timeline
from .verdict import Verdict
from .wire.plans import AS_STORED, PARTS, Plan, applies, effect, unmarked

TIMEOUT = 30.0
"""Seconds for one cell; a replay takes milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One thing to run. sync: through the SDK's sync client, where the adapter has one. plan: how the bytes come."""

    case: Case
    row: Provider
    sync: bool = False
    plan: Plan = AS_STORED

    @property
    def id(self) -> str:
        """`<protocol>/<slug>@<provider>`, with the plan and `+sync`."""
        plan = {part: getattr(self.plan, part) for part in PARTS}
        return str(CellId(self.case.id, self.row.name, **plan, sync=self.sync))


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


def with_plans(cells: Iterable[Cell], plans: Iterable[Plan]) -> list[Cell]:
    """Every cell with every plan that is legal for it and changes what is sent. Raises UsageError when none is."""
    plans = list(plans)
    found = [replace(cell, plan=plan) for cell in cells for plan in plans if can_play(cell.case, plan)]
    if not found:
        raise UsageError(
            f"{', '.join(map(str, plans))}: legal for none of these cases, or without effect",
            remedy="docs/wire-plans.md says what is legal for which protocol and body",
        )
    return found


def can_play(case: Case, plan: Plan) -> bool:
    """Whether a plan is legal for the stream of a case; an HTTP error's body can only be split."""
    first = case.cassette.interactions[0]
    return (first.status < ERROR_STATUS or plan == Plan(split=plan.split)) and applies(plan, case.protocol, first.body)


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
    return _graded(adapter, cell, outcome, completion, tuple(deltas), story)


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
    if cell.plan.inject == "field":
        document = unmarked(document)
    whole = effect(cell.plan, cell.case.protocol) == "nothing"
    facts = cell.case.requirements if whole or cell.plan == cell.case.plan else ()
    findings = tuple((f, story.place(f.path)) for f in check_all(facts, document))
    broken = _broken_law(deltas, completion) or (
        "" if whole else _broken_plan_law(cell, story, completion, diagnostics)
    )
    if broken and outcome.own_verdict is Verdict.PASS:
        outcome = replace(outcome, own_verdict=Verdict.WRONG, message=broken)
    return replace(
        outcome,
        completion=completion,
        details=details,
        diagnostics=diagnostics,
        findings=findings,
        deltas=_writable(deltas) if broken else deltas,
    )


def _writable(deltas: tuple[Delta, ...]) -> tuple[Delta, ...]:
    """The deltas as far as they can be written; the message tells of the others."""
    written = []
    for delta in deltas:
        try:
            jsontext.dumps(delta.to_json())
        except (TypeError, ValueError):
            continue
        written.append(delta)
    return tuple(written)


def _broken_law(deltas: tuple[Delta, ...], completion: Completion) -> str:
    """What is wrong with the deltas, "" for nothing; an adapter need not show any."""
    if not deltas:
        return ""
    try:
        same = fold(deltas) == completion
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:
        return f"the deltas cannot be folded: {type(error).__name__}: {error}"
    return "" if same else "the deltas do not fold to the completion"


def _broken_plan_law(cell: Cell, story: Timeline, completion: Completion, diagnostics: tuple[Diagnostic, ...]) -> str:
    protocol, first = cell.case.protocol, cell.case.cassette.interactions[0]
    kept = StreamDecoder(
        protocol,
        quirks=cell.row.quirks,
        n=cell.case.call.n,
        content_type=first.header("content-type"),
        content_encoding=first.header("content-encoding"),
    )
    delivery = cell.plan.deliver(first.body, protocol)
    return broken_law(effect(cell.plan, protocol), delivery, story, completion, diagnostics, kept)


def versions() -> dict[str, str]:
    """The versions that a result depends on, as far as they are installed."""
    found = {}
    for name in ("openai", "anthropic", "google-genai", "vcrpy", "httpx2"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
