"""Token counts of our own: only when they are asked for, only where the wire gave none, and always marked."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from adapter_kit import ANTHROPIC, BEDROCK, GOOGLE, OPENAI, RESPONSES_ROW
from call_wire import WIRES, Events, Made, candidate, chat, each_row, response, turn
from live_kit import adapter_run, asked, decoded, each_side, refusing, run, whole
from streamproof.adapters import estimate
from streamproof.completion import Completion, ReasoningPart, TextPart, ToolCall, Usage
from streamproof.providers import Provider

pytestmark = pytest.mark.filterwarnings("error")

NOT_SAID = Usage()
QUESTION = "How warm is it in Ostrava?"
ANSWER = "Quite mild, thank you."


@pytest.fixture
def characters(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The extra `tokenizer` is not installed."""
    monkeypatch.setitem(sys.modules, "bpe_openai", None)
    estimate.counter.cache_clear()
    yield
    estimate.counter.cache_clear()


def _texts(row: Provider) -> Events:
    """A small text that says nothing of usage, and ends."""
    item = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": ANSWER}]}
    start = {**WIRES["anthropic_messages"].head[0]["message"], "usage": None}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ANSWER}}
    stopped = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    silent: dict[str, Events] = {
        "openai_chat": [chat({"content": ANSWER}), chat(finish="stop"), "[DONE]"],
        "openai_responses": [response("completed", "completed", output=[item])],
        "anthropic_messages": [{"type": "message_start", "message": start}, block, stopped, {"type": "message_stop"}],
        "gemini_generate_content": [candidate({"text": ANSWER}, finish="STOP")],
    }
    return silent[row.protocol]


