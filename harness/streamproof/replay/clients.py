"""What each client library is given to reach a cell of the loopback server: its base URL, and a line of code.

Sources: the SDKs' own clients (the tests run the Python ones), and the documentation of the AI SDK's providers
(https://ai-sdk.dev/providers). Only how a path ends matters to the server, so one row may be reached by several.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ..providers import Provider
from .routes import base_path


class Client(NamedTuple):
    """One way to ask. suffix: what follows case, provider and plan in its base URL. code: with `{url}` for it."""

    name: str
    suffix: str
    code: str


_SDKS: Mapping[str, tuple[str, str]] = {
    "openai": ("openai", 'OpenAI(base_url="{url}", api_key="any")'),
    "azure": ("openai (Azure)", 'AzureOpenAI(azure_endpoint="{url}", api_version="2025-04-01-preview", api_key="any")'),
    "anthropic": ("anthropic", 'Anthropic(base_url="{url}", api_key="any")'),
    "anthropic_bedrock": (
        "anthropic (Bedrock)",
        'AnthropicBedrock(base_url="{url}", api_key="any", aws_region="us-east-1")',
    ),
    "genai": ("google-genai", 'genai.Client(api_key="any", http_options={"base_url": "{url}"})'),
    "genai_vertex": (
        "google-genai (Vertex)",
        'genai.Client(vertexai=True, api_key="any", http_options={"base_url": "{url}"})',
    ),
    "none": (
        "boto3",
        'boto3.client("bedrock-runtime", endpoint_url="{url}", region_name="us-east-1", '
        'aws_access_key_id="any", aws_secret_access_key="any")',
    ),
}
"""The official SDK of a row -> its name and how its client is made."""

_AI_SDK: Mapping[str, tuple[str, str]] = {
    "/chat/completions": ("/v1", 'createOpenAI({ baseURL: "{url}", apiKey: "any" }).chat("{model}")'),
    "/responses": ("/v1", 'createOpenAI({ baseURL: "{url}", apiKey: "any" }).responses("{model}")'),
    "/messages": ("/v1", 'createAnthropic({ baseURL: "{url}", apiKey: "any" })("{model}")'),
    ":streamGenerateContent": (
        "/v1beta",
        'createGoogleGenerativeAI({ baseURL: "{url}", apiKey: "any" })("{model}")',
    ),
    "/converse-stream": ("", 'createAmazonBedrock({ baseURL: "{url}", apiKey: "any" })("{model}")'),
    "/invoke-with-response-stream": (
        "",
        'createBedrockAnthropic({ baseURL: "{url}", apiKey: "any" })("{model}")',
    ),
}
"""The end of a row's path -> what the AI SDK's base URL ends with, and how its model is made."""

MODEL = "model-1"
"""Any model will do: the answer is the recorded one."""


def clients(row: Provider) -> Iterator[Client]:
    """Every way to ask a row that we know of: its official SDK, the AI SDK, curl."""
    name, code = _SDKS[row.sdk]
    yield Client(name, base_path(row), code)
    suffix, code = next(found for ending, found in _AI_SDK.items() if row.path.endswith(ending))
    yield Client("Vercel AI SDK", suffix, code.replace("{model}", MODEL))
    query = "?alt=sse" if row.protocol == "gemini_generate_content" else ""
    yield Client("curl", base_path(row) + row.path.format(model=MODEL) + query, "curl -sN '{url}' -d '{}'")


def code(client: Client, url: str) -> str:
    """The client's line of code for a whole base URL."""
    return client.code.replace("{url}", url)
