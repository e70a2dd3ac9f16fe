"""What a cell under a wire plan must say, and which failures are an SDK's own. For test_wire_plans.py and sweep.py."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from streamproof import jsontext
from streamproof.case import Case
from streamproof.cell import Cell
from streamproof.expectations.file import SNAPSHOT, Failure, Known, failures, load_expectations
from streamproof.outcome import Outcome
from streamproof.snapshot import document, names
from streamproof.verdict import Verdict
from streamproof.wire.plans import AS_STORED, effect, unmarked

ROOT = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What an SDK cannot read. sdk: of the provider's row. plans: names as `frame:bom`, `-N` for a number. witness: a
    case that fails under each of them, so that the entry goes when the SDK is mended. cases: only in these, with none
    in all."""

    sdk: Sequence[str]
    plans: Sequence[str]
    witness: str
    reason: str
    upstream: str
    since: str
    cases: Sequence[str] = ()

    def covers(self, cell: Cell) -> bool:
        """Whether a failure of this cell is that fault."""
        said = {f"{part}:{name.partition('-')[0]}-N" for part, name in cell.plan.names() if part != "frame"}
        said |= {f"{part}:{name}" for part, name in cell.plan.names()}
        return (
            cell.row.sdk in self.sdk
            and cell.case.id in (self.cases or [cell.case.id])
            and not said.isdisjoint(self.plans)
        )


@cache
def faults() -> tuple[Fault, ...]:
    """The faults of the SDKs' readers, from wire_plans.toml; only the adapter `sdk` has them."""
    entries = tomllib.loads((ROOT / "wire_plans.toml").read_text(encoding="utf-8"))["fault"]
    return tuple(Fault(**entry) for entry in entries)


@cache
def _snapshot(case: str) -> dict[str, dict[str, object]]:
    loaded: dict[str, dict[str, object]] = jsontext.loads(
        (ROOT / "__snapshots__" / f"{case}.json").read_text(encoding="utf-8")
    )
    return loaded


def found(cell: Cell, outcome: Outcome) -> list[Failure]:
    """All that is wrong with a cell: requirements, laws and, where the plan must change nothing, the snapshot."""
    wrong = failures(outcome)
    if outcome.completion is None or effect(cell.plan, cell.case.protocol) != "nothing":
        return wrong
    expected, got = _snapshot(cell.case.id), document(outcome)
    if cell.plan.inject == "field":
        got = unmarked(got)
        if "error" not in expected["details"]:
            got["details"].pop("error", None)  # kept where it says more than the error: the field did
    for key in ("completion", "details"):
        for name in names(expected[key], got[key]):
            one, other = expected[key].get(name), got[key].get(name)
            if one != other:
                text = f"{key}.{name}\n  expected {jsontext.dumps(one)}\n  got      {jsontext.dumps(other)}"
                wrong.append(Failure(SNAPSHOT, Verdict.WRONG, text))
    return wrong


@cache
def _known(adapter: str) -> tuple[Known, ...]:
    return load_expectations(ROOT / "expectations" / f"{adapter}.toml")


def unexcused(cell: Cell, outcome: Outcome) -> list[str]:
    """Failures that nobody has to answer for but us: what an adapter's case does without a plan is listed there."""
    wrong = found(cell, outcome)
    return [
        f"{cell.id}: {failure.message}" for failure in wrong if not excused(outcome.adapter, cell, failure.requirement)
    ]


def excused(adapter: str, cell: Cell, requirement: str) -> bool:
    """Whether a failure is listed: as a fault of an SDK's reader, or as one of the adapter without a plan."""
    if adapter == "sdk" and any(fault.covers(cell) for fault in faults()):
        return True
    as_stored = replace(cell, plan=AS_STORED).id
    return any(entry.covers(as_stored, requirement) for entry in _known(adapter))


def small(case: Case, limit: int = 50_000) -> bool:
    """Whether a stream is small enough for plans that cost a step per byte."""
    return len(case.cassette.interactions[0].body) <= limit
