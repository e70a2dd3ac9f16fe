"""Grading: what an adapter gave for a cell, held against the case's requirements and the laws of every stream."""

from __future__ import annotations

from dataclasses import replace

from . import jsontext
from .adapters.contract import Adapter
from .cell import Cell
from .completion import Completion, Delta
from .decoders.base import Diagnostic
from .decoders.stream import StreamDecoder
from .fold import fold
from .outcome import Outcome
from .plan_laws import broken_law
from .requirements import check_all
from .timeline import Timeline
from .verdict import Verdict
from .wire.plans import effect, unmarked


def graded(
    adapter: Adapter,
    cell: Cell,
    outcome: Outcome,
    completion: Completion | None,
    deltas: tuple[Delta, ...],
    story: Timeline,
) -> Outcome:
    """The outcome with its findings. completion: None when there is nothing to grade. story: the stream as stored."""
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
