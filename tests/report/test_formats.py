"""JUnit, Markdown, badge and terminal: what they say, and that no text of a stream can break them."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from report_kit import EVIL, MESSAGE, TEXT, USAGE, column, evil_column, finding, lines, outcome, write
from streamproof.errors import UsageError
from streamproof.outcome import KnownFailure
from streamproof.report.badge import badge
from streamproof.report.columns import Column, columns
from streamproof.report.junit import junit
from streamproof.report.markdown import LIMIT, markdown
from streamproof.report.runs import read_runs
from streamproof.report.table import print_table
from streamproof.report.visible import one_line, shortened, visible
from streamproof.verdict import Verdict

INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@pytest.fixture
def mixed(tmp_path: Path) -> Column:
    """A cell of every verdict, and one that warns."""
    cells = [outcome(f"openai_chat/case-{n}@openai", verdict) for n, verdict in enumerate(Verdict)]
    soft = finding(Verdict.LOSSY, level="should", requirement="raw-kept")
    cells.append(outcome(f"{MESSAGE}@anthropic+split:byte", findings=((soft, "end of body"),)))
    return column(tmp_path / "a.ndjson", cells, target="mine:Acme", date="2026-11-22T10:11:12Z")


@pytest.fixture
def scored(tmp_path: Path) -> Column:
    """A cell of every verdict but that of our own faults, and one that warns."""
    verdicts = [verdict for verdict in Verdict if verdict is not Verdict.HARNESS]
    cells = [outcome(f"openai_chat/case-{n}@openai", verdict) for n, verdict in enumerate(verdicts)]
    soft = finding(Verdict.LOSSY, level="should", requirement="raw-kept")
    cells.append(outcome(f"{MESSAGE}@anthropic", findings=((soft, "end of body"),)))
    return column(tmp_path / "scored.ndjson", cells, target="mine:Acme", date="2026-11-22T10:11:12Z")


@pytest.fixture
def cut(tmp_path: Path) -> Column:
    """A run that was killed after one of two cells."""
    text = lines([outcome(f"{TEXT}@openai"), outcome(f"{USAGE}@openai")])[:2]
    return columns(read_runs([write(tmp_path / "cut.ndjson", text)]))[0]


def table(*found: Column, worst: int = 20) -> str:
    """What the terminal would show, into a pipe."""
    out = io.StringIO()
    print_table(found, out, worst)
    return out.getvalue()


def test_junit_counts_add_up(mixed: Column) -> None:
    """CI systems show the attributes; they must be those of the elements."""
    root = ET.fromstring(junit([mixed]))
    (suite,) = root.findall("testsuite")
    for node in (root, suite):
        assert {name: node.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
            "tests": "9", "failures": "2", "errors": "3", "skipped": "2",
        }  # fmt: skip
    for tag, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert len(suite.findall(f"testcase/{tag}")) == int(str(suite.get(name)))
    assert (suite.get("name"), suite.get("timestamp")) == ("acme 1.2.3", "2026-11-22T10:11:12")
    assert {p.get("name"): p.get("value") for p in suite.findall("properties/property")}["acme"] == "1.2.3"


def test_junit_failures_say_all_and_how_to_repeat_them(mixed: Column) -> None:
    """Requirement, expected, got, place, command."""
    root = ET.fromstring(junit([mixed]))
    failure = next(node for node in root.iter("failure") if node.get("type") == "wrong")
    text = str(failure.text)
    for part in ("finish-length", 'expected equals "length"', 'got      "stop"', "decided by event 2, data"):
        assert part in text
    assert "again: streamproof run openai_chat/case-2 --provider openai --adapter mine:Acme" in text
    (warned,) = root.findall(".//testcase[system-out]")
    assert "raw-kept (should, lossy)" in str(warned.findtext("system-out"))


def test_junit_has_only_what_consumers_know(mixed: Column) -> None:
    """Elements and attributes of the dialect that all of them read, in its order."""
    known = {
        "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
        "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
        "properties": set(),
        "property": {"name", "value"},
        "testcase": {"classname", "name", "time"},
        "failure": {"type", "message"},
        "error": {"type", "message"},
        "skipped": {"message"},
        "system-out": set(),
    }
    for node in ET.fromstring(junit([mixed])).iter():
        assert set(node.attrib) <= known[node.tag]


def test_junit_is_well_formed_for_any_text(tmp_path: Path) -> None:
    """NUL, lone surrogates, `]]>` and a megabyte: a parser takes it, and the text is there as escapes."""
    data = junit([evil_column(tmp_path / "a")])
    assert len(data) < 200_000
    root = ET.fromstring(data)
    text = "".join(root.itertext())
    assert "]]>" in text
    assert r"\x00 \x07 \x1b[31m \ud800 \ufffe" in text
    for node in root.iter():
        assert not INVISIBLE.search("".join([str(node.text or ""), *node.attrib.values()]))


def test_junit_of_a_run_that_was_cut_is_red(cut: Column) -> None:
    """One green test case and nothing else would look like a success."""
    root = ET.fromstring(junit([cut]))
    assert (root.get("tests"), root.get("errors")) == ("2", "1")
    assert "cut short after 1 of 2 cells" in str(root.findtext(".//error"))


def test_markdown_tells_scores_and_failures(scored: Column, mixed: Column) -> None:
    """A table row per adapter with its denominators, and every failure with its command; a run without a score says
    why."""
    text = markdown([scored], 20)
    (row,) = (line for line in text.splitlines() if line.startswith("| **"))
    assert "| 42.8 % (3/7) | 75.0 % (3/4) | 1/1 | 2/6 |" in row
    assert "streamproof run openai_chat/case-2 --provider openai --adapter mine:Acme" in text
    assert text.count("<details>") == text.count("</details>") == 4
    assert "The worst 1 failures" in markdown([scored], 1)
    assert "worst" not in markdown([scored], 0)
    assert "no score: 1 of 7 cells failed through streamproof's own fault" in markdown([mixed], 1).replace("\\", "")


def test_known_failures_are_told_apart(tmp_path: Path) -> None:
    """What the adapter's expectations list is no news: JUnit skips it, the others give reason and issue once."""
    entry = KnownFailure("finish-length", "says stop, always", "https://example.org/1")
    cells = [outcome(f"{TEXT}@{name}", Verdict.WRONG, known=(entry,)) for name in ("openai", "azure")]
    found = column(tmp_path / "a", [*cells, outcome(f"{USAGE}@openai", Verdict.LOSSY)])
    root = ET.fromstring(junit([found]))
    assert (root.get("failures"), root.get("skipped")) == ("1", "2")
    assert "known, wrong: says stop, always (https://example.org/1)" in str(root.find(".//skipped").get("message"))  # type: ignore[union-attr]
    told = table(found)
    assert "known acme 1.2.3: 2 cells: says stop, always\n  https://example.org/1" in told
    assert "1 cells fail; shown: 1" in told
    text = markdown([found], 9)
    assert "2 cells: says stop, always" in text.replace("\\", "")
    assert text.count("<details>") == 1


