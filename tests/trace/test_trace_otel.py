"""Spans and events by the GenAI semantic conventions 1.41.1, through the OpenTelemetry SDK's in-memory exporters."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from typing import Any

import pytest
from streamproof.completion import Choice, ErrorInfo, TextPart, ToolCall, ToolCallPart, Usage
from streamproof.errors import UsageError
from streamproof.providers import ROWS
from streamproof.trace import OTelSink, ProviderTrace, Tracer, current_context
from streamproof.trace.otel import EVENT_NAME, HOST_NAMES, PROVIDER_NAMES, content_attributes, span_attributes
from trace_records import CONTENT, REQUEST, START, completion, trace

pytest.importorskip("opentelemetry.sdk")

from opentelemetry import context as otel_context
from opentelemetry import trace as otel_trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

CONTENT_NAMES = {
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.definitions",
}


class Spans:
    """A tracer provider whose spans stay in memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def of(self, record: ProviderTrace, **options: Any) -> ReadableSpan:
        """The one span of a record."""
        OTelSink(self.provider, **options)(record)
        (span,) = self.exporter.get_finished_spans()
        return span


@pytest.fixture
def spans() -> Spans:
    """A fresh one."""
    return Spans()


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """The span's attributes as a plain dict."""
    return dict(span.attributes or {})


def test_name_kind_times_and_scope(spans: Spans) -> None:
    """The span is a CLIENT span named by operation and model, as long as the call was, not as long as the export."""
    span = spans.of(trace())
    assert span.name == "chat wren-1"
    assert span.kind is SpanKind.CLIENT
    assert (span.start_time, span.end_time) == (START, START + 1_500_000_000)
    assert span.status.status_code is StatusCode.UNSET
    assert span.instrumentation_scope is not None
    assert span.instrumentation_scope.name == "streamproof"
    assert span.instrumentation_scope.schema_url == "https://opentelemetry.io/schemas/1.41.1"


def test_attributes_of_a_call(spans: Spans) -> None:
    """Exactly these attributes, no content among them."""
    record = trace(id="abc", tags={"step": "7"})
    assert attributes(spans.of(record)) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "wren-1",
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.response.model": "wren-1-2026",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ("tool_calls",),
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "server.address": "api.openai.com",
        "server.port": 443,
        "streamproof.trace.id": "abc",
        "streamproof.protocol": "openai_chat",
        "streamproof.state": "completed",
        "streamproof.request.id": "req_1",
        "streamproof.tag.step": "7",
    }


def test_names_are_those_of_the_conventions() -> None:
    """Every attribute outside our own prefix is in the registry that OpenTelemetry publishes for Python."""
    registry = pytest.importorskip("opentelemetry.semconv._incubating.attributes.gen_ai_attributes")
    known = {value for name, value in vars(registry).items() if name.startswith("GEN_AI_")}
    known |= {"server.address", "server.port", "error.type"}
    record = trace(
        request={**REQUEST, "top_p": 1, "top_k": 4, "frequency_penalty": 0, "presence_penalty": 1, "seed": 3, "n": 2,
                 "stop": ["x"], "response_format": {"type": "json_object"}, "instructions": "Be brief."},
        completion=completion(usage=Usage(
            input_tokens=1, output_tokens=2, cached_input_tokens=3, cache_write_tokens=4, reasoning_tokens=5)),
        error=ErrorInfo(type="server"),
        state="failed",
    )  # fmt: skip
    names = {*span_attributes(record), *content_attributes(record)}
    assert {name for name in names if not name.startswith("streamproof.")} <= known
    assert len(names & known) == 30, "all that we know how to say"


def test_provider_names_are_well_known() -> None:
    """Our names map to the conventions' values; a provider that they do not know keeps ours."""
    registry = pytest.importorskip("opentelemetry.semconv._incubating.attributes.gen_ai_attributes")
    with warnings.catch_warnings(action="ignore"):
        known = {member.value for member in registry.GenAiProviderNameValues}
    assert {*PROVIDER_NAMES.values(), *(name for _, name in HOST_NAMES)} <= known
    assert {row.name for row in ROWS} - set(PROVIDER_NAMES) == {"openrouter", "zai", "lmstudio", "minimax"}


