"""Gemini chunks in, completion out: reasons, usage, errors, candidates. Shapes: https://ai.google.dev/api/generate-content."""

from __future__ import annotations

from typing import Any

import pytest
from gemini_wire import call, calls, chunk, content, counts, decode, notes
from streamproof.completion import part_to_json
from streamproof.decoders.gemini_generate_content import GeminiGenerateContentDecoder
from streamproof.wire.event import WireEvent

FILTERS = [
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR",
    "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
]  # fmt: skip
BAD_CALLS = [
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
]  # fmt: skip
OWN_WORDS = [
    *BAD_CALLS, "LANGUAGE", "OTHER", "NO_IMAGE", "IMAGE_OTHER", "CONTINUATION", "ESCALATION", "PUP_LIMITED_DISABLED",
    "FINISH_REASON_UNSPECIFIED", "QUANTUM",
]  # fmt: skip
# -- finish reasons and blocks


@pytest.mark.parametrize(
    ("raw", "normal"),
    [("STOP", "stop"), ("MAX_TOKENS", "length"), ("stop", "stop")]
    + [(raw, "content_filter") for raw in FILTERS]
    + [(raw, raw) for raw in OWN_WORDS],
)
def test_finish_reason_table(raw: str, normal: str) -> None:
    """A known word is mapped, every other one passes through; none becomes `stop`."""
    completion, _ = decode(chunk({"text": "par"}), chunk(finish=raw, usage=counts(p=5, c=1, total=6)))
    assert (completion.finish_reason, completion.raw_finish_reason) == (normal, raw)
    assert (completion.text, completion.status) == ("par", "complete")
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (5, 1)


def test_every_finish_reason_of_the_sdk_is_considered() -> None:
    """A reason that google-genai adds would pass through unseen."""
    types = pytest.importorskip("google.genai.types")
    assert {reason.value for reason in types.FinishReason} - {"STOP", "MAX_TOKENS"} <= {*FILTERS, *OWN_WORDS}


def test_no_finish_reason_is_interrupted() -> None:
    """A clean end without a reason must not pass for success."""
    completion, _ = decode(chunk({"text": "half"}, usage=counts(p=1, c=1, total=2)))
    assert (completion.status, completion.finish_reason, completion.text) == ("interrupted", None, "half")
    assert completion.error is not None
    assert completion.error.code == "stream_incomplete"


def test_an_empty_body_is_interrupted() -> None:
    """No chunk at all is no success."""
    completion, _ = decode()
    assert (completion.status, completion.content) == ("interrupted", ())


def test_last_finish_reason_wins() -> None:
    """STOP on every chunk, or before the text, neither ends the text nor is repeated; null and "" say nothing."""
    completion, _ = decode(
        chunk(finish="STOP"),
        chunk({"text": "a"}, finish="OTHER"),
        chunk({"text": "b"}, finish="STOP"),
        chunk(finish=""),
    )
    assert (completion.text, completion.finish_reason, completion.raw_finish_reason) == ("ab", "stop", "STOP")
    assert len(completion.content) == 1


@pytest.mark.parametrize(
    "candidate",
    [
        {"finishReason": "MAX_TOKENS", "index": 0, "content": {"role": "model"}},
        {"finishReason": "MAX_TOKENS", "content": {}},
        {"finishReason": "MAX_TOKENS", "content": None},
        {"finishReason": "MAX_TOKENS", "content": {"parts": None}},
        {"finishReason": "MAX_TOKENS", "content": {"parts": []}},
        {"finishReason": "MAX_TOKENS"},
    ],
)
def test_reasoning_used_the_whole_budget(candidate: dict[str, Any]) -> None:
    """A message without parts is `length` with empty content, not an error."""
    completion, decoder = decode({"candidates": [candidate], "usageMetadata": counts(p=267, t=268, total=535)})
    assert (completion.finish_reason, completion.status, completion.content) == ("length", "complete", ())
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (267, 268)
    assert (completion.usage.reasoning_tokens, completion.usage.cached_input_tokens) == (268, None)
    assert notes(decoder) == []


