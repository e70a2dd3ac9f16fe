"""Cassette files from disk to parsed documents, within a size limit, every fault a CassetteError."""

from __future__ import annotations

from pathlib import Path

from . import safeyaml
from .errors import CassetteError
from .safeyaml import Document

MAX_BYTES = 64 * 1024 * 1024
"""Larger files are not read."""


def parse_file(path: Path) -> Document:
    """The whole file. Raises CassetteError: unreadable, too large, not UTF-8, empty, not YAML, unsafe."""
    return parse_bytes(read_bytes(path), str(path))


def parse_bytes(data: bytes, file: str | None) -> Document:
    """The same for bytes at hand; file: named in errors."""
    document = safeyaml.parse(_decode(data, file), file=file)
    if document.duplicates:
        raise CassetteError(
            "the same key twice, of which one would be lost",
            file=file,
            place=document.duplicates[0],
            remedy="Keep one of them.",
        )
    return document


def read_bytes(path: Path, limit: int | None = None) -> bytes:
    """The file, or its first `limit` bytes."""
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise CassetteError("a folder, not a cassette", file=str(path), remedy="Name the files in it.")
        if size > MAX_BYTES:
            raise CassetteError(
                f"{size} bytes, more than the limit of {MAX_BYTES}", file=str(path), remedy="Split the cassette."
            )
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1 if limit is None else limit)
    except FileNotFoundError:
        raise CassetteError("no such file", file=str(path), remedy="Check the path.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise CassetteError(f"cannot be read: {error}", file=str(path), remedy="Check the file.") from error
    if len(data) > MAX_BYTES:  # a pipe or device has no size of its own
        raise CassetteError(f"more than {MAX_BYTES} bytes", file=str(path), remedy="Split the cassette.")
    return data


def _decode(data: bytes, file: str | None) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise CassetteError(
            f"not UTF-8: byte 0x{data[error.start]:02x}",
            file=file,
            place=f"line {line}:{column}",
            remedy="Save it as UTF-8; bodies that are no text belong into !!binary.",
        ) from None
    if not text.strip():
        raise CassetteError("an empty file", file=file, remedy="Record the cassette again.")
    return text
