"""Chat Completions: the end of a stream, errors, finish reasons, usage, identity, choices."""

from __future__ import annotations

from typing import Any

import pytest
from chat_wire import DONE, STOP, call, called, calls, chunk, content, decode, event, notes, run, text, trailer, usage
from streamproof.completion import Usage
from streamproof.wire.event import WireEvent

# -- how a stream ends


def test_plain_text() -> None:
    """The canonical stream: role, text, finish, usage, sentinel."""
    completion, decoder = run(
        chunk({"role": "assistant", "content": "", "refusal": None}, choice={"logprobs": None}),
        text("Hi", usage=None),
        text(" there"),
        STOP,
        trailer(usage(5, 2, total_tokens=7)),
        DONE,
    )
    assert completion.to_json() == {
        "content": [{"type": "text", "text": "Hi there"}],
        "tool_calls": [],
        "usage": {
            "input_tokens": 5,
            "output_tokens": 2,
            "cached_input_tokens": None,
            "cache_write_tokens": None,
            "reasoning_tokens": None,
            "estimated": False,
        },
        "finish_reason": "stop",
        "raw_finish_reason": "stop",
        "status": "complete",
        "error": None,
        "model": "m-1",
        "message_id": "chatcmpl-1",
        "raw_usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }
    assert notes(decoder) == []


def test_finish_without_done() -> None:
    """Many servers send no [DONE]; the reason alone ends the stream."""
    assert decode(text("Hi"), STOP).status == "complete"


def test_done_without_finish_reason() -> None:
    """[DONE] alone ends the stream, and no `stop` is invented."""
    completion = decode(text("Hi"), trailer(usage(1, 1)), DONE)
    assert (completion.status, completion.finish_reason, completion.text) == ("complete", None, "Hi")


@pytest.mark.parametrize(
    "events",
    [
        (text("Hi"),),
        (chunk({"reasoning_content": "hm"}),),
        (calls(call(id="a", name="f", arguments='{"x": ')),),
        (calls(call(id="a", name="f", arguments="{}")),),
        (),
    ],
)
def test_cut_before_terminal(events: tuple[WireEvent, ...]) -> None:
    """A clean end of the body before any terminal is no success, and no call of it may be run."""
    completion = decode(*events)
    assert (completion.status, completion.finish_reason) == ("interrupted", None)
    assert completion.error is not None
    assert completion.error.code == "stream_incomplete"
    assert not any(c.complete for c in completion.tool_calls)
    assert completion.usage == Usage()


def test_transport_fault_before_terminal() -> None:
    """The fault's own words are the error, and the partial text stays."""
    fault = {"type": "connection", "code": "reset", "message": "connection reset"}
    completion = decode(text("Hi"), error=fault)
    assert (completion.status, completion.text) == ("interrupted", "Hi")
    assert completion.error is not None
    assert completion.error.code == "reset"


@pytest.mark.parametrize("events", [(DONE,), (event(None), DONE), (event({"type": "ping"}, "ping"), DONE)])
def test_done_without_any_chunk(events: tuple[WireEvent, ...]) -> None:
    """[DONE] alone is no empty success."""
    completion = decode(*events)
    assert completion.status == "interrupted"
    assert completion.error is not None
    assert completion.error.code == "stream_incomplete"
    assert "[DONE]" in completion.error.message


def test_null_and_unknown_events_are_skipped() -> None:
    """`data: null`, numbers and foreign events leave a note, not a part."""
    completion, decoder = run(event(None), event(5), text("Hi"), event({"type": "ping"}, "ping"), STOP)
    assert (completion.status, completion.text) == ("complete", "Hi")
    assert notes(decoder) == ["not_an_object", "not_an_object", "unknown_event"]


def test_content_after_finish_counts() -> None:
    """Text after the finish reason belongs to the answer."""
    assert decode(text("Hi", "stop"), text(" there"), trailer(usage(1, 2))).text == "Hi there"


# -- finish reasons


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("stop", "stop"), ("end", "stop"), ("eos", "stop"), ("eos_token", "stop"),
        ("length", "length"), ("max_tokens", "length"), ("model_length", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_calls", "tool_calls"), ("function_call", "tool_calls"),
        ("content_filter", "content_filter"), ("sensitive", "content_filter"), ("refusal", "content_filter"),
        ("unknown_xyz", "unknown_xyz"),
    ],
)  # fmt: skip
def test_finish_reason_words(raw: str, normal: str) -> None:
    """Each known word has its normal form, any other passes through; never an invented `stop`."""
    completion = decode(text("Par", raw))
    assert (completion.finish_reason, completion.raw_finish_reason, completion.status) == (normal, raw, "complete")


