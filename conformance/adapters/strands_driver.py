# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "strands-agents[anthropic,gemini,openai]==1.62.0",
#   "openai==2.54.0",
#   "anthropic==0.125.0",
#   "google-genai==2.34.0",
# ]
# ///
"""strands: the models' streams through `stream_messages()`, as the agent's loop reads them, and its last event.

https://strandsagents.com/latest/documentation/docs/user-guide/concepts/model-providers/. The last event is what
`AgentResult` has: stop reason, message, usage. Until it comes, the events that a caller of `stream_async()` sees count.
"""

from __future__ import annotations

import base64
import os
from typing import Any

from _driver import Answer, Ask, Unsupported, get, serve
from botocore.config import Config
from google.genai.types import HttpOptions
from strands.event_loop.streaming import stream_messages
from strands.models.anthropic import AnthropicModel
from strands.models.bedrock import BedrockModel
from strands.models.gemini import GeminiModel
from strands.models.openai import OpenAIModel
from strands.models.openai_responses import OpenAIResponsesModel

COMPATIBLE = ("openai", "openai_compatible", "deepseek", "openrouter", "zai", "lmstudio", "minimax", "xai")
PROVIDERS = {
    "openai_chat": COMPATIBLE,
    "openai_responses": COMPATIBLE,
    "anthropic_messages": ("anthropic", "anthropic_compatible"),
    "gemini_generate_content": ("google_ai", "gemini_compatible"),
    "bedrock_converse": ("bedrock",),
}
FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "content_filtered": "content_filter",
    "guardrail_intervened": "content_filter",
    "refusal": "content_filter",
    "model_context_window_exceeded": "length",
}
"""`StopReason` in the words of Chat Completions, and two of Anthropic's that are passed through."""
CHOICES = {"auto": {"auto": {}}, "required": {"any": {}}}
EXCLUSIVE = ("anthropic_messages", "bedrock_converse")
"""Where `inputTokens` is the provider's, without the caches."""


async def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    if ask.provider not in PROVIDERS[ask.protocol]:
        raise Unsupported(f"no {ask.provider} for {ask.protocol}")
    choice = ask.options.get("tool_choice")
    events = stream_messages(
        _model(ask),
        ask.system,
        [{"role": m["role"], "content": [{"text": m["content"]}]} for m in ask.turns],
        [
            {"name": t["name"], "description": t.get("description", ""), "inputSchema": {"json": t["parameters"]}}
            for t in ask.tools
        ],
        tool_choice=CHOICES.get(choice, {"tool": {"name": choice}}) if choice not in (None, "none") else None,
    )
    async for event in events:
        answer.started = True
        if "stop" in event:
            _show(ask, answer, *event["stop"][:3])
        elif "data" in event:
            answer.append("text", event["data"])
        elif event.get("reasoningText"):
            answer.append("reasoning", event["reasoningText"])
        elif event.get("type") == "tool_use_stream":
            _piece(answer, event["current_tool_use"])


def _model(ask: Ask) -> Any:
    params = {"stop": ask.options.get("stop"), "n": ask.options.get("n")}
    params |= {"temperature": ask.options.get("temperature")}
    effort = ask.options.get("reasoning")
    client = {"base_url": ask.base_url, "api_key": ask.api_key, "max_retries": 0, "timeout": ask.timeout}
    if ask.protocol == "openai_chat":
        params |= {"max_tokens": ask.max_output_tokens, "reasoning_effort": effort}
        return OpenAIModel(client_args=client, model_id=ask.model, params=_given(params))
    if ask.protocol == "openai_responses":
        reasoning = {"effort": effort, "summary": "auto"} if effort else None
        params = {"max_output_tokens": ask.max_output_tokens, "reasoning": reasoning}
        return OpenAIResponsesModel(client_args=client, model_id=ask.model, params=_given(params))
    if ask.protocol == "anthropic_messages":
        thinking = {"type": "enabled", "budget_tokens": 1024} if effort else None
        params = _given({"thinking": thinking, "stop_sequences": ask.options.get("stop")})
        most = ask.max_output_tokens or (4096 if effort else 1024)
        return AnthropicModel(client_args=client, model_id=ask.model, max_tokens=most, params=params)
    if ask.protocol == "bedrock_converse":
        return _bedrock(ask)
    options = HttpOptions(base_url=ask.base_url, timeout=int(ask.timeout * 1000))
    more = {
        "max_output_tokens": ask.max_output_tokens,
        "candidate_count": params["n"],
        "stop_sequences": params["stop"],
    }
    more |= {"thinking_config": {"include_thoughts": True} if effort else None, "temperature": params["temperature"]}
    return GeminiModel(
        client_args={"api_key": ask.api_key, "http_options": options}, model_id=ask.model, params=_given(more)
    )


