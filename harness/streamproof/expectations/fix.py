"""Bringing an expectations file up to date with a run: `streamproof run --expectations FILE --fix`.

What still fails as listed stays, with its reason and the comments above it. What passes goes. What is new comes in,
marked as not looked at yet.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import tomlkit

from ..cellid import case_of
from ..errors import HarnessFault, UsageError
from ..outcome import Outcome
from ..verdict import Verdict
from .file import (
    NOT_LOOKED_AT,
    NOT_SEARCHED,
    SNAPSHOT,
    Expectations,
    Failure,
    Known,
    failures,
    load_expectations,
    with_text_dates,
)
from .globs import parsed

_HEAD = "[[known]]"
_PREFIX_LENGTH = 60
_NEW_FILE = "# Known failures of one adapter. docs/formats.md has the format.\n"
_DEFAULTS = {"requirement": "*", "verdict": "*", "message_prefix": "", "cap": 1}


@dataclass(frozen=True, slots=True)
class Fixed:
    """What becomes of a file. entries: each old one with what takes its place, in order. added: new ones."""

    entries: Sequence[tuple[Known, tuple[Known, ...]]]
    added: Sequence[Known]

    @property
    def known(self) -> tuple[Known, ...]:
        """All entries in their order."""
        return (*(entry for _, into in self.entries for entry in into), *self.added)

    def unfixed(self, outcomes: Iterable[Outcome]) -> list[str]:
        """The cells that fail in spite of the entries: where the suite itself is at fault."""
        held = Expectations(self.known)
        return [outcome.cell for outcome in outcomes if held.judge(outcome).fails]

    @property
    def summary(self) -> str:
        """One line for the terminal."""
        kept = sum(into == (old,) for old, into in self.entries)
        gone = sum(not into for _, into in self.entries)
        changed = len(self.entries) - kept - gone
        return f"{kept} entries kept, {changed} changed, {gone} taken out, {len(self.added)} added"


class _Ran(NamedTuple):
    """One cell of the run, and what must not be and is."""

    cell: str
    found: Sequence[Failure]


def refuse_partial(reasons: Iterable[str], path: Path) -> None:
    """Raises UsageError when a run did not run everything: what it did not see would be lost.

    reasons: what made it partial, in words, such as `only for provider openai`.
    """
    said = "; ".join(reasons)
    if said:
        raise UsageError(
            f"--fix needs a whole run, and this one is not: {said}",
            file=str(path),
            remedy="run all cases without patterns, --provider and --plan",
        )


def fixed(known: Iterable[Known], outcomes: Iterable[Outcome], today: date) -> Fixed:
    """The entries that a whole run bears out, and new ones for the MUSTs that nothing explains."""
    ran = [_Ran(outcome.cell, failures(outcome)) for outcome in outcomes]
    entries = [(entry, tuple(_kept(entry, ran))) for entry in known]
    kept = [entry for _, into in entries for entry in into]
    return Fixed(entries, list(_added(ran, kept, today.isoformat())))


def _kept(entry: Known, ran: Sequence[_Ran]) -> Iterator[Known]:
    """The entry, if it is borne out everywhere; else what is left of it."""
    if parsed(entry.cell).plan or entry.requirement == SNAPSHOT:
        yield entry  # a run says nothing about these
        return
    covered = [each for each in ran if entry.covers(each.cell)]
    borne_out = [each.cell for each in covered if any(entry.explains(each.cell, f) for f in each.found)]
    if borne_out and len(borne_out) == len(covered):
        yield replace(entry, cap=max(entry.cap, len(entry.names(borne_out))))
        return
    for cell, cap in _grouped(borne_out, ran):
        yield replace(entry, cell=cell, cap=cap)


def _added(ran: Sequence[_Ran], kept: Sequence[Known], today: str) -> Iterator[Known]:
    cells: dict[tuple[str, str, str, str], list[str]] = {}
    for cell, found in ran:
        for failure in found:
            theirs = failure.level == "must" and failure.verdict is not Verdict.HARNESS
            if theirs and not any(entry.explains(cell, failure) for entry in kept):
                key = (case_of(cell), failure.requirement, failure.verdict.word, _prefix(failure))
                cells.setdefault(key, []).append(cell)
    for (_, requirement, verdict, prefix), failing in sorted(cells.items()):
        for cell, cap in _grouped(failing, ran):
            yield Known(
                cell=cell, requirement=requirement, verdict=verdict, message_prefix=prefix, reason=NOT_LOOKED_AT,
                upstream=NOT_SEARCHED, since=today, cap=cap,
            )  # fmt: skip


def _prefix(failure: Failure) -> str:
    """How a crash begins, which is the kind of the exception; what else befell a cell has a text of its own each time,
    and a requirement says enough by its name."""
    said = re.match(r"[A-Za-z_.]+:", failure.message) if failure.requirement == "cell" else None
    return said[0][:_PREFIX_LENGTH] if said else ""


def _grouped(cells: Sequence[str], ran: Sequence[_Ran]) -> Iterator[tuple[str, int]]:
    """Globs for some cells, with their caps: a case whose cells are all among them has one."""
    by_case: dict[str, list[str]] = {}
    for cell in cells:
        by_case.setdefault(case_of(cell), []).append(cell)
    for case, failing in by_case.items():
        everywhere = {each.cell for each in ran if case_of(each.cell) == case}
        providers = dict.fromkeys(parsed(cell).provider for cell in failing)
        if len(providers) > 1 and everywhere == set(failing):
            yield f"{case}@*", len(providers)
        else:
            yield from ((cell, 1) for cell in failing)


def rewritten(text: str, change: Fixed) -> str:
    """The text of a file after a fix; entries that stay keep their text, and the comment lines above them.

    Raises UsageError for a file that is written in another way, HarnessFault when the text would not read back.
    """
    chunks, tail = _chunks(text or _NEW_FILE)
    if len(chunks) != len(change.entries):
        raise UsageError("its entries do not all begin with a line `[[known]]`", remedy="write them so")
    parts: list[str] = []
    for chunk, (old, into) in zip(chunks, change.entries, strict=True):
        parts.append(chunk.section)
        if into:
            parts += [chunk.comment, chunk.body if into == (old,) else _rendered(into)]
    parts.append(tail)
    if change.added:
        parts.append(f"\n{_rendered(change.added)}")
    made = re.sub(r"\n{3,}", "\n\n", "".join(parts)).strip("\n") + "\n"
    if _entries(made) != change.known:
        raise HarnessFault("the expectations would not read back as they were meant; the file stays as it is")
    return made


class _Chunk(NamedTuple):
    """An entry's text. section: what stands above it and is not about it alone. comment: the lines right above it."""

    section: str
    comment: str
    body: str


