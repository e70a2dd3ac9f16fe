"""Token counts of Chat Completions and its dialects, as a table of the places where each count may stand."""

from __future__ import annotations

from collections.abc import Mapping

from ...jsontext import JSON, JSONObject

_PLACES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "input_tokens": (("prompt_tokens",), ("input_tokens",)),
    "output_tokens": (("completion_tokens",), ("output_tokens",)),
    "cached_input_tokens": (
        ("prompt_tokens_details", "cached_tokens"),  # OpenAI: openai.types.CompletionUsage
        ("prompt_cache_hit_tokens",),  # DeepSeek: https://api-docs.deepseek.com/guides/kv_cache
        ("cached_tokens",),  # Moonshot, Together
        ("num_cached_tokens",),  # Mistral (recording)
        ("cache_read_input_tokens",),  # gateways in front of Anthropic
    ),
    "cache_write_tokens": (
        ("prompt_tokens_details", "cache_write_tokens"),  # OpenAI: openai.types.CompletionUsage; OpenRouter
        ("prompt_tokens_details", "cache_creation_tokens"),  # LiteLLM proxy
        ("prompt_tokens_details", "cache_creation_input_tokens"),  # Alibaba
        ("cache_creation_input_tokens",),  # gateways in front of Anthropic
    ),
    "reasoning_tokens": (
        ("completion_tokens_details", "reasoning_tokens"),  # OpenAI: openai.types.CompletionUsage
        ("reasoning_tokens",),  # Azure DeepSeek
    ),
}
"""Field of `Usage` -> paths into the wire's object; the first readable count is taken, none is ever added up."""


def usage_counts(raw: JSONObject, *, zero_is_unknown: bool = False) -> dict[str, int | None]:
    """Fields of `Usage` from a usage object: tokens, None where the wire gives no readable count.

    Where total = prompt + completion + reasoning the completion count leaves reasoning out, and it is added (xAI:
    https://docs.x.ai/docs/guides/reasoning, recordings). zero_is_unknown: `Quirks.zero_usage_is_unknown`.
    """
    counts = {name: _first(raw, paths) for name, paths in _PLACES.items()}
    prompt, completion, reasoning = (counts[name] for name in ("input_tokens", "output_tokens", "reasoning_tokens"))
    if (
        reasoning
        and prompt is not None
        and completion is not None
        and _count(raw.get("total_tokens")) == prompt + completion + reasoning
    ):
        counts["output_tokens"] = completion + reasoning
    if zero_is_unknown:
        return {name: count or None for name, count in counts.items()}
    return counts


def _first(raw: JSONObject, paths: tuple[tuple[str, ...], ...]) -> int | None:
    for path in paths:
        value: JSON = raw
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        count = _count(value)
        if count is not None:
            return count
    return None


def _count(value: JSON) -> int | None:
    """A count of tokens: an integer, also spelled as a string or a whole float; a negative one says nothing."""
    if type(value) is int:
        return value if value >= 0 else None
    if isinstance(value, float) and value.is_integer():
        return int(value) if value >= 0 else None
    if isinstance(value, str) and len(value) <= 20 and value.isascii() and value.isdecimal():
        return int(value)
    return None
