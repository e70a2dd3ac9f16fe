"""The matrix page without a browser: its data, its first screen, and that it is safe and needs nothing else.

What the scripts make of it is tested in tests/browser.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from case_files import write_case
from report_kit import EVIL, MESSAGE, TEXT, USAGE, column, details_of, evil_column, finding, lines, outcome, write
from streamproof import jsontext
from streamproof.data import ENVIRONMENT
from streamproof.outcome import KnownFailure
from streamproof.report.columns import Column, columns
from streamproof.report.html.data import PER_BLOCK, packed, script_json
from streamproof.report.html.facts import facts_of
from streamproof.report.html.page import page
from streamproof.report.runs import read_runs
from streamproof.verdict import Verdict


class Elements(HTMLParser):
    """Every element of a page, with its attributes and text, as a browser's tokenizer sees it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._inside = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs), []))
        self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1][2].append(data)

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        """The elements of one kind: attributes, and the text before the next tag."""
        return [(attributes, "".join(text)) for name, attributes, text in self.found if name == tag]


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite of one case that the runs of these tests know."""
    write_case(tmp_path / "suite", TEXT, title="A plain text")
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "suite"))


def html(*found: Column) -> str:
    """The page of some columns."""
    ids = {result.name.case for one in found for result in one.results.values()}
    return page(found, facts_of(ids))


def drawn(*found: Column) -> Elements:
    """The elements of the page of some columns."""
    return Elements(html(*found))


def index_of(text: str) -> dict[str, Any]:
    """The index of a page."""
    (index,) = (text for a, text in Elements(text).all("script") if a.get("id") == "index")
    found: dict[str, Any] = json.loads(index)
    return found


@pytest.mark.usefixtures("suite")
def test_the_data_holds_every_outcome_once(tmp_path: Path) -> None:
    """A letter per cell and adapter; details only where there is something to say; the wire once per case."""
    first = column(tmp_path / "a", [outcome(f"{TEXT}@openai"), outcome(f"{TEXT}@azure+split:byte+sync", Verdict.WRONG)])
    second = column(tmp_path / "b", [outcome(f"{TEXT}@openai", Verdict.CRASH, adapter="bolt")], adapter="bolt")
    text = html(first, second)
    index = index_of(text)
    assert [adapter["label"] for adapter in index["adapters"]] == ["acme 1.2.3", "bolt 1.2.3"]
    ((case, title, _, cells),) = index["cases"]
    assert (case, title) == (TEXT, "A plain text")
    names = index["providers"], index["plans"]
    assert {(names[0][p], names[1][plan], sync, letters) for p, plan, sync, letters in cells} == {
        ("openai", "", 0, "pc"), ("azure", "split:byte", 1, "w-"),
    }  # fmt: skip
    (detail,) = details_of(text)
    assert set(detail["cells"]) == {"0:1", "1:0"}
    message, findings, place, milliseconds, _, checks, known = detail["cells"]["1:0"]
    assert findings == [
        ["finish-length", "must", "wrong", "finish_reason", 'equals "length"', '"stop"', "event 2, data", ""]
    ]
    assert (message, milliseconds, checks, known) == ("", 250, 1, [])
    assert json.loads(detail["texts"][place])["finish_reason"] == "stop"
    assert detail["events"][-1][1] == "end of body"
    assert json.loads(detail["expected"])["status"] == "complete"


def test_all_turns_of_a_case_are_there() -> None:
    """What is asked next, its wire, and what must come out of it."""
    case = "openai_chat/round-trip-tool-call"
    detail = facts_of([case])[case].detail
    (turn,) = detail["turns"]
    assert json.loads(turn["asked"])[0]["role"] == "tool"
    assert turn["events"][-1][1] == "end of body"
    assert json.loads(turn["expected"])["finish_reason"] == "stop"
    assert json.loads(detail["expected"])["finish_reason"] == "tool_calls"


def test_a_known_failure_has_a_capital_letter(tmp_path: Path) -> None:
    """The page shows it apart, with its reason."""
    entry = KnownFailure("finish-length", "says stop", "https://example.org/1")
    cells = [outcome(f"{TEXT}@openai", Verdict.WRONG, known=(entry,)), outcome(f"{TEXT}@azure", Verdict.WRONG)]
    index, (detail,) = packed([column(tmp_path / "a", cells)], {})
    assert sorted(letters for *_, letters in index["cases"][0][3]) == ["W", "w"]
    assert detail["cells"]["0:0"][6] == [["finish-length", "says stop", "https://example.org/1"]]


@pytest.mark.usefixtures("suite")
def test_a_case_that_the_suite_no_longer_has_is_shown_as_far_as_outcomes_go(tmp_path: Path) -> None:
    """A run of another release."""
    text = html(column(tmp_path / "a", [outcome("openai_chat/retired@openai", Verdict.LOSSY)]))
    assert index_of(text)["cases"][0][:3] == ["openai_chat/retired", "", ""]
    (detail,) = details_of(text)
    assert "events" not in detail
    assert detail["cells"]["0:0"][1][0][2] == "lossy"


@pytest.mark.usefixtures("suite")
def test_a_warning_has_a_letter_of_its_own(tmp_path: Path) -> None:
    """Green, but not quite."""
    soft = outcome(f"{TEXT}@openai", findings=((finding(Verdict.LOSSY, level="should"), ""),))
    index, _ = packed([column(tmp_path / "a", [soft])], {})
    assert index["cases"][0][3] == [[0, 0, 0, "q"]]


@pytest.mark.usefixtures("suite")
def test_the_first_screen_has_denominators_and_links(tmp_path: Path) -> None:
    """Without any script: the story, an adapter's share of what it was judged on, and the streams that most fail."""
    cells = [
        outcome(f"{TEXT}@openai"),
        outcome(f"{TEXT}@azure", Verdict.WRONG),
        outcome(f"{MESSAGE}@anthropic", Verdict.UNSUPPORTED),
    ]
    elements = drawn(column(tmp_path / "a", cells), column(tmp_path / "b", cells[:1], versions={"acme": "2"}))
    text = " ".join("".join(text) for _, _, text in elements.found[: len(elements.found) - 4])
    assert "2 adapters, 2 streams" in text
    assert "50.0 %" in text
    links = [attributes["href"] for attributes, _ in elements.all("a")]
    assert "#adapter=acme+1.2.3&protocol=openai_chat" in links
    assert f"#case={TEXT.replace('/', '%2F')}" in links
    assert "Messages" not in text, "a protocol on which nobody was judged has no column"
    kinds = [words for attributes, words in elements.all("th") if attributes.get("class") == "kind"]
    assert kinds == ["finish reasons"], "only kinds of faults that somebody has"
    assert "#adapter=acme+1.2.3&verdict=hang%2Ccrash%2Cwrong%2Clossy" in links


