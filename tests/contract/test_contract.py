"""The process contract from end to end, by the command line: a Python and a Node adapter, and three wrong ones."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NODE = shutil.which("node")
NEEDS_NODE = bool(os.environ.get("STREAMPROOF_NODE"))
"""Set where Node.js has to be there: a skip would hide that nothing was tried."""

CASES = (
    "openai_chat/text",
    "openai_chat/cut-clean-eof",
    "openai_chat/empty-content",
    "openai_responses/incomplete-*",
    "anthropic_messages/max-tokens-*",
    "gemini_generate_content/max-tokens-*",
    "*/cut-*",
)


def run(folder: Path, *options: str) -> tuple[int, Mapping[str, str], str]:
    """`streamproof run`; (exit code, verdict by cell, what it printed)."""
    outcomes = folder / "outcomes.ndjson"
    done = subprocess.run(
        [sys.executable, "-m", "streamproof.cli", "run", "--json", str(outcomes), *options],
        cwd=HERE,
        capture_output=True,
        encoding="utf-8",
        timeout=280,
        check=False,
    )
    told = done.stdout + done.stderr
    assert outcomes.exists(), told
    lines = [json.loads(line) for line in outcomes.read_text("utf-8").splitlines()]
    assert [lines[0]["kind"], lines[-1]["kind"]] == ["header", "footer"], told
    return done.returncode, {line["cell"]: line["verdict"] for line in lines if line["kind"] == "cell"}, told


def test_a_right_adapter_is_right_in_another_process(tmp_path: Path) -> None:
    """A contract, server or limit that spoils what an adapter says."""
    code, verdicts, told = run(tmp_path, "--adapter", "streamproof.adapters.reference:ReferenceAdapter", *CASES)
    assert len(verdicts) > 100
    assert {cell: verdict for cell, verdict in verdicts.items() if verdict not in ("pass", "unsupported")} == {}, told
    assert code == 0, told


@pytest.mark.parametrize(
    ("name", "caught"),
    [
        ("EveryEndIsGood", {"openai_chat/cut-clean-eof@openai": "wrong"}),
        ("NoPartialAnswer", {"openai_responses/incomplete-reasoning-only@openai": "lossy"}),
    ],
)
def test_a_wrong_adapter_is_caught(name: str, caught: Mapping[str, str], tmp_path: Path) -> None:
    """A lie that the way through another process hides; what it does right stays right."""
    code, verdicts, told = run(tmp_path, "--adapter", f"wrong:{name}", "--provider", "openai", *CASES)
    assert code == 1, told
    assert {cell: verdicts[cell] for cell in caught} == caught, told
    assert verdicts["openai_chat/text@openai"] == "pass", told


def test_a_hanging_adapter_costs_its_cells_only(tmp_path: Path) -> None:
    """A run that hangs with it, or that loses the cells behind."""
    cases = ("openai_chat/empty-content", "openai_responses/text", "openai_chat/text")
    code, verdicts, told = run(
        tmp_path, "--adapter", "wrong:NeverAnswers", "--provider", "openai", "--timeout", "2", *cases
    )
    assert code == 1, told
    assert "hang" in verdicts.values(), told
    assert verdicts["openai_responses/text@openai"] == "pass", told
    assert verdicts["openai_chat/text@openai"] == "pass", told


@pytest.mark.skipif(NODE is None and not NEEDS_NODE, reason="there is no Node.js here")
def test_a_node_adapter_is_judged_alike(tmp_path: Path) -> None:
    """A contract that only Python can speak, or a verdict that depends on the language."""
    made = [sys.executable, "-m", "streamproof.cli", "new-adapter"]
    for kind in ("node", "class"):
        subprocess.run([*made, "tiny", "--kind", kind, "-o", str(tmp_path)], check=True)
    chat = [case for case in CASES if case.startswith("openai_chat/")]
    _, node, told = run(tmp_path, "--command", f"node {tmp_path / 'tiny_adapter.mjs'}", "--provider", "openai", *chat)
    environment = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = str(tmp_path)
    try:
        _, python, more = run(tmp_path, "--adapter", "tiny_adapter:Adapter", "--provider", "openai", *chat)
    finally:
        os.environ["PYTHONPATH"] = environment
    assert node == python, told + more
    assert node["openai_chat/cut-clean-eof@openai"] == "wrong"
