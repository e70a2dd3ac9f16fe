"""Anthropic Messages: the turn as the next request's message."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types.beta import BetaMessageParam
from message_wire import Event, misfits, sse
from streamproof import jsontext
from streamproof.completion import Completion
from streamproof.messages import to_messages, tool_results

PROTOCOL = "anthropic_messages"


def block(index: int, start: Event, *deltas: Event, stop: bool = True) -> list[Event]:
    """The events of one block."""
    events: list[Event] = [{"type": "content_block_start", "index": index, "content_block": start}]
    events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return events + ([{"type": "content_block_stop", "index": index}] if stop else [])


def thinking(index: int, text: str, signature: str | None = "sig=") -> list[Event]:
    """A thinking block; None: it was cut before its signature."""
    signed = [] if signature is None else [{"type": "signature_delta", "signature": signature}]
    start = {"type": "thinking", "thinking": "", "signature": ""}
    return block(index, start, {"type": "thinking_delta", "thinking": text}, *signed)


def text(index: int, words: str, **more: Any) -> list[Event]:
    """A text block."""
    return block(index, {"type": "text", "text": "", **more}, {"type": "text_delta", "text": words})


def tool(index: int, arguments: str = '{"q":1}', *, stop: bool = True, **more: Any) -> list[Event]:
    """A tool_use block."""
    start = {"type": "tool_use", "id": f"toolu_{index}", "name": "look", "input": {}, **more}
    return block(index, start, {"type": "input_json_delta", "partial_json": arguments}, stop=stop)


def turn(*blocks: list[Event], reason: str | None = "end_turn") -> Completion:
    """A completion of these blocks; without a reason the stream is cut."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": []}
    end: list[Event] = []
    if reason is not None:
        end = [{"type": "message_delta", "delta": {"stop_reason": reason}}, {"type": "message_stop"}]
    return sse(PROTOCOL, {"type": "message_start", "message": message}, *(e for b in blocks for e in b), *end)


def sent(completion: Completion, provider: str | None = None) -> list[Any]:
    """The blocks of the one message; they fit the SDK's type."""
    messages = to_messages(completion, PROTOCOL, provider=provider)
    if not messages:
        return []
    (message,) = messages
    assert message["role"] == "assistant"
    if provider is None:
        assert misfits(message, BetaMessageParam) == []
    return list(message["content"])


def test_thinking_goes_back_signed_before_its_tool_use() -> None:
    """A signature or ciphertext gets lost, or blocks change their order: 400 on the next turn."""
    secret = block(1, {"type": "redacted_thinking", "data": "Em9wYXF1ZQ=="})
    completion = turn(thinking(0, "I look."), secret, text(2, "One moment."), tool(3), reason="tool_use")
    assert sent(completion) == [
        {"type": "thinking", "thinking": "I look.", "signature": "sig="},
        {"type": "redacted_thinking", "data": "Em9wYXF1ZQ=="},
        {"type": "text", "text": "One moment."},
        {"type": "tool_use", "id": "toolu_3", "name": "look", "input": {"q": 1}},
    ]


def test_omitted_thinking_goes_back() -> None:
    """Thinking that is displayed as nothing is only a signature, and demanded all the same."""
    start = {"type": "thinking", "thinking": "", "signature": ""}
    omitted = block(0, start, {"type": "signature_delta", "signature": "s"})
    assert sent(turn(omitted, tool(1), reason="tool_use"))[0] == {"type": "thinking", "thinking": "", "signature": "s"}


def test_unsigned_thinking_stays_out() -> None:
    """The API refuses thinking without a signature; some other providers want it, and sign nothing."""
    completion = turn(thinking(0, "I look.", None), tool(1), reason="tool_use")
    assert [b["type"] for b in sent(completion)] == ["tool_use"]
    assert sent(completion, "anthropic") == sent(completion)
    assert sent(completion, "deepseek")[0] == {"type": "thinking", "thinking": "I look."}


@pytest.mark.parametrize("reason", ["max_tokens", "end_turn", None])
def test_thinking_at_the_end_stays_out(reason: str | None) -> None:
    """The API refuses a message that ends with thinking; of thinking alone nothing is left."""
    assert sent(turn(thinking(0, "I look."), reason=reason)) == []
    completion = turn(
        text(0, "a"), thinking(1, "b"), block(2, {"type": "redacted_thinking", "data": "x"}), reason=reason
    )
    assert sent(completion) == [{"type": "text", "text": "a"}]


def test_blank_text_stays_out() -> None:
    """The API refuses text of whitespace alone, which models write before their tool use."""
    assert [b["type"] for b in sent(turn(text(0, "\n\n"), tool(1), reason="tool_use"))] == ["tool_use"]


