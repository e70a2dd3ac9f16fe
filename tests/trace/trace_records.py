"""Records for the tests of the trace, all invented."""

from __future__ import annotations

from typing import Any

from streamproof.completion import Completion, ReasoningPart, TextPart, ToolCall, ToolCallPart, Usage
from streamproof.trace import ProviderTrace

START = 1_700_000_000_000_000_000

REQUEST: dict[str, Any] = {
    "model": "wren-1",
    "messages": [
        {"role": "system", "content": "INSTRUCTION-TEXT"},
        {"role": "user", "content": "QUESTION-TEXT"},
    ],
    "tools": [{"type": "function", "function": {"name": "lookup", "description": "TOOL-TEXT", "parameters": {}}}],
    "metadata": {"note": "METADATA-TEXT"},
    "temperature": 0.5,
    "max_tokens": 64,
    "stream": True,
}
CONTENT = ("INSTRUCTION-TEXT", "QUESTION-TEXT", "TOOL-TEXT", "METADATA-TEXT", "ANSWER-TEXT", "THOUGHT-TEXT", "ARG-TEXT")


def completion(**changes: Any) -> Completion:
    """A completion with reasoning, text and one call."""
    fields: dict[str, Any] = {
        "content": (ReasoningPart(text="THOUGHT-TEXT"), TextPart(text="ANSWER-TEXT"), ToolCallPart(index=0)),
        "tool_calls": (ToolCall(id="call_1", name="lookup", arguments='{"q":"ARG-TEXT"}', complete=True),),
        "usage": Usage(input_tokens=12, output_tokens=7, cached_input_tokens=0),
        "finish_reason": "tool_calls",
        "raw_finish_reason": "tool_calls",
        "status": "complete",
        "model": "wren-1-2026",
        "message_id": "chatcmpl-1",
        "raw_usage": {"prompt_tokens": 12, "completion_tokens": 7},
    }
    return Completion(**{**fields, **changes})


def trace(**changes: Any) -> ProviderTrace:
    """A record of a call that went well."""
    fields: dict[str, Any] = {
        "provider": "openai",
        "protocol": "openai_chat",
        "model": "wren-1",
        "request": REQUEST,
        "url": "https://api.openai.com/v1/chat/completions",
        "started_at": START,
        "latency": 1.5,
        "time_to_first_token": 0.25,
        "completion": completion(),
        "request_id": "req_1",
        "state": "completed",
    }
    return ProviderTrace(**{**fields, **changes})
