"""The AWS event stream: frames, what they say, damage, cuts."""

from __future__ import annotations

import base64
import json
import struct
import time
import zlib

import pytest
from helpers import every_split
from hypothesis import given
from hypothesis import strategies as st
from streamproof.wire.event import WireEvent
from streamproof.wire.eventstream import EventStreamParser, encode_frame, is_prelude


def read(*chunks: bytes) -> list[WireEvent]:
    """All events of a body delivered in these chunks."""
    parser = EventStreamParser()
    return [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()


def codes(events: list[WireEvent]) -> list[tuple[str, str]]:
    """Kind and name of each."""
    return [event[:2] for event in events]


def raw_frame(
    headers: bytes, payload: bytes = b"{}", *, header_size: int | None = None, total: int | None = None
) -> bytes:
    """A frame with right checksums around any header bytes and lengths."""
    size = 16 + len(headers) + len(payload) if total is None else total
    sizes = struct.pack("!II", size, len(headers) if header_size is None else header_size)
    message = sizes + struct.pack("!I", zlib.crc32(sizes)) + headers + payload
    return message + struct.pack("!I", zlib.crc32(message))


def string_header(name: str, value: str) -> bytes:
    """One header of type string."""
    return bytes([len(name)]) + name.encode() + struct.pack("!BH", 7, len(value)) + value.encode()


def event_frame(name: str, payload: object) -> bytes:
    """An event as Converse sends it."""
    return encode_frame({":message-type": "event", ":event-type": name}, json.dumps(payload).encode())


def chunk_frame(event: object) -> bytes:
    """An event as InvokeModel sends it."""
    inner = base64.b64encode(json.dumps(event).encode()).decode()
    return event_frame("chunk", {"bytes": inner, "p": "abc"})


CONVERSE = event_frame("messageStart", {"role": "assistant"}) + event_frame("messageStop", {"stopReason": "end_turn"})
CONVERSE_EVENTS = [
    WireEvent("json", "messageStart", {"role": "assistant"}),
    WireEvent("json", "messageStop", {"stopReason": "end_turn"}),
]


def test_converse_events_at_any_split() -> None:
    """A frame is lost or doubled at a chunk border, or its type is not the event's name."""
    for chunks in every_split(CONVERSE):
        assert read(*chunks) == CONVERSE_EVENTS


def test_a_frame_is_delivered_with_its_last_byte() -> None:
    """A whole frame waits for the next one."""
    parser = EventStreamParser()
    frame = event_frame("messageStop", {})
    assert parser.feed(frame[:-1]) == []
    assert len(parser.feed(frame[-1:])) == 1


def test_invoke_model_chunk_is_the_models_event() -> None:
    """The base64 inside an InvokeModel frame is not undone."""
    assert read(chunk_frame({"type": "ping"})) == [WireEvent("json", "", {"type": "ping"})]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"bytes": "%%%"}, ("malformed", "invalid_json")),
        ({"bytes": "A"}, ("malformed", "invalid_json")),
        ({"bytes": "\u00e9"}, ("malformed", "invalid_json")),
        ({"bytes": base64.b64encode(b"{").decode()}, ("malformed", "invalid_json")),
        ({"bytes": 5}, ("json", "chunk")),
        ({}, ("json", "chunk")),
        ([], ("json", "chunk")),
        (None, ("json", "chunk")),
    ],
)
def test_strange_chunks(payload: object, expected: tuple[str, str]) -> None:
    """A chunk without a base64 event raises or vanishes."""
    assert codes(read(event_frame("chunk", payload))) == [expected]


def test_exception_error_and_initial_response() -> None:
    """A frame that is no event of the model is dropped, or loses its code and message."""
    exception = encode_frame(
        {":message-type": "exception", ":exception-type": "throttlingException"}, b'{"message":"slow down"}'
    )
    plain = encode_frame({":message-type": "exception", ":exception-type": "odd"}, b"not json")
    error = encode_frame({":message-type": "error", ":error-code": "500", ":error-message": "oops"}, b"")
    initial = encode_frame({":message-type": "event", ":event-type": "initial-response"}, b"")
    assert read(exception + plain + error + initial) == [
        WireEvent("exception", "throttlingException", {"message": "slow down"}),
        WireEvent("exception", "odd", {"message": "not json"}),
        WireEvent("exception", "500", {"message": "oops"}),
        WireEvent("json", "initial-response", {}),
    ]


