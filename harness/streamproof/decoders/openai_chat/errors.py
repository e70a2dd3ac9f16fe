"""Errors in a Chat Completions stream, which every server writes in its own way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...jsontext import JSON, JSONObject
from .parts import compact, word

_MESSAGE_FIELDS = ("message", "detail", "msg", "status_msg", "failed_generation")
_STATUS_FIELDS = ("status_code", "status", "http_code", "code")


def is_flat_error(name: str, payload: JSONObject) -> bool:
    """Whether an event without choices is itself the error object, which normally stands under `error`.

    Known: an SSE event named `error`; `object: "error"` (vLLM, SGLang); `type: "error"`; `detail` (Mistral, FastAPI
    servers); `code` and `message` (Alibaba).
    """
    if payload.get("error"):
        return False
    if name == "error":
        return True
    if "choices" in payload:
        return False
    is_said = payload.get("object") == "error" or payload.get("type") == "error" or bool(payload.get("detail"))
    return is_said or (bool(payload.get("code")) and isinstance(payload.get("message"), str))


def error_fields(value: JSON, around: JSONObject, note: Callable[[str, str], None]) -> dict[str, Any]:
    """Arguments of `Decoder.fail` from an error object, or from a bare string; around: the object it stood in.

    A numeric code is the provider's HTTP status where it can be one (OpenRouter:
    https://openrouter.ai/docs/api-reference/errors-and-debugging).
    """
    body = value if isinstance(value, dict) else {}
    if isinstance(inner := body.get("error"), dict) and word(body.get("message")) is None:
        body = inner
    metadata: JSONObject = found if isinstance(found := body.get("metadata"), dict) else {}
    kind, code = word(body.get("type")), body.get("code", body.get("status_code"))
    statuses = [_status(place.get(name)) for place in (body, around) for name in _STATUS_FIELDS]
    texts = [word(place.get(name)) for place in (body, around) for name in _MESSAGE_FIELDS]
    said = next((text for text in texts if text), None)
    return {
        "code": (code if isinstance(code, str) else compact(code, note)) if code not in (None, "") else kind,
        "message": value if isinstance(value, str) else said or compact(value, note),
        "status_code": next((status for status in statuses if status), None),
        "words": (kind, body.get("status"), metadata.get("error_type")),
    }


def _status(value: JSON) -> int | None:
    """An HTTP status: a number, or one spelled as text."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdecimal():
        value = int(value)
    return value if type(value) is int and 100 <= value <= 599 else None
