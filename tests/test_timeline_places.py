"""More of the timeline: names of every kind of event, parts that vanish, errors in mid-stream, binary bodies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamproof.cassette import Interaction
from streamproof.decoders.base import Quirks
from streamproof.timeline import Timeline, timeline
from streamproof.wire.eventstream import encode_frame


def read(body: bytes, protocol: str, **headers: str) -> Timeline:
    """The timeline of a body."""
    named = {name.replace("_", "-"): [value] for name, value in headers.items()}
    return timeline(Interaction(method="POST", uri="", headers=named, body=body), protocol)


def sse(*events: Any) -> bytes:
    """Events as server-sent events without names."""
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def chunk(delta: Any, finish: Any = None) -> dict[str, Any]:
    """A chunk of Chat Completions."""
    return {"id": "chatcmpl-1", "model": "m", "choices": [{"delta": delta, "finish_reason": finish}]}


def test_place_skips_parts_that_vanish() -> None:
    """`content[0]` is counted with the empty part that the completion leaves out."""
    events = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": [], "usage": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "hi"}},
        {"type": "message_stop"},
    ]
    story = read(sse(*events), "anthropic_messages")
    assert [part.type for part in story.completion.content] == ["text"]
    assert story.place("content[0].text") == "event 4, content_block_delta"


def test_place_of_an_error_in_mid_stream() -> None:
    """An error is placed at the end of the body instead of at its event."""
    story = read(sse(chunk({"content": "a"}), {"error": {"message": "no", "code": 500}}), "openai_chat")
    assert story.place("error.type") == "event 1, data"
    assert story.place("status") == "event 1, data"
    assert story.place("usage.input_tokens") == "none of the 2 events"


def test_deltas_and_details_stand_with_their_events() -> None:
    """An event's deltas stand with another event; what the decoder knows besides is not to be had."""
    story = read(sse(chunk({"content": "a"}), chunk({"content": "b"}, "stop")), "openai_chat")
    assert [step.number for step in story.steps] == [0, 1, 2]
    assert [delta.value for delta in story.steps[1].deltas if delta.op == "append"] == ["b"]
    assert story.details is story.decoder.details


@pytest.mark.parametrize(
    ("protocol", "body", "names"),
    [
        ("openai_chat", b"event: named\ndata: {}\n\n", ["named"]),
        ("openai_chat", b"data: 5\n\n", ["data"]),
        ("openai_responses", b'event: a\ndata: {"type": "b"}\n\n', ["b"]),
        ("openai_responses", b'event: a\ndata: {"type": 5}\n\n', ["a"]),
        ("openai_chat", b'{"choices": []}', ["document"]),
        ("openai_chat", b"<html>", ["malformed html"]),
        ("openai_chat", b"", []),
    ],
)
def test_names_of_steps(protocol: str, body: bytes, names: list[str]) -> None:
    """A step whose name tells the reader nothing, or that raises on an odd `type`."""
    assert [step.name for step in read(body, protocol).steps] == [*names, "end of body"]


def test_exception_frames_and_binary_bodies() -> None:
    """Headers of the interaction are not looked at: a binary stream is read as text."""
    headers = {":message-type": "exception", ":exception-type": "throttlingException"}
    body = encode_frame(headers, b'{"message": "slow down"}')
    story = read(body, "bedrock_converse", content_type="application/vnd.amazon.eventstream")
    assert [step.name for step in story.steps] == ["exception throttlingException", "end of body"]
    assert story.place("error") == "event 0, exception throttlingException"


def test_quirks_and_choices_reach_the_decoder() -> None:
    """The row's quirks, or `n`, are lost: the timeline tells another story than the adapters."""
    interaction = Interaction(method="POST", uri="", body=sse(chunk({"content": "<think>x</think>y"}, "stop")))
    assert timeline(interaction, "openai_chat", Quirks(think_tags=True)).completion.text == "y"
    assert timeline(interaction, "openai_chat", n=2).decoder.n == 2
