"""Responses: messages, refusals, annotations, reasoning, and which source of an item counts."""

from __future__ import annotations

from typing import Any

import pytest
from responses_wire import (
    added,
    content,
    created,
    decode,
    done,
    ended,
    ev,
    message,
    notes,
    reasoning,
    streamed,
    text_delta,
    texts,
)

CITE = {"type": "url_citation", "url": "https://example.com/a"}


def summary_delta(text: str, n: int = 0, index: int = 0) -> dict[str, Any]:
    """`reasoning_summary_text.delta`."""
    return ev("reasoning_summary_text.delta", index, item_id="rs_a", summary_index=n, delta=text)


def thought_delta(text: str, index: int = 0) -> dict[str, Any]:
    """`reasoning_text.delta`."""
    return ev("reasoning_text.delta", index, item_id="rs_a", content_index=0, delta=text)


@pytest.mark.parametrize(
    "events",
    [
        [ev("output_text.done", 0, content_index=0, text="Hello")],
        [ev("content_part.done", 0, content_index=0, part={"type": "output_text", "text": "Hello"})],
        [done(0, message("Hello"))],
        [done(0, {"type": "message", "content": "Hello"})],
        [added(0, message()), ended("completed", message("Hello"))],
        [ended("completed", message("Hello"))],
        [text_delta("Hello"), ended("completed")],
        [text_delta("Hello"), ended("completed", message("Hello", id="msg_other"))],
        [text_delta("Hello", 1), ended("completed", message("Hello", id="msg_other"))],
        [text_delta("Hello", 0, 1), ended("completed", message("Hello"))],
        [text_delta("Hel"), ended("completed", message("Hello"))],
        [text_delta("Hel"), ev("output_text.done", 0, content_index=0, text="Hello"), ended()],
        [text_delta("Help"), done(0, message("Hello")), ended("completed", message("Help"))],
        [added(0, message("Hello"))],
    ],
)
def test_text_comes_once(events: list[Any]) -> None:
    """Wherever the text stands, in one place or in several, it comes once, and the better source wins."""
    assert decode(created(), *events, ended())[0].text == "Hello"


@pytest.mark.parametrize("output", [[], None, "x", 5])
def test_terminal_without_output_erases_nothing(output: Any) -> None:
    """The Codex backend ends with `output: []` or null; what was streamed stays."""
    terminal = ended()
    terminal["response"]["output"] = output
    completion, _, _ = decode(created(), done(0, reasoning("Plan.")), *streamed("Hi", index=1), terminal)
    assert texts(completion) == [("reasoning", "Plan."), ("text", "Hi")]
    assert completion.status == "complete"


def test_deltas_come_at_once_and_a_correction_replaces() -> None:
    """Text is shown as it comes; only a done event that differs replaces it, one that adds is appended."""
    _, _, deltas = decode(text_delta("a"), text_delta("b"), done(0, message("abc")))
    assert [(d.op, d.value) for d in deltas if d.field == "text"] == [("append", "a"), ("append", "b"), ("append", "c")]
    _, _, deltas = decode(text_delta("a"), text_delta("b"), done(0, message("xyz")))
    assert [(d.op, d.value) for d in deltas if d.field == "text"][2:] == [("replace", "xyz")]


def test_deltas_without_lifecycle() -> None:
    """A gateway that sends deltas and a terminal only."""
    delta = {"type": "response.output_text.delta", "delta": "Hel"}
    completion, _, _ = decode(delta, delta | {"delta": "lo!"}, delta | {"delta": None}, ended())
    assert texts(completion) == [("text", "Hello!")]


def test_empty_done_takes_nothing_away() -> None:
    """An empty text in a done event is silence, not a correction."""
    completion, _, _ = decode(
        text_delta("Hi"), ev("output_text.done", 0, content_index=0, text=""), done(0, message("")), ended()
    )
    assert completion.text == "Hi"


def test_delta_after_the_item_is_done() -> None:
    """A late delta cannot change a finished item."""
    part = ev("content_part.done", 0, content_index=0, part={"type": "output_text", "text": "Ho"})
    completion, decoder, _ = decode(*streamed("Hi"), text_delta("Hi"), part, ended())
    assert completion.text == "Hi"
    assert notes(decoder) == ["after_item_done", "after_item_done"]


