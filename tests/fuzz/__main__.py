"""Damaged streams through our adapters: `nox -s fuzz -- [options]`.

Each input is a stream of a cassette (with STREAMPROOF_CORPUS, of the recordings there too) with some damage: events
dropped, repeated, swapped, spliced, values changed, bytes flipped, cut, under other headers, in other chunks. It has to
end in a completion or an LLMError, in time, never complete without a terminal event; tests/fuzz/laws.py has all laws.

Exit code 0: every law held. 1: one was broken; the input is made small and kept. 2: the options cannot be followed.
"""

from __future__ import annotations

import argparse
import json
import logging
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .laws import Broken
    from .mutations import Input
    from .tally import Tally

ENGINES = ("random", "hypothesis", "atheris")
ADAPTERS = ("wire", "reference")
DEFAULT_SECONDS = 60.0
_NO_ATHERIS = "atheris is not installed: it has wheels for Linux on x86-64 only; random and hypothesis do without"


def main() -> int:
    """The command."""
    asked = _arguments()
    warnings.simplefilter("ignore")  # of the SDKs, about values that they do not know
    logging.disable(logging.CRITICAL)
    if asked.replay:
        return _replay(asked)
    engines = [asked.engine] if asked.engine else [engine for engine in ENGINES if _has(engine)]
    if not _has(engines[0]):
        print(_NO_ATHERIS, file=sys.stderr)
        return 2
    if not asked.engine and not _has("atheris"):
        print(_NO_ATHERIS, file=sys.stderr)
    adapters = [asked.adapter] if asked.adapter else ADAPTERS
    if asked.in_process:
        return _run(asked, engines[0], adapters[0], asked.seconds)
    share = (asked.seconds or 0) / len(engines) / len(adapters) or None
    return max([_one(asked, engine, adapter, share) for engine in engines for adapter in adapters])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="nox -s fuzz --", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, metavar="N", help="at most so many, for each engine and adapter")
    parser.add_argument("--seconds", type=float, metavar="S", help="at most so long in all; 60 without --inputs")
    parser.add_argument("--adapter", choices=ADAPTERS, help="default: both")
    parser.add_argument("--engine", choices=ENGINES, help="default: all that are installed, one after the other")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same seed gives the same inputs")
    parser.add_argument("--no-corpus", action="store_true", help="leave STREAMPROOF_CORPUS out")
    parser.add_argument("--failures", type=Path, default=Path("fuzz-failures"), metavar="DIR", help="where they go")
    parser.add_argument("--figures", type=Path, metavar="FILE", help="append the figures as JSON lines")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="check these kept inputs and stop")
    parser.add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inputs is None and asked.seconds is None:
        asked.seconds = DEFAULT_SECONDS
    return asked


def _has(engine: str) -> bool:
    return engine == "random" or find_spec(engine) is not None


def _one(asked: argparse.Namespace, engine: str, adapter: str, seconds: float | None) -> int:
    """One engine with one adapter; atheris in a process of its own, as it ends its process."""
    if engine != "atheris":
        return _run(asked, engine, adapter, seconds)
    options = [f"--engine={engine}", f"--adapter={adapter}", f"--seed={asked.seed}", f"--failures={asked.failures}"]
    options += ["--in-process", *(["--no-corpus"] if asked.no_corpus else [])]
    options += [f"--{name}={value}" for name, value in (("inputs", asked.inputs), ("seconds", seconds)) if value]
    options += [f"--figures={asked.figures}"] if asked.figures else []
    with tempfile.TemporaryFile("w+") as said:  # libFuzzer talks; it is shown when it ends badly
        done = subprocess.run([sys.executable, "-m", "fuzz", *options], stderr=said, check=False)
        said.seek(0)
        ours = f"{engine} {adapter}"
        lines = said.read().splitlines()
    shown = [line for line in lines if line.startswith((ours, "  ", "FAILED"))] if done.returncode in (0, 1) else lines
    print("\n".join(shown[-200:]), file=sys.stderr)
    return done.returncode


def _run(asked: argparse.Namespace, engine: str, adapter: str, seconds: float | None) -> int:
    if engine == "atheris":
        import atheris  # noqa: PLC0415 - only here

        with atheris.instrument_imports(include=["streamproof"], enable_loader_override=False):
            from streamproof.decoders import stream  # noqa: F401, PLC0415 - imported to be instrumented
    from streamproof.hermetic import hermetic  # noqa: PLC0415 - after atheris

    from . import engines  # noqa: PLC0415 - as above
    from .laws import ADAPTERS as LAWS  # noqa: PLC0415 - as above
    from .seeds import all_seeds  # noqa: PLC0415 - as above
    from .tally import Tally  # noqa: PLC0415 - as above

    seeds = all_seeds(corpus=not asked.no_corpus)
    if adapter == "reference":
        seeds = [seed for seed in seeds if seed.rows[0].sdk != "none"]
    print(f"{engine} {adapter}: {len(seeds)} streams to damage, seed {asked.seed}", file=sys.stderr, flush=True)
    tally = Tally(engine, adapter, asked.inputs, seconds)
    keeper = Keeper(asked.failures, LAWS[adapter](), adapter)
    with hermetic():
        if engine == "atheris":
            engines.by_atheris(keeper.law, seeds, tally, keeper, asked.seed, lambda: _end(tally, asked))
        run = engines.at_random if engine == "random" else engines.by_hypothesis
        run(keeper.law, seeds, tally, keeper, asked.seed)
    return _end(tally, asked)


def _end(tally: Tally, asked: argparse.Namespace) -> int:
    tally.progress(last=True)
    if asked.figures:
        with asked.figures.open("a") as file:
            file.write(json.dumps({**tally.to_json(), "seed": asked.seed}) + "\n")
    return 1 if tally.failures else 0


class Keeper:
    """Makes the first failure of each kind small, writes it, and says what to do with it."""

    def __init__(self, folder: Path, law: Any, adapter: str) -> None:
        self.law = law
        self._folder, self._adapter = folder, adapter
        self._known: set[Any] = set()

    def __call__(self, given: Input, fault: Broken) -> None:
        """An input broke a law."""
        from .failures import advice, broken, keep, kind, minimized  # noqa: PLC0415 - as above

        if (found := kind(given, fault)) in self._known:
            return
        self._known.add(found)
        small = minimized(self.law, given, fault.law)
        fault = broken(self.law, small) or fault
        path = keep(self._folder, small, fault)
        print(f"\nFAILED {fault} (seed stream {given.seed})", file=sys.stderr)
        print(advice(path, given, self._adapter), file=sys.stderr, flush=True)


def _replay(asked: argparse.Namespace) -> int:
    from streamproof.hermetic import hermetic  # noqa: PLC0415 - as above

    from .failures import broken, kept  # noqa: PLC0415 - as above
    from .laws import ADAPTERS as LAWS  # noqa: PLC0415 - as above

    failed = 0
    with hermetic():
        for adapter, path in _each(asked):
            given = kept(path)
            speaks = adapter == "wire" or given.row.sdk != "none"
            fault = broken(LAWS[adapter](), given) if speaks else None
            failed += fault is not None
            print(f"{path} {adapter}: {fault or ('every law holds' if speaks else 'no SDK speaks this protocol')}")
    return 1 if failed else 0


def _each(asked: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    for adapter in [asked.adapter] if asked.adapter else ADAPTERS:
        yield from ((adapter, path) for path in asked.replay)


if __name__ == "__main__":
    sys.exit(main())
