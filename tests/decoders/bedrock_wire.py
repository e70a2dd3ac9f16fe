"""Helpers of the Bedrock Converse tests: writing events, decoding them, reading what came out."""

from __future__ import annotations

from typing import Any

from streamproof.completion import Completion, Delta
from streamproof.decoders.base import NO_QUIRKS, Quirks
from streamproof.decoders.bedrock_converse import BedrockConverseDecoder
from streamproof.fold import fold
from streamproof.wire.event import Kind, WireEvent

Named = tuple[str, Any]


def decoded(events: list[Named], *, kind: Kind = "json", quirks: Quirks = NO_QUIRKS) -> BedrockConverseDecoder:
    """The decoder at the end of a stream of (name, payload); the deltas are checked against its completion."""
    decoder = BedrockConverseDecoder(quirks)
    deltas: list[Delta] = []
    for name, payload in events:
        deltas += decoder.feed(WireEvent(kind, name, payload))
    deltas += decoder.end()
    assert fold(deltas) == decoder.completion
    assert Completion.from_json(decoder.completion.to_json()) == decoder.completion
    return decoder


def completion(events: list[Named], **options: Any) -> Completion:
    """The completion of a stream."""
    return decoded(events, **options).completion


def document(body: Any) -> Completion:
    """The completion of a body that is one JSON document."""
    return completion([("", body)], kind="document")


START: Named = ("messageStart", {"role": "assistant", "p": "abc"})


def begin(index: Any, **start: Any) -> Named:
    """A contentBlockStart."""
    return "contentBlockStart", {"contentBlockIndex": index, "start": start, "p": "ab"}


def delta(index: Any, **change: Any) -> Named:
    """A contentBlockDelta."""
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": change, "p": "a"}


def stop(index: Any) -> Named:
    """A contentBlockStop."""
    return "contentBlockStop", {"contentBlockIndex": index, "p": "abcd"}


def finish(reason: Any = "end_turn", usage: Any = None, **metadata: Any) -> list[Named]:
    """messageStop, and metadata after it."""
    told = metadata if usage is None else {"usage": usage, **metadata}
    return [("messageStop", {"stopReason": reason, "p": ""}), ("metadata", {**told, "p": "a"})]


def text(index: Any, *pieces: str) -> list[Named]:
    """A text block: deltas and a stop, no start."""
    return [*(delta(index, text=piece) for piece in pieces), stop(index)]


def tool(index: Any, *pieces: Any, id: Any = "tooluse_1", **start: Any) -> list[Named]:
    """A toolUse block."""
    started = begin(index, toolUse={"name": "look", "toolUseId": id, **start})
    return [started, *(delta(index, toolUse={"input": piece}) for piece in pieces), stop(index)]


def notes(decoder: BedrockConverseDecoder) -> list[str]:
    """The kinds of the diagnostics."""
    return [diagnostic.kind for diagnostic in decoder.diagnostics]
