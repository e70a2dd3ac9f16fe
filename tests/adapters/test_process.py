"""Adapters in other processes that go wrong: each costs its own cell, says why, and leaves nothing behind."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from case_files import write_case
from streamproof.adapters.limits import Limits
from streamproof.cell import Cell, cells
from streamproof.errors import AdapterError
from streamproof.outcome import Outcome
from streamproof.running.external import NETWORK_LAW, Target, started

WRONG = Path(__file__).parent / "children" / "wrong.py"
LIMITS = Limits(seconds=6, memory_mb=150, output_mb=1, processes=12, start_seconds=6)
SHORT = Limits(seconds=1, memory_mb=150, output_mb=1, processes=12, start_seconds=1)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the children fork")


@pytest.fixture
def suite(tmp_path: Path) -> list[Cell]:
    """A cell that is answered, a bad one, and one more that is answered."""
    cases = [write_case(tmp_path, f"openai_chat/{slug}", providers=["openai"]) for slug in ("aaa", "bad", "zzz")]
    return cells(cases)


@pytest.fixture
def mark() -> Iterator[str]:
    """A word in the command lines of the children; afterwards nobody has it."""
    word = f"mark-{uuid4().hex}"
    yield word
    assert left_behind(word) == []


def left_behind(word: str) -> list[str]:
    """The command lines of processes that hold a word, once those that are ending have ended."""
    until = time.monotonic() + 5
    while True:
        found = [p.info["cmdline"] for p in psutil.process_iter(["cmdline"]) if word in (p.info["cmdline"] or [])]
        if not found or time.monotonic() > until:
            return [" ".join(words) for words in found]
        time.sleep(0.05)


def command(way: str, mark: str) -> Target:
    """The child that goes wrong in this way."""
    return Target(command=shlex.join([sys.executable, str(WRONG), way, mark]))


def outcomes(way: str, mark: str, suite: list[Cell], limits: Limits = LIMITS) -> list[Outcome]:
    """What comes of the three cells."""
    with started(command(way, mark), limits) as run:
        return list(run.outcomes(suite))


ONCE_LIMITED = {
    "hangs": ("hang", "no answer within 1 s", SHORT),
    "heeds no signal": ("hang", "no answer within 1 s", SHORT),
    "forks and hangs": ("hang", "no answer within 1 s", SHORT),
    "forks away and hangs": ("hang", "no answer within 1 s", SHORT),
    "fork-bombs": ("crash", "processes, more than 12", LIMITS),
    "floods stdout": ("crash", "wrote more than 1 MB in one cell (--output-limit)", LIMITS),
    "floods stdout with one line": ("crash", "wrote more than 1 MB in one cell (--output-limit)", LIMITS),
    "floods stderr": ("crash", "wrote more than 1 MB in one cell (--output-limit)", LIMITS),
    "eats memory": ("crash", "MB of memory, more than 150 (--memory)", LIMITS),
}


@pytest.mark.parametrize("way", ONCE_LIMITED)
def test_who_wants_too_much(way: str, mark: str, suite: list[Cell]) -> None:
    """Time, processes, output and memory are limited; the cell fails with the limit's name, all processes are gone."""
    verdict, message, limits = ONCE_LIMITED[way]
    before, bad, after = outcomes(way, mark, suite, limits)
    assert (before.verdict.word, bad.verdict.word, after.verdict.word) == ("pass", verdict, "pass")
    assert message in bad.message


ENDS = {
    "exits 0": ("exited with code 0 instead of answering",),
    "exits 3": ("before it answered it exited with code 3",),
    "exits within a line": ('exited with code 3 within the line \'{"type": "result"',),
    "raises": ("exited with code 1", "the end of its standard error", "KeyError: 'choices'"),
    "aborts": ("was ended by SIGABRT",),
    "is killed": ("was ended by SIGKILL",),
    "leaves a child": ("exited with code 4",),
    "closes stdout": ("closed its standard output",),
}


@pytest.mark.parametrize("way", ENDS)
def test_who_ends_instead_of_answering(way: str, mark: str, suite: list[Cell]) -> None:
    """Exit code or signal, and the end of standard error; the next cell gets a new process."""
    before, bad, after = outcomes(way, mark, suite)
    assert (before.verdict.word, bad.verdict.word, after.verdict.word) == ("pass", "crash", "pass")
    assert [part for part in ENDS[way] if part not in bad.message] == []


MESSAGES = {
    "prints garbage": ("no JSON: 'Loading the model...'", "everything else to standard error"),
    "prints a number": ("no JSON object: '17'",),
    "prints no UTF-8": ("no UTF-8: '\"\ufffd\"'",),
    "answers another id": ("result with id 'x-9', which no call had", "Answer with the call's id, '2'."),
    "answers an earlier id": ("result for the call '1' (openai_chat/aaa@openai), which had been answered",),
    "answers twice": (
        "result for the call '2' (openai_chat/bad@openai), which had been answered",
        "once for each call",
    ),
    "says hello again": ("a second hello",),
    "sends a call": ("an adapter does not send 'call'", "delta, error, hello, result, tried"),
    "sends an unknown type": ("an adapter does not send 'resutl'",),
    "misspells a key": ("unknown key 'compeltion'", "or write 'completion'"),
    "leaves out the id": ("missing key 'id'",),
    "invents a part type": ("result: completion.content[0]",),
    "sends a delta that is none": ("delta: delta",),
    "names no error type": ("'ServerError' is no type of error", "Write one of: connection, timeout"),
}