def test_cut_after_thoughts_and_text() -> None:
    """Thoughts over two chunks and the beginning of the text survive MAX_TOKENS."""
    completion, _ = decode(
        chunk({"text": "First", "thought": True}),
        chunk({"text": ", then.\n\n\n", "thought": True}),
        chunk({"text": "So"}, finish="MAX_TOKENS", usage=counts(p=37, c=2, t=92, total=131)),
    )
    assert content(completion) == [
        {"type": "reasoning", "text": "First, then.\n\n\n"},
        {"type": "text", "text": "So"},
    ]
    assert (completion.finish_reason, completion.usage.output_tokens) == ("length", 94)


def test_safety_in_mid_text_keeps_text_and_ratings() -> None:
    """The text before a filter stays, the ratings have their place."""
    ratings = [{"category": "X", "probability": "HIGH", "blocked": True}]
    last = chunk(finish="SAFETY", safetyRatings=ratings, finishMessage="blocked", avgLogprobs=0)
    completion, decoder = decode(chunk({"text": "Half a"}), last)
    assert (completion.text, completion.finish_reason) == ("Half a", "content_filter")
    assert decoder.details == {"safety_ratings": ratings, "finish_message": "blocked", "avg_logprobs": 0}


@pytest.mark.parametrize("reason", ["PROHIBITED_CONTENT", "MODEL_ARMOR", "JAILBREAK", "OTHER", "WEIRD"])
@pytest.mark.parametrize("more", [{}, {"candidates": []}, {"candidates": None}])
def test_blocked_prompt(reason: str, more: dict[str, Any]) -> None:
    """A prompt block is the end: `content_filter` with the provider's word, whatever the word is."""
    feedback = {"blockReason": reason, "blockReasonMessage": "no"}
    completion, decoder = decode({"promptFeedback": feedback, "usageMetadata": counts(p=4, total=4), **more})
    assert (completion.finish_reason, completion.raw_finish_reason) == ("content_filter", reason)
    assert (completion.status, completion.content) == ("complete", ())
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (4, 0)
    assert decoder.details["prompt_feedback"] == feedback


@pytest.mark.parametrize("order", [1, -1])
def test_a_candidates_reason_beats_the_prompt_block(order: int) -> None:
    """When both are said, in either order, the candidate's reason counts."""
    completion, _ = decode(
        *[{"promptFeedback": {"blockReason": "OTHER"}}, chunk({"text": "a"}, finish="STOP")][::order]
    )
    assert (completion.finish_reason, completion.raw_finish_reason) == ("stop", "STOP")


def test_feedback_without_a_block_ends_nothing() -> None:
    """promptFeedback with ratings only is no terminal."""
    completion, decoder = decode({"promptFeedback": {"safetyRatings": []}}, {"promptFeedback": {"blockReason": 3}})
    assert (completion.status, completion.finish_reason) == ("interrupted", None)
    assert notes(decoder) == ["malformed_field"]


# -- usage


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (counts(p=13, c=71, t=137, total=221), (13, 208, None, 137)),
        (counts(p=15, c=37, t=742, tool=770, total=1564), (785, 779, None, 742)),
        (counts(p=3520, cached=3512, c=2, t=42, total=3564), (3520, 44, 3512, 42)),
        (counts(p=10, total=10), (10, 0, None, None)),
        (counts(p="5", c="5", total="10"), (5, 5, None, None)),
        (counts(p=5), (5, None, None, None)),
        (counts(t=5), (None, None, None, 5)),
        (counts(p=5, c=None, total=None), (5, None, None, None)),
        (counts(p=5.0, c=True, total=-1), (5, None, None, None)),
        ({"prompt_token_count": 3, "candidates_token_count": 4}, (3, 4, None, None)),
    ],
)
def test_usage_sums(usage: dict[str, Any], expected: tuple[int | None, ...]) -> None:
    """Input includes tool results, output includes thoughts; beside a total an absent count is 0, else unknown."""
    completion, _ = decode(chunk({"text": "a"}, finish="STOP", usage=usage))
    got = completion.usage
    assert (got.input_tokens, got.output_tokens, got.cached_input_tokens, got.reasoning_tokens) == expected
    assert (completion.raw_usage, got.cache_write_tokens, got.estimated) == (usage, None, False)


