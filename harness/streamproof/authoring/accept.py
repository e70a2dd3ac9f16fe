"""`streamproof accept`: a case's snapshot, written only when everything that reads the bytes says the same."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .. import snapshot
from ..case import Case
from ..cell import cells
from ..errors import UsageError
from ..expectations.file import Known, failures, load_expectations, unexplained
from ..hermetic import hermetic
from ..outcome import Outcome
from ..running.ours import run_cells
from .rules_metadata import unfinished
from .subject import Fault, Subject

ADAPTERS = (("wire", (False,)), ("reference", (False, True)), ("sdk", (False, True)))
"""What has to agree, and through which clients (sync or not)."""


class Accepted(NamedTuple):
    """What came of it. path: of the snapshot. changed: whether it has been written. complaints: why it has not, by the
    cell and adapter that says otherwise; empty when all agree. known: how many differences the expectations explain."""

    path: Path
    changed: bool
    complaints: list[tuple[str, str]]
    known: int


def accept(root: Path, case: Case) -> Accepted:
    """Run a case through wire, reference and sdk, async and sync, and write its snapshot when all of them agree.

    A case whose metadata still says TODO is not accepted. A difference that conformance/expectations lists does not
    count, one that it lists without cause does. Raises CassetteError for a case that cannot be read, UsageError for
    faulty expectations or when the bytes do not decode.
    """
    written = snapshot.path(root, case.id)
    own = next(iter(run_cells("wire", cells([case])[:1])))
    if own.completion is None:
        raise UsageError(f"the bytes give no completion: {own.message}", case=case.id, remedy="mend the cassette")
    document = snapshot.document(own)
    complaints = [(f"{case.id}, {fault.place}", f"{fault.message}: {fault.remedy}") for fault in _unfinished(case)]
    known = 0
    for adapter, outcome in _outcomes(case):
        entries = _expectations(root, adapter)
        found = [*failures(outcome), *snapshot.differences(document, outcome)]
        objections = unexplained(outcome.cell, found, entries)
        complaints += [(f"{outcome.cell}, {adapter}", objection) for objection in objections]
        known += len(found) if not objections else 0
    changed = False
    if not complaints:
        text = snapshot.text(document)
        changed = not written.exists() or written.read_text(encoding="utf-8") != text
        if changed:
            written.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(text, encoding="utf-8")
    return Accepted(written, changed, complaints, known)


def _outcomes(case: Case) -> Iterator[tuple[str, Outcome]]:
    with hermetic(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the SDKs, about values that they do not know; what they lose is compared
        for adapter, modes in ADAPTERS:
            for sync in modes:
                chosen = [cell for cell in cells([case], sync=sync) if adapter == "wire" or cell.row.sdk != "none"]
                for outcome in run_cells(adapter, chosen):
                    yield adapter, outcome


def _unfinished(case: Case) -> Iterator[Fault]:
    return unfinished(Subject(case.path))


def _expectations(root: Path, adapter: str) -> tuple[Known, ...]:
    return load_expectations(root / "conformance" / "expectations" / f"{adapter}.toml")
