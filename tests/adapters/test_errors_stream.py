"""Errors in mid-stream over real HTTP, through `ask`: every protocol's own form, and how connections break."""

from __future__ import annotations

import json
from threading import Timer
from typing import Any

import pytest
from adapter_kit import ANTHROPIC, BEDROCK, GOOGLE, OPENAI, RESPONSES_ROW, TABLE, pieces_of
from live_kit import PATIENCE, asked, each_library, each_sdk, each_side, ended, playing, run, shows
from streamproof.errors import ERROR_CLASSES, LLMInterruptedError
from streamproof.providers import Provider
from streamproof.replay.exchanges import Ended
from streamproof.replay.script import Reset, Send, ShortBody, Stall, Step, Withhold
from streamproof.wire.eventstream import encode_frame

pytestmark = pytest.mark.filterwarnings("error")

FIRST = "Let me "
EVENTS_TO_TEXT = {"openai_chat": 4, "openai_responses": 6, "anthropic_messages": 7, "gemini_generate_content": 2}
REQUEST_ID = [("x-request-id", "req_head")]

GROQ = TABLE["openai_compatible", "openai_chat"]
OPENROUTER = TABLE["openrouter", "openai_chat"]
_FAILED = {"id": "resp_7f", "status": "failed", "error": {"code": "server_error", "message": "too busy"}}
_CHUNK = {"id": "gen-1", "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]}


def begun(row: Provider) -> bytes:
    """The small stream up to its first text."""
    return b"".join(pieces_of(row)[: EVENTS_TO_TEXT[row.protocol]])


def sse(payload: Any, name: str = "") -> bytes:
    """One server-sent event."""
    return f"{f'event: {name}' if name else ''}\ndata: {json.dumps(payload)}\n\n".lstrip("\n").encode()


def exception_frame(name: str) -> bytes:
    """Bedrock's exception frame."""
    headers = {":message-type": "exception", ":exception-type": name, ":content-type": "application/json"}
    return encode_frame(headers, b'{"message":"too busy"}')


REPORTED: list[tuple[str, Provider, bytes, str, str | None]] = [
    ("openai", OPENAI, sse({"error": {"message": "too busy", "type": "server_error", "code": None}}), "server", None),
    ("text", OPENAI, sse({"error": "too busy"}), "provider", None),
    (
        "groq",
        GROQ,
        sse({"error": {"message": "too busy", "type": "invalid_request_error", "code": "tool_use_failed"}}, "error"),
        "bad_request",
        "tool_use_failed",
    ),
    ("openrouter", OPENROUTER, sse({**_CHUNK, "error": {"code": 502, "message": "too busy"}}), "server", "502"),
    ("openrouter-429", OPENROUTER, sse({**_CHUNK, "error": {"code": 429, "message": "too busy"}}), "rate_limit", "429"),
    ("gpustack", GROQ, b'error: {"message": "too busy", "code": 503}\n\n', "overloaded", "503"),
    ("vllm", GROQ, sse({"object": "error", "message": "too busy", "code": 400}), "bad_request", "400"),
    (
        "responses-flat",
        RESPONSES_ROW,
        sse({"type": "error", "code": "server_is_overloaded", "message": "too busy"}, "error"),
        "overloaded",
        "server_is_overloaded",
    ),
    (
        "responses-nested",
        RESPONSES_ROW,
        sse({"type": "error", "error": {"type": "requests", "code": "rate_limit_exceeded", "message": "too busy"}}),
        "rate_limit",
        "rate_limit_exceeded",
    ),
    (
        "responses-failed",
        RESPONSES_ROW,
        sse({"type": "response.failed", "response": _FAILED}),
        "server",
        "server_error",
    ),
    (
        "anthropic",
        ANTHROPIC,
        sse({"type": "error", "error": {"type": "overloaded_error", "message": "too busy"}}, "error"),
        "overloaded",
        "overloaded_error",
    ),
    ("bedrock", BEDROCK, exception_frame("throttlingException"), "rate_limit", "throttlingException"),
    (
        "google",
        GOOGLE,
        sse({"error": {"code": 503, "message": "too busy", "status": "UNAVAILABLE"}}),
        "overloaded",
        "UNAVAILABLE",
    ),
]


@each_side
@pytest.mark.parametrize(
    ("row", "event", "type", "code"), [each[1:] for each in REPORTED], ids=[each[0] for each in REPORTED]
)
def test_the_provider_reports_it(row: Provider, event: bytes, type: str, code: str | None, sync: bool) -> None:
    """An error event is taken for text, for the end, or for a broken connection; what had come is dropped."""
    with playing(row, Send(begun(row)), Send(event), headers=REQUEST_ID) as server:
        got = run(asked(server, row), sync=sync)
        info = got.failed.info
        assert got.failed.__class__ is ERROR_CLASSES[type]
        assert "too busy" in info.message
        assert code is None or info.code == code
        assert (got.completion.text, got.completion.status) == (FIRST, "failed")
        assert got.completion.finish_reason in (None, "error")  # OpenRouter writes one
        assert (got.failed.provider, got.failed.model, info.request_id) == (row.name, "some-model", "req_head")
        assert got.failed.latency is not None
        assert got.stream.stop_reason == "error"


BROKEN: list[tuple[tuple[Step, ...], str, Ended]] = [
    ((Withhold("text"), Reset()), "connection_lost", "reset_by_us"),
    ((Withhold("text"), ShortBody()), "connection_lost", "short"),
    ((), "stream_incomplete", "complete"),
]


@each_side
@each_sdk
@pytest.mark.parametrize(("steps", "code", "how"), BROKEN, ids=["reset", "short", "clean"])
def test_the_connection_breaks(row: Provider, steps: tuple[Step, ...], code: str, how: Ended, sync: bool) -> None:
    """A reset, a short chunked body or a clean end too early: success, or an SDK's exception."""
    breaks(row, steps, code, how, sync=sync)


@each_side
@each_library
def test_the_server_falls_silent(row: Provider, sync: bool) -> None:
    """No byte for as long as the timeout says: the call waits for ever."""
    breaks(row, (Stall(),), "idle_timeout", "client_closed", sync=sync, timeout=0.4)


def breaks(
    row: Provider, steps: tuple[Step, ...], code: str, how: Ended, *, sync: bool, timeout: float = PATIENCE
) -> None:
    """After the first text comes what the steps say; the error has to say so and to carry the text."""
    is_first = shows(FIRST)
    with playing(row, Send(begun(row)), *steps, headers=REQUEST_ID) as server:
        stream = asked(server, row, timeout=timeout)
        got = run(stream, sync=sync, emit=lambda delta: is_first(delta) and server.release("text"))
        assert got.failed.__class__ is LLMInterruptedError
        assert (got.failed.info.code, got.failed.info.request_id) == (code, "req_head")
        assert (got.failed.__cause__ is None) == (code == "stream_incomplete")
        assert (got.completion.text, got.completion.status) == (FIRST, "interrupted")
        assert got.completion.finish_reason is None
        assert got.stream.stop_reason == "error"
        assert ended(server, how)


@each_side
@each_sdk
def test_a_short_length(row: Provider, sync: bool) -> None:
    """Fewer bytes than `content-length` says, at the end of an event: taken for the end."""
    with playing(row, Send(begun(row)), ShortBody(), framing="length") as server:
        got = run(asked(server, row), sync=sync)
        assert got.failed.info.type == "interrupted"
        assert got.completion.text == FIRST


@each_side
@each_library
@pytest.mark.parametrize("last", [ShortBody(), Stall()])
def test_a_break_after_the_terminal(row: Provider, last: Step, sync: bool) -> None:
    """The answer is whole; only the connection did not end in order: an error."""
    with playing(row, Send(b"".join(pieces_of(row))), last) as server:
        got = run(asked(server, row, timeout=0.4), sync=sync)
        assert got.error is None
        assert (got.completion.status, got.completion.usage.output_tokens) == ("complete", 7)


@each_side
def test_a_timeout_is_silence_not_length(sync: bool) -> None:
    """A long answer that keeps coming is cut off although no pause was longer than the timeout."""
    pieces = pieces_of(OPENAI)
    steps = [step for number, piece in enumerate(pieces) for step in (Withhold(str(number)), Send(piece))]
    with playing(OPENAI, *steps) as server:
        timers = [Timer(0.06 * number, server.release, (str(number),)) for number in range(len(pieces))]
        for timer in timers:
            timer.start()
        got = run(asked(server, OPENAI, timeout=0.45), sync=sync)
        assert got.error is None
        assert got.completion.status == "complete"
