"""What a reader hands to a decoder: one event of the wire, parsed, whatever framing it came in."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from ..jsontext import JSON

Kind: TypeAlias = Literal["json", "done", "document", "exception", "malformed"]


class WireEvent(NamedTuple):
    """One event.

    kind       what it is                                                      payload
    json       an event of the stream                                          any JSON value (object, null, 5, ...)
    done       the sentinel `[DONE]`                                           None
    document   the body is one whole JSON document instead of a stream         any JSON value
    exception  an exception frame of an AWS event stream                       {"message": ..., ...}
    malformed  bytes that are no event: cut JSON, HTML, a bad checksum         {"reason": ..., "text": ...}

    name: the SSE event name, the AWS `:event-type` or `:exception-type`; "" when the wire gave none.
    For `malformed`, name is a stable code: `invalid_json`, `html`, `bad_frame`, `truncated` (the end of the body cut
    an event in two; that alone is no failure, the decoder knows whether the terminal was seen).
    """

    kind: Kind
    name: str
    payload: JSON
