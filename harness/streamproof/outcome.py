"""Outcomes: what an adapter did on a cell, and how it is written to NDJSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from .completion import Completion, Delta
from .decoders.base import Diagnostic
from .jsontext import JSON
from .requirements import Finding
from .verdict import Verdict, worst

SCHEMA = 1
SUITE = version("streamproof")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an adapter did on one cell.

    cell: the cell id. completion: what it returned or raised as partial, None when it gave none. findings: one per
    requirement, with the place in the stream. message: what went wrong besides (a crash, a broken law), "" for nothing.
    deltas: only when something failed. seconds: wall time of the call.
    """

    cell: str
    adapter: str
    completion: Completion | None = None
    details: Mapping[str, JSON] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()
    findings: tuple[tuple[Finding, str], ...] = ()
    own_verdict: Verdict = Verdict.PASS
    message: str = ""
    deltas: tuple[Delta, ...] = ()
    seconds: float = 0.0

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
            "verdict": self.verdict.word,
            "completion": None if self.completion is None else self.completion.to_json(),
            "details": dict(self.details),
            "diagnostics": [diagnostic.to_json() for diagnostic in self.diagnostics],
            "message": self.message or None,
            "requirements": [_finding(f, place) for f, place in self.findings],
            "times": {"seconds": round(self.seconds, 6)},
        }
        if self.verdict is not Verdict.PASS:
            document["deltas"] = [delta.to_json() for delta in self.deltas]
        return document


def explain(finding: Finding, place: str) -> str:
    """One failed requirement in one paragraph."""
    return (
        f"{finding.requirement} ({finding.level}, {finding.verdict.word}): {finding.path}\n"
        f"  expected {finding.expected}\n  got      {finding.got}\n  decided by {place}"
    )


def header(adapter: str, cells: int, versions: Mapping[str, str], hermetic: str, seed: int = 0) -> dict[str, Any]:
    """The first line of the NDJSON: what is needed to run this again. hermetic: the tier of network isolation."""
    return {
        "kind": "header",
        "schema": SCHEMA,
        "suite": SUITE,
        "adapter": adapter,
        "versions": dict(versions),
        "seed": seed,
        "hermetic": hermetic,
        "cells": cells,
    }


def footer(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """The last line of the NDJSON; a file without it is of a run that was cut short."""
    counts = Counter(outcome.verdict.word for outcome in outcomes)
    return {"kind": "footer", "counts": dict(sorted(counts.items()))}


def _finding(finding: Finding, place: str) -> dict[str, Any]:
    return {
        "id": finding.requirement,
        "level": finding.level,
        "verdict": finding.verdict.word,
        "expected": finding.expected,
        "got": finding.got,
        "place": place,
        "reading": finding.reading,
    }
