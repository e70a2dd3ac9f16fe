"""What the laws say about our own adapters that compare calls or watch connections. For test_laws.py and sweep.py."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from plan_checks import excused, faults
from streamproof.case import Case
from streamproof.cell import Cell, can_play, cells
from streamproof.expectations.file import SNAPSHOT
from streamproof.laws.probes import PROBES, probe
from streamproof.laws.table import PREFIX
from streamproof.outcome import explain
from streamproof.replay.serving import CaseServer
from streamproof.running.ours import ADAPTERS
from streamproof.wire.plans import drawn, effect

PLANNED = ("same-however-split", "unknown-events-change-nothing")
"""Laws about wire plans, of which some SDKs cannot read all (wire_plans.toml)."""

OTHERS = tuple(name for name in PROBES if name not in PLANNED)
TRIED = 4
"""Plans for each cell."""


def law_cells(case: Case, adapter: str) -> list[Cell]:
    """A cell for each SDK that speaks it, async and sync; one for `wire`."""
    rows = {cell.row.sdk: cell for cell in reversed(cells([case]))}
    if adapter == "wire":
        return [cells([case])[0]]
    return [replace(cell, sync=sync) for sdk, cell in rows.items() if sdk != "none" for sync in (False, True)]


async def law_complaints(adapter: str, cell: Cell, server: CaseServer) -> list[str]:
    """What the laws say against an adapter, and nobody upstream has to answer for."""
    listens = None if adapter == "wire" else server
    complaints = []
    for tried, laws in [(cell, OTHERS), *((planned, PLANNED) for planned in _planned(cell, adapter))]:
        found = await probe(lambda asked: ADAPTERS[adapter](asked.sync), tried, listens, laws)
        complaints += [
            f"{tried.id}: {explain(finding, place)}"
            for finding, place in found
            if not finding.verdict.ok and not _is_listed(adapter, tried, finding.requirement)
        ]
    return complaints


def _is_listed(adapter: str, cell: Cell, requirement: str) -> bool:
    """Whether a failure is upstream's. A law that compares with the bytes as stored says nothing where an SDK cannot
    read these."""
    compares = requirement.removeprefix(PREFIX) in PLANNED
    return excused(adapter, cell, requirement) or (compares and excused(adapter, cell, SNAPSHOT))


def _planned(cell: Cell, adapter: str) -> Iterator[Cell]:
    """The cell under some plans that must change nothing, and that its SDK can read."""
    case, body = cell.case, cell.case.cassette.interactions[0].body
    legal = [p for p in drawn(case.protocol, body, 200, f"laws/{cell.id}") if effect(p, case.protocol) == "nothing"]
    for plan in random.Random(cell.id).sample(legal, min(TRIED, len(legal))):
        planned = replace(cell, plan=plan)
        if can_play(case, plan) and not (adapter == "sdk" and any(fault.covers(planned) for fault in faults())):
            yield planned
