"""Deltas to a completion."""

from __future__ import annotations

from typing import Any

import pytest
from streamproof.completion import (
    Choice,
    Completion,
    Delta,
    ErrorInfo,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolCallPart,
    Usage,
)
from streamproof.fold import Folder, fold

CLOSE = Delta("close")
CUT = {"status": "interrupted", "error": {"type": "interrupted", "code": "stream_incomplete"}}
FAILED = {"status": "failed", "error": {"type": "overloaded", "message": "busy"}}


def start(part: int | tuple[int, ...], type: str, choice: int = 0, **fields: Any) -> Delta:
    """A part begins."""
    return Delta("start", part if isinstance(part, tuple) else (part,), value={"type": type, **fields}, choice=choice)


def append(part: int, field: str, value: Any, choice: int = 0) -> Delta:
    """A field grows."""
    return Delta("append", (part,), field, value, choice)


def replace(part: int, field: str, value: Any) -> Delta:
    """A field is set anew."""
    return Delta("replace", (part,), field, value)


def usage(raw: Any, **counts: int) -> Delta:
    """Usage so far."""
    return Delta("usage", value={"usage": counts, "raw_usage": raw})


def finish(reason: str | None, raw: str | None, choice: int = 0) -> Delta:
    """Why generation ended."""
    return Delta("finish", value={"finish_reason": reason, "raw_finish_reason": raw}, choice=choice)


TALE = [
    Delta("start", value={"message_id": "msg_1"}),
    Delta("start", value={"model": "m-1"}),
    start(0, "reasoning"),
    append(0, "text", "Let me "),
    append(0, "text", "see."),
    append(0, "signature", "c2ln"),
    Delta("close", (0,)),
    start(1, "text", text="He"),
    append(1, "text", "llo"),
    Delta("close", (1,)),
    usage({"in": 3}, input_tokens=3),
    finish("stop", "end_turn"),
    usage({"in": 3, "out": 5}, input_tokens=3, output_tokens=5),
    CLOSE,
]


def test_a_whole_stream() -> None:
    """Every kind of delta lands in its field, and the last usage replaces the first."""
    assert fold(TALE) == Completion(
        content=(ReasoningPart(text="Let me see.", signature="c2ln"), TextPart(text="Hello")),
        usage=Usage(input_tokens=3, output_tokens=5),
        raw_usage={"in": 3, "out": 5},
        finish_reason="stop",
        raw_finish_reason="end_turn",
        status="complete",
        model="m-1",
        message_id="msg_1",
    )


@pytest.mark.parametrize("length", range(len(TALE)))
def test_a_prefix_is_interrupted_without_error(length: int) -> None:
    """A stream that is still running is not complete, and nobody has said that it failed."""
    completion = fold(TALE[:length])
    assert (completion.status, completion.error) == ("interrupted", None)


def test_nothing_folds_to_the_empty_completion() -> None:
    """An adapter that showed nothing."""
    assert fold([]) == Completion()


def test_replace_outranks_what_was_appended_and_can_be_appended_to() -> None:
    """A `done` event sets the text anew; None takes a field away."""
    deltas = [start(0, "text", signature="s"), append(0, "text", "Helo"), replace(0, "text", "Hello")]
    assert fold(deltas).content == (TextPart(text="Hello", signature="s"),)
    assert fold([*deltas, append(0, "text", "!")]).text == "Hello!"
    assert fold([*deltas, replace(0, "signature", None)]).content == (TextPart(text="Hello"),)


def test_lists_grow_by_items() -> None:
    """Annotations arrive one by one; a list that is appended adds its items, not itself."""
    deltas = [start(0, "text", text="a", annotations=[{"n": 1}]), append(0, "annotations", [{"n": 2}, {"n": 3}])]
    assert fold(deltas).content == (TextPart(text="a", annotations=({"n": 1}, {"n": 2}, {"n": 3})),)
    assert fold([start(0, "reasoning"), append(0, "summary", ["s"])]).content == (ReasoningPart(summary=("s",)),)


def test_parts_sort_by_position() -> None:
    """Blocks that arrive out of order, or item by item, stand where the wire put them."""
    deltas = [
        start((1, 0), "text", text="c"),
        start((0, 1), "text", text="b"),
        start((10,), "text", text="e"),
        start((1,), "text", text="B"),
        start((0, 0), "text", text="a"),
        start((9,), "text", text="d"),
    ]
    assert fold(deltas).text == "abBcde"


def test_empty_parts_vanish() -> None:
    """A block without text is no part; the ones after it move up."""
    deltas = [start(0, "text"), Delta("close", (0,)), start(1, "text", text=""), start(2, "text", text="x")]
    assert fold(deltas).content == (TextPart(text="x"),)


