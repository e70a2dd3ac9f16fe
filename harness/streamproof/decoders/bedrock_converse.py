"""Bedrock Converse: the events of a ConverseStream, a whole Converse response, an error body.

Sources: botocore's bedrock-runtime model (ConverseStreamOutput, ConverseResponse), recordings of ConverseStream. The
reader has opened the frames: an event's name is the frame's `:event-type`, its payload the JSON without an envelope.

What differs from Anthropic's own events: text and reasoning blocks have no start, one union key of a delta tells its
kind; `metadata` with the usage comes after `messageStop`; there is no message id and no model; `p` is padding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeAlias

from ..jsontext import JSON, JSONObject
from .base import NO_QUIRKS, Handler, Quirks
from .blocks import (
    RAW_KINDS,
    Block,
    BlockDecoder,
    arguments_text,
    index_text,
    objects,
    shape_text,
    text_or_none,
    total,
)

_PADDING = "p"
_DETAILS = ("additionalModelResponseFields", "metrics", "trace", "performanceConfig", "serviceTier")
_DELTA_FIELDS = frozenset({"contentBlockIndex", "delta", _PADDING})
_EVENT_FIELDS: Mapping[str, frozenset[str]] = {
    "messageStart": frozenset({"role", _PADDING}),
    "contentBlockStart": frozenset({"contentBlockIndex", "start", _PADDING}),
    "contentBlockStop": frozenset({"contentBlockIndex", _PADDING}),
    "messageStop": frozenset({"stopReason", _PADDING, *_DETAILS}),
    "metadata": frozenset({"usage", _PADDING, *_DETAILS}),
}
_DOCUMENT_FIELDS = frozenset({"output", "stopReason", "usage", *_DETAILS})


class BedrockConverseDecoder(BlockDecoder):
    """Converse events to deltas.

    Usage: `inputTokens` excludes cache reads and writes ("total input tokens = inputTokens + cacheReadInputTokens +
    cacheWriteInputTokens", https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html), so they are
    added; `totalTokens` is left alone. Some models behind Converse deviate: openai.gpt-5.6 streams an inclusive
    `inputTokens` (maximhq/bifrost#6942), which its numbers alone do not show. `redactedContent` stays as it is on the
    wire: base64 of what is base64 already.
    """

    protocol: ClassVar[str] = "bedrock_converse"
    bad_call_reasons = frozenset({"malformed_tool_use", "malformed_model_output"})

    def __init__(self, quirks: Quirks = NO_QUIRKS, *, n: int | None = None) -> None:
        super().__init__(quirks, n=n)
        self._started = False

    def on_json(self, name: str, payload: JSON) -> None:
        if self.over:
            return
        if name == "contentBlockDelta" and type(payload) is dict:
            delta = payload.get("delta")
            if type(delta) is dict and len(delta) == 1 and "text" in delta:
                self._take_text(payload.get("contentBlockIndex"), delta["text"])
            else:
                self._on_delta(payload)
            self.check_fields(name, payload, _DELTA_FIELDS)
        else:
            self._on_event(name, payload)

    def on_document(self, payload: JSON) -> None:
        output = payload.get("output") if isinstance(payload, dict) else None
        message = output.get("message") if isinstance(output, dict) else None
        if isinstance(message, dict) or (isinstance(payload, dict) and "stopReason" in payload):
            self._on_response(payload, message if isinstance(message, dict) else {})
        elif isinstance(payload, dict) and _error_text(payload) is not None:
            self._fail(payload)
        else:
            message = f"the body is no Converse stream but {shape_text(payload)}"
            self.fail(code="not_a_stream", message=message, type="protocol")

    # -- events

    def _on_event(self, name: str, payload: JSON) -> None:
        if not isinstance(payload, dict):
            self.note("malformed_event", f"{name}: {shape_text(payload)}")
        elif name in _HANDLERS:
            _HANDLERS[name](self, payload)
            self._check_event(name, payload)
        elif payload.get("error") is not None:
            self._fail(payload)
        else:
            self.note("unknown_event", name or "an event without a name")

    def _fail(self, payload: JSONObject) -> None:
        word = _error_word(payload)
        lowered = (
            word[:1].lower() + word[1:] if word else None
        )  # HTTP says ThrottlingException, the stream throttling...
        self.fail(code=word, message=_error_text(payload) or "", words=(lowered,), said=payload.get("error"))

    def _check_event(self, name: str, payload: JSONObject) -> None:
        self.check_fields(name, payload, _EVENT_FIELDS[name])

    def _on_message_start(self, payload: JSONObject) -> None:
        if self._started and (self.terminal or self.blocks.all()):
            self.begin_second_cycle("messageStart")
        elif self._started:
            self.note("duplicate_message_start", "messageStart")
        self._started = True

    def _on_message_stop(self, payload: JSONObject) -> None:
        self.terminal = True
        self._on_stop_reason(payload)
        self.keep(payload, _DETAILS)

    def _on_metadata(self, payload: JSONObject) -> None:
        self._on_usage(payload.get("usage"))
        self.keep(payload, _DETAILS)

    def _on_stop_reason(self, payload: JSONObject) -> None:
        reason = payload.get("stopReason")
        if isinstance(reason, str):
            self.finish(reason)
        elif reason is not None:
            self.note("malformed_event", f"stopReason is {shape_text(reason)}")

    def _on_usage(self, raw: JSON) -> None:
        if not isinstance(raw, dict):
            if raw is not None:
                self.note("malformed_event", f"usage is {shape_text(raw)}")
            return
        read, written = self.count(raw, "cacheReadInputTokens"), self.count(raw, "cacheWriteInputTokens")
        self.usage(
            raw,
            input_tokens=total(self.count(raw, "inputTokens"), read, written),
            output_tokens=self.count(raw, "outputTokens"),
            cached_input_tokens=read,
            cache_write_tokens=written,
        )

    def _on_stop_block(self, payload: JSONObject) -> None:
        self.stop_block(payload.get("contentBlockIndex"))

    # -- blocks

    def _on_start(self, payload: JSONObject) -> None:
        index, start = payload.get("contentBlockIndex"), payload.get("start")
        if not isinstance(start, dict):
            self.note("malformed_event", f"the start at {index_text(index)} is {shape_text(start)}")
            return
        for word, body in start.items():
            if word in _STARTERS and isinstance(body, dict):
                _STARTERS[word](self, index, body)
            else:
                self.start_raw(index, "unknown", word, {word: body})

    def _start_tool_use(self, index: JSON, body: JSONObject) -> Block:
        call_id, name = text_or_none(body.get("toolUseId")), text_or_none(body.get("name"))
        if body.get("type") == "server_tool_use":
            return self.start_raw(index, "server_tool", "server_tool_use", body, call_id)
        fields = {"type": "tool_call", "call_id": call_id, "name": name or "", "arguments": ""}
        return self.start_block(index, "tool_call", body, fields)

    def _start_tool_result(self, index: JSON, body: JSONObject) -> Block:
        block = self.start_raw(index, "server_tool", text_or_none(body.get("type")) or "toolResult", body)
        block.deltas_name = "content"
        return block

    def _start_image(self, index: JSON, body: JSONObject) -> Block:
        return self._start_media(index, "image", body)

    def _start_media(self, index: JSON, family: str, body: JSONObject) -> Block:
        """An image, audio, video or document block; its source is {bytes} (base64) or {s3Location: {uri}}."""
        form = text_or_none(body.get("format"))
        fields = {"type": "media", "media_type": f"{family}/{form}" if form else family}
        block = self.start_block(index, "media", body, fields)
        self._take_source(block, body)
        return block

    def _take_source(self, block: Block, body: JSONObject) -> None:
        source, error = body.get("source"), body.get("error")
        if isinstance(source, dict):
            self.append(block, "data", source.get("bytes"))
            place = source.get("s3Location")
            if isinstance(place, dict):
                self.append(block, "url", place.get("uri"))
        if isinstance(error, dict):
            self.note("media_error", text_or_none(error.get("message")) or "")

    # -- deltas

    def _on_delta(self, payload: JSONObject) -> None:
        index, delta = payload.get("contentBlockIndex"), payload.get("delta")
        if not isinstance(delta, dict):
            self.note("malformed_event", f"the delta at {index_text(index)} is {shape_text(delta)}")
            return
        for word, value in delta.items():
            taker = _TAKERS.get(word)
            if taker is None:
                self._keep_unknown(index, word, value)
            else:
                taker(self, index, value)

    def _take_text(self, index: JSON, text: JSON) -> None:
        block = self.blocks.newest.get(index) if type(index) is int else None
        if block is None or block.kind != "text":
            block = self._block(index, "text", {"type": "text", "text": ""})
        self.append(block, "text", text)

    def _block(self, index: JSON, kind: str, fields: dict[str, Any]) -> Block:
        """The block that a delta of this kind means; it starts here when none is there, as Converse has it."""
        return self.blocks.find(index, kind) or self.start_block(index, kind, {}, fields)

    def _take_reasoning(self, index: JSON, value: JSON) -> None:
        if not isinstance(value, dict):
            self.note("malformed_delta", f"reasoningContent at {index_text(index)} is {shape_text(value)}")
            return
        for word, piece in value.items():
            if word in _REASONING:
                kind, field, fields = _REASONING[word]
                self.append(self._block(index, kind, dict(fields)), field, piece)
            else:
                self._keep_unknown(index, f"reasoningContent.{word}", piece)

    def _take_tool_use(self, index: JSON, value: JSON) -> None:
        text = arguments_text(value.get("input") if isinstance(value, dict) else None)
        block = self.blocks.find(index, "tool_call", "server_tool", "orphan")
        if block is None:
            self.note("delta_without_block", f"toolUse at {index_text(index)}")
            block = self.start_raw(index, "orphan", "toolUse", {})
        if block.kind == "tool_call":
            self.append(block, "arguments", text)
        else:
            self.keep_json(block, text)

    def _take_tool_result(self, index: JSON, value: JSON) -> None:
        block = self.blocks.find(index, "server_tool") or self._start_tool_result(index, {})
        for item in value if isinstance(value, list) else [value]:
            self.keep_delta(block, item)

    def _take_citation(self, index: JSON, value: JSON) -> None:
        if isinstance(value, dict):
            block = self._block(index, "text", {"type": "text", "text": ""})
            self.emit("append", block.part, "annotations", [value])
        else:
            self.note("malformed_delta", f"the citation at {index_text(index)} is {shape_text(value)}")

    def _take_image(self, index: JSON, value: JSON) -> None:
        if isinstance(value, dict):
            self._take_source(self._block(index, "media", {"type": "media", "media_type": "image"}), value)
        else:
            self.note("malformed_delta", f"the image at {index_text(index)} is {shape_text(value)}")

    def _keep_unknown(self, index: JSON, word: str, value: JSON) -> None:
        """A delta of a type that we do not know: an unknown block keeps it, a known one stays as it is."""
        newest = next(reversed(self.blocks.at(index)), None)
        if newest is None:
            newest = self.start_raw(index, "unknown", word, {})
        if newest.kind in RAW_KINDS:
            self.keep_delta(newest, {word: value})
        else:
            self.note("unknown_delta", f"{word} of block {newest.part}")

    # -- a whole response

    def _on_response(self, payload: JSONObject, message: JSONObject) -> None:
        content = message.get("content")
        for item in content if isinstance(content, list) else []:
            self._on_whole_block(item)
        self._on_stop_reason(payload)
        self.terminal = self.terminal or text_or_none(payload.get("stopReason")) is not None
        self._on_usage(payload.get("usage"))
        self.keep(payload, _DETAILS)
        self.check_fields("response", payload, _DOCUMENT_FIELDS)

    def _on_whole_block(self, item: JSON) -> None:
        """A ContentBlock: a union, its one key tells what it is."""
        if not isinstance(item, dict):
            self.note("malformed_event", f"a block is {shape_text(item)}")
            return
        for word, value in item.items():
            if word == "text":
                block = self._whole_text(value, [])
            elif word == "citationsContent" and isinstance(value, dict):
                pieces = [text_or_none(piece.get("text")) or "" for piece in objects(value.get("content"))]
                block = self._whole_text("".join(pieces), objects(value.get("citations")))
            elif word == "reasoningContent" and isinstance(value, dict):
                block = self._whole_reasoning(value)
            elif word in _WHOLE and isinstance(value, dict):
                block = _WHOLE[word](self, None, value)
            elif word in _MEDIA and isinstance(value, dict):
                block = self._start_media(None, _MEDIA[word], value)
            else:
                block = self.start_raw(None, "unknown", word, {word: value})
            self.close_block(block)

    def _whole_text(self, text: JSON, citations: list[dict[str, Any]]) -> Block:
        block = self.start_block(None, "text", {}, {"type": "text", "text": ""})
        self.append(block, "text", text)
        if citations:
            self.emit("append", block.part, "annotations", citations)
        return block

    def _whole_reasoning(self, value: JSONObject) -> Block:
        told = value.get("reasoningText")
        pieces = told if isinstance(told, dict) else value
        word = "redactedContent" if "redactedContent" in value else "text"
        kind, _, fields = _REASONING[word]
        block = self.start_block(None, kind, {}, dict(fields))
        for name in ("redactedContent",) if kind == "redacted" else ("text", "signature"):
            self.append(block, _REASONING[name][1], pieces.get(name))
        return block


def _error_text(payload: JSONObject) -> str | None:
    """The message of an error body: AWS {"message"}, also capitalized, or {"error": {"message"}}."""
    error = payload.get("error")
    if isinstance(error, dict):
        return text_or_none(error.get("message")) or ""
    words = (error, payload.get("message"), payload.get("Message"))
    return next((text for text in map(text_or_none, words) if text), None)


def _error_word(payload: JSONObject) -> str | None:
    """The error's type: `__type`, perhaps with a namespace before `#`."""
    error = payload.get("error")
    body = error if isinstance(error, dict) else payload
    words = map(text_or_none, (body.get("__type"), body.get("code"), body.get("type")))
    word = next((word for word in words if word), None)
    return None if word is None else word.rpartition("#")[2]


_THINKING: Mapping[str, Any] = {"type": "reasoning", "text": ""}
_REASONING: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "text": ("thinking", "text", _THINKING),
    "signature": ("thinking", "signature", _THINKING),
    "redactedContent": ("redacted", "encrypted", {**_THINKING, "kind": "redacted"}),
}
"""Key of a reasoning delta -> kind of block, field of the part, what the part starts with."""

_MEDIA: Mapping[str, str] = {"image": "image", "video": "video", "audio": "audio", "document": "application"}

_HANDLERS: Mapping[str, Handler] = {
    "messageStart": BedrockConverseDecoder._on_message_start,
    "contentBlockStart": BedrockConverseDecoder._on_start,
    "contentBlockStop": BedrockConverseDecoder._on_stop_block,
    "messageStop": BedrockConverseDecoder._on_message_stop,
    "metadata": BedrockConverseDecoder._on_metadata,
}
_Starter: TypeAlias = Callable[[BedrockConverseDecoder, JSON, JSONObject], Block]
_STARTERS: Mapping[str, _Starter] = {
    "toolUse": BedrockConverseDecoder._start_tool_use,
    "toolResult": BedrockConverseDecoder._start_tool_result,
    "image": BedrockConverseDecoder._start_image,
}
_WHOLE: Mapping[str, _Starter] = {
    "toolUse": BedrockConverseDecoder._start_tool_use,
    "toolResult": BedrockConverseDecoder._start_tool_result,
}
_TAKERS: Mapping[str, Callable[[BedrockConverseDecoder, JSON, JSON], None]] = {
    "text": BedrockConverseDecoder._take_text,
    "reasoningContent": BedrockConverseDecoder._take_reasoning,
    "toolUse": BedrockConverseDecoder._take_tool_use,
    "toolResult": BedrockConverseDecoder._take_tool_result,
    "citation": BedrockConverseDecoder._take_citation,
    "image": BedrockConverseDecoder._take_image,
}
