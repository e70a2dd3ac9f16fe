"""A run that is cut short leaves a file that can be read, and goes on from it."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from case_files import requirement, write_case
from click.testing import CliRunner, Result
from streamproof import schemas
from streamproof.cli import main
from streamproof.data import ENVIRONMENT
from streamproof.report.runs import read_runs

SLOW = """
import json, sys, time
sys.path.insert(0, {children!r})
from wrong import HELLO, result, say
say(**HELLO)
for line in sys.stdin:
    call = json.loads(line)
    time.sleep({seconds})
    say(**result(call))
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite of eight cells, one of which fails, which the commands take for theirs."""
    root = tmp_path / "suite"
    for number in range(7):
        write_case(root, f"openai_chat/case-{number}", providers=["openai"])
    write_case(
        root,
        "openai_chat/case-1-fails",
        providers=["openai"],
        requirements=[requirement("x", "finish_reason", "length")],
    )
    monkeypatch.setenv(ENVIRONMENT, str(root))
    return root


def adapter(tmp_path: Path, seconds: float) -> str:
    """A command that takes its time over each cell."""
    script = tmp_path / "slow.py"
    children = Path(__file__).parents[1] / "adapters" / "children"
    script.write_text(SLOW.format(children=str(children), seconds=seconds))
    return shlex.join([sys.executable, str(script)])


def invoke(*arguments: str) -> Result:
    """Run a command; a traceback is a failure of the test."""
    result = CliRunner().invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a file that are whole."""
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


def plain(path: Path) -> list[dict[str, Any]]:
    """The cells without their times, and the footer."""
    kept = [{name: value for name, value in line.items() if name != "times"} for line in lines(path)[1:]]
    return sorted(kept, key=lambda line: str(line.get("cell")))


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_run_that_is_killed(suite: Path, tmp_path: Path) -> None:
    """Its file has a line for each cell that was done, nothing of the adapter is left, and the rest is run later: the
    file is then as if nothing had happened."""
    command, file, whole = adapter(tmp_path, 0.3), tmp_path / "killed.ndjson", tmp_path / "whole.ndjson"
    arguments = [sys.executable, "-m", "streamproof.cli", "run", "--command", command, "--json", str(file)]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as running:
        until = time.monotonic() + 60
        while not (file.exists() and file.read_bytes().count(b"\n") >= 4):
            assert time.monotonic() < until
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
    done = lines(file)
    assert [problem for line in done for problem in schemas.problems("outcome", line)] == []
    assert 4 <= len(done) < 9
    assert "cut short after" in read_runs([file])[0].cut
    wait_until_gone(str(tmp_path / "slow.py"))

    resumed = invoke("run", "--resume", str(file))
    assert resumed.exit_code == 1
    assert "8 cells in" in resumed.stdout
    assert "FAILED openai_chat/case-1-fails@openai" in resumed.stdout
    assert f"--command {shlex.quote(command)}" in resumed.stdout
    adapter(tmp_path, 0)
    assert invoke("run", "--command", command, "--json", str(whole)).exit_code == 1
    assert plain(file) == plain(whole)
    assert read_runs([file])[0].cut == ""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT")
def test_a_run_that_is_interrupted(suite: Path, tmp_path: Path) -> None:
    """Ctrl-C ends it in the middle of a cell, with the adapter, and says how to go on."""
    command, file = adapter(tmp_path, 60), tmp_path / "interrupted.ndjson"
    arguments = [sys.executable, "-m", "streamproof.cli", "run", "--command", command, "--json", str(file)]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as running:
        until = time.monotonic() + 60
        while not (file.exists() and file.read_bytes()):
            assert time.monotonic() < until
            time.sleep(0.02)
        time.sleep(0.3)  # until it is in the cell
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
    assert running.returncode == 1
    assert f"cut short; streamproof run --resume {file} goes on" in errors
    assert "Traceback" not in errors
    wait_until_gone(str(tmp_path / "slow.py"))


def wait_until_gone(word: str) -> None:
    """No process has the word in its command line any more."""
    until = time.monotonic() + 10
    while any(word in " ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"])):
        assert time.monotonic() < until, "the adapter outlived the run"
        time.sleep(0.05)


