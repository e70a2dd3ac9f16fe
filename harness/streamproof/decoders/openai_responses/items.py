"""What the Responses API can put into `output`, as tables: item kinds, fields and reasons to call an item a client's.

The kinds are the 28 of `openai.types.responses.ResponseOutputItem` (openai 3.54). Who runs a call follows the SDK type
of the item and the tool guides (https://developers.openai.com/api/docs/guides/tools):

* The client runs `function_call`, `custom_tool_call`, `local_shell_call`, `apply_patch_call`, `computer_call`,
  `tool_search_call` with `execution: client`, `shell_call` unless it names a container, and it has to answer
  `mcp_approval_request`. These are tool calls. Where the wire gives no tool name, the name is the item's type without
  `_call`, and the arguments are the object that says what to do (`action`, `operation`, ...).
* The provider runs the rest; these items, all `*_output` items and opaque items such as `compaction` are
  `server_tool` parts with the item as `data`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ...jsontext import JSON, JSONObject, dumps


def as_object(value: JSON) -> JSONObject:
    """`value` when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_objects(value: JSON) -> list[JSONObject]:
    """The objects in a list; nothing when `value` is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_text(value: JSON) -> str | None:
    """`value` when it is a non-empty string, else None."""
    return value if isinstance(value, str) and value else None


def as_index(value: JSON) -> int | None:
    """`value` when it is an index, else None: some servers send none (llama-server)."""
    return value if type(value) is int and value >= 0 else None


# -- item kinds


def _never(_: JSONObject) -> bool:
    return False


def _in_container(item: JSONObject) -> bool:
    """`environment` is `{type: local}`, `{type: container_reference}` or null; null was recorded for a local shell."""
    return as_text(as_object(item.get("environment")).get("type")) not in (None, "local")


def _searched_by_server(item: JSONObject) -> bool:
    return item.get("execution") != "client"


def _field(*names: str) -> Callable[[JSONObject], JSON]:
    """The first of these fields that is not null."""

    def pick(item: JSONObject) -> JSON:
        return next((item[name] for name in names if item.get(name) is not None), None)

    return pick


def _approval(item: JSONObject) -> JSON:
    """What is to be approved; `arguments` stays the string that it is on the wire."""
    return {name: item[name] for name in ("server_label", "name", "arguments") if name in item}


class CallKind(NamedTuple):
    """An item that asks the client to act.

    name: of the tool, None where the item has its own. arguments: their value on the wire. on_server: tells the items
    of this type that the provider runs. json_text: the arguments are JSON written by the model, so a cut shows in them.
    """

    name: str | None
    arguments: Callable[[JSONObject], JSON]
    on_server: Callable[[JSONObject], bool] = _never
    json_text: bool = False


CALL_KINDS: Mapping[str, CallKind] = {
    "function_call": CallKind(None, _field("arguments"), json_text=True),
    "custom_tool_call": CallKind(None, _field("input")),
    "local_shell_call": CallKind("local_shell", _field("action")),
    "shell_call": CallKind("shell", _field("action"), _in_container),
    "apply_patch_call": CallKind("apply_patch", _field("operation")),
    "computer_call": CallKind("computer", _field("action", "actions")),
    "tool_search_call": CallKind("tool_search", _field("arguments"), _searched_by_server),
    "mcp_approval_request": CallKind("mcp_approval_request", _approval),
}
"""Item type -> how it asks for a client's action."""

_ID = frozenset({"type", "id"})
_CALL = _ID | {"call_id", "status", "created_by", "caller"}

ITEM_FIELDS: Mapping[str, frozenset[str]] = {
    "message": _ID | {"role", "status", "content", "phase"},
    "reasoning": _ID | {"status", "summary", "content", "encrypted_content"},
    "function_call": _CALL | {"name", "arguments", "namespace", "async"},
    "custom_tool_call": _CALL | {"name", "input", "namespace", "async"},
    "local_shell_call": _CALL | {"action"},
    "shell_call": _CALL | {"action", "environment"},
    "apply_patch_call": _CALL | {"operation"},
    "computer_call": _CALL | {"action", "actions", "pending_safety_checks"},
    "tool_search_call": _CALL | {"arguments", "execution"},
    "mcp_approval_request": _ID | {"server_label", "name", "arguments"},
}
"""Item type -> its fields (SDK types). Other items are kept whole as `data`, so no field of theirs is lost."""

