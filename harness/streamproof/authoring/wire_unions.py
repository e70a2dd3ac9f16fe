"""The unions of the official SDKs' types, and where on the wire their members show: what wire_coverage.py counts.

Members are read from the installed SDKs, so that a release that adds one is noticed. A member of a closed set of words
(an event type, a finish reason) shows where an event holds that word in that place; a field shows where an event has it
with a value that is not null.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from ..jsontext import JSON
from ..wire.event import WireEvent

See = Callable[[WireEvent], Iterable[object]]


class Union(NamedTuple):
    """A set of members. protocol: whose streams may show them. name: unique within the protocol. members: read from
    the SDK when called. see: the words or names that an event shows, whether they are members or not."""

    protocol: str
    name: str
    members: Callable[[], set[str]]
    see: See

    @property
    def key(self) -> str:
        """`<protocol>: <name>`."""
        return f"{self.protocol}: {self.name}"


# Types to members.


def constants(annotation: Any, key: str = "type") -> set[str]:
    """The words that the models of a union may have in their member `key`; by default, what tells them apart."""
    return {word for model in _models(annotation) if key in model.model_fields for word in words(_field(model, key))}


def words(annotation: Any) -> set[str]:
    """The words in an annotation: of its literals and enumerations, through unions, lists and optionals."""
    if get_origin(annotation) is Literal:
        return {word for word in get_args(annotation) if isinstance(word, str)}
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return {str(member.value) for member in annotation}
    return {word for inner in get_args(annotation) for word in words(inner)}


def names(model: Any) -> set[str]:
    """The names on the wire of a model's fields."""
    return {field.alias or name for name, field in model.model_fields.items()}


def _models(annotation: Any) -> Iterator[Any]:
    if hasattr(annotation, "model_fields"):
        yield annotation
    for inner in get_args(annotation)[: 1 if get_origin(annotation) is Annotated else None]:
        yield from _models(inner)


def _field(model: Any, name: str) -> Any:
    return model.model_fields[name].annotation


# Events to what they show. A place is a path of keys; `*` stands for every item of a list.


def at(*path: str) -> See:
    """The values at a place."""
    return lambda event: (value for value in _at(event.payload, path) if value is not None)


def keys_at(*path: str) -> See:
    """The names of the members, other than null, of the objects at a place."""
    return lambda event: (
        name
        for value in _at(event.payload, path)
        if isinstance(value, Mapping)
        for name, item in value.items()
        if item is not None
    )


def any_of(*sees: See) -> See:
    """What any of several shows."""
    return lambda event: (found for see in sees for found in see(event))


def _at(value: JSON, path: tuple[str, ...]) -> Iterator[JSON]:
    if not path:
        yield value
    elif path[0] == "*":
        for item in value if isinstance(value, list) else ():
            yield from _at(item, path[1:])
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


# Chat Completions: openai.types.chat.


def _chunk() -> Any:
    from openai.types.chat import chat_completion_chunk  # noqa: PLC0415 - SDKs are slow to import

    return chat_completion_chunk


def _usage() -> Any:
    from openai.types import completion_usage  # noqa: PLC0415

    return completion_usage


_CHOICE, _DELTA = ("choices", "*"), ("choices", "*", "delta")
_CHAT = (
    ("finish reasons", lambda: words(_field(_chunk().Choice, "finish_reason")), at(*_CHOICE, "finish_reason")),
    ("chunk fields", lambda: names(_chunk().ChatCompletionChunk), keys_at()),
    ("choice fields", lambda: names(_chunk().Choice), keys_at(*_CHOICE)),
    ("delta fields", lambda: names(_chunk().ChoiceDelta), keys_at(*_DELTA)),
    ("tool call fields", lambda: names(_chunk().ChoiceDeltaToolCall), keys_at(*_DELTA, "tool_calls", "*")),
    ("audio fields", lambda: names(_chunk().ChoiceDeltaAudio), keys_at(*_DELTA, "audio")),
    ("logprobs fields", lambda: names(_chunk().ChoiceLogprobs), keys_at(*_CHOICE, "logprobs")),
    ("usage fields", lambda: names(_usage().CompletionUsage), keys_at("usage")),
    (
        "completion token details",
        lambda: names(_usage().CompletionTokensDetails),
        keys_at("usage", "completion_tokens_details"),
    ),
    ("prompt token details", lambda: names(_usage().PromptTokensDetails), keys_at("usage", "prompt_tokens_details")),
)


# Responses: openai.types.responses.


def _responses() -> Any:
    from openai.types import responses  # noqa: PLC0415

    return responses


def _response_types() -> Any:
    from openai.types.responses import response  # noqa: PLC0415

    return response


def _text_types() -> Any:
    from openai.types.responses import response_output_text  # noqa: PLC0415

    return response_output_text


_ITEMS = (("item",), ("response", "output", "*"), ("output", "*"))
_PARTS = (("part",), *((*item, "content", "*") for item in _ITEMS))


def _in(places: Iterable[tuple[str, ...]], *path: str) -> See:
    return any_of(*(at(*place, *path) for place in places))


