"""`streamproof record`: the session around the proxy, the cassette that it writes, what it tells the user."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import pytest
from recording_kit import EVENT, FIRST, PATIENCE, SECOND, ask, end, proxy, serving
from streamproof.cassette import Cassette as OurCassette
from streamproof.cassette import Interaction, load, save
from streamproof.cli import main
from streamproof.errors import UsageError
from streamproof.metadata import validate_metadata
from streamproof.providers import ROWS, Provider
from streamproof.record import Recording, hints, record, skeleton
from streamproof.recording.neutral import call_of
from streamproof.recording.upstream import Upstream
from streamproof.replay.exchanges import Request
from streamproof.replay.script import Response, Send, Stall
from streamproof.replay.server import LoopbackServer


def test_the_hints_fit_the_upstream(tmp_path: Path) -> None:
    """A base URL whose path is doubled, or missing, behind an upstream with a path of its own."""
    upstream = Upstream.parse("https://openrouter.ai/api")
    recording = Recording(provider="openrouter", upstream=upstream, out=tmp_path / "x.yaml")
    lines = list(hints(recording, 8123))
    assert any('OpenAI(base_url="http://127.0.0.1:8123/v1")' in line for line in lines)
    assert any('Anthropic(base_url="http://127.0.0.1:8123")' in line for line in lines)


@pytest.mark.parametrize(
    ("path", "body", "model", "text"),
    [
        ("/v1/responses", {"model": "m-1", "instructions": "Be brief.", "input": "Hi"}, "m-1", "Hi"),
        ("/v1/chat/completions", {"model": "m-1", "messages": [{"role": "user", "content": "Hi"}]}, "m-1", "Hi"),
        ("/v1/models/m-1:streamGenerateContent", {"contents": [{"parts": [{"text": "Hi"}]}]}, "m-1", "Hi"),
        ("/v1/messages", ["no", "object"], "TODO", "TODO"),
    ],
)
def test_a_new_case_is_valid_and_says_what_is_to_do(
    path: str, body: object, model: str, text: str, tmp_path: Path
) -> None:
    """A skeleton that does not load, or that could be taken for a finished case."""
    with serving(Send(FIRST)) as upstream, proxy(upstream.base_url) as running:
        ask(running.port, path, json.dumps(body).encode()).read()
        (kept,) = running.wait()
    recording = Recording(
        provider="openai_compatible",
        upstream=Upstream.parse("https://api.example.org"),
        out=tmp_path / "x.yaml",
        case="openai_chat/new-one",
        command=("streamproof", "record", "--once"),
    )
    metadata = skeleton(recording, "openai_chat/new-one", kept)
    assert validate_metadata(metadata) == ()
    assert metadata["call"]["model"] == model
    assert metadata["call"]["messages"][-1]["content"] == text
    assert metadata["provenance"]["kind"] == "recorded"
    assert metadata["provenance"]["source"] == "streamproof record --once"
    assert "TODO" in metadata["title"]


class Command:
    """`streamproof record` in a process of its own."""

    def __init__(self, upstream: LoopbackServer, *arguments: str) -> None:
        command = [sys.executable, "-m", "streamproof.cli", "record", "--provider", "openai"]
        self._process = subprocess.Popen(
            [*command, "--upstream", upstream.base_url, *arguments], stderr=subprocess.PIPE, text=True
        )

    def port(self) -> int:
        """Where it listens, as it says itself."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            found = re.search(r"BASE_URL=http://127\.0\.0\.1:(\d+)", line)
            if found:
                return int(found[1])
        raise AssertionError("it ended before it listened")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()  # nothing when it has ended
        self._process.communicate()

    def finish(self, number: int | None = None) -> str:
        """What it says to the end, after this signal."""
        if number is not None:
            os.kill(self._process.pid, number)
        _, said = self._process.communicate(timeout=PATIENCE)
        self.code = self._process.returncode
        return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_writes_what_came(number: int, tmp_path: Path) -> None:
    """Ctrl-C in mid-stream that loses the recording, or the ones before it."""
    out = tmp_path / "kept.yaml"

    def handler(request: Request) -> Response:
        return Response(200, EVENT, (Send(FIRST), Stall()) if request.path == "/open" else (Send(SECOND),))

    with LoopbackServer(handler) as upstream, Command(upstream, "--out", str(out)) as command:
        port = command.port()
        assert ask(port, "/whole").read() == SECOND
        response = ask(port, "/open")
        assert response.read1() == FIRST
        said = command.finish(number)
    whole, cut = load(out).interactions
    assert (whole.body, end(whole)) == (SECOND, "complete")
    assert (cut.body, end(cut)) == (FIRST, "stopped")
    assert f"2 recorded in {out}" in said
    assert command.code == 0


