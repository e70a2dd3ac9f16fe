"""`streamproof new`: a case to begin with."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

from .. import jsontext
from ..case import aliases
from ..cassette import Cassette, Interaction, save
from ..errors import UsageError
from ..outcome import SUITE
from ..providers import PROTOCOLS, ROWS, Provider, row
from .skeletons import QUESTION, Skeleton, skeleton
from .subject import TODO

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def new(root: Path, id: str, provider: str | None = None) -> Path:
    """Write `cassettes/<id>.yaml` with the shortest stream of its protocol and metadata to fill in; its path.

    provider: the row whose stream it is, by default the first of the protocol. Raises UsageError for an id that is
    none or that is taken, now or in the past, and for a provider that does not speak the protocol.
    """
    protocol, _, slug = id.partition("/")
    if protocol not in PROTOCOLS or not _SLUG.fullmatch(slug):
        raise UsageError(
            f"{id!r} is no case id",
            remedy=f"write PROTOCOL/SLUG, the slug in lower case with dashes; protocols: {', '.join(PROTOCOLS)}",
        )
    path = root / "cassettes" / f"{id}.yaml"
    if path.exists():
        raise UsageError("the case is there already", file=str(path), remedy="choose another slug, or edit the file")
    renamed = aliases(root)
    if id in renamed:
        raise UsageError(f"{id} was the id of {renamed[id]}", remedy="an id is never used again; choose another slug")
    chosen = row(provider or next(r.name for r in ROWS if r.protocol == protocol), protocol)
    made = skeleton(chosen, id)
    save(Cassette(metadata=_metadata(chosen, made), interactions=(_interaction(chosen, made),)), path)
    return path


def next_steps(path: Path, id: str) -> list[str]:
    """What to do after `new`, a line each."""
    return [
        f"{path} holds the shortest stream of the protocol.",
        "",
        "1. Make its events those of your case, and fill in what says TODO. Requirements come from a source:",
        "   write them before you look at what a decoder says.",
        f"2. streamproof lint {path}",
        f"3. streamproof accept {id}",
    ]


def _interaction(row: Provider, made: Skeleton) -> Interaction:
    return Interaction(
        method="POST",
        uri=row.url(made.model) + made.query,
        request_headers={"content-type": ["application/json"]},
        request_body=jsontext.dumps(made.request).encode(),
        headers=dict(made.headers),
        body=made.body,
    )


def _metadata(row: Provider, made: Skeleton) -> dict[str, Any]:
    return {
        "schema": 1,
        "title": f"{TODO}: what is special about the stream, in one line",
        "why": f"{TODO}: what goes wrong in adapters that do not handle it",
        "level": "should",
        "providers": [row.name],
        "since": SUITE,
        "call": {"model": made.model, "messages": [{"role": "user", "content": QUESTION}]},
        "provenance": {
            "kind": "synthetic",
            "framing": "original",
            "source": f"{TODO}: the page, SDK type, issue or recording that the bytes follow; so far {made.source}",
            "date": date.today().isoformat(),
        },
        "requirements": [
            {
                "id": "raw-finish",
                "level": "must",
                "path": "raw_finish_reason",
                "op": "equals",
                "value": made.finish,
                "source": {"kind": "documentation", "ref": f"{TODO}: the page that says so, and more requirements"},
            }
        ],
    }
