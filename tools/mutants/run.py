"""Mutation testing of decoders/ and wire/: does anything notice when they are changed a little?

    python tools/mutants/run.py [GLOB ...]     files below harness/streamproof, such as 'decoders/openai_chat/*'

Results are kept in .mutants/, so a run that was stopped goes on where it was; a survivor is tried again when tests or
cases have changed since. Exit 1: fewer than 95 % are killed, or survivors.toml is not the list of the survivors.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import json
import os
import pickle
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from bench import ELSEWHERE, KILLED, STATE, SURVIVED, TIMEOUT, Bench
from checks import ROOT, Story
from mutations import Mutant, mutants

PACKAGE = ROOT / "harness" / "streamproof"
SURVIVORS = Path(__file__).parent / "survivors.toml"
SCORE = 95.0


class Result(NamedTuple):
    """How it went with a mutant. by: the check that killed it. tests: the state of tests and cases, see `_tests`."""

    key: str
    status: str
    by: str
    tests: str


# -- all files


class Results:
    """What is known from earlier runs, by key of the mutant; every new result is written at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Result] = {}
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                result = Result(*json.loads(line))
                self._known[result.key] = result

    def get(self, mutant: Mutant, tests: str) -> Result | None:
        """A result that still holds: new tests do not revive a mutant, but may kill it."""
        known = self._known.get(mutant.key)
        if known is None or known.status == ELSEWHERE or (known.status == SURVIVED and known.tests != tests):
            return None
        return known

    def add(self, result: Result) -> None:
        """Keep a result."""
        self._known[result.key] = result
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(result) + "\n")


def run_file(file: str, stories: Iterable[Story], path: Path, *, quick: bool = False) -> list[tuple[Mutant, Result]]:
    """Try all mutants of a file that have no result yet."""
    results = Results(path)
    made = _made(file)

    def note(mutant: Mutant, status: str, by: str) -> None:
        results.add(Result(mutant.key, status, by, tests))

    bench = Bench(file, stories, note, quick=quick)
    tests = bench.fingerprint()
    todo = [mutant for mutant in made if results.get(mutant, tests) is None]
    if todo:
        bench.swap_all(todo)
        results = Results(path)
    for mutant in [] if quick else todo:
        if results.get(mutant, tests) is None:
            bench.import_anew(mutant)
    return [(mutant, found) for mutant in made if (found := results.get(mutant, tests))]


def _made(file: str) -> list[Mutant]:
    """The mutants of a file, made once for every state of it."""
    source = PACKAGE / file
    state = hashlib.sha256(source.read_bytes() + (Path(__file__).parent / "mutations.py").read_bytes()).hexdigest()[:16]
    kept = STATE / "made" / f"{state}.pickle"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(pickle.dumps(mutants(source, file)))
    made: list[Mutant] = pickle.loads(kept.read_bytes())
    return made


def _stories() -> list[Story]:
    """The cases, read by another process: this one must not import what it will mutate."""
    file = STATE / "stories.pickle"
    subprocess.run([sys.executable, str(Path(__file__).parent / "checks.py"), str(file)], check=True)
    return [Story(*fields) for fields in pickle.loads(file.read_bytes())]


# -- the list of survivors, and the report


def _listed() -> dict[tuple[str, str, str, str, int], str]:
    """The mutants of survivors.toml, each with the reason why it need not be killed."""
    found = {}
    for entry in tomllib.loads(SURVIVORS.read_text(encoding="utf-8")).get("survivor", []):
        for was, now, *nth in entry["mutants"]:
            found[entry["file"], entry["place"], was, now, nth[0] if nth else 0] = entry["reason"]
    return found


def _complaints(files: Sequence[str], outcomes: Sequence[tuple[Mutant, Result]]) -> Iterator[str]:
    """Where survivors.toml is not the list of the survivors."""
    listed = {name for name in _listed() if name[0] in files}
    alive = {mutant.name for mutant, result in outcomes if result.status == SURVIVED}
    for file, place, was, now, nth in sorted(alive - listed):
        yield f"SURVIVED and is not listed: {file} {place} ({nth})\n  - {was}\n  + {now}"
    for file, place, was, now, nth in sorted(listed - alive):
        yield f"LISTED but killed, or gone: {file} {place} ({nth})\n  - {was}\n  + {now}"


def _row(name: str, counts: Counter[str]) -> str:
    total = sum(counts.values())
    killed = counts[KILLED] + counts[TIMEOUT]
    return (
        f"{name:50} {total:6} {counts[KILLED]:6} {counts[TIMEOUT]:8} {counts[SURVIVED]:8} {100 * killed / total:6.1f} %"
    )


def report(files: Sequence[str], outcomes: Sequence[tuple[Mutant, Result]]) -> bool:
    """Print the table and what is wrong; whether all is well."""
    print(f"{'file':50} {'all':>6} {'killed':>6} {'timeouts':>8} {'survived':>8} {'score':>8}")
    whole: Counter[str] = Counter()
    for file in files:
        counts = Counter(result.status for mutant, result in outcomes if mutant.file == file)
        whole += counts
        if counts:
            print(_row(file, counts))
    print(_row("all", whole))
    complaints = list(_complaints(files, outcomes))
    for complaint in complaints:
        print(complaint)
    score = 100 * (whole[KILLED] + whole[TIMEOUT]) / max(1, whole.total())
    if score < SCORE:
        print(f"{score:.1f} % are killed, {SCORE:g} % are wanted")
    return not complaints and score >= SCORE


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", default=["decoders/*", "wire/*"], metavar="GLOB")
    parser.add_argument("--quick", action="store_true", help="a first look: only what is fast")
    options = parser.parse_args()
    every = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))
    every = [file for file in every if file.startswith(("decoders/", "wire/"))]
    files = [file for file in every if any(fnmatch.fnmatch(file, glob) for glob in options.files)]
    if not files:
        parser.error(f"no file below {PACKAGE} in decoders/ or wire/ matches {' '.join(options.files)}")
    os.environ["CI"] = "true"  # hypothesis tries the same examples for every mutant
    sys.path.insert(0, str(PACKAGE.parent))
    STATE.mkdir(exist_ok=True)
    stories = _stories()
    for module in ("hypothesis.strategies", "openai.types.responses", "yaml", "jsonschema", "httpx2"):
        __import__(module)  # once, for all processes that are forked from this one
    outcomes = []
    for file in files:
        started = time.monotonic()
        outcomes += run_file(file, stories, STATE / "results.jsonl", quick=options.quick)
        print(f"{file}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    sys.exit(0 if report(files, outcomes) else 1)


if __name__ == "__main__":
    main()
