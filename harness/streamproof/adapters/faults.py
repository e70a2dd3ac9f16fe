"""What went wrong outside the decoders, as `ErrorInfo`: HTTP errors, lost connections, the SDKs' exceptions.

Duck-typed on purpose: the wire adapter maps HTTP errors without importing an SDK, and SDK classes never leak.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..completion import ErrorInfo
from ..errors import classify
from ..jsontext import JSON

_REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id")
_TIMEOUTS = {"APITimeoutError", "TimeoutException", "TimeoutError"}
_CONNECTIONS = {"APIConnectionError", "TransportError", "OSError"}


def http_error(status: int, headers: Mapping[str, str], body: JSON) -> ErrorInfo:
    """A response with status >= 400. headers: lower-case names. body: parsed JSON, or text where it is none.

    Shapes: {"error": {...}} (OpenAI, Google, Anthropic with `type`), the inner object alone (as openai's exception has
    it), {"detail"} (Mistral, FastAPI), {"message"} (AWS), [{"error": ...}] (Google streams), text.
    """
    error = _inner(body)
    code = error.get("code")
    words = (error.get("status"), code, error.get("type"), _aws_word(headers))
    word = next((str(w) for w in words if w not in (None, "")), None)
    message = error.get("message") or error.get("detail") or (body if isinstance(body, str) else "")
    return ErrorInfo(
        type=_content_filter(error) or classify(*words, status_code=status),
        code=word,
        message=str(message)[:2000] or f"HTTP {status}",
        status_code=status,
        request_id=next((headers[name] for name in _REQUEST_ID_HEADERS if name in headers), None),
        retry_after=_seconds(headers.get("retry-after")),
    )


def sdk_error(exception: Exception) -> ErrorInfo | None:
    """An SDK's exception for a response with status >= 400, None when it is something else."""
    response = getattr(exception, "response", None)
    status = getattr(exception, "status_code", None) or getattr(exception, "code", None)
    if response is None or not isinstance(status, int) or status < 400:
        return None
    body = getattr(exception, "body", None)
    if body is None:
        body = getattr(exception, "details", None) or str(exception)
    return http_error(status, {name.lower(): value for name, value in response.headers.items()}, body)


def sdk_error_event(exception: Exception) -> JSON:
    """The error event that an SDK raised in mid-stream instead of delivering it, as JSON; None when there was none."""
    names = _class_names(exception)
    if names & (_TIMEOUTS | _CONNECTIONS) or not names & {"APIError"}:
        return None
    body = getattr(exception, "body", None) or getattr(exception, "details", None)
    if isinstance(body, Mapping):
        return body if "error" in body else {"error": body}
    return None


def lost(exception: Exception, *, started: bool) -> ErrorInfo:
    """A connection that could not be made, or that broke while the answer came (`started`)."""
    names = _class_names(exception)
    timeout = bool(names & _TIMEOUTS)
    message = str(exception) or type(exception).__name__
    if started:
        code = "idle_timeout" if timeout else "connection_lost" if names & _CONNECTIONS else type(exception).__name__
        return ErrorInfo(type="interrupted", code=code, message=message)
    return ErrorInfo(type="timeout" if timeout else "connection", code=type(exception).__name__, message=message)


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
    # Azure: 400 with innererror.code ResponsibleAIPolicyViolation and the verdict of each filter beside it
    return "content_filter" if isinstance(error.get("innererror"), Mapping) else None


def _aws_word(headers: Mapping[str, str]) -> str | None:
    # "ThrottlingException:http://..." -> the event stream's own spelling, throttlingException
    name = headers.get("x-amzn-errortype", "").split(":")[0]
    return name[:1].lower() + name[1:] if name else None


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
