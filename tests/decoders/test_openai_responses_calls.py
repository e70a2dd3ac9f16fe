"""Responses: tool calls of the client, what the provider runs, and when a call may be run."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses import ResponseOutputItem
from responses_wire import (
    added,
    args_delta,
    call,
    calls,
    content,
    created,
    decode,
    done,
    ended,
    ev,
    message,
    streamed,
    texts,
)
from streamproof.decoders.base import Quirks
from streamproof.decoders.openai_responses.items import CALL_KINDS, ITEM_FIELDS, SERVER_KINDS

ARGS = '{"city":"Paris"}'


def stream_call(index: int, arguments: str, id: str, *, status: str = "completed") -> list[dict[str, Any]]:
    """A call as OpenAI streams it."""
    return [
        added(index, call("", id, status="in_progress")),
        *(args_delta(letter, index) for letter in arguments),
        ev("function_call_arguments.done", index, item_id="fc_a", arguments=arguments),
        done(index, call(arguments, id, status=status)),
    ]


def test_tool_call_after_text() -> None:
    """Text stays beside the call; the call's id is call_id, the part's id that of the item; the stop is tool_calls."""
    completion, decoder, deltas = decode(
        created(), *streamed("Let me look."), *stream_call(1, ARGS, "call_Aa1"),
        ended("completed", message("Let me look."), call(ARGS)),
    )  # fmt: skip
    assert calls(completion) == [("call_Aa1", "get_weather", ARGS, True)]
    assert content(completion)[1] == {"type": "tool_call", "id": "fc_call_Aa1", "index": 0}
    assert (completion.text, completion.finish_reason) == ("Let me look.", "tool_calls")
    assert completion.raw_finish_reason == "completed"
    assert not [delta for delta in deltas if delta.op == "replace" and delta.field == "arguments"]
    assert decoder.diagnostics == []


def test_parallel_calls_one_after_another() -> None:
    """Two calls in order, each with its own arguments."""
    completion, _, _ = decode(*stream_call(0, '{"a":1}', "call_A"), *stream_call(1, '{"b":2}', "call_B"), ended())
    assert [(one[0], one[2]) for one in calls(completion)] == [("call_A", '{"a":1}'), ("call_B", '{"b":2}')]


def test_parallel_calls_interleaved() -> None:
    """Deltas that alternate by output_index and done events in reverse order: order and arguments are right."""
    completion, _, _ = decode(
        added(0, call("", "call_A")), added(1, call("", "call_B")),
        args_delta('{"a"', 0), args_delta('{"b"', 1), args_delta(":1}", 0), args_delta(":2}", 1),
        done(1, call('{"b":2}', "call_B")), done(0, call('{"a":1}', "call_A")), ended(),
    )  # fmt: skip
    assert [(one[0], one[2], one[3]) for one in calls(completion)] == [
        ("call_A", '{"a":1}', True), ("call_B", '{"b":2}', True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "events",
    [
        [added(0, call("")), ev("function_call_arguments.done", 0, arguments=ARGS), done(0, call(ARGS)), ended()],
        [done(0, call(ARGS)), ended()],
        [added(0, call("")), ended("completed", call(ARGS))],
        [ended("completed", call(ARGS))],
        [added(0, call("")), args_delta('{"city":"Par'), ended("completed", call(ARGS))],
        [args_delta('{"city"'), added(0, call("")), args_delta(':"Paris"}'), done(0, call(ARGS)), ended()],
        [added(0, call(ARGS)), done(0, call("")), ended()],
        [done(0, call({"city": "Paris"})), ended()],  # type: ignore[arg-type]
    ],
)
def test_arguments_wherever_they_stand(events: list[Any]) -> None:
    """Whole arguments from done events, from the terminal's output, or as an object: one whole call."""
    completion, _, _ = decode(created(), *events)
    if events[0]["type"].endswith("added") and events[0]["item"]["arguments"]:
        assert calls(completion) == [("call_Aa1", "get_weather", "", True)]  # `added` is no source once done has come
    else:
        assert calls(completion) == [("call_Aa1", "get_weather", ARGS, True)]


def test_cut_in_the_arguments() -> None:
    """A stream that breaks off inside the arguments leaves them as they came, not to be run."""
    completion, _, _ = decode(created(), added(0, call("")), args_delta('{"city":"Par'))
    assert calls(completion) == [("call_Aa1", "get_weather", '{"city":"Par', False)]
    assert (completion.status, completion.finish_reason) == ("interrupted", None)


@pytest.mark.parametrize("status", ["incomplete", "in_progress", "completed"])
def test_truncated_call(status: str) -> None:
    """Arguments cut by the token limit: not complete whatever the item says; `length` beats `tool_calls`."""
    completion, _, _ = decode(
        created(), *stream_call(0, ARGS, "call_A"), added(1, call("", "call_B")), args_delta('{"city":"Par', 1),
        done(1, call('{"city":"Par', "call_B", status=status)), ended("incomplete", reason="max_output_tokens"),
    )  # fmt: skip
    assert [(one[0], one[3]) for one in calls(completion)] == [("call_A", True), ("call_B", False)]
    assert completion.finish_reason == "length"


def test_call_that_the_item_calls_incomplete() -> None:
    """Valid JSON is not enough when the wire says that the item is incomplete."""
    assert not decode(done(0, call("{}", status="incomplete")), ended())[0].tool_calls[0].complete


def test_call_without_done_or_output() -> None:
    """Only an item event or the terminal's list closes a call; `arguments.done` alone does not."""
    events = [added(0, call("")), ev("function_call_arguments.done", 0, arguments=ARGS)]
    assert calls(decode(*events, ended())[0]) == [("call_Aa1", "get_weather", ARGS, False)]
    assert calls(decode(added(0, call(ARGS)), ended())[0]) == [("call_Aa1", "get_weather", ARGS, False)]


def test_call_that_is_cut_although_completed() -> None:
    """Cut JSON under `completed` is kept as it is and is not complete."""
    completion, _, _ = decode(*stream_call(0, '{"city":"Par', "call_A"), ended())
    assert calls(completion) == [("call_A", "get_weather", '{"city":"Par', False)]
    assert completion.finish_reason == "tool_calls"


@pytest.mark.parametrize(("arguments", "text"), [("", ""), (None, ""), ("{}", "{}"), ({}, "{}")])
def test_empty_arguments(arguments: Any, text: str) -> None:
    """A call without arguments is whole under a natural end."""
    assert calls(decode(done(0, call(arguments)), ended())[0]) == [("call_Aa1", "get_weather", text, True)]


def test_call_id_of_the_done_item() -> None:
    """The id may change between added and done; done counts. Ids that restart are passed through."""
    completion, _, _ = decode(
        added(0, call("", "call_early")), done(0, call("{}", "call_0")), ended("completed", call("{}", "call_0"))
    )
    assert calls(completion) == [("call_0", "get_weather", "{}", True)]
    assert content(completion)[0]["id"] == "fc_call_0"


def test_program_caller() -> None:
    """A recorded call of a program stays `in_progress` although it is whole."""
    item = call("{}", status="in_progress", caller={"type": "program", "caller_id": "call_P"})
    assert decode(done(0, item), ended("completed", item))[0].tool_calls[0].complete


def test_parallel_wrapper_is_passed_through() -> None:
    """A call of the pseudo tool `parallel` is an ordinary call."""
    text = '{"tool_uses":[{"recipient_name":"functions.f","parameters":{}}]}'
    assert calls(decode(done(0, call(text, name="parallel")), ended())[0]) == [("call_Aa1", "parallel", text, True)]


def custom(text: str, id: str = "call_C", **fields: Any) -> dict[str, Any]:
    """A custom tool call."""
    return {"type": "custom_tool_call", "id": "ctc_1", "call_id": id, "name": "write_sql", "input": text, **fields}


def test_custom_tool_call() -> None:
    """Free text is whole once its item is done."""
    events = [
        added(0, custom("")), ev("custom_tool_call_input.delta", 0, item_id="ctc_1", delta="SELECT"),
        ev("custom_tool_call_input.done", 0, item_id="ctc_1", input="SELECT 1"),
    ]  # fmt: skip
    completion, _, _ = decode(*events, done(0, custom("SELECT 1")), ended())
    assert calls(completion) == [("call_C", "write_sql", "SELECT 1", True)]
    assert completion.finish_reason == "tool_calls"
    assert not decode(*events, ended("incomplete", reason="max_output_tokens"))[0].tool_calls[0].complete
    for status in ("in_progress", "incomplete"):
        cut = [*events, done(0, custom("SELECT 1", status=status)), ended("incomplete", reason="max_output_tokens")]
        assert not decode(*cut)[0].tool_calls[0].complete


def test_custom_call_that_the_provider_runs() -> None:
    """xAI reports its own tools as custom calls; the provider's row names their ids."""
    item = custom("cats", "xs_call_1")
    delta = ev("custom_tool_call_input.delta", 0, item_id="ctc_1", delta="cats")
    events = [added(0, custom("", "xs_call_1")), delta, done(0, item), *streamed("Found.", index=1), ended()]
    completion, _, _ = decode(*events, quirks=Quirks(server_call_prefixes=("xs_call_",)))
    assert content(completion)[0] == {"type": "server_tool", "id": "ctc_1", "name": "custom_tool_call", "data": item}
    assert (completion.tool_calls, completion.finish_reason) == ((), "stop")
    assert decode(*events)[0].finish_reason == "tool_calls"
    late = [added(0, custom("", "call_C")), done(0, item), ended()]
    assert decode(*late, quirks=Quirks(server_call_prefixes=("xs_call_",)))[0].tool_calls == ()


CLIENT_ITEMS: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "local_shell_call", "action": {"type": "exec", "command": ["ls"]}}, "local_shell",
     '{"type":"exec","command":["ls"]}'),
    ({"type": "shell_call", "action": {"commands": ["ls"]}}, "shell", '{"commands":["ls"]}'),
    ({"type": "shell_call", "action": {"commands": ["ls"]}, "environment": {"type": "local"}}, "shell",
     '{"commands":["ls"]}'),
    ({"type": "apply_patch_call", "operation": {"type": "delete_file", "path": "ä"}}, "apply_patch",
     '{"type":"delete_file","path":"ä"}'),
    ({"type": "computer_call", "action": {"type": "wait"}}, "computer", '{"type":"wait"}'),
    ({"type": "computer_call", "actions": [{"type": "wait"}]}, "computer", '[{"type":"wait"}]'),
    ({"type": "tool_search_call", "execution": "client", "arguments": {"goal": "w"}}, "tool_search", '{"goal":"w"}'),
]  # fmt: skip


@pytest.mark.parametrize(("item", "name", "arguments"), CLIENT_ITEMS)
def test_other_calls_that_the_client_runs(item: Any, name: str, arguments: str) -> None:
    """Calls of built-in tools that run at the client are tool calls."""
    item = {"id": "it_1", "call_id": "call_X", "status": "completed", **item}
    unfilled = {key: {} if isinstance(value, dict) and key != "environment" else value for key, value in item.items()}
    completion, decoder, _ = decode(created(), added(0, unfilled), done(0, item), ended("completed", item))
    assert calls(completion) == [("call_X", name, arguments, True)]
    assert (completion.finish_reason, decoder.diagnostics) == ("tool_calls", [])
    cut = [done(0, item | {"status": "in_progress"}), ended("incomplete", reason="max_output_tokens")]
    assert not decode(*cut)[0].tool_calls[0].complete


def test_approval_request() -> None:
    """An approval is asked of the client: a call whose id is the request's id."""
    item = {
        "type": "mcp_approval_request", "id": "mcpr_1",
        "server_label": "zip", "name": "shorten", "arguments": '{"a":1}',
    }  # fmt: skip
    completion, _, _ = decode(added(0, item), done(0, item), ended("completed", item))
    arguments = '{"server_label":"zip","name":"shorten","arguments":"{\\"a\\":1}"}'
    assert calls(completion) == [("mcpr_1", "mcp_approval_request", arguments, True)]
    assert completion.finish_reason == "tool_calls"


