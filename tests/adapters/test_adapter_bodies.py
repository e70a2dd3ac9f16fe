"""Errors after the status: error events of every protocol, and bodies that are no stream, through every adapter."""

from __future__ import annotations

from typing import Any

import pytest
from adapter_kit import (
    ANTHROPIC,
    BEDROCK,
    GOOGLE,
    OPENAI,
    RESPONSES_ROW,
    WAYS,
    cassette,
    frames,
    pieces_of,
    played,
    rows_by_sdk,
)
from streamproof.errors import ERROR_CLASSES
from streamproof.fold import fold
from streamproof.providers import Provider
from streamproof.wire.eventstream import encode_frame

pytestmark = pytest.mark.filterwarnings("error")

every_way = pytest.mark.parametrize("way", WAYS)
every_sdk = pytest.mark.parametrize("row", rows_by_sdk(), ids=lambda row: row.key)


def _frame_error(name: str) -> bytes:
    headers = {":message-type": "exception", ":exception-type": name, ":content-type": "application/json"}
    return encode_frame(headers, b'{"message":"too busy"}')


EVENTS: list[tuple[Provider, Any, str]] = [
    (OPENAI, {"error": {"message": "too busy", "type": "server_error", "code": None}}, "server"),
    (OPENAI, {"error": "too busy"}, "provider"),
    (OPENAI, {"error": {"message": "too busy", "code": 429}}, "rate_limit"),
    (RESPONSES_ROW, {"type": "error", "code": "server_is_overloaded", "message": "too busy"}, "overloaded"),
    (RESPONSES_ROW, {"type": "error", "error": {"code": "rate_limit_exceeded", "message": "too busy"}}, "rate_limit"),
    (ANTHROPIC, {"type": "error", "error": {"type": "overloaded_error", "message": "too busy"}}, "overloaded"),
    (GOOGLE, {"error": {"code": 503, "message": "too busy", "status": "UNAVAILABLE"}}, "overloaded"),
]


@every_way
@pytest.mark.parametrize(("row", "event", "type"), EVENTS)
def test_the_provider_reports_an_error_in_mid_stream(way: str, row: Provider, event: Any, type: str) -> None:
    """An error event: the SDK's exception leaks, the partial is lost, or the error passes for a lost connection."""
    pieces = [*pieces_of(row)[:3], *pieces_of(row, [event])]
    recorded = cassette(row, b"".join(pieces))
    answer = played(way, row, recorded)
    assert answer.error.__class__ is ERROR_CLASSES[type]
    told = played("wire", row, recorded).completion
    assert told.error is not None
    assert told.error.message == "too busy"
    assert answer.completion.error == told.error
    assert (answer.completion.status, answer.completion.content) == ("failed", told.content)
    assert fold(answer.deltas) == answer.completion


@every_way
def test_a_bedrock_exception_frame(way: str) -> None:
    """Bedrock's own way to report an error in mid-stream is skipped, or passes for a lost connection."""
    pieces = [*pieces_of(BEDROCK)[:3], _frame_error("throttlingException")]
    answer = played(way, BEDROCK, cassette(BEDROCK, b"".join(pieces)))
    assert answer.error is not None
    assert (answer.error.info.type, answer.error.info.code) == ("rate_limit", "throttlingException")
    assert answer.error.info.message == "too busy"
    assert answer.completion.status == "failed"
    assert answer.completion.message_id == "msg_01Zy"


@every_way
def test_an_anthropic_error_inside_a_bedrock_frame(way: str) -> None:
    """An Anthropic error event in a frame is dropped by the SDK or by us."""
    event = {"type": "error", "error": {"type": "overloaded_error", "message": "too busy"}}
    recorded = cassette(BEDROCK, b"".join([*pieces_of(BEDROCK)[:3], *frames(event)]))
    answer = played(way, BEDROCK, recorded)
    assert answer.completion.status == "failed"
    assert answer.completion == played("wire", BEDROCK, recorded).completion


@pytest.mark.parametrize("way", ["reference", "reference+sync"])
@every_sdk
@pytest.mark.parametrize(
    ("body", "status", "type", "code"),
    [
        (b"", "interrupted", "interrupted", "stream_incomplete"),
        (b'{"error": {"message": "busy", "type": "server_error", "code": "x"}}', "failed", None, None),
        (b"<!DOCTYPE html><p>Sign in</p>", "failed", "protocol", "html"),
        (b"upstream unavailable", "failed", "protocol", "not_a_stream"),
    ],
    ids=["empty", "json-error", "html", "text"],
)
def test_success_with_a_body_that_is_no_stream(
    way: str, row: Provider, body: bytes, status: str, type: str | None, code: str | None
) -> None:
    """Status 200 over an error: taken for an answer without content."""
    recorded = cassette(row, body, **{"content-type": "application/json"})
    answer = played(way, row, recorded)
    assert answer.error is not None
    assert answer.completion.status == status
    assert type is None or (answer.error.info.type, answer.error.info.code) == (type, code)
    assert answer.completion == played("wire", row, recorded).completion


@pytest.mark.parametrize("way", ["sdk", "sdk+sync"])
@every_sdk
@pytest.mark.parametrize(
    "body",
    [b"", b'{"error": {"message": "busy", "type": "server_error"}}', b"<p>Sign in</p>", b"data: {\n\n", b"\x00" * 99],
)
def test_the_sdks_never_leak_or_lie_on_a_body_that_is_no_stream(way: str, row: Provider, body: bytes) -> None:
    """What the SDKs do with such bodies differs (some see nothing, some assert); none of it is a completion."""
    answer = played(way, row, cassette(row, body))
    assert answer.error is not None
    assert answer.completion.status in ("failed", "interrupted")
    assert answer.error.info.type in ("interrupted", "protocol", "server", "provider")
    assert answer.error.info.code != "connection_failed"


@every_way
@every_sdk
def test_success_without_a_body(way: str, row: Provider) -> None:
    """Status 204: an SDK that asks for 200 raises where others see an empty stream; none of it is a completion."""
    answer = played(way, row, cassette(row, b"", 204))
    assert answer.error is not None
    assert answer.completion.status in ("failed", "interrupted")
    assert answer.completion.content == ()
