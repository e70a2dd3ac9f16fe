"""Bedrock Converse: events in, completion out."""

from __future__ import annotations

from typing import Any

import pytest
from bedrock_wire import START, Named, begin, completion, decoded, delta, document, finish, notes, stop, text, tool
from hypothesis import given, settings
from hypothesis import strategies as st
from streamproof.completion import Delta
from streamproof.decoders.base import Quirks
from streamproof.decoders.bedrock_converse import BedrockConverseDecoder
from streamproof.wire.event import WireEvent


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("malformed_model_output", "malformed_model_output"),
        ("malformed_tool_use", "malformed_tool_use"),
        ("novel", "novel"),
        (None, None),
        (5, None),
    ],
)
def test_stop_reasons(word: Any, reason: str | None) -> None:
    """Every reason has its normal form; messageStop is the terminal, also without a reason."""
    result = completion([START, *text(0, "a"), *finish(word)])
    assert (result.finish_reason, result.status, result.text) == (reason, "complete", "a")
    assert (result.message_id, result.model) == (None, None)


def test_usage_after_the_stop() -> None:
    """metadata follows messageStop; its input excludes the caches, ours includes them."""
    usage: dict[str, Any] = {"inputTokens": 4, "outputTokens": 60, "totalTokens": 1164}
    usage |= {"cacheReadInputTokens": 1000, "cacheWriteInputTokens": 100, "serverToolUsage": {}}
    decoder = decoded([START, *text(0, "a"), *finish(usage=usage, metrics={"latencyMs": 5}, trace={"guardrail": {}})])
    counts = decoder.completion.usage
    assert (counts.input_tokens, counts.output_tokens) == (1104, 60)
    assert (counts.cached_input_tokens, counts.cache_write_tokens, counts.reasoning_tokens) == (1000, 100, None)
    assert decoder.completion.raw_usage == usage
    assert decoder.details == {"metrics": {"latencyMs": 5}, "trace": {"guardrail": {}}}
    assert decoder.diagnostics == []


def test_metrics_only_metadata_keeps_usage() -> None:
    """A second metadata frame without usage erases nothing; without any, all counts stay unknown."""
    usage = {"inputTokens": 70, "outputTokens": 43}
    events = [START, *text(0, "a"), *finish(usage=usage)]
    assert completion([*events, ("metadata", {"metrics": {}})]).usage.output_tokens == 43
    assert completion([START, *text(0, "a"), *finish()]).usage.input_tokens is None


@pytest.mark.parametrize("usage", [5, {"inputTokens": "1", "outputTokens": [2]}, {}])
def test_odd_usage(usage: Any) -> None:
    """Counts that are no numbers are unknown, never an exception."""
    counts = completion([START, *text(0, "a"), *finish(usage=usage)]).usage
    assert (counts.input_tokens, counts.output_tokens) == (None, None)


def test_zero_usage_quirk() -> None:
    """With the quirk a 0 is unknown."""
    usage = {"inputTokens": 0, "outputTokens": 3}
    result = completion([START, *finish(usage=usage)], quirks=Quirks(zero_usage_is_unknown=True))
    assert (result.usage.input_tokens, result.usage.output_tokens) == (None, 3)


def test_reasoning() -> None:
    """Reasoning text with its signature, and ciphertext as it is on the wire; an empty text block vanishes."""
    events = [
        *text(0, ""),
        delta(1, reasoningContent={"text": "17 "}),
        delta(1, reasoningContent={"text": "x 2"}),
        delta(1, reasoningContent={"signature": "SIG"}),
        stop(1),
        delta(2, reasoningContent={"redactedContent": "Zm9v"}),
        stop(2),
        *text(3, "34"),
    ]
    decoder = decoded([START, *events, *finish()])
    assert decoder.completion.to_json()["content"] == [
        {"type": "reasoning", "text": "17 x 2", "signature": "SIG"},
        {"type": "reasoning", "text": "", "encrypted": "Zm9v", "kind": "redacted"},
        {"type": "text", "text": "34"},
    ]
    assert decoder.diagnostics == []


@pytest.mark.parametrize(
    ("pieces", "arguments", "reason", "whole"),
    [
        (('{"a":', "1}"), '{"a":1}', "tool_use", True),
        ((), "", "tool_use", True),
        (("",), "", "end_turn", True),
        (("{}",), "{}", "tool_use", True),
        (('{"a":',), '{"a":', "max_tokens", False),
        (('{"a":1}',), '{"a":1}', "malformed_tool_use", False),
        (('{"a":1}',), '{"a":1}', "malformed_model_output", False),
        (({"a": [1, 2]},), '{"a":[1,2]}', "tool_use", True),
        ((None,), "", "tool_use", True),
    ],
)
def test_tool_call(pieces: tuple[Any, ...], arguments: str, reason: str, whole: bool) -> None:
    """Arguments are the joined input strings; a reason that calls the tool use bad makes no call whole."""
    result = completion([START, *tool(0, *pieces, type="tool_use"), *finish(reason)])
    (call,) = result.tool_calls
    assert (call.id, call.name, call.arguments, call.complete) == ("tooluse_1", "look", arguments, whole)


