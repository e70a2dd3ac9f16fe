"""Chat Completions streams: `chat.completion.chunk` objects, of OpenAI and of the many servers compatible with it.

The protocol: openai.types.chat.ChatCompletionChunk, https://platform.openai.com/docs/api-reference/chat-streaming.
A chunk holds choices, a choice holds a delta; nothing is ever closed but by `finish_reason` and `[DONE]`, and each of
the two is missing from some servers' streams. message.py makes parts of the deltas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ...completion import Delta, Position
from ...jsontext import JSON, JSONObject
from ..base import NO_QUIRKS, Decoder, Quirks
from .errors import error_fields, is_flat_error
from .message import Message
from .parts import compact, word
from .usage import usage_counts

_PLAIN_CHUNK = frozenset(
    {
        "id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier", "obfuscation",
        "p", "provider",
    }
)  # fmt: skip
"""Fields of a chunk that need no second look."""

_KEPT_FIELDS = frozenset(
    {"prompt_filter_results", "moderation", "warning", "warnings", "related_questions", "images", "videos"}
)
"""Fields of a chunk that are kept in `details`, the last value that is not null."""

_FLAGS = (
    "input_sensitive", "input_sensitive_type", "input_sensitive_int", "output_sensitive", "output_sensitive_type",
    "output_sensitive_int",
)  # fmt: skip
"""Fields of a chunk that are kept in `details` unless they are false or 0: that the prompt or the answer set off the
detection of sensitive words (MiniMax), and of which kind (https://platform.minimax.io/docs/api-reference/text-chat)."""

_SAYING = _KEPT_FIELDS | {"choices", "usage", "object", "error", "x_groq", "citations", "search_results", "base_resp"}
"""Fields one of which makes an event a chunk."""

_CHUNK_FIELDS = _PLAIN_CHUNK | _KEPT_FIELDS | {
    *_FLAGS,
    "error", "x_groq", "citations", "search_results", "base_resp",
    # known to say nothing about the answer: gateways and local servers
    "sla_metrics", "timings", "time_info", "metrics", "nvext", "prompt_token_ids", "prompt_text", "prompt_logprobs",
    "prompt_progress", "kv_transfer_params", "request_id", "metadata", "type", "stats", "citation_tokens", "__verbose",
    "native_finish_reason", "stop_details", "content_filter_results", "meta", "model_info", "routing",
    "openrouter_metadata", "hook_results", "extra_fields", "status_details",
}  # fmt: skip

_PLAIN_CHOICE = frozenset({"index", "delta", "finish_reason", "logprobs", "token_ids", "message"})
"""Fields of a choice that need no second look; log probabilities are no part of a completion."""

_TEXT_DELTA = frozenset({"role", "content"})
"""Fields of a delta that can only be text."""

_KEPT_CHOICE_FIELDS = frozenset(
    {
        "stop_reason", "matched_stop", "native_finish_reason", "content_filter_results", "content_filter_result",
        "content_filter_offsets", "finish_details", "finish_message", "stop_sequence",
        "safety_ratings",
    }
)  # fmt: skip
"""Fields of choice 0 that are kept in `details`, the last value that is not null or empty. Azure's
`content_filter_result.error` says that its filter did not run, which is no error of the stream (recording)."""

_CHOICE_FIELDS = _PLAIN_CHOICE | _KEPT_CHOICE_FIELDS | {
    "error", "usage", "token_id", "seed", "prompt_token_ids", "routed_experts", "provider_specific_fields",
    "stop",
}  # fmt: skip

_FAILING_REASONS: Mapping[str, str | None] = {
    "error": None,  # OpenRouter, Mistral: https://openrouter.ai/docs/api-reference/errors-and-debugging
    "network_error": "server",  # Z.ai: https://docs.z.ai/api-reference/llm/chat-completion
    "insufficient_system_resource": "overloaded",  # DeepSeek: https://api-docs.deepseek.com/api/create-chat-completion
}
"""Finish reasons that are errors -> `ErrorInfo.type`, None: as the error's words say."""

_NO_CHUNK = {
    "type": "interrupted",
    "code": "stream_incomplete",
    "message": "the stream ended with [DONE], and no chunk came before it",
}


class OpenAIChatDecoder(Decoder):
    """Chat Completions, streamed or as one document.

    The choices of a request with `n` > 1, or with an unknown `n`, are told apart by `index`; with `n` = 1 every choice
    is choice 0, as some servers count the index up from chunk to chunk. A whole `chat.completion` document is a stream
    of one chunk, and complete. `details` gets the fields of _KEPT_FIELDS, _FLAGS and _KEPT_CHOICE_FIELDS, `error`
    (the provider's error as it came) and `audio_expires_at`.
    """

    protocol: ClassVar[str] = "openai_chat"
    finish_reasons: ClassVar[Mapping[str, str]] = {
        "stop": "stop",
        "end": "stop",  # gateways
        "eos": "stop",  # Together
        "eos_token": "stop",  # Text Generation Inference, watsonx
        "length": "length",
        "max_tokens": "length",
        "model_length": "length",  # Mistral
        "model_context_window_exceeded": "length",  # Z.ai
        "tool_calls": "tool_calls",
        "function_call": "tool_calls",  # deprecated: openai.types.chat.chat_completion_chunk.Choice
        "content_filter": "content_filter",
        "sensitive": "content_filter",  # Z.ai
        "refusal": "content_filter",  # gateways in front of Anthropic
    }
    calls_have_close: ClassVar[bool] = False

    def __init__(self, quirks: Quirks = NO_QUIRKS, *, n: int | None = None) -> None:
        super().__init__(quirks, n=n)
        self._single = n is not None and n <= 1
        self._messages: dict[int, Message] = {}
        self._unknown_head = {"message_id": "id", "model": "model"}
        """What the message has not yet said about itself: field of the completion -> field of the chunk."""
        self._chunks = self._is_document = False
        self._done = False
        self._failing: str | None = None
        self._has_usage = self._has_main_usage = False
        self._citations: list[JSON] = []
        self._search_results: list[JSON] = []

    # -- what the base class calls

    def on_json(self, name: str, payload: JSON) -> None:
        if not isinstance(payload, dict):
            self._on_no_object(name, payload)
            return
        if choices := payload.get("choices"):
            self._chunks = True
            for choice in choices if isinstance(choices, list) else [choices]:
                self._on_choice(choice)
        elif not self._is_chunk(name, payload):
            return
        if self._unknown_head:
            self._identify(payload)
        if (usage := payload.get("usage")) is not None:
            self._on_usage(usage, main=True)
        if not payload.keys() <= _PLAIN_CHUNK:
            self._on_further_fields(name, payload)

    def on_document(self, payload: JSON) -> None:
        """A `chat.completion`, or a JSON error (also as the only item of a list); anything else is no answer."""
        body = payload[0] if isinstance(payload, list) and payload else payload
        if isinstance(body, dict):
            choices = body.get("choices")
            if choices and isinstance(choices, list):
                # a chunk can be a whole document too, when the rest was lost; only a message says that it is all
                self._is_document = any(isinstance(c, dict) and isinstance(c.get("message"), dict) for c in choices)
                self.on_json("", body)
                return
            if body.get("error") or is_flat_error("", body):
                self.on_json("", body)
        if not self.failed:
            text = compact(payload, self.note)
            message = f"the body is one JSON document, but no chat completion: {text[:200]}"
            self.fail(code="not_a_stream", message=message, type="protocol")

    def on_done(self) -> None:
        self._done = True
        self._see_terminal()

    def settle_parts(self) -> None:
        """Sources come last, as each chunk brings all of them again."""
        for message in self._messages.values():
            message.settle()
        if sources := self._sources():
            self._citations.clear()
            self._search_results.clear()
            self._message(0).start("citation", citations=sources)

    def settle(self) -> None:
        """An error reason waits for an error object."""
        if self._failing is not None and not self.failed:
            text = f"generation ended with finish_reason {self._failing!r}"
            self.fail(code=self._failing, message=text, type=_FAILING_REASONS[self._failing])
        self._see_terminal()

    def end(self, error: JSONObject | None = None) -> list[Delta]:
        """As `Decoder.end`. `[DONE]` alone is no answer: better interrupted than an empty success."""
        return super().end(_NO_CHUNK if error is None and self._done and not self._chunks else error)

    def arguments_are_whole(self, part: Position, arguments: str, choice: int) -> bool:
        """The input of a custom tool is free text."""
        return part in self._messages[choice].calls.free or super().arguments_are_whole(part, arguments, choice)

    def _is_whole(self, part: Position, choice: int, *, last: bool) -> bool:
        """A call whose name never came cannot be run."""
        return bool(self.folder.get(part, "name", choice)) and super()._is_whole(part, choice, last=last)

    # -- choices

    def _on_choice(self, choice: JSON) -> None:
        if not isinstance(choice, dict):
            self.note("malformed_field", f"choices: {type(choice).__name__}")
            return
        index = choice.get("index")
        number = 0 if self._single or type(index) is not int or index < 0 else index
        message = self._messages.get(number) or self._message(number)
        delta = choice.get("delta")
        if isinstance(delta, dict):
            content = delta.get("content")
            if isinstance(content, str) and delta.keys() <= _TEXT_DELTA:
                if content:
                    message.text(content)
            else:
                message.delta(delta)
        elif isinstance(whole := choice.get("message"), dict):
            if message.parts == 0:  # the whole message at once; later it repeats the deltas
                message.delta(whole)
        elif delta is not None:
            self.note("malformed_field", f"delta: {type(delta).__name__}")
        if reason := choice.get("finish_reason"):
            self._on_finish_reason(reason, number)
        if not choice.keys() <= _PLAIN_CHOICE:
            self._on_further_choice_fields(choice, number)

    def _message(self, number: int) -> Message:
        """The message of a choice, a new one if need be."""
        if number not in self._messages:
            self._messages[number] = Message(self, number)
            self._see_terminal()
        return self._messages[number]

    def _on_finish_reason(self, reason: JSON, number: int) -> None:
        """The first that says something counts; servers repeat it, with usage or on every chunk (recordings)."""
        if not isinstance(reason, str):
            self.note("malformed_field", f"finish_reason: {type(reason).__name__}")
            return
        first = self._raw_reasons.get(number)
        if first is None:
            self.finish(reason, number)
            self._see_terminal()
            if reason in _FAILING_REASONS and self._failing is None:
                self._failing = reason
        elif first != reason:
            self.note("further_finish_reason", f"choice {number}: {reason}")

    def _see_terminal(self) -> None:
        """The stream is whole when all its choices have a reason, or at `[DONE]` when there was an answer at all."""
        finished = bool(self._messages) and self._messages.keys() <= self._raw_reasons.keys()
        self.terminal = finished or (self._done and self._chunks) or self._is_document

    def _on_further_choice_fields(self, choice: JSONObject, number: int) -> None:
        if (usage := choice.get("usage")) is not None:  # Moonshot
            self._on_usage(usage, main=False)
        if error := choice.get("error"):  # OpenRouter
            self._on_error(error, choice)
        if number == 0:
            self._keep(choice, _KEPT_CHOICE_FIELDS)
        self.check_fields("choice", choice, _CHOICE_FIELDS)

    # -- the other fields of a chunk

    def _is_chunk(self, name: str, payload: JSONObject) -> bool:
        """Whether an event without choices is a chunk all the same, and no error or something unknown."""
        if is_flat_error(name, payload):
            self._on_error(payload, payload)
            return False
        if not payload.keys() & _SAYING:
            self.note("unknown_event", name or ", ".join(sorted(payload)))
            return False
        self._chunks = self._chunks or not payload.keys().isdisjoint(("choices", "usage"))
        return True

    def _identify(self, payload: JSONObject) -> None:
        """The first id and model that are not empty: Azure's first chunk has neither (recording)."""
        said = {name: value for name, field in self._unknown_head.items() if (value := word(payload.get(field)))}
        if said:
            self.emit("start", value=said)
            self._unknown_head = {name: field for name, field in self._unknown_head.items() if name not in said}

    def _on_usage(self, usage: JSON, *, main: bool) -> None:
        """Usage is a running total, the last one counts. main: in its own place, which outranks all others."""
        if not isinstance(usage, dict):
            self.note("malformed_field", f"usage: {type(usage).__name__}")
            return
        counts = usage_counts(usage, zero_is_unknown=self.quirks.zero_usage_is_unknown)
        says_more = any(count is not None for count in counts.values()) or not self._has_usage
        if usage and says_more and (main or not self._has_main_usage):
            self._has_usage, self._has_main_usage = True, main
            self.usage(usage, **counts)

    def _on_further_fields(self, name: str, payload: JSONObject) -> None:
        groq = payload.get("x_groq")
        if isinstance(groq, dict):
            if groq.get("usage") is not None:
                self._on_usage(groq["usage"], main=False)
            if groq.get("error"):  # "why a stream was stopped early": groq.types.chat.chat_completion_chunk.XGroq
                self._on_error(groq["error"], payload)
        for field, sources in (("citations", self._citations), ("search_results", self._search_results)):
            if isinstance(payload.get(field), list):
                sources[:] = payload[field]  # Perplexity sends all of them with every chunk
        self._keep(payload, _KEPT_FIELDS)
        self.details.update((name, payload[name]) for name in _FLAGS if payload.get(name))
        if error := payload.get("error"):
            self._on_error(error, payload)
        status = payload.get("base_resp")
        if isinstance(status, dict) and status.get("status_code"):  # MiniMax: 0 is success
            self._on_error(status, payload)
        self.check_fields(f"event {name}" if name else "chunk", payload, _CHUNK_FIELDS)

    def _on_error(self, error: JSON, around: JSONObject) -> None:
        self.details.setdefault("error", error)
        self.fail(**error_fields(error, around, self.note))

    def _on_no_object(self, name: str, payload: JSON) -> None:
        """`data: null` and the like: nothing to lose, unless the event is named an error."""
        if name == "error":
            self._on_error(payload, {})
        else:
            self.note("not_an_object", compact(payload, self.note)[:200])

    def _keep(self, value: JSONObject, fields: frozenset[str]) -> None:
        for name in value.keys() & fields:
            if value[name] not in (None, {}, []):
                self.details[name] = value[name]

    def _sources(self) -> list[JSON]:
        """Perplexity's search results, and those of its (or xAI's) citations, which are addresses, not among them."""
        known = {
            url for result in self._search_results if isinstance(result, dict) and (url := word(result.get("url")))
        }
        return [
            *self._search_results,
            *(url for url in self._citations if not isinstance(url, str) or url not in known),
        ]
