# ruff: noqa: PLC0415 - commands import what they need when they run
"""The command of reports: `streamproof report FILE...` and `streamproof report merge`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..cli_support import FAILED, complain, reported
from .formats import FORMATS, WORST, write_out

if TYPE_CHECKING:
    from .columns import Column


class _WriteByDefault(click.Group):
    """`report FILE` is short for `report write FILE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *self.get_help_option_names(ctx)}:
            args = ["write", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_WriteByDefault,
    no_args_is_help=True,
    subcommand_metavar="FILE... | merge FILE... -o FILE",
    short_help="Make reports from what `streamproof run --json` wrote.",
)
def report() -> None:
    """Make reports from the outcomes that `streamproof run --json` writes.

    \b
    streamproof report FILE... [--format F] [-o OUT]     the same as: report write FILE...
    streamproof report merge FILE... -o OUT              several runs in one file

    \b
    Formats:   table      shares, verdicts and the worst failures, for a terminal
               junit      JUnit XML, for CI systems
               markdown   for a GitHub step summary
               badge      JSON of a shields.io endpoint badge
               html       adapters x cases, one file with all in it, to publish

    \b
    Examples:  streamproof report outcomes.ndjson
               streamproof report outcomes.ndjson --format junit -o junit.xml
               streamproof report outcomes.ndjson --format markdown >> "$GITHUB_STEP_SUMMARY"
               streamproof report results/*.ndjson --format html -o matrix.html

    `streamproof report write --help` lists the options. The exit code says whether the report tells the whole truth,
    not how the adapters did: 1 when a run was cut short or two runs disagree about a cell (the report is written, and
    says so), 2 for a file that holds no outcomes.
    """


@report.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    default="table",
    show_default=True,
    type=click.Choice([*FORMATS]),
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write, standard output by default.")
@click.option(
    "--adapter", "adapters", metavar="NAME", multiple=True, help="Only this adapter; may be given several times."
)
@click.option(
    "--worst",
    metavar="N",
    type=click.IntRange(min=0),
    default=WORST,
    show_default=True,
    help="How many failures `table` and `markdown` show.",
)
@reported
def write(files: tuple[Path, ...], form: str, output: Path | None, adapters: tuple[str, ...], worst: int) -> None:
    """Write a report of some runs.

    FILE is NDJSON of `streamproof run --json`, of one run or of several. Runs of the same adapter in the same versions
    are joined; where they disagree on a cell, the worse verdict counts, and the report says so.
    """
    from .columns import columns
    from .runs import read_runs

    found = columns(read_runs(files), adapters)
    FORMATS[form](found, output, worst)
    _tell(found, form)


@report.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The file to write, standard output by default.")
@click.option(
    "--slim", is_flag=True, help="Only what reports need, and no times: a file to keep under version control."
)
@click.option(
    "--again",
    metavar="CMD",
    default="",
    help="What reports tell to run a cell again, before its case, instead of `streamproof run`.",
)
@reported
def merge(files: tuple[Path, ...], output: Path | None, slim: bool, again: str) -> None:
    """Join runs of several adapters or machines into one file.

    Every run stays whole, with its header; a run that is there twice is written once. The joined file is read by
    `streamproof report` like any other. --slim leaves away what did not fail; the counts stay the same.
    """
    from .columns import columns
    from .merge import merged
    from .runs import read_runs

    runs = read_runs(files)
    write_out(output, "".join(merged(runs, slim=slim, again=again)).encode())
    _tell(columns(runs), "ndjson")


def _tell(found: Sequence[Column], form: str) -> None:
    """What the reader of the exit code must know; the table has said it already."""
    for column in found:
        for note in [*column.cut, *column.notes]:
            if form != "table":
                complain(f"{column.label}: {note}")
    if not all(column.sound for column in found):
        sys.exit(FAILED)


COMMANDS = (report,)