def test_refusal() -> None:
    """A refusal is a part of its own beside text; the reason of the end stays the wire's."""
    place = {"content_index": 1, "item_id": "msg_a"}
    completion, _, _ = decode(
        created(), added(0, message()), text_delta("Sure, "),
        ev("content_part.added", 0, **place, part={"type": "refusal", "refusal": ""}),
        ev("refusal.delta", 0, **place, delta="I can"), ev("refusal.delta", 0, **place, delta="not."),
        ev("refusal.done", 0, **place, refusal="I cannot."),
        done(0, message("Sure, ", {"type": "refusal", "refusal": "I cannot."})), ended(),
    )  # fmt: skip
    assert texts(completion) == [("text", "Sure, "), ("refusal", "I cannot.")]
    assert completion.finish_reason == "stop"


def test_refusal_at_the_index_of_the_text() -> None:
    """Two kinds at one content index are two parts."""
    completion, _, _ = decode(text_delta("Sure, "), ev("refusal.delta", 0, content_index=0, delta="no."), ended())
    assert texts(completion) == [("text", "Sure, "), ("refusal", "no.")]


def test_two_text_parts_and_two_messages_with_phases() -> None:
    """One part for each content of each message, in order, with its phase."""
    first = message("a", "b", id="msg_1", phase="commentary")
    completion, _, _ = decode(
        added(0, first | {"content": []}), text_delta("a"), text_delta("b", 0, 1), done(0, first),
        *streamed("c", index=1, phase="final_answer"), ended(),
    )  # fmt: skip
    assert [(part["text"], part["phase"], part["id"]) for part in content(completion)] == [
        ("a", "commentary", "msg_1"), ("b", "commentary", "msg_1"), ("c", "final_answer", "msg_a"),
    ]  # fmt: skip


def test_empty_message_adds_no_part() -> None:
    """A message whose only text is empty says nothing."""
    assert decode(*streamed(""), ended("completed", message("")))[0].content == ()


def test_leaked_tool_text_stays_text() -> None:
    """Text that looks like a call is text."""
    completion, _, _ = decode(*streamed(' to=record (json):{"a":1}'), ended())
    assert (completion.tool_calls, completion.finish_reason) == ((), "stop")


def test_unicode_is_kept() -> None:
    """Line separators, emoji and lone surrogates are text like any other."""
    text = "a\u2028b\u0085\U0001f469\u200d\U0001f52c e\u0301 \ud83d"
    assert decode(*streamed(*text), ended())[0].text == text


def test_annotations_come_once() -> None:
    """Annotations arrive by events and again in the done item, which outranks."""
    part = {"type": "output_text", "text": "Hi", "annotations": [CITE]}
    event = ev("output_text.annotation.added", 0, content_index=0, annotation_index=0, annotation=CITE)
    alone, _, _ = decode(text_delta("Hi"), event, ended())
    both, _, deltas = decode(text_delta("Hi"), event, done(0, message(part)), ended())
    late, _, _ = decode(text_delta("Hi"), done(0, message(part)), ended())
    for completion in (alone, both, late):
        assert content(completion)[0]["annotations"] == [CITE]
    assert [delta.op for delta in deltas if delta.field == "annotations"] == ["append"]
    assert decode(event | {"annotation": "x"}, ended())[0].content == ()


def test_unknown_content_part() -> None:
    """A content type that we do not know is kept whole."""
    part = {"type": "hologram", "beam": 7}
    completion, _, _ = decode(
        added(0, message()), ev("content_part.added", 0, content_index=0, part={"type": "hologram"}),
        ev("content_part.added", 0, part=part), done(0, message(part, part)), ended(),
    )  # fmt: skip
    assert content(completion) == [{"type": "unknown", "id": "msg_a", "name": "hologram", "data": part}] * 2


def test_reasoning_text_inside_a_message() -> None:
    """Raw thoughts among the contents of a message are reasoning, not text."""
    item = message({"type": "reasoning_text", "text": "Hm."}, "Hi")
    part = ev("content_part.added", 0, content_index=0, item_id="msg_a", part={"type": "reasoning_text"})
    assert texts(decode(added(0, message()), part, done(0, item), ended())[0]) == [("reasoning", "Hm."), ("text", "Hi")]


