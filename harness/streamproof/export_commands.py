# ruff: noqa: PLC0415 - commands import what they need when they run
"""The suite for other tools: `streamproof expected | export`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from . import jsontext
from .cli_support import Damage, reported


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
    from .case import all_cases, the_case
    from .export import expected as expected_of

    found = the_case(all_cases(damaged=lambda _: None), case)
    document = list(found.metadata.get("requirements", ())) if requirements else expected_of(found)
    click.echo(jsontext.dumps(document, indent=2).encode())  # UTF-8 on any terminal


@click.command()
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
    from .case import all_cases, readable, select
    from .export import export as export_suite
    from .render import progress

    damage = Damage()
    cases = readable(select(all_cases(damaged=damage), patterns), damage)
    with progress("export", len(cases)) as advance:
        count = export_suite(cases, folder, advance)
    click.echo(f"{count} cases in {folder}", err=True)
    sys.exit(damage.code)


COMMANDS: tuple[click.Command, ...] = (expected, export)
