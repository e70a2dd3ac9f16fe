"""The terminal's report: scores per protocol, verdicts, and the failures to look at first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..verdict import Verdict
from .again import again
from .columns import Column
from .summary import (
    SHORT_NAMES,
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
from .visible import one_line

_STYLES = {
    Verdict.HANG: "bold white on black",
    Verdict.CRASH: "bold magenta",
    Verdict.WRONG: "bold red",
    Verdict.LOSSY: "yellow",
    Verdict.HARNESS: "bold cyan",
    Verdict.UNSUPPORTED: "dim",
    Verdict.NOT_OFFERED: "dim",
    Verdict.PASS: "green",
}
_PIPE_WIDTH = 140
"""Columns where there is no terminal to fit into."""


def print_table(columns: Sequence[Column], file: IO[str], worst: int, *, color: bool | None = None) -> None:
    """Write the report. worst: how many failures are shown. color: None lets the terminal decide."""
    width = None if file.isatty() else _PIPE_WIDTH
    console = Console(file=file, width=width, highlight=False, markup=False, emoji=False, no_color=color is False)
    order = ranked(columns)
    console.print(_scores(order))
    console.print(_verdicts(order))
    for column, _ in order:
        for note in notes(column):
            console.print(Text(f"! {one_line(column.label, 60)}: {one_line(note, 400)}", "bold yellow"))
    versions = suites(columns)
    if len(versions) > 1:
        text = f"! scores of different suites do not compare, and these runs are of {', '.join(versions)}"
        console.print(Text(one_line(text, 400), "bold yellow"))
    _print_failures(console, columns, worst)
    _print_known(console, columns)


def _scores(order: Sequence[tuple[Column, Tally]]) -> Table:
    """right/of and offered/musts in all, and right/of per protocol; nothing for a run that has no score."""
    groups = [(column, found, by_protocol(column)) for column, found in order]
    protocols = sorted({protocol for *_, found in groups for protocol in found if found[protocol].of})
    table = Table(
        title="Right cells, and offered facts, of those that count", title_justify="left", box=None, pad_edge=False
    )
    table.add_column("adapter", overflow="fold")
    for name in ("right", "", "offered", "", *(SHORT_NAMES.get(p, one_line(p, 30)) for p in protocols)):
        table.add_column(name, justify="right", overflow="fold")
    for column, found, by in groups:
        head = Text(one_line(column.label, 60), "bold")
        if no_score(column):
            table.add_row(head, Text("no score", "dim"))
            continue
        cells = []
        cells += [Text(percent(found.right, found.of)), _fraction(found.right, found.of)]
        cells += [Text(percent(found.offered, found.musts)), Text(f"{found.offered}/{found.musts}")]
        cells += [_fraction(by[p].right, by[p].of) if p in by else Text("") for p in protocols]
        table.add_row(head, *cells)
    return table


def _verdicts(order: Sequence[tuple[Column, Tally]]) -> Table:
    """How often each verdict was given."""
    table = Table(title="\nVerdicts", title_justify="left", box=None, pad_edge=False)
    table.add_column("adapter", overflow="fold")
    for name in ("cells", *(verdict.word for verdict in reversed(Verdict)), "warned", "known"):
        table.add_column(name, justify="right")
    for column, found in order:
        counts = [(found.counts[verdict], _STYLES[verdict]) for verdict in reversed(Verdict)]
        cells = [Text(str(count), style) if count else Text("·", "dim") for count, style in counts]
        beside = [Text(str(count), "yellow") if count else Text("·", "dim") for count in (found.warned, found.known)]
        table.add_row(Text(one_line(column.label, 60), "bold"), str(found.total), *cells, *beside)
    return table


def _fraction(part: int, of: int) -> Text:
    return Text(f"{part}/{of}", "green" if part == of else "") if of else Text("-", "dim")


def _print_failures(console: Console, columns: Sequence[Column], limit: int) -> None:
    shown = worst_failures(columns, limit)
    results = [result for column in columns for result in column.results.values()]
    failing = sum(not result.verdict.ok and not result.is_known for result in results)
    for column, result in shown:
        what, expected, got = complaint(result)
        head = Text.assemble("\n", (result.verdict.word, _STYLES[result.verdict]), " ", (one_line(result.cell), "bold"))
        console.print(head.append(f"  {one_line(column.label, 60)}", "dim"))
        console.print(Text(f"  {one_line(what, 400)}"))
        if expected or got:
            console.print(Text(f"  expected {one_line(expected, 400)}\n  got      {one_line(got, 400)}"))
        command = again(result.name, column.adapter, column.headers)
        console.print(Text(f"  again    {one_line(command, 400)}", "dim"), soft_wrap=True)
    if failing:
        console.print(
            Text(f"\n{failing} cells fail; shown: {len(shown)}, the worst per adapter, case and verdict", "dim")
        )


def _print_known(console: Console, columns: Sequence[Column]) -> None:
    for column in columns:
        for entry, cells in known_failures(column):
            text = (
                f"\nknown {one_line(column.label, 60)}: {cells} cell{'s' * (cells != 1)}: {one_line(entry.reason, 300)}"
            )
            console.print(Text(f"{text}\n  {one_line(entry.upstream, 300)}", "yellow"))
