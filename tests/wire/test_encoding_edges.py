"""Content-encoding: which bytes are of which coding, what follows what, and what an error says."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
import zstandard
from streamproof.wire.encoding import Decompressor, EncodingError, decompressed, is_encoded

TEXT = b'data: {"text":"Wer zuletzt lacht"}\n\n'
NOISE = b"".join(zlib.crc32(str(n).encode()).to_bytes(4, "big") for n in range(900))


def decode(encoding: str, *chunks: bytes) -> tuple[bytes, str | None]:
    """What comes out, and what the error says."""
    decompressor = Decompressor(encoding)
    out = b"".join(decompressor.feed(chunk) for chunk in chunks) + decompressor.close()
    return out, str(decompressor.error) if decompressor.error else None


def stored(first: int, data: bytes) -> bytes:
    """Raw deflate of stored blocks; the first byte's upper five bits are padding, which says nothing."""
    size = len(data).to_bytes(2, "little")
    return bytes([first]) + size + bytes(byte ^ 0xFF for byte in size) + data + b"\x01\x00\x00\xff\xff"


@pytest.mark.parametrize(
    ("first", "size"),
    [
        (0x78, 5),  # the method of zlib, but no multiple of 31
        (0x88, 28),  # a multiple of 31, but no window of zlib
        (0xF8, 1),
        (0x00, 31),  # a multiple of 31, but another method
        (0x08, 30),  # the smallest window of zlib, and no multiple
    ],
)
def test_deflate_without_a_header(first: int, size: int) -> None:
    """Bytes that look a little like the header of zlib are raw deflate all the same."""
    data = NOISE[:size]
    assert zlib.decompress(stored(first, data), wbits=-15) == data
    assert decode("deflate", stored(first, data)) == (data, None)


@pytest.mark.parametrize("window", [9, 12, 15])
@pytest.mark.parametrize("level", [1, 6, 9])
def test_deflate_with_a_header(window: int, level: int) -> None:
    """Every window and level that zlib writes is known by its header."""
    codec = zlib.compressobj(level, wbits=window)
    assert decode("deflate", codec.compress(TEXT) + codec.flush()) == (TEXT, None)


@pytest.mark.parametrize("size", [1000, 1023, 1024, 1025, 3600])
@pytest.mark.parametrize("name", ["zstd", "gzip"])
def test_streams_that_follow_one_another_anywhere(name: str, size: int) -> None:
    """Where one ends the next begins, at any offset of the input, and no byte between them is lost."""
    encode = zstandard.compress if name == "zstd" else gzip.compress
    body = encode(NOISE[:size]) + encode(TEXT) + encode(NOISE[:size])
    assert decode(name, body) == (NOISE[:size] + TEXT + NOISE[:size], None)
    assert decode(name, body[:1500], body[1500:]) == (NOISE[:size] + TEXT + NOISE[:size], None)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(NOISE[:200])[:-8] + bytes(8)),
        ("deflate", zlib.compress(NOISE[:200])[:-2] + b"xx"),
        ("br", brotli.compress(NOISE[:200])[:10] + b"\xff" * 300),
        ("zstd", zstandard.compress(NOISE[:200])[:4] + b"\xff" * 50),
    ],
)
def test_damage_says_what_it_is(encoding: str, body: bytes) -> None:
    """The error has the library's words, and is told from a cut."""
    decompressor = Decompressor(encoding)
    decompressor.feed(body)
    error = decompressor.error
    assert isinstance(error, EncodingError)
    assert error.code == "bad_encoding"
    assert len(str(error)) > 10
    assert str(error) == str(error.args[0])


def test_a_cut_says_what_it_is() -> None:
    """And so does what follows the end, or is too much."""
    assert decode("gzip", gzip.compress(TEXT)[:-4])[1] == "the compressed body has no end"
    assert decode("gzip", gzip.compress(TEXT) + b"xx")[1] == "more follows the end of the compressed body"
    assert decode("gzip", gzip.compress(TEXT) + b"\x1f")[1] == "more follows the end of the compressed body"
    limited = Decompressor("gzip", limit=5)
    assert limited.feed(gzip.compress(TEXT)) == TEXT[:5]
    assert str(limited.error) == "more than 5 bytes come out"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_limit_that_is_just_enough(encoding: str) -> None:
    """As many bytes as are allowed are no damage, one more is."""
    encode = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}
    body = encode[encoding](TEXT)
    enough, short = Decompressor(encoding, limit=len(TEXT)), Decompressor(encoding, limit=len(TEXT) - 1)
    assert (enough.feed(body) + enough.close(), enough.error) == (TEXT, None)
    assert short.feed(body) + short.close() == TEXT[:-1]
    assert short.error is not None
    assert short.error.code == "bad_encoding"