def test_last_usage_replaces_earlier_ones_whole() -> None:
    """Counts that fall or vanish on the last chunk are gone: nothing is summed, kept per field or maximised."""
    completion, _ = decode(
        chunk({"text": "a"}, usage=counts(p=169, c=15, t=78, cached=3, total=262)),
        chunk({"text": "b"}, finish="STOP"),
        {"usageMetadata": counts(p=87, t=78, total=165)},
        {"usageMetadata": {"trafficType": "ON_DEMAND"}},
        {"usageMetadata": None},
    )
    got = completion.usage
    assert (got.input_tokens, got.output_tokens, got.cached_input_tokens, got.reasoning_tokens) == (87, 78, None, 78)
    assert completion.raw_usage == counts(p=87, t=78, total=165)


def test_usage_without_counts_is_unknown() -> None:
    """A cut Vertex stream with trafficType only has unknown usage, not 0; the object is kept."""
    completion, _ = decode(chunk({"text": "a"}, usage={"trafficType": "ON_DEMAND"}))
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (None, None)
    assert completion.raw_usage == {"trafficType": "ON_DEMAND"}


# -- errors, documents, other bodies


ERROR = {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}


@pytest.mark.parametrize("before", [[], [chunk({"text": "a"})]])
@pytest.mark.parametrize(
    ("payload", "name"),
    [
        ({"error": ERROR}, ""),
        ({"responseId": "r", "error": ERROR}, ""),
        ([{"error": ERROR}], ""),
        ({"error": ERROR}, "error"),
        (ERROR, "error"),
    ],
)
def test_error_in_mid_stream(before: list[Any], payload: Any, name: str) -> None:
    """Every form of a provider error fails the stream, and the text so far stays."""
    decoder = GeminiGenerateContentDecoder()
    for earlier in before:
        decoder.feed(WireEvent("json", "", earlier))
    decoder.feed(WireEvent("json", name, payload))
    decoder.end()
    completion = decoder.completion
    assert completion.status == "failed"
    assert completion.error is not None
    error = completion.error
    assert (error.type, error.code, error.status_code) == ("overloaded", "UNAVAILABLE", 503)
    assert error.message == "The model is overloaded."
    assert completion.text == ("a" if before else "")
    assert decoder.details["error"] == ERROR


