"""Faults in how a stream ends: finish reasons, cuts, errors."""

from __future__ import annotations

from typing import Any

from streamproof.adapters.contract import Emit, Endpoint
from streamproof.adapters.response import Shown
from streamproof.completion import Completion

from .kit import Document, Events, breaks, payloads

KNOWN = ("stop", "length", "tool_calls", "content_filter", None)


@breaks("events", "openai_responses/incomplete-reasoning-only", "openai_responses/incomplete-empty-message")
def ignores_response_incomplete(events: Events) -> Events:
    """letta before e8d5922ff: only `response.completed` ends a response; this one is dropped with its usage."""
    return (event for event, payload in payloads(events) if payload.get("type") != "response.incomplete")


@breaks("completion", "openai_responses/incomplete-unknown-reason")
def knows_two_incomplete_reasons(document: Document) -> None:
    """litellm 1.109: every other reason is reported as `length`, the provider's word is lost."""
    if document["finish_reason"] not in KNOWN:
        document["finish_reason"] = document["raw_finish_reason"] = "length"


@breaks("events", "openai_responses/completed-event-status-incomplete")
def trusts_the_name_of_the_event(events: Events) -> Events:
    """litellm, openai-agents: `response.completed` is a success whatever `status` inside it says."""
    for event, payload in payloads(events):
        if payload.get("type") == "response.completed":
            payload["response"].update(status="completed", incomplete_details=None)
        yield event


@breaks(
    "completion",
    "openai_chat/cut-clean-eof",
    "openai_responses/cut-before-terminal",
    "anthropic_messages/cut-no-message-stop",
    "gemini_generate_content/no-finish-reason",
    "bedrock_converse/cut-before-message-stop",
    laws=("cut-is-not-complete", "nothing-invented"),
)
def takes_a_clean_end_for_stop(document: Document) -> None:
    """pydantic-ai, litellm (42 of 57 measured adapters): the body ended, so the answer is whole."""
    if document["status"] == "interrupted":
        document.update(status="complete", error=None, finish_reason="stop")


@breaks(
    "completion",
    "openai_chat/cut-clean-eof-reasoning-only",
    "anthropic_messages/stop-reasons-table-missing",
    "gemini_generate_content/finish-reason-table-absent",
    laws=("nothing-invented",),
)
def invents_stop(document: Document) -> None:
    """litellm: a reason that the wire never gave is `stop`."""
    document["finish_reason"] = document["finish_reason"] or "stop"


@breaks(
    "completion",
    "openai_chat/finish-provider-specific-unknown",
    "anthropic_messages/stop-reasons-table-unknown",
    "anthropic_messages/pause-turn-two-responses",
    "gemini_generate_content/finish-reason-table-unknown",
    "bedrock_converse/unknown-stop-reason",
    laws=("nothing-invented",),
)
def maps_unknown_to_stop(document: Document) -> None:
    """litellm 1.106: a word that it does not know is `stop`, with a warning in the log."""
    if document["finish_reason"] not in KNOWN:
        document["finish_reason"] = "stop"


@breaks(
    "completion",
    "openai_chat/finish-length-inside-tool-args",
    "openai_responses/tool-call-truncated",
    "anthropic_messages/max-tokens-mid-tool-json",
    "gemini_generate_content/max-tokens-with-function-call",
    laws=("nothing-invented",),
)
def tool_calls_beat_length(document: Document) -> None:
    """strands (strands-agents/harness-sdk#4139): a call was cut, the reason says tool_calls, and it was run."""
    if document["tool_calls"]:
        document["finish_reason"] = "tool_calls"


@breaks(
    "completion",
    "openai_chat/finish-repeated",
    "openai_chat/finish-repeated-tool-calls",
    "gemini_generate_content/finish-on-every-chunk",
)
def adds_finish_reasons(document: Document) -> None:
    """langchain-openai: chunks are added, `stopstop` and `tool_callstool_calls` come out."""
    document["finish_reason"] = (document["finish_reason"] or "") * 2


@breaks("events", "openai_chat/error-chunk-with-usage", "anthropic_messages/two-message-deltas-second-null")
def last_finish_reason_wins(events: Events) -> Events:
    """anthropic 2.12: by plain assignment a later null takes the reason away."""
    events, reasons = list(events), []
    for _, payload in payloads(events):
        owners = [*(payload.get("choices") or ()), payload.get("delta") or {}]
        reasons += [(owner, key) for owner in owners for key in ("finish_reason", "stop_reason") if key in owner]
    for owner, key in reasons[:-1]:
        owner[key] = None
    return events


