"""docs/adapters.md, followed to the letter: from nothing to the first verdict, and to the report of a whole run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from streamproof.kit.new_adapter import KINDS

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "adapters.md"
SECTION = "The first verdict in ten minutes"
_STEP = re.compile(
    r"(?:^<!-- write: (?P<file>\S+) -->\n)?^```(?P<language>\w+)\n(?P<code>.*?)^```\n", re.MULTILINE | re.DOTALL
)


class Step(NamedTuple):
    """A block of the section: commands, what they print, or the text of a file."""

    file: str | None
    language: str
    code: str


def steps() -> list[Step]:
    """The blocks of the section, in order."""
    text = PAGE.read_text("utf-8").partition(f"\n## {SECTION}\n")[2].partition("\n## ")[0]
    return [Step(found["file"], found["language"], found["code"]) for found in _STEP.finditer(text)]


def test_every_block_is_a_step() -> None:
    """A block that the test does not understand, and so would not follow."""
    assert [step.language for step in steps()] == ["sh", "sh", "text", "python", "sh", "text", "sh"]
    assert [step.file for step in steps() if step.file] == ["my_library_adapter.py"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="the page's commands are for a POSIX shell")
def test_the_page_leads_to_a_verdict(tmp_path: Path) -> None:
    """A newcomer who does what the page says sees something else than the page."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "NO_COLOR": "1"}
    environment = {name: value for name, value in environment.items() if not name.startswith(("PYTEST_", "COV_"))}
    printed = ""
    for step in steps():
        if step.file:
            (tmp_path / step.file).write_text(step.code, "utf-8")
        elif step.language == "text":
            assert step.code in printed
        else:
            command = ["bash", "-uo", "pipefail", "-c", step.code]
            done = subprocess.run(
                command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=280, check=False
            )
            printed = done.stdout
            assert "Traceback" not in done.stderr, done.stderr
            assert done.returncode in (0, 1), f"{step.code}\n{printed}\n{done.stderr}"
    assert "</html>" in (tmp_path / "outcomes.html").read_text("utf-8")
    verdicts = (tmp_path / "table.txt").read_text("utf-8")
    assert re.search(r"\d+ pass", verdicts)
    assert "openai_responses/text" in verdicts


def test_the_page_begins_with_what_the_command_writes() -> None:
    """A page about another skeleton than the one that the reader has."""
    skeleton = (ROOT / "harness/streamproof/kit/skeletons" / KINDS["class"].skeleton).read_text("utf-8")
    mended = next(step.code for step in steps() if step.file)
    changed = {line for line in skeleton.replace("NAME", "my-library").splitlines() if line not in mended.splitlines()}
    assert changed == {'"""An adapter for streamproof: streamproof run --adapter MODULE:Adapter"""'}
    assert f"{len(skeleton.splitlines())} lines" in PAGE.read_text("utf-8")
