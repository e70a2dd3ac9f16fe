"""Capabilities held against a whole run: what is declared and never seen, and what is seen and not declared."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Protocol, TypeAlias

from ..capabilities import FIELDS, Capabilities
from ..cellid import case_of, protocol_of
from ..completion import Completion, TextPart
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
    """Reasoning does not tell: a library that joins the text may hand on the blocks of reasoning that have to go back
    one by one."""
    return sum(isinstance(part, TextPart) and bool(part.text) for part in completion.content) > 1


def complaints(capabilities: Capabilities | None, outcomes: Iterable[Ran]) -> list[str]:
    """What a run says against the declaration, one sentence each. capabilities: None when nothing was declared.

    What differs in a protocol (`by_protocol`) is held against the cells of that protocol, the rest against the others.
    """
    if capabilities is None:
        return []
    ran: dict[str, list[Ran]] = {}
    for outcome in outcomes:
        if outcome.fields:
            ran.setdefault(protocol_of(outcome.cell), []).append(outcome)
    groups = [group for check in _CHECKS for group in _groups(capabilities, check, ran)]
    return [*(said for group in groups for said in group.never_seen()),
            *(said for group in groups for said in group.not_declared())]  # fmt: skip


_Claims: TypeAlias = Callable[[Capabilities], Iterator[tuple[str, str]]]
_Undeclared: TypeAlias = Callable[[Capabilities, Collection[str]], Iterator[tuple[str, str, str]]]


class _Check(NamedTuple):
    """How one key of the declaration is checked. claims: what is claimed in so many words: field and words for it.
    undeclared: what is shown against it: field, words for it, what to declare."""

    key: str
    claims: _Claims
    undeclared: _Undeclared


@dataclass(frozen=True, slots=True)
class _Group:
    """The cells of the protocols that share what is declared under a key. overlay: the protocol whose own declaration
    it is, "" for the rest. ran: all protocols of the run. on_wire, shown: field -> cells."""

    check: _Check
    declared: Capabilities
    overlay: str
    ran: Collection[str]
    on_wire: Mapping[str, Sequence[str]]
    shown: Mapping[str, Sequence[str]]

    def never_seen(self) -> Iterator[str]:
        """What is claimed, and never shown."""
        where, place = "", "the declaration"
        if self.overlay:
            where, place = f" for {self.overlay}", f"by_protocol.{self.overlay}"
        for name, what in self.check.claims(self.declared):
            cells = self.on_wire.get(name, [])
            cases = len({case_of(cell) for cell in cells})
            if cases >= ENOUGH and name not in self.shown:
                yield (
                    f"declares {what}{where}, and never shows it: the wire has it in {cases} cases, such as "
                    f"{cells[0]}; read it in the adapter, or take it out of {place}"
                )

    def not_declared(self) -> Iterator[str]:
        """What is shown, and not claimed."""
        for name, what, remedy in self.check.undeclared(self.declared, self.shown):
            cells = self.shown[name]
            count = f"{len(cells)} cell{'s' * (len(cells) > 1)}"
            protocols = list(dict.fromkeys(map(protocol_of, cells)))
            where = place = ""
            if self.overlay or len(protocols) < len(self.ran):
                where = f" of {', '.join(protocols)}"
                place = f" in by_protocol.{protocols[0]}" if len(protocols) == 1 else " in by_protocol of each"
            yield (
                f"shows {what} in {count}{where}, such as {cells[0]}, and does not declare it; {remedy}{place}, "
                "or do not make it up"
            )


def _groups(capabilities: Capabilities, check: _Check, ran: Mapping[str, Sequence[Ran]]) -> Iterator[_Group]:
    own = [protocol for protocol in ran if check.key in capabilities.by_protocol.get(protocol, {})]
    shared = [outcome for protocol in ran if protocol not in own for outcome in ran[protocol]]
    yield _Group(check, capabilities, "", ran, *_fields(shared))
    for protocol in own:
        yield _Group(check, capabilities.at(protocol), protocol, ran, *_fields(ran[protocol]))


def _fields(outcomes: Iterable[Ran]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Field -> cells that have it on the wire, and cells that show it."""
    on_wire: dict[str, list[str]] = {}
    shown: dict[str, list[str]] = {}
    for outcome in outcomes:
        for name, where in outcome.fields.items():
            if where != "shown":
                on_wire.setdefault(name, []).append(outcome.cell)
            if where != "wire":
                shown.setdefault(name, []).append(outcome.cell)
    return on_wire, shown


def _claimed_fields(declared: Capabilities) -> Iterator[tuple[str, str]]:
    """An adapter that lists no fields is judged by the requirements alone."""
    if declared.fields is not None:
        yield from ((name, name) for name in FIELDS if declared.offers(name))


def _undeclared_fields(declared: Capabilities, shown: Collection[str]) -> Iterator[tuple[str, str, str]]:
    for name in shown:
        known = name in FIELDS or name.startswith("details.")
        if name in _CANNOT_TELL or not known or declared.offers(name):
            continue
        if name.startswith("details.") and "details" in shown and not declared.offers("details"):
            continue  # said once, of all of them
        yield name, name, f"declare {name!r} in its fields"


def _claimed_deltas(declared: Capabilities) -> Iterator[tuple[str, str]]:
    if declared.deltas:
        yield DELTAS, "deltas"


def _undeclared_deltas(declared: Capabilities, shown: Collection[str]) -> Iterator[tuple[str, str, str]]:
    if declared.deltas is False and DELTAS in shown:
        yield DELTAS, "deltas", "declare deltas: true"


def _claimed_dialect(declared: Capabilities) -> Iterator[tuple[str, str]]:
    if declared.finish_dialect != "normal":
        yield f"finish_dialect.{declared.finish_dialect}", f"finish_dialect {declared.finish_dialect!r}"


def _undeclared_parts(declared: Capabilities, shown: Collection[str]) -> Iterator[tuple[str, str, str]]:
    if declared.text == "joined" and PARTS in shown:
        yield PARTS, "text in parts", "declare text: parts"


_CHECKS = (
    _Check("fields", _claimed_fields, _undeclared_fields),
    _Check("deltas", _claimed_deltas, _undeclared_deltas),
    _Check("finish_dialect", _claimed_dialect, lambda *_: iter(())),
    _Check("text", lambda _: iter(()), _undeclared_parts),
)
