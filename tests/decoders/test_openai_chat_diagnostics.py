"""Chat Completions: what a diagnostic says of a wire that does not fit, and what is no reason for one."""

from __future__ import annotations

from typing import Any

import pytest
from chat_wire import STOP, call, calls, chunk, content, decode, event, run, text, trailer
from streamproof.decoders.base import Quirks
from streamproof.decoders.openai_chat import OpenAIChatDecoder
from streamproof.wire.event import WireEvent


def told(*events: WireEvent) -> list[str]:
    """The diagnostics of a stream that says `a`, these events, and `b`; the text is whole all the same."""
    completion, decoder = run(text("a"), *events, text("b"), STOP)
    assert "".join(part.get("text", "") for part in content(completion) if part["type"] == "text") == "ab"
    assert (completion.status, completion.finish_reason) in (("complete", "stop"), ("complete", "tool_calls"))
    return [f"{note.kind}: {note.detail}" for note in decoder.diagnostics]


DEEP: Any = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (event([1, 2]), ["not_an_object: [1,2]"]),
        (event("x" * 300), ["not_an_object: " + '"' + "x" * 199]),
        (event({"b": 1, "a": 2}), ["unknown_event: a, b"]),
        (event({"b": 1}, "novel"), ["unknown_event: novel"]),
        (event({"choices": 5}), ["malformed_field: choices: int"]),
        (event({"choices": [None, "x"]}), ["malformed_field: choices: NoneType", "malformed_field: choices: str"]),
        (event({"choices": [{"index": 0, "delta": 5}]}), ["malformed_field: delta: int"]),
        (event({"choices": [], "novel": 1}), ["unknown_field: chunk: novel"]),
        (event({"choices": [], "novel": 1}, "message"), ["unknown_field: event message: novel"]),
        (chunk(choice={"novel": 1}), ["unknown_field: choice: novel"]),
        (chunk({"novel": 1}), ["unknown_field: delta: novel"]),
        (chunk(finish=5), ["malformed_field: finish_reason: int"]),
        (trailer(5), ["malformed_field: usage: int"]),
        (chunk(choice={"usage": 5}), ["malformed_field: usage: int"]),
        (event({"x_groq": {"usage": 5}}), ["malformed_field: usage: int"]),
        (chunk({"content": 5}), ["malformed_field: content: int"]),
        (chunk({"content": [5, ""]}), ["malformed_field: content: int"]),
        (chunk({"refusal": 5}), ["malformed_field: refusal: int"]),
        (chunk({"audio": 5}), ["malformed_field: audio: int"]),
        (chunk({"images": [5]}), ["malformed_field: images: int"]),
        (chunk({"annotations": [5]}), ["malformed_field: annotations: int"]),
        (chunk({"executed_tools": [5]}), ["malformed_field: executed_tools: int"]),
        (chunk({"reasoning": 5}), ["malformed_field: reasoning: int"]),
        (chunk({"reasoning_details": [5]}), ["malformed_field: reasoning_details: int"]),
        (chunk({"reasoning_content": "x", "reasoning": "y"}), ["reasoning_fields_differ: reasoning: y"]),
        (
            chunk({"reasoning": "x", "reasoning_details": [{"type": "reasoning.text", "text": "y"}]}),
            ["reasoning_fields_differ: reasoning_details: y"],
        ),
        (chunk({"tool_calls": [], "novel": 1}), ["unknown_field: delta: novel"]),
        (chunk({"tool_calls": [{}], "novel": 1}), ["unknown_field: delta: novel"]),
        (event({"message": "m"}), ["unknown_event: message"]),
        (event({"code": "c"}), ["unknown_event: code"]),
        (chunk({"tool_calls": [5]}), ["malformed_field: tool_calls: int"]),
        (chunk({"tool_calls": [{"function": 5}]}), ["malformed_field: tool_calls.function: int"]),
        (chunk({"tool_calls": [{"custom": 5}]}), []),
        (calls(call(0, "i", "f", "{}", novel=1)), ["unknown_field: tool_calls: novel"]),
        (
            calls({"index": 0, "id": "i", "function": {"name": "f", "novel": 1}}),
            ["unknown_field: tool_calls.function: novel"],
        ),
        (
            calls({"index": 0, "id": "i", "custom": {"name": "f", "novel": 1}}),
            ["unknown_field: tool_calls.custom: novel"],
        ),
        (calls(call(0, "i", "f"), call(0, "j")), ["tool_call_id_changed: i -> j"]),
        (calls(call(0, "i", "f"), call(0, "i", "g")), ["tool_call_name_changed: f -> g"]),
        (calls(call(0, "i", "f"), call(0, "i", "f")), []),
        (calls(call(0, "i", "f", DEEP)), ["malformed_field: nested too deeply"]),
    ],
)
def test_what_does_not_fit_is_told(sent: WireEvent, expected: list[str]) -> None:
    """Every wrong shape and unknown field is a diagnostic that names the place and what stood there."""
    assert told(sent) == expected


