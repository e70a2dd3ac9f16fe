"""Failures of a run, each told once: for all providers of a case that share it, and most frequent first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..cellid import CellId
from ..expectations.file import Failure
from ..laws.table import LAWS
from ..verdict import Verdict

_OF_STREAMS = frozenset(law.id for law in LAWS.values() if law.applies in ("always", "broken"))
"""Laws about what came out. Those about the deltas say something else than a requirement about the same place."""


class Told(NamedTuple):
    """A failure of one cell. kind: what it is counted as, a requirement or a law, or how a crash begins. also: laws
    that say the same."""

    text: str
    kind: str
    verdict: Verdict
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """What some providers of a case have in common. cells: the first one's id stands for all in a command."""

    cells: tuple[CellId, ...]
    failures: tuple[Told, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of its failures."""
        return min(failure.verdict for failure in self.failures)


class Kind(NamedTuple):
    """How often something fails."""

    name: str
    verdict: Verdict
    cells: int
    cases: int


@dataclass(slots=True)
class Failures:
    """What was complained about in a run, in the order in which it came."""

    _cells: dict[str, dict[Told, list[CellId]]] = field(default_factory=dict)

    def add(self, cell: CellId, failing: Sequence[Failure], untrue: Sequence[str] = ()) -> None:
        """Take what is wrong with one cell. untrue: what its expectations say and it does not bear out."""
        told = [*folded(failing), *(Told(text, "expectations", Verdict.WRONG) for text in untrue)]
        variant = f"{cell.case}+{cell.plan}+{cell.sync}"
        for failure in told:
            self._cells.setdefault(variant, {}).setdefault(failure, []).append(cell)

    def __bool__(self) -> bool:
        return bool(self._cells)

    def groups(self) -> list[Group]:
        """The failures of a case that the same providers share are one group."""
        return [group for told in self._cells.values() for group in _grouped(told)]

    def kinds(self) -> list[Kind]:
        """What fails, most frequent first."""
        cells: dict[str, set[CellId]] = {}
        worst: dict[str, Verdict] = {}
        for told in self._cells.values():
            for failure, where in told.items():
                for name in (failure.kind, *failure.also):
                    cells.setdefault(name, set()).update(where)
                    worst[name] = min(worst.get(name, failure.verdict), failure.verdict)
        found = [Kind(n, worst[n], len(where), len({cell.case for cell in where})) for n, where in cells.items()]
        return sorted(found, key=lambda kind: (-kind.cases, -kind.cells, kind.name))


def _grouped(told: dict[Told, list[CellId]]) -> Iterator[Group]:
    by_cells: dict[tuple[CellId, ...], list[Told]] = {}
    for failure, where in told.items():
        by_cells.setdefault(tuple(where), []).append(failure)
    for cells, failures in by_cells.items():
        yield Group(cells, tuple(failures))


def examples(groups: Sequence[Group], kinds: Sequence[Kind], most: int) -> list[Group]:
    """Groups to look at first: the shortest for each of the most frequent kinds, then those of the worst verdicts."""
    chosen: list[Group] = []
    for kind in kinds:
        fitting = (group for group in groups if any(kind.name in (f.kind, *f.also) for f in group.failures))
        example = min(fitting, key=lambda group: len(group.failures), default=None)
        if example is not None and example not in chosen:
            chosen.append(example)
    rest = sorted((group for group in groups if group not in chosen), key=lambda group: group.verdict)
    return [*chosen, *rest][:most]


def folded(failing: Sequence[Failure]) -> list[Told]:
    """The failures of a cell; a law that says the same as a requirement stands with it."""
    facts = [f for f in failing if f.requirement not in _OF_STREAMS]
    also: dict[int, list[str]] = {}
    alone = []
    for law in failing:
        if law.requirement in _OF_STREAMS:
            same = next((n for n, fact in enumerate(facts) if _same_place(law.path, fact.path)), None)
            if same is None:
                alone.append(law)
            else:
                also.setdefault(same, []).append(law.requirement)
    told = [Told(f.message, _kind(f), f.verdict, tuple(also.get(n, ()))) for n, f in enumerate(facts)]
    return [*told, *(Told(law.message, _kind(law), law.verdict) for law in alone)]


def _same_place(law: str, fact: str) -> bool:
    """Whether a law and a requirement are about one place: the same one, or one below a part or call."""
    below = law.endswith("]") and fact.startswith((f"{law}.", f"{law}["))
    return bool(law) and (fact == law or below)


def _kind(failure: Failure) -> str:
    """A requirement's id; of what befell a whole cell how it begins, which is the exception's name."""
    if failure.requirement != "cell":
        return failure.requirement
    first = failure.message.partition("\n")[0].partition(":")[0].strip()
    return f"{failure.verdict.word}: {first}"[:60]
