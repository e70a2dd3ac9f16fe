# ruff: noqa: PLC0415 - commands import what they need when they run
"""The command line: `streamproof list | show | run | decode | providers`, and those of authors (authoring/commands.py).

Exit codes: 0 all is well, 1 a check failed or a stream did not end well, 2 bad input. Commands import what they need
when they run, so that `list` starts at once and `decode` never loads an SDK.
"""

from __future__ import annotations

import os
import sys

import click

from . import jsontext
from .authoring import commands
from .cli_support import BAD_INPUT, FAILED, Damage, complain, reported
from .cli_support import width as _width
from .errors import StreamproofError
from .kit import commands as kit_commands
from .laws import commands as law_commands
from .replay import commands as replay_commands
from .report import commands as report_commands
from .report import diff_command
from .running import command as run_command


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
    In any language:    streamproof serve
    Decode a stream:    curl -sN ... | streamproof decode -
    Write a case:       streamproof new openai_chat/SLUG, then lint and accept

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
@reported
def list_cases(patterns: tuple[str, ...]) -> None:
    """List the cases: id, level, providers, title.

    PATTERN is a case id, a glob over ids, or a part of one; several select what any of them matches.

    \b
    Examples:  streamproof list incomplete
               streamproof list 'openai_chat/*' 'anthropic_messages/cut-*'
    """
    from .case import all_cases, select
    from .render import case_lines

    damage = Damage()
    for line in case_lines(select(all_cases(damaged=damage), patterns), _width()):
        click.echo(line)
    sys.exit(damage.code)


@main.command(short_help="Show a case: its stream as a timeline, and what must come out.")
@click.argument("case")
@click.option("--provider", metavar="P", help="Read it with this provider's quirks; the case's first one by default.")
@reported
def show(case: str, provider: str | None) -> None:
    """Show a case: the stream as a timeline, and what must come out.

    CASE is a case id (`streamproof list` shows them), or a part of one that no other case has. Every event of the wire
    stands with the deltas that it gives, then the completion, then the requirements with their sources. Where a case
    goes on, with a tool's result for one, the further turns follow. The exit code is 1 when a requirement does not
    hold.
    """
    from .case import all_cases, the_case
    from .render import show_lines, story_findings
    from .timeline import timeline

    found = the_case(all_cases(damaged=lambda _: None), case)
    row = found.row(provider)
    stories = [timeline(each, found.protocol, row.quirks, found.call.n) for each in found.cassette.interactions]
    for line in show_lines(found, row, stories, _width()):
        click.echo(line)
    if not all(finding.verdict.ok for finding in story_findings(found, stories[0])):
        sys.exit(FAILED)


@main.command()
@click.argument("files", metavar="FILE|-...", nargs=-1, required=True)
@click.option("--provider", metavar="P", help="Whose stream it is, instead of telling from the request's host.")
@click.option("--protocol", metavar="X", help="Which protocol it speaks, instead of telling from path or first events.")
@click.option("--jsonl", is_flag=True, help="One document per line instead of indented documents.")
@click.option("--with-source", is_flag=True, help="Wrap each completion as {file, interaction, completion}.")
@reported
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
            complain(error)
            code = BAD_INPUT
    sys.exit(code)


@main.command(short_help="List the providers, and the protocols that each speaks.")
def providers() -> None:
    """List the providers, the protocols that each speaks, and the URL of each."""
    from .render import provider_lines

    for line in provider_lines():
        click.echo(line)


for _group in (commands, diff_command, kit_commands, law_commands, replay_commands, report_commands, run_command):
    for _command in _group.COMMANDS:
        main.add_command(_command)


if __name__ == "__main__":
    main()
