# /// script
# requires-python = ">=3.11"
# dependencies = ["litellm==1.109.1", "openai==2.54.0"]
# [tool.uv]
# override-dependencies = ["certifi>=2026.10.18"]
# ///
"""litellm: `completion(stream=True)`, its chunks joined by its own `stream_chunk_builder`.

https://docs.litellm.ai/docs/completion/stream. Responses go through the same function with the model prefix
`openai/responses/`.
"""

from __future__ import annotations

import os
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else the import asks the network for prices
import litellm
from _driver import Answer, Ask, Unsupported, get, plain, serve
from _openai_shapes import ChatSum, show_chat_usage

litellm.disable_hf_tokenizer_download = True  # else it fetches tokenizers to estimate counts

PREFIXES = {
    ("openai_chat", "openai"): "openai/",
    ("openai_chat", "openai_compatible"): "openai/",
    ("openai_chat", "azure"): "azure/",
    ("openai_chat", "deepseek"): "deepseek/",
    ("openai_chat", "openrouter"): "openrouter/",
    ("openai_chat", "xai"): "xai/",
    ("openai_chat", "zai"): "zai/",
    ("openai_chat", "lmstudio"): "lm_studio/",
    ("openai_chat", "minimax"): "minimax/",
    ("openai_responses", "openai"): "openai/responses/",
    ("openai_responses", "openai_compatible"): "openai/responses/",
    ("openai_responses", "azure"): "azure/responses/",
    ("anthropic_messages", "anthropic"): "anthropic/",
    ("anthropic_messages", "anthropic_compatible"): "anthropic/",
    ("gemini_generate_content", "google_ai"): "gemini/",
    ("gemini_generate_content", "gemini_compatible"): "gemini/",
}

FIELDS = ["-tool_calls.complete", "-raw_finish_reason", "-raw_usage", "-content.refusal", "-content.ids",
          "-content.unknown", "-content.server_tool", "-content.citation", "-content.signatures", "-diagnostics",
          "-details"]  # fmt: skip


def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    if (ask.protocol, ask.provider) not in PREFIXES:
        raise Unsupported(f"no {ask.provider} for {ask.protocol}")
    if ask.protocol == "openai_responses":  # else it does not stream models that its price list does not know
        provider = PREFIXES[ask.protocol, ask.provider].partition("/")[0]
        known = {"litellm_provider": provider, "mode": "responses", "supports_native_streaming": True}
        litellm.register_model(dict.fromkeys((ask.model, f"{provider}/{ask.model}"), known))
    chunks: list[Any] = []
    shown = ChatSum()
    try:
        for chunk in litellm.completion(**_arguments(ask)):
            answer.started = True
            chunks.append(chunk)
            shown.add(chunk)
    except Exception as error:
        shown.show(answer)  # the builder would make a whole answer of it
        _show_headers(error)
        if isinstance(error, litellm.exceptions.MidStreamFallbackError):
            told = error.original_exception or error  # what the provider or the connection did
            _show_headers(told)
            raise told from error
        raise
    if chunks:
        _show(answer, litellm.stream_chunk_builder(chunks, messages=ask.messages))


def _show_headers(error: Any) -> None:
    """The library keeps the headers of the response under a name of its own."""
    error.headers = getattr(error, "litellm_response_headers", None) or getattr(error, "headers", None)


def _arguments(ask: Ask) -> dict[str, Any]:
    base = ask.base_url
    if ask.protocol == "gemini_generate_content":
        base = f"{base}/v1beta/models/{ask.model}"
    arguments = {
        "model": PREFIXES[ask.protocol, ask.provider] + ask.model,
        "messages": ask.messages,
        "api_base": base,
        "api_key": ask.api_key,
        "api_version": "2025-04-01-preview" if ask.provider == "azure" else None,
        "tools": ask.functions,
        "tool_choice": ask.function_choice,
        "max_tokens": ask.max_output_tokens,
        "reasoning_effort": ask.options.get("reasoning"),
        "n": ask.options.get("n"),
        "stop": ask.options.get("stop"),
        "temperature": ask.options.get("temperature"),
        "stream_options": {"include_usage": True},
        "timeout": ask.timeout,
    }
    given = {name: value for name, value in arguments.items() if value not in (None, [])}
    return {**given, "stream": True, "num_retries": 0, "max_retries": 0, "drop_params": True}


def _show(answer: Answer, response: Any) -> None:
    answer.message_id, answer.model = get(response, "id"), get(response, "model")
    for choice in get(response, "choices") or ():
        one = answer if choice.index == 0 else Answer()
        _choice(one, choice)
        if one is not answer:
            names = ("content", "tool_calls", "finish_reason", "raw_finish_reason")
            answer.choices.append({"index": choice.index, **{name: getattr(one, name) for name in names}})
    show_chat_usage(answer, get(response, "usage"))
    answer.raw_usage = None  # the library's own object, not the provider's


def _choice(one: Answer, choice: Any) -> None:
    message = choice.message
    _reasoning(one, message)
    cited = [each for block in get(message, "provider_specific_fields", "citations") or () for each in block]
    annotations = [plain(each) for each in get(message, "annotations") or cited] or None
    if message.content or annotations:
        one.part("text", text=message.content or "", annotations=annotations)
    for call in message.tool_calls or ():
        one.call(get(call, "function", "name"), get(call, "function", "arguments"), id=get(call, "id"))
    if get(message, "function_call"):
        one.call(get(message, "function_call", "name"), get(message, "function_call", "arguments"))
    for image in get(message, "images") or ():
        one.part("media", url=get(image, "image_url", "url"))
    if get(message, "audio"):
        one.part("media", text=get(message, "audio", "transcript") or "", data=get(message, "audio", "data"))
    one.finish(choice.finish_reason)


def _reasoning(one: Answer, message: Any) -> None:
    """Anthropic's blocks or the items of Responses, which go back; else one text."""
    blocks, items = get(message, "thinking_blocks") or (), get(message, "reasoning_items") or ()
    for block in blocks:
        if get(block, "type") == "redacted_thinking":
            one.part("reasoning", encrypted=get(block, "data"), kind="redacted")
        else:
            one.part("reasoning", text=get(block, "thinking") or "", signature=get(block, "signature"))
    for item in () if blocks else items:
        summary = [get(each, "text") or "" for each in get(item, "summary") or ()] or None
        text = "\n\n".join(summary or ())
        one.part("reasoning", text=text, summary=summary, encrypted=get(item, "encrypted_content"))
    if not any(part["text"] for part in one.content):
        one.append("reasoning", get(message, "reasoning_content"))


serve(
    run,
    adapter="litellm",
    packages=["litellm", "openai"],
    protocols=["openai_chat", "openai_responses", "anthropic_messages", "gemini_generate_content"],
    providers=sorted({provider for _, provider in PREFIXES}),
    deltas=False,
    text="joined",
    finish_dialect="wire",
    fields=[*FIELDS, "-content.reasoning.summary"],
    by_protocol={
        "openai_chat": {"fields": [*FIELDS, "-content.reasoning.summary", "-content.reasoning.encrypted"]},
        "openai_responses": {"fields": [*FIELDS, "-content.text.annotations"]},
    },
)
