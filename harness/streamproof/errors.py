"""Everything streamproof raises, grouped by who has to mend it.

* the author of a case or cassette: `CassetteError`
* the author of an adapter: `AdapterError`
* the provider, or the way to it: the `LLMError` family, which carries what had arrived
* streamproof itself: `HarnessFault`, a BaseException since the anthropic SDK wraps and retries any Exception
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .verdict import Verdict

if TYPE_CHECKING:
    from .completion import Completion, ErrorInfo


class StreamproofError(Exception):
    """A fault that somebody outside can mend; says where it is and what to do.

    file: path of the file at fault. case: its case id. place: where inside (`line 7`, `metadata.requirements[2]`,
    `event 12`). remedy: the next step, an imperative sentence.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        case: str | None = None,
        place: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message, self.file, self.case, self.place, self.remedy = message, file, case, place, remedy

    def __str__(self) -> str:
        where = ": ".join(str(part) for part in (self.file or self.case, self.place) if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} ({self.remedy})" if self.remedy else text


class CassetteError(StreamproofError):
    """A cassette or its metadata is damaged."""


class AdapterError(StreamproofError):
    """An adapter broke the contract: it crashed, hung, or said what it may not say."""


class CellFault(AdapterError):
    """An adapter's fault that has a verdict of its own: `hang`, `crash`, `unsupported`."""

    def __init__(self, verdict: Verdict, message: str, **where: str | None) -> None:
        """where: as for StreamproofError."""
        super().__init__(message, **where)
        self.verdict = verdict


class Unsupported(CellFault):
    """For adapters to raise: the library cannot do what this call asks. The cell is `unsupported`, not failed."""

    def __init__(self, message: str, **where: str | None) -> None:
        super().__init__(Verdict.UNSUPPORTED, message, **where)


class UsageError(StreamproofError, ValueError):
    """A request that cannot be carried out: an unknown provider, protocol or case."""


class HarnessFault(BaseException):
    """streamproof is at fault, or a replay was asked for what the cassette does not hold.

    Not an Exception: SDKs catch, wrap and retry those.
    """


class LLMError(Exception):
    """The provider reported an error, or its stream could not be brought to its end.

    info: the normalized error. partial: the completion as far as it came, never dropped.
    provider, model: what was asked. latency: seconds from the request to the error, None when not measured.
    """

    def __init__(
        self,
        info: ErrorInfo,
        *,
        partial: Completion | None = None,
        provider: str | None = None,
        model: str | None = None,
        latency: float | None = None,
    ) -> None:
        super().__init__(info.message)
        self.info, self.partial, self.provider, self.model, self.latency = info, partial, provider, model, latency

    def __str__(self) -> str:
        info = self.info
        facts = [f"{name} {value}" for name, value in (("status", info.status_code), ("code", info.code)) if value]
        where = "/".join(part for part in (self.provider, self.model) if part)
        return (f"{where}: " if where else "") + info.message + (f" ({', '.join(facts)})" if facts else "")


class LLMConnectionError(LLMError):
    """No connection, or none that lasted until the answer began."""


class LLMTimeoutError(LLMError):
    """The provider did not answer in time, or said that it ran out of time."""


class LLMRateLimitError(LLMError):
    """Too many requests or tokens; `info.retry_after` says how many seconds to wait, when the provider did."""


class LLMBadRequestError(LLMError):
    """The request is malformed."""


class LLMAuthenticationError(LLMError):
    """The key is missing or wrong."""


class LLMPermissionError(LLMError):
    """The key may not do this."""


class LLMNotFoundError(LLMError):
    """No such model or path."""


class LLMUnprocessableError(LLMError):
    """Well-formed, yet refused."""


class LLMContextWindowError(LLMError):
    """The prompt does not fit into the model's context window."""


class LLMContentFilterError(LLMError):
    """A filter refused the request before any output."""


class LLMServerError(LLMError):
    """The provider failed."""


class LLMOverloadedError(LLMServerError):
    """The provider has no capacity now; retry later."""


class LLMInsufficientCreditsError(LLMError):
    """The account has no credit or quota left."""


class LLMInterruptedError(LLMError):
    """The stream ended before its terminal event."""


class LLMCancelledError(LLMInterruptedError):
    """The caller or the provider cancelled the response."""


class LLMProtocolError(LLMError):
    """The bytes are not the protocol: a broken frame, malformed JSON, an HTML page."""


ERROR_CLASSES: dict[str, type[LLMError]] = {
    "connection": LLMConnectionError,
    "timeout": LLMTimeoutError,
    "rate_limit": LLMRateLimitError,
    "bad_request": LLMBadRequestError,
    "authentication": LLMAuthenticationError,
    "permission": LLMPermissionError,
    "not_found": LLMNotFoundError,
    "unprocessable": LLMUnprocessableError,
    "context_window": LLMContextWindowError,
    "content_filter": LLMContentFilterError,
    "server": LLMServerError,
    "overloaded": LLMOverloadedError,
    "insufficient_credits": LLMInsufficientCreditsError,
    "interrupted": LLMInterruptedError,
    "cancelled": LLMCancelledError,
    "protocol": LLMProtocolError,
    "provider": LLMError,
}
"""`ErrorInfo.type` -> class: the one list of error types. `provider` is an error that no rule below knows."""

