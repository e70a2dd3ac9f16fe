"""Anthropic Messages: finish reasons, content, tools."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic_wire import (
    Event,
    block,
    completion,
    decoded,
    finish,
    notes,
    raw,
    signature,
    start,
    text,
    thinking,
    thought,
    tool,
)
from streamproof.completion import Delta
from streamproof.decoders.anthropic_messages import AnthropicMessagesDecoder
from streamproof.wire.event import WireEvent

# -- finish reasons


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("pause_turn", "pause_turn"),
        ("compaction", "compaction"),
        ("quantum_pause", "quantum_pause"),
    ],
)
def test_stop_reasons(word: str, reason: str) -> None:
    """Every reason has its normal form, an unknown one is kept and never becomes `stop`."""
    result = completion([start(), *text(0, "a"), *finish(word)])
    assert (result.finish_reason, result.raw_finish_reason, result.status) == (reason, word, "complete")


@pytest.mark.parametrize("delta", [{"stop_reason": None}, {}, {"stop_reason": 7}, {"stop_reason": ""}])
def test_no_stop_reason_is_no_finish(delta: Event) -> None:
    """Without a usable stop_reason the reason stays None, and without message_stop the stream is interrupted."""
    events = [start(), *text(0, "a"), {"type": "message_delta", "delta": delta}]
    cut, stopped = completion(events), completion([*events, {"type": "message_stop"}])
    assert (cut.finish_reason, cut.status) == (None, "interrupted")
    assert (stopped.finish_reason, stopped.status, stopped.text) == (None, "complete", "a")


def test_stop_reason_without_message_stop_is_terminal() -> None:
    """A gateway that ends after message_delta has said all that matters."""
    assert completion([start(), *text(0, "a"), *finish(stop=False)]).status == "complete"


def test_last_stop_reason_wins_over_a_later_null() -> None:
    """Two message_delta events: the null of the second does not erase the reason of the first."""
    result = completion([start(), *finish("end_turn", {"output_tokens": 3}), *finish(None, {"output_tokens": 5})])
    assert (result.finish_reason, result.usage.output_tokens) == ("stop", 5)


def test_refusal_keeps_text_and_details() -> None:
    """A refusal after partial text keeps the text, and says why in the details."""
    details = {"type": "refusal", "category": "cyber"}
    decoder = decoded([start(), *text(0, "Sure, "), *finish("refusal", stop_details=details, stop_sequence=None)])
    assert (decoder.completion.text, decoder.completion.finish_reason) == ("Sure, ", "content_filter")
    assert decoder.details == {"stop_details": details}


def test_stop_sequence_and_other_details() -> None:
    """Stop sequence, container and context management are kept, wherever the wire puts them."""
    delta = {"stop_reason": "stop_sequence", "stop_sequence": "```", "container": {"id": "c"}}
    event = {"type": "message_delta", "delta": delta, "context_management": {"applied_edits": []}}
    decoder = decoded([start(), event])
    assert decoder.details == {
        "stop_sequence": "```",
        "container": {"id": "c"},
        "context_management": {"applied_edits": []},
    }
    assert decoder.diagnostics == []


def test_natural_stop_with_a_call_is_tool_calls() -> None:
    """end_turn beside a client call is tool_calls; the wire's word stays in raw_finish_reason."""
    result = completion([start(), *tool(0, "{}"), *finish("end_turn")])
    assert (result.finish_reason, result.raw_finish_reason) == ("tool_calls", "end_turn")


def test_tool_use_without_a_block_is_noted() -> None:
    """The reason stays as sent, and a diagnostic says that there is nothing to call."""
    decoder = decoded([start(), *text(0, "a"), *finish("tool_use")])
    assert (decoder.completion.finish_reason, decoder.completion.tool_calls) == ("tool_calls", ())
    assert notes(decoder) == ["no_tool_call"]


# -- content


def test_head() -> None:
    """message_id and model are the first that say something, also when the first message_start says nothing."""
    result = completion([start(id="", model=None), start(id="msg_2", model="m"), *finish()])
    assert (result.message_id, result.model) == ("msg_2", "m")
    kept = completion([start(), start(id="", model="other"), *finish()])
    assert (kept.message_id, kept.model) == ("msg_1", "claude-x")


def test_thinking_whitespace_order_and_signatures() -> None:
    """Blocks keep their order, whitespace and own signature; a split signature is joined."""
    events = [
        *text(0, "\n\n"),
        *thinking(1, thought("17"), thought(" "), thought("x 2\n"), signature("SIG"), signature("1")),
        *thinking(2, thought("second"), signature("SIG2")),
        *text(3, "34"),
    ]
    parts = completion([start(), *events, *finish()]).to_json()["content"]
    assert parts == [
        {"type": "text", "text": "\n\n"},
        {"type": "reasoning", "text": "17 x 2\n", "signature": "SIG1"},
        {"type": "reasoning", "text": "second", "signature": "SIG2"},
        {"type": "text", "text": "34"},
    ]