def test_unknown_item() -> None:
    """An item type that we do not know is an opaque part; text and reason are unaffected."""
    item = {"type": "holo_call", "id": "holo_1", "beam": 7}
    completion, decoder, _ = decode(
        added(0, {"type": "holo_call", "id": "holo_1"}), done(0, item), *streamed("Hi", index=1),
        ended("completed", item, message("Hi")),
    )  # fmt: skip
    assert content(completion)[0] == {"type": "unknown", "id": "holo_1", "name": "holo_call", "data": item}
    assert (completion.text, completion.finish_reason, decoder.diagnostics) == ("Hi", "stop", [])


# -- reasoning


def test_summaries_are_joined_by_a_blank_line() -> None:
    """One item with several summaries is one part, streamed at once, kept as a list; done events add nothing twice."""
    completion, _, deltas = decode(
        added(0, reasoning()),
        ev("reasoning_summary_part.added", 0, summary_index=0, part={"type": "summary_text", "text": ""}),
        summary_delta("Plan "), summary_delta("one"),
        ev("reasoning_summary_text.done", 0, summary_index=0, text="Plan one"),
        ev("reasoning_summary_part.done", 0, summary_index=0, part={"type": "summary_text", "text": "Plan one"}),
        summary_delta("Two", 1), done(0, reasoning("Plan one", "Two")), ended(),
    )  # fmt: skip
    assert content(completion) == [
        {"type": "reasoning", "id": "rs_a", "text": "Plan one\n\nTwo", "summary": ["Plan one", "Two"]}
    ]
    assert [d.value for d in deltas if d.field == "text"] == ["Plan ", "one", "\n\nTwo"]


def test_summaries_of_a_cut_stream() -> None:
    """What was streamed before a cut is kept, the list included."""
    completion, _, _ = decode(added(0, reasoning()), summary_delta("One"), summary_delta("Tw", 1))
    assert content(completion)[0]["summary"] == ["One", "Tw"]
    assert completion.status == "interrupted"


@pytest.mark.parametrize(
    "events",
    [
        [ev("content_part.added", 0, item_id="rs_a", content_index=0, part={"type": "reasoning_text", "text": ""}),
         thought_delta("think "), thought_delta("think"),
         ev("reasoning_text.done", 0, content_index=0, text="think think"),
         ev("content_part.done", 0, content_index=0, part={"type": "reasoning_text", "text": "think think"})],
        [ev("reasoning_part.added", 0, content_index=0, part={"type": "reasoning_text", "text": ""}),
         thought_delta("think think"),
         ev("reasoning_part.done", 0, content_index=0, part={"type": "reasoning_text", "text": "think think"})],
        [ev("content_part.done", 0, content_index=0, part={"type": "output_text", "text": "think think"})],
        [ev("reasoning.delta", 0, delta={"text": "think "}), ev("reasoning.delta", 0, delta="think")],
        [ev("reasoning_text.done", 0, text="think think")],
        [thought_delta("thinkk"), ev("reasoning_text.done", 0, content_index=0, text="think think")],
    ],
)  # fmt: skip
def test_raw_thoughts(events: list[Any]) -> None:
    """Raw reasoning under any server's event names is reasoning, never mixed with the text."""
    completion, decoder, _ = decode(added(0, reasoning()), *events, *streamed("4", index=1), ended())
    assert texts(completion) == [("reasoning", "think think"), ("text", "4")]
    assert decoder.diagnostics == []


@pytest.mark.parametrize("prefix", ["reasoning_summary_", "reasoning_summary."])
def test_other_names_of_summary_events(prefix: str) -> None:
    """llm-rosetta's part events and the names of early 2025."""
    completion, decoder, _ = decode(
        ev(f"{prefix}part.added", 0, part={"type": "summary_text"}), ev("reasoning_summary.delta", 0, delta="One"),
        ev(f"{prefix}part.done", 0, part={"text": "One"}), ev(f"{prefix}part.added", 0, part={}),
        ev("reasoning_summary.done", 0, text="Two"), ended(),
    )  # fmt: skip
    assert content(completion)[0]["summary"] == ["One", "Two"]
    assert decoder.diagnostics == []


