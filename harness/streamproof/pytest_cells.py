"""What the pytest plugin does once it is used: cells as tests, and cells behind a base URL."""

from __future__ import annotations

import asyncio
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from .adapters.contract import Adapter, Call, Endpoint
from .adapters.loading import load_adapter
from .case import Case, all_cases, readable, select, the_case
from .cell import Cell, cells, with_plans
from .errors import CassetteError, StreamproofError
from .expectations.file import Failure, Known, failures, load_expectations, unexplained
from .hermetic import TIER, hermetic
from .jsontext import JSONObject
from .kit.export import expected as expected_of
from .outcome import SUITE, Outcome
from .pytest_stash import server
from .replay.exchanges import Exchange
from .replay.serving import Served
from .running.ours import ADAPTERS
from .running.run_cell import run_cell
from .verdict import Verdict
from .wire.plans import AS_STORED, Plan

Url: TypeAlias = Callable[..., str]

_ADAPTER = pytest.StashKey[tuple[str, Callable[[], Adapter]]]()
_KNOWN = pytest.StashKey[tuple[Known, ...]]()
_SKIPPED = (Verdict.UNSUPPORTED, Verdict.NOT_OFFERED)


class CellFailure(Exception):
    """What a cell has to complain about."""


def header(config: pytest.Config) -> str:
    """The line above the tests."""
    return f"streamproof {SUITE}: adapter {config.getoption('--streamproof-adapter')}; network: {TIER}"


def collected(session: pytest.Session, config: pytest.Config) -> list[CellItem]:
    """The tests of --streamproof-adapter. Raises pytest.UsageError for options that mean nothing."""
    try:
        _here(config)
        config.stash[_ADAPTER] = _adapter(config.getoption("--streamproof-adapter"))
        file = config.getoption("--streamproof-expectations")
        config.stash[_KNOWN] = load_expectations(Path(file)) if file else ()
        found = cells(_cases(config.getoption("--streamproof-cases")), config.getoption("--streamproof-provider"))
        plans = [Plan.parse(plan) for plan in dict.fromkeys(config.getoption("--streamproof-plan"))]
        found = with_plans(found, plans) if plans else found
    except StreamproofError as error:
        raise pytest.UsageError(str(error)) from None
    suite = Suite.from_parent(session, name="streamproof", nodeid="streamproof")
    return [CellItem.from_parent(suite, name=cell.id, cell=cell) for cell in found]


def _here(config: pytest.Config) -> None:
    """Modules of the folder that pytest was started in can be imported, as in `streamproof run`. They come last, to
    hide nothing."""
    folder = str(config.invocation_params.dir)
    if folder not in sys.path:
        sys.path.append(folder)


def _adapter(target: str) -> tuple[str, Callable[[], Adapter]]:
    """Its name, and what makes one. Raises AdapterError."""
    own = ADAPTERS.get(target)
    if own is not None:
        return target, lambda: own(False)
    return load_adapter(target).name, lambda: load_adapter(target)


def _cases(patterns: list[str]) -> list[Case]:
    def damaged(error: CassetteError) -> None:
        raise error

    return readable(select(all_cases(damaged=damaged), patterns), damaged)


class Suite(pytest.Collector):
    """What the cells stand under in the tree of tests."""

    def collect(self) -> list[pytest.Item]:
        """Nothing: the plugin adds the cells when the options are known."""
        return []


