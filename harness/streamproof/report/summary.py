"""Counts: what a column's cells add up to, and which failures come first.

The score is what docs/stability.md says: of the cells that count, how many are right, and of the MUSTs in them, how
many are about something that the library offers. Counted are cells of cases of level `must`, with the bytes as stored,
asked once; without those of a protocol or provider that the adapter does not speak (`unsupported`), and without
streamproof's own faults (`harness`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from ..outcome import KnownFailure
from ..verdict import Verdict
from .columns import Column
from .runs import Result

FAULTS = (Verdict.HANG, Verdict.CRASH, Verdict.WRONG, Verdict.LOSSY)
"""Verdicts that are the adapter's fault, worst first."""
SHORT_NAMES = {
    "openai_chat": "Chat",
    "openai_responses": "Responses",
    "anthropic_messages": "Messages",
    "gemini_generate_content": "Gemini",
    "bedrock_converse": "Converse",
}
"""Protocols where there is little room."""
_APART = (Verdict.UNSUPPORTED, Verdict.HARNESS)
_HARNESS_LIMIT = Fraction(1, 100)
"""Share of cells that may fail through our own fault before a run says nothing."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many cells got which verdict. counts: all of them; counted: those that a score counts, with `unsupported` and
    `harness` among them. musts: the MUSTs of the cases that were looked at in these; offered: those of them that are
    about something that the library offers. warned: cells in which a SHOULD does not hold. known: failing cells whose
    failures are all listed by expectations."""

    counts: Counter[Verdict]
    counted: Counter[Verdict] = field(default_factory=Counter)
    offered: int = 0
    musts: int = 0
    warned: int = 0
    known: int = 0

    @property
    def right(self) -> int:
        """Counted cells in which nothing that the library offers is wrong or lost."""
        return self.counted[Verdict.PASS] + self.counted[Verdict.NOT_OFFERED]

    @property
    def of(self) -> int:
        """The denominator of `right`."""
        return self.counted.total() - sum(self.counted[verdict] for verdict in _APART)

    @property
    def total(self) -> int:
        """All cells that were run."""
        return self.counts.total()

    @property
    def share(self) -> Fraction:
        """right / of; 0 when nothing counts."""
        return Fraction(self.right, self.of) if self.of else Fraction()


def percent(part: int, of: int) -> str:
    """A share for readers. Rounded down, so that 100 % means all."""
    tenths = 1000 * part // of if of else 0
    return f"{tenths // 10}.{tenths % 10} %" if of else "-"


def tally(results: Iterable[Result]) -> Tally:
    """Count some cells."""
    results = list(results)
    counted = [result for result in results if counts(result)]
    return Tally(
        Counter(result.verdict for result in results),
        Counter(result.verdict for result in counted),
        sum(result.offered for result in counted),
        sum(result.musts for result in counted),
        sum(bool(result.warnings) for result in results),
        sum(result.is_known for result in results),
    )


def counts(result: Result) -> bool:
    """Whether a score counts a cell, if the adapter speaks its protocol and we are not at fault."""
    name = result.name
    return result.level == "must" and not name.plan and not name.sync


def no_score(column: Column) -> str:
    """Why the counts of a column are no score; "" when they are one."""
    found = tally(column.results.values())
    ours = found.counted[Verdict.HARNESS]
    unknown = sum(not result.level for result in column.results.values())
    if column.cut:
        return "the run was cut short"
    if column.conflicts:
        return "its runs contradict each other"
    if column.partial:
        return column.partial
    if unknown:
        return f"{unknown} cells are of cases that this suite does not have, and their level is not known"
    if ours > _HARNESS_LIMIT * (found.of + ours):
        return f"{ours} of {found.of + ours} cells failed through streamproof's own fault"
    return "" if found.of else "no cell of it counts"


def by_protocol(column: Column) -> dict[str, Tally]:
    """The tally of every protocol that the column has a cell of."""
    groups: dict[str, list[Result]] = {}
    for result in column.results.values():
        groups.setdefault(result.name.protocol, []).append(result)
    return {protocol: tally(group) for protocol, group in sorted(groups.items())}


def ranked(columns: Iterable[Column]) -> list[tuple[Column, Tally]]:
    """The best share of right cells first, those without a score last; among equals the one with more cells, then by
    name."""
    tallies = [(column, tally(column.results.values())) for column in columns]
    return sorted(tallies, key=lambda item: (bool(no_score(item[0])), -item[1].share, -item[1].of, item[0].label))


def suites(columns: Iterable[Column]) -> list[str]:
    """The versions of the suite that the columns are of, oldest first; scores of different ones do not compare."""
    found = {str(header["suite"]) for column in columns for header in column.headers if header.get("suite")}
    return sorted(found, key=lambda version: ([int(part) for part in re.findall(r"\d+", version)], version))


def notes(column: Column) -> list[str]:
    """What a reader must know before believing a column."""
    reason = no_score(column)
    return [*column.cut, *column.notes, *([f"no score: {reason}"] if reason and not column.cut else [])]


def worst_failures(columns: Iterable[Column], limit: int) -> list[tuple[Column, Result]]:
    """The first failures to look at, worst verdict first, one per adapter, case and verdict; none that is known."""
    seen: set[tuple[str, str, Verdict]] = set()
    found = []
    for column in columns:
        for result in column.results.values():
            key = (column.label, result.name.case, result.verdict)
            if not result.verdict.ok and not result.is_known and key not in seen:
                seen.add(key)
                found.append((column, result))
    found.sort(key=lambda item: (item[1].verdict, item[0].label, item[1].cell))
    return found[:limit]


def known_failures(column: Column) -> list[tuple[KnownFailure, int]]:
    """What expectations list of it, most cells first: each reason once, with how many cells it explains."""
    cells: Counter[KnownFailure] = Counter()
    for result in column.results.values():
        cells.update({entry._replace(requirement="") for entry in result.known})
    return cells.most_common()


def complaint(result: Result) -> tuple[str, str, str]:
    """What is wrong with a cell in short: what, expected, got. The worst finding, else the message for the whole."""
    listed = {entry.requirement for entry in result.known}
    failing = [item for item in result.failing if item[0].requirement not in listed] or result.failing
    of_the_whole = "" if "cell" in listed else result.message
    if failing and (failing[0][0].verdict <= result.verdict or not of_the_whole):
        finding, place = failing[0]
        where = f", decided by {place}" if place else ""
        path = f": {finding.path}" if finding.path else ""
        return f"{finding.requirement}{path}{where}", finding.expected, finding.got
    return result.message or "no reason given", "", ""