@pytest.fixture
def cut(suite: Path, tmp_path: Path) -> Path:
    """The file of a run of `wire` that was cut short within its fourth line."""
    file = tmp_path / "cut.ndjson"
    invoke("run", "--adapter", "wire", "--plan", "split:byte", "--timeout", "9", "case", "--json", str(file))
    first, second, third, fourth, *_ = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + second + third + fourth[:50])
    return file


def test_half_a_line_is_taken_away(cut: Path) -> None:
    """What was asked for is in the header: adapter, cases, plans, limits. A further run writes no second header."""
    assert invoke("run", "--resume", str(cut)).exit_code == 1
    found = lines(cut)
    assert [line["kind"] for line in found] == ["header", *["cell"] * 8, "footer"]
    assert len({line["cell"] for line in found[1:-1]}) == 8
    assert all(line["cell"].endswith("+split:byte") for line in found[1:-1])
    assert found[-1]["counts"] == {"pass": 7, "wrong": 1}
    assert found[0]["limits"]["seconds"] == 9


def test_options_that_agree_may_stand_there(cut: Path) -> None:
    """Whoever repeats the whole command line gets the same."""
    same = ["run", "case", "--adapter", "wire", "--plan", "split:byte", "--resume", str(cut)]
    assert invoke(*same).exit_code == 1
    assert lines(cut)[-1]["kind"] == "footer"


DIFFERENCES = {
    "adapter": (["--adapter", "reference"], ["target: 'wire', not 'reference'", "adapter: 'wire', not 'reference'"]),
    "plan": (["--plan", "split:7"], ["plans: ['split:byte'], not ['split:7']"]),
    "cases": (["case-1"], ["patterns: ['case'], not ['case-1']", "cells: 8, not 2"]),
    "sync": (["--sync"], ["sync: False, not True"]),
    "provider": (["--provider", "openai"], ["provider: None, not 'openai'"]),
}


@pytest.mark.parametrize("what", DIFFERENCES)
def test_another_run_is_not_mixed_in(cut: Path, what: str) -> None:
    """Every difference is named, nothing is run and the file stays as it is."""
    before = cut.read_bytes()
    options, told = DIFFERENCES[what]
    result = invoke("run", "--resume", str(cut), *options)
    assert result.exit_code == 2
    assert str(cut) in result.stderr
    assert [part for part in told if part not in result.stderr] == []
    assert cut.read_bytes() == before


def test_another_release_is_not_mixed_in(cut: Path) -> None:
    """Neither of the suite nor of a library that the results depend on."""
    text = cut.read_text("utf-8")
    header = json.loads(text.partition("\n")[0])
    for change, told in (
        ({"suite": "0.0.1"}, "suite: '0.0.1', not"),
        ({"versions": {**header["versions"], "openai": "2.0.0"}}, "version of openai: 2.0.0, not"),
        ({"cells": 5}, "cells: 5, not 8"),
    ):
        cut.write_text(json.dumps({**header, **change}) + "\n" + text.partition("\n")[2], "utf-8")
        result = invoke("run", "--resume", str(cut))
        assert (result.exit_code, result.stdout) == (2, "")
        assert told in result.stderr


def test_limits_may_differ(cut: Path) -> None:
    """A run that stopped for want of time goes on with more."""
    assert invoke("run", "--resume", str(cut), "--timeout", "20").exit_code == 1
    assert lines(cut)[-1]["kind"] == "footer"


def test_what_cannot_be_resumed(cut: Path, tmp_path: Path) -> None:
    """A complete run, a file that is none, two runs, a header of an old release, a damaged line."""
    invoke("run", "--resume", str(cut))
    whole = cut.read_text("utf-8")
    header, cell, *_ = whole.splitlines(keepends=True)
    old = {name: value for name, value in json.loads(header).items() if name != "target"}
    for text, told in (
        (whole, "the run is complete"),
        (whole + header, "2 runs in it"),
        (cell, "no header in it"),
        ("", "no outcomes in it"),
        (json.dumps(old) + "\n", "does not say which adapter ran"),
        (header + "{broken\n" + cell, "the file is damaged: line 2"),
    ):
        cut.write_text(text, "utf-8")
        result = invoke("run", "--resume", str(cut))
        assert result.exit_code == 2
        assert told in result.stderr
    assert invoke("run", "--resume", str(tmp_path / "nowhere.ndjson")).exit_code == 2
    assert invoke("run", "--resume", str(cut), "--json", "x").exit_code == 2