def test_tool_calls_are_listed_beside_their_parts() -> None:
    """The part says where the call stood and keeps what is the item's; the call has what is needed to run it."""
    deltas = [
        start(0, "text", text="I look."),
        start(2, "tool_call", call_id="call_b", name="f"),
        start(1, "tool_call", id="fc_1", call_id="call_a", name="g", signature="s"),
        append(2, "arguments", '{"a"'),
        append(1, "arguments", "{}"),
        append(2, "arguments", ":1}"),
        replace(2, "complete", True),
    ]
    assert fold(deltas).content == (
        TextPart(text="I look."), ToolCallPart(index=0, id="fc_1", signature="s"), ToolCallPart(index=1),
    )  # fmt: skip
    assert fold(deltas).tool_calls == (
        ToolCall(id="call_a", name="g", arguments="{}"),
        ToolCall(id="call_b", name="f", arguments='{"a":1}', complete=True),
    )


def test_a_call_without_anything_is_still_listed() -> None:
    """A call that was only begun happened: dropping it would make the answer look whole."""
    assert fold([start(0, "tool_call")]).tool_calls == (ToolCall(),)


def test_choices_stand_apart() -> None:
    """Text, calls and reason of another choice never mix with those of choice 0."""
    deltas = [
        start(0, "text", text="zero"),
        start(0, "text", choice=2, text="two"),
        start(0, "tool_call", choice=1, name="f"),
        append(0, "text", "!", choice=2),
        finish("stop", "stop"),
        finish("length", "length", choice=2),
    ]
    completion = fold(deltas)
    assert (completion.text, completion.tool_calls, completion.finish_reason) == ("zero", (), "stop")
    assert completion.choices == (
        Choice(index=1, content=(ToolCallPart(index=0),), tool_calls=(ToolCall(name="f"),)),
        Choice(index=2, content=(TextPart(text="two!"),), finish_reason="length", raw_finish_reason="length"),
    )


def test_a_choice_that_only_has_a_reason_is_kept() -> None:
    """A filtered choice has no content."""
    completion = fold([finish("content_filter", "content_filter", choice=1)])
    assert completion.choices == (Choice(index=1, finish_reason="content_filter", raw_finish_reason="content_filter"),)


def test_error_outranks_a_close() -> None:
    """The body of a failed stream ends cleanly too; that does not mend it."""
    completion = fold([start(0, "text", text="par"), Delta("error", value=FAILED), CLOSE])
    assert (completion.status, completion.text) == ("failed", "par")
    assert completion.error == ErrorInfo(type="overloaded", message="busy")


def test_an_error_after_the_close_counts() -> None:
    """Somebody who says that it failed after all is believed."""
    completion = fold([CLOSE, Delta("error", value=CUT)])
    assert (completion.status, completion.error) == (
        "interrupted", ErrorInfo(type="interrupted", code="stream_incomplete"),
    )  # fmt: skip


@pytest.mark.parametrize("delta", [append(0, "text", "x"), replace(0, "text", "x"), Delta("close", (0,))])
def test_a_part_that_never_started_is_an_error(delta: Delta) -> None:
    """An adapter that invents a part must not get an empty one for it."""
    with pytest.raises(KeyError):
        fold([start(1, "text"), delta])


def test_the_folder_answers_while_the_stream_runs() -> None:
    """Decoders keep no state twice: they ask the folder."""
    folder = Folder()
    for delta in (start(0, "text"), start(1, "tool_call", name="f"), append(1, "arguments", "{"), finish(None, "x")):
        folder.apply(delta)
    folder.apply(append(1, "arguments", "}"))
    assert folder.positions() == [(0,), (1,)]
    assert folder.positions(type="tool_call") == [(1,)]
    assert folder.visible_positions() == [(1,)]
    assert folder.get((1,), "arguments") == "{}"
    assert folder.get((1,), "call_id") is None
    assert (folder.has((1,)), folder.has((7,)), folder.has((0,), choice=3)) == (True, False, False)
    assert folder.finish() == {"finish_reason": None, "raw_finish_reason": "x"}
    assert folder.finish(1) is None
    assert folder.choices() == [0]
    assert (folder.has_calls(), folder.has_calls(1)) == (True, False)
    with pytest.raises(KeyError):
        folder.get((7,), "text")


def test_a_part_that_begins_anew_is_one_part() -> None:
    """A call that turns out to be the provider's own is counted no longer."""
    folder = Folder()
    folder.apply(start(0, "tool_call", name="web_search"))
    folder.apply(start(0, "server_tool", name="web_search_call"))
    assert not folder.has_calls()
    assert [part.type for part in folder.completion().content] == ["server_tool"]


def test_the_completion_does_not_change_afterwards() -> None:
    """A completion that was handed out stays as it was while the stream goes on."""
    folder = Folder()
    folder.apply(start(0, "text", text="a"))
    before = folder.completion()
    folder.apply(append(0, "text", "b"))
    assert (before.text, folder.completion().text) == ("a", "ab")
