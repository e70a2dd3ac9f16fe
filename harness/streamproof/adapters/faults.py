"""What went wrong outside the decoders, as `ErrorInfo`: HTTP errors, lost connections, the SDKs' exceptions.

Duck-typed on purpose: the wire adapter maps HTTP errors without importing an SDK, and SDK classes never leak.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from ..completion import ErrorInfo
from ..errors import classify
from ..jsontext import JSON, loads
from ..rpc_status import reasons, retry_delay

ERROR_STATUS = 300
"""From here on a response is no stream: the SDKs follow no redirect and raise."""

REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id")
"""Where providers name a request (OpenAI and most others, Anthropic, AWS, Azure); the first that is there counts."""

_TIMEOUTS = {"APITimeoutError", "TimeoutException", "TimeoutError"}
_CONNECTIONS = {"APIConnectionError", "TransportError", "OSError"}

LOST: Mapping[tuple[str, bool], tuple[str, str]] = {
    ("timeout", False): ("timeout", "no_response"),
    ("timeout", True): ("interrupted", "idle_timeout"),
    ("connection", False): ("connection", "connection_failed"),
    ("connection", True): ("interrupted", "connection_lost"),
}
"""What happened on the way, and whether the response had begun -> type and code."""


def request_id(headers: Mapping[str, str]) -> str | None:
    """The provider's name for the request, None when it gave none. headers: lower-case names."""
    return next((headers[name] for name in REQUEST_ID_HEADERS if headers.get(name)), None)


def http_error(status: int, headers: Mapping[str, str], content: bytes, now: float | None = None) -> ErrorInfo:
    """A response with a status from ERROR_STATUS on. headers: lower-case names. content: the body, no longer encoded.
    now: Unix time, for a `retry-after` date in a response that does not say when it was sent; None in a replay.

    Shapes: {"error": {...}} (OpenAI, Google, Anthropic with `type`), {"error": "text"}, {"detail"} (Mistral, FastAPI),
    {"message"} (AWS), [{"error": ...}] (Google streams), text.
    """
    body = _parsed(content)
    error = _inner(body)
    code = error.get("code")
    # Google's status is a word; Azure's is the HTTP status again
    state, details = error.get("status"), error.get("details")
    words = (state if isinstance(state, str) else None, code, error.get("type"), _aws_word(headers), *reasons(details))
    word = next((str(w) for w in words if w not in (None, "")), None)
    message = str(error.get("message") or error.get("detail") or (body if isinstance(body, str) else ""))
    retry_after = _retry_after(headers, now)
    return ErrorInfo(
        type=_content_filter(error) or classify(*words, status_code=status, message=message),
        code=word,
        message=message[:2000] or f"HTTP {status}",
        status_code=status,
        request_id=request_id(headers) or _own_id(body),
        retry_after=retry_delay(details) if retry_after is None else retry_after,
    )


def error_object(content: bytes) -> Mapping[str, Any]:
    """The error object of such a response, `{}` where it has none. content: its body, no longer encoded."""
    return _inner(_parsed(content))


def sdk_error(exception: Exception, now: float | None = None) -> ErrorInfo | None:
    """An SDK's exception for a response with an error status, None when it is something else. now: as above.

    All three keep the response, its body read: APIStatusError of openai and anthropic, google.genai.errors.APIError.
    """
    response = getattr(exception, "response", None)
    status = getattr(response, "status_code", None)
    if response is None or not isinstance(status, int) or status < ERROR_STATUS:
        return None
    headers = {name.lower(): value for name, value in response.headers.items()}
    return http_error(status, headers, response.content, now)


def sdk_error_object(exception: Exception | None) -> Mapping[str, Any]:
    """The error object of the response that an SDK raised, `{}` when it raised something else."""
    refused = exception is not None and sdk_error(exception) is not None
    return error_object(exception.response.content) if refused else {}  # type: ignore[union-attr]


def sdk_error_event(exception: Exception) -> JSON:
    """The error event that an SDK raised in mid-stream instead of delivering it, as JSON; None when there was none."""
    names = _class_names(exception)
    if names & (_TIMEOUTS | _CONNECTIONS) or "APIError" not in names or sdk_error(exception) is not None:
        return None
    body = getattr(exception, "body", None) or getattr(exception, "details", None)
    if isinstance(body, Mapping) and "error" in body:
        return body
    return {"error": body if body is not None else str(exception)}


def lost(exception: Exception, *, started: bool) -> ErrorInfo:
    """A connection that could not be made, or that broke while the answer came (`started`).

    Anything else is a request that the SDK refused to send, or an answer that it could not read.
    """
    names = _class_names(exception)
    # an SDK's own words for it ("Connection error.") say less than what it wraps
    message = str(exception.__cause__ or "") or str(exception) or type(exception).__name__
    fault = "timeout" if names & _TIMEOUTS else "connection" if names & _CONNECTIONS else ""
    unread = ("protocol" if started else "bad_request", type(exception).__name__)
    type_, code = LOST.get((fault, started), unread)
    return ErrorInfo(type=type_, code=code, message=message)


def _class_names(exception: Exception) -> set[str]:
    return {cls.__name__ for cls in type(exception).__mro__}


def _inner(body: JSON) -> Mapping[str, Any]:
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, Mapping):
        inner = body.get("error")
        if isinstance(inner, Mapping):
            return inner
        return {"message": inner} if isinstance(inner, str) else body
    return {}


def _content_filter(error: Mapping[str, Any]) -> str | None:
    # Azure: 400 with the verdict of each filter in `innererror`, which other errors of Azure have too
    inner = error.get("innererror")
    filtered = isinstance(inner, Mapping) and inner.get("code") == "ResponsibleAIPolicyViolation"
    return "content_filter" if filtered else None


def _aws_word(headers: Mapping[str, str]) -> str | None:
    # "ThrottlingException:http://..." -> the event stream's own spelling, throttlingException
    name = headers.get("x-amzn-errortype", "").split(":")[0]
    return name[:1].lower() + name[1:] if name else None


def _own_id(body: JSON) -> str | None:
    # Anthropic writes it into the body as well
    found = body.get("request_id") if isinstance(body, Mapping) else None
    return found if isinstance(found, str) else None


def _retry_after(headers: Mapping[str, str], now: float | None) -> float | None:
    """Seconds to wait: `retry-after-ms` (OpenAI, Azure: openai-python, _base_client.py), else `retry-after`, which is a
    number or a date (RFC 9110 section 10.2.3). A date counts from the response's own `date`; one that is past is 0."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get("retry-after")
    seconds, then = _number(said), _time(said)
    if seconds is not None or then is None:
        return seconds
    sent = _time(headers.get("date"))
    since = now if sent is None else sent
    return None if since is None else max(0.0, then - since)


def _number(text: str | None) -> float | None:
    try:
        number = math.nan if text is None else float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _time(text: str | None) -> float | None:
    """Unix time of an HTTP date."""
    try:
        return None if text is None else parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _parsed(content: bytes) -> JSON:
    text = content.decode("utf-8", "replace")
    try:
        return loads(text)
    except ValueError:
        return text
