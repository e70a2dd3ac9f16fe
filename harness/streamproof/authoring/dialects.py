"""Members that single providers add to a protocol's published schema, each with where it is documented or was seen.

What stands here is declared for every case of that provider; anything else a case declares itself, in
`schema_deviates`. A member is allowed where one of the case's providers has it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import NamedTuple


class Dialect(NamedTuple):
    """providers: whose it is, "*" for all. places: regular expressions over the places of breaches, without indexes
    (`choices.delta.reasoning`); one covers what is below it too. evidence: a page, or the recordings that show it."""

    protocol: str
    providers: tuple[str, ...]
    places: tuple[str, ...]
    evidence: str


DIALECTS: tuple[Dialect, ...] = (
    # -- Chat
    Dialect(
        "openai_chat",
        ("openrouter",),
        (
            r"provider",
            r"choices\.(native_finish_reason|error)",
            r"error",
            r"choices\.delta\.(reasoning|reasoning_details|annotations)",
            r"usage\.(cost|cost_details|is_byok)",
            r"usage\.completion_tokens_details\.(image_tokens|audio_tokens)",
            r"usage\.prompt_tokens_details\.(audio_tokens|video_tokens|cache_write_tokens)",
        ),
        "https://openrouter.ai/docs/api-reference/overview, https://openrouter.ai/docs/api-reference/errors, "
        "https://openrouter.ai/docs/use-cases/reasoning-tokens, "
        "https://openrouter.ai/docs/use-cases/usage-accounting; recordings",
    ),
    Dialect(
        "openai_chat",
        ("deepseek",),
        (r"choices\.delta\.reasoning_content", r"usage\.prompt_cache_(hit|miss)_tokens"),
        "https://api-docs.deepseek.com/guides/reasoning_model, https://api-docs.deepseek.com/guides/kv_cache",
    ),
    Dialect(
        "openai_chat",
        ("zai",),
        (r"choices\.delta\.reasoning_content",),
        "https://docs.z.ai/guides/capabilities/thinking",
    ),
    Dialect(
        "openai_chat",
        ("xai",),
        (r"choices\.delta\.reasoning_content", r"usage\.(num_sources_used|cost_in_usd_ticks)"),
        "https://docs.x.ai/docs/guides/reasoning; recordings of api.x.ai",
    ),
    Dialect(
        "openai_chat",
        ("lmstudio",),
        (r"choices\.delta\.reasoning_content", r"stats"),
        "https://lmstudio.ai/docs/developer/openai-compat",
    ),
    Dialect(
        "openai_chat",
        ("minimax",),
        (
            r"(input|output)_sensitive(_type|_int)?",
            r"base_resp",
            r"choices\.delta\.(name|audio_content|reasoning_content|reasoning_details)",
            r"usage\.total_characters",
        ),
        "https://platform.minimax.io/docs/api-reference/text-openai-api; recordings",
    ),
    Dialect(
        "openai_chat",
        ("azure",),
        (r"prompt_filter_results", r"choices\.content_filter_(results|offsets|result)", r"object"),
        "https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-streaming",
    ),
    Dialect(
        "openai_chat",
        ("openai_compatible",),
        (r"choices\.delta\.(reasoning_content|reasoning)", r"choices\.(stop_reason|token_ids)", r"prompt_token_ids"),
        "vLLM: ChatCompletionStreamResponse and its parts in vllm/entrypoints/openai, "
        "https://docs.vllm.ai/en/latest/features/reasoning_outputs.html; recordings",
    ),
    Dialect(
        "openai_chat",
        ("openai_compatible",),
        (r"x_groq", r"usage\.(queue|prompt|completion|total)_time", r"choices\.delta\.channel"),
        "https://console.groq.com/docs/api-reference; groq.types.chat.ChatCompletionChunk (groq SDK)",
    ),
    # -- Responses
    Dialect(
        "openai_responses",
        ("*",),
        (r"response\.(store|frequency_penalty|presence_penalty|billing)",),
        "recordings of api.openai.com: more of the request's parameters are echoed than the SDK's Response has",
    ),
    Dialect(
        "openai_responses",
        ("*",),
        (r"response\.usage\.input_tokens_details\.cache_write_tokens",),
        "openai 3.54.0 requires the count; older and compatible servers do not send it; recordings",
    ),
    Dialect(
        "openai_responses",
        ("*",),
        (r"(item|response\.output)\.status", r"response\.tools\.n", r"(.+\.)?logprobs\.(top_logprobs\.)?bytes"),
        "recordings of api.openai.com: the status of a custom_tool_call, the `n` of the image tool's echo; "
        "https://platform.openai.com/docs/api-reference/responses-streaming for the bytes of a token",
    ),
    Dialect(
        "openai_responses",
        ("openai_compatible",),
        (
            r"response\.(input|output)_messages",
            r"response\.usage\.(input|output)_tokens_details\.(tool_output_tokens|\w+_per_turn)",
        ),
        "vLLM: ResponsesResponse and its usage, https://docs.vllm.ai/en/v0.26.0/api/vllm/entrypoints/openai/responses/protocol/",
    ),
    Dialect(
        "openai_responses",
        ("azure", "deepseek"),  # recordings of DeepSeek's Responses were made through Azure
        (r"response\.content_filters",),
        "https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter; recordings",
    ),
    Dialect(
        "openai_responses",
        ("openrouter",),
        (r"response\.output_text", r"response\.usage\.(cost|cost_details|is_byok)"),
        "https://openrouter.ai/docs/api-reference/responses-api/overview; recordings",
    ),
    Dialect(
        "openai_responses",
        ("xai",),
        (r"response\.usage\.(num_sources_used|num_server_side_tools_used|cost_in_usd_ticks)",),
        "https://docs.x.ai/docs/api-reference; recordings of api.x.ai",
    ),
    # -- Converse
    Dialect(
        "bedrock_converse",
        ("bedrock",),
        (r"metadata\.usage\.serverToolUsage",),
        "recordings: {} beside the counts, in no service model so far",
    ),
    # -- Messages
    Dialect(
        "anthropic_messages",
        ("*",),
        (r"error\.details",),
        "https://docs.anthropic.com/en/api/errors; recordings: null beside the message",
    ),
    # -- generateContent
    Dialect(
        "gemini_generate_content",
        ("google_ai",),
        (r"usageMetadata\.serviceTier",),
        "https://github.com/googleapis/python-genai/issues/2435",
    ),
)


@cache
def _patterns(protocol: str, provider: str) -> tuple[re.Pattern[str], ...]:
    return tuple(
        re.compile(rf"(?:{place})(?:$|\.)")
        for dialect in DIALECTS
        if dialect.protocol == protocol and ("*" in dialect.providers or provider in dialect.providers)
        for place in dialect.places
    )


def is_dialect(protocol: str, providers: Collection[str], place: str) -> bool:
    """Whether a breach at this place is a known one of these providers."""
    plain = re.sub(r"\[\d+\]", "", place)
    return any(pattern.match(plain) for provider in providers for pattern in _patterns(protocol, provider))
