"""What a library offers, as its adapter declares it (`hello.capabilities` of schemas/process.schema.json).

docs/capabilities.md explains each word to authors of adapters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias, TypedDict

from .errors import UsageError
from .jsontext import JSONObject
from .providers import PROTOCOLS
from .schemas import load

FinishDialect: TypeAlias = Literal["normal", "wire", "raw"]
TextForm: TypeAlias = Literal["parts", "joined"]
ArgumentsForm: TypeAlias = Literal["text", "object"]
_WORDS = ("finish_dialect", "text", "arguments")

FIELDS: Mapping[str, str] = {
    "content.text": "visible text",
    "content.text.annotations": "the citations of a text",
    "content.reasoning": "what the model thought: its text, or that there was some",
    "content.reasoning.summary": "the summaries one by one",
    "content.reasoning.signature": "the signature of a reasoning part",
    "content.reasoning.encrypted": "ciphertext, and that the provider withheld the reasoning",
    "content.refusal": "the model's words of refusal, told apart from text",
    "content.tool_call": "where among the parts a call stands",
    "content.media": "audio, images, files",
    "content.citation": "sources of the message as a whole",
    "content.server_tool": "tools that the provider ran, and their results",
    "content.unknown": "what nobody knows yet, kept",
    "content.signatures": "Gemini's signatures on parts other than reasoning",
    "content.ids": "ids of parts, and their phase, kind and extra fields",
    "tool_calls": "calls with name and arguments",
    "tool_calls.id": "the id of a call",
    "tool_calls.complete": "whether a call may be run",
    "usage.input_tokens": "count",
    "usage.output_tokens": "count",
    "usage.cached_input_tokens": "count",
    "usage.cache_write_tokens": "count",
    "usage.reasoning_tokens": "count",
    "raw_usage": "the provider's own usage object",
    "finish_reason": "why generation ended",
    "raw_finish_reason": "the provider's word for it",
    "message_id": "the id of the response",
    "model": "the model that answered",
    "error.type": "the kind of an error; without it `interrupted` and `failed` are not told apart",
    "error.code": "the provider's word for an error",
    "error.message": "the provider's message",
    "error.status_code": "the HTTP status",
    "error.request_id": "the provider's id of the request",
    "error.retry_after": "when to try again",
    "partial": "what had come before an error",
    "choices": "further choices, for n > 1",
    "details": "what the wire says about the end besides its reason",
    "diagnostics": "what a completion cannot show",
}
"""What a library may offer or not. `details.NAME` names one detail."""


class Overlay(TypedDict, total=False):
    """What differs in one protocol; each key as in Capabilities."""

    providers: Sequence[str]
    deltas: bool
    fields: Sequence[str]
    finish_dialect: FinishDialect
    text: TextForm
    arguments: ArgumentsForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an adapter declares.

    protocols: that it speaks. providers: that it speaks to, None for all. deltas: it emits the steps of a stream; None
    when it does not say. sync: it has a sync side (`run_sync`). concurrent: how many calls it takes at a time. cancel:
    it can be told to give a call up.
    fields: what the library offers of a completion, keys of FIELDS or what stands above them, None for all. A name
    covers all below it; with `-` before it, it takes them away; the longest name decides; a list of `-` names only
    takes away from all.
    finish_dialect: `wire` where a natural stop stays `stop` beside tool calls, `raw` where the provider's own word is
    passed through. text: `joined` where the library gives one string for all text parts, and one for all reasoning,
    and does not say in which order these came. arguments: `object` where it gives parsed arguments only.
    by_protocol: what differs in a protocol; what is named there stands in the place of what is declared here.
    """

    protocols: Sequence[str] = ()
    providers: Sequence[str] | None = None
    deltas: bool | None = None
    sync: bool = False
    concurrent: int = 1
    fields: Sequence[str] | None = None
    finish_dialect: FinishDialect = "normal"
    text: TextForm = "parts"
    arguments: ArgumentsForm = "text"
    cancel: bool = False
    by_protocol: Mapping[str, Overlay] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self)

    def at(self, protocol: str) -> Capabilities:
        """What is declared for one protocol: all of this, with what differs there in its place."""
        overlay = self.by_protocol.get(protocol)
        return replace(self, by_protocol={}, **overlay) if overlay else self

    def offers(self, name: str) -> bool:
        """Whether a field is offered. name: a key of FIELDS, or what stands above or below one."""
        if self.fields is None:
            return True
        decided = [each for each in self.fields if _covers(each.removeprefix("-"), name)]
        if not decided:
            return all(each.startswith("-") for each in self.fields)
        return not max(decided, key=_rank).startswith("-")

    def offers_some(self, name: str) -> bool:
        """Whether anything at or below a name is offered."""
        return any(self.offers(each) for each in (name, *FIELDS) if _covers(name, each))

    @property
    def strict(self) -> bool:
        """Whether all is offered as the normal form has it."""
        return (self.fields, self.finish_dialect, self.text, self.arguments) == (None, "normal", "parts", "text")

    @classmethod
    def from_json(cls, document: JSONObject) -> Capabilities:
        """From `hello.capabilities`. Raises UsageError that names the word and what may stand there."""
        _known_keys("capabilities", document, [f.name for f in fields(cls)])
        given = _with_tuples(document)
        if isinstance(overlays := given.get("by_protocol"), Mapping):
            given["by_protocol"] = {
                name: _with_tuples(overlay) if isinstance(overlay, Mapping) else overlay
                for name, overlay in overlays.items()
            }
        return cls(**given)

    def to_json(self) -> dict[str, Any]:
        """As `hello.capabilities` holds it; what is not restricted is left out."""
        document = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "by_protocol"}
        document = _with_lists({name: value for name, value in document.items() if value is not None})
        if self.by_protocol:
            document["by_protocol"] = {name: _with_lists(overlay) for name, overlay in self.by_protocol.items()}
        return document


