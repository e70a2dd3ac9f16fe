"""Gemini `streamGenerateContent` (Google AI and Vertex AI): chunks in, deltas out.

Sources: https://ai.google.dev/api/generate-content, google.genai.types, and recordings of both back ends. Every chunk
of the stream is a whole GenerateContentResponse; parts.py tells how their `parts` go on from chunk to chunk.

Usage. `totalTokenCount` = prompt + toolUsePrompt + candidates + thoughts (recordings). Zeros are left out of the JSON:
beside a total an absent prompt or candidates count is 0; without a total it is unknown and so is the sum it belongs to.
An absent thoughts or toolUsePrompt count adds nothing. The last object that has counts replaces earlier ones whole.

Citations (`_SOURCES`) are one part at the end of the message; of each kind the last non-empty object counts, as in
Google's own JavaScript SDK. Keys are accepted in snake_case too, as protobuf's JSON parsers do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from ...errors import classify
from ...jsontext import JSON, JSONObject
from ...rpc_status import retry_delay
from ..base import NO_QUIRKS, Quirks
from .parts import Candidate, GeminiPartsDecoder, camel, count, excerpt, is_empty

_CHUNK_USUAL = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"})
_CHUNK = _CHUNK_USUAL | {"promptFeedback", "modelStatus", "error"}
_CANDIDATE_USUAL = frozenset({"content", "finishReason", "index"})
_DETAILS: Final[Mapping[str, str]] = {
    "safetyRatings": "safety_ratings",
    "finishMessage": "finish_message",
    "avgLogprobs": "avg_logprobs",
    "logprobsResult": "logprobs_result",
    "tokenCount": "token_count",
    "continuationToken": "continuation_token",
}
_SOURCES = ("groundingMetadata", "citationMetadata", "urlContextMetadata", "groundingAttributions")
_CANDIDATE = _CANDIDATE_USUAL | _DETAILS.keys() | set(_SOURCES)
_CONTENT = frozenset({"parts", "role"})
_COUNTS = frozenset(
    f"{name}TokenCount" for name in ("prompt", "cachedContent", "candidates", "thoughts", "toolUsePrompt", "total")
)
_USAGE = _COUNTS | {
    "promptTokensDetails",
    "cacheTokensDetails",
    "candidatesTokensDetails",
    "toolUsePromptTokensDetails",
    "trafficType",
    "serviceTier",
}
_FILTERS = (
    "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR",
    "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION",
)  # fmt: skip


class GeminiGenerateContentDecoder(GeminiPartsDecoder):
    """`GenerateContentResponse` chunks; candidate 0 is the completion, the others are `choices`."""

    protocol = "gemini_generate_content"
    finish_reasons: ClassVar[Mapping[str, str]] = {
        "STOP": "stop",
        "MAX_TOKENS": "length",
        **dict.fromkeys(_FILTERS, "content_filter"),
    }
    bad_call_reasons = frozenset(
        {
            "MALFORMED_FUNCTION_CALL",
            "UNEXPECTED_TOOL_CALL",
            "TOO_MANY_TOOL_CALLS",
            "MISSING_THOUGHT_SIGNATURE",
            "MALFORMED_RESPONSE",
        }
    )

    def __init__(self, quirks: Quirks = NO_QUIRKS, *, n: int | None = None) -> None:
        super().__init__(quirks, n=n)
        self._candidates: dict[int, Candidate] = {}
        self._head: dict[str, str] = {}
        self._blocked = False
        """The reason of choice 0 is promptFeedback's."""
        self._counted = False
        """Whether a usage object with counts has come."""
        self._uncounted: JSON = None
        """A usage object without counts, until one with counts comes."""

    # -- events

    def on_json(self, name: str, payload: JSON) -> None:
        if name not in ("", "message", "error"):
            self.note("event_name", name[:200])
        if type(payload) is dict:
            if name == "error" and payload.get("error") is None:
                self._on_error(payload)
            else:
                self._on_chunk(payload)
        elif type(payload) is list:  # an element of the JSON-array form that stands in an SSE event, or a document
            for item in payload:
                if type(item) is dict:
                    self._on_chunk(item)
                else:
                    self.note("unexpected_event", excerpt(item))
        else:
            self.note("unexpected_event", excerpt(payload))

    def on_document(self, payload: JSON) -> None:
        if type(payload) is list:
            self.on_json("", payload)
            return
        chunk = camel(payload, _CHUNK) if type(payload) is dict else {}
        if chunk.keys() & {"candidates", "promptFeedback", "usageMetadata", "error"}:
            self._on_chunk(chunk)
        else:
            message = f"the body is a JSON document, not a stream: {excerpt(payload)}"
            self.fail(code="not_a_stream", message=message, type="protocol")

    def settle_parts(self) -> None:
        for candidate in self._candidates.values():
            self.leave_call(candidate)
            if candidate.sources:
                sources = [{name: value} for name, value in candidate.sources.items()]
                candidate.sources = {}
                self.start_part(candidate, {"type": "citation", "citations": sources})

    def settle(self) -> None:
        if self._candidates and 0 not in self._candidates and self._candidates.keys() <= self._raw_reasons.keys():
            self.terminal = True
        if self._uncounted is not None:
            self.usage(self._uncounted)

    def normal_reason(self, choice: int = 0) -> str | None:
        raw = self._raw_reasons.get(choice)
        if raw is None:
            return None
        if self._blocked and choice == 0:
            return "content_filter"
        reason = self.finish_reasons.get(raw, raw)
        candidate = self._candidates.get(choice)
        return "tool_calls" if reason == "stop" and candidate is not None and candidate.has_calls else reason

    # -- chunks

    def _on_chunk(self, chunk: JSONObject) -> None:
        usual = chunk.keys() <= _CHUNK_USUAL
        if not usual:
            chunk = self.fields("chunk", chunk, _CHUNK)
        if len(self._head) < 2:
            self._on_head(chunk)
        candidates = chunk.get("candidates")
        if type(candidates) is list:
            for candidate in candidates:
                self._on_candidate(candidate)
        elif candidates is not None:
            self.malformed("candidates", candidates)
        usage = chunk.get("usageMetadata")
        if usage is not None:
            self._on_usage(usage)
        if not usual:
            if chunk.get("modelStatus") is not None:
                self.details["model_status"] = chunk["modelStatus"]
            if chunk.get("promptFeedback") is not None:
                self._on_feedback(chunk["promptFeedback"])
            if chunk.get("error") is not None:
                self._on_error(chunk["error"])

    def _on_head(self, chunk: JSONObject) -> None:
        new = {}
        for key, name in (("responseId", "message_id"), ("modelVersion", "model")):
            value = chunk.get(key)
            if isinstance(value, str) and value and name not in self._head:
                new[name] = value
            elif value is not None and not isinstance(value, str):
                self.malformed(key, value)
        if new:
            self._head.update(new)
            self.emit("start", value=new)

    def _on_candidate(self, wire: JSON) -> None:
        if type(wire) is not dict:
            self.malformed("candidate", wire)
            return
        usual = wire.keys() <= _CANDIDATE_USUAL
        if not usual:
            wire = self.fields("candidate", wire, _CANDIDATE)
        candidate = self._candidate(wire.get("index"))
        content = wire.get("content")
        if type(content) is dict:
            if not content.keys() <= _CONTENT:
                content = self.fields("content", content, _CONTENT)
            parts = content.get("parts")
            if type(parts) is list:
                self.on_parts(candidate, parts)
            elif parts is not None:
                self.unknown_part(candidate, "parts", content)
        elif content is not None:
            self.unknown_part(candidate, "content", content)
        if not usual:
            self._on_facts(candidate, wire)
        reason = wire.get("finishReason")
        if reason is not None:
            self._on_reason(candidate.choice, reason)

    def _candidate(self, index: JSON) -> Candidate:
        choice = 0
        if index is not None and not (self.n is not None and self.n <= 1):
            number = count(index)
            if number is None:
                self.malformed("index", index)
            choice = number or 0
        if choice not in self._candidates:
            self._candidates[choice] = Candidate(choice)
        return self._candidates[choice]

    def _on_facts(self, candidate: Candidate, wire: JSONObject) -> None:
        details: dict[str, JSON] = {}
        for key, name in _DETAILS.items():
            if not is_empty(wire.get(key)):
                details[name] = wire[key]
        for key in _SOURCES:
            if not is_empty(wire.get(key)):
                candidate.sources[key] = wire[key]
        if details and candidate.choice == 0:
            self.details.update(details)
        elif details:
            choices = self.details.setdefault("choices", {})
            choices.setdefault(str(candidate.choice), {}).update(details)

    def _on_reason(self, choice: int, raw: JSON) -> None:
        if not isinstance(raw, str):
            self.malformed("finishReason", raw)
        elif raw:
            if choice == 0:
                self._blocked, self.terminal = False, True
            self.finish(raw, choice)

    def _on_feedback(self, feedback: JSON) -> None:
        self.details["prompt_feedback"] = feedback
        feedback = camel(feedback, {"blockReason"}) if type(feedback) is dict else {}
        reason = feedback.get("blockReason")
        if isinstance(reason, str) and reason:
            if 0 not in self._raw_reasons or self._blocked:
                self._blocked = True
                self.finish(reason)
            self.terminal = True
        elif reason is not None:
            self.malformed("blockReason", reason)

    def _on_usage(self, wire: JSON) -> None:
        if type(wire) is not dict:
            self.malformed("usageMetadata", wire)
            return
        usage = wire if wire.keys() <= _USAGE else self.fields("usageMetadata", wire, _USAGE)
        counts: dict[str, int] = {}
        for name in _COUNTS & usage.keys():
            number = count(usage[name])
            if number is not None:
                counts[name] = number
            elif usage[name] is not None:
                self.malformed(name, usage[name])
        if not counts:
            if not self._counted:
                self._uncounted = wire
            return
        self._counted, self._uncounted = True, None
        absent = 0 if "totalTokenCount" in counts else None
        prompt, candidates = counts.get("promptTokenCount", absent), counts.get("candidatesTokenCount", absent)
        thoughts = counts.get("thoughtsTokenCount")
        self.usage(
            wire,
            input_tokens=None if prompt is None else prompt + counts.get("toolUsePromptTokenCount", 0),
            output_tokens=None if candidates is None else candidates + (thoughts or 0),
            cached_input_tokens=counts.get("cachedContentTokenCount"),
            reasoning_tokens=thoughts,
        )

    # -- errors

    def _on_error(self, error: JSON) -> None:
        """A google.rpc.Status in mid-stream (https://ai.google.dev/gemini-api/docs/troubleshooting)."""
        self.details.setdefault("error", error)
        if type(error) is not dict:
            error = {"message": error if isinstance(error, str) else excerpt(error)}
        status, code, message = error.get("status"), error.get("code"), error.get("message")
        number = count(code)
        word = next((word for word in (status, code, number) if isinstance(word, str | int) and word), None)
        message = message if isinstance(message, str) and message else f"the provider reported {excerpt(error)}"
        if classify(word) == "cancelled" and not self.failed:
            self._cancelled(message, number)
        else:
            self.fail(code=word, message=message, status_code=number, retry_after=retry_delay(error.get("details")))

    def _cancelled(self, message: str, status_code: int | None) -> None:
        """Cancelled by the caller or the provider: cut off, not failed."""
        self.failed = True
        error = {"type": "cancelled", "code": "cancelled", "message": message, "status_code": status_code}
        self.emit("error", value={"status": "interrupted", "error": error})
