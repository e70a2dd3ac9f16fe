"""A case of the matrix, opened: what it shows, how one gets there and back."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote_plus

import pytest
from browser_kit import Browser, saved
from report_kit import TEXT, USAGE, column, finding, outcome
from selenium.webdriver import Chrome
from selenium.webdriver.common.keys import Keys
from streamproof.outcome import KnownFailure
from streamproof.verdict import Verdict


def test_drill_down(browser: Browser) -> None:
    """Expected and got with their difference marked, the place on the wire, the command, and the worst cell first."""
    browser.open()
    browser.click("#matrix .chip")
    browser.until(lambda: browser.opened)
    assert "wrong" in browser.text("#detail .verdict")
    assert browser.text("#detail .of-cells [aria-current]").split("\n")[1] == "azure"
    row = browser.one(".findings tbody tr")
    assert "finish-length" in row.text
    assert [mark.text for mark in browser.all(".findings mark")] == ["length", "stop"]
    assert "streamproof run openai_chat/text --provider azure --adapter acme" in browser.text(".again")
    changed = [node.text for node in browser.all(".diff .changed td:last-child")]
    assert any('"text": "x"' in text for text in changed)
    assert browser.text(".event.deciding .decides") == "decides finish-length"
    browser.click(".jump")
    assert browser.script("return document.activeElement.closest('details').dataset.event") == "2"
    assert "{" in browser.text(".event[open] pre")


def test_of_numbers_that_differ_all_is_marked(chrome: Chrome, tmp_path: Path) -> None:
    """Nobody should see a 4 marked in 341 where 31 was expected."""
    bad = finding(Verdict.WRONG, path="usage.input_tokens", expected="equals 31", got="341")
    found = column(tmp_path / "acme", [outcome(f"{TEXT}@openai", findings=((bad, ""),))])
    page = Browser(chrome, saved(tmp_path / "numbers.html", [found])).open_case(f"#case={TEXT}&by=acme+1.2.3")
    assert [mark.text for mark in page.all(".findings mark")] == ["31", "341"]


def test_a_known_failure_is_told_with_its_reason(chrome: Chrome, tmp_path: Path) -> None:
    """It is red, set apart, and says who knows of it; where a case has more turns, they follow."""
    entry = KnownFailure("finish-length", "says stop", "https://example.org/1")
    case = "openai_chat/round-trip-tool-call"
    found = column(tmp_path / "acme", [outcome(f"{case}@openai", Verdict.WRONG, known=(entry,))])
    page = Browser(chrome, saved(tmp_path / "known.html", [found])).open()
    chip = page.one("#matrix .chip")
    assert chip.get_attribute("aria-label") == "known: wrong"
    assert "known" in str(chip.get_attribute("class"))
    assert page.text("#matrix .group .share") == "0%"
    page.click("#matrix .chip")
    page.until(lambda: page.opened)
    assert "finish-length says stop https://example.org/1" in page.text("#detail ul.known")
    assert page.text("#detail .turn h3") == "Turn 2"
    assert "asked next" in page.text("#detail .turn .where")
    assert page.all("#detail .turn .wire li")
    assert page.low_contrast() == []
    assert page.problems() == []


def test_a_crash_shows_its_message(browser: Browser) -> None:
    """There is no completion to compare; the expected one stands there."""
    browser.open_case(f"#case={USAGE}&by=acme+1.2.3")
    assert browser.text("#detail .message") == "it was a crash"
    assert "It gave no completion" in browser.text(".comparison")
    assert not browser.all(".diff")


def test_from_adapter_to_adapter_and_failure_to_failure(browser: Browser) -> None:
    """Inside the drill-down; the address follows."""
    browser.open_case(f"#case={TEXT}&by=acme+1.2.3")
    browser.click("#detail .tools button:nth-of-type(2)")
    browser.until(lambda: "acme 1.2.3\ncrash" in browser.text("#detail .verdict"))
    assert USAGE in browser.hash
    browser.all("#detail .strip li a")[1].click()
    browser.until(lambda: "bolt 0.9\nlossy" in browser.text("#detail .verdict"))
    assert "by=bolt+0.9" in browser.hash


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (f"#case={TEXT}&by=acme+1.2.3", "wrong"),
        (f"#case={TEXT}&by=acme+1.2.3&cell=openai", "pass"),
        (f"#protocol=openai_chat&case={quote_plus(USAGE)}&by=bolt+0.9", "lossy"),
    ],
)
def test_a_deep_link_opens_the_drill_down(browser: Browser, state: str, word: str) -> None:
    """As it was shared: the case, the adapter, the cell, the filters below."""
    browser.open_case(state)
    assert word in browser.text("#detail .verdict")
    browser.press(Keys.ESCAPE)
    browser.until(lambda: not browser.opened and "case=" not in browser.hash)


def test_a_case_alone_shows_what_must_come_out(browser: Browser) -> None:
    """From the name of a stream: the wire, the requirements with sources, and every adapter's standing."""
    browser.open()
    browser.click("#matrix tbody th a")
    browser.until(lambda: browser.opened)
    assert "What must come out" in browser.text("#detail")
    assert browser.all("#detail .held li")
    source = browser.one("#detail .held a")
    assert str(source.get_attribute("href")).startswith("https://")
    assert source.get_attribute("rel") == "noreferrer"
    assert len(browser.all("#detail .strip li")) == 2
    assert browser.text(".wire li:last-child").startswith("end of body")
    assert "why it matters" in browser.text(".about")


