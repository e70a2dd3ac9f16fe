"""Telling the protocol of a stream, and a stream from what is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import JSONS
from streamproof.detect import choices_asked, is_streamed, protocol_of_events
from streamproof.wire.event import WireEvent

CHAT_URL = "https://api.openai.com/v1/chat/completions"


def told(*payloads: Any, name: str = "") -> str | None:
    """What these events tell."""
    return protocol_of_events(WireEvent("json", name, payload) for payload in payloads)


@pytest.mark.parametrize(
    ("payload", "protocol"),
    [
        ({"choices": []}, "openai_chat"),
        ({"object": "chat.completion.chunk"}, "openai_chat"),
        ({"error": {"message": "x"}}, "openai_chat"),
        ({"error": "x"}, "openai_chat"),
        ({"type": "response.created"}, "openai_responses"),
        ({"type": "response.of_tomorrow"}, "openai_responses"),
        ({"object": "response"}, "openai_responses"),
        ({"type": "error", "sequence_number": 3, "message": "x"}, "openai_responses"),
        ({"type": "error", "code": "server_error", "message": "x"}, "openai_responses"),
        ({"type": "message_start"}, "anthropic_messages"),
        ({"type": "ping"}, "anthropic_messages"),
        ({"type": "message"}, "anthropic_messages"),
        ({"type": "error", "error": {"type": "overloaded_error"}}, "anthropic_messages"),
        ({"type": "error", "error": {}, "request_id": "req_1"}, "anthropic_messages"),
        ({"candidates": []}, "gemini_generate_content"),
        ({"promptFeedback": {}}, "gemini_generate_content"),
        ({"usageMetadata": {}}, "gemini_generate_content"),
        ({"error": {"code": 503, "status": "UNAVAILABLE"}}, "gemini_generate_content"),
    ],
)
def test_the_first_event_tells(payload: Any, protocol: str) -> None:
    """Also when the stream holds nothing but an error."""
    assert told(payload) == protocol


def test_converse_tells_by_the_name_of_its_frames() -> None:
    """Its payloads have no type."""
    assert told({"role": "assistant"}, name="messageStart") == "bedrock_converse"


def test_events_that_tell_nothing_are_passed_over() -> None:
    """A keep-alive or an oddity in front must not hide the protocol."""
    assert told(None, 5, "x", [], {}, {"type": None}, {"type": ["ping"]}, {"choices": [{}]}) == "openai_chat"
    assert told({}, {"jsonrpc": "2.0"}) is None
    assert protocol_of_events([]) is None


@given(st.lists(JSONS | st.dictionaries(st.sampled_from(["type", "object", "error", "choices"]), JSONS)))
@settings(deadline=None)
def test_nothing_raises(payloads: list[Any]) -> None:
    """Any JSON may stand anywhere."""
    assert told(*payloads) is None or isinstance(told(*payloads), str)


def streamed(
    uri: str = CHAT_URL, request: bytes = b"{}", status: int = 200, content_type: str | None = None, body: bytes = b""
) -> bool:
    """Whether it is a stream."""
    return is_streamed(uri=uri, request_body=request, status=status, content_type=content_type, body=body)


@pytest.mark.parametrize(
    "how",
    [
        {"content_type": "text/event-stream; charset=utf-8"},
        {"content_type": "Text/Event-Stream", "status": 500},
        {"content_type": "application/vnd.amazon.eventstream"},
        {"request": b'{"stream": true}'},
        {"request": b'{"stream": true}', "content_type": "application/json", "status": 204},
        {"uri": "https://x/v1beta/models/m:streamGenerateContent", "body": b"\n [{}]", "content_type": None},
        {"uri": "https://x/v1beta/models/m:streamGenerateContent?alt=sse"},
        {"uri": "https://x/v1beta/models/m:streamGenerateContent", "status": 500, "body": b"[{}]"},
        {"uri": "https://x/models/m:streamRawPredict"},
        {"uri": "https://x/model/m/converse-stream"},
        {"uri": "https://x/model/m/invoke-with-response-stream"},
        {"uri": "https://x/v1/responses/resp_1?stream=true&starting_after=4"},
    ],
)
def test_streams(how: dict[str, Any]) -> None:
    """By the answer's type, by the JSON array of Gemini, or because a stream was asked for and the answer is 2xx."""
    assert streamed(**how)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"request": b'{"stream": false}'},
        {"request": b'{"stream": "true"}'},
        {"request": b"stream"},
        {"request": b"\xff"},
        {"request": b'["stream"]'},
        {"request": b'{"stream": true}', "status": 429},
        {"uri": "https://x/v1beta/models/m:generateContent", "body": b"[{}]"},
        {"uri": "https://x/v1beta/models/m:streamGenerateContent", "status": 400, "body": b"{}"},
        {"content_type": "text/plain", "body": b"data: {}\n\n"},
    ],
)
def test_what_is_no_stream(how: dict[str, Any]) -> None:
    """A refused request, an answer that nobody asked to have streamed, a request that cannot be read."""
    assert not streamed(**how)


@pytest.mark.parametrize(
    ("request_body", "asked"),
    [
        (b"{}", 1),
        (b'{"n": 3}', 3),
        (b'{"n": null}', 1),
        (b'{"n": "3"}', 1),
        (b'{"generationConfig": {"candidateCount": 2}}', 2),
        (b'{"generationConfig": [2]}', 1),
        (b"", None),
        (b"[]", None),
        (b"\xff", None),
    ],
)
def test_choices_asked(request_body: bytes, asked: int | None) -> None:
    """One when the request does not say; None when it cannot be read."""
    assert choices_asked(request_body) == asked
