# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "llama-index-core==0.14.25",
#   "llama-index-llms-openai==0.8.3",
#   "llama-index-llms-openai-like==0.8.1",
#   "llama-index-llms-deepseek==0.4.1",
#   "llama-index-llms-anthropic==0.12.3",
#   "llama-index-llms-google-genai==0.11.3",
#   "openai==2.54.0",
#   "anthropic==0.125.0",
#   "google-genai==2.34.0",
# ]
# ///
"""llama-index: the LLM classes' `stream_chat()`, and the blocks of its last response.

https://developers.llamaindex.ai/python/framework/module_guides/models/llms/. Why it ended stands in
`additional_kwargs` (Anthropic) or in `raw`, the provider's object that each response carries, and where the library's
own counter looks for the usage. With Responses only the response of `response.completed` has all blocks; until it
comes, the pieces are put together.
"""

from __future__ import annotations

import base64
from typing import Any

from _driver import Answer, Ask, Unsupported, get, plain, serve
from _openai_shapes import show_chat_usage, show_response_usage
from google.genai import types
from llama_index.core.base.llms.types import ChatMessage, TextBlock, ThinkingBlock
from llama_index.llms.anthropic import Anthropic
from llama_index.llms.anthropic.utils import CLAUDE_MODELS
from llama_index.llms.deepseek import DeepSeek
from llama_index.llms.google_genai import GoogleGenAI
from llama_index.llms.openai import OpenAI, OpenAIResponses
from llama_index.llms.openai.utils import ALL_AVAILABLE_MODELS
from llama_index.llms.openai_like import OpenAILike, OpenAILikeResponses

STAND_IN = "claude-sonnet-4-5"
ANTHROPIC_CHOICES = {"required": {"type": "any"}, "auto": {"type": "auto"}, "none": {"type": "none"}}
COMPATIBLE = ("openai", "openai_compatible", "deepseek", "openrouter", "zai", "lmstudio", "minimax", "xai")
PROVIDERS = {
    "openai_chat": COMPATIBLE,
    "openai_responses": COMPATIBLE,
    "anthropic_messages": ("anthropic", "anthropic_compatible"),
    "gemini_generate_content": ("google_ai", "gemini_compatible"),
}
GEMINI_MODES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}


def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    if ask.provider not in PROVIDERS[ask.protocol]:
        raise Unsupported(f"no {ask.provider} for {ask.protocol}")
    model, arguments, show = ASKED[ask.protocol](ask)
    messages = [ChatMessage(role=m["role"], content=m["content"]) for m in ask.messages]
    shown: dict[str, Any] = {"blocks": [], "pending": ["", ""], "known": 0}
    try:
        for response in model.stream_chat(messages, **arguments):
            answer.started = True
            if ask.protocol == "openai_responses":
                _add_event(shown, response)
            else:
                shown["blocks"] = [*response.message.blocks, *_pending(shown, response)]
            show(answer, response)
    finally:
        for block in shown["blocks"]:
            _block(answer, block)


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value not in (None, [])}


def _chat(ask: Ask) -> tuple[Any, dict[str, Any], Any]:
    extra = _given(reasoning_effort=ask.options.get("reasoning"), n=ask.options.get("n"), stop=ask.options.get("stop"))
    settings = _openai_settings(ask, {**extra, "stream_options": {"include_usage": True}})
    settings |= _given(max_tokens=ask.max_output_tokens)
    arguments = _given(tools=ask.functions, tool_choice=ask.function_choice)
    if ask.provider == "deepseek":
        return DeepSeek(**settings), arguments, _chat_said
    if ask.provider == "openai" and ask.model in ALL_AVAILABLE_MODELS:
        return OpenAI(**settings), arguments, _chat_said
    return OpenAILike(is_chat_model=True, is_function_calling_model=True, **settings), arguments, _chat_said


def _responses(ask: Ask) -> tuple[Any, dict[str, Any], Any]:
    effort = ask.options.get("reasoning")
    settings = _openai_settings(ask, {})
    settings |= _given(max_output_tokens=ask.max_output_tokens)
    settings |= _given(reasoning_options={"effort": effort, "summary": "auto"} if effort else None)
    tools = [{"type": "function", **tool} for tool in ask.tools]
    arguments = _given(tools=tools, tool_choice=ask.function_choice)
    if ask.provider == "openai" and ask.model in ALL_AVAILABLE_MODELS:
        return OpenAIResponses(**settings), arguments, _responses_said
    return OpenAILikeResponses(**settings), arguments, _responses_said


