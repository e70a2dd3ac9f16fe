"""What `streamproof run` prints: a table of cases, then what failed, each failure once, then the sum.

A run with few failures shows all of them in full. One with many shows what fails most, and an example of each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ..cellid import CellId
from ..data import data_root
from ..expectations.file import SNAPSHOT, Expectations, load_expectations
from ..laws.table import LAWS
from ..outcome import Outcome
from ..render import BAD, count, cut, progress
from .failure_groups import Failures, Group, Kind, Told, examples

MOST = 10
"""Failures that are shown in full, unless all are asked for."""

_VERDICT_STYLES: Mapping[str, dict[str, Any]] = {
    "pass": {"fg": "green"},
    "known": {"fg": "yellow"},
    "unsupported": {"dim": True},
    "not_offered": {"dim": True},
}
_GOOD = ("known", "unsupported", "not_offered", "pass")
_NAMES_WIDTH = 120
"""Columns of a list of providers where there is no terminal to fit it into."""
_FULL_WIDTH, _WORTH_READING = 400, 30
"""Columns of a law's sentence without a terminal, and below which it is left out."""


class Report:
    """Collects the outcomes of a run; `lines` prints them as a table with the failures under it.

    adapter: its name, and that of its expectations file. expectations: another file. option: how the command line
    names the adapter. Raises UsageError when the file is malformed.
    """

    def __init__(self, adapter: str, *, expectations: Path | None = None, option: str | None = None) -> None:
        ours = data_root() / "conformance" / "expectations" / f"{adapter}.toml"
        known = load_expectations(expectations or ours)
        known = tuple(entry for entry in known if entry.requirement != SNAPSHOT)  # the suite compares those
        self._expectations = Expectations(known)
        self._adapter, self._option = adapter, option or f"--adapter {adapter}"
        self._head: list[str] = []
        self._rows: dict[str, dict[str, list[str]]] = {}  # case -> verdict -> providers
        self._failed, self._warned = Failures(), Failures()
        self.against_the_adapter: list[str] = []
        self._of_the_run: list[str] = []
        self._counts: Counter[str] = Counter()

    @property
    def failed(self) -> bool:
        """Whether the run has to exit with 1; a SHOULD that does not hold only warns."""
        return bool(self._failed or self.against_the_adapter or self._of_the_run)

    def expect(self, cells: Collection[str], *, whole: bool) -> None:
        """Hold the expectations against the suite too. cells: all of it; whole: none is left out."""
        self._expectations.suite(cells, whole=whole)

    def head(self, name: str, versions: Mapping[str, str], tier: str) -> None:
        """Who runs, and how the network is kept out: the table's first line."""
        self._adapter = name
        named = ", ".join(f"{package} {version}" for package, version in versions.items())
        self._head = [click.style(f"{name} ({named}); network: {tier}", dim=True)]

    def add(self, outcome: Outcome) -> Outcome:
        """Take one outcome. Returns it with those of its failures that are known."""
        cell = CellId.parse(outcome.cell)
        judged = self._expectations.judge(outcome)
        word = outcome.verdict.word
        if judged.fails and outcome.verdict.ok:
            word = "unexpected"
        elif not judged.fails and not outcome.verdict.ok:
            word = "known"
        named = f"{cell.provider}+{cell.plan}" if cell.plan else cell.provider
        self._rows.setdefault(cell.case, {}).setdefault(word, []).append(named)
        self._counts[word] += 1
        self._failed.add(cell, judged.failing, judged.untrue)
        self._warned.add(cell, judged.warned)
        return replace(outcome, known=tuple(judged.known))

    def end(self, complaints: Iterable[str] = ()) -> None:
        """All outcomes were taken. complaints: what the run as a whole says against the adapter."""
        self.against_the_adapter += complaints
        self._of_the_run += self._expectations.end()

    def progress(self, total: int) -> AbstractContextManager[Callable[[str], None]]:
        """A progress bar on standard error when that is a terminal; yields what advances it by one cell."""
        return progress(self._adapter, total)

    def lines(self, seconds: float, *, width: int | None = None, whole: bool = False, file: str = "") -> Iterator[str]:
        """All that there is to print. seconds: of the run. width: of the terminal, None where there is none. whole:
        every failure in full. file: where the NDJSON is, "" for nowhere."""
        yield from self._head
        longest = min(max(map(len, self._rows), default=0), max(width - 24, 24) if width else _NAMES_WIDTH)
        for case, verdicts in self._rows.items():
            words = "  ".join(_verdict(word, providers) for word, providers in sorted(verdicts.items(), key=_badness))
            yield f"{case:<{longest}}  {words}"
        yield from self._told(click.style("warning", fg="yellow"), self._warned, width, whole=whole, file="")
        yield from self._told(click.style("FAILED", **BAD), self._failed, width, whole=whole, file=file)
        for complaint in (*self.against_the_adapter, *self._of_the_run):
            yield ""
            yield f"{click.style('FAILED', **BAD)} {click.style(self._adapter, bold=True)} {complaint}"
        for note in self._expectations.notes():
            yield ""
            yield f"{click.style('warning', fg='yellow')} {note}"
        yield ""
        yield click.style(self._sum(seconds), bold=True)

    def _sum(self, seconds: float) -> str:
        counts = ", ".join(f"{number} {word}" for word, number in sorted(self._counts.items(), key=_badness))
        warned = sum(len(group.cells) * len(group.failures) for group in self._warned.groups())
        beside = f", {count(warned, 'warning')}" if warned else ""
        total = count(self._counts.total(), "cell")
        return f"{self._adapter}: {total} in {seconds:.1f} s: {counts or 'nothing'}{beside}"

    def _told(self, title: str, found: Failures, width: int | None, *, whole: bool, file: str) -> Iterator[str]:
        """Every failure in full when they are few, else what fails most and an example of each."""
        groups = found.groups()
        if whole or len(groups) <= MOST:
            for group in groups:
                yield from self._group(title, group, width)
            return
        kinds = found.kinds()
        yield ""
        yield f"{title} most often"
        yield from (_kind(kind, width) for kind in kinds[:MOST])
        if found is self._warned:
            yield click.style(
                f"  {count(len(groups), 'warning')} of {count(len(kinds), 'kind')}; --all shows them", dim=True
            )
            return
        shown = examples(groups, kinds[:MOST], MOST)
        for group in shown:
            yield from self._group(title, group, width)
        yield ""
        page = f"streamproof report {file} --format html -o matrix.html" if file else "--html matrix.html"
        yield f"{len(shown)} of {len(groups)} failures are shown. All of them: --all; as a page to look through: {page}"

    def _group(self, title: str, group: Group, width: int | None) -> Iterator[str]:
        """Failures that some providers of a case share, with the command that reproduces them."""
        first, *others = group.cells
        yield ""
        yield f"{title} {click.style(str(first), bold=True)}{_others([cell.provider for cell in others], width)}"
        for failure in group.failures:
            yield from _failure(failure)
        yield click.style(f"  again: {self._again(first)}", dim=True)

    def _again(self, cell: CellId) -> str:
        sync = (f" --plan {cell.plan}" if cell.plan else "") + (" --sync" if cell.sync else "")
        return f"streamproof run {cell.case} {self._option} --provider {cell.provider}{sync}"


