"""A page in Chromium, and what its readers do with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from report_kit import MESSAGE, TEXT, USAGE, column, outcome
from selenium.webdriver import ActionChains, Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait
from streamproof.completion import Completion, TextPart
from streamproof.report.columns import Column
from streamproof.report.html.facts import facts_of
from streamproof.report.html.page import page
from streamproof.verdict import Verdict

BOLT = {"adapter": "bolt", "versions": {"bolt": "0.9"}}
_CONTRAST = (Path(__file__).parent / "contrast.js").read_text()


def small_run(folder: Path) -> list[Column]:
    """Two adapters: acme is wrong at one provider of a case and crashes on another case, bolt is lossy."""
    got = Completion(content=(TextPart(text="x"),), finish_reason="stop", status="complete")
    acme = [
        outcome(f"{TEXT}@openai"),
        outcome(f"{TEXT}@azure", Verdict.WRONG, completion=got),
        outcome(f"{USAGE}@openai", Verdict.CRASH),
        outcome(f"{MESSAGE}@anthropic"),
    ]
    bolt = [
        outcome(f"{TEXT}@openai", adapter="bolt"),
        outcome(f"{USAGE}@openai", Verdict.LOSSY, adapter="bolt"),
        outcome(f"{MESSAGE}@anthropic", Verdict.UNSUPPORTED, adapter="bolt"),
    ]
    return [column(folder / "acme", acme), column(folder / "bolt", bolt, **BOLT)]


def saved(path: Path, found: list[Column]) -> str:
    """The address of a page in a file."""
    ids = {result.name.case for one in found for result in one.results.values()}
    path.write_text(page(found, facts_of(ids)), encoding="utf-8")
    return path.as_uri()


class Browser:
    """A page in Chromium, and what a reader does with it."""

    def __init__(self, chrome: Chrome, address: str) -> None:
        self.chrome, self.address = chrome, address

    def open(self, state: str = "", *, width: int = 1440, dark: bool = False) -> Browser:
        """Load the page anew, at a state."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 700}
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.chrome.get("about:blank")
        self.chrome.get(self.address + state)
        self.until(lambda: self.script("return document.querySelector('#matrix table').dataset.whole === 'yes'"))
        return self

    def open_case(self, state: str, **how: Any) -> Browser:
        """Load the page anew, at a state that opens a case, and wait until its details are there."""
        self.open(state, **how)
        self.until(lambda: self.opened)
        return self

    def script(self, source: str, *arguments: Any) -> Any:
        """What JavaScript returns."""
        return self.chrome.execute_script(source, *arguments)

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait for something to become true."""
        return WebDriverWait(self.chrome, 10, 0.02).until(lambda _: condition())

    def all(self, selector: str) -> list[WebElement]:
        """Elements by CSS."""
        return self.chrome.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector: str) -> WebElement:
        """The first element by CSS."""
        return self.chrome.find_element(By.CSS_SELECTOR, selector)

    def click(self, selector: str) -> None:
        """Click on an element as soon as it can be."""
        self.until(lambda: self.one(selector).is_displayed())
        self.one(selector).click()

    def text(self, selector: str) -> str:
        """The visible text of an element."""
        return self.one(selector).text

    def rows(self) -> list[str]:
        """The ids of the streams that the matrix shows, by their slugs."""
        return [str(node.get_property("textContent")) for node in self.all("#matrix tbody th .slug")]

    def press(self, *keys: str) -> None:
        """Keys, to whatever has the focus."""
        ActionChains(self.chrome).send_keys(*keys).perform()

    def focused(self) -> str:
        """The place in the matrix that has the focus, `row,column`."""
        return str(self.script("return document.activeElement.dataset.at ?? document.activeElement.id"))

    @property
    def hash(self) -> str:
        """The state in the address."""
        return str(self.script("return location.hash"))

    @property
    def opened(self) -> bool:
        """Whether a case is open."""
        return bool(self.script("return document.getElementById('detail').open"))

    def problems(self) -> list[str]:
        """What the console says."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.chrome.get_log("browser")]

    def low_contrast(self) -> list[str]:
        """Texts that are hard to tell from their background."""
        found: list[str] = self.script(_CONTRAST)
        return found
