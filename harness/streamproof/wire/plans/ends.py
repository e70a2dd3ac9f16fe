"""Where the protocols' terminals lie in a body: before the first, nothing may look complete. Not told by the decoders.

Sources: openai.types.chat.chat_completion_chunk.Choice.finish_reason and `[DONE]`
(https://platform.openai.com/docs/api-reference/chat-streaming), openai.types.responses.ResponseCompletedEvent and its
kin, https://docs.anthropic.com/en/docs/build-with-claude/streaming (message_delta, message_stop),
https://ai.google.dev/api/generate-content#FinishReason, Converse's messageStop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from ...jsontext import JSON
from ..event import WireEvent
from ..reader import Reader
from .body import body_kind, spans

_RESPONSES = frozenset(f"response.{word}" for word in ("completed", "incomplete", "failed", "cancelled", "done"))
"""`response.done` is the Codex backend's."""


class Terminals(NamedTuple):
    """Offsets. first: from here on a stream may look complete; last: from here on it must. None: never."""

    first: int | None
    last: int | None


@lru_cache(maxsize=64)
def terminals(body: bytes, protocol: str, content_type: str | None = None) -> Terminals:
    """Where the terminals of a body end."""
    is_terminal = _IS_TERMINAL[protocol]
    reader = Reader(content_type)
    first = last = None
    start = 0
    for span in spans(body):
        events = reader.feed(body[start : span.end])
        if not span.ended:
            events += reader.close()
        start = span.end
        if any(is_terminal(event) for event in events):
            # a reader may, and need not, take an event at the end of a body for whole without its blank line
            first = span.data[1] if first is None else first
            last = span.end if span.ended else last
    if body_kind(body) == "json" and first is None:
        first = len(body)
    return Terminals(first, last)


def _objects(value: JSON) -> Iterable[Mapping[str, JSON]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _object(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, dict) else {}


def _chat(event: WireEvent) -> bool:
    choices = _objects(_object(event.payload).get("choices"))
    return event.kind == "done" or any(choice.get("finish_reason") for choice in choices)


def _responses(event: WireEvent) -> bool:
    payload = _object(event.payload)
    return bool(_RESPONSES & {event.name, str(payload.get("type"))}) or "output" in payload


def _messages(event: WireEvent) -> bool:
    payload = _object(event.payload)
    places = (payload, _object(payload.get("delta")), _object(payload.get("message")))
    stopped = "message_stop" in (event.name, payload.get("type"))
    return stopped or any(place.get("stop_reason") for place in places)


def _gemini(event: WireEvent) -> bool:
    chunks = _objects([event.payload] if isinstance(event.payload, dict) else event.payload)
    return any(
        any(c.get("finishReason") or c.get("finish_reason") for c in _objects(chunk.get("candidates")))
        or chunk.get("promptFeedback")
        or chunk.get("prompt_feedback")
        for chunk in chunks
    )


_IS_TERMINAL: Mapping[str, Callable[[WireEvent], bool]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic_messages": _messages,
    "gemini_generate_content": _gemini,
    "bedrock_converse": lambda event: event.name == "messageStop",
}
