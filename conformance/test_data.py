"""The suite's own data: what a reader of the cases, and every list that names them, may rely on."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date

import pytest
from conftest import ROOT, SNAPSHOTS
from streamproof.authoring.lint import files_of, lint
from streamproof.case import Case, aliases, all_cases
from streamproof.cell import cells
from streamproof.data import data_root
from streamproof.expectations.file import load_expectations, stale
from streamproof.providers import PROTOCOLS, ROWS

CASES = list(all_cases())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case_is_whole(case: Case) -> None:
    """A cassette or metadata that does not load, or a case whose providers do not speak its protocol."""
    assert case.cassette.interactions
    assert case.rows()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_further_interaction_has_its_turn(case: Case) -> None:
    """A second request that nobody checks, as nothing says what was asked."""
    assert len(case.metadata.get("turns", ())) == len(case.cassette.interactions) - 1


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_requirements_name_their_source(case: Case) -> None:
    """A fact without a source that a reader can look up; our own decoder is none."""
    for requirement in case.requirements:
        assert len(requirement.source["ref"]) > 8, f"{case.id}: {requirement.id}"
        assert "streamproof" not in requirement.source["ref"], f"{case.id}: {requirement.id}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_title_and_dates(case: Case) -> None:
    """Titles that a listing cannot show in a line, and dates that are none."""
    assert 10 <= len(case.title) <= 100, case.title
    assert not case.title.endswith("."), case.title
    assert re.fullmatch(r"\d+\.\d+\.\d+", case.metadata["since"])
    date.fromisoformat(str(case.metadata["provenance"]["date"]))


def test_aliases_lead_to_cases() -> None:
    """A renamed id that leads nowhere, or that a new case has taken."""
    ids = {case.id for case in CASES}
    assert set(aliases().values()) <= ids
    assert not ids & set(aliases())


def test_every_snapshot_has_its_case() -> None:
    """A snapshot left behind by a case that went away, or a case that nobody has accepted a snapshot for."""
    snapshots = {str(path.relative_to(SNAPSHOTS).with_suffix("")) for path in SNAPSHOTS.rglob("*.json")}
    assert snapshots == {case.id for case in CASES}


def test_every_row_has_a_case() -> None:
    """A provider that the table promises and no case ever runs for."""
    run_for = {(row.name, case.protocol) for case in CASES for row in case.rows()}
    assert {(row.name, row.protocol) for row in ROWS} == run_for


def test_every_protocol_has_the_seed_shapes() -> None:
    """A protocol that lost the case the project began with: output spent on reasoning, nothing else."""
    tagged = Counter(case.protocol for case in CASES if "seed" in case.metadata.get("tags", ()))
    assert set(tagged) == set(PROTOCOLS)


@pytest.mark.parametrize("adapter", ["reference", "sdk"])
def test_expectations_are_not_stale(adapter: str) -> None:
    """An exemption whose cell is gone, or a glob that covers more than it was meant to."""
    ids = [cell.id for sync in (False, True) for cell in cells(CASES, sync=sync)]
    assert not stale(load_expectations(ROOT / "expectations" / f"{adapter}.toml"), ids)


def test_lint_finds_nothing(subtests: pytest.Subtests) -> None:
    """A case that `streamproof lint` objects to: a secret, an undeclared deviation, a contradiction in the stream."""
    for finding in lint(files_of([data_root() / "cassettes"]), suite=data_root()):
        with subtests.test(msg=f"{finding.case}: {finding.rule}"):
            pytest.fail(str(finding), pytrace=False)
