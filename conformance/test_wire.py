"""The bytes of every case through our decoders: snapshots are written here, requirements hold without exemption."""

from __future__ import annotations

import asyncio

import pytest
from streamproof.adapters.wire import WireAdapter
from streamproof.case import Case, all_cases
from streamproof.cell import Cell, cells
from streamproof.running.run_cell import run_cell
from streamproof.snapshot import document
from syrupy.assertion import SnapshotAssertion

CASES = list(all_cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_snapshot(case: Case, case_snapshot: SnapshotAssertion) -> None:
    """A decoder that reads these bytes differently from what was accepted after reading the source."""
    outcome = asyncio.run(run_cell(WireAdapter(), cells([case])[0]))
    assert document(outcome) == case_snapshot


@pytest.mark.parametrize("cell", cells(CASES), ids=lambda cell: cell.id)
def test_requirements(cell: Cell, subtests: pytest.Subtests) -> None:
    """A decoder that contradicts a fact which the case states from a source; a row's quirk that changes the result."""
    outcome = asyncio.run(run_cell(WireAdapter(), cell))
    for line in outcome.failures():
        with subtests.test(msg=line.partition(" ")[0]):
            pytest.fail(f"{cell.id}: {line}", pytrace=False)
    assert outcome.findings, f"{cell.case.id} states no requirement"
