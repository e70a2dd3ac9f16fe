# ruff: noqa: PLC0415 - as cli.py
"""`streamproof run`: the suite against an adapter, with a table at the end and NDJSON on the way."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from .. import jsontext
from ..cli_support import FAILED, Damage, complain, reported
from ..cli_support import width as terminal_width
from ..report.formats import report_options, write_reports

if TYPE_CHECKING:
    from ..cell import Cell
    from ..outcome import Outcome
    from .report import Report
    from .request import Request, Runner
    from .resume import Begun


@click.command()
@click.argument("patterns", metavar="[CASE]...", nargs=-1)
@click.option(
    "--adapter",
    metavar="A",
    default="reference",
    show_default=True,
    help="reference: official SDK, raw bytes. sdk: official SDK, typed events. wire: bytes only. Your own: "
    "package.module:Class.",
)
@click.option(
    "--command", metavar="CMD", help="An adapter in any language: a command that speaks the process contract."
)
@click.option("--provider", metavar="P", help="Only the cells of this provider.")
@click.option("--sync", is_flag=True, help="Use the sync side instead of the async one.")
@click.option(
    "--plan", "plans", metavar="W", multiple=True, help="Deliver the bytes by this wire plan; several give more cells."
)
@click.option("--laws", is_flag=True, help="The laws too that make calls of their own, ten or so per cell.")
@click.option("--all", "all_failures", is_flag=True, help="Print every failure in full, however many there are.")
@click.option("--json", "json_file", metavar="FILE", help="Write the outcomes as NDJSON, - for stdout.")
@click.option(
    "--resume",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Go on with a run that was cut short, from the file that --json wrote.",
)
@click.option(
    "--expectations",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Known failures of the adapter (TOML); ours have a file each.",
)
@click.option("--fix", is_flag=True, help="Rewrite the --expectations file as this run found it.")
@click.option("--timeout", metavar="S", type=click.FloatRange(0.05), help="Seconds for one cell.  [default: 30]")
@click.option(
    "--memory", metavar="MB", type=click.IntRange(1), help="Memory of the adapter's processes.  [default: 2048]"
)
@click.option(
    "--output-limit", metavar="MB", type=click.IntRange(1), help="What it may print in one cell.  [default: 64]"
)
@report_options
@click.pass_context
@reported
def run(context: click.Context, json_file: str | None, resume: Path | None, fix: bool, **options: Any) -> None:
    """Replay cases into an adapter and print a table of verdicts.

    CASE is a case id, a glob, or a part of an id; all cases without one. No connection leaves this machine.

    Your own adapter runs in another process, against a server on this machine: a Python class by its name, or any
    command that speaks JSON lines (docs/adapters.md). One that hangs, crashes, forks or floods costs one cell, and the
    run goes on; --timeout, --memory and --output-limit say when.

    A failure that several providers of a case share is told once, with the command that runs it again. When there are
    many, what fails most often is listed, with an example of each; --all prints them all, --html makes a page of them.

    Failures that the adapter's expectations file lists, with their upstream issue, count as known. Anything else exits
    with 1, and so does a listed failure that passes or was not run, and a capability that is declared and never seen,
    or seen and not declared (docs/capabilities.md); a SHOULD that does not hold only warns. --fix writes the file from
    a run of everything: what still fails stays, what passes goes, what is new is marked as not looked at yet.

    \b
    Examples:  streamproof run
               streamproof run incomplete --adapter sdk --provider openai
               streamproof run --adapter mypackage.driver:MyAdapter --json outcomes.ndjson
               streamproof run --command 'node adapter.mjs' --timeout 10
               streamproof run --resume outcomes.ndjson
               streamproof run --plan split:byte+frame:crlf --plan cut:after-2-reset
    """
    from .report import Report
    from .request import Request
    from .resume import begun

    started, damage = time.perf_counter(), Damage()
    before = begun(resume) if resume else None
    if before and json_file:
        raise click.UsageError("--resume writes to its own file; leave --json away")
    request = _request(context, before.request if before else Request())
    file_of_known = _file_of_known(options["expectations"], request if fix else None)
    report = Report(request.adapter, expectations=file_of_known, option=request.option)
    chosen = request.cells(damage)
    if not (request.patterns or request.provider or damage.code):
        report.expect([cell.id for cell in chosen], whole=not request.partial)
    with request.runner() as runner:
        if before:
            before.check(request, runner, chosen)
        with _file(json_file, before) as file:
            job = _Job(request, runner, chosen, report, file, [before.text] if before else [])
            outcomes = _run(job, before)
    file_name = str(resume or json_file or "").removeprefix("-")
    shown = {"width": terminal_width(), "whole": options["all_failures"], "file": file_name}
    for line in report.lines(time.perf_counter() - started, **shown):
        click.echo(line, err=json_file == "-")
    for note in runner.notes:
        complain(note)
    write_reports(options, "".join(job.lines).encode())
    failed = _still_failing(file_of_known, report, outcomes, damage) if fix and file_of_known else report.failed
    sys.exit(damage.code or (FAILED if failed else 0))


def _still_failing(path: Path, report: Report, outcomes: list[Outcome], damage: Damage) -> bool:
    """Rewrite the expectations; whether something is left that no entry can excuse. Raises UsageError."""
    from ..expectations.fix import fix_file

    change = fix_file(path, outcomes, ["some cases cannot be read"] if damage.code else [])
    click.echo(f"{path}: {change.summary}", err=True)
    return bool(report.against_the_adapter or change.unfixed(outcomes))


def _file_of_known(path: Path | None, to_fix: Request | None) -> Path | None:
    """The expectations file. to_fix: the run that is to rewrite it. Raises UsageError when it cannot."""
    from ..expectations.fix import refuse_partial

    if to_fix:
        if path is None:
            raise click.UsageError("--fix rewrites the file that --expectations names; name one")
        refuse_partial(to_fix.partial, path)
    elif path and not path.exists():
        raise click.UsageError(f"--expectations: {path} does not exist; --fix would write it")
    return path


class _Job(NamedTuple):
    request: Request
    runner: Runner
    cells: Sequence[Cell]
    report: Report
    file: IO[str] | None
    lines: list[str]

    def write(self, document: object) -> None:
        """A line, at once, so that a run that is killed leaves what it has done."""
        line = jsontext.dumps(document) + "\n"
        self.lines.append(line)
        if self.file is not None:
            self.file.write(line)
            self.file.flush()


def _run(job: _Job, before: Begun | None) -> list[Outcome]:
    """Run the cells that are not done yet; lines into the file, rows into the report. All outcomes."""
    from ..grading.capability_check import complaints
    from ..outcome import footer

    runner = job.runner
    job.report.head(runner.name, runner.versions, runner.tier)
    left, outcomes = job.cells, list(before.outcomes) if before else []
    if before:
        left = before.missing(left)
    else:
        job.write(job.request.header(runner, len(left)))
    for outcome in outcomes:
        job.report.add(outcome)
    try:
        with job.report.progress(len(left)) as advance:
            for outcome in runner.outcomes(left, laws=job.request.laws):
                outcomes.append(outcome)
                job.write(job.report.add(outcome).to_json())
                advance(outcome.cell)
    except KeyboardInterrupt:
        if job.file is not None and job.file is not sys.stdout:
            complain(f"cut short; streamproof run --resume {job.file.name} goes on")
        raise
    against = complaints(runner.capabilities, outcomes)
    job.report.end(against)
    job.write(footer(outcomes, against))
    return outcomes


_ASKED = ("adapter", "command", "patterns", "provider", "sync", "plans", "laws")
_LIMITS = {"timeout": "seconds", "memory": "memory_mb", "output_limit": "output_mb"}


def _request(context: click.Context, base: Request) -> Request:
    """What the command line asks for, beyond what a run that was begun did."""
    given = {
        name: value
        for name, value in context.params.items()
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    if "adapter" in given and "command" in given:
        raise click.UsageError("--adapter and --command name two adapters; give one")
    if "adapter" in given:
        base = replace(base, command="")
    limits = {_LIMITS[name]: value for name, value in given.items() if name in _LIMITS}
    asked = {name: value for name, value in given.items() if name in _ASKED}
    request = replace(base, **asked, limits=replace(base.limits, **limits))
    if not request.external and limits.keys() - {"seconds"}:
        raise click.UsageError("--memory and --output-limit hold for adapters in another process only")
    return request


@contextmanager
def _file(name: str | None, before: Begun | None) -> Iterator[IO[str] | None]:
    """Where the lines go, None for nowhere. Raises click.FileError."""
    if name == "-" or (name is None and before is None):
        yield sys.stdout if name else None
        return
    try:
        file = before.append() if before else open(str(name), "w", encoding="utf-8", newline="\n")  # noqa: SIM115
    except OSError as error:
        raise click.FileError(str(name or ""), error.strerror) from error
    with file:
        yield file


COMMANDS = (run,)
