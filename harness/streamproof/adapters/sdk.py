"""`sdk`: the SDKs' typed events through the same decoders. The alarm when an SDK drifts or loses something.

What an SDK loses or cannot read stands in conformance/expectations/sdk.toml, with its upstream issue.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing, closing

from ..completion import Delta
from ..decoders.stream import StreamDecoder
from ..wire.event import WireEvent
from .cancellation import aborting
from .faults import sdk_error_event
from .response import ResponseStream, SdkAdapter


class SdkStream(ResponseStream[WireEvent]):
    """One call; its items are the SDK's events as the JSON of the wire."""

    def _items(self) -> Generator[WireEvent]:
        try:
            with (
                aborting(self.options.cancel, self._client.line.abort),
                closing(self._client.typed(self._open)) as payloads,
            ):
                for payload in payloads:
                    yield WireEvent("json", "", payload)
        except Exception as exception:
            payload = sdk_error_event(exception)
            if payload is None:
                raise
            self._cause = exception
            yield WireEvent("json", "error", payload)

    async def _items_async(self) -> AsyncGenerator[WireEvent]:
        try:
            async with aclosing(self._client.typed_async(self._open)) as payloads:
                async for payload in payloads:
                    yield WireEvent("json", "", payload)
        except Exception as exception:
            payload = sdk_error_event(exception)
            if payload is None:
                raise
            self._cause = exception
            yield WireEvent("json", "error", payload)

    def _take(self, stream: StreamDecoder, item: WireEvent) -> list[Delta]:
        return stream.feed_event(item)


class TypedSdkAdapter(SdkAdapter):
    """The contract over `SdkStream`."""

    name = "sdk"
    stream_type = SdkStream
