"""Trying mutants: each in a process of its own, forked from one that has everything imported and collected."""

from __future__ import annotations

import fnmatch
import hashlib
import importlib.abc
import importlib.machinery
import json
import os
import re
import resource
import select
import signal
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from checks import ROOT, Check, Story, case_checks, first_failure, with_tests
from mutations import Mutant

STATE = ROOT / ".mutants"
_SECONDS = STATE / "seconds.json"
SLOW = 0.3
"""Seconds of CPU from which on a check is left out with --quick: property tests, which kill few mutants."""
PATIENCE = 120.0
"""Seconds until a mutant that waits for something is given up."""

SURVIVED, KILLED, TIMEOUT, ELSEWHERE = "survived", "killed", "timeout", "elsewhere"


class Suite(NamedTuple):
    """What has to notice the mutants of some files. protocols: whose cases. tests: globs."""

    files: str
    protocols: Sequence[str]
    tests: Sequence[str]


ALL = ("openai_chat", "openai_responses", "anthropic_messages", "gemini_generate_content", "bedrock_converse")
SUITES = (
    Suite("decoders/openai_chat/*", ALL[:1], ["tests/decoders/test_openai_chat*.py"]),
    Suite("decoders/openai_responses/*", ALL[1:2], ["tests/decoders/test_openai_responses*.py"]),
    Suite("decoders/anthropic_messages/*", ALL[2:3], ["tests/decoders/test_anthropic*.py"]),
    Suite("decoders/gemini_generate_content/*", ALL[3:4], ["tests/decoders/test_gemini*.py"]),
    Suite("decoders/bedrock_converse.py", ALL[4:], ["tests/decoders/test_bedrock*.py"]),
    Suite("decoders/*", ALL, ["tests/decoders/test_*.py"]),
    Suite("wire/plans/*", (), ["tests/wire/test_plan*.py"]),
    Suite("wire/*", ALL, ["tests/wire/test_[!p]*.py"]),
)


# -- one mutant in a process of its own


class _NotHere(Exception):
    """This mutant shows only when its module is imported anew."""


def swap(mutant: Mutant) -> None:
    """Put a mutant into the modules that are imported. Raises _NotHere where that cannot be."""
    if mutant.swaps:
        _swap_body(mutant, sys.modules[_module(mutant.file)])
    else:
        _swap_table(mutant, sys.modules[_module(mutant.file)])


def _swap_table(mutant: Mutant, module: ModuleType) -> None:
    """A table of plain data is set in every module that has it under its name, or in its class."""
    scratch = {name: vars(module).get(name) for name in ("__name__", "__package__", "__file__", "__path__")}
    exec(compile(mutant.source, str(module.__file__), "exec"), scratch)
    owner, _, name = mutant.place.rpartition(".")
    before, after = (vars(space[owner]) if owner else space for space in (vars(module), scratch))
    if name not in before or name not in after or not (_is_data(before[name]) and _is_data(after[name])):
        raise _NotHere
    old, new = before[name], after[name]
    if owner:
        setattr(vars(module)[owner], name, new)
    for other in list(sys.modules.values()):
        if not owner and isinstance(other, ModuleType) and vars(other).get(name) is old:
            setattr(other, name, new)


def _is_data(value: Any) -> bool:
    match value:
        case tuple() | list() | set() | frozenset():
            return all(map(_is_data, value))
        case Mapping():
            return all(_is_data(key) and _is_data(item) for key, item in value.items())
    return isinstance(value, str | bytes | int | float | re.Pattern | None)


def _swap_body(mutant: Mutant, module: ModuleType) -> None:
    """Give a function the body of a mutant: whoever holds the function has the mutant."""
    target: Any = module
    for name in mutant.place.split("."):
        target = vars(target)[name]
    function = getattr(target, "__func__", target)
    code = _code(compile(mutant.source, str(module.__file__), "exec"), mutant.place)
    if not isinstance(function, FunctionType) or code is None or code == function.__code__:
        raise _NotHere
    try:
        function.__code__ = code
    except ValueError:  # another number of free variables
        raise _NotHere from None


def _code(code: CodeType, place: str) -> CodeType | None:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_qualname == place:
                return constant
            if place.startswith(f"{constant.co_qualname}."):
                return _code(constant, place)
    return None


def _module(file: str) -> str:
    parts = Path(file).with_suffix("").parts
    return ".".join(("streamproof", *(parts[:-1] if parts[-1] == "__init__" else parts)))


class _Mutated(importlib.abc.MetaPathFinder):
    """Imports one module from other source text."""

    def __init__(self, mutant: Mutant) -> None:
        self._name, self._source = _module(mutant.file), mutant.source

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(name, path) if name == self._name else None
        if spec is not None:
            spec.loader = _Loader(name, str(spec.origin), self._source)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec")


