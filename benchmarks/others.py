"""Other tools, where they do the same work. Those that are not installed are left out, and the section says so."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from streamproof.case import Case, all_cases, case_at
from streamproof.cassette import Cassette, Interaction, save
from streamproof.cell import Cell, cells
from streamproof.data import data_root
from streamproof.replay.serving import CaseServer
from streamproof.wire.plans import Plan

from .figures import Section, compared
from .interleaved import children, interleaved
from .serving import STREAMS, reader
from .streams import stream
from .suite import run

EVENTS = 500
REPLAYS = 50
OURS = "streamproof"


def sections(rounds: int) -> list[Section]:
    """Serving one recorded stream; replaying cassettes in process; the same as test runs."""
    few = max(3, rounds // 3)
    return [_serving(few), _replaying(few), _test_runs(few)]


# -- serving


def _serving(rounds: int) -> Section:
    given = stream("openai_chat", EVENTS)
    missing: list[str] = []
    with ExitStack() as stack:
        read = stack.enter_context(reader())
        ports: dict[str, tuple[int, str]] = {OURS: stack.enter_context(_ours(given.pieces))}
        for name, server in (("wiretruth", _wiretruth), ("aimock (Node.js)", _aimock)):
            try:
                ports[name] = stack.enter_context(server(given.pieces))
            except LookupError as error:
                missing.append(f"{name}: {error}")
        sizes = {name: read(*place) for name, place in ports.items()}
        assert min(sizes.values()) > 10_000, sizes
        contenders = {name: _reading(read, *place) for name, place in ports.items()}
        times = interleaved(contenders, rounds, time.perf_counter)
    figures = compared(times, STREAMS * len(given.pieces), "s/event", OURS)
    work = (
        f"{STREAMS} Chat streams of {len(given.pieces)} events, one write each, over loopback to a process that only "
        "reads, by the clock. streamproof and wiretruth send the same recorded bytes, wiretruth with its pause between "
        "events set to 0; aimock makes its events from a fixture's text."
    )
    return Section("others/serving", "Serving a stream", " ".join([work, *missing]), figures)


def _reading(read: Callable[..., int], port: int, path: str) -> Callable[[], object]:
    return lambda: read(port, path)


@contextmanager
def _ours(pieces: list[bytes]) -> Iterator[tuple[int, str]]:
    with tempfile.TemporaryDirectory() as folder:
        case = _case(Path(folder), b"".join(pieces))
        cell = Cell(case=case, row=case.row("openai"), plan=Plan(split="event"))
        with CaseServer([cell.case]) as server:
            port, _, path = server.url(cell).removeprefix("http://127.0.0.1:").partition("/")
            yield int(port), f"/{path}/chat/completions"


def _case(folder: Path, body: bytes) -> Case:
    """A Chat case with another body."""
    model = case_at(data_root() / "cassettes" / "openai_chat" / "text.yaml").cassette
    asked = model.interactions[0]
    answer = Interaction(method=asked.method, uri=asked.uri, headers=asked.headers, body=body)
    path = folder / "cassettes" / "openai_chat" / "long.yaml"
    save(Cassette(metadata=model.metadata, interactions=(answer,)), path)
    return case_at(path)


@contextmanager
def _wiretruth(pieces: list[bytes]) -> Iterator[tuple[int, str]]:
    if find_spec("wiretruth") is None:
        raise LookupError("not installed.")
    from wiretruth.formats import Body, Exchange, Fixture  # noqa: PLC0415 - where it is installed
    from wiretruth.replay import ReplayServer  # noqa: PLC0415 - as above

    body = Body(kind="sse", data=None, parts=tuple(piece.decode() for piece in pieces))
    headers = {"content-type": "text/event-stream"}
    exchange = Exchange(method="POST", path="/v1/chat/completions", status=200, headers=headers, body=body, end="clean")
    unused: Any = None
    fixture = Fixture("f", "s", "openai-chat", unused, unused, None, (exchange,), unused)
    with ReplayServer(fixture, event_gap_ms=0) as server:
        yield server.port, "/v1/chat/completions"


@contextmanager
def _aimock(pieces: list[bytes]) -> Iterator[tuple[int, str]]:
    place = os.environ.get("AIMOCK")
    script = Path(place or ".") / "node_modules/@copilotkit/aimock/dist/cli.js"
    if shutil.which("node") is None or not script.exists():
        raise LookupError("not installed (the environment variable AIMOCK names the folder of its node_modules).")
    text = "".join(f"word{number % 10} " for number in range(len(pieces) - 3))
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        fixtures = Path(folder, "fixtures.json")
        fixtures.write_text(
            json.dumps({"fixtures": [{"match": {"userMessage": "hello"}, "response": {"content": text}}]})
        )
        command = ["node", str(script), "-p", str(port), "-f", str(fixtures), "-c", "6", "--log-level", "silent"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as node:
            try:
                _wait(port)
                yield port, "/v1/chat/completions"
            finally:
                node.terminate()


def _wait(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise LookupError("does not listen.")


# -- replaying in process


def _chat_cells() -> list[Cell]:
    whole = [case for case in all_cases() if case.protocol == "openai_chat" and "openai" in case.providers]
    plain = [
        case for case in whole if len(case.cassette.interactions) == 1 and case.cassette.interactions[0].status < 300
    ]
    return [cell for case in plain for cell in cells([case], "openai")][:REPLAYS]


def _replaying(rounds: int) -> Section:
    chosen = _chat_cells()
    contenders: dict[str, Callable[[], object]] = {
        "vcrpy: use_cassette around the openai SDK": lambda: [_by_vcr(cell.case.path) for cell in chosen],
        f"{OURS}: reference adapter, graded": lambda: run("reference", chosen),
        f"{OURS}: sdk adapter, graded": lambda: run("sdk", chosen),
        f"{OURS}: wire adapter, graded": lambda: run("wire", chosen),
    }
    times = interleaved(contenders, rounds)
    figures = compared(times, len(chosen), "s/replay", next(iter(contenders)))
    work = (
        f"{len(chosen)} Chat cassettes, each replayed into the openai SDK and read to its end in the same process. "
        "With vcrpy the typed events are joined to a text and nothing is checked; streamproof checks requirements and "
        "laws, its cassettes being loaded before. CPU time."
    )
    return Section("others/replaying", "Replaying in process", work, figures)


def _by_vcr(path: Path) -> str:
    import openai  # noqa: PLC0415 - a second
    import vcr  # noqa: PLC0415 - as above

    with vcr.use_cassette(str(path), record_mode="none", match_on=["method"]):
        client = openai.OpenAI(api_key="x", max_retries=0)
        try:
            asked: Any = [{"role": "user", "content": "Hello?"}]
            events = client.chat.completions.create(model="m", messages=asked, stream=True)
            return "".join(event.choices[0].delta.content or "" for event in events if event and event.choices)
        except (openai.APIError, AttributeError, ValueError):
            return ""


# -- as test runs

_TEST = """
import pathlib, pytest, vcr, openai
CASES = {cases!r}

