"""Chat Completions: the turn as the next request's message."""

from __future__ import annotations

from typing import Any

import pytest
from message_wire import Event, misfits, sse
from openai.types.chat import ChatCompletionAssistantMessageParam
from streamproof.completion import Completion
from streamproof.errors import UsageError
from streamproof.messages import to_messages, tool_results

PROTOCOL = "openai_chat"


def turn(*deltas: Event, finish: str = "stop") -> Completion:
    """A completion of these deltas."""
    chunks = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    chunks.append({"index": 0, "delta": {}, "finish_reason": finish})
    return sse(PROTOCOL, *({"id": "c", "model": "m", "choices": [chunk]} for chunk in chunks))


def sent(completion: Completion, provider: str | None = None) -> Any:
    """The one message, without its role; for OpenAI it fits the SDK's type. None when there is none."""
    messages = to_messages(completion, PROTOCOL, provider=provider)
    if not messages:
        return None
    (message,) = messages
    assert message["role"] == "assistant"
    if provider is None:
        assert misfits(message, ChatCompletionAssistantMessageParam) == []
    return {name: value for name, value in message.items() if name != "role"}


def entry(index: int = 0, arguments: str = '{"q":1}', **more: Any) -> Event:
    """An entry of `tool_calls` in a delta."""
    function = {"name": "look", "arguments": arguments}
    return {"index": index, "id": f"call_{index}", "type": "function", "function": function, **more}


def call(index: int = 0, arguments: str = '{"q":1}', **more: Any) -> Event:
    """An entry of `tool_calls` in a message."""
    return {"id": f"call_{index}", "type": "function", "function": {"name": "look", "arguments": arguments}, **more}


def test_text_and_calls_go_back() -> None:
    """A call loses its id, or content that there is none of is not null."""
    assert sent(turn({"content": "a"}, {"content": "b"})) == {"content": "ab"}
    completion = turn({"tool_calls": [entry(0), entry(1, "")]}, finish="tool_calls")
    assert sent(completion) == {"content": None, "tool_calls": [call(0), call(1, "{}")]}


def test_refusal_goes_back() -> None:
    """A refusal is passed off as text, or lost."""
    assert sent(turn({"refusal": "I won't."})) == {"content": None, "refusal": "I won't."}


def test_custom_and_legacy_calls_go_back_in_their_form() -> None:
    """A call of another kind comes back as a function of `tool_calls`."""
    custom = {"index": 0, "id": "call_0", "type": "custom", "custom": {"name": "py", "input": "print(1)"}}
    assert sent(turn({"tool_calls": [custom]}, finish="tool_calls")) == {
        "content": None,
        "tool_calls": [{"id": "call_0", "type": "custom", "custom": {"name": "py", "input": "print(1)"}}],
    }
    legacy = turn({"function_call": {"name": "look", "arguments": "{}"}}, finish="function_call")
    assert sent(legacy) == {"content": None, "function_call": {"name": "look", "arguments": "{}"}}


def test_audio_goes_back_by_its_id() -> None:
    """The bytes of an answer in sound are sent back instead of its id."""
    assert sent(turn({"audio": {"id": "audio_1", "data": "UklG", "transcript": "Hi"}})) == {
        "content": None,
        "audio": {"id": "audio_1"},
    }


def test_calls_that_are_not_whole_stay_out() -> None:
    """A call that nobody can answer is sent back."""
    completion = turn({"content": "a", "tool_calls": [entry(0), entry(1, '{"q')]}, finish="length")
    assert sent(completion) == {"content": "a", "tool_calls": [call(0)]}
    assert sent(turn({"tool_calls": [entry(0, '{"q')]}, finish="length")) is None


def test_a_turn_of_reasoning_alone_says_nothing() -> None:
    """A message without content and calls is refused."""
    assert sent(turn({"reasoning_content": "hm"}, finish="length"), "deepseek") is None


@pytest.mark.parametrize(
    ("provider", "field"),
    [
        (None, None), ("openai", None), ("xai", None), ("deepseek", "reasoning_content"), ("zai", "reasoning_content"),
        ("moonshot", "reasoning_content"), ("openrouter", "reasoning"),
    ],
)  # fmt: skip
def test_plain_reasoning_goes_to_those_who_want_it(provider: str | None, field: str | None) -> None:
    """DeepSeek refuses a turn with calls without its reasoning; OpenAI knows no such field."""
    completion = turn({"reasoning_content": "h"}, {"reasoning_content": "m"}, {"tool_calls": [entry()]})
    expected: Event = {"content": None, "tool_calls": [call()]} | ({} if field is None else {field: "hm"})
    assert sent(completion, provider) == expected


