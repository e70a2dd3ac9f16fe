"""Finish reasons in other words: which of a library's words say the same as the normal form's."""

from __future__ import annotations

from collections.abc import Iterator

from ..completion import Completion, RefusalPart

NORMAL = ("stop", "length", "tool_calls", "content_filter")
OTHER = "other"
"""What a library with a closed list of words says for all the words that are not in it."""
_SAYS_CALL = ("tool_calls", "function_call", "tool_use")
_REFUSED = ("refusal", "content_filter")


def same_finish(wire: Completion, got: Completion, dialect: str) -> str | None:
    """The wire's reason where the adapter says the same in the words of its dialect, else what the adapter says."""
    said, truth, raw = got.finish_reason, wire.finish_reason, wire.raw_finish_reason
    if dialect == "raw" and said == raw:
        return truth
    if dialect == "wire" and said == "stop" and truth == "tool_calls" and raw not in _SAYS_CALL:
        return truth
    if truth == "stop" and said in _REFUSED and any(isinstance(part, RefusalPart) for part in wire.content):
        return truth
    return said


def is_unnamed(wire: Completion, got: Completion) -> bool:
    """Whether an adapter says `other` where the provider has a word of its own."""
    return got.finish_reason == OTHER and wire.finish_reason not in (None, OTHER, *NORMAL)


def dialects(wire: Completion, got: Completion) -> Iterator[tuple[str, bool]]:
    """The dialects that this stream can tell apart, and whether the adapter spoke each."""
    said, truth, raw = got.finish_reason, wire.finish_reason, wire.raw_finish_reason
    if said is None:
        return
    if truth == "tool_calls" and raw not in _SAYS_CALL:
        yield "finish_dialect.wire", said == "stop"
    if raw not in (None, truth):
        yield "finish_dialect.raw", said == raw
