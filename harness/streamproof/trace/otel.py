"""OpenTelemetry: one CLIENT span per call, by the GenAI semantic conventions 1.41.1; docs/normal-form.md has the names.

Needs the extra `otel` (the API; the application brings the SDK). Nothing here imports OpenTelemetry before it is asked
to, so the module can be imported without it. 1.41.1 is the last version of the conventions that was released with all
the others and so has a schema URL: https://github.com/open-telemetry/semantic-conventions/tree/v1.41.1/docs/gen-ai
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import UsageError
from ..jsontext import JSON, dumps
from ..scrub import redact, redact_text
from .otel_messages import input_messages, output_messages, system_instructions, tool_definitions
from .record import ProviderTrace

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider
    from opentelemetry.trace import Span, TracerProvider

SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.1"
_NAME = ("gen_ai.operation.name", "gen_ai.request.model")
EVENT_NAME = "gen_ai.client.inference.operation.details"

PROVIDER_NAMES: Mapping[str, str] = {
    "openai": "openai",
    "chatgpt_oauth": "openai",
    "azure": "azure.ai.openai",
    "anthropic": "anthropic",
    "bedrock": "aws.bedrock",
    "deepseek": "deepseek",
    "xai": "x_ai",
    "google_ai": "gcp.gemini",
    "google_vertex": "gcp.vertex_ai",
    "openai_compatible": "openai",
    "anthropic_compatible": "anthropic",
    "gemini_compatible": "gcp.gen_ai",
}
"""`gen_ai.provider.name` for our provider names; those for which the conventions have none go out as they are."""

HOST_NAMES: tuple[tuple[str, str], ...] = (
    ("groq.com", "groq"),
    ("mistral.ai", "mistral_ai"),
    ("perplexity.ai", "perplexity"),
    ("cohere.com", "cohere"),
    ("cohere.ai", "cohere"),
)
"""Well-known providers that our table has no row for, by the end of the host that `openai_compatible` was asked at."""


def current_context() -> Any:
    """The caller's OpenTelemetry context, for `ProviderTrace.context`; None where OpenTelemetry is not installed."""
    try:
        from opentelemetry.context import get_current  # noqa: PLC0415 - an extra
    except ImportError:
        return None
    return get_current()


class OTelSink:
    """Makes a span per record, with the record's own start and end, under the caller's span.

    tracer_provider: None for the global one. logger_provider: given, each call is also an event
    `gen_ai.client.inference.operation.details`, which then carries the content in its structured form instead of the
    span. capture_content: messages, system instructions and tool definitions go out too; the tracer has to capture them
    as well. Secrets are redacted. Raises UsageError when OpenTelemetry is not installed.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        *,
        logger_provider: LoggerProvider | None = None,
        capture_content: bool = False,
    ) -> None:
        try:
            from opentelemetry import trace  # noqa: PLC0415 - an extra
        except ImportError as error:
            raise UsageError("OpenTelemetry is not installed", remedy="pip install streamproof[otel]") from error
        self._trace = trace
        self._tracer = trace.get_tracer("streamproof", _version(), tracer_provider, SCHEMA_URL)
        self._logger = logger_provider and logger_provider.get_logger("streamproof", _version(), SCHEMA_URL)
        self.capture_content = capture_content

    def __call__(self, record: ProviderTrace) -> None:
        if not self.capture_content:
            record = record.without_content()
        attributes = span_attributes(record)
        content = redact(content_attributes(record)) if self.capture_content else {}
        end = record.started_at + round(record.latency * 1e9)
        span = self._tracer.start_span(
            " ".join(attributes[name] for name in _NAME if name in attributes),
            context=record.context,
            kind=self._trace.SpanKind.CLIENT,
            attributes=attributes if self._logger else {**attributes, **_as_text(content)},
            start_time=record.started_at,
        )
        if _is_error(record):
            message = redact_text(record.error.message) if record.error else record.state
            span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, _utf8(message)))
        self._event(record, span, {**attributes, **_utf8(content)}, end)
        span.end(end)

    def _event(self, record: ProviderTrace, span: Span, attributes: dict[str, Any], timestamp: int) -> None:
        if self._logger:
            context = self._trace.set_span_in_context(span, record.context)
            self._logger.emit(event_name=EVENT_NAME, timestamp=timestamp, context=context, attributes=attributes)


def span_attributes(record: ProviderTrace) -> dict[str, Any]:
    """What the conventions ask of every span, and what they have no name for under `streamproof.`; None is left out."""
    completion, address, port = record.completion, *_server(record.url)
    usage = completion.usage if completion else None
    found = {
        "gen_ai.operation.name": record.operation,
        "gen_ai.provider.name": provider_name(record.provider, address),
        "gen_ai.request.model": record.model,
        "server.address": address,
        "server.port": port,
        "gen_ai.request.stream": True,
        "gen_ai.output.type": _output_type(record.request),
        **_request_attributes(record.request),
        "gen_ai.response.model": completion and completion.model,
        "gen_ai.response.id": record.message_id,
        "gen_ai.response.finish_reasons": _finish_reasons(record),
        "gen_ai.response.time_to_first_chunk": record.time_to_first_token,
        "gen_ai.usage.input_tokens": usage and usage.input_tokens,
        "gen_ai.usage.output_tokens": usage and usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage and usage.cached_input_tokens,
        "gen_ai.usage.cache_creation.input_tokens": usage and usage.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": usage and usage.reasoning_tokens,
        "error.type": (record.error.type if record.error else "_OTHER") if _is_error(record) else None,
        "streamproof.trace.id": record.id,
        "streamproof.protocol": record.protocol,
        "streamproof.state": record.state,
        "streamproof.request.id": record.request_id,
        "streamproof.usage.estimated": True if usage and usage.estimated else None,
        **{f"streamproof.tag.{name}": str(value) for name, value in record.tags.items()},
    }
    kept: dict[str, Any] = _utf8(redact({name: value for name, value in found.items() if value is not None}))
    return kept


def content_attributes(record: ProviderTrace) -> dict[str, Any]:
    """The opt-in attributes, in their structured form; what is empty is left out."""
    found = {
        "gen_ai.input.messages": input_messages(record.protocol, record.request),
        "gen_ai.system_instructions": system_instructions(record.request),
        "gen_ai.tool.definitions": tool_definitions(record.request),
        "gen_ai.output.messages": output_messages(record.completion) if record.completion else None,
    }
    return {name: value for name, value in found.items() if value}


def provider_name(provider: str, address: str | None = None) -> str:
    """`gen_ai.provider.name` for one of our provider names and the host that was asked."""
    if provider == "openai_compatible" and address:
        for host, name in HOST_NAMES:
            if address == host or address.endswith("." + host):
                return name
    return PROVIDER_NAMES.get(provider, provider)


def _is_error(record: ProviderTrace) -> bool:
    """A cancelled call is no failure: nothing went wrong. `error.type` is a key of `errors.ERROR_CLASSES`."""
    return record.state in ("failed", "interrupted")


def _finish_reasons(record: ProviderTrace) -> list[str] | None:
    if record.completion is None:
        return None
    reasons = [record.completion.finish_reason, *(choice.finish_reason for choice in record.completion.choices)]
    return [reason or "unknown" for reason in reasons] if any(reasons) else None


def _number(value: JSON) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _double(value: JSON) -> float | None:
    return None if _number(value) is None else float(value)


def _several(value: JSON) -> int | None:
    return value if isinstance(value, int) and value > 1 else None


def _words(value: JSON) -> list[str] | None:
    words = [value] if isinstance(value, str) else value
    return words if isinstance(words, list) and words and all(isinstance(word, str) for word in words) else None


# attribute: (its names in the protocols' requests, at the top or in their settings object; the form of its value)
_REQUEST: Mapping[str, tuple[tuple[str, ...], Callable[[JSON], Any]]] = {
    "gen_ai.request.max_tokens": (
        ("max_completion_tokens", "max_output_tokens", "max_tokens", "maxOutputTokens", "maxTokens"),
        _number,
    ),
    "gen_ai.request.temperature": (("temperature",), _double),
    "gen_ai.request.top_p": (("top_p", "topP"), _double),
    "gen_ai.request.top_k": (("top_k", "topK"), _double),
    "gen_ai.request.frequency_penalty": (("frequency_penalty", "frequencyPenalty"), _double),
    "gen_ai.request.presence_penalty": (("presence_penalty", "presencePenalty"), _double),
    "gen_ai.request.seed": (("seed",), _number),
    "gen_ai.request.choice.count": (("n", "candidateCount"), _several),
    "gen_ai.request.stop_sequences": (("stop", "stop_sequences", "stopSequences"), _words),
}
_SETTINGS = ("generationConfig", "generation_config", "inferenceConfig")


def _request_attributes(request: Mapping[str, Any]) -> dict[str, Any]:
    places = [request, *(request[key] for key in _SETTINGS if isinstance(request.get(key), Mapping))]
    return {
        attribute: form(place[name])
        for attribute, (names, form) in _REQUEST.items()
        for place in places
        for name in names
        if name in place
    }


_OUTPUT_TYPES: Mapping[str, str] = {
    "json_object": "json",
    "json_schema": "json",
    "application/json": "json",
    "text": "text",
    "text/plain": "text",
    "audio": "speech",
    "image": "image",
}


def _output_type(request: Mapping[str, Any]) -> str | None:
    """The form that the request asks for; None when it leaves it to the model."""
    config = _inner(request, "generationConfig")
    asked = (
        *(_words(request.get("modalities")) or ()),
        *(_words(config.get("responseModalities")) or ()),
        _inner(request, "response_format").get("type"),
        _inner(_inner(request, "text"), "format").get("type"),
        _inner(_inner(request, "output_config"), "format").get("type"),
        config.get("responseMimeType"),
    )
    found = [_OUTPUT_TYPES[word.lower()] for word in asked if isinstance(word, str) and word.lower() in _OUTPUT_TYPES]
    return max(found, key=lambda kind: kind != "text", default=None)


def _inner(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = value.get(key)
    return inner if isinstance(inner, Mapping) else {}


def _server(url: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None, None
    return (parts.hostname, port) if parts.hostname else (None, None)


def _as_text(content: Mapping[str, Any]) -> dict[str, str]:
    """JSON text, which every exporter takes; structured values on spans are too new for many."""
    return {name: dumps(value) for name, value in content.items()}


def _utf8(value: Any) -> Any:
    """Lone surrogates as `?`: exporters write UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_utf8(str(key)): _utf8(item) for key, item in value.items()}
    return [_utf8(item) for item in value] if isinstance(value, list | tuple) else value


def _version() -> str:
    try:
        return version("streamproof")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"
