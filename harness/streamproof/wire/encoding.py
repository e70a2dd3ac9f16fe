"""Undo `Content-Encoding` (RFC 9110, section 8.4.1), piece by piece, with a bound on what comes out.

Many cassettes hold the decoded body under the header of the encoded one (vcrpy's `decode_compressed_response`), so
bytes that cannot be of the coding pass as they are. Damage is an error value, not an exception: what could be
decoded before it counts. What comes out does not depend on how the input is cut.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple

DEFAULT_LIMIT: Final = 64 * 1024 * 1024
"""Bytes that may come out; a few kilobytes can blow up to gigabytes otherwise."""

_SNIFF = 16  # so many bytes of text in a row are no brotli or deflate (chance: a few in a million)
_CONTROLS = frozenset(range(0x20)) - frozenset(b"\t\n\r")


class EncodingError(ValueError):
    """The body is not what its content-encoding says. code: `truncated`, or `bad_encoding` for all other damage."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Decompressor:
    """Undoes a whole `Content-Encoding` value (`gzip`, `br, gzip`, ...): `feed` every piece, then `close` once.

    limit: bytes that each coding may give. A coding that we do not know is left as it is.
    """

    def __init__(self, content_encoding: str, *, limit: int = DEFAULT_LIMIT) -> None:
        names = [name.strip().lower() for name in content_encoding.split(",")]
        self._stages = [_Stage(_CODINGS[name], limit) for name in reversed(names) if name in _CODINGS]

    @property
    def error(self) -> EncodingError | None:
        """The first damage, once there is any."""
        return next((stage.error for stage in self._stages if stage.error), None)

    def feed(self, data: bytes) -> bytes:
        """As much as can be decoded now; never raises."""
        for stage in self._stages:
            data = stage.feed(data)
        return data

    def close(self) -> bytes:
        """The rest; sets `error` when the compressed body has no end."""
        data = b""
        for stage in self._stages:
            data = stage.feed(data) + stage.close()
        return data


class _Codec(ABC):
    """One compressed stream."""

    eof = False
    """Whether its end has been read."""
    unused = b""
    """What followed the end in the last call."""

    @abstractmethod
    def decode(self, data: bytes, most: int) -> bytes:
        """What the next bytes give; more than `most` means that more is to come. Raises EncodingError."""


class _Zlib(_Codec):
    """wbits: as `zlib.decompressobj` takes it, which selects gzip, zlib or raw deflate."""

    def __init__(self, wbits: int) -> None:
        self._codec = zlib.decompressobj(wbits)

    def decode(self, data: bytes, most: int) -> bytes:
        try:
            out = self._codec.decompress(data, most + 1)
        except zlib.error as fault:
            raise EncodingError("bad_encoding", str(fault)) from fault
        self.eof, self.unused = self._codec.eof, self._codec.unused_data
        return out


class _Brotli(_Codec):
    """Takes what follows the end of the stream for damage, when both come in one call."""

    def __init__(self) -> None:
        self._module = import_module("brotli")
        self._codec: Any = self._module.Decompressor()

    def decode(self, data: bytes, most: int) -> bytes:
        try:  # the limit, of brotli 1.2, is a point past which the library stops: less than it is all there is
            out = bytes(self._codec.process(data, output_buffer_limit=most + 1))
        except self._module.error as fault:
            raise EncodingError("bad_encoding", str(fault)) from fault
        self.eof = self._codec.is_finished()
        return out


class _Zstd(_Codec):
    """The library has no bound on what a call gives: 1 KiB in gives 32 MiB at most (RFC 8878: 128 KiB a block)."""

    def __init__(self) -> None:
        self._module = import_module("zstandard")
        self._codec: Any = self._module.ZstdDecompressor().decompressobj()

    def decode(self, data: bytes, most: int) -> bytes:
        out = bytearray()
        for start in range(0, len(data), 1024):
            try:
                out += self._codec.decompress(data[start : start + 1024])
            except self._module.ZstdError as fault:
                raise EncodingError("bad_encoding", str(fault)) from fault
            self.eof = self._codec.eof
            if self.eof:
                self.unused = self._codec.unused_data + data[start + 1024 :]
            if self.eof or len(out) > most:
                break
        return bytes(out)


def _gzip(_: bytes) -> _Codec:
    return _Zlib(zlib.MAX_WBITS | 16)


def _deflate(head: bytes) -> _Codec:
    """RFC 9110 means zlib; some servers send raw deflate. RFC 1950: method 8, window up to 7, a multiple of 31."""
    is_zlib = head[0] & 0x0F == 8 and head[0] >> 4 <= 7 and int.from_bytes(head[:2], "big") % 31 == 0
    return _Zlib(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)


def _brotli(_: bytes) -> _Codec:
    return _Brotli()


def _zstd(_: bytes) -> _Codec:
    return _Zstd()


class _Coding(NamedTuple):
    """new: a codec for a stream that begins with the given bytes. magic: how every stream begins, if it is fixed."""

    new: Callable[[bytes], _Codec]
    magic: bytes = b""


