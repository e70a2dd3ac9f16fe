"""Requests and completions in the message form of the OpenTelemetry GenAI semantic conventions, 1.41.1.

A message is {role, parts}; an output message has a finish_reason too. The parts are `text`, `reasoning`, `tool_call`,
`tool_call_response`, `server_tool_call`, `blob`, `uri`, `file`; what has no such form is a generic part: the wire's own
object under its own type. Source: gen-ai-input-messages.json, gen-ai-output-messages.json,
gen-ai-system-instructions.json and gen-ai-tool-definitions.json of
https://github.com/open-telemetry/semantic-conventions/tree/v1.41.1/docs/gen-ai.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from ..completion import (
    Choice,
    CitationPart,
    Completion,
    MediaPart,
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    ToolCallPart,
    UnknownPart,
)
from ..jsontext import JSON, JSONObject, loads

OTelPart: TypeAlias = dict[str, Any]
Message: TypeAlias = dict[str, Any]


def input_messages(protocol: str, request: JSONObject) -> list[Message]:
    """The chat history of a request, in the order it was sent; a system message in it stays in it."""
    key, read = _HISTORY.get(protocol, ("messages", _message))
    history = request.get(key)
    if isinstance(history, str):
        return [{"role": "user", "parts": [_text(history)]}]
    return [read(item) for item in _objects(history)]


def system_instructions(request: JSONObject) -> list[OTelPart]:
    """The instructions that a request gives beside the chat history, empty when it has none."""
    for key in ("instructions", "system", "systemInstruction", "system_instruction"):
        given = request.get(key)
        if given:
            return _parts(given.get("parts") if isinstance(given, Mapping) and "parts" in given else given)
    return []


def tool_definitions(request: JSONObject) -> list[dict[str, Any]]:
    """The tools of a request, flattened to {type, name, description?, parameters?}."""
    config = request.get("toolConfig")
    tools = request.get("tools") or (config.get("tools") if isinstance(config, Mapping) else None)
    return [definition for tool in _objects(tools) for definition in _definitions(tool)]


def output_messages(completion: Completion) -> list[Message]:
    """One message per choice."""
    first = Choice(
        index=0,
        content=completion.content,
        tool_calls=completion.tool_calls,
        finish_reason=completion.finish_reason,
    )
    return [
        {
            "role": "assistant",
            "parts": [_output_part(part, choice.tool_calls) for part in choice.content],
            "finish_reason": output_finish_reason(choice.finish_reason, completion.status),
        }
        for choice in (first, *completion.choices)
    ]


def output_finish_reason(reason: str | None, status: str) -> str:
    """The conventions' word; it is required, so what the wire never said is told by the status."""
    if reason is None:
        return {"failed": "error", "complete": "unknown"}.get(status, status)
    return "tool_call" if reason == "tool_calls" else reason


# The completion's parts


def _output_part(part: Part, calls: tuple[ToolCall, ...]) -> OTelPart:
    return _OUTPUT[type(part)](part, calls)


def _output_call(part: ToolCallPart, calls: tuple[ToolCall, ...]) -> OTelPart:
    call = calls[part.index]
    return _call(call.id, call.name, call.arguments)


def _output_media(part: MediaPart, _: object) -> OTelPart:
    return _media(part.media_type, data=part.data, uri=part.url, text=part.text)


_OUTPUT: Mapping[type[Part], Callable[[Any, tuple[ToolCall, ...]], OTelPart]] = {
    TextPart: lambda part, _: _text(part.text),
    ReasoningPart: lambda part, _: {"type": "reasoning", "content": part.text},
    RefusalPart: lambda part, _: {"type": "refusal", "content": part.text},
    ToolCallPart: _output_call,
    MediaPart: _output_media,
    CitationPart: lambda part, _: {"type": "citation", "citations": list(part.citations)},
    ServerToolPart: lambda part, _: {
        "type": "server_tool_call",
        "id": part.id,
        "name": part.name,
        "server_tool_call": _generic(part.data, part.name),
    },
    UnknownPart: lambda part, _: _generic(part.data, part.name),
}


