"""Capabilities held against a whole run: what is declared and never seen, and what is seen and not declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, Protocol, TypeAlias

from ..capabilities import FIELDS, Capabilities
from ..cellid import case_of
from ..completion import Completion, ReasoningPart, TextPart
from .finish import dialects
from .offered import present
from .view import Told

Where: TypeAlias = Literal["wire", "shown", "both"]
ENOUGH = 3
"""From how many cases on it is no single loss that something is never seen; in fewer, the requirements speak."""

DELTAS, PARTS = "deltas", "text.parts"
_CANNOT_TELL = frozenset({"error.type", "error.message", "tool_calls.complete", "content.tool_call", "diagnostics"})
"""What a completion always has in some form, so that seeing it proves nothing: an error has to have a type, a call a
place."""


class Ran(Protocol):
    """What is needed of an outcome."""

    @property
    def cell(self) -> str:
        """Its id."""
        ...

    @property
    def fields(self) -> Mapping[str, Where]:
        """As `seen` gives them; empty when nothing was graded."""
        ...


def seen(wire: Told, got: Told, capabilities: Capabilities, *, deltas: bool) -> dict[str, Where]:
    """Which fields one wire has, and which the adapter showed. deltas: whether it emitted any."""
    on_wire = {*_could_show(wire, capabilities), DELTAS}
    shown = {*present(got.completion, got.details, got.diagnostics)} | ({DELTAS} if deltas else set())
    on_wire |= {PARTS} if _in_parts(wire.completion) else set()
    shown |= {PARTS} if _in_parts(got.completion) else set()
    for name, used in dialects(wire.completion, got.completion):
        on_wire.add(name)
        shown |= {name} if used else set()
    both = on_wire & shown
    found: dict[str, Where] = {}
    for name in sorted(on_wire | shown):
        found[name] = "both" if name in both else "wire" if name in on_wire else "shown"
    return found


def _could_show(wire: Told, capabilities: Capabilities) -> Iterator[str]:
    """The fields of a wire, without what belongs to something that is not offered: no ids of parts that are not shown,
    nothing but the error where a library keeps nothing else."""
    whole = wire.completion
    if whole.status != "complete" and not capabilities.offers("partial"):
        yield from present(Completion(status=whole.status, error=whole.error), {}, ())
        return
    yield from (f"content.{part.type}" for part in whole.content)
    content = tuple(part for part in whole.content if capabilities.offers(f"content.{part.type}"))
    yield from present(replace(whole, content=content), wire.details, wire.diagnostics)


def _in_parts(completion: Completion) -> bool:
    kinds = [type(part) for part in completion.content if isinstance(part, TextPart | ReasoningPart) and part.text]
    return len(kinds) > len(set(kinds))


def complaints(capabilities: Capabilities | None, outcomes: Iterable[Ran]) -> list[str]:
    """What a run says against the declaration, one sentence each. capabilities: None when nothing was declared."""
    if capabilities is None:
        return []
    on_wire: dict[str, list[str]] = {}
    shown: dict[str, list[str]] = {}
    for outcome in outcomes:
        for name, where in outcome.fields.items():
            if where != "shown":
                on_wire.setdefault(name, []).append(outcome.cell)
            if where != "wire":
                shown.setdefault(name, []).append(outcome.cell)
    return [*_never_seen(capabilities, on_wire, shown), *_not_declared(capabilities, shown)]


def _never_seen(
    capabilities: Capabilities, on_wire: Mapping[str, Sequence[str]], shown: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    for name, what in _declared(capabilities):
        cells = on_wire.get(name, [])
        cases = len({case_of(cell) for cell in cells})
        if cases >= ENOUGH and name not in shown:
            yield (
                f"declares {what}, and never shows it: the wire has it in {cases} cases, such as {cells[0]}; "
                "read it in the adapter, or take it out of the declaration"
            )


def _declared(capabilities: Capabilities) -> Iterator[tuple[str, str]]:
    """What is claimed in so many words: an adapter that lists no fields is judged by the requirements alone."""
    if capabilities.fields is not None:
        yield from ((name, name) for name in FIELDS if capabilities.offers(name))
    if capabilities.deltas:
        yield DELTAS, "deltas"
    if capabilities.finish_dialect != "normal":
        dialect = capabilities.finish_dialect
        yield f"finish_dialect.{dialect}", f"finish_dialect {dialect!r}"


def _not_declared(capabilities: Capabilities, shown: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for name, cells in shown.items():
        if name in _CANNOT_TELL or not _is_field(name) or capabilities.offers(name):
            continue
        if name.startswith("details.") and "details" in shown and not capabilities.offers("details"):
            continue  # said once, of all of them
        yield _also_shows(name, cells, f"declare {name!r} in its fields")
    if capabilities.deltas is False and DELTAS in shown:
        yield _also_shows("deltas", shown[DELTAS], "declare deltas: true")
    if capabilities.text == "joined" and PARTS in shown:
        yield _also_shows("text in parts", shown[PARTS], "declare text: parts")


def _is_field(name: str) -> bool:
    return name in FIELDS or name.startswith("details.")


def _also_shows(what: str, cells: Sequence[str], remedy: str) -> str:
    count = f"{len(cells)} cell{'s' * (len(cells) > 1)}"
    return f"shows {what} in {count}, such as {cells[0]}, and does not declare it; {remedy}, or do not make it up"