@pytest.mark.parametrize(
    ("raw", "kind"),
    [("error", "provider"), ("network_error", "server"), ("insufficient_system_resource", "overloaded")],
)
def test_error_reasons_fail_the_stream(raw: str, kind: str) -> None:
    """A reason that is an error passes through and fails the stream, with its text kept."""
    completion = decode(text("Par"), chunk(finish=raw), DONE)
    assert (completion.status, completion.finish_reason, completion.text) == ("failed", raw, "Par")
    assert completion.error is not None
    assert (completion.error.code, completion.error.type) == (raw, kind)


@pytest.mark.parametrize(
    "reasons", [("stop", "stop", None), ("", "stop", ""), (None, "stop", None), ("stop", "length", None)]
)
def test_first_finish_reason_counts(reasons: tuple[Any, ...]) -> None:
    """Repeated, empty and later reasons neither double nor wipe the first."""
    completion = decode(*(text("a", reason) for reason in reasons), DONE)
    assert (completion.finish_reason, completion.text) == ("stop", "aaa")


def test_finish_key_absent_and_on_content() -> None:
    """A choice without the key, then a last piece of text with the reason: both count."""
    completion = decode(event({"choices": [{"index": 0, "delta": {"content": "a"}}]}), text("b", "length"))
    assert (completion.text, completion.finish_reason) == ("ab", "length")


def test_odd_finish_reason_is_noted() -> None:
    """A reason that is no string says nothing."""
    completion, decoder = run(text("a", 5))
    assert (completion.status, completion.finish_reason, notes(decoder)) == ("interrupted", None, ["malformed_field"])


def test_content_filter_without_content() -> None:
    """An empty answer of a filter says so, and what the filter said is kept."""
    completion, decoder = run(
        chunk({}, "content_filter", choice={"content_filter_results": {"hate": {"filtered": True}}})
    )
    assert (completion.finish_reason, completion.content) == ("content_filter", ())
    assert decoder.details["content_filter_results"] == {"hate": {"filtered": True}}


# -- errors


@pytest.mark.parametrize(
    ("wire", "code", "status", "kind", "message"),
    [
        (event({"error": {"message": "boom", "code": "server_error"}}), "server_error", None, "server", "boom"),
        (event({"error": {"message": "boom", "code": 429}}), "429", 429, "rate_limit", "boom"),
        (event({"error": {"message": "boom", "type": "api_error"}}), "api_error", None, "server", "boom"),
        (event({"error": {"message": "boom", "code": "503"}}, "error"), "503", 503, "overloaded", "boom"),
        (event({"error": {"message": "x", "code": 99999}}), "99999", None, "provider", "x"),
        (event({"error": "boom"}), None, None, "provider", "boom"),
        (event({"message": "boom", "type": "t", "code": "c"}, "error"), "c", None, "provider", "boom"),
        (event("boom", "error"), None, None, "provider", "boom"),
        (event({"object": "error", "message": "boom", "type": "B", "code": 400}), "400", 400, "bad_request", "boom"),
        (event({"code": "Arrearage", "message": "boom"}), "Arrearage", None, "provider", "boom"),
        (event({"detail": "boom"}), None, None, "provider", "boom"),
        (event({"detail": "boom", "error": {"error": {"code": 500}}}, "error"), "500", 500, "server", "boom"),
        (event({"base_resp": {"status_code": 1002, "status_msg": "boom"}}), "1002", None, "provider", "boom"),
        (event({"choices": [], "x_groq": {"error": "boom"}}), None, None, "provider", "boom"),
        (chunk({}, "error", choice={"error": {"code": 502, "message": "boom"}}), "502", 502, "server", "boom"),
        (chunk({}, "error", error={"code": 502, "message": "boom"}), "502", 502, "server", "boom"),
        (event({"error": {"code": [1]}}), "[1]", None, "provider", '{"code":[1]}'),
    ],
)  # fmt: skip
def test_error_in_the_stream(wire: WireEvent, code: str | None, status: int | None, kind: str, message: str) -> None:
    """Every spelling of an error fails the stream and keeps what had come; [DONE] does not heal it."""
    completion = decode(text("Par"), wire, DONE)
    assert (completion.status, completion.text) == ("failed", "Par")
    assert completion.error is not None
    assert (completion.error.code, completion.error.status_code) == (code, status)
    assert (completion.error.type, completion.error.message) == (kind, message)


