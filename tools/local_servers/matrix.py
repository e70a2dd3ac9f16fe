"""What is recorded: shapes of an answer, over the four protocols. The model's words stand in SCRIPTS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from scripted_model import CONTEXT, marker
from servers import LLAMA, MODEL, ROSETTA
from streamproof.adapters.contract import Call
from streamproof.adapters.requests import request_body

# The spaces inside the JSON differ from script to script, so that it can be cut differently (scripted_model.py).
SCRIPTS: Mapping[str, str] = {
    "text": "The harbour café opens at seven.",
    "count": "1, 2, 3, 4, 5, 6, 7",
    "unicode": "Ærø: 灯台 🚢 ένας φάρος",
    "empty": "\n\n",
    "think": "<think>\nTides follow the moon.\n</think>\n\nTwice a day.",
    "call": '<tool_call>\n{"name": "get_tide", "arguments": {"port": "Esbjerg"}}\n</tool_call>',
    "text_call": 'One moment, I look it up.<tool_call>\n{"name":"get_tide","arguments":{"port":"Ribe"}}\n</tool_call>',
    "think_call": "<think>\nThe table knows.\n</think>\n\n"
    '<tool_call>\n{ "name":"get_tide", "arguments":{ "port":"Hvide Sande"}}\n</tool_call>',
    "calls": '<tool_call>\n{"name" : "get_tide", "arguments" : {"port" : "Skagen"}}\n</tool_call>\n'
    '<tool_call>\n{ "name" :"get_tide" , "arguments" :{ "port" :"Tórshavn"} }\n</tool_call>',
}

TOOL = {
    "name": "get_tide",
    "description": "High water at a port",
    "parameters": {
        "type": "object",
        "properties": {"port": {"type": "string", "description": "Name of the port"}},
        "required": ["port"],
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An answer to ask for. script: what the model says. limit: of the output, in tokens. options: as in a case's
    `call`. tools: offered with the question. prompt: what is asked besides the marker."""

    script: str
    limit: int = 120
    options: Mapping[str, Any] = field(default_factory=dict)
    tools: bool = False
    prompt: str = "hello"


SHAPES: Mapping[str, Shape] = {
    "text": Shape(script="text"),
    "unicode": Shape(script="unicode"),
    "empty-text": Shape(script="empty"),
    "length": Shape(script="text", limit=3),
    "stop-sequence": Shape(script="count", options={"stop": ["5"]}),
    "tool-call": Shape(script="call", tools=True),
    "tool-call-forced": Shape(script="call", tools=True, options={"tool_choice": "required"}),
    "tool-call-length": Shape(script="call", tools=True, limit=14),
    "text-and-tool-call": Shape(script="text_call", tools=True),
    "parallel-tool-calls": Shape(script="calls", tools=True),
    "reasoning": Shape(script="think", options={"reasoning": "low"}),
    "reasoning-length": Shape(script="think", limit=5, options={"reasoning": "low"}),
    "reasoning-and-tool-call": Shape(script="think_call", tools=True, options={"reasoning": "low"}),
    "context-overflow": Shape(script="text", prompt="and so on " * (CONTEXT // 8)),
    "bad-request": Shape(script="text"),
    "unknown-model": Shape(script="text"),
}

BAD: Mapping[str, Mapping[str, Any]] = {
    "openai_chat": {"messages": "not a list"},
    "openai_responses": {"input": 12345},
    "anthropic_messages": {"max_tokens": "many"},
    "gemini_generate_content": {"contents": 12345},
}
"""What is wrong in a bad request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """How a protocol is asked. refuses_models: whether the server refuses a model that it does not have."""

    provider: str
    upstream: str
    path: str
    prefix: str
    headers: Mapping[str, str] = field(default_factory=dict)
    refuses_models: bool = False


WIRES: Mapping[str, Wire] = {
    "openai_chat": Wire(provider="openai_compatible", upstream=LLAMA, path="/v1/chat/completions", prefix="llama-cpp"),
    "openai_responses": Wire(provider="openai_compatible", upstream=LLAMA, path="/v1/responses", prefix="llama-cpp"),
    "anthropic_messages": Wire(
        provider="anthropic_compatible",
        upstream=LLAMA,
        path="/v1/messages",
        prefix="llama-cpp",
        headers={"anthropic-version": "2023-06-01"},
    ),
    "gemini_generate_content": Wire(
        provider="gemini_compatible",
        upstream=ROSETTA,
        path="/v1beta/models/{model}:streamGenerateContent?alt=sse",
        prefix="llm-rosetta",
        refuses_models=True,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One request. id: of the case. call: the same in the neutral words of a case. body: as it is sent. is_case: what
    comes is a case, not the twin of one."""

    id: str
    wire: Wire
    path: str
    call: dict[str, Any]
    body: dict[str, Any]
    is_case: bool = True


def recordings() -> list[Recording]:
    """The whole matrix."""
    return [
        _recording(protocol, wire, name, shape)
        for protocol, wire in WIRES.items()
        for name, shape in SHAPES.items()
        if name != "unknown-model" or wire.refuses_models
    ]


TWINS = ("text", "length", "tool-call", "parallel-tool-calls", "reasoning-and-tool-call")
"""Shapes that are also recorded without streaming."""


def twins() -> list[Recording]:
    """The requests of some of the matrix without streaming; each has the id of its stream."""
    shapes = {f"{protocol}/{wire.prefix}-{name}" for protocol, wire in WIRES.items() for name in TWINS}
    return [_unstreamed(each) for each in recordings() if each.id in shapes]


def _unstreamed(recording: Recording) -> Recording:
    body = {name: value for name, value in recording.body.items() if name not in ("stream", "stream_options")}
    path = recording.path.replace(":streamGenerateContent?alt=sse", ":generateContent")
    return replace(recording, path=path, body=body, is_case=False)


def _recording(protocol: str, wire: Wire, name: str, shape: Shape) -> Recording:
    model = "no-such-model" if name == "unknown-model" else MODEL
    call: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": f"{marker(shape.script)} {shape.prompt}".strip()}],
        "max_output_tokens": shape.limit,
    }
    if shape.tools:
        call["tools"] = [TOOL]
    if shape.options:
        call["options"] = dict(shape.options)
    body = _as_taken(protocol, call)
    if name == "bad-request":
        body.update(BAD[protocol])
    path = wire.path.format(model=model)
    return Recording(id=f"{protocol}/{wire.prefix}-{name}", wire=wire, path=path, call=call, body=body)


def _as_taken(protocol: str, call: Mapping[str, Any]) -> dict[str, Any]:
    """The request as these servers take it."""
    body = request_body(Call.from_json(call), protocol)
    if protocol == "openai_responses" and "stop" in call.get("options", {}):
        body["stop"] = call["options"]["stop"]  # llama.cpp's own
    if protocol == "gemini_generate_content":
        del body["model"]  # it stands in the path
        for tool in body.get("tools", ()):  # llm-rosetta drops parametersJsonSchema
            for declared in tool["functionDeclarations"]:
                declared["parameters"] = declared.pop("parametersJsonSchema")
    return body
