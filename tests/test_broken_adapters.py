"""The suite can fail: every adapter that is wrong on purpose is caught, and every fact of every case can be missed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache

import pytest
from broken import BROKEN, BrokenAdapter
from broken.live import LIVE
from broken.mutants import MUTANTS
from streamproof.adapters.contract import Adapter
from streamproof.adapters.reference import ReferenceAdapter
from streamproof.adapters.wire import WireAdapter
from streamproof.case import Case, all_cases
from streamproof.cell import Cell, can_play, cells
from streamproof.laws import LAWS, PREFIX, calling
from streamproof.laws.calling import Make
from streamproof.laws.probes import PROBES, probe
from streamproof.outcome import Outcome
from streamproof.replay.serving import CaseServer
from streamproof.requirements import Finding, check_all
from streamproof.running import run_cell as run_module
from streamproof.running.run_cell import run_cell
from streamproof.verdict import Verdict
from streamproof.wire.plans import Plan

CASES = {case.id: case for case in all_cases()}


def cell(case: Case, plan: str = "") -> Cell:
    """The cell of its first provider."""
    return replace(cells([case])[0], plan=Plan.parse(plan))


def outcome(adapter: Adapter, case: Case, plan: str = "") -> Outcome:
    """What comes of it."""
    return asyncio.run(run_cell(adapter, cell(case, plan)))


def broken(findings: Iterable[tuple[Finding, str]]) -> set[str]:
    """The laws that do not hold."""
    names = {finding.requirement for finding, _ in findings if not finding.verdict.ok}
    return {name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)}


def probed(make: Make, cell: Cell, laws: Iterable[str], server: CaseServer | None = None) -> set[str]:
    """Those of these laws that a cell breaks, of the ones that make calls of their own."""
    return broken(asyncio.run(probe(make, cell, server, [law for law in laws if law in PROBES])))


@cache
def missed(id: str) -> Mapping[str, set[str]]:
    """For every mutant the requirements of a case that it fails."""
    told = outcome(WireAdapter(), CASES[id])
    assert told.completion is not None, told.message
    diagnostics = [note.to_json() for note in told.diagnostics]
    whole = {**told.completion.to_json(), "details": dict(told.details), "diagnostics": diagnostics}
    failed = {}
    for lie in MUTANTS:
        document = deepcopy(whole)
        lie(document)
        findings = check_all(CASES[id].requirements, document)
        failed[lie.__name__] = {finding.requirement for finding in findings if not finding.verdict.ok}
    return failed


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_adapter_is_failed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case that lets pass what it was made to catch; the same cell passes without the fault."""
    monkeypatch.setattr(run_module, "TIMEOUT", 0.05 if name == "hangs" else 20)
    fault = BROKEN[name]
    for case in map(CASES.__getitem__, fault.cases):
        assert not fault.plan or can_play(case, Plan.parse(fault.plan)), f"{case.id}: {fault.plan}"
        spoiled = outcome(BrokenAdapter(fault), case, fault.plan)
        assert not spoiled.verdict.ok, f"{case.id} passes {name}"
        assert spoiled.verdict is not Verdict.HARNESS, spoiled.message
        assert outcome(WireAdapter(), case, fault.plan).verdict is Verdict.PASS, case.id


@pytest.mark.parametrize("name", [name for name, fault in BROKEN.items() if fault.laws])
def test_a_broken_adapter_breaks_its_laws(name: str) -> None:
    """A law that lets pass what it was made to catch; it holds where the same cell has no fault."""
    fault = BROKEN[name]
    for case in map(CASES.__getitem__, fault.cases):
        asked = cell(case, fault.plan)
        found = broken(outcome(BrokenAdapter(fault), case, fault.plan).findings)
        found |= probed(lambda _: BrokenAdapter(fault), asked, fault.laws)
        assert set(fault.laws) <= found, case.id
        assert broken(outcome(WireAdapter(), case, fault.plan).findings) == set(), case.id
        assert probed(lambda _: WireAdapter(), asked, fault.laws) == set(), case.id


@pytest.fixture(scope="module")
def server() -> Iterator[CaseServer]:
    """The suite behind a loopback server."""
    with CaseServer() as serving:
        yield serving


@pytest.mark.parametrize("name", LIVE)
def test_a_live_fault_breaks_its_laws(name: str, server: CaseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for what only a connection shows, or a second call."""
    fault = LIVE[name]
    for case in map(CASES.__getitem__, fault.cases):
        sound = probed(lambda asked: ReferenceAdapter(sync=asked.sync), cell(case), fault.laws, server)
        assert sound == set(), case.id
        with monkeypatch.context() as hurry:
            hurry.setattr(calling, "PATIENCE", 0.3)
            found = probed(lambda asked: fault.make(asked.sync), cell(case), fault.laws, server)
        assert found == set(fault.laws), case.id


def test_every_law_is_broken() -> None:
    """A law that no adapter can break would only look like proof."""
    caught = {law for faults in (BROKEN, LIVE) for fault in faults.values() for law in fault.laws}
    assert caught - set(LAWS) == set()
    # what reaches for the network lives in a process of its own: tests/adapters/test_process.py
    assert set(LAWS) - caught == {"network"}


def test_there_are_enough() -> None:
    """Faults that somebody took away, or a fault that lost its cases."""
    assert len(BROKEN) >= 100
    assert [name for name, fault in BROKEN.items() if not fault.cases or not set(fault.cases) <= set(CASES)] == []


@pytest.mark.parametrize("id", CASES)
def test_every_fact_can_be_missed(id: str) -> None:
    """A case that nobody can fail, or a fact in it that no lie contradicts: it would only look like proof."""
    facts = CASES[id].requirements
    caught = set().union(*missed(id).values())
    assert [fact.id for fact in facts if fact.level == "must"]
    assert [fact.id for fact in facts if fact.id not in caught] == []


@pytest.mark.parametrize("lie", MUTANTS, ids=lambda lie: lie.__name__)
def test_every_lie_is_caught(lie: object) -> None:
    """A lie about completions that no case would notice."""
    assert any(missed(case)[lie.__name__] for case in CASES)  # type: ignore[attr-defined]
