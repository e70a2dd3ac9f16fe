"""Helpers of the Gemini tests: writing chunks, decoding them, reading what came out."""

from __future__ import annotations

from typing import Any

from streamproof import jsontext
from streamproof.completion import Choice, Completion, part_to_json
from streamproof.decoders.gemini_generate_content import GeminiGenerateContentDecoder
from streamproof.fold import fold
from streamproof.wire.event import Kind, WireEvent

STOP: dict[str, Any] = {"candidates": [{"finishReason": "STOP"}]}


def decode(
    *payloads: Any, kind: Kind = "json", name: str = "", n: int | None = None
) -> tuple[Completion, GeminiGenerateContentDecoder]:
    """Feed the payloads one by one; the deltas must fold to the completion, whatever they are."""
    decoder = GeminiGenerateContentDecoder(n=n)
    deltas = []
    for payload in payloads:
        deltas += decoder.feed(WireEvent(kind, name, payload))
    deltas += decoder.end()
    completion = decoder.completion
    assert fold(deltas) == completion
    document = completion.to_json()
    assert Completion.from_json(jsontext.loads(jsontext.dumps(document))).to_json() == document
    return completion, decoder


def chunk(*parts: Any, finish: str | None = None, usage: Any = None, **more: Any) -> dict[str, Any]:
    """One chunk with one candidate."""
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0, **more}
    if finish is not None:
        candidate["finishReason"] = finish
    whole: dict[str, Any] = {"candidates": [candidate], "modelVersion": "gemini-x", "responseId": "resp-1"}
    return whole if usage is None else whole | {"usageMetadata": usage}


def counts(**short: Any) -> dict[str, Any]:
    """usageMetadata from short names."""
    names = {"p": "prompt", "c": "candidates", "t": "thoughts", "cached": "cachedContent", "tool": "toolUsePrompt"}
    return {f"{names.get(name, name)}TokenCount": value for name, value in short.items()}


def content(completion: Completion | Choice) -> list[dict[str, Any]]:
    """The parts as JSON."""
    return [part_to_json(part) for part in completion.content]


def calls(completion: Completion) -> list[tuple[str | None, str, str, bool]]:
    """The calls as (id, name, arguments, complete)."""
    return [(call.id, call.name, call.arguments, call.complete) for call in completion.tool_calls]


def notes(decoder: GeminiGenerateContentDecoder) -> list[str]:
    """The kinds of the diagnostics."""
    return [note.kind for note in decoder.diagnostics]


def call(name: str | None = None, **more: Any) -> dict[str, Any]:
    """A functionCall part."""
    return {"functionCall": {**({} if name is None else {"name": name}), **more}}


def piece(path: str, going: bool = True, **value: Any) -> dict[str, Any]:
    """A functionCall part with one partial argument, the call going on."""
    more = {"willContinue": True} if going else {}
    return call(partialArgs=[{"jsonPath": path, **value, **more}], willContinue=True)
