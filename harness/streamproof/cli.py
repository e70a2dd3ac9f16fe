# ruff: noqa: PLC0415 - commands import what they need when they run
"""The command line: `streamproof list | show | run | decode | record | providers`.

Exit codes: 0 all is well, 1 a check failed or a stream did not end well, 2 bad input. Commands import what they need
when they run, so that `list` starts at once and `decode` never loads an SDK.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import IO, Any

import click

from . import jsontext
from .errors import HarnessFault, StreamproofError

FAILED, BAD_INPUT = 1, 2


def _complain(message: object) -> None:
    click.secho(f"streamproof: {message}", err=True, fg="red" if sys.stderr.isatty() else None)


def _reported(command: Callable[..., None]) -> Callable[..., None]:
    """A fault that somebody can mend is a line on standard error and exit code 2, never a traceback."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (StreamproofError, HarnessFault) as error:
            _complain(error)
            sys.exit(BAD_INPUT)
        except click.FileError as error:  # click opens a file for writing at the first write, and exits with 1
            _complain(f"{error.ui_filename}: {error.message}")
            sys.exit(BAD_INPUT)

    return guarded


def _width() -> int | None:
    """Columns of the terminal; None when standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


class _Damage:
    """Cases that cannot be read: each is named once, the others go on, and the exit code becomes 2."""

    def __init__(self) -> None:
        self.code = 0

    def __call__(self, error: StreamproofError) -> None:
        _complain(error)
        self.code = BAD_INPUT


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="streamproof", prog_name="streamproof")
@click.pass_context
def main(context: click.Context) -> None:
    """Does an LLM adapter tell the truth about a provider's stream?

    streamproof keeps provider streams as cassettes, the awkward ones above all, replays them into adapters, and says
    for every stated requirement whether content, tool calls, usage and finish reason are those of the wire.

    \b
    Look around:        streamproof list
                        streamproof show openai_responses/incomplete-reasoning-only
    Check an adapter:   streamproof run --adapter reference
    Decode a stream:    curl -sN ... | streamproof decode -

    \b
    Exit codes: 0 all is well
                1 a check failed, or a stream did not end well
                2 bad input

    Nothing here needs a key or the network. NO_COLOR switches colours off; STREAMPROOF_DATA names another folder
    that holds `cassettes` and `conformance`.
    """
    if os.environ.get("NO_COLOR"):
        context.color = False


@main.command("list")
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@_reported
def list_cases(patterns: tuple[str, ...]) -> None:
    """List the cases: id, level, providers, title.

    PATTERN is a glob over case ids, or a part of one; several select what any of them matches.

    \b
    Examples:  streamproof list incomplete
               streamproof list 'openai_chat/*' 'anthropic_messages/cut-*'
    """
    from .case import all_cases, select
    from .render import case_lines

    damage = _Damage()
    for line in case_lines(select(all_cases(damaged=damage), patterns), _width()):
        click.echo(line)
    sys.exit(damage.code)


@main.command()
@click.argument("case")
@click.option("--provider", metavar="P", help="Read it with this provider's quirks; the case's first one by default.")
@_reported
def show(case: str, provider: str | None) -> None:
    """Show a case: the stream as a timeline, and what must come out.

    CASE is a case id (`streamproof list` shows them), or a part of one that no other case has. Every event of the wire
    stands with the deltas that it gives, then the completion, then the requirements with their sources. The exit code
    is 1 when a requirement does not hold.
    """
    from .case import all_cases, the_case
    from .render import show_lines, story_findings
    from .timeline import timeline

    found = the_case(all_cases(damaged=lambda _: None), case)
    interaction = found.cassette.interactions[0]
    row = found.row(provider)
    story = timeline(interaction, found.protocol, row.quirks, found.call.n)
    for line in show_lines(found, row, story, _width()):
        click.echo(line)
    if not all(finding.verdict.ok for finding in story_findings(found, story)):
        sys.exit(FAILED)


@main.command()
@click.argument("patterns", metavar="[CASE]...", nargs=-1)
@click.option(
    "--adapter",
    type=click.Choice(["reference", "sdk", "wire"]),
    default="reference",
    show_default=True,
    help="reference: official SDK, raw bytes. sdk: official SDK, typed events. wire: bytes only.",
)
@click.option("--provider", metavar="P", help="Only the cells of this provider.")
@click.option("--sync", is_flag=True, help="Use the SDKs' sync clients instead of the async ones.")
@click.option(
    "--json", "json_file", type=click.File("w", encoding="utf-8"), help="Write the outcomes as NDJSON, - for stdout."
)
@_reported
def run(patterns: tuple[str, ...], adapter: str, provider: str | None, sync: bool, json_file: IO[str] | None) -> None:
    """Replay cases into an adapter and print a table of verdicts.

    CASE is a case id, a glob, or a part of an id; all cases without one. No connection leaves this machine.

    Failures that the adapter's expectations file lists, with their upstream issue, count as known. Anything else, and
    a listed failure that passes, exits with 1; a SHOULD that does not hold only warns.

    \b
    Examples:  streamproof run
               streamproof run incomplete --adapter sdk --provider openai
               streamproof run --json outcomes.ndjson
    """
    from .case import all_cases, readable, select
    from .outcome import footer, header
    from .render import Report
    from .replay.hermetic import TIER, hermetic
    from .run import cells, run_cells, versions

    started, damage = time.perf_counter(), _Damage()
    report = Report(adapter)
    chosen = cells(readable(select(all_cases(damaged=damage), patterns), damage), provider, sync=sync)
    if json_file:
        _write_line(json_file, header(adapter, len(chosen), versions(), TIER))
    outcomes = []
    with hermetic(), report.progress(len(chosen)) as advance, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the SDKs, about values that they do not know; what they lose is graded
        for outcome in run_cells(adapter, chosen):
            outcomes.append(outcome)
            if json_file:
                _write_line(json_file, outcome.to_json())
            report.add(outcome)
            advance(outcome.cell)
    if json_file:
        _write_line(json_file, footer(outcomes))
    for line in report.lines(time.perf_counter() - started):
        click.echo(line, err=json_file is not None and json_file.name == "<stdout>")
    sys.exit(damage.code or (FAILED if report.failed else 0))


@main.command()
@click.argument("files", metavar="FILE|-...", nargs=-1, required=True)
@click.option("--provider", metavar="P", help="Whose stream it is, instead of telling from the request's host.")
@click.option("--protocol", metavar="X", help="Which protocol it speaks, instead of telling from path or first events.")
@click.option("--jsonl", is_flag=True, help="One document per line instead of indented documents.")
@click.option("--with-source", is_flag=True, help="Wrap each completion as {file, interaction, completion}.")
@_reported
def decode(files: tuple[str, ...], provider: str | None, protocol: str | None, jsonl: bool, with_source: bool) -> None:
    """Decode raw streams and vcrpy cassettes to completion JSON.

    FILE is the raw body of a streamed response, a vcrpy cassette of any origin (every streamed interaction in it is
    decoded), or - for standard input. One document per stream, in the order given.

    A stream that failed or was cut still gives its partial completion, with `status` failed or interrupted and the
    error; the exit code is 1 then. A file that cannot be read is named on standard error, the others are decoded, and
    the exit code is 2.

    \b
    Examples:  curl -sN ... | streamproof decode -
               streamproof decode --jsonl --with-source tests/cassettes/*.yaml
               streamproof decode --provider xai --protocol openai_responses body.txt
    """
    from .decode import Decoded, Forced, read
    from .decode import decode as decode_input

    forced, code = Forced(provider=provider, protocol=protocol), 0
    for name in files:
        try:
            data = sys.stdin.buffer.read() if name == "-" else read(name)
            for found in decode_input("<stdin>" if name == "-" else name, data, forced):
                if not isinstance(found, Decoded):
                    click.echo(f"streamproof: {found.file}: {found.reason}", err=True)
                    continue
                document = found.completion.to_json()
                if found.completion.status != "complete":
                    code = max(code, FAILED)
                if with_source:
                    document = {"file": found.file, "interaction": found.interaction, "completion": document}
                click.echo(jsontext.dumps(document, indent=None if jsonl else 2).encode())  # UTF-8 on any terminal
        except StreamproofError as error:
            _complain(error)
            code = BAD_INPUT
    sys.exit(code)


@main.command()
@click.option("--provider", metavar="P", required=True, help="Whose API it is: a name from `streamproof providers`.")
@click.option("--upstream", metavar="URL", required=True, help="Where requests go, without the API's own path.")
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="The cassette to write.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Listen on this port; a free one by default.")
@click.option("--once", is_flag=True, help="End after the first answer.")
@click.option("--case", metavar="PROTOCOL/SLUG", help="Begin a case: metadata to fill in, at its place in the suite.")
@_reported
def record(provider: str, upstream: str, out: Path | None, port: int, once: bool, case: str | None) -> None:
    """Record a live stream through a proxy on this machine.

    It prints the base URL for each SDK; any client in any language will do. Answers are passed on as they arrive, and
    kept with their times and the way they ended. Keys, tokens and cookies are taken out before anything is written.
    Ctrl-C ends it and keeps what came. The exit code is 1 when nothing was recorded.

    \b
    Examples:  streamproof record --provider openai --upstream https://api.openai.com --out answer.yaml
               streamproof record --provider anthropic --upstream https://api.anthropic.com --once \\
                   --case anthropic_messages/my-stream
    """
    from .data import data_root
    from .record import Recording
    from .record import record as run_proxy
    from .recording.upstream import Upstream

    place = Path("recording.yaml") if case is None else data_root() / "cassettes" / f"{case}.yaml"
    asked = Recording(
        provider=provider,
        upstream=Upstream.parse(upstream),
        out=place if out is None else out,
        port=port,
        once=once,
        case=case,
        command=("streamproof", *sys.argv[1:]),
    )
    if not run_proxy(asked, lambda line: click.echo(line, err=True)):
        sys.exit(FAILED)


@main.command()
def providers() -> None:
    """List the providers, the protocols that each speaks, and the URL of each."""
    from .render import provider_lines

    for line in provider_lines():
        click.echo(line)


def _write_line(file: IO[str], document: object) -> None:
    file.write(jsontext.dumps(document) + "\n")
    file.flush()


if __name__ == "__main__":
    main()
