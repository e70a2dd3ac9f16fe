"""The suite can fail: every adapter that is wrong on purpose is caught, and every case catches something."""

from __future__ import annotations

import asyncio

import pytest
from broken import BROKEN, BrokenAdapter
from streamproof import run as run_module
from streamproof.adapters.contract import Adapter
from streamproof.adapters.wire import WireAdapter
from streamproof.case import Case, all_cases
from streamproof.outcome import Outcome
from streamproof.run import cells, run_cell
from streamproof.verdict import Verdict

CASES = {case.id: case for case in all_cases()}


def outcome(adapter: Adapter, case: Case) -> Outcome:
    """What comes of a case at its first provider."""
    return asyncio.run(run_cell(adapter, cells([case])[0]))


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_adapter_is_failed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case that lets pass what it was made to catch; the same cell passes without the fault."""
    monkeypatch.setattr(run_module, "TIMEOUT", 0.05 if name == "hangs" else 5)
    for case in map(CASES.__getitem__, BROKEN[name].cases):
        spoiled = outcome(BrokenAdapter(BROKEN[name]), case)
        assert not spoiled.verdict.ok, f"{case.id} passes {name}"
        assert spoiled.verdict is not Verdict.HARNESS, spoiled.message
        assert outcome(WireAdapter(), case).verdict is Verdict.PASS, case.id


def test_there_are_enough() -> None:
    """Faults that somebody took away, or a fault that lost its cases."""
    assert len(BROKEN) >= 100
    assert [fault.name for fault in BROKEN.values() if not fault.cases or not set(fault.cases) <= set(CASES)] == []
