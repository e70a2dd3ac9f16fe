"""Responses: whole documents, heads, and what may still come at the end."""

from __future__ import annotations

from typing import Any

import pytest
from responses_wire import created, decode, done, ended, ev, message, streamed
from streamproof.wire.event import WireEvent


def document(body: Any) -> WireEvent:
    """A body that is one JSON document."""
    return WireEvent("document", "", body)


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"object": "response", "status": "completed", "output": [message("a")]}, "complete", "a"),
        ({"type": "novel", "object": "response", "status": "completed", "output": [message("a")]}, "complete", "a"),
        ({"output": [message("a")], "status": "completed"}, "complete", "a"),
        ({"output": [message("a")]}, "complete", "a"),
        ({"object": "response", "status": "completed"}, "complete", ""),
        ({"object": "response", "status": "in_progress", "output": [message("a")]}, "interrupted", ""),
        ({"object": "response", "status": "queued"}, "interrupted", ""),
        ({"object": "response", "status": "cancelled", "output": [message("a")]}, "interrupted", "a"),
        ({"object": "response", "status": "failed", "error": {"message": "m"}}, "failed", ""),
        (ended("completed", message("a")), "complete", "a"),
        ({"error": {"message": "m"}}, "failed", ""),
        ({"type": "novel"}, "failed", ""),
        ({"output": "a"}, "failed", ""),
        ([], "failed", ""),
    ],
)
def test_what_a_document_is(body: Any, status: str, text: str) -> None:
    """A response by its object or its output, one event, an error; a response that is still running is cut."""
    completion, _, _ = decode(document(body))
    assert (completion.status, completion.text) == (status, text)


def test_a_document_that_is_none_says_so() -> None:
    """The error tells what is wrong with the body."""
    error = decode(document({"type": "novel"}))[0].error
    assert error is not None
    assert (error.type, error.code) == ("protocol", "not_a_stream")
    assert error.message == "the body is neither a response nor an error"


def test_the_head_of_a_document_counts() -> None:
    """A whole response behind the beginning of a stream has the last word on id and model."""
    body = {"id": "resp_b", "model": "m-2", "object": "response", "status": "completed", "output": [message("a")]}
    completion, _, _ = decode(created(), document(body))
    assert (completion.message_id, completion.model, completion.text) == ("resp_b", "m-2", "a")


def test_ids_that_rotate() -> None:
    """Before the end the first id and model stay, the terminal's replace them, and silence there changes nothing."""
    rotating = ev("in_progress", response={"id": "resp_x", "model": "m-x"})
    kept, _, _ = decode(created(), rotating, *streamed("a"), ev("completed", response={"status": "completed"}))
    last, _, _ = decode(created(), rotating, *streamed("a"), ended(id="resp_z", model="m-z"))
    assert (kept.message_id, kept.model) == ("resp_a", "m-1")
    assert (last.message_id, last.model) == ("resp_z", "m-z")


@pytest.mark.parametrize("name", ["error", "response.completed"])
def test_the_name_of_an_event_without_a_type_that_we_know(name: str) -> None:
    """An event named error is one whatever its type says; another name counts only where there is no type."""
    completion, decoder, _ = decode(
        created(), *streamed("a"), WireEvent("json", name, {"type": "novel", "message": "m"})
    )
    if name == "error":
        assert completion.error is not None
        assert (completion.status, completion.error.message) == ("failed", "m")
    else:
        assert completion.status == "interrupted"
        assert [note.detail for note in decoder.diagnostics] == ["novel"]


def test_errors_that_repeat() -> None:
    """The first error counts, another is noted, and the first again is no news."""
    errors = [{"type": "error", "error": {"code": code, "message": code}} for code in ("a", "b", "a")]
    completion, decoder, _ = decode(created(), *errors)
    assert completion.error is not None
    assert completion.error.code == "a"
    assert [(note.kind, note.detail) for note in decoder.diagnostics] == [("further_error", "b")]


