# /// script
# requires-python = ">=3.11"
# dependencies = ["dspy==3.4.1"]
# ///
"""dspy: its native engine, the events of `stream()` put together by the library's `ResponseStream`.

https://dspy.ai/api/models/LM. The engine (lm15) has its own HTTP client and types for all providers. Its counts are the
provider's own, as the documentation of `Usage` says: without the caches with Anthropic, without the thoughts with
Gemini and xAI.
"""

from __future__ import annotations

from typing import Any

from _driver import Answer, Ask, Unsupported, get, serve
from dspy._vendor.lm15.result import ResponseStream
from dspy.clients.engines.lm15_engine import LM15Engine
from dspy.lm15 import Config, FunctionTool, Message, Reasoning, Request, RouterConfig, Timeouts, ToolChoice

PROVIDERS = {
    ("openai_chat", "openai"): "openai-chat",
    ("openai_chat", "openai_compatible"): "vllm",
    ("openai_chat", "deepseek"): "deepseek",
    ("openai_chat", "openrouter"): "openrouter",
    ("openai_chat", "xai"): "xai",
    ("openai_chat", "zai"): "zai",
    ("openai_responses", "openai"): "openai",
    ("openai_responses", "openai_compatible"): "openai",
    ("anthropic_messages", "anthropic"): "anthropic",
    ("anthropic_messages", "anthropic_compatible"): "anthropic",
    ("gemini_generate_content", "google_ai"): "gemini",
    ("gemini_generate_content", "gemini_compatible"): "gemini",
}
PATHS = {"anthropic_messages": "/v1", "gemini_generate_content": "/v1beta"}
FINISH = {"tool_call": "tool_calls", "error": "other"}
"""`FinishReason` is a closed list of five words."""
SEALED = {
    "thinking_signature": ("signature", "signature"),
    "thought_signature": ("signature", "value"),
    "redacted_thinking": ("encrypted", "data"),
    "reasoning_item": ("encrypted", "encrypted_content"),
}
"""Kind of a part's `continuation` -> our field, the place in its data."""


def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    provider = PROVIDERS.get((ask.protocol, ask.provider))
    if provider is None:
        raise Unsupported(f"no {ask.provider} for {ask.protocol}")
    config = RouterConfig(
        api_keys={provider: ask.api_key},
        base_urls={provider: ask.base_url + PATHS.get(ask.protocol, "")},
        timeouts=Timeouts(connect=ask.timeout, read=ask.timeout),
    )
    engine = LM15Engine(config, model_type="responses" if ask.protocol == "openai_responses" else "chat")
    request = _request(ask, provider)
    stream = ResponseStream(engine.stream(request), request)
    try:
        for _ in stream.events():
            answer.started = True
        _show(ask, answer, stream.response)
    except Exception as error:
        partial = getattr(error, "partial", None) or _so_far(stream)
        if partial is not None:
            _show(ask, answer, partial)
            _as_it_came(answer, stream._accumulator)
        raise
    finally:
        engine.close()


def _so_far(stream: ResponseStream) -> Any:
    try:
        return stream._accumulator.response()
    except Exception:  # noqa: BLE001 - nothing that could be shown
        return None


def _as_it_came(answer: Answer, total: Any) -> None:
    """What the events said, where the accumulator would make a whole answer of it."""
    answer.finish(FINISH.get(total.finish_reason, total.finish_reason))
    for call, index in zip(answer.tool_calls, sorted(total.tool_call_meta), strict=False):
        call["arguments"], call["complete"] = total.tool_call_raw.get(index, ""), False


def _request(ask: Ask, provider: str) -> Request:
    effort, choice = ask.options.get("reasoning"), ask.options.get("tool_choice")
    modes = {None: None, "auto": ToolChoice("auto"), "required": ToolChoice("required"), "none": ToolChoice("none")}
    named = ToolChoice("required", allowed=(choice,)) if choice not in modes else modes[choice]
    config = Config(
        max_tokens=ask.max_output_tokens,
        temperature=ask.options.get("temperature"),
        stop=tuple(ask.options.get("stop") or ()),
        tool_choice=named,
        reasoning=Reasoning(effort if effort != "none" else "off") if effort else None,
    )
    roles = {"user": Message.user, "assistant": Message.assistant}
    return Request(
        model=f"{provider}:{ask.model}",
        messages=tuple(roles[m["role"]](m["content"]) for m in ask.turns),
        system=ask.system,
        tools=tuple(FunctionTool(t["name"], t.get("description"), t["parameters"]) for t in ask.tools),
        config=config,
    )


def _show(ask: Ask, answer: Answer, response: Any) -> None:
    answer.message_id, answer.model = response.id, response.model
    for part in response.message.parts:
        _part(answer, part)
    _usage(ask, answer, response.usage)
    answer.finish(FINISH.get(response.finish_reason, response.finish_reason))


def _part(answer: Answer, part: Any) -> None:
    sealed: dict[str, Any] = {}
    for state in part.continuation:
        field, place = SEALED.get(state.kind, ("", ""))
        if field and get(state.data, place):
            sealed[field] = get(state.data, place)
        if state.kind == "redacted_thinking":
            sealed["kind"] = "redacted"
        if get(state.data, "id"):
            sealed["id"] = get(state.data, "id")
    if part.type == "text":
        answer.part("text", text=part.text, **sealed)
    elif part.type == "thinking":
        answer.part("reasoning", text=part.text, **sealed)
    elif part.type == "refusal":
        answer.part("refusal", text=part.text)
    elif part.type == "tool_call":
        answer.call(part.name, part.input, id=part.id, **sealed)
    elif part.type == "citation":
        answer.part("citation", citations=[{"url": part.url, "title": part.title, "text": part.text}])
    elif part.type in ("image", "audio", "video", "document", "binary"):
        answer.part("media", media_type=part.media_type, data=part.data, url=part.url)
    else:
        answer.part("unknown", name=part.type, data=str(part))


def _usage(ask: Ask, answer: Answer, usage: Any) -> None:
    ins, outs, read, written = (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
    )
    if ask.protocol == "anthropic_messages" and ins is not None:
        ins += (read or 0) + (written or 0)
    if (ask.protocol == "gemini_generate_content" or ask.provider == "xai") and outs is not None:
        outs += usage.reasoning_tokens or 0
    answer.usage(ins, outs, cached=read, written=written, reasoning=usage.reasoning_tokens)


FIELDS = ["-tool_calls.complete", "-raw_finish_reason", "-raw_usage", "-choices", "-diagnostics", "-details",
          "-content.refusal", "-content.server_tool", "-content.unknown", "-content.text.annotations",
          "-content.reasoning.summary"]  # fmt: skip

serve(
    run,
    adapter="dspy",
    packages=["dspy"],
    protocols=sorted({protocol for protocol, _ in PROVIDERS}),
    providers=sorted({provider for _, provider in PROVIDERS}),
    deltas=False,
    finish_dialect="wire",
    arguments="object",
    fields=FIELDS,
    by_protocol={
        "openai_chat": {"fields": [*FIELDS, "-message_id", "-content.ids", "-content.reasoning.encrypted"]},
        "gemini_generate_content": {"fields": [*FIELDS, "-message_id"]},
    },
    errors={
        "AuthError": "authentication",
        "BillingError": "insufficient_credits",
        "ContextLengthError": "context_window",
        "StreamAssemblyError: tool call": "protocol",
        "StreamAssemblyError": "interrupted",
        "ServerError": "server",
    },
)