def _quarter(text: str) -> int:
    return -(-len(text) // estimate.CHARACTERS_PER_TOKEN)


@each_side
@each_row
def test_a_silent_server_is_estimated_by_characters(row: Provider, sync: bool, characters: None) -> None:
    """No estimate, one that is not marked, or one of other texts than what was asked and said."""
    got = decoded(row, _texts(row), sync=sync, estimate_usage=True)
    assert got.completion.text == ANSWER
    assert got.completion.usage == Usage(
        input_tokens=_quarter(QUESTION), output_tokens=_quarter(ANSWER), reasoning_tokens=0, estimated=True
    )
    assert (got.completion.raw_usage, got.completion.status) == (None, "complete")


@each_side
@each_row
def test_a_silent_server_stays_silent_unless_asked(row: Provider, sync: bool) -> None:
    """Counts that the wire never gave: None is not 0 and no guess."""
    assert decoded(row, _texts(row), sync=sync).completion.usage == NOT_SAID


def _with_usage(row: Provider, first: int, second: int) -> Events:
    """The small text, with counts."""
    events = json.loads(json.dumps(_texts(row)))
    chat_usage = {"prompt_tokens": first, "completion_tokens": second}
    own_usage = {"input_tokens": first, "output_tokens": second}
    if row.protocol == "openai_chat":
        return [*events[:-1], {**chat(), "choices": [], "usage": chat_usage}, events[-1]]
    if row.protocol == "openai_responses":
        events[0]["response"]["usage"] = own_usage
    elif row.protocol == "anthropic_messages":
        events[0]["message"]["usage"] = own_usage
    else:
        total = {"totalTokenCount": first + second}
        events[0]["usageMetadata"] = {"promptTokenCount": first, "candidatesTokenCount": second, **total}
    return list(events)


@each_side
@each_row
@pytest.mark.parametrize("counts", [(3, 2), (0, 0), (5, 0)])
def test_what_the_wire_says_stays(row: Provider, counts: tuple[int, int], sync: bool) -> None:
    """A reported count, zero included, gives way to a guess."""
    usage = decoded(row, _with_usage(row, *counts), sync=sync, estimate_usage=True).completion.usage
    assert (usage.input_tokens, usage.output_tokens, usage.estimated) == (*counts, False)


def test_usage_in_another_place_is_usage() -> None:
    """Groq reports under `x_groq`: a place that is known, and yet the counts are estimated."""
    events = [chat({"content": ANSWER}), chat(finish="stop", x_groq={"usage": {"prompt_tokens": 3, "total_tokens": 5}})]
    usage = decoded(OPENAI, events, estimate_usage=True).completion.usage
    assert (usage.input_tokens, usage.estimated) == (3, False)


@pytest.mark.parametrize("empty", [None, {}, []])
def test_an_empty_usage_says_nothing(empty: Any, characters: None) -> None:
    """`usage: {}` passes for a report, and the agent has no counts at all."""
    events = [chat({"content": ANSWER}), chat(finish="stop"), {**chat(), "choices": [], "usage": empty}]
    usage = decoded(OPENAI, events, estimate_usage=True).completion.usage
    assert (usage.output_tokens, usage.estimated) == (_quarter(ANSWER), True)


@each_row
def test_calls_and_thoughts_count(row: Provider, characters: None) -> None:
    """Names and arguments of calls are output too."""
    call = Made("call_1", "weather", '{"city":"Ostrava"}')
    events = [event for event in turn(row.protocol, (call,)) if "usage" not in json.dumps(event)]
    usage = decoded(row, events, estimate_usage=True).completion.usage
    assert usage.output_tokens == _quarter(call.name + call.arguments)


def test_thoughts_are_output_and_reasoning(characters: None) -> None:
    """Reasoning counts as output, as everywhere else, and apart."""
    completion = Completion(
        content=(ReasoningPart(text="x" * 40), TextPart(text="y" * 20)), tool_calls=(ToolCall(name="z" * 4),)
    )
    assert estimate.estimate_usage({}, completion) == {
        "input_tokens": 0,
        "output_tokens": 16,
        "reasoning_tokens": 10,
        "estimated": True,
    }


@each_side
@each_row
def test_a_cut_answer_is_estimated_as_far_as_it_came(row: Provider, sync: bool, characters: None) -> None:
    """A connection that breaks costs tokens as well."""
    wire = _texts(row)
    events = wire if row == RESPONSES_ROW else wire[: 2 if row in (ANTHROPIC, BEDROCK) else 1]
    if row == GOOGLE:
        events = [candidate({"text": ANSWER})]
    if row == RESPONSES_ROW:
        events = [{"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": ANSWER}]
    got = decoded(row, events, sync=sync, estimate_usage=True)
    assert got.failed.info.type == "interrupted"
    assert (got.completion.usage.output_tokens, got.completion.usage.estimated) == (_quarter(ANSWER), True)


@each_side
def test_a_refused_request_costs_nothing(sync: bool) -> None:
    """An HTTP error is counted as if something had been generated."""
    with refusing(429, b"{}") as server:
        got = run(asked(server, OPENAI, estimate_usage=True), sync=sync)
    assert got.failed.info.type == "rate_limit"
    assert got.completion.usage == NOT_SAID


@each_side
def test_through_the_contract(sync: bool, characters: None) -> None:
    """`ReferenceAdapter(options=...)` forgets the option on its way."""
    with whole(OPENAI, _texts(OPENAI)) as server:
        assert adapter_run(server, OPENAI, sync=sync, estimate_usage=True).usage.estimated


PICTURE = "iVBORw0KGgo" * 5000
REQUESTS: list[dict[str, Any]] = [
    {"messages": [{"role": "user", "content": [{"type": "text", "text": QUESTION}, {"image_url": {"url": PICTURE}}]}]},
    {"input": [{"content": [{"type": "input_text", "text": QUESTION}, {"type": "input_image", "image_url": PICTURE}]}]},
    {"messages": [{"content": [{"text": QUESTION}, {"source": {"type": "base64", "data": PICTURE}}]}]},
    {"contents": [{"parts": [{"text": QUESTION}, {"inlineData": {"mimeType": "image/png", "data": PICTURE}}]}]},
    {"messages": [{"role": "assistant", "content": QUESTION, "tool_calls": [{"id": PICTURE, "type": "function"}]}]},
    {"messages": [{"content": QUESTION}], "metadata": {"note": PICTURE}, "user": PICTURE},
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_media_and_ids_are_no_text(request_: dict[str, Any], characters: None) -> None:
    """A picture's base64 counts as text: a hundred times too many tokens."""
    assert estimate.estimate_usage(request_, Completion())["input_tokens"] == _quarter(QUESTION)


def test_tools_and_instructions_are_input(characters: None) -> None:
    """What the model reads besides the messages is left out."""
    tool = {"type": "function", "name": "weather", "parameters": {"type": "object", "required": ["city"]}}
    plain = estimate.estimate_usage({"input": QUESTION}, Completion())["input_tokens"]
    for more in ({"tools": [tool]}, {"instructions": QUESTION}, {"system": [{"type": "text", "text": QUESTION}]}):
        assert estimate.estimate_usage({"input": QUESTION, **more}, Completion())["input_tokens"] > plain


def test_with_the_tokenizer() -> None:
    """The vocabulary is o200k's, and works offline; the counts are OpenAI's own for these words
    (https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken)."""
    pytest.importorskip("bpe_openai", reason="the extra `tokenizer` is not installed")
    estimate.counter.cache_clear()
    count = estimate.counter()
    assert [count(text) for text in ("", "tiktoken is great!", "antidisestablishmentarianism")] == [0, 6, 6]
    assert count("\ud800") == count("?")


def test_a_lone_surrogate_with_the_tokenizer() -> None:
    """Half a character in an answer: the tokenizer's exception ends the stream."""
    pytest.importorskip("bpe_openai", reason="the extra `tokenizer` is not installed")
    estimate.counter.cache_clear()
    got = decoded(
        OPENAI, [json.dumps(chat({"content": "mild \ud83d"})), chat(finish="stop"), "[DONE]"], estimate_usage=True
    )
    assert got.error is None
    assert got.completion.usage.estimated
