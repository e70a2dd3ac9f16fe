"""Chat Completions: whole documents, errors in their places, and what makes a stream an answer."""

from __future__ import annotations

from typing import Any

import pytest
from chat_wire import DONE, STOP, call, called, calls, chunk, decode, event, run, text, usage
from streamproof.completion import Usage
from streamproof.decoders.base import Quirks
from streamproof.wire.event import WireEvent

DEEP: Any = []
for _ in range(100_000):
    DEEP = [DEEP]


def document(payload: Any) -> WireEvent:
    """A body that is one JSON document."""
    return WireEvent("document", "", payload)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"a": 1}, 'the body is one JSON document, but no chat completion: {"a":1}'),
        ([], "the body is one JSON document, but no chat completion: []"),
        ("x" * 300, 'the body is one JSON document, but no chat completion: "' + "x" * 199),
        ({"choices": "x"}, 'the body is one JSON document, but no chat completion: {"choices":"x"}'),
    ],
)
def test_what_another_document_was(payload: Any, message: str) -> None:
    """The error shows the beginning of a body that is no answer."""
    error = decode(document(payload)).error
    assert error is not None
    assert (error.type, error.code, error.message) == ("protocol", "not_a_stream", message)


@pytest.mark.parametrize("sent", [document(DEEP), event(DEEP), event({"error": {"message": DEEP, "code": DEEP}})])
def test_what_is_nested_too_deeply_is_told(sent: WireEvent) -> None:
    """A value that cannot be written as text is a note, and raises nothing."""
    _, decoder = run(sent)
    assert ("malformed_field", "nested too deeply") in [(note.kind, note.detail) for note in decoder.diagnostics]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}], "novel": 1}, ["chunk: novel"]),
        ({"error": {"message": "m"}, "novel": 1}, ["chunk: novel"]),
        ({"error": {"message": "m"}, "usage": None}, []),
    ],
)
def test_unknown_fields_of_a_document(body: Any, told: list[str]) -> None:
    """They are noted as those of a chunk."""
    _, decoder = run(document(body))
    assert [note.detail for note in decoder.diagnostics] == told


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ((event({"choices": []}), DONE), "complete"),
        ((event({"usage": usage(1, 0)}), DONE), "complete"),
        ((event({"warning": "x"}), DONE), "interrupted"),
        ((event({"choices": []}), event({"warning": "x"}), DONE), "complete"),
        ((DONE,), "interrupted"),
        ((text("a"), DONE), "complete"),
        ((text("a"),), "interrupted"),
        ((text("a"), chunk({"content": "b"}, index=1), STOP), "interrupted"),
        ((text("a"), chunk({"content": "b"}, "stop", index=1), STOP), "complete"),
    ],
)
def test_when_a_stream_is_whole(sent: tuple[WireEvent, ...], status: str) -> None:
    """All choices have a reason, or `[DONE]` comes after a chunk that was one."""
    assert decode(*sent).status == status


def test_done_alone_says_so() -> None:
    """The error of an empty answer tells that the end came without a beginning; the transport's own outranks it."""
    empty, cut = decode(DONE).error, decode(DONE, error={"type": "connection", "message": "reset"}).error
    assert empty is not None
    assert cut is not None
    assert (empty.type, empty.code, cut.message) == ("interrupted", "stream_incomplete", "reset")
    assert empty.message == "the stream ended with [DONE], and no chunk came before it"


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (event({"msg": "boom"}, "error"), "boom"),
        (event({"object": "error", "message": "boom"}), "boom"),
        (event({"type": "error", "message": "boom"}), "boom"),
        (event({"detail": "boom"}), "boom"),
        (event({"code": "c", "message": "boom"}), "boom"),
        (event("boom", "error"), "boom"),
        (event({"error": {"error": {"message": "boom"}}}), "boom"),
        (event({"error": {"message": "boom", "error": {"message": "inner"}}}), "boom"),
        (event({"error": {"code": 7}, "message": "boom"}), "boom"),
        (event({"error": {"code": 7}}), '{"code":7}'),
        (event({"error": [1]}), "[1]"),
        (event({"x_groq": {"error": "boom"}}), "boom"),
        (event({"base_resp": {"status_code": 7, "status_msg": "boom"}}), "boom"),
        (chunk(choice={"error": {"message": "boom"}}), "boom"),
        (event({"error": {"failed_generation": "boom"}}), "boom"),
    ],
)
def test_where_an_error_stands(sent: WireEvent, message: str) -> None:
    """Every server's place for an error fails the stream with its words and keeps the text."""
    completion, decoder = run(text("a"), sent, DONE)
    assert completion.error is not None
    assert (completion.status, completion.text, completion.error.message) == ("failed", "a", message)
    assert "error" in decoder.details


