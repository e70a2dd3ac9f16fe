"""A failure, made small and kept: the shortest input that breaks the same law, as a cassette."""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from streamproof.cassette import Cassette, Interaction, load, save
from streamproof.providers import protocol_of_url, provider_of_url, row

from .laws import Broken, Law
from .mutations import Input
from .streams import events

PATIENCE = 60.0
"""Seconds for making one input small."""


def broken(law: Law, given: Input) -> Broken | None:
    """How an input breaks a law, None when it does not."""
    try:
        law(given)
    except Broken as fault:
        return fault
    return None


def kind(given: Input, fault: Broken) -> tuple[str, ...]:
    """What two failures have in common when they are likely the same fault."""
    cause = fault.__cause__
    place = traceback.extract_tb(cause.__traceback__)[-1] if cause and cause.__traceback__ else None
    what = f"{type(cause).__name__} {place.filename}:{place.lineno}" if place else fault.message.split(" ")[0]
    return given.row.protocol, fault.law, what


def minimized(law: Law, given: Input, name: str, patience: float = PATIENCE) -> Input:
    """The shortest input found that breaks the law of this name: fewer events, fewer bytes, fewer cuts."""
    end = time.monotonic() + patience

    def still(candidate: Input) -> bool:
        fault = broken(law, candidate) if time.monotonic() < end else None
        return fault is not None and fault.law == name

    if name == "time":  # every try would cost the whole watchdog
        return given
    for field in ("cuts", "content_encoding", "n"):
        plain = given._replace(**{field: () if field == "cuts" else None})
        given = plain if still(plain) else given

    def with_body(pieces: Sequence[bytes]) -> Input:
        body = b"".join(pieces)
        return given._replace(body=body, cuts=tuple(cut for cut in given.cuts if cut < len(body)))

    for cutter in (lambda body: [event.raw for event in events(body)], lambda body: [bytes([b]) for b in body]):
        pieces = cutter(given.body)
        if b"".join(pieces) == given.body:
            given = with_body(_fewest(pieces, lambda kept: still(with_body(kept))))
    cuts = _fewest(list(given.cuts), lambda kept: still(given._replace(cuts=tuple(kept))))
    return given._replace(cuts=tuple(cuts))


def _fewest(items: list[Any], works: Callable[[list[Any]], bool]) -> list[Any]:
    """Leave out runs of items, long ones first, as long as it works (delta debugging)."""
    size = len(items) // 2 or len(items)
    while size:
        at = 0
        while at < len(items):
            fewer = items[:at] + items[at + size :]
            if works(fewer):
                items = fewer
            else:
                at += size
        size //= 2
    return items


def keep(folder: Path, given: Input, fault: Broken) -> Path:
    """Write the input as a cassette; its name says the law and is the same for the same bytes."""
    digest = hashlib.sha256(given.body + repr(given.cuts).encode()).hexdigest()[:12]
    path = folder / f"{given.row.protocol}-{fault.law}-{digest}.yaml"
    headers = {"content-type": given.content_type, "content-encoding": given.content_encoding}
    interaction = Interaction(
        method="POST",
        uri=given.row.url("m"),
        status=given.status,
        headers={name: [value] for name, value in headers.items() if value is not None},
        body=given.body,
        extras={"fuzz": {"provider": given.row.name, "n": given.n, "cuts": list(given.cuts), "fault": str(fault)}},
    )
    save(Cassette(interactions=(interaction,)), path)
    return path


def kept(path: Path) -> Input:
    """An input that `keep` wrote, or the first answer of any other cassette."""
    interaction = load(path).interactions[0]
    protocol = protocol_of_url(interaction.uri)
    if protocol is None:
        raise SystemExit(f"{path}: no protocol that we know at {interaction.uri}")
    extras = interaction.extras.get("fuzz", {})
    sender = row(extras["provider"], protocol) if extras else provider_of_url(interaction.uri, protocol)
    return Input(
        path.stem,
        sender,
        extras.get("n"),
        interaction.status,
        interaction.header("content-type"),
        interaction.header("content-encoding"),
        interaction.body,
        tuple(extras.get("cuts", ())),
    )


def advice(path: Path, given: Input, adapter: str) -> str:
    """What to do with it."""
    protocol = given.row.protocol
    return f"""  kept      {path}
  look      streamproof decode --protocol {protocol} {path}
  again     nox -s fuzz -- --replay {path} --adapter {adapter}
  a test    the body, shortened, in tests/decoders or tests/wire: what comes out, and why
  a case    when a real server could send it: streamproof import {path} --case {protocol}/SLUG --force
            (write the text anew where the seed is a recording: {given.seed})"""
