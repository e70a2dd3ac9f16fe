"""Responses: bodies that are one document, and values where nobody expects them."""

from __future__ import annotations

from typing import Any

import pytest
from responses_wire import created, decode, done, ended, ev, message, reasoning, streamed
from streamproof.wire.event import WireEvent

USAGE = {
    "input_tokens": 158,
    "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 43},
    "output_tokens": 32,
    "output_tokens_details": {"reasoning_tokens": 10},
    "total_tokens": 190,
}


@pytest.mark.parametrize("body", [None, [], "x", {}, {"detail": "Not Found"}])
def test_document_that_is_no_response(body: Any) -> None:
    """A body that is something else is a protocol failure, not an empty success."""
    completion, _, _ = decode(body, kind="document")
    assert completion.status == "failed"
    assert completion.error is not None
    assert (completion.error.type, completion.error.code) == ("protocol", "not_a_stream")


def test_whole_response_as_a_document() -> None:
    """A non-streaming answer decodes as its stream would."""
    output = [reasoning("Think."), message("Hello")]
    body = ended("incomplete", *output, reason="max_output_tokens", usage=USAGE)["response"] | {"object": "response"}
    completion, _, _ = decode(body, kind="document")
    streamed_too, _, _ = decode(created(), done(0, output[0]), done(1, output[1]), ev("incomplete", response=body))
    assert completion == streamed_too
    assert (completion.status, completion.finish_reason, completion.text) == ("complete", "length", "Hello")


def test_other_documents() -> None:
    """A JSON error fails; a pending background response is not the end; one event may be the whole body."""
    error = {"error": {"type": "invalid_request_error", "code": "model_not_found", "message": "no"}}
    completion, _, _ = decode(error, kind="document")
    assert completion.error is not None
    assert (completion.status, completion.error.type) == ("failed", "not_found")
    pending = {"object": "response", "id": "resp_p", "status": "queued", "output": []}
    completion, _, _ = decode(pending, kind="document")
    assert (completion.status, completion.message_id) == ("interrupted", "resp_p")
    assert decode(ended("completed", message("Hi")), kind="document")[0].text == "Hi"
    assert decode(ended(), ended()["response"] | {"object": "response"}, kind="document")[0].status == "complete"
    assert decode({"object": "response", "output": [message("Hi")]}, kind="document")[0].raw_finish_reason is None
    assert decode({"object": "response", "output": [message("Hi")]})[0].text == "Hi"


JUNK: list[Any] = [None, [], {}, "", "x", 0, -1, 10**30, 1.5, True, ["a", None], {"type": ["x"]}, "\ud800", {"text": 5}]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_any_value_may_stand_anywhere(junk: Any) -> None:
    """Each field of each event replaced in turn: never an exception, never a completion without a terminal."""
    good = [
        created(), *streamed("Hi"), done(1, reasoning("S", thoughts=("T",))),
        ev("function_call_arguments.delta", 2, delta="{}"), ev("refusal.delta", 3, content_index=0, delta="No"),
        ev("reasoning_summary_text.delta", 4, summary_index=0, delta="S"),
        ev("output_text.annotation.added", 0, content_index=0, annotation={"type": "url_citation"}),
        done(5, {"type": "shell_call", "call_id": "call_B", "action": {}}),
        {"type": "error", "code": "c", "message": "m"}, ended("completed", message("Hi"), usage=USAGE),
    ]  # fmt: skip
    for n, event in enumerate(good):
        for variant in _variants(event, junk):
            completion, decoder, _ = decode(*good[:n], variant, *good[n + 1 :])
            assert completion.status != "complete" or decoder.terminal
    decode(junk)


def _variants(value: Any, junk: Any) -> list[Any]:
    if isinstance(value, dict):
        return [{**value, key: new} for key, item in value.items() for new in (junk, *_variants(item, junk))]
    if isinstance(value, list):
        return [
            [*value[:n], new, *value[n + 1 :]] for n, item in enumerate(value) for new in (junk, *_variants(item, junk))
        ]
    return []


def test_bytes_that_are_no_event_fail_the_stream() -> None:
    """Malformed JSON in mid-stream is a failure even when a terminal follows."""
    bad = WireEvent("malformed", "invalid_json", {"reason": "cut", "text": "{"})
    assert decode(created(), bad, ended())[0].status == "failed"
