"""Columns of a report: an adapter in one version, with all that runs of any machine say about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from .. import jsontext
from ..case import aliases, all_cases
from ..errors import UsageError
from .runs import CellName, Result, Run
from .visible import visible

_OURS = ("wire", "reference", "sdk")
"""Adapters whose version is the suite's."""

_FAMILY = 6
"""So many letters two names have in common at their beginnings when one is of the other's family."""

LABEL_LIMIT = 120
"""Characters of an adapter's name and version together."""

_Key: TypeAlias = tuple[str, str, str]


@dataclass(slots=True)
class Column:
    """An adapter with its outcomes. version: of the library, "" where no run says it. label: what tells it from the
    other columns. results: by cell id. cut: where its runs were cut short, when cells are missing for that. notes: what
    else a reader must know before believing it, one sentence each."""

    adapter: str
    version: str
    headers: list[Mapping[str, Any]] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    results: dict[str, Result] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    label: str = ""
    conflicts: int = 0
    promised: int = 0

    @property
    def partial(self) -> str:
        """Why no run of it ran every case for every provider as stored, "" when one did."""
        if not self.headers:
            return "no header says what was run"
        return (
            ""
            if any(not asked(header) for header in self.headers)
            else "; ".join(dict.fromkeys(map(asked, self.headers)))
        )

    @property
    def sound(self) -> bool:
        """Whether it is what it seems: whole, and no run contradicts another."""
        return not self.cut and not self.conflicts


def columns(runs: Sequence[Run], only: Iterable[str] = ()) -> list[Column]:
    """The columns of some runs, in the order of their first appearance.

    Runs belong together when adapter, suite and all versions are the same. Where two of them disagree on a cell, the
    worse verdict counts and a note says so. only: names of adapters; UsageError when one of them has no run.
    """
    found: dict[_Key, Column] = {}
    renamed = aliases()
    for run in runs:
        for name in dict.fromkeys([*_names(run)]):
            column = found.setdefault(_key(run, name), Column(name, _version(name, run.header or {})))
            _add(column, run, [r for r in run.results if r.adapter == name], renamed)
    chosen = _chosen(list(found.values()), list(only))
    for column in chosen:
        if column.promised and len(column.results) >= column.promised:
            column.cut = []  # done again, or gone on with: nothing is missing
    _with_levels(chosen)
    _label(chosen)
    return chosen


def asked(header: Mapping[str, Any]) -> str:
    """What restricts a run, in words; "" for every case, every provider, the bytes as stored."""
    patterns, plans = (header.get(name) or [] for name in ("patterns", "plans"))
    said = {
        f"only some cases ({' '.join(map(str, patterns))})": patterns,
        f"only provider {header.get('provider')}": header.get("provider"),
        f"only wire plans ({' '.join(map(str, plans))})": plans,
        "only the sync side": header.get("sync"),
    }
    return ", ".join(what for what, is_so in said.items() if is_so)


def _with_levels(found: Iterable[Column]) -> None:
    """Lines that do not say the level of their case get it from the suite, as far as it has the case."""
    lacking = [column for column in found if any(not result.level for result in column.results.values())]
    levels = {case.id: case.level for case in all_cases(damaged=lambda _: None)} if lacking else {}
    for column in lacking:
        for cell, result in column.results.items():
            if not result.level:
                column.results[cell] = replace(result, level=levels.get(result.name.case, ""))


def _names(run: Run) -> Iterator[str]:
    name = (run.header or {}).get("adapter")
    if isinstance(name, str) and name and not run.results:
        yield name
    yield from (result.adapter for result in run.results)


def _chosen(found: list[Column], only: list[str]) -> list[Column]:
    for name in only:
        if all(column.adapter != name for column in found):
            names = ", ".join(dict.fromkeys(column.adapter for column in found))
            raise UsageError(f"no run of the adapter {name!r}", remedy=f"there are: {names}")
    return [column for column in found if not only or column.adapter in only]


def _key(run: Run, name: str) -> _Key:
    header = run.header or {}
    versions = header.get("versions")
    ordered = dict(sorted(versions.items())) if isinstance(versions, Mapping) else versions
    return name, str(header.get("suite", "")), jsontext.dumps(ordered)


def _add(column: Column, run: Run, results: Iterable[Result], renamed: Mapping[str, str]) -> None:
    column.headers += [run.header] if run.header is not None else []
    column.sources += [run.source] if run.source not in column.sources else []
    column.cut += [f"{run.source}: {run.cut}"] if run.cut else []
    column.notes += [f"{run.source}: {note}" for note in run.notes]
    column.promised = max(column.promised, run.promised or 0)
    for given in results:
        cell = _today(given.cell, renamed)
        result = given if cell == given.cell else replace(given, cell=cell)
        other = column.results.setdefault(cell, result)
        if other.verdict is result.verdict:
            continue
        column.conflicts += 1
        worse = min(other, result, key=lambda item: item.verdict)
        column.results[cell] = worse
        column.notes.append(
            f"{cell} is {other.verdict.word} in one run and {result.verdict.word} in another ({run.source}); "
            f"{worse.verdict.word} counts"
        )


def _today(cell: str, renamed: Mapping[str, str]) -> str:
    case = CellName.parse(cell).case
    return cell.replace(case, renamed[case], 1) if case in renamed else cell


def _version(name: str, header: Mapping[str, Any]) -> str:
    """The version of the library that an adapter is about: the package of the same name, else the closest one, such
    as `ai` for vercel-ai or `@langchain/core` for langchain-js."""
    if name in _OURS:
        return str(header.get("suite", ""))
    versions = header.get("versions")
    if not isinstance(versions, Mapping):
        return ""
    wanted = _plain(name)
    longer = sorted((p for p in versions if _plain(p).startswith(wanted)), key=len)
    shorter = sorted((p for p in versions if wanted.startswith(_plain(p))), key=len, reverse=True)
    ending = [p for p in versions if wanted.endswith(_plain(p))]
    family = [p for p in versions if _plain(p)[:_FAMILY] == wanted[:_FAMILY]]
    return next((str(versions[package]) for package in (*longer, *shorter, *ending, *family)), "")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def _label(found: list[Column]) -> None:
    """Name and version; where that is not enough, also the suite's version or the packages that differ."""
    names = Counter((column.adapter, column.version) for column in found)
    for column in found:
        column.label = visible(f"{column.adapter} {column.version}".strip())[:LABEL_LIMIT]
        if names[column.adapter, column.version] > 1:
            twins = [c for c in found if (c.adapter, c.version) == (column.adapter, column.version)]
            column.label += f" ({_difference(column, twins)})"
    seen: Counter[str] = Counter()
    for column in found:
        seen[column.label] += 1
        if seen[column.label] > 1:
            column.label += f" #{seen[column.label]}"


def _difference(column: Column, twins: list[Column]) -> str:
    facts = [_facts(twin) for twin in twins]
    own = _facts(column)
    differing = [name for name in own if len({other.get(name) for other in facts}) > 1]
    return ", ".join(f"{name} {own[name]}" for name in differing) or "without a header"


def _facts(column: Column) -> dict[str, str]:
    header = column.headers[0] if column.headers else {}
    versions = header.get("versions")
    packages = versions if isinstance(versions, Mapping) else {}
    return {"suite": str(header.get("suite", "")), **{str(name): str(v) for name, v in packages.items()}}
