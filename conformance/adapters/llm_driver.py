# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "llm==0.36",
#   "llm-anthropic==0.30",
#   "llm-gemini==0.35",
#   "openai==3.54.0",
#   "anthropic==1.17.0",
# ]
# ///
"""llm: `model.prompt()`, `response.stream_events()`, and the parts of the response's messages.

https://llm.datasette.io/en/stable/python-api.html. Why it ended stands in `response.json()`, and for OpenAI the whole
usage, too (`token_details` leave out zeros). The Gemini plugin has its URL in the code and asks for the JSON array; the
clients of the others have no setting for retries and time: both are set from outside.
"""

from __future__ import annotations

import json
import os
import tempfile
from typing import Any

os.environ["LLM_USER_PATH"] = tempfile.mkdtemp()
import anthropic
import httpx
import llm
import llm_anthropic
import llm_gemini
from _driver import Answer, Ask, Unsupported, get, serve
from _openai_shapes import join_items
from llm.default_plugins.openai_models import Chat, Responses
from llm.parts import AttachmentPart, Message, Part, ReasoningPart, TextPart, ToolCallPart

GOOGLE = "https://generativelanguage.googleapis.com"
OPENAI = ("openai", "openai_compatible", "deepseek", "openrouter", "zai", "lmstudio", "minimax", "xai")
PROVIDERS = {
    "openai_chat": OPENAI,
    "openai_responses": OPENAI,
    "anthropic_messages": ("anthropic", "anthropic_compatible"),
    "gemini_generate_content": ("google_ai", "gemini_compatible"),
}


def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    if ask.provider not in PROVIDERS[ask.protocol]:
        raise Unsupported(f"no {ask.provider} for {ask.protocol}")
    model, options = _model(ask)
    response = model.prompt(
        messages=[Message(role=m["role"], parts=[TextPart(text=m["content"])]) for m in ask.messages],
        tools=[
            llm.Tool(name=t["name"], description=t.get("description"), input_schema=t["parameters"]) for t in ask.tools
        ],
        key=ask.api_key,
        options={name: value for name, value in options.items() if value is not None},
    )
    failed = True
    try:
        for _ in response.stream_events():
            answer.started = True
        failed = False
    except llm_anthropic.ClaudeRefusal:
        failed = False  # how it tells of the stop reason `refusal`
    finally:
        _show(answer, response, failed)
        if ask.protocol == "openai_responses":
            join_items(answer)
        for part in answer.content:  # the ids of the provider's tools, which were needed to join call and result
            part.pop("id", None)


def _show(answer: Answer, response: llm.Response, failed: bool) -> None:
    parts = response._build_parts()  # what `messages()` has, which would ask again after an error
    left = len(parts) if failed else len(response._tool_calls)
    for part in parts:
        if isinstance(part, ToolCallPart) and not part.server_executed:
            left -= 1
            if left < 0 and not part.tool_call_id:  # there twice, and once in `tool_calls()`, which says what to run
                continue
        _part(answer, part)
    _said(answer, response)


def _model(ask: Ask) -> tuple[Any, dict[str, Any]]:
    effort, temperature = ask.options.get("reasoning"), ask.options.get("temperature")
    options = {"max_tokens": ask.max_output_tokens, "temperature": temperature}
    common = {"model_name": ask.model, "api_base": ask.base_url, "supports_tools": True, "reasoning": bool(effort)}
    if ask.protocol == "openai_chat":
        stop = ask.options.get("stop")
        chat = _once(Chat, ask.timeout)(ask.model, **common)
        return chat, {**options, "reasoning_effort": effort, "stop": stop and stop[0]}
    if ask.protocol == "openai_responses":
        return _once(Responses, ask.timeout)(ask.model, **common), {**options, "reasoning_effort": effort}
    if ask.protocol == "anthropic_messages":
        llm_anthropic.Anthropic = lambda **said: anthropic.Anthropic(max_retries=0, timeout=ask.timeout, **said)
        claude = llm_anthropic.ClaudeMessages(ask.model, base_url=ask.base_url, supports_thinking=bool(effort))
        stop = ask.options.get("stop")
        return claude, {**options, "thinking": True if effort else None, "stop_sequences": stop, "cache": True}
    llm_gemini.httpx = _Httpx(ask.base_url)
    gemini = llm_gemini.GeminiPro(ask.model, can_thinking_budget=bool(effort))
    limit = {"max_output_tokens": ask.max_output_tokens, "temperature": temperature, "timeout": ask.timeout}
    return gemini, {**limit, "thinking_budget": 1024 if effort else None}


