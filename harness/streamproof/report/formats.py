# ruff: noqa: PLC0415 - each format imports what it needs when it is written
"""The formats of reports by name, and writing one: of a file of runs, or right after a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from .. import jsontext

if TYPE_CHECKING:
    from .columns import Column

WORST = 20
"""Failures that a table or a summary shows unless told otherwise."""


def _table(found: Sequence[Column], output: Path | None, worst: int) -> None:
    from .table import print_table

    color = False if os.environ.get("NO_COLOR") else None
    if output is None:
        print_table(found, sys.stdout, worst, color=color)
        return
    with _opened(output) as file:
        print_table(found, file, worst, color=False)


def _junit(found: Sequence[Column], output: Path | None, _: int) -> None:
    from .junit import junit

    write_out(output, junit(found))


def _markdown(found: Sequence[Column], output: Path | None, worst: int) -> None:
    from .markdown import markdown

    write_out(output, markdown(found, worst).encode())


def _badge(found: Sequence[Column], output: Path | None, _: int) -> None:
    from .badge import badge

    write_out(output, jsontext.dumps(badge(found)).encode() + b"\n")


def _html(found: Sequence[Column], output: Path | None, _: int) -> None:
    from ..render import progress
    from .html.facts import facts_of
    from .html.page import page

    cases = list(dict.fromkeys(result.name.case for column in found for result in column.results.values()))
    with progress("html", len(cases)) as advance:
        write_out(output, page(found, facts_of(cases, advance)).encode())


FORMATS: Mapping[str, Callable[[Sequence[Column], Path | None, int], None]] = {
    "table": _table,
    "junit": _junit,
    "markdown": _markdown,
    "badge": _badge,
    "html": _html,
}


def write_out(output: Path | None, data: bytes) -> None:
    """Write to a file, or to standard output. Raises click.FileError."""
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        output.write_bytes(data)
    except OSError as error:
        raise click.FileError(str(output), error.strerror or str(error)) from None


def _opened(output: Path) -> IO[str]:
    try:
        return output.open("w", encoding="utf-8")
    except OSError as error:
        raise click.FileError(str(output), error.strerror or str(error)) from None


def _checked(_: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """A folder that is not there is told before a long run, not after it."""
    if path is not None and not path.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.parent}", param=parameter)
    return path


AFTER_RUN: Mapping[str, str] = {
    "junit": "Write JUnit XML too.",
    "markdown": "Write a summary in Markdown too, for $GITHUB_STEP_SUMMARY.",
    "badge": "Write the JSON of a shields.io endpoint badge too.",
    "html": "Write the matrix as a page too.",
}
"""Formats that `streamproof run` writes at its end, with their help."""


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of AFTER_RUN, for a click command."""
    for name, words in reversed(list(AFTER_RUN.items())):
        path = click.Path(dir_okay=False, path_type=Path)
        command = click.option(f"--{name}", metavar="FILE", type=path, callback=_checked, help=words)(command)
    return command


def write_reports(asked: Mapping[str, Any], ndjson: bytes) -> None:
    """The reports of one run. asked: paths by the names of AFTER_RUN, None for none. ndjson: all of its lines."""
    wanted = {name: asked[name] for name in AFTER_RUN if asked.get(name)}
    if not wanted:
        return
    from .columns import columns
    from .runs import parse_runs

    found = columns(parse_runs(ndjson, "this run"))
    for name, path in wanted.items():
        FORMATS[name](found, path, WORST)
