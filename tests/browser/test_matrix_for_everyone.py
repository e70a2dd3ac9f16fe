"""The matrix with the keyboard, a screen reader, a phone, in the dark."""

from __future__ import annotations

import pytest
from browser_kit import Browser
from report_kit import TEXT
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

WIDTHS = {"desk": 1440, "phone": 390}


def test_the_keyboard_alone(browser: Browser) -> None:
    """One stop of Tab for the matrix, arrows within, Enter opens, Escape closes and gives the focus back."""
    browser.open()
    browser.script("document.querySelector('[type=search]').focus()")
    for _ in range(30):
        browser.press(Keys.TAB)
        if browser.focused() == "0,0":
            break
    assert browser.focused() == "0,0"
    browser.press(Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    assert browser.focused() == "1,1"
    browser.press(Keys.END)
    assert browser.focused() == "1,2"
    browser.press(Keys.HOME, Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_LEFT)
    assert browser.focused() == "0,0"
    browser.press(Keys.ARROW_RIGHT, Keys.ENTER)
    browser.until(lambda: browser.opened)
    browser.until(lambda: browser.focused() == "detail-title")
    browser.press(Keys.ESCAPE)
    browser.until(lambda: not browser.opened)
    browser.until(lambda: browser.focused() == "0,1")
    browser.press(Keys.TAB)
    assert not browser.script("return document.activeElement.closest('#matrix')")


def test_the_focus_is_visible(browser: Browser) -> None:
    """An outline of its own, on whatever has the focus."""
    browser.open()
    browser.press(Keys.TAB)
    assert browser.text(":focus") == "Skip to the matrix"
    assert browser.script("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press(Keys.ENTER)
    browser.until(lambda: browser.focused() == "matrix-title")


def test_what_a_screen_reader_is_told(browser: Browser) -> None:
    """A grid with named rows and columns, every chip with its verdict in words, a live count, a labelled dialog."""
    browser.open()
    assert browser.one("#matrix table").aria_role == "grid"
    assert browser.one("#matrix table").get_attribute("aria-rowcount") == "4"
    assert [" ".join(node.text.split()) for node in browser.all("#matrix thead th.adapter")] == [
        "acme 1.2.3",
        "bolt 0.9",
    ]
    assert {node.get_attribute("scope") for node in browser.all("#matrix tbody tr:not(.group) th")} == {"row"}
    assert all(node.get_attribute("aria-label") for node in browser.all("#matrix .chip"))
    assert browser.one("#count").get_attribute("aria-live") == "polite"
    for field in browser.all("#filters label:not([hidden]) :is(input, select)"):
        assert field.accessible_name
    browser.click("#matrix .chip")
    browser.until(lambda: browser.opened)
    assert browser.one("#detail").accessible_name == browser.text("#detail h2")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS.values(), ids=WIDTHS)
def test_no_page_is_wider_than_its_screen(browser: Browser, width: int, dark: bool) -> None:
    """On a phone only the tables scroll sideways; the drill-down fits whole. Letters stand out from their ground."""
    browser.open(width=width, dark=dark)
    assert browser.script("return document.documentElement.scrollWidth") <= width
    assert browser.low_contrast() == []
    browser.open_case(f"#case={TEXT}&by=acme+1.2.3", width=width, dark=dark)
    detail = "const d = document.getElementById('detail'); return d.scrollWidth - d.clientWidth"
    assert browser.script(detail) <= 0
    assert browser.low_contrast() == []


def test_the_theme_can_be_chosen(browser: Browser) -> None:
    """Against the system's."""
    browser.open(dark=False)
    before = browser.script("return getComputedStyle(document.body).backgroundColor")
    Select(browser.one("#theme")).select_by_value("dark")
    assert browser.script("return getComputedStyle(document.body).backgroundColor") != before
    Select(browser.one("#theme")).select_by_value("")
