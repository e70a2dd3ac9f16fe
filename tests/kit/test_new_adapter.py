"""`streamproof new-adapter`: what it writes runs at once, and the suite finds its fault."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from streamproof.cli import main
from streamproof.kit.new_adapter import KINDS

ENVIRONMENT = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


def written(folder: Path, kind: str) -> str:
    """Write one; the command that it says to run."""
    result = CliRunner().invoke(main, ["new-adapter", "my-library", "--kind", kind, "-o", str(folder)])
    assert result.exit_code == 0, result.output
    return result.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_it_runs_and_its_fault_is_found(kind: str, tmp_path: Path) -> None:
    """A skeleton that does not run, that fails the simplest case, or whose fault nobody finds."""
    if kind == "node" and shutil.which("node") is None and not os.environ.get("STREAMPROOF_NODE"):
        pytest.skip("there is no Node.js here")
    command = [*shlex.split(written(tmp_path, kind)), "--provider", "openai"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=ENVIRONMENT, check=False)
    told = done.stdout + done.stderr
    assert done.returncode == 1, told
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["openai_chat/cut-clean-eof", "wrong", "openai"] in lines, told
    # `content[0] equals` and the rest hold; what the skeleton does not show is not offered
    assert any(line[:1] == ["openai_chat/text"] and line[1] in ("pass", "not_offered") for line in lines), told


def test_the_class_is_short() -> None:
    """A first adapter that nobody wants to read."""
    text = (Path(__file__).parents[2] / "harness/streamproof/kit/skeletons/adapter.py.txt").read_text("utf-8")
    assert len(text.splitlines()) <= 30


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """An adapter that somebody has filled in, gone."""
    written(tmp_path, "class")
    (tmp_path / "my_library_adapter.py").write_text("mine", encoding="utf-8")
    again = CliRunner().invoke(main, ["new-adapter", "my-library", "-o", str(tmp_path)])
    assert again.exit_code == 2
    assert "is there already" in again.output
    assert (tmp_path / "my_library_adapter.py").read_text("utf-8") == "mine"


def test_a_name_is_a_name(tmp_path: Path) -> None:
    """A file outside the folder, or a module that cannot be imported."""
    refused = CliRunner().invoke(main, ["new-adapter", "../Library", "-o", str(tmp_path)])
    assert refused.exit_code == 2
    assert "no name for an adapter" in refused.output
    assert list(tmp_path.iterdir()) == []
