"""Faults in tool calls."""

from __future__ import annotations

import json
from typing import Any

from .kit import Document, Events, breaks, chat_calls, chat_deltas, parts, payloads


def _drop_calls(document: Document, dropped: list[Any]) -> None:
    """Take calls out, and their parts."""
    kept = [call for call in document["tool_calls"] if not any(call is other for other in dropped)]
    places = [n for n, call in enumerate(document["tool_calls"]) if not any(call is other for other in dropped)]
    content = [p for p in document["content"] if p["type"] != "tool_call" or p["index"] in places]
    for part in content:
        if part["type"] == "tool_call":
            part["index"] = places.index(part["index"])
    document.update(tool_calls=kept, content=content)


def _append(events: Events, key: str) -> Events:
    """Give the first delta of a call what all of its deltas say under `key`."""
    events, first = list(events), {}
    for call in chat_calls(events):
        owner = call if key == "id" else call.get("function", {})
        text = owner.get(key) or ""
        begun = first.setdefault(call.get("index"), owner)
        if begun is not owner:
            begun[key] = (begun.get(key) or "") + text
            owner.pop(key, None)
    return events


@breaks("events", "openai_chat/tool-id-repeated", laws=("nothing-invented",))
def appends_ids(events: Events) -> Events:
    """letta before 479b54aad, the openai SDK's accumulator: an id on each delta comes out as `c_1c_1`."""
    return _append(events, "id")


@breaks("events", "openai_chat/tool-name-repeated", "openai_chat/tool-id-repeated", laws=("nothing-invented",))
def appends_names(events: Events) -> Events:
    """langchain-openai, pydantic-ai, letta: a name on each delta comes out as `llm_versionllm_version`."""
    return _append(events, "name")


@breaks(
    "events",
    "openai_chat/tool-empty-string-continuation-alibaba",
    "openai_chat/tool-empty-string-continuation-lmstudio",
)
def last_id_and_name_win(events: Events) -> Events:
    """lmstudio-ai/lmstudio-bug-tracker#649: an empty id or name on a later delta overwrites the first."""
    events, first = list(events), {}
    for call in chat_calls(events):
        begun = first.setdefault(call.get("index"), call)
        if begun is not call:
            begun.update({key: call[key] for key in ("id",) if call.get(key) is not None})
            name = call.get("function", {}).get("name")
            begun["function"].update({} if name is None else {"name": name})
    return events


@breaks(
    "events",
    "openai_chat/tool-index-duplicate",
    "openai_chat/tool-index-missing",
    "openai_chat/tool-index-missing-two-deltas",
)
def merges_parallel_calls_by_index(events: Events) -> Events:
    """pydantic-ai, litellm, letta: two whole calls of one index become one, `{..}{..}`."""
    events, seen = list(events), set()
    for call in chat_calls(events):
        call["index"] = call.get("index") or 0
        if call["index"] in seen:
            call.pop("id", None)
            call["function"].pop("name", None)
        seen.add(call["index"])
    return events


@breaks("events", "anthropic_messages/interleaved-tools")
def adds_arguments_to_the_newest_call(events: Events) -> Events:
    """litellm: the JSON of interleaved calls lands in the call that began last, `{}` and `{"a":{"b":1}2}`."""
    newest = None
    for event, payload in payloads(events):
        if payload.get("type") == "content_block_start":
            newest = payload["index"]
        if payload.get("delta", {}).get("type") == "input_json_delta":
            payload["index"] = newest
        yield event


@breaks(
    "completion",
    "openai_responses/parallel-sequential",
    "openai_chat/tool-canonical-parallel",
    "anthropic_messages/parallel-tools-sequential",
)
def keeps_only_the_last_call(document: Document) -> None:
    """SciSharp/BotSharp#1420: each call overwrites the one before."""
    _drop_calls(document, document["tool_calls"][:-1])


@breaks("events", "openai_responses/items-added-never-done")
def reads_finished_items_only(events: Events) -> Events:
    """langchain-openai: an item that is announced and never done is dropped, though the terminal holds it."""
    events = list(events)
    done = {p["output_index"] for _, p in payloads(events) if p.get("type") == "response.output_item.done"}
    for event, payload in payloads(events):
        payload.get("response", {}).pop("output", None)
        if payload.get("output_index") is None or payload["output_index"] in done:
            yield event


