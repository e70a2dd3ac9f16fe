"""Tests in a real browser. `nox -s browser` runs them; elsewhere they are not collected, since they need Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from browser_kit import Browser
    from selenium.webdriver import Chrome

ASKED = "STREAMPROOF_BROWSER"
collect_ignore_glob = [] if os.environ.get(ASKED) else ["test_*.py"]


def _program(*names: str) -> str:
    """Where the first of some programs is; selenium would download one that is missing."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail(f"{names[0]} is not installed; on Debian: apt-get install chromium chromium-driver")
    return found


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    """Headless Chromium of this machine, with its driver."""
    from selenium import webdriver  # noqa: PLC0415 - installed by `nox -s browser` alone
    from selenium.webdriver.chrome.service import Service  # noqa: PLC0415 - as above

    options = webdriver.ChromeOptions()
    options.binary_location = _program("chromium", "chromium-browser", "google-chrome")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(_program("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chrome: Chrome, tmp_path: Path) -> Iterator[Browser]:
    """The small run; the console must stay silent."""
    chrome.get_log("browser")
    from browser_kit import Browser, saved, small_run  # noqa: PLC0415 - as above

    page = Browser(chrome, saved(tmp_path / "matrix.html", small_run(tmp_path)))
    yield page
    assert page.problems() == []