BY_CODE: dict[str, str] = {
    # OpenAI: https://platform.openai.com/docs/guides/error-codes; Responses: openai.types.responses.ResponseError
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_error": "rate_limit",
    "insufficient_quota": "insufficient_credits",
    "invalid_api_key": "authentication",
    "model_not_found": "not_found",
    "context_length_exceeded": "context_window",
    "exceed_context_size_error": "context_window",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
    "server_error": "server",
    "server_is_overloaded": "overloaded",
    "invalid_prompt": "bad_request",
    # Anthropic: https://docs.anthropic.com/en/api/errors
    "invalid_request_error": "bad_request",
    "authentication_error": "authentication",
    "billing_error": "insufficient_credits",
    "permission_error": "permission",
    "not_found_error": "not_found",
    "request_too_large": "bad_request",
    "timeout_error": "timeout",
    "api_error": "server",
    "overloaded_error": "overloaded",
    # Google: google.rpc.Code names, https://ai.google.dev/gemini-api/docs/troubleshooting
    "API_KEY_INVALID": "authentication",  # google.rpc.ErrorInfo.reason, beside INVALID_ARGUMENT
    "INVALID_ARGUMENT": "bad_request",
    "FAILED_PRECONDITION": "bad_request",
    "UNAUTHENTICATED": "authentication",
    "PERMISSION_DENIED": "permission",
    "NOT_FOUND": "not_found",
    "RESOURCE_EXHAUSTED": "rate_limit",
    "CANCELLED": "cancelled",
    "INTERNAL": "server",
    "UNAVAILABLE": "overloaded",
    "DEADLINE_EXCEEDED": "timeout",
    # Bedrock: botocore's bedrock-runtime model, the exceptions of ResponseStream and ConverseStreamOutput
    "throttlingException": "rate_limit",
    "validationException": "bad_request",
    "modelTimeoutException": "timeout",
    "internalServerException": "server",
    "modelStreamErrorException": "server",
    "serviceUnavailableException": "overloaded",
}

BY_STATUS: dict[int, str] = {
    400: "bad_request",
    401: "authentication",
    402: "insufficient_credits",
    403: "permission",
    404: "not_found",
    408: "timeout",
    413: "bad_request",
    422: "unprocessable",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}

VAGUE = frozenset({"bad_request", "server"})
"""What catch-all words mean. A status that we know says more: OpenAI sends `invalid_request_error` with 401 and 404,
`server_error` with 503."""

BY_MESSAGE: dict[str, str] = {
    # Anthropic: https://github.com/anthropics/claude-code/issues/9585
    "prompt is too long": "context_window",
    "exceed context limit": "context_window",
    # Bedrock's validationException
    "input is too long": "context_window",
    # Google: https://github.com/google-gemini/gemini-cli/issues/4118
    "input token count .{0,20}exceeds": "context_window",
    # OpenAI's own words, without its code also from vLLM and others
    "maximum context length": "context_window",
    "exceeds the (available )?context (size|window)": "context_window",
    # Anthropic, with status 400 and invalid_request_error
    "credit balance is too low": "insufficient_credits",
    # DeepSeek: https://api-docs.deepseek.com/quick_start/error_codes; Z.ai's code 1113, which comes with status 429
    "insufficient balance": "insufficient_credits",
    # Google, with INVALID_ARGUMENT; the reason API_KEY_INVALID is not always beside it
    "API key (not valid|expired)": "authentication",
}
"""How providers say what they have no word for: a regular expression, found anywhere in the message in any case."""

_MESSAGES = [(re.compile(pattern, re.IGNORECASE), type_) for pattern, type_ in BY_MESSAGE.items()]


def classify(*words: object, status_code: int | None = None, message: str = "") -> str:
    """The `ErrorInfo.type` for a provider's words (code, type, ...; most telling first), message and HTTP status.

    The first that says something counts: a word that is not a catch-all, the message, the status, a catch-all word.
    """
    types = [BY_CODE[word] for word in words if isinstance(word, str) and word in BY_CODE]
    telling = next((type_ for type_ in types if type_ not in VAGUE), None)
    if telling is not None:
        return telling
    said = next((type_ for pattern, type_ in _MESSAGES if pattern.search(message)), None)
    if said is not None:
        return said
    if status_code in BY_STATUS:
        return BY_STATUS[status_code]
    if types:
        return types[0]
    return "server" if status_code is not None and status_code >= 500 else "provider"


def llm_error(
    info: ErrorInfo,
    *,
    partial: Completion | None = None,
    provider: str | None = None,
    model: str | None = None,
    latency: float | None = None,
) -> LLMError:
    """The exception for a normalized error, of the class that its type names."""
    return ERROR_CLASSES[info.type](info, partial=partial, provider=provider, model=model, latency=latency)
