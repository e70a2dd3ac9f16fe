# /// script
# requires-python = ">=3.11"
# dependencies = ["any-llm-sdk[anthropic,deepseek,gemini,openai]==1.40.2", "openai==3.54.0"]
# ///
"""any-llm: `completion(stream=True)`, its chunks added up as its documentation does; and `responses(stream=True)`.

https://mozilla-ai.github.io/any-llm/. `completion()` shows Chat chunks, `responses()` OpenAI's own Response.
"""

from __future__ import annotations

from typing import Any

import any_llm
from _driver import Answer, Ask, Unsupported, get, serve
from _openai_shapes import ChatSum, ResponseSum

PROVIDERS = {
    ("openai_chat", "openai"): "openai",
    ("openai_chat", "openai_compatible"): "openai",
    ("openai_chat", "deepseek"): "deepseek",
    ("openai_chat", "openrouter"): "openrouter",
    ("openai_chat", "zai"): "zai",
    ("openai_chat", "minimax"): "minimax",
    ("openai_responses", "openai"): "openai",
    ("openai_responses", "openai_compatible"): "openai",
    ("anthropic_messages", "anthropic"): "anthropic",
    ("anthropic_messages", "anthropic_compatible"): "anthropic",
    ("gemini_generate_content", "google_ai"): "gemini",
    ("gemini_generate_content", "gemini_compatible"): "gemini",
}

CHAT = ["-tool_calls.complete", "-raw_finish_reason", "-content.unknown", "-content.server_tool",
        "-content.text.annotations", "-content.reasoning.summary", "-content.reasoning.signature",
        "-content.reasoning.encrypted", "-content.media", "-content.citation", "-content.signatures",
        "-content.ids", "-details", "-diagnostics"]  # fmt: skip
"""What Chat chunks show."""


def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    provider = PROVIDERS.get((ask.protocol, ask.provider))
    if provider is None:
        raise Unsupported(f"no {ask.provider} for {ask.protocol}")
    common = {"provider": provider, "model": ask.model, "api_key": ask.api_key, "api_base": ask.base_url}
    common["client_args"] = {} if provider == "gemini" else {"max_retries": 0, "timeout": ask.timeout}
    try:
        (_responses if ask.protocol == "openai_responses" else _completion)(ask, answer, common)
    except any_llm.exceptions.UnsupportedParameterError as error:
        raise Unsupported(str(error)) from error


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value not in (None, [])}


def _completion(ask: Ask, answer: Answer, common: dict[str, Any]) -> None:
    total = ChatSum()
    arguments = _given(
        tools=ask.functions,
        tool_choice=ask.function_choice,
        max_tokens=ask.max_output_tokens,
        reasoning_effort=ask.options.get("reasoning"),
        n=ask.options.get("n"),
        stop=ask.options.get("stop"),
        temperature=ask.options.get("temperature"),
        stream_options={"include_usage": True} if ask.protocol == "openai_chat" else None,
    )
    try:
        for chunk in any_llm.completion(messages=ask.messages, stream=True, **common, **arguments):
            answer.started = True
            total.add(chunk, reasoning=get(chunk, "choices", 0, "delta", "reasoning", "content"))
    finally:
        total.show(answer)


def _responses(ask: Ask, answer: Answer, common: dict[str, Any]) -> None:
    effort = ask.options.get("reasoning")
    arguments = _given(
        tools=[{"type": "function", **tool} for tool in ask.tools],
        max_output_tokens=ask.max_output_tokens,
        reasoning={"effort": effort, "summary": "auto"} if effort else None,
        temperature=ask.options.get("temperature"),
        tool_choice=ask.function_choice,
    )
    total = ResponseSum()
    try:
        for event in any_llm.responses(input_data=ask.messages, stream=True, **common, **arguments):
            answer.started = True
            total.add(event)
    finally:
        total.show(answer)


if __name__ == "__main__":
    serve(
        run,
        adapter="any-llm",
        packages=["any-llm-sdk", "openai", "anthropic", "google-genai"],
        protocols=["openai_chat", "openai_responses", "anthropic_messages", "gemini_generate_content"],
        providers=sorted({provider for _, provider in PROVIDERS}),
        deltas=False,
        text="joined",
        finish_dialect="wire",
        fields=CHAT,
        by_protocol={
            "openai_responses": {
                "fields": ["-tool_calls.complete", "-choices", "-details", "-diagnostics"],
                "finish_dialect": "raw",
                "text": "parts",
                "providers": ["openai", "openai_compatible"],
            },
            "anthropic_messages": {"fields": [*CHAT, "-usage.reasoning_tokens"]},
        },
    )
