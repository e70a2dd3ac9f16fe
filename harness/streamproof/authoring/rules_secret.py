"""The rule that nothing secret is in a cassette: every place of it is read, decoded as far as it can be."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache

from .. import jsontext
from ..cassette import Interaction
from ..jsontext import JSON
from ..paths import format_path
from ..providers import ROWS
from ..scrub import SECRET_HEADERS, is_secret_name, redact, redact_url
from ..wire.encoding import decompressed
from ..wire.reader import Reader
from .secrets import masked, readable, secrets_of
from .subject import Fault, Rule, Subject

_PLACEHOLDER = re.compile(
    r"^\W*(?:(?:bearer|basic)\s+)?\W*(?:redacted|filtered|scrubbed|dummy|fake|placeholder|x{3,}|\*{3,})", re.IGNORECASE
)
_OURS = frozenset((name.lower(), value) for row in ROWS for name, value in row.headers.items())
"""Values that our own clients send: no account's."""

_is_secret_name = lru_cache(maxsize=4096)(is_secret_name)


def secret(subject: Subject) -> Iterator[Fault]:
    """A key, token, cookie, account id, e-mail address or signed URL anywhere: headers, URL, bodies, frames, base64."""
    seen: set[str] = set()
    for where, kind, words in _places(subject):
        if words in seen or any(words in other for other in seen):
            continue
        seen.add(words)
        yield Fault(where, f"{kind}: {masked(words)}")


_Found = Iterator[tuple[str, str, str]]


def _places(subject: Subject) -> _Found:
    """(place, kind, words); the best places first, the whole file last."""
    if subject.foreign_fault is None:
        for number, interaction in enumerate(subject.interactions):
            prefix = f"interactions[{number}]"
            yield from _request(interaction, f"{prefix}.request")
            yield from _response(interaction, f"{prefix}.response")
    for number, line in enumerate(subject.data.decode("utf-8", "replace").splitlines(), 1):
        for kind, words in secrets_of(line):
            yield f"line {number}", kind, words


def _request(interaction: Interaction, place: str) -> _Found:
    if redact_url(interaction.uri) != interaction.uri:
        yield f"{place}.uri", "credentials in the URL", _difference(interaction.uri, redact_url(interaction.uri))
    yield from _text(interaction.uri, f"{place}.uri")
    yield from _headers(interaction.request_headers, f"{place}.headers")
    body = interaction.request_body
    text = readable(decompressed(body, interaction.request_header("content-encoding")))
    with suppress(ValueError):  # no JSON: only read as text
        yield from _value(jsontext.loads(text), (), f"{place}.body")
    yield from _text(text, f"{place}.body")


def _response(interaction: Interaction, place: str) -> _Found:
    yield from _headers(interaction.headers, f"{place}.headers")
    yield from _value(interaction.extras, (), place)
    encoding = interaction.header("content-encoding")
    reader = Reader(interaction.header("content-type"), encoding)
    joined: defaultdict[str, list[str]] = defaultdict(list)
    for number, event in enumerate([*reader.feed(interaction.body), *reader.close()]):
        yield from _value(event.payload, (), f"{place}.body: event {number}", joined)
    for path, pieces in joined.items():
        if len(pieces) > 1:
            for kind, words in secrets_of("".join(pieces), 0):
                yield f"{place}.body: {path} of {len(pieces)} events, joined", kind, words
    yield from _text(readable(decompressed(interaction.body, encoding)), f"{place}.body")


def _headers(headers: Mapping[str, list[str]], place: str) -> _Found:
    for name, values in headers.items():
        secret_name = name.lower() in SECRET_HEADERS or _is_secret_name(name)
        for value in values:
            if secret_name and value and not _PLACEHOLDER.match(value) and (name.lower(), value) not in _OURS:
                yield f"{place}.{name}", "a secret header", value
            yield from _text(value, f"{place}.{name}")


def _value(
    value: JSON, path: tuple[str | int, ...], place: str, joined: defaultdict[str, list[str]] | None = None
) -> _Found:
    """Names that hold a secret, and every text below them; `joined` collects the texts of each path."""
    if isinstance(value, str):
        if joined is not None and value:
            joined[format_path(path)].append(value)
        for kind, words in secrets_of(value):
            yield _at(place, path), kind, words
    elif isinstance(value, Mapping):
        named = {name: item for name, item in value.items() if _is_secret_name(name) or name == "token"}
        if named:
            for name, item in redact({**value}).items():
                old = value.get(name)
                if name in named and item != old and not (isinstance(old, str) and _PLACEHOLDER.match(old)):
                    yield _at(place, (*path, name)), f"what {name!r} holds", jsontext.dumps(old)
        for name, item in value.items():
            yield from _value(item, (*path, name), place, joined)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _value(item, (*path, number), place, joined)


def _text(text: str, place: str) -> _Found:
    for kind, words in secrets_of(text):
        yield place, kind, words


def _at(place: str, path: tuple[str | int, ...]) -> str:
    return f"{place}: {format_path(path)}" if path else place


def _difference(text: str, clean: str) -> str:
    """The part of a URL that was replaced."""
    start = next((n for n, (old, new) in enumerate(zip(text, clean, strict=False)) if old != new), 0)
    return re.split(r"[&#]", text[start:])[0]


RULES: tuple[Rule, ...] = (
    Rule(
        id="secret",
        check=secret,
        needs="nothing",
        remedy="Replace it by REDACTED in every place, and revoke it if it was ever real.",
    ),
)
