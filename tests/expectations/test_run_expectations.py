"""`streamproof run` with an expectations file and with declared capabilities, as a user meets it."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_files import CHAT, TEXT, chat_chunk, requirement, sse, write_case
from click.testing import CliRunner, Result
from streamproof import jsontext
from streamproof.capabilities import Capabilities
from streamproof.cli import main
from streamproof.data import ENVIRONMENT
from streamproof.expectations.file import load_expectations
from streamproof.schemas import problems

WRONG_STOP = requirement("finish-length", "finish_reason", "length")
THOUGHTFUL = sse(
    chat_chunk({"role": "assistant", "reasoning_content": "hm"}),
    chat_chunk({"content": "Grüß dich"}),
    chat_chunk({}, "stop"),
    done=True,
)
ENTRY = """[[known]]
cell = "{cell}"
reason = "says stop"
upstream = "https://example.org/1"
since = "2026-11-22"
cap = 2
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two cases, of which one states what no adapter will say; for two providers each."""
    root = tmp_path / "suite"
    write_case(root)
    write_case(root, "openai_chat/odd", CHAT, requirements=[TEXT, WRONG_STOP])
    monkeypatch.setenv(ENVIRONMENT, str(root))
    return root


@pytest.fixture
def known(tmp_path: Path) -> Path:
    """Where the known failures stand."""
    return tmp_path / "known.toml"


def run(*arguments: object) -> Result:
    """`streamproof run`, of `wire` where no adapter is named; a traceback is a failure of the test."""
    adapter = () if "--adapter" in arguments else ("--adapter", "wire")
    result = CliRunner().invoke(main, ["run", *adapter, *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_a_known_failure_is_no_failure(suite: Path, known: Path) -> None:
    """A listed failure that fails the run, or one that hides others."""
    assert run().exit_code == 1
    known.write_text(ENTRY.format(cell="openai_chat/odd@*"), encoding="utf-8")
    result = run("--expectations", known)
    assert result.exit_code == 0
    assert "2 known, 2 pass" in result.stdout
    known.write_text(ENTRY.format(cell="openai_chat/odd@openai"), encoding="utf-8")
    assert run("--expectations", known).exit_code == 1


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [
        ("openai_chat/*@*", "openai_chat/text@openai passes although it is listed"),
        ("openai_chat/gone@openai", "names no cell of the suite"),
        ("openai_chat/odd", "'openai_chat/odd' is no glob over cells"),
    ],
)
def test_entries_that_are_not_true(suite: Path, known: Path, cell: str, complaint: str) -> None:
    """An entry that nothing bears out, and the run is green."""
    known.write_text(ENTRY.format(cell="openai_chat/odd@*") + ENTRY.format(cell=cell), encoding="utf-8")
    result = run("--expectations", known)
    assert result.exit_code in (1, 2)
    assert complaint in result.output


def test_known_failures_stand_in_the_outcomes(suite: Path, known: Path, tmp_path: Path) -> None:
    """A report that calls a failure new which the run took for known."""
    known.write_text(ENTRY.format(cell="openai_chat/odd@*"), encoding="utf-8")
    file, markup = tmp_path / "run.ndjson", tmp_path / "junit.xml"
    assert run("--expectations", known, "--json", file, "--junit", markup).exit_code == 0
    lines = [jsontext.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        assert problems("outcome", line) == []
    told = {line["cell"]: line.get("known") for line in lines[1:-1]}
    entry = {"requirement": "finish-length", "reason": "says stop", "upstream": "https://example.org/1"}
    assert told["openai_chat/odd@openai"] == [entry]
    assert told["openai_chat/text@openai"] is None
    assert {line["level"] for line in lines[1:-1]} == {"must"}
    assert 'failures="0"' in markup.read_text("utf-8")
    assert "known, wrong: says stop (https://example.org/1)" in markup.read_text("utf-8")


def test_a_part_of_a_run_leaves_the_other_entries_alone(suite: Path, known: Path) -> None:
    """A run of one case that calls the entries of all others stale."""
    known.write_text(ENTRY.format(cell="openai_chat/odd@*") + ENTRY.format(cell="openai_chat/gone@*"), encoding="utf-8")
    assert run("odd", "--expectations", known).exit_code == 0
    assert run("--provider", "openai", "--expectations", known).exit_code == 0


def test_fix_begins_a_file(suite: Path, known: Path) -> None:
    """A new adapter's list of known failures, written by hand."""
    result = run("--expectations", known, "--fix")
    assert result.exit_code == 0
    assert "0 entries kept, 0 changed, 0 taken out, 1 added" in result.stderr
    (entry,) = load_expectations(known)
    assert (entry.cell, entry.requirement, entry.cap) == ("openai_chat/odd@*", "finish-length", 2)
    again = run("--expectations", known)
    assert again.exit_code == 0
    assert "has not been looked at yet" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["odd"], "only some cases (odd)"),
        (["--provider", "openai"], "only provider openai"),
        (["--plan", "split:byte"], "wire plans (split:byte)"),
    ],
)
def test_fix_refuses_a_part_of_a_run(suite: Path, known: Path, arguments: list[str], said: str) -> None:
    """Entries that are lost because their cells were not run."""
    result = run("--expectations", known, "--fix", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not known.exists()


def test_fix_refuses_a_damaged_suite(suite: Path, known: Path) -> None:
    """A case that cannot be read today, and loses its entries."""
    known.write_text(ENTRY.format(cell="openai_chat/odd@*"), encoding="utf-8")
    (suite / "cassettes" / "openai_chat" / "odd.yaml").write_text("metadata: [", encoding="utf-8")
    result = run("--expectations", known, "--fix")
    assert result.exit_code == 2
    assert "some cases cannot be read" in result.stderr
    assert len(load_expectations(known)) == 1


def test_which_file(suite: Path, known: Path) -> None:
    """A misspelt file name that excuses nothing, silently."""
    missing = run("--expectations", known)
    assert missing.exit_code == 2
    assert f"{known} does not exist" in missing.stderr
    unnamed = run("--fix")
    assert unnamed.exit_code == 2
    assert "--expectations names" in unnamed.stderr


@pytest.fixture
def thoughts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three cases with reasoning."""
    root = tmp_path / "suite"
    facts = [requirement("text-kept", "content[1].text", "Grüß dich")]
    facts += [requirement("thought", "content[0].text", "hm")]
    for n in ("one", "two", "three"):
        write_case(root, f"openai_chat/{n}", THOUGHTFUL, providers=["deepseek"], requirements=facts)
    monkeypatch.setenv(ENVIRONMENT, str(root))
    return root


LIBRARY = """
from dataclasses import replace
from streamproof.adapters.reference import ReferenceAdapter
from streamproof.capabilities import Capabilities

class Library:
    name, protocols = "library", ("openai_chat",)
    capabilities = Capabilities(protocols=protocols, fields=FIELDS)

    async def run(self, call, endpoint, emit):
        told = await ReferenceAdapter().run(call, endpoint, lambda delta: None)
        return replace(told, content=tuple(part for part in told.content if part.type != "reasoning"))
"""


def library(folder: Path, monkeypatch: pytest.MonkeyPatch, *fields: str) -> list[str]:
    """A library that shows no reasoning, with this declaration; how it is asked for."""
    fields = (*fields, "-details", "-diagnostics", "-error")
    (folder / "shy.py").write_text(LIBRARY.replace("FIELDS", repr(fields)), encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return ["--adapter", "shy:Library"]


def test_a_protocol_s_own_declaration(thoughts: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A declaration that is lost on its way through the process or into the header, and judges nothing there."""
    args = library(tmp_path, monkeypatch)
    differs = "by_protocol={'openai_chat': {'fields': ('-content.reasoning', '-details', '-diagnostics', '-error')}}"
    script = tmp_path / "shy.py"
    script.write_text(script.read_text(encoding="utf-8").replace("fields=(", f"{differs}, fields=("), encoding="utf-8")
    file = tmp_path / "run.ndjson"
    result = run(*args, "--json", file)
    assert result.exit_code == 0, result.output
    assert "3 not_offered" in result.stdout
    header, *_, footer = (jsontext.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    assert problems("outcome", header) == []
    declared = Capabilities.from_json(header["capabilities"])
    assert declared.to_json() == header["capabilities"]
    assert not declared.at("openai_chat").offers("content.reasoning")
    assert declared.offers("content.reasoning")
    assert footer["capability_complaints"] == []


def test_what_is_not_offered_is_not_red(thoughts: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A library without reasoning that is red wherever there is some."""
    result = run(*library(tmp_path, monkeypatch, "-content.reasoning"))
    assert result.exit_code == 0, result.output
    assert "3 not_offered" in result.stdout


def test_a_claim_that_is_not_kept_fails_the_run(
    thoughts: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, known: Path
) -> None:
    """A capability that is declared and never seen, and nobody says so; no list of known failures excuses it."""
    file = tmp_path / "run.ndjson"
    result = run(*library(tmp_path, monkeypatch), "--json", file, "--expectations", known, "--fix")
    assert result.exit_code == 1
    complaint = "declares content.reasoning, and never shows it: the wire has it in 3 cases"
    assert complaint in result.stdout
    lines = [jsontext.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    assert lines[-1]["capability_complaints"][0].startswith(complaint)
    assert lines[1]["fields"]["content.reasoning"] == "wire"
