"""`streamproof laws`: what holds for every stream, whatever a case says."""

from __future__ import annotations

import click

from .. import jsontext
from ..cli_support import reported
from ..errors import UsageError
from .table import LAWS, PREFIX, Law


@click.command(short_help="List the laws: what holds for every stream.")
@click.argument("names", metavar="[LAW]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON list of {id, sentence, reason, applies}.")
@reported
def laws(names: tuple[str, ...], as_json: bool) -> None:
    """List the laws: what holds for every stream, whatever a case says.

    LAW is a name, with or without `law:`; all laws without one. In outcomes and expectations files a law stands as
    `law:NAME` where requirements stand. docs/laws.md says how each is judged.

    \b
    Examples:  streamproof laws
               streamproof laws nothing-invented law:fold
    """
    chosen = [_named(name) for name in names] or list(LAWS.values())
    if as_json:
        click.echo(jsontext.dumps([_document(law) for law in chosen], indent=2))
        return
    for law in chosen:
        click.secho(law.id, bold=True)
        click.echo(f"  {law.sentence}\n  Why: {law.reason}\n  Looked at: {law.when}.\n")


def _named(name: str) -> Law:
    law = LAWS.get(name.removeprefix(PREFIX))
    if law is None:
        raise UsageError(f"no law {name!r}", remedy=f"one of: {', '.join(LAWS)}")
    return law


def _document(law: Law) -> dict[str, str]:
    return {"id": law.id, "sentence": law.sentence, "reason": law.reason, "applies": law.applies}


COMMANDS: tuple[click.Command, ...] = (laws,)
