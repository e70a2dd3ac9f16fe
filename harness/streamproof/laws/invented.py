"""The law `nothing-invented`: every part, call, count and known finish reason of a completion is the wire's.

It accuses of inventing only: what is lost, or read otherwise than the case says, is for the requirements. So it is
lenient: a text may be cut up, joined, or stand in another part, a count may be the provider's own before it is
normalized.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from ..completion import Completion, Part, ReasoningPart, part_to_json
from ..jsontext import JSON, is_json
from ..requirements import shown
from .deltas import same_call
from .evidence import Breach, Evidence
from .truth import squeezed

_KNOWN_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter"})
"""Words that a caller acts on; an adapter may have others for what it does not know."""

_COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens")
_SHARES = frozenset(_COUNTS[2:])
"""Counts that are a part of another one: beside it, 0 may stand for what the provider leaves out."""

_OWN: Mapping[str, tuple[str, ...]] = {
    "input_tokens": ("prompt_tokens", "input_tokens", "promptTokenCount", "inputTokens"),
    "output_tokens": ("completion_tokens", "output_tokens", "candidatesTokenCount", "outputTokens"),
}
"""The providers' names of the totals. Where one of them says 0, so may the library: xAI's completion_tokens leaves
reasoning out (https://docs.x.ai/docs/key-information/consumption-and-rate-limits)."""

_VOUCHES: Mapping[str, frozenset[str]] = {
    "media": frozenset({"media", "server_tool", "unknown"}),
    "citation": frozenset({"citation", "server_tool", "unknown"}),
    "server_tool": frozenset({"server_tool", "unknown", "tool_call", "media", "citation"}),
}
"""Part type -> types of the wire's parts of which a library may make one. Gemini's grounding can be
read as a search that it ran."""


def nothing_invented(evidence: Evidence) -> Iterator[Breach]:
    """Every part, call, count and known finish reason is the wire's."""
    if evidence.agrees:
        return
    for find in (_parts, _text, _calls, _counts, _reasons):
        yield from find(evidence)


def _parts(evidence: Evidence) -> Iterator[Breach]:
    """Parts of a kind that the wire did not send."""
    content = _all_content(evidence.told.completion)
    types = {part.type for part in content}
    cited = any(getattr(part, "annotations", ()) for part in content) or evidence.told.details
    for number, part in enumerate(evidence.got.content):
        vouching = _VOUCHES.get(part.type)
        if vouching is None or not part.carries_something() or vouching & types:
            continue
        if not (part.type == "citation" and cited):
            yield Breach(f"no {part.type}, as the wire sent none", _part(part), evidence.end, f"content[{number}]")


def _text(evidence: Evidence) -> Iterator[Breach]:
    """Text that the wire did not send, or more of it."""
    sent = _all_content(evidence.told.completion)
    known = {getattr(part, "text", "") for part in sent}
    texts = [(number, part, getattr(part, "text", "")) for number, part in enumerate(evidence.got.content)]
    strange = [(number, text) for number, _, text in texts if text and text not in known]
    said = _said(evidence) if strange else []
    for number, text in strange:
        if not any(text in other for other in said) and not (
            text.strip() and any(squeezed([text]) in squeezed([other]) for other in said)
        ):
            yield Breach("text that the wire sent", shown(text), evidence.end, f"content[{number}]")
    got = sum(len(squeezed([text])) for _, part, text in texts if part.type == "text")
    most = max(_size(sent, reasoning=False) or _size(sent, reasoning=True), _size_of_deltas(evidence) if strange else 0)
    if got > most:
        yield Breach(f"at most {most} characters of text, as the wire sent", str(got), evidence.end, "content")


def _size(content: list[Part], *, reasoning: bool) -> int:
    parts = [part for part in content if reasoning or not isinstance(part, ReasoningPart)]
    return len(squeezed([getattr(part, "text", "") for part in parts]))


def _size_of_deltas(evidence: Evidence) -> int:
    return len(squeezed([text for pieces in _grown(evidence).values() for text in pieces]))


def _grown(evidence: Evidence) -> dict[object, list[str]]:
    """The texts that deltas made, part by part; a later event may have replaced them."""
    grown: dict[object, list[str]] = {}
    for delta in evidence.told.deltas:
        if delta.part is not None and delta.field == "text" and delta.op == "append":
            grown.setdefault((delta.choice, delta.part), []).append(delta.value)
    return grown


def _said(evidence: Evidence) -> list[str]:
    """All that a text part may be taken from: texts alone, by kind and all of them, and other words of the wire."""
    content = _all_content(evidence.told.completion)
    texts = [(part.type, getattr(part, "text", "")) for part in content]
    kinds = ["".join(text for kind, text in texts if kind == wanted) for wanted in {kind for kind, _ in texts}]
    grown = ["".join(pieces) for pieces in _grown(evidence).values()]
    replaced = [d.value for d in evidence.told.deltas if d.op == "replace" and isinstance(d.value, str)]
    everything = "".join(text for _, text in texts)
    words = list(_strings([*(part_to_json(part) for part in content), dict(evidence.told.details)]))
    return [everything, *kinds, *grown, "".join(grown), *replaced, *words]


def _strings(value: JSON) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _calls(evidence: Evidence) -> Iterator[Breach]:
    """Calls that may be run, and that the wire did not make."""
    told = evidence.told.completion
    made = [*told.tool_calls, *(call for choice in told.choices for call in choice.tool_calls)]
    sent = [same_call(call) for call in made]
    for number, call in enumerate(evidence.got.tool_calls):
        if not call.complete:
            continue
        name, arguments = same_call(call)
        twins = [one for one, other in zip(made, sent, strict=True) if other[1] == arguments]
        if call.arguments and not is_json(call.arguments):  # whole only because the wire says so
            twins = [one for one in twins if one.complete]
        if not any(one.name == name for one in twins) and not (
            twins and call.name in evidence.readings(f"tool_calls[{number}].name")
        ):
            yield Breach("a call that the wire made whole", shown(asdict(call)), evidence.end, f"tool_calls[{number}]")
            continue
        ids = {one.id for one in twins}
        if call.id and all(ids) and call.id not in {*ids, *evidence.readings(f"tool_calls[{number}].id")}:
            given = ", ".join(map(str, ids))
            yield Breach(f"the wire's id, {given}", call.id, evidence.end, f"tool_calls[{number}].id")


def _counts(evidence: Evidence) -> Iterator[Breach]:
    """Counts that the provider did not report."""
    if evidence.got.usage.estimated:
        return
    reported = [delta.value for delta in evidence.told.deltas if delta.op == "usage"]
    for name in _COUNTS:
        count = getattr(evidence.got.usage, name)
        if count is None or any(value["usage"].get(name) == count for value in reported):
            continue
        share_of_none = count == 0 and name in _SHARES and reported
        own = any(_said_so(value.get("raw_usage"), name, count) for value in reported)
        if not share_of_none and not own and not evidence.accepts(f"usage.{name}", count):
            yield Breach("a number that the provider reported", str(count), evidence.end, f"usage.{name}")


def _said_so(raw: JSON, name: str, count: int) -> bool:
    """Whether the provider's usage object has this number; a 0, which stands everywhere, as this very count."""
    if count:
        return count in _numbers(raw)
    return isinstance(raw, dict) and any(raw.get(word) == 0 for word in _OWN.get(name, ()))


def _numbers(value: JSON) -> Iterator[object]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _numbers(item)
    elif not isinstance(value, str | bool):
        yield value


def _reasons(evidence: Evidence) -> Iterator[Breach]:
    """A known finish reason that the provider did not give."""
    reason, told = evidence.got.finish_reason, evidence.told
    if reason not in _KNOWN_REASONS or evidence.accepts("finish_reason", reason):
        return
    given = {word for delta in told.deltas if delta.op == "finish" for word in delta.value.values() if word}
    given |= {told.reasons.get(word, word) for word in given}
    if any(part.type == "refusal" for part in told.completion.content):
        given.add("content_filter")
    if reason not in given:
        words = ", ".join(sorted(given)) or "none"
        yield Breach(f"a reason that the provider gave ({words})", str(reason), evidence.end, "finish_reason")


def _all_content(completion: Completion) -> list[Part]:
    return [*completion.content, *(part for choice in completion.choices for part in choice.content)]


def _part(part: Part) -> str:
    return shown(part_to_json(part))
