# /// script
# requires-python = ">=3.11"
# dependencies = ["letta==0.16.7", "asyncpg==0.32.0", "openai==2.54.0", "anthropic==2.12.0", "google-genai==3.4.0"]
# ///
"""letta: `SimpleLLMStreamAdapter.invoke_llm()`, as its agents use it, and what the adapter holds afterwards.

https://github.com/letta-ai/letta/blob/0.16.7/letta/adapters/simple_llm_stream_adapter.py. Without an actor and a run
there is no database. The clients take their URL from the environment, or from the configuration of the model.
"""

from __future__ import annotations

import logging
import os
import tempfile
from functools import partial
from typing import Any

os.environ |= {"LETTA_DIR": tempfile.mkdtemp(), "LETTA_DISABLE_TRACING": "true", "OPENAI_API_KEY": "x"}
os.environ |= {"ANTHROPIC_API_KEY": "x", "GEMINI_API_KEY": "x", "ZAI_API_KEY": "x", "DEEPSEEK_API_KEY": "x"}
from _driver import Answer, Ask, Unsupported, get, serve
from letta.adapters.simple_llm_stream_adapter import SimpleLLMStreamAdapter
from letta.llm_api import openai_client
from letta.llm_api.llm_client import LLMClient
from letta.schemas.enums import LLMCallType, ProviderType
from letta.schemas.llm_config import LLMConfig
from letta.settings import model_settings
from openai import AsyncOpenAI

PROVIDERS = {
    ("openai_chat", "openai"): "openai",
    ("openai_chat", "openai_compatible"): "openai",
    ("openai_chat", "deepseek"): "deepseek",
    ("openai_chat", "openrouter"): "openrouter",
    ("openai_chat", "zai"): "zai",
    ("openai_responses", "openai"): "openai",
    ("openai_responses", "openai_compatible"): "openai",
    ("anthropic_messages", "anthropic"): "anthropic",
    ("anthropic_messages", "anthropic_compatible"): "anthropic",
    ("anthropic_messages", "minimax"): "minimax",
    ("gemini_generate_content", "google_ai"): "google_ai",
    ("gemini_generate_content", "gemini_compatible"): "google_ai",
}
GEMINI = "gemini_generate_content"
CHOICES = {"required": {"type": "any"}, "auto": {"type": "auto"}, "none": {"type": "none"}}

logging.disable(logging.CRITICAL)
model_settings.anthropic_max_retries = 0


async def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    name = PROVIDERS.get((ask.protocol, ask.provider))
    if name is None:
        raise Unsupported(f"no {ask.provider} for {ask.protocol}")
    openai_client.AsyncOpenAI = partial(AsyncOpenAI, max_retries=0, timeout=ask.timeout)
    os.environ |= {"ANTHROPIC_BASE_URL": ask.base_url, "GOOGLE_GEMINI_BASE_URL": ask.base_url}
    config = LLMConfig(model=ask.model, model_endpoint_type=name, model_endpoint=ask.base_url, context_window=100_000)
    adapter = SimpleLLMStreamAdapter(
        llm_client=LLMClient.create(provider_type=ProviderType(name), actor=None),
        llm_config=config,
        call_type=LLMCallType.agent_step,
    )
    pieces = Answer()
    try:
        async for message in adapter.invoke_llm(
            request_data=REQUESTS[ask.protocol](ask), messages=[], tools=[], use_assistant_message=True
        ):
            answer.started = True
            _add(pieces, message)
    except Exception:  # what had come is shown, whatever ended it
        _show(answer, adapter, ask.protocol)
        answer.content = answer.content or pieces.content  # what its caller has seen, where nothing was kept
        answer.tokens = answer.tokens if any(answer.tokens.values()) else {}  # the counts begin at 0
        raise
    _show(answer, adapter, ask.protocol)


def _add(pieces: Answer, message: Any) -> None:
    """A piece of the stream, as it was yielded."""
    content = get(message, "content")
    if message.message_type == "reasoning_message":
        pieces.append("reasoning", message.reasoning)
    elif message.message_type == "assistant_message":
        pieces.append("text", content if isinstance(content, str) else "".join(part.text for part in content or ()))


def _chat(ask: Ask) -> dict[str, Any]:
    return _given(
        model=ask.model,
        messages=ask.messages,
        tools=ask.functions,
        tool_choice=ask.function_choice,
        max_tokens=ask.max_output_tokens,
        reasoning_effort=ask.options.get("reasoning"),
        n=ask.options.get("n"),
        stop=ask.options.get("stop"),
        temperature=ask.options.get("temperature"),
    )


def _responses(ask: Ask) -> dict[str, Any]:
    effort = ask.options.get("reasoning")
    return _given(
        model=ask.model,
        input=ask.messages,
        tools=[{"type": "function", **tool} for tool in ask.tools],
        max_output_tokens=ask.max_output_tokens,
        reasoning={"effort": effort, "summary": "auto"} if effort else None,
    )


def _anthropic(ask: Ask) -> dict[str, Any]:
    thinks, choice = bool(ask.options.get("reasoning")), ask.options.get("tool_choice")
    tools = [
        {"name": t["name"], "description": t.get("description", ""), "input_schema": t["parameters"]} for t in ask.tools
    ]
    return _given(
        model=ask.model,
        messages=ask.turns,
        system=ask.system,
        max_tokens=ask.max_output_tokens or (4096 if thinks else 1024),
        tools=tools,
        tool_choice=CHOICES.get(choice, {"type": "tool", "name": choice}) if choice else None,
        thinking={"type": "enabled", "budget_tokens": 1024} if thinks else None,
        stop_sequences=ask.options.get("stop"),
    )


def _gemini(ask: Ask) -> dict[str, Any]:
    roles = {"assistant": "model", "user": "user"}
    tools = [
        {"name": t["name"], "description": t.get("description"), "parameters_json_schema": t["parameters"]}
        for t in ask.tools
    ]
    config = _given(
        system_instruction=ask.system,
        max_output_tokens=ask.max_output_tokens,
        candidate_count=ask.options.get("n"),
        stop_sequences=ask.options.get("stop"),
        temperature=ask.options.get("temperature"),
        thinking_config={"include_thoughts": True} if ask.options.get("reasoning") else None,
        tools=[{"function_declarations": tools}] if tools else None,
    )
    return {
        "contents": [{"role": roles[m["role"]], "parts": [{"text": m["content"]}]} for m in ask.turns],
        "config": config,
    }


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value not in (None, [])}


REQUESTS = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic_messages": _anthropic,
    GEMINI: _gemini,
}


def _show(answer: Answer, adapter: SimpleLLMStreamAdapter, protocol: str) -> None:
    for part in adapter.content or ():
        _part(answer, part)
    _join(answer, {"type", "text"} | ({"signature"} if protocol == GEMINI else set()))
    for call in adapter.tool_calls or ():
        answer.call(call.function.name, call.function.arguments, id=call.id)
    usage = adapter.usage
    if usage.step_count:  # 0 until a stream has been read
        answer.usage(
            usage.prompt_tokens,
            usage.completion_tokens,
            cached=usage.cached_input_tokens,
            written=usage.cache_write_tokens,
            reasoning=usage.reasoning_tokens,
        )
    answer.finish(adapter.finish_reason)


def _join(answer: Answer, plain: set[str]) -> None:
    """One text and one reasoning, as most of its interfaces have them; that for Gemini has one for each chunk, with
    the signatures seen so far. plain: what a part may have to be joined."""
    parts: list[dict[str, Any]] = []
    for part in answer.content:
        first = next((one for one in parts if {*one, *part} <= plain and one["type"] == part["type"]), None)
        if first is None:
            parts.append(part)
        else:
            first.update({**part, "text": first["text"] + part["text"]})
    answer.content = parts


def _part(answer: Answer, part: Any) -> None:
    kind = str(getattr(part.type, "value", part.type))
    if kind == "text":
        answer.part("text", text=part.text, signature=part.signature)
    elif kind == "reasoning":
        answer.part("reasoning", text=part.reasoning, signature=part.signature)
    elif kind == "redacted_reasoning":
        answer.part("reasoning", encrypted=part.data, kind="redacted")
    elif kind == "summarized_reasoning":
        summary = [each.text for each in part.summary]
        answer.part(
            "reasoning", text="\n\n".join(summary), summary=summary, id=part.id, encrypted=part.encrypted_content
        )
    elif kind == "omitted_reasoning":
        answer.part("reasoning", signature=get(part, "signature"))
    elif kind != "tool_call":  # the calls come from `tool_calls`
        answer.part("unknown", name=kind, data=part.model_dump(mode="json"))


FIELDS = ["-tool_calls.complete", "-raw_finish_reason", "-raw_usage", "-message_id", "-model", "-choices",
          "-diagnostics", "-details", "-content.refusal", "-content.media", "-content.citation",
          "-content.server_tool", "-content.unknown", "-content.text.annotations",
          "-error.request_id", "-error.retry_after"]  # fmt: skip

LACKS = {
    "openai_chat": ["-finish_reason", "-usage.cache_write_tokens", "-content.reasoning.encrypted", "-content.ids"],
    "openai_responses": ["-usage.cache_write_tokens"],
    "anthropic_messages": ["-finish_reason", "-usage.reasoning_tokens", "-error.code", "-error.status_code"],
    GEMINI: ["-finish_reason", "-usage.cache_write_tokens", "-error.code"],
}
"""adapters/simple_llm_stream_adapter.py:237-251 has a finish reason for Responses only; the counts are those of each
interface's get_usage_statistics(), the errors those of each client's handle_llm_error()."""

serve(
    run,
    adapter="letta",
    packages=["letta", "openai", "anthropic", "google-genai"],
    protocols=list(REQUESTS),
    providers=sorted({provider for _, provider in PROVIDERS}),
    deltas=False,
    text="joined",
    arguments="object",
    finish_dialect="wire",
    fields=FIELDS,
    by_protocol={protocol: {"fields": [*FIELDS, *lacks]} for protocol, lacks in LACKS.items()},
    errors={
        "LLMConnectionError": "connection",
        "LLMRateLimitError": "rate_limit",
        "LLMBadRequestError": "bad_request",
        "LLMInsufficientCreditsError": "insufficient_credits",
        "LLMAuthenticationError": "authentication",
        "LLMPermissionDeniedError": "permission",
        "LLMNotFoundError": "not_found",
        "LLMUnprocessableEntityError": "unprocessable",
        "LLMServerError": "server",
        "LLMTimeoutError": "timeout",
        "LLMProviderOverloaded": "overloaded",
        "ContextWindowExceededError": "context_window",
    },
)
