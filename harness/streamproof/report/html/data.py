"""The outcomes as the page's scripts read them: an index that is plain JSON, and the details of the cases, packed.

`index` holds what the matrix draws. The details stand in blocks of `per_block` cases, in the order of the index. A
block is base64 of a zlib stream of UTF-8 text with a line of JSON per case: the browser unpacks a block when one of
its cases is first opened, and parses the line of that case only. With the same zlib, the same outcomes give the same
bytes.

The index:

    per_block  how many cases a block of details has
    adapters   [{label, name, run, option}]     what runs a cell again: run, case and its options, option
    providers  [name], plans [text]             cells refer to them by index
    cases      [[id, title, level, cells]]      cells: [[provider, plan, sync, letters]], one per adapter (LETTERS),
                                                a capital one for a failure that expectations list

The detail of a case:

    about         [[name, text]]
    where         the request and the response in a line
    events        [[number, name, payload, [delta]]]
    notes         [[event, kind, detail]]
    expected      completion JSON as text
    requirements  [[id, level, path, expected, source, [[reading, value]]]]
    turns         [{asked, where, events, notes, expected}], of the further interactions
    texts         [completion JSON as text], what adapters gave
    cells         {"<cell>:<adapter>": [message, findings, text, milliseconds, notes, checks, known]}

`cells` has those outcomes that say more than their letter. findings: [[id, level, verdict, path, expected, got, place,
reading]], without those that simply hold. text: an index of `texts`, -1 for none, -2 for "as expected", -3 for one that
the outcomes do not keep. checks: how many there were. known: [[requirement, reason, upstream]].
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ... import jsontext
from ...providers import PROTOCOLS
from ...requirements import Finding
from ...verdict import Verdict
from ..again import adapter_option, runner
from ..columns import Column
from ..runs import CellName, Result
from ..visible import shortened, visible
from .facts import Facts

LETTERS = {
    Verdict.HANG: "h",
    Verdict.CRASH: "c",
    Verdict.WRONG: "w",
    Verdict.LOSSY: "l",
    Verdict.HARNESS: "x",
    Verdict.UNSUPPORTED: "u",
    Verdict.NOT_OFFERED: "n",
    Verdict.PASS: "p",
}
WARNED, NOT_RUN = "q", "-"
"""Passed, though a SHOULD does not hold; and no outcome at all."""

TEXT_LIMIT = 20_000
VALUE_LIMIT = 2_000
NOTES = 20
"""Diagnostics of one cell that are shown."""
PER_BLOCK = 25
"""Few enough to be unpacked in no time; all in one would take 4 % less."""

_UNSAFE = re.compile("[<\u2028\u2029]")


def script_json(value: Any) -> str:
    """JSON that stands in a `<script>` whatever it holds: no `<`, so neither `</script>` nor `<!--` can be in it."""
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", jsontext.dumps(value))


def packed(columns: Sequence[Column], facts: Mapping[str, Facts]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The index and, in the order of its cases, their details. columns: in the order in which the page shows them."""
    grouped = _by_case(columns)
    providers = _numbered(name.provider for cells in grouped.values() for name in cells)
    plans = _numbered(name.plan for cells in grouped.values() for name in cells)
    cases, details = [], []
    for case in sorted(grouped, key=_place):
        known = facts.get(case)
        cells = grouped[case]
        letters = [
            [providers[name.provider], plans[name.plan], int(name.sync), "".join(map(_letter, results))]
            for name, results in cells.items()
        ]
        cases.append([case, known.title if known else "", known.level if known else "", letters])
        details.append(_detail(known, list(cells.values())))
    index = {
        "per_block": PER_BLOCK,
        "adapters": [_adapter(column) for column in columns],
        "providers": list(providers),
        "plans": list(plans),
        "cases": cases,
    }
    return index, details


