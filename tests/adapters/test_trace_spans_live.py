"""The spans of real calls: under the caller's span, although the sink runs on a thread of its own."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from adapter_kit import OPENAI, pieces_of
from live_kit import PATIENCE, asked, each_library, each_side, playing, refusing, run, shows, whole
from streamproof.providers import Provider
from streamproof.replay.script import Send, Withhold
from streamproof.replay.server import LoopbackServer
from streamproof.trace import OTelSink, Tracer

pytest.importorskip("opentelemetry.sdk", reason="OpenTelemetry's SDK is not installed")

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

pytestmark = pytest.mark.filterwarnings("error")

TAGS = {"agent": "a-1", "step": "3"}
is_first = shows("Let me ")


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """Finished spans stay here."""
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> TracerProvider:
    """The application's own tracer provider."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


@each_side
@each_library
def test_the_span_stands_under_the_callers(
    row: Provider, sync: bool, exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    """The sink runs on another thread: the span has no parent, or the calls of two agents are mixed up."""
    with Tracer([OTelSink(provider)]) as tracer, whole(row) as server:
        for name in ("first agent", "second agent"):
            with provider.get_tracer("tests").start_as_current_span(name):
                run(asked(server, row, tracer=tracer, tags=TAGS), sync=sync)
    spans = {span.name: span for span in exporter.get_finished_spans()}
    calls = [span for span in exporter.get_finished_spans() if "agent" not in span.name]
    parents = [spans["first agent"], spans["second agent"]]
    assert [span.parent.span_id for span in calls] == [parent.context.span_id for parent in parents]
    assert [span.context.trace_id for span in calls] == [parent.context.trace_id for parent in parents]
    said = calls[0].attributes
    assert said["gen_ai.request.model"] == "some-model"
    assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (11, 7)
    assert (said["streamproof.tag.agent"], said["server.address"]) == ("a-1", "127.0.0.1")
    assert said["gen_ai.response.time_to_first_chunk"] > 0


@each_side
def test_the_span_of_a_failed_call(sync: bool, exporter: InMemorySpanExporter, provider: TracerProvider) -> None:
    """A failed call is a span like others, without the mark of an error."""
    with Tracer([OTelSink(provider)]) as tracer, refusing(401, b"{}") as server:
        run(asked(server, OPENAI, tracer=tracer), sync=sync)
    (span,) = exporter.get_finished_spans()
    assert span.attributes["error.type"] == "authentication"
    assert span.status.status_code.name == "ERROR"


def test_concurrent_calls_keep_their_parents(exporter: InMemorySpanExporter, provider: TracerProvider) -> None:
    """Two tasks on one loop: each record carries the context of the task that asked."""

    async def agent(name: str, server: LoopbackServer, tracer: Tracer) -> None:
        with provider.get_tracer("tests").start_as_current_span(name):
            async with aclosing(aiter(asked(server, OPENAI, tracer=tracer, tags={"name": name}))) as deltas:
                async for delta in deltas:
                    if is_first(delta) and len(server.exchanges) == 2:
                        server.release("rest")

    async def both(server: LoopbackServer, tracer: Tracer) -> None:
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(agent("one", server, tracer), agent("two", server, tracer))

    pieces = pieces_of(OPENAI)
    steps = (Send(b"".join(pieces[:4])), Withhold("rest"), Send(b"".join(pieces[4:])))
    with Tracer([OTelSink(provider)]) as tracer, playing(OPENAI, *steps) as server:
        asyncio.run(both(server, tracer))
    spans = exporter.get_finished_spans()
    parents = {span.context.span_id: span.name for span in spans}
    calls = {span.attributes["streamproof.tag.name"]: span for span in spans if span.parent}
    assert {name: parents[span.parent.span_id] for name, span in calls.items()} == {"one": "one", "two": "two"}
