"""The pytest plugin beside another one that replays HTTP: both do their work in one run."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

BOTH = """
import http.server
import threading
import urllib.request

import httpx2
import pytest


class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"hello")


@pytest.fixture
def hello():
    with http.server.HTTPServer(("127.0.0.1", 0), Hello) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.vcr
def test_theirs(hello):
    assert httpx2.get(hello).content == b"hello"


def test_ours(streamproof_url):
    url = streamproof_url("openai_chat/text") + "/chat/completions"
    asked = b'{"model": "m", "stream": true, "messages": []}'
    request = urllib.request.Request(url, data=asked, headers={"content-type": "application/json"})
    assert b"data: [DONE]" in urllib.request.urlopen(request).read()
"""

DRIVER = """
import openai
from streamproof.completion import Completion


class Adapter:
    name = "tiny"
    protocols = ("openai_chat",)

    def run(self, call, endpoint, emit):
        client = openai.OpenAI(base_url=endpoint.base_url, api_key=endpoint.api_key, max_retries=0)
        list(client.chat.completions.create(model=call.model, messages=list(call.messages), stream=True))
        return Completion(status="complete")
"""


def test_both_replay(pytester: pytest.Pytester) -> None:
    """A name taken twice (an option, a fixture, a marker) stops pytest; a patch of one would starve the other."""
    pytester.makepyfile(BOTH)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--record-mode=once")
    result.assert_outcomes(passed=2)
    assert list(pytester.path.glob("cassettes/**/*theirs*")), "the other plugin has recorded nothing"


def test_cells_are_run(pytester: pytest.Pytester) -> None:
    """The neighbour's patches must not stand between an adapter and the case: this one reaches it, and loses it all."""
    pytester.makepyfile(driver=DRIVER)
    result = pytester.runpytest_subprocess(
        "-p",
        "no:cacheprovider",
        "--streamproof-adapter=driver:Adapter",
        "--streamproof-cases=openai_chat/cut-clean-eof",
    )
    result.stdout.fnmatch_lines(["*status-interrupted*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED
