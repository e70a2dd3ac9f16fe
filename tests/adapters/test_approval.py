"""Calls of tools in `requires_approval` come as approval requests, in every protocol, beside ordinary calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from adapter_kit import ANTHROPIC, CALL, GOOGLE, OPENAI, RESPONSES_ROW
from call_wire import (
    ROWS,
    WIRES,
    Events,
    Made,
    calls_of,
    candidate,
    chat,
    chat_call,
    each_row,
    entry,
    item,
    item_event,
    response,
    turn,
)
from live_kit import PATIENCE, Got, adapter_run, asked, decoded, each_side, run, whole
from streamproof.adapters.contract import CallOptions, Endpoint
from streamproof.adapters.reference import ReferenceStream
from streamproof.adapters.requests import request_body
from streamproof.completion import Completion, Delta, ToolCallPart
from streamproof.decoders.base import Quirks
from streamproof.providers import Provider

pytestmark = pytest.mark.filterwarnings("error")

SAFE = Made("call_Wd83", "weather", '{"city":"Ostrava"}')
GUARDED = Made("call_Xe94", "delete_file", '{"path":"a.txt"}')
OTHER = Made("call_Yf05", "send_mail", '{"to":"b"}')
NAMES = {"delete_file", "send_mail"}


def requests(deltas: list[Delta]) -> list[Delta]:
    """The approval requests among the deltas."""
    return [delta for delta in deltas if delta.is_approval_request]


def guarded(completion: Completion) -> list[bool]:
    """Per call, whether its part asks for approval."""
    return [part.requires_approval for part in completion.content if isinstance(part, ToolCallPart)]


def approved(row: Provider, events: Events, *, sync: bool = True, names: Any = NAMES) -> Got:
    """These events with `requires_approval`; every request has to be seen once, and only for calls that need it."""
    got = decoded(row, events, sync=sync, requires_approval=names)
    told = [delta.part for delta in requests(got.deltas)]
    assert len(told) == len(set(told)) == sum(guarded(got.completion))
    return got


@each_side
@each_row
def test_mixed_with_ordinary_calls(row: Provider, sync: bool) -> None:
    """A guarded call comes as an ordinary one and is run, or an ordinary one waits for a human."""
    got = approved(row, turn(row.protocol, (SAFE, GUARDED, SAFE._replace(id="call_3"), OTHER)), sync=sync)
    assert guarded(got.completion) == [False, True, False, True]
    assert [call.name for call in got.completion.tool_calls] == ["weather", "delete_file", "weather", "send_mail"]
    assert all(call.complete for call in got.completion.tool_calls)
    starts = [delta for delta in got.deltas if delta.op == "start" and delta.part is not None]
    assert [delta.is_approval_request for delta in starts] == [False, True, False, True]
    assert got.stream.stop_reason == "requires_approval"


@each_row
def test_without_the_option(row: Provider) -> None:
    """Requests that nobody asked for."""
    got = decoded(row, turn(row.protocol, (SAFE, GUARDED)))
    assert requests(got.deltas) == []
    assert guarded(got.completion) == [False, False]
    assert got.stream.stop_reason == "continue"


@each_row
def test_only_ordinary_calls(row: Provider) -> None:
    """The option alone stops an agent whose turn calls no guarded tool; a name that only looks like one counts."""
    got = approved(row, turn(row.protocol, (SAFE, SAFE._replace(id="call_2", name="delete_file_list"))))
    assert guarded(got.completion) == [False, False]
    assert got.stream.stop_reason == "continue"


@pytest.mark.parametrize("row", ROWS[:-1], ids=lambda row: row.key)
def test_interleaved_with_an_ordinary_call(row: Provider) -> None:
    """Pieces in turns: the mark lands on the other call."""
    got = approved(row, turn(row.protocol, (SAFE, GUARDED), interleaved=True))
    assert guarded(got.completion) == [False, True]
    assert calls_of(got.completion) == [(*call[:3], True) for call in (SAFE, GUARDED)]


_LATE_CHAT: Events = [
    chat_call(entry(0, '{"path":', GUARDED.id)),
    chat_call(entry(0, '"a.txt"}', None, GUARDED.name)),
    *WIRES["openai_chat"].ends["natural"],
]
_PIECE = {"jsonPath": "$.path", "stringValue": "a.txt"}
_LATE_GEMINI: Events = [
    candidate({"functionCall": {"partialArgs": [_PIECE], "willContinue": True}}),
    candidate({"functionCall": {"name": GUARDED.name}}, finish="STOP"),
]
_NAMELESS = item_event("added", 0, {**item(GUARDED._replace(arguments="")), "name": ""})
_LATE_RESPONSES: Events = [_NAMELESS, item_event("done", 0, item(GUARDED)), *WIRES["openai_responses"].ends["natural"]]
_IN_TERMINAL: Events = [_NAMELESS, response("completed", "completed", output=[item(GUARDED)])]


@each_side
@pytest.mark.parametrize(
    ("row", "events"),
    [
        (OPENAI, _LATE_CHAT),
        (RESPONSES_ROW, _LATE_RESPONSES),
        (RESPONSES_ROW, _IN_TERMINAL),
        (GOOGLE, _LATE_GEMINI),
    ],
    ids=["chat", "responses-done", "responses-terminal", "gemini"],
)
def test_a_name_that_comes_late(row: Provider, events: Events, sync: bool) -> None:
    """The call has begun as an ordinary one when its name says that it is none: no request at all."""
    got = approved(row, events, sync=sync)
    assert [(delta.op, delta.field, delta.value) for delta in requests(got.deltas)] == [
        ("replace", "requires_approval", True)
    ]
    assert guarded(got.completion) == [True]
    assert got.stream.stop_reason == "requires_approval"


def test_a_name_that_changes() -> None:
    """The `done` event outranks the first name: the request stands although the call needs none."""
    renamed: Events = [item_event("added", 0, item(GUARDED)), item_event("done", 0, item(SAFE._replace(id=GUARDED.id)))]
    got = decoded(RESPONSES_ROW, [*renamed, *WIRES["openai_responses"].ends["natural"]], requires_approval=NAMES)
    assert [call.name for call in got.completion.tool_calls] == ["weather"]
    assert guarded(got.completion) == [False]
    assert [delta.value["name"] for delta in requests(got.deltas)] == ["delete_file"]
    assert got.stream.stop_reason == "continue"


@each_row
@pytest.mark.parametrize(("end", "step"), [("length", "max_tokens_exceeded"), ("cut", "error")])
def test_a_truncated_request(row: Provider, end: str, step: str) -> None:
    """A call that breaks off is put before a human as if it could be run."""
    got = approved(row, turn(row.protocol, (GUARDED._replace(arguments='{"path":"a', closed=False),), end))
    assert guarded(got.completion) == [True]
    assert [call.complete for call in got.completion.tool_calls] == [False]
    assert got.stream.stop_reason == step


def _xai(row: Provider, events: Events) -> Got:
    """The events through a row whose provider runs calls with such ids itself."""
    own = replace(row, quirks=Quirks(server_call_prefixes=("xs_call_",)))
    with whole(row, events) as server:
        endpoint = Endpoint(provider=own, base_url=server.base_url, timeout=PATIENCE)
        options = CallOptions(requires_approval=NAMES)
        return run(ReferenceStream(endpoint, request_body(CALL, row.protocol), options=options), sync=True)


_OWN_CHAT: Events = [chat_call(entry(0, "{}", "xs_call_1")), chat_call(entry(0, None, None, "delete_file"))]
_OWN_ITEM = {"type": "custom_tool_call", "id": "ct_1", "call_id": "xs_call_1", "name": "delete_file", "input": "a.txt"}


@pytest.mark.parametrize(
    ("row", "events"),
    [
        (OPENAI, [*_OWN_CHAT, chat(finish="stop"), "[DONE]"]),
        (RESPONSES_ROW, [item_event("done", 0, _OWN_ITEM), response("completed", "completed")]),
    ],
    ids=lambda value: getattr(value, "key", ""),
)
def test_a_call_that_the_provider_runs_itself(row: Provider, events: Events) -> None:
    """It is no call of the client's: a human is asked about it, or the decoder raises over its late name."""
    got = _xai(row, events)
    assert requests(got.deltas) == []
    assert [part.type for part in got.completion.content] == ["server_tool"]
    assert got.stream.stop_reason == "end_turn"