# The request's messages: one reader per way of writing a message


def _message(message: JSONObject) -> Message:
    """Chat Completions, Messages and Converse: {role, content}."""
    role = message.get("role")
    parts = _parts(message.get("content"))
    if role == "tool":  # Chat's answer to a call
        content = message.get("content")
        parts = [{"type": "tool_call_response", "id": message.get("tool_call_id"), "response": content}]
    for call in _objects(message.get("tool_calls")):
        function = _object(call.get("function"))
        parts.append(_call(call.get("id"), function.get("name"), function.get("arguments")))
    return {"role": role if isinstance(role, str) else "unknown", "parts": parts}


def _item(item: JSONObject) -> Message:
    """Responses: an item of `input`."""
    kind = item.get("type", "message")
    if kind == "message":
        return _message(item)
    if kind in ("function_call", "custom_tool_call"):
        arguments = item.get("arguments", item.get("input"))
        return {"role": "assistant", "parts": [_call(item.get("call_id"), item.get("name"), arguments)]}
    if kind in ("function_call_output", "custom_tool_call_output"):
        response = {"type": "tool_call_response", "id": item.get("call_id"), "response": item.get("output")}
        return {"role": "tool", "parts": [response]}
    if kind == "reasoning":
        texts = [str(part.get("text", "")) for part in _objects(item.get("summary"))]
        return {"role": "assistant", "parts": [{"type": "reasoning", "content": "\n\n".join(texts)}]}
    return {"role": "assistant", "parts": [_generic(item, "unknown")]}


def _content(content: JSONObject) -> Message:
    """generateContent: {role: user | model, parts}."""
    role = content.get("role", "user")
    return {"role": "assistant" if role == "model" else str(role), "parts": _parts(content.get("parts"))}


_HISTORY: Mapping[str, tuple[str, Callable[[JSONObject], Message]]] = {
    "openai_chat": ("messages", _message),
    "openai_responses": ("input", _item),
    "anthropic_messages": ("messages", _message),
    "bedrock_converse": ("messages", _message),
    "gemini_generate_content": ("contents", _content),
}


# The request's parts: by `type` (OpenAI, Anthropic), else by the key that is there (Gemini, Converse)


def _parts(content: JSON) -> list[OTelPart]:
    if isinstance(content, str):
        return [_text(content)]
    if isinstance(content, Mapping):
        return [_part(content)]
    return [
        _text(part) if isinstance(part, str) else _part(part)
        for part in (content if isinstance(content, list | tuple) else ())
        if isinstance(part, str | Mapping)
    ]


def _part(part: JSONObject) -> OTelPart:
    kind = part.get("type")
    read = _TYPED.get(kind) if isinstance(kind, str) else None
    if read is not None:
        return read(part)
    if kind is None:
        for key, read_key in _KEYED.items():
            if key in part:
                return read_key(part, part[key])
    return _generic(part, "unknown")


def _image(part: JSONObject) -> OTelPart:
    """Chat {image_url: {url}}, Responses {image_url: url | file_id}; a data URL is a blob."""
    found = part.get("image_url")
    url = found.get("url") if isinstance(found, Mapping) else found
    if not isinstance(url, str):
        return _generic(part, "image")
    if url.startswith("data:"):
        head, _, data = url.partition(",")
        return _media(head[5:].partition(";")[0], data=data, modality="image")
    return _media(None, uri=url, modality="image")


def _source(part: JSONObject) -> OTelPart:
    """Messages {type: image | document, source: {type, media_type, data | url | file_id}}."""
    source = _object(part.get("source"))
    modality = str(part.get("type"))
    if source.get("file_id"):
        return {"type": "file", "modality": modality, "file_id": source["file_id"]}
    if not (source.get("data") or source.get("url")):
        return _generic(part, modality)
    return _media(source.get("media_type"), data=source.get("data"), uri=source.get("url"), modality=modality)


