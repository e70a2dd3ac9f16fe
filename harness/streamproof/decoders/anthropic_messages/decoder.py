"""Anthropic Messages: the events of a streamed message, a whole message, an error body.

Sources: https://docs.anthropic.com/en/api/messages-streaming, anthropic.types (RawMessageStreamEvent and its beta
form), recordings of api.anthropic.com, of Bedrock and of servers that speak the protocol. InvokeModel on Bedrock
carries the same events in binary frames, which the reader has opened.

Decisions that the protocol leaves open:

* What an event is, its `type` says; the SSE event name counts only where there is no `type`.
* `message_start` twice with the same id is a gateway's duplicate (vercel/ai#18332, BerriAI/litellm#32478): it is
  noted, its usage merged. With another id, or after the terminal, a second message begins (vercel/ai#18331): the
  completion stays the first one, `interrupted` when that had not ended.
* A delta whose block never started, or is of another kind, starts a block of its own kind: no text is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

from ...jsontext import JSON, JSONObject
from ..base import NO_QUIRKS, Handler, Quirks
from ..blocks import (
    RAW_KINDS,
    Block,
    BlockDecoder,
    index_text,
    objects,
    shape_text,
    text_or_none,
    total,
)
from .errors import error_fields, read_error

_DETAILS = (
    "stop_sequence",
    "stop_details",
    "container",
    "context_management",
    "diagnostics",
    "input_transformations",
)
_PADDING = "p"  # Bedrock pads its events with it
_MESSAGE_FIELDS = frozenset(
    {"id", "type", "role", "content", "model", "stop_reason", "usage", "base_resp", "error", _PADDING, *_DETAILS}
)
_EVENT_FIELDS: Mapping[str, frozenset[str]] = {
    "message_start": frozenset({"type", "message", "error", _PADDING}),
    "message_delta": frozenset({"type", "delta", "usage", "error", _PADDING, *_DETAILS}),
    "message_stop": frozenset({"type", "usage", "error", _PADDING}),
    "content_block_start": frozenset({"type", "index", "content_block", "error", _PADDING}),
    "content_block_delta": frozenset({"type", "index", "delta", "error", _PADDING}),
    "content_block_stop": frozenset({"type", "index", "error", _PADDING}),
}
_BLOCK_FIELDS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"type", "text", "citations"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
    "tool_use": frozenset({"type", "id", "name", "input", "caller", "toolset_name"}),
}
_SERVER_BLOCKS = frozenset({"server_tool_use", "mcp_tool_use", "mcp_tool_listing", "container_upload"})
"""Besides these, every `..._tool_result`."""


class _Rule(NamedTuple):
    """How a delta is taken. kind: of block that it belongs to. source: its key. field: of the part."""

    kind: str
    source: str
    field: str


_DELTAS: Mapping[str, _Rule] = {
    "text_delta": _Rule("text", "text", "text"),
    "citations_delta": _Rule("text", "citation", "annotations"),
    "thinking_delta": _Rule("thinking", "thinking", "text"),
    "signature_delta": _Rule("thinking", "signature", "signature"),
    "input_json_delta": _Rule("tool_call", "partial_json", "arguments"),
}


class AnthropicMessagesDecoder(BlockDecoder):
    """Messages events to deltas.

    Usage: every field is a running total over `message_start` and `message_delta`; `input_tokens` excludes cache
    reads and writes on the wire ("Total input tokens in a request is the summation of input_tokens,
    cache_creation_input_tokens, and cache_read_input_tokens", anthropic.types.MessageDeltaUsage).
    """

    protocol: ClassVar[str] = "anthropic_messages"

    def __init__(self, quirks: Quirks = NO_QUIRKS, *, n: int | None = None) -> None:
        super().__init__(quirks, n=n)
        self._started = False
        self._id: str | None = None
        self._model: str | None = None
        self._raw_usage: dict[str, JSON] = {}
        self._counts: dict[str, int] = {}

    def on_json(self, name: str, payload: JSON) -> None:
        if self.over:
            return
        if type(payload) is dict and payload.get("type") == "content_block_delta":
            self._on_block_delta(payload)
            if len(payload) != 3:
                self._check_event("content_block_delta", payload)
        else:
            self._on_event(name, payload)

    def on_document(self, payload: JSON) -> None:
        if isinstance(payload, list) and len(payload) == 1:
            payload = payload[0]  # Vertex wraps the error of a streaming endpoint into an array
        if not isinstance(payload, dict):
            self._not_a_stream(payload)
        elif payload.get("type") == "message" or ("content" in payload and "stop_reason" in payload):
            self._on_message(payload)
        elif payload.get("type") is None and text_or_none(payload.get("message")):
            self.fail(**error_fields(payload))  # AWS: the body of an HTTP error
        elif not self._on_error("", payload):
            self._not_a_stream(payload)

    # -- events

    def _on_event(self, name: str, payload: JSON) -> None:
        if not isinstance(payload, dict):
            if name == "error":
                self.fail(message=text_or_none(payload) or "an error event without an error object")
            else:
                self.note("malformed_event", f"{name}: {shape_text(payload)}")
            return
        word = payload.get("type")
        kind = word if isinstance(word, str) else name
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, payload)
            self._check_event(kind, payload)
        elif not self._on_error(kind, payload) and kind != "ping":
            self.note("unknown_event", kind or "an event without a type")

    def _check_event(self, kind: str, payload: JSONObject) -> None:
        """What an event holds besides what its handler took."""
        self._on_error(kind, payload)
        known = _EVENT_FIELDS[kind]
        if payload.keys() <= known:
            return
        bedrock = tuple(name for name in payload if name.startswith("amazon-bedrock-"))
        self.keep(payload, bedrock)  # invocation metrics and guardrail action; their counts are not the usage
        self.check_fields(kind, payload, known.union(bedrock, ("base_resp",)))

    def _on_message_start(self, payload: JSONObject) -> None:
        message = payload.get("message")
        if not isinstance(message, dict):
            self.note("malformed_event", f"message_start: the message is {shape_text(message)}")
            return
        if self._started:
            message_id = text_or_none(message.get("id"))
            same = message_id == self._id if message_id and self._id else not self.blocks.all()
            if self.terminal or not same:
                self.begin_second_cycle(f"message_start {message_id}")
                return
            self.note("duplicate_message_start", str(message_id))
        self._on_message(message)

    def _on_message_delta(self, payload: JSONObject) -> None:
        delta = payload.get("delta")
        if isinstance(delta, dict):
            self._on_stop(delta)
            self.check_fields("message_delta.delta", delta, _MESSAGE_FIELDS)
        elif delta is not None:
            self.note("malformed_event", f"message_delta: the delta is {shape_text(delta)}")
        self.keep(payload, _DETAILS)
        self._on_usage(payload.get("usage"))

    def _on_message_stop(self, payload: JSONObject) -> None:
        self.terminal = True
        self._on_usage(payload.get("usage"))

    def _on_block_start(self, payload: JSONObject) -> None:
        self._start(payload.get("index"), payload.get("content_block"))

    def _on_block_stop(self, payload: JSONObject) -> None:
        self.stop_block(payload.get("index"))

    # -- the message

    def _on_message(self, message: JSONObject) -> None:
        """A message as it starts, or whole: its blocks, if it has any yet, are closed."""
        self._started = True
        told = self._id or text_or_none(message.get("id")), self._model or text_or_none(message.get("model"))
        if told != (self._id, self._model):
            self._id, self._model = told
            self.emit("start", value={"message_id": self._id, "model": self._model})
        if not self.blocks.all():
            self._on_content(message.get("content"))
        elif message.get("content"):
            self.note("content_ignored", "message_start has content, but blocks have come before it")
        self._on_stop(message)
        self._on_usage(message.get("usage"))
        self._on_error("", message)
        self.check_fields("message", message, _MESSAGE_FIELDS)

    def _on_content(self, content: JSON) -> None:
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        if not isinstance(content, list):
            if content is not None:
                self.note("malformed_event", f"the content is {shape_text(content)}")
            return
        for item in content:
            block = self._start(None, item)
            if block is not None:
                self.close_block(block)

    def _on_stop(self, source: JSONObject) -> None:
        reason = source.get("stop_reason")
        if isinstance(reason, str):
            self.terminal = self.terminal or bool(reason)
            self.finish(reason)
        elif reason is not None:
            self.note("malformed_event", f"stop_reason is {shape_text(reason)}")
        self.keep(source, _DETAILS)

    def _on_usage(self, raw: JSON) -> None:
        if raw is None:
            return
        if not isinstance(raw, dict):
            self.note("malformed_event", f"usage is {shape_text(raw)}")
            return
        for name, value in raw.items():
            if value is not None or name not in self._raw_usage:
                self._raw_usage[name] = value
        details = raw.get("output_tokens_details")
        sources = {**dict.fromkeys(_COUNTS, raw), "thinking_tokens": details if isinstance(details, dict) else {}}
        for name, source in sources.items():
            value = self.count(source, name)
            if value is not None:
                self._counts[name] = value
        counts = self._counts.get
        read, written = counts("cache_read_input_tokens"), counts("cache_creation_input_tokens")
        self.usage(
            dict(self._raw_usage),
            input_tokens=total(counts("input_tokens"), read, written),
            output_tokens=counts("output_tokens"),
            cached_input_tokens=read,
            cache_write_tokens=written,
            reasoning_tokens=counts("thinking_tokens"),
        )

    # -- blocks

    def _start(self, index: JSON, block: JSON) -> Block | None:
        if not isinstance(block, dict):
            self.note("malformed_event", f"block at {index_text(index)} is {shape_text(block)}")
            return None
        word = block.get("type")
        word = word if isinstance(word, str) else ""
        starter = _STARTERS.get(word)
        if starter is not None:
            self.check_fields(word, block, _BLOCK_FIELDS[word])
            return starter(self, index, block)
        if word in _SERVER_BLOCKS or word.endswith("_tool_result"):
            return self.start_raw(index, "server_tool", word, block, block.get("id"))
        return self.start_raw(index, "unknown", word, block, block.get("id"))

    def _start_text(self, index: JSON, block: JSONObject) -> Block:
        started = self.start_block(index, "text", block, {"type": "text", "text": ""})
        self.append(started, "text", block.get("text"))
        citations = objects(block.get("citations"))
        if citations:
            self.emit("append", started.part, "annotations", citations)
        return started

    def _start_thinking(self, index: JSON, block: JSONObject) -> Block:
        started = self.start_block(index, "thinking", block, {"type": "reasoning", "text": ""})
        self.append(started, "text", block.get("thinking"))
        self.append(started, "signature", block.get("signature"))
        return started

    def _start_redacted(self, index: JSON, block: JSONObject) -> Block:
        fields = {"type": "reasoning", "text": "", "kind": "redacted"}
        started = self.start_block(index, "redacted", block, fields)
        self.append(started, "encrypted", block.get("data"))
        return started

    def _start_tool_use(self, index: JSON, block: JSONObject) -> Block:
        call_id, caller = text_or_none(block.get("id")), block.get("caller")
        fields: dict[str, JSON] = {
            "type": "tool_call",
            "call_id": call_id,
            "name": text_or_none(block.get("name")) or "",
            "arguments": "",
        }
        indirect = isinstance(caller, dict) and caller.get("type") != "direct"
        told = {"caller": caller if indirect else None, "toolset_name": block.get("toolset_name")}
        if extra := {name: value for name, value in told.items() if value is not None}:
            fields["extra"] = extra  # anthropic.types.ToolUseBlockParam
        return self.start_block(index, "tool_call", block, fields)

    def _on_block_delta(self, payload: JSONObject) -> None:
        delta, index = payload.get("delta"), payload.get("index")
        if type(delta) is not dict:
            self.note("malformed_event", f"the delta at {index_text(index)} is {shape_text(delta)}")
            return
        word = delta.get("type")
        rule = _DELTAS.get(word) if type(word) is str else None
        block = self.blocks.newest.get(index) if type(index) is int else None
        if rule is None or block is None or block.kind != rule.kind:
            self._on_stray_delta(index, word, delta, rule)
        else:
            self._take(block, rule, delta)

    def _take(self, block: Block, rule: _Rule, delta: JSONObject) -> None:
        piece = delta.get(rule.source)
        if rule.field != "annotations":
            self.append(block, rule.field, piece)
        elif isinstance(piece, dict):
            self.emit("append", block.part, "annotations", [piece])
        else:
            self.note("malformed_delta", f"the citation of block {block.part} is {shape_text(piece)}")
        if len(delta) != 2:
            self.check_fields("delta", delta, frozenset({"type", rule.source}))

    def _on_stray_delta(self, index: JSON, word: JSON, delta: JSONObject, rule: _Rule | None) -> None:
        """A delta for a block that is kept as it is, or not of the kind that the delta belongs to."""
        candidates = self.blocks.at(index)
        newest = candidates[-1] if candidates else None
        if rule is None and newest is not None and newest.kind not in RAW_KINDS:
            self.note("unknown_delta", f"{text_or_none(word)} of block {newest.part}")
        elif newest is not None and newest.kind in ("server_tool", "unknown"):
            if newest.kind == "server_tool" and word == "input_json_delta":
                self.keep_json(newest, delta.get("partial_json"))
            else:
                self.keep_delta(newest, delta)
        elif rule is not None and rule.kind != "tool_call":
            block = self.blocks.find(index, rule.kind) or self._start_implied(index, rule.kind)
            self._take(block, rule, delta)
        else:
            self._keep_orphan(index, word, delta)

    def _start_implied(self, index: JSON, kind: str) -> Block:
        self.note("delta_without_block", f"{kind} at {index_text(index)}")
        part_type = "text" if kind == "text" else "reasoning"
        return self.start_block(index, kind, {}, {"type": part_type, "text": ""})

    def _keep_orphan(self, index: JSON, word: JSON, delta: JSONObject) -> None:
        """A delta without a block that tells no part: JSON of a call without id and name, or a type we do not know.

        It becomes an `unknown` part and no tool call, which nobody could answer.
        """
        call = self.blocks.find(index, "tool_call", "server_tool", "orphan")
        if word == "input_json_delta" and call is not None and call.kind == "tool_call":
            self._take(call, _DELTAS["input_json_delta"], delta)
            return
        if call is None or call.kind != "orphan":
            self.note("delta_without_block", f"{text_or_none(word)} at {index_text(index)}")
            call = self.start_raw(index, "orphan", text_or_none(word) or "", {})
        self.keep_delta(call, delta)

    # -- errors

    def _on_error(self, kind: str, payload: JSONObject) -> bool:
        """Fail when the payload is, or holds, an error."""
        error = read_error(kind, payload)
        if error is not None:
            self.fail(**error)
        return error is not None

    def _not_a_stream(self, payload: JSON) -> None:
        message = f"the body is no message stream but {shape_text(payload)}"
        self.fail(code="not_a_stream", message=message, type="protocol")


_COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")

_HANDLERS: Mapping[str, Handler] = {
    "message_start": AnthropicMessagesDecoder._on_message_start,
    "message_delta": AnthropicMessagesDecoder._on_message_delta,
    "message_stop": AnthropicMessagesDecoder._on_message_stop,
    "content_block_start": AnthropicMessagesDecoder._on_block_start,
    "content_block_delta": AnthropicMessagesDecoder._on_block_delta,
    "content_block_stop": AnthropicMessagesDecoder._on_block_stop,
}

_STARTERS: Mapping[str, Callable[[AnthropicMessagesDecoder, JSON, JSONObject], Block]] = {
    "text": AnthropicMessagesDecoder._start_text,
    "thinking": AnthropicMessagesDecoder._start_thinking,
    "redacted_thinking": AnthropicMessagesDecoder._start_redacted,
    "tool_use": AnthropicMessagesDecoder._start_tool_use,
}
