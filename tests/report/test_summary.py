"""Scores, denominators, and which failures come first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from report_kit import MESSAGE, TEXT, USAGE, column, finding, outcome, run_file
from streamproof.cellid import CellId
from streamproof.outcome import KnownFailure
from streamproof.report.again import adapter_option, again
from streamproof.report.columns import columns
from streamproof.report.runs import CellName, read_runs
from streamproof.report.summary import (
    by_protocol,
    complaint,
    known_failures,
    no_score,
    percent,
    ranked,
    tally,
    worst_failures,
)
from streamproof.verdict import Verdict


def test_a_score_counts_what_an_adapter_can_get_right_or_wrong(tmp_path: Path) -> None:
    """Protocols it does not speak and our own faults are no part of the denominator; what a library does not offer is
    right, and not offered."""
    cells = [outcome(f"openai_chat/case-{number}@openai", verdict) for number, verdict in enumerate(Verdict)]
    found = tally(column(tmp_path / "a", cells).results.values())
    assert (found.right, found.of, found.total) == (2, 6, 8)
    assert (found.offered, found.musts) == (3, 4)
    assert percent(found.right, found.of) == "33.3 %"


@pytest.mark.parametrize(
    ("cell", "level", "of"),
    [
        ("openai_chat/x@openai", "must", 1),
        ("openai_chat/x@openai", "should", 0),
        ("openai_chat/x@openai", "edge", 0),
        ("openai_chat/x@openai+split:byte", "must", 0),
        ("openai_chat/x@openai+sync", "must", 0),
    ],
)
def test_which_cells_count(tmp_path: Path, cell: str, level: str, of: int) -> None:
    """Of cases of level MUST, with the bytes as stored, asked once."""
    found = tally(column(tmp_path / "a", [outcome(cell, level=level)]).results.values())
    assert (found.of, found.right, found.total) == (of, of, 1)


def test_the_suite_says_the_level_where_a_line_does_not(tmp_path: Path) -> None:
    """Runs of the past; a case that the suite does not have leaves the run without a score."""
    old = column(tmp_path / "old", [outcome(f"{TEXT}@openai", level="")])
    assert (tally(old.results.values()).of, no_score(old)) == (1, "")
    strange = column(tmp_path / "strange", [outcome("openai_chat/of-another-time@openai", level="")])
    assert "their level is not known" in no_score(strange)


PARTS: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"patterns": [], "provider": None, "plans": [], "sync": False}, ""),
    ({"patterns": ["cut", "usage"]}, "only some cases (cut usage)"),
    ({"provider": "azure"}, "only provider azure"),
    ({"plans": ["split:byte"], "sync": True}, "only wire plans (split:byte), only the sync side"),
]


@pytest.mark.parametrize(("asked", "reason"), PARTS)
def test_a_part_of_a_run_has_no_score(tmp_path: Path, asked: dict[str, Any], reason: str) -> None:
    """Half a suite would look like a better library."""
    assert no_score(column(tmp_path / "a", [outcome(f"{TEXT}@openai")], **asked)) == reason


def test_a_part_beside_a_whole_run_takes_nothing_away(tmp_path: Path) -> None:
    """A run of everything, and a look at one case by another plan."""
    files = [
        run_file(tmp_path / "whole", [outcome(f"{TEXT}@openai")]),
        run_file(tmp_path / "part", [outcome(f"{TEXT}@openai+split:byte", Verdict.WRONG)], plans=["split:byte"]),
    ]
    (found,) = columns(read_runs(files))
    assert (no_score(found), tally(found.results.values()).of) == ("", 1)


def test_our_own_faults_take_the_score_away(tmp_path: Path) -> None:
    """One in a hundred says nothing of the library; more say nothing at all."""
    cells = [outcome(f"openai_chat/c-{n}@openai") for n in range(99)]
    ours = [outcome(f"openai_chat/h-{n}@openai", Verdict.HARNESS) for n in range(2)]
    assert no_score(column(tmp_path / "a", [*cells, ours[0]])) == ""
    assert "streamproof's own fault" in no_score(column(tmp_path / "b", [*cells, *ours]))
    assert no_score(column(tmp_path / "c", [outcome(f"{TEXT}@openai", Verdict.UNSUPPORTED)])) == "no cell of it counts"


@pytest.mark.parametrize(
    ("part", "of", "text"), [(2999, 3000, "99.9 %"), (3000, 3000, "100.0 %"), (0, 7, "0.0 %"), (0, 0, "-")]
)
def test_a_share_is_never_rounded_up_to_all(part: int, of: int, text: str) -> None:
    """One failure in ten thousand is not 100 %."""
    assert percent(part, of) == text


def test_a_should_warns_and_does_not_count(tmp_path: Path) -> None:
    """It is right, and counted beside."""
    soft = outcome(f"{TEXT}@openai", findings=((finding(Verdict.LOSSY, level="should"), ""),))
    found = tally(column(tmp_path / "a", [soft]).results.values())
    assert (found.right, found.warned, found.musts) == (1, 1, 0)


def test_what_is_offered_is_counted_in_facts(tmp_path: Path) -> None:
    """One fact that a library does not show would take the whole cell away; laws would hide that there is little."""
    facts = [Verdict.PASS, Verdict.PASS, Verdict.WRONG, Verdict.NOT_OFFERED]
    found = [finding(verdict, requirement=f"fact-{n}") for n, verdict in enumerate(facts)]
    found += [finding(Verdict.PASS, requirement="law:fold"), finding(Verdict.NOT_OFFERED, level="should")]
    both = [
        outcome(f"{TEXT}@openai", findings=tuple((each, "") for each in found)),
        outcome(f"{USAGE}@openai", findings=((found[3], ""),), level="edge"),
    ]
    counted = tally(column(tmp_path / "a", both).results.values())
    assert (counted.offered, counted.musts) == (3, 4)


def test_tallies_by_protocol_and_order(tmp_path: Path) -> None:
    """The better share first, among equals the one with more cells, and last who has no score."""
    small = column(tmp_path / "s", [outcome(f"{TEXT}@openai")])
    large = column(tmp_path / "l", [outcome(f"{TEXT}@openai"), outcome(f"{MESSAGE}@anthropic")], versions={"acme": "2"})
    worse = column(tmp_path / "w", [outcome(f"{TEXT}@openai"), outcome(f"{USAGE}@openai", Verdict.WRONG)])
    part = column(tmp_path / "p", [outcome(f"{TEXT}@openai")], patterns=["text"], versions={"acme": "3"})
    assert [found.version for found, _ in ranked([part, worse, small, large])] == ["2", "1.2.3", "1.2.3", "3"]
    assert ranked([worse, small])[0][0] is small
    assert {name: found.of for name, found in by_protocol(large).items()} == {
        "anthropic_messages": 1, "openai_chat": 1,
    }  # fmt: skip


def test_known_failures_stand_apart(tmp_path: Path) -> None:
    """They are no news; a cell with one more failure than those that are listed is."""
    entry = KnownFailure("finish-length", "says stop", "https://example.org/1")
    listed = [outcome(f"{TEXT}@{name}", Verdict.WRONG, known=(entry,)) for name in ("openai", "azure")]
    two = ((finding(Verdict.WRONG), ""), (finding(Verdict.LOSSY, requirement="usage-kept"), ""))
    crash = outcome(f"{MESSAGE}@anthropic", Verdict.CRASH, known=(entry._replace(requirement="cell"),))
    found = column(tmp_path / "a", [*listed, outcome(f"{USAGE}@openai", findings=two, known=(entry,)), crash])
    assert tally(found.results.values()).known == 3
    assert [result.cell for _, result in worst_failures([found], 9)] == [f"{USAGE}@openai"]
    assert complaint(found.results[f"{USAGE}@openai"])[0].startswith("usage-kept")
    assert known_failures(found) == [(entry._replace(requirement=""), 4)]
    assert tally(found.results.values()).right == 0, "a known failure is a failure"


def test_the_worst_failures_come_first_and_once_per_case(tmp_path: Path) -> None:
    """Nine providers with the same fault are one thing to look at."""
    cells = [outcome(f"{TEXT}@{name}", Verdict.WRONG) for name in ("openai", "azure", "zai")]
    cells += [outcome(f"{USAGE}@openai", Verdict.LOSSY), outcome(f"{MESSAGE}@anthropic", Verdict.HANG)]
    found = column(tmp_path / "a", cells)
    assert [result.verdict for _, result in worst_failures([found], 10)] == [Verdict.HANG, Verdict.WRONG, Verdict.LOSSY]
    assert len(worst_failures([found], 1)) == 1


def test_a_failure_says_expected_got_and_place(tmp_path: Path) -> None:
    """Its worst MUST; a crash has only its message."""
    found = column(
        tmp_path / "a", [outcome(f"{TEXT}@openai", Verdict.WRONG), outcome(f"{USAGE}@openai", Verdict.CRASH)]
    )
    wrong, crash = found.results.values()
    assert complaint(wrong) == ("finish-length: finish_reason, decided by event 2, data", 'equals "length"', '"stop"')
    assert complaint(crash) == ("it was a crash", "", "")


@pytest.mark.parametrize(
    ("header", "option"),
    [
        ({}, "--adapter acme"),
        ({"target": "mine.driver:Adapter"}, "--adapter mine.driver:Adapter"),
        ({"command": "node adapter.mjs --fast"}, "--command 'node adapter.mjs --fast'"),
        ({"command": ["node", "my adapter.mjs"]}, """--command 'node '"'"'my adapter.mjs'"'"''"""),
    ],
)
def test_the_command_names_the_adapter_as_the_run_did(header: dict[str, object], option: str) -> None:
    """An adapter of one's own cannot be run by its name alone."""
    assert adapter_option("acme", [header]) == option


def test_the_command_has_every_part_of_the_cell() -> None:
    """Provider, plan and sync, so that it is this cell and no other that runs again."""
    cell = CellId("openai_chat/text", "azure", split="byte", cut="after-2-reset", sync=True)
    assert again(CellName.parse(str(cell)), "sdk", []) == (
        "streamproof run openai_chat/text --provider azure --plan split:byte+cut:after-2-reset --sync --adapter sdk"
    )
    assert again(CellName.parse("x; rm -rf /@p"), "sdk", []).startswith("streamproof run 'x; rm -rf /' ")
    published = [{"again": "nox -s adapter-acme --", "command": "/a/machine/s/own/python driver.py"}]
    assert again(CellName.parse("openai_chat/text@openai"), "acme", published) == (
        "nox -s adapter-acme -- openai_chat/text --provider openai"
    )