def test_a_server_tool_of_that_name() -> None:
    """A tool that ran at the provider cannot be held back: asking for it misleads."""
    block = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "delete_file", "input": {}}
    wire = WIRES["anthropic_messages"]
    begun: Events = [*wire.head, {"type": "content_block_start", "index": 0, "content_block": block}]
    got = approved(ANTHROPIC, [*begun, {"type": "content_block_stop", "index": 0}, *wire.ends["length"]])
    assert [part.type for part in got.completion.content] == ["server_tool"]
    assert requests(got.deltas) == []


def test_mcp_asks_by_itself() -> None:
    """The provider's own request for approval needs no option, and is seen as one."""
    asks = {"type": "mcp_approval_request", "id": "mcpr_1", "server_label": "files", "name": "rm", "arguments": "{}"}
    events = [response("created", "in_progress"), item_event("done", 0, asks), response("completed", "completed")]
    got = decoded(RESPONSES_ROW, events)
    assert got.stream.stop_reason == "requires_approval"


@pytest.mark.parametrize("names", [["delete_file"], ("delete_file",), frozenset({"delete_file"}), {"delete_file": 1}])
def test_any_collection_of_names(names: Any) -> None:
    """Only one kind of collection works."""
    assert guarded(approved(OPENAI, turn("openai_chat", (GUARDED,)), names=names).completion) == [True]


@pytest.mark.parametrize("name", [None, 5, [], {}, ["delete_file"]])
@each_row
def test_names_that_are_no_text(row: Provider, name: Any) -> None:
    """A name that cannot be looked up in a set: TypeError in mid-stream."""
    got = decoded(row, turn(row.protocol, (GUARDED._replace(name=name),)), requires_approval=NAMES)
    assert requests(got.deltas) == []


@each_side
@each_row
def test_through_the_contract(row: Provider, sync: bool) -> None:
    """`ReferenceAdapter(options=...)` forgets the option on its way."""
    with whole(row, turn(row.protocol, (SAFE, GUARDED))) as server:
        assert guarded(adapter_run(server, row, sync=sync, requires_approval=NAMES)) == [False, True]


def test_a_second_choice() -> None:
    """Of several choices, the mark lands on the wrong one, or is lost beside the first."""
    entries: Events = [chat_call(entry(0, "{}", "call_1", name)) for name in ("weather", "delete_file")]
    entries[1]["choices"][0]["index"] = 1
    with whole(OPENAI, [*entries, chat(finish="tool_calls"), "[DONE]"]) as server:
        got = run(asked(server, OPENAI, more={"n": 2}, requires_approval=NAMES), sync=True)
    assert guarded(got.completion) == [False]
    (choice,) = got.completion.choices
    assert [part.requires_approval for part in choice.content if isinstance(part, ToolCallPart)] == [True]
    assert [delta.choice for delta in requests(got.deltas)] == [1]