def test_a_field_is_told_once() -> None:
    """Servers repeat a field on every chunk, and one note says it."""
    assert told(chunk(novel=1), chunk(novel=2), chunk({"novel": 3})) == [
        "unknown_field: chunk: novel",
        "unknown_field: delta: novel",
    ]


def test_another_reason_is_told_the_same_one_is_not() -> None:
    """The first finish reason counts; repeating it says nothing new."""
    events = [text("a", "length"), chunk(finish="length"), chunk(finish="stop"), chunk(finish="eos", index=2)]
    completion, decoder = run(*events, chunk(finish="stop", index=2))
    assert completion.finish_reason == "length"
    assert [(note.kind, note.detail) for note in decoder.diagnostics] == [
        ("further_finish_reason", "choice 0: stop"),
        ("further_finish_reason", "choice 2: stop"),
    ]


@pytest.mark.parametrize(
    "field",
    [
        "prompt_filter_results", "moderation", "warning", "warnings", "related_questions", "images", "videos",
    ],
)  # fmt: skip
def test_kept_fields_of_a_chunk(field: str) -> None:
    """They are in the details, the last value that is not null, and alone make an event a chunk."""
    completion, decoder = run(text("a"), event({field: ["x"]}), event({field: ["y"]}), event({field: None}), STOP)
    assert (decoder.details, decoder.diagnostics, completion.text) == ({field: ["y"]}, [], "a")


@pytest.mark.parametrize(
    "field",
    [
        "stop_reason", "matched_stop", "native_finish_reason", "content_filter_results", "content_filter_result",
        "content_filter_offsets", "finish_details", "finish_message", "stop_sequence", "safety_ratings",
    ],
)  # fmt: skip
def test_kept_fields_of_a_choice(field: str) -> None:
    """They are in the details of choice 0, the last value that says something; another choice's are not."""
    sent = [chunk(choice={field: "x"}), chunk(choice={field: {}}), chunk(choice={field: None})]
    _, decoder = run(text("a"), *sent, chunk(choice={field: "other"}, index=1), STOP)
    assert (decoder.details, decoder.diagnostics) == ({field: "x"}, [])


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize(("field", "value"), [("", True), ("_type", 5), ("_int", 1)])
def test_flags_of_a_chunk(side: str, field: str, value: Any) -> None:
    """MiniMax marks sensitive words: lost, or a detail of each answer without any; a later chunk does not unmark."""
    name = f"{side}_sensitive{field}"
    _, decoder = run(chunk({"content": "a"}, **{name: value}), chunk({"content": "b"}, **{name: type(value)()}), STOP)
    assert (decoder.details, decoder.diagnostics) == ({name: value}, [])
    _, decoder = run(chunk({"content": "a"}, **{name: type(value)()}), event({name: value}), STOP)
    assert decoder.details == {}


