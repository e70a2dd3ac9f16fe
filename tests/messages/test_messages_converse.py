"""Bedrock Converse: the turn as the next request's message."""

from __future__ import annotations

from typing import Any

import pytest
from message_wire import Event, frames
from streamproof.completion import Completion, MediaPart, TextPart
from streamproof.messages import to_messages, tool_results

PROTOCOL = "bedrock_converse"
Named = tuple[str, Event]


def block(index: int, *deltas: Event, start: Event | None = None) -> list[Named]:
    """The events of one block."""
    begin: list[Named] = [] if start is None else [("contentBlockStart", {"contentBlockIndex": index, "start": start})]
    middle = [("contentBlockDelta", {"contentBlockIndex": index, "delta": delta}) for delta in deltas]
    return [*begin, *middle, ("contentBlockStop", {"contentBlockIndex": index})]


def tool(index: int, arguments: str, name: str = "toolUse", **more: Any) -> list[Named]:
    """A toolUse block."""
    body = {"toolUseId": f"tooluse_{index}", "name": "look", **more}
    return block(index, {"toolUse": {"input": arguments}}, start={name: body})


def turn(*blocks: list[Named], reason: str = "end_turn") -> Completion:
    """A completion of these blocks."""
    events = [event for events in blocks for event in events]
    return frames(("messageStart", {"role": "assistant"}), *events, ("messageStop", {"stopReason": reason}))


def fits(messages: list[Any]) -> None:
    """botocore takes the messages."""
    session = pytest.importorskip("botocore.session").Session()
    shape = session.get_service_model("bedrock-runtime").operation_model("Converse").input_shape
    validator = pytest.importorskip("botocore.validate").ParamValidator()
    assert validator.validate({"modelId": "m", "messages": messages}, shape).generate_report() == ""


def sent(completion: Completion) -> list[Any]:
    """The blocks of the one message."""
    messages = to_messages(completion, PROTOCOL)
    fits(messages)
    return list(messages[0]["content"]) if messages else []


def test_blocks_go_back_in_their_order() -> None:
    """Signature, ciphertext or a call's id get lost, or a call's input stays a string."""
    completion = turn(
        block(0, {"reasoningContent": {"text": "I look."}}, {"reasoningContent": {"signature": "sig="}}),
        block(1, {"reasoningContent": {"redactedContent": "T3BhcXVl"}}),
        block(2, {"text": "One moment."}),
        tool(3, '{"q":1}'),
        reason="tool_use",
    )
    assert sent(completion) == [
        {"reasoningContent": {"reasoningText": {"text": "I look.", "signature": "sig="}}},
        {"reasoningContent": {"redactedContent": "T3BhcXVl"}},
        {"text": "One moment."},
        {"toolUse": {"toolUseId": "tooluse_3", "name": "look", "input": {"q": 1}}},
    ]


def test_what_the_api_refuses_stays_out() -> None:
    """Unsigned reasoning, reasoning at the end, blank text, calls that were cut."""
    unsigned = block(0, {"reasoningContent": {"text": "I look."}})
    last = block(4, {"reasoningContent": {"redactedContent": "T3BhcXVl"}})
    completion = turn(unsigned, block(1, {"text": " \n"}), block(2, {"text": "a"}), tool(3, '{"q'), last)
    assert sent(completion) == [{"text": "a"}]
    assert sent(turn(last)) == []


def test_server_tools_go_back_verbatim() -> None:
    """What the provider ran is taken for a call of ours, or its result is lost."""
    call = tool(0, '{"snippet":"1+1"}', type="server_tool_use")
    result = {"toolUseId": "tooluse_0", "status": "success", "type": "nova_code_interpreter_result"}
    answer = block(1, {"toolResult": [{"json": {"stdOut": "2"}}]}, start={"toolResult": result})
    assert sent(turn(call, answer, block(2, {"text": "2"}))) == [
        {
            "toolUse": {
                "toolUseId": "tooluse_0", "name": "look", "type": "server_tool_use", "input": {"snippet": "1+1"}
            }
        },
        {"toolResult": {**result, "content": [{"json": {"stdOut": "2"}}]}},
        {"text": "2"},
    ]  # fmt: skip


def test_citations_and_pictures_go_back() -> None:
    """Sources stand beside their text in a block of their own; a picture keeps its format."""
    source = {"title": "t", "location": {"web": {"url": "u"}}}
    picture = block(1, {"image": {"source": {"bytes": "iVBO"}}}, start={"image": {"format": "png"}})
    assert sent(turn(block(0, {"citation": source}, {"text": "It rains."}), picture)) == [
        {"citationsContent": {"content": [{"text": "It rains."}], "citations": [source]}},
        {"image": {"format": "png", "source": {"bytes": "iVBO"}}},
    ]


def test_pictures_elsewhere_and_unnamed_documents() -> None:
    """A picture in S3 is lost; a document goes back without the name that the API wants."""
    where = MediaPart(media_type="video/mp4", url="s3://bucket/a.mp4")
    document = MediaPart(media_type="application/pdf", data="JVBE")
    assert sent(Completion(content=(where, document, TextPart(text="a")))) == [
        {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/a.mp4"}}}},
        {"text": "a"},
    ]


def test_unknown_blocks() -> None:
    """A whole block of a new kind goes back; one in pieces cannot be joined."""
    whole = block(0, start={"hologram": {"voxels": 3}})
    pieces = block(1, {"hologram": {"voxels": 3}})
    assert to_messages(turn(whole, pieces), PROTOCOL) == [
        {"role": "assistant", "content": [{"hologram": {"voxels": 3}}]}
    ]


def test_results_are_one_message() -> None:
    """Results of parallel calls come in several messages, which Converse refuses."""
    completion = turn(tool(0, ""), tool(1, "{}"), reason="tool_use")
    results = tool_results(completion, {0: "dry", 1: "wet"}, PROTOCOL)
    fits([*to_messages(completion, PROTOCOL), *results])
    assert results == [
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "tooluse_0", "content": [{"text": "dry"}]}},
                {"toolResult": {"toolUseId": "tooluse_1", "content": [{"text": "wet"}]}},
            ],
        }
    ]
