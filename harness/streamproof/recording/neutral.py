"""A recorded request in the neutral words of a case's `call`: what can be told; the author mends the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from .. import jsontext
from ..cassette import Interaction

TODO = "TODO"
"""What stands where an author has to write."""

_MODEL_IN_PATH = re.compile(r"/(?:models|model|deployments)/([^/:]+(?::\d+)?)")
_LIMITS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens", "maxTokens")
_ROLES: Mapping[object, str] = {
    "model": "assistant",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}


def call_of(interaction: Interaction) -> dict[str, Any]:
    """`metadata.call` of a request: model, messages as text, tools, limit of the output. Never raises."""
    try:
        body = jsontext.loads(interaction.request_body.decode("utf-8"))
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    path = _MODEL_IN_PATH.search(urlsplit(interaction.uri).path)
    model = body.get("model")
    call: dict[str, Any] = {
        "model": model if isinstance(model, str) and model else unquote(path[1]) if path else TODO,
        "messages": [*_system(body), *_messages(body)] or [{"role": "user", "content": TODO}],
        "tools": list(_tools(body.get("tools"))),
        "max_output_tokens": _limit(body),
    }
    return {name: value for name, value in call.items() if value}


def _system(body: Mapping[str, Any]) -> list[dict[str, str]]:
    given = body.get("system") or body.get("instructions") or body.get("systemInstruction")
    text = _text(given)
    return [{"role": "system", "content": text}] if text else []


def _messages(body: Mapping[str, Any]) -> Iterable[dict[str, str]]:
    given = body.get("messages") or body.get("input") or body.get("contents")
    if isinstance(given, str):
        yield {"role": "user", "content": given}
    for message in given if isinstance(given, list) else ():
        text = _text(message)
        if text and isinstance(message, dict):
            yield {"role": _ROLES.get(message.get("role"), "user"), "content": text}


def _text(value: Any) -> str:
    """The text in a message, wherever its protocol puts it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(_text, value))
    if not isinstance(value, dict):
        return ""
    return _text(value.get("text") or value.get("content") or value.get("parts"))


def _tools(given: Any) -> Iterable[dict[str, Any]]:
    for tool in given if isinstance(given, list) else ():
        if not isinstance(tool, dict):
            continue
        declared = tool.get("functionDeclarations")
        yield from _tools(declared)
        inner = tool.get("function") or tool.get("toolSpec") or tool
        names = ("parameters", "input_schema", "parametersJsonSchema", "inputSchema")
        found = next((inner[name] for name in names if isinstance(inner, dict) and name in inner), None)
        if isinstance(inner, dict) and isinstance(inner.get("name"), str) and isinstance(found, dict):
            kept = {
                "name": inner["name"],
                "description": inner.get("description"),
                "parameters": found.get("json", found),
            }
            yield {name: value for name, value in kept.items() if value is not None}


def _limit(body: Mapping[str, Any]) -> int | None:
    places = (body, body.get("generationConfig"), body.get("inferenceConfig"))
    found = (place[name] for place in places if isinstance(place, dict) for name in _LIMITS if name in place)
    return next((value for value in found if isinstance(value, int) and value > 0), None)
