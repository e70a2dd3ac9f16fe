"""Grading what a library does not offer: its completion laid on the wire's, so that requirements find their places.

What is not offered is taken from the wire (`full`) or left out (`bare`); a requirement that holds with it only is
about something not offered. docs/capabilities.md has the rules in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..capabilities import Capabilities
from ..completion import Completion, ErrorInfo, ToolCall, Usage, part_to_json
from ..decoders.base import Diagnostic
from ..jsontext import JSON, JSONObject, is_json, loads
from ..paths import Path, parse_path
from ..requirements import Finding, Requirement, check, check_all
from ..verdict import Verdict
from .alignment import aligned
from .finish import is_unnamed, same_finish
from .offered import attribute, offers

_AFTER_AN_ERROR = ("content", "tool_calls", "usage", "raw_usage", "finish_reason", "raw_finish_reason",
                   "message_id", "model", "choices", "details", "diagnostics")  # fmt: skip
_WHOLE = ("raw_usage", "finish_reason", "raw_finish_reason", "message_id", "model", "choices")
_COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens")
_ERROR = ("type", "code", "message", "status_code", "request_id", "retry_after")


@dataclass(frozen=True, slots=True)
class View:
    """What an adapter said, as requirements see it.

    completion: with what the library does not offer taken from the wire. wire, full: JSON of the wire's completion and
    of that one, with `details` and `diagnostics`. bare: the same without what is not offered. hidden: places that this
    stream lets no such library show.
    """

    completion: Completion
    wire: JSONObject
    full: JSONObject
    bare: JSONObject
    capabilities: Capabilities | None = None
    hidden: tuple[Path, ...] = ()

    def offers(self, path: str) -> bool:
        """Whether what a requirement's path is about is offered."""
        if self.capabilities is None:
            return True
        steps = parse_path(path)
        if len(steps) > 1 and isinstance(steps[1], int) and steps[1] < 0:
            steps = (steps[0], len(self.full[str(steps[0])]) + steps[1], *steps[2:])
        if any(steps[: len(prefix)] == prefix for prefix in self.hidden):
            return False
        return offers(self.capabilities, steps, self.wire)

    def mapped(self, change: Callable[[JSONObject], JSONObject]) -> View:
        """The view of changed documents."""
        return replace(self, full=change(self.full), bare=change(self.bare))

    def check(self, facts: Sequence[Requirement]) -> list[Finding]:
        """Every requirement of a case; `not_offered` for what the library does not have."""
        asked = [fact for fact in facts if self.offers(fact.path)]
        found = dict(zip((id(fact) for fact in asked), check_all(asked, self.full), strict=True))
        return [self._finding(fact, found.get(id(fact))) for fact in facts]

    def _finding(self, fact: Requirement, found: Finding | None) -> Finding:
        if found is None:
            return check(fact, self.bare)._replace(verdict=Verdict.NOT_OFFERED, got="not offered", reading=None)
        if self.capabilities is None or found.verdict is not Verdict.PASS:
            return found
        bare = check(fact, self.bare)
        return found if bare.verdict is Verdict.PASS else found._replace(verdict=Verdict.NOT_OFFERED, got=bare.got)


@dataclass(frozen=True, slots=True)
class Told:
    """A completion and what stands beside it."""

    completion: Completion
    details: Mapping[str, JSON]
    diagnostics: Sequence[Diagnostic] = ()

    def to_json(self) -> dict[str, Any]:
        """The document that requirements' paths lead through."""
        return {
            **self.completion.to_json(),
            "details": dict(self.details),
            "diagnostics": [note.to_json() for note in self.diagnostics],
        }


def view(wire: Told, got: Told, capabilities: Capabilities | None = None) -> View:
    """Lay what an adapter told on what the wire says. capabilities: None for an adapter that offers everything."""
    if capabilities is None or capabilities.strict:
        document = got.to_json()
        return View(got.completion, wire.to_json(), document, document)
    shown: Told = got
    hidden: list[Path] = []
    if not capabilities.offers("partial") and "complete" not in (got.completion.status, wire.completion.status):
        kept = replace(wire.completion, status=got.completion.status, error=got.completion.error)
        shown, hidden = replace(wire, completion=kept), [(name,) for name in _AFTER_AN_ERROR]
    return _laid(wire, shown, capabilities, hidden)


