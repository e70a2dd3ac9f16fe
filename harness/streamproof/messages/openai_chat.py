"""Chat Completions: one `assistant` message.

Form: openai.types.chat.ChatCompletionAssistantMessageParam; text in `content`, refusals, tool calls, audio by its id.
Gemini's signatures go back where they came from, `extra_content.google.thought_signature`
(https://ai.google.dev/gemini-api/docs/thought-signatures). OpenAI takes no reasoning back; others want it:

* details with a type (OpenRouter's `reasoning_details`, LiteLLM's `thinking_blocks`) always go back under their name,
  signatures, ciphertext, format and index included: https://openrouter.ai/docs/guides/best-practices/reasoning-tokens
* plain reasoning goes back to the providers in `_PLAIN`, under the field that they read
* Mistral's goes back as a `thinking` chunk of the content: https://docs.mistral.ai/capabilities/reasoning

Left out: calls that were cut, reasoning for other providers, a turn of reasoning alone, annotations and pictures except
for OpenRouter, what the provider ran, and unknown parts (a request has no place for them).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..completion import (
    CitationPart,
    MediaPart,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    UnknownPart,
)
from ..jsontext import JSON, JSONObject
from .turn import Answer, Writer, known

_PLAIN: Mapping[str, str] = {
    "deepseek": "reasoning_content",
    "moonshot": "reasoning_content",
    "zai": "reasoning_content",
    "openrouter": "reasoning",
}
"""Provider -> the field in which it wants plain reasoning back. DeepSeek refuses a turn with calls without it
(https://api-docs.deepseek.com/guides/thinking_mode) and ignores it elsewhere; Z.ai asks for it unmodified
(https://docs.z.ai/guides/capabilities/thinking-mode), Moonshot in its guide to the Kimi thinking models."""

_ALWAYS_WITH_CALLS = frozenset({"deepseek"})
"""Providers that want the field in a turn with calls also when the model did not think."""

_CHUNKS = frozenset({"mistral"})
"""Providers whose content is a list when there is more than text in it."""

_BLOCKS = ("thinking", "redacted_thinking")


class ChatWriter(Writer):
    """A turn as an `assistant` message."""

    def turn(self) -> list[JSONObject]:
        """The message, or nothing when it would say nothing."""
        texts = [part for part in self.completion.content if isinstance(part, TextPart)]
        refusal = "".join(part.text for part in self.completion.content if isinstance(part, RefusalPart))
        said = {**known(refusal=refusal or None), **self._calls(), **self._media()}
        if not self.completion.text and not said:
            return []
        signature = next((part.signature for part in reversed(texts) if part.signature), None)
        annotations = [item for part in texts for item in part.annotations] if self.provider == "openrouter" else []
        content = self._chunks() if self.provider in _CHUNKS else None
        return [
            {
                "role": "assistant",
                "content": content or self.completion.text or None,
                **self._reasoning(has_calls="tool_calls" in said),
                **said,
                **known(extra_content=_signed(signature), annotations=annotations or None),
            }
        ]

    @staticmethod
    def results(answers: list[Answer]) -> list[JSONObject]:
        """One message for each call."""
        return [_result(answer) for answer in answers]

    def _calls(self) -> dict[str, JSON]:
        """`tool_calls`, and the deprecated `function_call`."""
        made: dict[str, JSON] = {}
        for part in self.completion.content:
            call = self.whole_call(part) if isinstance(part, ToolCallPart) else None
            if call is None or not isinstance(part, ToolCallPart):
                continue
            if part.kind == "custom":
                fields: dict[str, JSON] = {"type": "custom", "custom": {"name": call.name, "input": call.arguments}}
            else:
                function = {"name": call.name, "arguments": call.arguments or "{}"}
                if part.kind == "function_call":
                    made["function_call"] = function
                    continue
                fields = {"type": "function", "function": function}
            entry = {"id": call.id or "", **fields, **known(extra_content=_signed(part.signature))}
            made.setdefault("tool_calls", []).append(entry)
        return made

    def _reasoning(self, *, has_calls: bool) -> dict[str, JSON]:
        details: list[JSON] = []
        blocks: list[JSON] = []
        plain: list[str] = []
        for part in self.completion.content:
            if isinstance(part, ReasoningPart):
                kind = (part.extra or {}).get("type")
                if kind is None:
                    plain.append(part.text)
                elif kind in _BLOCKS:
                    blocks.append(_block(part))
                else:
                    details.append(_detail(part))
            elif isinstance(part, UnknownPart) and part.name.startswith("reasoning."):
                details.append(part.data)
        field = _PLAIN.get(self.provider or "")
        wanted = bool("".join(plain)) or (has_calls and self.provider in _ALWAYS_WITH_CALLS)
        told: dict[str, JSON] = {field: "".join(plain)} if field is not None and wanted else {}
        return told | known(reasoning_details=details or None, thinking_blocks=blocks or None)

    def _chunks(self) -> list[JSON] | None:
        """Content as a list, None when it is text alone."""
        chunks: list[JSON] = []
        for part in self.completion.content:
            if isinstance(part, ReasoningPart):
                thinking = [{"type": "text", "text": part.text}]
                chunks.append({"type": "thinking", "thinking": thinking, **known(signature=part.signature)})
            elif isinstance(part, TextPart) and part.text:
                chunks.append({"type": "text", "text": part.text})
            elif isinstance(part, CitationPart):
                chunks += part.citations
        return chunks if any(chunk.get("type") != "text" for chunk in chunks if isinstance(chunk, Mapping)) else None

    def _media(self) -> dict[str, JSON]:
        """OpenAI's audio by its id; OpenRouter's pictures as they came."""
        media = [part for part in self.completion.content if isinstance(part, MediaPart)]
        audio = next((part.id for part in media if part.id is not None), None)
        urls = [part.url or f"data:{part.media_type or ''};base64,{part.data}" for part in media if part.id is None]
        images = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
        pictures = images if images and self.provider == "openrouter" else None
        return known(audio=None if audio is None else {"id": audio}, images=pictures)


def _result(answer: Answer) -> JSONObject:
    if answer.part.kind == "function_call":
        return {"role": "function", "name": answer.call.name, "content": answer.output}
    return {"role": "tool", "tool_call_id": answer.call.id or "", "content": answer.output}


def _signed(signature: str | None) -> JSONObject | None:
    return {"google": {"thought_signature": signature}} if signature else None


def _detail(part: ReasoningPart) -> JSONObject:
    """An entry of `reasoning_details`."""
    extra = dict(part.extra or {})
    content: dict[str, JSON]
    if part.encrypted is not None:
        content = {"data": part.encrypted}
    elif extra["type"] == "reasoning.summary":
        content = {"summary": part.text}
    else:
        content = {"text": part.text}
    return {"type": extra.pop("type"), **content, **known(signature=part.signature, id=part.id), **extra}


def _block(part: ReasoningPart) -> JSONObject:
    """An entry of `thinking_blocks`."""
    if part.encrypted is not None:
        return {"type": "redacted_thinking", "data": part.encrypted}
    return {"type": "thinking", "thinking": part.text, **known(signature=part.signature)}
