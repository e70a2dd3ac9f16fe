"""The suite can fail: every adapter that is wrong on purpose is caught, and every fact of every case can be missed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from copy import deepcopy
from functools import cache

import pytest
from broken import BROKEN, BrokenAdapter
from broken.mutants import MUTANTS
from streamproof import run as run_module
from streamproof.adapters.contract import Adapter
from streamproof.adapters.wire import WireAdapter
from streamproof.case import Case, all_cases
from streamproof.cell import cells
from streamproof.outcome import Outcome
from streamproof.requirements import check_all
from streamproof.run import run_cell
from streamproof.verdict import Verdict

CASES = {case.id: case for case in all_cases()}


def outcome(adapter: Adapter, case: Case) -> Outcome:
    """What comes of a case at its first provider."""
    return asyncio.run(run_cell(adapter, cells([case])[0]))


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
    for case in map(CASES.__getitem__, BROKEN[name].cases):
        spoiled = outcome(BrokenAdapter(BROKEN[name]), case)
        assert not spoiled.verdict.ok, f"{case.id} passes {name}"
        assert spoiled.verdict is not Verdict.HARNESS, spoiled.message
        assert outcome(WireAdapter(), case).verdict is Verdict.PASS, case.id


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
