"""From bodies to events, at the edges: what a report says, which bytes decide the framing, what is white space."""

from __future__ import annotations

import gzip
import struct
import time
import zlib

import pytest
from helpers import every_split
from streamproof.wire.event import LOSSES, NOTES, WireEvent
from streamproof.wire.eventstream import encode_frame
from streamproof.wire.reader import Reader

BINARY = "application/vnd.amazon.eventstream"


def read(*chunks: bytes, content_type: str | None = None, content_encoding: str | None = None) -> list[WireEvent]:
    """All events of a body delivered in these chunks."""
    reader = Reader(content_type, content_encoding)
    return [event for chunk in chunks for event in reader.feed(chunk)] + reader.close()


def shapes(events: list[WireEvent]) -> list[object]:
    """JSON payloads as they are; of other events the code or kind."""
    return [event.payload if event.kind == "json" else event.name or event.kind for event in events]


def prelude(total: int) -> bytes:
    """The first bytes of an AWS frame of so many."""
    sizes = struct.pack("!II", total, 0)
    return sizes + struct.pack("!I", zlib.crc32(sizes))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"data: 1\n\n\x0b\n\n", [1, "unknown_line"], id="a line of a control character"),
        pytest.param(b"data: 1\n\nX\n\n", [1, "unknown_line"], id="a line of a letter"),
        pytest.param(b"data: X\n\n", ["invalid_json"], id="data that is a letter"),
        pytest.param(b"data: \x0b\n\n", ["invalid_json"], id="data that is a control character"),
        pytest.param(b"X[1]", ["not_a_stream"], id="a letter before an array"),
        pytest.param(b"\x0b[1]", ["not_a_stream"], id="a control character before an array"),
        pytest.param(
            b'data: 1\n\n{ oops\n{"b":1}\n\ndata: 2\n\n', [1, "invalid_json", 2], id="an object inside of damage"
        ),
        pytest.param(b'data: 1\n\nfoo bar\n{"a": 1}\n\n', [1, "unknown_line", {"a": 1}], id="text of two words"),
        pytest.param(b'data: 1\nerror: {"x":1}', [1, {"x": 1}], id="cut after both"),
        pytest.param(prelude(0x0100_0010), ["truncated"], id="a frame of 16 MiB"),
        pytest.param(prelude(0x0200_0010), ["not_a_stream"], id="a frame of 32 MiB, which there is none"),
        pytest.param(b"\x01", ["truncated"], id="the first byte of a large frame"),
        pytest.param(b"\0" * 12, ["not_a_stream"], id="as many zeros as a prelude"),
        pytest.param(b"\0" + b" " * 20, ["not_a_stream"], id="a zero, then space"),
    ],
)
def test_bodies(body: bytes, expected: list[object]) -> None:
    """A body gives the wrong events, or they depend on its cut."""
    for chunks in every_split(body):
        assert shapes(read(*chunks)) == expected


def test_a_control_character_begins_no_text_under_the_content_type_of_frames() -> None:
    """A damaged frame that begins with DEL is taken for text."""
    assert shapes(read(b"\x7f" * 20, content_type=BINARY)) == ["bad_frame"]
    assert shapes(read(b"~" * 20, content_type=BINARY)) == ["not_a_stream"]


def test_a_short_body_under_a_header_that_lies() -> None:
    """Fewer bytes than tell text from brotli are lost at the end."""
    assert shapes(read(b"data: 1\n\n", content_encoding="br")) == [1]
    assert shapes(read(b"data: 1\n\ndata:", content_encoding="br")) == [1, "truncated"]


@pytest.mark.parametrize("name", ["ping", "keepalive", "keep-alive", "heartbeat"])
def test_the_data_of_a_keep_alive_need_not_be_json(name: str) -> None:
    """A proxy's keep-alive is taken for a loss."""
    assert shapes(read(b"event: %s\ndata: still here\n\n" % name.encode())) == ["unknown_line"]
    assert shapes(read(b"event: other\ndata: still here\n\n")) == ["invalid_json"]


def test_the_name_of_a_cut_event() -> None:
    """The name of the last event is lost without its blank line."""
    assert read(b"event: a\ndata: 1") == [WireEvent("json", "a", 1)]


@pytest.mark.parametrize(
    ("body", "code", "reason", "text"),
    [
        (b"a\n\nb\n\n", "not_a_stream", "the body is plain text", "a\nb"),
        (b"<p>" + b"x" * 5000, "html", "the body is HTML or XML", "<p>" + "x" * 4093),
        (b"data: {", "truncated", "the body ends inside an event", "{"),
        (b"data: 1\n\nev", "truncated", "the body ends inside a line or block", "ev"),
        (b"data: 1\n\n{", "truncated", "the body ends inside a line or block", "{"),
        (b"data: 1\n\nerror: no\n\n", "invalid_json", "a line that is no field and no JSON", "error: no"),
        (b"data: {\n\n", "invalid_json", "Expecting property name", "{"),
        (b"data: {\xff\n\n", "invalid_json", "Expecting property name", "{\ufffd"),
        (b"{oops}", "invalid_json", "Expecting property name", "{oops}"),
    ],
)
def test_a_report_says_what_is_wrong_and_where(body: bytes, code: str, reason: str, text: str) -> None:
    """A report without its reason, or with other bytes than those at fault."""
    found = [event for event in read(body) if event.kind == "malformed" and event.name != "invalid_utf8"]
    assert [(event.name, event.payload["text"]) for event in found] == [(code, text)]
    assert found[0].payload["reason"].startswith(reason)


def test_a_damaged_encoding_is_told_last() -> None:
    """The report of a cut body lacks its reason, or claims bytes."""
    packed = gzip.compress(b"data: 1\n\n", mtime=0)
    report = read(packed[:-3], content_encoding="gzip")[-1]
    assert report == WireEvent("malformed", "truncated", {"reason": "the compressed body has no end", "text": ""})


def test_every_code_is_a_loss_or_a_note() -> None:
    """A loss that decoders do not know for one: the stream would look whole."""
    frame = encode_frame({":event-type": "x"}, b"{}")
    packed = gzip.compress(b"data: 1\n\n", mtime=0)
    lost = [
        read(b"data: {\n\n"), read(b"<p>"), read(b"text"), read(frame[:-1] + b"x"),
        read(packed + b"xx", content_encoding="gzip"),
    ]  # fmt: skip
    assert {events[-1].name for events in lost} == LOSSES
    noted = [read(b"data: {"), read(b"data: 1\n\nx: y\n\n"), read(b'data: "\xff"\n\n')]
    assert {events[-1].name for events in noted} == NOTES


def test_much_white_space_in_small_chunks_is_linear() -> None:
    """Blank lines before the first event are joined anew for every chunk."""
    reader = Reader()
    start = time.process_time()
    for _ in range(50_000):
        assert not reader.feed(b"\n")
    assert time.process_time() - start < 2
    assert shapes(reader.feed(b"data: 1\n\n")) == [1]