@pytest.mark.parametrize(
    ("provider", "url", "expected"),
    [
        ("google_ai", "https://generativelanguage.googleapis.com/v1beta", "gcp.gemini"),
        ("google_vertex", "", "gcp.vertex_ai"),
        ("bedrock", "", "aws.bedrock"),
        ("azure", "", "azure.ai.openai"),
        ("xai", "", "x_ai"),
        ("zai", "", "zai"),
        ("openai_compatible", "https://api.groq.com/openai/v1", "groq"),
        ("openai_compatible", "https://api.mistral.ai/v1", "mistral_ai"),
        ("openai_compatible", "http://notgroq.com/v1", "openai"),
    ],
)
def test_provider_name(provider: str, url: str, expected: str) -> None:
    """The provider's name follows the row, and for the generic row the host."""
    assert span_attributes(trace(provider=provider, url=url))["gen_ai.provider.name"] == expected


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("http://localhost:1234/v1", ("localhost", 1234)),
        ("http://h.test/v1", ("h.test", 80)),
        ("https://[::1]:8/v1", ("::1", 8)),
        ("", (None, None)),
        ("https://h.test:port/", (None, None)),
        ("nonsense", (None, None)),
    ],
)
def test_server(url: str, server: tuple[str | None, int | None]) -> None:
    """Address and port come together, the port from the scheme when the URL names none; a bad URL gives neither."""
    found = span_attributes(trace(url=url))
    assert (found.get("server.address"), found.get("server.port")) == server


@pytest.mark.parametrize(
    ("request_body", "expected"),
    [
        ({"response_format": {"type": "json_schema"}}, "json"),
        ({"text": {"format": {"type": "json_object"}}}, "json"),
        ({"text": {"format": {"type": "text"}}}, "text"),
        ({"generationConfig": {"responseMimeType": "application/json"}}, "json"),
        ({"generationConfig": {"responseModalities": ["TEXT", "IMAGE"]}}, "image"),
        ({"modalities": ["text", "audio"]}, "speech"),
        ({"modalities": 3, "text": "x", "generationConfig": [], "response_format": None}, None),
        ({}, None),
    ],
)
def test_output_type(request_body: dict[str, Any], expected: str | None) -> None:
    """`gen_ai.output.type` is what the request asked for, also with content off; nothing when it did not ask."""
    record = trace(request=request_body).without_content()
    assert span_attributes(record).get("gen_ai.output.type") == expected


@pytest.mark.parametrize("value", [None, "12", True, [], {}, "x" * 10])
def test_hostile_settings_are_left_out(value: Any) -> None:
    """A setting of another type than the conventions ask for does not become an attribute."""
    found = span_attributes(trace(request=dict.fromkeys(("temperature", "max_tokens", "top_k", "seed", "n"), value)))
    assert [name for name in found if name.startswith("gen_ai.request.")] == [
        "gen_ai.request.model",
        "gen_ai.request.stream",
    ]


def test_gemini_settings_are_found_in_their_object() -> None:
    """generationConfig is where Gemini's request has its settings."""
    config = {"temperature": 1, "topP": 0.5, "topK": 40, "maxOutputTokens": 9, "candidateCount": 2}
    found = span_attributes(trace(protocol="gemini_generate_content", request={"generationConfig": config}))
    assert (found["gen_ai.operation.name"], found["gen_ai.request.choice.count"]) == ("generate_content", 2)
    assert (found["gen_ai.request.temperature"], found["gen_ai.request.max_tokens"]) == (1.0, 9)


