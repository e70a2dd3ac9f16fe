"""Errors through every adapter: HTTP statuses, lost connections, error events, bodies that are no stream."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx2
import pytest
from adapter_kit import (
    ANTHROPIC,
    BEDROCK,
    GOOGLE,
    OPENAI,
    RESPONSES_ROW,
    SDK_ROWS,
    WAYS,
    Answer,
    Watch,
    WatchedPlayback,
    ask,
    cassette,
    pieces_of,
    played,
    rows_by_sdk,
    watched,
)
from streamproof.adapters.contract import Endpoint
from streamproof.errors import ERROR_CLASSES, LLMConnectionError, LLMInterruptedError, LLMTimeoutError
from streamproof.fold import fold
from streamproof.providers import TABLE, Provider

pytestmark = pytest.mark.filterwarnings("error")

every_way = pytest.mark.parametrize("way", WAYS)
every_sdk = pytest.mark.parametrize("row", rows_by_sdk(), ids=lambda row: row.key)


def _openai(code: str | None, type: str) -> Any:
    return {"error": {"message": "said so", "type": type, "param": None, "code": code}}


def _anthropic(type: str) -> Any:
    return {"type": "error", "error": {"type": type, "message": "said so"}, "request_id": "req_body"}


def _google(code: int, status: str) -> Any:
    return {"error": {"code": code, "message": "said so", "status": status}}


AZURE = TABLE["azure", "openai_chat"]
VERTEX = TABLE["google_vertex", "gemini_generate_content"]
OPENROUTER = TABLE["openrouter", "openai_chat"]
DEEPSEEK = TABLE["deepseek", "openai_chat"]
_FILTERED = {
    "error": {
        **_openai("content_filter", "invalid_request_error")["error"],
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}},
    }
}

STATUSES: list[tuple[Provider, int, Any, str, str | None]] = [
    (OPENAI, 400, _openai("context_length_exceeded", "invalid_request_error"), "context_window", None),
    (OPENAI, 400, _openai(None, "invalid_request_error"), "bad_request", "invalid_request_error"),
    (OPENAI, 401, _openai("invalid_api_key", "invalid_request_error"), "authentication", "invalid_api_key"),
    (OPENAI, 401, _openai(None, "invalid_request_error"), "authentication", "invalid_request_error"),
    (OPENAI, 403, _openai("unsupported_country_region_territory", "request_forbidden"), "permission", None),
    (OPENAI, 404, _openai("model_not_found", "invalid_request_error"), "not_found", "model_not_found"),
    (OPENAI, 404, _openai(None, "invalid_request_error"), "not_found", "invalid_request_error"),
    (OPENAI, 409, _openai(None, "conflict"), "provider", "conflict"),
    (OPENAI, 422, {"detail": [{"loc": ["body"], "msg": "said so"}]}, "unprocessable", None),
    (OPENAI, 429, _openai("rate_limit_exceeded", "tokens"), "rate_limit", "rate_limit_exceeded"),
    (OPENAI, 429, _openai("insufficient_quota", "insufficient_quota"), "insufficient_credits", None),
    (OPENAI, 500, _openai(None, "server_error"), "server", "server_error"),
    (OPENAI, 503, _openai(None, "server_error"), "overloaded", "server_error"),
    (DEEPSEEK, 402, _openai("invalid_request_error", "unknown_error"), "insufficient_credits", None),
    (OPENROUTER, 402, {"error": {"code": 402, "message": "said so"}}, "insufficient_credits", "402"),
    (RESPONSES_ROW, 400, _openai("invalid_prompt", "invalid_request_error"), "bad_request", "invalid_prompt"),
    (RESPONSES_ROW, 429, _openai("rate_limit_exceeded", "requests"), "rate_limit", None),
    (AZURE, 400, _FILTERED, "content_filter", "content_filter"),
    (AZURE, 401, {"error": {"code": "401", "message": "said so"}}, "authentication", "401"),
    (ANTHROPIC, 400, _anthropic("invalid_request_error"), "bad_request", "invalid_request_error"),
    (ANTHROPIC, 401, _anthropic("authentication_error"), "authentication", "authentication_error"),
    (ANTHROPIC, 402, _anthropic("billing_error"), "insufficient_credits", None),
    (ANTHROPIC, 403, _anthropic("permission_error"), "permission", None),
    (ANTHROPIC, 404, _anthropic("not_found_error"), "not_found", None),
    (ANTHROPIC, 413, _anthropic("request_too_large"), "bad_request", None),
    (ANTHROPIC, 429, _anthropic("rate_limit_error"), "rate_limit", None),
    (ANTHROPIC, 500, _anthropic("api_error"), "server", None),
    (ANTHROPIC, 529, _anthropic("overloaded_error"), "overloaded", "overloaded_error"),
    (BEDROCK, 400, {"message": "said so"}, "bad_request", "validationException"),
    (BEDROCK, 403, {"message": "said so"}, "permission", "accessDeniedException"),
    (BEDROCK, 429, {"message": "said so"}, "rate_limit", "throttlingException"),
    (BEDROCK, 503, {"message": "said so"}, "overloaded", "serviceUnavailableException"),
    (GOOGLE, 400, _google(400, "INVALID_ARGUMENT"), "bad_request", "INVALID_ARGUMENT"),
    (GOOGLE, 403, _google(403, "PERMISSION_DENIED"), "permission", None),
    (GOOGLE, 404, [_google(404, "NOT_FOUND")], "not_found", "NOT_FOUND"),
    (GOOGLE, 429, _google(429, "RESOURCE_EXHAUSTED"), "rate_limit", None),
    (GOOGLE, 500, _google(500, "INTERNAL"), "server", None),
    (VERTEX, 401, [_google(401, "UNAUTHENTICATED")], "authentication", None),
    (VERTEX, 503, _google(503, "UNAVAILABLE"), "overloaded", None),
    (VERTEX, 504, _google(504, "DEADLINE_EXCEEDED"), "timeout", None),
]


def _headers(row: Provider, code: str | None) -> dict[str, str]:
    if row == BEDROCK:
        name = str(code)
        return {"x-amzn-errortype": f"{name[0].upper()}{name[1:]}:http://internal", "x-amzn-requestid": "req_head"}
    return {"request-id" if row == ANTHROPIC else "x-request-id": "req_head"}


def refused(way: str, row: Provider, status: int, body: bytes, **headers: str) -> Answer:
    """An adapter on an error response."""
    return played(way, row, cassette(row, body, status, **{"content-type": "application/json", **headers}))


@every_way
@pytest.mark.parametrize("row", [GOOGLE, VERTEX], ids=lambda row: row.key)
def test_details_of_google_errors(way: str, row: Provider) -> None:
    """Google's delay, which is in no header, and the reason beside a vague status are lost with the details."""
    delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7.5s"}
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    body = _google(400, "INVALID_ARGUMENT")
    body["error"]["details"] = [reason, 5, delay]
    for sent in (body, [body]):
        error = refused(way, row, 400, json.dumps(sent).encode()).completion.error
        assert (error.type, error.code, error.retry_after) == ("authentication", "INVALID_ARGUMENT", 7.5)
    told = refused(way, row, 400, json.dumps(body).encode(), **{"retry-after": "2"}).completion.error
    assert told.retry_after == 2.0


