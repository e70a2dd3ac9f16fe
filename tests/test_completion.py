"""The normalized result and its JSON."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from strategies import COMPLETIONS, DELTAS, PARTS
from streamproof import jsontext
from streamproof.completion import (
    PART_TYPES,
    Choice,
    CitationPart,
    Completion,
    Delta,
    ErrorInfo,
    MediaPart,
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    ToolCallPart,
    UnknownPart,
    part_from_json,
    part_to_json,
)

KEYS = {
    "content", "tool_calls", "usage", "finish_reason", "raw_finish_reason", "status", "error", "model", "message_id",
    "raw_usage",
}  # fmt: skip


@given(COMPLETIONS)
@settings(deadline=None)
def test_completion_json_text_is_inverse(completion: Completion) -> None:
    """A completion that was written to a file reads back as itself, through text and all."""
    text = jsontext.dumps(completion.to_json())
    assert Completion.from_json(jsontext.loads(text)).to_json() == jsontext.loads(text)


@given(PARTS)
def test_part_json_is_inverse(part: Part) -> None:
    """Leaving defaults out must not lose a value that is falsy and yet said."""
    assert part_from_json(part_to_json(part)) == part


@given(DELTAS)
def test_delta_json_is_inverse(delta: Delta) -> None:
    """A delta crosses a process boundary as JSON; the part's place comes back as a tuple."""
    document = delta.to_json()
    assert list(document) == ["op", "part", "field", "value", "choice"]
    assert Delta.from_json(jsontext.loads(jsontext.dumps(document))) == delta


def test_every_key_stands_in_an_empty_completion() -> None:
    """Consumers may read any key without asking whether it is there; `choices` only when there are any."""
    assert set(Completion().to_json()) == KEYS
    assert set(Completion(choices=(Choice(index=1),)).to_json()) == {*KEYS, "choices"}
    assert Completion().to_json()["usage"] == {
        "input_tokens": None, "output_tokens": None, "cached_input_tokens": None, "cache_write_tokens": None,
        "reasoning_tokens": None, "estimated": False,
    }  # fmt: skip


def test_an_empty_completion_is_interrupted() -> None:
    """`complete` is never the default: somebody has to have seen the terminal."""
    assert Completion().status == "interrupted"


def test_text_joins_visible_text_alone() -> None:
    """Reasoning and refusals are not what the user is shown as the answer."""
    content = (TextPart(text="a"), ReasoningPart(text="b"), TextPart(text="c"), RefusalPart(text="d"))
    assert Completion(content=content).text == "ac"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"type": "song"}, "no part type 'song': one of text"),
        ({}, "no part type None"),
        ({"type": "text", "colour": "red", "age": 1}, "TextPart has no age, colour"),
        ({"type": "refusal", "signature": "s"}, "RefusalPart has no signature"),
    ],
)
def test_part_from_json_refuses_what_it_does_not_know(document: dict[str, Any], message: str) -> None:
    """A misspelt field must not vanish; the message names it."""
    with pytest.raises(ValueError, match=message):
        part_from_json(document)


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"usage": {"tokens": 1}},
        {"error": {"type": "server", "hint": ""}},
        {"content": [{"type": "nothing"}]},
        {"tool_calls": [{"arg": ""}]},
        {"choices": [{"index": 1, "text": ""}]},
    ],
)
def test_completion_from_json_refuses_unknown_keys(change: dict[str, Any]) -> None:
    """At every level."""
    with pytest.raises(ValueError, match=r"has no|no part type"):
        Completion.from_json({**Completion().to_json(), **change})


def test_completion_from_json_takes_a_partial_document() -> None:
    """Keys that are left out take their defaults; a null error stays none."""
    assert Completion.from_json({"status": "complete", "error": None}) == Completion(status="complete")
    failed = Completion.from_json({"error": {"type": "server"}})
    assert failed.error == ErrorInfo(type="server")


@pytest.mark.parametrize("unknown", [{"operation": "start"}, {}])
def test_delta_from_json_refuses_what_is_none(unknown: dict[str, Any]) -> None:
    """An unknown key or no op."""
    with pytest.raises(TypeError):
        Delta.from_json(unknown)


@pytest.mark.parametrize(
    "part",
    [
        TextPart(text="a"),
        TextPart(annotations=({"url": "https://example.org"},)),
        TextPart(signature="s"),
        ReasoningPart(text="a"),
        ReasoningPart(summary=("",)),
        ReasoningPart(signature="s"),
        ReasoningPart(encrypted="e"),
        ReasoningPart(id="rs_1"),
        RefusalPart(text="no"),
        ToolCallPart(index=0),
        MediaPart(data="AA=="),
        MediaPart(url="https://example.org/a.png"),
        MediaPart(text="said"),
        MediaPart(id="audio_1"),
        MediaPart(signature="s"),
        CitationPart(citations=({"title": "t"},)),
        ServerToolPart(),
        UnknownPart(),
    ],
)
def test_parts_that_carry_something(part: Part) -> None:
    """A signature or an id alone is needed for the next request, so the part stays."""
    assert part.carries_something()


@pytest.mark.parametrize(
    "part",
    [
        TextPart(id="msg_1", phase="final_answer"),
        ReasoningPart(kind="redacted"),
        RefusalPart(id="r"),
        MediaPart(media_type="image/png"),
        CitationPart(id="c"),
    ],
)
def test_parts_that_carry_nothing(part: Part) -> None:
    """They are left out of a completion: an empty block is not an answer."""
    assert not part.carries_something()


def test_part_types_are_keyed_by_their_word() -> None:
    """A part type that is not in the table could be written and never read."""
    assert set(PART_TYPES) == {
        "text", "reasoning", "refusal", "tool_call", "media", "citation", "server_tool", "unknown",
    }  # fmt: skip


def test_completions_are_immutable() -> None:
    """A consumer that changes a shared completion would change it for all."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        ToolCall().complete = True  # type: ignore[misc]