@pytest.mark.parametrize("encoding", ["deflate", "br"])
@pytest.mark.parametrize(
    ("body", "held"),
    [
        (b"0123456789abcdef", False),
        (b"0123456789abcde", True),
        ("0123456789abcdé".encode(), False),
        (b"\t\r\n             ", False),
    ],
)
def test_when_text_is_known(encoding: str, body: bytes, held: bool) -> None:
    """Sixteen bytes of text are no compressed body; fewer wait for the end."""
    decompressor = Decompressor(encoding)
    first = decompressor.feed(body)
    assert first == (b"" if held else body)
    assert (first + decompressor.close(), decompressor.error) == (body, None)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_magic_number_that_is_cut(encoding: str) -> None:
    """Its beginning may be one; alone it is text, or a body that was cut."""
    magic = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}[encoding]
    assert decode(encoding, magic[:1] + b"x") == (magic[:1] + b"x", None)
    assert decode(encoding, magic)[1] == "the compressed body has no end"
    assert decode(encoding, magic[:1], magic[1:])[1] == "the compressed body has no end"


@pytest.mark.parametrize("value", ["gzip", " GZIP ", "identity, gzip", "gzip, identity", "novel, gzip"])
def test_how_a_coding_is_spelled(value: str) -> None:
    """Case and blanks do not count; a coding that we do not know is left as it is."""
    assert decode(value, gzip.compress(TEXT)) == (TEXT, None)


def test_a_whole_body() -> None:
    """Without a coding it is what it is; whether it is encoded, only the bytes tell."""
    body = gzip.compress(TEXT)
    assert (decompressed(body, None), decompressed(body, "gzip"), decompressed(TEXT, "gzip")) == (body, TEXT, TEXT)
    assert decompressed(body[:-8], "gzip") == TEXT
    assert (is_encoded(body, "gzip"), is_encoded(TEXT, "gzip")) == (True, False)


def test_the_first_damage_of_a_stack_is_told() -> None:
    """Each coding has its own, and the outermost comes first."""
    inner = gzip.compress(TEXT)[:-4]
    stack = Decompressor("gzip, br")
    out = stack.feed(brotli.compress(inner)) + stack.close()
    assert out == TEXT
    assert stack.error is not None
    assert stack.error.code == "truncated"


@pytest.mark.parametrize("window", [9, 10, 11, 12, 13, 14, 15])
def test_deflate_byte_by_byte(window: int) -> None:
    """One byte does not tell whether there is a header."""
    codec = zlib.compressobj(wbits=window)
    body = codec.compress(TEXT) + codec.flush()
    assert decode("deflate", *(body[at : at + 1] for at in range(len(body)))) == (TEXT, None)


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "zstd"])
def test_what_cannot_be_a_magic_number_is_not_held_back(encoding: str) -> None:
    """One byte of text is known at once for what it is."""
    assert Decompressor(encoding).feed(b"d") == b"d"


@pytest.mark.parametrize("rest", [b"\0X", b"X", b"\0\0x\0"])
def test_only_zeros_are_padding(rest: bytes) -> None:
    """Anything else behind the end of the body is told."""
    assert decode("gzip", gzip.compress(TEXT) + rest) == (TEXT, "more follows the end of the compressed body")
    assert decode("gzip", gzip.compress(TEXT) + b"\0\0" + gzip.compress(TEXT)) == (TEXT + TEXT, None)


def test_a_limit_that_is_reached_before_the_last_bytes() -> None:
    """All that is allowed has come out, and the rest of the frame says nothing: that is no damage."""
    encode = zstandard.ZstdCompressor(write_checksum=True).compress
    size = next(size for size in range(3000, 3072) if len(encode(NOISE[:size])) == 3 * 1024 + 4)
    decompressor = Decompressor("zstd", limit=size)
    assert decompressor.feed(encode(NOISE[:size])) + decompressor.close() == NOISE[:size]
    assert decompressor.error is None


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_what_follows_is_told_as_such(encoding: str) -> None:
    """It is not taken for damage of the body, whatever the library says of it."""
    encode = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstandard.compress}
    assert decode(encoding, encode[encoding](TEXT) + b"xx") == (TEXT, "more follows the end of the compressed body")
    enough = Decompressor(encoding, limit=len(TEXT))
    assert enough.feed(encode[encoding](TEXT) + b"xx") == TEXT
    assert str(enough.error) == "more follows the end of the compressed body"
