"""docs/authoring.md, followed to the letter: its commands run, in their order, in a copy of the suite."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "authoring.md"
SECTION = "From a bug report to a landed case in ten minutes"
CASE = "openai_chat/text-around-tool-call"
_STEP = re.compile(
    r"(?:^<!-- write: (?P<file>\S+) -->\n)?^```(?P<language>\w+)\n(?P<code>.*?)^```\n", re.MULTILINE | re.DOTALL
)


class Step(NamedTuple):
    """A block of the section: commands, or the text of a file."""

    file: str | None
    language: str
    code: str


def steps() -> list[Step]:
    """The blocks of the section, in order."""
    text = PAGE.read_text("utf-8").partition(f"\n## {SECTION}\n")[2].partition("\n## ")[0]
    return [Step(found["file"], found["language"], found["code"]) for found in _STEP.finditer(text)]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A checkout to write into: the suite and the configuration of its tests."""
    for folder in ("cassettes", "conformance"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_block_is_a_step() -> None:
    """A block that the test does not understand, and so would not follow."""
    found = steps()
    assert [step.language for step in found] == ["sh", "yaml", "sh", "sh"]
    assert [step.file for step in found if step.language == "yaml"] == [f"cassettes/{CASE}.yaml"]
    commands = "".join(step.code for step in found if step.language == "sh")
    for command in ("streamproof new", "streamproof lint", "streamproof show", "streamproof accept", "pytest"):
        assert command in commands


@pytest.mark.skipif(shutil.which("bash") is None, reason="the page's commands are for a POSIX shell")
def test_the_page_lands_a_case(copy: Path) -> None:
    """A newcomer who does what the page says ends with an error, or without a case that passes."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "STREAMPROOF_DATA": str(copy), "NO_COLOR": "1"}
    environment = {name: value for name, value in environment.items() if not name.startswith(("PYTEST_", "COV_"))}
    printed = ""
    for step in steps():
        if step.file:
            assert (copy / step.file).exists(), "the page writes a file that `new` has not made"
            (copy / step.file).write_text(step.code, "utf-8")
            continue
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", step.code],
            cwd=copy,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{step.code}\n{done.stdout}\n{done.stderr}"
        printed += done.stdout
    assert printed.count(": snapshot: no snapshot yet") == 1
    assert printed.count(f"cassettes/{CASE}.yaml: ") == 1, "another finding of lint"
    assert (copy / "conformance" / "__snapshots__" / f"{CASE}.json").exists()
    ran = re.search(r"(\d+) passed", printed)
    assert ran, printed
    assert int(ran[1]) >= 10, "wire, reference and sdk, of two providers, async and sync"
    assert "failed" not in printed
