"""Bedrock Converse: what stands where, and what a diagnostic says of a wire that does not fit."""

from __future__ import annotations

from typing import Any

import pytest
from bedrock_wire import START, Named, begin, completion, decoded, delta, document, finish, stop, text


def said(decoder: Any) -> list[str]:
    """The diagnostics."""
    return [f"{note.kind}: {note.detail}" for note in decoder.diagnostics]


def parts(result: Any) -> list[Any]:
    """The content as JSON."""
    content: list[Any] = result.to_json()["content"]
    return content


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (delta(0, aroma="pine"), ["unknown_delta: aroma of block (0,)"]),
        (delta(0, reasoningContent={"mood": 1}), ["unknown_delta: reasoningContent.mood of block (0,)"]),
        (delta(0, text=5), ["malformed_delta: text of block (0,) is a int"]),
        (delta(0, reasoningContent="x"), ["malformed_delta: reasoningContent at index 0 is a JSON str"]),
        (delta(0, reasoningContent={"text": 5}), ["malformed_delta: text of block (0, 1) is a int"]),
        (delta(0, citation=1), ["malformed_delta: the citation at index 0 is a JSON int"]),
        (delta(0, image=1), ["malformed_delta: the image at index 0 is a JSON int"]),
        (delta(0, image={"error": {"message": "m"}}), ["media_error: m"]),
        (delta(0, image={"error": {"message": 5}}), ["media_error: "]),
        (delta(0, image={"error": 5, "source": 5}), []),
        (delta(0, toolUse={"input": "{"}), ["delta_without_block: toolUse at index 0"]),
        (delta("x", toolUse=5), ["delta_without_block: toolUse at an index that is a str"]),
        (
            ("contentBlockDelta", {"contentBlockIndex": 0, "delta": [1]}),
            ["malformed_event: the delta at index 0 is a JSON list"],
        ),
        (
            ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": ""}, "novel": 1}),
            ["unknown_field: contentBlockDelta: novel"],
        ),
        (("contentBlockDelta", [1]), ["malformed_event: contentBlockDelta: a JSON list"]),
        (
            ("contentBlockStart", {"contentBlockIndex": 1, "start": 1}),
            ["malformed_event: the start at index 1 is a JSON int"],
        ),
        (("contentBlockStart", {"start": {}, "novel": 1}), ["unknown_field: contentBlockStart: novel"]),
        (stop(7), ["stop_without_block: no open block at index 7"]),
        (("messageStop", {"stopReason": 5}), ["malformed_event: stopReason is a JSON int"]),
        (("metadata", {"usage": 5}), ["malformed_event: usage is a JSON int"]),
        (("metadata", {"usage": {"inputTokens": "1"}}), ["malformed_count: inputTokens is a str"]),
        (("metadata", {"usage": {"inputTokens": True}}), ["malformed_count: inputTokens is a bool"]),
        (("metadata", {"novel": 1}), ["unknown_field: metadata: novel"]),
        (("telemetry", {"message": "hello"}), ["unknown_event: telemetry"]),
        (("telemetry", {"error": None}), ["unknown_event: telemetry"]),
        (("", {}), ["unknown_event: an event without a name"]),
        (("telemetry", None), ["malformed_event: telemetry: a JSON NoneType"]),
        (START, ["second_cycle: messageStart: what follows is not part of the completion"]),
    ],
)
def test_what_does_not_fit_is_told(event: Named, told: list[str]) -> None:
    """Wrong shapes and unknown fields are diagnostics that say what and where; the text before stays."""
    decoder = decoded([START, delta(0, text="a"), event, delta(0, text=""), *finish()])
    assert [line for line in said(decoder) if not line.startswith("block_not_closed")] == told
    assert decoder.completion.text == "a"


def test_what_ends_without_its_end_is_told() -> None:
    """A block that is open at the end, a reason without its call."""
    decoder = decoded([START, delta(0, text="a"), delta(3, text="b"), stop(0), *finish("tool_use")])
    assert said(decoder) == [
        "block_not_closed: block (3,)",
        "no_tool_call: the reason is tool_use, but no block is a client tool call",
    ]


def test_a_message_that_starts_twice_before_it_says_anything() -> None:
    """It is one message, and the repetition is noted."""
    decoder = decoded([START, START, *text(0, "a"), *finish()])
    assert said(decoder) == ["duplicate_message_start: messageStart"]
    assert (decoder.completion.text, decoder.completion.status) == ("a", "complete")