SERVER_KINDS: frozenset[str] = frozenset({
    "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call",
    "mcp_list_tools", "mcp_call", "mcp_approval_response", "program", "program_output", "additional_tools",
    "compaction", "tool_search_output", "function_call_output", "custom_tool_call_output", "computer_call_output",
    "local_shell_call_output", "shell_call_output", "apply_patch_call_output",
})  # fmt: skip
"""Items that the provider made or ran."""


def part_type(item: JSONObject, server_call_prefixes: tuple[str, ...] = ()) -> str:
    """Which part an item becomes: `message` (one part for each of its contents), or a part type."""
    kind = item.get("type")
    if kind in ("message", "reasoning"):
        return str(kind)
    call = CALL_KINDS.get(kind) if isinstance(kind, str) else None
    if call is None:
        return "server_tool" if isinstance(kind, str) and kind in SERVER_KINDS else "unknown"
    call_id = as_text(item.get("call_id"))
    by_prefix = call_id is not None and call_id.startswith(server_call_prefixes)
    return "server_tool" if by_prefix or call.on_server(item) else "tool_call"


def call_fields(item: JSONObject) -> dict[str, str | None]:
    """`call_id`, `name` and `arguments` of a client's call; an object becomes compact JSON, null an empty string."""
    kind = CALL_KINDS[item["type"]]
    value = kind.arguments(item)
    call_id = item.get("call_id" if item["type"] != "mcp_approval_request" else "id")
    return {
        "call_id": as_text(call_id),
        "name": kind.name or as_text(item.get("name")),
        "arguments": value if isinstance(value, str) else "" if value is None else dumps(value),
    }


_GO_BACK = ("namespace", "caller", "async", "environment", "execution", "pending_safety_checks")
"""Fields of a call's item that `openai.types.responses.ResponseInputItemParam` has too, besides the call itself: the
API refuses a call of a namespace or of a program that comes back without them."""


def call_extras(item: JSONObject) -> dict[str, JSON]:
    """`kind` of an item that is no `function_call`, and `extra`: what has to go back with a call; only what is set."""
    extra = {name: item[name] for name in _GO_BACK if item.get(name) is not None}
    kind = {} if item["type"] == "function_call" else {"kind": item["type"]}
    return kind | ({"extra": extra} if extra else {})


# -- contents of messages and reasoning items

TEXT_TYPES: Mapping[str, tuple[str, str]] = {
    "output_text": ("text", "text"),
    "text": ("text", "text"),
    "refusal": ("refusal", "refusal"),
    "reasoning_text": ("reasoning", "text"),
}
"""Type of a message's content -> our part type, and the field that holds its text."""

CONTENT_FIELDS: frozenset[str] = frozenset({"type", "text", "annotations", "logprobs", "refusal"})

CHANNELS: Mapping[str, str] = {
    "reasoning_text": "content",
    "reasoning": "content",
    "summary_text": "summary",
}
"""Type of a streamed part -> the list of a reasoning item that it belongs to."""


def contents(item: JSONObject) -> list[JSONObject]:
    """The contents of a message; a bare string, which some gateways send, counts as one text."""
    content = item.get("content")
    return [{"type": "output_text", "text": content}] if isinstance(content, str) else as_objects(content)


def texts(value: JSON) -> dict[int, str]:
    """Index -> text of the contents or summaries of a reasoning item, whatever their type word."""
    found = {n: part.get("text") for n, part in enumerate(as_objects(value))}
    return {n: text for n, text in found.items() if isinstance(text, str) and text}


# -- the response

STATUS_OF_EVENT: Mapping[str, str] = {
    "response.completed": "completed",
    "response.done": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
}
"""Terminal event -> the status that it stands for, where the payload gives none. `response.done` is the Codex
backend's word; `response.cancelled` follows the status of that name (`openai.types.responses.ResponseStatus`)."""

ENDED: frozenset[str] = frozenset(STATUS_OF_EVENT.values())
PENDING: frozenset[str] = frozenset({"queued", "in_progress"})

RESPONSE_FIELDS: frozenset[str] = frozenset({
    "id", "access_programs", "background", "completed_at", "content_filters", "conversation", "created_at", "error",
    "frequency_penalty", "image", "incomplete_details", "input_transformations", "instructions", "max_output_tokens",
    "max_tool_calls", "metadata", "model", "moderation", "object", "output", "output_text", "parallel_tool_calls",
    "presence_penalty", "previous_response_id", "prompt", "prompt_cache_diagnostics", "prompt_cache_key",
    "prompt_cache_options", "prompt_cache_retention", "reasoning", "safety_identifier", "service_tier", "status",
    "store", "temperature", "text", "tool_choice", "tool_usage", "tools", "top_logprobs", "top_p", "truncation",
    "usage", "user",
})  # fmt: skip
"""Fields of `openai.types.responses.Response` and those that recordings show besides (Azure `content_filters`,
OpenRouter `output_text`, `store`, the penalties)."""

