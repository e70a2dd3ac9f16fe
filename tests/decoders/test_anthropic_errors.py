"""Anthropic Messages: errors in mid-stream, and bodies that are no stream."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic_wire import OVERLOADED, completion, decoded, delta_at, finish, raw, start, text
from streamproof.wire.event import WireEvent

# -- errors


@pytest.mark.parametrize(
    ("payload", "name", "expected"),
    [
        (OVERLOADED, "error", ("overloaded", "overloaded_error", "busy", None, "req_1")),
        (OVERLOADED, "message_delta", ("overloaded", "overloaded_error", "busy", None, "req_1")),
        ({"error": OVERLOADED["error"]}, "", ("overloaded", "overloaded_error", "busy", None, None)),
        ({**finish()[1], "error": {"message": "x"}}, "", ("provider", None, "x", None, None)),
        (
            {**delta_at(0, type="text_delta", text=""), "error": {"message": "x"}},
            "",
            ("provider", None, "x", None, None),
        ),
        (
            {"error": {"code": 400, "message": "long", "type": "exceed_context_size_error"}},
            "",
            ("context_window", "exceed_context_size_error", "long", 400, None),
        ),
        (
            {"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}},
            "",
            ("rate_limit", "RESOURCE_EXHAUSTED", "slow", 429, None),
        ),
        (
            {"type": "error", "error": {"type": "busy_now", "message": "m", "http_code": "529"}},
            "",
            ("overloaded", "busy_now", "m", 529, None),
        ),
        ({"type": "error", "message": "flat", "code": "api_error"}, "", ("server", "api_error", "flat", None, None)),
        ({"type": "error", "message": "bare"}, "", ("provider", None, "bare", None, None)),
        ({"error": "plain"}, "", ("provider", None, "plain", None, None)),
        ({"message": "by name"}, "error", ("provider", None, "by name", None, None)),
        ("text", "error", ("provider", None, "text", None, None)),
        ({"error": {"code": 500}}, "", ("server", "500", "", 500, None)),
        (
            {"base_resp": {"status_code": 1008, "status_msg": "no money"}},
            "",
            ("provider", "1008", "no money", None, None),
        ),
    ],
)
def test_error_in_mid_stream(payload: Any, name: str, expected: tuple[Any, ...]) -> None:
    """An error under any event name fails the stream, keeps the partial text and gives no finish reason."""
    result = completion([start(), *text(0, "par"), WireEvent("json", name, payload)])
    error = result.error
    assert error is not None
    assert (error.type, error.code, error.message, error.status_code, error.request_id) == expected
    assert (result.status, result.text, result.finish_reason) == ("failed", "par", None)


def test_error_first_and_after_the_terminal() -> None:
    """An error as the first event fails an empty message; after the terminal it fails the stream too."""
    assert completion([OVERLOADED]).status == "failed"
    late = completion([start(), *text(0, "a"), *finish(), OVERLOADED])
    assert (late.status, late.finish_reason, late.text) == ("failed", "stop", "a")


def test_exception_frame() -> None:
    """An exception frame of InvokeModel is the provider's error."""
    result = completion([start(), WireEvent("exception", "throttlingException", {"message": "slow"})])
    assert result.error is not None
    assert (result.status, result.error.type) == ("failed", "rate_limit")


# -- a body that is no stream


def test_document() -> None:
    """A whole message decodes as its stream would."""
    content = [
        {"type": "thinking", "thinking": "t", "signature": "S"},
        {"type": "text", "text": "a", "citations": None},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {}},
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}},
    ]
    whole = {**start(raw(3, 4), content=content, stop_reason="tool_use", stop_sequence=None)["message"]}
    result = completion([whole], kind="document")
    streamed = completion([start(raw(3, 4), content=content), *finish("tool_use")])
    assert result == streamed
    assert [(call.arguments, call.complete) for call in result.tool_calls] == [("{}", True)]


def test_document_without_a_stop_reason_is_interrupted() -> None:
    """Not even a whole document is complete when it has no terminal."""
    assert completion([start()["message"]], kind="document").status == "interrupted"


def test_minimax_document() -> None:
    """content null with a stop_reason and base_resp 0 is an empty answer; another status is a failure."""
    body = {"content": None, "stop_reason": "max_tokens", "base_resp": {"status_code": 0}}
    good = decoded([body], kind="document")
    assert (good.completion.finish_reason, good.completion.status) == ("length", "complete")
    assert good.diagnostics == []
    failed = completion([{"type": "message", **body, "base_resp": {"status_code": 1002}}], kind="document")
    assert failed.error is not None
    assert (failed.status, failed.error.code) == ("failed", "1002")


@pytest.mark.parametrize(
    ("body", "type", "code"),
    [
        (OVERLOADED, "overloaded", "overloaded_error"),
        ([{"error": {"code": 403, "message": "m", "status": "PERMISSION_DENIED"}}], "permission", "PERMISSION_DENIED"),
        ({"error": {"code": 429, "message": "m", "type": "rate_limit_error"}}, "rate_limit", "rate_limit_error"),
        ({"message": "The security token is invalid."}, "provider", None),
        ({"base_resp": {"status_code": "1004"}}, "provider", "1004"),
        ({"base_resp": {"status_code": 0}}, "protocol", "not_a_stream"),
        ({}, "protocol", "not_a_stream"),
        ({"type": "content_block_stop"}, "protocol", "not_a_stream"),
        ([], "protocol", "not_a_stream"),
        (None, "protocol", "not_a_stream"),
        ("text", "protocol", "not_a_stream"),
    ],
)
def test_other_documents_fail(body: Any, type: str, code: str | None) -> None:
    """An error body is the provider's error; any other document is no answer."""
    result = completion([body], kind="document")
    assert result.error is not None
    assert (result.status, result.error.type, result.error.code) == ("failed", type, code)
