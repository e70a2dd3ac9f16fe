"""Errors over real HTTP: every way in which a request is refused or lost before its stream, through `ask`."""

from __future__ import annotations

import json
import socket
from email.utils import formatdate
from typing import Any

import pytest
from adapter_kit import ANTHROPIC, BEDROCK, GOOGLE, OPENAI, RESPONSES_ROW, TABLE
from live_kit import Got, asked, each_library, each_sdk, each_side, ended, playing, refusing, run
from streamproof.errors import ERROR_CLASSES, LLMConnectionError, LLMTimeoutError
from streamproof.providers import Provider
from streamproof.replay.script import Reset, Response, Stall
from streamproof.replay.server import LoopbackServer

pytestmark = pytest.mark.filterwarnings("error")

AZURE = TABLE["azure", "openai_chat"]
ZAI = TABLE["zai", "openai_chat"]
DEEPSEEK = TABLE["deepseek", "openai_chat"]
OPENROUTER = TABLE["openrouter", "openai_chat"]
VERTEX = TABLE["google_vertex", "gemini_generate_content"]


def openai(code: str | None = None, type: str = "invalid_request_error", message: str = "said so", **more: Any) -> Any:
    """An error as OpenAI writes it."""
    return {"error": {"message": message, "type": type, "param": None, "code": code, **more}}


def anthropic(type: str = "invalid_request_error", message: str = "said so") -> Any:
    """An error as Anthropic writes it."""
    return {"type": "error", "error": {"type": type, "message": message}, "request_id": "req_body"}


def google(code: int, status: str, message: str = "said so", *details: Any) -> Any:
    """An error as Google writes it."""
    return {"error": {"code": code, "message": message, "status": status, "details": list(details)}}


