"""OpenAI Responses: the turn as the next request's input items."""

from __future__ import annotations

from typing import Any

import pytest
from message_wire import Event, misfits, sse
from openai.types.responses import ResponseInputItemParam
from streamproof import jsontext
from streamproof.completion import Completion
from streamproof.decoders.base import Quirks
from streamproof.errors import UsageError
from streamproof.messages import to_messages, tool_results

PROTOCOL = "openai_responses"


def turn(*items: Event, status: str = "completed", **fields: Any) -> Completion:
    """A completion of these items, each done, and the terminal event."""
    done = [{"type": "response.output_item.done", "output_index": n, "item": item} for n, item in enumerate(items)]
    response = {"id": "resp_1", "status": status, "output": list(items), **fields}
    return sse(PROTOCOL, *done, {"type": f"response.{status}", "response": response})


def sent(completion: Completion, *, stored: bool = True) -> list[Any]:
    """The items; they fit the SDK's type."""
    items = to_messages(completion, PROTOCOL, stored=stored)
    assert [fault for item in items for fault in misfits(item, ResponseInputItemParam)] == []
    return items


def reasoning(id: str = "rs_1", *summary: str, **more: Any) -> Event:
    """A reasoning item."""
    return {"type": "reasoning", "id": id, "summary": [{"type": "summary_text", "text": t} for t in summary], **more}


def message(*content: Event | str, id: str = "msg_1", **more: Any) -> Event:
    """A message item; a string is an output text."""
    parts = [{"type": "output_text", "text": c, "annotations": []} if isinstance(c, str) else c for c in content]
    return {"type": "message", "id": id, "role": "assistant", "status": "completed", "content": parts, **more}


def call(arguments: str = '{"q":1}', **more: Any) -> Event:
    """A function call."""
    return {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look", "arguments": arguments, **more}


def test_reasoning_and_call_go_back() -> None:
    """Encrypted content, summaries or one of the two ids get lost: 400, or the model has forgotten its thoughts."""
    items = [reasoning("rs_1", "First.", "Then.", encrypted_content="gAAA="), call(status="completed")]
    assert sent(turn(*items)) == [items[0], call()]


def test_raw_reasoning_goes_back_as_content() -> None:
    """The chain of thought of an open model becomes a summary, or is lost."""
    item = reasoning("rs_1", content=[{"type": "reasoning_text", "text": "hm"}], encrypted_content="x")
    assert sent(turn(item, message("a")))[0] == item
    both = reasoning("rs_1", "S", content=[{"type": "reasoning_text", "text": "hm"}])
    assert sent(turn(both, message("a")))[0] == both


def test_messages_go_back_with_id_phase_and_annotations() -> None:
    """Contents of one message are torn apart, or two messages become one."""
    cited = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}
    text = {"type": "output_text", "text": "b", "annotations": [cited]}
    items = [
        message("a", text, phase="commentary"),
        message({"type": "refusal", "refusal": "no"}, id="msg_2", phase="final_answer"),
    ]
    assert sent(turn(*items)) == items


def test_message_without_id() -> None:
    """A server without ids gets `id: null`."""
    item = message("a", "b")
    del item["id"]
    assert to_messages(turn(item), PROTOCOL) == [item]


def test_message_that_was_cut_says_so() -> None:
    """A text that ended at the limit is passed off as whole."""
    completion = turn(
        message("a"), message("b", id="msg_2"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}
    )
    assert [item["status"] for item in sent(completion)] == ["completed", "incomplete"]


def test_reasoning_that_leads_to_nothing_stays_out() -> None:
    """The API refuses reasoning without its following item."""
    assert sent(turn(message("a"), reasoning("rs_2"))) == [message("a")]
    assert sent(turn(reasoning(), status="incomplete", incomplete_details={"reason": "max_output_tokens"})) == []
    cut = [reasoning("rs_1"), call('{"q', status="incomplete"), reasoning("rs_2"), message("a")]
    assert [item["id"] for item in sent(turn(*cut))] == ["rs_2", "msg_1"]


def test_references_need_a_store() -> None:
    """With `store: false` an id alone points to nothing: 404."""
    items = [
        reasoning("rs_1", "S"),
        reasoning("rs_2", encrypted_content="gAAA="),
        reasoning("rs_3", content=[{"type": "reasoning_text", "text": "hm"}]),
        message("a"),
    ]
    assert [item["id"] for item in sent(turn(*items))] == ["rs_1", "rs_2", "rs_3", "msg_1"]
    assert [item["id"] for item in sent(turn(*items), stored=False)] == ["rs_2", "rs_3", "msg_1"]


def test_function_calls_keep_namespace_and_caller() -> None:
    """A call of a searched tool, or of a program, is refused without what it came with."""
    item = call(namespace="weather", caller={"type": "program", "caller_id": "call_0"})
    assert sent(turn(item)) == [item]


def test_function_call_without_arguments() -> None:
    """Arguments of a tool without any are no JSON."""
    assert sent(turn(call(""))) == [call("{}")]


