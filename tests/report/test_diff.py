"""`streamproof diff`: what an upgrade changed, and whether something got worse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from streamproof import jsontext
from streamproof.cli import main
from streamproof.errors import UsageError
from streamproof.outcome import Outcome, footer
from streamproof.report.difference import differences
from streamproof.requirements import Finding
from streamproof.verdict import Verdict

LOSSY, WRONG, PASS = Verdict.LOSSY, Verdict.WRONG, Verdict.PASS


def cell(name: str, *findings: tuple[str, Verdict, str] | Finding, message: str = "", own: Verdict = PASS) -> Outcome:
    """An outcome. findings: requirement, verdict, what was got."""
    made = tuple(
        (f if isinstance(f, Finding) else Finding(f[0], "must", f[1], "usage", "equals 1", f[2]), "event 1")
        for f in findings
    )
    return Outcome(cell=f"openai_chat/{name}@openai", adapter="mine", findings=made, message=message, own_verdict=own)


def write(path: Path, *outcomes: Outcome, complaints: tuple[str, ...] = (), cut: bool = False, **header: Any) -> Path:
    """A run's file."""
    first = {"kind": "header", "schema": 1, "suite": "0.1.0", "adapter": "mine", "versions": {"mine": "1.0"},
             "seed": 0, "hermetic": "process", "cells": len(outcomes), **header}  # fmt: skip
    lines = [first, *(outcome.to_json() for outcome in outcomes), footer(outcomes, complaints)]
    path.write_text("".join(f"{jsontext.dumps(line)}\n" for line in lines[: -1 if cut else None]), encoding="utf-8")
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The run before the upgrade."""
    return write(
        tmp_path / "old.ndjson",
        cell("kept", ("usage", PASS, "1")),
        cell("broken", ("usage", PASS, "1"), ("finish", PASS, "1")),
        cell("mended", ("usage", WRONG, "2")),
        cell("moved", ("usage", WRONG, "2")),
        cell("gone"),
    )


def invoke(*arguments: object) -> Result:
    """Run the command; a traceback is a failure of the test."""
    result = CliRunner().invoke(main, ["diff", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_an_upgrade(old: Path, tmp_path: Path) -> None:
    """A change that the table does not show, or shows under the wrong title."""
    new = write(
        tmp_path / "new.ndjson",
        cell("kept", ("usage", PASS, "1")),
        cell("broken", ("usage", LOSSY, "absent"), ("finish", PASS, "1")),
        cell("mended", ("usage", PASS, "1")),
        cell("moved", ("usage", WRONG, "3")),
        cell("added", ("usage", WRONG, "9")),
        versions={"mine": "1.1", "openai": "3.54.0"},
        suite="0.2.0",
    )
    result = invoke(old, new)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "mine 1.0 -> mine 1.1",
        "  suite: 0.1.0 -> 0.2.0",
        "  mine: 1.0 -> 1.1",
        "  openai: none -> 3.54.0",
        "",
        "worse: 1 cell",
        "  openai_chat/broken@openai  pass -> lossy",
        "      usage (must): pass -> lossy",
        "          expected equals 1",
        "          got      absent",
        "",
        "better: 1 cell",
        "  openai_chat/mended@openai  wrong -> pass",
        "      usage (must): wrong -> pass",
        "",
        "failing otherwise than before: 1 cell",
        "  openai_chat/moved@openai  wrong",
        "      usage (must): wrong, otherwise",
        "          expected equals 1",
        "          got      3, was 2",
        "",
        "new: 1 cell (1 wrong)",
        "  openai_chat/added@openai  wrong",
        "",
        "gone: 1 cell (1 pass)",
        "  openai_chat/gone@openai  pass",
        "",
        "1 cell as before",
    ]


def test_nothing_changed(old: Path) -> None:
    """A run that differs from itself."""
    result = invoke(old, old)
    assert (result.exit_code, result.stdout) == (0, "mine 1.0 -> mine 1.0\n\n5 cells as before\n")


def test_better_and_new_is_not_worse(old: Path, tmp_path: Path) -> None:
    """An upgrade of the suite that fails the build because of a case nobody had before."""
    new = write(
        tmp_path / "new.ndjson",
        cell("kept", ("usage", PASS, "1")),
        cell("broken", ("usage", PASS, "1"), ("finish", PASS, "1")),
        cell("mended"),
        cell("moved", ("usage", LOSSY, "absent")),
        cell("added", ("usage", WRONG, "9")),
    )
    (difference,) = differences(old, new)
    assert [each.cell for each in difference.of("better")] == ["openai_chat/mended@openai", "openai_chat/moved@openai"]
    assert not difference.is_worse
    assert invoke(old, new).exit_code == 0


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (cell("x", ("a", WRONG, "1"), ("b", PASS, "1")), cell("x", ("a", WRONG, "1"), ("b", LOSSY, "")), "worse"),
        (cell("x", ("a", WRONG, "1"), ("b", LOSSY, "1")), cell("x", ("a", WRONG, "1"), ("b", PASS, "")), "better"),
        (cell("x", ("a", PASS, "1")), cell("x", ("a", PASS, "2")), None),
        (cell("x", ("a", PASS, "1")), cell("x"), None),
        (cell("x"), cell("x", ("law:fold", PASS, "holds")), None),
        (cell("x", ("a", WRONG, "1")), cell("x", ("a", WRONG, "1"), ("b", WRONG, "1")), "otherwise"),
        (cell("x"), cell("x", Finding("s", "should", LOSSY, "model", "equals 1", "absent")), "otherwise"),
        (cell("x", message="KeyError: 'a'", own=Verdict.CRASH), cell("x", message="KeyError: 'b'", own=Verdict.CRASH),
         "otherwise"),
        (cell("x", ("a", Verdict.NOT_OFFERED, "")), cell("x", ("a", WRONG, "1")), "worse"),
        (cell("x", own=Verdict.UNSUPPORTED), cell("x"), "better"),
        (cell("x"), cell("x", message="no answer", own=Verdict.HANG), "worse"),
    ],
)  # fmt: skip
def test_what_counts_as_worse(before: Outcome, after: Outcome, change: str | None, tmp_path: Path) -> None:
    """A loss that hides behind another one of the same cell, or noise that counts as a change."""
    (difference,) = differences(write(tmp_path / "old.ndjson", before), write(tmp_path / "new.ndjson", after))
    assert [each.change for each in difference.cells] == ([] if change is None else [change])
    assert difference.is_worse == (change == "worse")


def test_json(old: Path, tmp_path: Path) -> None:
    """What a program reads instead of the table."""
    new = write(tmp_path / "new.ndjson", cell("kept", ("usage", WRONG, "7")))
    result = invoke(old, new, "--json")
    document = jsontext.loads(result.stdout)
    assert result.exit_code == 1
    assert document["counts"] == {"worse": 1, "better": 0, "otherwise": 0, "new": 0, "gone": 4, "same": 0}
    assert document["cells"][0] == {
        "cell": "openai_chat/kept@openai", "change": "worse", "old": "pass", "new": "wrong", "message": None,
        "findings": [{"id": "usage", "level": "must", "old": "pass", "new": "wrong", "expected": "equals 1",
                      "old_got": "1", "new_got": "7"}],
    }  # fmt: skip


def test_capabilities(old: Path, tmp_path: Path) -> None:
    """An upgrade after which the declaration is no longer true, or is another one."""
    said = "declares model, and never shows it: the wire has it in 9 cases"
    again = "declares model, and never shows it: the wire has it in 12 cases"
    before = write(tmp_path / "b.ndjson", cell("x"), complaints=(said,), capabilities={"text": "parts"})
    after = write(tmp_path / "a.ndjson", cell("x"), complaints=(again, "shows choices in 2 cells, such as x"),
                  capabilities={"text": "joined"})  # fmt: skip
    (difference,) = differences(before, after)
    assert difference.complaints == ("shows choices in 2 cells, such as x",)
    assert difference.facts == {"capabilities.text": ("parts", "joined")}
    assert difference.is_worse
    assert not differences(after, before)[0].is_worse


def test_a_run_that_was_cut_short(old: Path, tmp_path: Path) -> None:
    """Cells that are missing because the run ended, and nobody says so."""
    result = invoke(old, write(tmp_path / "new.ndjson", cell("kept", ("usage", PASS, "1")), cut=True, cells=5))
    assert result.exit_code == 1
    assert "cut short after 1 of 5 cells" in result.stderr


def test_other_names_and_several_adapters(old: Path, tmp_path: Path) -> None:
    """Two files of one adapter each are compared whatever it calls itself; several must have the same names."""
    other = write(tmp_path / "other.ndjson", cell("kept", ("usage", PASS, "1")), adapter="mine-next")
    text = other.read_text(encoding="utf-8")
    other.write_text(text.replace('"adapter":"mine"', '"adapter":"mine-next"'), encoding="utf-8")
    assert differences(old, other)[0].new.startswith("mine-next")
    both = tmp_path / "both.ndjson"
    both.write_text(old.read_text(encoding="utf-8") + other.read_text(encoding="utf-8"), encoding="utf-8")
    assert [difference.old for difference in differences(both, both)] == ["mine 1.0", "mine-next 1.0"]
    assert len(differences(both, both, ["mine"])) == 1
    twice = tmp_path / "twice.ndjson"
    new = write(tmp_path / "new.ndjson", cell("kept"), versions={"mine": "1.1"})
    twice.write_text(old.read_text(encoding="utf-8") + new.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(UsageError, match=r"mine is in it twice, as mine 1\.0 and as mine 1\.1"):
        differences(twice, old)


def test_what_is_no_run(old: Path, tmp_path: Path) -> None:
    """A file that holds no outcomes, or none at all."""
    empty = tmp_path / "empty.ndjson"
    empty.write_text("{}\n", encoding="utf-8")
    for path in (empty, tmp_path / "missing.ndjson"):
        result = invoke(old, path)
        assert result.exit_code == 2
        assert str(path) in result.stderr