def _openai_settings(ask: Ask, extra: dict[str, Any]) -> dict[str, Any]:
    return {
        "model": ask.model,
        "api_base": ask.base_url,
        "api_key": ask.api_key,
        "max_retries": 0,
        "timeout": ask.timeout,
        "additional_kwargs": extra,
        **_given(temperature=ask.options.get("temperature")),
    }


def _anthropic(ask: Ask) -> tuple[Any, dict[str, Any], Any]:
    thinks, choice = bool(ask.options.get("reasoning")), ask.options.get("tool_choice")
    model = Anthropic(
        model=ask.model if ask.model in CLAUDE_MODELS else STAND_IN,  # it asks for no models that it does not know
        base_url=ask.base_url,
        api_key=ask.api_key,
        max_retries=0,
        timeout=ask.timeout,
        max_tokens=ask.max_output_tokens or (4096 if thinks else 1024),
        thinking_dict={"type": "enabled", "budget_tokens": 1024} if thinks else None,
        additional_kwargs=_given(stop_sequences=ask.options.get("stop")),
    )
    tools = [
        {"name": t["name"], "description": t.get("description", ""), "input_schema": t["parameters"]} for t in ask.tools
    ]
    chosen = ANTHROPIC_CHOICES.get(choice, {"type": "tool", "name": choice}) if choice else None
    return model, _given(tools=tools, tool_choice=chosen), _anthropic_said


def _gemini(ask: Ask) -> tuple[Any, dict[str, Any], Any]:
    choice = ask.options.get("tool_choice")
    calling = {
        "mode": GEMINI_MODES.get(choice, "ANY"),
        "allowed_function_names": None if choice in GEMINI_MODES else [choice],
    }
    config = types.GenerateContentConfig(
        max_output_tokens=ask.max_output_tokens,
        candidate_count=ask.options.get("n"),
        stop_sequences=ask.options.get("stop"),
        temperature=ask.options.get("temperature"),
        thinking_config=types.ThinkingConfig(include_thoughts=True) if ask.options.get("reasoning") else None,
        tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(**calling))
        if choice
        else None,
    )
    model = GoogleGenAI(
        model=ask.model,
        api_key=ask.api_key,
        http_options=types.HttpOptions(base_url=ask.base_url, timeout=int(ask.timeout * 1000)),
        max_retries=0,
        max_tokens=ask.max_output_tokens or 1024,
        context_window=100_000,  # else it asks the API for the model's
        generation_config=config,
    )
    functions = [
        types.FunctionDeclaration(
            name=t["name"], description=t.get("description"), parameters_json_schema=t["parameters"]
        )
        for t in ask.tools
    ]
    return model, {"tools": [types.Tool(function_declarations=functions)]} if functions else {}, _gemini_said


ASKED = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic_messages": _anthropic,
    "gemini_generate_content": _gemini,
}


def _add_event(shown: dict[str, Any], response: Any) -> None:
    """One event of Responses: its own blocks; those of `response.completed` are all."""
    if get(response.raw, "type") == "response.completed":
        shown["blocks"] = response.message.blocks
        return
    for block in response.message.blocks:
        last = shown["blocks"][-1] if shown["blocks"] else None
        if block.block_type == "text" and get(last, "block_type") == "text":
            last.text += block.text
        else:
            shown["blocks"].append(block)


def _pending(shown: dict[str, Any], response: Any) -> list[Any]:
    """Anthropic: a block stands in `blocks` once it is over; its pieces come as `delta` and `thinking_delta`."""
    said = response.message.additional_kwargs
    if "stop_reason" not in said:
        return []
    known = sum(block.block_type in ("text", "thinking") for block in response.message.blocks)
    if known != shown["known"]:
        shown["known"], shown["pending"] = known, ["", ""]
        return []
    pieces = (said.get("thinking_delta"), response.delta)
    shown["pending"] = [text + (piece or "") for text, piece in zip(shown["pending"], pieces, strict=True)]
    thinking, text = shown["pending"]
    return [*([ThinkingBlock(content=thinking)] if thinking else []), *([TextBlock(text=text)] if text else [])]


