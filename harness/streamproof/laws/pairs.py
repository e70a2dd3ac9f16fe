"""The laws that compare calls: what must make no difference makes none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..cell import Cell, can_play
from ..jsontext import JSON
from ..outcome import Outcome
from ..paths import format_path
from ..requirements import shown
from ..running.run_cell import refused
from ..wire.plans import Plan, drawn, effect, plans, unmarked
from .calling import Probe
from .evidence import Breach

SPLITS = 3
"""Splits and framings that are tried for a cell that names none."""


async def same_however_split(about: Probe) -> list[Breach] | None:
    """Splits and framings."""
    return await _same_under(about, _chosen(about.cell, injected=False))


async def unknown_events_change_nothing(about: Probe) -> list[Breach] | None:
    """Injections that a provider may make on any day."""
    return await _same_under(about, _chosen(about.cell, injected=True))


async def sync_is_async(about: Probe) -> list[Breach] | None:
    """The other side; silent where the adapter has one only."""
    other = replace(about.stored, sync=not about.stored.sync)
    if refused(about.make(other), other):
        return None
    return await _same(about, [other])


def _chosen(cell: Cell, *, injected: bool) -> list[Cell]:
    """The cell with its own plan where that is of the kind, else with drawn ones."""
    body, protocol = cell.case.cassette.interactions[0].body, cell.case.protocol
    if cell.plan:
        tried = [cell.plan]
    elif injected:
        tried = [plan for plan in plans(protocol, body) if plan.inject]
    else:
        kept = (plan for plan in drawn(protocol, body, 1000, f"laws/{cell.case.id}") if not plan.inject)
        tried = [plan for plan in kept if effect(plan, protocol) == "nothing"][:SPLITS]
    return [
        replace(cell, plan=plan)
        for plan in tried
        if _is_harmless(plan, protocol) and bool(plan.inject) is injected and can_play(cell.case, plan)
    ]


def _is_harmless(plan: Plan, protocol: str) -> bool:
    return effect(plan, protocol) == "nothing"


async def _same_under(about: Probe, cells: list[Cell]) -> list[Breach] | None:
    return await _same(about, cells) if cells else None


async def _same(about: Probe, others: Iterable[Cell]) -> list[Breach] | None:
    """How the outcomes of other cells differ from the plain one; None where that is none."""
    plain = about.plain.outcome
    if plain.completion is None:
        return None
    breaches: list[Breach] = []
    for cell in others:
        other = (await about.hear(cell)).outcome
        differing = _differing(plain, other)
        if differing:  # some libraries make up an id for each call, so what differs from itself is no difference
            again = (await about.hear(about.stored)).outcome
            changing = _differing(plain, again)
            breaches += [
                Breach(one, got, cell.id, path) for path, (one, got) in differing.items() if path not in changing
            ]
    return breaches


def _differing(plain: Outcome, other: Outcome) -> Mapping[str, tuple[str, str]]:
    """Where two completions differ: path -> both values as text."""
    assert plain.completion is not None
    if other.completion is None:
        return {"": ("a completion", other.message or other.verdict.word)}
    one, got = (unmarked(completion.to_json()) for completion in (plain.completion, other.completion))
    return {format_path(path): (shown(a), shown(b)) for path, a, b in differences(one, got)}


Path = tuple[str | int, ...]


def differences(one: JSON, other: JSON, path: Path = ()) -> Iterator[tuple[Path, JSON, JSON]]:
    """The places where two JSON values differ, as deep as their shapes agree."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        for name in one:
            yield from differences(one[name], other[name], (*path, name))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            yield from differences(a, b, (*path, number))
    elif one != other:
        yield path, one, other