def test_error_with_usage_on_one_chunk() -> None:
    """The chunk that brings an error also brings usage, and its null reason does not wipe `length`."""
    completion, decoder = run(
        chunk({"reasoning": "We need"}, "length"),
        chunk(
            {"content": ""},
            error={"code": 400, "message": "limit"},
            usage=usage(43, 10, completion_tokens_details={"reasoning_tokens": 11}),
        ),
        DONE,
    )
    assert (completion.status, completion.finish_reason) == ("failed", "length")
    assert content(completion) == [{"type": "reasoning", "text": "We need"}]
    assert completion.usage == Usage(input_tokens=43, output_tokens=10, reasoning_tokens=11)
    assert decoder.details["error"] == {"code": 400, "message": "limit"}


def test_error_keeps_failed_generation() -> None:
    """Fields of the error that have no normal place are kept as they came."""
    error = {"message": "bad call", "code": "tool_use_failed", "failed_generation": "{", "status_code": 400}
    completion, decoder = run(chunk({"reasoning": "hm"}), event({"error": error}, "error"))
    assert completion.error is not None
    assert (completion.error.code, completion.error.status_code) == ("tool_use_failed", 400)
    assert decoder.details["error"]["failed_generation"] == "{"


def test_first_error_counts() -> None:
    """A second error is noted."""
    completion, decoder = run(event({"error": "one"}), event({"error": "two"}))
    assert completion.error is not None
    assert (completion.error.message, notes(decoder)) == ("one", ["further_error"])


@pytest.mark.parametrize(
    "more",
    [
        {"error": None},
        {"choice": {"content_filter_result": {"error": {"code": "content_filter_error", "message": "not filtered"}}}},
        {"base_resp": {"status_code": 0, "status_msg": ""}},
        {"moderation": {"input": {"type": "error", "code": "c", "message": "m"}}},
        {"x_groq": {"id": "req_1"}},
    ],
)
def test_error_lookalikes(more: dict[str, Any]) -> None:
    """Errors of a side channel, and null ones, are none of the stream."""
    completion = decode(text("Hi", "stop", **more))
    assert (completion.status, completion.error) == ("complete", None)


# -- one JSON document instead of a stream


def document(payload: Any) -> WireEvent:
    """The body is one document."""
    return WireEvent("document", "", payload)


def test_whole_completion() -> None:
    """A `chat.completion` decodes as if streamed."""
    message = {
        "role": "assistant",
        "content": "Hi",
        "reasoning_content": "hm",
        "tool_calls": [call(None, "a", "f", "{}")],
    }
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    completion = decode(document({"id": "c-1", "model": "m", "choices": [choice], "usage": usage(1, 2)}))
    assert [part["type"] for part in content(completion)] == ["reasoning", "text", "tool_call"]
    assert called(completion) == [("a", "f", "{}", True)]
    assert (completion.status, completion.message_id, completion.usage.output_tokens) == ("complete", "c-1", 2)


def test_whole_completion_without_reason() -> None:
    """A document is whole by itself: an empty reason is no cut."""
    completion = decode(document({"choices": [{"message": {"content": "Hi"}, "finish_reason": ""}]}))
    assert (completion.status, completion.finish_reason, completion.text) == ("complete", None, "Hi")


@pytest.mark.parametrize(
    "payload", [{"error": {"message": "boom", "code": 404}}, [{"error": {"message": "boom", "code": 404}}]]
)
def test_json_error_body(payload: Any) -> None:
    """An error under HTTP 200 is a failure, not an empty success."""
    completion = decode(document(payload))
    assert completion.status == "failed"
    assert completion.error is not None
    assert (completion.error.type, completion.error.message) == ("not_found", "boom")


@pytest.mark.parametrize("payload", [None, 5, "x", [], {}, {"choices": []}, {"status": "ok"}, {"choices": {}}])
def test_other_document(payload: Any) -> None:
    """Any other document is no answer."""
    completion = decode(document(payload))
    assert completion.status == "failed"
    assert completion.error is not None
    assert (completion.error.type, completion.error.code) == ("protocol", "not_a_stream")


def test_a_chunk_as_the_whole_body_is_cut() -> None:
    """A first chunk that lost its framing, and the rest of the stream, passes for a whole answer."""
    chunk = {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]}
    completion = decode(document(chunk))
    assert (completion.status, completion.text) == ("interrupted", "Hi")
    assert decode(document({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]})).status == "complete"


def test_document_with_odd_choices() -> None:
    """Choices that are no objects are no answer either."""
    assert decode(document({"choices": [5]})).status == "interrupted"


