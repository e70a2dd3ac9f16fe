"""Responses: how a stream ends, errors, usage, ids, cycles, documents and hostile events."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses import ResponseStreamEvent
from responses_wire import content, created, decode, done, ended, ev, message, notes, reasoning, streamed, text_delta
from streamproof.completion import Usage
from streamproof.decoders.base import Quirks
from streamproof.decoders.openai_responses import OpenAIResponsesDecoder
from streamproof.wire.event import WireEvent

USAGE = {
    "input_tokens": 158,
    "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 43},
    "output_tokens": 32,
    "output_tokens_details": {"reasoning_tokens": 10},
    "total_tokens": 190,
}


def test_plain_text_is_complete() -> None:
    """A completed stream: text once although the wire says it five times, ids and model of the terminal."""
    completion, decoder, deltas = decode(
        created(), *streamed("Hel", "lo"), ended("completed", message("Hello"), usage=USAGE)
    )
    assert content(completion) == [{"type": "text", "id": "msg_a", "text": "Hello"}]
    assert (completion.status, completion.finish_reason, completion.raw_finish_reason) == (
        "complete",
        "stop",
        "completed",
    )
    assert (completion.message_id, completion.model) == ("resp_a", "m-1-final")
    assert completion.usage == Usage(
        input_tokens=158,
        output_tokens=32,
        cached_input_tokens=100,
        cache_write_tokens=43,
        reasoning_tokens=10,
    )
    assert completion.raw_usage == USAGE
    assert decoder.diagnostics == []
    assert [delta.value for delta in deltas if delta.op == "append"] == ["Hel", "lo"]


@pytest.mark.parametrize(
    ("terminal", "finish", "raw"),
    [
        (ended("incomplete", reason="max_output_tokens"), "length", "max_output_tokens"),
        (ended("incomplete", reason="content_filter"), "content_filter", "content_filter"),
        (ended("incomplete", reason="max_messages"), "max_messages", "max_messages"),
        (ended("incomplete"), "incomplete", "incomplete"),
        (ended("incomplete", reason=""), "incomplete", "incomplete"),
        (ended("incomplete", event="completed", reason="max_output_tokens"), "length", "max_output_tokens"),
        (ended("completed", reason="max_output_tokens"), "length", "max_output_tokens"),
        (ended("incomplete", event="completed"), "incomplete", "incomplete"),
        (ended("completed", event="incomplete"), "stop", "completed"),
        (ended("completed", event="done"), "stop", "completed"),
        (ev("incomplete"), "incomplete", "incomplete"),
        (ev("completed", response=None), "stop", "completed"),
        (ended("in_progress", event="completed"), "stop", "completed"),
    ],
)
def test_reason_of_the_end(terminal: Any, finish: str, raw: str) -> None:
    """The payload's status and details outrank the event's name; unknown reasons pass through; text is kept."""
    completion, _, _ = decode(created(), *streamed("Half"), terminal)
    assert (completion.status, completion.finish_reason, completion.raw_finish_reason) == ("complete", finish, raw)
    assert completion.text == "Half"


def test_incomplete_with_reasoning_only() -> None:
    """The seed's case: the budget went into reasoning; the item stays with its id, usage and reason are kept."""
    empty = reasoning()
    usage = {"input_tokens": 38, "output_tokens": 64, "output_tokens_details": {"reasoning_tokens": 64}}
    completion, _, _ = decode(
        created(), ev("output_item.added", 0, item=empty), done(0, empty),
        ended("incomplete", empty, reason="max_output_tokens", usage=usage),
    )  # fmt: skip
    assert content(completion) == [{"type": "reasoning", "id": "rs_a", "text": ""}]
    assert completion.finish_reason == "length"
    assert completion.usage == Usage(input_tokens=38, output_tokens=64, reasoning_tokens=64)


def test_incomplete_with_empty_message() -> None:
    """The seed's second case: a message with `content: []` adds no part and raises nothing."""
    empty = message(status="incomplete")
    completion, decoder, _ = decode(
        created(), done(0, reasoning()), ev("output_item.added", 1, item=empty), done(1, empty),
        ended("incomplete", reasoning(), empty, reason="max_output_tokens"),
    )  # fmt: skip
    assert [part.type for part in completion.content] == ["reasoning"]
    assert completion.finish_reason == "length"
    assert decoder.diagnostics == []