def test_scores_of_different_suites_are_no_comparison(scored: Column, tmp_path: Path) -> None:
    """Two columns of two releases of the suite."""
    other = column(tmp_path / "b", [outcome(f"{TEXT}@openai")], suite="9.9.9")
    for text in (markdown([scored, other], 0).replace("\\", ""), table(scored, other)):
        assert "different suites do not compare" in text
        assert "9.9.9" in text
    assert "different suites" not in table(scored)


def test_markdown_of_hostile_text_has_no_markup_of_its_own(tmp_path: Path) -> None:
    """Outside of fences and code no tag, no link, no table cell comes from a stream; a fence is never closed by one."""
    text = markdown([evil_column(tmp_path / "a")], 20)
    assert not INVISIBLE.search(text)
    (fence,) = re.findall(r"^(`{3,})text$", text, re.MULTILINE)
    assert len(fence) == 5
    outside = re.sub(rf"^{fence}text$.*?^{fence}$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert set(re.findall(r"(?<!\\)</?\w+", outside)) == {
        "<details",
        "</details",
        "<summary",
        "</summary",
        "<code",
        "</code",
    }
    assert not re.search(r"(?<!\\)\]\(", outside)
    head, rule, row = (line for line in outside.splitlines() if line.startswith("|"))
    assert len(re.findall(r"(?<!\\)\|", head)) == len(re.findall(r"(?<!\\)\|", row)) == rule.count("|")


def test_markdown_stays_below_github_s_limit(tmp_path: Path) -> None:
    """GitHub drops a larger summary whole."""
    cells = [
        outcome(f"openai_chat/case-{n}@openai", findings=((finding(Verdict.WRONG, got="x" * 2000), "p" * 2000),))
        for n in range(900)
    ]
    text = markdown([column(tmp_path / "a", cells)], 900)
    assert LIMIT - 10_000 < len(text.encode()) < LIMIT + 10_000
    assert text.rstrip().endswith("this summary has no room for them.")


def test_markdown_and_table_say_that_a_run_was_cut(cut: Column) -> None:
    """Before any number is believed."""
    assert "cut short after 1 of 2 cells" in markdown([cut], 5).replace("\\", "")
    assert "cut short after 1 of 2 cells" in table(cut)


