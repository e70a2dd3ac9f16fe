"""Cassettes: recorded or written HTTP exchanges, with the case's metadata.

A cassette is a vcrpy v1 file, ours or anybody's. It is parsed safely (safeyaml.py), checked, then deserialized by
vcrpy itself, so that what we read is what vcrpy replays. Whatever is wrong with a file ends in one CassetteError.
vcrpy is imported when a cassette is loaded and not before: `streamproof list` reads metadata alone (metadata.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .cassette_file import MAX_BYTES, parse_bytes, parse_file
from .cassette_shape import VERSION, stored_interactions
from .cassette_text import render
from .errors import CassetteError
from .metadata import validate_metadata
from .safeyaml import Document

if TYPE_CHECKING:
    from vcr.cassette import Cassette as VcrCassette
    from vcr.request import Request as VcrRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One request and its response.

    request_body, body: the exact bytes as stored (still compressed where `content-encoding` says so); b"" for none.
    reason: the status line's phrase. extras: further keys of the stored response, such as chunk times.
    """

    method: str
    uri: str
    request_headers: dict[str, list[str]] = field(default_factory=dict)
    request_body: bytes = b""
    status: int = 200
    reason: str = "OK"
    headers: dict[str, list[str]] = field(default_factory=dict)
    body: bytes = b""
    extras: dict[str, Any] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        """A response header, its values joined by `, `; the case of the name does not matter. None when absent."""
        return _header(self.headers, name)

    def request_header(self, name: str) -> str | None:
        """The same for the request."""
        return _header(self.request_headers, name)

    @property
    def chunks(self) -> tuple[tuple[float, int], ...]:
        """(seconds since the request was sent, bytes) for each chunk of the body; empty where they are not kept."""
        return recorded_chunks(self.extras, len(self.body))

    def to_vcr(self) -> dict[str, Any]:
        """The response as vcrpy keeps it: {status {code, message}, headers, body {string}} and the extras."""
        return {
            "status": {"code": self.status, "message": self.reason},
            "headers": self.headers,
            "body": {"string": self.body},
            **self.extras,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cassette:
    """A loaded file. metadata: the case's, checked; None for a foreign file. warnings: what a newer schema holds."""

    path: Path | None = None
    metadata: Mapping[str, Any] | None = None
    interactions: tuple[Interaction, ...]
    warnings: tuple[str, ...] = ()


def recorded_chunks(response: Mapping[str, Any], size: int) -> tuple[tuple[float, int], ...]:
    """The chunk times that `streamproof record` keeps beside a body of this size; empty where it kept none."""
    kept = response.get("streamproof")
    chunks = kept.get("chunks") if isinstance(kept, dict) else None
    if not isinstance(chunks, list) or not all(map(_is_chunk, chunks)) or sum(c[1] for c in chunks) != size:
        return ()
    return tuple((float(seconds), length) for seconds, length in chunks)


def _is_chunk(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], int | float)
        and isinstance(value[1], int)
        and value[0] >= 0
        and value[1] >= 0
    )


def load(path: Path | str, *, case: bool = False) -> Cassette:
    """Read a cassette: one of ours, or any vcrpy v1 file, YAML or JSON.

    A `metadata` mapping with a `schema` is a case's and is checked; any other is a stranger's and left alone. case:
    the file has to be a case. Raises CassetteError, whatever is wrong with it.
    """
    path = Path(path)
    return _build(parse_file(path), path, case=case)


def load_text(data: bytes | str, name: str | None = None, *, case: bool = False) -> Cassette:
    """`load` from text at hand; name: its file as errors name it."""
    data = data.encode("utf-8") if isinstance(data, str) else data
    if len(data) > MAX_BYTES:
        raise CassetteError(f"{len(data)} bytes, more than the limit of {MAX_BYTES}", file=name)
    return _build(parse_bytes(data, name), None if name is None else Path(name), case=case)


def save(cassette: Cassette, path: Path | str) -> None:
    """Write a cassette as readable text; folders are made. Raises CassetteError for faulty metadata."""
    text = dumps(cassette)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))


