"""Bedrock Converse: one `assistant` message with the turn's content blocks in their order.

Form: botocore's bedrock-runtime model (Message, ContentBlock), as JSON on the wire: bytes (`redactedContent`, pictures)
are the base64 text that came; boto3 wants them decoded. Claude behind Converse wants signed reasoning back before its
tool use, as on its own API: https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html.

Left out, as the API refuses them: reasoning without a signature, reasoning that ends the message, blank text, documents
(their name is not on the stream), and blocks that were cut or that we cannot join.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..completion import (
    MediaPart,
    Part,
    ReasoningPart,
    ServerToolPart,
    TextPart,
    ToolCallPart,
    UnknownPart,
)
from ..jsontext import JSON, JSONObject
from .turn import Answer, Maker, PartsWriter, object_of, parsed

_MEDIA = ("image", "video", "audio")


class ConverseWriter(PartsWriter):
    """A turn as an `assistant` message."""

    def turn(self) -> list[JSONObject]:
        """The message, or nothing when no block is left."""
        blocks = self.pieces()
        while blocks and "reasoningContent" in blocks[-1]:
            blocks.pop()
        return [{"role": "assistant", "content": blocks}] if blocks else []

    @staticmethod
    def results(answers: list[Answer]) -> list[JSONObject]:
        """One user message with all results."""
        return [{"role": "user", "content": [_result(answer) for answer in answers]}]

    def _text(self, part: TextPart) -> dict[str, JSON] | None:
        if not part.text.strip():
            return None
        if not part.annotations:
            return {"text": part.text}
        return {"citationsContent": {"content": [{"text": part.text}], "citations": list(part.annotations)}}

    def _reasoning(self, part: ReasoningPart) -> dict[str, JSON] | None:
        if part.encrypted is not None:
            return {"reasoningContent": {"redactedContent": part.encrypted}}
        if not part.signature:
            return None
        return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}

    def _tool_use(self, part: ToolCallPart) -> dict[str, JSON] | None:
        call = self.whole_call(part)
        if call is None:
            return None
        return {"toolUse": {"toolUseId": call.id or "", "name": call.name, "input": parsed(call.arguments)}}

    def _server_tool(self, part: ServerToolPart) -> dict[str, JSON] | None:
        """`server_tool_use` is a toolUse block, anything else the result of one."""
        data = object_of(part.data)
        if data is None or isinstance(data.get("input"), str) or "deltas" in data:
            return None
        return {"toolUse" if part.name == "server_tool_use" else "toolResult": data}

    def _media(self, part: MediaPart) -> dict[str, JSON] | None:
        family, _, form = (part.media_type or "").partition("/")
        source = {"bytes": part.data} if part.data else {"s3Location": {"uri": part.url}} if part.url else None
        return {family: {"format": form, "source": source}} if family in _MEDIA and form and source else None

    def _unknown(self, part: UnknownPart) -> dict[str, JSON] | None:
        """A block is a union of one key."""
        data = object_of(part.data)
        return data if data is not None and list(data) == [part.name] else None

    makers: ClassVar[Mapping[type[Part], Maker]] = {
        TextPart: _text,
        ReasoningPart: _reasoning,
        ToolCallPart: _tool_use,
        ServerToolPart: _server_tool,
        MediaPart: _media,
        UnknownPart: _unknown,
    }


def _result(answer: Answer) -> JSONObject:
    return {"toolResult": {"toolUseId": answer.call.id or "", "content": [{"text": answer.output}]}}