@pytest.mark.usefixtures("suite")
def test_notes_that_take_no_score_stand_with_the_runs(tmp_path: Path) -> None:
    """The first screen is for the scores."""
    found = column(tmp_path / "a", [outcome(f"{TEXT}@openai")])
    found.notes.append("shows more than it declares")
    elements = drawn(found)
    assert ("li", {}, ["shows more than it declares"]) in elements.found
    assert not [a for a, _ in elements.all("ul") if a.get("class") == "alerts"]
    assert ({}, "How each run was made, and 1 note") in elements.all("summary")


@pytest.mark.usefixtures("suite")
def test_a_cut_run_is_told_on_the_first_screen(tmp_path: Path) -> None:
    """Nobody should publish half a run by mistake."""
    text = lines([outcome(f"{TEXT}@openai"), outcome(f"{USAGE}@openai")])[:2]
    elements = drawn(*columns(read_runs([write(tmp_path / "cut.ndjson", text)])))
    assert any("cut short after 1 of 2 cells" in words for _, words in elements.all("span"))
    assert ({"class": "flag", "title": "see the notes above"}, "incomplete") in [
        (attributes, words) for attributes, words in elements.all("span") if attributes.get("class") == "flag"
    ]


@pytest.mark.usefixtures("suite")
def test_hostile_text_adds_no_element_and_no_attribute(tmp_path: Path) -> None:
    """The page of a hostile run has the elements of a harmless one, and its scripts are ours."""

    def skeleton(elements: Elements) -> list[tuple[str, tuple[str, ...]]]:
        return [(tag, tuple(attributes)) for tag, attributes, _ in elements.found]

    bad, soft = finding(Verdict.WRONG, path="x"), finding(Verdict.LOSSY, level="should")
    harmless = column(tmp_path / "a", [outcome(f"{TEXT}@openai", findings=((bad, "x"), (soft, "y")))])
    evil = html(evil_column(tmp_path / "b"))
    assert skeleton(Elements(evil)) == skeleton(drawn(harmless))
    told = details_of(evil)[0]["cells"]["0:0"]
    assert told[0] == EVIL
    assert [entry[0] for entry in told[1]] == [EVIL, EVIL]


@pytest.mark.usefixtures("suite")
def test_a_megabyte_is_cut(tmp_path: Path) -> None:
    """One adapter that floods does not make the page of all others slow."""
    text = html(evil_column(tmp_path / "a"))
    assert len(text) < 200_000
    assert len(jsontext.dumps(details_of(text))) < 100_000


def test_the_details_stand_in_blocks_in_the_order_of_the_index(tmp_path: Path) -> None:
    """A script finds a case by its number; the same outcomes make the same page."""
    cells = [outcome(f"openai_chat/case-{number}@openai", Verdict.LOSSY) for number in range(2 * PER_BLOCK + 1)]
    for number, one in enumerate(cells):
        cells[number] = replace(one, message=one.cell)
    found = [column(tmp_path / "a", cells)]
    text = page(found, {})
    assert text.count('id="details-') == 3
    assert index_of(text)["per_block"] == PER_BLOCK
    told = [detail["cells"]["0:0"][0] for detail in details_of(text)]
    assert told == [f"{case}@openai" for case, *_ in index_of(text)["cases"]]
    assert page(found, {}) == text


@pytest.mark.parametrize("text", ["</script>", "<!--<script>", "\u2028\u2029", "]]>", EVIL])
def test_json_in_a_script_cannot_end_it(text: str) -> None:
    """Whatever stands in it, and it reads back the same."""
    written = script_json({"a": [text]})
    assert "<" not in written
    assert not re.search("[\u2028\u2029\ud800-\udfff]", written)
    assert json.loads(written) == {"a": [text]}


@pytest.mark.usefixtures("suite")
def test_the_page_asks_nothing_of_the_network(tmp_path: Path) -> None:
    """One file, with a policy that lets its own style and script run and nothing else."""
    text = page([column(tmp_path / "a", [outcome(f"{TEXT}@openai")])], {})
    elements = Elements(text)
    for _, attributes, _ in elements.found:
        assert not {"src", "srcset", "data", "action"} & set(attributes)
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert str(attributes.get("href", "#")).startswith("#")
    (policy,) = (a["content"] for a, _ in elements.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none';")
    ((_, style),) = elements.all("style")
    (script,) = (code for attributes, code in elements.all("script") if attributes.get("type") == "module")
    for source in (style, script):
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in str(policy)
    assert "innerHTML" not in script
    assert "<!--slot:" not in text
