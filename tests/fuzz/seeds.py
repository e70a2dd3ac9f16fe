"""What the fuzzer damages: the bodies of all cassettes, and of the recordings in STREAMPROOF_CORPUS where it is set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from streamproof.case import all_cases
from streamproof.cassette import Interaction, load
from streamproof.detect import choices_asked
from streamproof.providers import Provider, protocol_of_url, provider_of_url
from streamproof.wire.encoding import decompressed

from .streams import Event, events

BODY_LIMIT = 200_000
"""Larger recordings are left out: what they hold in plenty, smaller ones hold once."""


class Seed(NamedTuple):
    """One stream. rows: the providers that send it. n: how many choices were asked for, None when nobody knows.
    events: its pieces, no longer compressed."""

    name: str
    protocol: str
    rows: tuple[Provider, ...]
    n: int | None
    content_type: str | None
    events: tuple[Event, ...]


def all_seeds(*, corpus: bool = True) -> list[Seed]:
    """The seeds in a stable order. corpus: those of STREAMPROOF_CORPUS too; they are read, and never kept."""
    return [*_own(), *(_foreign() if corpus else ())]


def _own() -> Iterator[Seed]:
    for case in all_cases():
        for number, interaction in enumerate(case.cassette.interactions):
            if interaction.body:
                yield _seed(f"{case.id}#{number}", interaction, case.rows(), case.call.n)


def _foreign() -> Iterator[Seed]:
    folder = os.environ.get("STREAMPROOF_CORPUS")
    for path in sorted(Path(folder).glob("*/*.yaml")) if folder else ():
        for number, interaction in enumerate(load(path).interactions):
            protocol = protocol_of_url(interaction.uri)
            if protocol is not None and 0 < len(interaction.body) <= BODY_LIMIT:
                row = provider_of_url(interaction.uri, protocol)
                n = choices_asked(interaction.request_body)
                yield _seed(f"{path.parent.name}/{path.stem}#{number}", interaction, (row,), n)


def _seed(name: str, interaction: Interaction, rows: tuple[Provider, ...], n: int | None) -> Seed:
    body = decompressed(interaction.body, interaction.header("content-encoding"))
    content_type = interaction.header("content-type")
    return Seed(name, rows[0].protocol, rows, n, content_type, events(body))