SILENT_CHUNK = (
    "sla_metrics", "timings", "time_info", "metrics", "nvext", "prompt_token_ids", "prompt_text", "prompt_logprobs",
    "prompt_progress", "kv_transfer_params", "request_id", "metadata", "type", "stats", "citation_tokens", "__verbose",
    "native_finish_reason", "stop_details", "content_filter_results", "meta", "model_info", "routing",
    "openrouter_metadata", "hook_results", "extra_fields", "status_details", "system_fingerprint",
    "service_tier", "obfuscation", "p", "provider", "created", "object", "id", "model",
)  # fmt: skip
SILENT_CHOICE = (
    "logprobs", "token_ids", "message", "token_id", "seed", "prompt_token_ids", "routed_experts",
    "provider_specific_fields", "stop",
)  # fmt: skip
SILENT_DELTA = (
    "index", "name", "prefix", "tool_call_id", "token_ids", "logprobs", "p", "obfuscation", "channel",
    "provider_specific_fields", "reasoning_steps", "role",
)  # fmt: skip


@pytest.mark.parametrize(
    "sent",
    [
        *(chunk(**{field: "x"}) for field in SILENT_CHUNK),
        *(chunk(choice={field: "x"}) for field in SILENT_CHOICE),
        *(chunk({field: "x"}) for field in SILENT_DELTA),
    ],
)
def test_fields_of_gateways_that_say_nothing(sent: WireEvent) -> None:
    """Fields that are known to be no part of the answer are neither noted nor kept."""
    completion, decoder = run(text("a"), sent, text("b"), STOP)
    assert (completion.text, decoder.diagnostics, decoder.details) == ("ab", [], {})


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end", "stop"), ("eos", "stop"), ("eos_token", "stop"), ("max_tokens", "length"), ("model_length", "length"),
        ("model_context_window_exceeded", "length"), ("function_call", "tool_calls"), ("sensitive", "content_filter"),
        ("refusal", "content_filter"), ("content_filter", "content_filter"), ("novel", "novel"),
    ],
)  # fmt: skip
def test_words_of_other_servers(word: str, reason: str) -> None:
    """Every server's word for an end has its normal form, an unknown one stays."""
    completion = decode(text("a", word))
    assert (completion.finish_reason, completion.raw_finish_reason) == (reason, word)


def test_quirks_reach_every_choice() -> None:
    """A quirk of the provider holds for each of several choices."""
    events = [chunk({"content": "<think>t</think>a"}, "stop", index=number) for number in (0, 1)]
    completion = decode(*events, n=2, quirks=Quirks(think_tags=True))
    assert [part["type"] for part in content(completion)] == ["reasoning", "text"]
    assert [part["type"] for part in content(completion.choices[0])] == ["reasoning", "text"]


def test_nothing_held_back_gives_no_piece() -> None:
    """Where no tag was begun, the end of a part adds no empty text."""
    decoder = OpenAIChatDecoder(Quirks(think_tags=True))
    events = [text("a"), calls(call(0, "i", "f", "{}")), text("b", "stop")]
    deltas = [delta for sent in events for delta in decoder.feed(sent)] + decoder.end()
    assert [delta.value for delta in deltas if delta.field == "text"] == ["a", "b"]


@pytest.mark.parametrize("field", ["citations", "search_results"])
def test_sources_in_a_chunk_of_their_own(field: str) -> None:
    """They make an event a chunk, and are one citation part at the end."""
    completion, decoder = run(text("a"), event({field: ["x"]}), event({field: ["x", "y"]}), STOP)
    assert [part["type"] for part in content(completion)] == ["text", "citation"]
    assert len(content(completion)[1]["citations"]) == 2
    assert decoder.diagnostics == []


def test_fields_of_a_delta_that_have_a_meaning() -> None:
    """None of them is an unknown field."""
    delta = {
        "extra_content": {"google": {"thought_signature": "s"}}, "refusal": "no", "audio": {"id": "x"},
        "images": [{"image_url": "https://x"}], "annotations": [{"n": 1}], "executed_tools": [{"type": "t"}],
        "reasoning": "r", "reasoning_content": "r", "reasoning_text": "r", "function_call": {"name": "f"},
    }  # fmt: skip
    _, decoder = run(text("a"), chunk(delta), STOP)
    assert decoder.diagnostics == []
