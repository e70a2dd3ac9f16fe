"""`streamproof serve`: what it says, what it writes, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import click
import httpx2
import pytest
from click.testing import CliRunner
from streamproof import jsontext
from streamproof.case import Case, all_cases, select
from streamproof.cli import main
from streamproof.errors import UsageError
from streamproof.hermetic import hermetic
from streamproof.replay import serve as module
from streamproof.replay.exchanges import Exchange, Request
from streamproof.replay.serve import opening, request_json, request_line, serve

CASES = select(all_cases(), ["openai_chat/text", "round-trip-thought-signature"])
TEXT = next(case for case in CASES if case.id == "openai_chat/text")
PATIENCE = 60.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends itself signals that Windows does not have")


@pytest.fixture(autouse=True)
def _loopback() -> Iterator[None]:
    """Nothing reaches beyond loopback."""
    with hermetic():
        yield


def served(ask: Callable[[str], object], how: signal.Signals = signal.SIGTERM) -> tuple[list[str], list[Any]]:
    """Serve while `ask` is called with the base URL, then send the signal; the lines said, and those of the log."""
    lines: list[str] = []
    log = StringIO()
    ready = threading.Event()

    def say(line: str) -> None:
        lines.append(click.unstyle(line))
        if line.startswith("the last"):
            ready.set()

    def client() -> None:
        try:
            assert ready.wait(PATIENCE)
            ask(lines[0].split(" at ")[1].split("/ ")[0])
        finally:
            os.kill(os.getpid(), how)

    asking = threading.Thread(target=client)
    asking.start()
    serve(CASES, say, log=log)
    asking.join()
    return lines, [jsontext.loads(line) for line in log.getvalue().splitlines()]


def test_it_says_where_and_how() -> None:
    """A newcomer who is not told what to give a client: an example for each that can ask one of the cases."""
    lines = list(opening("http://127.0.0.1:5", CASES))
    shown = {line.split("  ")[1]: line for line in lines if line.startswith("  ")}
    assert set(shown) == {"openai", "google-genai", "Vercel AI SDK", "curl"}
    assert 'OpenAI(base_url="http://127.0.0.1:5/openai_chat/text@openai/v1", api_key="any")' in shown["openai"]
    assert lines[0].startswith(f"{len(CASES)} cases at http://127.0.0.1:5/ ")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_line_for_each_request(how: signal.Signals) -> None:
    """A request that is not shown, or one that matched nothing and looks like the others; the end, and its sum."""

    def ask(base_url: str) -> None:
        httpx2.post(f"{base_url}/openai_chat/text+split:7/v1/chat/completions", json={"a": 1}, timeout=PATIENCE)
        httpx2.post(f"{base_url}/~me/openai_chat/txt/v1/chat/completions?key=secret", timeout=PATIENCE)
        httpx2.get(base_url, timeout=PATIENCE)

    lines, log = served(ask, how)
    size = len(TEXT.cassette.interactions[0].body)
    assert f"POST  openai_chat/text@openai+split:7  200  {size} bytes  complete" in lines
    missed = next(line for line in lines if "/txt/" in line)
    assert "404" in missed
    assert "no_case: no case 'openai_chat/txt'; near it: openai_chat/text" in missed
    assert lines[-1] == "stopped: 3 requests, 1 to look at"
    assert [line["kind"] for line in log] == ["header", "request", "request", "request", "footer"]
    first, second, third = log[1:4]
    assert (first["cell"], first["stream"], first["body"], first["ended"]) == (
        "openai_chat/text@openai+split:7", True, {"a": 1}, "complete",
    )  # fmt: skip
    assert 0 <= first["seconds"]["asked"] <= first["seconds"]["answered"] <= first["seconds"]["closed"]
    assert (second["token"], second["stream"], second["target"].partition("?")[2]) == ("me", False, "key=REDACTED")
    assert second["report"].startswith("no_case")
    assert (third["method"], third["status"], third["report"]) == ("GET", 200, None)


def test_streams_that_are_open_at_the_end_are_shown() -> None:
    """A client that hangs when the server is stopped, and is missing from the log."""
    lines: list[bytes] = []

    def ask(base_url: str) -> None:
        place = ("127.0.0.1", int(base_url.rpartition(":")[2]))
        connection = socket.create_connection(place, timeout=PATIENCE)
        path = f"/{TEXT.id}+cut:after-0-stall/v1/chat/completions"
        connection.sendall(f"POST {path} HTTP/1.1\r\nhost: here\r\ncontent-length: 0\r\n\r\n".encode())
        lines.append(connection.recv(100))
        threading.Thread(target=_drain, args=(connection,)).start()

    _, log = served(ask)
    assert lines[0].startswith(b"HTTP/1.1 200")
    assert [line["ended"] for line in log[1:-1]] == ["stopped"]


def _drain(connection: socket.socket) -> None:
    with connection:
        while connection.recv(65536):
            pass


def test_a_slow_terminal_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines that pile up without bound while nobody reads them, or are dropped without a word."""
    monkeypatch.setattr(module, "WAITING", 2)
    said: list[str] = []
    log = StringIO()
    desk = module._Desk(said.append, log)
    for _ in range(5):
        desk.ended(Exchange(request=Request(method="POST", target="/x"), ended="complete", asked=0.0))
    desk.close(dropped=7)
    assert said[-1] == "stopped: 2 requests, 3 more, not shown, 7 no longer in memory"
    assert jsontext.loads(log.getvalue().splitlines()[-1]) == {"kind": "footer", "requests": 2, "not_written": 3}


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"a":1}', {"a": 1}),
        (b"a=1", "a=1"),
        (b"\xff", "\\xff"),
        (b"", None),
        (b"x" * (module.BODY + 1), None),
    ],
    ids=["json", "text", "binary", "none", "long"],
)
def test_bodies_in_the_log(body: bytes, shown: object) -> None:
    """A body that is no JSON spoils its line; a huge one fills the disk."""
    exchange = Exchange(request=Request(method="POST", target="/x", body=body), asked=1.0, closed=1.5)
    document = request_json(exchange, 1.0)
    assert (document["body"], document["body_bytes"]) == (shown, len(body))
    assert document["seconds"] == {"asked": 0.0, "answered": None, "closed": 0.5}


