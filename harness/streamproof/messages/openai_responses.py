"""OpenAI Responses: the turn's items in their order, for `input`.

Form: openai.types.responses.ResponseInputItemParam. What goes back: https://developers.openai.com/api/docs/guides/
conversation-state and .../reasoning: reasoning items with id, summaries and encrypted content before the item that they
led to, calls with the item's id and the call's, messages with id and phase, what the provider ran as it came (without
`created_by`, which only answers have).

Left out, as the API refuses them:

* reasoning that leads to nothing ("... of type 'reasoning' was provided without its required following item"): at the
  end of the turn, or before an item that is itself left out
* with `stored` false, reasoning that is no more than a reference: neither encrypted content nor raw text
* calls that were cut, and what the provider had not ended when the stream was cut
* audio, which is no item of its own on the wire
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

from ..completion import (
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    ToolCallPart,
    UnknownPart,
)
from ..errors import UsageError
from ..jsontext import JSON, JSONObject
from .turn import Answer, Maker, PartsWriter, known, object_of, parsed

_OUTPUT_ONLY = ("created_by",)
_ENDED = ("completed", "failed", "incomplete", None)
_CUT = ("length", "content_filter")


class ResponsesWriter(PartsWriter):
    """A turn as items of `input`."""

    def turn(self) -> list[JSONObject]:
        """The items; None in between stands for one that is left out."""
        items: list[dict[str, JSON] | None] = []
        message: _Message | None = None
        for part in self.completion.content:
            content = _content(part)
            if content is not None:
                if message is None or not message.holds(part):
                    message = _Message(part)
                    items.append(message.item)
                message.add(content)
            elif type(part) in self.makers:
                message = None
                items.append(self.makers[type(part)](self, part))
        if items and message is not None and items[-1] is message.item:
            cut = self.completion.status != "complete" or self.completion.finish_reason in _CUT
            message.item["status"] = "incomplete" if cut else "completed"
        return _without_orphans(items)

    @staticmethod
    def results(answers: list[Answer]) -> list[JSONObject]:
        """One item for each call."""
        return [_result(answer) for answer in answers]

    def _reasoning(self, part: ReasoningPart) -> dict[str, JSON] | None:
        raw = part.text if part.text != "\n\n".join(part.summary) else ""
        if not (self.stored or part.encrypted or raw):
            return None
        return {
            "type": "reasoning",
            **known(id=part.id),
            "summary": [{"type": "summary_text", "text": text} for text in part.summary],
            **known(
                content=[{"type": "reasoning_text", "text": raw}] if raw else None, encrypted_content=part.encrypted
            ),
        }

    def _call(self, part: ToolCallPart) -> dict[str, JSON] | None:
        call = self.whole_call(part)
        word = part.kind or "function_call"
        kind = _KINDS.get(word)
        if call is None or kind is None:
            return None
        return {
            "type": word,
            **known(id=part.id if kind.call_id else call.id, call_id=call.id if kind.call_id else None),
            **kind.fields(call),
            **known(status="completed" if kind.has_status else None),
            **(part.extra or {}),
        }

    def _raw(self, part: ServerToolPart | UnknownPart) -> dict[str, JSON] | None:
        """An item as it came."""
        data = object_of(part.data)
        if data is None or not isinstance(data.get("type"), str):
            return None
        if self.completion.status != "complete" and data.get("status") not in _ENDED:
            return None
        return {name: value for name, value in data.items() if name not in _OUTPUT_ONLY}

    makers: ClassVar[Mapping[type[Part], Maker]] = {
        ReasoningPart: _reasoning,
        ToolCallPart: _call,
        ServerToolPart: _raw,
        UnknownPart: _raw,
    }


def _result(answer: Answer) -> JSONObject:
    kind = answer.part.kind or "function_call"
    if kind not in ("function_call", "custom_tool_call"):
        raise UsageError(f"the answer to a {kind} is no text", remedy=f"write its item by hand, for {answer.call.id}")
    caller = known(caller=(answer.part.extra or {}).get("caller"))
    return {"type": f"{kind}_output", "call_id": answer.call.id or "", "output": answer.output, **caller}


def _without_orphans(items: list[dict[str, JSON] | None]) -> list[JSONObject]:
    """Reasoning stays where the item that it led to stays."""
    kept: list[JSONObject] = []
    waiting: list[JSONObject] = []
    for item in items:
        if item is None:
            waiting = []
        elif item["type"] == "reasoning":
            waiting.append(item)
        else:
            kept += [*waiting, item]
            waiting = []
    return kept


# -- messages


class _Message:
    """A message item while its contents are gathered: neighbours with one id and phase."""

    def __init__(self, first: Part) -> None:
        self._id, self._phase = first.id, getattr(first, "phase", None)
        self._content: list[JSON] = []
        self.item: dict[str, JSON] = {
            "type": "message",
            "role": "assistant",
            "status": "completed",
            **known(id=first.id, phase=self._phase),
            "content": self._content,
        }

    def holds(self, part: Part) -> bool:
        """Whether a part is a content of this message."""
        return part.id == self._id and getattr(part, "phase", self._phase) == self._phase

    def add(self, content: JSONObject) -> None:
        """The next content."""
        self._content.append(content)


def _content(part: Part) -> JSONObject | None:
    """A part as the content of a message; None when it is an item of its own."""
    if isinstance(part, TextPart):
        return {"type": "output_text", "text": part.text, "annotations": list(part.annotations)}
    if isinstance(part, RefusalPart):
        return {"type": "refusal", "refusal": part.text}
    if isinstance(part, UnknownPart) and part.id is not None:  # an item would bear the id itself
        data = object_of(part.data)
        return data if data is not None and data.get("id") != part.id else None
    return None


# -- other items


class _Kind(NamedTuple):
    """fields: of a call's item besides type, id and call id. call_id, has_status: whether the item has these."""

    fields: Callable[[ToolCall], dict[str, JSON]]
    call_id: bool = True
    has_status: bool = True


def _field(name: str) -> Callable[[ToolCall], dict[str, JSON]]:
    return lambda call: {name: parsed(call.arguments)}


def _computer(call: ToolCall) -> dict[str, JSON]:
    value = parsed(call.arguments)
    return {"actions" if isinstance(value, list) else "action": value, "pending_safety_checks": []}


def _approval(call: ToolCall) -> dict[str, JSON]:
    return object_of(parsed(call.arguments)) or {}


_KINDS: Mapping[str, _Kind] = {
    "function_call": _Kind(lambda call: {"name": call.name, "arguments": call.arguments or "{}"}, has_status=False),
    "custom_tool_call": _Kind(lambda call: {"name": call.name, "input": call.arguments}, has_status=False),
    "local_shell_call": _Kind(_field("action")),
    "shell_call": _Kind(_field("action")),
    "apply_patch_call": _Kind(_field("operation")),
    "computer_call": _Kind(_computer),
    "tool_search_call": _Kind(_field("arguments")),
    "mcp_approval_request": _Kind(_approval, call_id=False, has_status=False),
}
"""Type of a call's item -> how it is written; the counterpart of `decoders.openai_responses.items.CALL_KINDS`."""
