"""From the bytes of a response to deltas: a reader and the protocol's decoder, joined. Still sans-IO."""

from __future__ import annotations

from collections.abc import Mapping

from ..completion import Completion, Delta
from ..jsontext import JSON, JSONObject
from ..wire.event import WireEvent
from ..wire.reader import Reader
from .anthropic_messages import AnthropicMessagesDecoder
from .base import NO_QUIRKS, Decoder, Diagnostic, Quirks
from .bedrock_converse import BedrockConverseDecoder
from .gemini_generate_content import GeminiGenerateContentDecoder
from .openai_chat import OpenAIChatDecoder
from .openai_responses import OpenAIResponsesDecoder

DECODERS: Mapping[str, type[Decoder]] = {
    decoder.protocol: decoder
    for decoder in (
        OpenAIChatDecoder,
        OpenAIResponsesDecoder,
        AnthropicMessagesDecoder,
        GeminiGenerateContentDecoder,
        BedrockConverseDecoder,
    )
}

_PIECE = 8 * 1024
"""Bytes of a larger chunk that are taken at once: parsed events are many times the size of their bytes."""


class StreamDecoder:
    """One response, from its bytes (`feed`) or from events that somebody else has parsed (`feed_event`).

    protocol: a key of DECODERS. n: how many choices the request asked for, None when it is not known.
    content_type, content_encoding: the response's headers, None when there are none.
    """

    def __init__(
        self,
        protocol: str,
        *,
        quirks: Quirks = NO_QUIRKS,
        n: int | None = None,
        content_type: str | None = None,
        content_encoding: str | None = None,
    ) -> None:
        self.decoder = DECODERS[protocol](quirks, n=n)
        self._reader = Reader(content_type, content_encoding)

    def feed(self, chunk: bytes) -> list[Delta]:
        """Take the next bytes; the deltas of all events that they complete."""
        if len(chunk) > _PIECE:
            pieces = (chunk[at : at + _PIECE] for at in range(0, len(chunk), _PIECE))
            return [delta for piece in pieces for delta in self.feed(piece)]
        events = self._reader.feed(chunk)
        if len(events) == 1:  # as most servers write them
            return self.decoder.feed(events[0])
        return [delta for event in events for delta in self.decoder.feed(event)]

    def feed_event(self, event: WireEvent) -> list[Delta]:
        """Take an event that did not come through `feed`."""
        return self.decoder.feed(event)

    def estimate(self, counts: Mapping[str, int | bool]) -> list[Delta]:
        """Usage that the wire did not report. counts: `Usage` fields, `estimated` among them."""
        return self.decoder.estimate(counts)

    def end(self, error: JSONObject | None = None) -> list[Delta]:
        """No more bytes: error says why (`ErrorInfo` fields), None for a clean end. Call it once."""
        deltas = [delta for event in self._reader.close() for delta in self.decoder.feed(event)]
        return deltas + self.decoder.end(error)

    @property
    def completion(self) -> Completion:
        """The completion so far."""
        return self.decoder.completion

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """What the completion does not show."""
        return self.decoder.diagnostics

    @property
    def details(self) -> dict[str, JSON]:
        """What the wire says about the end besides its reason."""
        return self.decoder.details
