"""The shipped schemas are those of the SDKs that are installed, and what reads them is told apart from them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from streamproof.authoring import wire_schemas
from streamproof.authoring.shape import breaches
from streamproof.authoring.subject import Subject
from streamproof.case import all_cases
from streamproof.providers import PROTOCOLS


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_schemas_are_valid_json_schema(protocol: str) -> None:
    """A file that only our own reader takes."""
    schema = json.loads((wire_schemas.FOLDER / f"{protocol}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_generating_is_deterministic(protocol: str) -> None:
    """A difference in the files without one in the SDKs."""
    if protocol == "bedrock_converse":
        pytest.importorskip("botocore")
    assert wire_schemas.generate(protocol) == wire_schemas.generate(protocol)


def test_check_reports_a_stale_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A schema that has fallen behind its SDK unseen; `--check` that writes."""
    pytest.importorskip("botocore")
    monkeypatch.setattr(wire_schemas, "FOLDER", tmp_path / "wire")
    assert wire_schemas.main(["--check"]) == 1
    assert not (tmp_path / "wire").exists()
    assert wire_schemas.main([]) == 0
    assert wire_schemas.main(["--check"]) == 0
    assert capsys.readouterr().out.count("differs") == len(PROTOCOLS)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_our_validator_agrees_with_a_general_one(protocol: str) -> None:
    """A fast path through unions that accepts or refuses something else than the schema does."""
    schema = json.loads((wire_schemas.FOLDER / f"{protocol}.json").read_text(encoding="utf-8"))
    general, compared = Draft202012Validator(schema), 0
    for case in [case for case in all_cases() if case.protocol == protocol][::9]:
        for _, steps in Subject(case.path).streamed():
            for step in steps[::5]:
                if step.event is None or step.event.kind != "json":
                    continue
                payload = (
                    {step.event.name: step.event.payload} if protocol == "bedrock_converse" else step.event.payload
                )
                ours = not breaches(protocol, step.event.name, step.event.payload)
                assert ours == general.is_valid(payload), (case.id, step.number)
                compared += 1
    assert compared


def test_lint_imports_no_sdk() -> None:
    """A command that takes seconds to start, and fails where an SDK is missing."""
    code = (
        "import sys; from streamproof.authoring.lint import files_of, lint\n"
        "from streamproof.data import data_root\n"
        "files = files_of([data_root() / 'cassettes' / 'openai_chat'])[:3]\n"
        "list(lint(files))\n"
        "print([m for m in ('openai', 'anthropic', 'google.genai', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
