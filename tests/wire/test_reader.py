"""From bodies to events: which framing, what counts, what is told about damage and ends."""

from __future__ import annotations

import gzip
import json

import pytest
from helpers import every_split
from hypothesis import given
from hypothesis import strategies as st
from streamproof.wire.event import LOSSES, NOTES, WireEvent
from streamproof.wire.eventstream import encode_frame
from streamproof.wire.reader import Reader

FRAME = encode_frame({":message-type": "event", ":event-type": "messageStop"}, b'{"stopReason":"end_turn"}')
PRETTY_ERROR = b'{\n  "error": {\n    "code": 503,\n    "status": "UNAVAILABLE"\n  }\n}\n'
ERROR = {"error": {"code": 503, "status": "UNAVAILABLE"}}
FRAGMENTS = [
    *b'data: {"a":1}|data: [DONE]|data: {|data:|event: e|: c|id: 1|foo: bar|event'.split(b"|"),
    *b'error: {"x":1}|{"a":1}|{|"a":1|}|[|]||||<p>| '.split(b"|"),
    *(b"data: \xff", b"\x00\x00", b"\xef\xbb\xbf"),
]


def read(*chunks: bytes, content_type: str | None = None, content_encoding: str | None = None) -> list[WireEvent]:
    """All events of a body delivered in these chunks."""
    reader = Reader(content_type, content_encoding)
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.close()


