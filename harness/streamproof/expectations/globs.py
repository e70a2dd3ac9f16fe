"""Globs over cell ids, component by component: case, provider, and each part of a wire plan.

    glob = "*" | case, "@", provider, { "+", part, ":", value }, [ "+sync" ] ;

Each component is a glob of its own (`*`, `?`, `[...]`), so that `*` never runs over into the next one:
`openai_chat/tool-*@openai*+split:byte`. A case glob without `/` goes over the whole case id. `*` alone is every cell.

Splits, framings, paces and codings change nothing of what must come out, and neither does the sync side, so a glob that
does not name them takes them all. What changes the outcome has to be named: `inject` and `cut`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from ..errors import UsageError
from ..wire.plans import PARTS

EVERY = "*"
_NAMED = ("inject", "cut")
_GLOB = re.compile(r"(?P<case>[^@+]+)@(?P<provider>[^@+:]+)(?P<plan>(?:\+[a-z]+:[^@+]+)*)(?P<sync>\+sync)?")


@dataclass(frozen=True, slots=True)
class CellGlob:
    """A glob, or a cell id, which is one that names a single cell. plan: part -> glob of its value. every: `*`."""

    case: str
    provider: str
    plan: Mapping[str, str]
    sync: bool = False
    every: bool = False

    @classmethod
    def parse(cls, text: str) -> CellGlob:
        """Raises UsageError for what is no glob over cells."""
        if text == EVERY:
            return cls(EVERY, EVERY, {}, every=True)
        found = _GLOB.fullmatch(text)
        plan = dict(part.split(":", 1) for part in found["plan"].split("+")[1:]) if found else {}
        if found is None or not plan.keys() <= set(PARTS):
            raise UsageError(
                f"{text!r} is no glob over cells",
                remedy=f"write case@provider, then +PART:VALUE where it matters; parts: {', '.join(PARTS)}, +sync",
            )
        return cls(found["case"], found["provider"], plan, found["sync"] is not None)

    def covers(self, cell: CellGlob) -> bool:
        """Whether it speaks about a cell."""
        if self.every:
            return True
        return self.covers_stored(cell) and self._covers_plan(cell) and (cell.sync or not self.sync)

    def covers_stored(self, cell: CellGlob) -> bool:
        """The same, however the bytes are delivered."""
        if not fnmatchcase(cell.provider, self.provider):
            return False
        if "/" not in self.case:
            return fnmatchcase(cell.case, self.case)
        protocol, _, slug = self.case.partition("/")
        its_protocol, _, its_slug = cell.case.partition("/")
        return fnmatchcase(its_protocol, protocol) and fnmatchcase(its_slug, slug)

    def _covers_plan(self, cell: CellGlob) -> bool:
        for part in PARTS:
            wanted, value = self.plan.get(part), cell.plan.get(part)
            if wanted is None:
                if value is not None and part in _NAMED:
                    return False
            elif value is None or not fnmatchcase(value, wanted):
                return False
        return True


@lru_cache(maxsize=8192)
def parsed(text: str) -> CellGlob:
    """`CellGlob.parse`, once per text."""
    return CellGlob.parse(text)


def stored(cells: Iterable[str]) -> set[tuple[str, str]]:
    """(case, provider) of some cells: what caps count, as a case may be delivered in any number of ways."""
    return {(cell.case, cell.provider) for cell in map(parsed, cells)}
