"""Gemini `generateContent`: one content of role `model` with the turn's parts in their order.

Form: google.genai.types.Content, in the camelCase of the wire. A `thoughtSignature` stands on the part that it came
with, also on an empty text, and no part is merged with another: Gemini 3 refuses a function call without its signature
(https://ai.google.dev/gemini-api/docs/thought-signatures). Code that the provider ran, its result and unknown parts go
back as they came; a call that came in pieces (`partialArgs`) as one with all its `args`.

Left out: grounding and citations, which belong to the candidate, not to its content, and calls that were cut.
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
from .turn import Answer, Maker, PartsWriter, known, object_of, parsed


class GeminiWriter(PartsWriter):
    """A turn as a content of role `model`."""

    def turn(self) -> list[JSONObject]:
        """The content, or nothing when no part is left."""
        parts = self.pieces()
        return [{"role": "model", "parts": parts}] if parts else []

    @staticmethod
    def results(answers: list[Answer]) -> list[JSONObject]:
        """One user content with all responses, each under the key `output` (google.genai.types.FunctionResponse)."""
        return [{"role": "user", "parts": [_result(answer) for answer in answers]}]

    def _text(self, part: TextPart) -> dict[str, JSON]:
        return {"text": part.text, **known(thoughtSignature=part.signature)}

    def _reasoning(self, part: ReasoningPart) -> dict[str, JSON]:
        return {"text": part.text, "thought": True, **known(thoughtSignature=part.signature)}

    def _call(self, part: ToolCallPart) -> dict[str, JSON] | None:
        call = self.whole_call(part)
        if call is None:
            return None
        fields = known(id=call.id, name=call.name, args=parsed(call.arguments))
        return {"functionCall": fields, **known(thoughtSignature=part.signature)}

    def _media(self, part: MediaPart) -> dict[str, JSON] | None:
        made: dict[str, JSON] = {}
        if part.data is not None:
            made["inlineData"] = known(mimeType=part.media_type, data=part.data)
        elif part.url is not None:
            made["fileData"] = known(mimeType=part.media_type, fileUri=part.url)
        if part.text:
            made["audioTranscription"] = {"text": part.text}
        if not made:
            return None
        thought = True if part.kind == "thought" else None
        return made | known(thought=thought, thoughtSignature=part.signature)

    def _raw(self, part: ServerToolPart | UnknownPart) -> dict[str, JSON] | None:
        """A part as it came, its signature in it."""
        return object_of(part.data) or None

    makers: ClassVar[Mapping[type[Part], Maker]] = {
        TextPart: _text,
        ReasoningPart: _reasoning,
        ToolCallPart: _call,
        MediaPart: _media,
        ServerToolPart: _raw,
        UnknownPart: _raw,
    }


def _result(answer: Answer) -> JSONObject:
    fields = known(id=answer.call.id, name=answer.call.name, response={"output": answer.output})
    return {"functionResponse": fields}
