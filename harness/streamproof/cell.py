"""Cells: what there is to run, a case for one provider, delivered by one wire plan."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .adapters.faults import ERROR_STATUS
from .case import Case
from .cellid import CellId
from .errors import UsageError
from .providers import Provider
from .wire.plans import AS_STORED, PARTS, Plan, applies


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
    """Whether a plan is legal for the stream of a case; an HTTP error's body is only split, delayed or compressed."""
    first = case.cassette.interactions[0]
    if first.status >= ERROR_STATUS and (plan.frame or plan.inject or plan.cut):
        return False
    if plan.coding and first.header("content-encoding"):
        return False
    return applies(plan, case.protocol, first.body, first.chunks)
