"""The published matrix: README's table and docs/matrix.html, and that they are what the results give."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from case_files import write_case
from report_kit import MESSAGE, TEXT, USAGE, finding, outcome, run_file
from streamproof.data import ENVIRONMENT
from streamproof.errors import UsageError
from streamproof.report import publish
from streamproof.report.publish import BEGIN, END, differences, matrix, with_table, worst
from streamproof.verdict import Verdict

ROOT = Path(__file__).parent.parent.parent
README = f"# Title\n\n{BEGIN}\n{END}\n\nThe rest.\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with results of two libraries and of ours; the suite has one case."""
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "suite"))
    write_case(tmp_path / "suite", TEXT)
    results = tmp_path / "results"
    results.mkdir()
    (tmp_path / "README.md").write_text(README)
    ends = [finding(Verdict.WRONG, requirement="law:cut-is-not-complete", path="status")]
    acme = [
        outcome(f"{TEXT}@openai", Verdict.NOT_OFFERED),
        outcome(f"{TEXT}@azure", findings=((ends[0], ""),)),
        outcome(f"{USAGE}@openai", findings=((finding(Verdict.LOSSY, path="usage.input_tokens"), ""),)),
        outcome(f"{MESSAGE}@anthropic", Verdict.CRASH),
    ]
    run_file(results / "acme.ndjson", acme, date="2026-11-20T10:00:00Z", suite="0.1.0")
    bolt = [outcome(f"{TEXT}@openai", adapter="bo|lt")]
    run_file(results / "bolt.ndjson", bolt, adapter="bo|lt", date="2026-11-22T10:00:00Z", suite="0.1.0")
    ours = [outcome(f"{TEXT}@openai", adapter="reference"), outcome(f"{TEXT}@azure", adapter="reference")]
    run_file(results / "reference.ndjson", ours, adapter="reference", suite="0.1.0")
    return tmp_path


def run(place: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    """`python -m streamproof.report.publish` in a folder."""
    monkeypatch.chdir(place)
    (place / "docs").mkdir(exist_ok=True)
    monkeypatch.setattr(sys, "argv", ["publish", *options])
    return publish.main()


def test_the_table(place: Path) -> None:
    """Sorted by what is right, with counts; ours marked; what is worst in words; names stay text."""
    rows = matrix(place / "results").table.splitlines()[2:5]
    assert rows[0] == "| reference (ours) | 0.1.0 | Chat | 100.0 % (2/2) | 100.0 % (2/2) | nothing |"
    assert rows[1].startswith(r"| bo\|lt | 1.2.3 | Chat | 100.0 % (1/1) |")
    assert rows[2] == (
        "| acme | 1.2.3 | Chat, Messages | 25.0 % (1/4) | 50.0 % (1/2) | "
        "crashes (1), cut streams pass for complete (1), usage (1) |"
    )
    assert "2026-11-20 to 2026-11-22" in matrix(place / "results").table


def test_results_of_an_older_suite_have_no_score_beside_newer_ones(place: Path) -> None:
    """Two denominators in one table; nor has half a run."""
    run_file(place / "results" / "old.ndjson", [outcome(f"{TEXT}@openai", adapter="old")], adapter="old", suite="0.0.9")
    part = [outcome(f"{TEXT}@openai", adapter="part")]
    run_file(place / "results" / "part.ndjson", part, adapter="part", patterns=["text"], suite="0.1.0")
    rows = matrix(place / "results").table.splitlines()[2:7]
    assert rows[3].endswith("|  |  | no score: it ran on suite 0.0.9 |")
    assert rows[4].endswith("|  |  | no score: only some cases (text) |")


def test_write_then_check(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What was written passes the check, until a result or the table changes."""
    assert run(place, monkeypatch, "--check") == 1
    assert "matrix.html was made from other results; nox -s matrix" in capsys.readouterr().err
    assert run(place, monkeypatch) == 0
    assert "bo|lt 1.2.3 did not run" in capsys.readouterr().err
    text = (place / "README.md").read_text()
    assert text.startswith("# Title\n\n")
    assert text.endswith(f"{END}\n\nThe rest.\n")
    assert run(place, monkeypatch, "--check") == 0
    assert run(place, monkeypatch) == 0
    assert (place / "README.md").read_text() == text, "written twice it is the same"
    (place / "README.md").write_text(text.replace("25.0 %", "99.0 %"))
    assert run(place, monkeypatch, "--check") == 1
    run(place, monkeypatch)
    run_file(place / "results" / "acme.ndjson", [outcome(f"{TEXT}@openai")], suite="0.1.0")
    assert run(place, monkeypatch, "--check") == 1


def test_bad_input(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A README without a place, no results: exit code 2, and nothing is written."""
    (place / "README.md").write_text("no marks")
    assert run(place, monkeypatch) == 2
    assert BEGIN in capsys.readouterr().err
    (place / "README.md").write_text(README)
    for path in (place / "results").glob("*"):
        path.unlink()
    assert run(place, monkeypatch) == 2
    assert "no results in results" in capsys.readouterr().err
    assert (place / "README.md").read_text() == README
    with pytest.raises(UsageError):
        with_table("x", "y")


def test_what_deceives_stands_first(place: Path) -> None:
    """However often anything else happens; at most three things."""
    (column,) = (one for one in matrix(place / "results").found if one.adapter == "acme")
    assert [what for what, _ in worst(column)] == ["crashes", "cut streams pass for complete", "usage"]


def test_the_published_matrix_is_what_the_results_give() -> None:
    """New results, and a table of old ones. `nox -s matrix` writes both."""
    assert differences(matrix(ROOT / "results"), ROOT / "README.md", ROOT / "docs" / "matrix.html") == []
