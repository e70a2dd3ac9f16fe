"""Responses: items whose ids rotate, repeat or are missing, and lists at the end that leave items out."""

from __future__ import annotations

from typing import Any

import pytest
from responses_wire import (  # fmt: skip
    added,
    args_delta,
    call,
    calls,
    content,
    created,
    decode,
    done,
    ended,
    ev,
    message,
    reasoning,
    text_delta,
)


def said(decoder: Any) -> list[str]:
    """The diagnostics."""
    return [f"{note.kind}: {note.detail}" for note in decoder.diagnostics]


def texts(completion: Any) -> list[Any]:
    """The text of each part."""
    return [part.get("text") for part in content(completion)]


def begun(deltas: Any) -> list[Any]:
    """Where parts have started."""
    return [delta.part for delta in deltas if delta.op == "start" and delta.part]


def announced(item: dict[str, Any]) -> dict[str, Any]:
    """`output_item.added` without an index."""
    return ev("output_item.added", item=item)


def delta_of(name: str | None, text: str, index: int | None = None) -> dict[str, Any]:
    """A text delta that names its item by an id, by an index, or by nothing."""
    return ev("output_text.delta", index, content_index=0, delta=text, **({} if name is None else {"item_id": name}))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        # ids that rotate with every delta, no index: one message
        ([delta_of("x1", "a"), delta_of("x2", "b")], ["ab"]),
        ([announced(message(id="m1")), delta_of("x1", "a"), delta_of("x2", "b")], ["ab"]),
        # deltas before the announcement: the same message
        ([delta_of(None, "a"), announced(message(id="m1")), delta_of(None, "b")], ["ab"]),
        # an id tells where an index is missing, also for items that have one
        (
            [added(0, message(id="m1")), added(1, message(id="m2")), delta_of("m1", "a"), delta_of("m2", "b")],
            ["a", "b"],
        ),
        (
            [announced(message(id="m1")), announced(message(id="m2")), delta_of("m1", "a", 0), delta_of("m2", "b", 1)],
            ["a", "b"],
        ),
        # one id on two indexes: two messages
        ([delta_of("m1", "a", 0), delta_of("m1", "b", 1)], ["a", "b"]),
        ([delta_of("m1", "b", 1), delta_of("m1", "a", 0)], ["a", "b"]),
        ([text_delta("b", content_index=1), text_delta("a", content_index=0)], ["a", "b"]),
        # no content index is the first content
        ([ev("output_text.delta", 0, delta="a"), ev("output_text.done", 0, content_index=0, text="a!")], ["a!"]),
    ],
)
def test_which_message_a_delta_means(events: list[Any], expected: list[str]) -> None:
    """By index and type; by id where the index is missing; else the message that is open."""
    completion, decoder, _ = decode(created(), *events, ended())
    assert texts(completion) == expected
    assert said(decoder) == []


def test_places_without_an_index_follow_each_other() -> None:
    """Items and contents that name no place take the next one."""
    _, _, deltas = decode(
        created(), announced(message("a", id="m1")), announced(reasoning("b")), announced(call("{}")), ended()
    )
    assert begun(deltas) == [(1,), (2,), (0, 0)]
    two = [text_delta("a"), ev("refusal.delta", 0, content_index=0, delta="no")]
    assert begun(decode(created(), *two, ended())[2]) == [(0, 0), (0, 1)]


def test_a_call_announced_again() -> None:
    """The same call id at the same index is the same call, whatever its item's id; no id is no such sign."""
    again = [added(0, call("", id="c")), added(0, {**call("", id="c"), "id": "other"}), args_delta("{}")]
    completion, decoder, _ = decode(created(), *again, ended())
    assert [made[:3] for made in calls(completion)] == [("c", "get_weather", "{}")]
    assert [note.kind for note in decoder.diagnostics] == ["repeated_item"]
    nameless = {"type": "function_call", "id": "", "call_id": "", "name": "f"}
    assert len(decode(created(), added(0, nameless), added(0, nameless), ended())[0].tool_calls) == 2


def test_arguments_for_an_index_whose_call_is_done() -> None:
    """A finished call of another kind takes no more: they begin a call of their own."""
    custom = {"type": "custom_tool_call", "id": "i", "call_id": "c", "name": "f", "input": "x", "status": "completed"}
    completion, _, _ = decode(created(), done(0, custom), args_delta("{}"), ended())
    assert [made[:3] for made in calls(completion)] == [("c", "f", "x"), (None, "", "{}")]


# -- the list at the end

OPEN_MESSAGES = [added(0, message(id="m1")), text_delta("a"), added(1, message(id="m2")), text_delta("b", 1)]
OPEN_CALLS = [added(0, call("", id="c1", name="f")), added(1, call("", id="c2", name="g"))]


@pytest.mark.parametrize(
    ("events", "listed", "expected"),
    [
        (OPEN_MESSAGES, [message("b!", id="m2")], ["a", "b!"]),
        (OPEN_MESSAGES, [message("a!", id="x"), message("b!", id="y")], ["a!", "b!"]),
        (OPEN_MESSAGES, [message("a!", id="x")], ["a!", "b"]),
        (OPEN_MESSAGES, [reasoning(), message("b!", id="y")], ["a", "b!"]),
        (
            [announced(message(id="m1")), delta_of("m1", "a"), announced(message(id="m2")), delta_of("m2", "b")],
            [reasoning(), message("b!", id="y")],
            ["a", "b!"],
        ),
        ([added(1, message(id="m1")), text_delta("a", 1)], [message("a!", id="x")], ["a!"]),
    ],
)  # fmt: skip
def test_messages_of_the_end_are_found_again(events: list[Any], listed: list[Any], expected: list[str]) -> None:
    """By id, by place, or the next of their type: no text comes twice, none goes to another message."""
    completion, _, _ = decode(created(), *events, ended("completed", *listed))
    assert [text for text in texts(completion) if text] == expected


@pytest.mark.parametrize("id", ["fc_c2", "rotated", None])
def test_calls_of_the_end_are_found_again(id: str | None) -> None:
    """By call id where the item's id is another one, also when the list leaves the call before it out."""
    listed = {**call("{}", id="c2", name="g"), "id": id}
    completion, _, _ = decode(created(), *OPEN_CALLS, ended("completed", listed))
    assert [made[:3] for made in calls(completion)] == [("c1", "f", ""), ("c2", "g", "{}")]


def test_an_item_without_a_type_is_found_again() -> None:
    """It comes once, as the end has it."""
    completion, _, _ = decode(created(), added(0, {"id": "u", "x": 1}), ended("completed", {"id": "u", "x": 2}))
    assert [part["data"] for part in content(completion)] == [{"id": "u", "x": 2}]


def test_an_item_that_the_end_lists_before_the_first() -> None:
    """It stands before it, with its own kind and name."""
    events = [added(0, message(id="m1")), text_delta("a"), done(0, message("a", id="m1"))]
    completion, _, _ = decode(created(), *events, ended("completed", {"type": "novel", "x": 1}, message("a", id="m1")))
    assert [(part["type"], part.get("name")) for part in content(completion)] == [("unknown", "novel"), ("text", None)]


def test_an_item_that_the_end_lists_between_others() -> None:
    """It stands after all contents of the one before it in that list."""
    first, last = message("a", "b", id="m1"), message("c", id="m2")
    completion, _, _ = decode(
        created(), done(0, first), done(1, last), ended("completed", first, {"type": "novel"}, last)
    )
    assert [part.get("text") for part in content(completion)] == ["a", "b", None, "c"]