def blocks(details: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The details as `packed` gives them, PER_BLOCK in each block; base64, which can stand anywhere in a page."""
    for first in range(0, len(details), PER_BLOCK):
        lines = "\n".join(map(jsontext.dumps, details[first : first + PER_BLOCK]))
        yield base64.b64encode(zlib.compress(lines.encode(), 9)).decode()


def _by_case(columns: Sequence[Column]) -> dict[str, dict[CellName, list[Result | None]]]:
    """Case -> cell -> the result of every column, None where it was not run."""
    grouped: dict[str, dict[CellName, list[Result | None]]] = {}
    for number, column in enumerate(columns):
        for cell, result in column.results.items():
            name = CellName.parse(cell)
            slots = grouped.setdefault(name.case, {}).setdefault(name, [None] * len(columns))
            slots[number] = result
    return grouped


def _place(case: str) -> tuple[int, str]:
    protocol = case.partition("/")[0]
    return (PROTOCOLS.index(protocol) if protocol in PROTOCOLS else len(PROTOCOLS), case)


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(sorted(set(names)))}


def _letter(result: Result | None) -> str:
    if result is None:
        return NOT_RUN
    if result.verdict is Verdict.PASS and result.warnings:
        return WARNED
    letter = LETTERS[result.verdict]
    return letter.upper() if result.is_known else letter


def _adapter(column: Column) -> dict[str, str]:
    option = adapter_option(column.adapter, column.headers)
    return {"label": column.label, "name": visible(column.adapter), "run": runner(column.headers), "option": option}


def _detail(known: Facts | None, cells: Sequence[Sequence[Result | None]]) -> dict[str, Any]:
    """A case's block: what the suite says of it, and of every cell what is not simply as it should be."""
    expected = known.detail.get("expected") if known else None
    facts = {fact[0]: fact for fact in known.detail.get("requirements", ())} if known else {}
    texts: dict[str, int] = {}
    told = {}
    for number, results in enumerate(cells):
        for adapter, result in enumerate(results):
            entry = None if result is None else _entry(result, expected, texts, facts)
            if entry is not None:
                told[f"{number}:{adapter}"] = entry
    return {**(known.detail if known else {}), "texts": list(texts), "cells": told}


def _entry(
    result: Result, expected: str | None, texts: dict[str, int], facts: Mapping[str, Sequence[Any]]
) -> list[Any] | None:
    findings = [
        [f.requirement, f.level, f.verdict.word, f.path, *_values(f.expected, f.got), place, f.reading or ""]
        for f, place in ((_whole(f, facts), place) for f, place in result.findings)
        if not f.verdict.ok or f.verdict is Verdict.NOT_OFFERED or f.reading
    ]
    if result.verdict is Verdict.PASS and not findings and not result.message:
        return None
    notes = result.document.get("diagnostics")
    return [
        shortened(result.message, TEXT_LIMIT),
        findings,
        _text(result, expected, texts),
        round(result.seconds * 1000, 1),
        [shortened(jsontext.dumps(note), VALUE_LIMIT) for note in notes[:NOTES]] if isinstance(notes, list) else [],
        result.checks,
        [list(entry) for entry in result.known],
    ]


def _whole(finding: Finding, facts: Mapping[str, Sequence[Any]]) -> Finding:
    """A finding of a slim line, with what the suite knows of it."""
    fact = facts.get(finding.requirement)
    if finding.verdict is not Verdict.NOT_OFFERED or finding.expected or fact is None:
        return finding
    return finding._replace(path=fact[2], expected=fact[3], got="not offered")


def _values(*values: str) -> list[str]:
    return [shortened(value, VALUE_LIMIT) for value in values]


def _text(result: Result, expected: str | None, texts: dict[str, int]) -> int:
    completion = result.document.get("completion")
    if "completion" not in result.document and result.verdict is not Verdict.UNSUPPORTED:
        return -3
    if completion is None:
        return -1
    text = jsontext.dumps(completion)
    if text == expected:
        return -2
    return texts.setdefault(shortened(text, TEXT_LIMIT), len(texts))