@pytest.mark.parametrize(
    "sent",
    [
        event({"error": None, "choices": []}),
        event({"error": {}, "choices": []}),
        event({"x_groq": {"error": None}}),
        event({"base_resp": {"status_code": 0}}),
        event({"base_resp": 5}),
        chunk(choice={"error": None}),
        event({"detail": "", "choices": []}),
        event({"type": "error", "choices": []}),
        event({"code": "c", "choices": []}),
    ],
)
def test_what_is_no_error(sent: WireEvent) -> None:
    """Empty errors, and chunks that only look like one."""
    completion, decoder = run(text("a"), sent, STOP)
    assert (completion.status, completion.text, decoder.details) == ("complete", "a", {})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": "c", "type": "t"}, ("c", None)),
        ({"code": None, "type": "t"}, ("t", None)),
        ({"code": "", "type": "t"}, ("t", None)),
        ({"code": 429}, ("429", 429)),
        ({"code": "429"}, ("429", 429)),
        ({"code": 42}, ("42", None)),
        ({"code": 99}, ("99", None)),
        ({"code": 100}, ("100", 100)),
        ({"code": 599}, ("599", 599)),
        ({"code": 600}, ("600", None)),
        ({"code": True}, ("true", None)),
        ({"code": "4290"}, ("4290", None)),
        ({"code": "4x9"}, ("4x9", None)),
        ({"code": "٤٢٩"}, ("٤٢٩", None)),
        ({"status_code": 503}, ("503", 503)),
        ({"status": 503, "type": "t"}, ("t", 503)),
        ({"http_code": "503", "type": "t"}, ("t", 503)),
        ({"code": {"a": 1}}, ('{"a":1}', None)),
    ],
)
def test_code_and_status_of_an_error(error: Any, expected: tuple[str | None, int | None]) -> None:
    """A numeric code is the HTTP status where it can be one; the type stands in for a code that is missing."""
    found = decode(event({"error": {"message": "m", **error}})).error
    assert found is not None
    assert (found.code, found.status_code) == expected


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"type": "rate_limit_error"}, "rate_limit"),
        ({"status": "RESOURCE_EXHAUSTED"}, "rate_limit"),
        ({"metadata": {"error_type": "rate_limit_exceeded"}}, "rate_limit"),
        ({"metadata": "x"}, "provider"),
    ],
)
def test_words_that_tell_the_type(error: Any, kind: str) -> None:
    """Beside a code of its own a server's other words tell what kind of error it is."""
    found = decode(event({"error": {"message": "m", "code": "novel", **error}})).error
    assert found is not None
    assert (found.code, found.type) == ("novel", kind)


@pytest.mark.parametrize(
    ("word", "kind"),
    [("error", "provider"), ("network_error", "server"), ("insufficient_system_resource", "overloaded")],
)
def test_reasons_that_are_errors(word: str, kind: str) -> None:
    """The stream is failed, the word stays the reason; an error object beside it says more and counts."""
    completion = decode(text("a", word))
    assert completion.error is not None
    assert (completion.status, completion.finish_reason, completion.error.type) == ("failed", word, kind)
    assert (completion.error.code, completion.error.message) == (word, f"generation ended with finish_reason {word!r}")
    told = decode(text("a", word), event({"error": {"message": "m", "code": "c"}}))
    assert told.error is not None
    assert (told.error.code, told.error.message) == ("c", "m")


# -- choices


def test_a_call_of_another_choice_may_be_run() -> None:
    """Whether a call is whole is judged in its own choice."""
    other = {"tool_calls": [call(0, "i", "f", "{}")]}
    completion = decode(text("a", "stop"), chunk(other, "tool_calls", index=1))
    assert called(completion.choices[0]) == [("i", "f", "{}", True)]


@pytest.mark.parametrize(
    ("n", "index", "texts"),
    [
        (1, 1, ["ab"]), (0, 1, ["ab"]), (2, 1, ["a", "b"]), (None, 1, ["a", "b"]), (None, -1, ["ab"]),
        (None, "1", ["ab"]), (None, None, ["ab"]), (None, True, ["ab"]),
    ],
)  # fmt: skip
def test_which_choice_a_delta_belongs_to(n: int | None, index: Any, texts: list[str]) -> None:
    """By index, unless one choice was asked for, or the index is none."""
    completion = decode(text("a"), chunk({"content": "b"}, "stop", index=index), STOP, n=n)
    assert [completion.text, *("".join(p.text for p in c.content) for c in completion.choices)] == texts  # type: ignore[attr-defined]


