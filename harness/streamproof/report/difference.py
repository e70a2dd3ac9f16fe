"""What changed between two runs: an upgrade of a library, of its adapter or of the suite. Reads NDJSON only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from ..errors import UsageError
from ..requirements import Finding
from ..verdict import Verdict
from .columns import Column, columns
from .runs import Result, Run, read_runs

Change: TypeAlias = Literal["worse", "better", "otherwise", "new", "gone"]
CHANGES: tuple[Change, ...] = ("worse", "better", "otherwise", "new", "gone")
"""In the order in which readers want them. otherwise: it fails as before, with other findings."""

_FACTS = ("suite", "python", "platform", "hermetic")


class FoundChange(NamedTuple):
    """A requirement whose finding changed. old, new: None where the other run does not have it."""

    requirement: str
    old: Finding | None
    new: Finding | None

    @property
    def is_worse(self) -> bool:
        """Whether a MUST got worse; a SHOULD only warns."""
        return (
            self.old is not None
            and self.new is not None
            and self.new.level == "must"
            and self.new.verdict < self.old.verdict
        )

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        one = self.new or self.old
        assert one is not None
        return {
            "id": self.requirement,
            "level": one.level,
            "old": self.old and self.old.verdict.word,
            "new": self.new and self.new.verdict.word,
            "expected": one.expected,
            "old_got": self.old and self.old.got,
            "new_got": self.new and self.new.got,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CellChange:
    """One cell that is not as it was. message: what befell the cell in the new run, in the old one when it is gone."""

    cell: str
    change: Change
    old: Verdict | None = None
    new: Verdict | None = None
    message: str = ""
    findings: tuple[FoundChange, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "cell": self.cell,
            "change": self.change,
            "old": self.old and self.old.word,
            "new": self.new and self.new.word,
            "message": self.message or None,
            "findings": [found.to_json() for found in self.findings],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two runs of one adapter. old, new: what they call themselves. facts: name of what else differs (a package, the
    suite) -> both values, None where it is missing. complaints: about capabilities that only the new run has. notes:
    why the comparison is not the whole truth."""

    old: str
    new: str
    facts: Mapping[str, tuple[str | None, str | None]]
    cells: tuple[CellChange, ...]
    same: int
    complaints: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def of(self, change: Change) -> list[CellChange]:
        """The cells that changed in this way."""
        return [cell for cell in self.cells if cell.change == change]

    @property
    def is_worse(self) -> bool:
        """Whether anything got worse."""
        return bool(self.of("worse") or self.complaints)

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "old": self.old,
            "new": self.new,
            "facts": {name: {"old": old, "new": new} for name, (old, new) in self.facts.items()},
            "counts": {**{change: len(self.of(change)) for change in CHANGES}, "same": self.same},
            "cells": [cell.to_json() for cell in self.cells],
            "capability_complaints": list(self.complaints),
            "notes": list(self.notes),
        }


@dataclass(slots=True)
class _Side:
    """All that one file says of one adapter."""

    column: Column
    complaints: list[str] = field(default_factory=list)

    @property
    def header(self) -> Mapping[str, Any]:
        return self.column.headers[-1] if self.column.headers else {}

    @property
    def notes(self) -> list[str]:
        return [*self.column.cut, *self.column.notes]


def differences(old: Path, new: Path, only: Iterable[str] = ()) -> list[Difference]:
    """One comparison per adapter. only: names of adapters; all that both files have by default.

    Raises UsageError for a file that is no run, and where it cannot be told what is to be compared with what.
    """
    before, after = _sides(old, only), _sides(new, only)
    if len(before) == len(after) == 1:
        return [_difference(next(iter(before.values())), next(iter(after.values())))]
    both = [name for name in before if name in after]
    if not both:
        names = f"{', '.join(before)} and {', '.join(after)}"
        raise UsageError(f"no adapter is in both runs: {names}", remedy="choose one file per adapter")
    return [_difference(before[name], after[name]) for name in both]