def _failure(failure: Told) -> Iterator[str]:
    yield failure.text
    if failure.also:
        yield f"  also {', '.join(failure.also)}"


def _kind(kind: Kind, width: int | None) -> str:
    """`12 cases, 108 cells  wrong  law:cut-is-not-complete: what holds`."""
    law = LAWS.get(kind.name.removeprefix("law:")) if kind.name.startswith("law:") else None
    head = f"  {count(kind.cases, 'case'):>9}, {count(kind.cells, 'cell'):>10}  "
    name = kind.name if kind.name.startswith(kind.verdict.word) else f"{kind.verdict.word}  {kind.name}"
    room = width - len(head) - len(name) - 2 if width else _FULL_WIDTH
    says = f": {cut(law.sentence, room)}" if law and room >= _WORTH_READING else ""
    return f"{head}{name}{says}"


def _others(providers: Sequence[str], width: int | None) -> str:
    """` (and 2 more providers: azure, zai)`, as many of them as there is room for on two lines."""
    if not providers:
        return ""
    names = cut(", ".join(providers), max((width or _NAMES_WIDTH) - 24, 20))
    return f" (and {len(providers)} more {'provider' if len(providers) == 1 else 'providers'}: {names})"


def _badness(item: tuple[str, Any]) -> tuple[int, str]:
    word = item[0]
    return (_GOOD.index(word) + 1 if word in _GOOD else 0, word)


def _verdict(word: str, providers: list[str]) -> str:
    names = ", ".join(providers) if len(providers) <= 3 else f"{providers[0]} +{len(providers) - 1}"
    if word not in _GOOD:
        names = ", ".join(providers)
    return f"{click.style(word, **_VERDICT_STYLES.get(word, BAD))} {names}"
