"""`reference` and `sdk`, async and sync, on every case and provider: they must equal what the bytes say.

Where an SDK loses something, `expectations/<adapter>.toml` lists the cell; a listed cell that passes fails here.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from conftest import ROOT, document, stored
from streamproof import jsontext
from streamproof.case import all_cases
from streamproof.expectations import SNAPSHOT, Failure, failures, load_expectations, unexplained
from streamproof.outcome import Outcome
from streamproof.run import ADAPTERS, Cell, cells, run_cell
from streamproof.verdict import Verdict

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
    complaints = unexplained(cell.id, [*failures(outcome), *_differences(cell, outcome)], KNOWN[adapter])
    for complaint in complaints:
        with subtests.test(msg=complaint.partition(" ")[0]):
            pytest.fail(f"{cell.id}: {complaint}", pytrace=False)
    assert outcome.findings or complaints or KNOWN[adapter], f"{cell.id} was not graded"


def _differences(cell: Cell, outcome: Outcome) -> list[Failure]:
    """Where the outcome is not the snapshot. `sdk` sees no comments and no sentinels, so it has its own diagnostics."""
    if outcome.completion is None:
        return []
    expected, got = stored(cell.case), document(outcome)
    keys = ("completion", "details", "diagnostics")[: 3 if outcome.adapter == "reference" else 2]
    lines = [
        f"{SNAPSHOT}: {key}.{name}\n  expected {jsontext.dumps(_get(expected, key, name))}\n"
        f"  got      {jsontext.dumps(_get(got, key, name))}"
        for key in keys
        for name in _names(expected[key], got[key])
        if _get(expected, key, name) != _get(got, key, name)
    ]
    return [Failure(SNAPSHOT, Verdict.WRONG, "\n".join(lines))] if lines else []


def _names(expected: object, got: object) -> list[str]:
    if isinstance(expected, dict) and isinstance(got, dict):
        return sorted({*expected, *got})
    return [""]


def _get(tree: dict[str, object], key: str, name: str) -> object:
    branch = tree[key]
    return branch.get(name) if isinstance(branch, dict) else branch


def test_expectation_files_are_ours() -> None:
    """An expectations file that no adapter of the suite reads, and so protects nobody."""
    files = {path.stem for path in Path(ROOT / "expectations").glob("*.toml")}
    assert files <= {"reference", "sdk"}
