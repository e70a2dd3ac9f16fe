"""Joining runs into columns: what belongs together, what contradicts, what is not whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_kit import TEXT, USAGE, column, lines, outcome, run_file, write
from streamproof import jsontext
from streamproof.errors import UsageError
from streamproof.report import columns as module
from streamproof.report.columns import columns
from streamproof.report.merge import merged
from streamproof.report.runs import read_runs
from streamproof.verdict import Verdict

A, B = f"{TEXT}@openai", f"{USAGE}@openai"


def test_runs_of_two_machines_make_one_column(tmp_path: Path) -> None:
    """Half of the cells here, half there; the machine is no reason to part them."""
    first = run_file(tmp_path / "a", [outcome(A)], platform="Linux", python="3.11.9")
    second = run_file(tmp_path / "b", [outcome(B, Verdict.WRONG)], platform="Darwin", python="3.13.1")
    (found,) = columns(read_runs([first, second]))
    assert {cell: result.verdict for cell, result in found.results.items()} == {A: Verdict.PASS, B: Verdict.WRONG}
    assert (found.label, found.sound, found.notes, len(found.headers)) == ("acme 1.2.3", True, [], 2)


def test_where_runs_disagree_the_worse_counts_and_it_is_said(tmp_path: Path) -> None:
    """A flaky adapter must not become green by the order of the files."""
    good, bad = run_file(tmp_path / "good", [outcome(A)]), run_file(tmp_path / "bad", [outcome(A, Verdict.CRASH)])
    for order in ([good, bad], [bad, good]):
        (found,) = columns(read_runs(order))
        assert found.results[A].verdict is Verdict.CRASH
        assert not found.sound
        (note,) = found.notes
        assert A in note
        assert "crash counts" in note


def test_versions_make_columns(tmp_path: Path) -> None:
    """An old and a new release of one library are to be compared, not mixed."""
    old = run_file(tmp_path / "old", [outcome(A)], versions={"acme": "1.0"})
    new = run_file(tmp_path / "new", [outcome(A, Verdict.LOSSY)], versions={"acme": "2.0"})
    assert [found.label for found in columns(read_runs([old, new]))] == ["acme 1.0", "acme 2.0"]


def test_labels_name_what_differs(tmp_path: Path) -> None:
    """The same library over two releases of an SDK."""
    files = [
        run_file(tmp_path / sdk, [outcome(A)], versions={"acme": "1.0", "openai": sdk, "httpx": "1"})
        for sdk in ("2.0", "3.0")
    ]
    assert [c.label for c in columns(read_runs(files))] == ["acme 1.0 (openai 2.0)", "acme 1.0 (openai 3.0)"]


@pytest.mark.parametrize(
    ("adapter", "versions", "label"),
    [
        ("any-llm", {"openai": "3", "any-llm-sdk": "1.40"}, "any-llm 1.40"),
        ("Pydantic_AI", {"pydantic-ai-slim": "2", "pydantic": "9"}, "Pydantic_AI 2"),
        ("mine", {"openai": "3"}, "mine"),
        ("vercel-ai", {"ai": "7", "@ai-sdk/openai": "4"}, "vercel-ai 7"),
        ("langchain-js", {"@langchain/core": "1.4", "node": "22"}, "langchain-js 1.4"),
        ("openmine", {"openai": "3"}, "openmine"),
        ("sdk", {"openai": "3"}, "sdk 0.1.0"),
    ],
)
def test_the_version_is_the_library_s_own(tmp_path: Path, adapter: str, versions: dict[str, str], label: str) -> None:
    """Not that of a package that stands beside it; ours have the suite's."""
    found = column(tmp_path / "a", [outcome(A, adapter=adapter)], adapter=adapter, versions=versions, suite="0.1.0")
    assert found.label == label


def test_a_run_that_was_gone_on_with_is_whole(tmp_path: Path) -> None:
    """Cut short, then resumed: what is there is all that was promised."""
    whole = lines([outcome(A), outcome(B)])
    cut = write(tmp_path / "cut", whole[:2])
    assert columns(read_runs([cut]))[0].cut == [f"{cut}: cut short after 1 of 2 cells"]
    (found,) = columns(read_runs([cut, write(tmp_path / "rest", [whole[0], whole[2], whole[3]])]))
    assert found.cut == []
    assert len(found.results) == 2


def test_a_choice_of_adapters(tmp_path: Path) -> None:
    """Only what was asked for; a name that is not there is an error that lists those that are."""
    files = [run_file(tmp_path / n, [outcome(A, adapter=n)], adapter=n) for n in ("acme", "bolt", "cord")]
    assert [c.adapter for c in columns(read_runs(files), ["bolt"])] == ["bolt"]
    with pytest.raises(UsageError, match="'nut'") as caught:
        columns(read_runs(files), ["nut"])
    assert caught.value.remedy == "there are: acme, bolt, cord"


def test_renamed_cases_go_by_their_new_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of an older suite lands in the same row as one of today."""
    monkeypatch.setattr(module, "aliases", lambda: {"openai_chat/old-name": TEXT})
    found = column(tmp_path / "a", [outcome("openai_chat/old-name@openai", Verdict.WRONG)])
    assert list(found.results) == [A]
    assert found.results[A].name.case == TEXT


def test_merging_loses_nothing_and_says_nothing_twice(tmp_path: Path) -> None:
    """Headers, cells and footers stay as they were; merging again changes nothing; a cut stays one."""
    first = run_file(tmp_path / "a", [outcome(A), outcome(B, Verdict.LOSSY)])
    other = run_file(tmp_path / "b", [outcome(A, adapter="bolt")], adapter="bolt")
    cut = write(tmp_path / "c", lines([outcome(A, adapter="cord"), outcome(B, adapter="cord")], adapter="cord")[:2])
    text = "".join(merged(read_runs([first, other, cut, first])))
    assert text == first.read_text() + other.read_text() + cut.read_text()
    joined = tmp_path / "joined"
    joined.write_text(text)
    assert "".join(merged(read_runs([joined, other]))) == text
    found = columns(read_runs([joined]))
    assert [(c.adapter, len(c.results), bool(c.cut)) for c in found] == [
        ("acme", 2, False), ("bolt", 1, False), ("cord", 1, True),
    ]  # fmt: skip


def test_a_run_of_no_cells_is_a_column(tmp_path: Path) -> None:
    """An adapter whose run died before its first cell is not left out of the table."""
    head = jsontext.loads(lines([outcome(A)])[0])
    found = columns(read_runs([write(tmp_path / "a", [jsontext.dumps({**head, "cells": 5})])]))
    assert [(c.adapter, len(c.results), bool(c.cut)) for c in found] == [("acme", 0, True)]
