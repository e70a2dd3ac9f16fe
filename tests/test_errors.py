"""Errors: what they say, and which one it is."""

from __future__ import annotations

from typing import Any

import pytest
from streamproof.completion import Completion, ErrorInfo
from streamproof.errors import (
    ERROR_CLASSES,
    AdapterError,
    CassetteError,
    HarnessFault,
    LLMCancelledError,
    LLMError,
    LLMInterruptedError,
    LLMOverloadedError,
    LLMRateLimitError,
    LLMServerError,
    StreamproofError,
    UsageError,
    classify,
    llm_error,
)


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ({}, "it is broken"),
        ({"file": "a.yaml"}, "a.yaml: it is broken"),
        ({"case": "openai_chat/text"}, "openai_chat/text: it is broken"),
        ({"file": "a.yaml", "case": "openai_chat/text"}, "a.yaml: it is broken"),
        ({"place": "event 12"}, "event 12: it is broken"),
        ({"file": "a.yaml", "place": "line 7"}, "a.yaml: line 7: it is broken"),
        (
            {"file": "a.yaml", "place": "line 7", "remedy": "Mend it."},
            "a.yaml: line 7: it is broken (Mend it.)",
        ),
        ({"remedy": "Mend it."}, "it is broken (Mend it.)"),
    ],
)
def test_text_names_file_place_and_remedy(where: dict[str, Any], text: str) -> None:
    """Whoever reads one line has to know where to look and what to do."""
    error = CassetteError("it is broken", **where)
    assert str(error) == text
    assert error.message == "it is broken"


@pytest.mark.parametrize("kind", [CassetteError, AdapterError, UsageError])
def test_what_others_can_mend_is_one_family(kind: type[StreamproofError]) -> None:
    """The command line catches the family."""
    assert issubclass(kind, StreamproofError)


def test_a_harness_fault_passes_every_except_exception() -> None:
    """anthropic wraps and retries any Exception that a transport raises; ours has to get through."""
    assert not issubclass(HarnessFault, Exception)


@pytest.mark.parametrize(
    ("words", "status", "kind"),
    [
        (("rate_limit_exceeded",), None, "rate_limit"),
        (("insufficient_quota",), 429, "insufficient_credits"),
        (("context_length_exceeded", "invalid_request_error"), 400, "context_window"),
        (("invalid_request_error", "context_length_exceeded"), 400, "context_window"),
        ((None, "overloaded_error"), None, "overloaded"),
        (("overloaded_error",), 529, "overloaded"),
        (("RESOURCE_EXHAUSTED",), 429, "rate_limit"),
        (("UNAVAILABLE",), 503, "overloaded"),
        (("throttlingException",), 200, "rate_limit"),
        (("validationException",), None, "bad_request"),
        (("api_error",), 500, "server"),
        (("content_policy_violation",), 400, "content_filter"),
        (("never_heard_of",), 429, "rate_limit"),
        ((429, "x"), 401, "authentication"),
        ((), 402, "insufficient_credits"),
        ((), 403, "permission"),
        ((), 404, "not_found"),
        ((), 408, "timeout"),
        ((), 413, "bad_request"),
        ((), 422, "unprocessable"),
        ((), 500, "server"),
        ((), 502, "server"),
        ((), 599, "server"),
        ((), 418, "provider"),
        (("never_heard_of",), None, "provider"),
        (({}, [], None, 5), None, "provider"),
    ],
)
def test_classify(words: tuple[object, ...], status: int | None, kind: str) -> None:
    """The telling word wins, then the status; what nobody knows is `provider`, never a guess."""
    assert classify(*words, status_code=status) == kind


@pytest.mark.parametrize(
    ("word", "message", "kind"),
    [
        ("invalid_request_error", "prompt is too long: 7 tokens > 5 maximum", "context_window"),
        ("invalid_request_error", "input length and `max_tokens` exceed context limit: 4 + 3 > 5", "context_window"),
        ("validationException", "Input is too long for requested model.", "context_window"),
        (
            "INVALID_ARGUMENT",
            "The input token count (7) exceeds the maximum number of tokens allowed (5).",
            "context_window",
        ),
        (
            "INVALID_ARGUMENT",
            "The input token count exceeds the maximum number of tokens allowed (5).",
            "context_window",
        ),
        ("BadRequestError", "This model's maximum context length is 5 tokens.", "context_window"),
        ("invalid_request_error", "max_tokens: 9 > 5, which is the maximum", "bad_request"),
        ("rate_limit_error", "prompt is too long for your rate limit", "rate_limit"),
    ],
)
def test_a_prompt_that_is_too_long(word: str, message: str, kind: str) -> None:
    """Providers without a word for it: taken for a malformed request, an agent never compacts its history."""
    assert classify(word, status_code=429 if kind == "rate_limit" else 400, message=message) == kind


def test_every_type_has_a_class() -> None:
    """A type without a class would raise KeyError in the middle of reporting an error."""
    for name, kind in ERROR_CLASSES.items():
        assert issubclass(kind, LLMError)
        assert type(llm_error(ErrorInfo(type=name))) is kind
    known = {classify(status_code=status) for status in range(400, 600)}
    assert known <= set(ERROR_CLASSES)


def test_llm_error_carries_what_had_arrived() -> None:
    """The partial completion is the reason why these errors exist."""
    partial = Completion(model="m-1")
    info = ErrorInfo(type="rate_limit", message="slow down", code="rate_limit_exceeded", status_code=429, retry_after=2)
    error = llm_error(info, partial=partial, provider="openai", model="m-1", latency=0.5)
    assert type(error) is LLMRateLimitError
    assert (error.partial, error.info, error.latency) == (partial, info, 0.5)
    assert str(error) == "openai/m-1: slow down (status 429, code rate_limit_exceeded)"


@pytest.mark.parametrize(
    ("info", "about", "text"),
    [
        (ErrorInfo(type="server", message="m"), {}, "m"),
        (ErrorInfo(type="server", message="m", code="c"), {"provider": "p"}, "p: m (code c)"),
        (ErrorInfo(type="server", message="m", status_code=500), {"model": "x"}, "x: m (status 500)"),
    ],
)
def test_llm_error_text_leaves_out_what_is_not_known(info: ErrorInfo, about: dict[str, Any], text: str) -> None:
    """No `None` in a message."""
    assert str(llm_error(info, **about)) == text


def test_families_can_be_caught() -> None:
    """Overload is a server error, a cancellation an interruption."""
    assert issubclass(LLMOverloadedError, LLMServerError)
    assert issubclass(LLMCancelledError, LLMInterruptedError)
