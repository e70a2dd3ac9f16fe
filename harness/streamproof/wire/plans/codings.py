"""Content codings of a body (RFC 9110, section 8.4.1), piece by piece: a client can read each piece when it comes."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence

_GZIP = zlib.MAX_WBITS | 16
_MAGIC = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd")  # gzip, zstd


def _gzip(pieces: Sequence[bytes], whole: bool) -> list[bytes]:
    codec = zlib.compressobj(wbits=_GZIP)
    coded = [codec.compress(piece) + codec.flush(zlib.Z_SYNC_FLUSH) for piece in pieces]
    if whole and coded:
        coded[-1] += codec.flush()
    return coded


CODINGS: Mapping[str, Callable[[Sequence[bytes], bool], list[bytes]]] = {"gzip": _gzip}
"""Value of `content-encoding` -> the pieces coded, each flushed; whole: the body is not cut, so its end follows."""


def is_coded(body: bytes) -> bool:
    """Whether a body is compressed already, as far as its bytes tell."""
    return body.startswith(_MAGIC)
