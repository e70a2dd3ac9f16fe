"""Requests and completions in the message form of the GenAI semantic conventions, protocol by protocol."""

from __future__ import annotations

from typing import Any

import pytest
from streamproof.completion import (
    Choice,
    CitationPart,
    Completion,
    MediaPart,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    ToolCallPart,
    UnknownPart,
)
from streamproof.trace.otel import content_attributes
from streamproof.trace.otel_messages import output_messages
from trace_records import trace

INPUTS: dict[str, tuple[dict[str, Any], list[Any], list[Any]]] = {
    "openai_chat": (
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "hi"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QQ=="}},
                    ],
                },
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"a":'}}],
                },
                {"role": "tool", "tool_call_id": "c", "content": "done"},
            ],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        },
        [
            (
                "user",
                [
                    {"type": "text", "content": "hi"},
                    {"type": "blob", "mime_type": "image/png", "modality": "image", "content": "QQ=="},
                ],
            ),
            ("assistant", [{"type": "tool_call", "id": "c", "name": "f", "arguments": '{"a":'}]),
            ("tool", [{"type": "tool_call_response", "id": "c", "response": "done"}]),
        ],
        [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
    ),
    "openai_responses": (
        {
            "instructions": "Be brief.",
            "input": [
                {
                    "role": "user",
                    "content": [
                        {"type": "input_text", "text": "hi"},
                        {"type": "input_image", "image_url": "https://x.test/a"},
                    ],
                },
                {
                    "type": "reasoning",
                    "id": "rs",
                    "summary": [{"type": "summary_text", "text": "one"}, {"text": "two"}],
                },
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c", "output": "done"},
                {"type": "item_reference", "id": "m"},
            ],
            "tools": [
                {"type": "function", "name": "f", "description": "d", "parameters": {}, "strict": True},
                {"type": "web_search"},
            ],
        },
        [
            (
                "user",
                [
                    {"type": "text", "content": "hi"},
                    {"type": "uri", "mime_type": None, "modality": "image", "uri": "https://x.test/a"},
                ],
            ),
            ("assistant", [{"type": "reasoning", "content": "one\n\ntwo"}]),
            ("assistant", [{"type": "tool_call", "id": "c", "name": "f", "arguments": {}}]),
            ("tool", [{"type": "tool_call_response", "id": "c", "response": "done"}]),
            ("assistant", [{"type": "item_reference", "id": "m"}]),
        ],
        [
            {"type": "function", "name": "f", "description": "d", "parameters": {}},
            {"type": "web_search", "name": "web_search"},
        ],
    ),
    "anthropic_messages": (
        {
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [
                {"role": "user", "content": "hi"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "s"},
                        {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "t", "content": "done"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}},
                    ],
                },
            ],
            "tools": [{"name": "f", "description": "d", "input_schema": {}}],
        },
        [
            ("user", [{"type": "text", "content": "hi"}]),
            (
                "assistant",
                [
                    {"type": "reasoning", "content": "hm"},
                    {"type": "tool_call", "id": "t", "name": "f", "arguments": {"a": 1}},
                ],
            ),
            (
                "user",
                [
                    {"type": "tool_call_response", "id": "t", "response": "done"},
                    {"type": "blob", "mime_type": "image/png", "modality": "image", "content": "QQ=="},
                ],
            ),
        ],
        [{"type": "function", "name": "f", "description": "d", "parameters": {}}],
    ),
    "gemini_generate_content": (
        {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "contents": [
                {"role": "user", "parts": [{"text": "hi"}, {"inlineData": {"mimeType": "audio/wav", "data": "QQ=="}}]},
                {
                    "role": "model",
                    "parts": [{"text": "hm", "thought": True}, {"functionCall": {"name": "f", "args": {"a": 1}}}],
                },
                {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"ok": True}}}]},
            ],
            "tools": [
                {"functionDeclarations": [{"name": "f", "description": "d", "parametersJsonSchema": {}}]},
                {"googleSearch": {}},
            ],
        },
        [
            (
                "user",
                [
                    {"type": "text", "content": "hi"},
                    {"type": "blob", "mime_type": "audio/wav", "modality": "audio", "content": "QQ=="},
                ],
            ),
            (
                "assistant",
                [
                    {"type": "reasoning", "content": "hm"},
                    {"type": "tool_call", "id": None, "name": "f", "arguments": {"a": 1}},
                ],
            ),
            ("user", [{"type": "tool_call_response", "id": None, "response": {"ok": True}}]),
        ],
        [
            {"type": "function", "name": "f", "description": "d", "parameters": {}},
            {"type": "googleSearch", "name": "googleSearch"},
        ],
    ),
    "bedrock_converse": (
        {
            "system": [{"text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [{"text": "hi"}]},
                {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]},
                {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"text": "done"}]}}]},
            ],
            "toolConfig": {
                "tools": [{"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": {"type": "object"}}}}]
            },
        },
        [
            ("user", [{"type": "text", "content": "hi"}]),
            ("assistant", [{"type": "tool_call", "id": "t", "name": "f", "arguments": {}}]),
            ("user", [{"type": "tool_call_response", "id": "t", "response": [{"text": "done"}]}]),
        ],
        [{"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}],
    ),
}