def test_citations_go_back() -> None:
    """Sources of a text are lost."""
    cited = {
        "type": "web_search_result_location", "cited_text": "c", "encrypted_index": "Eo8=", "title": None, "url": "u"
    }  # fmt: skip
    start = {"type": "text", "text": "", "citations": []}
    events = block(
        0, start, {"type": "citations_delta", "citation": cited}, {"type": "text_delta", "text": "It rains."}
    )
    assert sent(turn(events)) == [{"type": "text", "text": "It rains.", "citations": [cited]}]


def server_call(index: int, arguments: str = '{"query":"x"}', *, stop: bool = True) -> list[Event]:
    """A server_tool_use block."""
    start = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
    return block(index, start, {"type": "input_json_delta", "partial_json": arguments}, stop=stop)


ANSWER = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_1",
    "content": [{"type": "web_search_result", "url": "u", "title": "t", "encrypted_content": "Ab+", "page_age": None}],
}


def test_server_tools_go_back_verbatim() -> None:
    """A search result without its encrypted content cannot be cited in the next turn."""
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
    assert sent(turn(server_call(0), block(1, ANSWER), text(2, "a"))) == [call, ANSWER, {"type": "text", "text": "a"}]


@pytest.mark.parametrize(
    ("reason", "kept"),
    [("pause_turn", True), ("tool_use", True), ("end_turn", False), ("max_tokens", False), (None, False)],
)
def test_server_call_without_result(reason: str | None, kept: bool) -> None:
    """It has to go back where the turn goes on, and is refused elsewhere."""
    client = [tool(2)] if reason == "tool_use" else []
    completion = turn(text(0, "a"), server_call(1), *client, reason=reason)
    assert ("server_tool_use" in [b["type"] for b in sent(completion)]) is kept


def test_server_call_that_was_cut_stays_out() -> None:
    """Half a JSON text stands where the API wants an object."""
    assert sent(turn(text(0, "a"), server_call(1, '{"que', stop=False), reason="pause_turn")) == [
        {"type": "text", "text": "a"}
    ]


def test_calls_that_are_not_whole_stay_out() -> None:
    """A call that nobody ran, and nobody can answer, is sent back."""
    assert [b.get("id") for b in sent(turn(tool(0), tool(1, '{"q":', stop=False), reason="max_tokens"))] == ["toolu_0"]
    assert [b.get("id") for b in sent(turn(tool(0), tool(1, stop=False), reason=None))] == ["toolu_0"]


def test_input_is_an_object_and_keeps_its_numbers() -> None:
    """`1.50` becomes `1.5`, or a tool without arguments gets a string."""
    completion = turn(tool(0, '{"price":1.50,"n":-0}'), tool(1, ""), reason="tool_use")
    priced, plain = sent(completion)
    assert jsontext.dumps(priced["input"]) == '{"price":1.50,"n":-0}'
    assert plain["input"] == {}


def test_caller_goes_back() -> None:
    """A call that code made is refused without its caller."""
    caller = {"type": "code_execution_20260120", "tool_id": "srvtoolu_1"}
    (call,) = sent(turn(tool(0, caller=caller, toolset_name="browser"), reason="tool_use"))
    assert (call["caller"], call["toolset_name"]) == (caller, "browser")


def test_compaction_goes_back_whole() -> None:
    """A compaction block loses the summary that came as a delta, and with it the conversation."""
    start = {"type": "compaction", "content": None}
    delta = {"type": "compaction_delta", "content": "We spoke.", "encrypted_content": "Zz="}
    assert sent(turn(block(0, start, delta), text(1, "a")))[0] == {
        "type": "compaction", "content": "We spoke.", "encrypted_content": "Zz="
    }  # fmt: skip


def test_unknown_blocks() -> None:
    """A block of a new kind goes back as it came; with deltas of a new kind it cannot be told what it is."""
    new = {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}}
    assert sent(turn(block(0, new), text(1, "a")))[0] == new
    odd = block(0, {"type": "hologram"}, {"type": "hologram_delta", "voxels": 3})
    assert sent(turn(odd, text(1, "a"))) == [{"type": "text", "text": "a"}]


def test_results_are_one_message() -> None:
    """Results of parallel calls come in several messages, which teaches the model not to make any."""
    completion = turn(tool(0), tool(1), reason="tool_use")
    (message,) = tool_results(completion, {1: "wet", 0: "dry"}, PROTOCOL)
    assert message == {
        "role": "user",
        "content": [
            {"type": "tool_result", "tool_use_id": "toolu_0", "content": "dry"},
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "wet"},
        ],
    }
    assert misfits(message, BetaMessageParam) == []
