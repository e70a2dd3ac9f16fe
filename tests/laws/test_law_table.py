"""The table of laws, the page about them, the command that lists them, and the code that judges them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from streamproof.cli import main
from streamproof.laws import LAWS
from streamproof.laws.check import CHECKS
from streamproof.laws.probes import PROBES

PAGE = (Path(__file__).parents[2] / "docs" / "laws.md").read_text("utf-8")
CELL_LAWS = {name for name, law in LAWS.items() if law.applies in ("always", "deltas", "broken")}


def test_every_law_is_judged() -> None:
    """A law that stands in the table, and that nothing looks at; or one that is judged and stands nowhere."""
    assert set(CHECKS) == CELL_LAWS
    assert set(PROBES) == {name for name, law in LAWS.items() if law.applies in ("asked", "calls", "live")}


@pytest.mark.parametrize("name", LAWS)
def test_the_page_says_what_the_table_says(name: str) -> None:
    """A law that the page leaves out, or words otherwise."""
    law = LAWS[name]
    assert f"| `{name}` | {law.sentence} | {law.when} |" in PAGE.splitlines()
    _, found, section = PAGE.partition(f"### `{name}`\n")
    assert found, f"docs/laws.md has no section about {name}"
    text = " ".join(section.partition("\n#")[0].split())
    assert text.startswith(f"{law.sentence} {law.reason}")
    assert len(text) > len(law.sentence + law.reason) + 20, "how it is judged"


def test_the_page_names_no_other_law() -> None:
    """A row about a law that is gone."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert len(rows) == len(LAWS)


def test_the_command_lists_them() -> None:
    """A law that users cannot look up."""
    listed = CliRunner().invoke(main, ["laws"])
    assert listed.exit_code == 0, listed.output
    for law in LAWS.values():
        assert f"{law.id}\n  {law.sentence}\n  Why: {law.reason}\n" in listed.output
    one = CliRunner().invoke(main, ["laws", "law:fold", "--json"])
    assert [law["id"] for law in json.loads(one.output)] == ["law:fold"]


def test_a_law_that_there_is_not() -> None:
    """A misspelt name that shows nothing, or a traceback."""
    result = CliRunner().invoke(main, ["laws", "folds"])
    assert result.exit_code == 2
    assert "no law 'folds' (one of: one-end, fold," in result.output
