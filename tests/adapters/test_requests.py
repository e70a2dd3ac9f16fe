"""A neutral call as each protocol's request, checked against the SDKs' own parameter types."""

from __future__ import annotations

import typing
from typing import Any

import pytest
from adapter_kit import SDK_ROWS, WAYS, ask, pieces_of, watched
from anthropic.types import message_create_params
from google.genai import types as genai_types
from openai.types.chat import completion_create_params
from openai.types.responses import response_create_params
from streamproof import jsontext
from streamproof.adapters.contract import Call
from streamproof.adapters.requests import request_body
from streamproof.errors import UsageError
from streamproof.providers import PROTOCOLS, Provider

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FULL = Call(
    model="some-model",
    messages=[
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "How warm "}, {"type": "text", "text": "is it?"}]},
        {"role": "assistant", "content": "Where?"},
        {"role": "user", "content": "Ostrava"},
        {"role": "system", "content": "Be kind."},
    ],
    tools=[{"name": "weather", "description": "Look outside", "parameters": SCHEMA, "kind": "function"}],
    max_output_tokens=2048,
    options={"reasoning": "low", "n": 2, "stop": ["END"], "temperature": 0, "tool_choice": "weather"},
)
BARE = Call(model="some-model", messages=[{"role": "user", "content": "Hi"}])


def without(body: dict[str, Any], *names: str) -> dict[str, Any]:
    """The body without some fields."""
    return {name: value for name, value in body.items() if name not in names}


def test_chat() -> None:
    """A field of the call that Chat Completions has is lost or misnamed."""
    assert request_body(FULL, "openai_chat") == {
        "model": "some-model",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "How warm is it?"},
            {"role": "assistant", "content": "Where?"},
            {"role": "user", "content": "Ostrava"},
            {"role": "system", "content": "Be kind."},
        ],
        "tools": [
            {
                "type": "function",
                "function": {"name": "weather", "description": "Look outside", "parameters": SCHEMA},
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "max_tokens": 2048,
        "reasoning_effort": "low",
        "n": 2,
        "stop": ["END"],
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_responses() -> None:
    """A field of the call that Responses has is lost or misnamed; it has no `n` and no `stop`."""
    body = request_body(FULL, "openai_responses")
    assert body["input"] == request_body(FULL, "openai_chat")["messages"]
    assert without(body, "input") == {
        "model": "some-model",
        "tools": [{"type": "function", "name": "weather", "description": "Look outside", "parameters": SCHEMA}],
        "tool_choice": {"type": "function", "name": "weather"},
        "max_output_tokens": 2048,
        "reasoning": {"effort": "low", "summary": "auto"},
        "temperature": 0,
        "stream": True,
    }


def test_messages() -> None:
    """Anthropic's system stands beside the messages, and its tools have an `input_schema`."""
    assert request_body(FULL, "anthropic_messages") == {
        "model": "some-model",
        "system": "Be brief.\n\nBe kind.",
        "messages": [
            {"role": "user", "content": "How warm is it?"},
            {"role": "assistant", "content": "Where?"},
            {"role": "user", "content": "Ostrava"},
        ],
        "tools": [{"name": "weather", "description": "Look outside", "input_schema": SCHEMA}],
        "tool_choice": {"type": "tool", "name": "weather"},
        "max_tokens": 2048,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "stop_sequences": ["END"],
        "temperature": 0,
        "stream": True,
    }


def test_gemini() -> None:
    """Gemini's roles, its system instruction and its tool declarations."""
    assert request_body(FULL, "gemini_generate_content") == {
        "model": "some-model",
        "contents": [
            {"role": "user", "parts": [{"text": "How warm is it?"}]},
            {"role": "model", "parts": [{"text": "Where?"}]},
            {"role": "user", "parts": [{"text": "Ostrava"}]},
        ],
        "systemInstruction": {"parts": [{"text": "Be brief.\n\nBe kind."}]},
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "weather", "description": "Look outside", "parametersJsonSchema": SCHEMA}
                ]
            }
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
        "generationConfig": {
            "maxOutputTokens": 2048,
            "thinkingConfig": {"includeThoughts": True},
            "candidateCount": 2,
            "stopSequences": ["END"],
            "temperature": 0,
        },
    }


def test_converse() -> None:
    """Converse nests text, tools and limits in objects of its own."""
    assert request_body(FULL, "bedrock_converse") == {
        "model": "some-model",
        "messages": [
            {"role": "user", "content": [{"text": "How warm is it?"}]},
            {"role": "assistant", "content": [{"text": "Where?"}]},
            {"role": "user", "content": [{"text": "Ostrava"}]},
        ],
        "system": [{"text": "Be brief.\n\nBe kind."}],
        "inferenceConfig": {"maxTokens": 2048, "temperature": 0, "stopSequences": ["END"]},
        "toolConfig": {
            "tools": [
                {"toolSpec": {"name": "weather", "description": "Look outside", "inputSchema": {"json": SCHEMA}}}
            ],
            "toolChoice": {"tool": {"name": "weather"}},
        },
    }


