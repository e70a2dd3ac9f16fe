"""Responses: what a diagnostic says of a wire that does not fit, and what is no reason for one."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses import Response, ResponseOutputItem, ResponseStreamEvent
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
    reasoning,
    streamed,
    text_delta,
)
from streamproof.decoders.base import Quirks
from streamproof.decoders.openai_responses.items import ITEM_FIELDS
from streamproof.wire.event import WireEvent


def said(decoder: Any) -> list[str]:
    """The diagnostics."""
    return [f"{note.kind}: {note.detail}" for note in decoder.diagnostics]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([1], ["not_an_object: "]),
        (WireEvent("json", "novel", 5), ["not_an_object: novel"]),
        ({"x": 1}, ["unknown_event: without type or name"]),
        ({"type": "novel"}, ["unknown_event: novel"]),
        ({"type": 5}, ["unknown_event: without type or name"]),
        (WireEvent("json", "novel", {"type": 5}), ["unknown_event: novel"]),
        (ev("in_progress", novel=1), ["unknown_field: response.in_progress: novel"]),
        (ev("output_item.added", 1, item=5), ["not_an_object: item"]),
        (ev("output_item.done", 1, item=[5]), ["not_an_object: item"]),
        (ev("output_text.annotation.added", 0, content_index=0, annotation=5), ["not_an_object: annotation"]),
        (ev("output_text.delta", 0, content_index=0, delta=5), ["not_a_text: response.output_text.delta: delta"]),
        (ev("output_text.done", 0, content_index=0, text=5), ["not_a_text: response.output_text.done: text"]),
        (ev("output_text.delta", 0, content_index=0), []),
        (ev("refusal.delta", 0, content_index=1, delta=5), ["not_a_text: response.refusal.delta: delta"]),
        (
            ev("function_call_arguments.done", 5, arguments=5),
            ["not_a_text: response.function_call_arguments.done: arguments"],
        ),
        (ev("reasoning_text.delta", 5, delta=5), ["not_a_text: response.reasoning_text.delta: delta"]),
        (ev("audio.delta", delta=5), ["not_a_text: response.audio.delta: delta"]),
        (created(), ["repeated_created: resp_a"]),
        (done(5, reasoning("r", novel=1)), ["unknown_field: reasoning: novel", "repeated_item: rs_a"]),
        (done(5, call("{}", novel=1)), ["unknown_field: function_call: novel", "repeated_item: fc_call_Aa1"]),
        (
            ev("content_part.done", 0, content_index=0, part={"type": "output_text", "text": "", "novel": 1}),
            ["unknown_field: output_text: novel"],
        ),
    ],
)
def test_what_does_not_fit_is_told(sent: Any, expected: list[str]) -> None:
    """Every wrong shape and unknown field is a diagnostic that names the place, once; the text is untouched."""
    before = [created(), added(0, message(status="in_progress")), text_delta("a")]
    completion, decoder, _ = decode(*before, sent, sent, text_delta("b"), ended())
    assert said(decoder)[: len(expected)] == expected
    assert set(said(decoder)) == set(expected)
    assert completion.text == "ab"
    assert completion.status == "complete"


def test_what_comes_after_an_item_is_done() -> None:
    """Deltas for an item that is done, and the item again, are told and change nothing."""
    late = [text_delta("b"), text_delta("c"), done(0, message("x")), added(0, message("x"))]
    completion, decoder, _ = decode(created(), *streamed("a"), *late, ended())
    assert said(decoder) == [
        "after_item_done: response.output_text.delta",
        "repeated_item: msg_a",
        "repeated_item: msg_a",
    ]
    assert completion.text == "a"


def test_what_comes_after_the_terminal() -> None:
    """Events after the end are told by their type, once each; another response is a second cycle."""
    events = [ev("in_progress", response={}), text_delta("b"), text_delta("c"), {"type": "keepalive"}]
    completion, decoder, _ = decode(created(), *streamed("a"), ended(), *events, created("resp_b"), *streamed("z"))
    assert said(decoder) == [
        "after_terminal: response.in_progress",
        "after_terminal: response.output_text.delta",
        "second_cycle: resp_b",
    ]
    assert completion.text == "a"


def test_a_second_response_before_the_end() -> None:
    """Another response that starts in the middle ends the first, which stays interrupted."""
    completion, decoder, _ = decode(created(), *streamed("a"), created("resp_b"), *streamed("z"), ended())
    assert said(decoder) == ["second_cycle: resp_b"]
    assert (completion.text, completion.status, completion.message_id) == ("a", "interrupted", "resp_a")


def test_another_id_before_anything_was_said() -> None:
    """Without an item there is nothing to keep apart: the head is told twice."""
    completion, decoder, _ = decode(created(), created("resp_b"), *streamed("a"), ended())
    assert said(decoder) == ["repeated_created: resp_b"]
    assert (completion.text, completion.status) == ("a", "complete")


def test_a_document_after_the_end() -> None:
    """A whole response behind the stream is told."""
    whole = {"object": "response", "status": "completed", "output": [message("z")]}
    completion, decoder, _ = decode(created(), *streamed("a"), ended(), WireEvent("document", "", whole))
    assert (completion.text, said(decoder)) == ("a", ["after_terminal: a whole response"])


@pytest.mark.parametrize(
    ("status", "event", "reason", "expected"),
    [
        ("completed", "completed", None, ("complete", "stop", [])),
        ("completed", "incomplete", None, ("complete", "stop", [])),
        ("incomplete", "completed", None, ("complete", "incomplete", [])),
        ("completed", "completed", "max_output_tokens", ("complete", "length", [])),
        ("incomplete", "incomplete", "novel", ("complete", "novel", [])),
        ("novel", "completed", None, ("complete", "stop", ["unknown_status: novel"])),
        ("in_progress", "incomplete", "max_output_tokens", ("complete", "length", ["unknown_status: in_progress"])),
        (None, "done", None, ("complete", "stop", [])),
        (None, "incomplete", None, ("complete", "incomplete", [])),
        ("failed", "failed", None, ("failed", None, [])),
        ("failed", "failed", "max_output_tokens", ("failed", None, [])),
        (None, "cancelled", None, ("interrupted", "cancelled", [])),
        ("cancelled", "completed", None, ("interrupted", "cancelled", [])),
    ],
)
def test_how_a_response_ends(status: Any, event: str, reason: str | None, expected: tuple[Any, ...]) -> None:
    """The payload's status and details say it, the event's name only where they do not."""
    completion, decoder, _ = decode(created(), *streamed("a"), ended(status, event=event, reason=reason))
    assert (completion.status, completion.finish_reason, said(decoder)) == expected
    assert completion.text == "a"


@pytest.mark.parametrize("name", ["incomplete_details", "moderation", "content_filters"])
def test_details_of_the_end(name: str) -> None:
    """What the terminal says besides is kept; empty, it says nothing."""
    _, decoder, _ = decode(created(), ended(**{name: {"reason": "content_filter"}}))
    _, silent, _ = decode(created(), ended(**{name: {}}))
    assert (decoder.details, silent.details) == ({name: {"reason": "content_filter"}}, {})


def test_every_field_of_a_response_is_known() -> None:
    """No field of the SDK's response is a diagnostic."""
    fields = dict.fromkeys(Response.model_fields.keys() - {"status", "output"})
    _, decoder, _ = decode(created(), *streamed("a"), ended(**fields))
    assert said(decoder) == []


