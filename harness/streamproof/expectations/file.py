"""Known failures of an adapter: run anyway, and held against what happens.

A failure that is not listed fails the run, and so does a listed one that passes: the file must stay true.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UsageError
from ..outcome import KnownFailure, Outcome, explain
from ..paths import format_path
from ..schemas import problems
from ..verdict import Verdict
from .globs import parsed, stored

SNAPSHOT = "snapshot"
"""The requirement name for "equals the snapshot"."""


NOT_LOOKED_AT, NOT_SEARCHED = "not looked at yet", "none-found, not searched"
"""Reason and upstream of entries that `--fix` has written; a run warns of them until somebody has looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One entry. cell: a glob over cell ids (globs.py). requirement: its id, `snapshot`, `cell` for what befell the
    whole cell, or `*` for all of it. verdict: the expected verdict's word, `*` for any that is not ok. message_prefix:
    how the failure's text begins. upstream: the issue's URL or `none-found, searched DATE`. since: date of the entry.
    cap: how many cells a glob may cover, each counted once however its bytes are delivered."""

    cell: str
    requirement: str = "*"
    verdict: str = "*"
    message_prefix: str = ""
    reason: str
    upstream: str
    since: str
    cap: int = 1

    @property
    def is_new(self) -> bool:
        """Whether nobody has looked at it yet."""
        return self.reason == NOT_LOOKED_AT or self.upstream == NOT_SEARCHED

    def covers(self, cell: str, requirement: str | None = None) -> bool:
        """Whether it speaks about this cell (and this requirement). Raises UsageError when it is no glob over cells."""
        return parsed(self.cell).covers(parsed(cell)) and (
            requirement is None or self.requirement in ("*", requirement)
        )

    def names(self, cells: Iterable[str]) -> set[tuple[str, str]]:
        """The (case, provider) of the cells that it is about, whatever the wire plan."""
        return stored(cell for cell in cells if parsed(self.cell).covers_stored(parsed(cell)))

    def explains(self, cell: str, failure: Failure) -> bool:
        """Whether this failure of a cell is the one that it lists."""
        return (
            self.covers(cell, failure.requirement)
            and self.verdict in ("*", failure.verdict.word)
            and failure.message.startswith(self.message_prefix)
        )


@dataclass(frozen=True, slots=True)
class Failure:
    """Something of a cell that is not ok. requirement: its id, `snapshot`, or `cell` for what befell the whole.
    level: `must`, or `should` for what only warns. path: where in the completion, "" for no place."""

    requirement: str
    verdict: Verdict
    message: str
    level: str = "must"
    path: str = ""


def load_expectations(path: Path) -> tuple[Known, ...]:
    """The entries of a file, none when there is no file. Raises UsageError for a malformed one."""
    if not path.exists():
        return ()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(str(error), file=str(path), remedy="docs/formats.md has the format") from None
    plain = with_text_dates(document)
    problem = next(iter(problems("expectations", plain)), None)
    if problem is not None:
        raise UsageError(problem.message, file=str(path), place=format_path(problem.path), remedy=problem.remedy)
    known = tuple(Known(**entry) for entry in plain.get("known", ()))
    for number, entry in enumerate(known):
        try:
            parsed(entry.cell)
        except UsageError as error:
            place = f"known[{number}].cell"
            raise UsageError(error.message, file=str(path), place=place, remedy=error.remedy) from None
    return known


def with_text_dates(value: Any) -> Any:
    """A TOML date is as good as its text."""
    if isinstance(value, dict):
        return {name: with_text_dates(item) for name, item in value.items()}
    if isinstance(value, list):
        return [with_text_dates(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def failures(outcome: Outcome) -> list[Failure]:
    """What is not ok about an outcome, SHOULDs included."""
    found = [] if outcome.own_verdict.ok else [Failure("cell", outcome.own_verdict, outcome.message)]
    return found + [
        Failure(f.requirement, f.verdict, explain(f, place), f.level, f.path)
        for f, place in outcome.findings
        if not f.verdict.ok
    ]


def unexplained(cell: str, found: Sequence[Failure], known: Iterable[Known], skipped: str = "") -> list[str]:
    """What the run has to complain about: failures that no entry covers, and entries that nothing bears out.

    skipped: why the cell was not run, "" when it was.
    """
    entries = [entry for entry in known if entry.covers(cell)]
    complaints = [f.message for f in found if not any(entry.explains(cell, f) for entry in entries)]
    return complaints + _untrue(cell, found, entries, skipped)


def _untrue(cell: str, found: Sequence[Failure], entries: Iterable[Known], skipped: str) -> list[str]:
    """What entries say that the outcome of a cell does not bear out."""
    complaints = []
    for entry in entries:
        if not any(entry.explains(cell, failure) for failure in found):
            other = next((failure for failure in found if entry.covers(cell, failure.requirement)), None)
            complaints.append(_unborne(cell, entry, other, skipped))
    return complaints


def _unborne(cell: str, entry: Known, other: Failure | None, skipped: str) -> str:
    """What is wrong with an entry that the outcome of a cell does not bear out."""
    if other is not None:
        return (
            f"{cell} fails otherwise than listed ({entry.requirement}: expected {_expected(entry)}, "
            f"got {other.verdict.word}); mend the entry or the adapter"
        )
    listed = f"although it is listed as a known failure ({entry.requirement}: {entry.reason})"
    if skipped:
        return f"{cell} is skipped ({skipped}) {listed}; take the entry out, or run the cell"
    return f"{cell} passes {listed}; take the entry out"


def _expected(entry: Known) -> str:
    verdict = "any failure" if entry.verdict == "*" else entry.verdict
    return f"{verdict} that begins {entry.message_prefix!r}" if entry.message_prefix else verdict


def stale(known: Iterable[Known], cells: Collection[str]) -> list[str]:
    """Entries that name no cell, or more than their cap. cells: every cell id of the suite."""
    complaints = []
    for entry in known:
        hits = len(entry.names(cells))
        if hits == 0:
            complaints.append(f"{entry.cell} names no cell of the suite; take the entry out")
        elif hits > entry.cap:
            complaints.append(f"{entry.cell} covers {hits} cells, its cap is {entry.cap}")
    return complaints


class Judged(NamedTuple):
    """What a run has to say of a cell. failing: what no entry covers. warned: the SHOULDs of it, which do not fail the
    run. untrue: entries that the cell does not bear out. known: failures that entries cover, each with the first that
    does."""

    failing: list[Failure]
    warned: list[Failure]
    untrue: list[str]
    known: list[KnownFailure]

    @property
    def fails(self) -> bool:
        """Whether the run has to complain about the cell."""
        return bool(self.failing or self.untrue)


class Expectations:
    """The known failures of one adapter, held against one run.

    cells, whole: as `suite` takes them.
    """

    def __init__(self, known: Sequence[Known], cells: Collection[str] = (), *, whole: bool = False) -> None:
        self.known = known
        self._ran: set[str] = set()
        self.suite(cells, whole=whole)

    def suite(self, cells: Collection[str], *, whole: bool) -> None:
        """Every cell id of the suite. whole: all of them are run, so that a listed one which is missing in the end was
        skipped."""
        self._cells, self._whole = cells, whole

    def judge(self, outcome: Outcome) -> Judged:
        """Take the outcome of a cell."""
        self._ran.add(outcome.cell)
        found, cell = failures(outcome), outcome.cell
        entries = [entry for entry in self.known if entry.covers(cell)]
        judged = Judged([], [], _untrue(cell, found, entries, _skipped(outcome)), [])
        for failure in found:
            entry = next((entry for entry in entries if entry.explains(cell, failure)), None)
            if entry is not None:
                judged.known.append(KnownFailure(failure.requirement, entry.reason, entry.upstream))
            else:
                (judged.failing if failure.level == "must" else judged.warned).append(failure)
        return judged

    def end(self) -> list[str]:
        """What else there is to complain about when all cells are done: entries that are stale or were skipped."""
        complaints = stale(self.known, self._cells) if self._cells else []
        if self._whole:
            for entry in self.known:
                missing = [cell for cell in self._cells if cell not in self._ran and entry.covers(cell)]
                if missing:
                    some = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
                    complaints.append(f"{missing[0]}{some}: listed as known failure, and not run; take the entry out")
        return complaints

    def notes(self) -> list[str]:
        """What somebody should do some day."""
        new = [entry.cell for entry in self.known if entry.is_new]
        if not new:
            return []
        count = f"{len(new)} entries of the expectations have" if len(new) > 1 else "an entry of the expectations has"
        return [f"{count} not been looked at yet, such as {new[0]}: give it a reason and its upstream issue"]


def _skipped(outcome: Outcome) -> str:
    """Why a cell was not judged, "" when it was."""
    if outcome.verdict is Verdict.UNSUPPORTED:
        return f"unsupported: {outcome.message}" if outcome.message else "unsupported"
    return "not offered" if outcome.verdict is Verdict.NOT_OFFERED else ""
