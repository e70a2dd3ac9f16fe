"""From the path of a request to a cell: which case, provider and wire plan a client was pointed at.

/[~TOKEN/]<protocol>/<slug>[@provider][+split:...][+frame:...]...<path of the row's base URL><what the client appends>
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from ..case import Case, aliases
from ..cell import Cell, can_play
from ..errors import UsageError
from ..providers import PROTOCOLS, Provider
from ..wire.plans import AS_STORED, RULES, Plan

_PREFIX = re.compile(
    r"/(?:~(?P<token>[A-Za-z0-9_-]{1,64})(?:/|\Z))?"
    r"(?:(?P<case>[^/]*/[^/@+]*)(?:@(?P<provider>[^/+]*))?(?P<plan>(?:\+[^/]*)?)(?P<rest>/.*)?)?",
    re.DOTALL,
)

ENDINGS: tuple[tuple[str, ...], ...] = (
    ("/chat/completions",),
    ("/responses",),
    ("/messages", ":streamRawPredict"),
    (":streamGenerateContent",),
    ("/converse-stream",),
    ("/invoke-with-response-stream",),
)
"""How the path of a stream request ends; the endings of one row answer with the same bytes (Vertex AI has its own name
for Anthropic's Messages)."""

_LONGEST = 200
"""Characters of a wrong name that are looked at."""


class NotFound(Exception):
    """What a path asks for is not there.

    kind: `no_case`, `no_plan`, `no_form`, `no_match`, `no_stream`. facts: what there is.
    """

    def __init__(self, kind: str, message: str, **facts: object) -> None:
        super().__init__(message)
        self.kind, self.message, self.facts = kind, message, facts


class Place(NamedTuple):
    """A path taken apart. token: "" for none. case: as it stands there. provider: None for the case's first. plan:
    parts joined by `+`. rest: what follows, from its slash on."""

    token: str
    case: str
    provider: str | None
    plan: str
    rest: str


def place(path: str) -> Place:
    """Take a path apart; a percent-encoded one is the same as a plain one."""
    found = _PREFIX.match(unquote(path))
    parts: Mapping[str, str | None] = found.groupdict() if found else {}
    words = [word for word in (parts.get("plan") or "").split("+") if word and word != "sync"]
    return Place(
        parts.get("token") or "",
        parts.get("case") or "",
        parts.get("provider") or None,
        "+".join(words),
        parts.get("rest") or "",
    )


def base_path(row: Provider) -> str:
    """The path of a row's base URL, without a slash at the end."""
    return urlsplit(row.base_url).path.rstrip("/")


def prefix(cell: Cell, token: str = "") -> str:
    """The path that chooses a cell, without the row's own path."""
    return prefix_of(cell.case.id, cell.row.name, str(cell.plan), token)


def prefix_of(case: str, provider: str, plan: str = "", token: str = "") -> str:
    """The same from names."""
    return f"/{f'~{token}/' if token else ''}{case}@{provider}{f'+{plan}' if plan else ''}"


def endings(row: Provider) -> tuple[str, ...]:
    """How the path of a row's stream request ends."""
    return next(group for group in ENDINGS if row.path.endswith(group[0]))


def asks_for_a_stream(path: str, row: Provider) -> bool:
    """Whether a path is that of a row's stream request."""
    return unquote(path).rstrip("/").endswith(endings(row))


@dataclass(frozen=True, slots=True)
class Routes:
    """The cases that can be asked for, by id."""

    cases: Mapping[str, Case]

    @classmethod
    def of(cls, cases: Iterable[Case]) -> Routes:
        """Of some cases."""
        return cls({case.id: case for case in cases})

    def cell(self, asked: Place) -> Cell:
        """The cell that a path means. Raises NotFound."""
        case = self.cases.get(asked.case) or self.cases.get(aliases().get(asked.case, ""))
        if case is None:
            near = self._near(asked.case)
            meant = f"; near it: {', '.join(near)}" if near else f"; the protocols are {', '.join(PROTOCOLS)}"
            raise NotFound("no_case", f"no case {asked.case[:_LONGEST]!r}{meant}", nearest=near, cases=len(self.cases))
        try:
            row = case.row(asked.provider)
        except UsageError as error:
            raise NotFound("no_case", str(error), providers=list(case.providers)) from error
        return Cell(case=case, row=row, plan=_plan(case, asked.plan))

    def _near(self, name: str) -> list[str]:
        """Ids that may have been meant: the same slug elsewhere, then those that look alike."""
        name = name[:_LONGEST]
        slug = name.rpartition("/")[2]
        same = [known for known in self.cases if slug and known.rpartition("/")[2] == slug]
        return list(dict.fromkeys([*same, *get_close_matches(name, self.cases, 5)]))[:5]


def _plan(case: Case, text: str) -> Plan:
    """The wire plan of a path. Raises NotFound where there is none of this name, or it cannot be played."""
    if not text:
        return AS_STORED
    try:
        plan = Plan.parse(text)
    except UsageError as error:
        known = [f"{rule.part}:{rule.name}" for rule in RULES]
        near = list(dict.fromkeys(n for word in text[:_LONGEST].split("+") for n in get_close_matches(word, known, 3)))
        raise NotFound("no_plan", str(error), nearest=near) from error
    if not can_play(case, plan):
        message = f"{plan} is not legal for the stream of {case.id}, or changes nothing of it"
        raise NotFound("no_plan", f"{message} (docs/wire-plans.md says what is legal for which protocol and body)")
    return plan
