"""`streamproof export` and `expected`: the suite for people without Python."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from streamproof.case import Case, all_cases
from streamproof.cli import main
from streamproof.decode import Forced, decode
from streamproof.schemas import problems

CASES = {case.id: case for case in all_cases()}
SEED = "openai_responses/incomplete-reasoning-only"
BINARY = "bedrock_converse/text"


def run(*args: object) -> Result:
    """The command line."""
    return CliRunner().invoke(main, [str(arg) for arg in args])


def body(exchange: dict[str, Any]) -> bytes:
    """The bytes of an exported response."""
    response = exchange["response"]
    return response["text"].encode() if "text" in response else base64.b64decode(response["base64"])


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole suite."""
    folder = tmp_path_factory.mktemp("export") / "suite"
    result = run("export", folder)
    assert result.exit_code == 0, result.output
    return folder


def test_every_case_is_there_with_its_bytes(exported: Path) -> None:
    """A case left out, or bytes that a text encoding changed."""
    index = json.loads((exported / "index.json").read_text(encoding="utf-8"))
    assert {entry["id"] for entry in index["cases"]} == set(CASES)
    for entry in index["cases"]:
        document = json.loads((exported / entry["file"]).read_text(encoding="utf-8"))
        recorded = CASES[entry["id"]].cassette.interactions
        assert [body(exchange) for exchange in document["interactions"]] == [each.body for each in recorded]


@pytest.mark.parametrize("id", [SEED, BINARY])
def test_a_case_is_as_its_schema_says(exported: Path, id: str) -> None:
    """A document that the published schema does not describe; the bytes decode to what it expects."""
    document = json.loads((exported / f"cases/{id}.json").read_text(encoding="utf-8"))
    assert problems("case", document) == []
    found = next(decode(id, body(document["interactions"][0]), Forced()))
    got = found.completion.to_json()  # type: ignore[union-attr]
    assert got == document["expected"]["completion"]


def test_the_schemas_go_along(exported: Path) -> None:
    """A schema that refers to one which is not there."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in (exported / "schemas").iterdir()}
    ids = {json.loads(text)["$id"] for text in texts.values()}
    named = {part.split('"')[0].split("#")[0] for text in texts.values() for part in text.split('"$ref": "')[1:]}
    assert {name for name in named if name} <= ids
    assert "case.schema.json" in texts


def test_an_earlier_export_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    """A case that went from the suite and stays in the folder; a folder of the user's that is overwritten."""
    folder = tmp_path / "suite"
    assert run("export", folder, "openai_chat/text").exit_code == 0
    assert run("export", folder, BINARY).exit_code == 0
    assert [path.name for path in (folder / "cases").iterdir()] == ["bedrock_converse"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine", encoding="utf-8")
    refused = run("export", tmp_path / "other")
    assert refused.exit_code == 2
    assert "holds something else" in refused.output
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["thesis.txt"]


def test_expected_is_the_snapshot() -> None:
    """What is printed is not what the suite compares with."""
    document = json.loads(run("expected", SEED).stdout)
    assert document["completion"]["finish_reason"] == "length"
    assert document["completion"]["usage"]["reasoning_tokens"] == 64
    facts = json.loads(run("expected", SEED, "--requirements").stdout)
    assert [fact["id"] for fact in facts] == [fact.id for fact in CASES[SEED].requirements]
    assert all(fact["source"]["ref"] for fact in facts)


def test_a_case_without_a_snapshot_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A traceback for an author who asks for the new case too early."""
    case: Case = CASES[SEED]
    target = tmp_path / "cassettes" / f"{SEED}.yaml"
    target.parent.mkdir(parents=True)
    target.write_bytes(case.path.read_bytes())
    (tmp_path / "conformance").mkdir()
    monkeypatch.setenv("STREAMPROOF_DATA", str(tmp_path))
    result = run("expected", SEED)
    assert result.exit_code == 2
    assert f"streamproof accept {SEED}" in result.output