def test_natural_stop_with_a_call_is_tool_calls() -> None:
    """end_turn beside a call is tool_calls."""
    assert completion([START, *tool(0, "{}"), *finish("end_turn")]).finish_reason == "tool_calls"


def test_server_tool_and_its_result() -> None:
    """A server tool's call and result are server_tool parts, put together from their deltas."""
    call = tool(0, '{"snippet":', '"1"}', type="server_tool_use")
    answer = [
        begin(1, toolResult={"toolUseId": "tooluse_1", "type": "code_result", "status": "success"}),
        delta(1, toolResult=[{"text": "a"}]),
        delta(1, toolResult=[{"json": {"b": 1}}]),
        stop(1),
    ]
    result = completion([START, *call, *answer, *finish("end_turn")])
    assert (result.tool_calls, result.finish_reason) == ((), "stop")
    ran, told = result.to_json()["content"]
    assert (ran["name"], ran["id"], ran["data"]["input"]) == ("server_tool_use", "tooluse_1", {"snippet": "1"})
    assert (told["name"], told["data"]["content"]) == ("code_result", [{"text": "a"}, {"json": {"b": 1}}])


def test_citations_and_images() -> None:
    """A citation is an annotation of its text block; an image is a media part."""
    image = [begin(1, image={"format": "png"}), delta(1, image={"source": {"bytes": "AA"}})]
    image += [delta(1, image={"source": {"bytes": "BB"}}), stop(1)]
    stored = [delta(2, image={"source": {"s3Location": {"uri": "s3://b/k"}}, "error": {"message": "x"}}), stop(2)]
    events = [delta(0, citation={"title": "t"}), *text(0, "a"), *image, *stored]
    decoder = decoded([START, *events, *finish()])
    assert decoder.completion.to_json()["content"] == [
        {"type": "text", "text": "a", "annotations": [{"title": "t"}]},
        {"type": "media", "media_type": "image/png", "data": "AABB", "text": ""},
        {"type": "media", "media_type": "image", "data": None, "url": "s3://b/k", "text": ""},
    ]
    assert notes(decoder) == ["media_error"]


def test_deltas_are_delivered_at_once() -> None:
    """A text delta starts its block and appends in the same event."""
    decoder = BedrockConverseDecoder()
    first = decoder.feed(WireEvent("json", *delta(0, text="a")))
    second = decoder.feed(WireEvent("json", *delta(0, text="b")))
    assert [step.op for step in first] == ["start", "append"]
    assert second == [Delta("append", (0,), "text", "b")]


def test_two_kinds_at_one_index() -> None:
    """Text and reasoning at the same index stay two parts, each with its own pieces."""
    events = [delta(0, reasoningContent={"text": "r"}), delta(0, text="a"), delta(0, reasoningContent={"text": "s"})]
    decoder = decoded([START, *events, delta(0, text="b"), stop(0), stop(0), *finish()])
    assert [(part["type"], part["text"]) for part in decoder.completion.to_json()["content"]] == [
        ("reasoning", "rs"),
        ("text", "ab"),
    ]


def test_unknown_blocks_are_kept() -> None:
    """Blocks and deltas of unknown types are unknown parts with their raw objects."""
    events = [begin(0, hologram={"size": 3}), delta(0, aroma={"x": 1}), stop(0), delta(1, scent=2)]
    events += [delta(2, toolUse={"input": '{"a":1}'}), delta(3, reasoningContent={"mood": "good"})]
    parts = completion([START, *events, *finish()]).to_json()["content"]
    assert [(part["type"], part["name"], part["data"]) for part in parts] == [
        ("unknown", "hologram", {"hologram": {"size": 3}, "deltas": [{"aroma": {"x": 1}}]}),
        ("unknown", "scent", {"deltas": [{"scent": 2}]}),
        ("unknown", "toolUse", {"input": {"a": 1}}),
        ("unknown", "reasoningContent.mood", {"deltas": [{"reasoningContent.mood": "good"}]}),
    ]


def test_a_result_that_never_started() -> None:
    """Results of a tool without a start are kept too."""
    (part,) = completion([START, delta(0, toolResult={"text": "x"}), *finish()]).to_json()["content"]
    assert (part["type"], part["data"]["content"]) == ("server_tool", [{"text": "x"}])


@pytest.mark.parametrize("cut", [0, 1, 2, 4, 5])
def test_cut(cut: int) -> None:
    """Without messageStop the stream is interrupted, keeps what came, and has no reason."""
    result = completion([START, *text(0, "a"), *tool(1, '{"a":1}')][:cut])
    assert (result.status, result.finish_reason) == ("interrupted", None)
    assert result.text == ("a" if cut > 1 else "")


def test_second_cycle() -> None:
    """A second message in the body is not added; a repeated messageStart before any block is a duplicate."""
    decoder = decoded([START, START, *text(0, "one"), *finish(), START, *text(0, "two"), *finish("max_tokens")])
    assert (decoder.completion.text, decoder.completion.finish_reason) == ("one", "stop")
    assert notes(decoder) == ["duplicate_message_start", "second_cycle"]


