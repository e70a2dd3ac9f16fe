"""OpenAI's Responses API (`POST /v1/responses`, `stream: true`), as OpenAI, Azure, Codex, xAI, vLLM, ... speak it.

Sources: `openai.types.responses` (openai 3.54: ResponseStreamEvent, ResponseOutputItem, Response), the streaming guide
(https://developers.openai.com/api/docs/guides/streaming-responses), and recordings where they differ from these.

* An event is what its `type` says, else what its SSE name says. Unknown events are diagnostics.
* What an item holds: `output_item.done`, else the terminal event's `output`, else the `*.done` events of its content,
  else the deltas. A done event or list that is empty takes nothing away (the Codex backend ends with `output: []`).
* Why it ended: the payload's `status` and `incomplete_details`, else the event's name.
* `message_id` is the terminal's `response.id` (ids rotate behind some gateways, the last one is the one to refer to),
  else the first; `model` likewise.
* Places: (output_index, content_index) for the contents of a message, (output_index,) for all other items.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ...completion import Delta
from ...jsontext import JSON, JSONObject
from ..base import NO_QUIRKS, Handler, Quirks
from . import items
from .items import as_object, as_text
from .parts import OutputDecoder
from .state import Item

_FLAT_ERROR = ("code", "message", "param")
"""The fields of `openai.types.responses.ResponseErrorEvent` that are the error's."""
_CANCELLED = {"type": "cancelled", "code": "cancelled", "message": "the provider cancelled the response"}