def test_content_filter_before_any_output() -> None:
    """No output and usage null: no parts, usage unknown (not 0), no failure."""
    completion, decoder, _ = decode(created(), ended("incomplete", reason="content_filter", usage=None))
    assert (completion.content, completion.usage, completion.raw_usage) == ((), Usage(), None)
    assert (completion.status, completion.finish_reason) == ("complete", "content_filter")
    assert decoder.details == {"incomplete_details": {"reason": "content_filter"}}


def test_completed_without_output() -> None:
    """Nothing was said: no parts, `stop`, and the billed tokens are kept."""
    completion, _, _ = decode(created(), ended(usage={"input_tokens": 12, "output_tokens": 40}))
    assert (completion.content, completion.finish_reason, completion.usage.output_tokens) == ((), "stop", 40)


def test_cut_before_the_terminal() -> None:
    """A clean end without a terminal is `interrupted`, also when the last item looked whole."""
    completion, _, _ = decode(created(), *streamed("Whole?"))
    assert (completion.status, completion.finish_reason, completion.text) == ("interrupted", None, "Whole?")
    assert completion.error is not None
    assert completion.error.code == "stream_incomplete"
    assert completion.message_id == "resp_a"


def test_fault_after_the_terminal() -> None:
    """A reset after the terminal takes nothing away."""
    completion, decoder, _ = decode(created(), ended(), error={"type": "connection", "message": "reset"})
    assert completion.status == "complete"
    assert notes(decoder) == ["fault_after_terminal"]


def test_failed_after_partial_text() -> None:
    """`response.failed`: code and message, the partial text and usage are kept, no finish reason is invented."""
    error = {"code": "rate_limit_exceeded", "message": "slow down"}
    completion, _, _ = decode(created(), text_delta("Par"), ended("failed", error=error, usage=USAGE))
    assert (completion.status, completion.finish_reason, completion.raw_finish_reason) == ("failed", None, "failed")
    assert completion.error is not None
    assert (completion.error.type, completion.error.code) == ("rate_limit", "rate_limit_exceeded")
    assert completion.error.message == "slow down"
    assert (completion.text, completion.usage.input_tokens) == ("Par", 158)


@pytest.mark.parametrize("name", ["error", ""])
@pytest.mark.parametrize(
    ("event", "type_", "code", "status"),
    [
        ({"type": "error", "code": "server_error", "message": "boom", "param": None}, "server", "server_error", None),
        (
            {"type": "error", "error": {"type": "insufficient_quota", "code": "insufficient_quota", "message": "boom"}},
            "insufficient_credits",
            "insufficient_quota",
            None,
        ),
        ({"error": {"code": 500, "message": "boom", "type": "server_error"}}, "server", "500", 500),
        ({"type": "error", "status": 429, "error": {"type": "usage_limit", "message": "boom"}}, "rate_limit",
         "usage_limit", 429),
        ({"type": "odd.error", "error": {"message": "boom"}}, "provider", None, None),
        ({"error": "boom"}, "provider", None, None),
    ],
)  # fmt: skip
def test_error_events(name: str, event: Any, type_: str, code: str | None, status: int | None) -> None:
    """Flat, nested, bare and string errors fail the stream; the text before them stays."""
    completion, _, _ = decode(created(), text_delta("Par"), WireEvent("json", name, event))
    error = completion.error
    assert error is not None
    assert (completion.status, completion.finish_reason, completion.text) == ("failed", None, "Par")
    assert (error.type, error.code, error.message, error.status_code) == (type_, code, "boom", status)


def test_error_then_failed_is_one_error() -> None:
    """The real wire sends `error` and then `response.failed`: one error, the usage of the second is taken."""
    error = {"code": "insufficient_quota", "message": "no credit"}
    completion, decoder, deltas = decode(
        created(),
        {"type": "error", "sequence_number": 2, "error": {"type": "insufficient_quota", **error}},
        ended("failed", error=error, usage=USAGE),
    )
    assert [delta.op for delta in deltas].count("error") == 1
    assert (completion.status, completion.raw_finish_reason) == ("failed", "failed")
    assert completion.usage.input_tokens == 158
    assert decoder.diagnostics == []


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        ({"error": {"type": "overloaded", "code": "busy", "message": "m", "param": None}}, True),
        ({"error": {"type": "busy", "code": "busy", "message": "m", "param": None}}, False),
        ({"code": "busy", "message": "m", "param": "tools[0]"}, True),
        ({"code": "busy", "message": "m", "param": None, "sequence_number": 3}, False),
    ],
)
def test_what_an_error_says_besides_is_kept(event: dict[str, Any], kept: bool) -> None:
    """A type beside the code, or the parameter that is wrong, is a detail; what the error shows already is none."""
    _, decoder, _ = decode(created(), {"type": "error", **event})
    assert decoder.details == ({"error": event.get("error", event)} if kept else {})


