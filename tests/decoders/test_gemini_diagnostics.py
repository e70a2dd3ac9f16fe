"""Gemini: what a diagnostic says of a wire that does not fit, and what is no reason for one."""

from __future__ import annotations

from typing import Any

import pytest
from gemini_wire import STOP, call, calls, chunk, content, counts, decode, piece
from streamproof.decoders.gemini_generate_content import GeminiGenerateContentDecoder
from streamproof.wire.event import WireEvent


def said(decoder: GeminiGenerateContentDecoder) -> list[str]:
    """The diagnostics."""
    return [f"{note.kind}: {note.detail}" for note in decoder.diagnostics]


LONG = "x" * 300
DEEP: Any = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (5, ["unexpected_event: 5"]),
        (LONG, ["unexpected_event: " + '"' + "x" * 199]),
        (DEEP, ["unexpected_event: (nested too deeply)"]),
        ([5, chunk({"text": "c"})], ["unexpected_event: 5"]),
        ({"candidates": 5}, ["malformed_field: candidates: 5"]),
        ({"candidates": [5]}, ["malformed_field: candidate: 5"]),
        ({"candidates": [{"index": "x"}]}, ["malformed_field: index: \"x\""]),
        ({"candidates": [{"index": -1}]}, ["malformed_field: index: -1"]),
        ({"candidates": [{"finishReason": 5}]}, ["malformed_field: finishReason: 5"]),
        ({"candidates": [{"novel": 5}]}, ["unknown_field: candidate: novel"]),
        ({"candidates": [{"content": {"novel": 5}}]}, ["unknown_field: content: novel"]),
        ({"novel": 5}, ["unknown_field: chunk: novel"]),
        ({"usageMetadata": 5}, ["malformed_field: usageMetadata: 5"]),
        ({"usageMetadata": {"novel": 5}}, ["unknown_field: usageMetadata: novel"]),
        ({"usageMetadata": {"totalTokenCount": "x"}}, ["malformed_field: totalTokenCount: \"x\""]),
        ({"usageMetadata": {"totalTokenCount": None}}, []),
        ({"promptFeedback": {"blockReason": 5}}, ["malformed_field: blockReason: 5"]),
        (chunk({"text": "c", "novel": 5}), ["unknown_field: part: novel"]),
        (chunk({"text": "c", "thought": "x"}), ["malformed_field: thought: \"x\""]),
        (chunk({"text": "c", "thoughtSignature": 5}), ["malformed_field: thoughtSignature: 5"]),
        (chunk({"text": "c", "videoMetadata": {}, "partMetadata": {}}), ["part_modifier: partMetadata, videoMetadata"]),
        (chunk({"inlineData": {"data": "eA==", "novel": 1}}), ["unknown_field: inlineData: novel"]),
        (chunk({"fileData": {"fileUri": "u", "novel": 1}}), ["unknown_field: fileData: novel"]),
        (chunk(call("f", novel=1)), ["unknown_field: functionCall: novel"]),
        (chunk(call("f", id=5)), ["malformed_field: functionCall.id: 5"]),
        (chunk(call("f", args=[5])), ["malformed_field: functionCall.args: [5]"]),
        (chunk(call("f", args=DEEP)), ["nested_too_deeply: args"]),
        (chunk(call("f", args=5, willContinue=True), call()), ["malformed_field: functionCall.args: 5"]),
        (chunk(call("f", args={"a": DEEP}, willContinue=True), call()), ["nested_too_deeply: args"]),
        (chunk(call("f", partialArgs=5), call()), ["malformed_field: functionCall.partialArgs: 5", "stray_call_end: "]),
        (chunk(call("f", partialArgs=[5], willContinue=True), call()), ["partial_args: a piece that is no object"]),
        (
            chunk(call("f", willContinue=True), piece("a", stringValue="x"), call()),
            ["partial_args: no place for 'a'"],
        ),
        (
            chunk(call("f", willContinue=True), piece("$." + LONG + "*", stringValue="x"), call()),
            ["partial_args: no place for '$." + "x" * 198 + "'"],
        ),
        (chunk(call("f", willContinue=True), piece("$.a"), call()), ["partial_args: no value for '$.a'"]),
        (
            chunk(call("f", willContinue=True), piece("$.a", numberValue=1), piece("$.a", numberValue=2), call()),
            ["partial_args: '$.a' has a second value"],
        ),
        (
            chunk(
                call("f", willContinue=True),
                piece("$.a", going=False, stringValue="1"),
                piece("$.a", stringValue="2"),
                call(),
            ),
            ["partial_args: '$.a' goes on after its last piece"],
        ),
        (chunk(call("f", willContinue=True), call("g", args={})), ["call_never_closed: f"]),
        (chunk(call(LONG, willContinue=True), call("g", args={})), ["call_never_closed: " + "x" * 200]),
        (chunk({"thoughtSignature": "s", **call("f", willContinue=True)}, {"thoughtSignature": LONG, **call()}),
            ["further_signature: " + "x" * 200]),
        (chunk(call()), ["stray_call_end: "]),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told(sent: Any, expected: list[str]) -> None:
    """Every wrong shape and unknown field is a diagnostic that names the place and shows what stood there."""
    completion, decoder = decode(chunk({"text": "a"}), sent, chunk({"text": "b"}), STOP)
    assert said(decoder) == expected
    assert completion.text.replace("c", "") == "ab"
    assert completion.status == "complete"


