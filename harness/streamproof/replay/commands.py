# ruff: noqa: PLC0415 - commands import what they need when they run
"""The command of the loopback server: `streamproof serve`."""

from __future__ import annotations

import sys
from typing import IO

import click

from ..cli_support import Damage, reported


@click.command(short_help="Serve the cases over HTTP, for clients in any language.")
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Listen on this port; a free one by default.")
@click.option(
    "--log",
    "log_file",
    metavar="FILE",
    type=click.File("w", encoding="utf-8"),
    help="Write each request that has ended as a line of JSON: what was sent, what came back, how it ended.",
)
@reported
def serve(patterns: tuple[str, ...], port: int, log_file: IO[str] | None) -> None:
    """Serve the cases over HTTP, for clients and adapters in any language.

    It listens on this machine only (127.0.0.1). The base URL that a client is given chooses the case, the provider and
    how the bytes come (docs/wire-plans.md); what the client asks is answered with the recorded stream, whatever the
    request says. The page at / lists the cases with ready-made base URLs for each SDK.

    A line for each request says how it ended; a request that matches nothing gets a 404 that says what there is. The
    interactions of a case are answered in order, and begin again after the last. Under /~TOKEN/ before the case each
    is answered once, so that a hidden retry shows. Ctrl-C or SIGTERM ends it with exit code 0.

    \b
    Examples:  streamproof serve
               streamproof serve --port 8700 'anthropic_messages/*' --log requests.ndjson
               OPENAI_BASE_URL=http://127.0.0.1:8700/openai_chat/text@openai+split:byte/v1 pytest
    """
    from ..case import all_cases, select
    from .serve import serve as run

    damage = Damage()
    run(select(all_cases(damaged=damage), patterns), click.echo, port=port, log=log_file)
    sys.exit(damage.code)


COMMANDS: tuple[click.Command, ...] = (serve,)
"""Everything for `cli.py` to register."""