def test_what_is_no_http_is_shown() -> None:
    """A client that speaks TLS to it, without a hint at what is wrong."""
    exchange = Exchange(request=Request(), status=400, ended="complete", report="bad_request: no HTTP/1.1", asked=0.0)
    assert click.unstyle(request_line(exchange)) == "(no HTTP)   400  0 bytes  complete  bad_request: no HTTP/1.1"


def test_a_port_that_is_taken_and_a_word_that_matches_nothing() -> None:
    """A traceback instead of a remedy; exit code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match="name another --port"):
            serve(CASES, print, port=port)
        result = CliRunner().invoke(main, ["serve", "--port", str(port)])
        assert (result.exit_code, "cannot listen on port" in result.output) == (2, True)
    result = CliRunner().invoke(main, ["serve", "no-such-case"])
    assert (result.exit_code, "no case matches 'no-such-case'" in result.output) == (2, True)


def test_the_command(tmp_path: Path) -> None:
    """The process as a whole: it serves once it says so, SIGTERM ends it with exit code 0, and the log is whole."""
    log = tmp_path / "requests.ndjson"
    command = [sys.executable, "-m", "streamproof.cli", "serve", "openai_chat/text", "--log", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().split(" at ")[1].split("/ ")[0]
        answer = httpx2.post(f"{base_url}/openai_chat/text/v1/chat/completions", timeout=PATIENCE)
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(PATIENCE) == 0
    assert answer.content == TEXT.cassette.interactions[0].body
    assert rest.splitlines()[-1] == "stopped: 1 request"
    assert [jsontext.loads(line)["kind"] for line in log.read_text().splitlines()] == ["header", "request", "footer"]


def test_cases_of_its_own(tmp_path: Path) -> None:
    """A folder named by STREAMPROOF_DATA whose cases are not the ones that are served."""
    folder = tmp_path / "cassettes" / "openai_chat"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_bytes(TEXT.path.read_bytes())
    environment = {**os.environ, "STREAMPROOF_DATA": str(tmp_path)}
    command = [sys.executable, "-m", "streamproof.cli", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("1 case at ")
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(PATIENCE) == 0


def test_examples_are_of_cases_that_are_served() -> None:
    """An example that gets a 404."""
    chosen: list[Case] = select(all_cases(), ["anthropic_messages/bedrock-cut"])
    assert "anthropic_messages/bedrock-cut@bedrock" in "".join(opening("http://here", chosen))
    assert "text" not in {line.split("/")[1] for line in opening("http://here", chosen) if line.startswith("  ")}