@pytest.mark.parametrize("kind", sorted(ITEM_FIELDS))
def test_every_field_of_an_item_is_known(kind: str) -> None:
    """No field of the SDK's items is a diagnostic."""
    models = {
        model.model_fields["type"].annotation.__args__[0]: model for model in ResponseOutputItem.__origin__.__args__
    }
    names = [field.alias or name for name, field in models[kind].model_fields.items()]
    _, decoder, _ = decode(created(), done(0, dict.fromkeys(names) | {"type": kind, "id": "x"}), ended())
    assert said(decoder) == []


REPEATED_BY_ITEMS = (
    "web_search_call", "file_search_call", "code_interpreter_call", "code_interpreter_call_code",
    "image_generation_call", "mcp_call", "mcp_call_arguments", "mcp_list_tools", "shell_call_command",
    "shell_call_output_content", "compaction",
)  # fmt: skip
IN_THE_SDK = [model.model_fields["type"].annotation.__args__[0] for model in ResponseStreamEvent.__origin__.__args__]
OF_RECORDINGS = [f"response.apply_patch_call_operation_diff.{step}" for step in ("delta", "done")]
PROGRESS = [
    *(kind for kind in IN_THE_SDK if kind.removeprefix("response.").rpartition(".")[0] in REPEATED_BY_ITEMS),
    "response.audio.done", "response.audio.transcript.done", *OF_RECORDINGS, "keepalive", "ping",
]  # fmt: skip