def test_nothing_of_a_second_message_counts() -> None:
    """After a second messageStart neither deltas nor reasons nor usage touch the completion."""
    second = [START, *text(5, "two"), *finish("max_tokens", usage={"inputTokens": 9})]
    decoder = decoded([START, *text(0, "one"), *finish(usage={"inputTokens": 1}), *second])
    result = decoder.completion
    assert (result.text, result.finish_reason, result.usage.input_tokens) == ("one", "stop", 1)


@pytest.mark.parametrize(
    "field", ["additionalModelResponseFields", "metrics", "trace", "performanceConfig", "serviceTier"]
)
@pytest.mark.parametrize("place", ["messageStop", "metadata", "document"])
def test_details(field: str, place: str) -> None:
    """They are kept wherever they stand, and are no unknown fields."""
    if place == "document":
        decoder = decoded([("", {"stopReason": "end_turn", field: {"x": 1}})], kind="document")
    else:
        ends = dict(finish())
        ends[place] = {**ends[place], field: {"x": 1}}
        decoder = decoded([START, *text(0, "a"), *ends.items()])
    assert (decoder.details, said(decoder)) == ({field: {"x": 1}}, [])


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([delta(5, reasoningContent={"text": "t"})], {"type": "reasoning", "text": "t"}),
        ([delta(5, reasoningContent={"signature": "S"})], {"type": "reasoning", "text": "", "signature": "S"}),
        (
            [delta(5, reasoningContent={"redactedContent": "x"})],
            {"type": "reasoning", "text": "", "encrypted": "x", "kind": "redacted"},
        ),
        ([begin(5, toolUse={"toolUseId": "t"})], {"type": "tool_call", "index": 0}),
        (
            [begin(5, toolUse={"toolUseId": "t", "name": "n", "type": "server_tool_use"})],
            {
                "type": "server_tool",
                "id": "t",
                "name": "server_tool_use",
                "data": {"toolUseId": "t", "name": "n", "type": "server_tool_use"},
            },
        ),
        (
            [begin(5, toolResult={"type": "novel_result"}), delta(5, toolResult=[{"text": "x"}, {"text": "y"}])],
            {
                "type": "server_tool",
                "name": "novel_result",
                "data": {"type": "novel_result", "content": [{"text": "x"}, {"text": "y"}]},
            },
        ),
        (
            [delta(5, toolResult={"text": "x"})],
            {"type": "server_tool", "name": "toolResult", "data": {"content": [{"text": "x"}]}},
        ),
        (
            [begin(5, image={"format": "png"}), delta(5, image={"source": {"bytes": "eA=="}})],
            {"type": "media", "media_type": "image/png", "data": "eA==", "text": ""},
        ),
        (
            [begin(5, image={"source": {"s3Location": {"uri": "s3://b/k"}}})],
            {"type": "media", "media_type": "image", "data": None, "url": "s3://b/k", "text": ""},
        ),
        (
            [delta(5, image={"source": {"bytes": "eA==", "s3Location": 5}})],
            {"type": "media", "media_type": "image", "data": "eA==", "text": ""},
        ),
        ([begin(5, hologram=1)], {"type": "unknown", "name": "hologram", "data": {"hologram": 1}}),
        ([begin(5, toolUse=1)], {"type": "unknown", "name": "toolUse", "data": {"toolUse": 1}}),
        ([delta(5, aroma=1)], {"type": "unknown", "name": "aroma", "data": {"deltas": [{"aroma": 1}]}}),
        (
            [delta(5, toolUse={"input": "{"}), delta(5, toolUse={"input": "}"})],
            {"type": "unknown", "name": "toolUse", "data": {"input": {}}},
        ),
    ],
)
def test_every_kind_of_block_stands_at_its_index(events: list[Named], expected: dict[str, Any]) -> None:
    """A block that comes first but has the higher index comes last, with all that was said of it."""
    result = completion([START, *events, *text(2, "two"), *finish("tool_use")])
    assert parts(result) == [{"type": "text", "text": "two"}, expected]