@pytest.mark.parametrize(("name", "expected"), [("", []), ("message", []), ("novel", ["event_name: novel"]),
    (LONG, ["event_name: " + "x" * 200])])  # fmt: skip
def test_event_names_are_told(name: str, expected: list[str]) -> None:
    """Gemini names no events; a name that says something is told, and the event is read all the same."""
    completion, decoder = decode(chunk({"text": "a"}, finish="STOP"), name=name)
    assert (completion.text, said(decoder)) == ("a", expected)


def test_a_head_that_is_no_text_is_told() -> None:
    """An id or model of another type is noted, and the next one that is text counts."""
    completion, decoder = decode({"responseId": 5, "modelVersion": [1]}, chunk({"text": "a"}, finish="STOP"))
    assert (completion.message_id, completion.model) == ("resp-1", "gemini-x")
    assert said(decoder) == ["malformed_field: responseId: 5", "malformed_field: modelVersion: [1]"]


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("safetyRatings", "safety_ratings"), ("finishMessage", "finish_message"), ("avgLogprobs", "avg_logprobs"),
        ("logprobsResult", "logprobs_result"), ("tokenCount", "token_count"),
        ("continuationToken", "continuation_token"),
    ],
)  # fmt: skip
def test_details_of_a_candidate(wire: str, name: str) -> None:
    """They are kept under our names, the last that says something; those of other candidates apart."""
    events = [chunk({"text": "a"}, **{wire: value}) for value in ("x", "y", None, "", [], {})]
    _, decoder = decode(*events, chunk({"text": "b"}, index=2, **{wire: "z"}), STOP)
    assert decoder.details == {name: "y", "choices": {"2": {name: "z"}}}
    assert said(decoder) == []


@pytest.mark.parametrize(
    "kind", ["groundingMetadata", "citationMetadata", "urlContextMetadata", "groundingAttributions"]
)
def test_every_source_is_a_citation(kind: str) -> None:
    """Sources are one part at the end, of each kind the last that says something."""
    events = [chunk({"text": "a"}, **{kind: value}) for value in ({"n": 1}, {"n": 2}, {}, None)]
    completion, decoder = decode(*events, STOP)
    assert content(completion)[-1] == {"type": "citation", "citations": [{kind: {"n": 2}}]}
    assert said(decoder) == []