@pytest.mark.parametrize("kind", PROGRESS)
def test_progress_says_nothing(kind: str) -> None:
    """Events whose content the finished item repeats are neither noted nor shown."""
    completion, decoder, _ = decode(created(), {"type": kind, "delta": "x"}, *streamed("a"), ended())
    assert (content(completion)[0]["text"], len(completion.content), said(decoder)) == ("a", 1, [])


@pytest.mark.parametrize(
    "kind",
    [
        "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_list_tools",
        "mcp_call", "mcp_approval_response", "program", "program_output", "additional_tools", "compaction",
        "tool_search_output", "function_call_output", "custom_tool_call_output", "computer_call_output",
        "local_shell_call_output", "shell_call_output", "apply_patch_call_output",
    ],
)  # fmt: skip
def test_what_the_provider_ran(kind: str) -> None:
    """It is a server_tool part with the item as it came, whichever fields it has."""
    item = {"type": kind, "id": "x", "novel": 1}
    completion, decoder, _ = decode(created(), done(0, item), ended())
    assert content(completion) == [{"type": "server_tool", "id": "x", "name": kind, "data": item}]
    assert (calls(completion), completion.finish_reason, said(decoder)) == ([], "stop", [])


@pytest.mark.parametrize(
    ("item", "name", "arguments"),
    [
        ({"type": "function_call", "name": "f", "arguments": "{}"}, "f", "{}"),
        ({"type": "function_call", "name": "f", "arguments": {"a": 1}}, "f", '{"a":1}'),
        ({"type": "function_call", "name": "f", "arguments": None}, "f", ""),
        ({"type": "function_call"}, "", ""),
        ({"type": "custom_tool_call", "name": "f", "input": "x y"}, "f", "x y"),
        ({"type": "local_shell_call", "action": {"a": 1}}, "local_shell", '{"a":1}'),
        ({"type": "shell_call", "action": {"a": 1}}, "shell", '{"a":1}'),
        ({"type": "shell_call", "action": {"a": 1}, "environment": {"type": "local"}}, "shell", '{"a":1}'),
        ({"type": "apply_patch_call", "operation": {"a": 1}}, "apply_patch", '{"a":1}'),
        ({"type": "computer_call", "action": {"a": 1}}, "computer", '{"a":1}'),
        ({"type": "computer_call", "action": None, "actions": [{"a": 1}]}, "computer", '[{"a":1}]'),
        ({"type": "tool_search_call", "execution": "client", "arguments": {"a": 1}}, "tool_search", '{"a":1}'),
    ],
)
def test_what_the_client_has_to_run(item: Any, name: str, arguments: str) -> None:
    """Each kind of call with its name, or that of its kind, and its arguments as JSON text."""
    completion, decoder, _ = decode(created(), done(0, {**item, "call_id": "c", "status": "completed"}), ended())
    assert [called[:3] for called in calls(completion)] == [("c", name, arguments)]
    assert (completion.finish_reason, said(decoder)) == ("tool_calls", [])


def test_an_approval_is_asked_of_the_client() -> None:
    """Its id is the call's, its arguments what is to be approved."""
    item = {"type": "mcp_approval_request", "id": "m", "server_label": "s", "name": "n", "arguments": "{}"}
    completion, _, _ = decode(created(), done(0, item), ended())
    expected = '{"server_label":"s","name":"n","arguments":"{}"}'
    assert calls(completion) == [("m", "mcp_approval_request", expected, True)]