class OpenAIResponsesDecoder(OutputDecoder):
    """Events of one response in, deltas out."""

    protocol = "openai_responses"
    finish_reasons: ClassVar[Mapping[str, str]] = {"completed": "stop", "max_output_tokens": "length"}

    def __init__(self, quirks: Quirks = NO_QUIRKS, *, n: int | None = None) -> None:
        super().__init__(quirks, n=n)
        self._head: dict[str, str] = {}
        self._created = self._over = self._second_cycle = self._cancelled = False
        self._has_usage = False
        self._error_code: object = None

    # -- events

    def on_json(self, name: str, payload: JSON) -> None:
        """Hand an event to its handler."""
        if type(payload) is not dict:
            self._note_once("not_an_object", name)
            return
        kind = payload.get("type")
        handler = _HANDLERS.get(kind) if type(kind) is str else None
        if handler is None:
            self._on_other(name, kind, payload)
            return
        if not payload.keys() <= items.EVENT_FIELDS:
            self.check_fields(str(kind), payload, items.EVENT_FIELDS)
        if not self._over or self._still_counts(str(kind), payload):
            handler(self, payload)

    def _on_other(self, name: str, kind: JSON, event: JSONObject) -> None:
        """An event whose type says nothing to us."""
        known = kind if isinstance(kind, str) and kind else name
        if known in items.PROGRESS_EVENTS:
            return
        if name in _HANDLERS and name in (known, "error"):
            self.on_json("", {**event, "type": name})
        elif event.get("error"):  # the SDKs, too, take any event with an error for one
            self.on_json("", {**event, "type": "error"})
        elif event.get("object") == "response" and not known:
            self.on_document(event)
        else:
            self._note_once("unknown_event", known or "without type or name")

    def on_document(self, payload: JSON) -> None:
        """A whole response, a JSON error, or one event as the whole body."""
        body = as_object(payload)
        kind = body.get("type")
        if self._over:
            self._note_once("after_terminal", "a whole response")
        elif isinstance(kind, str) and kind in _HANDLERS:
            self.on_json("", payload)
        elif body.get("object") == "response" or isinstance(body.get("output"), list):
            self._take_head(body, last=True)
            if as_text(body.get("status")) not in items.PENDING:
                self._conclude(body, None)
        elif body.get("error"):
            self._on_error(body)
        else:
            self.fail(type="protocol", code="not_a_stream", message="the body is neither a response nor an error")

    def end(self, error: JSONObject | None = None) -> list[Delta]:
        return super().end(_CANCELLED if self._cancelled else error)

    # -- the response

    def _on_created(self, event: JSONObject) -> None:
        response = as_object(event.get("response"))
        if self._created:
            if len(self._items) and as_text(response.get("id")) != self._head.get("message_id"):
                self._begin_second_cycle(response)
                return
            self.note("repeated_created", str(response.get("id")))
        self._created = True
        self._on_lifecycle(event)

    def _on_lifecycle(self, event: JSONObject) -> None:
        response = as_object(event.get("response"))
        self._take_head(response, last=False)
        self._take_usage(response)

    def _on_terminal(self, event: JSONObject) -> None:
        response = as_object(event.get("response"))
        if event.get("copilot_usage"):  # GitHub Copilot's bill, beside the response (recording)
            self.details["copilot_usage"] = event["copilot_usage"]
        self._take_head(response, last=True)
        self._conclude(response, items.STATUS_OF_EVENT[event["type"]])

    def _conclude(self, response: JSONObject, said: str | None) -> None:
        """The terminal: output, usage and why it ended. said: the status that the event's name stands for."""
        self.check_fields("response", response, items.RESPONSE_FIELDS)
        self._take_output(items.as_objects(response.get("output")))
        self._take_usage(response)
        for name in ("incomplete_details", "moderation", "content_filters"):
            if response.get(name):
                self.details[name] = response[name]
        status, reason = self._status(response, said)
        if status == "cancelled":
            self._cancelled = True
        else:
            self.terminal = True
        self._over = True
        self.finish(reason)
        if status == "failed" or (response.get("error") and items.provider_error(response).tells_something()):
            self._on_error(response)

    def _status(self, response: JSONObject, said: str | None) -> tuple[str | None, str | None]:
        """How the response ended, and the provider's word for why."""
        status = as_text(response.get("status"))
        if said is not None and status not in items.ENDED:
            if status is not None:
                self.note("unknown_status", status)
            status = said
        cut = as_text(as_object(response.get("incomplete_details")).get("reason"))
        if status == "incomplete" or (status in ("completed", None) and cut):
            return "incomplete", cut or "incomplete"
        return status, status

    def _on_error(self, event: JSONObject) -> None:
        """An `error` event, a failed response or a JSON error body; `response.failed` repeats the error before it."""
        error = items.provider_error(event)
        repeated = self.failed and error.code in (None, self._error_code)
        if not repeated:
            self._error_code = error.code if not self.failed else self._error_code
            message = error.message or "the provider reported a failure without a message"
            words, said = (error.type,), event.get("error") or {name: event.get(name) for name in _FLAT_ERROR}
            self.fail(code=error.code, message=message, status_code=error.status_code, words=words, said=said)

    def _still_counts(self, kind: str, event: JSONObject) -> bool:
        """Whether an event after the terminal belongs to the completion."""
        response = as_object(event.get("response"))
        other = as_text(response.get("id")) not in (None, self._head.get("message_id"))
        if not self._second_cycle and (other or kind == "response.created"):
            self._begin_second_cycle(response)
        if self._second_cycle:
            return False
        self._note_once("after_terminal", kind)
        if kind in items.STATUS_OF_EVENT and not self._has_usage:
            self._take_usage(response)
        return kind == "error"

    def _begin_second_cycle(self, response: JSONObject) -> None:
        self._over = self._second_cycle = True
        self.note("second_cycle", str(response.get("id")))

    def _take_head(self, response: JSONObject, *, last: bool) -> None:
        told = {"message_id": as_text(response.get("id")), "model": as_text(response.get("model"))}
        news = {
            name: word
            for name, word in told.items()
            if word is not None and (name not in self._head or (last and word != self._head[name]))
        }
        if news:
            self._head.update(news)
            self.emit("start", value=news)

    def _take_usage(self, response: JSONObject) -> None:
        usage = response.get("usage")
        if isinstance(usage, dict):
            self._has_usage = True
            self.usage(usage, **items.usage_counts(usage, zero_is_unknown=self.quirks.zero_usage_is_unknown))

    def _take_output(self, output: list[JSONObject]) -> None:
        """The terminal's list of items: for those that no `output_item.done` has told."""
        before: Item | None = None
        for n, (data, known) in enumerate(zip(output, self._items.match(output), strict=True)):
            item = known or self._items.new_in_output(as_text(data.get("type")) or "", n, before)
            before = item
            if not item.final:
                self._apply(item, data, closed=True)

    def normal_reason(self, choice: int = 0) -> str | None:
        """`failed` is a status, not a reason why generation ended."""
        reason = super().normal_reason(choice)
        return None if reason == "failed" else reason


