"""tools/mutants/survivors.toml; whether its mutants live, only `nox -s mutants` can tell."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
LIST = ROOT / "tools" / "mutants" / "survivors.toml"
ENTRIES = tomllib.loads(LIST.read_text(encoding="utf-8")).get("survivor", [])


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry['file']}:{entry['place']}")
def test_an_entry_is_about_code_that_exists(entry: dict[str, Any]) -> None:
    """A mutant of lines that were changed since would be listed for ever."""
    lines = {line.strip() for line in (ROOT / "harness/streamproof" / entry["file"]).read_text("utf-8").splitlines()}
    assert entry["reason"]
    for was, now, *_ in entry["mutants"]:
        assert was != now
        assert set(was.split("\n")) <= lines, was


def test_no_mutant_is_listed_twice() -> None:
    """Two reasons for one mutant: one of them is wrong."""
    names = [(entry["file"], entry["place"], *mutant) for entry in ENTRIES for mutant in entry["mutants"]]
    assert len(names) == len(set(names))