@pytest.mark.parametrize("path", CASES, ids=lambda p: pathlib.Path(p).stem)
def test_replay(path):
    with vcr.use_cassette(path, record_mode="none", match_on=["method"]):
        client = openai.OpenAI(api_key="x", max_retries=0)
        try:
            asked = [{{"role": "user", "content": "?"}}]
            for event in client.chat.completions.create(model="m", messages=asked, stream=True):
                pass
        except (openai.APIError, AttributeError, ValueError):
            pass
"""


def _test_runs(rounds: int) -> Section:
    chosen = _chat_cells()
    with tempfile.TemporaryDirectory() as folder:
        test = Path(folder, "test_replay.py")
        test.write_text(_TEST.format(cases=[str(cell.case.path) for cell in chosen]))
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(test)]
        ours = [sys.executable, "-m", "streamproof.cli", "run", "--adapter", "sdk", "--provider", "openai"]
        contenders: dict[str, Callable[[], object]] = {
            "pytest + vcrpy": lambda: _finished(pytest),
            "streamproof run --adapter sdk": lambda: _finished([*ours, *(cell.case.id for cell in chosen)]),
        }
        times = interleaved(contenders, rounds, children)
    figures = compared(times, 1, "s", next(iter(contenders)))
    work = f"The same {len(chosen)} cassettes as a whole run, start-up and loading included. CPU time."
    return Section("others/test-runs", "As a test run", work, figures)


def _finished(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True)
    assert done.returncode in (0, 1), done.stdout.decode() + done.stderr.decode()