@breaks(
    "completion",
    "openai_chat/finish-length-inside-tool-args",
    "openai_responses/cut-mid-tool-args",
    "openai_responses/tool-call-cut-but-completed",
    "anthropic_messages/max-tokens-mid-tool-json",
    laws=("nothing-invented",),
)
def repairs_truncated_json(document: Document) -> None:
    """langchain-openai, langchain-anthropic: `{"city":"Par` becomes the valid call {"city":"Par"}."""
    for call in document["tool_calls"]:
        for end in ("", "}", '"}', "null}"):
            try:
                json.loads(call["arguments"] + end)
            except ValueError:
                continue
            call.update(arguments=call["arguments"] + end, complete=True)
            break


@breaks("completion", "anthropic_messages/max-tokens-mid-tool-json", "anthropic_messages/tool-invalid-json")
def broken_arguments_become_none(document: Document) -> None:
    """anthropic 2.12's stream helper: a call that was cut has the input `{}` and looks clean."""
    for call in document["tool_calls"]:
        if not call["complete"]:
            call.update(arguments="{}", complete=True)


@breaks(
    "completion",
    "openai_responses/tool-call-truncated",
    "openai_responses/parallel-one-truncated",
    "openai_chat/cut-mid-tool-args",
    "gemini_generate_content/malformed-function-call",
)
def calls_are_complete_although_truncated(document: Document) -> None:
    """letta, Vercel AI SDK 6: the call is handed on as it is, and run."""
    for call in document["tool_calls"]:
        call["complete"] = True


@breaks(
    "completion",
    "anthropic_messages/tool-no-args",
    "gemini_generate_content/function-call-without-args",
    "openai_responses/tool-call-empty-args",
)
def drops_calls_without_arguments(document: Document) -> None:
    """vercel/ai#10295, deepset-ai/haystack-core-integrations#1947: a call without arguments is no call."""
    _drop_calls(document, [call for call in document["tool_calls"] if call["arguments"] in ("", "{}")])


@breaks("completion", "openai_chat/tool-id-missing", "openai_chat/tool-id-missing-empty-string")
def drops_calls_without_an_id(document: Document) -> None:
    """letta, litellm: the finish reason says tool_calls, and there is none."""
    _drop_calls(document, [call for call in document["tool_calls"] if not call["id"]])


@breaks(
    "completion",
    "gemini_generate_content/function-call-without-args-null",
    "gemini_generate_content/function-call-without-args",
)
def missing_arguments_become_null(document: Document) -> None:
    """litellm: `args: null` becomes the string `null`."""
    for call in document["tool_calls"]:
        call["arguments"] = "null" if call["arguments"] in ("", "{}") else call["arguments"]


@breaks("events", "openai_responses/tool-args-only-in-done", "openai_responses/tool-args-only-in-item-done")
def reads_argument_deltas_only(events: Events) -> Events:
    """langchain-openai, litellm: arguments without deltas are `{}`, or the call is lost."""
    for event, payload in payloads(events):
        item = payload.get("item", {})
        payload.get("response", {}).pop("output", None)
        if "arguments" in item:
            item["arguments"] = ""
        if payload.get("type") != "response.function_call_arguments.done":
            yield event


@breaks("events", "anthropic_messages/tool-input-in-start")
def ignores_the_input_of_the_start(events: Events) -> Events:
    """litellm, letta: only deltas give arguments, an input that stands in content_block_start is `{}`."""
    for event, payload in payloads(events):
        block = payload.get("content_block", {})
        if "input" in block:
            block["input"] = {}
        yield event


@breaks("events", "anthropic_messages/message-start-prefilled")
def ignores_the_content_of_message_start(events: Events) -> Events:
    """pydantic-ai, langchain-anthropic, litellm: a message that is whole in message_start is empty."""
    for event, payload in payloads(events):
        if payload.get("type") == "message_start":
            payload["message"]["content"] = []
        yield event


