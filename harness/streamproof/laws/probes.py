"""The laws that one outcome cannot show: they compare calls of a cell, or watch a live connection.

    with CaseServer() as server:
        found = await probe(lambda cell: ReferenceAdapter(sync=cell.sync), cell, server)

Without a server the cassette is played in process, and the laws about live connections are silent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..cell import Cell
from ..outcome import Outcome
from ..requirements import Finding
from ..running.run_cell import refused
from ..verdict import Verdict
from ..wire.plans import AS_STORED
from .calling import Make, Probe, hear
from .check import found
from .evidence import Breach
from .live import closing_closes, first_delta_early, one_request
from .pairs import same_however_split, sync_is_async, unknown_events_change_nothing
from .table import PREFIX
from .twins import twin

if TYPE_CHECKING:
    from ..replay.serving import CaseServer

PROBES: Mapping[str, Callable[[Probe], Awaitable[list[Breach] | None]]] = {
    "one-request": one_request,
    "same-however-split": same_however_split,
    "unknown-events-change-nothing": unknown_events_change_nothing,
    "first-delta-early": first_delta_early,
    "closing-closes": closing_closes,
    "sync-is-async": sync_is_async,
    "twin": twin,
}
"""Law -> how it is broken; None where it says nothing about the cell."""


async def probe(
    make: Make, cell: Cell, server: CaseServer | None, laws: Collection[str] = tuple(PROBES)
) -> list[tuple[Finding, str]]:
    """One finding per law that speaks about this cell, with its place; held ones too.

    make: makes the adapter for each call. cell: its plan is the one to try, without one the laws choose. Empty where
    the adapter does not speak the protocol.
    """
    stored = replace(cell, plan=AS_STORED)
    if refused(make(stored), stored):
        return []
    about = Probe(make=make, cell=cell, server=server, plain=await hear(make, stored, server))
    findings = []
    for name in laws:
        breaches = await PROBES[name](about)
        if breaches is not None:
            findings.append(found(name, breaches[0] if breaches else None))
    return findings


async def with_probes(outcome: Outcome, make: Make, cell: Cell, server: CaseServer | None) -> Outcome:
    """An outcome with the findings of the laws that make calls of their own, where it has none of them yet. make: the
    adapter for each call."""
    if outcome.own_verdict is Verdict.UNSUPPORTED:
        return outcome
    spoken = {finding.requirement for finding, _ in outcome.findings}
    laws = [name for name in PROBES if PREFIX + name not in spoken]
    return replace(outcome, findings=(*outcome.findings, *await probe(make, cell, server, laws)))