_TOO_LONG = "prompt is too long: 208310 tokens > 200000 maximum"
_TOO_MANY = "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576)."
_POOR = "Your credit balance is too low to access the Anthropic API."
_NO_KEY = "API key not valid. Please pass a valid API key."
_REASON = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
_FILTERED = openai("content_filter", innererror={"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}})
_CONTEXT = "This model's maximum context length is 8192 tokens."

REFUSED: list[tuple[Provider, int, Any, str]] = [
    (OPENAI, 401, openai("invalid_api_key"), "authentication"),
    (RESPONSES_ROW, 401, openai(), "authentication"),
    (ANTHROPIC, 401, anthropic("authentication_error"), "authentication"),
    (GOOGLE, 401, google(401, "UNAUTHENTICATED"), "authentication"),
    (GOOGLE, 400, google(400, "INVALID_ARGUMENT", _NO_KEY, _REASON), "authentication"),
    (GOOGLE, 400, google(400, "INVALID_ARGUMENT", _NO_KEY), "authentication"),
    (OPENAI, 403, openai("unsupported_country_region_territory", "request_forbidden"), "permission"),
    (ANTHROPIC, 403, anthropic("permission_error"), "permission"),
    (VERTEX, 403, google(403, "PERMISSION_DENIED"), "permission"),
    (OPENAI, 404, openai("model_not_found"), "not_found"),
    (ANTHROPIC, 404, anthropic("not_found_error"), "not_found"),
    (GOOGLE, 404, google(404, "NOT_FOUND"), "not_found"),
    (OPENAI, 408, openai(None, "timeout"), "timeout"),
    (ANTHROPIC, 408, {"message": "said so"}, "timeout"),
    (OPENAI, 422, {"detail": [{"loc": ["body"], "msg": "said so"}]}, "unprocessable"),
    (ANTHROPIC, 422, {"detail": "said so"}, "unprocessable"),
    (OPENAI, 429, openai("rate_limit_exceeded", "tokens"), "rate_limit"),
    (ANTHROPIC, 429, anthropic("rate_limit_error"), "rate_limit"),
    (GOOGLE, 429, google(429, "RESOURCE_EXHAUSTED"), "rate_limit"),
    (OPENAI, 429, openai("insufficient_quota", "insufficient_quota"), "insufficient_credits"),
    (
        ZAI,
        429,
        {"error": {"code": "1113", "message": "Insufficient balance or no resource package."}},
        "insufficient_credits",
    ),
    (OPENAI, 400, openai("context_length_exceeded", message=_CONTEXT), "context_window"),
    (DEEPSEEK, 400, openai("invalid_request_error", message=_CONTEXT), "context_window"),
    (ANTHROPIC, 400, anthropic(message=_TOO_LONG), "context_window"),
    (GOOGLE, 400, google(400, "INVALID_ARGUMENT", _TOO_MANY), "context_window"),
    (BEDROCK, 400, {"message": "Input is too long for requested model."}, "context_window"),
    (ANTHROPIC, 400, anthropic(), "bad_request"),
    (GOOGLE, 400, google(400, "INVALID_ARGUMENT"), "bad_request"),
    (AZURE, 400, _FILTERED, "content_filter"),
    (AZURE, 400, openai(innererror={"code": "ResponsibleAIPolicyViolation"}), "content_filter"),
    (AZURE, 400, openai(innererror={"code": "SomethingElse"}), "bad_request"),
    (DEEPSEEK, 402, openai(None, "unknown_error"), "insufficient_credits"),
    (OPENROUTER, 402, {"error": {"code": 402, "message": "said so"}}, "insufficient_credits"),
    (ANTHROPIC, 400, anthropic(message=_POOR), "insufficient_credits"),
    (OPENAI, 500, openai(None, "server_error"), "server"),
    (ANTHROPIC, 500, anthropic("api_error"), "server"),
    (GOOGLE, 500, google(500, "INTERNAL"), "server"),
    (OPENAI, 503, openai(None, "server_error"), "overloaded"),
    (GOOGLE, 503, google(503, "UNAVAILABLE"), "overloaded"),
    (BEDROCK, 503, {"message": "said so"}, "overloaded"),
    (ANTHROPIC, 529, anthropic("overloaded_error"), "overloaded"),
]


def told(got: Got, row: Provider) -> None:
    """Who was asked and when; the SDK's exception is the cause and nothing else."""
    error = got.failed
    assert (error.provider, error.model) == (row.name, "some-model")
    assert error.latency is not None
    assert error.latency >= 0
    assert error.partial == got.completion
    assert error.__class__ is ERROR_CLASSES[error.info.type]
    assert error.__class__.__module__.startswith("streamproof")
    assert got.stream.stop_reason == "error"


@each_side
@pytest.mark.parametrize(("row", "status", "body", "type"), REFUSED)
def test_a_refused_request(row: Provider, status: int, body: Any, type: str, sync: bool) -> None:
    """Another class than the answer's, a retry, or a fact that is lost on the way."""
    header = {"anthropic": "request-id", "bedrock": "x-amzn-requestid"}.get(row.name, "x-request-id")
    content = json.dumps(body).encode()
    with refusing(status, content, (header, "req_1"), ("retry-after", "7")) as server:
        got = run(asked(server, row), sync=sync)
        told(got, row)
        info = got.failed.info
        assert (info.type, info.status_code, info.request_id, info.retry_after) == (type, status, "req_1", 7.0)
        assert info.message in content.decode() or "said so" in info.message
        assert got.failed.__cause__ is not None
        assert (got.completion.status, got.completion.content) == ("failed", ())
        assert ended(server, "complete")


def _dates(seconds: int, *, sent: bool) -> tuple[tuple[str, str], ...]:
    now = 1_790_000_000
    said = ("retry-after", formatdate(now + seconds, usegmt=True))
    return (said, ("date", formatdate(now, usegmt=True))) if sent else (said,)


@each_side
@each_sdk
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((("retry-after", "2.5"),), 2.5),
        ((("retry-after", "0"),), 0.0),
        ((("retry-after-ms", "1500"), ("retry-after", "2")), 1.5),
        ((("retry-after-ms", "soon"), ("retry-after", "2")), 2.0),
        (_dates(90, sent=True), 90.0),
        (_dates(-90, sent=True), 0.0),
        ((("retry-after", "-3"),), None),
        ((("retry-after", "Wed, 99 Foo 2026"),), None),
        ((), None),
    ],
)
def test_how_long_to_wait(row: Provider, headers: Any, seconds: float | None, sync: bool) -> None:
    """Seconds, milliseconds or a date, which counts from the response's own: a wrong span, or a negative one."""
    with refusing(429, b"{}", *headers) as server:
        assert run(asked(server, row), sync=sync).failed.info.retry_after == seconds


