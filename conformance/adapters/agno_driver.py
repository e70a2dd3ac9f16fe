# /// script
# requires-python = ">=3.11"
# dependencies = ["agno==3.1.10", "openai==3.54.0", "anthropic==2.12.0", "google-genai==3.4.0"]
# ///
"""agno: a model's stream through `process_response_stream()`, which its agents use, and the assistant message it fills.

https://docs.agno.com/models/overview. An agent would run the tools and ask again; this is the part that reads one
answer. The message has no finish reason.
"""

from __future__ import annotations

import base64
import os
from typing import Any

os.environ["AGNO_TELEMETRY"] = "false"
from _driver import Answer, Ask, Unsupported, plain, serve
from agno.models.anthropic import Claude
from agno.models.base import MessageData
from agno.models.deepseek import DeepSeek
from agno.models.google import Gemini
from agno.models.lmstudio import LMStudio
from agno.models.message import Citations, Message
from agno.models.minimax import MiniMax
from agno.models.openai import OpenAIChat, OpenAIResponses
from agno.models.openai.like import OpenAILike
from agno.models.openai.open_responses import OpenResponses
from agno.models.openrouter import OpenRouter, OpenRouterResponses
from agno.models.xai import xAI

MODELS: dict[tuple[str, str], Any] = {
    ("openai_chat", "openai"): OpenAIChat,
    ("openai_chat", "openai_compatible"): OpenAILike,
    ("openai_chat", "deepseek"): DeepSeek,
    ("openai_chat", "openrouter"): OpenRouter,
    ("openai_chat", "lmstudio"): LMStudio,
    ("openai_chat", "minimax"): MiniMax,
    ("openai_chat", "xai"): xAI,
    ("openai_responses", "openai"): OpenAIResponses,
    ("openai_responses", "openai_compatible"): OpenResponses,
    ("openai_responses", "lmstudio"): OpenResponses,
    ("openai_responses", "openrouter"): OpenRouterResponses,
    ("anthropic_messages", "anthropic"): Claude,
    ("anthropic_messages", "anthropic_compatible"): Claude,
    ("gemini_generate_content", "google_ai"): Gemini,
    ("gemini_generate_content", "gemini_compatible"): Gemini,
}
GEMINI = "gemini_generate_content"


def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    if (ask.protocol, ask.provider) not in MODELS:
        raise Unsupported(f"no {ask.provider} for {ask.protocol}")
    model = _model(ask)
    message, data = Message(role="assistant"), MessageData()
    stream = model.process_response_stream(
        messages=[Message(role=m["role"], content=m["content"]) for m in ask.messages],
        assistant_message=message,
        stream_data=data,
        tools=ask.functions or None,
        tool_choice=ask.function_choice,
    )
    try:
        for _ in stream:
            answer.started = True
    except Exception:  # what had come is shown, whatever ended it
        model._populate_assistant_message_from_stream_data(message, data)  # as far as it came
        _show(ask, answer, message)
        answer.tokens = answer.tokens if any(answer.tokens.values()) else {}  # the counts begin at 0
        raise
    _show(ask, answer, message)


def _model(ask: Ask) -> Any:
    made, effort = MODELS[ask.protocol, ask.provider], ask.options.get("reasoning")
    common: dict[str, Any] = {"id": ask.model, "api_key": ask.api_key, "temperature": ask.options.get("temperature")}
    if ask.protocol == "anthropic_messages":
        return made(
            client_params={"base_url": ask.base_url, "max_retries": 0},
            timeout=ask.timeout,
            max_tokens=ask.max_output_tokens or (4096 if effort else 1024),
            thinking={"type": "enabled", "budget_tokens": 1024} if effort else None,
            stop_sequences=ask.options.get("stop"),
            **common,
        )
    if ask.protocol == GEMINI:
        return made(
            client_params={"http_options": {"base_url": ask.base_url}},
            timeout=ask.timeout,
            max_output_tokens=ask.max_output_tokens,
            retry_with_guidance_limit=0,  # else it asks again after MALFORMED_FUNCTION_CALL
            include_thoughts=True if effort else None,
            stop_sequences=ask.options.get("stop"),
            **common,
        )
    common |= {"base_url": ask.base_url, "max_retries": 0, "timeout": ask.timeout, "reasoning_effort": effort}
    if ask.protocol == "openai_responses":
        summary = "auto" if effort else None
        return made(max_output_tokens=ask.max_output_tokens, reasoning_summary=summary, **common)
    more = {"n": ask.options["n"]} if "n" in ask.options else {}
    return made(max_tokens=ask.max_output_tokens, stop=ask.options.get("stop"), request_params=more or None, **common)


