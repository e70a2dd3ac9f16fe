"""Responses: what is shown while the contents of a message or of a reasoning item arrive."""

from __future__ import annotations

from typing import Any

import pytest
from responses_wire import added, content, created, decode, done, ended, ev, message, reasoning, text_delta


def said(decoder: Any) -> list[str]:
    """The diagnostics."""
    return [f"{note.kind}: {note.detail}" for note in decoder.diagnostics]


def shown(deltas: Any) -> list[tuple[str, Any]]:
    """The steps of texts: what was done, and with what."""
    return [(delta.op, delta.value) for delta in deltas if delta.field == "text"]


def texts(completion: Any) -> list[Any]:
    """The text of each part."""
    return [part.get("text") for part in content(completion)]


def begun(deltas: Any) -> list[Any]:
    """Where parts have started."""
    return [delta.part for delta in deltas if delta.op == "start" and delta.part]


def opened(part: Any, **place: Any) -> dict[str, Any]:
    """`content_part.added`."""
    return ev("content_part.added", 0, part=part, **place)


TEXT = {"type": "output_text", "text": ""}
OPEN = [created(), added(0, message(status="in_progress"))]


# -- messages


def test_contents_without_an_index() -> None:
    """Each announced content is the next one, and deltas without an index belong to the last."""
    pieces = [opened(TEXT), ev("output_text.delta", 0, delta="a"), ev("output_text.delta", 0, delta="b")]
    more = [opened(TEXT), ev("output_text.delta", 0, delta="c")]
    completion, _, deltas = decode(*OPEN, *pieces, *more)
    assert texts(completion) == ["ab", "c"]
    assert begun(deltas) == [(0, 0), (0, 1)]


def test_contents_by_index() -> None:
    """Deltas that take turns go to the content of their index; an annotation too."""
    pieces = [text_delta(text, content_index=n) for n, text in ((0, "a"), (1, "x"), (0, "b"), (1, "y"))]
    note = ev("output_text.annotation.added", 0, content_index=0, annotation={"n": 1})
    completion, _, _ = decode(*OPEN, opened(TEXT, content_index=0), opened(TEXT, content_index=1), *pieces, note)
    assert [(part["text"], part.get("annotations")) for part in content(completion)] == [
        ("ab", [{"n": 1}]),
        ("xy", None),
    ]


def test_contents_that_are_announced_backwards() -> None:
    """The announcement's index is that of the content."""
    announced = [opened({"type": "refusal", "refusal": ""}, content_index=1), opened(TEXT, content_index=0)]
    assert begun(decode(*OPEN, *announced)[2]) == [(0, 1), (0, 0)]


def test_a_content_after_one_that_is_done() -> None:
    """A delta for the next index is no more of the content before, though nobody announced it."""
    end = ev("content_part.done", 0, content_index=0, part={"type": "output_text", "text": "a"})
    events = [opened(TEXT, content_index=0), text_delta("a"), end, text_delta("b", content_index=1)]
    assert texts(decode(*OPEN, *events)[0]) == ["a", "b"]


@pytest.mark.parametrize("kind", ["output_text", "text"])
def test_texts_under_another_name(kind: str) -> None:
    """Some servers call a text what it is."""
    whole = done(0, message({"type": kind, "text": "a"}))
    assert content(decode(created(), whole, ended())[0])[0]["type"] == "text"
    assert texts(decode(*OPEN, opened({"type": kind, "text": ""}, content_index=0), text_delta("a"), whole)[0]) == ["a"]


def test_an_unknown_content_as_it_comes() -> None:
    """It is an unknown part from its announcement on, and its end says what it is."""
    part = {"type": "novel", "x": 1}
    begun, _, _ = decode(*OPEN, opened(part, content_index=0))
    whole, _, _ = decode(
        *OPEN, opened({"type": "novel"}, content_index=0), ev("content_part.done", 0, content_index=0, part=part)
    )
    nameless, _, _ = decode(*OPEN, opened({"x": 1}, content_index=0))
    assert [found["data"] for found in (*content(begun), *content(whole))] == [part, part]
    assert [found["name"] for found in (*content(begun), *content(nameless))] == ["novel", ""]