@pytest.mark.parametrize(
    ("protocol", "fields"),
    [
        ("openai_chat", {"model", "messages", "stream", "stream_options"}),
        ("openai_responses", {"model", "input", "stream"}),
        ("anthropic_messages", {"model", "messages", "max_tokens", "stream"}),
        ("gemini_generate_content", {"model", "contents"}),
        ("bedrock_converse", {"model", "messages"}),
    ],
)
def test_what_the_call_does_not_say_is_left_out(protocol: str, fields: set[str]) -> None:
    """Nulls and empty lists on the wire, which providers refuse."""
    assert request_body(BARE, protocol).keys() == fields


@pytest.mark.parametrize(
    ("protocol", "path", "words"),
    [
        ("openai_chat", ("tool_choice",), {"auto": "auto", "required": "required", "none": "none"}),
        ("openai_responses", ("tool_choice",), {"auto": "auto", "required": "required", "none": "none"}),
        (
            "anthropic_messages",
            ("tool_choice",),
            {"auto": {"type": "auto"}, "required": {"type": "any"}, "none": {"type": "none"}},
        ),
        (
            "gemini_generate_content",
            ("toolConfig", "functionCallingConfig", "mode"),
            {"auto": "AUTO", "required": "ANY", "none": "NONE"},
        ),
        (
            "bedrock_converse",
            ("toolConfig", "toolChoice"),
            {"auto": {"auto": {}}, "required": {"any": {}}},
        ),
    ],
)
def test_tool_choice_words(protocol: str, path: tuple[str, ...], words: dict[str, Any]) -> None:
    """`auto`, `required` or `none` in another protocol's words."""
    for word, wire in words.items():
        found: Any = request_body(Call(model="m", tools=FULL.tools, options={"tool_choice": word}), protocol)
        for name in path:
            found = found[name]
        assert found == wire
    none = request_body(Call(model="m", tools=FULL.tools, options={"tool_choice": "none"}), "bedrock_converse")
    assert "toolChoice" not in none["toolConfig"]


def test_a_thinking_budget_leaves_room_for_the_answer() -> None:
    """Anthropic refuses `max_tokens` that do not exceed the thinking budget."""
    body = request_body(Call(model="m", options={"reasoning": "high"}), "anthropic_messages")
    assert body["max_tokens"] > body["thinking"]["budget_tokens"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "call",
    [
        Call(model="m", messages=[{"role": "tool", "content": "21 degrees"}]),
        Call(model="m", messages=[{"role": "user", "content": [{"type": "media", "url": "http://x/y.png"}]}]),
        Call(model="m", tools=[{"name": "web_search", "kind": "server"}]),
    ],
    ids=["tool message", "media", "server tool"],
)
def test_what_cannot_be_asked_yet_is_refused(protocol: str, call: Call) -> None:
    """A request that drops a part of the call, or a KeyError from inside."""
    with pytest.raises(UsageError, match="yet"):
        request_body(call, protocol)


def _names(*kinds: Any) -> set[str]:
    return {name for kind in kinds for name in typing.get_type_hints(kind, include_extras=True)}


@pytest.mark.parametrize(
    ("protocol", "params"),
    [
        ("openai_chat", completion_create_params.CompletionCreateParamsStreaming),
        ("openai_responses", response_create_params.ResponseCreateParamsStreaming),
        ("anthropic_messages", message_create_params.MessageCreateParamsStreaming),
    ],
)
def test_the_sdk_knows_every_field(protocol: str, params: Any) -> None:
    """A misspelled field, which goes into `extra_body` without a word and is ignored or refused."""
    no_longer = {"temperature"} if protocol == "anthropic_messages" else set()
    assert request_body(FULL, protocol).keys() - _names(params) == no_longer
    required = {name for name in params.__required_keys__ if name != "stream"}
    assert required <= request_body(BARE, protocol).keys()


def test_google_knows_every_field() -> None:
    """A misspelled field of a Gemini request."""
    body = request_body(FULL, "gemini_generate_content")
    config = genai_types.GenerationConfig.model_fields
    aliases = {field.alias or name for name, field in config.items()}
    assert body["generationConfig"].keys() <= aliases
    genai_types.ToolConfig.model_validate(body["toolConfig"])
    genai_types.Tool.model_validate(body["tools"][0])
    for content in (*body["contents"], body["systemInstruction"]):
        genai_types.Content.model_validate(content)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("row", SDK_ROWS, ids=lambda row: row.key)
def test_the_whole_body_reaches_the_wire(row: Provider, way: str) -> None:
    """A client drops, renames or adds a field on the way from the call to the request."""
    endpoint, watch = watched(row, pieces_of(row))
    ask(way, endpoint, Call(**{**_fields(FULL), "model": "some-model"}))
    sent = jsontext.loads(watch.requests[0].content.decode())
    expected = {**row.body, **request_body(FULL, row.protocol)}
    if row.sdk in ("genai", "genai_vertex"):
        expected = without(expected, "model")
    if row.sdk == "anthropic_bedrock":
        assert sent.pop("anthropic_version")
        expected = without(expected, "model", "stream")
    assert sent == expected


def _fields(call: Call) -> dict[str, Any]:
    return {name: getattr(call, name) for name in ("messages", "tools", "max_output_tokens", "options")}


def test_a_call_from_a_case() -> None:
    """A case's `call` block and the contract disagree about names, or about the number of choices."""
    call = Call.from_json({"model": "m", "messages": [], "options": {"n": 3}})
    assert (call.model, call.n, call.tools, call.max_output_tokens) == ("m", 3, (), None)
    assert Call(model="m").n == 1
    assert Call(model="m", options={"n": "many"}).n == 1