def test_thinking_cut_by_max_tokens() -> None:
    """Thinking without a signature is kept without one, and the reason is length."""
    result = completion(
        [start(), *thinking(0, thought("hmm"), signature("")), *finish("max_tokens", raw(10, 64, think=64))]
    )
    assert result.to_json()["content"] == [{"type": "reasoning", "text": "hmm"}]
    assert (result.finish_reason, result.usage.reasoning_tokens) == ("length", 64)


def test_signature_only_thinking_stays() -> None:
    """A thinking block with a signature and no text is needed for the next turn."""
    result = completion([start(), *thinking(0, signature("S")), *finish()])
    assert result.to_json()["content"] == [{"type": "reasoning", "text": "", "signature": "S"}]


def test_redacted_blocks_stay_apart() -> None:
    """Two redacted blocks keep their own ciphertext."""
    events = [*block(0, type="redacted_thinking", data="AA"), *block(1, type="redacted_thinking", data="BB")]
    parts = completion([start(), *events, *text(2, "x"), *finish()]).to_json()["content"]
    redacted = {"type": "reasoning", "text": "", "kind": "redacted"}
    assert parts[:2] == [{**redacted, "encrypted": "AA"}, {**redacted, "encrypted": "BB"}]


@pytest.mark.parametrize("events", [[], text(0), text(0, "", ""), thinking(0, thought(""), signature(""))])
def test_empty_content(events: list[Event]) -> None:
    """No blocks, or blocks that say nothing, are an empty message and no error; pings change nothing."""
    result = completion([start(), {"type": "ping"}, *events, {"type": "ping"}, *finish("end_turn", raw(10, 5))])
    assert (result.content, result.finish_reason, result.status) == ((), "stop", "complete")


def test_citations() -> None:
    """Citations stay on their block, whether they come in its start or in deltas before the text."""
    cite = {"type": "citations_delta", "citation": {"cited_text": "b"}}
    events = block(
        0, cite, {"type": "text_delta", "text": "x"}, type="text", text="", citations=[{"cited_text": "a"}, 5]
    )
    result = completion([start(), *events, *finish()])
    assert result.to_json()["content"] == [
        {"type": "text", "text": "x", "annotations": [{"cited_text": "a"}, {"cited_text": "b"}]}
    ]


def test_message_start_prefilled() -> None:
    """A message that starts whole, with its stop_reason, needs no block events."""
    call = {"type": "tool_use", "id": "toolu_9", "name": "roll", "input": {"player": "two", "n": [1, 2.50]}}
    prefilled = start(raw(0, 0), content=[{"type": "text", "text": "go"}, call], stop_reason="tool_use")
    result = completion([prefilled, {"type": "message_stop"}])
    assert result.tool_calls[0].arguments == '{"player":"two","n":[1,2.5]}'
    assert (result.text, result.tool_calls[0].complete, result.finish_reason) == ("go", True, "tool_calls")
    assert (result.usage.input_tokens, result.usage.output_tokens) == (0, 0)


@pytest.mark.parametrize(("content", "expected"), [(None, ""), ("hi", "hi"), (5, ""), ([None, "x"], "")])
def test_odd_content(content: Any, expected: str) -> None:
    """`content` null (MiniMax), a string, or nonsense: no exception, and no lost text."""
    assert completion([start(content=content), *finish()]).text == expected


def test_content_that_follows_deltas_is_noted() -> None:
    """A message_start that comes after the blocks it repeats does not double them."""
    decoder = decoded([*text(0, "a"), start(content=[{"type": "text", "text": "a"}]), *finish()])
    assert (decoder.completion.text, notes(decoder)) == ("a", ["content_ignored"])


# -- tools


@pytest.mark.parametrize(
    ("events", "arguments", "whole"),
    [
        (tool(0, '{"a":', "1}"), '{"a":1}', True),
        (tool(0), "{}", True),
        (tool(0, ""), "{}", True),
        (tool(0, input={"k": "ü"}), '{"k":"ü"}', True),  # whole input at the start, no deltas
        (tool(0, '{"b":2}', input={"a": 1}), '{"b":2}', True),  # deltas win
        (tool(0, '{"a": 1}}'), '{"a": 1}}', False),  # never repaired
        (tool(0, '{"a":1}', stop=False), '{"a":1}', False),  # the wire did not close it
        (tool(0, input='{"a":1}'), '{"a":1}', True),
        (block(0, type="tool_use", id="t", name="f"), "", True),  # no input at all
        (block(0, type="tool_use", id="t", name="f", input=None), "", True),
        (block(0, {"type": "input_json_delta", "partial_json": None}, type="tool_use", input={}), "{}", True),
    ],
)
def test_tool_arguments(events: list[Event], arguments: str, whole: bool) -> None:
    """The joined deltas as they are, else the start's input as compact JSON."""
    call = completion([start(), *events, *finish("tool_use")]).tool_calls[0]
    assert (call.arguments, call.complete) == (arguments, whole)


def test_max_tokens_inside_a_call() -> None:
    """Cut arguments stay cut, the call may not be run, and length beats tool_calls."""
    result = completion([start(), *tool(0, '{"path":"/etc/ho'), *finish("max_tokens")])
    assert (result.tool_calls[0].arguments, result.tool_calls[0].complete) == ('{"path":"/etc/ho', False)
    assert result.finish_reason == "length"


