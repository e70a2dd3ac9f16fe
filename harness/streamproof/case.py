"""Cases: a cassette and what it is about. The suite is the directory of cassettes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .adapters.contract import Call
from .data import data_root
from .errors import CassetteError, UsageError
from .metadata import read_keys, read_metadata
from .providers import PROTOCOLS, Provider, row
from .requirements import Requirement
from .wire.plans import PARTS, Plan

if TYPE_CHECKING:
    from .cassette import Cassette

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Case:
    """One case. id: `<protocol>/<slug>`, from its place in the tree. listed: title, level and providers as read from
    the head of the file, for listings."""

    id: str
    path: Path
    listed: Mapping[str, Any]

    @cached_property
    def metadata(self) -> Mapping[str, Any]:
        """The whole block, read on first use and unchecked; loading the cassette checks it."""
        return read_metadata(self.path)

    @property
    def protocol(self) -> str:
        """The protocol whose stream it holds."""
        return self.id.partition("/")[0]

    @property
    def title(self) -> str:
        """One line, what happens on the wire."""
        return str(self.listed.get("title", ""))

    @property
    def level(self) -> str:
        """`must`, `should` or `edge`."""
        return str(self.listed.get("level", ""))

    @property
    def providers(self) -> tuple[str, ...]:
        """The names of the providers that send these bytes."""
        return tuple(self.listed.get("providers", ()))

    @property
    def call(self) -> Call:
        """What was asked."""
        return Call.from_json(self.metadata["call"])

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """What must come out."""
        return tuple(Requirement.from_json(r) for r in self.metadata.get("requirements", ()))

    @property
    def plan(self) -> Plan:
        """The wire plan that it was written for, the body as stored where it names none. Raises CassetteError."""
        given = self.metadata.get("plan", {})
        try:
            return Plan(**{part: given.get(part) for part in PARTS})
        except UsageError as error:
            raise CassetteError(
                error.message, file=str(self.path), case=self.id, place="metadata.plan", remedy=error.remedy
            ) from None

    def rows(self) -> tuple[Provider, ...]:
        """The provider rows that it runs for. Raises CassetteError for a provider that does not speak the protocol."""
        try:
            return tuple(row(name, self.protocol) for name in self.providers)
        except UsageError as error:
            raise CassetteError(
                error.message, file=str(self.path), case=self.id, place="metadata.providers", remedy=error.remedy
            ) from None

    @cached_property
    def cassette(self) -> Cassette:
        """The recorded exchange, loaded and validated on first use."""
        from .cassette import load  # noqa: PLC0415 - vcrpy takes 0.2 s to import, and a listing needs none of it

        return load(self.path, case=True)

    def row(self, provider: str | None = None) -> Provider:
        """The row of one of its providers, the first by default. Raises UsageError when it has no such provider."""
        found = [row for row in self.rows() if provider in (None, row.name)]
        if not found:
            raise UsageError(f"{self.id} is not sent by {provider!r}", remedy=f"one of: {', '.join(self.providers)}")
        return found[0]


def case_at(path: Path) -> Case:
    """The case of a file, by its place in the tree. Raises CassetteError for a bad place or an unreadable head."""
    protocol, slug = path.parent.name, path.stem
    if protocol not in PROTOCOLS or not _SLUG.fullmatch(slug):
        raise CassetteError(
            f"{protocol}/{slug} is no case id",
            file=str(path),
            remedy=f"put it at cassettes/<protocol>/<slug>.yaml; protocols: {', '.join(PROTOCOLS)}",
        )
    listed = read_keys(path, _LISTED)
    for name, right in _LISTED.items():
        if name in listed and not right(listed[name]):
            raise CassetteError(
                f"{name} is {type(listed[name]).__name__}",
                file=str(path),
                place=f"metadata.{name}",
                remedy="Write a text." if right is _is_text else "Write a list of provider names.",
            )
    return Case(f"{protocol}/{slug}", path, listed)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


_LISTED = {"title": _is_text, "level": _is_text, "providers": _is_texts}
"""What is read of a case before its metadata is validated, which is slow."""


def all_cases(root: Path | None = None, damaged: Callable[[CassetteError], object] | None = None) -> Iterator[Case]:
    """Every case under `cassettes/`, sorted by id.

    root: the suite's data, the installed one by default. damaged: called for a file that is none, which is left out;
    without it the CassetteError is raised.
    """
    directory = (root or data_root()) / "cassettes"
    for path in sorted(directory.glob("*/*.yaml"), key=lambda path: (path.parent.name, path.stem)):
        try:
            yield case_at(path)
        except CassetteError as error:
            if damaged is None:
                raise
            damaged(error)


def readable(cases: Iterable[Case], damaged: Callable[[CassetteError], object]) -> list[Case]:
    """The cases whose cassette loads and whose providers exist; damaged is called for every other."""
    sound = []
    for case in cases:
        try:
            case.cassette  # noqa: B018 - loaded here, once
            case.rows()
        except CassetteError as error:
            damaged(error)
        else:
            sound.append(case)
    return sound


def the_case(cases: Iterable[Case], name: str) -> Case:
    """The one case that a name means: its id, else its slug, else a part of its id or a glob.

    Raises UsageError when there is none, or more than one.
    """
    found = select(cases, [name])
    exact = [case for case in found if case.id == name] or [c for c in found if c.path.stem == name] or found
    if len(exact) > 1:
        names = ", ".join(case.id for case in exact[:6]) + (", ..." if len(exact) > 6 else "")
        raise UsageError(f"{name!r} matches {len(exact)} cases", remedy=f"name one: {names}")
    return exact[0]


def aliases(root: Path | None = None) -> Mapping[str, str]:
    """Case ids that have been renamed, old to new (conformance/aliases.toml)."""
    path = (root or data_root()) / "conformance" / "aliases.toml"
    renamed: dict[str, str] = tomllib.loads(path.read_text(encoding="utf-8"))["aliases"] if path.exists() else {}
    return renamed


def select(cases: Iterable[Case], patterns: Iterable[str]) -> list[Case]:
    """The cases whose id matches a pattern: an id, a glob over ids, or a part of one. No pattern selects all.

    An id that has been renamed still selects its case. Raises UsageError for a pattern that selects nothing.
    """
    cases, patterns = list(cases), list(patterns)
    renamed = aliases() if patterns else {}
    chosen: set[str] = set()
    for asked in patterns:
        pattern = renamed.get(asked, asked)
        exact = {case.id for case in cases if case.id == pattern}
        hits = exact or {case.id for case in cases if fnmatchcase(case.id, pattern) or pattern in case.id}
        if not hits:
            raise UsageError(f"no case matches {pattern!r}", remedy="streamproof list shows them all")
        chosen |= hits
    return [case for case in cases if case.id in chosen] if patterns else cases