class CellItem(pytest.Item):
    """One cell. It fails as the suite's verdict says; known failures are xfailed, what is not offered is skipped."""

    def __init__(self, *, cell: Cell, **rest: Any) -> None:
        super().__init__(**rest)
        self.cell = cell
        self.add_marker("streamproof")

    def runtest(self) -> None:
        """Run the cell in this process, so that a debugger and coverage see the adapter."""
        name, make = self.config.stash[_ADAPTER]
        with hermetic(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the libraries, about values that they do not know
            outcome = self._outcome(make())
        self.user_properties += [("verdict", outcome.verdict.word), ("adapter", name)]
        self._judge(outcome)

    def _outcome(self, adapter: Adapter) -> Outcome:
        if self.config.getoption("--streamproof-adapter") in ADAPTERS:
            return asyncio.run(run_cell(adapter, self.cell))
        with server(self.config).open(self.cell) as served:
            endpoint = Endpoint(provider=self.cell.row, base_url=served.base_url)
            return asyncio.run(run_cell(adapter, self.cell, endpoint))

    def _judge(self, outcome: Outcome) -> None:
        known = [entry for entry in self.config.stash[_KNOWN] if entry.covers(self.cell.id)]
        wrong: list[Failure] = [failure for failure in failures(outcome) if failure.level == "must"]
        complaints = unexplained(self.cell.id, wrong, known)
        if complaints:
            raise CellFailure("\n".join(complaints))
        if wrong:
            pytest.xfail(f"{known[0].reason} ({known[0].upstream})")
        if outcome.verdict in _SKIPPED:
            pytest.skip(outcome.message or f"{outcome.verdict.word.replace('_', ' ')} by the adapter")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is wrong, without a traceback through this file."""
        if not isinstance(excinfo.value, CellFailure):
            return super().repr_failure(excinfo, style)
        adapter = self.config.getoption("--streamproof-adapter")
        again = f"streamproof run {self.cell.case.id} --provider {self.cell.row.name} --adapter {adapter}"
        plan = f" --plan {self.cell.plan}" if self.cell.plan else ""
        return f"{self.cell.case.title}\n\n{excinfo.value}\n\nagain:  {again}{plan}"

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands: the case's file."""
        return self.cell.case.path, None, self.cell.id


# -- for tests of the user's own


@cache
def _suite() -> tuple[Case, ...]:
    return tuple(all_cases(damaged=lambda _: None))


def marked(marker: pytest.Mark | None, test: str) -> list[Cell]:
    """The cells of a marker. Raises pytest.UsageError."""
    if marker is None or not marker.args:
        raise pytest.UsageError(f"{test}: streamproof_cell needs the marker @pytest.mark.streamproof('CASE', ...)")
    options = dict(marker.kwargs)
    provider, plan = options.pop("provider", None), options.pop("plan", None)
    if options:
        raise pytest.UsageError(f"{test}: the marker streamproof takes provider and plan, not {', '.join(options)}")
    try:
        found = cells(select(_suite(), marker.args), provider)
        return with_plans(found, [Plan.parse(plan)]) if plan else found
    except StreamproofError as error:
        raise pytest.UsageError(f"{test}: {error}") from None


@dataclass(frozen=True)
class Opened:
    """A cell that answers at `base_url`."""

    cell: Cell
    served: Served

    @property
    def id(self) -> str:
        """The cell id."""
        return self.cell.id

    @property
    def base_url(self) -> str:
        """What the official SDK of the protocol is given as `base_url`."""
        return self.served.base_url

    @property
    def call(self) -> Call:
        """What the case asks, in no provider's words."""
        return self.cell.case.call

    @cached_property
    def expected(self) -> JSONObject:
        """The completion that must come out, in the normal form (docs/normal-form.md)."""
        document: JSONObject = expected_of(self.cell.case)["completion"]
        return document

    @property
    def requirements(self) -> list[JSONObject]:
        """The facts, each with its source."""
        return list(self.cell.case.metadata.get("requirements", ()))

    def requests(self) -> list[Exchange]:
        """What was asked so far, and how each answer ended."""
        return self.served.exchanges()


@contextmanager
def opened(config: pytest.Config, cell: Cell) -> Iterator[Opened]:
    """A cell for the time of a test."""
    with server(config).open(cell) as served:
        yield Opened(cell, served)


@contextmanager
def urls(config: pytest.Config) -> Iterator[Url]:
    """What the fixture streamproof_url gives."""
    with ExitStack() as stack:

        def url(case: str, provider: str | None = None, plan: str = "") -> str:
            found = the_case(_suite(), case)
            cell = Cell(case=found, row=found.row(provider), plan=Plan.parse(plan) if plan else AS_STORED)
            return stack.enter_context(server(config).open(cell)).base_url

        yield url