def test_a_text_after_an_unknown_content() -> None:
    """Deltas of text are no part of an unknown content that is open."""
    completion, _, _ = decode(*OPEN, opened({"type": "novel"}, content_index=0), text_delta("a", content_index=1))
    assert [(part["type"], part.get("text")) for part in content(completion)] == [("unknown", None), ("text", "a")]


@pytest.mark.parametrize(
    ("streamed", "listed", "expected"),
    [
        ([(5, "x"), (7, "y")], ["x", "y"], ["x", "y"]),
        ([(5, "x"), (7, "y")], ["x"], ["x"]),
        ([(3, "x")], ["x!"], ["x!"]),
        ([(0, "a"), (1, "b")], ["ab"], ["ab"]),
        ([(0, "a"), (2, "b")], ["a", "b"], ["a", "b"]),
        ([(0, "a")], ["a", "b"], ["a", "b"]),
        ([(0, "a"), (1, "b")], [], ["a", "b"]),
    ],
)
def test_servers_that_count_contents_otherwise(streamed: Any, listed: list[str], expected: list[str]) -> None:
    """The done item lists the contents; what was streamed under other indexes is found again and not doubled."""
    pieces = [text_delta(text, content_index=index) for index, text in streamed]
    completion, _, deltas = decode(*OPEN, *pieces, done(0, message(*listed)), ended())
    assert texts(completion) == expected
    if len(streamed) == len(listed):
        assert {step for step, _ in shown(deltas)} == {"append"}
        assert len(begun(deltas)) == len(listed)


def test_refusals_and_unknown_contents_are_found_again_too() -> None:
    """A refusal, or a content of an unknown type, that was streamed under another index comes once."""
    refusal = {"type": "refusal", "refusal": "no"}
    pieces = [ev("refusal.delta", 0, content_index=n, delta=text) for n, text in ((0, "n"), (1, "o"))]
    completion, _, _ = decode(*OPEN, *pieces, done(0, message(refusal)), ended())
    assert [(part["type"], part["text"]) for part in content(completion)] == [("refusal", "no")]
    novel = {"type": "novel", "x": 1}
    pieces = [opened(novel, content_index=5), ev("content_part.done", 0, content_index=5, part=novel)]
    completion, _, deltas = decode(*OPEN, *pieces, done(0, message(novel)), ended())
    assert [part["data"] for part in content(completion)] == [novel]
    assert len(begun(deltas)) == 1


def test_a_phase_that_comes_with_the_end() -> None:
    """Texts and refusals take the phase of their message, also when only its end tells it."""
    both = message("a", {"type": "refusal", "refusal": "no"}, phase="final_answer")
    completion, _, _ = decode(*OPEN, text_delta("a"), done(0, both), ended())
    assert [part.get("phase") for part in content(completion)] == ["final_answer", "final_answer"]


def test_a_text_that_only_the_end_tells_is_appended() -> None:
    """Nothing was there, so nothing is replaced; more of the same is appended, other text replaces."""
    assert shown(decode(created(), done(0, message("ab")))[2]) == [("append", "ab")]
    assert shown(decode(*OPEN, text_delta("a"), done(0, message("ab")))[2]) == [("append", "a"), ("append", "b")]
    assert shown(decode(*OPEN, text_delta("x"), done(0, message("ab")))[2]) == [("append", "x"), ("replace", "ab")]
    assert shown(decode(*OPEN, text_delta("ab"), done(0, message("ab")))[2]) == [("append", "ab")]


def test_nothing_is_told_twice() -> None:
    """Ids that stay, and ids that never came, are no deltas."""
    item = reasoning("a", id="rs")
    _, _, deltas = decode(created(), added(0, reasoning(id="rs")), done(0, item), ended())
    _, _, others = decode(created(), added(0, reasoning(id=None)), done(0, reasoning("a", id=None)), ended())  # type: ignore[arg-type]
    assert [delta.field for delta in [*deltas, *others] if delta.op == "replace"] == ["summary", "summary"]


# -- which item a part belongs to


