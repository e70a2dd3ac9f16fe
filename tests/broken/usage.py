"""Faults in counting tokens."""

from __future__ import annotations

from .kit import Deltas, Document, Events, breaks, payloads

COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens")


def _with(delta: object, **counts: int | None) -> object:
    value = delta.value  # type: ignore[attr-defined]
    return delta._replace(value={**value, "usage": {**value["usage"], **counts}})  # type: ignore[attr-defined]


@breaks(
    "deltas",
    "openai_chat/usage-on-every-chunk",
    "gemini_generate_content/usage-cumulative-every-chunk",
    "anthropic_messages/usage-delta-cumulative-not-additive",
    laws=("nothing-invented",),
)
def sums_cumulative_usage(deltas: Deltas) -> Deltas:
    """langchain-openai, pydantic-ai: 80/1020 for Perplexity's 10/336."""
    total: dict[str, int] = {}
    for delta in deltas:
        if delta.op == "usage":
            for name, count in delta.value["usage"].items():
                total[name] = total.get(name, 0) + (count or 0)
            delta = _with(delta, **total)  # type: ignore[assignment]  # noqa: PLW2901
        yield delta


@breaks("deltas", "gemini_generate_content/usage-not-monotonic", "gemini_generate_content/usage-count-disappears")
def takes_the_greatest_usage(deltas: Deltas) -> Deltas:
    """langchain-google-genai: a total of 169 beside 79 + 12, as counts may only grow."""
    most: dict[str, int | None] = {}
    for delta in deltas:
        if delta.op == "usage":
            for name, count in delta.value["usage"].items():
                most[name] = max(count, most.get(name) or 0) if count is not None else most.get(name)
            delta = _with(delta, **most)  # type: ignore[assignment]  # noqa: PLW2901
        yield delta


@breaks(
    "deltas",
    "anthropic_messages/two-message-deltas",
    "openai_chat/usage-on-every-chunk",
    "gemini_generate_content/usage-cumulative-every-chunk",
)
def first_usage_wins(deltas: Deltas) -> Deltas:
    """litellm: of two message_delta events the first gives the usage."""
    known: dict[str, int] = {}
    for delta in deltas:
        if delta.op == "usage":
            counts = {name: count for name, count in delta.value["usage"].items() if count}
            known = {**counts, **known}
            delta = _with(delta, **known)  # type: ignore[assignment]  # noqa: PLW2901
        yield delta


@breaks("events", "anthropic_messages/usage-input-grows-at-delta")
def reads_input_from_message_start_only(events: Events) -> Events:
    """letta: what server tools add to the input stands in message_delta, and is not read."""
    for event, payload in payloads(events):
        if payload.get("type") == "message_delta":
            (payload.get("usage") or {}).pop("input_tokens", None)
        yield event


@breaks("events", "openai_chat/usage-then-null")
def null_usage_overwrites(events: Events) -> Events:
    """openai 3.54's own accumulator: a later chunk without usage takes it away."""
    events = list(events)
    owners = [p for _, p in payloads(events) if "choices" in p]
    for payload in owners[:-1]:
        payload["usage"] = None
    return events


@breaks("events", "openai_chat/usage-trailing-empty-choices", "openai_chat/text")
def stops_before_the_trailing_usage(events: Events) -> Events:
    """openai/openai-agents-js#107: the chunk with `choices: []`, which holds the usage, has no first choice."""
    return (event for event, payload in payloads(events) if payload.get("choices") != [])


@breaks("completion", "openai_chat/error-chunk-with-usage")
def drops_usage_beside_an_error(document: Document) -> None:
    """langchain-openai, pydantic-ai, litellm, letta: the SDK raises at the `error` key, the usage is gone."""
    if document["error"] is not None:
        document["usage"] = {}