def test_exception_frame_keeps_the_partial() -> None:
    """An exception frame fails the stream and keeps the text."""
    decoder = BedrockConverseDecoder()
    decoder.feed(WireEvent("json", *delta(0, text="par")))
    decoder.feed(WireEvent("exception", "modelStreamErrorException", {"message": "m", "originalStatusCode": 500}))
    decoder.end()
    error = decoder.completion.error
    assert error is not None
    assert (decoder.completion.status, decoder.completion.text) == ("failed", "par")
    assert (error.type, error.code, error.status_code) == ("server", "modelStreamErrorException", 500)


def test_error_object_in_the_stream() -> None:
    """A gateway's error object under any event name fails the stream."""
    result = completion([START, ("error", {"error": {"type": "throttlingException", "message": "slow"}})])
    assert result.error is not None
    assert (result.status, result.error.type, result.error.message) == ("failed", "rate_limit", "slow")


def test_document() -> None:
    """A whole Converse response decodes as a stream of it would."""
    content = [
        {"reasoningContent": {"reasoningText": {"text": "t", "signature": "S"}}},
        {"reasoningContent": {"redactedContent": "Zm9v"}},
        {"text": "a"},
        {"citationsContent": {"content": [{"text": "b"}, {"text": "c"}], "citations": [{"title": "x"}]}},
        {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"k": "ü"}}},
        {"toolUse": {"toolUseId": "t2", "name": "g", "input": {}, "type": "server_tool_use"}},
        {"toolResult": {"toolUseId": "t2", "content": [{"text": "r"}]}},
        {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/v"}}}},
        {"guardContent": {"text": {}}},
        5,
    ]
    body = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "tool_use"}
    body |= {"usage": {"inputTokens": 1, "outputTokens": 2}, "metrics": {"latencyMs": 1}}
    result = document(body)
    assert (result.finish_reason, result.status, result.usage.input_tokens) == ("tool_calls", "complete", 1)
    assert [(call.arguments, call.complete) for call in result.tool_calls] == [('{"k":"ü"}', True)]
    parts = result.to_json()["content"]
    assert parts[:4] == [
        {"type": "reasoning", "text": "t", "signature": "S"},
        {"type": "reasoning", "text": "", "encrypted": "Zm9v", "kind": "redacted"},
        {"type": "text", "text": "a"},
        {"type": "text", "text": "bc", "annotations": [{"title": "x"}]},
    ]
    assert [part["type"] for part in parts[4:]] == ["tool_call", "server_tool", "server_tool", "media", "unknown"]


def test_document_without_a_stop_reason_is_interrupted() -> None:
    """A response that does not say why it ended has not been seen to its end."""
    assert document({"output": {"message": {"content": [{"text": "a"}]}}}).status == "interrupted"


@pytest.mark.parametrize(
    ("body", "type", "code", "message"),
    [
        ({"message": "no"}, "provider", None, "no"),
        ({"Message": "no"}, "provider", None, "no"),
        ({"__type": "com.amazon#ThrottlingException", "message": "slow"}, "rate_limit", "ThrottlingException", "slow"),
        ({"error": {"message": "m", "code": "overloaded_error"}}, "overloaded", "overloaded_error", "m"),
        ({"error": {}}, "provider", None, ""),
    ],
)
def test_error_documents(body: Any, type: str, code: str | None, message: str) -> None:
    """The body of an HTTP error is the provider's error."""
    result = document(body)
    assert result.error is not None
    assert (result.status, result.error.type, result.error.code, result.error.message) == (
        "failed",
        type,
        code,
        message,
    )


@pytest.mark.parametrize("body", [None, [], "text", 5, {}, {"output": 3}])
def test_other_documents_are_no_stream(body: Any) -> None:
    """Any other document is a protocol error."""
    result = document(body)
    assert result.error is not None
    assert (result.status, result.error.type, result.error.code) == ("failed", "protocol", "not_a_stream")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(["", "a", "{", "tool_use"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["text", "a"]), inner, max_size=2),
)
KEYS = ["contentBlockIndex", "start", "delta", "stopReason", "usage", "toolUse", "toolResult", "text", "input", "image"]
KEYS += ["reasoningContent", "citation", "output", "message", "content", "error", "source", "trace", "format"]
OBJECTS = st.recursive(JUNK, lambda inner: st.dictionaries(st.sampled_from(KEYS), inner, max_size=4), max_leaves=12)
NAMES = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", ""]


@settings(max_examples=200, deadline=None)
@given(events=st.lists(st.tuples(st.sampled_from(NAMES), OBJECTS), max_size=8), body=OBJECTS)
def test_any_json_anywhere(events: list[Named], body: Any) -> None:
    """Any JSON in any event, or as the body, ends in a completion, never in an exception."""
    assert completion(events).status in ("complete", "interrupted", "failed")
    assert document(body).status in ("complete", "interrupted", "failed")