@breaks("completion", "anthropic_messages/refusal-no-content", "anthropic_messages/refusal-after-partial-text")
def takes_a_filter_for_stop(document: Document) -> None:
    """letta: `refusal` is not read in the stream, the turn ends like any other."""
    if document["finish_reason"] == "content_filter":
        document["finish_reason"] = "stop"


@breaks(
    "events",
    "gemini_generate_content/prompt-blocked-no-candidates",
    "gemini_generate_content/prompt-blocked-no-candidates-jailbreak",
)
def ignores_prompt_feedback(events: Events) -> Events:
    """langchain-google-genai, letta: without candidates there is nothing to look at, the block reason is lost."""
    for event, payload in payloads(events):
        payload.pop("promptFeedback", None)
        yield event


@breaks("events", "openai_chat/no-done-sentinel")
def wants_the_done_sentinel(events: Events) -> Events:
    """experientiallabs/experiential#962: a stream without `[DONE]` counts as cut, its reason as not said."""
    events = list(events)
    if not any(event.kind == "done" for event in events):
        for _, payload in payloads(events):
            for choice in payload.get("choices") or ():
                choice["finish_reason"] = None
    return events


@breaks(
    "events",
    "openai_chat/error-event-midstream",
    "openai_responses/error-nested-then-failed",
    "openai_responses/error-flat",
    "anthropic_messages/error-event-mid-stream",
    "gemini_generate_content/error-object-mid-stream",
    laws=("failed-is-told",),
)
def ignores_the_error_event(events: Events) -> Events:
    """letta, langchain-openai on Chat; pydantic-ai on a Messages error of another name: it ends in silence."""
    for event, payload in payloads(events):
        if "error" not in payload and payload.get("type") not in ("error", "response.failed"):
            yield event


@breaks(
    "completion",
    "openai_chat/error-object-without-error-key",
    "openai_chat/error-finish-reason-in-choice",
    laws=("failed-is-told",),
)
def swallows_errors(document: Document) -> Document | None:
    """letta, langchain-openai: an error of a shape that they do not expect is an ordinary success."""
    if document["error"] is None:
        return None
    return {**document, "status": "complete", "error": None, "finish_reason": "stop"}


@breaks(
    "completion", "openai_chat/error-body-http200-json", "openai_chat/empty-stream-no-bytes", laws=("nothing-invented",)
)
def takes_nothing_for_success(document: Document) -> None:
    """letta, litellm: zero chunks are an empty answer that stopped."""
    if not document["content"]:
        document.update(status="complete", error=None, finish_reason="stop")


@breaks(
    "completion",
    "openai_responses/failed-after-partial",
    "openai_chat/error-event-midstream-with-text",
    "anthropic_messages/error-event-mid-stream",
    laws=("prefix-kept",),
)
def error_drops_the_partial(document: Document) -> None:
    """openai-agents: a failed response is an error, and what was said before it is gone."""
    if document["error"] is not None:
        document.update(content=[], tool_calls=[])


@breaks("ending", "openai_chat/cut-clean-eof", "openai_responses/failed-after-partial")
def raises_without_partial(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """openai-agents: a failed response is an exception that holds nothing of what came."""
    failure = shown.failure(endpoint.provider.name, None)
    if failure is not None:
        raise type(failure)(failure.info)
    return completion


@breaks("ending", "openai_responses/incomplete-reasoning-only", "openai_responses/incomplete-content-filter-partial")
def raises_on_incomplete(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """openai-agents, letta's chatgpt_oauth path: `response.incomplete` is an exception, the answer is lost."""
    if completion.finish_reason in ("length", "content_filter"):
        raise RuntimeError("the response did not complete")
    return completion


@breaks("ending", "openai_chat/error-event-midstream")
def leaks_its_own_exception(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """litellm 1.106 on Groq's error event: ValueError, `invalid literal for int(): 'tool_use_failed'`."""
    if completion.error is not None:
        int(str(completion.error.code))
    return completion


@breaks("completion", "openai_chat/error-event-midstream-with-text", "gemini_generate_content/error-object-mid-stream")
def knows_one_error(document: Document) -> None:
    """google-genai 3.4: an error in the body of a stream has another type, and neither code nor status."""
    if document["error"] is not None:
        document["error"] = {"type": "api_error", "message": document["error"]["message"]}


@breaks("completion", "anthropic_messages/http-429-retry-after", "openai_chat/http-error-before-stream-retry-after")
def drops_retry_after(document: Document) -> None:
    """agentjido/req_llm#522: the error holds status and body, the headers that say how long to wait are gone."""
    if document["error"] is not None:
        document["error"]["retry_after"] = None
