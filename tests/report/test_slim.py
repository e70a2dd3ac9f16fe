"""Slim files: what `report merge --slim` leaves away, and that no report or comparison misses it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from report_kit import MESSAGE, TEXT, USAGE, details_of, finding, outcome, run_file
from streamproof import jsontext
from streamproof.cli import main
from streamproof.outcome import KnownFailure, Outcome
from streamproof.schemas import problems
from streamproof.verdict import Verdict

SOFT = ((finding(Verdict.LOSSY, level="should", requirement="raw-kept"), "end of body"),)
READ = ((finding(Verdict.PASS, reading="stop-dialect"), "event 2, data"),)


def some() -> list[Outcome]:
    """A cell of every verdict, a warning, another reading, a known failure."""
    cells = [outcome(f"openai_chat/case-{n}@openai", verdict) for n, verdict in enumerate(Verdict)]
    cells += [outcome(f"{TEXT}@openai", findings=SOFT), outcome(f"{USAGE}@openai", findings=READ)]
    entry = KnownFailure("finish-length", "says stop", "https://example.org/1")
    return [*cells, outcome(f"{MESSAGE}@anthropic", Verdict.WRONG, known=(entry,))]


def invoke(*arguments: object) -> Result:
    """Run a command; a traceback is a failure of the test."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A run as it was written."""
    return run_file(tmp_path / "whole.ndjson", some(), command="/home/me/bin/python driver.py")


@pytest.fixture
def slim(whole: Path) -> Path:
    """The same run, slim."""
    path = whole.with_name("slim.ndjson")
    done = invoke("report", "merge", whole, "--slim", "--again", "nox -s adapter-acme --", "-o", path)
    assert done.exit_code == 0, done.output
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    """The documents of a file."""
    return [jsontext.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_slim_lines_are_of_the_schema_and_short(whole: Path, slim: Path) -> None:
    """What holds is a number; what failed is all there."""
    documents = lines(slim)
    for document in documents:
        assert problems("outcome", document) == []
    assert documents[0]["slim"] is True
    cells = {document["cell"]: document for document in documents[1:-1]}
    assert cells["openai_chat/case-7@openai"] == {
        "kind": "cell", "cell": "openai_chat/case-7@openai", "level": "must", "verdict": "pass", "held": 1,
        "held_musts": 1,
    }  # fmt: skip
    failed = cells["openai_chat/case-2@openai"]
    assert failed["completion"]["finish_reason"] == "stop"
    assert failed["requirements"][0]["got"] == '"stop"'
    assert cells["openai_chat/case-6@openai"]["requirements"] == [
        {"id": "finish-length", "level": "must", "verdict": "not_offered"}
    ]
    assert not any({"times", "deltas", "adapter"} & set(document) for document in cells.values())
    assert len(slim.read_bytes()) < len(whole.read_bytes())


def test_two_runs_with_the_same_result_have_the_same_lines(whole: Path, slim: Path, tmp_path: Path) -> None:
    """A file under version control that changes with every run."""
    slower = [outcome(one.cell, one.verdict, seconds=9.0) for one in some()[:8]]
    other = run_file(tmp_path / "other.ndjson", slower)
    invoke("report", "merge", other, "--slim", "-o", tmp_path / "other-slim.ndjson")
    assert lines(tmp_path / "other-slim.ndjson")[1:9] == lines(slim)[1:9]


def test_a_slim_file_reports_the_same(whole: Path, slim: Path) -> None:
    """Counts, failures, known failures, comparison; but for the command and the times."""
    for form in ("markdown", "table"):
        full = invoke("report", whole, "--format", form).stdout
        short = invoke("report", slim, "--format", form).stdout
        drop = [line for line in full.splitlines() if "again" not in line]
        assert drop == [line for line in short.splitlines() if "again" not in line]
    assert invoke("diff", whole, slim).exit_code == 0
    assert "11 cells as before" in invoke("diff", whole, slim).stdout


def test_the_command_of_one_machine_is_not_published(slim: Path) -> None:
    """A path of somebody's home in a table that others read."""
    assert "/home/me" not in slim.read_text("utf-8")
    told = invoke("report", slim).stdout
    assert "again    nox -s adapter-acme -- openai_chat/case-2 --provider openai\n" in told


def test_the_page_says_what_is_not_kept(slim: Path) -> None:
    """A cell that passed is not said to have given nothing."""
    page = invoke("report", slim, "--format", "html").stdout
    entries = [entry for detail in details_of(page) for entry in detail["cells"].values()]
    not_offered = next(entry for entry in entries if any(found[2] == "not_offered" for found in entry[1]))
    assert (not_offered[2], not_offered[5]) == (-3, 1)
    assert any(entry[6] == [["finish-length", "says stop", "https://example.org/1"]] for entry in entries)


def test_a_slim_file_is_not_gone_on_with(slim: Path) -> None:
    """It lacks what the rest of a run would be held against."""
    slim.write_text("".join(slim.read_text("utf-8").splitlines(keepends=True)[:3]))
    done = invoke("run", "--resume", slim)
    assert done.exit_code == 2
    assert "a slim file" in done.stderr