def test_interleaved_blocks_keep_their_own() -> None:
    """Deltas of two calls, and of two results, that take turns go to the block of their index."""
    started = [begin(0, toolUse={"toolUseId": "a"}), begin(1, toolUse={"toolUseId": "b", "name": "g"})]
    pieces = [delta(n, toolUse={"input": piece}) for n, piece in ((0, '{"x"'), (1, '{"y"'), (0, ":0}"), (1, ":1}"))]
    results = [delta(n, toolResult={"n": n}) for n in (2, 3, 2)]
    result = completion([START, *started, *pieces, *results, *finish("tool_use")])
    assert [(call.name, call.arguments) for call in result.tool_calls] == [("", '{"x":0}'), ("g", '{"y":1}')]
    assert [part["data"] for part in parts(result)[2:]] == [{"content": [{"n": 2}, {"n": 2}]}, {"content": [{"n": 3}]}]


def test_readable_and_redacted_reasoning_at_one_index() -> None:
    """They are two parts; a signature goes to the readable one."""
    events = [delta(0, reasoningContent=said) for said in ({"text": "t"}, {"redactedContent": "x"}, {"signature": "S"})]
    assert parts(completion([START, *events, *finish()])) == [
        {"type": "reasoning", "text": "t", "signature": "S"},
        {"type": "reasoning", "text": "", "encrypted": "x", "kind": "redacted"},
    ]


def test_a_citation_joins_the_text_of_its_index() -> None:
    """A citation before its text begins the same part; one at another index begins another."""
    events = [delta(5, citation={"n": 1}), delta(5, text="five"), delta(2, citation={"n": 2}), delta(2, text="two")]
    assert parts(completion([START, *events, *finish()])) == [
        {"type": "text", "text": "two", "annotations": [{"n": 2}]},
        {"type": "text", "text": "five", "annotations": [{"n": 1}]},
    ]


@pytest.mark.parametrize("index", [None, "x", True])
def test_text_without_an_index(index: Any) -> None:
    """Without a usable index a delta means the block that started last, or one of its own."""
    events = [delta(index, text="a"), delta(index, text="b"), stop(index)]
    assert parts(completion([START, *events, *finish()])) == [{"type": "text", "text": "ab"}]


def test_a_text_delta_with_more_than_text() -> None:
    """Two keys in one delta are two pieces."""
    events = [delta(0, text="a", citation={"n": 1}), delta(0, text="b")]
    assert parts(completion([START, *events, *finish()])) == [{"type": "text", "text": "ab", "annotations": [{"n": 1}]}]


@pytest.mark.parametrize(("piece", "arguments"), [({"a": 1}, '{"a":1}'), (None, ""), ("{}", "{}"), ([1], "[1]")])
def test_arguments_that_are_values(piece: Any, arguments: str) -> None:
    """A call's input as a value is compact JSON, null says nothing."""
    events = [begin(0, toolUse={"toolUseId": "t", "name": "f"}), delta(0, toolUse={"input": piece})]
    result = completion([START, *events, stop(0), *finish("tool_use")])
    assert [(call.id, call.name, call.arguments) for call in result.tool_calls] == [("t", "f", arguments)]


def test_the_input_of_a_server_tool_is_parsed_into_its_data() -> None:
    """Its JSON comes in pieces, as a client call's does, and stands in the part's data."""
    server = {"toolUseId": "s", "name": "n", "type": "server_tool_use"}
    pieces = [delta(0, toolUse={"input": piece}) for piece in ('{"a"', ":1}")]
    (part,) = parts(completion([START, begin(0, toolUse=server), *pieces, stop(0), *finish()]))
    assert part["data"] == {**server, "input": {"a": 1}}


# -- documents


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"text": "a"}, {"type": "text", "text": "a"}),
        (
            {"citationsContent": {"content": [{"text": "b"}, {"text": 5}, 5], "citations": [{"n": 1}, 5]}},
            {"type": "text", "text": "b", "annotations": [{"n": 1}]},
        ),
        ({"citationsContent": 5}, {"type": "unknown", "name": "citationsContent", "data": {"citationsContent": 5}}),
        (
            {"reasoningContent": {"reasoningText": {"text": "t", "signature": "S"}}},
            {"type": "reasoning", "text": "t", "signature": "S"},
        ),
        ({"reasoningContent": {"text": "t"}}, {"type": "reasoning", "text": "t"}),
        (
            {"reasoningContent": {"redactedContent": "x"}},
            {"type": "reasoning", "text": "", "encrypted": "x", "kind": "redacted"},
        ),
        ({"reasoningContent": 5}, {"type": "unknown", "name": "reasoningContent", "data": {"reasoningContent": 5}}),
        ({"toolUse": 5}, {"type": "unknown", "name": "toolUse", "data": {"toolUse": 5}}),
        ({"image": 5}, {"type": "unknown", "name": "image", "data": {"image": 5}}),
        ({"toolResult": {"x": 1}}, {"type": "server_tool", "name": "toolResult", "data": {"x": 1}}),
        ({"hologram": {"x": 1}}, {"type": "unknown", "name": "hologram", "data": {"hologram": {"x": 1}}}),
        *(
            (
                {kind: {"format": "f", "source": {"bytes": "eA=="}}},
                {"type": "media", "media_type": f"{family}/f", "data": "eA==", "text": ""},
            )
            for kind, family in (
                ("image", "image"),
                ("video", "video"),
                ("audio", "audio"),
                ("document", "application"),
            )
        ),
    ],
)
def test_blocks_of_a_document(block: Any, expected: dict[str, Any]) -> None:
    """Every kind of block of a whole response gives the part that its stream would; what is damaged is kept."""
    body = {"output": {"message": {"content": [block, {"text": "z"}]}}, "stopReason": "end_turn"}
    result = document(body)
    assert parts(result) == [expected, {"type": "text", "text": "z"}]
    assert result.status == "complete"


