# ruff: noqa: PLC0415 - commands import what they need when they run
"""The commands of authors: `streamproof new | record | import | lint | accept`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from .. import jsontext
from ..cli_support import BAD_INPUT, FAILED, complain, reported, width
from ..data import data_root
from ..errors import StreamproofError, UsageError


@click.command(short_help="Check cassettes: metadata, sources, secrets.")
@click.argument("paths", metavar="[PATH]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--rule", "rules", metavar="ID", multiple=True, help="Only this rule; may be given several times.")
@click.option("--rules", "list_rules", is_flag=True, help="List the rules and stop.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document {files, findings} on standard output.")
@reported
def lint(paths: tuple[Path, ...], rules: tuple[str, ...], list_rules: bool, as_json: bool) -> None:
    """Check cassettes: metadata, sources, secrets, the protocol's schema, snapshots.

    PATH is a cassette or a folder of them; the whole suite without one. What is found is printed as
    `file: place: rule: message (remedy)`, and the exit code is 1 then, 2 when a file cannot be read at all.

    \b
    Examples:  streamproof lint
               streamproof lint cassettes/openai_chat/text.yaml
               streamproof lint --rule secret tests/cassettes    any vcrpy cassette, also of other projects
    """
    from ..render import progress
    from .lint import UNREADABLE, checked_rules, files_of, nearby, rule_lines
    from .lint import lint as lint_files

    if list_rules:
        for line in rule_lines():
            click.echo(line)
        return
    root = None if paths else nearby(data_root())
    files, found = files_of([root / "cassettes"] if root else paths), []
    with progress("lint", len(files)) as advance:
        for finding in lint_files(files, checked_rules(rules), suite=root, advance=lambda path: advance(path.stem)):
            found.append(finding)
            if not as_json:
                click.echo(str(finding))
    if as_json:
        click.echo(jsontext.dumps({"files": len(files), "findings": [f.to_json() for f in found]}, indent=2).encode())
    else:
        click.echo(f"{len(files)} files, {len(found)} findings", err=True)
    unread = any(finding.rule == UNREADABLE for finding in found)
    sys.exit(BAD_INPUT if unread else FAILED if found else 0)


@click.command(short_help="Begin a case of your own.")
@click.argument("case", metavar="PROTOCOL/SLUG")
@click.option("--provider", metavar="P", help="Whose stream it is; the protocol's first provider by default.")
@reported
def new(case: str, provider: str | None) -> None:
    """Begin a case: a cassette with the shortest stream of its protocol, and metadata to fill in.

    Never overwrites a file. The slug is for ever: lower case, digits and dashes.

    \b
    Example:  streamproof new openai_responses/incomplete-two-messages --provider azure
    """
    from .new import new as begin
    from .new import next_steps
    from .suite import suite_root

    path = begin(suite_root(), case, provider)
    for line in next_steps(path, case):
        click.echo(line)


@click.command(short_help="Write a case's snapshot, once its requirements hold.")
@click.argument("case")
@reported
def accept(case: str) -> None:
    """Write a case's snapshot, when all that reads its bytes agrees.

    Shows the stream with the completion beside it, then runs wire, reference and sdk, async and sync. The snapshot is
    written only when they agree (or the expectations list where they do not) and every requirement holds; otherwise
    the exit code is 1 and nothing is written. Read the completion against the source first: it is kept for ever.
    """
    from ..case import all_cases, the_case
    from ..render import accept_lines, show_lines
    from ..timeline import timeline
    from .accept import accept as accept_case
    from .suite import suite_root

    root = suite_root()
    found = the_case(all_cases(root, damaged=lambda _: None), case)
    row = found.row()
    stories = [timeline(each, found.protocol, row.quirks, found.call.n) for each in found.cassette.interactions]
    for line in show_lines(found, row, stories, width()):
        click.echo(line)
    accepted = accept_case(root, found)
    for line in accept_lines(accepted):
        click.echo(line)
    if accepted.complaints:
        sys.exit(FAILED)


@click.command()
@click.option("--provider", metavar="P", required=True, help="Whose API it is: a name from `streamproof providers`.")
@click.option("--upstream", metavar="URL", required=True, help="Where requests go, without the API's own path.")
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="The cassette to write.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Listen on this port; a free one by default.")
@click.option("--once", is_flag=True, help="End after the first answer.")
@click.option("--case", metavar="PROTOCOL/SLUG", help="Begin a case: metadata to fill in, at its place in the suite.")
@reported
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
    from ..record import Recording
    from ..record import record as run_proxy
    from ..recording.upstream import Upstream

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


@click.command("import", short_help="Turn other projects' recordings into cases.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Instead of the suite's `cassettes`.")
@click.option(
    "--case", metavar="PROTOCOL/SLUG", help="The id of the one case, instead of one made from the file's name."
)
@click.option("--interaction", metavar="N", type=int, help="Only this exchange of the file, counted from 0.")
@click.option("--all", "everything", is_flag=True, help="Also answers that are no streams.")
@click.option("--provider", metavar="P", help="Whose streams they are, instead of telling from the request's host.")
@click.option("--source", metavar="TEXT", help="Where the files can be found: a URL with the commit.")
@click.option("--force", is_flag=True, help="Overwrite cases that are there.")
@reported
def import_(files: tuple[Path, ...], out: Path | None, **options: Any) -> None:
    """Turn recordings of other projects into cases to be finished.

    FILE is a vcrpy cassette of any origin (also langchain's gzipped ones), a Ruby VCR cassette, a `.chunks.txt` of the
    AI SDK's, or a raw body. Every streamed exchange becomes a case, without secrets: the metadata says where it is
    from and whether its framing is the wire's own, and TODO where the author has to write. The exit code is 2 when a
    file cannot be imported; the others are.

    \b
    Examples:  streamproof import tests/cassettes/*.yaml --source https://github.com/o/r/tree/0f3c2a1
               streamproof import spec/chat.yml --case openai_chat/tool-call-without-id --interaction 2
    """
    from ..render import progress
    from .importing import Wanted, Written, import_file
    from .suite import suite_root

    if options["case"] and len(files) > 1:
        raise UsageError("--case names one case, and there are several files", remedy="import them one by one")
    wanted = Wanted(out=suite_root() / "cassettes" if out is None else out, **options)
    code = 0
    with progress("import", len(files)) as advance:
        for file in files:
            try:
                for found in import_file(file, wanted):
                    if isinstance(found, Written):
                        click.echo(f"{found.id}  {found.path}")
                    else:
                        click.echo(f"streamproof: {found}", err=True)
            except StreamproofError as error:
                complain(error)
                code = BAD_INPUT
            advance(file.name)
    click.echo(f"{len(wanted.written)} imported" + ("; next: streamproof lint" if wanted.written else ""), err=True)
    sys.exit(code)


COMMANDS: tuple[click.Command, ...] = (new, record, import_, lint, accept)
