"""The provider trace: one record per call, handed to sinks without delaying or breaking the stream.

    with Tracer([JSONLSink("calls.jsonl")]) as tracer:
        tracer.submit(ProviderTrace(provider="openai", protocol="openai_chat", ...))

Content (messages, tool arguments, tool definitions) is left out unless it is asked for, secrets always.
"""

from .otel import OTelSink, current_context
from .record import ProviderTrace
from .sinks import JSONLSink, Sink
from .tracer import Problem, Tracer

__all__ = ["JSONLSink", "OTelSink", "Problem", "ProviderTrace", "Sink", "Tracer", "current_context"]
