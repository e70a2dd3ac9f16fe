"""Gemini generateContent: the turn as the next request's content."""

from __future__ import annotations

from typing import Any

from google.genai.types import Content
from message_wire import Event, sse
from streamproof import jsontext
from streamproof.completion import Completion
from streamproof.messages import to_messages, tool_results

PROTOCOL = "gemini_generate_content"


def chunk(*parts: Event, finish: str | None = None) -> Event:
    """One chunk of the stream."""
    candidate: Event = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    return {"candidates": [candidate if finish is None else {**candidate, "finishReason": finish}]}


def turn(*parts: Event, finish: str = "STOP") -> Completion:
    """A completion of these parts, each in a chunk of its own."""
    return sse(PROTOCOL, *(chunk(part) for part in parts), chunk(finish=finish))


def sent(completion: Completion) -> list[Any]:
    """The parts of the one content; google-genai takes them."""
    messages = to_messages(completion, PROTOCOL)
    for message in messages:
        Content.model_validate(message)
        assert message["role"] == "model"
    return [part for message in messages for part in message["parts"]]


def test_signatures_stay_on_their_part() -> None:
    """A signature moves to a neighbour or vanishes: 400 for a call of Gemini 3."""
    parts = [
        {"text": "I look.", "thought": True},
        {"text": "One moment.", "thoughtSignature": "QQ=="},
        {"text": " Two."},
        {"functionCall": {"id": "fc-1", "name": "look", "args": {"q": 1.50}}, "thoughtSignature": "Qg=="},
        {"functionCall": {"name": "look", "args": {}}},
        {"text": "", "thoughtSignature": "Qw=="},
    ]
    assert sent(turn(*parts)) == parts


def test_text_in_pieces_is_one_part() -> None:
    """Pieces of one text go back as one, a thought's signature with it."""
    pieces = [
        {"text": "I ", "thought": True},
        {"text": "look.", "thought": True, "thoughtSignature": "QQ=="},
        {"text": "a"},
        {"text": "b"},
    ]
    assert sent(turn(*pieces)) == [
        {"text": "I look.", "thought": True, "thoughtSignature": "QQ=="},
        {"text": "ab"},
    ]


def test_partial_arguments_go_back_assembled() -> None:
    """A call that came in pieces goes back without what came after the first."""
    going = {"willContinue": True}
    parts = [
        {"functionCall": {"name": "look", **going}, "thoughtSignature": "QQ=="},
        {"functionCall": {"partialArgs": [{"jsonPath": "$.city", "stringValue": "Ro", **going}], **going}},
        {"functionCall": {"partialArgs": [{"jsonPath": "$.city", "stringValue": "me"}], **going}},
        {"functionCall": {"partialArgs": [{"jsonPath": "$.days", "numberValue": 3}], **going}},
        {"functionCall": {}},
    ]
    assert sent(turn(*parts)) == [
        {"functionCall": {"name": "look", "args": {"city": "Rome", "days": 3}}, "thoughtSignature": "QQ=="}
    ]


def test_numbers_keep_their_text() -> None:
    """`1.50` comes back as `1.5`."""
    raw = (
        '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"x":1.50}}}]},"finishReason":"STOP"}]}'
    )
    (part,) = sent(sse(PROTOCOL, jsontext.loads(raw)))
    assert jsontext.dumps(part["functionCall"]["args"]) == '{"x":1.50}'


def test_calls_that_are_not_whole_stay_out() -> None:
    """A call that nobody can answer is sent back."""
    cut = {"functionCall": {"name": "look", "willContinue": True}}
    assert sent(turn({"text": "a"}, cut, finish="MAX_TOKENS")) == [{"text": "a"}]
    bad = {"functionCall": {"name": "look", "args": {}}}
    assert sent(turn(bad, finish="MALFORMED_FUNCTION_CALL")) == []


def test_code_and_media_go_back_verbatim() -> None:
    """What the provider ran, a picture or a pointer to a file is lost, or a thought's picture becomes an answer's."""
    parts = [
        {"executableCode": {"language": "PYTHON", "code": "1+1"}, "thoughtSignature": "QQ=="},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}},
        {"inlineData": {"mimeType": "image/png", "data": "iVBO"}, "thought": True},
        {"inlineData": {"mimeType": "image/png", "data": "iVBO"}, "thoughtSignature": "Qg=="},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "https://x.test/v"}},
    ]
    assert sent(turn(*parts)) == parts


def test_unknown_parts_go_back_and_citations_do_not() -> None:
    """A part of a new kind is lost; grounding, which no content holds, makes the request invalid."""
    completion = sse(
        PROTOCOL,
        chunk({"hologram": {"voxels": 3}}),
        {"candidates": [{"groundingMetadata": {"webSearchQueries": ["q"]}, "finishReason": "STOP"}]},
    )
    assert to_messages(completion, PROTOCOL) == [{"role": "model", "parts": [{"hologram": {"voxels": 3}}]}]


def test_results_are_one_content() -> None:
    """Responses to parallel calls are torn apart, or lose the call's id."""
    completion = turn(
        {"functionCall": {"id": "fc-1", "name": "look", "args": {}}}, {"functionCall": {"name": "see", "args": {}}}
    )
    (content,) = tool_results(completion, {0: "dry", 1: "wet"}, PROTOCOL)
    Content.model_validate(content)
    assert content == {
        "role": "user",
        "parts": [
            {"functionResponse": {"id": "fc-1", "name": "look", "response": {"output": "dry"}}},
            {"functionResponse": {"name": "see", "response": {"output": "wet"}}},
        ],
    }
