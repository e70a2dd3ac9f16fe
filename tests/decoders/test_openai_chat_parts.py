"""Chat Completions: content, reasoning and side channels."""

from __future__ import annotations

from typing import Any

import pytest
from chat_wire import DONE, STOP, call, calls, chunk, content, decode, event, notes, run, text
from streamproof.decoders.base import Quirks


def parts(*deltas: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a stream of these deltas; `extra` is left out, it has tests of its own."""
    found = content(decode(*(chunk(delta) for delta in deltas), STOP))
    return [{name: value for name, value in part.items() if name != "extra"} for part in found]


def extras(*deltas: dict[str, Any]) -> list[Any]:
    """What has to go back with each part of a stream of these deltas."""
    return [part.get("extra") for part in content(decode(*(chunk(delta) for delta in deltas), STOP))]


def reasoning(text: str, **more: Any) -> dict[str, Any]:
    """A reasoning part."""
    return {"type": "reasoning", "text": text, **more}


def said(text: str, **more: Any) -> dict[str, Any]:
    """A text part."""
    return {"type": "text", "text": text, **more}


# -- text, reasoning, refusal


def test_empty_fields_make_no_parts() -> None:
    """Null, "" and empty lists carry nothing, and a role on every chunk is no content."""
    empty = {"role": "assistant", "content": "", "refusal": "", "tool_calls": [], "function_call": None, "audio": None}
    assert parts(empty, {"role": None, "content": None, "tool_calls": None, "reasoning": None}, {}) == []


def test_runs_of_one_kind() -> None:
    """A part ends where another kind starts, and comes again as a new part."""
    deltas = [{"reasoning": "r1"}, {"content": "t1"}, {"content": "t2"}, {"reasoning": "r2"}, {"content": "t3"}]
    assert parts(*deltas) == [reasoning("r1"), said("t1t2"), reasoning("r2"), said("t3")]


def test_reasoning_only_with_length() -> None:
    """Reasoning that ate the budget is not promoted to text."""
    completion = decode(
        chunk({"reasoning_content": "think "}), chunk({"reasoning_content": "more", "content": ""}, "length")
    )
    assert (content(completion), completion.finish_reason) == ([reasoning("think more")], "length")


def test_reasoning_under_two_names_counts_once() -> None:
    """A server that sends both fields says one thing; where they differ the second is noted."""
    assert parts({"reasoning": "a", "reasoning_content": "a"}, {"reasoning": "b", "reasoning_content": "b"}) == [
        reasoning("ab")
    ]
    completion, decoder = run(chunk({"reasoning": "a", "reasoning_content": "x"}), STOP)
    assert (content(completion), notes(decoder)) == ([reasoning("x")], ["reasoning_fields_differ"])


def detail(text: str | None = None, **more: Any) -> dict[str, Any]:
    """A readable reasoning detail."""
    return {"type": "reasoning.text", "index": 0, "format": None, **({} if text is None else {"text": text}), **more}


def test_details_beside_a_string_count_once_and_sign() -> None:
    """Details repeat the string; their signature, in a fragment of its own, goes to that reasoning and closes it."""
    deltas = [
        {"content": "", "reasoning": "a", "reasoning_details": [detail("a")]},
        {"reasoning": "b", "reasoning_details": [detail("b")]},
        {"reasoning": None, "reasoning_details": [detail(signature="sig")]},
        {"reasoning": "c", "reasoning_details": [detail("c")]},
    ]
    assert parts(*deltas) == [reasoning("ab", signature="sig"), reasoning("c")]


def test_signature_after_the_text_began() -> None:
    """A late signature still belongs to the reasoning; without any it is a part of its own."""
    assert parts({"reasoning": "a"}, {"content": "t"}, {"reasoning_details": [detail(signature="s")]}) == [
        reasoning("a", signature="s"),
        said("t"),
    ]
    assert parts({"reasoning_details": [detail("", signature="s")]}) == [reasoning("", signature="s")]


def test_details_only() -> None:
    """Details without a string are the reasoning."""
    assert parts({"reasoning_details": [detail("15")]}, {"reasoning_details": [detail(" = x", id="i")]}) == [
        reasoning("15 = x", id="i")
    ]


def test_details_that_repeat_all_that_was_said() -> None:
    """Strings piece by piece, then details with the whole: once."""
    assert parts({"reasoning": "a"}, {"reasoning": "b"}, {"reasoning_details": [detail("ab", signature="s")]}) == [
        reasoning("ab", signature="s")
    ]


def test_summaries_merge_and_encrypted_stays_apart() -> None:
    """Summaries grow one part, ciphertext is a part of its own, in the order of the wire; a repeat is no second."""
    summary = [{"type": "reasoning.summary", "summary": piece, "index": 0} for piece in ("A", "B")]
    secret = {"type": "reasoning.encrypted", "data": "x", "id": "rs_1", "index": 0}
    deltas = [
        {"reasoning_details": [entry]} for entry in (*summary, secret, secret, {**secret, "data": "y", "id": None})
    ]
    assert parts(*deltas, {"content": "t"}) == [
        reasoning("AB"),
        reasoning("", encrypted="x", id="rs_1"),
        reasoning("", encrypted="y"),
        said("t"),
    ]


def test_details_that_differ_from_the_string() -> None:
    """The string counts, and what the details say instead is noted."""
    completion, decoder = run(chunk({"reasoning": "a", "reasoning_details": [detail("other")]}), STOP)
    assert (completion.content[0].text, notes(decoder)) == ("a", ["reasoning_fields_differ"])


def test_fields_that_go_back_with_a_detail() -> None:
    """Type, format and index of a detail are lost, or those of one entry stand on another's part."""
    text = {"type": "reasoning.text", "format": "f", "index": 0, "text": "a", "signature": "s"}
    summary = {"type": "reasoning.summary", "format": None, "index": 1, "summary": "b"}
    secret = {"type": "reasoning.encrypted", "format": "g", "index": 2, "data": "x", "id": "rs_1"}
    assert extras(*({"reasoning_details": [entry]} for entry in (text, summary, secret)), {"content": "t"}) == [
        {"type": "reasoning.text", "format": "f", "index": 0},
        {"type": "reasoning.summary", "index": 1},
        {"type": "reasoning.encrypted", "format": "g", "index": 2},
        None,
    ]
    assert extras({"reasoning": "a"}, {"content": "t"}) == [None, None]
    blocks = [{"type": "thinking", "thinking": "a", "signature": "s"}, {"type": "redacted_thinking", "data": "x"}]
    assert extras({"thinking_blocks": blocks}) == [{"type": "thinking"}, {"type": "redacted_thinking"}]


def test_another_kind_of_detail_starts_a_part() -> None:
    """A summary and a text in a row are one part of a single type."""
    details = [{"type": "reasoning.text", "text": "a"}, {"type": "reasoning.summary", "summary": "b"}]
    assert parts({"reasoning_details": details}) == [reasoning("a"), reasoning("b")]


def test_new_item_id_starts_a_part() -> None:
    """Two reasoning items in a row are two parts, with and without the string."""
    details = [{"reasoning_details": [detail(piece, id=item)]} for piece, item in (("a", "1"), ("b", "1"), ("c", "2"))]
    expected = [reasoning("ab", id="1"), reasoning("c", id="2")]
    assert parts(*details) == expected
    assert parts(*({"reasoning": d["reasoning_details"][0]["text"], **d} for d in details)) == expected


def test_unknown_details_are_kept() -> None:
    """A detail of a new kind is an unknown part; one that is no object is noted."""
    completion, decoder = run(
        chunk({"reasoning_details": [{"type": "reasoning.new", "x": 1}, 5, {"type": ["a"]}]}), STOP
    )
    assert [part["type"] for part in content(completion)] == ["unknown", "unknown"]
    assert content(completion)[0]["data"] == {"type": "reasoning.new", "x": 1}
    assert notes(decoder) == ["malformed_field"]


def test_thinking_blocks_of_a_proxy() -> None:
    """LiteLLM's thinking blocks sign the string they stand beside; a redacted one is ciphertext."""
    deltas = [
        {"reasoning_content": "a", "thinking_blocks": [{"type": "thinking", "thinking": "a", "signature": None}]},
        {"reasoning_content": "", "thinking_blocks": [{"type": "thinking", "thinking": "", "signature": "s"}]},
        {"thinking_blocks": [{"type": "redacted_thinking", "data": "x"}]},
    ]
    assert parts(*deltas) == [reasoning("a", signature="s"), reasoning("", encrypted="x")]


def test_content_as_list() -> None:
    """Mistral's list of parts, then a plain string: reasoning, and text of both."""
    thinking = {
        "type": "thinking",
        "thinking": [{"type": "text", "text": "4"}, {"type": "text", "text": "."}],
        "closed": True,
    }
    deltas = [{"content": [thinking, {"type": "text", "text": "1"}]}, {"content": "44"}, {"content": ["!"]}]
    assert parts(*deltas) == [reasoning("4."), said("144!")]


def test_empty_pieces_of_a_content_list() -> None:
    """Empty texts and thoughts in a list carry nothing; annotations of a text part belong to the text."""
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": ""}], "signature": "s"}
    note = {"type": "url_citation", "url_citation": {"url": "a"}}
    empty = ["", {"type": "text", "text": ""}, thinking]
    assert parts({"content": [*empty, {"type": "text", "text": "t", "annotations": [note]}]}) == [
        reasoning("", signature="s"),
        said("t", annotations=[note]),
    ]


def test_content_list_kinds() -> None:
    """Other kinds have their parts, signatures stay, unknown kinds are kept raw."""
    summary = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "s", "signature": "g"}]}
    image = {"type": "image_url", "image_url": "https://x.test/a.png"}
    reference = {"type": "reference", "reference_ids": [0]}
    deltas = [{"content": [summary, image, {"type": "refusal", "refusal": "no"}, reference, {"type": "new", "x": 1}]}]
    assert parts(*deltas) == [
        reasoning("s", signature="g"),
        {"type": "media", "data": None, "url": "https://x.test/a.png", "text": ""},
        {"type": "refusal", "text": "no"},
        {"type": "citation", "citations": [reference]},
        {"type": "unknown", "name": "new", "data": {"type": "new", "x": 1}},
    ]