@pytest.mark.parametrize("way", MESSAGES)
def test_who_breaks_the_contract(way: str, mark: str, suite: list[Cell]) -> None:
    """Line, case, what is wrong and what to do; the next cell gets a new process."""
    before, bad, after = outcomes(way, mark, suite)
    assert (before.verdict.word, bad.verdict.word, after.verdict.word) == ("pass", "crash", "pass")
    assert bad.message.startswith("openai_chat/bad: line ")
    assert [part for part in MESSAGES[way] if part not in bad.message] == []


def test_errors_that_are_reported(mark: str, suite: list[Cell]) -> None:
    """`crash` is the adapter's own fault, `unsupported` none at all, `llm` the provider's, graded with its partial."""
    crash = outcomes("reports a crash", mark, suite)[1]
    assert (crash.verdict.word, crash.message) == ("crash", "it broke")
    nobody = outcomes("reports a crash of no call", mark, suite)[1]
    assert (nobody.verdict.word, nobody.message) == ("crash", "it reports: it broke")
    declined = outcomes("declines", mark, suite)[1]
    assert (declined.verdict.word, declined.message) == ("unsupported", "it broke")
    bare = outcomes("reports an error", mark, suite)[1]
    assert not bare.verdict.ok
    whole = outcomes("reports its partial", mark, suite)[1]
    assert whole.completion is not None
    assert whole.completion.error is not None
    assert whole.completion.error.message == "it broke"


def test_what_a_child_says_that_it_tried_fails_the_cell(mark: str, suite: list[Cell]) -> None:
    """As a law, so that an expectations file can list it."""
    before, bad, after = outcomes("tried the network", mark, suite)
    assert (before.verdict.word, bad.verdict.word, after.verdict.word) == ("pass", "wrong", "pass")
    (finding,) = [f for f, _ in bad.findings if f.requirement == NETWORK_LAW]
    assert finding.got == "tried to reach 192.0.2.1:443"


def test_a_command_may_leave_after_each_answer(mark: str, suite: list[Cell]) -> None:
    """The simplest adapter answers one call and exits; it is started again."""
    assert [o.verdict.word for o in outcomes("leaves after each answer", mark, suite)] == ["pass"] * 3


NO_HELLO = {
    "never says hello": "no hello within 1 s (Write a `hello` line to standard output before you read calls",
    "speaks a newer version": "speaks version 2 of the process contract, we speak 1 (Update streamproof",
    "declares no protocol": "hello: capabilities.protocols: missing key 'protocols'",
    "says something else first": "'result' came before hello",
    "logs before hello": "line 1 of the adapter's output: no JSON: 'Starting up'",
    "cannot start": "it could not start: it broke",
    "exits at once": "before it said hello it exited with code 5; the end of its standard error:\n  no such model",
}


@pytest.mark.parametrize("way", NO_HELLO)
def test_who_says_no_hello_is_not_run(way: str, mark: str) -> None:
    """No cell is to blame: the run does not begin, and the message says why."""
    limits = SHORT if way == "never says hello" else LIMITS
    with pytest.raises(AdapterError) as error, started(command(way, mark), limits):
        pass
    assert NO_HELLO[way] in str(error.value)


@pytest.mark.parametrize("words", ["no-such-program-anywhere --x", f"{WRONG.parent}"])
def test_a_command_that_cannot_be_started(words: str) -> None:
    """Not installed, or no program: said with its name."""
    with (
        pytest.raises(AdapterError, match=r"cannot start|Permission|exited with code 127") as error,
        started(Target(command=words), LIMITS),
    ):
        pass
    assert words.split(maxsplit=1)[0] in str(error.value)


def test_who_cannot_be_started_again_fails_the_rest_at_once(tmp_path: Path, suite: list[Cell]) -> None:
    """After three tries the other cells fail without another minute of waiting each."""
    once = tmp_path / "once.py"
    once.write_text(
        "import json, os, sys\n"
        f"flag = {str(tmp_path / 'flag')!r}\n"
        "if os.path.exists(flag): sys.exit('the second time it does not start')\n"
        "open(flag, 'w').close()\n"
        "print(json.dumps({'type': 'hello', 'schema': 1, 'adapter': 'once', 'versions': {},"
        " 'capabilities': {'protocols': ['openai_chat']}}), flush=True)\n"
        "sys.stdin.readline()\nos._exit(7)\n"
    )
    with started(Target(command=shlex.join([sys.executable, str(once)])), LIMITS) as run:
        found = [outcome.message for outcome in run.outcomes(suite * 2)]
    assert "exited with code 7" in found[0]
    assert ["could not be started" in message for message in found[1:4]] == [True] * 3
    assert all("not started again after 3 tries" in message for message in found[4:])
    assert "the second time it does not start" in found[5]