def dumps(cassette: Cassette) -> str:
    """The text that `save` writes: metadata first, deterministic, byte-exact when it is loaded again."""
    if cassette.metadata is not None:
        validate_metadata(cassette.metadata, file=_name(cassette.path))
    metadata = {} if cassette.metadata is None else {"metadata": cassette.metadata}
    return render({**metadata, "interactions": [_stored(each) for each in cassette.interactions], "version": VERSION})


def load_vcr(
    source: Cassette | Path | str,
    *,
    match_on: Sequence[Callable[[VcrRequest, VcrRequest], bool]] | None = None,
    allow_playback_repeats: bool = False,
) -> VcrCassette:
    """vcrpy's own cassette in record mode `none`, for `play_response` in a transport: no patching, no network.

    match_on: vcrpy matchers, by default method and URI. Raises CassetteError.
    """
    from vcr.cassette import Cassette as VcrCassette  # noqa: PLC0415
    from vcr.matchers import method, uri  # noqa: PLC0415
    from vcr.record_mode import RecordMode  # noqa: PLC0415

    cassette = source if isinstance(source, Cassette) else load(source)

    class Persister:
        """Hands over what is loaded already."""

        @staticmethod
        def load_cassette(*_: object, **__: object) -> tuple[list[Any], list[Any]]:
            return _deserialize([_stored(each) for each in cassette.interactions])

        @staticmethod
        def save_cassette(*_: object, **__: object) -> NoReturn:
            raise CassetteError("a replayed cassette is never written", file=_name(cassette.path))

    loaded: VcrCassette = VcrCassette.load(
        path=str(cassette.path),
        persister=Persister,
        record_mode=RecordMode.NONE,
        match_on=(method, uri) if match_on is None else tuple(match_on),
        allow_playback_repeats=allow_playback_repeats,
    )
    return loaded


def _build(document: Document, path: Path | None, *, case: bool) -> Cassette:
    file = _name(path)
    stored = stored_interactions(document, file)
    metadata = document.data.get("metadata")
    ours = isinstance(metadata, dict) and "schema" in metadata
    if case and metadata is None:
        raise CassetteError("no metadata", file=file, remedy="Begin the file with the case's `metadata` block.")
    warnings = validate_metadata(metadata, file=file, place=document.place) if case or ours else ()
    requests, responses = _deserialize(stored)
    return Cassette(
        path=path,
        metadata=metadata if case or ours else None,
        interactions=tuple(
            _interaction(request, response, each["request"]["headers"])
            for request, response, each in zip(requests, responses, stored, strict=True)
        ),
        warnings=warnings,
    )


def _deserialize(stored: list[dict[str, Any]]) -> tuple[list[VcrRequest], list[dict[str, Any]]]:
    """vcrpy's own way from stored interactions to requests and responses."""
    from vcr.serialize import deserialize  # noqa: PLC0415

    class Given:
        """A serializer whose text has been parsed already."""

        @staticmethod
        def deserialize(_text: str) -> dict[str, Any]:
            return {"interactions": stored}

    requests, responses = deserialize("", Given)
    return requests, responses


def _interaction(request: VcrRequest, response: Mapping[str, Any], headers: dict[str, list[str]]) -> Interaction:
    # vcrpy keeps one value of each request header, so the stored ones are taken
    return Interaction(
        method=request.method,
        uri=request.uri,
        request_headers=headers,
        request_body=request.body,
        status=response["status"]["code"],
        reason=response["status"]["message"],
        headers=response["headers"],
        body=response["body"]["string"],
        extras={key: value for key, value in response.items() if key not in ("status", "headers", "body")},
    )


def _stored(interaction: Interaction) -> dict[str, Any]:
    request = {
        "method": interaction.method,
        "uri": interaction.uri,
        "headers": interaction.request_headers,
        "body": interaction.request_body,
    }
    return {"request": request, "response": interaction.to_vcr()}


def _header(headers: Mapping[str, list[str]], name: str) -> str | None:
    wanted = name.lower()
    values = [value for key, given in headers.items() if key.lower() == wanted for value in given]
    return ", ".join(values) if values else None


def _name(path: Path | None) -> str | None:
    return None if path is None else str(path)
