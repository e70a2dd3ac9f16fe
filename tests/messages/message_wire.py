"""Helpers of the tests of `to_messages`: bytes in, completion out, and the SDKs' request types as a judge."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Required, Union, get_args, get_origin

from streamproof import jsontext
from streamproof.completion import Completion
from streamproof.decoders.base import NO_QUIRKS, Quirks
from streamproof.decoders.stream import StreamDecoder
from streamproof.wire.eventstream import encode_frame
from typing_extensions import get_type_hints, is_typeddict

Event = dict[str, Any]


def sse(protocol: str, *events: Event, quirks: Quirks = NO_QUIRKS) -> Completion:
    """The completion of a stream of events."""
    body = "".join(f"data: {jsontext.dumps(event)}\n\n" for event in events)
    return _decoded(protocol, "text/event-stream", body.encode(), quirks)


def frames(*events: tuple[str, Event]) -> Completion:
    """The completion of a ConverseStream of (event type, payload)."""
    head = {":message-type": "event", ":content-type": "application/json"}
    body = b"".join(encode_frame({**head, ":event-type": name}, jsontext.dumps(e).encode()) for name, e in events)
    return _decoded("bedrock_converse", "application/vnd.amazon.eventstream", body, NO_QUIRKS)


def _decoded(protocol: str, content_type: str, body: bytes, quirks: Quirks) -> Completion:
    decoder = StreamDecoder(protocol, content_type=content_type, quirks=quirks)
    decoder.feed(body)
    decoder.end()
    return decoder.completion


def misfits(value: Any, hint: Any, place: str = "") -> list[str]:
    """Where a JSON value is not of a type hint made of TypedDicts: missing, unknown and wrong fields."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        tries = [misfits(value, option, place) for option in args]
        return min(tries, key=len)
    if origin is Literal:
        return [] if value in args else [f"{place}: {value!r} is none of {args}"]
    if is_typeddict(hint):
        return _misfits_of_dict(value, hint, place)
    if hint is str or hint is int or hint is bool or hint is type(None):
        return [] if isinstance(value, hint) else [f"{place}: {value!r} is no {hint.__name__}"]
    if isinstance(origin, type) and issubclass(origin, Iterable) and not issubclass(origin, Mapping):
        if not isinstance(value, list):
            return [f"{place}: {value!r} is no list"]
        return [fault for n, item in enumerate(value) for fault in misfits(item, args[0], f"{place}[{n}]")]
    if origin is dict:
        return [] if isinstance(value, dict) else [f"{place}: {value!r} is no object"]
    return []


def _misfits_of_dict(value: Any, hint: Any, place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place}: {value!r} is no object"] * 9
    fields = get_type_hints(hint, include_extras=True)
    bare = get_type_hints(hint)
    required = {name for name, field in fields.items() if get_origin(field) is Required}
    faults = [f"{place}.{name} is missing" for name in sorted(required - value.keys())]
    faults += [f"{place}.{name} is unknown" for name in sorted(value.keys() - fields.keys())]
    for name in value.keys() & fields.keys():
        found = misfits(value[name], bare[name], f"{place}.{name}")
        faults += found * (9 if name == "type" else 1)  # a union's branch is chosen by its type
    return faults
