"""Three ways to choose the damage: a seeded generator, hypothesis (which shrinks), atheris (which follows coverage)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from random import Random
from typing import NoReturn, TypeAlias

from .laws import Broken, Law
from .mutations import Input, mutated
from .seeds import Seed
from .tally import Tally

Report: TypeAlias = Callable[[Input, Broken], None]
"""Called for every input that breaks a law."""


def take(law: Law, given: Input, tally: Tally, report: Report) -> Broken | None:
    """One input; what it breaks."""
    try:
        tally.take(given, law(given))
    except Broken as fault:
        tally.count += 1
        tally.failures += 1
        report(given, fault)
        return fault
    return None


def at_random(law: Law, seeds: Sequence[Seed], tally: Tally, report: Report, seed: int) -> None:
    """Input number N depends on the seed and N alone."""
    while not tally.over:
        take(law, mutated(Random(f"{seed}:{tally.count}"), seeds), tally, report)


def by_hypothesis(law: Law, seeds: Sequence[Seed], tally: Tally, report: Report, seed: int) -> None:
    """Hypothesis makes the choices, in batches, and makes the first failure small; it ends there."""
    batch = 0
    while not tally.over and not tally.failures:
        left = BATCH if tally.inputs is None else min(BATCH, tally.inputs - tally.count)
        if failed := _batch(law, seeds, tally, seed + batch, left):
            tally.count += 1
            tally.failures += 1
            report(*failed)
        batch += 1


BATCH = 500
"""Hypothesis cannot be stopped in the middle, so the time is looked at after so many inputs."""


def _batch(law: Law, seeds: Sequence[Seed], tally: Tally, seed: int, examples: int) -> tuple[Input, Broken] | None:
    """Some inputs; the smallest one that breaks a law, and how."""
    import hypothesis  # noqa: PLC0415 - engines are imported when they run
    from hypothesis import strategies as st  # noqa: PLC0415 - as above

    failed: list[tuple[Input, Broken]] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
    )
    @hypothesis.given(st.randoms(use_true_random=False, note_method_calls=False))
    def holds(random: Random) -> None:
        given = mutated(random, seeds)
        try:
            seen = law(given)
        except Broken as fault:
            failed[:] = [(given, fault)]
            raise
        if not failed:  # while it shrinks, nothing counts
            tally.take(given, seen)

    try:
        holds()
    except Broken:
        return failed[0]
    return None


class BytesRandom(Random):
    """Choices read from bytes; zeros once they are used up."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._data, self._at = data, 0

    def getrandbits(self, k: int, /) -> int:
        size = (k + 7) // 8
        taken = self._data[self._at : self._at + size]
        self._at += size
        return int.from_bytes(taken, "little") & ((1 << k) - 1)

    def random(self) -> float:
        return self.getrandbits(32) / 2**32

    def _randbelow(self, n: int) -> int:
        # The base class draws again until it fits, which zeros or a short input would not always let it.
        return self.getrandbits(n.bit_length() + 8) % n


def by_atheris(
    law: Law, seeds: Sequence[Seed], tally: Tally, report: Report, seed: int, end: Callable[[], int]
) -> NoReturn:
    """libFuzzer makes the choices and follows coverage. It never returns: `end` gives the exit code of the process.

    streamproof has to be imported under `atheris.instrument_imports()`.
    """
    import atheris  # noqa: PLC0415 - as above

    def one(data: bytes) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)  # atheris keeps a watch of its own, which limits.py does better
        take(law, mutated(BytesRandom(data), seeds), tally, report)
        if tally.over:
            os._exit(end())

    options = ["-timeout=0", "-rss_limit_mb=0", "-max_len=512", "-len_control=0", "-verbosity=0"]
    atheris.Setup(["fuzz", f"-seed={seed or 1}", *options], one)
    atheris.Fuzz()
    raise AssertionError("libFuzzer ended by itself")