def _block(answer: Answer, block: Any) -> None:
    kind = block.block_type
    if kind == "text":
        answer.part("text", text=block.text)
    elif kind == "thinking":
        about = block.additional_information
        sealed = {name: about.get(name) or None for name in ("signature", "id")}
        sealed["encrypted"] = about.get("encrypted_content")
        signature = sealed["signature"] or about.get("thought_signature")
        last = answer.content[-1] if answer.content else {}
        if (
            last == {"type": "reasoning", "text": last.get("text")} and "thought" in about
        ):  # Gemini: one block per chunk
            last["text"] += block.content or ""
            last |= {"signature": _text(signature)} if signature else {}
        else:
            answer.part("reasoning", **{**sealed, "text": block.content or "", "signature": _text(signature)})
    elif kind == "tool_call":
        answer.call(block.tool_name, block.tool_kwargs, id=block.tool_call_id)
    elif kind == "image":
        answer.part("media", media_type=block.image_mimetype, data=_text(block.image), url=get(block, "url"))
    elif kind == "citation":
        answer.part("citation", citations=[plain(block)])
    else:
        answer.part("unknown", name=kind, data=plain(block))


def _text(value: Any) -> str | None:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _chat_said(answer: Answer, response: Any) -> None:
    show_chat_usage(answer, get(response.raw, "usage"))
    word = get(response.raw, "choices", 0, "finish_reason")
    if word:
        answer.finish(word)


def _responses_said(answer: Answer, response: Any) -> None:
    raw = response.raw
    show_response_usage(answer, get(raw, "response", "usage"))
    if get(raw, "type") in ("response.completed", "response.incomplete"):
        status = get(raw, "response", "status")
        answer.finish(get(raw, "response", "incomplete_details", "reason") or status)


def _anthropic_said(answer: Answer, response: Any) -> None:
    said = response.message.additional_kwargs
    usage = get(response.raw, "usage") or said.get("usage")  # of message_delta, or of what came before it
    if usage:
        read, written = get(usage, "cache_read_input_tokens"), get(usage, "cache_creation_input_tokens")
        ins = get(usage, "input_tokens")
        total = None if ins is None else ins + (read or 0) + (written or 0)
        answer.usage(total, get(usage, "output_tokens"), cached=read, written=written)
    answer.finish(said.get("stop_reason"))


def _gemini_said(answer: Answer, response: Any) -> None:
    usage, word = response.raw.get("usage_metadata") or {}, response.raw.get("finish_reason")
    if usage:
        outs, thoughts = usage.get("candidates_token_count"), usage.get("thoughts_token_count")
        total = None if outs is None and thoughts is None else (outs or 0) + (thoughts or 0)
        cached = usage.get("cached_content_token_count")
        answer.usage(usage.get("prompt_token_count"), total, cached=cached, reasoning=thoughts)
    if word is not None:
        answer.finish(str(getattr(word, "value", word)))


FIELDS = ["-tool_calls.complete", "-raw_finish_reason", "-message_id", "-model", "-choices",
          "-diagnostics", "-details", "-content.refusal", "-content.citation", "-content.server_tool",
          "-content.unknown", "-content.text.annotations", "-content.reasoning.summary",
          "-content.signatures"]  # fmt: skip

serve(
    run,
    adapter="llama-index",
    packages=[
        "llama-index-core",
        "llama-index-llms-openai",
        "llama-index-llms-openai-like",
        "llama-index-llms-deepseek",
        "llama-index-llms-anthropic",
        "llama-index-llms-google-genai",
        "openai",
        "anthropic",
        "google-genai",
    ],
    protocols=list(ASKED),
    providers=sorted({provider for providers in PROVIDERS.values() for provider in providers}),
    deltas=False,
    finish_dialect="raw",
    arguments="object",
    fields=FIELDS,
    by_protocol={
        "anthropic_messages": {
            "fields": [*FIELDS, "-raw_usage", "-usage.reasoning_tokens", "-content.reasoning.encrypted"],
        },
        "gemini_generate_content": {"fields": [*FIELDS, "-raw_usage"]},
    },
)
