# ruff: noqa: PLC0415 - commands import what they need when they run
"""For authors of adapters: `streamproof new-adapter | expected | export`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .. import jsontext
from ..cli_support import Damage, reported
from .new_adapter import KINDS


@click.command("new-adapter")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(list(KINDS)),
    default="class",
    show_default=True,
    help="; ".join(f"{name}: {kind.says}" for name, kind in KINDS.items()) + ".",
)
@click.option(
    "-o",
    "--out",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Where.",
)
@reported
def new_adapter(name: str, kind: str, folder: Path) -> None:
    """Write an adapter to begin with, and say how to run it.

    NAME is that of the library, in lower case. The file runs as it is: it asks with the openai SDK (or fetch), shows
    text, usage and finish reason, and has faults that the suite finds. Put your library in its place;
    docs/adapters.md goes through it step by step.

    \b
    Examples:  streamproof new-adapter my-library
               streamproof new-adapter my-library --kind driver     for a library that needs other versions of the SDKs
               streamproof new-adapter my-library --kind node
    """
    from .new_adapter import new_adapter as write

    made, options = write(folder, name, kind)
    for path in made:
        click.echo(f"{path}", err=True)
    click.echo(f"streamproof run {options} openai_chat/text openai_chat/cut-clean-eof")


@click.command()
@click.argument("case")
@click.option("--requirements", is_flag=True, help="The facts that are checked, with their sources, instead.")
@reported
def expected(case: str, requirements: bool) -> None:
    """Print what must come out of a case, as JSON.

    CASE is a case id, or a part of one that no other case has. The document is {completion, details, diagnostics} in
    the normal form (docs/normal-form.md), the same for every provider. What an adapter has to get right are the
    requirements: a library may miss a field of the whole that no requirement is about.

    \b
    Examples:  streamproof expected openai_responses/incomplete-reasoning-only
               streamproof expected incomplete-reasoning-only --requirements
    """
    from ..case import all_cases, the_case
    from .export import expected as expected_of

    found = the_case(all_cases(damaged=lambda _: None), case)
    document = list(found.metadata.get("requirements", ())) if requirements else expected_of(found)
    click.echo(jsontext.dumps(document, indent=2).encode())  # UTF-8 on any terminal


@click.command(short_help="Write the suite to DIR as plain JSON, for other languages.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@reported
def export(folder: Path, patterns: tuple[str, ...]) -> None:
    """Write the suite to DIR as plain JSON: cases with their bytes, expected results, schemas.

    For test suites in other languages: index.json lists the cases; each has its request, its response byte for byte,
    its requirements and the completion that must come out. An earlier export in DIR is replaced.

    \b
    Examples:  streamproof export suite/
               streamproof export suite/ 'openai_chat/*'
    """
    from ..case import all_cases, readable, select
    from ..render import progress
    from .export import export as export_suite

    damage = Damage()
    cases = readable(select(all_cases(damaged=damage), patterns), damage)
    with progress("export", len(cases)) as advance:
        count = export_suite(cases, folder, advance)
    click.echo(f"{count} cases in {folder}", err=True)
    sys.exit(damage.code)


COMMANDS: tuple[click.Command, ...] = (new_adapter, expected, export)
