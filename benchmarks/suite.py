"""The suite as a whole: cells per second, a split cell, start-up of the commands, growth with the number of cases."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from streamproof.case import Case, all_cases
from streamproof.cell import Cell, can_play, cells
from streamproof.data import data_root
from streamproof.running.ours import in_process
from streamproof.wire.plans import Plan

from .figures import Figure, Section
from .interleaved import children, interleaved

BATCH = 120
"""Cells of a sample."""


def sections(rounds: int) -> list[Section]:
    """Four."""
    cases = list(all_cases())
    for case in cases:
        case.cassette  # noqa: B018 - loaded before anything is timed
    few = max(3, rounds // 3)
    return [_cells(cases, few), _split(cases, few), _start_up(few), _growth(few)]


def run(adapter: str, chosen: list[Cell]) -> None:
    """Run cells as `streamproof run` does."""
    with in_process(adapter, 30.0) as ours:
        for _ in ours.outcomes(chosen):
            pass


def _sample(cases: list[Case], adapter: str) -> list[Cell]:
    spoken = [cell for case in cases for cell in cells([case])[:1] if adapter == "wire" or cell.row.sdk != "none"]
    return spoken[:: max(1, len(spoken) // BATCH)]


def _cells(cases: list[Case], rounds: int) -> Section:
    samples = {name: _sample(cases, name) for name in ("wire", "reference", "sdk")}
    contenders = {name: _runner(name, chosen) for name, chosen in samples.items()}
    times = interleaved(contenders, rounds)
    figures = [Figure(n, [s / len(samples[n]) for s in times.rounds[n]], "s/cell") for n in samples]
    work = f"Replaying and grading about {BATCH} cases, evenly from the suite, cassettes loaded. CPU time."
    return Section("suite/cells", "Cells", work, figures)


def _runner(name: str, chosen: list[Cell]) -> Callable[[], object]:
    return lambda: run(name, chosen)


def _split(cases: list[Case], rounds: int) -> Section:
    plan = Plan(split="at-40")
    chosen = [replace(cell, plan=plan) for cell in _sample(cases, "wire") if can_play(cell.case, plan)]
    times = interleaved({"wire": lambda: run("wire", chosen)}, rounds)
    figures = [Figure("wire", [s / len(chosen) for s in times.rounds["wire"]], "s/cell", target=0.003)]
    work = f"{len(chosen)} cells with one two-part split each, run and graded, laws included. CPU time."
    return Section("suite/split", "A two-part split", work, figures)


def _start_up(rounds: int) -> Section:
    case = next(iter(sorted((data_root() / "cassettes").glob("*/*.yaml"))))
    python = [sys.executable, "-m", "streamproof.cli"]
    contenders: dict[str, Callable[[], object]] = {
        "python -c pass": lambda: _command([sys.executable, "-c", "pass"]),
        "python -c 'import openai'": lambda: _command([sys.executable, "-c", "import openai"]),
        "streamproof list": lambda: _command([*python, "list"]),
        "streamproof lint CASE": lambda: _command([*python, "lint", str(case)]),
        "streamproof serve, to its first line": lambda: _served([*python, "serve"]),
    }
    times = interleaved(contenders, rounds, children)
    targets = {"streamproof list": 0.2}
    figures = [Figure(name, times.rounds[name], "s", target=targets.get(name)) for name in contenders]
    return Section(
        "suite/start",
        "Start-up",
        "A process from its start to its end. CPU time, which is the time by the clock on an idle machine.",
        figures,
    )


def _command(arguments: list[str], **environment: str) -> None:
    subprocess.run(arguments, check=True, capture_output=True, env={**os.environ, **environment})


def _served(arguments: list[str]) -> None:
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        assert server.stdout is not None
        assert server.stdout.readline()
        server.terminate()


def _growth(rounds: int) -> Section:
    """A suite of 60 cases and one of 600, of the same files."""
    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        roots = [_suite(Path(folder) / str(count), count) for count in (60, 600)]
        for command in ("list", "run", "lint"):
            contenders = {str(root.name): _command_in(root, command) for root in roots}
            times = interleaved(contenders, rounds, children)
            name = f"streamproof {command}"
            found.append(Figure(f"{name}, 60 cases", times.rounds["60"], "s", 1.0))
            found.append(Figure(f"{name}, 600 cases", times.rounds["600"], "s", times.ratio("600", "60"), 10.0))
    work = "Ten times as many cases, start-up included: the ratio shall be at most 10. CPU time."
    return Section("suite/growth", "Growth with the number of cases", work, found)


def _suite(root: Path, count: int) -> Path:
    sources = sorted((data_root() / "cassettes" / "openai_chat").glob("*.yaml"))[:60]
    place = root / "cassettes" / "openai_chat"
    place.mkdir(parents=True)
    for number in range(count):
        source = sources[number % len(sources)]
        shutil.copy(source, place / f"{source.stem}-copy{number}.yaml")
    (root / "conformance").mkdir()
    return root


def _command_in(root: Path, command: str) -> Callable[[], object]:
    arguments = [sys.executable, "-m", "streamproof.cli", command, *(["--adapter", "wire"] if command == "run" else [])]

    def run_it() -> None:
        done = subprocess.run(
            arguments, check=False, capture_output=True, env={**os.environ, "STREAMPROOF_DATA": str(root)}
        )
        assert done.returncode in (0, 1), done.stderr.decode()

    return run_it