EVENT_FIELDS: frozenset[str] = frozenset({
    "type", "sequence_number", "output_index", "content_index", "item_id", "delta", "logprobs", "obfuscation", "text",
    "item", "part", "response", "annotation", "annotation_index", "arguments", "background", "code", "command",
    "command_index", "copilot_usage", "diff", "error", "input", "message", "model", "name", "output", "output_format",
    "param", "partial_image_b64", "partial_image_index", "quality", "refusal", "size", "status", "status_code",
    "summary_index", "call_id", "headers",
})  # fmt: skip
"""Fields of the 59 events of `openai.types.responses.ResponseStreamEvent`, and those that recordings show besides."""

PROGRESS_EVENTS: frozenset[str] = frozenset({
    "keepalive", "ping",
    *(f"response.{tool}.{step}" for tool, steps in {
        "web_search_call": ("in_progress", "searching", "completed"),
        "file_search_call": ("in_progress", "searching", "completed"),
        "code_interpreter_call": ("in_progress", "interpreting", "completed"),
        "code_interpreter_call_code": ("delta", "done"),
        "image_generation_call": ("in_progress", "generating", "partial_image", "completed"),
        "mcp_call": ("in_progress", "completed", "failed"),
        "mcp_call_arguments": ("delta", "done"),
        "mcp_list_tools": ("in_progress", "completed", "failed"),
        "shell_call_command": ("added", "delta", "done"),
        "shell_call_output_content": ("delta", "done"),
        "apply_patch_call_operation_diff": ("delta", "done"),
        "compaction": ("compacting",),
        "audio": ("done",),
        "audio.transcript": ("done",),
    }.items() for step in steps),
})  # fmt: skip
"""Events that say nothing which the item does not say when it is done. `keepalive` is sent on long requests; the diff
events of apply_patch stand in recordings, not in the SDK."""


def count(value: JSON) -> int | None:
    """A token count, None when it is none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def usage_counts(usage: JSONObject, *, zero_is_unknown: bool = False) -> dict[str, int | None]:
    """Our fields from `openai.types.responses.ResponseUsage`: input includes cached and written tokens already.

    Where total = input + output + reasoning, the output excludes the reasoning (xAI's reading), and it is added.
    """
    inputs, outputs = as_object(usage.get("input_tokens_details")), as_object(usage.get("output_tokens_details"))
    counts = {
        "input_tokens": count(usage.get("input_tokens")),
        "output_tokens": count(usage.get("output_tokens")),
        "cached_input_tokens": count(inputs.get("cached_tokens")),
        "cache_write_tokens": count(inputs.get("cache_write_tokens")),
        "reasoning_tokens": count(outputs.get("reasoning_tokens")),
    }
    sent, made, thought = counts["input_tokens"], counts["output_tokens"], counts["reasoning_tokens"]
    if sent is not None and made is not None and thought and count(usage.get("total_tokens")) == sent + made + thought:
        counts["output_tokens"] = made + thought
    return {name: None if zero_is_unknown and value == 0 else value for name, value in counts.items()}


class ProviderError(NamedTuple):
    """An error as the provider words it. Without a code its type stands for it."""

    code: str | int | None
    type: str | None
    message: str
    status_code: int | None

    def tells_something(self) -> bool:
        """False for `error: {}` and the like."""
        return self.code is not None or bool(self.message)


def provider_error(event: JSONObject) -> ProviderError:
    """The error in an event or response: nested under `error` (as recorded), a bare string there, or flat (as the SDK's
    `ResponseErrorEvent` has it)."""
    inner = event.get("error")
    body = inner if isinstance(inner, dict) else event
    word = as_text(body.get("type")) if isinstance(inner, dict) else None
    code = body.get("code")
    said = code if as_text(code) or count(code) is not None else None
    statuses = (event.get("status_code"), event.get("status"), code)
    message = inner if isinstance(inner, str) else body.get("message")
    return ProviderError(
        code=said if said is not None else word,
        type=word,
        message=message if isinstance(message, str) else "",
        status_code=next((status for status in statuses if count(status) is not None), None),
    )
