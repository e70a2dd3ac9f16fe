"""The agent loop's next step: every row of the table, and which row wins."""

from __future__ import annotations

from typing import Any

import pytest
from streamproof import jsontext
from streamproof.completion import (
    Completion,
    ErrorInfo,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCall,
    ToolCallPart,
)
from streamproof.decoders.stream import StreamDecoder
from streamproof.stop_reason import StopReason, stop_reason

WHOLE = ToolCall(id="call_a", name="look", arguments="{}", complete=True)
OTHER = ToolCall(id="call_b", name="drop_table", arguments="{}", complete=True)
CUT = ToolCall(id="call_c", name="look", arguments='{"a', complete=False)


def turn(reason: str | None, *calls: ToolCall, parts: tuple[Part, ...] = (), **fields: Any) -> Completion:
    """A completion that ended for `reason`."""
    content = (*parts, *(ToolCallPart(index=n) for n in range(len(calls))))
    known = {"status": "complete", "finish_reason": reason, "content": content, "tool_calls": calls}
    return Completion(**{**known, **fields})


def failed(type: str = "server", status: str = "failed") -> dict[str, Any]:
    """The fields of a turn that went wrong."""
    return {"status": status, "error": ErrorInfo(type=type)}


TEXT, REFUSAL, THOUGHT = TextPart(text="a"), RefusalPart(text="no"), ReasoningPart(text="r")

ROWS: list[tuple[str, Completion, StopReason]] = [
    ("stop", turn("stop", parts=(TEXT,)), "end_turn"),
    ("stop without content", turn("stop"), "end_turn"),
    ("no reason, yet complete", turn(None, parts=(TEXT,)), "end_turn"),
    ("reasoning alone", turn("stop", parts=(THOUGHT,)), "end_turn"),
    ("length", turn("length", parts=(TEXT,)), "max_tokens_exceeded"),
    ("max_messages", turn("max_messages", parts=(TEXT,)), "max_tokens_exceeded"),
    ("whole call", turn("tool_calls", WHOLE), "continue"),
    ("whole calls", turn("tool_calls", WHOLE, OTHER, parts=(TEXT,)), "continue"),
    ("whole call, no reason", turn(None, WHOLE), "continue"),
    ("pause_turn", turn("pause_turn", parts=(TEXT,)), "continue"),
    ("compaction", turn("compaction"), "continue"),
    ("steered", turn("steered", parts=(TEXT,)), "continue"),
    ("content_filter", turn("content_filter", parts=(TEXT,)), "content_filtered"),
    ("refusal alone", turn("stop", parts=(THOUGHT, REFUSAL)), "content_filtered"),
    ("refusal beside text", turn("stop", parts=(TEXT, REFUSAL)), "end_turn"),
    ("refusal beside a call", turn("tool_calls", WHOLE, parts=(REFUSAL,)), "continue"),
    ("cancelled by the caller", turn(None, **failed("cancelled", "interrupted")), "cancelled"),
    ("cancelled by the provider", turn("cancelled", **failed("cancelled", "interrupted")), "cancelled"),
    ("aborted by the server", turn("abort", parts=(TEXT,)), "cancelled"),
    ("failed", turn(None, **failed()), "error"),
    ("interrupted", turn(None, **failed("interrupted", "interrupted")), "error"),
    ("a prefix of a stream", Completion(), "error"),
    ("unknown reason", turn("OTHER", parts=(TEXT,)), "error"),
    ("malformed response", turn("MALFORMED_RESPONSE", parts=(TEXT,)), "error"),
    ("cut call", turn("tool_calls", CUT), "invalid_tool_call"),
    ("cut call beside a whole one", turn("tool_calls", WHOLE, CUT), "invalid_tool_call"),
    ("tool_calls without a call", turn("tool_calls", parts=(TEXT,)), "invalid_tool_call"),
    ("bad call, listed", turn("MALFORMED_FUNCTION_CALL", CUT), "invalid_tool_call"),
    ("bad call, not listed", turn("UNEXPECTED_TOOL_CALL"), "invalid_tool_call"),
    ("bad call of Converse", turn("malformed_tool_use", CUT), "invalid_tool_call"),
    # which row wins
    ("cancelled beats failed", turn("stop", **failed("cancelled", "failed")), "cancelled"),
    ("failed beats length", turn("length", **failed()), "error"),
    ("failed beats a whole call", turn("tool_calls", WHOLE, **failed()), "error"),
    ("interrupted beats a cut call", turn(None, CUT, **failed("interrupted", "interrupted")), "error"),
    ("length beats a whole call", turn("length", WHOLE), "max_tokens_exceeded"),
    ("length beats a cut call", turn("length", CUT), "max_tokens_exceeded"),
    ("content_filter beats a whole call", turn("content_filter", WHOLE), "content_filtered"),
    ("unknown reason beats a whole call", turn("OTHER", WHOLE), "error"),
    ("pause_turn with a cut call", turn("pause_turn", CUT), "invalid_tool_call"),
]


@pytest.mark.parametrize(("completion", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_rows(completion: Completion, expected: StopReason) -> None:
    """A turn is run that was cut, or ended that has to go on."""
    assert stop_reason(completion) == expected


@pytest.mark.parametrize(
    ("completion", "expected"),
    [
        (turn("tool_calls", OTHER), "requires_approval"),
        (turn("tool_calls", WHOLE, OTHER), "requires_approval"),
        (turn("tool_calls", WHOLE), "continue"),
        (turn("tool_calls", CUT, OTHER), "invalid_tool_call"),
        (turn("length", OTHER), "max_tokens_exceeded"),
        (turn("tool_calls", OTHER, **failed()), "error"),
        (turn("stop", parts=(TEXT,)), "end_turn"),
    ],
)
def test_approval(completion: Completion, expected: StopReason) -> None:
    """A guarded tool runs unasked, or approval is asked for a call that cannot run."""
    assert stop_reason(completion, requires_approval={"drop_table"}) == expected


def test_mcp_asks_for_approval_itself() -> None:
    """The provider's own request for approval is answered by running a tool of that name."""
    item = {"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "s", "name": "f", "arguments": "{}"}
    events = [
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": [item]}},
    ]
    decoder = StreamDecoder("openai_responses", content_type="text/event-stream")
    for event in events:
        decoder.feed(f"data: {jsontext.dumps(event)}\n\n".encode())
    decoder.end()
    assert stop_reason(decoder.completion) == "requires_approval"


def test_a_function_of_that_name_is_an_ordinary_call() -> None:
    """Approval is asked because of a name that the caller chose."""
    assert stop_reason(turn("tool_calls", ToolCall(name="mcp_approval_request", complete=True))) == "continue"