def test_parent_is_the_callers_span(spans: Spans) -> None:
    """The record carries the caller's context to the sink's thread: the call's span is the child of the caller's."""
    assert current_context() == otel_context.get_current()
    with Tracer([OTelSink(spans.provider)]) as traced:
        with spans.provider.get_tracer("app").start_as_current_span("agent step") as parent:
            record = trace(context=current_context())
        traced.submit(record)
        traced.submit(trace())
    child, orphan = (span for span in spans.exporter.get_finished_spans() if span.name == "chat wren-1")
    assert child.parent is not None
    assert child.parent.span_id == parent.get_span_context().span_id
    assert child.context.trace_id == parent.get_span_context().trace_id
    assert orphan.parent is None


@pytest.mark.parametrize(
    ("state", "error", "expected"),
    [
        ("failed", ErrorInfo(type="rate_limit", code="429", message="slow down"), ("rate_limit", "slow down")),
        ("interrupted", ErrorInfo(type="interrupted", message="cut"), ("interrupted", "cut")),
        ("interrupted", None, ("_OTHER", "interrupted")),
    ],
)
def test_errors(spans: Spans, state: str, error: ErrorInfo | None, expected: tuple[str, str]) -> None:
    """A call that did not end well has the status ERROR, the message as description, and a class of error."""
    span = spans.of(trace(state=state, error=error, completion=None))
    assert span.status.status_code is StatusCode.ERROR
    assert (attributes(span)["error.type"], span.status.description) == expected
    assert "gen_ai.response.finish_reasons" not in attributes(span)


def test_a_cancelled_call_is_no_error(spans: Spans) -> None:
    """The caller wanted it so: status unset, no error.type; the state says it."""
    error = ErrorInfo(type="cancelled", code="cancelled")
    span = spans.of(trace(state="cancelled", completion=completion(status="interrupted", error=error)))
    assert span.status.status_code is StatusCode.UNSET
    assert "error.type" not in attributes(span)
    assert attributes(span)["streamproof.state"] == "cancelled"


def test_unknown_counts_are_absent_and_estimates_are_marked(spans: Spans) -> None:
    """None is not 0; our own estimate does not pass for the provider's count."""
    usage = Usage(input_tokens=3, estimated=True)
    found = attributes(spans.of(trace(completion=completion(usage=usage, finish_reason=None))))
    assert found["gen_ai.usage.input_tokens"] == 3
    assert "gen_ai.usage.output_tokens" not in found
    assert "gen_ai.response.finish_reasons" not in found
    assert found["streamproof.usage.estimated"] is True


def test_finish_reason_per_choice(spans: Spans) -> None:
    """With n > 1 there is one finish reason per choice, in order."""
    others = (Choice(index=1, finish_reason="length"), Choice(index=2))
    found = attributes(spans.of(trace(completion=completion(choices=others))))
    assert found["gen_ai.response.finish_reasons"] == ("tool_calls", "length", "unknown")


def test_content_is_off_by_default(spans: Spans) -> None:
    """No content attribute and no word of the content, though the record has it."""
    span = spans.of(trace())
    assert not CONTENT_NAMES & attributes(span).keys()
    assert [word for word in CONTENT if word in span.to_json()] == []


def test_content_on(spans: Spans) -> None:
    """Captured content stands in the conventions' own message form, as JSON text."""
    found = attributes(spans.of(trace(), capture_content=True))
    assert json.loads(found["gen_ai.input.messages"]) == [
        {"role": "system", "parts": [{"type": "text", "content": "INSTRUCTION-TEXT"}]},
        {"role": "user", "parts": [{"type": "text", "content": "QUESTION-TEXT"}]},
    ]
    assert json.loads(found["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "THOUGHT-TEXT"},
                {"type": "text", "content": "ANSWER-TEXT"},
                {"type": "tool_call", "id": "call_1", "name": "lookup", "arguments": {"q": "ARG-TEXT"}},
            ],
            "finish_reason": "tool_call",
        }
    ]
    assert json.loads(found["gen_ai.tool.definitions"]) == [
        {"type": "function", "name": "lookup", "description": "TOOL-TEXT", "parameters": {}}
    ]
    assert "gen_ai.system_instructions" not in found, "a system message in the history stays there"


