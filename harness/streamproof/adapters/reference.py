"""`reference`: how an adapter is done. The official SDK's client, the raw bytes of its stream, our decoders.

The SDK brings the URL, authentication, HTTP errors and timeouts. The raw bytes keep the events and fields that the SDK
does not know, and avoid the faults of its reader.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

from ..completion import Completion, Delta, ToolCall
from ..decoders.stream import StreamDecoder
from ..detect import choices_of
from ..jsontext import JSONObject
from ..providers import row
from ..stop_reason import StopReason, stop_reason
from .cancellation import aborting
from .contract import NO_OPTIONS, CallOptions, Endpoint
from .response import ResponseStream, SdkAdapter
from .routing import route


class ReferenceStream(ResponseStream[bytes]):
    """One call; its items are the chunks of the body."""

    def _items(self) -> Generator[bytes]:
        with aborting(self.options.cancel, self._client.line.abort), self._client.raw() as raw:
            self._open(raw.headers)
            yield from raw.chunks

    async def _items_async(self) -> AsyncGenerator[bytes]:
        async with self._client.raw_async() as raw:
            self._open(raw.headers)
            async for chunk in raw.chunks:
                yield chunk

    def _take(self, stream: StreamDecoder, item: bytes) -> list[Delta]:
        return stream.feed(item)

    # What an agent loop reads when the stream is over; all of it is the completion's.

    step_count = 1
    """One call is one step, however many deltas it had."""

    @property
    def completion(self) -> Completion:
        """The completion so far."""
        return self.shown.completion

    @property
    def tool_call(self) -> ToolCall | None:
        """The last client tool call, for loops that know only one; `completion.tool_calls` has them all."""
        calls = self.completion.tool_calls
        return calls[-1] if calls else None

    @property
    def stop_reason(self) -> StopReason:
        """The agent loop's next step."""
        return stop_reason(self.completion, requires_approval=self.options.requires_approval)


_STREAM_IN_BODY = ("openai_chat", "openai_responses", "anthropic_messages")
"""Where the body asks for the stream; elsewhere the path does."""


def ask(
    provider: str,
    request: JSONObject,
    *,
    api_key: str,
    base_url: str | None = None,
    protocol: str | None = None,
    options: CallOptions = NO_OPTIONS,
    timeout: float = 60.0,
) -> ReferenceStream:
    """Ask a provider with a request body of its own protocol; iterate what comes back, with `for` or `async for`.

    The protocol is told by provider and payload (routing.py) unless it is given. timeout: seconds without a byte.
    Raises UsageError, a ValueError, for a provider without a row.
    """
    row_of = row(provider, protocol or route(provider, request))
    endpoint = Endpoint(provider=row_of, api_key=api_key, base_url=base_url, timeout=timeout)
    flag = {"stream": True} if row_of.protocol in _STREAM_IN_BODY else {}
    return ReferenceStream(endpoint, {**row_of.body, **request, **flag}, choices_of(request), options)


class ReferenceAdapter(SdkAdapter):
    """The contract over `ReferenceStream`."""

    name = "reference"
    stream_type = ReferenceStream
