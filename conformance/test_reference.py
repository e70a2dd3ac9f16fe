"""`reference` and `sdk`, async and sync, on every case and provider: they must equal what the bytes say.

Where an SDK loses something, `expectations/<adapter>.toml` lists the cell; a listed cell that passes fails here.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from conftest import ROOT, stored
from streamproof.case import all_cases
from streamproof.cell import Cell, cells
from streamproof.expectations.file import failures, load_expectations, unexplained
from streamproof.running.ours import ADAPTERS
from streamproof.running.run_cell import run_cell
from streamproof.snapshot import differences

CELLS = [
    cell
    for sync in (False, True)
    for cell in cells(all_cases(), sync=sync)
    if cell.row.sdk != "none"  # Converse: no SDK of ours speaks it
]
KNOWN = {name: load_expectations(ROOT / "expectations" / f"{name}.toml") for name in ("reference", "sdk")}


@pytest.mark.parametrize("adapter", ["reference", "sdk"])
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.id)
def test_cell(cell: Cell, adapter: str, subtests: pytest.Subtests) -> None:
    """An adapter that says something else than the snapshot, or that contradicts a requirement."""
    outcome = asyncio.run(run_cell(ADAPTERS[adapter](cell.sync), cell))
    complaints = unexplained(cell.id, [*failures(outcome), *differences(stored(cell.case), outcome)], KNOWN[adapter])
    for complaint in complaints:
        with subtests.test(msg=complaint.partition(" ")[0]):
            pytest.fail(f"{cell.id}: {complaint}", pytrace=False)
    assert outcome.findings or complaints or KNOWN[adapter], f"{cell.id} was not graded"


def test_expectation_files_are_ours() -> None:
    """An expectations file that no adapter of the suite reads, and so protects nobody."""
    files = {path.stem for path in Path(ROOT / "expectations").glob("*.toml")}
    assert files <= {"reference", "sdk"}