@pytest.mark.parametrize("way", ["wire", *WAYS])
@pytest.mark.parametrize(
    ("row", "body", "kept"),
    [
        (AZURE, _FILTERED, _FILTERED["error"]),
        (RESPONSES_ROW, _openai("context_length_exceeded", "invalid_request_error"), True),
        (OPENAI, {"error": {"message": "said so", "type": "insufficient_quota", "code": "insufficient_quota"}}, None),
        (ANTHROPIC, _anthropic("invalid_request_error"), None),
        (GOOGLE, [{"error": {**_google(400, "INVALID_ARGUMENT")["error"], "details": [{"@type": "x"}]}}], True),
        (GOOGLE, _google(400, "INVALID_ARGUMENT"), None),
        (OPENAI, {"error": "said so"}, None),
        (OPENAI, ["odd"], None),
    ],
)
def test_what_an_error_says_besides_is_kept(way: str, row: Provider, body: Any, kept: Any) -> None:
    """Which filter refused, which quota is used up, which field is wrong: gone with the body, or told twice."""
    answer = refused(way, row, 400, json.dumps(body).encode())
    whole = body[0] if isinstance(body, list) else body
    assert answer.adapter.shown.details == ({"error": whole["error"]} if kept else {})


@every_way
@pytest.mark.parametrize(("row", "status", "body", "type", "code"), STATUSES)
def test_http_errors(way: str, row: Provider, status: int, body: Any, type: str, code: str | None) -> None:
    """An SDK's class leaks, the type or word of the error is another one than the provider's, a field is lost."""
    content = json.dumps(body).encode()
    headers = {**_headers(row, code), "retry-after": "2.5"}
    answer = refused(way, row, status, content, **headers)
    error = answer.error
    assert error is not None
    info = error.info
    assert error.__class__ is ERROR_CLASSES[type]
    assert (info.type, info.status_code, info.request_id, info.retry_after) == (type, status, "req_head", 2.5)
    assert "said so" in info.message
    assert code is None or info.code == code
    assert error.latency is not None
    assert error.latency >= 0
    assert (error.provider, error.model) == (row.name, "some-model")
    assert error.__cause__ is not None
    assert (answer.completion.status, answer.completion.error) == ("failed", info)
    assert fold(answer.deltas) == answer.completion
    assert refused("wire", row, status, content, **headers).completion == answer.completion


