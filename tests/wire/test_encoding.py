"""Content-encoding: every coding, stacked, cut, damaged, lying, exploding."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Mapping

import brotli
import pytest
import zstandard
from helpers import every_split
from hypothesis import given
from hypothesis import strategies as st
from streamproof.wire.encoding import Decompressor, EncodingError

PLAIN = b'data: {"text":"Wer zuletzt lacht"}\n\ndata: [DONE]\n\n'


def raw_deflate(data: bytes) -> bytes:
    """Deflate without the zlib header, as some servers send it."""
    codec = zlib.compressobj(wbits=-15)
    return codec.compress(data) + codec.flush()


ENCODERS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "X-Gzip": lambda data: gzip.compress(data, mtime=0),
    "deflate": zlib.compress,
    "deflate ": raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}
CODINGS = ["gzip", "deflate", "br", "zstd"]


def decode(encoding: str, *chunks: bytes, limit: int = 1 << 20) -> tuple[bytes, str | None]:
    """What comes out, and the code of the error."""
    decompressor = Decompressor(encoding, limit=limit)
    out = b"".join(decompressor.feed(chunk) for chunk in chunks) + decompressor.close()
    return out, decompressor.error.code if decompressor.error else None


@pytest.mark.parametrize("encoding", ENCODERS)
def test_every_coding_at_any_split(encoding: str) -> None:
    """A coding is not undone, or only when it comes in one piece."""
    for chunks in every_split(ENCODERS[encoding](PLAIN)):
        assert decode(encoding, *chunks) == (PLAIN, None)


@pytest.mark.parametrize("encoding", ENCODERS)
def test_empty_body(encoding: str) -> None:
    """No bytes, or the encoding of none, are taken for damage."""
    assert decode(encoding, b"") == (b"", None)
    assert decode(encoding, ENCODERS[encoding](b"")) == (b"", None)


def test_stack() -> None:
    """Codings are undone in the order in which they were applied, instead of backwards."""
    body = gzip.compress(brotli.compress(PLAIN), mtime=0)
    for chunks in every_split(body):
        assert decode("br, identity, GZIP", *chunks) == (PLAIN, None)


def test_members_follow_one_another() -> None:
    """Only the first gzip member or zstd frame is read, or padding is taken for damage."""
    for encoding in ("gzip", "zstd"):
        body = ENCODERS[encoding](PLAIN[:9]) + ENCODERS[encoding](PLAIN[9:])
        for chunks in every_split(body):
            assert decode(encoding, *chunks) == (PLAIN, None)
    assert decode("gzip", gzip.compress(PLAIN) + b"\0\0\0") == (PLAIN, None)


@pytest.mark.parametrize("encoding", CODINGS)
def test_garbage_behind_the_end(encoding: str) -> None:
    """Bytes behind the compressed body are dropped without a word, or hide the body."""
    for tail in (b"x", b"\x1f", b"tail of some length"):
        for chunks in every_split(ENCODERS[encoding](PLAIN) + tail):
            assert decode(encoding, *chunks) == (PLAIN, "bad_encoding")


@pytest.mark.parametrize("encoding", [*CODINGS, "compress", "identity", ""])
@pytest.mark.parametrize(
    "body", [PLAIN, b"hi", b"", "[\u00e9]".encode(), "\u00e9\u00e9 und so weiter und so fort".encode()]
)
def test_header_that_lies(encoding: str, body: bytes) -> None:
    """A body stored decoded under the header of the encoded one is lost."""
    for chunks in every_split(body):
        assert decode(encoding, *chunks) == (body, None)


@pytest.mark.parametrize("encoding", CODINGS)
def test_plain_text_is_not_held_back(encoding: str) -> None:
    """A lying header delays the stream to its end."""
    assert Decompressor(encoding).feed(PLAIN[:20]) == PLAIN[:20]


@pytest.mark.parametrize("encoding", CODINGS)
def test_every_cut(encoding: str) -> None:
    """A cut body is not told, or what came before the cut is lost."""
    body = ENCODERS[encoding](PLAIN)
    for at in range(4, len(body)):
        out, code = decode(encoding, body[:at])
        assert PLAIN.startswith(out)
        assert code == "truncated"
        assert decode(encoding, *(bytes([byte]) for byte in body[:at])) == (out, code)


def test_a_cut_keeps_what_came_before() -> None:
    """Everything is lost when the compressed stream is cut."""
    codec = zlib.compressobj(wbits=31)
    body = codec.compress(PLAIN) + codec.flush(zlib.Z_SYNC_FLUSH)
    assert decode("gzip", body) == (PLAIN, "truncated")


@pytest.mark.parametrize("encoding", CODINGS)
def test_damage_keeps_what_came_before(encoding: str) -> None:
    """Damage raises, hides what was decoded before it, or gives other bytes when the body is cut."""
    plain = bytes(zlib.crc32(bytes([n % 256, n // 256])) % 256 for n in range(600))
    body = bytearray(ENCODERS[encoding](plain))
    body[-3] ^= 0xFF
    whole = decode(encoding, bytes(body))
    assert whole[1] in ("bad_encoding", "truncated") or encoding in ("br", "zstd")  # without a checksum
    for chunks in every_split(bytes(body)):
        assert decode(encoding, *chunks) == whole


def test_gzip_with_a_wrong_checksum_keeps_its_text() -> None:
    """The text is lost since the library raises at its end."""
    body = bytearray(gzip.compress(PLAIN))
    body[-8] ^= 1
    assert decode("gzip", bytes(body)) == (PLAIN, "bad_encoding")


@pytest.mark.parametrize("encoding", CODINGS)
def test_long_body(encoding: str) -> None:
    """What one call of a library does not give at once is lost."""
    plain = b"".join(zlib.crc32(str(n).encode()).to_bytes(4, "big") for n in range(50_000)) * 2
    body = ENCODERS[encoding](plain)
    assert decode(encoding, body) == (plain, None)
    assert decode(encoding, *(body[at : at + 999] for at in range(0, len(body), 999))) == (plain, None)


@pytest.mark.parametrize("encoding", CODINGS)
def test_bomb(encoding: str) -> None:
    """A small body fills the memory."""
    plain = bytes(3_000_000)
    body = ENCODERS[encoding](plain)
    assert decode(encoding, body, limit=100_000) == (plain[:100_000], "bad_encoding")
    assert decode(encoding, *(bytes([byte]) for byte in body), limit=100_000) == (plain[:100_000], "bad_encoding")
    assert decode(encoding, body, limit=3_000_000) == (plain, None)


def test_nothing_comes_after_an_error() -> None:
    """Bytes behind the damage are decoded as if nothing had happened."""
    decompressor = Decompressor("gzip")
    decompressor.feed(b"\x1f\x8b damaged header of a member")
    assert isinstance(decompressor.error, EncodingError)
    assert decompressor.feed(gzip.compress(PLAIN)) == b""
    assert decompressor.close() == b""


@given(st.sampled_from(CODINGS), st.binary(max_size=40), st.integers(0, 40), st.booleans())
def test_any_bytes(encoding: str, noise: bytes, keep: int, limited: bool) -> None:
    """Some bytes raise, or come out otherwise when they are cut."""
    body = ENCODERS[encoding](PLAIN)[:keep] + noise
    limit = 10 if limited else 1 << 20
    whole = decode(encoding, body, limit=limit)
    assert all(decode(encoding, *chunks, limit=limit) == whole for chunks in every_split(body))
