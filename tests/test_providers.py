"""The provider table."""

from __future__ import annotations

from typing import get_args
from urllib.parse import urlsplit

import pytest
from streamproof.decoders.stream import DECODERS
from streamproof.errors import UsageError
from streamproof.providers import (
    PROTOCOLS,
    ROWS,
    TABLE,
    Provider,
    SdkName,
    protocol_of_url,
    protocols_of,
    provider_of_url,
    row,
)

ASKED_FOR = {
    "openai": {"openai_chat", "openai_responses"},
    "chatgpt_oauth": {"openai_responses"},
    "azure": {"openai_chat", "openai_responses"},
    "deepseek": {"openai_chat"},
    "openrouter": {"openai_chat"},
    "zai": {"openai_chat"},
    "lmstudio": {"openai_chat", "openai_responses"},
    "anthropic": {"anthropic_messages"},
    "bedrock": {"anthropic_messages", "bedrock_converse"},
    "minimax": {"anthropic_messages"},
    "google_ai": {"gemini_generate_content"},
    "google_vertex": {"gemini_generate_content"},
    "openai_compatible": {"openai_chat"},
}
MODELS = [
    "gpt-5",
    "anthropic.claude-sonnet-4-20250514-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123",
    "meta-llama/Llama 3?",
]


def test_rows_are_unique() -> None:
    """Of two rows with one key the first would be dead."""
    assert len(TABLE) == len(ROWS)


@pytest.mark.parametrize("name", ASKED_FOR)
def test_every_provider_is_there(name: str) -> None:
    """The providers that the project promises, with the protocols that it promises for them."""
    assert set(protocols_of(name)) >= ASKED_FOR[name]


@pytest.mark.parametrize("each", ROWS, ids=lambda r: r.key)
def test_rows_are_well_formed(each: Provider) -> None:
    """A protocol with a decoder, a client that exists, an absolute URL, a name that a cell id takes."""
    assert each.protocol in PROTOCOLS
    assert each.protocol in DECODERS
    assert each.sdk in get_args(SdkName)
    assert urlsplit(each.base_url).scheme in ("http", "https")
    assert each.path.startswith("/")
    assert each.name.replace("_", "").isalnum()
    assert each.name.islower()


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("each", ROWS, ids=lambda r: r.key)
def test_a_row_is_found_again_by_its_url(each: Provider, model: str) -> None:
    """`decode` tells protocol and provider from the request's URL, whatever the model is called."""
    url = each.url(model)
    parts = urlsplit(url)
    assert (parts.query, parts.fragment) == ("", "")
    assert " " not in url
    assert protocol_of_url(url) == each.protocol
    found = provider_of_url(url, each.protocol)
    generic = each.name.endswith("_compatible")
    assert generic or found == each


def test_url_of_a_row() -> None:
    """The base URL may end with a slash; `:` and `@` of a model stay, its slashes are escaped."""
    made = Provider(name="x", protocol="openai_chat", base_url="https://h/v1/", path="/m/{model}/chat/completions",
                    sdk="openai")  # fmt: skip
    assert made.url("a:b@c/d e") == "https://h/v1/m/a:b@c%2Fd%20e/chat/completions"
    assert row("azure", "openai_chat").url("gpt-5") == (
        "https://streamproof.openai.azure.com/openai/deployments/gpt-5/chat/completions"
    )


AZURE = "https://acme.openai.azure.com"
BEDROCK = "https://bedrock-runtime.eu-west-1.amazonaws.com/model"
VERTEX = "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4/publishers"
ARN = "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fabc"


