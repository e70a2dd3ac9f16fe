# ruff: noqa: PLC0415 - adapters are imported when they are used
"""Running our own adapters, in this process."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version

from ..adapters.contract import Adapter
from ..cell import Cell
from ..hermetic import TIER, hermetic
from ..outcome import Outcome
from .run_cell import run_cell


def _wire() -> Adapter:
    from ..adapters.wire import WireAdapter

    return WireAdapter()


def _reference(sync: bool) -> Adapter:
    from ..adapters.reference import ReferenceAdapter

    return ReferenceAdapter(sync=sync)


def _sdk(sync: bool) -> Adapter:
    from ..adapters.sdk import TypedSdkAdapter

    return TypedSdkAdapter(sync=sync)


ADAPTERS: Mapping[str, Callable[[bool], Adapter]] = {"wire": lambda _: _wire(), "reference": _reference, "sdk": _sdk}
"""Our adapters by name; the argument says whether the sync client is wanted."""


def run_cells(adapter_name: str, cells: Iterable[Cell], seconds: float | None = None) -> Iterator[Outcome]:
    """Run cells one by one. A cell that goes wrong costs itself only. seconds: for each, TIMEOUT by default."""
    with asyncio.Runner() as runner:
        for cell in cells:
            yield runner.run(run_cell(ADAPTERS[adapter_name](cell.sync), cell, seconds=seconds))


class OwnRun:
    """One of our adapters, which runs in this process. Made by `in_process`."""

    tier = TIER
    capabilities = None

    def __init__(self, name: str, seconds: float) -> None:
        self.name, self._seconds = name, seconds
        self.versions = versions()
        self.notes: list[str] = []

    def outcomes(self, cells: Iterable[Cell], *, laws: bool = False) -> Iterator[Outcome]:
        """Run cells one by one. laws: those too that make calls of their own."""
        if not laws:
            yield from run_cells(self.name, cells, self._seconds)
            return
        from ..laws.probes import with_probes
        from ..replay.serving import CaseServer

        cells = list(cells)
        served = {cell.case.id: cell.case for cell in cells}.values()
        with CaseServer(served) as server, asyncio.Runner() as runner:
            for cell in cells:
                outcome = runner.run(run_cell(self._adapter(cell), cell, seconds=self._seconds))
                # `wire` does no HTTP
                live = None if self.name == "wire" else server
                yield runner.run(with_probes(outcome, self._adapter, cell, live))

    def _adapter(self, cell: Cell) -> Adapter:
        return ADAPTERS[self.name](cell.sync)


@contextmanager
def in_process(name: str, seconds: float) -> Iterator[OwnRun]:
    """One of our adapters, by name, with no way out. seconds: for each cell."""
    with hermetic(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the SDKs, about values that they do not know; what they lose is graded
        yield OwnRun(name, seconds)


def versions() -> dict[str, str]:
    """The versions that a result depends on, as far as they are installed."""
    found = {}
    for name in ("openai", "anthropic", "google-genai", "vcrpy", "httpx2"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