@pytest.mark.parametrize(
    "part", [{"type": "text", "text": 5}, {"type": "thinking", "thinking": [5]}, {"type": "image_url"}, {}]
)
def test_content_list_of_odd_parts(part: dict[str, Any]) -> None:
    """A known kind in an unknown shape is an unknown part."""
    assert parts({"content": [part]}) == [{"type": "unknown", "name": part.get("type", ""), "data": part}]


@pytest.mark.parametrize(
    "delta",
    [
        {"content": 5},
        {"content": [5]},
        {"refusal": {"a": 1}},
        {"reasoning": 5},
        {"audio": "x"},
        {"images": [5]},
        {"annotations": [5]},
        {"executed_tools": [5]},
    ],
)
def test_odd_fields_are_noted(delta: dict[str, Any]) -> None:
    """A field of a wrong type is a diagnostic, not a crash."""
    completion, decoder = run(chunk(delta), text("a", "stop"))
    assert (completion.text, notes(decoder)) == ("a", ["malformed_field"])


def test_refusal() -> None:
    """A refusal is content; the reason stays the wire's."""
    completion = decode(
        chunk({"content": None, "refusal": ""}), chunk({"refusal": "I "}), chunk({"refusal": "won't"}), STOP
    )
    assert (content(completion), completion.finish_reason) == ([{"type": "refusal", "text": "I won't"}], "stop")