@pytest.mark.parametrize(
    ("url", "protocol", "provider"),
    [
        ("https://api.openai.com/v1/chat/completions", "openai_chat", "openai"),
        ("https://API.OPENAI.COM:443/v1/chat/completions", "openai_chat", "openai"),
        ("https://user:key@api.openai.com/v1/responses", "openai_responses", "openai"),
        ("https://api.openai.com/v1/responses/resp_A1?stream=true", "openai_responses", "openai"),
        ("https://chatgpt.com/backend-api/codex/responses", "openai_responses", "chatgpt_oauth"),
        (f"{AZURE}/openai/deployments/d/chat/completions?api-version=2024-10-21", "openai_chat", "azure"),
        (f"{AZURE}/openai/v1/responses", "openai_responses", "azure"),
        ("https://acme.services.ai.azure.com/models/chat/completions", "openai_chat", "azure"),
        ("https://acme.cognitiveservices.azure.com/openai/responses?api-version=1", "openai_responses", "azure"),
        ("https://openrouter.ai/api/v1/messages", "anthropic_messages", "openrouter"),
        ("https://api.deepseek.com/beta/chat/completions", "openai_chat", "deepseek"),
        ("https://api.z.ai/api/coding/paas/v4/chat/completions", "openai_chat", "zai"),
        ("https://open.bigmodel.cn/api/anthropic/v1/messages", "anthropic_messages", "zai"),
        ("https://api.minimaxi.com/anthropic/v1/messages", "anthropic_messages", "minimax"),
        ("https://api.anthropic.com/v1/messages?beta=true", "anthropic_messages", "anthropic"),
        (f"{BEDROCK}/anthropic.claude-v2%3A1/invoke-with-response-stream", "anthropic_messages", "bedrock"),
        (f"{BEDROCK}/{ARN}/converse-stream", "bedrock_converse", "bedrock"),
        (f"{BEDROCK}/arn:aws:bedrock:us-east-1:1:inference-profile/abc/converse-stream", "bedrock_converse", "bedrock"),
        ("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com/model/m/converse-stream", "bedrock_converse",
         "bedrock"),
        ("https://bedrock-mantle.us-east-2.api.aws/openai/v1/responses", "openai_responses", "bedrock"),
        (f"{VERTEX}/google/models/gemini-2.5-pro:streamGenerateContent?alt=sse", "gemini_generate_content",
         "google_vertex"),
        ("https://aiplatform.googleapis.com/v1/publishers/google/models/m:streamGenerateContent",
         "gemini_generate_content", "google_vertex"),
        (f"{VERTEX}/anthropic/models/claude@1:streamRawPredict", "anthropic_messages", "anthropic"),
        ("https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent", "gemini_generate_content",
         "google_ai"),
        ("http://localhost:1234/v1/chat/completions", "openai_chat", "lmstudio"),
        ("http://127.0.0.1:1234/v1/responses", "openai_responses", "lmstudio"),
        ("http://localhost:8080/v1/chat/completions", "openai_chat", "openai_compatible"),
        ("https://api.groq.com/openai/v1/chat/completions/", "openai_chat", "openai_compatible"),
        ("https://evil.example/api.openai.com/v1/responses", "openai_responses", "openai_compatible"),
        ("https://api.openai.com.evil.example/v1/responses", "openai_responses", "openai_compatible"),
        ("https://gateway.example/v1/messages", "anthropic_messages", "anthropic_compatible"),
        ("https://gateway.example/v1/models/m:streamGenerateContent", "gemini_generate_content",
         "gemini_compatible"),
        ("https://gateway.example/model/m/converse-stream", "bedrock_converse", "bedrock"),
    ],
)  # fmt: skip
def test_urls_in_the_wild(url: str, protocol: str, provider: str) -> None:
    """Hosts tell the provider, paths the protocol; an unknown host is the generic row of the protocol."""
    assert protocol_of_url(url) == protocol
    assert provider_of_url(url, protocol).name == provider


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://api.openai.com/v1/embeddings",
        "https://api.openai.com/v1/completions",
        "https://x/v1beta/models/m:generateContent",
        "https://x/v1/messages/count_tokens",
        "https://x/?next=/chat/completions",
        "https://x/model/m/converse",
    ],
)
def test_paths_that_name_no_protocol(url: str) -> None:
    """Then the events have to tell."""
    assert protocol_of_url(url) is None


@pytest.mark.parametrize(
    ("provider", "protocol", "remedy"),
    [
        ("nobody", "openai_chat", "one of: azure, deepseek"),
        ("anthropic", "openai_chat", "one of: azure"),
        ("openai", "cohere", "protocols: openai_chat"),
    ],
)
def test_an_unknown_row_lists_the_known_ones(provider: str, protocol: str, remedy: str) -> None:
    """Whoever misspelt a provider has to see how it is spelt."""
    with pytest.raises(UsageError) as error:
        row(provider, protocol)
    assert (error.value.remedy or "").startswith(remedy)


def test_secrets_of_a_provider_are_named_in_lower_case() -> None:
    """Headers are compared so."""
    assert all(name == name.lower() for each in ROWS for name in each.secret_headers)
    assert protocols_of("nobody") == ()
