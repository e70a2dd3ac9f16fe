"""Helpers of the Chat Completions tests: writing chunks, decoding them, reading what came out."""

from __future__ import annotations

from typing import Any

from streamproof import jsontext
from streamproof.completion import Completion, part_to_json
from streamproof.decoders.base import NO_QUIRKS, Quirks
from streamproof.decoders.openai_chat import OpenAIChatDecoder
from streamproof.fold import fold
from streamproof.wire.event import WireEvent

DONE = WireEvent("done", "", None)


def event(payload: Any, name: str = "") -> WireEvent:
    """An event of the stream."""
    return WireEvent("json", name, payload)


def chunk(
    delta: Any = None, finish: Any = None, *, index: Any = 0, choice: dict[str, Any] | None = None, **more: Any
) -> WireEvent:
    """A chunk with one choice. choice: further fields of it, more: further fields of the chunk."""
    fields = {"index": index, "delta": {} if delta is None else delta, "finish_reason": finish, **(choice or {})}
    return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m-1", "choices": [fields], **more})


def text(piece: str, finish: Any = None, **more: Any) -> WireEvent:
    """A chunk of text."""
    return chunk({"content": piece}, finish, **more)


STOP = chunk(finish="stop")


def usage(prompt: Any, completion: Any, **more: Any) -> dict[str, Any]:
    """A usage object."""
    return {"prompt_tokens": prompt, "completion_tokens": completion, **more}


def trailer(counts: Any, **more: Any) -> WireEvent:
    """The chunk without choices that carries usage."""
    return event({"id": "chatcmpl-1", "model": "m-1", "choices": [], "usage": counts, **more})


def call(index: Any = 0, id: Any = None, name: Any = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    """An entry of `tool_calls`; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    entry = {key: value for key, value in (("index", index), ("id", id)) if value is not None}
    return {**entry, "function": function, **more}


def calls(*entries: dict[str, Any], finish: Any = None) -> WireEvent:
    """A chunk with entries of `tool_calls`."""
    return chunk({"tool_calls": list(entries)}, finish)


def run(
    *events: WireEvent, n: int | None = None, quirks: Quirks = NO_QUIRKS, error: Any = None
) -> tuple[Completion, OpenAIChatDecoder]:
    """Decode events; the deltas must fold to the completion, and that must survive its own JSON."""
    decoder = OpenAIChatDecoder(quirks, n=n)
    deltas = [delta for event in events for delta in decoder.feed(event)]
    deltas += decoder.end(error)
    completion = decoder.completion
    assert fold(deltas) == completion
    document = completion.to_json()
    assert Completion.from_json(jsontext.loads(jsontext.dumps(document))).to_json() == document
    return completion, decoder


def decode(*events: WireEvent, **how: Any) -> Completion:
    """As `run`; the completion alone."""
    return run(*events, **how)[0]


def content(completion: Any) -> list[dict[str, Any]]:
    """The parts as JSON."""
    return [part_to_json(part) for part in completion.content]


def called(completion: Any) -> list[tuple[str | None, str, str, bool]]:
    """The tool calls as tuples: id, name, arguments, complete."""
    return [(c.id, c.name, c.arguments, c.complete) for c in completion.tool_calls]


def notes(decoder: OpenAIChatDecoder) -> list[str]:
    """The kinds of diagnostics."""
    return [diagnostic.kind for diagnostic in decoder.diagnostics]