# -- think tags


def test_think_tags_stay_text_by_default() -> None:
    """Without the quirk tags are text as sent."""
    assert parts({"content": "<think>a</think>b"}) == [said("<think>a</think>b")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_think_tags_split(size: int) -> None:
    """With the quirk they split text and reasoning, wherever a tag is cut; what only looks like one stays."""
    whole = "<think>a<b</think>c <th d</think>e<"
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    completion = decode(*map(text, pieces), STOP, quirks=Quirks(think_tags=True))
    assert content(completion) == [reasoning("a<b"), said("c <th d</think>e<")]


def test_held_text_comes_before_what_follows() -> None:
    """Text held back as a possible tag stands before a call or reasoning that comes next."""
    quirks = Quirks(think_tags=True)
    completion = decode(text("a<th"), calls(call(id="1", name="f", arguments="{}")), STOP, quirks=quirks)
    assert content(completion) == [said("a<th"), {"type": "tool_call", "index": 0}]
    assert content(decode(text("a<"), chunk({"reasoning": "r"}), STOP, quirks=quirks)) == [said("a<"), reasoning("r")]


# -- audio, images, annotations, citations, server tools


def test_audio() -> None:
    """Audio is one media part: transcript and data joined, its id kept, text around it apart."""
    deltas = [
        {"audio": {"transcript": "H"}},
        {"audio": {"id": "au_1", "transcript": "i"}},
        {"content": "x"},
        {"audio": {"data": "AA"}},
        {"audio": {"data": "BB"}},
    ]
    completion, decoder = run(
        *map(chunk, deltas), event({"choices": [{"index": 0, "delta": {"audio": {"expires_at": 9}}}]}), DONE
    )
    assert content(completion) == [{"type": "media", "id": "au_1", "data": "AABB", "text": "Hi"}, said("x")]
    assert decoder.details["audio_expires_at"] == 9


def test_images() -> None:
    """Data URLs are taken apart, addresses kept, anything else is unknown."""
    urls = ["data:image/png;base64,QQ==", "https://x.test/a.png"]
    images = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    assert parts({"images": [*images, {"type": "image_new"}]}) == [
        {"type": "media", "media_type": "image/png", "data": "QQ==", "text": ""},
        {"type": "media", "data": None, "url": "https://x.test/a.png", "text": ""},
        {"type": "unknown", "name": "image_new", "data": {"type": "image_new"}},
    ]


def test_annotations_belong_to_the_text() -> None:
    """Before, beside or after the text, each once; without any text they are a citation part."""
    a, b = (
        {"type": "url_citation", "url_citation": {"url": "a"}},
        {"type": "url_citation", "url_citation": {"url": "b"}},
    )
    assert parts({"annotations": [a]}, {"content": "t"}, {"annotations": [a, b]}) == [said("t", annotations=[a, b])]
    assert parts({"content": "t", "annotations": [a]}, {"content": "u"}) == [said("tu", annotations=[a])]
    assert parts({"annotations": [a, b]}) == [{"type": "citation", "citations": [a, b]}]


def test_sources_repeated_on_every_chunk() -> None:
    """Perplexity's lists are one citation part, the last of each counts, an address of both once."""
    results = [{"url": "u1", "title": "T"}]
    completion, decoder = run(
        text("a", citations=["u1"], search_results=[]),
        text("b", "stop", citations=["u1", "u2"], search_results=results),
    )
    assert content(completion) == [said("ab"), {"type": "citation", "citations": [*results, "u2"]}]
    assert notes(decoder) == []


def test_executed_tools() -> None:
    """A tool that the provider ran is one server_tool part, with the output that came later, and no tool call."""
    first, second = {"index": 0, "type": "search", "arguments": "{}"}, {"index": 0, "type": "search", "output": "found"}
    completion = decode(*(chunk({"executed_tools": [entry]}) for entry in (first, second)), STOP)
    assert content(completion) == [{"type": "server_tool", "name": "search", "data": {**first, **second}}]
    assert (completion.tool_calls, completion.finish_reason) == ((), "stop")