def test_once_begins_a_case(tmp_path: Path) -> None:
    """A first answer after which it goes on, or a case whose metadata does not load."""
    out = tmp_path / "openai_chat" / "new-one.yaml"
    arguments = ("--out", str(out), "--once", "--case", "openai_chat/new-one")
    with serving(Send(SECOND)) as upstream, Command(upstream, *arguments) as command:
        body = json.dumps({"model": "m-1", "messages": [{"role": "user", "content": "Hi"}]}).encode()
        assert ask(command.port(), "/v1/chat/completions", body).read() == SECOND
        command.finish()
    kept = load(out, case=True)
    assert kept.metadata is not None
    assert kept.metadata["call"] == {"model": "m-1", "messages": [{"role": "user", "content": "Hi"}]}
    assert kept.interactions[0].body == SECOND
    assert command.code == 0
    assert list(out.parent.iterdir()) == [out]


def test_plain_vcrpy_replays_a_recording(tmp_path: Path) -> None:
    """A key of ours that vcrpy chokes on."""
    from vcr.cassette import Cassette  # noqa: PLC0415 - slow to import

    with serving(Send(FIRST), Send(SECOND)) as upstream, proxy(upstream.base_url) as running:
        ask(running.port).read()
        kept = running.wait()
    save(OurCassette(interactions=tuple(kept)), tmp_path / "kept.yaml")
    tape = Cassette.load(path=str(tmp_path / "kept.yaml"))
    assert tape.play_response(tape.requests[0])["body"]["string"] == FIRST + SECOND
    assert "- [0." in (tmp_path / "kept.yaml").read_text()  # one line for a chunk


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--provider", "nobody", "--upstream", "http://x"], "no provider 'nobody'"),
        (["--provider", "openai", "--upstream", "x"], "no upstream"),
        (["--provider", "openai", "--upstream", "http://x", "--case", "openai_chat/A"], "no case id"),
        (["--provider", "openai", "--upstream", "http://x", "--case", "anthropic_messages/a"], "speaks"),
    ],
)
def test_bad_arguments_are_a_line_and_exit_code_2(
    arguments: list[str],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A traceback, or a proxy that starts all the same."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["record", *arguments])
    assert stopped.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    """A recording that cost a key's money, gone with the next command."""
    out = tmp_path / "there.yaml"
    out.write_text("x")
    with pytest.raises(UsageError, match="there already"):
        Recording(provider="openai", upstream=Upstream.parse("http://x"), out=out)


def recorded(recording: Recording, paths: list[str], number: int | None = None) -> list[str]:
    """Run a session in this process, ask for these paths as soon as it listens, then send it this signal."""
    said: list[str] = []

    def client(port: int) -> None:
        for path in paths:
            ask(port, path).read()
        if number is not None:
            os.kill(os.getpid(), number)

    def say(line: str) -> None:
        found = re.search(r"BASE_URL=http://127\.0\.0\.1:(\d+)", line)
        if found and not said[1:]:
            threading.Thread(target=client, args=(int(found[1]),)).start()
        said.append(line)

    said.append(f"kept: {record(recording, say)}")
    return said


def test_a_session_keeps_what_passed(tmp_path: Path) -> None:
    """A session that ends with the wrong count, or leaves our signal handlers behind."""
    before = signal.getsignal(signal.SIGTERM)
    out = tmp_path / "kept.yaml"
    with serving(Send(FIRST)) as upstream:
        asked = Recording(provider="openai", upstream=Upstream.parse(upstream.base_url), out=out)
        said = recorded(asked, ["/a", "/b"], signal.SIGTERM)
    assert said[-1] == "kept: 2"
    assert f"POST /a: 200, {len(FIRST)} bytes, complete" in said
    assert len(load(out).interactions) == 2
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_session_without_answers_says_so(tmp_path: Path) -> None:
    """An empty cassette, which no reader takes."""
    out = tmp_path / "kept.yaml"
    upstream = Upstream.parse("http://127.0.0.1:1")
    said = recorded(Recording(provider="openai", upstream=upstream, out=out), ["/a"], signal.SIGINT)
    assert said[-2:] == ["nothing recorded", "kept: 0"]
    assert not out.exists()


def test_a_place_that_cannot_be_written_ends_the_session(tmp_path: Path) -> None:
    """A session that goes on for hours and keeps nothing."""
    (tmp_path / "file").write_text("no folder")
    with serving(Send(FIRST)) as upstream:
        place = Recording(
            provider="openai", upstream=Upstream.parse(upstream.base_url), out=tmp_path / "file" / "kept.yaml"
        )
        with pytest.raises(UsageError, match="cannot write"):
            recorded(place, ["/a"])


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    """A traceback instead of the option to use."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        asked = Recording(
            provider="openai", upstream=Upstream.parse("http://x"), out=tmp_path / "x", port=taken.getsockname()[1]
        )
        with pytest.raises(UsageError, match="cannot listen"):
            record(asked, print)


def test_tools_and_limits_are_told_from_the_request() -> None:
    """Tools in the words of a provider, where a case has its own; a limit under one of its five names."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    wanted = [{"name": "look", "description": "Look it up", "parameters": schema}]
    bodies: list[dict[str, object]] = [
        {"tools": [{"type": "function", "function": wanted[0]}], "max_tokens": 7},
        {"tools": [{"type": "function", **wanted[0]}], "max_output_tokens": 7},
        {"tools": [{"name": "look", "description": "Look it up", "input_schema": schema}], "max_tokens": 7},
        {"tools": [{"functionDeclarations": wanted}], "generationConfig": {"maxOutputTokens": 7}},
        {"tools": [{"toolSpec": {**wanted[0], "inputSchema": {"json": schema}}}], "inferenceConfig": {"maxTokens": 7}},
    ]
    for body in bodies:
        asked = Interaction(method="POST", uri="http://x/v1", request_body=json.dumps(body).encode())
        call = call_of(asked)
        assert [{name: tool[name] for name in wanted[0]} for tool in call["tools"]] == wanted, body
        assert call["max_output_tokens"] == 7
    assert call_of(Interaction(method="POST", uri="http://x", request_body=b"\xff"))["model"] == "TODO"


@pytest.mark.parametrize("each", ROWS, ids=lambda row: row.key)
def test_every_row_gets_its_base_url(each: Provider, tmp_path: Path) -> None:
    """A hint by which the SDK's requests end at another path of the provider."""
    base = urlsplit(each.base_url)
    recording = Recording(
        provider=each.name, upstream=Upstream.parse(f"{base.scheme}://{base.netloc}"), out=tmp_path / "x.yaml"
    )
    hint = next(line for line in hints(recording, 8123) if each.protocol in line)
    assert re.search(rf"http://127\.0\.0\.1:8123{base.path}[\" ]", hint), hint


def test_the_readme_shows_every_provider() -> None:
    """A provider whose users do not find how to record it."""
    text = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    shown = re.findall(r"streamproof record --provider (\S+) +--upstream (\S+)", text)
    assert {name for name, _ in shown} == {row.name for row in ROWS}
    for name, url in shown:
        assert Recording(provider=name, upstream=Upstream.parse(url), out=Path("no-such-file.yaml")).rows()