def test_a_whole_message_that_repeats_the_deltas() -> None:
    """`message` beside or after deltas is the same again; alone it is the answer."""
    repeated = chunk(choice={"delta": None, "message": {"content": "ab"}})
    assert decode(text("a"), text("b"), repeated, STOP).text == "ab"
    assert decode(repeated, STOP).text == "ab"


# -- usage


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"input_tokens": 1, "output_tokens": 2}, Usage(input_tokens=1, output_tokens=2)),
        ({"prompt_tokens": 1, "input_tokens": 5}, Usage(input_tokens=1)),
        ({"completion_tokens": 1, "output_tokens": 5}, Usage(output_tokens=1)),
        ({"cache_read_input_tokens": 3}, Usage(cached_input_tokens=3)),
        ({"prompt_tokens_details": {"cache_creation_tokens": 3}}, Usage(cache_write_tokens=3)),
        ({"prompt_tokens_details": {"cache_creation_input_tokens": 3}}, Usage(cache_write_tokens=3)),
        ({"cache_creation_input_tokens": 3}, Usage(cache_write_tokens=3)),
        ({"prompt_tokens": -1, "input_tokens": 0}, Usage(input_tokens=0)),
        ({"prompt_tokens": -1.0, "input_tokens": 2.0}, Usage(input_tokens=2)),
        ({"prompt_tokens": 0.0}, Usage(input_tokens=0)),
        ({"prompt_tokens": 1.5}, Usage()),
        ({"prompt_tokens": "9" * 20}, Usage(input_tokens=int("9" * 20))),
        ({"prompt_tokens": "9" * 21}, Usage()),
        ({"prompt_tokens": "٣"}, Usage()),
        ({"prompt_tokens": "-3"}, Usage()),
        ({"prompt_tokens": 0, "completion_tokens": 0, "reasoning_tokens": 3, "total_tokens": 3},
            Usage(input_tokens=0, output_tokens=3, reasoning_tokens=3)),
        ({"completion_tokens": 1, "reasoning_tokens": 3, "total_tokens": 4},
            Usage(output_tokens=1, reasoning_tokens=3)),
        ({"prompt_tokens": 1, "reasoning_tokens": 3, "total_tokens": 4}, Usage(input_tokens=1, reasoning_tokens=3)),
    ],
)  # fmt: skip
def test_counts_of_every_dialect(raw: dict[str, Any], expected: Usage) -> None:
    """Each count from the first place that has a readable one."""
    completion = decode(text("a", "stop", usage=raw))
    assert (completion.usage, completion.raw_usage) == (expected, raw)


@pytest.mark.parametrize("place", ["choice", "groq"])
def test_usage_of_a_side_place(place: str) -> None:
    """It counts until the usual place says something, and never again; the last of its kind counts."""

    def side(prompt: int) -> WireEvent:
        said = usage(prompt, 0)
        return chunk(choice={"usage": said}) if place == "choice" else event({"x_groq": {"usage": said}})

    assert decode(text("a"), side(1), side(2), STOP).usage.input_tokens == 2
    assert decode(text("a"), side(1), text("b", usage=usage(5, 0)), side(2), STOP).usage.input_tokens == 5


def test_usage_without_counts() -> None:
    """An object whose counts we do not know is kept until one with counts comes; it does not wipe that one."""
    unknown = {"novel": 1}
    assert decode(text("a", "stop", usage=unknown)).raw_usage == unknown
    assert decode(text("a", usage=unknown), text("b", "stop", usage=usage(1, 2))).raw_usage == usage(1, 2)
    assert decode(text("a", usage=usage(1, 2)), text("b", "stop", usage=unknown)).raw_usage == usage(1, 2)
    assert decode(text("a", usage=usage(1, 2)), text("b", "stop", usage={})).raw_usage == usage(1, 2)


def test_zeros_that_mean_unknown() -> None:
    """With the quirk a zero is no count, and does not wipe one."""
    quirks = Quirks(zero_usage_is_unknown=True)
    completion = decode(text("a", usage=usage(5, 3)), text("b", "stop", usage=usage(0, 0)), quirks=quirks)
    assert completion.usage == Usage(input_tokens=5, output_tokens=3)
    mixed = decode(calls(call(0, "i", "f"), finish="tool_calls"), text("", usage=usage(0, 3)), quirks=quirks)
    assert mixed.usage == Usage(output_tokens=3)
