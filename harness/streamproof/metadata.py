"""The metadata block of a case: what must stand in it, checked with errors that say where and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from .cassette_file import parse_bytes, parse_file, read_bytes
from .errors import CassetteError
from .paths import format_path, parse_path

SCHEMA = 1
"""The format that this release knows; a newer one may hold keys that we do not know."""


_HEAD_BYTES = 16 * 1024
_NEXT_KEY = re.compile(rb"^[^\s#]", re.MULTILINE)
_KEY = re.compile(rb"^(?=  [a-z_]+:)", re.MULTILINE)


def read_metadata(path: Path | str) -> dict[str, Any]:
    """The metadata of a case, unchecked.

    It stands at the head of the cassette, and no more than that is read and parsed, unless it stands elsewhere (where
    vcrpy's own save puts it). Raises CassetteError, also for a file without metadata.
    """
    path = Path(path)
    head = _head(path)
    root = (parse_file(path) if head is None else parse_bytes(head, str(path))).data
    metadata = root.get("metadata") if isinstance(root, dict) else None
    if not isinstance(metadata, dict):
        message = "no metadata" if metadata is None else "metadata is no mapping"
        raise CassetteError(message, file=str(path), remedy="Begin the file with the case's `metadata` block.")
    return metadata


def read_keys(path: Path | str, names: Collection[str]) -> dict[str, Any]:
    """Some keys of the metadata of a case, unchecked, those that are there; ten times as fast as all of it.

    In the form that `cassette.save` writes, the lines of a key can be told by their indentation, and only those of
    `names` are parsed. Raises CassetteError as `read_metadata`.
    """
    path = Path(path)
    entries = _entries_of(_head(path), names)
    if entries is not None:
        found: dict[str, Any] = {name: _plain(entry) for name, entry in entries.items()}
        lines = [entry for name, entry in entries.items() if found[name] is None]
        try:
            return found | (
                parse_bytes(b"".join([b"metadata:\n", *lines]), str(path)).data["metadata"] if lines else {}
            )
        except CassetteError:
            pass  # the whole block says where
    metadata = read_metadata(path)
    return {name: metadata[name] for name in names if name in metadata}


def _entries_of(head: bytes | None, names: Collection[str]) -> dict[str, bytes] | None:
    """The lines of each of these keys, None when the block is not in our own form or has not each of them once."""
    first, *entries = _KEY.split(head or b"")
    if first != b"metadata:\n":
        return None
    keyed = [(entry.lstrip().partition(b":")[0].decode("ascii"), entry) for entry in entries]
    kept = [(key, entry) for key, entry in keyed if key in names]
    return dict(kept) if sorted(key for key, _ in kept) == sorted(names) else None


_WORDS = re.compile(r"  [a-z_]+: ([A-Za-z][!-~]*(?: [!-~]+)+)\n")
_WORD = re.compile(r"  [a-z_]+: (must|should|edge)\n")
_NAMES = re.compile(r"  [a-z_]+: \[([a-z_]+(?:, [a-z_]+)*)\]\n")
_MARKED = re.compile(r": | #|:$")
_NO_NAMES = re.compile(r"\b(?:y|n|yes|no|on|off|true|false|null)\b")


def _plain(entry: bytes) -> str | list[str] | None:
    """The value of an entry that YAML can read in one way only, None for all others: several words that begin with a
    letter and hold no mark are a text, lower-case names in brackets a list. Half of what a listing costs is YAML."""
    line = entry.decode("utf-8", "replace")
    if found := _WORD.fullmatch(line):
        return found[1]
    if (found := _WORDS.fullmatch(line)) and not _MARKED.search(found[1]):
        return found[1]
    found = _NAMES.fullmatch(line)
    return found[1].split(", ") if found and not _NO_NAMES.search(found[1]) else None


def validate_metadata(
    metadata: Any, file: str | None = None, *, place: Callable[..., str] | None = None
) -> tuple[str, ...]:
    """Check one case's metadata against schemas/metadata.schema.json and the rules that a schema cannot say.

    file: named in errors. place: turns a path into words (`Document.place`). Returns warnings: the unknown keys of a
    schema newer than ours. Raises CassetteError for the first fault, place as `metadata.requirements[2].op`.
    """
    from . import schemas  # noqa: PLC0415  # jsonschema is slow to import, and `list` needs none of this

    where = place or (lambda *path: format_path(path))

    def fault(path: tuple[str | int, ...], message: str, remedy: str) -> CassetteError:
        return CassetteError(message, file=file, place=where("metadata", *path), remedy=remedy)

    odd_key = _odd_key(metadata)
    if odd_key is not None:
        raise fault(odd_key, "a key that is no string", "Put it in quotes.")
    newer = isinstance(metadata, Mapping) and _is_newer(metadata.get("schema"))
    warnings = []
    for problem in schemas.problems("metadata", metadata):
        if newer and problem.rule == "additionalProperties":
            warnings.append(f"{where('metadata', *problem.path)}: {problem.message} of a newer schema")
            continue
        raise fault(problem.path, problem.message, problem.remedy)
    _check_requirements(metadata["requirements"], fault)
    return tuple(warnings)


def _check_requirements(requirements: list[dict[str, Any]], fault: Callable[..., CassetteError]) -> None:
    seen: dict[str, int] = {}
    for n, requirement in enumerate(requirements):
        first = seen.setdefault(requirement["id"], n)
        if first != n:
            raise fault(
                ("requirements", n, "id"),
                f"the id {requirement['id']!r} is that of requirements[{first}] already",
                "Give each requirement an id of its own.",
            )
        try:
            parse_path(requirement["path"])
        except ValueError as error:
            raise fault(("requirements", n, "path"), str(error), "See streamproof/paths.py for the grammar.") from None


def _is_newer(schema: object) -> bool:
    return isinstance(schema, int) and not isinstance(schema, bool) and schema > SCHEMA


def _odd_key(metadata: Any) -> tuple[str | int, ...] | None:
    """The path of the first mapping that has a key which JSON could not have."""
    stack: list[tuple[tuple[str | int, ...], Any]] = [((), metadata)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, Mapping):
            if any(not isinstance(key, str) for key in value):
                return path
            stack.extend(((*path, key), item) for key, item in value.items())
        elif isinstance(value, list | tuple):
            stack.extend(((*path, n), item) for n, item in enumerate(value))
    return None


def _head(path: Path) -> bytes | None:
    """The metadata block when the file begins with it, else None."""
    size = _HEAD_BYTES
    while True:
        data = read_bytes(path, size)
        start = _NEXT_KEY.search(data)
        if start is None or not data.startswith(b"metadata:", start.start()):
            return None
        end = _NEXT_KEY.search(data, start.end())
        if end is not None:
            return data[: end.start()]
        if len(data) < size:
            return None
        size *= 8