@pytest.mark.parametrize("delay", ["7.5s", "later", 7, None])
def test_retry_delay(delay: Any) -> None:
    """RetryInfo's duration becomes seconds; anything else is no number."""
    details = [5, {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
    error = {"code": "429", "status": "RESOURCE_EXHAUSTED", "message": "m", "details": details}
    completion, _ = decode({"error": error}, {"error": error})
    assert completion.error is not None
    assert (completion.error.type, completion.error.status_code) == ("rate_limit", 429)
    assert completion.error.retry_after == (7.5 if delay == "7.5s" else None)


@pytest.mark.parametrize("error", ["quota gone", {}, [], 5, {"code": 500}, {"status": 5, "message": []}])
def test_malformed_errors_fail_all_the_same(error: Any) -> None:
    """An error without its fields is still an error, with a message."""
    completion, _ = decode(chunk({"text": "a"}, finish="STOP"), {"error": error})
    assert completion.status == "failed"
    assert completion.error is not None
    assert completion.error.message


def test_cancelled_is_interrupted() -> None:
    """A cancellation is no failure of the provider."""
    completion, decoder = decode(
        chunk({"text": "a"}), {"error": {"code": 499, "status": "CANCELLED"}}, {"error": ERROR}
    )
    assert completion.status == "interrupted"
    assert completion.error is not None
    assert (completion.error.type, completion.error.code) == ("cancelled", "cancelled")
    assert notes(decoder) == ["further_error"]


def test_document_decodes_as_if_streamed() -> None:
    """A whole GenerateContentResponse gives the same as its one chunk."""
    whole = chunk({"text": "a"}, call("f", args={}), finish="STOP", usage=counts(p=1, c=1, total=2))
    assert decode(whole, kind="document")[0] == decode(whole)[0]
    assert decode([whole], kind="document")[0] == decode(whole)[0]


@pytest.mark.parametrize("body", [{"detail": "Not Found"}, {}, 5, None, "x"])
def test_other_documents_fail(body: Any) -> None:
    """JSON that is no response is a protocol error, not an empty success."""
    completion, _ = decode(body, kind="document")
    assert completion.status == "failed"
    assert completion.error is not None
    assert (completion.error.type, completion.error.code) == ("protocol", "not_a_stream")


def test_error_document_fails() -> None:
    """A JSON error body carries its code."""
    completion, _ = decode({"error": ERROR}, kind="document")
    assert completion.error is not None
    assert (completion.status, completion.error.code) == ("failed", "UNAVAILABLE")


def test_done_sentinel_is_ignored() -> None:
    """[DONE], which some fronts add, is no terminal of this protocol."""
    decoder = GeminiGenerateContentDecoder()
    decoder.feed(WireEvent("json", "", chunk({"text": "a"})))
    decoder.feed(WireEvent("done", "", None))
    decoder.end()
    assert (decoder.completion.status, decoder.completion.text) == ("interrupted", "a")


def test_unexpected_events_and_fields_are_noted() -> None:
    """Values of the wrong kind neither raise nor vanish in silence."""
    decoder = GeminiGenerateContentDecoder()
    for event in (None, 5, ["x"], {"candidates": 5}, {"candidates": [5]}, {"usageMetadata": []}, {"novel": 1}):
        decoder.feed(WireEvent("json", "", event))
    decoder.feed(WireEvent("json", "novel", {"candidates": [{"index": -1, "finishReason": 5, "content": "x"}]}))
    decoder.feed(WireEvent("json", "", {"responseId": 5, "candidates": [{"content": {"parts": 5}}]}))
    decoder.end()
    assert notes(decoder) == [
        "unexpected_event", "unexpected_event", "unexpected_event", "malformed_field", "malformed_field",
        "malformed_field", "unknown_field", "event_name", "malformed_field", "malformed_field", "malformed_field",
    ]  # fmt: skip
    assert [part.type for part in decoder.completion.content] == ["unknown", "unknown"]
    assert decoder.completion.status == "interrupted"


# -- ids, candidates, spelling


def test_head_is_the_first_that_is_said() -> None:
    """Id and model come once, from the first chunk that has them."""
    first = {"candidates": [], "responseId": "", "modelVersion": "m1"}
    completion, _ = decode(first, {"responseId": "r2", "modelVersion": "m2"}, {"responseId": "r3"})
    assert (completion.message_id, completion.model) == ("r2", "m1")


def test_candidates_are_never_mixed() -> None:
    """Candidate 0 is the completion, others are choices with their own runs, calls, reasons and facts."""
    two = [
        {"index": 1, "content": {"parts": [{"text": "b"}]}},
        {"content": {"parts": [{"text": "a"}]}},
    ]
    ends = [
        {"index": 0, "finishReason": "STOP"},
        {
            "index": "1",
            "content": {"parts": [call("f")]},
            "finishReason": "STOP",
            "finishMessage": "m",
            "tokenCount": 3,
        },
    ]
    completion, decoder = decode({"candidates": two}, {"candidates": two}, {"candidates": ends})
    assert (completion.text, completion.finish_reason) == ("aa", "stop")
    (other,) = completion.choices
    assert (other.index, other.finish_reason, other.raw_finish_reason) == (1, "tool_calls", "STOP")
    assert part_to_json(other.content[0]) == {"type": "text", "text": "bb"}
    assert [made.complete for made in other.tool_calls] == [True]
    assert decoder.details == {"choices": {"1": {"finish_message": "m", "token_count": 3}}}


def test_only_another_candidate() -> None:
    """When only candidate 1 comes it stays a choice, unless one candidate was asked for."""
    wire = {"candidates": [{"index": 1, "content": {"parts": [{"text": "b"}]}, "finishReason": "STOP"}]}
    completion, _ = decode(wire)
    assert (completion.content, completion.status, completion.finish_reason) == ((), "complete", None)
    assert completion.choices[0].index == 1
    completion, _ = decode(wire, n=1)
    assert (completion.text, completion.choices, completion.finish_reason) == ("b", (), "stop")


def test_an_unfinished_first_candidate_is_interrupted() -> None:
    """The end of candidate 1 is not the end of candidate 0."""
    completion, _ = decode(chunk({"text": "a"}), {"candidates": [{"index": 1, "finishReason": "STOP"}]})
    assert completion.status == "interrupted"


def test_snake_case_keys() -> None:
    """protobuf's JSON parsers take either spelling; so do we."""
    arg = {"json_path": "$.a", "string_value": "x"}
    completion, decoder = decode(
        {
            "candidates": [
                {
                    "content": {
                        "parts": [
                            {"text": "", "thought_signature": "s"},
                            {"function_call": {"name": "f", "partial_args": [arg]}},
                            {"inline_data": {"mime_type": "image/png", "data": "AA"}},
                        ]
                    },
                    "finish_reason": "MAX_TOKENS",
                }
            ],
            "usage_metadata": {"prompt_token_count": 1, "total_token_count": 1},
            "model_version": "m",
            "response_id": "r",
        },
        {"prompt_feedback": {"block_reason": "SAFETY"}},
    )
    assert [part.type for part in completion.content] == ["text", "tool_call", "media"]
    assert calls(completion) == [(None, "f", '{"a":"x"}', True)]
    assert (completion.raw_finish_reason, completion.usage.input_tokens, completion.model) == ("MAX_TOKENS", 1, "m")
    assert notes(decoder) == []


def test_known_fields_of_the_sdk_are_known() -> None:
    """A common field must not be reported as unknown."""
    more = {"modelStatus": {"modelStage": "STABLE"}, "createTime": "2026-01-01T00:00:00Z", "promptFeedback": {}}
    facts = {"logprobsResult": {"x": 1}, "avgLogprobs": -0.1, "tokenCount": 3, "continuationToken": "AA"}
    usage = counts(p=1, total=1) | {"promptTokensDetails": [], "serviceTier": "standard", "trafficType": "ON_DEMAND"}
    _, decoder = decode(chunk({"text": "a"}, finish="CONTINUATION", usage=usage, **facts) | more)
    assert notes(decoder) == []
    assert decoder.details.keys() == {
        "model_status", "prompt_feedback", "logprobs_result", "avg_logprobs", "token_count", "continuation_token",
    }  # fmt: skip


def test_sources_after_an_error_are_kept_too() -> None:
    """What had come is shown before the error; what a server sends after it must not raise, and is not lost."""
    grounded = {"candidates": [{"index": 0, "groundingMetadata": {"webSearchQueries": ["tide"]}}]}
    failed = {"error": {"code": 503, "message": "down", "status": "UNAVAILABLE"}}
    completion, _ = decode(chunk({"text": "a"}), grounded, failed, grounded)
    assert [part["type"] for part in content(completion)] == ["text", "citation", "citation"]
    assert completion.status == "failed"
