"""How a law that needs calls of its own makes them: in process, or through the server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ..adapters.contract import Adapter, Call, Emit, Endpoint
from ..cell import Cell
from ..completion import Delta
from ..outcome import Outcome
from ..running.run_cell import run_cell
from ..wire.plans import AS_STORED

if TYPE_CHECKING:
    from ..replay.serving import CaseServer, Served

Make: TypeAlias = Callable[[Cell], Adapter]
"""Makes the adapter for one call of a cell; the cell says whether it is sync."""

PATIENCE = 10.0
"""Seconds that something may take which takes milliseconds; only an adapter at fault makes a law wait so long."""


class Heard(NamedTuple):
    """What came of a call. asked: the requests for the stream that it sent, None in process."""

    outcome: Outcome
    asked: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a law works with. cell: its plan is the one to try, without one the law chooses. server: None in process.
    plain: what came of the cell as stored."""

    make: Make
    cell: Cell
    server: CaseServer | None
    plain: Heard

    async def hear(self, cell: Cell) -> Heard:
        """Make another call, of this or of a kindred cell."""
        return await hear(self.make, cell, self.server)

    @property
    def stored(self) -> Cell:
        """The cell without its plan."""
        return replace(self.cell, plan=AS_STORED)


async def hear(make: Make, cell: Cell, server: CaseServer | None) -> Heard:
    """One call."""
    if server is None:
        return Heard(await run_cell(make(cell), cell))
    with server.open(cell) as served:
        outcome = await run_cell(make(cell), cell, endpoint(served))
        return Heard(outcome, len(served.streams()))


def endpoint(served: Served) -> Endpoint:
    """Whom an adapter asks."""
    return Endpoint(provider=served.cell.row, base_url=served.base_url)


class Overheard:
    """An adapter whose deltas are heard as they come; what `hear` raises reaches the adapter through `emit`."""

    def __init__(self, adapter: Adapter, hear: Callable[[Delta], None]) -> None:
        self._adapter, self._hear = adapter, hear

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

    def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Any:
        """The adapter's own, or what to await for it."""

        def heard(delta: Delta) -> None:
            emit(delta)
            self._hear(delta)

        return self._adapter.run(call, endpoint, heard)
