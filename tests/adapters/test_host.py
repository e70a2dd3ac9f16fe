"""A Python adapter by its name, in a process of its own: the same verdicts as in this one, and errors that teach."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import streamproof
from case_files import CUT_CHAT, requirement, write_case
from streamproof.adapters.limits import Limits
from streamproof.adapters.loading import load_adapter
from streamproof.cell import Cell, cells
from streamproof.errors import AdapterError
from streamproof.outcome import Outcome
from streamproof.running.external import Target, started

LIMITS = Limits(seconds=10, start_seconds=20)
REFERENCE = "streamproof.adapters.reference:ReferenceAdapter"

DRIVER = """
import asyncio, os, subprocess, sys, threading, time
from streamproof import Completion, Delta, LLMError, TextPart
from streamproof.capabilities import Capabilities
from streamproof.errors import Unsupported

TRUTH = Completion(content=(TextPart(text="Grüß dich"),), finish_reason="stop", status="complete")


class Mine:
    name = "mine"
    protocols = ("openai_chat",)
    capabilities = Capabilities(protocols=protocols, fields=("content.text", "finish_reason"), deltas=False{more})

    {run}
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a module with an adapter `Mine`, and gives its name. run: the source of its methods."""

    def write(run: str, more: str = "") -> str:
        source = DRIVER.format(run=textwrap.indent(textwrap.dedent(run).strip(), "    ").lstrip(), more=more)
        (tmp_path / "my_driver.py").write_text(source, encoding="utf-8")
        return "my_driver:Mine"

    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return write


@pytest.fixture
def suite(tmp_path: Path) -> list[Cell]:
    """Two cells."""
    return cells([write_case(tmp_path / "suite")])


def outcomes(target: str, chosen: list[Cell], limits: Limits = LIMITS) -> list[Outcome]:
    """What comes of the cells."""
    with started(Target(adapter=target), limits) as run:
        return list(run.outcomes(chosen))


def test_the_reference_adapter_over_http(tmp_path: Path) -> None:
    """It passes in another process as it does in this one, a cut stream and its partial completion too."""
    cut = [requirement("text-kept", "content[0].text", "Hel"), requirement("status", "status", "interrupted")]
    cases = [write_case(tmp_path), write_case(tmp_path, "openai_chat/cut", CUT_CHAT, requirements=cut)]
    for sync in (False, True):
        found = outcomes(REFERENCE, cells(cases, sync=sync))
        assert [outcome.verdict.word for outcome in found] == ["pass"] * 4, [o.failures() for o in found]
        assert found[0].deltas


@pytest.mark.parametrize(
    "run",
    [
        "async def run(self, call, endpoint, emit):\n    return TRUTH",
        "def run(self, call, endpoint, emit):\n    return TRUTH",
        "def run(self, call, endpoint, emit):\n    return self.later()\nasync def later(self):\n    return TRUTH",
        "def run(self, *_):\n    return asyncio.run(self.later())\nasync def later(self):\n    return TRUTH",
    ],
    ids=["async", "plain", "awaitable", "own loop"],
)
def test_async_and_plain_functions(driver: Callable[..., str], suite: list[Cell], run: str) -> None:
    """A plain function may start an event loop of its own: it is called where none runs."""
    assert [outcome.verdict.word for outcome in outcomes(driver(run), suite)] == ["pass", "pass"]


def test_the_same_adapter_answers_all_calls(driver: Callable[..., str], suite: list[Cell]) -> None:
    """One instance, one process, one event loop: a client may be kept open between calls."""
    target = driver(
        """
        def __init__(self):
            self.loops = []
        async def run(self, call, endpoint, emit):
            self.loops.append(asyncio.get_running_loop())
            assert len(set(self.loops)) == 1
            print("call", len(self.loops), os.getpid(), file=sys.stderr)
            return TRUTH
        """
    )
    assert [outcome.verdict.word for outcome in outcomes(target, suite)] == ["pass", "pass"]


def test_what_an_adapter_prints_is_no_message(driver: Callable[..., str], suite: list[Cell]) -> None:
    """`print`, a write to descriptor 1, a child's output: all of it is log."""
    target = driver(
        """
        def run(self, call, endpoint, emit):
            print("{}")
            os.write(1, b"raw\\n")
            subprocess.run([sys.executable, "-c", "print('child')"], check=True)
            assert sys.stdin.read() == ""
            return TRUTH
        """
    )
    assert [outcome.verdict.word for outcome in outcomes(target, suite)] == ["pass", "pass"]