def test_a_part_of_a_finished_message() -> None:
    """Without an index its id still says whose it is: it does not go to the reasoning that is open."""
    events = [
        ev("output_item.added", item=reasoning(id="rs")),
        ev("output_item.added", item=message(id="m1")),
        ev("output_item.done", item=message("a", id="m1")),
        ev("content_part.done", item_id="m1", part={"type": "output_text", "text": "x"}),
    ]
    completion, decoder, _ = decode(created(), *events, ended())
    assert [(part["type"], part["text"]) for part in content(completion)] == [("reasoning", ""), ("text", "a")]
    assert said(decoder) == ["after_item_done: response.content_part.done"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("output_text", "text"),
        ("reasoning_text", "reasoning"),
        ("reasoning", "reasoning"),
        ("summary_text", "reasoning"),
        ("novel", "unknown"),
    ],
)
def test_a_part_that_nobody_announced(kind: str, expected: str) -> None:
    """Its own type says whether it is reasoning; all else is of a message."""
    part = {"type": kind, "text": "x"}
    completion, _, _ = decode(created(), ev("content_part.done", 0, content_index=0, summary_index=0, part=part))
    assert [found["type"] for found in content(completion)] == [expected]


def test_a_message_and_reasoning_at_one_index() -> None:
    """Parts of both go by their type."""
    events = [added(0, reasoning(id="rs")), added(0, message(id="m1"))]
    parts = [{"type": "reasoning_text", "text": "r"}, {"type": "output_text", "text": "t"}]
    ends = [ev("content_part.done", 0, content_index=0, part=part) for part in parts]
    completion, _, _ = decode(created(), *events, *ends)
    assert [(part["type"], part["text"]) for part in content(completion)] == [("reasoning", "r"), ("text", "t")]


# -- reasoning


def thought(text: str, index: int | None = 0) -> dict[str, Any]:
    """`reasoning_text.delta`."""
    return ev("reasoning_text.delta", 0, delta=text, **({} if index is None else {"content_index": index}))


def summary(text: str, index: int | None = 0) -> dict[str, Any]:
    """`reasoning_summary_text.delta`."""
    return ev("reasoning_summary_text.delta", 0, delta=text, **({} if index is None else {"summary_index": index}))


@pytest.mark.parametrize(
    ("events", "steps", "whole"),
    [
        ([thought("a"), summary("s"), thought("b")], [("append", "a"), ("append", "b")], "ab"),
        (
            [summary("s"), thought("a"), summary("t"), thought("b")],
            [("append", "s"), ("replace", "a"), ("append", "b")],
            "ab",
        ),
        ([summary("s"), summary("t")], [("append", "s"), ("append", "t")], "st"),
        (
            [summary("s"), summary("t", 1), summary("u", 1)],
            [("append", "s"), ("append", "\n\nt"), ("append", "u")],
            "s\n\ntu",
        ),
        ([thought("a"), thought("b", 1)], [("append", "a"), ("append", "b")], "ab"),
        ([summary("s"), thought("st")], [("append", "s"), ("append", "t")], "st"),
    ],
)
def test_one_channel_is_shown(events: list[Any], steps: list[Any], whole: str) -> None:
    """Of thoughts and their summary only one is shown, the thoughts before all; summaries have a line between."""
    completion, _, deltas = decode(created(), added(0, reasoning()), *events)
    assert shown(deltas) == steps
    assert texts(completion) == [whole]


def test_a_part_that_ends_otherwise() -> None:
    """The end of a part has the last word on that part, and on no other."""
    events = [thought("a"), thought("b", 1), ev("reasoning_text.done", 0, content_index=0, text="A")]
    assert texts(decode(created(), added(0, reasoning()), *events)[0]) == ["Ab"]
    events = [summary("a"), summary("b", 1), ev("reasoning_summary_text.done", 0, summary_index=0, text="A")]
    assert texts(decode(created(), added(0, reasoning()), *events)[0]) == ["A\n\nb"]


def test_parts_without_an_index() -> None:
    """Deltas belong to the part that was opened last, the first one needs no opening."""
    events = [summary("a", None), ev("reasoning_summary_text.done", 0, summary_index=0, text="a!")]
    assert texts(decode(created(), added(0, reasoning()), *events)[0]) == ["a!"]
    opening = ev("content_part.added", 0, part={"type": "summary_text", "text": ""})
    completion, _, _ = decode(
        created(), added(0, reasoning()), opening, summary("a", None), opening, summary("b", None)
    )
    assert (texts(completion), content(completion)[0]["summary"]) == (["a\n\nb"], ["a", "b"])


