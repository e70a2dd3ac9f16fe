"""Which field a path or a part is about, by the names of capabilities.FIELDS; and which of them a completion has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, fields, replace
from typing import Any

from ..capabilities import Capabilities
from ..completion import Completion, Part
from ..jsontext import JSON, JSONObject
from ..paths import Path, resolve

_ATTRIBUTES: Mapping[tuple[str, str], str] = {
    ("text", "annotations"): "content.text.annotations",
    ("reasoning", "summary"): "content.reasoning.summary",
    ("reasoning", "signature"): "content.reasoning.signature",
    ("reasoning", "encrypted"): "content.reasoning.encrypted",
    ("reasoning", "kind"): "content.reasoning.encrypted",
}
_OF_ANY_KIND: Mapping[str, str] = {
    "signature": "content.signatures",
    "id": "content.ids",
    "phase": "content.ids",
    "kind": "content.ids",
    "extra": "content.ids",
    "requires_approval": "content.ids",
}
_OF_CALLS: Mapping[object, str] = {"id": "tool_calls.id", "complete": "tool_calls.complete"}
_ALWAYS = ("status", "error")
"""Every library says whether a stream ended well, be it by an exception."""


def attribute(kind: str, name: str) -> str:
    """The field that an attribute of a part of this type belongs to."""
    return _ATTRIBUTES.get((kind, name)) or _OF_ANY_KIND.get(name) or f"content.{kind}"


def field_of(path: Path, wire: JSONObject) -> str:
    """The field that a path is about; of content, by the kind of part that the wire has there."""
    head, *rest = path
    if head == "content" and rest:
        part = resolve(wire, path[:2])
        kind = part.get("type") if isinstance(part, Mapping) else None
        if not isinstance(kind, str):
            return "content"
        return attribute(kind, str(rest[1])) if len(rest) > 1 else f"content.{kind}"
    if head == "tool_calls":
        return _OF_CALLS.get(rest[1], "tool_calls") if len(rest) > 1 else "tool_calls"
    if head in ("usage", "error", "details") and rest:
        return f"{head}.{rest[0]}"
    return str(head)


def offers(capabilities: Capabilities, path: Path, wire: JSONObject) -> bool:
    """Whether what a path is about is offered. wire: the completion that the bytes give, as JSON."""
    name = field_of(path, wire)
    return name in _ALWAYS or (
        capabilities.offers_some(name) if name in ("content", "usage") else capabilities.offers(name)
    )


def stripped(part: Part, capabilities: Capabilities) -> Part | None:
    """A part without what is not offered of it; None when that leaves nothing."""
    if not capabilities.offers(f"content.{part.type}"):
        return None
    taken = {
        f.name: f.default
        for f in fields(part)
        if f.default is not MISSING and not capabilities.offers(attribute(part.type, f.name))
    }
    left = replace(part, **taken)
    return None if part.carries_something() and not left.carries_something() else left


def present(completion: Completion, details: Mapping[str, JSON], diagnostics: object) -> Iterator[str]:
    """The fields that a completion and what stands beside it have, each at least once."""
    for part in completion.content:
        yield f"content.{part.type}"
        for f in fields(part):
            if getattr(part, f.name) != f.default:
                yield attribute(part.type, f.name)
    for call in completion.tool_calls:
        yield "tool_calls"
        yield from ("tool_calls.id",) if call.id is not None else ()
        yield from () if call.complete else ("tool_calls.complete",)
    counts: dict[str, Any] = asdict(completion.usage)
    yield from (f"usage.{name}" for name, count in counts.items() if name != "estimated" and count is not None)
    for name in ("raw_usage", "finish_reason", "raw_finish_reason", "message_id", "model", "choices"):
        if getattr(completion, name) not in (None, ()):
            yield name
    if completion.error is not None:
        yield from (f"error.{name}" for name, value in asdict(completion.error).items() if value not in (None, ""))
    if completion.status != "complete" and (completion.content or completion.tool_calls):
        yield "partial"
    yield from ("details", *(f"details.{name}" for name in details)) if details else ()
    yield from ("diagnostics",) if diagnostics else ()
