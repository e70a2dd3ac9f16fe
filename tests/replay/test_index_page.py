"""The page at `/` and `/cases.json`: what they list, that nothing in a case can break out, that nothing is loaded."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
import pytest
from loopback import PATIENCE, nothing_left_behind
from streamproof import jsontext
from streamproof.case import Case, all_cases
from streamproof.hermetic import hermetic
from streamproof.providers import ROWS
from streamproof.replay.clients import clients, code
from streamproof.replay.index_page import listing, page
from streamproof.replay.serving import CaseServer

SUITE = list(all_cases())
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'& \u2028"


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Nothing reaches beyond loopback, and the server leaves nothing behind."""
    with hermetic(), nothing_left_behind():
        yield


class Seen(HTMLParser):
    """What a browser makes of a page: elements with their attributes, and the text of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        else:
            self.text += data


def case(title: str) -> Case:
    """A case that is listed and never played."""
    head = {"title": title, "level": title, "providers": ["openai", "azure"]}
    return Case("openai_chat/evil", Path("evil.yaml"), head)


def test_every_case_is_listed() -> None:
    """A case that the page leaves out, or without the providers that send it."""
    seen = Seen(page("http://127.0.0.1:1", SUITE))
    cards = {a["id"]: a["data-providers"] for tag, a in seen.elements if tag == "details"}
    assert cards == {case.id: " ".join(case.providers) for case in SUITE}
    data = jsontext.loads(seen.scripts[0])
    assert data["base"] == "http://127.0.0.1:1"
    assert set(data["clients"]) == {f"{c.protocol} {provider}" for c in SUITE for provider in c.providers}


def test_what_a_case_says_is_text() -> None:
    """A title that ends an element, or becomes one."""
    seen = Seen(page("http://127.0.0.1:1", [case(EVIL)]))
    assert [tag for tag, _ in seen.elements].count("script") == 2
    assert "img" not in {tag for tag, _ in seen.elements}
    assert EVIL in seen.text
    assert not any(name.startswith("on") for _, attributes in seen.elements for name in attributes)


def test_the_page_is_one_file() -> None:
    """A font, script or image that is loaded from elsewhere, or a script that the browser is told to refuse."""
    with CaseServer(SUITE[:3]) as server:
        answer = httpx2.get(server.base_url, timeout=PATIENCE)
        assert httpx2.head(server.base_url, timeout=PATIENCE).headers["content-type"] == "text/html; charset=utf-8"
        assert server.reports == []
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    seen = Seen(answer.text)
    loaded = [a.get("src") or a.get("href") for tag, a in seen.elements if tag in ("script", "link", "img", "a")]
    assert {target for target in loaded if target} == {"data:,", "/cases.json"}
    assert not re.search(r"@import|url\(|https?://(?!127\.0\.0\.1)", answer.text)


def test_programs_get_the_same() -> None:
    """A listing that is no JSON, or whose base URLs are not those of the server that gave it."""
    with CaseServer(SUITE) as server:
        told: dict[str, Any] = httpx2.get(server.base_url + "/cases.json", timeout=PATIENCE).json()
        assert told == listing(server.base_url, SUITE)
        assert len(told["cases"]) == len(SUITE)
        for client, url in told["cases"][0]["providers"][SUITE[0].providers[0]].items():
            assert url.startswith(f"{server.base_url}/{SUITE[0].id}@"), client


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_every_row_has_its_clients(row: Any) -> None:
    """A new row of the provider table that the page has no base URL for."""
    found = {client.name: client for client in clients(row)}
    assert len(found) == 3
    assert {"Vercel AI SDK", "curl"} < set(found)
    for client in found.values():
        line = code(client, "http://here" + client.suffix)
        assert "{" not in line.replace("{ ", "").replace('{"', "").replace("{}", "")
        assert ("http://here" + client.suffix) in line


@pytest.mark.parametrize("chosen", SUITE[::97], ids=lambda case: case.id)
def test_the_urls_for_curl_are_answered(chosen: Case) -> None:
    """A ready-made URL that the server itself does not know."""
    with CaseServer(SUITE) as server, httpx2.Client(timeout=PATIENCE) as client:
        for ways in listing(server.base_url, [chosen])["cases"][0]["providers"].values():
            assert client.post(ways["curl"]).status_code == chosen.cassette.interactions[0].status
        assert server.reports == []


def test_in_a_browser(tmp_path: Path) -> None:
    """A script error: cases are not counted, or the base URLs not filled in when a case is opened."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no browser here")
    chosen = SUITE[40]
    with CaseServer(SUITE) as server:
        done = subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"),
                *("--dump-dom", f"{server.base_url}/#{chosen.id}"),
            ],
            capture_output=True,
            timeout=60,
            check=False,
        )
        url = listing(server.base_url, [chosen])["cases"][0]["providers"][chosen.providers[0]]["curl"]
    seen = Seen(done.stdout.decode())
    assert f"{len(SUITE)} of {len(SUITE)} cases" in seen.text
    assert [a["id"] for tag, a in seen.elements if tag == "details" and "open" in a] == [chosen.id]
    assert url in seen.text