@pytest.mark.parametrize("summary_first", [False, True])
def test_mirrored_channels_do_not_double(summary_first: bool) -> None:
    """A server that sends its thoughts as summary too: the text comes once, the raw channel outranks."""
    pairs = [pair for word in ("The", " cat") for pair in (thought_delta(word), summary_delta(word))]
    if summary_first:
        pairs = [pairs[1], pairs[0], pairs[3], pairs[2]]
    completion, _, _ = decode(*pairs, ended())
    assert content(completion) == [{"type": "reasoning", "id": "rs_a", "text": "The cat", "summary": ["The cat"]}]
    whole, _, _ = decode(*pairs, done(0, reasoning("A cat.", thoughts=("The ", "cat"))), ended())
    assert content(whole)[0] == {"type": "reasoning", "id": "rs_a", "text": "The cat", "summary": ["A cat."]}


def test_encrypted_content_is_that_of_the_done_item() -> None:
    """`added` may hold an incomplete ciphertext and the terminal another one; done counts, then the terminal."""
    items = [reasoning(encrypted_content=name) for name in ("early", "done", "late")]
    terminal = ended("completed", items[2])
    assert content(decode(added(0, items[0]), done(0, items[1]), terminal)[0])[0]["encrypted"] == "done"
    assert content(decode(added(0, items[0]), terminal)[0])[0]["encrypted"] == "late"
    assert content(decode(added(0, items[0]), ended())[0]) == [{"type": "reasoning", "id": "rs_a", "text": ""}]


def test_reasoning_that_closes_after_the_message() -> None:
    """Order is that of output_index, whatever closes first; the id is that of the done item."""
    completion, _, _ = decode(
        added(0, reasoning()), thought_delta("Two and two"), *streamed("4", index=1),
        done(0, reasoning(thoughts=("Two and two",))),
        ended("completed", reasoning(id="rs_other", thoughts=("Two and two",)), message("4")),
    )  # fmt: skip
    assert [(part["type"], part["id"]) for part in content(completion)] == [("reasoning", "rs_a"), ("text", "msg_a")]


def test_reasoning_without_anything() -> None:
    """A reasoning item without an id, text or ciphertext says nothing."""
    assert decode(done(0, {"type": "reasoning", "summary": []}), ended())[0].content == ()


# -- items and their indexes


def test_items_without_indexes() -> None:
    """llama-server sends no indexes at all, and all done events at the end: ids and kinds tell the items apart."""
    item = {"type": "message", "id": "msg_a", "content": []}
    completion, _, _ = decode(
        ev("output_item.added", item=reasoning(id="rs_1")), ev("reasoning_text.delta", item_id="rs_1", delta="Hm"),
        ev("output_item.added", item=item),
        ev("content_part.added", item_id="msg_a", part={"type": "output_text", "text": ""}),
        ev("output_text.delta", item_id="msg_a", delta="Hi"), ev("output_text.delta", item_id="msg_a", delta="!"),
        ev("output_item.added", item=item | {"id": "msg_b"}), ev("output_text.delta", item_id="msg_b", delta="Two"),
        ev("output_item.done", item=reasoning(id="rs_1", thoughts=("Hm",))),
        ev("output_item.done", item=message("Hi!", id="msg_a")),
        ev("output_item.done", item=message("Two", id="msg_b")),
        ended("completed", reasoning(id="rs_1", thoughts=("Hm",)), message("Hi!"), message("Two", id="msg_b")),
    )  # fmt: skip
    assert texts(completion) == [("reasoning", "Hm"), ("text", "Hi!"), ("text", "Two")]


def test_items_that_all_claim_index_zero() -> None:
    """A gateway that numbers every item 0: nothing is merged or lost."""
    completion, _, _ = decode(
        done(0, reasoning("Plan.")), *streamed("One"),
        *[event | {"item": message("Two", id="msg_b")} if "item" in event else event for event in streamed("Two")],
        ended("completed", reasoning("Plan."), message("One"), message("Two", id="msg_b")),
    )  # fmt: skip
    assert texts(completion) == [("reasoning", "Plan."), ("text", "One"), ("text", "Two")]


