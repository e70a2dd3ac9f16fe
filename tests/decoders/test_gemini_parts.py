"""Gemini parts: runs of text and thoughts, signatures, server tools, media, citations (google.genai.types.Part)."""

from __future__ import annotations

from typing import Any

import pytest
from gemini_wire import STOP, chunk, content, counts, decode, notes

# -- text, thoughts, signatures


def test_empty_text_with_signature() -> None:
    """It is no visible text, yet the signature stays, on a part of its own."""
    completion, _ = decode(
        chunk({"text": "Hel"}), chunk({"text": "lo"}), chunk({"text": "", "thoughtSignature": "s"}, finish="STOP")
    )
    assert completion.text == "Hello"
    assert content(completion) == [{"type": "text", "text": "Hello"}, {"type": "text", "text": "", "signature": "s"}]


def test_signature_on_the_first_text_chunk() -> None:
    """A signature does not make text a thought; it ends the run, so it stays on its own piece."""
    completion, _ = decode(
        chunk({"text": "a", "thoughtSignature": "!!!n"}), chunk({"text": "b"}), chunk({"text": "c"}), STOP
    )
    assert content(completion) == [{"type": "text", "text": "a", "signature": "!!!n"}, {"type": "text", "text": "bc"}]


def test_signature_on_a_later_piece_signs_its_run() -> None:
    """The run up to the signed piece carries the signature, text or thought alike."""
    completion, _ = decode(
        chunk({"text": "x", "thought": True}, {"text": "y", "thought": True, "thoughtSignature": "t"}),
        chunk({"text": "a"}, {"text": "b", "thoughtSignature": "s"}, {"text": "c"}),
        STOP,
    )
    assert content(completion) == [
        {"type": "reasoning", "text": "xy", "signature": "t"},
        {"type": "text", "text": "ab", "signature": "s"},
        {"type": "text", "text": "c"},
    ]


@pytest.mark.parametrize(
    ("part", "kind"),
    [({"thoughtSignature": "s"}, "text"), ({"thought": True, "thoughtSignature": "s", "text": ""}, "reasoning")],
)
def test_a_part_with_only_a_signature_stays(part: dict[str, Any], kind: str) -> None:
    """It carries something that the next turn needs."""
    completion, _ = decode(chunk(part, finish="STOP"))
    assert content(completion) == [{"type": kind, "text": "", "signature": "s"}]


def test_parts_that_say_nothing_vanish() -> None:
    """Empty text, {} and null fields are dropped and do not break a run."""
    completion, decoder = decode(
        chunk({"text": "a"}, {"text": ""}, {}, {"text": None}, {"text": "", "thought": True}, {"text": "b"}), STOP
    )
    assert content(completion) == [{"type": "text", "text": "ab"}]
    assert notes(decoder) == []


def test_a_run_ends_at_another_kind() -> None:
    """Text before and after a thought or a tool part stays apart, in wire order."""
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    completion, _ = decode(
        chunk({"text": "a"}, {"text": "t", "thought": True}, {"text": "b"}, code), chunk({"text": "c"}), STOP
    )
    assert [part.type for part in completion.content] == ["text", "reasoning", "text", "server_tool", "text"]


# -- other parts


@pytest.mark.parametrize(
    "name", ["executableCode", "codeExecutionResult", "toolCall", "toolResponse", "functionResponse"]
)
def test_server_tools_are_not_client_calls(name: str) -> None:
    """What the provider ran is kept whole and does not make the stop a `tool_calls`."""
    part = {name: {"id": "x", "toolType": "GOOGLE_SEARCH_WEB"}, "thoughtSignature": "s"}
    completion, decoder = decode(chunk(part, {"text": "done"}, finish="STOP"))
    assert content(completion)[0] == {"type": "server_tool", "name": name, "data": part, "signature": "s"}
    assert (completion.tool_calls, completion.finish_reason, completion.text) == ((), "stop", "done")
    assert notes(decoder) == []


def test_media_parts() -> None:
    """Inline data, a file, and a transcript are media, with the base64 text as it came."""
    completion, _ = decode(
        chunk(
            {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thoughtSignature": "s"},
            {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v"}},
            {
                "inlineData": {"mimeType": "audio/L16", "data": "BB"},
                "audioTranscription": {"text": "hi"},
                "thoughtSignature": "t",
            },
            {"audioTranscription": {"text": "alone"}},
        ),
        STOP,
    )
    assert content(completion) == [
        {"type": "media", "media_type": "image/png", "data": "AAAA", "text": "", "signature": "s"},
        {"type": "media", "media_type": "video/mp4", "data": None, "url": "gs://b/v", "text": ""},
        {"type": "media", "media_type": "audio/L16", "data": "BB", "text": "hi", "signature": "t"},
        {"type": "media", "data": None, "text": "alone"},
    ]


def test_unknown_parts_are_kept() -> None:
    """A part of an unknown kind stays raw, an unknown field beside a known kind is noted."""
    completion, decoder = decode(
        chunk(
            {"hologram": {}}, {"text": "", "hologram": 1}, 5, {"text": 7}, {"inlineData": "x"}, {"text": "a", "new": 1}
        ),
        STOP,
    )
    assert [(part["type"], part.get("name")) for part in content(completion)] == [
        ("unknown", "hologram"), ("unknown", "hologram"), ("unknown", ""), ("unknown", "text"),
        ("unknown", "inlineData"), ("text", None),
    ]  # fmt: skip
    assert notes(decoder) == ["unknown_field"]


def test_modifiers_are_noted_and_thought_media_marked() -> None:
    """What the completion has no place for is a diagnostic; a picture of the thoughts is told from an answer."""
    picture = {"inlineData": {"mimeType": "image/png", "data": "AA"}, "thought": True, "videoMetadata": {"fps": 1}}
    completion, decoder = decode(chunk(picture), STOP)
    (part,) = content(completion)
    assert (part["type"], part["kind"]) == ("media", "thought")
    assert notes(decoder) == ["part_modifier"]


def test_citations_are_one_last_part() -> None:
    """Of each kind the last non-empty object counts; empty ones, which come on every chunk, say nothing."""
    grounding = {"groundingChunks": [{"web": {"uri": "https://example.com"}}]}
    completion, decoder = decode(
        chunk({"text": "a"}, groundingMetadata={"webSearchQueries": ["q"]}),
        {"usageMetadata": counts(p=1, total=1)},
        chunk({"text": "b"}, groundingMetadata=grounding, citationMetadata={"citations": [{"uri": "u"}]}),
        chunk(groundingMetadata={}, urlContextMetadata=None, finish="STOP"),
    )
    assert content(completion) == [
        {"type": "text", "text": "ab"},
        {
            "type": "citation",
            "citations": [{"groundingMetadata": grounding}, {"citationMetadata": {"citations": [{"uri": "u"}]}}],
        },
    ]
    assert notes(decoder) == []
