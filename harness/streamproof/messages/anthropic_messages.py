"""Anthropic Messages: one `assistant` message with the turn's blocks in their order.

Form: anthropic.types.MessageParam, anthropic.types.beta.BetaContentBlockParam. What goes back:
https://platform.claude.com/docs/en/build-with-claude/extended-thinking ("pass thinking blocks back"), thinking with its
signature and redacted thinking before the call that they led to; server tools and their results as they came.

Left out, as the API refuses them:

* thinking without a signature (cut before it came), except for the providers in `_UNSIGNED`
* thinking that ends the message ("the final block in an assistant message cannot be `thinking`"): nothing follows it
* text of whitespace alone ("text content blocks must contain non-whitespace text")
* a server tool's call without its result, unless the turn goes on (`pause_turn`, or client tools are asked first)
* blocks that were cut, and unknown blocks whose deltas we cannot join
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..completion import (
    Part,
    ReasoningPart,
    ServerToolPart,
    TextPart,
    ToolCallPart,
    UnknownPart,
)
from ..decoders.blocks import objects
from ..jsontext import JSON, JSONObject
from .turn import Answer, Maker, PartsWriter, object_of, parsed

_UNSIGNED = frozenset({"deepseek", "zai", "minimax"})
"""Providers whose endpoints want thinking back that they have not signed: DeepSeek
(https://api-docs.deepseek.com/guides/thinking_mode), Z.ai (https://docs.z.ai/guides/capabilities/thinking-mode:
"thinking blocks should be explicitly preserved and returned"), MiniMax, whose guides ask for all of `content`."""

_THINKING = ("thinking", "redacted_thinking")
_GOES_ON = ("pause_turn", "tool_calls")


class AnthropicWriter(PartsWriter):
    """A turn as an `assistant` message."""

    def turn(self) -> list[JSONObject]:
        """The message, or nothing when no block is left."""
        blocks = self.pieces()
        if self.completion.finish_reason not in _GOES_ON or self.completion.status != "complete":
            answered = [block.get("tool_use_id") for block in blocks]
            blocks = [block for block in blocks if not _is_server_call(block) or block.get("id") in answered]
        while blocks and blocks[-1]["type"] in _THINKING:
            blocks.pop()
        return [{"role": "assistant", "content": blocks}] if blocks else []

    @staticmethod
    def results(answers: list[Answer]) -> list[JSONObject]:
        """One user message with all results."""
        return [{"role": "user", "content": [_result(answer) for answer in answers]}]

    def _text(self, part: TextPart) -> dict[str, JSON] | None:
        if not part.text.strip():
            return None
        citations = {"citations": list(part.annotations)} if part.annotations else {}
        return {"type": "text", "text": part.text, **citations}

    def _reasoning(self, part: ReasoningPart) -> dict[str, JSON] | None:
        if part.encrypted is not None:
            return {"type": "redacted_thinking", "data": part.encrypted}
        if part.signature:
            return {"type": "thinking", "thinking": part.text, "signature": part.signature}
        return {"type": "thinking", "thinking": part.text} if self.provider in _UNSIGNED else None

    def _tool_use(self, part: ToolCallPart) -> dict[str, JSON] | None:
        call = self.whole_call(part)
        if call is None:
            return None
        fields = {"type": "tool_use", "id": call.id or "", "name": call.name, "input": parsed(call.arguments)}
        return {**fields, **(part.extra or {})}

    def _raw(self, part: ServerToolPart | UnknownPart) -> dict[str, JSON] | None:
        """A block as it came. Text in the place of `input` is JSON that was cut."""
        data = object_of(part.data)
        if data is None or not isinstance(data.get("type"), str) or isinstance(data.get("input"), str):
            return None
        return _joined(data) if "deltas" in data else data

    makers: ClassVar[Mapping[type[Part], Maker]] = {
        TextPart: _text,
        ReasoningPart: _reasoning,
        ToolCallPart: _tool_use,
        ServerToolPart: _raw,
        UnknownPart: _raw,
    }


def _result(answer: Answer) -> JSONObject:
    return {"type": "tool_result", "tool_use_id": answer.call.id or "", "content": answer.output}


def _joined(data: JSONObject) -> dict[str, JSON] | None:
    """A block with its deltas in their places: a compaction's, which has to go back with all its fields."""
    block = {name: value for name, value in data.items() if name != "deltas"}
    for delta in objects(data["deltas"]):
        fields = _DELTA_FIELDS.get(str(delta.get("type")))
        if fields is None:
            return None
        block |= {name: delta[name] for name in fields if delta.get(name) is not None}
    return block


_DELTA_FIELDS: Mapping[str, tuple[str, ...]] = {
    "compaction_delta": ("content", "encrypted_content"),
    "signature_delta": ("signature",),
}


def _is_server_call(block: JSONObject) -> bool:
    return block["type"] != "tool_use" and str(block["type"]).endswith("tool_use")