def test_deepseek_wants_the_field_with_calls_always() -> None:
    """The model called without a thought, and the next request fails as the field is missing."""
    completion = turn({"tool_calls": [entry()]})
    assert sent(completion, "deepseek")["reasoning_content"] == ""
    assert "reasoning_content" not in sent(completion, "zai")
    assert sent(turn({"content": "a"}), "deepseek") == {"content": "a"}


def test_reasoning_details_go_back_unmodified() -> None:
    """Signature, ciphertext, format, index or order of OpenRouter's details get lost."""
    text = {"type": "reasoning.text", "text": "hm", "signature": "sig=", "format": "anthropic-claude-v1", "index": 0}
    summary = {"type": "reasoning.summary", "summary": "S", "id": "rs_1", "format": "openai-responses-v1", "index": 1}
    secret = {"type": "reasoning.encrypted", "data": "gAAA", "id": "rs_1", "format": "openai-responses-v1", "index": 2}
    new = {"type": "reasoning.server_tool_call", "name": "web_search"}
    pieces = [
        {"reasoning": "h", "reasoning_details": [{**text, "text": "h", "signature": None}]},
        {"reasoning": "m", "reasoning_details": [{**text, "text": "m", "signature": None}]},
        {"reasoning": None, "reasoning_details": [{**text, "text": ""}]},
        {"reasoning": "S", "reasoning_details": [summary]},
        {"reasoning_details": [secret, new]},
    ]
    message = sent(turn(*pieces, {"tool_calls": [entry()]}), "openrouter")
    assert message["reasoning_details"] == [text, summary, secret, new]
    assert "reasoning" not in message


def test_thinking_blocks_go_back() -> None:
    """A proxy in front of Claude needs the signature as much as Claude does."""
    blocks = [{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "redacted_thinking", "data": "x"}]
    completion = turn({"reasoning_content": "hm", "thinking_blocks": blocks}, {"tool_calls": [entry()]})
    assert sent(completion, "litellm")["thinking_blocks"] == blocks


def test_thinking_chunks_of_mistral_go_back() -> None:
    """Mistral's thoughts and references are lost, or others get a list for content."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    reference = {"type": "reference", "reference_ids": [0]}
    completion = turn({"content": [thinking]}, {"content": "a"}, {"content": [reference]})
    assert sent(completion, "mistral") == {"content": [thinking, {"type": "text", "text": "a"}, reference]}
    assert sent(completion) == {"content": "a"}
    assert sent(turn({"content": "a"}), "mistral") == {"content": "a"}


def test_signatures_of_gemini_go_back() -> None:
    """Gemini's compatible endpoint refuses a call without its signature."""
    signed = {"extra_content": {"google": {"thought_signature": "QQ=="}}}
    completion = turn({"tool_calls": [entry(0, **signed), entry(1)]})
    assert sent(completion, "google_ai")["tool_calls"] == [call(0, **signed), call(1)]
    assert sent(turn({"content": "a", **signed}), "google_ai") == {"content": "a", **signed}


def test_pictures_and_annotations_go_back_to_openrouter() -> None:
    """A picture cannot be edited in the next turn; OpenAI refuses both fields."""
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
    cited = {"type": "file", "file": {"hash": "h"}}
    completion = turn({"content": "a", "annotations": [cited]}, {"images": [picture]})
    assert sent(completion, "openrouter") == {"content": "a", "images": [picture], "annotations": [cited]}
    assert sent(completion) == {"content": "a"}


def test_results() -> None:
    """An answer does not say which call it answers; a whole call has none, or a cut one has."""
    completion = turn({"tool_calls": [entry(0), entry(1, '{"q')]}, finish="tool_calls")
    assert tool_results(completion, {0: "dry"}, PROTOCOL) == [
        {"role": "tool", "tool_call_id": "call_0", "content": "dry"}
    ]
    assert tool_results(completion, {}, PROTOCOL) == []
    for index in (1, 2):
        with pytest.raises(UsageError, match=f"no complete call {index}"):
            tool_results(completion, {index: "x"}, PROTOCOL)
    legacy = turn({"function_call": {"name": "look", "arguments": "{}"}}, finish="function_call")
    assert tool_results(legacy, {0: "dry"}, PROTOCOL) == [{"role": "function", "name": "look", "content": "dry"}]


def test_unknown_protocol() -> None:
    """A misspelt protocol gives an empty turn."""
    with pytest.raises(UsageError, match="openai_chat"):
        to_messages(Completion(), "chat")
    with pytest.raises(UsageError, match="openai_chat"):
        tool_results(Completion(), {}, "chat")