_TYPED: Mapping[str, Callable[[JSONObject], OTelPart]] = {
    "text": lambda part: _text(part.get("text")),
    "input_text": lambda part: _text(part.get("text")),
    "output_text": lambda part: _text(part.get("text")),
    "image_url": _image,
    "input_image": _image,
    "image": _source,
    "document": _source,
    "thinking": lambda part: {"type": "reasoning", "content": str(part.get("thinking", ""))},
    "tool_use": lambda part: _call(part.get("id"), part.get("name"), part.get("input")),
    "tool_result": lambda part: {
        "type": "tool_call_response",
        "id": part.get("tool_use_id"),
        "response": part.get("content"),
    },
}

_KEYED: Mapping[str, Callable[[JSONObject, Any], OTelPart]] = {
    "text": lambda part, text: {"type": "reasoning", "content": str(text)} if part.get("thought") else _text(text),
    "functionCall": lambda _, call: _call(
        _object(call).get("id"), _object(call).get("name"), _object(call).get("args")
    ),
    "functionResponse": lambda _, answer: {
        "type": "tool_call_response",
        "id": _object(answer).get("id"),
        "response": _object(answer).get("response"),
    },
    "inlineData": lambda _, blob: _media(_object(blob).get("mimeType"), data=_object(blob).get("data")),
    "fileData": lambda _, file: _media(_object(file).get("mimeType"), uri=_object(file).get("fileUri")),
    "toolUse": lambda _, call: _call(
        _object(call).get("toolUseId"), _object(call).get("name"), _object(call).get("input")
    ),
    "toolResult": lambda _, answer: {
        "type": "tool_call_response",
        "id": _object(answer).get("toolUseId"),
        "response": _object(answer).get("content"),
    },
}


def _definitions(tool: JSONObject) -> Iterable[dict[str, Any]]:
    declared = tool.get("functionDeclarations", tool.get("function_declarations"))
    if declared is not None:
        return [_definition(item) for item in _objects(declared)]
    for key in ("function", "toolSpec"):
        if isinstance(tool.get(key), Mapping):
            return [_definition(tool[key])]
    return [_definition(tool, tool.get("type"))]


def _definition(tool: JSONObject, kind: JSON = None) -> dict[str, Any]:
    schema = tool.get("inputSchema")
    if kind is None and "name" not in tool:
        kind = next(iter(tool), "unknown")  # Gemini's own tools are {googleSearch: {}}
    known = {
        "type": "function" if kind is None or (kind == "custom" and "format" not in tool) else str(kind),
        "name": tool.get("name", kind),
        "description": tool.get("description"),
        "parameters": next(
            (tool[key] for key in ("parameters", "parametersJsonSchema", "input_schema") if key in tool),
            schema.get("json") if isinstance(schema, Mapping) else None,
        ),
    }
    return {name: value for name, value in known.items() if value is not None}


def _text(text: JSON) -> OTelPart:
    return {"type": "text", "content": text if isinstance(text, str) else ""}


def _call(identity: JSON, name: JSON, arguments: JSON) -> OTelPart:
    """Arguments as an object where they are whole, else as the text that came."""
    if isinstance(arguments, str):
        with suppress(ValueError):  # truncated: the text itself is the truth
            arguments = loads(arguments)
    return {"type": "tool_call", "id": identity, "name": name if isinstance(name, str) else "", "arguments": arguments}


def _media(
    media_type: JSON, *, data: JSON = None, uri: JSON = None, text: str = "", modality: str | None = None
) -> OTelPart:
    kind = media_type if isinstance(media_type, str) else None
    head = (kind or "").partition("/")[0]
    part: OTelPart = {"type": "blob", "mime_type": kind, "modality": modality or head or "unknown"}
    if text:
        part["transcript"] = text
    if data is None and uri is not None:
        return {**part, "type": "uri", "uri": uri}
    return {**part, "content": data if isinstance(data, str) else ""}


def _generic(data: JSON, kind: str) -> OTelPart:
    known = dict(data) if isinstance(data, Mapping) else {"data": data}
    return {**known, "type": known["type"] if isinstance(known.get("type"), str) else kind or "unknown"}


def _object(value: JSON) -> JSONObject:
    return value if isinstance(value, Mapping) else {}


def _objects(value: JSON) -> list[JSONObject]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []
