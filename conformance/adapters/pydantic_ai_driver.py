# /// script
# requires-python = ">=3.11"
# dependencies = ["pydantic-ai-slim[anthropic,google,openai]==2.68.0", "openai==3.54.0", "anthropic==2.12.0"]
# ///
"""pydantic-ai: `model_request_stream()`, and `stream.get()` when it is over.

https://ai.pydantic.dev/direct/.
"""

from __future__ import annotations

import base64
from typing import Any

from _driver import Answer, Ask, get, serve
from _openai_shapes import join_items
from anthropic import AsyncAnthropic
from openai import AsyncAzureOpenAI, AsyncOpenAI
from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import ModelRequest, ModelResponse, SystemPromptPart, TextPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.models.openrouter import OpenRouterModel
from pydantic_ai.models.zai import ZaiModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.azure import AzureProvider
from pydantic_ai.providers.deepseek import DeepSeekProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openrouter import OpenRouterProvider
from pydantic_ai.providers.zai import ZaiProvider
from pydantic_ai.tools import ToolDefinition

AZURE_API_VERSION = "2025-04-01-preview"
PROVIDERS = {"deepseek": DeepSeekProvider, "openrouter": OpenRouterProvider, "zai": ZaiProvider, "azure": AzureProvider}
CHAT_MODELS = {"openrouter": OpenRouterModel, "zai": ZaiModel}
FINISH = {"tool_call": "tool_calls", "error": "other"}
"""`FinishReason` is a closed list of five words."""
SERVER_PARTS = ("builtin-tool-call", "builtin-tool-return", "compaction")


async def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    tools = [
        ToolDefinition(name=t["name"], description=t.get("description"), parameters_json_schema=t["parameters"])
        for t in ask.tools
    ]
    parameters = ModelRequestParameters(function_tools=tools)
    async with model_request_stream(
        _model(ask), _messages(ask), model_settings=_settings(ask), model_request_parameters=parameters
    ) as stream:
        try:
            async for _ in stream:
                answer.started = True
        finally:
            _show(answer, stream.get())
            if ask.protocol == "openai_responses":
                join_items(answer)


def _model(ask: Ask) -> Any:
    common: dict[str, Any] = {"api_key": ask.api_key, "max_retries": 0, "timeout": ask.timeout}
    if ask.protocol == "anthropic_messages":
        client = AsyncAnthropic(base_url=ask.base_url, **common)
        return AnthropicModel(ask.model, provider=AnthropicProvider(anthropic_client=client))
    if ask.protocol == "gemini_generate_content":
        return GoogleModel(ask.model, provider=GoogleProvider(api_key=ask.api_key, base_url=ask.base_url))
    if ask.provider == "azure":
        openai: AsyncOpenAI = AsyncAzureOpenAI(azure_endpoint=ask.base_url, api_version=AZURE_API_VERSION, **common)
    else:
        openai = AsyncOpenAI(base_url=ask.base_url, **common)
    provider: Any = PROVIDERS.get(ask.provider, OpenAIProvider)(openai_client=openai)
    # OpenRouter's names of models have the maker before them, and the library insists
    model = f"openai/{ask.model}" if ask.provider == "openrouter" and "/" not in ask.model else ask.model
    if ask.protocol == "openai_responses":
        return OpenAIResponsesModel(model, provider=provider)
    return CHAT_MODELS.get(ask.provider, OpenAIChatModel)(model, provider=provider)


def _messages(ask: Ask) -> list[Any]:
    parts = {"system": SystemPromptPart, "user": UserPromptPart}
    return [
        ModelResponse(parts=[TextPart(content=m["content"])])
        if m["role"] == "assistant"
        else ModelRequest(parts=[parts[m["role"]](content=m["content"])])
        for m in ask.messages
    ]