@breaks(
    "completion",
    "anthropic_messages/server-tools-are-not-client-tools",
    "openai_responses/server-side-custom-tool",
    "openai_responses/builtin-between-web-search-call",
    "gemini_generate_content/server-tool-parts-are-not-client-calls",
    laws=("nothing-invented",),
)
def lists_server_tools_as_client_calls(document: Document) -> None:
    """litellm, langchain-openai: what the provider ran itself is asked of the client again."""
    for part in parts(document, "server_tool"):
        call = {"id": part.get("id"), "name": part["name"], "arguments": "{}", "complete": True}
        document["tool_calls"].append(call)


@breaks("completion", "openai_responses/custom-tool-call")
def drops_custom_tool_calls(document: Document) -> None:
    """pydantic-ai, letta: `custom_tool_call` has no branch, the turn ends with `stop`."""
    custom = [part["index"] for part in parts(document, "tool_call") if part.get("kind") == "custom_tool_call"]
    _drop_calls(document, [document["tool_calls"][index] for index in custom])
    document["finish_reason"] = "tool_calls" if document["tool_calls"] else "stop"


@breaks("completion", "openai_responses/tool-call", "openai_responses/custom-tool-call")
def takes_the_item_id_for_the_call_id(document: Document) -> None:
    """litellm: call ids of the form call_<digits> are replaced by the item's id, which the provider refuses."""
    for part in parts(document, "tool_call"):
        call = document["tool_calls"][part["index"]]
        call["id"] = part.get("id") or call["id"]


@breaks("events", "openai_responses/call-id-changes-function")
def keeps_the_first_call_id(events: Events) -> Events:
    """pydantic-ai, langchain-openai, litellm: the id of `added` stays, though `done` brings another."""
    first: dict[Any, str] = {}
    for event, payload in payloads(events):
        item = payload.get("item", {})
        if "call_id" in item:
            item["call_id"] = first.setdefault(payload["output_index"], item["call_id"])
        for index, whole in enumerate(payload.get("response", {}).get("output") or ()):
            if index in first:
                whole["call_id"] = first[index]
        yield event


@breaks("completion", "openai_chat/tool-calls-with-finish-stop")
def wants_the_reason_tool_calls(document: Document) -> None:
    """BerriAI/litellm#35663: a call beside the reason `stop` is not delivered."""
    if document["raw_finish_reason"] == "stop":
        _drop_calls(document, document["tool_calls"])
        document["finish_reason"] = "stop"


@breaks("events", "openai_chat/legacy-function-call")
def ignores_function_call(events: Events) -> Events:
    """pydantic-ai, letta: the older `function_call` is not read; the reason says tool_calls, and there is none."""
    events = list(events)
    for delta in chat_deltas(events):
        delta.pop("function_call", None)
    return events


@breaks("events", "openai_chat/tool-args-object")
def joins_arguments_as_strings(events: Events) -> Events:
    """langchain-openai, letta: arguments that are an object cannot be joined (TypeError)."""
    events = list(events)
    "".join(call["function"].get("arguments") or "" for call in chat_calls(events))
    return events


@breaks("events", "gemini_generate_content/partial-args-strings", "gemini_generate_content/partial-args-nested")
def ignores_partial_args(events: Events) -> Events:
    """langchain-google-genai: eight phantom calls with the arguments `{}`."""
    for event, payload in payloads(events):
        for candidate in payload.get("candidates") or ():
            for part in candidate.get("content", {}).get("parts", ()):
                part.get("functionCall", {}).pop("partialArgs", None)
                part.get("functionCall", {}).pop("willContinue", None)
        yield event


@breaks("completion", "gemini_generate_content/function-call-ids-given", laws=("nothing-invented",))
def makes_its_own_ids(document: Document) -> None:
    """letta: the id that Gemini gave is thrown away for a random one."""
    for number, call in enumerate(document["tool_calls"]):
        call["id"] = f"call_{number}"


@breaks("completion", "gemini_generate_content/parallel-calls")
def copies_the_signature_to_all_calls(document: Document) -> None:
    """letta: the last signature stands on every part, Gemini sent it on the first."""
    calls = parts(document, "tool_call")
    signatures = [part["signature"] for part in calls if part.get("signature")]
    for part in calls:
        part["signature"] = signatures[-1] if signatures else None