def test_frame_without_message_type() -> None:
    """A frame without its type header vanishes."""
    assert read(encode_frame({}, b'{"a":1}')) == [WireEvent("json", "", {"a": 1})]


def test_payload_that_is_no_json_or_no_utf8() -> None:
    """A damaged payload raises, or replaced bytes are not told."""
    assert codes(read(encode_frame({":event-type": "x"}, b"{"))) == [("malformed", "invalid_json")]
    events = read(encode_frame({":event-type": "x"}, b'{"a":"\xff"}'))
    assert events[0] == WireEvent("json", "x", {"a": "\ufffd"})
    assert codes(events[1:]) == [("malformed", "invalid_utf8")]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (0, b""),
        (1, b""),
        (2, b"\x01"),
        (3, b"\x00\x01"),
        (4, b"\0" * 4),
        (5, b"\0" * 8),
        (6, b"\x00\x03abc"),
        (7, b"\x00\x02hi"),
        (8, b"\0" * 8),
        (9, b"\0" * 16),
    ],
)
def test_every_header_type_is_skipped(kind: int, value: bytes) -> None:
    """A header of some type shifts those behind it."""
    headers = b"\x01h" + bytes([kind]) + value + string_header(":event-type", "late")
    assert codes(read(raw_frame(headers))) == [("json", "late")]


@pytest.mark.parametrize(
    "headers",
    [
        b"\x01h\x0a",
        b"\x01h",
        b"\x05h",
        b"\x01h\x07\x00",
        b"\x01h\x07\x00\x09abc",
        b"\x01h\x05\x00",
        b"\xff",
        b"\x01h\xff",
    ],
)
def test_headers_that_do_not_fit(headers: bytes) -> None:
    """Headers that run over their end, or of an unknown type, raise or are read past the end."""
    assert codes(read(raw_frame(headers) + CONVERSE)) == [("malformed", "bad_frame")]


@pytest.mark.parametrize(
    "frame",
    [
        raw_frame(b"", b"", total=15),
        raw_frame(b"", b"", total=0),
        raw_frame(b"", b"", total=0xFFFFFFFF),
        raw_frame(b"", b"", total=24 * 1024 * 1024 + 17),
        raw_frame(b"", b"", header_size=1),
        raw_frame(b"", b"", total=1 << 20, header_size=128 * 1024 + 1),
    ],
)
def test_absurd_lengths(frame: bytes) -> None:
    """A length beyond the limits makes the reader wait or allocate for ever."""
    for chunks in ([frame], [frame[:12], frame[12:]], [frame[:5], frame[5:]]):
        assert codes(read(*chunks)) == [("malformed", "bad_frame")]


@pytest.mark.parametrize(("total", "headers"), [(24 * 1024 * 1024 + 16, 0), (128 * 1024 + 16, 128 * 1024)])
def test_the_largest_lengths(total: int, headers: int) -> None:
    """A frame as large as the limits allow is refused."""
    prelude = raw_frame(b"", b"", total=total, header_size=headers)[:12]
    assert read(prelude)[0].payload["reason"] == "12 bytes of an unfinished frame"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (raw_frame(b"", b"", header_size=1), "absurd lengths: 16 bytes in all, 1 of headers"),
        (b"\0" * 12, "wrong checksum of the prelude"),
        (CONVERSE[:-1] + b"x", "wrong checksum of the message"),
        (raw_frame(b"\x01h\x0a"), "headers that cannot be read"),
        (raw_frame(b"\x01h\x07\x00\x09abc"), "headers that cannot be read"),
        (CONVERSE[:-1], f"{len(CONVERSE) - 1 - len(event_frame('messageStart', {'role': 'assistant'}))} bytes of an "),
    ],
)
def test_damage_says_what_it_is(body: bytes, reason: str) -> None:
    """A report without its reason, or with that of other damage."""
    assert read(body)[-1].payload["reason"].startswith(reason)


