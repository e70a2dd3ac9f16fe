"""`streamproof decode`: raw bodies and cassettes of any origin to completions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .cassette import Interaction, load_text
from .cassette_file import MAX_BYTES
from .completion import Completion
from .decoders.base import NO_QUIRKS, Quirks
from .decoders.stream import DECODERS
from .detect import choices_asked, is_streamed, protocol_of_events
from .errors import CassetteError, UsageError
from .providers import PROTOCOLS, protocol_of_url, protocols_of, provider_of_url, row
from .wire.reader import Reader

_YAML_CASSETTE = re.compile(rb"^interactions:", re.MULTILINE)
_JSON_CASSETTE = re.compile(rb'"interactions"\s*:\s*\[')


@dataclass(frozen=True, slots=True, kw_only=True)
class Forced:
    """What the user says about the input; None leaves it to the input. Raises UsageError for what does not exist."""

    provider: str | None = None
    protocol: str | None = None

    def __post_init__(self) -> None:
        if self.protocol is not None and self.protocol not in PROTOCOLS:
            raise UsageError(f"no protocol {self.protocol!r}", remedy=f"one of: {', '.join(PROTOCOLS)}")
        if self.provider is not None:
            if not protocols_of(self.provider):
                raise UsageError(f"no provider {self.provider!r}", remedy="streamproof providers lists them")
            if self.protocol is not None:
                row(self.provider, self.protocol)

    def protocol_for(self, told: str | None) -> str | None:
        """The protocol in force. told: what the input itself says."""
        spoken = protocols_of(self.provider) if self.provider else ()
        if self.protocol or (told in spoken if spoken else told):
            return self.protocol or told
        return spoken[0] if len(spoken) == 1 else None

    def quirks(self, protocol: str, uri: str | None) -> Quirks:
        """The quirks of the provider in force."""
        if self.provider:
            return row(self.provider, protocol).quirks
        return provider_of_url(uri, protocol).quirks if uri else NO_QUIRKS


class Decoded(NamedTuple):
    """One stream of an input. interaction: its index in the cassette, 0 for a raw body."""

    file: str
    interaction: int
    completion: Completion


class Skipped(NamedTuple):
    """A part of an input that is no stream we know, with the reason."""

    file: str
    reason: str


def decode(name: str, data: bytes, forced: Forced) -> Iterator[Decoded | Skipped]:
    """Every stream of one input, in order.

    name: as messages call it. Raises CassetteError for an input that cannot be read.
    """
    if len(data) > MAX_BYTES:
        raise CassetteError(f"{len(data)} bytes are over the limit of {MAX_BYTES}", file=name)
    if name.endswith((".yaml", ".yml")) or _is_cassette(data):
        yield from _cassette(name, data, forced)
    else:
        yield _raw(name, data, forced)


def _is_cassette(data: bytes) -> bool:
    pattern = _JSON_CASSETTE if data[:64].lstrip().startswith(b"{") else _YAML_CASSETTE
    return pattern.search(data) is not None


def read(name: str) -> bytes:
    """The bytes of an input file. Raises CassetteError when there is no such file, or it is too large."""
    path = Path(name)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CassetteError(f"over the limit of {MAX_BYTES} bytes", file=name)
        return path.read_bytes()
    except OSError as error:
        raise CassetteError(error.strerror or str(error), file=name, remedy="check the path") from None


def _cassette(name: str, data: bytes, forced: Forced) -> Iterator[Decoded | Skipped]:
    found = False
    for index, interaction in enumerate(load_text(data, name).interactions):
        if not _is_streamed(interaction):
            continue
        found = True
        told = protocol_of_url(interaction.uri)
        completion = _decode(interaction, forced, told)
        if completion is None:
            what = f"interaction {index} ({interaction.method} {interaction.uri.partition('?')[0]})"
            yield Skipped(name, f"{what} is a stream of no protocol that streamproof knows; --protocol forces one")
        else:
            yield Decoded(name, index, completion)
    if not found:
        yield Skipped(name, "no streamed interaction")


def _raw(name: str, data: bytes, forced: Forced) -> Decoded:
    completion = _decode(Interaction(method="POST", uri="", status=200, body=data), forced, None)
    if completion is None:
        raise CassetteError(
            "neither a cassette nor a stream whose protocol can be told", file=name, remedy="give --protocol"
        )
    return Decoded(name, 0, completion)


def _decode(interaction: Interaction, forced: Forced, told: str | None) -> Completion | None:
    reader = Reader(interaction.header("content-type"), interaction.header("content-encoding"))
    events = [*reader.feed(interaction.body), *reader.close()]
    protocol = forced.protocol_for(told or protocol_of_events(events))
    if protocol is None:
        return None
    n = choices_asked(interaction.request_body) if interaction.request_body else None
    decoder = DECODERS[protocol](forced.quirks(protocol, interaction.uri or None), n=n)
    for event in events:
        decoder.feed(event)
    decoder.end()
    return decoder.completion


def _is_streamed(interaction: Interaction) -> bool:
    return is_streamed(
        uri=interaction.uri,
        request_body=interaction.request_body,
        status=interaction.status,
        content_type=interaction.header("content-type"),
        body=interaction.body,
    )