def test_safety_checks_are_kept() -> None:
    """Checks that a computer call asks to acknowledge stand in the decoder's details."""
    check = [{"id": "sc_1", "code": "malicious_instructions"}]
    item = {"type": "computer_call", "id": "cu_1", "call_id": "call_X", "action": {}, "pending_safety_checks": check}
    assert decode(done(0, item), ended("completed", item))[1].details == {"pending_safety_checks": [check]}


@pytest.mark.parametrize("kind", sorted(SERVER_KINDS))
def test_what_the_provider_runs(kind: str) -> None:
    """Built-in tools of the provider, outputs and opaque items are server_tool parts with their last state."""
    item = {"type": kind, "id": "x_1", "call_id": "call_X", "status": "generating", "extra": {"n": 1}}
    completion, decoder, _ = decode(
        created(), added(0, {"type": kind, "id": "x_1"}), ev("mcp_call_arguments.delta", 0, delta="{}"), done(0, item),
        *streamed("Done.", index=1), ended("completed", item, message("Done.")),
    )  # fmt: skip
    assert content(completion)[0] == {"type": "server_tool", "id": "x_1", "name": kind, "data": item}
    assert (completion.text, completion.finish_reason, decoder.diagnostics) == ("Done.", "stop", [])


@pytest.mark.parametrize(
    "item",
    [
        {"type": "shell_call", "call_id": "c", "action": {}, "environment": {"type": "container_reference"}},
        {"type": "tool_search_call", "call_id": None, "execution": "server", "arguments": {}},
        {"type": "tool_search_call", "arguments": {}},
    ],
)
def test_calls_that_the_provider_runs(item: Any) -> None:
    """A shell in a container and a search by the server ask nothing of the client."""
    completion, _, _ = decode(done(0, item), ended())
    assert [part.type for part in completion.content] == ["server_tool"]
    assert completion.finish_reason == "stop"


def test_shell_call_with_its_output() -> None:
    """A shell call whose environment is left open was run by the provider when its output stands beside it."""
    shell = {"type": "shell_call", "id": "sh_1", "call_id": "call_S", "action": {"commands": ["ls"]}}
    output = {"type": "shell_call_output", "id": "sho_1", "call_id": "call_S", "output": []}
    completion, _, _ = decode(done(0, shell), done(1, output), *streamed("Done.", index=2), ended())
    assert [part["name"] for part in content(completion)[:2]] == ["shell_call", "shell_call_output"]
    assert content(completion)[0]["data"] == shell
    assert (completion.tool_calls, completion.finish_reason) == ((), "stop")


def test_items_that_were_announced_but_never_done() -> None:
    """They are completed from the terminal's list, in index order; without one they stay as announced."""
    tools = {"type": "mcp_list_tools", "id": "mcpl_1", "tools": [{"name": "t"}]}
    run = {"type": "mcp_call", "id": "mcp_1", "name": "t", "output": "ok"}
    events = [added(0, tools | {"tools": []}), added(1, run | {"output": None}), *streamed("Ok.", index=2)]
    whole, _, _ = decode(*events, ended("completed", tools, run, message("Ok.")))
    assert [part.get("data") for part in content(whole)] == [tools, run, None]
    assert texts(whole)[2] == ("text", "Ok.")
    alone, _, _ = decode(*events, ended())
    assert content(alone)[1]["data"] == run | {"output": None}


def test_arguments_for_an_item_that_is_no_call() -> None:
    """Argument deltas of a provider's tool under a function's event name invent no call."""
    search = {"type": "web_search_call", "id": "ws_1", "arguments": "{}", "name": "web_search"}
    completion, _, _ = decode(added(0, search), args_delta("{}", 0), done(0, search), ended())
    assert completion.tool_calls == ()


def test_every_item_kind_of_the_sdk_is_in_the_tables() -> None:
    """Each kind of the SDK's union is known, and so are the fields of those that are taken apart."""
    for model in ResponseOutputItem.__origin__.__args__:  # type: ignore[attr-defined]
        kind = model.model_fields["type"].annotation.__args__[0]
        assert kind in SERVER_KINDS or kind in CALL_KINDS or kind in ("message", "reasoning"), kind
        if kind not in SERVER_KINDS:
            fields = {field.alias or name for name, field in model.model_fields.items()}
            assert {name.rstrip("_") for name in fields} <= ITEM_FIELDS[kind], kind
