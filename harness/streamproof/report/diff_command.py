# ruff: noqa: PLC0415 - as cli.py
"""`streamproof diff OLD NEW`: what an upgrade changed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import jsontext
from ..cli_support import FAILED, complain, reported

if TYPE_CHECKING:
    from ..verdict import Verdict
    from .difference import CellChange, Difference, FoundChange

_COLOURS = {"worse": "red", "better": "green", "otherwise": "yellow"}
_TITLES = {
    "worse": "worse",
    "better": "better",
    "otherwise": "failing otherwise than before",
    "new": "new",
    "gone": "gone",
}


@click.command(short_help="Compare two runs: what an upgrade changed.")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@click.option("--adapter", "adapters", metavar="NAME", multiple=True, help="Only this one, where a file holds several.")
@click.option("--json", "as_json", is_flag=True, help="A JSON document per adapter instead of the table.")
@reported
def diff(old: Path, new: Path, adapters: tuple[str, ...], as_json: bool) -> None:
    """Compare two runs: what an upgrade of a library or of the suite changed.

    OLD and NEW are what `streamproof run --json` wrote. Cells are listed whose verdict changed, whose requirements fail
    otherwise than before, which are new or gone, and what differs in the headers: versions, the suite, capabilities.

    The exit code is 1 when anything got worse: a cell's verdict, one of its MUSTs, or a new complaint about declared
    capabilities. A new cell that fails is not worse than before. It is 1 too when a run was cut short.

    \b
    Examples:  streamproof diff results/mylib-1.0.ndjson results/mylib-1.1.ndjson
               streamproof diff old.ndjson new.ndjson --json
    """
    from .difference import differences

    found = differences(old, new, adapters)
    for difference in found:
        if as_json:
            click.echo(jsontext.dumps(difference.to_json(), indent=2).encode())
        else:
            for line in _lines(difference):
                click.echo(line)
        for note in difference.notes:
            complain(note)
    sys.exit(FAILED if any(difference.is_worse or difference.notes for difference in found) else 0)


def _lines(difference: Difference) -> Iterator[str]:
    from .difference import CHANGES

    yield click.style(f"{difference.old} -> {difference.new}", bold=True)
    for name, (before, after) in difference.facts.items():
        yield f"  {name}: {before or 'none'} -> {after or 'none'}"
    for change in CHANGES:
        cells = difference.of(change)
        if cells:
            yield ""
            yield click.style(f"{_TITLES[change]}: {_sum(cells)}", fg=_COLOURS.get(change), bold=True)
            for cell in cells:
                yield from _cell_lines(cell)
    for complaint in difference.complaints:
        yield ""
        yield click.style("worse: ", fg="red", bold=True) + complaint
    yield ""
    yield f"{difference.same} cell{'s' * (difference.same != 1)} as before"


def _sum(cells: list[CellChange]) -> str:
    """How many, and which verdicts where they are new or gone."""
    count = f"{len(cells)} cell{'s' * (len(cells) != 1)}"
    if cells[0].change not in ("new", "gone"):
        return count
    words = Counter(_word(cell.new if cell.change == "new" else cell.old) for cell in cells)
    return f"{count} ({', '.join(f'{number} {word}' for word, number in words.most_common())})"


def _word(verdict: Verdict | None) -> str:
    return verdict.word if verdict is not None else "none"


def _cell_lines(cell: CellChange) -> Iterator[str]:
    if cell.change in ("new", "gone"):
        yield f"  {cell.cell}  {_word(cell.new if cell.change == 'new' else cell.old)}"
        return
    verdicts = _word(cell.new) if cell.old is cell.new else f"{_word(cell.old)} -> {_word(cell.new)}"
    yield f"  {cell.cell}  {verdicts}"
    if cell.message:
        yield f"      now: {cell.message.splitlines()[0]}"
    for found in cell.findings:
        yield from _found_lines(found)


def _found_lines(found: FoundChange) -> Iterator[str]:
    before = _word(found.old and found.old.verdict)
    after = _word(found.new and found.new.verdict)
    level = (found.new or found.old).level if found.new or found.old else ""  # type: ignore[union-attr]
    yield (
        f"      {found.requirement} ({level}): {before} -> {after}"
        if before != after
        else (f"      {found.requirement} ({level}): {after}, otherwise")
    )
    if found.new is not None and not found.new.verdict.ok:
        yield f"          expected {found.new.expected}"
        was = f", was {found.old.got}" if found.old is not None and not found.old.verdict.ok else ""
        yield f"          got      {found.new.got}{was}"


COMMANDS = (diff,)