def test_a_whole_document_has_nothing_to_note() -> None:
    """All fields of a response are known, and its usage counts."""
    body = {"output": {"message": {"role": "assistant", "content": [{"text": "a"}]}}, "stopReason": "end_turn"}
    decoder = decoded([("", {**body, "usage": {"inputTokens": 3}, "metrics": {"latencyMs": 1}})], kind="document")
    assert said(decoder) == []
    assert decoder.completion.usage.input_tokens == 3


@pytest.mark.parametrize("kind", ["json", "document"])
def test_what_an_error_says_besides(kind: Any) -> None:
    """The provider's error object is kept among the details."""
    error = {"message": "m", "type": "t", "x": 1}
    decoder = decoded([("error", {"error": error})], kind=kind)
    assert decoder.details == {"error": error}


def test_a_document_that_does_not_fit_is_told() -> None:
    """A block that is no object, an unknown field, a reason of another type."""
    body = {"output": {"message": {"content": [5, {"text": "a"}]}}, "stopReason": ["x"], "novel": 1}
    decoder = decoded([("", body)], kind="document")
    assert said(decoder) == [
        "malformed_event: a block is a JSON int",
        "malformed_event: stopReason is a JSON list",
        "unknown_field: response: novel",
    ]
    assert (decoder.completion.text, decoder.completion.status) == ("a", "interrupted")


@pytest.mark.parametrize(
    ("body", "status", "said_text"),
    [
        ({"output": {"message": {"content": [{"text": "a"}]}}}, "interrupted", "a"),
        ({"output": {"message": {"content": "a"}}, "stopReason": "end_turn"}, "complete", ""),
        ({"output": {"message": "a"}, "stopReason": "end_turn"}, "complete", ""),
        ({"stopReason": "end_turn"}, "complete", ""),
        ({"output": {"message": "a"}}, "failed", ""),
    ],
)
def test_which_document_is_a_response(body: Any, status: str, said_text: str) -> None:
    """A document is a response by its message or by its stop reason."""
    result = document(body)
    assert (result.status, result.text) == (status, said_text)


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"Message": "m"}, None, "m"),
        ({"message": "m", "Message": "n"}, None, "m"),
        ({"error": "m"}, None, "m"),
        ({"error": {"message": "m", "code": "c", "type": "t"}}, "c", "m"),
        ({"error": {"type": "t"}}, "t", ""),
        ({"__type": "com.amazon.coral#NovelException", "message": "m"}, "NovelException", "m"),
        ({"novel": 1}, "not_a_stream", "the body is no Converse stream but a JSON object with novel"),
        ([1], "not_a_stream", "the body is no Converse stream but a JSON list"),
    ],
)
def test_where_an_error_document_says_what(body: Any, code: str | None, message: str) -> None:
    """Code and message from every place that AWS and gateways have for them."""
    result = document(body)
    assert result.error is not None
    assert (result.status, result.error.code, result.error.message) == ("failed", code, message)


@pytest.mark.parametrize("word", ["ThrottlingException", "throttlingException"])
def test_the_word_of_http_is_that_of_the_stream(word: str) -> None:
    """HTTP writes the exception's name with a capital; both are the same type, the code is as it came."""
    result = document({"__type": word, "message": "m"})
    assert result.error is not None
    assert (result.error.type, result.error.code) == ("rate_limit", word)