def test_a_failed_response_repeats_its_error() -> None:
    """`response.failed` without a code, or with that of the error before it, says the same again."""
    for error in ({"code": "a", "message": "m"}, {"message": "m"}, None):
        _, decoder, _ = decode(created(), {"type": "error", "code": "a", "message": "m"}, ended("failed", error=error))
        assert decoder.diagnostics == []


def test_the_type_of_an_error_tells_beside_its_code() -> None:
    """A code of the server's own does not hide what its type says."""
    error = decode({"type": "error", "error": {"code": "novel", "type": "rate_limit_error", "message": "m"}})[0].error
    assert error is not None
    assert (error.type, error.code) == ("rate_limit", "novel")


COUNTS = {"input_tokens": 3, "output_tokens": 2}


@pytest.mark.parametrize(
    ("first", "later", "tokens"),
    [
        (None, ended(usage=COUNTS), 3),
        ({"input_tokens": 1, "output_tokens": 1}, ended(usage=COUNTS), 1),
        (None, ev("in_progress", response={"usage": COUNTS}), None),
        (None, ended(usage=5), None),
    ],
)
def test_usage_after_the_end(first: Any, later: Any, tokens: int | None) -> None:
    """A second terminal may bring the usage that the first did not; nothing else after the end does."""
    assert decode(created(), *streamed("a"), ended(usage=first), later)[0].usage.input_tokens == tokens


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"input_tokens": 3.0, "output_tokens": 2}, (3, 2, None, None, None)),
        ({"input_tokens": 3.5, "output_tokens": -2}, (None, None, None, None, None)),
        ({"input_tokens": True, "output_tokens": "2"}, (None, None, None, None, None)),
        ({"input_tokens": 0, "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 2}},
            (0, None, 1, 2, None)),
        ({"input_tokens": 1, "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 4}, "total_tokens": 7},
            (1, 6, None, None, 4)),
        ({"input_tokens": 1, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 4}, "total_tokens": 5},
            (1, 4, None, None, 4)),
        ({"input_tokens": 0, "output_tokens": 0, "output_tokens_details": {"reasoning_tokens": 4}, "total_tokens": 4},
            (0, 4, None, None, 4)),
        ({"input_tokens": 1, "output_tokens_details": {"reasoning_tokens": 4}, "total_tokens": 5},
            (1, None, None, None, 4)),
        ({"output_tokens": 1, "output_tokens_details": {"reasoning_tokens": 4}, "total_tokens": 5},
            (None, 1, None, None, 4)),
        ({"input_tokens_details": 5, "output_tokens_details": [5]}, (None, None, None, None, None)),
    ],
)  # fmt: skip
def test_counts(raw: Any, expected: tuple[int | None, ...]) -> None:
    """Each count from its place; reasoning is added where the total says that the output leaves it out."""
    usage = decode(created(), ended(usage=raw))[0].usage
    assert expected == (
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )


def test_items_that_only_the_end_lists_come_in_its_order() -> None:
    """Items of the terminal's list stand where the list has them, between those that were streamed."""
    listed = [message("a", id="1"), message("b", id="2"), message("c", id="3")]
    completion, _, _ = decode(created(), done(1, message("b", id="2")), ended("completed", *listed))
    assert completion.text == "abc"


def test_an_item_without_a_type_at_the_end() -> None:
    """It is an unknown part without a name."""
    completion, _, _ = decode(created(), *streamed("a"), ended("completed", message("a"), {"x": 1}))
    assert completion.to_json()["content"][1] == {"type": "unknown", "name": "", "data": {"x": 1}}


@pytest.mark.parametrize("error", [{"message": "m"}, {"code": "c"}, {"type": "t"}])
def test_a_completed_response_with_an_error(error: Any) -> None:
    """An error that says anything fails the response, whatever its status."""
    assert decode(created(), *streamed("a"), ended(error=error))[0].status == "failed"
