"""The programs in examples/, each in a fresh process, as a reader would start it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))
STREAM = "stream_from_cassette.py"


def run(path: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an example from a folder that is no checkout."""
    command = [sys.executable, "-W", "error::ResourceWarning", str(path), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=60, check=False)


def example(name: str) -> Path:
    """An example by its file name."""
    (found,) = (path for path in EXAMPLES if path.name == name)
    return found


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_runs(path: Path, tmp_path: Path) -> None:
    """An example that fails, complains or prints nothing when it is started without arguments."""
    done = run(path, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_stream_prints_deltas_and_completion(tmp_path: Path) -> None:
    """Deltas that do not come in their order before the completion, or a completion that lacks what they said."""
    printed = run(example(STREAM), tmp_path).stdout
    places = [
        printed.index(text)
        for text in ("start None", "append (0,) text Let me", "close None", '"arguments": "{\\"city')
    ]
    assert places == sorted(places)
    assert '"finish_reason": "tool_calls"' in printed


def test_stream_shows_what_a_failed_stream_had(tmp_path: Path) -> None:
    """A stream that the provider broke off: the error is shown, and so is the partial completion."""
    done = run(example(STREAM), tmp_path, "anthropic_messages/error-event-mid-stream")
    assert done.returncode == 0
    assert "error: anthropic/" in done.stdout
    assert '"status": "failed"' in done.stdout


def test_stream_stays_short() -> None:
    """The example is a page to read, not a program."""
    assert len(example(STREAM).read_text("utf-8").splitlines()) <= 30