def _settings(ask: Ask) -> Any:
    choice = ask.options.get("tool_choice")
    settings = {
        "max_tokens": ask.max_output_tokens,
        "temperature": ask.options.get("temperature"),
        "stop_sequences": ask.options.get("stop"),
        "thinking": ask.options.get("reasoning"),
        "tool_choice": choice if choice in (None, "auto", "required", "none") else [choice],
        "timeout": ask.timeout,
    }
    return {name: value for name, value in settings.items() if value is not None}


def _show(answer: Answer, response: ModelResponse) -> None:
    answer.message_id, answer.model = response.provider_response_id, response.model_name
    for part in response.parts:
        _part(answer, part)
    _usage(answer, response.usage, finished=response.state != "incomplete")
    word = response.finish_reason
    answer.finish(FINISH.get(word or "", word), raw=get(response, "provider_details", "finish_reason"))
    if response.state in ("incomplete", "interrupted"):
        answer.status = "interrupted"
        answer.fail("stream_incomplete", f"state is {response.state}", status="interrupted")


def _part(answer: Answer, part: Any) -> None:
    details = part.provider_details or {}
    if part.part_kind == "text":
        annotations = [dict(vars(citation)) for citation in part.citations or ()] or None
        answer.part("text", text=part.content, id=part.id, annotations=annotations, phase=details.get("phase"))
    elif part.part_kind == "thinking":
        sealed = "encrypted" if part.provider_name == "openai" or part.id == "redacted_thinking" else "signature"
        kind = "redacted" if part.id == "redacted_thinking" else None
        answer.part("reasoning", text=part.content, id=None if kind else part.id, kind=kind, **{sealed: part.signature})
    elif part.part_kind == "tool-call":
        answer.call(part.tool_name, part.args, id=part.tool_call_id)
        if part.id:
            answer.content[-1]["id"] = part.id
    elif part.part_kind == "file":
        data = base64.b64encode(part.content.data).decode()
        answer.part("media", media_type=part.content.media_type, data=data)
    elif part.part_kind in SERVER_PARTS:
        name = get(part, "tool_name") or part.part_kind
        answer.part("server_tool", name=name, id=get(part, "tool_call_id"), data=dict(vars(part)))
    else:
        answer.part("unknown", name=part.part_kind, data=dict(vars(part)))


def _usage(answer: Answer, usage: Any, finished: bool) -> None:
    """`RequestUsage` counts from 0: that is nothing until the end, where `unmeasured_requests` tells the two apart."""
    if usage.input_tokens or usage.output_tokens or (finished and not usage.unmeasured_requests):
        answer.usage(
            usage.input_tokens,
            usage.output_tokens,
            cached=usage.cache_read_tokens,
            written=usage.cache_write_tokens,
            reasoning=usage.output_reasoning_tokens,
        )


serve(
    run,
    adapter="pydantic-ai",
    packages=["pydantic-ai-slim", "openai", "anthropic", "google-genai"],
    protocols=["openai_chat", "openai_responses", "anthropic_messages", "gemini_generate_content"],
    providers=["openai", "openai_compatible", "azure", "deepseek", "openrouter", "zai", "anthropic",
               "anthropic_compatible", "google_ai", "gemini_compatible"],
    deltas=False,
    finish_dialect="wire",
    fields=["-tool_calls.complete", "-raw_usage", "-choices", "-diagnostics", "-details", "-content.refusal",
            "-content.reasoning.summary", "-content.signatures", "-content.citation", "-content.unknown"],
    errors={
        "ModelRateLimitError": "rate_limit",
        "ModelQuotaExceededError": "insufficient_credits",
        "ModelOverloadedError": "overloaded",
        "ModelUnavailableError": "overloaded",
        "ModelServerError": "server",
        "ModelTimeoutError": "timeout",
        "ModelConnectionError": "connection",
        "ModelAuthenticationError": "authentication",
        "ModelNotFoundError": "not_found",
        "ModelContextWindowExceededError": "context_window",
        "ModelRequestRejectedError": "bad_request",
        "ContentFilterError": "content_filter",
    },
)  # fmt: skip