def _chunks(text: str) -> tuple[list[_Chunk], str]:
    """Each entry, and what stands behind the last one."""
    chunks: list[_Chunk] = []
    above: list[str] = []
    body: list[str] = []
    lead: tuple[str, str] = ("", "")
    for line in text.splitlines(keepends=True):
        if line.strip() == _HEAD:
            if body:
                chunks.append(_Chunk(*lead, "".join(body)))
            lead, above, body = _lead(above), [], [line]
        elif not body or not line.strip() or line.startswith("#"):
            above.append(line)
        else:
            body += [*above, line]
            above = []
    if body:
        chunks.append(_Chunk(*lead, "".join(body)))
    return chunks, "".join(above)


def _lead(above: list[str]) -> tuple[str, str]:
    """The lines above an entry: those of a section, and those about the entry."""
    start = len(above)
    while start and above[start - 1].startswith("#"):
        start -= 1
    return "".join(above[:start]), "".join(above[start:])


def _plain(entry: Known) -> dict[str, object]:
    """What a file holds of an entry: no defaults."""
    return {name: value for name, value in asdict(entry).items() if value != _DEFAULTS.get(name)}


def _entries(text: str) -> tuple[Known, ...]:
    """The entries of a text that is known to be sound."""
    return tuple(Known(**with_text_dates(entry)) for entry in tomllib.loads(text).get("known", []))


def _rendered(entries: Iterable[Known]) -> str:
    return "\n".join(f"{_HEAD}\n{tomlkit.dumps(_plain(entry))}" for entry in entries)


def fix_file(path: Path, outcomes: Iterable[Outcome], partial: Iterable[str] = (), today: date | None = None) -> Fixed:
    """Rewrite a file, or begin one. partial: what makes the run partial, in words; then it is refused.

    Raises UsageError for a partial run, and for a file that is malformed.
    """
    refuse_partial(partial, path)
    change = fixed(load_expectations(path), outcomes, today or date.today())
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    try:
        made = rewritten(before, change)
    except UsageError as error:
        raise UsageError(error.message, file=str(path), remedy=error.remedy) from None
    if made != before:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(made, encoding="utf-8", newline="\n")
    return change