def test_a_date_without_a_date_header() -> None:
    """The clock stands in for it."""
    with refusing(429, b"{}", ("retry-after", formatdate(None, usegmt=True))) as server:
        waited = run(asked(server, OPENAI), sync=True).failed.info.retry_after
        assert waited is not None
        assert 0 <= waited < 60
    with refusing(429, b"{}", ("retry-after", "Tue, 01 Jan 2199 00:00:00 GMT")) as server:
        waited = run(asked(server, OPENAI), sync=True).failed.info.retry_after
        assert waited is not None
        assert waited > 1e9


def test_google_says_it_in_the_body() -> None:
    """`RetryInfo` instead of a header."""
    delay = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7.5s"}
    with refusing(429, json.dumps(google(429, "RESOURCE_EXHAUSTED", "said so", delay)).encode()) as server:
        assert run(asked(server, GOOGLE), sync=True).failed.info.retry_after == 7.5


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@each_side
@each_sdk
def test_a_refused_connection(row: Provider, sync: bool) -> None:
    """Nobody listens: an SDK's own class, or nothing of what happened."""
    got = run(asked(f"http://127.0.0.1:{_free_port()}", row), sync=sync)
    told(got, row)
    assert isinstance(got.failed, LLMConnectionError)
    assert (got.failed.info.code, got.failed.info.status_code) == ("connection_failed", None)
    assert got.completion.status == "failed"


@each_side
@each_sdk
def test_a_failed_tls_handshake(row: Provider, sync: bool) -> None:
    """https to a port that speaks plain HTTP."""
    with refusing(200, b"{}") as server:
        got = run(asked(server.base_url.replace("http://", "https://"), row), sync=sync)
        told(got, row)
        assert isinstance(got.failed, LLMConnectionError)
        assert "SSL" in got.failed.info.message


@each_side
@each_library
def test_no_answer_in_time(row: Provider, sync: bool) -> None:
    """The server takes the request and is silent."""
    with playing(row, before=(Stall(),)) as server:
        got = run(asked(server, row, timeout=0.2), sync=sync)
        told(got, row)
        assert isinstance(got.failed, LLMTimeoutError)
        assert got.failed.info.code == "no_response"
        assert ended(server, "client_closed")


@each_side
@each_sdk
def test_a_reset_before_the_answer(row: Provider, sync: bool) -> None:
    """The connection dies with the request: it is sent again."""
    with LoopbackServer(lambda _: Response(before=(Reset(),))) as server:
        got = run(asked(server, row), sync=sync)
        told(got, row)
        assert isinstance(got.failed, LLMConnectionError)
        assert ended(server, "reset_by_us")


@each_side
@each_sdk
def test_an_answer_that_is_no_http(row: Provider, sync: bool) -> None:
    """Another protocol on the port: the HTTP library's own exception leaks."""
    head = [("content-length", "no number")]
    with LoopbackServer(lambda _: Response(200, head, (), "close")) as server:
        got = run(asked(server, row), sync=sync)
        told(got, row)
        assert got.failed.info.type in ("connection", "protocol")


PAGE = b"<!DOCTYPE html><html><title>Sign in</title></html>"


@each_side
@each_sdk
@pytest.mark.parametrize(
    ("status", "body", "kind", "type"),
    [
        (200, json.dumps(openai("rate_limit_exceeded", "requests")).encode(), "application/json", "rate_limit"),
        (200, json.dumps({"error": {"message": _TOO_LONG}}).encode(), "application/json", "context_window"),
        (200, PAGE, "text/html", "protocol"),
        (200, b"upstream connect error", "text/plain", "protocol"),
        (200, b"", "text/event-stream", "interrupted"),
        (502, PAGE, "text/html", "server"),
        (503, PAGE, "text/html", "overloaded"),
        (302, PAGE, "text/html", "provider"),
    ],
    ids=["json-error", "json-too-long", "html", "text", "empty", "html-502", "html-503", "html-302"],
)
def test_a_body_that_is_no_stream(row: Provider, status: int, body: bytes, kind: str, type: str, sync: bool) -> None:
    """An error behind status 200, or a gateway's page, is taken for an answer without content."""
    with refusing(status, body, ("x-request-id", "req_1"), kind=kind) as server:
        got = run(asked(server, row), sync=sync)
        told(got, row)
        assert (got.failed.info.type, got.failed.info.request_id) == (type, "req_1")
        assert got.completion.content == ()