def _once(made: Any, timeout: float) -> Any:
    """The class, with clients that ask once."""

    class Once(made):  # type: ignore[misc]
        def get_client(self, key: Any, **how: Any) -> Any:
            return super().get_client(key, **how).with_options(max_retries=0, timeout=timeout)

    return Once


class _Httpx:
    """httpx with Google's address replaced."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def __getattr__(self, name: str) -> Any:
        return getattr(httpx, name)

    def stream(self, method: str, url: str, **how: Any) -> Any:
        """A request to the given server."""
        return httpx.stream(method, url.replace(GOOGLE, self.base_url), **how)


def _part(answer: Answer, part: Part) -> None:
    sealed = _sealed(part)
    if isinstance(part, TextPart):
        answer.part("text", text=part.text, signature=sealed.get("thoughtSignature"))
    elif isinstance(part, ReasoningPart):
        hidden = sealed.get("data") or sealed.get("encrypted_content")
        kind = "redacted" if sealed.get("type") == "redacted_thinking" else None
        signature = sealed.get("signature") or sealed.get("thoughtSignature")
        answer.part("reasoning", text=part.text, signature=signature, encrypted=hidden, kind=kind)
    elif isinstance(part, ToolCallPart) and not part.server_executed:
        signature = sealed.get("thoughtSignature")
        unparsed = set(part.arguments) == {"_raw"}  # the library's way to say that it is no JSON
        arguments, whole = (part.arguments["_raw"], False) if unparsed else (part.arguments, None)
        answer.call(part.name, arguments, id=part.tool_call_id, complete=whole, signature=signature)
    elif isinstance(part, AttachmentPart):
        answer.part("media", media_type=get(part.attachment, "type"), url=get(part.attachment, "url"))
    else:
        name, about = get(part, "name") or type(part).__name__, get(part, "tool_call_id")
        answer.part("server_tool", name=name, id=about, data=json.loads(json.dumps(part.to_dict(), default=str)))


def _sealed(part: Part) -> dict[str, Any]:
    """`provider_metadata`: {provider: what has to go back}."""
    fields: dict[str, Any] = {}
    for said in (getattr(part, "provider_metadata", None) or {}).values():
        fields |= said if isinstance(said, dict) else {}
    return fields


def _said(answer: Answer, response: llm.Response) -> None:
    raw = response.response_json or {}
    answer.model = response.resolved_model or raw.get("model")
    answer.message_id = raw.get("id") or raw.get("responseId")
    details = response.token_details or {}
    all_in = get(raw, "usage", "prompt_tokens_details") or get(raw, "usage", "input_tokens_details") or {}
    all_out = get(raw, "usage", "completion_tokens_details") or get(raw, "usage", "output_tokens_details") or {}
    read, written = details.get("cache_read_input_tokens"), details.get("cache_creation_input_tokens")
    ins = response.input_tokens
    answer.usage(
        None if ins is None else ins + (read or 0) + (written or 0),
        response.output_tokens,
        cached=_first(read, all_in.get("cached_tokens"), details.get("cachedContentTokenCount")),
        written=_first(written, all_in.get("cache_write_tokens")),
        reasoning=_first(
            all_out.get("reasoning_tokens"),
            get(details, "output_tokens_details", "thinking_tokens"),
            details.get("thoughtsTokenCount"),
        ),
    )
    word = raw.get("finish_reason") or raw.get("stop_reason") or get(raw, "candidates", 0, "finishReason")
    answer.finish(word or get(raw, "incomplete_details", "reason") or raw.get("status"))


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


FIELDS = ["-tool_calls.complete", "-raw_finish_reason", "-raw_usage", "-choices", "-diagnostics", "-details",
          "-content.refusal", "-content.media", "-content.citation", "-content.unknown", "-content.text.annotations",
          "-content.ids", "-content.reasoning.summary"]  # fmt: skip

serve(
    run,
    adapter="llm",
    packages=["llm", "llm-anthropic", "llm-gemini", "openai", "anthropic"],
    protocols=list(PROVIDERS),
    providers=sorted({provider for providers in PROVIDERS.values() for provider in providers}),
    deltas=False,
    arguments="object",
    finish_dialect="raw",
    fields=FIELDS,
    by_protocol={"openai_chat": {"fields": [*FIELDS, "-content.reasoning"]}},
)