def test_a_chunk_says_why_it_is_none() -> None:
    """A chunk that is no base64 is told without its reason; a note about its frame is lost."""
    assert len(read(event_frame("chunk", {"bytes": "A"}))[0].payload["reason"]) > 10
    noted = encode_frame({":event-type": "chunk"}, b'{"bytes":"e30=","p":"\xff"}')
    assert codes(read(noted)) == [("json", ""), ("malformed", "invalid_utf8")]


def test_exceptions_without_their_headers() -> None:
    """A frame that lacks a name or message raises, or is given one."""
    exception, error = ({":message-type": kind} for kind in ("exception", "error"))
    assert read(encode_frame(exception, b"\xff") + encode_frame(error, b"")) == [
        WireEvent("exception", "", {"message": "\ufffd"}),
        WireEvent("exception", "", {"message": ""}),
    ]


def test_headers_that_are_no_utf8() -> None:
    """A header with other bytes raises."""
    headers = b"\x01\xff\x07\x00\x01\xff" + string_header(":event-type", "x")[:-1] + b"\xff"
    assert codes(read(raw_frame(headers))) == [("json", "\ufffd")]


def test_every_flipped_byte_is_noticed() -> None:
    """Some damaged byte passes the checksums, or what follows the damage is parsed."""
    first = len(event_frame("messageStart", {"role": "assistant"}))
    for at in range(len(CONVERSE)):
        damaged = bytearray(CONVERSE)
        damaged[at] ^= 0x40
        expected = CONVERSE_EVENTS[:1] if at >= first else []
        events = read(bytes(damaged))
        assert events[:-1] == expected
        assert codes(events[-1:]) == [("malformed", "bad_frame")]


def test_every_cut_is_noticed() -> None:
    """A body that ends inside a frame looks whole, or one that ends between frames looks cut."""
    first = len(event_frame("messageStart", {"role": "assistant"}))
    for at in range(len(CONVERSE) + 1):
        events = read(CONVERSE[:at])
        assert codes(events[-1:]) == [("malformed", "truncated")] or at in (0, first, len(CONVERSE))
        assert [event for event in events if event.kind == "json"] == CONVERSE_EVENTS[
            : (at >= first) + (at == len(CONVERSE))
        ]


def test_large_frame_in_small_chunks_is_linear() -> None:
    """A frame is joined anew for every chunk."""
    frame = event_frame("x", {"t": "x" * 3_000_000})
    start = time.process_time()
    events = read(*(frame[at : at + 7] for at in range(0, len(frame), 7)))
    assert time.process_time() - start < 20
    assert codes(events) == [("json", "x")]


def test_encode_frame_layout() -> None:
    """The encoder's bytes are not the layout of the specification."""
    assert encode_frame({"a": "b"}, b"xy") == raw_frame(b"\x01a\x07\x00\x01b", b"xy")
    assert is_prelude(encode_frame({}, b""))
    assert not is_prelude(b"\0" * 11)


@pytest.mark.parametrize("headers", [{"n" * 256: ""}, {"n": "v" * 65536}])
def test_encode_frame_refuses_what_does_not_fit(headers: dict[str, str]) -> None:
    """A header too long for its length field is written damaged."""
    name = next(iter(headers))[:40]
    with pytest.raises(ValueError, match=f"^header '{name}' is too long$"):
        encode_frame(headers, b"")


def test_encode_frame_takes_what_just_fits() -> None:
    """The longest name or value is refused."""
    assert codes(read(encode_frame({"n" * 255: "v" * 65535, ":event-type": "x"}, b"{}"))) == [("json", "x")]


@given(st.binary(max_size=80), st.booleans())
def test_any_bytes(body: bytes, after_a_frame: bool) -> None:
    """Some bytes raise, or give other events when they are cut."""
    body = (event_frame("x", 1) if after_a_frame else b"") + body
    whole = read(body)
    assert all(read(*chunks) == whole for chunks in every_split(body))
