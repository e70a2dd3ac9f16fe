"""What a reader hands to a decoder: one event of the wire, parsed, whatever framing it came in."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from ..jsontext import JSON, loads

Kind: TypeAlias = Literal["json", "done", "document", "exception", "malformed"]


new_tuple = tuple.__new__
"""Makes a NamedTuple in half the time of its own constructor, which is Python; for the hot path, where every stream's
every event passes. All fields have to be given."""


class WireEvent(NamedTuple):
    """One event.

    kind       what it is                                                      payload
    json       an event of the stream                                          any JSON value (object, null, 5, ...)
    done       the sentinel `[DONE]`                                           None
    document   the body is one whole JSON document instead of a stream         any JSON value
    exception  an exception frame of an AWS event stream                       {"message": ..., ...}
    malformed  bytes that are no event: cut JSON, HTML, a bad checksum         {"reason": ..., "text": ...}

    name: the SSE event name, the AWS `:event-type` or `:exception-type`; "" when the wire gave none.
    For `malformed`, name is a stable code: one of `LOSSES` or `NOTES`.
    """

    kind: Kind
    name: str
    payload: JSON


LOSSES: Final = frozenset({"invalid_json", "html", "not_a_stream", "bad_frame", "bad_encoding"})
"""Codes of `malformed` that mean that something was lost: no JSON, an HTML page, a body that is text or binary without
one event, a damaged frame of an AWS event stream, a content-encoding that cannot be undone."""

NOTES: Final = frozenset({"truncated", "unknown_line", "invalid_utf8"})
"""Codes of `malformed` that are no failure by themselves: the end of the body cut an event in two (the decoder knows
whether the terminal was seen), a line that is no field of server-sent events, bytes replaced by U+FFFD."""

_TEXT_LIMIT = 4096


def malformed(code: str, reason: str, text: str | bytes) -> WireEvent:
    """Bytes that are no event. text: where it happened, kept up to 4 096 characters."""
    if isinstance(text, bytes):
        text = text[:_TEXT_LIMIT].decode("utf-8", "backslashreplace")
    return WireEvent("malformed", code, {"reason": reason, "text": text[:_TEXT_LIMIT]})


def parsed(kind: Kind, name: str, data: bytes) -> list[WireEvent]:
    """The event whose payload is the JSON document `data`.

    Not JSON: `invalid_json` instead. Bytes that are no UTF-8 become U+FFFD, and `invalid_utf8` follows the event.
    """
    try:
        text, replaced = data.decode(), False
    except UnicodeDecodeError:
        text, replaced = data.decode("utf-8", "replace"), True
    try:
        events = [WireEvent(kind, name, loads(text))]
    except ValueError as fault:
        return [malformed("invalid_json", str(fault), text)]
    return [*events, not_utf8(text)] if replaced else events


def not_utf8(text: str) -> WireEvent:
    """The note that stands after an event in which bytes were replaced."""
    return malformed("invalid_utf8", "bytes that are no UTF-8 were replaced by U+FFFD", text)
