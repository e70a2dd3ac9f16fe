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


def test_each_candidate_keeps_its_signature() -> None:
    """A signature on a later piece of candidate 1 signs that candidate's text, not the one at the same place in 0."""
    completion, _ = decode(
        chunk({"text": "a"}),
        chunk({"text": "x"}, index=1),
        chunk({"text": "y", "thoughtSignature": "s"}, index=1),
        STOP,
    )
    assert content(completion) == [{"type": "text", "text": "a"}]
    assert content(completion.choices[0]) == [{"type": "text", "text": "xy", "signature": "s"}]


@pytest.mark.parametrize("value", [5, None, "x", ["x"]])
def test_a_part_that_is_no_object_is_kept(value: Any) -> None:
    """It is an unknown part without a name."""
    completion, _ = decode(chunk(value, finish="STOP"))
    assert content(completion) == [{"type": "unknown", "name": "", "data": value}]


BLOB = {"mimeType": "audio/wav", "data": "eA=="}
FILE = {"mimeType": "audio/wav", "fileUri": "gs://b/k"}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (
            {"inlineData": BLOB, "audioTranscription": {"text": "said"}},
            [{"type": "media", "media_type": "audio/wav", "data": "eA==", "text": "said"}],
        ),
        (
            {"fileData": FILE, "audioTranscription": {"text": "said"}},
            [{"type": "media", "media_type": "audio/wav", "data": None, "url": "gs://b/k", "text": "said"}],
        ),
        (
            {"text": "a", "inlineData": BLOB, "audioTranscription": {"text": "said"}},
            [
                {"type": "text", "text": "a"},
                {"type": "media", "media_type": "audio/wav", "data": "eA==", "text": "said"},
            ],
        ),
        (
            {"audioTranscription": {"text": "said"}, "thoughtSignature": "s"},
            [{"type": "media", "data": None, "text": "said", "signature": "s"}],
        ),
        (
            {"text": "a", "audioTranscription": {"text": "said"}},
            [{"type": "text", "text": "a"}, {"type": "media", "data": None, "text": "said"}],
        ),
        (
            {"inlineData": BLOB, "thought": True},
            [{"type": "media", "media_type": "audio/wav", "data": "eA==", "text": "", "kind": "thought"}],
        ),
    ],
)
def test_what_was_said_belongs_to_its_audio(part: dict[str, Any], expected: list[dict[str, Any]]) -> None:
    """A transcription beside data is the text of that part, alone it is a part of its own."""
    completion, _ = decode(chunk(part, finish="STOP"))
    assert content(completion) == expected


@pytest.mark.parametrize("thought", [True, False, None])
def test_thought_may_say_no(thought: bool | None) -> None:
    """`thought` is true, false or null, also beside a signature, without a note."""
    completion, decoder = decode(chunk({"text": "a", "thought": thought, "thoughtSignature": "s"}, finish="STOP"))
    kind = "reasoning" if thought else "text"
    assert (content(completion), notes(decoder)) == ([{"type": kind, "text": "a", "signature": "s"}], [])


@pytest.mark.parametrize(
    "said", [{"id": "1"}, {"name": "f"}, {"args": {"a": 1}}, {"partialArgs": [{"jsonPath": "$.a"}]}]
)
def test_any_word_makes_a_call(said: dict[str, Any]) -> None:
    """A call that says only its id, only its name or only its arguments is listed; one that says nothing is none."""
    assert len(decode(chunk({"functionCall": said}, finish="STOP"))[0].tool_calls) == 1
    nothing: dict[str, Any] = dict.fromkeys(said)
    assert len(decode(chunk({"functionCall": nothing}, finish="STOP"))[0].tool_calls) == 0


@pytest.mark.parametrize("value", [5, {}, {"text": 5}, {"text": None}])
def test_a_transcription_without_text(value: Any) -> None:
    """It says nothing: no part, unless it is signed."""
    assert content(decode(chunk({"audioTranscription": value}, finish="STOP"))[0]) == []
    signed, _ = decode(chunk({"audioTranscription": value, "thoughtSignature": "s"}, finish="STOP"))
    assert content(signed) == [{"type": "media", "data": None, "text": "", "signature": "s"}]


@pytest.mark.parametrize(
    ("blob", "media_type", "told"),
    [
        ({"mime_type": "a/b", "data": "eA=="}, "a/b", []),
        ({"mime_type": "a/b", "mimeType": "c/d", "data": "eA=="}, "c/d", ["inlineData: mime_type"]),
        ({"mimeType": "c/d", "data": "eA==", "foo_bar": 1}, "c/d", ["inlineData: foo_bar"]),
    ],
)
def test_keys_in_snake_case(blob: Any, media_type: str, told: list[str]) -> None:
    """A key that we know is read in either spelling, the camelCase one first; unknown keys are told as they came."""
    completion, decoder = decode(chunk({"inlineData": blob}, finish="STOP"))
    assert content(completion)[0]["media_type"] == media_type
    assert [note.detail for note in decoder.diagnostics] == told


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        ("9" * 18, int("9" * 18)),
        ("9" * 19, None),
        ("0", 0),
        ("-1", None),
        ("٣", None),
        (0.0, 0),
        (1.0, 1),
        (1.5, None),
        (-1.0, None),
        (float(2**53 - 1), 2**53 - 1),
        (float(2**53), None),
        (0, 0),
        (-1, None),
        (True, None),
    ],
)
def test_which_values_are_counts(value: Any, tokens: int | None) -> None:
    """Integers that are not negative, also as text (protobuf's int64) or as whole floats that are exact."""
    completion, _ = decode(chunk({"text": "a"}, finish="STOP", usage={"promptTokenCount": value}))
    assert completion.usage.input_tokens == tokens


def test_a_file_in_snake_case() -> None:
    """Both fields of a file are read in either spelling."""
    completion, decoder = decode(chunk({"file_data": {"file_uri": "gs://b/k", "mime_type": "a/b"}}, finish="STOP"))
    assert (content(completion)[0]["url"], content(completion)[0]["media_type"]) == ("gs://b/k", "a/b")
    assert notes(decoder) == []
