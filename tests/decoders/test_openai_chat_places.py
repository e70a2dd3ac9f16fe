"""Chat Completions: which part a piece of a delta goes to, and when one begins."""

from __future__ import annotations

from typing import Any

import pytest
from chat_wire import STOP, call, calls, chunk, content, decode, run, text
from streamproof.decoders.base import Quirks
from streamproof.decoders.openai_chat import OpenAIChatDecoder


def parts(*deltas: Any, **how: Any) -> list[dict[str, Any]]:
    """The parts of a stream of these deltas."""
    return content(decode(*(chunk(delta) for delta in deltas), STOP, **how))


def test_parts_stand_in_order_without_gaps() -> None:
    """Each part takes the next place, whatever its kind; more of a run takes none."""
    decoder = OpenAIChatDecoder()
    events = [chunk({"reasoning": "r"}), text("a"), text("b"), calls(call(0, "i", "f", "{}")), chunk({"refusal": "no"})]
    deltas = [delta for event in events for delta in decoder.feed(event)]
    assert [delta.part for delta in deltas if delta.op == "start" and delta.part] == [(n,) for n in range(4)]


def test_changes_stay_in_their_choice() -> None:
    """Annotations, ids and signatures of choice 1 change choice 1, though choice 0 has a part at the same place."""
    first = [text("a"), calls(call(0, "i", "f", "{}"))]
    other = [
        chunk({"content": "b", "annotations": [{"n": 1}]}, index=1),
        chunk({"tool_calls": [call(0, None, "g", "{}")]}, index=1),
        chunk({"tool_calls": [call(0, "j")]}, index=1),
    ]
    completion = decode(*first, *other, STOP)
    assert [part.get("annotations") for part in content(completion)] == [None, None]
    assert [made.id for made in completion.tool_calls] == ["i"]
    assert content(completion.choices[0])[0] == {"type": "text", "text": "b", "annotations": [{"n": 1}]}
    assert [made.id for made in completion.choices[0].tool_calls] == ["j"]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "image_url", "image_url": {"url": "https://x"}}, {"type": "media", "url": "https://x"}),
        ({"type": "image_url", "image_url": "https://x"}, {"type": "media", "url": "https://x"}),
        ({"type": "image_url", "url": "https://x"}, {"type": "media", "url": "https://x"}),
        ({"type": "image_url", "url": "data:image/png;base64,eA=="}, {"type": "media", "media_type": "image/png"}),
        ({"type": "image_url", "url": "data:;base64,eA=="}, {"type": "media"}),
        ({"type": "image_url", "url": "data:image/png;q=1;base64,eA=="}, {"type": "media", "media_type": "image/png"}),
        (
            {"type": "image_url", "url": "xdata:image/png;base64,eA=="},
            {"type": "media", "url": "xdata:image/png;base64,eA=="},
        ),
        (
            {"type": "image_url", "url": "data:image/png;base64,a\nb"},
            {"type": "media", "media_type": "image/png", "data": "a\nb"},
        ),
        ({"type": "image_url", "image_url": {"url": 5}}, {"type": "unknown", "name": "image_url"}),
        ({"type": "image_url", "image_url": ""}, {"type": "unknown", "name": "image_url"}),
        ({"type": "image_url"}, {"type": "unknown", "name": "image_url"}),
        ({"type": ["x"]}, {"type": "unknown", "name": ""}),
        ({"x": 1}, {"type": "unknown", "name": ""}),
        ({"type": "text", "text": "t"}, {"type": "text", "text": "t"}),
        ({"type": "output_text", "text": "t"}, {"type": "text", "text": "t"}),
        ({"type": "text", "text": 5}, {"type": "unknown", "name": "text"}),
        ({"type": "refusal", "refusal": "no"}, {"type": "refusal", "text": "no"}),
        ({"type": "refusal", "refusal": 5}, {"type": "unknown", "name": "refusal"}),
        ({"type": "reference", "reference_ids": [1]}, {"type": "citation"}),
        ({"type": "thinking", "thinking": "r"}, {"type": "reasoning", "text": "r"}),
        ({"type": "thinking", "thinking": [{"text": "r"}, "s"]}, {"type": "reasoning", "text": "rs"}),
        ({"type": "thinking", "thinking": [5]}, {"type": "unknown", "name": "thinking"}),
        ({"type": "reasoning", "summary": [{"text": "r"}]}, {"type": "reasoning", "text": "r"}),
        ({"type": "reasoning", "text": "r", "signature": "s"}, {"type": "reasoning", "text": "r", "signature": "s"}),
        (
            {"type": "thinking", "thinking": [{"text": "r", "signature": "s"}]},
            {"type": "reasoning", "text": "r", "signature": "s"},
        ),
    ],
)
def test_parts_of_a_content_list(part: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each kind of part becomes ours, and what is damaged or unknown is kept."""
    (found,) = parts({"content": [part]})
    assert {name: found.get(name) for name in expected} == expected
    assert ("data" in found) == (found["type"] in ("unknown", "media"))
    if found["type"] == "unknown":
        assert found["data"] == part


@pytest.mark.parametrize(
    ("deltas", "expected"),
    [
        (({"id": "x", "data": "a"}, {"data": "b"}), [("x", "ab", "")]),
        (({"data": "a"}, {"id": "x", "data": "b"}), [("x", "ab", "")]),
        (({"id": "x", "data": "a"}, {"id": "x", "data": "b"}), [("x", "ab", "")]),
        (({"id": "x", "data": "a"}, {"id": "y", "data": "b"}), [("x", "a", ""), ("y", "b", "")]),
        (({"data": "a"}, {"id": "x"}, {"id": "y", "data": "b"}), [("x", "a", ""), ("y", "b", "")]),
        (({"id": "x"}, {"transcript": "s"}, {"transcript": "t"}), [("x", None, "st")]),
        (({"expires_at": 5},), []),
        (({"id": "", "data": ""},), []),
    ],
)
def test_audio_goes_by_its_id(deltas: Any, expected: list[Any]) -> None:
    """One audio is one part, a new id another; an id that comes late is taken over."""
    found = parts(*({"audio": delta} for delta in deltas))
    assert [(part.get("id"), part.get("data"), part["text"]) for part in found] == expected


def test_an_id_of_audio_is_told_once() -> None:
    """No id is made up, and one that came is not told again with every piece."""
    decoder = OpenAIChatDecoder()
    pieces = [{"data": "a"}, {"id": "x"}, {"id": "x", "data": "b"}, {"data": "c"}]
    deltas = [delta for piece in pieces for delta in decoder.feed(chunk({"audio": piece}))]
    assert [delta.value for delta in deltas if delta.op == "start" and delta.part] == [{"type": "media"}]
    assert [delta.value for delta in deltas if delta.field == "id"] == ["x"]


@pytest.mark.parametrize(("value", "kept"), [(5, {"audio_expires_at": 5}), (None, {}), (0, {"audio_expires_at": 0})])
def test_when_audio_expires(value: Any, kept: dict[str, Any]) -> None:
    """It is a detail of the answer."""
    _, decoder = run(chunk({"audio": {"id": "x", "expires_at": value}}), STOP)
    assert decoder.details == kept


def test_annotations_find_their_text() -> None:
    """They belong to the text before them, else to the next; the same one counts once; none is lost without a text."""
    note, other = {"n": 1}, {"n": 2}
    assert parts({"annotations": [note]}, {"content": "a"}, {"annotations": [note, other]}) == [
        {"type": "text", "text": "a", "annotations": [note, other]}
    ]
    assert parts({"content": "a"}, {"reasoning": "r"}, {"annotations": note})[0]["annotations"] == [note]
    assert parts({"annotations": [note]}, {"refusal": "no"}) == [
        {"type": "refusal", "text": "no"},
        {"type": "citation", "citations": [note]},
    ]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (({"index": 0, "type": "t"}, {"index": 0, "output": "o"}), [{"index": 0, "type": "t", "output": "o"}]),
        (({"type": "t"}, {"output": "o"}), [{"type": "t", "output": "o"}]),
        (
            ({"index": 1, "type": "t"}, {"index": 0, "type": "u"}),
            [{"index": 1, "type": "t"}, {"index": 0, "type": "u"}],
        ),
        (({"index": "1", "type": "t"},), [{"index": "1", "type": "t"}]),
        (
            ({"index": True, "type": "t"}, {"index": 1, "type": "u"}),
            [{"index": True, "type": "t"}, {"index": 1, "type": "u"}],
        ),
    ],
)
def test_executed_tools_go_by_their_index(sent: Any, expected: Any) -> None:
    """The same index is the same tool with more said; without one the place in the list counts."""
    found = parts(*({"executed_tools": [tool]} for tool in sent))
    assert [part["data"] for part in found] == expected
    assert {part["type"] for part in found} == {"server_tool"}
    assert found[0]["name"] == ("t" if "type" in sent[0] else "")


def test_signatures_of_messages() -> None:
    """Gemini's signature closes the run it comes with; alone it has a text of its own."""
    signed = {"extra_content": {"google": {"thought_signature": "s"}}}
    assert parts({"content": "a", **signed}, {"content": "b"}) == [
        {"type": "text", "text": "a", "signature": "s"},
        {"type": "text", "text": "b"},
    ]
    assert parts({"reasoning": "r"}, signed) == [{"type": "reasoning", "text": "r", "signature": "s"}]
    assert parts({"refusal": "no"}, signed) == [
        {"type": "refusal", "text": "no"},
        {"type": "text", "text": "", "signature": "s"},
    ]
    assert parts({"extra_content": {"vertex": {"thought_signature": "s"}}})[0]["signature"] == "s"


@pytest.mark.parametrize(
    "extra", [None, 5, {}, {"google": 5}, {"google": {"thought_signature": ""}}, {"google": {"thought_signature": 5}}]
)
def test_extra_content_without_a_signature(extra: Any) -> None:
    """It says nothing."""
    assert parts({"content": "a", "extra_content": extra}, {"content": "b"}) == [{"type": "text", "text": "ab"}]


def test_a_signature_lets_go_of_what_was_held_back() -> None:
    """Text that might have begun a tag stands before the signature."""
    signed = {"extra_content": {"google": {"thought_signature": "s"}}}
    found = parts({"content": "a<thi"}, signed, quirks=Quirks(think_tags=True))
    assert found == [{"type": "text", "text": "a<thi", "signature": "s"}]


def test_executed_tools_of_one_delta() -> None:
    """Each entry is a tool of its own; one that is no object costs only itself, one without a type has no name."""
    found = parts({"executed_tools": [{"type": "t"}, 5, {"output": "o"}]})
    assert [(part["name"], part["data"]) for part in found] == [("t", {"type": "t"}), ("", {"output": "o"})]


def test_an_annotation_too_deep_to_compare() -> None:
    """It is kept, with a note, and raises nothing."""
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    decoder = OpenAIChatDecoder()
    deltas = decoder.feed(chunk({"content": "a", "annotations": [{"deep": deep}]}))
    assert [delta.field for delta in deltas if delta.op == "append"] == ["text", "annotations"]
    assert [(note.kind, note.detail) for note in decoder.diagnostics] == [("malformed_field", "nested too deeply")]
