# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "haystack-ai==3.4.0",
#   "anthropic-haystack==8.0.1",
#   "google-genai-haystack==7.0.0",
#   "openai==3.54.0",
#   "anthropic==2.12.0",
#   "google-genai==3.4.0",
# ]
# ///
"""haystack: the chat generators with a `streaming_callback`, and the reply that `run()` gives.

https://docs.haystack.deepset.ai/docs/chatgenerators. The generators for Anthropic and Gemini take their base URL from
the environment.
"""

from __future__ import annotations

import os
from typing import Any

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"
from _driver import Answer, Ask, get, serve
from haystack.components.generators.chat import OpenAIChatGenerator, OpenAIResponsesChatGenerator
from haystack.dataclasses import ChatMessage, StreamingChunk
from haystack.tools import Tool
from haystack.utils import Secret
from haystack_integrations.components.generators.anthropic import AnthropicChatGenerator
from haystack_integrations.components.generators.google_genai import GoogleGenAIChatGenerator

FIELDS = ["-tool_calls.complete", "-raw_finish_reason", "-raw_usage", "-choices", "-diagnostics", "-details",
          "-content.refusal", "-content.media", "-content.ids", "-content.server_tool", "-content.citation",
          "-content.unknown", "-content.reasoning.summary", "-content.text.annotations"]  # fmt: skip


def run(ask: Ask, answer: Answer) -> None:
    """One call."""

    def shown(chunk: StreamingChunk) -> None:
        answer.started = True
        answer.append("reasoning", get(chunk, "reasoning", "reasoning_text"))
        answer.append("text", chunk.content if isinstance(chunk.content, str) else None)

    made = {"system": ChatMessage.from_system, "user": ChatMessage.from_user, "assistant": ChatMessage.from_assistant}
    messages = [made[m["role"]](m["content"]) for m in ask.messages]
    tools = [Tool(t["name"], t.get("description") or t["name"], t["parameters"], function=_never) for t in ask.tools]
    reply = _generator(ask).run(messages, streaming_callback=shown, tools=tools or None)["replies"]
    answer.clear()
    for message in reply[:1]:
        _show(answer, message)


def _never(**_: Any) -> str:
    raise AssertionError("no tool is run here")


def _generator(ask: Ask) -> Any:
    common: dict[str, Any] = {"api_key": Secret.from_token(ask.api_key), "model": ask.model, "max_retries": 0}
    common["timeout"] = ask.timeout
    effort, limit, stop = ask.options.get("reasoning"), ask.max_output_tokens, ask.options.get("stop")
    if ask.protocol == "anthropic_messages":
        os.environ["ANTHROPIC_BASE_URL"] = ask.base_url
        thinking = {"type": "enabled", "budget_tokens": 1024} if effort else None
        words = {"required": {"type": "any"}, "auto": {"type": "auto"}, "none": {"type": "none"}}
        choice = ask.options.get("tool_choice")
        given = _given(
            max_tokens=limit or (4096 if effort else 1024),
            thinking=thinking,
            stop_sequences=stop,
            tool_choice=words.get(choice, {"type": "tool", "name": choice}) if choice else None,
        )
        return AnthropicChatGenerator(generation_kwargs=given, ignore_tools_thinking_messages=False, **common)
    if ask.protocol == "gemini_generate_content":
        os.environ["GOOGLE_GEMINI_BASE_URL"] = ask.base_url
        given = _given(max_output_tokens=limit, stop_sequences=stop, thinking_budget=1024 if effort else None)
        return GoogleGenAIChatGenerator(generation_kwargs=given, **common)
    if ask.protocol == "openai_responses":
        reasoning = {"effort": effort, "summary": "auto"} if effort else None
        given = _given(max_output_tokens=limit, reasoning=reasoning, tool_choice=ask.function_choice)
        return OpenAIResponsesChatGenerator(generation_kwargs=given, api_base_url=ask.base_url, **common)
    usage = {"include_usage": True}
    given = _given(
        max_tokens=limit, reasoning_effort=effort, stop=stop, tool_choice=ask.function_choice, stream_options=usage
    )
    return OpenAIChatGenerator(generation_kwargs=given, api_base_url=ask.base_url, **common)


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _show(answer: Answer, message: ChatMessage) -> None:
    answer.model = message.meta.get("model")
    answer.message_id = message.meta.get("id")
    _reasoning(answer, message.reasoning)
    for text in message.texts:
        answer.part("text", text=text)
    for call in message.tool_calls:
        answer.call(call.tool_name, call.arguments, id=(call.extra or {}).get("call_id") or call.id)
    for sealed in message.meta.get("thought_signatures") or ():
        _sign(answer, sealed)
    answer.finish(message.meta.get("finish_reason"))
    _usage(answer, message.meta.get("usage") or {})


