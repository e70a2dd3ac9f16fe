"""`streamproof report` as a user meets it: formats, files, notes, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result
from report_kit import EVIL, TEXT, USAGE, lines, outcome, run_file, write
from streamproof.cli import main
from streamproof.verdict import Verdict


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A run of two cells, one wrong."""
    return run_file(tmp_path / "good.ndjson", [outcome(f"{TEXT}@openai"), outcome(f"{USAGE}@openai", Verdict.WRONG)])


def invoke(*arguments: object) -> Result:
    """Run a command; a traceback is a failure of the test."""
    result = CliRunner().invoke(main, ["report", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_every_format_writes_what_it_is_called(good: Path, tmp_path: Path) -> None:
    """To standard output, and the same to a file."""
    first = {
        "table": "Right cells, and offered facts",
        "junit": "<?xml",
        "markdown": "## streamproof",
        "badge": "{",
        "html": "<!doctype html>",
    }
    for form, beginning in first.items():
        shown = invoke(good, "--format", form)
        assert shown.exit_code == 0, shown.output
        assert shown.stdout.startswith(beginning)
        file = tmp_path / form
        assert invoke(good, "--format", form, "-o", file).stdout == ""
        assert file.read_text("utf-8") == shown.stdout


def test_what_adapters_get_wrong_is_not_the_report_s_failure(good: Path) -> None:
    """`run` fails a build for that; a report that is written is a success."""
    assert invoke(good).exit_code == 0


def test_write_may_be_spelled_out(good: Path) -> None:
    """The short form is the same command."""
    assert invoke("write", good, "--format", "badge").stdout == invoke(good, "--format", "badge").stdout


def test_a_cut_run_exits_with_1_and_is_reported(tmp_path: Path) -> None:
    """The report is written all the same."""
    cut = write(tmp_path / "cut.ndjson", lines([outcome(f"{TEXT}@openai"), outcome(f"{USAGE}@openai")])[:2])
    shown = invoke(cut, "--format", "junit")
    assert shown.exit_code == 1
    assert "cut short after 1 of 2 cells" in shown.stderr
    assert ET.fromstring(shown.stdout_bytes).get("errors") == "1"


def test_runs_that_disagree_exit_with_1(good: Path, tmp_path: Path) -> None:
    """The worse verdict counts, and both are named."""
    other = run_file(tmp_path / "other.ndjson", [outcome(f"{TEXT}@openai", Verdict.HANG)])
    shown = invoke(good, other, "--format", "badge")
    assert shown.exit_code == 1
    assert "pass in one run and hang in another" in shown.stderr
    assert json.loads(shown.stdout)["message"] == "no score: its runs contradict each other"


def test_merge_writes_one_file_that_reports_like_both(good: Path, tmp_path: Path) -> None:
    """Several machines, one file."""
    other = run_file(tmp_path / "bolt.ndjson", [outcome(f"{TEXT}@openai", adapter="bolt")], adapter="bolt")
    joined = tmp_path / "joined.ndjson"
    assert invoke("merge", good, other, "-o", joined).exit_code == 0
    assert joined.read_text() == good.read_text() + other.read_text()
    assert invoke(joined).stdout == invoke(good, other).stdout
    assert invoke(joined, "--adapter", "bolt", "--format", "badge").stdout.count("1/1 right") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--format", "badge", "GOOD", "OTHER"], "--adapter NAME"),
        (["GOOD", "--adapter", "nobody"], "there are: acme"),
        (["GONE"], "gone.ndjson"),
        (["EMPTY"], "streamproof run --json FILE"),
        (["GOOD", "-o", "/nowhere/at/all"], "/nowhere/at/all"),
        (["GOOD", "--format", "junit", "-o", "/nowhere/at/all"], "/nowhere/at/all"),
        (["merge", "GOOD", "-o", "/nowhere/at/all"], "/nowhere/at/all"),
    ],
)
def test_faults_are_one_line_and_exit_code_2(good: Path, tmp_path: Path, arguments: list[str], said: str) -> None:
    """With what to do about them."""
    other = run_file(tmp_path / "bolt.ndjson", [outcome(f"{TEXT}@openai", adapter="bolt")], adapter="bolt")
    empty = write(tmp_path / "empty.ndjson", [])
    names = {"GOOD": good, "OTHER": other, "GONE": tmp_path / "gone.ndjson", "EMPTY": empty}
    shown = invoke(*(names.get(argument, argument) for argument in arguments))
    assert shown.exit_code == 2
    assert said in shown.stderr
    assert len(shown.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [[], ["--help"], ["write", "--help"], ["merge", "--help"]])
def test_help_teaches(arguments: list[str]) -> None:
    """Without arguments too."""
    text = CliRunner().invoke(main, ["report", *arguments]).output
    assert "Usage: main report" in text
    assert "NDJSON" in text or "--format" in text or "merge" in text


def test_hostile_text_gets_through_every_format(tmp_path: Path) -> None:
    """No traceback, and no control character on a terminal's way."""
    cell = outcome(f"{TEXT}@openai", Verdict.CRASH, adapter=EVIL, message=EVIL)
    file = run_file(tmp_path / "evil.ndjson", [cell], adapter=EVIL, versions={EVIL: EVIL})
    for form in ("table", "junit", "markdown", "badge", "html"):
        shown = invoke(file, "--format", form)
        assert shown.exit_code == 0
        assert "\x1b" not in shown.stdout
        assert "\x00" not in shown.stdout
