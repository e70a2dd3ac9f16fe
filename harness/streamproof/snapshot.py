"""Snapshots: what was accepted for a case after reading it against the source, and where something differs from it.

conformance/__snapshots__/<protocol>/<slug>.json, written from `wire` by `streamproof accept` and by syrupy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import jsontext
from .expectations.file import SNAPSHOT, Failure
from .jsontext import JSON
from .verdict import Verdict

if TYPE_CHECKING:
    from .completion import Completion
    from .decoders.base import Diagnostic
    from .outcome import Outcome
    from .timeline import Timeline

KEYS = ("completion", "details", "diagnostics")


def document(source: Outcome | Timeline) -> dict[str, Any]:
    """What a snapshot pins: the completion, and what stands beside it. Raises ValueError when there is none."""
    if source.completion is None:
        raise ValueError(getattr(source, "message", ""))
    return _document(source.completion, source.details, source.diagnostics)


def _document(completion: Completion, details: Mapping[str, JSON], diagnostics: Iterable[Diagnostic]) -> dict[str, Any]:
    return {
        "completion": completion.to_json(),
        "details": dict(details),
        "diagnostics": [diagnostic.to_json() for diagnostic in diagnostics],
    }


def text(document: Mapping[str, Any]) -> str:
    """A snapshot file."""
    return jsontext.dumps(document, indent=2) + "\n"


def folder(root: Path) -> Path:
    """Where a suite keeps them; syrupy owns that tree and removes what no case claims."""
    return root / "conformance" / "__snapshots__"


def path(root: Path, case: str) -> Path:
    """The file of a case id."""
    return folder(root) / f"{case}.json"


def differences(expected: Mapping[str, Any], outcome: Outcome) -> list[Failure]:
    """Where an outcome is not the snapshot, as one failure.

    The diagnostics of `reference` are compared too; `sdk` sees no comments and no sentinels, so it has its own.
    """
    if outcome.completion is None:
        return []
    got = document(outcome)
    keys = KEYS if outcome.adapter in ("reference", "wire") else KEYS[:2]
    lines = [
        f"{SNAPSHOT}: {key}.{name}\n  expected {jsontext.dumps(_get(expected, key, name))}\n"
        f"  got      {jsontext.dumps(_get(got, key, name))}"
        for key in keys
        for name in names(expected[key], got[key])
        if _get(expected, key, name) != _get(got, key, name)
    ]
    return [Failure(SNAPSHOT, Verdict.WRONG, "\n".join(lines))] if lines else []


def names(expected: object, got: object) -> list[str]:
    """The members to compare one by one; a list is compared whole."""
    if isinstance(expected, dict) and isinstance(got, dict):
        return sorted({*expected, *got})
    return [""]


def _get(tree: Mapping[str, Any], key: str, name: str) -> Any:
    branch = tree[key]
    return branch.get(name) if isinstance(branch, dict) else branch