def _laid(wire: Told, got: Told, capabilities: Capabilities, hidden: list[Path]) -> View:
    content = aligned(wire.completion.content, got.completion.content, capabilities)
    hidden += [("content", n) for n in content.fillers]
    calls = _calls(wire.completion.tool_calls, got.completion.tool_calls, capabilities, hidden)
    finish = same_finish(wire.completion, got.completion, capabilities.finish_dialect)
    if is_unnamed(wire.completion, got.completion):
        hidden.append(("finish_reason",))
    completion = replace(
        got.completion,
        content=tuple(part for part in content.parts if part is not None),
        tool_calls=calls,
        usage=_usage(wire.completion.usage, got.completion.usage, capabilities),
        finish_reason=finish,
        error=_error(wire.completion.error, got.completion.error, capabilities),
    )
    completion = replace(completion, **_not_offered(wire.completion, capabilities))
    if not capabilities.offers("error.type") and "complete" not in (wire.completion.status, completion.status):
        completion = replace(completion, status=wire.completion.status)
    told = Told(
        completion, _details(wire, got, capabilities), (wire, got)[capabilities.offers("diagnostics")].diagnostics
    )
    full = {**told.to_json(), "content": [part_to_json(part) if part else {} for part in content.parts]}
    bare = _bare(full, capabilities, hidden)
    return View(completion, wire.to_json(), full, bare, capabilities, tuple(hidden))


def _calls(
    wire: Sequence[ToolCall], got: Sequence[ToolCall], capabilities: Capabilities, hidden: list[Path]
) -> tuple[ToolCall, ...]:
    """The calls by their places; arguments that are shown parsed count as the wire's text when they mean the same."""
    if not capabilities.offers("tool_calls"):
        return tuple(wire)
    names = [name for name in ("id", "complete") if not capabilities.offers(f"tool_calls.{name}")]
    laid = list(got)
    for n, (ours, call) in enumerate(zip(wire, got, strict=False)):
        taken = {name: getattr(ours, name) for name in names}
        if capabilities.arguments == "object":
            if not is_json(ours.arguments) and ours.arguments:
                hidden.append(("tool_calls", n, "arguments"))  # what is cut off cannot be parsed
            if _means(call.arguments) == _means(ours.arguments):
                taken["arguments"] = ours.arguments
        laid[n] = replace(call, **taken)
    return tuple(laid)


def _means(arguments: str) -> JSON:
    """The arguments parsed; no arguments are an empty object, and what is no JSON is its text."""
    if not arguments:
        return {}
    return loads(arguments) if is_json(arguments) else ("no JSON", arguments)


def _usage(wire: Usage, got: Usage, capabilities: Capabilities) -> Usage:
    return replace(got, **{n: getattr(wire, n) for n in _COUNTS if not capabilities.offers(f"usage.{n}")})


def _error(wire: ErrorInfo | None, got: ErrorInfo | None, capabilities: Capabilities) -> ErrorInfo | None:
    if wire is None or got is None:
        return got
    return replace(got, **{n: getattr(wire, n) for n in _ERROR if not capabilities.offers(f"error.{n}")})


def _not_offered(wire: Completion, capabilities: Capabilities) -> dict[str, Any]:
    """The plain fields that are not offered, as the wire has them."""
    return {name: getattr(wire, name) for name in _WHOLE if not capabilities.offers(name)}


def _details(wire: Told, got: Told, capabilities: Capabilities) -> dict[str, JSON]:
    shown = {name: value for name, value in got.details.items() if capabilities.offers(f"details.{name}")}
    return {**shown, **{n: v for n, v in wire.details.items() if not capabilities.offers(f"details.{n}")}}


def _bare(full: JSONObject, capabilities: Capabilities, hidden: Iterable[Path]) -> JSONObject:
    """The document without what is not offered; places of parts and calls stay."""
    bare = {name: value for name, value in full.items() if capabilities.offers_some(name) or name == "status"}
    bare["content"] = [_bare_part(part, capabilities) for part in full["content"]]
    bare["tool_calls"] = [_bare_members("tool_calls", call, capabilities) for call in full["tool_calls"]]
    for name in ("usage", "details", "error"):
        if full[name]:
            bare[name] = _bare_members(name, full[name], capabilities)
    for path in sorted(hidden, key=len, reverse=True):
        if len(path) == 1:
            bare.pop(str(path[0]), None)
        elif path[0] == "content":
            bare["content"][path[1]] = {}
        else:
            del bare[str(path[0])][path[1]][path[2]]
    return bare


def _bare_part(part: JSONObject, capabilities: Capabilities) -> JSONObject:
    kind = part.get("type", "")
    return {
        n: v for n, v in part.items() if capabilities.offers(attribute(kind, n) if n != "type" else f"content.{kind}")
    }


def _bare_members(name: str, members: JSONObject, capabilities: Capabilities) -> JSONObject:
    return {n: v for n, v in members.items() if capabilities.offers(f"{name}.{n}")}
