"""Tool calls through the bytes of every protocol and `ask`: order, ids, where arguments stand, what is truncated."""

from __future__ import annotations

import json
from typing import Any

import pytest
from adapter_kit import ANTHROPIC, BEDROCK, GOOGLE, OPENAI, RESPONSES_ROW
from call_wire import (
    WIRES,
    Events,
    Made,
    calls_of,
    candidate,
    chat_call,
    each_row,
    entry,
    item,
    item_event,
    response,
    turn,
)
from live_kit import Got, decoded, each_side
from streamproof.errors import UsageError
from streamproof.messages import to_messages, tool_results
from streamproof.providers import Provider

pytestmark = pytest.mark.filterwarnings("error")

ARGUMENTS = '{"city":"Ostrava"}'
ONE = Made("call_Wd83", "weather", ARGUMENTS)
TWO = Made("call_Xe94", "clock", '{"zone":"CET"}')
THREE = Made("call_Yf05", "weather", '{"city":"Opava"}')


def whole(*calls: Made) -> list[tuple[str | None, str, str, bool]]:
    """What `calls_of` gives for these calls when they are whole."""
    return [(call.id, call.name, call.arguments, True) for call in calls]


def sent_on(got: Got, row: Provider) -> str:
    """The next request's form of the turn, as text."""
    return json.dumps(to_messages(got.completion, row.protocol))


@each_side
@each_row
def test_parallel_calls(row: Provider, sync: bool) -> None:
    """Calls are lost, mixed or turned round; the loop that knows one call gets another one than the last."""
    got = decoded(row, turn(row.protocol, (ONE, TWO, THREE)), sync=sync)
    assert calls_of(got.completion) == whole(ONE, TWO, THREE)
    assert got.stream.tool_call == got.completion.tool_calls[-1]
    assert (got.completion.finish_reason, got.stream.stop_reason, got.stream.step_count) == (
        "tool_calls",
        "continue",
        1,
    )
    assert all(call.name in sent_on(got, row) for call in (ONE, TWO))
    assert tool_results(got.completion, {0: "mild", 1: "noon", 2: "cold"}, row.protocol)


@each_row
def test_no_call_at_all(row: Provider) -> None:
    """A turn without a call makes the property for old consumers raise."""
    wire = WIRES[row.protocol]
    got = decoded(row, [*wire.head, *wire.ends["length"]])
    assert (got.completion.tool_calls, got.stream.tool_call) == ((), None)


@each_side
@pytest.mark.parametrize("row", [OPENAI, RESPONSES_ROW, ANTHROPIC, BEDROCK], ids=lambda row: row.key)
def test_interleaved_calls(row: Provider, sync: bool) -> None:
    """Pieces of two calls in turns go to one of them, or make four."""
    got = decoded(row, turn(row.protocol, (ONE, TWO), interleaved=True), sync=sync)
    assert calls_of(got.completion) == whole(ONE, TWO)
    assert got.stream.stop_reason == "continue"


def _reversed(protocol: str) -> Events:
    """The call of index 1 first."""
    wire = WIRES[protocol]
    return [*wire.head, *wire.steps(1, TWO), *wire.steps(0, ONE), *wire.ends["natural"]]


@pytest.mark.parametrize(
    ("row", "order"),
    [(RESPONSES_ROW, (ONE, TWO)), (ANTHROPIC, (ONE, TWO)), (BEDROCK, (ONE, TWO)), (OPENAI, (TWO, ONE))],
    ids=lambda value: getattr(value, "key", ""),
)
def test_the_order_of_the_wire(row: Provider, order: tuple[Made, Made]) -> None:
    """Responses and Messages number their output, so the number is the order; Chat's is the first appearance."""
    assert calls_of(decoded(row, _reversed(row.protocol)).completion) == whole(*order)


def _args(arguments: str) -> Any:
    return {"name": "weather", "args": json.loads(arguments)}


