"""`sdk`: the SDKs' typed events through the same decoders. The alarm when an SDK drifts or loses something.

What an SDK loses or cannot read stands in conformance/expectations/sdk.toml, with its upstream issue.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

from ..completion import Delta
from ..decoders.stream import StreamDecoder
from ..jsontext import JSON
from ..wire.event import WireEvent
from .faults import sdk_error_event
from .response import ResponseStream, SdkAdapter


class SdkStream(ResponseStream[WireEvent]):
    """One call; its items are the SDK's events as the JSON of the wire."""

    def _items(self) -> Generator[WireEvent]:
        try:
            for payload in self._client.typed():
                yield WireEvent("json", "", payload)
        except Exception as exception:  # noqa: BLE001 - raised again unless it is the provider's error event
            yield _error_event(exception)

    async def _items_async(self) -> AsyncGenerator[WireEvent]:
        try:
            async for payload in self._client.typed_async():
                yield WireEvent("json", "", payload)
        except Exception as exception:  # noqa: BLE001 - as above
            yield _error_event(exception)

    def _take(self, stream: StreamDecoder, item: WireEvent) -> list[Delta]:
        return stream.feed_event(item)


def _error_event(exception: Exception) -> WireEvent:
    """The provider's error event that the SDK raised instead of delivering it. Raises what is none again."""
    payload: JSON = sdk_error_event(exception)
    if payload is None:
        raise exception
    return WireEvent("json", "error", payload)


class TypedSdkAdapter(SdkAdapter):
    """The contract over `SdkStream`."""

    name = "sdk"
    stream_type = SdkStream