ITEMS: dict[str, Event] = {
    "custom": {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_1", "name": "sql", "input": "SELECT 1"},
    "local_shell": {
        "type": "local_shell_call", "id": "lsh_1", "call_id": "call_1", "status": "completed",
        "action": {"type": "exec", "command": ["ls"], "env": {}},
    },
    "shell": {
        "type": "shell_call", "id": "sh_1", "call_id": "call_1", "status": "completed",
        "action": {"commands": ["ls"], "timeout_ms": 10}, "environment": {"type": "local"},
    },
    "apply_patch": {
        "type": "apply_patch_call", "id": "apc_1", "call_id": "call_1", "status": "completed",
        "operation": {"type": "create_file", "path": "a", "diff": "+b\n"},
    },
    "computer": {
        "type": "computer_call", "id": "cu_1", "call_id": "call_1", "status": "completed",
        "action": {"type": "click", "button": "left", "x": 1, "y": 2},
        "pending_safety_checks": [{"id": "cu_sc_1", "code": "c", "message": "m"}],
    },
    "computer_actions": {
        "type": "computer_call", "id": "cu_1", "call_id": "call_1", "status": "completed",
        "actions": [{"type": "screenshot"}], "pending_safety_checks": [],
    },
    "tool_search": {
        "type": "tool_search_call", "id": "ts_1", "call_id": "call_1", "status": "completed", "execution": "client",
        "arguments": {"query": "weather"},
    },
    "mcp_approval": {
        "type": "mcp_approval_request", "id": "mcpr_1", "server_label": "s", "name": "f", "arguments": '{"a": 1}',
    },
}  # fmt: skip


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_other_calls_go_back_as_their_item(item: Event) -> None:
    """A call of another kind comes back as a function call, which the API does not match with its answer."""
    assert sent(turn(item)) == [item]


SERVER: dict[str, Event] = {
    "web_search": {
        "type": "web_search_call", "id": "ws_1", "status": "completed",
        "action": {"type": "search", "query": "x", "queries": ["x"]},
    },
    "code": {
        "type": "code_interpreter_call", "id": "ci_1", "status": "completed", "container_id": "cntr_1", "code": "1+1",
        "outputs": [{"type": "logs", "logs": "2"}],
    },
    "mcp": {
        "type": "mcp_call", "id": "mcp_1", "server_label": "s", "name": "f", "arguments": "{}", "output": "x",
        "error": None, "status": "completed",
    },
    "compaction": {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAA="},
}  # fmt: skip


@pytest.mark.parametrize("item", SERVER.values(), ids=SERVER)
def test_server_items_go_back_verbatim(item: Event) -> None:
    """What the provider ran is lost, or `created_by`, which no request may hold, stays in it."""
    assert sent(turn({**item, "created_by": "user_1"}, message("a"))) == [item, message("a")]


def test_unknown_items_and_contents_go_back() -> None:
    """An item or content of a new kind is lost, or a content becomes an item."""
    item = {"type": "hologram", "id": "ho_1", "voxels": 3}
    mixed = message("a", {"type": "output_hologram", "voxels": 3})
    assert to_messages(turn(item, mixed), PROTOCOL) == [item, mixed]


def test_a_cut_stream_keeps_what_was_done() -> None:
    """A call or a search that was still open goes back, and the next request fails."""
    events = [
        {"type": "response.output_item.done", "output_index": 0, "item": message("a")},
        {"type": "response.output_item.done", "output_index": 1, "item": call()},
        {
            "type": "response.output_item.added", "output_index": 2,
            "item": {"type": "web_search_call", "id": "ws_1", "status": "in_progress"},
        },
        {
            "type": "response.output_item.added", "output_index": 3,
            "item": call("", id="fc_2", call_id="call_2", status="in_progress"),
        },
    ]  # fmt: skip
    assert [item["type"] for item in sent(sse(PROTOCOL, *events))] == ["message", "function_call"]


def test_calls_of_the_provider_stay_server_items() -> None:
    """A search that xAI ran, and reports as a custom call, is sent back as one of ours."""
    item = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "xs_call_1", "name": "x_search", "input": "{}"}
    quirks = Quirks(server_call_prefixes=("xs_call_",))
    events = [
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": [item]}},
    ]
    assert to_messages(sse(PROTOCOL, *events, quirks=quirks), PROTOCOL) == [item]


def test_results() -> None:
    """An answer has the wrong type for its call, or a program's call an answer without the caller."""
    caller = {"type": "program", "caller_id": "call_0"}
    completion = turn(call(caller=caller), {**ITEMS["custom"], "call_id": "call_2"})
    results = tool_results(completion, {0: "dry", 1: "1"}, PROTOCOL)
    assert results == [
        {"type": "function_call_output", "call_id": "call_1", "output": "dry", "caller": caller},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "1"},
    ]
    assert [fault for item in results for fault in misfits(item, ResponseInputItemParam)] == []
    with pytest.raises(UsageError, match="computer_call"):
        tool_results(turn(ITEMS["computer"]), {0: "x"}, PROTOCOL)


def test_numbers_of_an_action_keep_their_text() -> None:
    """`1.50` comes back as `1.5`."""
    item = jsontext.loads(
        '{"type":"shell_call","id":"s","call_id":"c","status":"completed","action":{"timeout_ms":1.50}}'
    )
    (back,) = to_messages(turn(item), PROTOCOL)
    assert jsontext.dumps(back["action"]) == '{"timeout_ms":1.50}'
