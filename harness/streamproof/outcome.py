"""Outcomes: what an adapter did on a cell, and how it is written to NDJSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from types import MappingProxyType
from typing import Any, NamedTuple

from .completion import Completion, Delta
from .decoders.base import Diagnostic
from .grading.capability_check import Where
from .jsontext import JSON
from .requirements import Finding
from .verdict import Verdict, worst

SCHEMA = 1
SUITE = version("streamproof")
NOTHING_MORE: Mapping[str, Any] = MappingProxyType({})


class KnownFailure(NamedTuple):
    """A failure that the adapter's expectations list. requirement: as expectations name it, `cell` for what befell the
    whole cell."""

    requirement: str
    reason: str
    upstream: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an adapter did on one cell.

    cell: the cell id. level: of its case, "" where nobody said. completion: what it returned or raised as partial, None
    when it gave none. findings: one per requirement and law, with the place in the stream. message: what befell the
    whole cell, such as a crash, "" for nothing. deltas: only when something failed. seconds: wall time of the call.
    fields: which fields the wire has and which the adapter showed, for an adapter with capabilities. known: those of
    its failures that expectations list.
    """

    cell: str
    adapter: str
    level: str = ""
    completion: Completion | None = None
    details: Mapping[str, JSON] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
    findings: tuple[tuple[Finding, str], ...] = ()
    own_verdict: Verdict = Verdict.PASS
    message: str = ""
    deltas: tuple[Delta, ...] = ()
    seconds: float = 0.0
    fields: Mapping[str, Where] = field(default_factory=dict)
    known: tuple[KnownFailure, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst MUST, or what befell the whole cell; a SHOULD only warns."""
        return worst([self.own_verdict, *(f.verdict for f, _ in self.findings if f.level == "must")])

    @property
    def warnings(self) -> list[Finding]:
        """The SHOULDs that do not hold."""
        return [finding for finding, _ in self.findings if finding.level != "must" and not finding.verdict.ok]

    def failures(self) -> list[str]:
        """Messages for a reader: expected, got, and the place in the stream."""
        lines = [self.message] if self.message else []
        return lines + [explain(f, place) for f, place in self.findings if not f.verdict.ok]

    def to_json(self) -> dict[str, Any]:
        """One line of the NDJSON (schemas/outcome.schema.json)."""
        document: dict[str, Any] = {
            "kind": "cell",
            "cell": self.cell,
            "adapter": self.adapter,
            **({"level": self.level} if self.level else {}),
            "verdict": self.verdict.word,
            "own_verdict": self.own_verdict.word,
            "completion": None if self.completion is None else self.completion.to_json(),
            "details": dict(self.details),
            "diagnostics": [diagnostic.to_json() for diagnostic in self.diagnostics],
            "message": self.message or None,
            "requirements": [_finding(f, place) for f, place in self.findings],
            "times": {"seconds": round(self.seconds, 6)},
        }
        if self.known:
            document["known"] = [entry._asdict() for entry in self.known]
        if self.fields:
            document["fields"] = dict(self.fields)
        if self.verdict is not Verdict.PASS:
            document["deltas"] = [delta.to_json() for delta in self.deltas]
        return document


def explain(finding: Finding, place: str) -> str:
    """One failed requirement in one paragraph."""
    return (
        f"{finding.requirement} ({finding.level}, {finding.verdict.word}): {finding.path}\n"
        f"  expected {finding.expected}\n  got      {finding.got}\n  decided by {place}"
    )


def header(
    adapter: str,
    cells: int,
    versions: Mapping[str, str],
    hermetic: str,
    seed: int = 0,
    more: Mapping[str, Any] = NOTHING_MORE,
) -> dict[str, Any]:
    """The first line of the NDJSON: what is needed to run this again. hermetic: the tier of network isolation.
    more: what was asked for, and where it ran (request.py)."""
    return {
        "kind": "header",
        "schema": SCHEMA,
        "suite": SUITE,
        "adapter": adapter,
        **more,
        "seed": seed,
        "versions": dict(versions),
        "hermetic": hermetic,
        "cells": cells,
    }


def footer(outcomes: Iterable[Outcome], complaints: Sequence[str] = ()) -> dict[str, Any]:
    """The last line of the NDJSON; a file without it is of a run that was cut short. complaints: what the run says
    against the adapter's declared capabilities."""
    counts = Counter(outcome.verdict.word for outcome in outcomes)
    return {"kind": "footer", "counts": dict(sorted(counts.items())), "capability_complaints": list(complaints)}


def _finding(finding: Finding, place: str) -> dict[str, Any]:
    return {
        "id": finding.requirement,
        "level": finding.level,
        "verdict": finding.verdict.word,
        "path": finding.path,
        "expected": finding.expected,
        "got": finding.got,
        "place": place,
        "reading": finding.reading,
    }
