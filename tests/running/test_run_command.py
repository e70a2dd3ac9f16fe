"""`streamproof run` with adapters of others: options, header, first line, exit codes."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from case_files import write_case
from click.testing import CliRunner, Result
from streamproof import schemas
from streamproof.cli import main
from streamproof.data import ENVIRONMENT
from streamproof.outcome import SUITE, Outcome
from streamproof.running.report import Report

REFERENCE = "streamproof.adapters.reference:ReferenceAdapter"
WRONG = Path(__file__).parents[1] / "adapters" / "children" / "wrong.py"


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite of two cells, which the commands take for theirs."""
    root = tmp_path / "suite"
    write_case(root, "openai_chat/aaa", providers=["openai"])
    write_case(root, "openai_chat/bad", providers=["openai"])
    monkeypatch.setenv(ENVIRONMENT, str(root))
    return root


def wrong(way: str) -> str:
    """The command of a child that goes wrong in some way."""
    return shlex.join([sys.executable, str(WRONG), way])


def invoke(*arguments: str) -> Result:
    """Run a command; a traceback is a failure of the test."""
    result = CliRunner().invoke(main, ["run", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def header_of(path: Path) -> dict[str, Any]:
    """The first line of a file of outcomes."""
    header: dict[str, Any] = json.loads(path.read_text("utf-8").partition("\n")[0])
    assert schemas.problems("outcome", header) == []
    return header


def test_a_python_adapter_by_its_name(suite: Path, tmp_path: Path) -> None:
    """The table begins with who ran and how the network was kept out; the header has all that a second run needs."""
    file = tmp_path / "out.ndjson"
    result = invoke("--adapter", REFERENCE, "--json", str(file), "--memory", "900", "--timeout", "20", "aaa")
    assert result.exit_code == 0, result.output
    first, second, *_ = result.stdout.splitlines()
    header = header_of(file)
    assert (
        first
        == f"reference (python {header['versions']['python']}, streamproof {SUITE}); network: {header['hermetic']}"
    )
    assert second == "openai_chat/aaa  pass openai"
    assert (header["adapter"], header["target"], header["patterns"], header["cells"]) == (
        "reference", REFERENCE, ["aaa"], 1,
    )  # fmt: skip
    assert header["limits"] == {
        "seconds": 20.0, "memory_mb": 900, "output_mb": 64, "processes": 64, "start_seconds": 60.0,
    }  # fmt: skip
    assert header["capabilities"]["protocols"][0] == "openai_chat"
    assert header["date"].endswith("Z")
    assert header["python"]
    assert header["platform"]


def test_a_command(suite: Path, tmp_path: Path) -> None:
    """What fails is shown with the command that runs it again; the header has the command instead of a target."""
    file, command = tmp_path / "out.ndjson", wrong("raises")
    result = invoke("--command", command, "--json", str(file))
    assert result.exit_code == 1
    assert "crash openai" in result.stdout
    assert "KeyError: 'choices'" in result.stdout
    again = f"again: streamproof run openai_chat/bad --command {shlex.quote(command)} --provider openai"
    assert again in result.stdout
    assert header_of(file)["command"] == command
    assert "target" not in header_of(file)


def test_our_own_adapters_have_a_header_too(suite: Path, tmp_path: Path) -> None:
    """With the one limit that holds in this process."""
    file = tmp_path / "out.ndjson"
    assert invoke("--adapter", "wire", "--json", str(file), "--provider", "openai").exit_code == 0
    header = header_of(file)
    assert (header["target"], header["provider"], header["hermetic"], header["limits"]) == (
        "wire", "openai", "in-process socket block", {"seconds": 30.0},
    )  # fmt: skip


def test_expectations_of_ones_own(suite: Path, tmp_path: Path) -> None:
    """A listed failure is known; a file that is not there is bad input."""
    known = tmp_path / "known.toml"
    known.write_text(
        '[[known]]\ncell = "openai_chat/bad@openai"\nverdict = "crash"\nreason = "we know"\n'
        'upstream = "none-found, searched 2026-11-22"\nsince = "2026-11-22"\n'
    )
    result = invoke("--command", wrong("exits 3"), "--expectations", str(known))
    assert (result.exit_code, "known openai" in result.stdout) == (0, True)
    assert invoke("--command", wrong("exits 3"), "--expectations", str(tmp_path / "none.toml")).exit_code == 2


BAD_INPUT = {
    "nobody": (["--adapter", "nobody"], "one of wire, reference, sdk, your own as package.module:Class, or --command"),
    "both": (["--adapter", "wire", "--command", "x"], "--adapter and --command name two adapters"),
    "memory": (["--adapter", "wire", "--memory", "5"], "hold for adapters in another process only"),
    "no command": (["--command", " "], "--command is empty"),
    "quote": (["--command", "x 'y"], "No closing quotation"),
    "no program": (["--command", "no-such-program-anywhere"], "no-such-program-anywhere"),
    "no module": (["--adapter", "no_such_module:X"], "no module 'no_such_module'"),
}


@pytest.mark.parametrize("what", BAD_INPUT)
def test_bad_input(suite: Path, tmp_path: Path, what: str) -> None:
    """Exit code 2 and a remedy; a file of an earlier run stays as it is."""
    file = tmp_path / "out.ndjson"
    file.write_text("precious")
    options, told = BAD_INPUT[what]
    result = invoke(*options, "--json", str(file))
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in " ".join(result.stderr.split())
    assert file.read_text() == "precious"


def test_ctrl_c(suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file has what was done, and the message says how to go on."""
    file = tmp_path / "out.ndjson"

    def interrupted(_: Report, outcome: Outcome) -> Outcome:
        if "/bad" in outcome.cell:
            raise KeyboardInterrupt
        return outcome

    monkeypatch.setattr(Report, "add", interrupted)
    result = invoke("--adapter", "wire", "--json", str(file))
    assert result.exit_code == 1
    assert f"cut short; streamproof run --resume {file} goes on" in result.stderr
    assert file.read_bytes().count(b"\n") == 2


def test_what_the_server_says_explains_a_failure(suite: Path, tmp_path: Path) -> None:
    """A driver that asks for a wrong path sees it: beside the crash that comes of it, and as a note otherwise."""
    script = tmp_path / "asks.py"
    script.write_text(
        f"import json, os, sys, urllib.request\nsys.path.insert(0, {str(WRONG.parent)!r})\n"
        "from wrong import HELLO, result, say\nsay(**HELLO)\n"
        "for line in sys.stdin:\n    call = json.loads(line)\n"
        "    try: urllib.request.urlopen(call['base_url'] + '/v2', b'{}')\n    except OSError: pass\n"
        "    if '/bad@' in call['base_url']: os._exit(3)\n"
        "    say(**result(call))\n"
    )
    result = invoke("--command", shlex.join([sys.executable, str(script)]))
    assert result.exit_code == 1
    told = "the server says: no_match: no answer to POST /v1/v2: openai_chat/{} is asked with POST"
    assert told.format("bad") in result.stdout
    assert f"openai_chat/aaa@openai: {told.format('aaa')}" in result.stderr


def test_a_request_too_many_is_told_once(suite: Path, tmp_path: Path) -> None:
    """A library that asks again by itself, which a green cell would hide; or that is told far from its cell, in words
    of the server."""
    script = tmp_path / "asks_again.py"
    script.write_text(
        f"import sys, urllib.request\nsys.path.insert(0, {str(WRONG.parent)!r})\nimport json\n"
        "from wrong import HELLO, result, say\nsay(**HELLO)\n"
        "for line in sys.stdin:\n    call = json.loads(line)\n"
        "    for _ in range(2 if '/aaa@' in call['base_url'] else 1):\n"
        "        try: urllib.request.urlopen(call['base_url'] + '/chat/completions', b'{}').read()\n"
        "        except OSError: pass\n"
        "    say(**result(call))\n"
    )
    file = tmp_path / "out.ndjson"
    found = invoke("--command", shlex.join([sys.executable, str(script)]), "--json", str(file), "--all")
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    told = {line["cell"]: _one_request(line) for line in lines if line["kind"] == "cell"}
    assert told.pop("openai_chat/aaa@openai") == [("wrong", "1 request", "2 requests")]
    assert set(map(tuple, told.values())) == {(("pass", "holds", "holds"),)}
    assert "law:one-request (must, wrong)" in found.stdout
    assert "the server says" not in found.stdout + found.stderr


def _one_request(line: dict[str, Any]) -> list[tuple[str, str, str]]:
    laws = [one for one in line["requirements"] if one["id"] == "law:one-request"]
    return [(one["verdict"], one["expected"], one["got"]) for one in laws]


@pytest.mark.parametrize("adapter", ["wire", "reference", REFERENCE])
def test_laws_that_make_calls_of_their_own(suite: Path, tmp_path: Path, adapter: str) -> None:
    """They are looked at when they are asked for; those about live connections need HTTP."""
    file = tmp_path / "out.ndjson"
    assert invoke("--adapter", adapter, "--laws", "--json", str(file), "aaa").exit_code == 0
    assert header_of(file)["laws"] is True
    cell = json.loads(file.read_text("utf-8").splitlines()[1])
    laws = {found["id"]: found["verdict"] for found in cell["requirements"] if found["id"].startswith("law:")}
    assert laws["law:same-however-split"] == "pass"
    assert ("law:one-request" in laws) is (adapter != "wire")
    if adapter == REFERENCE:
        assert laws["law:closing-closes"] == "pass"
        assert laws["law:sync-is-async"] == "pass"