def test_items_that_only_the_terminal_lists() -> None:
    """They are added in the order of its list, also around an item that was streamed at another's index."""
    completion, _, _ = decode(
        text_delta("Hi"), ended("completed", reasoning("Plan."), message("Hi"), reasoning("Done.", id="rs_b")),
    )  # fmt: skip
    assert texts(completion) == [("reasoning", "Plan."), ("text", "Hi"), ("reasoning", "Done.")]
    completion, _, _ = decode(
        text_delta("Hi"), done(1, {"type": "web_search_call", "id": "ws_1"}),
        ended("completed", message("Hi"), message("New", id="msg_n")),
    )  # fmt: skip
    assert texts(completion) == [("text", "Hi"), ("text", "New"), ("server_tool", "")]


def test_repeated_items() -> None:
    """The same item announced or finished twice stays one."""
    events = streamed("Hi")
    completion, decoder, _ = decode(events[0], *events, events[-1], ended())
    assert texts(completion) == [("text", "Hi")]
    assert notes(decoder) == ["repeated_item", "repeated_item"]
    again = done(0, message("Other", id="msg_b"))
    assert decode(*events, again, ended())[0].text == "HiOther"


def test_audio_events() -> None:
    """Audio deltas of the SDK's union name no item: one media part with the transcript as its text."""
    completion, _, _ = decode(
        *streamed("Hi"), ev("audio.delta", delta="QUJD"), ev("audio.transcript.delta", delta="Hi"),
        ev("audio.delta", delta="REVG"), ev("audio.delta", delta=""), ev("audio.done"), ended(),
    )  # fmt: skip
    assert content(completion)[1] == {"type": "media", "data": "QUJDREVG", "text": "Hi"}


def opened(index: int, content_index: int) -> dict[str, Any]:
    """`content_part.added` of a text."""
    part = {"type": "output_text", "text": "", "annotations": []}
    return ev("content_part.added", index, content_index=content_index, item_id="msg_a", part=part)


@pytest.mark.parametrize("rest", [(), (ev("output_text.done", 0, content_index=3, text="Hello"),)])
def test_content_index_per_delta_of_a_cut_stream(rest: tuple[Any, ...]) -> None:
    """Indexes that nothing announced make parts of their own, and the cut text falls to pieces (vLLM 0.11)."""
    completion, _, _ = decode(
        created(), added(0, message()), opened(0, 0), text_delta("Hel", 0, 1), text_delta("lo", 0, 2), *rest
    )
    assert [text for _, text in texts(completion)] == ["Hello"]


def test_announced_contents_stay_apart() -> None:
    """Deltas of a content that was announced, or that follows one that is done, run into another content."""
    completion, _, _ = decode(
        *(created(), added(0, message()), opened(0, 0), opened(0, 1), text_delta("A", 0, 0), text_delta("B", 0, 1)),
        *(ev("output_text.done", 0, content_index=1, text="B"), text_delta("C", 0, 2)),
    )
    assert [text for _, text in texts(completion)] == ["A", "B", "C"]


def test_all_thoughts_again_under_another_index() -> None:
    """reasoning_text.done at an index of its own doubles the thoughts of a stream that is cut after it (vLLM 0.11)."""
    again = ev("reasoning_text.done", 0, item_id="rs_a", content_index=2, text="Hmm.")
    completion, _, _ = decode(created(), added(0, reasoning()), thought_delta("Hmm."), again)
    assert [text for _, text in texts(completion)] == ["Hmm."]


def test_a_message_announced_at_the_index_before() -> None:
    """An announced item that never comes takes the place of the real one, and its text comes twice (vLLM 0.11)."""
    whole = message("Hi", id="msg_z")
    completion, _, _ = decode(
        *(created(), done(0, reasoning(thoughts=("Hmm.",))), added(0, message(id="rs_a"))),
        *(text_delta("Hi", 1), done(1, message("Hi", id="msg_b"))),
        ended("completed", reasoning(id="rs_z", thoughts=("Hmm.",)), whole),
    )
    assert [text for _, text in texts(completion)] == ["Hmm.", "Hi"]
