"""Holding the outcome of one cell against the laws that speak about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from ..requirements import Finding
from ..verdict import Verdict
from .deltas import calls_once, folds, ids_stable, one_end, text_is_fold
from .evidence import UNREADABLE, Breach, Evidence
from .invented import nothing_invented
from .table import LAWS, Applies
from .truth import cut_is_not_complete, failed_is_told, fault_after_terminal_noted, prefix_kept

CHECKS: Mapping[str, Callable[[Evidence], Iterable[Breach]]] = {
    "one-end": one_end,
    "fold": folds,
    "text-is-fold": text_is_fold,
    "calls-once": calls_once,
    "ids-stable": ids_stable,
    "nothing-invented": nothing_invented,
    "cut-is-not-complete": cut_is_not_complete,
    "failed-is-told": failed_is_told,
    "prefix-kept": prefix_kept,
    "fault-after-terminal-noted": fault_after_terminal_noted,
}
"""Law -> how one cell breaks it; the other laws make calls of their own (probes.py)."""

_HELD = {name: (Finding(law.id, "must", Verdict.PASS, "", "holds", "holds"), "") for name, law in LAWS.items()}

_SPEAKS: Mapping[Applies, Callable[[Evidence], bool]] = {
    "always": lambda _: True,
    "deltas": lambda evidence: bool(evidence.deltas),
    "broken": lambda evidence: evidence.broken,
}


def findings(evidence: Evidence) -> list[tuple[Finding, str]]:
    """One finding per law that speaks about this cell, with its place in the stream; held ones too."""
    return [found(name, _breach(name, evidence)) for name in CHECKS if _SPEAKS[LAWS[name].applies](evidence)]


def found(name: str, breach: Breach | None) -> tuple[Finding, str]:
    """A law's finding, with its place; None: it holds."""
    if breach is None:
        return _HELD[name]
    finding = Finding(LAWS[name].id, "must", breach.verdict, breach.path, breach.expected, breach.got)
    return finding, breach.place


def _breach(name: str, evidence: Evidence) -> Breach | None:
    """How a law is broken first. What cannot even be looked at breaks it too: an adapter may show anything."""
    try:
        return next(iter(CHECKS[name](evidence)), None)
    except UNREADABLE as error:
        return Breach("what can be read", f"{type(error).__name__}: {error}", "what the adapter gave")