def test_thoughts_after_the_end_of_their_item() -> None:
    """They are noted, and change nothing."""
    completion, decoder, _ = decode(created(), done(0, reasoning("a")), summary("b"), thought("c"), ended())
    assert texts(completion) == ["a"]
    assert said(decoder) == [
        "after_item_done: response.reasoning_summary_text.delta",
        "after_item_done: response.reasoning_text.delta",
    ]


def test_an_id_that_comes_with_the_end() -> None:
    """The part takes it over."""
    completion, _, _ = decode(created(), thought("a"), done(0, reasoning(thoughts=("a",), id="rs")), ended())
    assert (content(completion)[0]["id"], content(completion)[0]["text"]) == ("rs", "a")


# -- audio


def test_audio_before_any_item() -> None:
    """It names no item, and stands behind the first."""
    audio = ev("audio.delta", delta="eA==")
    completion, _, _ = decode(created(), audio, done(0, message("a")), done(1, message("b", id="2")), ended())
    assert [part["type"] for part in content(completion)] == ["text", "media", "text"]
    two, _, _ = decode(created(), audio, done(0, message("a", "b")), done(1, message("c", id="2")), ended())
    assert [part["text"] for part in content(two)] == ["a", "b", "", "c"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (ev("output_text.done", 0, content_index=0, text="x"), ("text", "x")),
        (ev("refusal.done", 0, content_index=0, refusal="x"), ("refusal", "x")),
        (ev("refusal.delta", 0, content_index=0, delta="x"), ("refusal", "x")),
        (ev("reasoning_text.done", 0, content_index=0, text="x"), ("reasoning", "x")),
        (ev("reasoning_summary_text.done", 0, summary_index=0, text="x"), ("reasoning", "x")),
        (ev("reasoning_summary_part.done", 0, summary_index=0, part={"text": "x"}), ("reasoning", "x")),
        (ev("reasoning_part.done", 0, content_index=0, part={"text": "x"}), ("reasoning", "x")),
        (ev("reasoning_summary.part.done", 0, summary_index=0, part={"text": "x"}), ("reasoning", "x")),
        (ev("reasoning.delta", 0, delta="x"), ("reasoning", "x")),
        (ev("reasoning.done", 0, text="x"), ("reasoning", "x")),
        (ev("reasoning_summary.delta", 0, delta="x"), ("reasoning", "x")),
        (ev("reasoning_summary.done", 0, text="x"), ("reasoning", "x")),
        (ev("audio.transcript.delta", delta="x"), ("media", "x")),
    ],
)
def test_what_a_single_event_tells(event: Any, expected: tuple[str, str]) -> None:
    """Each event that holds text gives it, also where nothing else came before the cut."""
    completion, decoder, _ = decode(created(), event)
    assert [(part["type"], part["text"]) for part in content(completion)] == [expected]
    if expected[0] == "reasoning":
        assert content(completion)[0].get("summary") == (["x"] if "summary" in event["type"] else None)
    assert said(decoder) == []


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (ev("function_call_arguments.delta", 0, delta="x"), None),
        (ev("function_call_arguments.done", 0, arguments="x"), None),
        (ev("custom_tool_call_input.delta", 0, delta="x"), "custom_tool_call"),
        (ev("custom_tool_call_input.done", 0, input="x"), "custom_tool_call"),
    ],
)
def test_what_a_single_event_of_a_call_tells(event: Any, kind: str | None) -> None:
    """Arguments of a call that nobody announced are those of a call of their kind."""
    completion, decoder, _ = decode(created(), event)
    assert [(made.name, made.arguments, made.complete) for made in completion.tool_calls] == [("", "x", False)]
    assert content(completion)[0].get("kind") == kind
    assert said(decoder) == []


@pytest.mark.parametrize("name", ["reasoning_part", "content_part"])
def test_thoughts_in_parts_without_an_index(name: str) -> None:
    """The end of a part without an index is that of the one that was opened last."""
    opening = ev(f"{name}.added", 0, part={"type": "reasoning_text", "text": ""})
    end = ev(f"{name}.done", 0, part={"type": "reasoning_text", "text": "B"})
    events = [opening, thought("a", None), opening, thought("b", None), end]
    assert texts(decode(created(), added(0, reasoning()), *events)[0]) == ["aB"]