def test_the_bill_beside_the_response_is_kept() -> None:
    """GitHub Copilot puts `copilot_usage` beside the last response; it is a detail."""
    _, decoder, _ = decode(created(), {**ended(), "copilot_usage": {"total_nano_aiu": 5}})
    assert decoder.details == {"copilot_usage": {"total_nano_aiu": 5}}


def test_another_error_is_noted() -> None:
    """The first error counts, a different one is a diagnostic."""
    first = {"type": "error", "code": "server_error", "message": "one"}
    completion, decoder, _ = decode(created(), first, ended("failed", error={"code": "invalid_prompt"}))
    assert completion.error is not None
    assert completion.error.code == "server_error"
    assert notes(decoder) == ["further_error"]


def test_failed_without_an_error_object() -> None:
    """A failure that does not say why is a failure nevertheless."""
    completion, _, _ = decode(created(), ended("failed", error=None))
    assert completion.status == "failed"
    assert completion.error is not None
    assert completion.error.message


def test_completed_with_an_error_object() -> None:
    """An error in a completed response fails it; an empty one does not."""
    assert decode(created(), ended(error={"code": "server_error"}))[0].status == "failed"
    assert decode(created(), ended(error={}))[0].status == "complete"


def test_cancelled_is_interrupted() -> None:
    """The provider cancelled: `interrupted` with the code, never a stop, even when the connection breaks as well."""
    completion, _, _ = decode(
        created(), *streamed("Par"), ended("cancelled"), error={"type": "connection", "message": "reset"}
    )
    assert (completion.status, completion.finish_reason, completion.text) == ("interrupted", "cancelled", "Par")
    assert completion.error is not None
    assert (completion.error.type, completion.error.code) == ("cancelled", "cancelled")


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"input_tokens": 7, "output_tokens": 2, "cost": 0.1}, Usage(input_tokens=7, output_tokens=2)),
        (
            {"input_tokens": 0, "output_tokens": 0, "input_tokens_details": {"cached_tokens": 0}},
            Usage(input_tokens=0, output_tokens=0, cached_input_tokens=0),
        ),
        ({"input_tokens": None, "output_tokens": "2", "input_tokens_details": []}, Usage()),
        ({"input_tokens": True, "output_tokens": 2.0}, Usage(output_tokens=2)),
        (
            {
                "input_tokens": 5,
                "output_tokens": 3,
                "output_tokens_details": {"reasoning_tokens": 4},
                "total_tokens": 12,
            },
            Usage(input_tokens=5, output_tokens=7, reasoning_tokens=4),
        ),
    ],
)
def test_usage(usage: Any, expected: Usage) -> None:
    """Missing counts stay unknown, zeros stay zeros; reasoning that the output leaves out is added."""
    completion, _, _ = decode(created(), ended(usage=usage))
    assert (completion.usage, completion.raw_usage) == (expected, usage)


def test_zero_that_means_unknown() -> None:
    """A provider's row may say that its zeros are no counts."""
    completion, _, _ = decode(
        ended(usage={"input_tokens": 0, "output_tokens": 3}), quirks=Quirks(zero_usage_is_unknown=True)
    )
    assert completion.usage == Usage(output_tokens=3)


def test_rotating_ids() -> None:
    """Behind some gateways all ids differ in every event: still one text, with the ids of the last words."""
    completion, _, _ = decode(
        created("id-1"),
        ev("output_item.added", 0, item=message(id="id-2")),
        ev("content_part.added", 0, content_index=0, item_id="id-3", part={"type": "output_text", "text": ""}),
        ev("output_text.delta", 0, content_index=0, item_id="id-4", delta="Hel"),
        ev("output_text.delta", 0, content_index=0, item_id="id-5", delta="lo"),
        done(0, message("Hello", id="id-6")),
        ended("completed", message("Hello", id="id-7")),
    )
    assert content(completion) == [{"type": "text", "id": "id-6", "text": "Hello"}]
    assert completion.message_id == "resp_a"