def shapes(events: list[WireEvent]) -> list[object]:
    """JSON payloads as they are; of other events the kind, of malformed ones the code."""
    names = {"json": None, "malformed": "name"}
    return [
        event.payload if event.kind == "json" else event.name if names.get(event.kind) else event.kind
        for event in events
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'data: {"a":1}\n\ndata: [DONE]\n\n', [{"a": 1}, "done"], id="plain"),
        pytest.param(
            b'\xef\xbb\xbfdata:{"a":1}\r\n\r\ndata:[DONE] \r\n\r\n', [{"a": 1}, "done"], id="BOM, CRLF, no space"
        ),
        pytest.param(b': hello\n\ndata: {"a":\ndata: 1}\n\n', [{"a": 1}], id="comment, two data lines"),
        pytest.param(b"data: null\n\ndata: 5\n\ndata: []\n\n", [None, 5, []], id="JSON that is no object"),
        pytest.param(b"event: ping\n\ndata:\n\ndata: \n\nretry: 1\n\n", [], id="nothing but control"),
        pytest.param(b'\n \n\ndata: {"a":1}\n\n', [{"a": 1}], id="blank lines first"),
        pytest.param(b'data: {"a":\n\ndata: 1\n\n', ["invalid_json", 1], id="no JSON"),
        pytest.param(b'data: {"a":"\xff"}\n\ndata: 1\n\n', [{"a": "\ufffd"}, "invalid_utf8", 1], id="no UTF-8"),
        pytest.param(b'data: {"a":"\\ud800\\u0000"}\n\n', [{"a": "\ud800\0"}], id="lone surrogate and NUL"),
        pytest.param(b"data: " + b"[" * 5000 + b"\n\n", ["invalid_json"], id="too deep"),
        pytest.param(b'data: 1\n\nerror: {"x":1}\n\n', [1, {"x": 1}], id="error as a field"),
        pytest.param(b"data: 1\n\nerror: out of memory\n\n", [1, "invalid_json"], id="error as a field, text"),
        pytest.param(b"data: 1\n\n" + PRETTY_ERROR, [1, ERROR], id="raw JSON"),
        pytest.param(b"data: 1\n\n[" + PRETTY_ERROR + b"]\n\ndata: 2\n\n", [1, ERROR, 2], id="raw JSON array"),
        pytest.param(b'data: 1\n\n{"a":1}\n{"b":2}\n\n', [1, {"a": 1}, {"b": 2}], id="raw JSON lines"),
        pytest.param(
            b'data: 1\n\nfoo\n{"a":1}\n\ndata: 2\n\n', [1, "unknown_line", {"a": 1}, 2], id="text, then raw JSON"
        ),
        pytest.param(b'data: 1\n\n{\n "a": {}\n\ndata: 2\n\n', [1, "invalid_json", 2], id="raw JSON that is none"),
        pytest.param(b"data: 1\nfoo: bar\n\ndata: 2\n\n", [1, "unknown_line", 2], id="unknown field"),
        pytest.param(b"foo: bar\n\ndata: 1\n\n", ["unknown_line", 1], id="unknown field first"),
        pytest.param(
            b"data: 1\n\n[1, 2]\n\nx: \xff\n\n", [1, "unknown_line", "unknown_line"], id="array of no objects"
        ),
        pytest.param(b"foo: bar\n\n: c\n", ["unknown_line"], id="unknown field and comment"),
        pytest.param(b'data: {"a":1}', [{"a": 1}], id="whole data without an end"),
        pytest.param(b"data: 1\n\ndata: [DONE]\n", [1, "done"], id="sentinel without a blank line"),
        pytest.param(b'data: 1\n\ndata: {"a":', [1, "truncated"], id="cut in data"),
        pytest.param(b"data: 1\n\nevent: x\n", [1, "truncated"], id="cut after the name"),
        pytest.param(b"data: 1\n\nev", [1, "truncated"], id="cut in a field name"),
        pytest.param(b"data: 1\n\n" + PRETTY_ERROR[:-4], [1, "truncated"], id="cut in raw JSON"),
        pytest.param(b"dat", ["truncated"], id="cut in the first field name"),
        pytest.param(b"\xef\xbb", ["truncated"], id="cut in the byte order mark"),
        pytest.param(b"upstream error", ["not_a_stream"], id="plain text"),
        pytest.param(
            b"upstream\n\nerror: no\nfoo\n", ["unknown_line", "invalid_json"], id="plain text with an error field"
        ),
        pytest.param(b"a\n\nb\n\n", ["not_a_stream"], id="plain text in blocks"),
        pytest.param(b"\xff\xfe\x00", ["not_a_stream"], id="binary"),
        pytest.param(b"\n<!DOCTYPE html>\n<p>502</p>", ["html"], id="HTML"),
        pytest.param(b'{"error":{"code":1}}', ["document"], id="document"),
        pytest.param(b'\xef\xbb\xbf\n {"a":1}', ["document"], id="document after BOM and space"),
        pytest.param(b'{"a":', ["truncated"], id="cut document"),
        pytest.param(b'[{"a":1},\n{"a":2}]', [{"a": 1}, {"a": 2}], id="array"),
        pytest.param(b'[{"a":1},', [{"a": 1}, "truncated"], id="cut array"),
        pytest.param(FRAME + FRAME, [{"stopReason": "end_turn"}] * 2, id="AWS frames"),
        pytest.param(FRAME + FRAME[:20], [{"stopReason": "end_turn"}, "truncated"], id="cut AWS frame"),
        pytest.param(FRAME[:5], ["truncated"], id="cut AWS prelude"),
        pytest.param(b"\0" * 20, ["not_a_stream"], id="zeros"),
        pytest.param(b"\n" * 40 + b"data: 1\n\n", [1], id="many blank lines first"),
        pytest.param(b" " * 40 + b"[1]", [1], id="much space before an array"),
        pytest.param(b"", [], id="empty"),
        pytest.param(b" \r\n\t\n", [], id="white space"),
        pytest.param(b"\xef\xbb\xbf", [], id="only a byte order mark"),
    ],
)
def test_bodies(body: bytes, expected: list[object]) -> None:
    """A body gives the wrong events, or they depend on its cut or on a content-type that does not fit."""
    for chunks in every_split(body) if len(body) < 200 else [[body]]:
        assert shapes(read(*chunks)) == expected
    for content_type in ("text/event-stream; charset=utf-8", "application/json", "text/html", "", "\0"):
        assert shapes(read(body, content_type=content_type)) == expected


def test_names() -> None:
    """The name of an event is lost, or one block's name goes to the next."""
    body = b'event: a\ndata: 1\n\ndata: 2\n\nevent: z\ndata: [DONE]\n\nerror: {}\n\n{"b":1}\n\n'
    assert [(event.kind, event.name) for event in read(body)] == [
        ("json", "a"), ("json", ""), ("done", "z"), ("json", "error"), ("json", ""),
    ]  # fmt: skip


@pytest.mark.parametrize("body", [FRAME, FRAME[:30], b"\xff" + FRAME[1:], b"\0" * 20])
def test_damaged_frames_under_their_content_type(body: bytes) -> None:
    """A damaged binary stream is taken for text."""
    expected = {len(FRAME): [{"stopReason": "end_turn"}], 30: ["truncated"]} if body[:4] == FRAME[:4] else {}
    for chunks in every_split(body):
        events = read(*chunks, content_type="application/vnd.amazon.eventstream")
        assert shapes(events) == expected.get(len(body), ["bad_frame"])


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b'{"message":"no"}', ["document"]), (b"data: 1\n\n", [1]), (b"<p>", ["html"]), (b"\xef\xbb\xbfdata: 1\n\n", [1])],
)
def test_text_under_the_content_type_of_frames(body: bytes, expected: list[object]) -> None:
    """A JSON error under the content-type of an AWS event stream is taken for a damaged frame."""
    for chunks in every_split(body):
        assert shapes(read(*chunks, content_type="application/vnd.amazon.eventstream")) == expected


