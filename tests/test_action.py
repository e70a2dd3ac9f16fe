"""The GitHub Action: its script, run as a runner would run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
RUN = next(step for step in ACTION["runs"]["steps"] if step["name"] == "Run")

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the script is for bash")


def act(folder: Path, **inputs: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the script with these inputs, the others as by default; (what it did, the job's summary)."""
    given = {name: str(spec["default"]) for name, spec in ACTION["inputs"].items()} | inputs
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    summary = folder / "summary.md"
    environment = {**os.environ, "PATH": path, "GITHUB_STEP_SUMMARY": str(summary)}
    for name, expression in RUN["env"].items():
        environment[name] = given[expression.removeprefix("${{ inputs.").removesuffix(" }}")]
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", RUN["run"]],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=200,
        check=False,
    )
    return done, summary.read_text("utf-8") if summary.exists() else ""


def test_a_green_run(tmp_path: Path) -> None:
    """A summary that nobody sees, or outcomes that no later step finds."""
    done, summary = act(tmp_path, adapter="reference", cases="openai_chat/text", options="--provider openai")
    assert done.returncode == 0, done.stderr
    assert "reference" in summary
    assert "</html>" in (tmp_path / "streamproof.html").read_text("utf-8")
    assert (tmp_path / "streamproof.ndjson").read_text("utf-8").count('"kind":"cell"') == 1


def test_a_failure_is_the_jobs(tmp_path: Path) -> None:
    """A job that stays green although the adapter failed; the summary says what."""
    (tmp_path / "mine.py").write_text(
        "class Adapter:\n    name, protocols = 'mine', ('openai_chat',)\n"
        "    def run(self, call, endpoint, emit): raise ValueError('not yet')\n",
        encoding="utf-8",
    )
    done, summary = act(tmp_path, adapter="mine:Adapter", cases="openai_chat/text", options="--provider openai")
    assert done.returncode == 1, done.stderr
    assert "openai_chat/text" in summary


def test_inputs_are_words_and_no_commands(tmp_path: Path) -> None:
    """A pattern of a pull request that runs a command, or that the shell takes for file names."""
    (tmp_path / "openai_chat").mkdir()
    (tmp_path / "openai_chat" / "text-of-mine").touch()
    done, _ = act(tmp_path, adapter="wire", cases="openai_chat/tex* $(touch${IFS}hacked)")
    assert done.returncode == 2, done.stderr
    assert "no case matches" in done.stderr
    assert not (tmp_path / "hacked").exists()


def test_every_input_reaches_the_script() -> None:
    """An input that is documented and does nothing; one that stands in the script itself could run commands."""
    used = " ".join(str(step.get("env", "")) for step in ACTION["runs"]["steps"])
    assert [name for name in ACTION["inputs"] if f"inputs.{name} " not in used] == []
    assert all("${{" not in step["run"] for step in ACTION["runs"]["steps"])
