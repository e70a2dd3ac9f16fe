"""`reference`: how an adapter is done. The official SDK's client, the raw bytes of its stream, our decoders.

The SDK brings the URL, authentication, HTTP errors and timeouts. The raw bytes keep the events and fields that the SDK
does not know, and avoid the faults of its reader.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

from ..completion import Delta
from ..decoders.stream import StreamDecoder
from .cancellation import aborting
from .response import ResponseStream, SdkAdapter


class ReferenceStream(ResponseStream[bytes]):
    """One call; its items are the chunks of the body."""

    def _items(self) -> Generator[bytes]:
        with self._client.raw() as raw, aborting(self.options.cancel, raw.abort):
            self._open(raw.headers.get("content-type"))
            yield from raw.chunks

    async def _items_async(self) -> AsyncGenerator[bytes]:
        async with self._client.raw_async() as raw:
            self._open(raw.headers.get("content-type"))
            async for chunk in raw.chunks:
                yield chunk

    def _take(self, stream: StreamDecoder, item: bytes) -> list[Delta]:
        return stream.feed(item)


class ReferenceAdapter(SdkAdapter):
    """The contract over `ReferenceStream`."""

    name = "reference"
    stream_type = ReferenceStream
