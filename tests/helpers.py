"""What several tests share."""

from __future__ import annotations

from collections.abc import Iterator


def every_split(data: bytes) -> Iterator[list[bytes]]:
    """All deliveries that a reader must not notice: whole, every two-part split, every 7 bytes, byte by byte."""
    yield [data]
    for at in range(1, len(data)):
        yield [data[:at], data[at:]]
    yield [data[at : at + 7] for at in range(0, len(data), 7)]
    yield [data[at : at + 1] for at in range(len(data))]