_RESPONSES = (
    ("events", lambda: constants(_responses().ResponseStreamEvent), at("type")),
    ("output items", lambda: constants(_responses().ResponseOutputItem), _in(_ITEMS, "type")),
    ("item statuses", lambda: constants(_responses().ResponseOutputItem, "status"), _in(_ITEMS, "status")),
    (
        "content parts",
        lambda: (
            constants(_field(_responses().ResponseContentPartAddedEvent, "part"))
            | constants(_field(_responses().ResponseOutputMessage, "content"))
        ),
        _in(_PARTS, "type"),
    ),
    (
        "annotations",
        lambda: constants(_field(_text_types().ResponseOutputText, "annotations")),
        any_of(at("annotation", "type"), _in(_PARTS, "annotations", "*", "type")),
    ),
    ("response statuses", lambda: words(_responses().ResponseStatus), any_of(at("response", "status"), at("status"))),
    (
        "incomplete reasons",
        lambda: words(_field(_response_types().IncompleteDetails, "reason")),
        any_of(at("response", "incomplete_details", "reason"), at("incomplete_details", "reason")),
    ),
    (
        "error codes",
        lambda: words(_field(_responses().ResponseError, "code")),
        any_of(at("response", "error", "code"), at("error", "code"), at("code")),
    ),
)


# Messages: anthropic.types and anthropic.types.beta.


def _stable() -> Any:
    from anthropic import types  # noqa: PLC0415

    return types


def _beta() -> Any:
    from anthropic.types import beta  # noqa: PLC0415

    return beta


def _both(name: str, path: str = "") -> set[str]:
    """The constants of a type and of its beta, or of their field."""
    pair = (getattr(_stable(), name), getattr(_beta(), f"Beta{name}"))
    return {word for kind in pair for word in constants(_field(kind, path) if path else kind)}


_ANTHROPIC = (
    ("events", lambda: _both("RawMessageStreamEvent") | constants(_stable().ErrorResponse), at("type")),
    ("content blocks", lambda: _both("RawContentBlockStartEvent", "content_block"), at("content_block", "type")),
    ("deltas", lambda: _both("RawContentBlockDelta"), at("delta", "type")),
    (
        "stop reasons",
        lambda: words(_stable().StopReason) | words(_beta().BetaStopReason),
        any_of(at("delta", "stop_reason"), at("message", "stop_reason")),
    ),
    (
        "citations",
        lambda: _both("CitationsDelta", "citation"),
        any_of(at("delta", "citation", "type"), at("content_block", "citations", "*", "type")),
    ),
    ("error types", lambda: constants(_field(_stable().ErrorResponse, "error")), at("error", "type")),
    (
        "usage fields",
        lambda: names(_stable().MessageDeltaUsage) | names(_beta().BetaMessageDeltaUsage),
        any_of(keys_at("usage"), keys_at("message", "usage")),
    ),
)


# generateContent: google.genai.types.


def _genai() -> Any:
    from google.genai import types  # noqa: PLC0415

    return types


_CANDIDATE = ("candidates", "*")
_SDK_OWN = {"sdkHttpResponse", "automaticFunctionCallingHistory", "parsed"}
"""Fields that google-genai adds to a response; the wire has none of them."""
_GEMINI = (
    ("finish reasons", lambda: words(_genai().FinishReason), at(*_CANDIDATE, "finishReason")),
    ("block reasons", lambda: words(_genai().BlockedReason), at("promptFeedback", "blockReason")),
    ("part fields", lambda: names(_genai().Part), keys_at(*_CANDIDATE, "content", "parts", "*")),
    ("candidate fields", lambda: names(_genai().Candidate), keys_at(*_CANDIDATE)),
    ("response fields", lambda: names(_genai().GenerateContentResponse) - _SDK_OWN, keys_at()),
    ("usage fields", lambda: names(_genai().GenerateContentResponseUsageMetadata), keys_at("usageMetadata")),
)


# Converse: the service model that botocore ships.


def _shapes() -> dict[str, Any]:
    import botocore  # type: ignore[import-untyped]  # noqa: PLC0415

    (file,) = sorted((Path(botocore.__file__).parent / "data" / "bedrock-runtime").glob("*/service-2.json*"))
    data = file.read_bytes()
    shapes: dict[str, Any] = json.loads(gzip.decompress(data) if file.suffix == ".gz" else data)["shapes"]
    return shapes


def _shape_names(*shapes: str) -> set[str]:
    found = _shapes()
    return {name for shape in shapes for name in found[shape]["members"]}


_CONVERSE = (
    ("events", lambda: _shape_names("ConverseStreamOutput"), lambda event: [event.name]),
    ("stop reasons", lambda: set(_shapes()["StopReason"]["enum"]), at("stopReason")),
    ("block starts", lambda: _shape_names("ContentBlockStart"), keys_at("start")),
    ("deltas", lambda: _shape_names("ContentBlockDelta"), keys_at("delta")),
    ("reasoning deltas", lambda: _shape_names("ReasoningContentBlockDelta"), keys_at("delta", "reasoningContent")),
    ("usage fields", lambda: _shape_names("TokenUsage"), keys_at("usage")),
)

UNIONS: tuple[Union, ...] = tuple(
    Union(protocol, *union)
    for protocol, unions in (
        ("openai_chat", _CHAT),
        ("openai_responses", _RESPONSES),
        ("anthropic_messages", _ANTHROPIC),
        ("gemini_generate_content", _GEMINI),
        ("bedrock_converse", _CONVERSE),
    )
    for union in unions
)