def _show(ask: Ask, answer: Answer, message: Message) -> None:
    said, sources = message.provider_data or {}, _sources(message.citations)
    answer.message_id = said.get("id") or said.get("response_id")
    answer.part("reasoning", text=message.reasoning_content or "", signature=said.get("signature"))
    if message.redacted_reasoning_content:
        answer.part("reasoning", encrypted=message.redacted_reasoning_content, kind="redacted")
    if message.content:
        answer.part("text", text=message.content)
    for call in message.tool_calls or ():
        function, signature = call.get("function") or {}, _text(call.get("thought_signature"))
        about = call.get("call_id") or call.get("id")
        answer.call(function.get("name"), function.get("arguments"), id=about, signature=signature)
    for media in (message.audio_output, message.image_output, message.video_output, message.file_output):
        if media is not None:
            transcript = getattr(media, "transcript", None)
            answer.part("media", text=transcript, media_type=media.mime_type, data=_text(media.content), url=media.url)
    if sources and ask.protocol == GEMINI:
        answer.part("citation", citations=sources)
    for block in said.get("server_tool_blocks") or ():
        answer.part("server_tool", name=block.get("type"), data=block)
    counts = message.metrics
    beside = counts.cache_read_tokens + counts.cache_write_tokens if ask.protocol == "anthropic_messages" else 0
    answer.usage(
        counts.input_tokens + beside,  # Claude's are the provider's, without the caches
        counts.output_tokens,
        cached=counts.cache_read_tokens,
        written=counts.cache_write_tokens,
        reasoning=counts.reasoning_tokens,
    )


def _sources(cited: Citations | None) -> list[Any]:
    """The provider's objects, or else the library's."""
    if cited is None:
        return []
    raw = cited.raw if isinstance(cited.raw, list) else [cited.raw] if cited.raw else []
    return [plain(each) for each in raw or [*(cited.documents or ()), *(cited.urls or ())]]


def _text(value: Any) -> str | None:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


FIELDS = ["-tool_calls.complete", "-finish_reason", "-raw_finish_reason", "-raw_usage", "-model", "-choices",
          "-diagnostics", "-details", "-content.refusal", "-content.ids", "-content.unknown",
          "-content.reasoning.summary", "-content.text.annotations", "-error.code",
          "-error.request_id", "-error.retry_after"]  # fmt: skip

serve(
    run,
    adapter="agno",
    packages=["agno", "openai", "anthropic", "google-genai"],
    protocols=sorted({protocol for protocol, _ in MODELS}),
    providers=sorted({provider for _, provider in MODELS}),
    deltas=False,
    text="joined",
    arguments="object",
    fields=FIELDS,
    by_protocol={
        "openai_chat": {"fields": [*FIELDS, "-content.reasoning.encrypted"]},
        "openai_responses": {"fields": [*FIELDS, "-content.reasoning.encrypted", "-content.server_tool"]},
        "anthropic_messages": {"fields": [*FIELDS, "-message_id"]},
        GEMINI: {"fields": [*FIELDS, "-message_id"]},
    },
    errors={
        "ModelAuthenticationError": "authentication",
        "ModelRateLimitError": "rate_limit",
        "ContextWindowExceededError": "context_window",
    },
)