# -- identity and choices


def test_identity_is_the_first_that_says_something() -> None:
    """Azure's first chunk has an empty id and model; a new id per chunk changes nothing."""
    first = event(
        {"id": "", "model": "", "object": "", "created": 0, "choices": [], "prompt_filter_results": [{"a": 1}]}
    )
    completion, decoder = run(first, text("a"), text("b", "stop", id="stub", model="other"))
    assert (completion.message_id, completion.model, completion.text) == ("chatcmpl-1", "m-1", "ab")
    assert decoder.details["prompt_filter_results"] == [{"a": 1}]
    assert notes(decoder) == []


@pytest.mark.parametrize(
    "payload",
    [
        {"choices": None},
        {"choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {"a": 1}}]},
        {"choices": [{"index": 0, "delta": None}]},
        {"object": "chat.completion.chunk"},
    ],
)
def test_chunks_without_delta(payload: dict[str, Any]) -> None:
    """Choices or a delta that are null or absent are no content and no fault."""
    completion, decoder = run(text("Hi"), event(payload), STOP, trailer(usage(1, 1)))
    assert (completion.text, completion.usage.input_tokens, notes(decoder)) == ("Hi", 1, [])


def test_several_choices_are_kept_apart() -> None:
    """Interleaved choices never blend, whichever comes first; the completion is choice 0."""
    completion = decode(
        text("b1", index=1), text("a1"), text("b2", index=1), text("a2", "stop"), text("", "length", index=1), n=2
    )
    assert (completion.text, completion.finish_reason) == ("a1a2", "stop")
    assert [(c.index, content(c)[0]["text"], c.finish_reason) for c in completion.choices] == [(1, "b1b2", "length")]


def test_several_choices_all_have_to_finish() -> None:
    """A stream that was cut before its last choice finished is not whole."""
    assert decode(text("b", index=1), text("a", "stop"), n=2).status == "interrupted"
    assert decode(text("b", index=1), text("a", "stop"), DONE, n=2).status == "complete"


def test_counting_index_of_one_choice() -> None:
    """Some servers count the index up; one requested choice stays one."""
    completion = decode(*(text(str(n), index=n) for n in range(4)), chunk({}, "stop", index=4), n=1)
    assert (completion.text, completion.choices, completion.status) == ("0123", (), "complete")


@pytest.mark.parametrize("index", [None, "0", True, -1, 1.5, []])
def test_odd_index_is_choice_0(index: Any) -> None:
    """An index that is no number from 0 tells nothing apart."""
    completion = decode(text("a", index=index), text("b", "stop"))
    assert (completion.text, completion.choices) == ("ab", ())


def test_message_beside_delta() -> None:
    """A message that repeats the delta is not content; one that comes alone is."""
    completion = decode(chunk({"content": "a"}, choice={"message": {"content": "a"}}), STOP)
    assert completion.text == "a"
    alone = event({"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]})
    assert (decode(alone).text, decode(text("a"), alone).text) == ("a", "a")


def test_known_fields_are_silent_unknown_ones_noted() -> None:
    """Fields that many servers send are no news; unknown ones are diagnostics, each with its place."""
    known: dict[str, Any] = {"obfuscation": "x", "p": "a", "provider": "X", "service_tier": None, "sla_metrics": {}}
    choice = {"matched_stop": None, "native_finish_reason": "STOP", "stop_reason": 7, "token_ids": [1], "logprobs": {}}
    completion, decoder = run(text("a", "stop", choice=choice, **known))
    assert (completion.text, notes(decoder)) == ("a", [])
    assert decoder.details == {"native_finish_reason": "STOP", "stop_reason": 7}
    _, decoder = run(chunk({"new1": 1}, "stop", choice={"new2": 2}, new3=3))
    assert [d.detail for d in decoder.diagnostics] == ["delta: new1", "choice: new2", "chunk: new3"]


def test_unknown_fields_are_noted_once() -> None:
    """A server that puts fields of its own on each of a thousand deltas and pieces of a call makes a thousand notes."""
    piece = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "", "mood": 1}, "trace": 1}
    said = chunk({"content": "t", "graph_data": None, "tool_calls": [piece]})
    _, decoder = run(said, said, said, STOP)
    fields = [diagnostic.detail for diagnostic in decoder.diagnostics if diagnostic.kind == "unknown_field"]
    assert sorted(fields) == ["delta: graph_data", "tool_calls.function: mood", "tool_calls: trace"]