@every_way
@every_sdk
@pytest.mark.parametrize("status", [302, 502])
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html><body>Bad Gateway</body></html>", "<html><body>Bad Gateway</body></html>"),
        (b"", "HTTP"),
        (b"null", "HTTP"),
        (b'"text"', "text"),
        (b'{"error": "no luck"}', "no luck"),
        (b'{"error": null}', "HTTP"),
        (b"[]", "HTTP"),
    ],
)
def test_error_bodies_that_are_no_error_object(way: str, row: Provider, status: int, body: bytes, message: str) -> None:
    """A gateway's page, an empty or odd body: a crash, another class than the status says, one that is retried."""
    answer = refused(way, row, status, body, **{"content-type": "text/html", "retry-after": "soon"})
    assert answer.error is not None
    assert answer.error.info.message.startswith(message)
    assert answer.error.info.status_code == status
    assert answer.error.info.retry_after is None
    assert answer.error.info.type == {302: "provider", 502: "server"}[status]
    assert refused("wire", row, status, body).completion == answer.completion


@every_way
@every_sdk
def test_an_error_body_that_is_no_utf_8(way: str, row: Provider) -> None:
    """Bytes of another encoding in an error: an exception of the decoder's leaks. (google-genai itself chokes on them,
    so that there the status is lost.)"""
    answer = refused(way, row, 502, b"\xff\xfe{")
    assert answer.error is not None
    if row.protocol != "gemini_generate_content":
        assert (answer.error.info.type, answer.error.info.message) == ("server", "\ufffd\ufffd{")


@every_way
def test_an_error_body_that_is_compressed(way: str) -> None:
    """The error's words are read from compressed bytes."""
    body = gzip.compress(json.dumps(_openai("model_not_found", "x")).encode())
    for each in (way, "wire"):
        answer = refused(each, OPENAI, 404, body, **{"content-encoding": "gzip"})
        assert answer.completion.error is not None
        assert answer.completion.error.code == "model_not_found"


@every_way
def test_the_request_id_stands_in_the_body_too(way: str) -> None:
    """A gateway drops Anthropic's header; its body still tells the request."""
    for each in (way, "wire"):
        answer = refused(each, ANTHROPIC, 500, json.dumps(_anthropic("api_error")).encode())
        assert answer.completion.error is not None
        assert answer.completion.error.request_id == "req_body"


@pytest.mark.parametrize(
    ("word", "seconds"),
    [("0", 0.0), ("nan", None), ("inf", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("", None)],
)
@every_way
def test_retry_after(way: str, word: str, seconds: float | None) -> None:
    """NaN or a date in `retry-after`, which no JSON and no `sleep` takes; or a 0 that is taken for none."""
    answer = refused(way, OPENAI, 429, b"{}", **{"retry-after": word})
    assert answer.completion.error is not None
    assert answer.completion.error.retry_after == seconds


@every_way
@every_sdk
@pytest.mark.parametrize(
    ("fault", "type", "code"),
    [
        (httpx2.ConnectError("no route"), "connection", "connection_failed"),
        (httpx2.ReadError("reset"), "connection", "connection_failed"),
        (httpx2.RemoteProtocolError("closed"), "connection", "connection_failed"),
        (httpx2.ConnectTimeout("late"), "timeout", "no_response"),
        (httpx2.ReadTimeout("silent"), "timeout", "no_response"),
    ],
)
def test_no_response_at_all(way: str, row: Provider, fault: Exception, type: str, code: str) -> None:
    """A connection that fails before the answer: retried, an SDK's own class, or no hint of what happened."""
    endpoint, watch = watched(row, [b"-"], before=fault)
    answer = ask(way, endpoint)
    assert isinstance(answer.error, {"connection": LLMConnectionError, "timeout": LLMTimeoutError}[type])
    assert (answer.error.info.type, answer.error.info.code) == (type, code)
    assert str(fault) in answer.error.info.message
    assert answer.error.__cause__ is fault or answer.error.__cause__.__cause__ is fault  # type: ignore[union-attr]
    assert answer.completion.status == "failed"
    assert answer.completion.content == ()
    assert len(watch.requests) == 1


@every_way
@every_sdk
@pytest.mark.parametrize("cut", [0, 1, -3])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (httpx2.RemoteProtocolError("peer closed connection"), "connection_lost"),
        (httpx2.ReadError("reset"), "connection_lost"),
        (httpx2.ReadTimeout("silent"), "idle_timeout"),
    ],
)
def test_a_connection_that_breaks_in_mid_stream(way: str, row: Provider, fault: Exception, code: str, cut: int) -> None:
    """A break in the body: taken for an end, for a failed connection, or what had come is dropped."""
    pieces = pieces_of(row)[:cut]
    endpoint, watch = watched(row, pieces, fault)
    answer = ask(way, endpoint)
    assert isinstance(answer.error, LLMInterruptedError)
    assert (answer.error.info.type, answer.error.info.code) == ("interrupted", code)
    assert str(fault) in answer.error.info.message
    assert answer.error.__cause__ is fault or answer.error.__cause__.__cause__ is fault  # type: ignore[union-attr]
    assert answer.completion.status == "interrupted"
    told = played("wire", row, cassette(row, b"".join(pieces) or b" ")).completion
    assert answer.completion.content == told.content
    assert fold(answer.deltas) == answer.completion
    assert (len(watch.requests), watch.closed) == (1, 1)