@breaks(
    "completion",
    "openai_chat/usage-absent",
    "openai_responses/completed-usage-null",
    "bedrock_converse/usage-missing",
    laws=("nothing-invented",),
)
def unknown_usage_becomes_zero(document: Document) -> None:
    """pydantic-ai, letta: 0/0 for a reply whose usage nobody reported."""
    document["usage"] = {name: document["usage"][name] or 0 for name in COUNTS}


@breaks(
    "completion",
    "openai_chat/usage-absent",
    "openai_responses/incomplete-usage-null",
    "openai_chat/cut-clean-eof",
    laws=("nothing-invented",),
)
def invents_usage(document: Document) -> None:
    """litellm: 8/5, counted by itself and not marked as an estimate."""
    if document["usage"]["input_tokens"] is None:
        document["usage"].update(input_tokens=8, output_tokens=5)


@breaks(
    "events",
    "openai_responses/incomplete-usage-null",
    "anthropic_messages/usage-null-or-missing",
    "anthropic_messages/usage-null-or-missing-in-start",
)
def crashes_on_null_usage(events: Events) -> Events:
    """letta before e8d5922ff, pydantic-ai, the anthropic SDK's helper: AttributeError on usage null."""
    for event, payload in payloads(events):
        for owner in (payload, payload.get("message") or {}, payload.get("response") or {}):
            if payload.get("type") in ("message_start", "message_delta", "response.completed", "response.incomplete"):
                owner.get("usage", {}).get("input_tokens")
        yield event


@breaks(
    "completion",
    "anthropic_messages/usage-start-only-cache",
    "openai_responses/usage-cache-write",
    "gemini_generate_content/usage-cached",
    laws=("nothing-invented",),
)
def counts_cached_tokens_twice(document: Document) -> None:
    """langchain-ai/langchain#32461, Kilo-Org/cloud#4964: cached tokens are added to an input that holds them."""
    usage = document["usage"]
    if usage["input_tokens"] is not None:
        usage["input_tokens"] += (usage["cached_input_tokens"] or 0) + (usage["cache_write_tokens"] or 0)


@breaks("completion", "anthropic_messages/usage-start-only-cache", "bedrock_converse/cache-usage")
def leaves_cached_tokens_out(document: Document) -> None:
    """langchain-anthropic 1.7.7: input 0 and no cache, where nearly all of the input was cached."""
    usage = document["usage"]
    if usage["input_tokens"] is not None:
        usage["input_tokens"] -= (usage["cached_input_tokens"] or 0) + (usage["cache_write_tokens"] or 0)


@breaks("completion", "openai_responses/usage-cache-write", "anthropic_messages/usage-start-only-cache-write")
def drops_cache_writes(document: Document) -> None:
    """letta: cache_write is None by decree."""
    document["usage"]["cache_write_tokens"] = None


@breaks(
    "completion",
    "gemini_generate_content/usage-thoughts-excluded",
    "openai_chat/finish-length-reasoning-only-xai",
)
def drops_reasoning_tokens(document: Document) -> None:
    """letta on Gemini; all four libraries on xAI, 26 for 253: output without what was thought."""
    usage = document["usage"]
    if usage["reasoning_tokens"] is not None:
        usage.update(output_tokens=usage["output_tokens"] - usage["reasoning_tokens"], reasoning_tokens=None)


@breaks("events", "gemini_generate_content/server-tool-parts-are-not-client-calls")
def ignores_tool_use_tokens(events: Events) -> Events:
    """letta: toolUsePromptTokenCount is not read, 770 of 785 input tokens are lost."""
    for event, payload in payloads(events):
        (payload.get("usageMetadata") or {}).pop("toolUsePromptTokenCount", None)
        yield event


@breaks("events", "openai_chat/usage-misplaced-groq", "openai_chat/usage-misplaced-moonshot")
def reads_usage_at_the_top_only(events: Events) -> Events:
    """langchain-openai, pydantic-ai, litellm, letta: `x_groq.usage` and a choice's usage are not seen."""
    for event, payload in payloads(events):
        payload.pop("x_groq", None)
        for choice in payload.get("choices") or ():
            choice.pop("usage", None)
        yield event