def declared_by(adapter: object, protocol: str) -> Capabilities | None:
    """What an adapter declares for a protocol, None when it declares nothing."""
    capabilities: Capabilities | None = getattr(adapter, "capabilities", None)
    return capabilities.at(protocol) if capabilities is not None else None


def _with_tuples(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in document.items()}


def _with_lists(document: Mapping[str, Any]) -> dict[str, Any]:
    return {n: v if isinstance(v, str | bool | int) else list(v) for n, v in document.items()}


def _check(declared: Capabilities) -> None:
    """Raises UsageError for a word that means nothing: it would restrict nothing, or everything."""
    for protocol in declared.protocols:
        if protocol not in PROTOCOLS:
            raise UsageError(f"no protocol {protocol!r}", remedy=f"write some of: {', '.join(PROTOCOLS)}")
    _check_words("capabilities", {"fields": declared.fields, **{name: getattr(declared, name) for name in _WORDS}})
    spoken = declared.protocols or PROTOCOLS
    _object("capabilities.by_protocol", declared.by_protocol)
    for protocol, overlay in declared.by_protocol.items():
        if protocol not in spoken:
            raise UsageError(
                f"capabilities.by_protocol names {protocol!r}, which is no protocol of this adapter",
                remedy=f"write some of: {', '.join(spoken)}",
            )
        where = f"capabilities.by_protocol.{protocol}"
        _object(where, overlay)
        _known_keys(where, overlay, [*Overlay.__annotations__])
        _check_words(where, overlay)


def _object(where: str, given: object) -> None:
    if not isinstance(given, Mapping):
        raise UsageError(f"{where} is no object, but {given!r}", remedy="docs/capabilities.md has an example")


def _check_words(where: str, given: Mapping[str, Any]) -> None:
    properties = load("process")["$defs"]["capabilities"]["properties"]
    for name in _WORDS:
        if name in given and given[name] not in properties[name]["enum"]:
            words = ", ".join(properties[name]["enum"])
            raise UsageError(f"{where}.{name} is {given[name]!r}", remedy=f"write one of: {words}")
    for each in given.get("fields") or ():
        name = each.removeprefix("-")
        if not name.startswith("details.") and not any(_covers(name, known) for known in FIELDS):
            raise UsageError(
                f"{where}.fields names {each!r}, which is no field", remedy="docs/capabilities.md lists the fields"
            )


def _known_keys(where: str, document: Mapping[str, Any], known: Sequence[str]) -> None:
    unknown = document.keys() - set(known)
    if unknown:
        raise UsageError(f"{where} have no {', '.join(sorted(unknown))}", remedy=f"write some of: {', '.join(known)}")


def _covers(name: str, other: str) -> bool:
    return name == other or other.startswith(f"{name}.")


def _rank(name: str) -> tuple[int, bool]:
    """The longest name decides; of two equal ones the one that takes away."""
    bare = name.removeprefix("-")
    return len(bare), bare != name
