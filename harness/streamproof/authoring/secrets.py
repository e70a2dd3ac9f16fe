"""What of a text must not be published: the shapes of scrub.py, and beside them what tells persons and accounts.

Looks into base64 (twice, through gzip) since images, signatures and binary frames hide what they hold.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterator
from functools import lru_cache

from ..scrub import secrets_in

_PERSONAL: tuple[tuple[str, str], ...] = (
    ("an e-mail address", r"(?<![\w.+-])[A-Za-z0-9][\w.+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w@])"),
    ("an organization id", r"(?<![\w-])org-[A-Za-z0-9]{16,}"),
    ("a project id", r"(?<![\w-])proj_[A-Za-z0-9]{16,}"),
    ("a user id", r"(?<![\w-])user[-_][A-Za-z0-9]{20,}"),
    ("a workspace id", r"(?<![\w-])wrkspc_[A-Za-z0-9]{16,}"),
    ("an account number", r"\barn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:\d{12}\b"),
    ("a project number", r"\bprojects/\d{6,}\b"),
    ("a subscription id", r"\bsubscriptions/[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F-]{22}"),
)
_KINDS = tuple((kind, re.compile(pattern)) for kind, pattern in _PERSONAL)
_HINTS = ("@", "org-", "proj_", "user", "wrkspc_", "arn:aws", "projects/", "subscriptions/")

_HARMLESS = re.compile(
    r"@(?:[\w-]+\.)*(?:example\.(?:com|org|net|edu)|example|test|invalid|localhost)$"  # RFC 2606
    r"|:(?:123456789012|111122223333|000000000000)$",  # the accounts of the AWS documentation
    re.IGNORECASE,
)

_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}={0,2}")
_READABLE = re.compile(rb"[\x20-\x7e\t\r\n]{12,}")
_TO_STANDARD = str.maketrans("-_", "+/")
_GZIP = b"\x1f\x8b"
_MOST_BYTES = 4 * 1024 * 1024


@lru_cache(maxsize=4096)
def secrets_of(text: str, depth: int = 2) -> tuple[tuple[str, str], ...]:
    """Every secret in a text, as (what it is, the words themselves). depth: how often base64 is undone."""
    if len(text) < 6:
        return ()
    found = [("a token, or what a secret name holds", words) for words in secrets_in(text)]
    if any(hint in text for hint in _HINTS):
        for kind, pattern in _KINDS:
            found += [(kind, match[0]) for match in pattern.finditer(text) if not _HARMLESS.search(match[0])]
    if depth and len(text) >= 24:
        for inner in _decoded(text):
            found += [(f"in base64, {kind}", words) for kind, words in secrets_of(inner, depth - 1)]
    return tuple(found)


def masked(words: str) -> str:
    """Enough of a secret to find it, too little to use it."""
    name, separator, value = words.rpartition("=") if "=" in words.rstrip("=") else ("", "", words)
    shown = name + separator if len(name) < 40 else ""
    head = value[: min(6, len(value) // 4)]
    return f"{shown}{head}… ({len(value)} characters)"


def readable(data: bytes) -> str:
    """The text in bytes of any kind: all of it when it is UTF-8, else what stands readable in it."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "\n".join(piece.decode("ascii") for piece in _READABLE.findall(data))


def _decoded(text: str) -> Iterator[str]:
    for match in _BASE64.finditer(text):
        coded = match[0].rstrip("=").translate(_TO_STANDARD)
        coded = coded[: len(coded) - 1] if len(coded) % 4 == 1 else coded
        try:
            data = base64.b64decode(coded + "=" * (-len(coded) % 4))
        except (binascii.Error, ValueError):
            continue
        if data.startswith(_GZIP):
            data = _inflated(data)
        pieces = _READABLE.findall(data)
        if pieces:
            yield "\n".join(piece.decode("ascii") for piece in pieces)


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data, _MOST_BYTES)
    except zlib.error:
        return b""
