# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "langchain-core==1.8.2",
#   "langchain-openai==1.7.4",
#   "langchain-anthropic==1.7.10",
#   "langchain-google-genai==4.4.2",
#   "langchain-deepseek==1.1.1",
#   "openai==3.54.0",
#   "anthropic==2.12.0",
# ]
# [tool.uv]
# override-dependencies = ["certifi>=2026.10.18"]
# ///
"""langchain: the chat models' `stream()`, the chunks added up as its documentation does.

https://docs.langchain.com/oss/python/langchain/models: `full = chunk if full is None else full + chunk`, then
`full.content_blocks`, `full.usage_metadata` and `full.response_metadata`.
"""

from __future__ import annotations

import os
from typing import Any

os.environ["LANGSMITH_TRACING"] = "false"
from _driver import Answer, Ask, get, serve
from _openai_shapes import join_items
from langchain_anthropic import ChatAnthropic
from langchain_deepseek import ChatDeepSeek
from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import AzureChatOpenAI, ChatOpenAI

AZURE_API_VERSION = "2025-04-01-preview"


def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    model: Any = _model(ask)
    if ask.tools or ask.protocol == "anthropic_messages":  # without tools it makes one string of Claude's texts
        choice = ask.options.get("tool_choice")
        model = model.bind_tools(ask.functions, **({"tool_choice": choice} if choice else {}))
    extra = {"stop": ask.options["stop"]} if "stop" in ask.options else {}
    full = None
    try:
        for chunk in model.stream(ask.messages, **extra):
            answer.started = True
            full = chunk if full is None else full + chunk
    finally:
        if full is not None:
            _show(answer, full)
        if ask.protocol == "openai_responses":
            join_items(answer)


def _model(ask: Ask) -> Any:
    given = {"temperature": ask.options.get("temperature"), "max_tokens": ask.max_output_tokens}
    given = {name: value for name, value in given.items() if value is not None}
    common = {"model": ask.model, "api_key": ask.api_key, "max_retries": 0, "timeout": ask.timeout, **given}
    effort = ask.options.get("reasoning")
    if ask.protocol == "anthropic_messages":
        if effort:
            common |= {
                "thinking": {"type": "enabled", "budget_tokens": 1024},
                "max_tokens": given.get("max_tokens", 4096),
            }
        return ChatAnthropic(base_url=ask.base_url, **common)
    if ask.protocol == "gemini_generate_content":
        common["n"] = ask.options.get("n", 1)
        return ChatGoogleGenerativeAI(base_url=ask.base_url, include_thoughts=True if effort else None, **common)
    if ask.protocol == "openai_responses":
        reasoning = {"reasoning": {"effort": effort, "summary": "auto"}} if effort else {}
        return _openai(ask, {**common, **reasoning, "use_responses_api": True})
    if effort:
        common["reasoning_effort"] = effort
    return _openai(ask, {**common, **({"n": ask.options["n"]} if "n" in ask.options else {})})


def _openai(ask: Ask, common: dict[str, Any]) -> Any:
    common["stream_usage"] = True
    if ask.provider == "azure":
        return AzureChatOpenAI(
            azure_endpoint=ask.base_url, azure_deployment=ask.model, api_version=AZURE_API_VERSION, **common
        )
    if ask.provider == "deepseek" and ask.protocol == "openai_chat":
        return ChatDeepSeek(api_base=ask.base_url, **common)
    return ChatOpenAI(base_url=ask.base_url, **common)


def _show(answer: Answer, full: Any) -> None:
    said = full.response_metadata
    own = str(full.id or "").startswith("lc_")  # the name of the run, where the provider gave none
    answer.message_id = said.get("id") or (None if own else full.id)
    answer.model = said.get("model_name") or said.get("model")
    shown = False
    for block in full.content_blocks:
        shown |= block["type"] in ("tool_call", "tool_call_chunk", "invalid_tool_call")
        _block(answer, block)
    if not shown:
        for call in full.tool_calls:
            answer.call(call["name"], call["args"], id=call["id"], complete=True)
    for call in full.invalid_tool_calls:
        if call["id"] not in [known["id"] for known in answer.tool_calls]:
            answer.call(call["name"], call["args"], id=call["id"], complete=False)
    _usage(answer, full.usage_metadata)
    word = said.get("finish_reason") or said.get("stop_reason") or get(said, "incomplete_details", "reason")
    word = word or said.get("status")
    answer.finish(word, raw=word)


def _block(answer: Answer, block: dict[str, Any]) -> None:
    kind, extras = block["type"], block.get("extras") or {}
    signature = extras.get("signature")
    if kind == "text":
        cited = [{**(each.get("extras") or {}), **each} for each in block.get("annotations") or ()]
        answer.part("text", text=block["text"], annotations=cited or None, id=block.get("id"), signature=signature)
    elif kind == "reasoning":
        encrypted = extras.get("encrypted_content") or block.get("encrypted_content")
        text = block.get("reasoning") or ""
        answer.part("reasoning", text=text, id=block.get("id"), signature=signature, encrypted=encrypted)
    elif kind == "tool_call":
        answer.call(block["name"], block["args"], id=block.get("id"), complete=True, signature=signature)
    elif kind in ("tool_call_chunk", "invalid_tool_call"):
        answer.call(block.get("name"), block.get("args"), id=block.get("id"), complete=False)
    elif kind in ("server_tool_call", "server_tool_result", "server_tool_call_chunk"):
        about = block.get("id") or block.get("tool_call_id")
        answer.part("server_tool", name=block.get("name") or kind, id=about, data=block)
    elif kind in ("image", "audio", "video", "file"):
        text = block.get("transcript") or extras.get("transcript") or ""
        answer.part(
            "media", text=text, media_type=block.get("mime_type"), data=block.get("base64"), url=block.get("url")
        )
    elif kind == "refusal" or get(block, "value", "type") == "refusal":
        answer.part("refusal", text=block.get("refusal") or get(block, "value", "refusal") or "")
    else:
        answer.part("unknown", name=kind, data=block.get("value", block))


def _usage(answer: Answer, usage: dict[str, Any] | None) -> None:
    """`UsageMetadata`: sums of all token types."""
    if usage is None:
        return
    ins, outs = usage.get("input_token_details") or {}, usage.get("output_token_details") or {}
    answer.usage(
        usage["input_tokens"],
        usage["output_tokens"],
        cached=ins.get("cache_read"),
        written=ins.get("cache_creation"),
        reasoning=outs.get("reasoning"),
    )


serve(
    run,
    adapter="langchain",
    packages=["langchain-core", "langchain-openai", "langchain-anthropic", "langchain-google-genai",
              "langchain-deepseek", "openai", "anthropic", "google-genai"],
    protocols=["openai_chat", "openai_responses", "anthropic_messages", "gemini_generate_content"],
    providers=["openai", "openai_compatible", "azure", "deepseek", "anthropic", "anthropic_compatible", "google_ai",
               "gemini_compatible"],
    deltas=False,
    arguments="object",
    finish_dialect="raw",
    fields=["-raw_usage", "-choices", "-diagnostics", "-details", "-content.reasoning.summary", "-content.citation"],
)  # fmt: skip
