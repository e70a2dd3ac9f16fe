"""What a rule looks at: one cassette file, read once, however many rules ask for its parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ..case import Case, case_at
from ..cassette import Cassette, Interaction, load_text
from ..cassette_file import read_bytes
from ..decoders.base import NO_QUIRKS
from ..errors import CassetteError
from ..paths import format_path
from ..providers import PROTOCOLS, TABLE
from ..timeline import Step, Timeline, timeline

TODO = "TODO"
"""Begins what `streamproof new` leaves to the author."""


class Fault(NamedTuple):
    """What a rule found. place: inside the file (`metadata.title`, `event 4: response.id`, `line 7`). remedy: in place
    of the rule's own, where it can be told better."""

    place: str
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault with its file and rule. case: its id, "" where the file is no case."""

    file: str
    case: str
    place: str
    rule: str
    message: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.place}" if self.place else self.file
        return f"{where}: {self.rule}: {self.message} ({self.remedy})"

    def to_json(self) -> dict[str, str]:
        """{file, case, place, rule, message, remedy}."""
        return {name: getattr(self, name) for name in ("file", "case", "place", "rule", "message", "remedy")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that lint asks of a file. id: stable, for `--rule`. remedy: what to do about a finding. needs: what has
    to be sound before the question makes sense: `nothing`, the `cassette`, or the `case` with its metadata."""

    id: str
    check: Callable[[Subject], Iterator[Fault]]
    remedy: str
    needs: str = "case"

    @property
    def summary(self) -> str:
        """The first line of the check's docstring: what it finds."""
        return (self.check.__doc__ or "").partition("\n")[0]


class Subject:
    """One file under lint. Its parts are read on first use; `fault` says why they cannot be."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def id(self) -> str:
        """`<protocol>/<slug>` by its place in the tree, "" when that is no place of a case."""
        return f"{self.protocol}/{self.path.stem}" if self.protocol in PROTOCOLS else ""

    @property
    def protocol(self) -> str:
        """The folder that it is in."""
        return self.path.absolute().parent.name

    @property
    def root(self) -> Path | None:
        """The suite that holds it: the folder of `cassettes/<protocol>/`, None outside of one."""
        folder = self.path.absolute().parent.parent
        return folder.parent if folder.name == "cassettes" else None

    @cached_property
    def data(self) -> bytes:
        """The file; b"" when it cannot be read."""
        try:
            return read_bytes(self.path)
        except CassetteError:
            return b""

    @cached_property
    def foreign_fault(self) -> CassetteError | None:
        """Why it is no cassette at all, None when it is one."""
        if self.fault is None:
            return None
        try:
            read_bytes(self.path)
            self.foreign  # noqa: B018 - loaded here, once
        except CassetteError as error:
            return error
        return None

    @cached_property
    def fault(self) -> CassetteError | None:
        """Why it is no case, None when it is one."""
        try:
            self.case  # noqa: B018 - read here, once
            self.cassette  # noqa: B018
        except CassetteError as error:
            return error
        return None

    @cached_property
    def foreign(self) -> Cassette:
        """The exchanges, whatever stands beside them. Raises CassetteError."""
        if "cassette" in self.__dict__:
            return self.cassette
        return load_text(re.sub(rb"^metadata:", b"x-metadata:", self.data, count=1, flags=re.MULTILINE), str(self.path))

    @cached_property
    def cassette(self) -> Cassette:
        """The exchanges of a case, its metadata checked. Raises CassetteError."""
        return load_text(self.data, str(self.path), case=True)

    @cached_property
    def case(self) -> Case:
        """The case. Raises CassetteError."""
        return case_at(self.path)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The checked block."""
        return self.cassette.metadata or {}

    @property
    def deviates(self) -> str:
        """What the case declares about its bytes, "" for nothing."""
        return str(self.metadata.get("schema_deviates", ""))

    @property
    def interactions(self) -> tuple[Interaction, ...]:
        """All exchanges of the file."""
        return self.foreign.interactions if self.fault else self.cassette.interactions

    @cached_property
    def stories(self) -> tuple[Timeline, ...]:
        """The stream of each exchange, as the first provider's row reads it; without one, as the protocol has it."""
        row = TABLE.get((self.metadata["providers"][0], self.protocol))
        quirks = row.quirks if row else NO_QUIRKS
        return tuple(timeline(each, self.protocol, quirks, self.n) for each in self.interactions)

    @property
    def n(self) -> int | None:
        """How many choices were asked for."""
        return self.case.call.n

    def streamed(self) -> Iterator[tuple[str, list[Step]]]:
        """The steps that are events of a stream, with the prefix of their places: "" for the only exchange."""
        for number, (each, story) in enumerate(zip(self.interactions, self.stories, strict=True)):
            if each.status < 400:
                prefix = f"interactions[{number}]: " if len(self.interactions) > 1 else ""
                yield prefix, [step for step in story.steps if step.event is not None]


def texts(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every text in JSON-like data, with its place."""
    if isinstance(value, str):
        yield format_path(path), value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from texts(item, (*path, number))
