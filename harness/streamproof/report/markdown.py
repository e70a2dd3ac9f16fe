"""Markdown for a GitHub step summary: the scores, what must be known about the runs, and the worst failures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..verdict import Verdict
from .again import again
from .columns import Column
from .runs import Result
from .summary import (
    FAULTS,
    Tally,
    by_protocol,
    complaint,
    known_failures,
    no_score,
    notes,
    percent,
    ranked,
    suites,
    worst_failures,
)
from .visible import one_line, visible

LIMIT = 900_000
"""Bytes; GitHub drops a step summary of more than 1 MiB whole."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~@&:$])")


def markdown(columns: Sequence[Column], worst: int) -> str:
    """The document. worst: how many failures are shown. Whatever a stream says is text in it, never markup."""
    order = ranked(columns)
    lines = ["## streamproof", "", *_scores(order), "", *_notes(order)]
    known = list(_known(columns))
    lines += ["", "### Known failures", "", *known] if known else []
    failures = list(_failures(columns, worst))
    lines += ["", f"### The worst {len(failures)} failures", ""] if failures else []
    size = sum(len(line.encode()) + 1 for line in lines)
    for failure in failures:
        size += len(failure.encode()) + 1
        if size > LIMIT:
            lines.append("More failures are in the outcomes; this summary has no room for them.")
            break
        lines.append(failure)
    return "\n".join(lines) + "\n"


def _scores(order: Sequence[tuple[Column, Tally]]) -> Iterator[str]:
    groups = {id(column): by_protocol(column) for column, _ in order}
    protocols = sorted({protocol for found in groups.values() for protocol in found if found[protocol].of})
    apart = (Verdict.NOT_OFFERED, Verdict.UNSUPPORTED, Verdict.HARNESS)
    heads = ["adapter", "right", "offered", *(f"`{_in_code(p)}`" for p in protocols)]
    heads += [verdict.word.replace("_", " ") for verdict in (*reversed(FAULTS), *apart)]
    yield f"| {' | '.join(heads)} |"
    yield f"|---|{'---:|' * (len(heads) - 1)}"
    for column, found in order:
        by = groups[id(column)]
        scored = not no_score(column)
        cells = [f"**{escaped(column.label)}**"]
        shares = ((found.right, found.of), (found.offered, found.musts))
        cells += [f"{percent(n, of)} ({n}/{of})" if scored else "-" for n, of in shares]
        cells += [f"{by[p].right}/{by[p].of}" if scored and p in by and by[p].of else "-" for p in protocols]
        cells += [str(found.counts[verdict] or "") for verdict in (*reversed(FAULTS), *apart)]
        yield f"| {' | '.join(cells)} |"


def _notes(order: Sequence[tuple[Column, Tally]]) -> Iterator[str]:
    versions = suites(column for column, _ in order)
    if len(versions) > 1:
        yield f"- ⚠️ Scores of different suites do not compare, and these are of {escaped(', '.join(versions))}."
    for column, found in order:
        for note in notes(column):
            cut = note in column.cut
            end = ". What follows is not the whole run." if cut else ""
            yield f"- {'⚠️ ' * cut}**{escaped(column.label)}**: {escaped(note)}{end}"
        if found.warned:
            yield f"- {escaped(column.label)}: a SHOULD does not hold in {found.warned} cells"


def _known(columns: Sequence[Column]) -> Iterator[str]:
    for column in columns:
        for entry, cells in known_failures(column):
            told = f"{escaped(entry.reason)} ({escaped(entry.upstream)})"
            yield f"- {escaped(column.label)}, {cells} cell{'s' * (cells != 1)}: {told}"


def _failures(columns: Sequence[Column], limit: int) -> Iterator[str]:
    for column, result in worst_failures(columns, limit):
        yield "\n".join(_failure(column, result))


def _failure(column: Column, result: Result) -> Iterator[str]:
    what, expected, got = complaint(result)
    head = f"{result.verdict.word} <code>{_in_html(result.cell)}</code> {_in_html(column.label)}"
    yield f"<details><summary>{head}</summary>"
    yield ""
    lines = [one_line(what, 1000)]
    lines += [f"expected {one_line(expected, 1000)}", f"got      {one_line(got, 1000)}"] if expected or got else []
    lines.append(f"again    {one_line(again(result.name, column.adapter, column.headers), 1000)}")
    fence = "`" * (max([2, *(len(run) for line in lines for run in re.findall("`+", line))]) + 1)
    yield from (f"{fence}text", *lines, fence)
    yield "</details>"
    yield ""


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", one_line(text, 1000))


def _in_code(text: str) -> str:
    return one_line(text, 100).replace("`", "'").replace("|", "\\|")


def _in_html(text: str) -> str:
    return re.sub(r"[^\w /.,:+-]", lambda found: f"&#{ord(found[0])};", visible(one_line(text, 300)))