def test_only_adapters_that_were_asked_stand_beside_a_case(browser: Browser) -> None:
    """The others are counted, unless one of them is what was opened."""
    browser.open_case("#case=anthropic_messages/text&by=acme+1.2.3")
    assert browser.text("#detail .strip").split("\n") == ["✓", "acme 1.2.3", ", pass", "1 does not speak it"]
    browser.open_case("#case=anthropic_messages/text&by=bolt+0.9")
    assert len(browser.all("#detail .strip li a")) == 2


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("delete window.DecompressionStream", "it has no DecompressionStream"),
        ("const given = atob; window.atob = (text) => given(text.slice(0, 40))", "cannot be read"),
    ],
)
def test_where_details_cannot_be_unpacked_this_is_told(browser: Browser, damage: str, words: str) -> None:
    """In an old browser, or of a file that was cut; the verdict and the command are there still."""
    given = browser.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": damage})
    try:
        browser.open_case(f"#case={TEXT}&by=acme+1.2.3")
        assert words in browser.text("#detail [role=alert]")
        assert "wrong" in browser.text("#detail .verdict")
        assert "streamproof run openai_chat/text" in browser.text("#detail .again")
        browser.click("#detail .close")
        browser.until(lambda: not browser.opened)
    finally:
        browser.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", given)


def test_what_was_opened_last_is_shown(browser: Browser) -> None:
    """However long the details of the one before it take; what was closed meanwhile stays closed."""
    browser.open()
    browser.script("for (const chip of [...document.querySelectorAll('#matrix .chip')].slice(0, 3)) chip.click()")
    browser.until(lambda: browser.opened)
    assert browser.text("#detail .verdict").split("\n")[1:3] == ["acme 1.2.3", "crash"]
    browser.open()
    browser.script("""
      document.querySelector("#matrix .chip").click();
      history.replaceState(null, "", "#");
      dispatchEvent(new HashChangeEvent("hashchange"));
      return new Promise((done) => setTimeout(done, 300));
    """)
    assert not browser.opened


def test_an_unknown_case_in_the_address_is_told(browser: Browser) -> None:
    """An old link."""
    browser.open("#case=openai_chat/gone")
    assert not browser.opened
    assert browser.text("#count") == "There is no stream openai_chat/gone here"


def test_back_closes_and_forward_opens(browser: Browser) -> None:
    """The browser's own buttons do what they do elsewhere."""
    browser.open("#protocol=openai_chat")
    browser.click("#matrix .chip")
    browser.until(lambda: browser.opened)
    browser.chrome.back()
    browser.until(lambda: not browser.opened and browser.hash == "#protocol=openai_chat")
    browser.chrome.forward()
    browser.until(lambda: browser.opened)
    browser.click("#detail .close")
    browser.until(lambda: not browser.opened and browser.hash == "#protocol=openai_chat")
