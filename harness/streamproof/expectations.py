"""Known failures of an adapter: run anyway, and held against what happens.

A failure that is not listed fails the run, and so does a listed one that passes: the file must stay true.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .errors import UsageError
from .outcome import Outcome, explain
from .paths import format_path
from .schemas import problems
from .verdict import Verdict

SNAPSHOT = "snapshot"
"""The requirement name for "equals the snapshot"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One entry. cell: a glob over cell ids. requirement: its id, `snapshot`, or `*` for the whole cell. verdict: the
    expected verdict's word, `*` for any that is not ok. message_prefix: how the failure's text begins. upstream: the
    issue's URL or `none-found, searched DATE`. since: date of the entry. cap: how many cells a glob may cover."""

    cell: str
    requirement: str = "*"
    verdict: str = "*"
    message_prefix: str = ""
    reason: str
    upstream: str
    since: str
    cap: int = 1

    def covers(self, cell: str, requirement: str | None = None) -> bool:
        """Whether it speaks about this cell (and this requirement)."""
        return fnmatchcase(cell, self.cell) and (requirement is None or self.requirement in ("*", requirement))


@dataclass(frozen=True, slots=True)
class Failure:
    """Something of a cell that is not ok. requirement: its id, `snapshot`, or `cell` for what befell the whole.
    level: `must`, or `should` for what only warns."""

    requirement: str
    verdict: Verdict
    message: str
    level: str = "must"


def load_expectations(path: Path) -> tuple[Known, ...]:
    """The entries of a file, none when there is no file. Raises UsageError for a malformed one."""
    if not path.exists():
        return ()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(str(error), file=str(path), remedy="docs/formats.md has the format") from None
    plain = _with_text_dates(document)
    problem = next(iter(problems("expectations", plain)), None)
    if problem is not None:
        raise UsageError(problem.message, file=str(path), place=format_path(problem.path), remedy=problem.remedy)
    return tuple(Known(**entry) for entry in plain.get("known", ()))


def _with_text_dates(value: Any) -> Any:
    """A TOML date is as good as its text."""
    if isinstance(value, dict):
        return {name: _with_text_dates(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_text_dates(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def failures(outcome: Outcome) -> list[Failure]:
    """What is not ok about an outcome, SHOULDs included."""
    found = [] if outcome.own_verdict.ok else [Failure("cell", outcome.own_verdict, outcome.message)]
    return found + [
        Failure(f.requirement, f.verdict, explain(f, place), f.level)
        for f, place in outcome.findings
        if not f.verdict.ok
    ]


def unexplained(cell: str, found: Sequence[Failure], known: Iterable[Known]) -> list[str]:
    """What the run has to complain about: failures that no entry covers, and entries that nothing bears out."""
    entries = [entry for entry in known if entry.covers(cell)]
    complaints = [f.message for f in found if not any(_explains(entry, cell, f) for entry in entries)]
    for entry in entries:
        if any(_explains(entry, cell, failure) for failure in found):
            continue
        other = next((failure for failure in found if entry.covers(cell, failure.requirement)), None)
        complaints.append(
            f"{cell} passes although it is listed as a known failure ({entry.requirement}: {entry.reason}); "
            "take the entry out"
            if other is None
            else f"{cell} fails otherwise than listed ({entry.requirement}: expected {_expected(entry)}, "
            f"got {other.verdict.word}); mend the entry or the adapter"
        )
    return complaints


def _expected(entry: Known) -> str:
    verdict = "any failure" if entry.verdict == "*" else entry.verdict
    return f"{verdict} that begins {entry.message_prefix!r}" if entry.message_prefix else verdict


def stale(known: Iterable[Known], cells: Sequence[str]) -> list[str]:
    """Entries that name no cell, or more than their cap. cells: every cell id of the suite."""
    complaints = []
    for entry in known:
        hits = sum(entry.covers(cell) for cell in cells)
        if hits == 0:
            complaints.append(f"{entry.cell} names no cell of the suite; take the entry out")
        elif hits > entry.cap:
            complaints.append(f"{entry.cell} covers {hits} cells, its cap is {entry.cap}")
    return complaints


def _explains(entry: Known, cell: str, failure: Failure) -> bool:
    return (
        entry.covers(cell, failure.requirement)
        and entry.verdict in ("*", failure.verdict.word)
        and failure.message.startswith(entry.message_prefix)
    )