def in_child(work: Callable[[], str]) -> tuple[str, str]:
    """Run in a process of its own. work: gives the name of what killed the mutant, "" for nothing."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _be_quiet()
        try:
            by = work()
            answer = f"{KILLED if by else SURVIVED}\n{by}"
        except _NotHere:
            answer = f"{ELSEWHERE}\n"
        except BaseException as error:  # noqa: BLE001 - it cannot even be imported
            answer = f"{KILLED}\n{type(error).__name__} before any check"
        os.write(writer, answer.encode("utf-8", "replace")[:4000])
        os._exit(0)
    os.close(writer)
    ready, _, _ = select.select([reader], [], [], PATIENCE)
    if not ready:
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        status, _, by = pipe.read().partition("\n")
    _, code = os.waitpid(child, 0)
    hung = not ready or (os.WIFSIGNALED(code) and os.WTERMSIG(code) == signal.SIGPROF)
    return (TIMEOUT, "") if hung else (status or KILLED, by)


def _be_quiet() -> None:
    silence = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(silence, number)
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))  # a mutant that only grows is a MemoryError


# -- the mutants of one file


class Bench:
    """Tries mutants of one file. stories: of all cases. note: called with every result."""

    def __init__(
        self, file: str, stories: Iterable[Story], note: Callable[[Mutant, str, str], None], *, quick: bool
    ) -> None:
        self._suite = next(suite for suite in SUITES if fnmatch.fnmatch(file, suite.files))
        self._stories = [story for story in stories if story.protocol in self._suite.protocols]
        self._splits = file.startswith("wire/")
        self._note, self._quick = note, quick
        self._seconds: dict[str, float] = json.loads(_SECONDS.read_text()) if _SECONDS.exists() else {}

    def _paths(self) -> list[str]:
        return sorted({str(path) for glob in self._suite.tests for path in ROOT.glob(glob)})

    def _cases(self) -> list[Check]:
        return case_checks(self._stories, splits=self._splits)

    def swap_all(self, todo: Sequence[Mutant]) -> None:
        """Mutants of functions and of plain tables: all is imported and collected once, in a process forked for it."""
        self._collected(lambda checks: self._swap_each(todo, checks))

    def _collected(self, use: Callable[[list[Check]], None]) -> None:
        child = os.fork()
        if not child:
            code = 1
            try:
                with_tests(self._paths(), lambda tests: use(self._cases() + tests))
                code = 0
            except RuntimeError as error:
                print(error, file=sys.stderr)
            finally:
                os._exit(code)
        if os.waitpid(child, 0)[1]:
            raise SystemExit("the tests cannot be run")

    def _swap_each(self, todo: Sequence[Mutant], checks: list[Check]) -> None:
        self._measure(checks)
        checks = self._fast_first(checks)
        by_name = {check.name: check for check in checks}
        killers: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=20))
        for mutant in todo:
            first = [by_name[name] for name in killers[mutant.place]]
            status, by = in_child(lambda mutant=mutant, first=first: self._try_swapped(mutant, [*first, *checks]))
            if status == SURVIVED and mutant.at_import and not self._quick:
                status = ELSEWHERE  # what was made before the swap may be the same
            if by in by_name:
                if by in killers[mutant.place]:
                    killers[mutant.place].remove(by)
                killers[mutant.place].appendleft(by)
            self._note(mutant, status, by)

    def _fast_first(self, checks: list[Check]) -> list[Check]:
        ordered = sorted(checks, key=lambda check: self._seconds.get(check.name, 0.0))
        return [check for check in ordered if not self._quick or self._seconds.get(check.name, 0.0) < SLOW]

    def _try_swapped(self, mutant: Mutant, checks: list[Check]) -> str:
        swap(mutant)
        return first_failure(checks, self._seconds)

    def _measure(self, checks: list[Check]) -> None:
        """What the checks take, and that they hold."""

        def each() -> str:
            for check in checks:
                started = time.process_time()
                if not check.run():
                    return check.name
                self._seconds[check.name] = time.process_time() - started
            _SECONDS.write_text(json.dumps(self._seconds))
            return ""

        status, by = in_child(each)
        if status != SURVIVED:
            raise SystemExit(f"fails without any mutant: {by}")
        self._seconds = json.loads(_SECONDS.read_text())

    def import_anew(self, mutant: Mutant) -> None:
        """A mutant of what runs while its module is imported."""

        def attempt() -> str:
            sys.meta_path.insert(0, _Mutated(mutant))
            found = [first_failure(self._cases(), self._seconds)]
            if not found[0]:
                with_tests(
                    self._paths(), lambda tests: found.append(first_failure(self._fast_first(tests), self._seconds))
                )
            return found[-1]

        self._note(mutant, *in_child(attempt))

    def fingerprint(self) -> str:
        """Changes with the tests and cases that a survivor has survived."""
        digest = hashlib.sha256(repr((self._quick, self._stories)).encode())
        for path in [*self._paths(), *sorted(ROOT.glob("tests/decoders/*_wire.py"))]:
            digest.update(Path(path).read_bytes())
        return digest.hexdigest()[:16]
