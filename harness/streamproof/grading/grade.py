"""Grading: what an adapter gave for a cell, held against the case's requirements and the laws of every stream."""

from __future__ import annotations

from dataclasses import replace

from .. import jsontext
from ..adapters.contract import Adapter
from ..capabilities import declared_by
from ..cell import Cell
from ..completion import Completion, Delta
from ..laws.check import findings
from ..laws.evidence import Evidence
from ..outcome import Outcome
from ..requirements import Finding
from ..timeline import Timeline
from ..wire.plans import effect, unmarked
from .capability_check import seen
from .view import Told, View, view


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
    capabilities = declared_by(adapter, cell.case.protocol)
    evidence = Evidence(
        cell=cell,
        story=story,
        got=completion,
        deltas=deltas,
        diagnostics=diagnostics if shown else None,
        offers=capabilities.offers_some if capabilities else lambda _: True,
    )
    told, got = _told(evidence), Told(completion, details, diagnostics)
    facts_found = [(f, story.place(f.path)) for f in _checked(cell, view(told, got, capabilities))]
    laws_found = findings(evidence)
    readable = all(f.verdict.ok for f, _ in laws_found)
    return replace(
        outcome,
        completion=completion,
        details=details,
        diagnostics=diagnostics,
        findings=(*facts_found, *laws_found),
        deltas=deltas if readable else _writable(deltas),
        fields=seen(told, got, capabilities, deltas=bool(deltas)) if capabilities else {},
    )


def _checked(cell: Cell, laid: View) -> list[Finding]:
    """The case's requirements, where the bytes come as they were written for."""
    if effect(cell.plan, cell.case.protocol) != "nothing" and cell.plan != cell.case.plan:
        return []
    return (laid.mapped(unmarked) if cell.plan.inject == "field" else laid).check(cell.case.requirements)


def _told(evidence: Evidence) -> Told:
    """What the wire said, up to where it was cut."""
    told = evidence.told
    return Told(told.completion, told.details, told.diagnostics)


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