@pytest.mark.parametrize(
    "field",
    ["promptTokensDetails", "cacheTokensDetails", "candidatesTokensDetails", "toolUsePromptTokensDetails",
     "trafficType", "serviceTier"],
)  # fmt: skip
def test_usage_fields_that_are_no_counts(field: str) -> None:
    """They stay in the raw usage and are no unknown fields."""
    usage = {**counts(p=1, total=1), field: ["x"]}
    completion, decoder = decode(
        chunk(
            {"text": "a"},
            finish="STOP",
            usage=usage,
        )
    )
    assert (completion.raw_usage, said(decoder)) == (usage, [])


@pytest.mark.parametrize(
    "field",
    ["videoMetadata", "partMetadata", "mediaResolution", "mediaProcessing", "speechMetadata", "documentMetadata",
     "spreadsheetMetadata", "audioMetadata"],
)  # fmt: skip
def test_modifiers_are_told(field: str) -> None:
    """What says how a part is meant is no part of its own and no unknown field, but a note."""
    completion, decoder = decode(chunk({"text": "a", field: {"x": 1}}, finish="STOP"))
    assert (content(completion), said(decoder)) == ([{"type": "text", "text": "a"}], [f"part_modifier: {field}"])


@pytest.mark.parametrize(
    ("kind", "value"),
    [("text", 5), ("inlineData", 5), ("inlineData", {"data": 5}), ("inlineData", {"data": "x", "mimeType": 5}),
     ("fileData", {"mimeType": "a/b"}), ("functionCall", 5)],
)  # fmt: skip
def test_a_part_that_is_damaged_is_kept(kind: str, value: Any) -> None:
    """A part whose value is not what its kind says is an unknown part with all that came."""
    completion, _ = decode(chunk({kind: value}, finish="STOP"))
    assert content(completion) == [{"type": "unknown", "name": kind, "data": {kind: value}}]


@pytest.mark.parametrize(
    "kind", ["toolCall", "toolResponse", "functionResponse", "executableCode", "codeExecutionResult"]
)
def test_server_tools(kind: str) -> None:
    """What the provider runs itself is a server_tool part with the wire's object, and no client call."""
    completion, decoder = decode(chunk({kind: {"x": 1}, "thoughtSignature": "s"}, finish="STOP"))
    part = {kind: {"x": 1}, "thoughtSignature": "s"}
    assert content(completion) == [{"type": "server_tool", "name": kind, "data": part, "signature": "s"}]
    assert (calls(completion), completion.finish_reason, said(decoder)) == ([], "stop", [])


def test_documents_of_other_kinds_say_what_they_were() -> None:
    """A document that is no response fails, and the error shows its beginning."""
    completion, _ = decode({"a": 1}, kind="document")
    assert completion.error is not None
    assert (completion.error.type, completion.error.code) == ("protocol", "not_a_stream")
    assert completion.error.message == 'the body is a JSON document, not a stream: {"a":1}'


@pytest.mark.parametrize("key", ["candidates", "promptFeedback", "usageMetadata", "error"])
def test_a_document_is_a_response_by_any_of_its_fields(key: str) -> None:
    """Each of them makes it one; the snake_case form too."""
    snake = {"promptFeedback": "prompt_feedback", "usageMetadata": "usage_metadata"}.get(key, key)
    for name in (key, snake):
        completion, _ = decode({name: {} if key != "candidates" else []}, kind="document")
        assert completion.error is None or completion.error.code != "not_a_stream"


def test_the_name_of_an_error_event_makes_it_one() -> None:
    """An event named error without an `error` inside is the error itself; with one, that is it."""
    bare, _ = decode({"message": "m", "code": 503}, name="error")
    inner, _ = decode({"error": {"message": "n", "status": "UNAVAILABLE"}}, name="error")
    assert bare.error is not None
    assert inner.error is not None
    assert (bare.error.message, bare.error.status_code) == ("m", 503)
    assert (inner.error.message, inner.error.code) == ("n", "UNAVAILABLE")


