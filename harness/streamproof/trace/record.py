"""What one call was: request, outcome, times, ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeAlias
from uuid import uuid4

from ..completion import Completion, ErrorInfo
from ..jsontext import JSON, JSONObject
from ..scrub import redact

State: TypeAlias = Literal["completed", "failed", "interrupted", "cancelled"]

_OPERATIONS = {"gemini_generate_content": "generate_content"}
"""`gen_ai.operation.name` where it is not `chat`."""

# What a request says besides its content. Numbers, true and false are settings under any name; text is one only under
# these names, and objects are looked into only under these. Everything else is content, or may be.
_SETTING_WORDS = frozenset(
    [
        "model", "type", "name", "role", "effort", "summary", "verbosity", "service_tier", "serviceTier",
        "truncation", "tool_choice", "reasoning_effort", "mode", "format", "display", "thinkingLevel",
        "thinking_level", "responseMimeType", "response_mime_type", "anthropic_version",
        "functionCallingConfig", "modality", "cache_control", "ttl", "prompt_cache_retention",
    ]
)  # fmt: skip
_SETTING_OBJECTS = frozenset(
    [
        "generationConfig", "generation_config", "thinkingConfig", "thinking_config", "toolConfig",
        "tool_config", "functionCallingConfig", "inferenceConfig", "additionalModelRequestFields",
        "performanceConfig", "reasoning", "reasoning_config", "thinking", "text", "format", "response_format",
        "stream_options", "tool_choice", "toolChoice", "output_config", "auto", "any", "tool", "function",
    ]
)  # fmt: skip
_SETTING_LISTS = frozenset({"modalities", "responseModalities", "response_modalities"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderTrace:
    """One call, which is one HTTP request.

    provider, protocol: the row that was asked. model: the model that was asked for; `completion.model` is the one that
    answered. operation: `chat` or `generate_content`, by the protocol when not given. request: the request's payload.
    url: kept without user, query and fragment. started_at: when the request was sent, Unix time in nanoseconds.
    latency, time_to_first_token: seconds from then to the end and to the first delta, None when there was none.
    completion: what was shown, the partial one on errors, None when no stream began. error: why it did not end well.
    state: how it ended; `failed` the provider's doing, `interrupted` the way's, `cancelled` the caller's.
    raw_usage, message_id, error, request_id: None takes what the completion and its error say.
    tags: the caller's own labels. context: what `otel.current_context` gave where the call was made, opaque.
    omitted: the paths that `without_content` left out; empty for a whole record.

    The payload and completion may hold secrets and content: use `to_json` for anything that leaves the process.
    """

    id: str = field(default_factory=lambda: uuid4().hex)
    provider: str
    protocol: str
    model: str | None
    operation: str = ""
    request: JSONObject = field(default_factory=dict, repr=False)
    url: str = ""
    started_at: int
    latency: float
    time_to_first_token: float | None = None
    completion: Completion | None = field(default=None, repr=False)
    error: ErrorInfo | None = field(default=None, repr=False)
    raw_usage: JSON = None
    request_id: str | None = None
    message_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    state: State
    context: Any = field(default=None, repr=False, compare=False)
    omitted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        known = self.completion
        error = self.error or (known.error if known else None)
        found = {
            "url": _bare(self.url),
            "operation": self.operation or _OPERATIONS.get(self.protocol, "chat"),
            "error": error,
            "raw_usage": self.raw_usage if self.raw_usage is not None or known is None else known.raw_usage,
            "message_id": self.message_id or (known.message_id if known else None),
            "request_id": self.request_id or (error.request_id if error else None),
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)

    def without_content(self) -> ProviderTrace:
        """The record with its settings, counts, ids and tool names, without what was said; itself when it has none.

        Left out: messages, instructions, tool definitions and every other text of the request that is not known as a
        setting; the completion's content and tool arguments. The provider's error message stays.
        """
        if self.omitted:
            return self
        omitted: list[str] = []
        request = _settings(self.request, "request", omitted)
        completion = None if self.completion is None else _bones(self.completion, omitted)
        return replace(self, request=request, completion=completion, omitted=tuple(omitted))

    def owned(self) -> ProviderTrace:
        """The record with a copy of the request, which its maker may go on to change (an agent's message list)."""
        return replace(self, request=_copy(self.request))

    def to_json(self, *, content: bool = False) -> dict[str, Any]:
        """The record as JSON, secrets redacted; without content unless it is asked for and there.

        Keys as the fields, without `context`; `omitted` lists what was left out, and its keys are absent.
        """
        record = self if content else self.without_content()
        document: dict[str, Any] = {name: getattr(record, name) for name in _KEYS}
        document["tags"] = {str(name): str(value) for name, value in record.tags.items()}
        document["error"] = asdict(record.error) if record.error else None
        document["omitted"] = list(record.omitted)
        document["completion"] = record.completion.to_json() if record.completion else None
        if record.omitted and record.completion:
            for message in (document["completion"], *document["completion"].get("choices", ())):
                message.pop("content")
                for call in message["tool_calls"]:
                    call.pop("arguments")
        redacted: dict[str, Any] = redact(document)
        return redacted


_KEYS = (
    "id", "provider", "protocol", "operation", "model", "url", "started_at", "latency", "time_to_first_token", "state",
    "request_id", "message_id", "raw_usage", "request",
)  # fmt: skip


def _bare(url: str) -> str:
    scheme, mark, rest = url.partition("?")[0].partition("#")[0].rpartition("//")
    host, slash, path = rest.partition("/")
    return scheme + mark + host.rpartition("@")[2] + slash + path


def _settings(value: JSONObject, path: str, omitted: list[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, item in value.items():
        if item is None or isinstance(item, bool | int | float) or (isinstance(item, str) and key in _SETTING_WORDS):
            kept[key] = item
        elif isinstance(item, list) and key in _SETTING_LISTS:
            kept[key] = [word for word in item if isinstance(word, str)]
        elif isinstance(item, Mapping) and key in _SETTING_OBJECTS:
            kept[key] = _settings(item, f"{path}.{key}", omitted)
        else:
            omitted.append(f"{path}.{key}")
    return kept


def _bones(completion: Completion, omitted: list[str]) -> Completion:
    omitted.append("completion.content")
    if completion.tool_calls or any(choice.tool_calls for choice in completion.choices):
        omitted.append("completion.tool_calls.arguments")
    return replace(
        completion,
        content=(),
        tool_calls=tuple(replace(call, arguments="") for call in completion.tool_calls),
        choices=tuple(
            replace(choice, content=(), tool_calls=tuple(replace(call, arguments="") for call in choice.tool_calls))
            for choice in completion.choices
        ),
    )


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items()}
    return [_copy(item) for item in value] if isinstance(value, list | tuple) else value
