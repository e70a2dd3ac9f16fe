"""Errors as servers of the Messages API report them, inside a stream or as the whole body."""

from __future__ import annotations

from typing import Any

from ...jsontext import JSON, JSONObject
from ..blocks import text_or_none


def read_error(kind: str, payload: JSONObject) -> dict[str, Any] | None:
    """The arguments of `Decoder.fail` when a payload is, or holds, an error; else None.

    kind: the event's type. Forms: Anthropic {"type": "error", "error": {type, message}, "request_id"}
    (anthropic.types.BetaErrorResponse), also without its `type` or under another event's; OpenAI {"error": {code,
    message, type}} (llama.cpp: recording); Google {"error": {code, message, status}} (Vertex); a bare {"error": text};
    MiniMax {"base_resp"}.
    """
    error = payload.get("error")
    if kind == "error" or payload.get("type") == "error" or isinstance(error, dict) or text_or_none(error):
        return error_fields(payload)
    return _read_base_resp(payload)


def error_fields(payload: JSONObject) -> dict[str, Any]:
    """The arguments of `Decoder.fail` for a payload that is known to be an error, whatever its form."""
    error = payload.get("error")
    body = error if isinstance(error, dict) else payload
    word = body.get("type")
    told = (body.get("code"), None if word == "error" else word, body.get("status"), body.get("__type"))
    words = tuple(text_or_none(word) for word in told)
    numbers = [_number(body.get(name)) for name in ("code", "http_code", "status", "status_code")]
    number = next((number for number in numbers if number is not None), None)
    return {
        "code": next((word for word in words if word), number),
        "message": text_or_none(error) or text_or_none(body.get("message")) or "",
        "status_code": number,
        "words": words,
        "request_id": text_or_none(payload.get("request_id")) or text_or_none(body.get("request_id")),
        "said": error,
    }


def _read_base_resp(payload: JSONObject) -> dict[str, Any] | None:
    """MiniMax: HTTP 200 with {"base_resp": {status_code, status_msg}}, 0 for success. Its codes are no HTTP statuses.

    Source: https://platform.minimax.io/docs/api-reference/errorcode
    """
    answer = payload.get("base_resp")
    if not isinstance(answer, dict):
        return None
    number = _number(answer.get("status_code"))
    if not number:
        return None
    return {"code": number, "message": text_or_none(answer.get("status_msg")) or "", "said": answer}


def _number(value: JSON) -> int | None:
    """A status code, also one that is written as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 6:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