def test_content_needs_both_the_tracer_and_the_sink(spans: Spans) -> None:
    """Neither alone lets content out."""
    for tracer_on, sink_on in ((True, False), (False, True)):
        with Tracer([OTelSink(spans.provider, capture_content=sink_on)], capture_content=tracer_on) as traced:
            traced.submit(trace())
    finished = spans.exporter.get_finished_spans()
    assert len(finished) == 2
    assert [word for span in finished for word in CONTENT if word in span.to_json()] == []


@pytest.mark.parametrize("capture", [False, True])
def test_stop_sequences_are_text_of_the_caller(spans: Spans, capture: bool) -> None:
    """They go out with the content only, as in every other sink."""
    found = attributes(spans.of(trace(request={"stop": ["###"]}), capture_content=capture))
    assert found.get("gen_ai.request.stop_sequences") == (("###",) if capture else None)


@pytest.mark.parametrize("capture", [False, True])
def test_events(spans: Spans, capture: bool) -> None:
    """With a logger provider each call is an event too, tied to its span; it carries the content, structured."""
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    span = spans.of(trace(), logger_provider=provider, capture_content=capture)
    (log,) = exporter.get_finished_logs()
    event = log.log_record
    assert event.event_name == EVENT_NAME == "gen_ai.client.inference.operation.details"
    assert (event.trace_id, event.span_id) == (span.context.trace_id, span.context.span_id)
    assert event.timestamp == span.end_time
    found = dict(event.attributes or {})
    assert found["gen_ai.usage.input_tokens"] == 12
    assert bool(CONTENT_NAMES & found.keys()) is capture
    assert not CONTENT_NAMES & attributes(span).keys(), "content goes to the event alone"
    if capture:
        assert found["gen_ai.output.messages"][0]["parts"][1]["content"] == "ANSWER-TEXT"


def test_secrets_never_reach_a_span(spans: Spans) -> None:
    """Keys in messages, arguments, tags, ids and error messages are redacted, and lone surrogates can be exported."""
    key = "sk-proj-Planted123Planted123Planted"
    record = trace(
        model=key,
        request={"messages": [{"role": "user", "content": f"use {key}"}], "tools": [{"name": key, "description": key}]},
        completion=completion(
            content=(TextPart(text=f"{key} \ud800"), ToolCallPart(index=0)),
            tool_calls=(ToolCall(name="f", arguments='{"password":"hunter2"}'),),
            message_id=key,
        ),
        error=ErrorInfo(type="authentication", message=f"bad key {key} \ud800"),
        tags={"api_key": "hunter2"},
        request_id=key,
        state="failed",
    )
    span = spans.of(record, capture_content=True)
    text = span.name + repr(attributes(span)) + str(span.status.description)
    assert "Planted" not in text
    assert "hunter2" not in text
    text.encode("utf-8")


def _without_opentelemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "opentelemetry"]:
        monkeypatch.setitem(sys.modules, name, None)


def test_without_opentelemetry_the_sink_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not an ImportError from the depth of somebody's call, but the command to run; and no context to carry."""
    _without_opentelemetry(monkeypatch)
    with pytest.raises(UsageError, match=r"pip install streamproof\[otel\]"):
        OTelSink()
    assert current_context() is None


@pytest.mark.parametrize("blocked", [True, False])
def test_import_needs_no_opentelemetry(blocked: bool) -> None:
    """`streamproof.trace` imports without the extra, and does not import it where it is installed; nor an SDK."""
    code = (
        "import sys\n"
        + ("sys.modules['opentelemetry'] = None\n" if blocked else "")
        + "import streamproof.trace\n"
        + "heavy = ('opentelemetry', 'openai', 'anthropic', 'google')\n"
        + "assert not [m for m in sys.modules if m.split('.')[0] in heavy and sys.modules[m]], 'imported'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_global_provider_is_the_default() -> None:
    """Without a provider the span goes to the application's own; with none configured that costs nothing."""
    assert isinstance(otel_trace.get_tracer_provider(), otel_trace.ProxyTracerProvider)
    OTelSink()(trace())
