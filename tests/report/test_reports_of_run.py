"""`streamproof run --junit --markdown --badge --html`: the reports of a run without a file in between."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from case_files import write_case
from click.testing import CliRunner, Result
from streamproof.cli import main
from streamproof.data import ENVIRONMENT


@pytest.fixture(autouse=True)
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite of two cases, which the command takes for its own."""
    write_case(tmp_path / "suite")
    write_case(tmp_path / "suite", "openai_chat/text-again", providers=["openai"])
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "suite"))


def invoke(*arguments: object) -> Result:
    """Run a command; a traceback is a failure of the test."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_one_run_writes_every_report(tmp_path: Path) -> None:
    """The same as `report` makes of the NDJSON."""
    files = {form: tmp_path / form for form in ("junit", "markdown", "badge", "html")}
    options = [part for form, file in files.items() for part in (f"--{form}", file)]
    outcomes = tmp_path / "outcomes.ndjson"
    done = invoke("run", "--adapter", "wire", "--json", outcomes, *options)
    assert done.exit_code == 0, done.output
    for form, file in files.items():
        assert file.read_text("utf-8") == invoke("report", outcomes, "--format", form).stdout
    assert ET.parse(files["junit"]).getroot().get("tests") == "3"


def test_a_report_needs_no_ndjson(tmp_path: Path) -> None:
    """`--badge` alone will do."""
    badge = tmp_path / "badge.json"
    assert invoke("run", "--adapter", "wire", "--badge", badge).exit_code == 0
    assert json.loads(badge.read_text())["message"] == "3/3 right, 100.0 % offered"


def test_a_run_that_was_gone_on_with_reports_all_of_it(tmp_path: Path) -> None:
    """Also the cells that the first part did."""
    outcomes, badge = tmp_path / "outcomes.ndjson", tmp_path / "badge.json"
    assert invoke("run", "--adapter", "wire", "--json", outcomes).exit_code == 0
    whole = outcomes.read_text().splitlines(keepends=True)
    outcomes.write_text("".join(whole[:2]) + whole[2][:40])
    assert invoke("run", "--resume", outcomes, "--badge", badge).exit_code == 0
    assert json.loads(badge.read_text())["message"] == "3/3 right, 100.0 % offered"


def test_a_folder_that_is_not_there_is_told_before_the_run(tmp_path: Path) -> None:
    """Not after an hour."""
    outcomes = tmp_path / "outcomes.ndjson"
    done = invoke("run", "--adapter", "wire", "--json", outcomes, "--html", tmp_path / "gone" / "page.html")
    assert done.exit_code == 2
    assert "there is no folder" in done.stderr
    assert not outcomes.exists()