@pytest.mark.parametrize(
    ("chunks", "before_last"),
    [
        ([b"data: 1\n", b"\n"], 0),
        ([b"d", b"ata: 1\n\n"], 0),
        ([b"data: 1\r\n\r"], 0),
        ([b"[1,", b"2"], 0),
        ([b'[{"a":1}'], 0),
        ([FRAME[:-1], FRAME[-1:]], 0),
    ],
)
def test_events_come_as_soon_as_they_are_whole(chunks: list[bytes], before_last: int) -> None:
    """Telling the framing, or a following byte, holds an event back."""
    reader = Reader()
    assert sum(len(reader.feed(chunk)) for chunk in chunks[:-1]) <= 1
    delivered = len(reader.feed(chunks[-1]))
    assert delivered == 1 or chunks[0] == b"[1,"


def test_content_encoding() -> None:
    """A compressed body is not undone, or a cut of it not told."""
    body = b'data: {"a":1}\n\ndata: {"a":2}\n\n'
    packed = gzip.compress(body, mtime=0)
    for chunks in every_split(packed):
        assert shapes(read(*chunks, content_encoding="gzip")) == [{"a": 1}, {"a": 2}]
    assert shapes(read(packed[:-3], content_encoding="gzip")) == [{"a": 1}, {"a": 2}, "truncated"]
    assert shapes(read(packed[:-3] + b"xxx", content_encoding="gzip")) == [{"a": 1}, {"a": 2}, "bad_encoding"]
    assert shapes(read(body, content_encoding="br")) == [{"a": 1}, {"a": 2}]
    assert shapes(read(b"ok", content_encoding="br")) == ["not_a_stream"]


def test_malformed_payload_says_reason_and_place() -> None:
    """A malformed event lacks the fields that decoders read, or keeps a whole body."""
    bodies = [b"data: {\n\n", b"data: {", b"<p>" * 9999, b"text " * 9999, b"data: 1\n\nx: y\n\n", b'["\xff"]', b"[1] x"]
    events = [event for body in bodies for event in read(body) if event.kind == "malformed"]
    assert {event.name for event in events} <= LOSSES | NOTES
    assert len(events) == len(bodies)
    for event in events:
        assert event.payload["reason"]
        assert 0 < len(event.payload["text"]) <= 4096


def test_first_event_may_be_large() -> None:
    """A limit cuts a large event."""
    text = "x" * 3_000_000
    body = b"data: " + json.dumps({"t": text}).encode() + b"\n\n"
    assert shapes(read(*(body[at : at + 4096] for at in range(0, len(body), 4096)))) == [{"t": text}]


DOCUMENTS = st.lists(
    st.tuples(st.sampled_from(FRAGMENTS), st.sampled_from([b"\n", b"\r", b"\r\n", b"\n\n", b""])), max_size=8
).map(lambda lines: b"".join(line + end for line, end in lines))
BODIES = DOCUMENTS | st.binary(max_size=60) | DOCUMENTS.map(lambda body: FRAME[: len(body) * 3] + body)


@given(BODIES, st.sampled_from([None, "text/event-stream", "application/vnd.amazon.eventstream"]))
def test_any_body_is_split_invariant(body: bytes, content_type: str | None) -> None:
    """Some body raises, or gives other events when it is cut."""
    whole = read(body, content_type=content_type)
    assert all(read(*chunks, content_type=content_type) == whole for chunks in every_split(body))


@given(
    DOCUMENTS, st.integers(0, 9999), st.sampled_from(["gzip", "br", "deflate, zstd", "zstd", "nonsense,,gzip", "\0"])
)
def test_any_compressed_body_is_split_invariant(body: bytes, cut: int, encoding: str) -> None:
    """Some cut or lying body raises, or gives other events when it is cut again."""
    packed = gzip.compress(body, mtime=0)
    data = packed[: cut % len(packed)] if cut % 3 else body
    whole = read(data, content_encoding=encoding)
    assert all(read(*chunks, content_encoding=encoding) == whole for chunks in every_split(data))