@every_way
@every_sdk
def test_a_connection_that_breaks_after_the_terminal(way: str, row: Provider) -> None:
    """A whole answer is thrown away because the connection was not closed in order."""
    endpoint, _ = watched(row, pieces_of(row), httpx2.RemoteProtocolError("late"))
    answer = ask(way, endpoint)
    assert answer.error is None
    assert answer.completion == played("wire", row, cassette(row, b"".join(pieces_of(row)))).completion


@every_way
@every_sdk
def test_a_clean_end_before_the_terminal(way: str, row: Provider) -> None:
    """No SDK raises here: a cut answer that passes for a whole one."""
    recorded = cassette(row, b"".join(pieces_of(row)[:-3]))
    answer = played(way, row, recorded)
    assert isinstance(answer.error, LLMInterruptedError)
    assert answer.error.info.code == "stream_incomplete"
    assert answer.error.__cause__ is None
    assert answer.completion == played("wire", row, recorded).completion


@every_way
@pytest.mark.parametrize("row", SDK_ROWS, ids=lambda row: row.key)
@pytest.mark.parametrize("status", [429, 500])
def test_nothing_is_retried(way: str, row: Provider, status: int) -> None:
    """A retry in a replay: the second answer would be graded."""
    watch = Watch([b"{}"])
    recorded = cassette(row, b"{}", status, **{"content-type": "application/json", "retry-after": "0"})
    answer = ask(way, Endpoint(provider=row, playback=WatchedPlayback(row, recorded, watch)))
    assert answer.error is not None
    assert answer.error.info.status_code == status
    assert (len(watch.requests), watch.closed) == (1, 1)


@every_way
@pytest.mark.parametrize("row", [GOOGLE, VERTEX], ids=lambda row: row.key)
@pytest.mark.parametrize("reason", ["CONTINUATION", None])
def test_no_continuation_is_asked_for(way: str, row: Provider, reason: str | None) -> None:
    """google-genai asks again by itself for what a token continues, hides the reason and adds the counts up."""
    candidate = {"content": {"role": "model", "parts": [{"text": "Half"}]}, "continuationToken": "QUJD"}
    chunk = {"candidates": [candidate | ({"finishReason": reason} if reason else {})]}
    endpoint, watch = watched(row, [f"data: {json.dumps(chunk)}\r\n\r\n".encode()])
    completion = ask(way, endpoint).completion
    assert len(watch.requests) == 1
    assert (completion.finish_reason, completion.status) == (reason, "complete" if reason else "interrupted")


@every_way
def test_a_call_that_the_sdk_refuses_to_send(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that never left is reported as a lost connection."""
    endpoint, watch = watched(OPENAI, pieces_of(OPENAI))

    def broken(*_: Any, **__: Any) -> Any:
        raise TypeError("no such argument")

    monkeypatch.setattr("streamproof.adapters.clients.openai_client.OpenAIClient._resource", broken)
    answer = ask(way, endpoint)
    assert answer.error is not None
    assert (answer.error.info.type, answer.error.info.code) == ("bad_request", "TypeError")
    assert watch.requests == []


@every_way
def test_an_extra_that_is_not_installed(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package of ours is reported as the provider's failure."""
    endpoint, _ = watched(OPENAI, pieces_of(OPENAI))

    def missing(*_: Any, **__: Any) -> Any:
        raise ModuleNotFoundError("No module named 'botocore'")

    monkeypatch.setattr("streamproof.adapters.clients.openai_client.OpenAIClient._resource", missing)
    with pytest.raises(ModuleNotFoundError, match="botocore"):
        ask(way, endpoint)
