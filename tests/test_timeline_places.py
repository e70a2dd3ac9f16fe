"""A stream event by event, and which event decided what."""

from __future__ import annotations

from typing import Any

import pytest
from case_files import chat_chunk, exchange, sse
from streamproof.timeline import Timeline, timeline

EVENTS = [
    chat_chunk({"role": "assistant", "content": "Hel"}),
    chat_chunk({"content": "lo"}),
    chat_chunk({"tool_calls": [{"index": 0, "id": "call_A", "function": {"name": "f", "arguments": "{"}}]}),
    chat_chunk({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}),
    chat_chunk({}, "tool_calls"),
    chat_chunk({}) | {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
]


def story(*events: Any, done: bool = True, n: int | None = None) -> Timeline:
    """The timeline of a Chat stream."""
    return timeline(exchange(sse(*events, done=done)), "openai_chat", n=n)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("content[0].text", "event 1, data"),
        ("content[-2].text", "event 1, data"),
        ("message_id", "event 0, data"),
        ("usage.input_tokens", "event 5, data"),
        ("raw_usage", "event 5, data"),
        ("finish_reason", "event 4, data"),
        ("status", "end of body"),
        ("error", "end of body"),
        ("content[2]", "none of the 7 events"),
        ("tool_calls[1].name", "none of the 7 events"),
        ("choices[0].index", "none of the 7 events"),
    ],
)
def test_place(path: str, place: str) -> None:
    """A failed requirement points at the last event that had a say in it."""
    assert story(*EVENTS).place(path) == place


def test_the_place_of_a_call_is_that_of_its_part() -> None:
    """Calls are numbered apart from content, and both paths mean the same events."""
    told = story(*EVENTS)
    assert told.place("tool_calls[0].arguments") == told.place("content[1].index")
    assert told.place("tool_calls") == told.place("tool_calls[0]")


def test_other_choices_have_places_of_their_own() -> None:
    """A delta of choice 1 must not be blamed for the content of choice 0."""
    other = chat_chunk({"content": "x"})
    other["choices"][0]["index"] = 1
    told = story(EVENTS[0], other, n=2, done=False)
    assert told.place("content[0].text") == "event 0, data"
    assert told.place("choices[0].content[0].text") == "event 1, data"


def test_steps_are_named_by_what_came() -> None:
    """The sentinel, the end of the body, an event's own type, damage."""
    names = [step.name for step in story(EVENTS[0], {"type": "odd"}).steps]
    assert names == ["data", "odd", "[DONE]", "end of body"]
    cut = timeline(exchange(b'data: {"choi'), "openai_chat")
    assert [step.name for step in cut.steps] == ["malformed truncated", "end of body"]
    assert cut.completion.status == "interrupted"
    assert cut.diagnostics