@pytest.mark.parametrize(
    ("row", "events"),
    [
        (OPENAI, [chat_call(entry(0, ARGUMENTS, "call_1", "weather")), chat_call(entry(1, "{}", None, "clock"))]),
        (GOOGLE, [candidate({"functionCall": _args(ARGUMENTS)}), candidate({"functionCall": {"name": "clock"}})]),
    ],
    ids=["openai_chat", "gemini_generate_content"],
)
def test_a_missing_id_is_none(row: Provider, events: Events) -> None:
    """An id is made up, or the call without one is merged into the one before."""
    got = decoded(row, [*events, *WIRES[row.protocol].ends["natural"]])
    assert [call.id for call in got.completion.tool_calls] == ["call_1" if row == OPENAI else None, None]
    assert [call.name for call in got.completion.tool_calls] == ["weather", "clock"]
    assert all(call.complete for call in got.completion.tool_calls)


@each_row
def test_two_calls_with_one_id(row: Provider) -> None:
    """A server that gives two calls the same id: the second one is lost or glued to the first."""
    twin = TWO._replace(id=ONE.id)
    assert calls_of(decoded(row, turn(row.protocol, (ONE, twin))).completion) == whole(ONE, twin)


REPEATED = [
    chat_call(entry(0, '{"city":', ONE.id, ONE.name)),
    chat_call(entry(0, '"Ostr', ONE.id, ONE.name)),
    chat_call(entry(0, 'ava"}', "", "")),
]
LATE_ID = [
    chat_call(entry(0, '{"city":', None, ONE.name)),
    chat_call(entry(0, '"Ostrava"}', None)),
    chat_call(entry(0, None, ONE.id)),
]
LATE_NAME = [
    chat_call(entry(0, None, ONE.id)),
    chat_call(entry(0, '{"city":"Ostr')),
    chat_call(entry(0, 'ava"}', None, ONE.name)),
]
ID_IN_TWO_PLACES = [
    chat_call(entry(0, None, ONE.id)),
    chat_call(entry(0, None, None, ONE.name)),
    chat_call(entry(0, ARGUMENTS)),
]


@each_side
@pytest.mark.parametrize("events", [REPEATED, LATE_ID, LATE_NAME, ID_IN_TWO_PLACES])
def test_id_and_name_repeated_or_split_off(events: Events, sync: bool) -> None:
    """Id and name on each delta, or apart from each other and from the arguments: doubled names, two calls, no id."""
    got = decoded(OPENAI, [*events, *WIRES["openai_chat"].ends["natural"]], sync=sync)
    assert calls_of(got.completion) == whole(ONE)


_DONE = {"type": "response.function_call_arguments.done", "item_id": "fc_call_Wd83", "output_index": 0}
_ADDED = item_event("added", 0, item(ONE._replace(arguments=""), "in_progress"))
_BLOCK = {"type": "tool_use", "id": ONE.id, "name": ONE.name, "input": {"city": "Ostrava"}}
_BLOCK_EVENTS: Events = [
    {"type": "content_block_start", "index": 0, "content_block": _BLOCK},
    {"type": "content_block_stop", "index": 0},
]
_COMPLETED = WIRES["openai_responses"].ends["natural"]
ONLY_AT_THE_END: list[tuple[Provider, Events]] = [
    (RESPONSES_ROW, [_ADDED, {**_DONE, "arguments": ARGUMENTS}, item_event("done", 0, item(ONE)), *_COMPLETED]),
    (RESPONSES_ROW, [_ADDED, item_event("done", 0, item(ONE)), *_COMPLETED]),
    (RESPONSES_ROW, [item_event("done", 0, item(ONE)), *_COMPLETED]),
    (RESPONSES_ROW, [_ADDED, response("completed", "completed", output=[item(ONE)])]),
    (RESPONSES_ROW, [response("completed", "completed", output=[item(ONE)])]),
    (ANTHROPIC, [*WIRES["anthropic_messages"].head, *_BLOCK_EVENTS, *WIRES["anthropic_messages"].ends["natural"]]),
    (BEDROCK, [*WIRES["anthropic_messages"].head, *_BLOCK_EVENTS, *WIRES["anthropic_messages"].ends["natural"]]),
]


