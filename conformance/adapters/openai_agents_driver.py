# /// script
# requires-python = ">=3.11"
# dependencies = ["openai-agents==0.24.0", "openai==3.54.0"]
# ///
"""openai-agents: the models' `stream_response()`, and the response of its terminal event.

https://openai.github.io/openai-agents-python/models/. Chat Completions are shown as a Response, too.
"""

from __future__ import annotations

import os
from typing import Any

os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"
from _driver import Answer, Ask, serve
from _openai_shapes import ResponseSum
from agents import FunctionTool, ModelSettings, ModelTracing
from agents.models.openai_chatcompletions import OpenAIChatCompletionsModel
from agents.models.openai_responses import OpenAIResponsesModel
from openai import AsyncAzureOpenAI, AsyncOpenAI
from openai.types.shared import Reasoning

AZURE_API_VERSION = "2025-04-01-preview"


async def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    common: dict[str, Any] = {"api_key": ask.api_key, "max_retries": 0, "timeout": ask.timeout}
    if ask.provider == "azure":
        client: AsyncOpenAI = AsyncAzureOpenAI(azure_endpoint=ask.base_url, api_version=AZURE_API_VERSION, **common)
    else:
        client = AsyncOpenAI(base_url=ask.base_url, **common)
    made = OpenAIResponsesModel if ask.protocol == "openai_responses" else OpenAIChatCompletionsModel
    total = ResponseSum()
    events = made(ask.model, client).stream_response(
        system_instructions=ask.system,
        input=[{"role": m["role"], "content": m["content"]} for m in ask.turns],
        model_settings=_settings(ask),
        tools=[_tool(tool) for tool in ask.tools],
        output_schema=None,
        handoffs=[],
        tracing=ModelTracing.DISABLED,
        previous_response_id=None,
        conversation_id=None,
        prompt=None,
    )
    try:
        async for event in events:
            answer.started = True
            total.add(event)
    finally:
        total.show(answer)


def _settings(ask: Ask) -> ModelSettings:
    effort = ask.options.get("reasoning")
    chat_only = ("n", "stop") if ask.protocol == "openai_chat" else ()
    more = {name: ask.options[name] for name in chat_only if name in ask.options}
    reasoning = Reasoning(effort=effort, summary="auto" if ask.protocol == "openai_responses" else None)
    return ModelSettings(
        max_tokens=ask.max_output_tokens,
        temperature=ask.options.get("temperature"),
        tool_choice=ask.options.get("tool_choice"),
        reasoning=reasoning if effort else None,
        include_usage=True,
        store=False if ask.provider == "chatgpt_oauth" else None,
        extra_args=more or None,
    )


def _tool(tool: dict[str, Any]) -> FunctionTool:
    async def never(*_: Any) -> str:
        raise AssertionError("no tool is run here")

    return FunctionTool(
        name=tool["name"],
        description=tool.get("description", ""),
        params_json_schema=tool["parameters"],
        on_invoke_tool=never,
        strict_json_schema=False,
    )


if __name__ == "__main__":
    serve(
        run,
        adapter="openai-agents",
        packages=["openai-agents", "openai"],
        protocols=["openai_responses"],
        deltas=False,
        finish_dialect="raw",
        fields=["-tool_calls.complete", "-choices", "-diagnostics", "-details"],
    )