def _reasoning(answer: Answer, reasoning: Any) -> None:
    """Anthropic's blocks one by one, which go back; all the others as one text."""
    extra = get(reasoning, "extra") or {}
    for block in extra.get("reasoning_contents") or ():
        said = block["reasoning_content"]
        if "redacted_thinking" in said:
            answer.part("reasoning", encrypted=said["redacted_thinking"], kind="redacted")
        else:
            answer.part("reasoning", **said["reasoning_text"])
    if reasoning is not None and not extra.get("reasoning_contents"):
        answer.part("reasoning", text=reasoning.reasoning_text, encrypted=extra.get("encrypted_content"))


def _sign(answer: Answer, sealed: dict[str, Any]) -> None:
    """Gemini's signatures, each with what stood in its part."""
    kind = "tool_call" if sealed.get("has_function_call") else "reasoning" if sealed.get("is_thought") else "text"
    unsigned = (part for part in answer.content if part["type"] == kind and "signature" not in part)
    part = next(unsigned, None)
    if part is not None:
        part["signature"] = sealed["signature"]


def _usage(answer: Answer, usage: dict[str, Any]) -> None:
    """The provider's own names for the counts of each API, with those of Chat Completions for most."""
    if not usage:
        return
    answer.usage(
        usage.get("prompt_tokens", usage.get("input_tokens")),
        usage.get("completion_tokens", usage.get("output_tokens")),
        cached=_first(usage, ("prompt_tokens_details", "cached_tokens"), ("input_tokens_details", "cached_tokens"),
                      ("cache_read_input_tokens",), ("cached_content_token_count",)),
        written=_first(usage, ("cache_creation_input_tokens",)),
        reasoning=_first(usage, ("completion_tokens_details", "reasoning_tokens"),
                         ("output_tokens_details", "reasoning_tokens"), ("thoughts_token_count",)),
    )  # fmt: skip


def _first(usage: dict[str, Any], *paths: tuple[str, ...]) -> int | None:
    return next((found for path in paths if (found := get(usage, *path)) is not None), None)


serve(
    run,
    adapter="haystack",
    packages=["haystack-ai", "anthropic-haystack", "google-genai-haystack", "openai", "anthropic", "google-genai"],
    protocols=["openai_chat", "openai_responses", "anthropic_messages", "gemini_generate_content"],
    providers=["openai", "openai_compatible", "anthropic", "anthropic_compatible", "google_ai", "gemini_compatible"],
    deltas=False,
    text="joined",
    arguments="object",
    finish_dialect="wire",
    fields=FIELDS,
    by_protocol={
        "openai_chat": {"fields": [*FIELDS, "-message_id", "-content.reasoning"]},
        "openai_responses": {"fields": [*FIELDS, "-usage.cache_write_tokens"]},
        "anthropic_messages": {"fields": [*FIELDS, "-message_id", "-usage.reasoning_tokens"]},
        "gemini_generate_content": {  # whatever happens is a RuntimeError with a text
            "fields": [*FIELDS, "-message_id", "-error.code", "-error.status_code", "-error.request_id",
                       "-error.retry_after"],
        },
    },
)  # fmt: skip