@pytest.mark.parametrize(
    ("body", "verdict", "message"),
    [
        ("return None", "crash", "run returned NoneType, not a Completion"),
        ("emit('text')", "crash", "emit was given str, not a Delta"),
        ("raise KeyError('choices')", "crash", "KeyError: 'choices' (my_driver.py:"),
        ("sys.exit(3)", "crash", "SystemExit: 3"),
        ("raise Unsupported('no such model here')", "unsupported", "no such model here"),
        ("return Completion(content=('text',))", "crash", "completion.content[0]: 'text' is not of type 'object'"),
        ("return Completion(raw_usage=object())", "crash", "TypeError: object is not JSON"),
        ("raise asyncio.CancelledError", "crash", "CancelledError"),
        ("os.abort()", "crash", "was ended by SIGABRT; the end of its standard error:"),
        ("sys.stdout.close(); return TRUTH", "pass", ""),
    ],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_what_an_adapter_may_do_wrong(
    driver: Callable[..., str], suite: list[Cell], kind: str, body: str, verdict: str, message: str
) -> None:
    """Its exception with the line of its own file; the process goes on where it can."""
    target = driver(f"{kind} run(self, call, endpoint, emit):\n    {body}")
    first = outcomes(target, suite[:1])[0]
    assert first.verdict.word == verdict
    assert message in first.message


@pytest.mark.parametrize(("kind", "same"), [("async def", True), ("def", False)])
def test_a_hang(driver: Callable[..., str], suite: list[Cell], kind: str, same: bool) -> None:
    """A coroutine is cancelled and its process kept; a plain function that hangs costs the process."""
    wait = "await asyncio.sleep(60)" if same else "time.sleep(60)"
    target = driver(
        f"{kind} run(self, call, endpoint, emit):\n"
        f"    if '@openai/' in endpoint.url: {wait}\n"
        "    print('pid', os.getpid(), file=sys.stderr)\n"
        "    return TRUTH"
    )
    with started(Target(adapter=target), Limits(seconds=1, start_seconds=20)) as run:
        first = run.process._child
        found = list(run.outcomes(suite))
        assert (run.process._child is first) is same
    assert [outcome.verdict.word for outcome in found] == ["hang", "pass"]
    assert "no answer within 1 s" in found[0].message
    assert 'my_driver.py", line' in found[0].message


def test_a_coroutine_that_blocks_its_loop(driver: Callable[..., str], suite: list[Cell]) -> None:
    """Nothing can cancel it; its process is ended, and the message says where it hung."""
    target = driver("async def run(self, call, endpoint, emit):\n    time.sleep(60)")
    (found,) = outcomes(target, suite[:1], Limits(seconds=1, start_seconds=20))
    assert found.verdict.word == "hang"
    assert 'my_driver.py", line' in found.message


WRONG_TARGETS = {
    "no_colon": ("'no_colon' names no adapter", "package.module:Class"),
    "nowhere_to_be_found:X": ("no module 'nowhere_to_be_found'", "PYTHONPATH"),
    "my_driver:Mien": ("my_driver has no 'Mien'", "Did you mean Mine?"),
    "my_driver:os.path": ("has no method `run`", "docs/adapters.md"),
    "broken_import:X": ("broken_import imports 'no_such_library', which is not installed", "Install it"),
    "broken_syntax:X": ("broken_syntax cannot be imported: SyntaxError", "python -c 'import broken_syntax'"),
    "odd:NeedsArguments": ("cannot be made: TypeError", "without arguments"),
    "odd:ShortRun": ("has run(call), which cannot be called with (call, endpoint, emit)", "docs/adapters.md"),
    "odd:NoName": ("has name None", "Give it a name"),
    "odd:OneProtocol": ("has protocols 'openai_chat'", "tuple"),
    "odd:OtherProtocol": ("has protocol 'telnet', which is none", "openai_chat, openai_responses"),
    "odd:OddCapabilities": ("has capabilities of type dict", "streamproof.capabilities.Capabilities"),
}

ODD = """
class NeedsArguments:
    name, protocols = "x", ("openai_chat",)
    def __init__(self, key): ...
    def run(self, call, endpoint, emit): ...
class ShortRun:
    name, protocols = "x", ("openai_chat",)
    def run(self, call): ...
class NoName:
    protocols = ("openai_chat",)
    def run(self, call, endpoint, emit): ...
class OneProtocol(NoName):
    name, protocols = "x", "openai_chat"
class OtherProtocol(NoName):
    name, protocols = "x", ("telnet",)
class OddCapabilities(NoName):
    name, capabilities = "x", {}
"""


@pytest.mark.parametrize("target", WRONG_TARGETS)
def test_a_target_that_is_no_adapter(
    driver: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    """Each mistake in the name or the class has its own words, and says what to write."""
    driver("def run(self, call, endpoint, emit): ...")
    (tmp_path / "broken_import.py").write_text("import no_such_library.part\n")
    (tmp_path / "broken_syntax.py").write_text("def (:\n")
    (tmp_path / "odd.py").write_text(ODD)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(AdapterError) as error:
        load_adapter(target)
    assert [part for part in WRONG_TARGETS[target] if part not in str(error.value)] == []


def test_a_function_or_an_object_is_a_target_too(
    driver: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever needs arguments writes a function, or makes the object at once."""
    driver("def run(self, call, endpoint, emit): ...")
    (tmp_path / "made_elsewhere.py").write_text(
        "from my_driver import Mine\ndef make(): return Mine()\nclass There: made = Mine()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert load_adapter("made_elsewhere:make").name == "mine"
    assert load_adapter("made_elsewhere:There.made").name == "mine"


def test_an_adapter_that_cannot_be_loaded_is_not_run(driver: Callable[..., str]) -> None:
    """The reason comes out of the other process."""
    driver("def run(self, call, endpoint, emit): ...")
    with (
        pytest.raises(AdapterError, match="it could not start: my_driver has no 'Yours'"),
        started(Target(adapter="my_driver:Yours"), LIMITS),
    ):
        pass


def test_versions_and_capabilities_come_with_hello(driver: Callable[..., str]) -> None:
    """They stand in the run's header."""
    target = driver(
        "versions = {'my-library': '1.2'}\n    \ndef run(self, call, endpoint, emit): ...", ', text="joined"'
    )
    with started(Target(adapter=target), LIMITS) as run:
        assert run.versions["my-library"] == "1.2"
        assert run.versions["python"] == sys.version.split()[0]
        assert run.capabilities.text == "joined"
        assert run.capabilities.fields == ("content.text", "finish_reason")
    with started(Target(adapter=REFERENCE), LIMITS) as run:
        assert run.versions["streamproof"]


def test_the_child_side_needs_no_package() -> None:
    """A driver's environment holds its library and streamproof without what streamproof needs itself, as the SDKs that
    libraries pin cannot be installed side by side."""
    source = (
        f"import sys; sys.path.insert(0, {str(Path(streamproof.__file__).parent.parent)!r})\n"
        "import streamproof.adapters.host, streamproof.capabilities, streamproof.adapters.lines\n"
        "streamproof.capabilities.Capabilities(protocols=('openai_chat',)).to_json()\n"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", source], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
