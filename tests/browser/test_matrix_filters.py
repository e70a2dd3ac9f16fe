"""The first screen and the filters of the matrix."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser_kit import Browser, saved
from report_kit import column, outcome
from selenium.webdriver.support.ui import Select
from streamproof.case import all_cases


def test_the_first_screen_and_the_matrix(browser: Browser) -> None:
    """Shares with denominators, a row per stream, a chip per adapter with its verdict and how many cells fail."""
    browser.open()
    assert "2 adapters, 3 streams" in browser.text("h1")
    assert "2/4" in browser.text(".scores tbody")
    assert browser.rows() == ["musttext", "mustusage-absent", "musttext"]
    labels = [node.get_attribute("aria-label") for node in browser.all("#matrix .chip")]
    assert labels == ["wrong, 1 of 2 cells fail", "pass", "crash", "lossy", "pass", "unsupported"]
    assert browser.text("#matrix .chip").split() == ["W", "1/2"]
    assert browser.text("#count") == "All 3 streams, 8 cells"


@pytest.mark.parametrize(
    ("name", "value", "rows", "count"),
    [
        ("protocol", "anthropic_messages", 1, "1 of 3 streams, 1 cell; 1 adapter without any"),
        ("provider", "azure", 1, "1 of 3 streams, 1 cell; 1 adapter without any"),
        ("adapter", "bolt 0.9", 3, "All 3 streams, 4 cells"),
    ],
)
def test_filters_by_choice(browser: Browser, name: str, value: str, rows: int, count: str) -> None:
    """The rows follow, the count is told, and the address can be shared."""
    browser.open()
    Select(browser.one(f"[name={name}]")).select_by_value(value)
    browser.until(lambda: browser.text("#count") == count)
    assert len(browser.rows()) == rows
    assert f"{name}={value.split(maxsplit=1)[0]}" in browser.hash
    browser.click("[type=reset]")
    browser.until(lambda: browser.text("#count") == "All 3 streams, 8 cells")
    assert browser.hash == ""


def test_a_provider_changes_what_a_chip_stands_for(browser: Browser) -> None:
    """acme is wrong at azure only."""
    browser.open("#provider=openai")
    assert browser.all("#matrix .chip")[0].get_attribute("aria-label") == "pass"


def test_filter_by_verdict_and_text(browser: Browser) -> None:
    """Several verdicts add up; words must all be there; nothing found is said."""
    browser.open()
    for word, rows in (("crash", 1), ("wrong", 2)):
        browser.click(f".verdicts label:has([value={word}])")
        browser.until(lambda rows=rows: len(browser.rows()) == rows)
    assert "verdict=crash,wrong" in browser.hash
    browser.one("[name=q]").send_keys("ABSENT usage")
    browser.until(lambda: browser.text("#count") == "1 of 3 streams, 2 cells")
    browser.one("[name=q]").send_keys(" nowhere")
    browser.until(lambda: browser.text("#count") == "No stream fits these filters")


def test_a_column_without_a_verdict_is_left_out(browser: Browser) -> None:
    """Where a filter leaves it nothing; not when it is what was asked for."""
    browser.open("#protocol=anthropic_messages")
    assert len(browser.all("#matrix thead th.adapter")) == 1
    for state in ("#protocol=anthropic_messages&adapter=bolt+0.9", "#verdict=unsupported"):
        browser.open(state)
        assert browser.text("#matrix thead th.adapter:last-child").split() == ["bolt", "0.9"]


def test_shares_of_a_part_by_verdict_are_not_told(browser: Browser) -> None:
    """Of the wrong cells, none is right."""
    browser.open()
    assert browser.text("#matrix .group .share") == "33%"
    browser.open("#verdict=wrong")
    assert browser.text("#matrix .group .share") == ""


def test_filter_by_level(browser: Browser, tmp_path: Path) -> None:
    """Streams of other levels go."""
    levels = {case.level: case for case in all_cases()}
    cells = [outcome(f"{case.id}@{case.providers[0]}") for case in levels.values()]
    browser.address = saved(tmp_path / "levels.html", [column(tmp_path / "run", cells)])
    browser.open()
    Select(browser.one("[name=level]")).select_by_value("edge")
    browser.until(lambda: browser.text("#count") == f"1 of {len(levels)} streams, 1 cell")


def test_a_link_of_the_first_screen_filters(browser: Browser) -> None:
    """From an adapter's share of a protocol to the cells behind it."""
    browser.open()
    browser.click(".scores tbody .score a")
    browser.until(lambda: "of 3 streams" in browser.text("#count"))
    assert browser.one("[name=protocol]").get_property("value") == "openai_chat"