def test_the_badge_is_what_shields_reads(scored: Column) -> None:
    """schemaVersion, label, message and a colour, all of them text."""
    assert badge([scored]) == {
        "schemaVersion": 1,
        "label": "streamproof 1.2.3",
        "message": "3/7 right, 75.0 % offered",
        "color": "orange",
        "isError": False,
    }


@pytest.mark.parametrize(
    ("passed", "failed", "colour"), [(20, 0, "brightgreen"), (19, 1, "green"), (4, 1, "yellowgreen"), (0, 1, "red")]
)
def test_the_badge_is_bright_only_for_all(tmp_path: Path, passed: int, failed: int, colour: str) -> None:
    """One failure takes the brightest green away."""
    verdicts = [Verdict.PASS] * passed + [Verdict.LOSSY] * failed
    cells = [outcome(f"openai_chat/case-{n}@openai", verdict) for n, verdict in enumerate(verdicts)]
    assert badge([column(tmp_path / "a", cells)])["color"] == colour


def test_the_badge_of_a_run_that_was_cut_is_no_success(cut: Column) -> None:
    """What ran so far passed, and nobody knows of the rest."""
    told = {"message": "no score: the run was cut short", "color": "lightgrey", "isError": True}
    assert told.items() <= badge([cut]).items()


def test_the_badge_of_a_part_is_no_score(tmp_path: Path) -> None:
    """It ran well, but not on everything."""
    part = column(tmp_path / "a", [outcome(f"{TEXT}@openai")], patterns=["text"])
    told = {"message": "no score: only some cases (text)", "color": "lightgrey", "isError": False}
    assert told.items() <= badge([part]).items()


def test_a_badge_speaks_for_one_adapter(mixed: Column, cut: Column) -> None:
    """The error says how to choose."""
    with pytest.raises(UsageError) as caught:
        badge([mixed, cut])
    assert "--adapter" in str(caught.value)


def test_the_table_counts_and_shows_the_worst(scored: Column, mixed: Column) -> None:
    """Scores per protocol, verdicts, and expected, got, place and command of each failure."""
    assert re.search(r"acme 1\.2\.3\s+42\.8 %\s+3/7\s+75\.0 %\s+3/4\s+1/1\s+2/6", table(scored, worst=2))
    text = table(mixed, worst=2)
    assert "no score" in text
    assert re.search(r"acme 1\.2\.3\s+9\s+2\s+1\s+1\s+1\s+1\s+1\s+1\s+1\s+1\s+·", text)
    assert "hang openai_chat/case-0@openai" in text
    assert "again    streamproof run openai_chat/case-0 --provider openai --adapter mine:Acme" in text
    assert "5 cells fail; shown: 2" in text
    everything = table(mixed)
    assert 'expected equals "length"' in everything
    assert "finish-length: finish_reason, decided by event 2, data" in everything


def test_the_table_of_hostile_text_has_no_control_characters(tmp_path: Path) -> None:
    """An adapter must not move the cursor, colour the screen, or turn the reading order round."""
    text = table(evil_column(tmp_path / "a"))
    assert not INVISIBLE.search(text)
    assert r"\x1b[31m" in text
    assert max(map(len, text.splitlines())) < 2_000


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("a\tb\nc é 漢 🎉", "a\tb\nc é 漢 🎉"),
        ("\x00\r\x7f\x9b", r"\x00\x0d\x7f\x9b"),
        ("\u202e\u2028\ufeff\u200b", r"\u202e\u2028\ufeff\u200b"),
        ("\ud83d", r"\ud83d"),
    ],
)
def test_what_cannot_be_seen_is_shown(given: str, seen: str) -> None:
    """And what can be seen is left alone."""
    assert visible(given) == seen


def test_text_is_cut_with_its_length() -> None:
    """So that a reader knows how much is not shown."""
    assert shortened("x" * 1_000_000, 3) == "xxx… (1,000,000 characters in all)"
    assert shortened("xxx", 3) == "xxx"
    assert one_line("a\n  b", 10) == "a b"
    assert len(one_line(EVIL * 1000, 50)) == 50


def test_reports_of_a_column_without_cells(tmp_path: Path) -> None:
    """A run that died at once: every format says so instead of dividing by zero."""
    (found,) = columns(read_runs([write(tmp_path / "a", lines([outcome(f"{TEXT}@openai")])[:1])]))
    shown: list[Any] = [junit([found]).decode(), markdown([found], 3).replace("\\", ""), table(found)]
    assert all("cut short after 0 of 1 cells" in text for text in shown)
    assert badge([found])["isError"] is True