@pytest.mark.parametrize("second", ["resp_a", "resp_b"])
def test_two_cycles(second: str) -> None:
    """A second response in the body is not added to the first."""
    usage = {"input_tokens": 1, "output_tokens": 1}
    completion, decoder, _ = decode(
        created(), *streamed("Hello"), ended(usage=usage),
        created(second), *streamed("Again"), ended(usage=USAGE), {"type": "error", "message": "late"},
    )  # fmt: skip
    assert (completion.text, completion.status, completion.usage.input_tokens) == ("Hello", "complete", 1)
    assert notes(decoder) == ["second_cycle"]


def test_second_cycle_without_created() -> None:
    """Another response id after the terminal begins another cycle."""
    completion, decoder, _ = decode(
        created(), *streamed("Hello"), ended(), ev("in_progress", response={"id": "resp_b"}), *streamed("Again")
    )
    assert completion.text == "Hello"
    assert notes(decoder) == ["second_cycle"]


def test_second_cycle_before_the_first_ended() -> None:
    """A restart in mid-stream leaves the first response interrupted; its text is not doubled."""
    completion, _, _ = decode(created(), text_delta("Hel"), created("resp_b"), text_delta("Hello"), ended())
    assert (completion.text, completion.status) == ("Hel", "interrupted")


def test_created_twice() -> None:
    """The same announcement twice is only noted."""
    completion, decoder, _ = decode(created(), created(), *streamed("Hi"), ended())
    assert (completion.text, completion.status) == ("Hi", "complete")
    assert notes(decoder) == ["repeated_created"]


def test_after_the_terminal() -> None:
    """What follows the terminal is noted; usage that the terminal lacked is taken, content is not."""
    completion, decoder, _ = decode(created(), *streamed("Hi"), ended(), text_delta("!"), ended(usage=USAGE))
    assert (completion.text, completion.usage.input_tokens) == ("Hi", 158)
    assert notes(decoder) == ["after_terminal", "after_terminal"]


def test_error_after_the_terminal() -> None:
    """An error outranks a completion."""
    assert decode(created(), ended(), {"type": "error", "code": "server_error"})[0].status == "failed"


def test_resume_without_created() -> None:
    """A resumed background response begins with `queued`."""
    head = {"id": "resp_q", "model": "m-2"}
    completion, _, _ = decode(ev("queued", response=head), ev("in_progress", response=head), *streamed("Hi"))
    assert (completion.message_id, completion.model, completion.text) == ("resp_q", "m-2", "Hi")


def test_names_instead_of_types() -> None:
    """The SSE name counts where the payload has no type."""
    completion, decoder, _ = decode(
        WireEvent("json", "response.output_text.delta", {"output_index": 0, "content_index": 0, "delta": "Hi"}),
        WireEvent("json", "keepalive", {"sequence_number": 3}),
        WireEvent("json", "response.completed", {"response": {"status": "completed"}}),
        WireEvent("done", "", None),
    )
    assert (completion.text, completion.status, decoder.diagnostics) == ("Hi", "complete", [])


def test_unknown_events_and_fields_are_noted_once() -> None:
    """An unknown event or field is a diagnostic, not a failure, and does not flood."""
    odd = ev("output_text.sparkle", 0, delta="x")
    completion, decoder, _ = decode(
        created(), odd, odd, text_delta("Hi") | {"glow": 1}, text_delta("!") | {"glow": 2}, {"x": 1},
        ended("completed", message("Hi!", tone="dry"), mood="fine"),
    )  # fmt: skip
    assert (completion.text, completion.status) == ("Hi!", "complete")
    assert [(note.kind, note.detail) for note in decoder.diagnostics] == [
        ("unknown_event", "response.output_text.sparkle"),
        ("unknown_field", "response.output_text.delta: glow"),
        ("unknown_event", "without type or name"),
        ("unknown_field", "response: mood"),
        ("unknown_field", "message: tone"),
    ]


def test_every_event_of_the_sdk_is_known() -> None:
    """No event type and no field of the SDK's union is a diagnostic."""
    for model in ResponseStreamEvent.__origin__.__args__:  # type: ignore[attr-defined]
        event = {"type": model.model_fields["type"].annotation.__args__[0]}
        event |= dict.fromkeys(model.model_fields.keys() - {"type"})
        decoder = decode(event)[1]
        assert not {"unknown_event", "unknown_field"} & set(notes(decoder)), event["type"]


def test_protocol_name() -> None:
    """The decoder is registered under its protocol's name."""
    assert OpenAIResponsesDecoder.protocol == "openai_responses"
