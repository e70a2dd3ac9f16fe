"""A neutral call as each protocol's request body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import UsageError
from ..jsontext import JSON, JSONObject
from .contract import Call

Body = dict[str, Any]


def request_body(call: Call, protocol: str) -> Body:
    """The streaming request of a protocol, as the provider's documentation gives it.

    The model stands in it as `model` for every protocol; where the wire has it in the path, the client takes it out.
    Raises UsageError for what it cannot say yet: content other than text, tool messages, tools that the provider runs.
    """
    _check(call)
    body: Body = {"model": call.model}
    body.update(_BUILDERS[protocol](call))
    return _set(body)


def _set(fields: Body) -> Body:
    return {name: value for name, value in fields.items() if value is not None}


def _check(call: Call) -> None:
    for message in call.messages:
        content = message["content"]
        parts = [] if isinstance(content, str) else content
        if message["role"] == "tool" or any(part["type"] != "text" for part in parts):
            raise UsageError(f"a {message['role']} message with more than text cannot be asked yet")
    for tool in call.tools:
        if tool.get("kind", "function") != "function":
            raise UsageError(f"the provider's own tool {tool['name']!r} cannot be asked for yet")


def _text(message: JSONObject) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _messages_of(call: Call) -> list[Body]:
    return [{"role": message["role"], "content": _text(message)} for message in call.messages]


def _function(tool: JSONObject) -> Body:
    return {name: value for name, value in tool.items() if name != "kind"}


def _chat(call: Call) -> Body:
    # https://platform.openai.com/docs/api-reference/chat/create
    return {
        "messages": _messages_of(call),
        "tools": [{"type": "function", "function": _function(tool)} for tool in call.tools] or None,
        "max_tokens": call.max_output_tokens,
        "reasoning_effort": call.options.get("reasoning"),
        "n": call.options.get("n"),
        "stop": call.options.get("stop"),
        "temperature": call.options.get("temperature"),
        "tool_choice": _choice(call, lambda name: {"type": "function", "function": {"name": name}}),
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def _responses(call: Call) -> Body:
    # https://platform.openai.com/docs/api-reference/responses/create
    effort = call.options.get("reasoning")
    return {
        "input": _messages_of(call),
        "tools": [{"type": "function", **_function(tool)} for tool in call.tools] or None,
        "max_output_tokens": call.max_output_tokens,
        "reasoning": {"effort": effort, "summary": "auto"} if effort else None,
        "temperature": call.options.get("temperature"),
        "tool_choice": _choice(call, lambda name: {"type": "function", "name": name}),
        "stream": True,
    }


def _messages(call: Call) -> Body:
    # https://docs.anthropic.com/en/api/messages; max_tokens is required there, and has to exceed the thinking budget
    thinks = bool(call.options.get("reasoning"))
    return {
        "system": _system(call),
        "messages": [message for message in _messages_of(call) if message["role"] != "system"],
        "tools": [
            {"name": t["name"], "description": t.get("description", ""), "input_schema": t["parameters"]}
            for t in call.tools
        ]
        or None,
        "max_tokens": call.max_output_tokens or (4096 if thinks else 1024),
        "thinking": {"type": "enabled", "budget_tokens": 1024} if thinks else None,
        "stop_sequences": call.options.get("stop"),
        # anthropic 2.12 has no such parameter any more; other providers' Messages do
        "temperature": call.options.get("temperature"),
        "tool_choice": _choice(
            call,
            lambda name: {"type": "tool", "name": name},
            {"required": {"type": "any"}, "auto": {"type": "auto"}, "none": {"type": "none"}},
        ),
        "stream": True,
    }


def _gemini(call: Call) -> Body:
    # https://ai.google.dev/api/generate-content
    config = {
        "maxOutputTokens": call.max_output_tokens,
        "thinkingConfig": {"includeThoughts": True} if call.options.get("reasoning") else None,
        "candidateCount": call.options.get("n"),
        "stopSequences": call.options.get("stop"),
        "temperature": call.options.get("temperature"),
    }
    declarations = [
        {"name": t["name"], "description": t.get("description", ""), "parametersJsonSchema": t["parameters"]}
        for t in call.tools
    ]
    choice = _choice(
        call,
        lambda name: {"mode": "ANY", "allowedFunctionNames": [name]},
        {"required": {"mode": "ANY"}, "auto": {"mode": "AUTO"}, "none": {"mode": "NONE"}},
    )
    system = _system(call)
    return {
        "contents": [
            {"role": "model" if m["role"] == "assistant" else "user", "parts": [{"text": _text(m)}]}
            for m in call.messages
            if m["role"] != "system"
        ],
        "systemInstruction": {"parts": [{"text": system}]} if system else None,
        "tools": [{"functionDeclarations": declarations}] if declarations else None,
        "toolConfig": {"functionCallingConfig": choice} if choice else None,
        "generationConfig": _set(config) or None,
    }


def _converse(call: Call) -> Body:
    # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
    system = _system(call)
    tools = [
        {
            "toolSpec": {
                "name": t["name"],
                "description": t.get("description", ""),
                "inputSchema": {"json": t["parameters"]},
            }
        }
        for t in call.tools
    ]
    config = {
        "maxTokens": call.max_output_tokens,
        "temperature": call.options.get("temperature"),
        "stopSequences": call.options.get("stop"),
    }
    # Converse has no `none`
    choice = _choice(
        call, lambda name: {"tool": {"name": name}}, {"required": {"any": {}}, "auto": {"auto": {}}, "none": None}
    )
    return {
        "messages": [
            {"role": m["role"], "content": [{"text": _text(m)}]} for m in call.messages if m["role"] != "system"
        ],
        "system": [{"text": system}] if system else None,
        "inferenceConfig": _set(config) or None,
        "toolConfig": _set({"tools": tools, "toolChoice": choice}) if tools else None,
    }


def _system(call: Call) -> str | None:
    return "\n\n".join(_text(m) for m in call.messages if m["role"] == "system") or None


def _choice(call: Call, named: Callable[[str], JSON], words: Mapping[str, JSON] | None = None) -> JSON:
    choice = call.options.get("tool_choice")
    if choice is None:
        return None
    if choice in ("auto", "required", "none"):
        return (words or {}).get(choice, choice)
    return named(choice)


_BUILDERS: Mapping[str, Callable[[Call], Body]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic_messages": _messages,
    "gemini_generate_content": _gemini,
    "bedrock_converse": _converse,
}
