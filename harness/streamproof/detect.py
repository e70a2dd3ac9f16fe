"""Which protocol a stream speaks, when nobody says: from its first events, or from the request it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import jsontext
from .jsontext import JSON, JSONObject
from .providers import protocol_of_url
from .wire.event import WireEvent

_CONVERSE = {"messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"}
_ANTHROPIC = {
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "message",
    "ping",
}
_STREAM_TYPES = ("text/event-stream", "application/vnd.amazon.eventstream")
_STREAM_PATHS = (":streamGenerateContent", ":streamRawPredict", "/converse-stream", "/invoke-with-response-stream")

_RULES: tuple[tuple[str, Callable[[str, JSONObject], bool]], ...] = (
    ("bedrock_converse", lambda name, _: name in _CONVERSE),
    ("openai_responses", lambda _, p: str(p.get("type", "")).startswith("response.") or p.get("object") == "response"),
    ("anthropic_messages", lambda _, p: str(p.get("type", "")) in _ANTHROPIC),
    ("openai_chat", lambda _, p: "choices" in p or str(p.get("object", "")).startswith("chat.completion")),
    (
        "gemini_generate_content",
        lambda _, p: any(key in p for key in ("candidates", "promptFeedback", "usageMetadata", "modelVersion")),
    ),
    ("anthropic_messages", lambda _, p: p.get("type") == "error" and "request_id" in p),
    ("openai_responses", lambda _, p: p.get("type") == "error" and "sequence_number" in p),
    ("anthropic_messages", lambda _, p: p.get("type") == "error" and isinstance(p.get("error"), Mapping)),
    ("openai_responses", lambda _, p: p.get("type") == "error"),
    ("gemini_generate_content", lambda _, p: isinstance(p.get("error"), Mapping) and "status" in p["error"]),
    ("openai_chat", lambda _, p: "error" in p),
)
"""First rule that holds for an event; the last ones are for streams that hold nothing but an error."""


def protocol_of_events(events: Iterable[WireEvent]) -> str | None:
    """The protocol of the first event that tells it, None when none does."""
    for event in events:
        payload = event.payload if isinstance(event.payload, Mapping) else {}
        found = next((protocol for protocol, holds in _RULES if holds(event.name, payload)), None)
        if found:
            return found
    return None


def is_streamed(*, uri: str, request_body: bytes, status: int, content_type: str | None, body: bytes) -> bool:
    """Whether a recorded answer is a stream.

    That is an event stream, a Gemini JSON array, or any 2xx answer to a request that asked for a stream.
    """
    if content_type and content_type.partition(";")[0].strip().lower() in _STREAM_TYPES:
        return True
    if protocol_of_url(uri) == "gemini_generate_content" and body.lstrip().startswith(b"["):
        return True
    return 200 <= status < 300 and _asked_for_stream(uri, request_body)


def choices_asked(request_body: bytes) -> int | None:
    """How many choices a recorded request asks for, None when the request cannot be read."""
    request = _object(request_body)
    return None if request is None else choices_of(request)


def choices_of(request: Mapping[str, Any]) -> int:
    """How many choices a request asks for: Chat's `n`, Gemini's `candidateCount`, else 1."""
    config = request.get("generationConfig")
    asked = request.get("n") or (config.get("candidateCount") if isinstance(config, Mapping) else None) or 1
    return asked if isinstance(asked, int) else 1


def _asked_for_stream(uri: str, request_body: bytes) -> bool:
    path, _, query = uri.partition("?")
    if path.endswith(_STREAM_PATHS) or "stream=true" in query.lower():
        return True
    request = _object(request_body)
    return request is not None and request.get("stream") is True


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        document: JSON = jsontext.loads(body.decode("utf-8"))
    except ValueError:
        return None
    return document if isinstance(document, Mapping) else None
