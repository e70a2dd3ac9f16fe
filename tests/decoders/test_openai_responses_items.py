"""Responses: which item an event means, and what of an item counts."""

from __future__ import annotations

from typing import Any

import pytest
from responses_wire import (
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
    text_delta,
)


def said(decoder: Any) -> list[str]:
    """The diagnostics."""
    return [f"{note.kind}: {note.detail}" for note in decoder.diagnostics]


def delta_of(id: str, text: str) -> dict[str, Any]:
    """A text delta that names its item by its id alone."""
    return ev("output_text.delta", item_id=id, content_index=0, delta=text)


def test_ids_where_indexes_are_missing() -> None:
    """Deltas of two messages that take turns go to the one that they name."""
    events = [ev("output_item.added", item=message(id=name)) for name in ("m1", "m2")]
    pieces = [delta_of("m1", "a"), delta_of("m2", "x"), delta_of("m1", "b"), delta_of("m2", "y")]
    completion, decoder, _ = decode(created(), *events, *pieces, ended())
    assert [part["text"] for part in content(completion)] == ["ab", "xy"]
    assert said(decoder) == []


def test_an_old_item_announced_again() -> None:
    """Without an index an id that was seen before is that item, not a third one."""
    events = [ev("output_item.added", item=message(id=name)) for name in ("m1", "m2", "m1")]
    completion, decoder, _ = decode(created(), *events, delta_of("m1", "a"), delta_of("m2", "b"), ended())
    assert completion.text == "ab"
    assert said(decoder) == ["repeated_item: m1"]


def test_two_open_items_at_one_index() -> None:
    """A second item that claims the index of one that is still open is an item of its own."""
    events = [added(0, call("", id="c1", name="f")), added(0, call("", id="c2", name="g"))]
    completion, _, _ = decode(created(), *events, done(0, call("{}", id="c2", name="g")), ended())
    assert [made[:3] for made in calls(completion)] == [("c1", "f", ""), ("c2", "g", "{}")]


def test_items_stand_at_their_index() -> None:
    """An item that comes first but has the higher index comes last, announced or not."""
    late, _, _ = decode(created(), done(5, message("b", id="2")), done(2, message("a", id="1")), ended())
    events = [added(5, message(id="2")), text_delta("b", 5), added(2, message(id="1")), text_delta("a", 2)]
    open_, _, _ = decode(created(), *events, ended())
    assert (late.text, open_.text) == ("ab", "ab")


@pytest.mark.parametrize("events", [
    [added(0, {"id": "u"}), done(0, {"id": "u", "x": 1})],
    [done(0, {"id": "u", "x": 1})],
    [added(0, {"id": "u", "x": 1})],
])  # fmt: skip
def test_an_item_without_a_type(events: list[Any]) -> None:
    """It is one unknown part without a name, with what the wire last said of it."""
    completion, decoder, _ = decode(created(), *events, ended())
    assert content(completion) == [{"type": "unknown", "id": "u", "name": "", "data": {"id": "u", "x": 1}}]
    assert said(decoder) == []


def test_what_was_announced_does_not_undo_what_was_streamed() -> None:
    """A call that was announced with other arguments than its deltas keeps the deltas when the stream is cut."""
    completion, _, _ = decode(created(), added(0, call("{}")), args_delta('{"a":1}'))
    assert calls(completion) == [("call_Aa1", "get_weather", '{"a":1}', False)]


@pytest.mark.parametrize("arguments", ["", None])
def test_an_empty_done_takes_no_arguments_away(arguments: Any) -> None:
    """What the deltas said stays."""
    completion, _, _ = decode(created(), added(0, call("")), args_delta("{}"), done(0, call(arguments)), ended())
    assert calls(completion) == [("call_Aa1", "get_weather", "{}", True)]


@pytest.mark.parametrize(
    ("status", "whole"), [("completed", True), ("incomplete", False), ("failed", False), (None, True)]
)
def test_a_call_that_the_wire_calls_bad(status: Any, whole: bool) -> None:
    """A finished item that says incomplete or failed is no call to run."""
    completion, _, _ = decode(created(), done(0, call("{}", status=status)), ended())
    assert [made[3] for made in calls(completion)] == [whole]


@pytest.mark.parametrize(
    ("end", "whole"),
    [
        (ended("completed"), True),
        (ended("incomplete", reason="max_output_tokens"), False),
        (ended("failed", error={"message": "m"}), False),
    ],
)
def test_free_text_shows_no_cut(end: Any, whole: bool) -> None:
    """A custom call that is still in progress is whole only where nothing was cut."""
    item = {"type": "custom_tool_call", "id": "i", "call_id": "c", "name": "f", "input": "", "status": "in_progress"}
    events = [added(0, item), ev("custom_tool_call_input.delta", 0, item_id="i", delta="x")]
    completion, _, _ = decode(created(), *events, end)
    listed, _, _ = decode(
        created(), *events, {**end, "response": {**end["response"], "output": [{**item, "input": "x"}]}}
    )
    assert calls(completion)[0][:3] == ("c", "f", "x")
    assert [made[3] for made in calls(listed)] == [whole]


def test_a_server_item_that_changes() -> None:
    """Its id may come late, and the same again is no delta."""
    item = {"type": "web_search_call", "status": "in_progress"}
    completion, _, deltas = decode(created(), added(0, item), done(0, {**item, "id": "ws"}), ended())
    (part,) = content(completion)
    assert (part["id"], part["data"]) == ("ws", {**item, "id": "ws"})
    same, _, steps = decode(created(), added(0, item), done(0, item), ended())
    assert content(same)[0]["data"] == item
    assert [step.field for step in [*deltas, *steps] if step.op == "replace"] == ["id", "data"]


SHELL = {"type": "shell_call", "id": "sh", "call_id": "c", "action": {"commands": ["ls"]}, "status": "completed"}


@pytest.mark.parametrize(
    ("first", "second", "kinds"),
    [
        (SHELL, {"type": "shell_call_output", "call_id": "c"}, ["server_tool", "server_tool"]),
        (SHELL, {"type": "shell_call_output", "call_id": "d"}, ["tool_call", "server_tool"]),
        (SHELL, {"type": "function_call_output", "call_id": "c"}, ["tool_call", "server_tool"]),
        (call("{}", id="c"), {"type": "shell_call_output", "call_id": "c"}, ["tool_call", "server_tool"]),
        ({**SHELL, "call_id": None}, {"type": "shell_call_output"}, ["tool_call", "server_tool"]),
    ],
)
def test_a_shell_call_that_has_its_output(first: Any, second: Any, kinds: list[str]) -> None:
    """The provider ran it; the output of another call, or another call's output, says nothing of it."""
    completion, _, _ = decode(created(), done(0, first), done(1, second), ended())
    assert [part["type"] for part in content(completion)] == kinds
    assert len(completion.tool_calls) == kinds.count("tool_call")
    if kinds[0] == "server_tool":
        assert content(completion)[0] == {"type": "server_tool", "id": "sh", "name": "shell_call", "data": SHELL}


def test_an_error_shows_what_was_announced_once() -> None:
    """Items without deltas are shown before an error, and not again at the end: checks would stand there twice."""
    item = {"type": "computer_call", "id": "cu", "call_id": "c", "action": {"type": "click"}}
    announced = added(0, {**item, "pending_safety_checks": [{"id": "s"}]})
    _, decoder, _ = decode(created(), announced, {"type": "error", "code": "server_error", "message": "down"})
    assert decoder.details["pending_safety_checks"] == [[{"id": "s"}]]
