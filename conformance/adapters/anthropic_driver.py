# /// script
# requires-python = ">=3.11"
# dependencies = ["anthropic[bedrock]==2.12.0"]
# ///
"""anthropic: `messages.stream()`, the SDK's own accumulator, for Anthropic's API and Bedrock's InvokeModel.

https://github.com/anthropics/anthropic-sdk-python/blob/main/helpers.md: `stream.get_final_message()`, and
`stream.current_message_snapshot` for what there is before.
"""

from __future__ import annotations

from typing import Any

import anthropic
from _driver import Answer, Ask, get, plain, serve

SERVER_BLOCKS = ("server_tool_use", "mcp_tool_use", "mcp_tool_listing", "container_upload")
CHOICES = {"required": {"type": "any"}, "auto": {"type": "auto"}, "none": {"type": "none"}}


def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    with _client(ask) as client, client.messages.stream(**_arguments(ask)) as stream:
        try:
            for _ in stream:
                answer.started = True
            message = stream.get_final_message()
        except BaseException:  # the snapshot is what had come
            if answer.started:
                _show(answer, stream.current_message_snapshot)
            raise
        _show(answer, message)


def _client(ask: Ask) -> Any:
    common: dict[str, Any] = {"base_url": ask.base_url, "max_retries": 0, "timeout": ask.timeout}
    if ask.provider == "bedrock":
        return anthropic.AnthropicBedrock(api_key=ask.api_key, aws_region="us-east-1", **common)
    return anthropic.Anthropic(api_key=ask.api_key, **common)


def _arguments(ask: Ask) -> dict[str, Any]:
    thinks, choice = bool(ask.options.get("reasoning")), ask.options.get("tool_choice")
    arguments = {
        "model": ask.model,
        "messages": ask.turns,
        "max_tokens": ask.max_output_tokens or (4096 if thinks else 1024),
        "system": ask.system,
        "tools": [
            {"name": t["name"], "description": t.get("description", ""), "input_schema": t["parameters"]}
            for t in ask.tools
        ],
        "tool_choice": CHOICES.get(choice, {"type": "tool", "name": choice}) if choice else None,
        "thinking": {"type": "enabled", "budget_tokens": 1024} if thinks else None,
        "stop_sequences": ask.options.get("stop"),
    }
    return {name: value for name, value in arguments.items() if value not in (None, [])}


def _show(answer: Answer, message: Any) -> None:
    answer.message_id, answer.model = get(message, "id"), get(message, "model")
    for block in get(message, "content") or ():
        _block(answer, block)
    _usage(answer, get(message, "usage"))
    answer.finish(get(message, "stop_reason"), raw=get(message, "stop_reason"))
    for name in ("stop_sequence", "stop_details"):
        if get(message, name) is not None:
            answer.details[name] = plain(get(message, name))


def _block(answer: Answer, block: Any) -> None:
    kind = get(block, "type") or ""
    if kind == "text":
        annotations = [plain(each) for each in get(block, "citations") or ()] or None
        answer.part("text", text=get(block, "text") or "", annotations=annotations)
    elif kind == "thinking":
        answer.part("reasoning", text=get(block, "thinking") or "", signature=get(block, "signature") or None)
    elif kind == "redacted_thinking":
        answer.part("reasoning", encrypted=get(block, "data"), kind="redacted")
    elif kind == "tool_use":
        answer.call(get(block, "name"), get(block, "input"), id=get(block, "id"))
    elif kind in SERVER_BLOCKS or kind.endswith("_tool_result"):
        answer.part("server_tool", name=kind, id=get(block, "id"), data=plain(block))
    else:
        answer.part("unknown", name=kind, data=plain(block))


def _usage(answer: Answer, usage: Any) -> None:
    """`input_tokens` excludes the caches: https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching."""
    if usage is None:
        return
    read, written = get(usage, "cache_read_input_tokens"), get(usage, "cache_creation_input_tokens")
    counts = [n for n in (get(usage, "input_tokens"), read, written) if n is not None]
    answer.usage(
        sum(counts) if get(usage, "input_tokens") is not None else None,
        get(usage, "output_tokens"),
        cached=read,
        written=written,
        reasoning=get(usage, "output_tokens_details", "thinking_tokens"),
    )
    answer.raw_usage = plain(usage)


serve(
    run,
    adapter="anthropic",
    packages=["anthropic"],
    protocols=["anthropic_messages"],
    deltas=False,
    arguments="object",
    fields=["-tool_calls.complete", "-content.refusal", "-content.media", "-choices", "-diagnostics"],
    finish_dialect="raw",
)