def test_deltas_are_delivered_at_once() -> None:
    """Text and arguments are appended by the event that brings them, not at the block's end."""
    decoder = AnthropicMessagesDecoder()
    steps = [decoder.feed(WireEvent("json", "", event)) for event in [*text(0, "a"), *tool(1, '{"a"')]]
    assert steps[1] == [Delta("append", (0,), "text", "a")]
    assert steps[4] == [Delta("append", (1,), "arguments", '{"a"')]
    assert steps[5] == [Delta("close", (1,))]


def test_interleaved_and_overlapping_blocks() -> None:
    """Blocks go by index: deltas may alternate, and the stop of one block leaves the other open."""
    one, two = tool(1, '{"a":', "1}", id="t1"), tool(2, '{"b":', "2}", id="t2")
    opened = text(0, "\n", stop=False)
    mixed = [one[0], two[0], one[1], two[1], {"type": "content_block_stop", "index": 0}, two[2], one[2], two[3], one[3]]
    result = completion([start(), *opened, *mixed, *finish("tool_use")])
    calls = [(call.id, call.arguments, call.complete) for call in result.tool_calls]
    assert calls == [("t1", '{"a":1}', True), ("t2", '{"b":2}', True)]
    assert result.text == "\n"


def test_two_blocks_at_one_index() -> None:
    """Two parallel calls that both say index 0 stay two calls; the one stop closes the newer."""
    events = [*tool(0, '{"a":1}', id="t1", stop=False), *tool(0, '{"b":2}', id="t2")]
    decoder = decoded([start(), *events, *finish("tool_use")])
    calls = [(call.id, call.arguments, call.complete) for call in decoder.completion.tool_calls]
    assert calls == [("t1", '{"a":1}', False), ("t2", '{"b":2}', True)]
    assert notes(decoder) == ["block_not_closed"]


def test_index_gap_and_order() -> None:
    """Parts come in index order, whatever order they started in and whatever indexes are missing."""
    result = completion([start(), *text(5, "c"), *text(2, "b"), *text(-1, "a"), *text(10**30, "d"), *finish()])
    assert result.text == "abcd"


@pytest.mark.parametrize("index", [None, "0", 1.0, [], {}, True])
def test_no_index(index: Any) -> None:
    """Without a usable index a block takes the next place, and its events mean the newest block."""
    events = [*text(index, "a"), *tool(index, '{"x":1}'), *text(index, "b")]
    result = completion([start(), *text(0, "0"), *events, *finish("tool_use")])
    assert [part.type for part in result.content] == ["text", "text", "tool_call", "text"]
    assert (result.text, result.tool_calls[0].complete) == ("0ab", True)


def test_no_index_after_a_gap() -> None:
    """A block without an index comes after all others, also when their indexes left a gap."""
    assert completion([start(), *text(5, "a"), *text(None, "b"), *finish()]).text == "ab"


def test_programmatic_caller_is_kept() -> None:
    """Who asks for a call has to go back with it, unless it is the model itself."""
    direct, code = {"type": "direct"}, {"type": "code_execution_20250825", "tool_id": "srv_1"}
    (plain,) = completion([start(), *tool(0, caller=direct), *finish("tool_use")]).to_json()["content"]
    assert plain == {"type": "tool_call", "index": 0}
    (indirect,) = completion([start(), *tool(0, caller=code, toolset_name="browser"), *finish("tool_use")]).to_json()[
        "content"
    ]
    assert indirect["extra"] == {"caller": code, "toolset_name": "browser"}


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [(('{"query":', '"x"}'), {"query": "x"}), ((), {}), (("",), {}), (('{"query":',), '{"query":')],
)
def test_server_tools_are_no_client_calls(pieces: tuple[str, ...], expected: Any) -> None:
    """A server call and its result are server_tool parts; input is parsed, or the bare text when it was cut."""
    deltas = ({"type": "input_json_delta", "partial_json": piece} for piece in pieces)
    call = block(0, *deltas, type="server_tool_use", id="srv_1", name="web_search", input={})
    answer = block(1, type="web_search_tool_result", tool_use_id="srv_1", content=[{"url": "u"}])
    result = completion([start(), *call, *answer, *finish()])
    assert (result.tool_calls, result.finish_reason) == ((), "stop")
    assert result.to_json()["content"] == [
        {
            "type": "server_tool",
            "id": "srv_1",
            "name": "server_tool_use",
            "data": {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": expected},
        },
        {
            "type": "server_tool",
            "name": "web_search_tool_result",
            "data": {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": [{"url": "u"}]},
        },
    ]


def test_server_call_cut_before_its_stop() -> None:
    """What had come of a server call's input is kept when the stream is cut."""
    events = block(0, {"type": "input_json_delta", "partial_json": '{"q"'}, type="mcp_tool_use", input={}, stop=False)
    result = completion([start(), *events])
    assert result.to_json()["content"][0]["data"]["input"] == '{"q"'
    assert result.status == "interrupted"