@pytest.mark.parametrize(
    "item",
    [
        {"type": "shell_call", "environment": {"type": "container_reference"}},
        {"type": "tool_search_call", "execution": "server"},
        {"type": "tool_search_call"},
        {"type": "function_call", "call_id": "xs_call_1"},
    ],
)
def test_calls_that_the_provider_runs(item: Any) -> None:
    """A container, a search on the server, the provider's own prefix: nothing for the client to do."""
    quirks = Quirks(server_call_prefixes=("xs_call_",))
    completion, _, _ = decode(created(), done(0, item), ended(), quirks=quirks)
    assert ([part["type"] for part in content(completion)], calls(completion)) == (["server_tool"], [])


@pytest.mark.parametrize("name", ["namespace", "caller", "async", "environment", "execution", "pending_safety_checks"])
def test_what_has_to_go_back_with_a_call(name: str) -> None:
    """It stands in the part's extra, beside the kind of a call that is no function call."""
    value = {"type": "local"} if name == "environment" else "client" if name == "execution" else ["x"]
    item = {"type": "computer_call", "id": "i", "call_id": "c", "action": {}, name: value}
    completion, decoder, _ = decode(created(), done(0, item), ended())
    assert content(completion) == [
        {"type": "tool_call", "index": 0, "id": "i", "kind": "computer_call", "extra": {name: value}}
    ]
    assert decoder.details == ({"pending_safety_checks": [value]} if name == "pending_safety_checks" else {})


def test_arguments_that_come_before_their_item() -> None:
    """Deltas of a call that nobody announced begin it; its item gives the name."""
    events = [args_delta('{"a"'), args_delta(":1}"), done(0, call('{"a":1}'))]
    completion, decoder, deltas = decode(created(), *events, ended())
    assert calls(completion) == [("call_Aa1", "get_weather", '{"a":1}', True)]
    assert [delta.value for delta in deltas if delta.field == "arguments"] == ['{"a"', ":1}"]
    assert said(decoder) == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"error": {"code": "server_error", "message": "m"}}, ("server", "server_error", "m", None)),
        ({"error": {"type": "novel_error", "message": "m"}}, ("provider", "novel_error", "m", None)),
        ({"error": {"code": 429, "message": "m"}}, ("rate_limit", "429", "m", 429)),
        ({"error": "plain"}, ("provider", None, "plain", None)),
        ({"error": {"message": "m"}, "status_code": 503}, ("overloaded", None, "m", 503)),
        ({"error": {"message": "m"}, "status": 429}, ("rate_limit", None, "m", 429)),
        ({"code": "novel", "message": "flat"}, ("provider", "novel", "flat", None)),
        ({"code": "", "message": 5}, ("provider", None, "the provider reported a failure without a message", None)),
    ],
)
def test_where_an_error_says_what(error: Any, expected: tuple[Any, ...]) -> None:
    """Nested, a bare string, or flat: code, message and status from wherever they stand."""
    completion, _, _ = decode(created(), {"type": "error", **error})
    found = completion.error
    assert found is not None
    assert completion.status == "failed"
    assert (found.code, found.message, found.status_code) == expected[1:]
    assert found.type == expected[0]


@pytest.mark.parametrize("error", [None, {}, {"message": ""}])
def test_an_error_that_says_nothing_is_none(error: Any) -> None:
    """A completed response with an empty error is complete."""
    assert decode(created(), *streamed("a"), ended(error=error))[0].status == "complete"


def test_fields_of_other_events_are_known() -> None:
    """What the SDK has on any event, and what servers send besides, is unknown on none."""
    names = {name for model in ResponseStreamEvent.__origin__.__args__ for name in model.model_fields}  # type: ignore[attr-defined]
    names |= {"status_code", "headers", "copilot_usage", "call_id", "name", "status", "error", "message", "code"}
    names |= {"diff", "command", "command_index", "output", "background", "quality", "size", "output_format", "model"}
    event = ev("in_progress", **dict.fromkeys(names - {"type", "response"}))
    assert said(decode(created(), event, ended())[1]) == []
