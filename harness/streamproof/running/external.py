"""Running adapters that live in another process: each cell through the loopback server, whatever the adapter does."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ..adapters.child import Launch
from ..adapters.contract import Endpoint
from ..adapters.limits import DEFAULTS, Limits
from ..adapters.process import STALL_SECONDS, AdapterProcess, ProcessAdapter
from ..adapters.said import Hello
from ..cell import Cell
from ..errors import CellFault, UsageError
from ..hermetic.stage import Stage, stage
from ..laws.check import found
from ..laws.live import miscounted
from ..laws.probes import with_probes
from ..outcome import Outcome
from ..replay.serving import CaseServer, Served
from ..requirements import Finding
from ..verdict import Verdict
from .run_cell import run_cell

NETWORK_LAW = "law:network"
"""What a cell breaks whose adapter tries to reach something beyond this machine."""

_SLACK = 30.0
"""Seconds beyond a cell's own until the runner itself gives up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Who is run: a Python adapter (`package.module:Class`) or a command; one of them is ""."""

    adapter: str = ""
    command: str = ""

    def __post_init__(self) -> None:
        if bool(self.adapter) == bool(self.command):
            raise UsageError("name an adapter or a command", remedy="--adapter package.module:Class, or --command CMD")

    @property
    def words(self) -> list[str]:
        """Program and arguments. Raises UsageError for a command that no shell would understand."""
        if self.adapter:
            return [sys.executable, "-m", "streamproof.adapters.host", self.adapter]
        try:
            words = shlex.split(self.command, posix=sys.platform != "win32")
        except ValueError as error:
            raise UsageError(f"--command {self.command!r}: {error}", remedy="quote it as for a shell") from None
        if not words:
            raise UsageError("--command is empty", remedy="name a program, e.g. --command 'node adapter.mjs'")
        return words

    @property
    def option(self) -> str:
        """How it is asked for on the command line."""
        return f"--adapter {self.adapter}" if self.adapter else f"--command {shlex.quote(self.command)}"


class ExternalRun:
    """An adapter that was started and said hello. Made by `started`."""

    def __init__(self, process: AdapterProcess, hello: Hello, on: Stage) -> None:
        self.process, self.stage, self.tier = process, on, on.tier
        self.name, self.versions, self.capabilities = hello.name, hello.versions, hello.capabilities
        self.notes = process.notes
        """What somebody has to look at, and no cell is to blame for."""

    def outcomes(self, cells: Iterable[Cell], *, laws: bool = False) -> Iterator[Outcome]:
        """Run cells one by one. A cell that goes wrong costs itself only. laws: those too that make calls of their
        own."""
        cells = list(cells)
        server = CaseServer({cell.case.id: cell.case for cell in cells}.values(), listener=self.stage.listener)
        with server, asyncio.Runner() as runner:
            for cell in cells:
                outcome = runner.run(self._outcome(cell, server))
                if laws:
                    outcome = runner.run(with_probes(outcome, self._adapter, cell, server))
                yield _with_network(outcome, [*self.process.all_tried(), *self.stage.tried()])

    def _adapter(self, cell: Cell) -> ProcessAdapter:
        return ProcessAdapter(self.process, cell)

    async def _outcome(self, cell: Cell, server: CaseServer) -> Outcome:
        try:
            self.process.ready()
        except CellFault as fault:
            return _ungraded(cell, self.name, fault.verdict, str(fault))
        self._reach()
        limits = self.process.limits
        seconds = min(limits.read_seconds, STALL_SECONDS) if "stall" in (cell.plan.cut or "") else limits.read_seconds
        with server.open(cell) as served:
            endpoint = Endpoint(provider=cell.row, base_url=served.base_url, timeout=seconds)
            outcome = await run_cell(self._adapter(cell), cell, endpoint, seconds=limits.seconds + _SLACK)
            if missing := served.missing_form():  # the case's lack, no fault of the adapter
                return _ungraded(cell, self.name, Verdict.UNSUPPORTED, missing)
            return self._with_reports(_with_requests(outcome, cell, served), served)

    def _reach(self) -> None:
        """What was tried outside of a cell is a note."""
        tried = dict.fromkeys([*self.process.all_tried(), *self.stage.tried()])
        if tried:
            self.notes.append(f"before a cell began the adapter tried to reach {', '.join(tried)}")

    def _with_reports(self, outcome: Outcome, served: Served) -> Outcome:
        """A request for something else explains a lot: beside what befell the cell, or as a note. Of a further request
        for the stream the law has told."""
        reports = "; ".join(dict.fromkeys(served.strays()))
        if not reports:
            return outcome
        if outcome.own_verdict.ok:
            self.notes.append(f"{outcome.cell}: the server says: {reports}")
            return outcome
        return replace(outcome, message=f"{outcome.message}\nthe server says: {reports}")


@contextmanager
def started(target: Target, limits: Limits = DEFAULTS, directory: Path | None = None) -> Iterator[ExternalRun]:
    """Start an adapter on a stage without network, and hear its hello. Raises AdapterError, UsageError."""
    words = target.words
    with ExitStack() as stack:
        on = stack.enter_context(stage())
        launch = Launch(command=words, environment=on.environment, directory=directory, namespaces=on.namespaces)
        process = stack.enter_context(AdapterProcess(launch, limits, tells_where=bool(target.adapter)))
        yield ExternalRun(process, process.start(), on)


def _ungraded(cell: Cell, adapter: str, verdict: Verdict, message: str) -> Outcome:
    return Outcome(cell=cell.id, adapter=adapter, level=cell.case.level, own_verdict=verdict, message=message)


def _with_requests(outcome: Outcome, cell: Cell, served: Served) -> Outcome:
    """The law `one-request`, by the server's log; nothing of a cell that asked for no stream."""
    asked = len(served.streams())
    if not asked or outcome.own_verdict is Verdict.UNSUPPORTED:
        return outcome
    return replace(outcome, findings=(*outcome.findings, found("one-request", miscounted(cell, asked))))


def _with_network(outcome: Outcome, tried: Sequence[str]) -> Outcome:
    if not tried:
        return outcome
    finding = Finding(
        NETWORK_LAW,
        "must",
        Verdict.WRONG,
        "",
        "nothing but this machine is reached",
        f"tried to reach {', '.join(dict.fromkeys(tried))}",
    )
    return replace(outcome, findings=(*outcome.findings, (finding, "the network")))