def _with(method: Callable[..., None], *args: Any, **options: Any) -> Handler:
    """A handler that calls `method` with further arguments."""
    return lambda decoder, event: method(decoder, event, *args, **options)


_D = OpenAIResponsesDecoder

_HANDLERS: Mapping[str, Handler] = {
    "response.created": _D._on_created,
    "response.queued": _D._on_lifecycle,
    "response.in_progress": _D._on_lifecycle,
    **dict.fromkeys(items.STATUS_OF_EVENT, _D._on_terminal),
    "error": _D._on_error,
    "response.output_text.delta": _D._on_text_delta,
    "response.output_text.done": _with(_D._on_content, "text", "text"),
    "response.output_text.annotation.added": _D._on_annotation,
    "response.refusal.delta": _with(_D._on_content, "refusal"),
    "response.refusal.done": _with(_D._on_content, "refusal", "refusal"),
    "response.content_part.added": _with(_D._on_part, done=False),
    "response.content_part.done": _with(_D._on_part, done=True),
    "response.output_item.added": _D._on_added,
    "response.output_item.done": _D._on_done,
    "response.function_call_arguments.delta": _with(_D._on_arguments, "function_call"),
    "response.function_call_arguments.done": _with(_D._on_arguments, "function_call", "arguments"),
    "response.custom_tool_call_input.delta": _with(_D._on_arguments, "custom_tool_call"),
    "response.custom_tool_call_input.done": _with(_D._on_arguments, "custom_tool_call", "input"),
    "response.reasoning_text.delta": _with(_D._on_reasoning, "content"),
    "response.reasoning_text.done": _with(_D._on_reasoning, "content", "text"),
    "response.reasoning_summary_text.delta": _with(_D._on_reasoning, "summary"),
    "response.reasoning_summary_text.done": _with(_D._on_reasoning, "summary", "text"),
    "response.reasoning_summary_part.added": _with(_D._on_reasoning, "summary", opens=True),
    "response.reasoning_summary_part.done": _with(_D._on_reasoning, "summary", "part"),
    # vLLM's name for the parts of raw reasoning
    "response.reasoning_part.added": _with(_D._on_reasoning, "content", opens=True),
    "response.reasoning_part.done": _with(_D._on_reasoning, "content", "part"),
    # llm-rosetta (recording)
    "response.reasoning_summary.part.added": _with(_D._on_reasoning, "summary", opens=True),
    "response.reasoning_summary.part.done": _with(_D._on_reasoning, "summary", "part"),
    # the SDK's names of spring 2025 (openai 1.76)
    "response.reasoning.delta": _with(_D._on_reasoning, "content"),
    "response.reasoning.done": _with(_D._on_reasoning, "content", "text"),
    "response.reasoning_summary.delta": _with(_D._on_reasoning, "summary"),
    "response.reasoning_summary.done": _with(_D._on_reasoning, "summary", "text"),
    "response.audio.delta": _with(_D._on_audio, "data"),
    "response.audio.transcript.delta": _with(_D._on_audio, "text"),
}
"""Event type -> its handler."""
