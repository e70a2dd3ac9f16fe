"""The JSON-array twin of a Gemini stream: the same chunks, and what came of an unfinished one."""

from __future__ import annotations

import pytest
from streamproof.case import all_cases
from streamproof.decoders.stream import StreamDecoder
from streamproof.wire.gemini_array import json_array, server_sent_events
from streamproof.wire.plans.body import body_kind

STREAMS = {
    case.id: case.cassette.interactions[0].body
    for case in all_cases()
    if case.protocol == "gemini_generate_content" and body_kind(case.cassette.interactions[0].body) == "sse"
}

WITHOUT = {"gemini_generate_content/error-object-mid-stream-raw-json"}
"""Streams that no array could be, as they have JSON outside of events."""


@pytest.mark.parametrize(
    ("body", "array"),
    [
        (b'data: {"a":1}\r\n\r\n', b'[{"a":1}\n]'),
        (b': c\n\ndata: {"a":\ndata: 1}\nid: 1\n\ndata: [2]\n\n', b'[{"a":\n1}\n,\r\n[2]\n]'),
        (b'data: {"a":1}\n\ndata: {"b', b'[{"a":1}\n,\r\n{"b'),
        (b'data: {"a":1}\n\ndata: {"b":2}', b'[{"a":1}\n,\r\n{"b":2}\n]'),
        (b"data: {}\n\ndata: [DONE]\n\n", b"[{}\n]"),
        (b"id: 1\nevent: e\nretry: 1\ndata: {}\n\n", b"[{}\n]"),
        (b": nothing\n\n", b"[\n]"),
        (b"data: <html>\n\ndata: {}\n\n", None),
        (b"data: \xff\n\n", None),
        (b'data: {}\n\n{"error":{}}\n', None),
    ],
)
def test_arrays(body: bytes, array: bytes | None) -> None:
    """An element that is lost, or an end that the stream did not have."""
    assert json_array(body) == array


@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b'[{"a":1}\n,\r\n{"b":[{}, "[,"]}\n]', b'data: {"a":1}\r\n\r\ndata: {"b":[{}, "[,"]}\r\n\r\n'),
        (b'[{\n  "a": "x  y",\r\n  "b": 1.0\n}]\n', b'data: {"a": "x  y","b": 1.0}\r\n\r\n'),
        (b"[]", b""),
        (b'[{"a":1}\n', None),
        (b'{"error": {}}', None),
        (b"[1]", None),
        (b"[\xff]", None),
    ],
)
def test_events(body: bytes, events: bytes | None) -> None:
    """An element that is lost, cut in two lines or read from inside another; events of a body that is no stream."""
    assert server_sent_events(body) == events


@pytest.mark.parametrize("id", STREAMS)
def test_both_forms_say_the_same(id: str) -> None:
    """A client without `alt=sse` that is shown another answer than one with it."""
    array = json_array(STREAMS[id])
    assert (array is None) is (id in WITHOUT)
    if array is None:
        return
    completions = []
    for body in (STREAMS[id], array):
        decoder = StreamDecoder("gemini_generate_content")
        for _ in (*decoder.feed(body), *decoder.end()):
            pass
        completions.append(decoder.completion)
    assert completions[0].to_json() == completions[1].to_json()
