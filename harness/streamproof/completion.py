"""The normalized result of a stream, and the steps that lead to it.

A `Completion` is what every adapter should make of a provider's stream; docs/normal-form.md gives the rules. A
`Delta` is one step of it. Everything here is immutable, and `to_json` / `from_json` are each other's inverse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

from .jsontext import JSON, JSONObject

Status: TypeAlias = Literal["complete", "interrupted", "failed"]
Op: TypeAlias = Literal["start", "append", "replace", "close", "usage", "finish", "error"]
Position: TypeAlias = tuple[int, ...]


class Delta(NamedTuple):
    """One normalized step of a stream. `fold` of all deltas is the completion.

    op       what happens                                      part   field   value
    start    a part begins                                     yes    -       its first fields, with `type`
    start    the message says who it is                        None   -       {message_id, model}, either or both
    append   text (or items) are added to a field of the part  yes    yes     str, or a list of items
    replace  a field is set anew: `done` events outrank deltas  yes    yes     the whole value, None removes it
    close    the wire closed the part                          yes    -       None
    close    the terminal was seen and the stream is over      None   -       None
    usage    usage so far, replaces what came before           None   -       {usage, raw_usage}
    finish   why generation ended                              None   -       {finish_reason, raw_finish_reason}
    error    the stream failed or was cut                      None   -       {status, error}

    `part` is the part's place on the wire (an index, or item and content index): parts sort by it, and it stays the
    same for all deltas of a part. It is not the index in `Completion.content`, as parts that carry nothing vanish.
    """

    op: Op
    part: Position | None = None
    field: str | None = None
    value: JSON = None
    choice: int = 0

    @property
    def is_approval_request(self) -> bool:
        """Whether it starts a call that a human has to release first (or tells so later, with the call's name)."""
        if self.op == "start":
            return isinstance(self.value, dict) and self.value.get("requires_approval") is True
        return self.op == "replace" and self.field == "requires_approval" and self.value is True

    def to_json(self) -> dict[str, Any]:
        """The canonical form, all five keys always; see schemas/delta.schema.json."""
        return {**self._asdict(), "part": None if self.part is None else list(self.part)}

    @classmethod
    def from_json(cls, document: JSONObject) -> Delta:
        """The inverse of `to_json`. Raises TypeError for an unknown key or a missing `op`."""
        part = document.get("part")
        return cls(**{**document, "part": None if part is None else tuple(part)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One piece of content. `id` is the wire's id of the item or block, None when it has none."""

    type: ClassVar[str]
    id: str | None = None

    def carries_something(self) -> bool:
        """False for a part that says nothing, which a completion leaves out."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart(Part):
    """Visible text. annotations: the wire's citation objects. signature: Gemini's thoughtSignature on a text part.
    phase: OpenAI's `commentary` or `final_answer`."""

    type: ClassVar[str] = "text"
    text: str = ""
    annotations: tuple[JSONObject, ...] = ()
    signature: str | None = None
    phase: str | None = None

    def carries_something(self) -> bool:
        return bool(self.text or self.annotations or self.signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasoningPart(Part):
    """What the model thought. text: the reasoning, or its summaries joined by a blank line; summary: those summaries
    one by one. signature, encrypted: opaque, needed verbatim when the turn is sent back. kind: None for visible text,
    `redacted` when the provider withheld it and sent ciphertext in `encrypted`. extra: further fields of the wire's
    object that have to go back with it (of a Chat `reasoning_details` entry: type, format, index)."""

    type: ClassVar[str] = "reasoning"
    text: str = ""
    summary: tuple[str, ...] = ()
    signature: str | None = None
    encrypted: str | None = None
    kind: str | None = None
    extra: JSONObject | None = None

    def carries_something(self) -> bool:
        return bool(self.text or self.summary or self.signature or self.encrypted or self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalPart(Part):
    """The model's own words of refusal (OpenAI `refusal`). phase: as for text."""

    type: ClassVar[str] = "refusal"
    text: str = ""
    phase: str | None = None

    def carries_something(self) -> bool:
        return bool(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCallPart(Part):
    """The place of a client tool call in the content. index: into `Completion.tool_calls`. id: the item's id where
    the wire has one besides the call's (Responses `fc_...`). signature: Gemini's, on the part it came with. kind: the
    wire's type word where the call is not of the protocol's ordinary kind (`custom_tool_call`). extra: further fields
    of the wire's object that have to go back with it (`namespace`, `caller`). requires_approval: the caller said that
    a human has to release calls of this tool."""

    type: ClassVar[str] = "tool_call"
    index: int = 0
    signature: str | None = None
    requires_approval: bool = False
    kind: str | None = None
    extra: JSONObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPart(Part):
    """Audio, image, video or a file. data: base64 as on the wire; url: where the wire only points; text: transcript.
    kind: None, or `thought` for Gemini's pictures of its own thoughts."""

    type: ClassVar[str] = "media"
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    text: str = ""
    signature: str | None = None
    kind: str | None = None

    def carries_something(self) -> bool:
        return bool(self.data or self.url or self.text or self.signature or self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class CitationPart(Part):
    """Sources that belong to the message, not to one text part. citations: the wire's objects."""

    type: ClassVar[str] = "citation"
    citations: tuple[JSON, ...] = ()

    def carries_something(self) -> bool:
        return bool(self.citations)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerToolPart(Part):
    """A tool that the provider ran, or its result. name: the wire's type word. data: the whole wire object.
    signature: Gemini's, where the part has one."""

    type: ClassVar[str] = "server_tool"
    name: str = ""
    data: JSON = None
    signature: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownPart(Part):
    """A block, item or part that we do not know. name: the wire's type word. data: the whole wire object."""

    type: ClassVar[str] = "unknown"
    name: str = ""
    data: JSON = None


PART_TYPES: dict[str, type[Part]] = {
    cls.type: cls
    for cls in (
        TextPart, ReasoningPart, RefusalPart, ToolCallPart, MediaPart, CitationPart, ServerToolPart, UnknownPart,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call that the client is asked to make.

    id: None when the wire has none. arguments: the exact string of the wire, never repaired. complete: the wire closed
    the call, nothing was cut off, and the arguments are whole; anything else must not be run.
    """

    id: str | None = None
    name: str = ""
    arguments: str = ""
    complete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Token counts; None = not reported, 0 = reported as 0.

    input_tokens includes cached and cache-written tokens, output_tokens includes reasoning, whatever the provider's
    own convention. estimated: the counts are ours, as the provider reported none.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """Why a stream failed or was cut.

    type: a key of `errors.ERROR_CLASSES`. code: the provider's own word (numbers as text), or ours
    (`stream_incomplete`, `cancelled`, `invalid_json`, ...). status_code: HTTP status, or the numeric code an error
    event gives in its place. retry_after: seconds.
    """

    type: str
    code: str | None = None
    message: str = ""
    status_code: int | None = None
    request_id: str | None = None
    retry_after: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A further choice of a request with `n` > 1."""

    index: int
    content: tuple[Part, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    raw_finish_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The normalized result of one stream.

    finish_reason: `stop`, `length`, `tool_calls`, `content_filter`, any other word of the provider as it is, or None
    when the wire never said. raw_finish_reason: the provider's word. status: `complete` when the protocol's terminal
    was seen, `failed` when the provider reported an error, else `interrupted`. model, message_id: as the wire said.
    raw_usage: the provider's usage object. choices: the others, for n > 1; this completion is choice 0.
    """

    content: tuple[Part, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish_reason: str | None = None
    raw_finish_reason: str | None = None
    status: Status = "interrupted"
    error: ErrorInfo | None = None
    model: str | None = None
    message_id: str | None = None
    raw_usage: JSON = None
    choices: tuple[Choice, ...] = ()

    @property
    def text(self) -> str:
        """All visible text, joined."""
        return "".join(part.text for part in self.content if isinstance(part, TextPart))

    def to_json(self) -> dict[str, Any]:
        """The canonical form: all top-level keys, always (`choices` only when there are any); see schemas/."""
        document = _to_json(self, every_key=True)
        if not self.choices:
            del document["choices"]
        return document

    @classmethod
    def from_json(cls, document: JSONObject) -> Completion:
        """The inverse of `to_json`. Raises ValueError for an unknown key, part type or missing object."""
        built = dict(_known(cls, document))
        if "content" in built:
            built["content"] = tuple(part_from_json(part) for part in built["content"])
        if "tool_calls" in built:
            built["tool_calls"] = tuple(ToolCall(**_known(ToolCall, call)) for call in built["tool_calls"])
        if "choices" in built:
            built["choices"] = tuple(_choice_from_json(choice) for choice in built["choices"])
        if "usage" in built:
            built["usage"] = Usage(**_known(Usage, built["usage"]))
        if built.get("error") is not None:
            built["error"] = ErrorInfo(**_known(ErrorInfo, built["error"]))
        return cls(**built)


def part_to_json(part: Part) -> dict[str, Any]:
    """`type` and the fields that are set; `text` always, where the type has it."""
    return {"type": part.type, **_to_json(part, every_key=False)}


def part_from_json(document: JSONObject) -> Part:
    """The inverse of `part_to_json`. Raises ValueError for an unknown type or field."""
    cls = PART_TYPES.get(document.get("type", ""))
    if cls is None:
        raise ValueError(f"no part type {document.get('type')!r}: one of {', '.join(PART_TYPES)}")
    values = _known(cls, {name: value for name, value in document.items() if name != "type"})
    made: dict[str, Any] = {name: tuple(value) if name in _TUPLES else value for name, value in values.items()}
    return cls(**made)


_TUPLES = ("annotations", "summary", "citations")


def _choice_from_json(document: JSONObject) -> Choice:
    built = dict(_known(Choice, document))
    built["content"] = tuple(part_from_json(part) for part in built.get("content", ()))
    built["tool_calls"] = tuple(ToolCall(**_known(ToolCall, call)) for call in built.get("tool_calls", ()))
    return Choice(**built)


def _known(cls: type[Any], document: JSONObject) -> Mapping[str, Any]:
    unknown = document.keys() - {f.name for f in fields(cls)}
    if unknown:
        raise ValueError(f"{cls.__name__} has no {', '.join(sorted(unknown))}")
    return document


def _to_json(value: Any, *, every_key: bool) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for f in fields(value):
        item = getattr(value, f.name)
        default = f.default if f.default is not MISSING else None
        if not every_key and f.name not in ("text", "index", "name", "data") and item == default:
            continue
        document[f.name] = _plain(item)
    return document


def _plain(value: Any) -> JSON:
    if isinstance(value, Part):
        return part_to_json(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Usage | ErrorInfo | ToolCall | Choice):
        return _to_json(value, every_key=True)
    return value