def _sides(path: Path, only: Iterable[str]) -> dict[str, _Side]:
    runs = read_runs([path])
    found: dict[str, _Side] = {}
    for column in columns(runs, only):
        if column.adapter in found:
            raise UsageError(
                f"{column.adapter} is in it twice, as {found[column.adapter].column.label} and as {column.label}",
                file=str(path),
                remedy="compare files that hold one run of it",
            )
        found[column.adapter] = _Side(column, list(_complaints(runs, column.adapter)))
    return found


def _complaints(runs: Iterable[Run], adapter: str) -> Iterator[str]:
    for run in runs:
        if (run.header or {}).get("adapter") == adapter:
            given = (run.footer or {}).get("capability_complaints")
            yield from map(str, given if isinstance(given, list) else ())


def _difference(old: _Side, new: _Side) -> Difference:
    before, after = old.column.results, new.column.results
    found = [_cell_change(cell, before.get(cell), after.get(cell)) for cell in {**before, **after}]
    changed = [each for each in found if each is not None]
    changed.sort(key=lambda each: (CHANGES.index(each.change), each.cell))
    return Difference(
        old=old.column.label,
        new=new.column.label,
        facts=_facts(old.header, new.header),
        cells=tuple(changed),
        same=len(found) - len(changed),
        complaints=tuple(text for text in new.complaints if _gist(text) not in set(map(_gist, old.complaints))),
        notes=(*old.notes, *new.notes),
    )


def _gist(complaint: str) -> str:
    """What a complaint is about; how many cells it counts may differ."""
    return complaint.partition(",")[0].partition(" in ")[0]


def _facts(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[str | None, str | None]]:
    before, after = dict(_said(old)), dict(_said(new))
    names = dict.fromkeys([*before, *after])
    return {n: (before.get(n), after.get(n)) for n in names if before.get(n) != after.get(n)}


def _said(header: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((name, str(header[name])) for name in _FACTS if header.get(name) is not None)
    for name in ("versions", "capabilities"):
        members = header.get(name)
        prefix = "" if name == "versions" else f"{name}."
        if isinstance(members, Mapping):
            yield from ((f"{prefix}{key}", _text(value)) for key, value in members.items())


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _cell_change(cell: str, old: Result | None, new: Result | None) -> CellChange | None:
    """What changed of a cell, None for nothing."""
    if old is None or new is None:
        if new is not None:
            return CellChange(cell=cell, change="new", new=new.verdict, message=new.message)
        if old is not None:
            return CellChange(cell=cell, change="gone", old=old.verdict, message=old.message)
        return None
    findings = tuple(_found_changes(old.findings, new.findings))
    if old.verdict is new.verdict and not findings and old.message == new.message:
        return None
    return CellChange(
        cell=cell,
        change=_direction(old.verdict, new.verdict, findings),
        old=old.verdict,
        new=new.verdict,
        message="" if new.message == old.message else new.message,
        findings=findings,
    )


def _direction(old: Verdict, new: Verdict, findings: Sequence[FoundChange]) -> Change:
    if old is not new:
        return "worse" if new < old else "better"
    if any(found.is_worse for found in findings):
        return "worse"
    better = any(found.old and found.new and found.new.verdict > found.old.verdict for found in findings)
    return "better" if better else "otherwise"


def _found_changes(old: Iterable[tuple[Finding, str]], new: Iterable[tuple[Finding, str]]) -> Iterator[FoundChange]:
    before = {finding.requirement: finding for finding, _ in old}
    after = {finding.requirement: finding for finding, _ in new}
    for requirement in dict.fromkeys([*before, *after]):
        one, other = before.get(requirement), after.get(requirement)
        if _shape(one) != _shape(other):
            yield FoundChange(requirement, one, other)


def _shape(finding: Finding | None) -> tuple[object, ...]:
    """What counts of a finding: of one that holds or is not offered, no more than that; absent is like holding."""
    if finding is None or finding.verdict is Verdict.PASS:
        return (Verdict.PASS,)
    if finding.verdict is Verdict.NOT_OFFERED:
        return finding.verdict, finding.level
    return finding.verdict, finding.level, finding.expected, finding.got
