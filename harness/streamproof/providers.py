"""The one place that knows providers: (provider, protocol) -> row. A new provider is one row.

URLs are those that the official SDK calls for this row (run against a replay), or the provider's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import quote, urlsplit

from .decoders.base import NO_QUIRKS, Quirks
from .errors import UsageError

SdkName: TypeAlias = Literal["openai", "azure", "anthropic", "anthropic_bedrock", "genai", "genai_vertex", "none"]

PROTOCOLS = (
    "openai_chat",
    "openai_responses",
    "anthropic_messages",
    "gemini_generate_content",
    "bedrock_converse",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """How one provider speaks one protocol.

    base_url: what the SDK client is given. path: what the SDK appends, `{model}` filled in. sdk: which client speaks to
    it (`none`: only `wire` and `decode`). host: a regular expression for hosts of this provider, None when any host
    may be it. headers, body: what the client has to send besides. secret_headers: what must never be written, besides
    those that every provider has (scrub.py). quirks: deviations from the protocol, with their evidence beside them.
    """

    name: str
    protocol: str
    base_url: str
    path: str
    sdk: SdkName
    host: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)
    secret_headers: tuple[str, ...] = ()
    quirks: Quirks = NO_QUIRKS

    @property
    def key(self) -> str:
        """How the row is named in messages."""
        return f"{self.name}/{self.protocol}"

    def url(self, model: str) -> str:
        """The URL that a stream of this row is asked at, without a query."""
        return self.base_url.rstrip("/") + self.path.format(model=quote(model, safe=":@"))


def _chat(name: str, base_url: str, host: str | None = None, **more: object) -> Provider:
    return _row(name, "openai_chat", base_url, "/chat/completions", "openai", host, more)


def _responses(name: str, base_url: str, host: str | None = None, **more: object) -> Provider:
    return _row(name, "openai_responses", base_url, "/responses", "openai", host, more)


def _messages(name: str, base_url: str, host: str | None = None, **more: object) -> Provider:
    return _row(name, "anthropic_messages", base_url, "/v1/messages", "anthropic", host, more)


def _row(
    name: str, protocol: str, base_url: str, path: str, sdk: str, host: str | None, more: Mapping[str, object]
) -> Provider:
    fields = {"name": name, "protocol": protocol, "base_url": base_url, "path": path, "sdk": sdk, "host": host}
    return Provider(**{**fields, **more})  # type: ignore[arg-type]  # checked where the rows are written


_VERTEX_PROJECT = "/v1beta1/projects/streamproof/locations/us-central1/publishers/google"
_BEDROCK = "https://bedrock-runtime.us-east-1.amazonaws.com"
_AWS_SECRETS = ("x-amz-security-token", "x-amz-date", "x-amz-content-sha256")
_CODEX_HEADERS = {"chatgpt-account-id": "account", "originator": "streamproof", "OpenAI-Beta": "responses=experimental"}

ROWS: tuple[Provider, ...] = (
    _chat("openai", "https://api.openai.com/v1", r"api\.openai\.com"),
    _responses("openai", "https://api.openai.com/v1", r"api\.openai\.com"),
    # The Codex backend; `output` of its terminal is filled, [] or null.
    _responses(
        "chatgpt_oauth",
        "https://chatgpt.com/backend-api/codex",
        r"chatgpt\.com",
        headers=_CODEX_HEADERS,
        body={"store": False},
        secret_headers=("chatgpt-account-id",),
    ),
    _chat(
        "azure",
        "https://streamproof.openai.azure.com",
        r".+\.(openai\.azure\.com|cognitiveservices\.azure\.com|services\.ai\.azure\.com)",
        path="/openai/deployments/{model}/chat/completions",
        sdk="azure",
    ),
    _responses(
        "azure",
        "https://streamproof.openai.azure.com",
        r".+\.(openai\.azure\.com|cognitiveservices\.azure\.com|services\.ai\.azure\.com)",
        path="/openai/responses",
        sdk="azure",
    ),
    _chat("deepseek", "https://api.deepseek.com", r"api\.deepseek\.com"),
    _responses("deepseek", "https://api.deepseek.com", r"api\.deepseek\.com"),
    _messages("deepseek", "https://api.deepseek.com/anthropic", r"api\.deepseek\.com"),
    _chat("openrouter", "https://openrouter.ai/api/v1", r"openrouter\.ai"),
    _responses("openrouter", "https://openrouter.ai/api/v1", r"openrouter\.ai"),
    _messages("openrouter", "https://openrouter.ai/api", r"openrouter\.ai"),
    _chat("zai", "https://api.z.ai/api/paas/v4", r"(api\.z\.ai|open\.bigmodel\.cn)"),
    _messages("zai", "https://api.z.ai/api/anthropic", r"(api\.z\.ai|open\.bigmodel\.cn)"),
    _chat("lmstudio", "http://localhost:1234/v1", r"(localhost|127\.0\.0\.1):1234"),
    _responses("lmstudio", "http://localhost:1234/v1", r"(localhost|127\.0\.0\.1):1234"),
    _messages("lmstudio", "http://localhost:1234", r"(localhost|127\.0\.0\.1):1234"),
    # Vertex AI serves the same bytes under `:streamRawPredict`.
    _messages("anthropic", "https://api.anthropic.com", r"(api\.anthropic\.com|(.+-)?aiplatform\.googleapis\.com)"),
    # InvokeModel: binary frames that wrap Anthropic events.
    _messages(
        "bedrock",
        _BEDROCK,
        r"bedrock-runtime.*\.amazonaws\.com",
        path="/model/{model}/invoke-with-response-stream",
        sdk="anthropic_bedrock",
        secret_headers=_AWS_SECRETS,
    ),
    Provider(
        name="bedrock",
        protocol="bedrock_converse",
        base_url=_BEDROCK,
        path="/model/{model}/converse-stream",
        sdk="none",
        host=r"bedrock-runtime.*\.amazonaws\.com",
        secret_headers=_AWS_SECRETS,
    ),
    # Bedrock's OpenAI-compatible endpoint.
    _responses("bedrock", "https://bedrock-mantle.us-east-1.api.aws/openai/v1", r"bedrock-mantle\..*\.api\.aws"),
    _messages("minimax", "https://api.minimax.io/anthropic", r"api\.minimaxi?\.(io|com)"),
    _chat("minimax", "https://api.minimax.io/v1", r"api\.minimaxi?\.(io|com)"),
    # xAI runs x_search itself and reports it as a custom tool call with this id; recordings.
    _chat("xai", "https://api.x.ai/v1", r"api\.x\.ai"),
    _responses("xai", "https://api.x.ai/v1", r"api\.x\.ai", quirks=Quirks(server_call_prefixes=("xs_call_",))),
    Provider(
        name="google_ai",
        protocol="gemini_generate_content",
        base_url="https://generativelanguage.googleapis.com",
        path="/v1beta/models/{model}:streamGenerateContent",
        sdk="genai",
        host=r"generativelanguage\.googleapis\.com",
    ),
    Provider(
        name="google_vertex",
        protocol="gemini_generate_content",
        base_url="https://us-central1-aiplatform.googleapis.com",
        path=_VERTEX_PROJECT + "/models/{model}:streamGenerateContent",
        sdk="genai_vertex",
        host=r"(.+-)?aiplatform\.googleapis\.com",
    ),
    _chat("openai_compatible", "http://localhost:8000/v1"),
    _responses("openai_compatible", "http://localhost:8000/v1"),
    # Servers and gateways that speak a protocol of another's: llama.cpp, vLLM, LiteLLM, llm-rosetta.
    _messages("anthropic_compatible", "http://localhost:8000"),
    Provider(
        name="gemini_compatible",
        protocol="gemini_generate_content",
        base_url="http://localhost:8000",
        path="/v1beta/models/{model}:streamGenerateContent",
        sdk="genai",
    ),
)

TABLE: Mapping[tuple[str, str], Provider] = {(row.name, row.protocol): row for row in ROWS}

_FALLBACK = {
    "openai_chat": "openai_compatible",
    "openai_responses": "openai_compatible",
    "anthropic_messages": "anthropic_compatible",
    "gemini_generate_content": "gemini_compatible",
    "bedrock_converse": "bedrock",
}

_PATHS: tuple[tuple[str, str], ...] = (
    (r"/chat/completions$", "openai_chat"),
    (r"/responses(/[^/]+)?$", "openai_responses"),
    (r"/v1/messages$|/messages$", "anthropic_messages"),
    (r"/invoke-with-response-stream$|:streamRawPredict$", "anthropic_messages"),
    (r":streamGenerateContent$", "gemini_generate_content"),
    (r"/converse-stream$", "bedrock_converse"),
)


def row(provider: str, protocol: str) -> Provider:
    """The row of a provider and protocol. Raises UsageError, which lists the rows there are."""
    found = TABLE.get((provider, protocol))
    if found is None:
        known = ", ".join(sorted({r.name for r in ROWS if r.protocol == protocol}))
        raise UsageError(
            f"no provider {provider!r} that speaks {protocol!r}",
            remedy=f"one of: {known}" if known else f"protocols: {', '.join(PROTOCOLS)}",
        )
    return found


def protocols_of(provider: str) -> tuple[str, ...]:
    """The protocols that a provider speaks, in the table's order; empty for an unknown provider."""
    return tuple(r.protocol for r in ROWS if r.name == provider)


def protocol_of_url(url: str) -> str | None:
    """The protocol that a request's path names, None when it names none."""
    path = urlsplit(url).path.rstrip("/")
    return next((protocol for pattern, protocol in _PATHS if re.search(pattern, path)), None)


def provider_of_url(url: str, protocol: str) -> Provider:
    """The row of a request's host, else the generic row of the protocol."""
    host_and_port = urlsplit(url).netloc.rsplit("@", 1)[-1]
    host = host_and_port.partition(":")[0]
    for candidate in ROWS:
        pattern = candidate.host if candidate.protocol == protocol else None
        if pattern and any(re.fullmatch(pattern, name, re.IGNORECASE) for name in (host_and_port, host)):
            return candidate
    return TABLE[_FALLBACK[protocol], protocol]