@pytest.mark.parametrize("protocol", INPUTS)
def test_requests_of_every_protocol(protocol: str) -> None:
    """Messages, calls, results, media, instructions and tools of each protocol take the conventions' form."""
    request, messages, tools = INPUTS[protocol]
    found = content_attributes(trace(protocol=protocol, request=request))
    assert [(message["role"], message["parts"]) for message in found["gen_ai.input.messages"]] == messages
    assert found["gen_ai.tool.definitions"] == tools
    instructions = [{"type": "text", "content": "Be brief."}]
    assert found.get("gen_ai.system_instructions") == (None if protocol == "openai_chat" else instructions)


HOSTILE: list[Any] = [None, 3, "x", [], {}, [None, 3, "x", []], [{"type": 7}, {"content": 3}, {"text": None}]]


@pytest.mark.parametrize("protocol", [*INPUTS, "unheard_of"])
@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_hostile_requests_are_survived(protocol: str, value: Any) -> None:
    """Any JSON where messages, parts, tools or calls are expected gives some message form and no exception."""
    keys = ("messages", "input", "contents", "system", "instructions", "systemInstruction", "tools", "toolConfig")
    parts = {"content": value, "parts": value, "tool_calls": value, "source": value, "image_url": value}
    keyed = [{key: value} for key in ("functionCall", "functionResponse", "inlineData", "fileData", "toolUse")]
    for history in (value, [parts], [{"role": value, "content": keyed, "parts": keyed}], [{"type": "image", **parts}]):
        content_attributes(trace(protocol=protocol, request=dict.fromkeys(keys, history)))


@pytest.mark.parametrize(
    ("status", "expected"), [("failed", "error"), ("interrupted", "interrupted"), ("complete", "unknown")]
)
def test_output_without_a_reason(status: Any, expected: str) -> None:
    """The conventions demand a finish reason: a failure says so, and nothing is said to have stopped by itself."""
    assert output_messages(Completion(status=status)) == [{"role": "assistant", "parts": [], "finish_reason": expected}]


def test_every_kind_of_output_part() -> None:
    """No part of a completion is lost: what the conventions have no form for is a part of its own type."""
    parts = (
        TextPart(text="t"),
        ReasoningPart(text="r", signature="s"),
        RefusalPart(text="no"),
        ToolCallPart(index=0),
        MediaPart(media_type="audio/wav", data="QQ==", text="spoken"),
        MediaPart(url="https://x.test/a.png"),
        CitationPart(citations=({"url": "https://x.test"},)),
        ServerToolPart(id="ws", name="web_search_call", data={"type": "web_search_call", "action": {}}),
        ServerToolPart(name="odd", data=3),
        UnknownPart(name="hologram", data={"depth": 3}),
        UnknownPart(name="", data="bare"),
    )
    (message,) = output_messages(Completion(content=parts, tool_calls=(ToolCall(name="f", arguments='{"a":'),)))
    assert message["parts"] == [
        {"type": "text", "content": "t"},
        {"type": "reasoning", "content": "r"},
        {"type": "refusal", "content": "no"},
        {"type": "tool_call", "id": None, "name": "f", "arguments": '{"a":'},
        {"type": "blob", "mime_type": "audio/wav", "modality": "audio", "transcript": "spoken", "content": "QQ=="},
        {"type": "uri", "mime_type": None, "modality": "unknown", "uri": "https://x.test/a.png"},
        {"type": "citation", "citations": [{"url": "https://x.test"}]},
        {
            "type": "server_tool_call",
            "id": "ws",
            "name": "web_search_call",
            "server_tool_call": {"type": "web_search_call", "action": {}},
        },
        {"type": "server_tool_call", "id": None, "name": "odd", "server_tool_call": {"type": "odd", "data": 3}},
        {"type": "hologram", "depth": 3},
        {"type": "unknown", "data": "bare"},
    ]


def test_one_message_per_choice() -> None:
    """A further choice is a message of its own, with its own calls."""
    other = Choice(index=1, content=(ToolCallPart(index=0),), tool_calls=(ToolCall(name="g"),), finish_reason="stop")
    _, second = output_messages(Completion(choices=(other,)))
    assert second["parts"] == [{"type": "tool_call", "id": None, "name": "g", "arguments": ""}]
    assert second["finish_reason"] == "stop"
