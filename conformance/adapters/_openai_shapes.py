"""Readers of OpenAI's response objects, which several libraries hand on. They read attributes and import nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from _driver import Answer, get, plain

CLIENT_CALLS = {
    "function_call": (None, ("arguments",)),
    "custom_tool_call": (None, ("input",)),
    "local_shell_call": ("local_shell", ("action",)),
    "shell_call": ("shell", ("action",)),
    "apply_patch_call": ("apply_patch", ("operation",)),
    "computer_call": ("computer", ("action", "actions")),
    "tool_search_call": ("tool_search", ("arguments",)),
    "mcp_approval_request": ("mcp_approval_request", ("server_label", "name", "arguments")),
}
"""Items that ask the client to act -> name of the tool, None where the item has its own; where the arguments stand."""

SERVER_KINDS = frozenset({
    "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call",
    "mcp_list_tools", "mcp_call", "mcp_approval_response", "program", "program_output", "additional_tools",
    "compaction", "tool_search_output", "function_call_output", "custom_tool_call_output", "computer_call_output",
    "local_shell_call_output", "shell_call_output", "apply_patch_call_output",
})  # fmt: skip
"""Items that the provider made or ran: the other kinds of `openai.types.responses.ResponseOutputItem`."""


def show_response(answer: Answer, response: Any) -> None:
    """A `Response` of the Responses API: terminal event or accumulated."""
    answer.clear()
    answer.message_id, answer.model = get(response, "id"), get(response, "model")
    show_output(answer, get(response, "output") or ())
    show_response_usage(answer, get(response, "usage"))
    status, reason = get(response, "status"), get(response, "incomplete_details", "reason")
    if status == "failed":
        answer.raw_finish_reason = status
        error = get(response, "error")
        answer.fail(get(error, "code"), get(error, "message"))
    elif status == "cancelled":
        answer.finish(status, raw=status)
        answer.fail("cancelled", "the response was cancelled", status="interrupted", type="cancelled")
    elif status == "incomplete":
        answer.finish(reason or status, raw=reason or status)
    elif status is not None:
        answer.finish(status, raw=status)


def show_response_usage(answer: Answer, usage: Any) -> None:
    """`ResponseUsage`: input includes the caches, output the reasoning."""
    if usage is None:
        return
    answer.usage(
        get(usage, "input_tokens"),
        get(usage, "output_tokens"),
        cached=get(usage, "input_tokens_details", "cached_tokens"),
        written=get(usage, "input_tokens_details", "cache_write_tokens"),
        reasoning=get(usage, "output_tokens_details", "reasoning_tokens"),
    )
    answer.raw_usage = plain(usage)


def show_output(answer: Answer, output: Iterable[Any]) -> None:
    """The items of `Response.output`."""
    for item in output:
        kind = get(item, "type") or ""
        if kind == "message":
            _message(answer, item)
        elif kind == "reasoning":
            _reasoning(answer, item)
        elif kind in CLIENT_CALLS and not _on_server(item):
            _call(answer, item)
        elif kind in SERVER_KINDS or kind in CLIENT_CALLS:
            answer.part("server_tool", name=kind, id=get(item, "id"), data=plain(item))
        else:
            answer.part("unknown", name=kind, id=get(item, "id"), data=plain(item))


def _message(answer: Answer, item: Any) -> None:
    about = {"id": get(item, "id"), "phase": get(item, "phase")}
    for part in get(item, "content") or ():
        if get(part, "type") == "output_text":
            annotations = [plain(each) for each in get(part, "annotations") or ()] or None
            if get(part, "text") or annotations:
                answer.part("text", text=get(part, "text") or "", annotations=annotations, **about)
        elif get(part, "type") == "refusal":
            if get(part, "refusal"):
                answer.part("refusal", text=get(part, "refusal"), **about)
        else:
            answer.part("unknown", name=get(part, "type") or "", data=plain(part))


def _reasoning(answer: Answer, item: Any) -> None:
    summary = [get(each, "text") or "" for each in get(item, "summary") or ()]
    texts = [get(each, "text") or "" for each in get(item, "content") or ()]
    answer.part(
        "reasoning",
        text="\n\n".join(texts or summary),
        id=get(item, "id"),
        summary=summary or None,
        encrypted=get(item, "encrypted_content"),
    )


def _on_server(item: Any) -> bool:
    """A search or a shell that the provider runs."""
    if get(item, "type") == "tool_search_call":
        return bool(get(item, "execution") != "client")
    return get(item, "type") == "shell_call" and get(item, "environment", "type") not in (None, "local")


def _call(answer: Answer, item: Any) -> None:
    kind, status = get(item, "type"), get(item, "status")
    name, places = CLIENT_CALLS[kind]
    values = {place: plain(get(item, place)) for place in places if get(item, place) is not None}
    approval = kind == "mcp_approval_request"
    answer.call(
        name or get(item, "name"),
        values if approval else next(iter(values.values()), None),
        id=get(item, "id" if approval else "call_id"),
        complete=None if status is None else status == "completed",
        kind=None if kind == "function_call" else kind,
    )
    if get(item, "id"):
        answer.content[-1]["id"] = get(item, "id")


def show_reasoning_details(answer: Answer, details: Any) -> bool:
    """OpenRouter's `reasoning_details` of a message; whether there were any.

    https://openrouter.ai/docs/use-cases/reasoning-tokens
    """
    for entry in details or ():
        known = {name: get(entry, name) for name in ("type", "format", "index") if get(entry, name) is not None}
        answer.part(
            "reasoning",
            text=get(entry, "text") or get(entry, "summary") or "",
            id=get(entry, "id"),
            signature=get(entry, "signature"),
            encrypted=get(entry, "data"),
            extra=known or None,
        )
    return bool(details)


def show_chat_usage(answer: Answer, usage: Any) -> None:
    """`CompletionUsage`: prompt includes the cache, completion the reasoning."""
    if usage is None:
        return
    answer.usage(
        get(usage, "prompt_tokens"),
        get(usage, "completion_tokens"),
        cached=get(usage, "prompt_tokens_details", "cached_tokens"),
        written=get(usage, "prompt_tokens_details", "cache_write_tokens"),
        reasoning=get(usage, "completion_tokens_details", "reasoning_tokens"),
    )
    answer.raw_usage = plain(usage)


def join_items(answer: Answer) -> None:
    """One part for each item of a Responses stream, where a library shows several: a tool that the provider ran and its
    result, and the summaries of one reasoning item."""
    parts: list[dict[str, Any]] = []
    for part in answer.content:
        last = parts[-1] if parts else {}
        if part["type"] == last.get("type") == "server_tool" and part.get("id") and part["id"] == last.get("id"):
            last["data"] = {"call": last["data"], "result": part["data"]}
        elif part["type"] == last.get("type") == "reasoning" and part.get("id") and part["id"] == last.get("id"):
            last["text"] = "\n\n".join(text for text in (last["text"], part["text"]) if text)
            last.update({name: value for name, value in part.items() if name not in ("text", "type", "id")})
        else:
            parts.append(part)
    answer.content = parts


class ResponseSum:
    """The events of a Responses stream: the terminal event's response, and until it comes the items so far."""

    TERMINALS = ("response.completed", "response.incomplete", "response.failed")

    def __init__(self) -> None:
        self.items: dict[int, Any] = {}
        self.final: Any = None
        self.failure: Any = None

    def add(self, event: Any) -> None:
        """One event."""
        kind, at = get(event, "type"), get(event, "output_index")
        if kind in self.TERMINALS:
            self.final = event.response
        elif kind == "error":
            self.failure = event
        elif kind in ("response.output_item.added", "response.output_item.done"):
            self.items[at] = plain(event.item) or {}
        elif kind == "response.output_text.delta":
            self._add_text(self.items.setdefault(at, {}), get(event, "content_index"), event.delta)
        elif kind == "response.function_call_arguments.delta":
            item = self.items.setdefault(at, {})
            item["arguments"] = (item.get("arguments") or "") + event.delta

    def _add_text(self, item: dict[str, Any], index: int | None, text: str) -> None:
        content = item.setdefault("content", [])
        while len(content) <= (index or 0):
            content.append({"type": "output_text", "text": ""})
        part = content[index or 0]
        part["text"] = (part.get("text") or "") + text

    def show(self, answer: Answer) -> None:
        """The final response, and the items where it has none because it failed or was cut."""
        if self.final is not None:
            show_response(answer, self.final)
        if not answer.content and get(self.final, "status") != "completed":
            show_output(answer, (self.items[index] for index in sorted(self.items)))
        if self.failure is not None:
            answer.fail(get(self.failure, "code"), get(self.failure, "message"))