@each_side
@pytest.mark.parametrize(("row", "events"), ONLY_AT_THE_END)
def test_arguments_that_come_with_no_delta(row: Provider, events: Events, sync: bool) -> None:
    """Arguments only in a `done` event, in the terminal's list, or in the block's start: an empty call."""
    got = decoded(row, events, sync=sync)
    assert calls_of(got.completion) == whole(ONE)
    assert got.stream.stop_reason == "continue"


_FIRST = entry(0, ARGUMENTS, ONE.id, ONE.name)
_SECOND = entry(1, TWO.arguments, TWO.id, TWO.name)


@each_side
@pytest.mark.parametrize(
    ("row", "event", "calls"),
    [
        (OPENAI, chat_call(_FIRST, finish="tool_calls"), (ONE,)),
        (OPENAI, chat_call(_FIRST, _SECOND, finish="stop"), (ONE, TWO)),
        (GOOGLE, candidate({"functionCall": {"id": ONE.id, **_args(ARGUMENTS)}}, finish="STOP"), (ONE,)),
    ],
    ids=["chat", "chat-two", "gemini"],
)
def test_a_whole_call_in_one_chunk(row: Provider, event: Any, calls: tuple[Made, ...], sync: bool) -> None:
    """Id, name, arguments and the end in one event: the finish hides the call, or the call the finish."""
    got = decoded(row, [event], sync=sync)
    assert calls_of(got.completion) == whole(*calls)
    assert (got.completion.finish_reason, got.completion.status) == ("tool_calls", "complete")


CUT = Made("call_Xe94", "weather", '{"city":"Ostr', closed=False)
CUT_ENDS = [("length", "max_tokens_exceeded"), ("natural", "invalid_tool_call"), ("cut", "error")]


def _shown_cut(row: Provider) -> str:
    # Gemini sends values with their paths, so what came so far is an object again
    return '{"city":"Ostr"}' if row == GOOGLE else CUT.arguments


@each_side
@each_row
@pytest.mark.parametrize(("end", "step"), CUT_ENDS)
def test_a_truncated_call(row: Provider, end: str, step: str, sync: bool) -> None:
    """Arguments that break off: repaired, dropped, or handed on as if they could be run."""
    got = decoded(row, turn(row.protocol, (ONE, CUT), end), sync=sync)
    first, second = calls_of(got.completion)
    assert second == (CUT.id, CUT.name, _shown_cut(row), False)
    assert first == (ONE.id, ONE.name, ONE.arguments, end != "cut" or row != OPENAI)  # Chat has no close of its own
    assert got.stream.stop_reason == step
    assert (got.error is not None) == (end == "cut")
    assert "Ostr" not in sent_on(got, row).replace("Ostrava", "")
    with pytest.raises(UsageError, match="no complete call 1"):
        tool_results(got.completion, {1: "mild"}, row.protocol)


@each_row
def test_only_a_truncated_call(row: Provider) -> None:
    """A turn that holds nothing else is sent on as an empty message, which providers refuse."""
    got = decoded(row, turn(row.protocol, (CUT,), "length"))
    assert [call.complete for call in got.completion.tool_calls] == [False]
    assert (got.completion.finish_reason, got.stream.stop_reason) == ("length", "max_tokens_exceeded")
    assert got.stream.tool_call == got.completion.tool_calls[0]
    assert to_messages(got.completion, row.protocol) == []


def test_a_reason_that_blames_the_call() -> None:
    """Gemini says that the call is malformed: it is run although its arguments parse."""
    got = decoded(GOOGLE, turn("gemini_generate_content", (ONE,), "bad_call"))
    assert calls_of(got.completion) == [(ONE.id, ONE.name, ONE.arguments, False)]
    assert got.stream.stop_reason == "invalid_tool_call"
    assert to_messages(got.completion, "gemini_generate_content") == []


@pytest.mark.parametrize("row", [RESPONSES_ROW, ANTHROPIC, BEDROCK], ids=lambda row: row.key)
def test_valid_arguments_that_were_never_closed(row: Provider) -> None:
    """Arguments that parse by chance, of a call that the wire never closed."""
    got = decoded(row, turn(row.protocol, (ONE._replace(closed=False),), "length"))
    assert calls_of(got.completion) == [(ONE.id, ONE.name, ONE.arguments, False)]
    assert got.stream.stop_reason == "max_tokens_exceeded"