def test_an_error_without_words_shows_itself() -> None:
    """The message of an error that has none is its own JSON."""
    empty, _ = decode(WireEvent("json", "", {}).payload, {"error": {"code": 7}})
    listed, _ = decode({"error": [1]})
    plain, _ = decode({"error": "plain"})
    assert [found.error and found.error.message for found in (empty, listed, plain)] == [
        'the provider reported {"code":7}',
        "[1]",
        "plain",
    ]


def test_a_list_of_chunks_as_the_body() -> None:
    """The JSON-array form read as one document is the stream that it holds, with nothing to note."""
    completion, decoder = decode([chunk({"text": "a"}), STOP], kind="document")
    assert (completion.text, completion.status, said(decoder)) == ("a", "complete", [])


@pytest.mark.parametrize(("name", "value"), [("parts", "x"), ("parts", {"text": "x"})])
def test_parts_that_are_no_list_are_kept(name: str, value: Any) -> None:
    """Content without a list of parts is an unknown part with all of it."""
    completion, _ = decode({"candidates": [{"content": {name: value}, "finishReason": "STOP"}]})
    assert content(completion) == [{"type": "unknown", "name": name, "data": {name: value}}]


def test_content_that_is_no_object_is_kept() -> None:
    """It is an unknown part."""
    completion, _ = decode({"candidates": [{"content": "x", "finishReason": "STOP"}]})
    assert content(completion) == [{"type": "unknown", "name": "content", "data": "x"}]


def test_what_a_chunk_says_besides_is_kept() -> None:
    """The model's status and the prompt's feedback are details, whatever their form."""
    _, decoder = decode({"modelStatus": {"x": 1}, "promptFeedback": [1]}, chunk({"text": "a"}, finish="STOP"))
    assert decoder.details == {"model_status": {"x": 1}, "prompt_feedback": [1]}
    assert said(decoder) == []


@pytest.mark.parametrize("name", ["blockReason", "block_reason"])
def test_a_blocked_prompt(name: str) -> None:
    """A block reason ends the stream as content_filter, in either spelling of its key."""
    completion, _ = decode({"promptFeedback": {name: "NOVEL"}})
    assert (completion.finish_reason, completion.raw_finish_reason) == ("content_filter", "NOVEL")
    assert completion.status == "complete"


def test_a_cancelled_call() -> None:
    """Cancelled is cut off, not failed, with what the provider said of it."""
    error = {"code": 499, "status": "CANCELLED", "message": "m"}
    completion, _ = decode(chunk({"text": "a"}), {"error": error})
    assert completion.error is not None
    assert (completion.status, completion.error.code, completion.text) == ("interrupted", "cancelled", "a")
    assert (completion.error.message, completion.error.status_code) == ("m", 499)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ({"status": ["x"], "code": 429, "message": "m"}, "429", "m"),
        ({"status": "", "code": "429", "message": "m"}, "429", "m"),
        ({"message": 5}, None, 'the provider reported {"message":5}'),
        ({"message": ""}, None, 'the provider reported {"message":""}'),
    ],
)
def test_an_error_in_other_shapes(error: Any, code: str | None, message: str) -> None:
    """Values of another type say nothing; what came is shown where no message did."""
    completion, _ = decode({"error": error})
    assert completion.error is not None
    assert (completion.status, completion.error.code, completion.error.message) == ("failed", code, message)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (counts(c=5, total=5), (0, 5)),
        (counts(p=5, total=5), (5, 0)),
        (counts(total=5), (0, 0)),
        (counts(p=5), (5, None)),
        (counts(c=5), (None, 5)),
    ],
)
def test_counts_that_are_left_out(usage: Any, tokens: tuple[int | None, int | None]) -> None:
    """Beside a total an absent count is 0, as its JSON leaves zeros out; without one it is unknown."""
    completion, _ = decode(chunk({"text": "a"}, finish="STOP", usage=usage))
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == tokens