def _bedrock(ask: Ask) -> BedrockModel:
    os.environ |= {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": ask.api_key}
    return BedrockModel(
        region_name="us-east-1",
        endpoint_url=ask.base_url,
        boto_client_config=Config(retries={"total_max_attempts": 1}, read_timeout=ask.timeout),
        model_id=ask.model,
        **_given({"max_tokens": ask.max_output_tokens, "stop_sequences": ask.options.get("stop")}),
    )


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value not in (None, [])}


def _piece(answer: Answer, tool: dict[str, Any]) -> None:
    known = next((call for call in answer.tool_calls if call["id"] == (tool.get("toolUseId") or None)), None)
    if known is None:
        answer.call(tool.get("name"), tool.get("input") or "", id=tool.get("toolUseId"), complete=False)
    else:
        known["arguments"] = tool.get("input") or ""


def _show(ask: Ask, answer: Answer, reason: str, message: dict[str, Any], usage: dict[str, Any]) -> None:
    answer.clear()
    for block in message["content"]:
        _block(answer, block)
    answer.finish(FINISH.get(reason, reason))
    read, written = usage.get("cacheReadInputTokens"), usage.get("cacheWriteInputTokens")
    more = (read or 0) + (written or 0) if ask.protocol in EXCLUSIVE else 0
    answer.usage(usage["inputTokens"] + more, usage["outputTokens"], cached=read, written=written)


def _block(answer: Answer, block: dict[str, Any]) -> None:
    if "text" in block:
        answer.part("text", text=block["text"])
    elif "citationsContent" in block:
        cited = block["citationsContent"]
        answer.part("text", text="".join(part["text"] for part in cited["content"]))
    elif "toolUse" in block:
        tool = block["toolUse"]
        answer.call(tool["name"], tool["input"], id=tool["toolUseId"], signature=tool.get("reasoningSignature"))
    elif "reasoningContent" in block:
        thought = block["reasoningContent"]
        if "redactedContent" in thought:
            answer.part("reasoning", encrypted=_text(thought["redactedContent"]), kind="redacted")
        else:
            signature = get(thought, "reasoningText", "signature")
            answer.part("reasoning", text=thought["reasoningText"]["text"], signature=signature)
    else:
        answer.part("unknown", name=next(iter(block), ""), data=block)


def _text(value: Any) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


serve(
    run,
    adapter="strands",
    packages=["strands-agents", "openai", "anthropic", "google-genai", "botocore"],
    protocols=list(PROVIDERS),
    providers=sorted({provider for providers in PROVIDERS.values() for provider in providers}),
    deltas=False,
    finish_dialect="wire",
    arguments="object",
    fields=["-tool_calls.complete", "-usage.reasoning_tokens", "-raw_usage", "-raw_finish_reason", "-message_id",
            "-model", "-choices", "-diagnostics", "-details", "-content.refusal", "-content.media", "-content.citation",
            "-content.server_tool", "-content.unknown", "-content.reasoning.summary", "-content.ids",
            "-content.text.annotations", "-error.retry_after"],
    errors={"ModelThrottledException": "rate_limit", "ContextWindowOverflowException": "context_window"},
)  # fmt: skip