class ChatSum:
    """Chat chunks added up: the loop that users of a library without an accumulator write.

    A tool call's pieces belong together by `index`; the first id and name count, arguments are joined; the last finish
    reason and the last usage count.
    """

    def __init__(self) -> None:
        self.id: str | None = None
        self.model: str | None = None
        self.usage: Any = None
        self.choices: dict[int, dict[str, Any]] = {}

    def add(self, chunk: Any, reasoning: str | None = None) -> None:
        """One chunk. reasoning: the text of choice 0, where the library has it at a place of its own."""
        self.id, self.model = self.id or get(chunk, "id"), self.model or get(chunk, "model")
        self.usage = get(chunk, "usage") or self.usage
        for choice in get(chunk, "choices") or ():
            index, delta = get(choice, "index") or 0, get(choice, "delta")
            one = self.choices.setdefault(index, {"text": {}, "calls": {}, "finish": None})
            thought = reasoning if index == 0 and reasoning else get(delta, "reasoning_content")
            texts = {"reasoning": thought, "text": get(delta, "content"), "refusal": get(delta, "refusal")}
            for kind, text in texts.items():
                if isinstance(text, str) and text:
                    one["text"][kind] = one["text"].get(kind, "") + text
            for piece in get(delta, "tool_calls") or ():
                self._call(one["calls"], piece)
            one["finish"] = get(choice, "finish_reason") or one["finish"]

    def _call(self, calls: dict[Any, dict[str, Any]], piece: Any) -> None:
        call = calls.setdefault(get(piece, "index"), {"id": None, "name": None, "arguments": ""})
        call["id"] = call["id"] or get(piece, "id")
        call["name"] = call["name"] or get(piece, "function", "name")
        call["arguments"] += get(piece, "function", "arguments") or ""

    def show(self, answer: Answer) -> None:
        """What came so far."""
        answer.message_id, answer.model = self.id, self.model
        show_chat_usage(answer, self.usage)
        for index, choice in sorted(self.choices.items()):
            one = answer if index == 0 else Answer()
            for kind, text in choice["text"].items():
                one.part(kind, text=text)
            for call in choice["calls"].values():
                one.call(**call)
            one.finish(choice["finish"])
            if index:
                names = ("content", "tool_calls", "finish_reason", "raw_finish_reason")
                answer.choices.append({"index": index, **{name: getattr(one, name) for name in names}})