_CODINGS: Mapping[str, _Coding] = {
    "gzip": _Coding(_gzip, b"\x1f\x8b"),
    "x-gzip": _Coding(_gzip, b"\x1f\x8b"),
    "deflate": _Coding(_deflate),
    "br": _Coding(_brotli),
    "zstd": _Coding(_zstd, b"\x28\xb5\x2f\xfd"),
}


class _Stage:
    """One coding: any number of compressed streams, one after another."""

    def __init__(self, coding: _Coding, limit: int) -> None:
        self.error: EncodingError | None = None
        self._coding, self._limit, self._left = coding, limit, limit
        self._codec: _Codec | None = None
        self._plain = False
        self._streams = 0  # that have ended
        self._head = b""  # too few bytes to tell what begins
        self._history: list[bytes] = []  # input of the codec so far: the way back to the byte at fault

    def feed(self, data: bytes) -> bytes:
        """Undo the coding of the next bytes."""
        out: list[bytes] = []
        while data and not self.error and not self._plain:
            data = self._begin(data) if self._codec is None else self._decode(self._codec, data, out)
        if self._plain:
            out.append(data)
        return b"".join(out)

    def close(self) -> bytes:
        """The rest; sets `error` when a stream has no end."""
        out: list[bytes] = []
        head, self._head = self._head, b""
        if head and self._streams:
            self.error = _trailing()
        elif head:
            self._codec = self._coding.new(head)
            rest = self._decode(self._codec, head, out)
            if _is_text(head) and (self._codec is not None or rest):  # too short to tell, and no stream
                self.error, self._plain = None, True
                return head
        if self._codec is not None and self.error is None:
            self.error = EncodingError("truncated", "the compressed body has no end")
        return b"".join(out)

    def _begin(self, data: bytes) -> bytes:
        """Decide what begins here; the bytes to go on with, none while they are too few."""
        data, self._head = self._head + data, b""
        if self._streams:
            data = data.lstrip(b"\0")  # gzip files may be padded
        encoded = self._is_encoded(data)
        if encoded is None:
            self._head = data
            return b""
        if encoded:
            self._codec = self._coding.new(data)
        elif self._streams:
            self.error = _trailing()
        else:
            self._plain = True
        return data

    def _is_encoded(self, data: bytes) -> bool | None:
        magic = self._coding.magic
        if not data:
            return None
        if magic:
            return None if len(data) < len(magic) and magic.startswith(data) else data.startswith(magic)
        if self._streams:
            return False
        if _is_text(data[:_SNIFF]):
            return False if len(data) >= _SNIFF else None
        return True if len(data) > 1 else None

    def _decode(self, codec: _Codec, data: bytes, out: list[bytes]) -> bytes:
        """Append what comes out; what is left of `data` after the end of the stream."""
        try:
            piece = codec.decode(data, self._left)
            rest = codec.unused
            self._history.append(data)
        except EncodingError as fault:
            codec, piece, read = self._recover(data)
            self.error = None if codec.eof else fault
            rest = data[read:]
        if len(piece) > self._left:
            self.error = EncodingError("bad_encoding", f"more than {self._limit} bytes come out")
        out.append(piece[: self._left])
        self._left -= len(out[-1])
        if codec.eof:
            self._codec = None
            self._streams += 1
            self._history.clear()
        return rest

    def _recover(self, data: bytes) -> tuple[_Codec, bytes, int]:
        """A codec that failed has lost its output: give its input to another, the last piece byte by byte.

        Returns it with what came out of that piece and how many of its bytes were read before the end or the fault.
        """
        codec = self._coding.new(b"".join([*self._history, data]))
        for piece in self._history:
            codec.decode(piece, self._limit)
        out = bytearray()
        read = 0
        try:
            while read < len(data) and not codec.eof and len(out) <= self._left:
                out += codec.decode(data[read : read + 1], self._left)
                read += 1
        except EncodingError:
            pass  # the caller holds the fault
        return codec, bytes(out), read


def _trailing() -> EncodingError:
    return EncodingError("bad_encoding", "more follows the end of the compressed body")


def _is_text(head: bytes) -> bool:
    """Whether the bytes are UTF-8, perhaps cut, without control characters."""
    try:
        head.decode()
    except UnicodeDecodeError as fault:
        if fault.reason != "unexpected end of data":
            return False
    return _CONTROLS.isdisjoint(head)


def decompressed(body: bytes, content_encoding: str | None) -> bytes:
    """A whole body without its content encoding; of a damaged one, what could be decoded."""
    if content_encoding is None:
        return body
    decompressor = Decompressor(content_encoding)
    return decompressor.feed(body) + decompressor.close()


def is_encoded(body: bytes, content_encoding: str) -> bool:
    """False where a body was stored decoded, and the header left as it was (`decode_compressed_response`)."""
    return decompressed(body, content_encoding) != body
