"""Server-sent events: the grammar of the WHATWG standard, and what it drops that we keep."""

from __future__ import annotations

import time

import pytest
from helpers import every_split
from hypothesis import given
from hypothesis import strategies as st
from streamproof.wire.sse import Frame, SSEParser

FRAGMENTS = [
    b"data: x",
    b"data:y",
    b"data",
    b"event: e",
    b"event",
    b"id: 1",
    b": c",
    b"retry: 5",
    b"foo: bar",
    b"{",
    b"",
]
LINE_ENDS = [b"\n", b"\r", b"\r\n"]


def frames(*chunks: bytes) -> list[Frame]:
    """All frames of a body delivered in these chunks."""
    parser = SSEParser()
    return [frame for chunk in chunks for frame in parser.feed(chunk)] + parser.close()


def event(text: str, name: str = "", **more: bool) -> Frame:
    """An event frame."""
    return Frame("event", name, text, **more)


def stray(text: str, **more: bool) -> Frame:
    """A stray frame."""
    return Frame("stray", "", text, **more)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"data: A\ndata: +2\ndata: 10\n\n", [event("A\n+2\n10")], id="several data lines"),
        pytest.param(
            b": note\n\ndata: one\nid: 1\n\ndata:two\nid\n\ndata:  three\n\n",
            [event("one"), event("two"), event(" three")],
            id="comment, id, reset id, second space is data",
        ),
        pytest.param(b"data\n\ndata\ndata\n\n", [event(""), event("\n")], id="data without a colon"),
        pytest.param(b"data:t\n\ndata: t\n\n", [event("t"), event("t")], id="the space is optional"),
        pytest.param(b"event: add\ndata: 7\n\ndata: 8\n\n", [event("7", "add"), event("8")], id="name lasts one block"),
        pytest.param(b"event: a\nevent:b\ndata: 1\n\n", [event("1", "b")], id="last name wins"),
        pytest.param(b"data: 1\nevent: late\n\n", [event("1", "late")], id="name after data"),
        pytest.param(b"event: ping\n\nid: 4\n\nretry: 10\n\n:\n\n", [], id="no data, no event"),
        pytest.param(b"\xef\xbb\xbfdata: 1\n\n", [event("1")], id="byte order mark"),
        pytest.param(b"\n\n\n\ndata: 1\n\n\n\n", [event("1")], id="blank lines"),
        pytest.param(
            "data: a\u2028b\u2029c\u0085d\x0be\n\n".encode(), [event("a\u2028b\u2029c\u0085d\x0be")], id="NEL"
        ),
        pytest.param(b"data: a:b\n\n", [event("a:b")], id="first colon divides"),
        pytest.param("data: \U0001f31f\n\n".encode(), [event("\U0001f31f")], id="four-byte character"),
        pytest.param(b"data: a\xffb\n\ndata: c\n\n", [event("a\ufffdb", replaced=True), event("c")], id="no UTF-8"),
        pytest.param("data: \ufffd\n\n".encode(), [event("\ufffd")], id="U+FFFD that was sent"),
        pytest.param(b": \xff\ndata: 1\n\n", [event("1")], id="damage in a comment is no loss"),
        pytest.param(b"Data: 1\n\n", [stray("Data: 1")], id="field names are case-sensitive"),
        pytest.param(b'error: {"a":1}\n\n', [stray('error: {"a":1}')], id="unknown field"),
        pytest.param(b'{\n  "a": 1\n}\n\ndata: 1\n\n', [stray('{\n  "a": 1\n}'), event("1")], id="stray block"),
        pytest.param(b"foo\ndata: 1\n\n", [stray("foo"), event("1")], id="stray before data"),
        pytest.param(b"foo\ndata:1\n\n", [stray("foo"), event("1")], id="stray before data without space"),
        pytest.param(b"data: 1\nfoo\n\n", [event("1"), stray("foo")], id="stray after data"),
        pytest.param(
            b"data: 1\nfoo\ndata: 2\n\n", [event("1\n2"), stray("foo")], id="stray between the data of one event"
        ),
        pytest.param(b"event: \xff\ndata: 1\n\n", [event("1", "\ufffd", replaced=True)], id="a name that is no UTF-8"),
        pytest.param(b"\n\xef\xbb\xbfdata: 1\n\n", [stray("\ufeffdata: 1")], id="a byte order mark that is not first"),
        pytest.param(b"data: \xff", [event("\ufffd", replaced=True, terminated=False)], id="no UTF-8, and cut"),
        pytest.param(b"data: 1\ndata: 2", [event("1\n2", terminated=False)], id="cut after two data lines"),
        pytest.param(b"data: 1", [event("1", terminated=False)], id="cut after data"),
        pytest.param(b"data: 1\n", [event("1", terminated=False)], id="no blank line"),
        pytest.param(
            b"event: x\nda", [stray("da", terminated=False), event("", "x", terminated=False)], id="cut field"
        ),
        pytest.param(
            b"data: 1\nfoo", [event("1", terminated=False), stray("foo", terminated=False)], id="cut after both"
        ),
        pytest.param(b"data: 1\n\n: OPEN", [event("1")], id="cut inside a comment"),
        pytest.param(b"", [], id="empty"),
        pytest.param(b"\xef\xbb\xbf", [], id="only a byte order mark"),
    ],
)
def test_blocks(body: bytes, expected: list[Frame]) -> None:
    """A block gives the wrong frames, or they depend on how the bytes are cut."""
    for chunks in every_split(body):
        assert frames(*chunks) == expected


@pytest.mark.parametrize("end", LINE_ENDS)
def test_line_ends(end: bytes) -> None:
    """LF, CR or CRLF is not taken as one line end, at any chunk border."""
    body = end.join([b"event: a", b"data: 1", b"data: 2", b"", b": c", b"data: 3", b"", b""])
    for chunks in every_split(body):
        assert frames(*chunks) == [event("1\n2", "a"), event("3")]


def test_cr_dispatches_at_once() -> None:
    """A CR at the end of a chunk holds its event back until the next chunk."""
    parser = SSEParser()
    assert parser.feed(b"data: 1\r\n\r") == [event("1")]
    assert parser.feed(b"") == []
    assert parser.feed(b"\ndata: 2\n\n") == [event("2")]


def test_id_and_retry() -> None:
    """The fields for reconnection are misread, or bad values of them are taken."""
    parser = SSEParser()
    assert (parser.last_event_id, parser.retry) == ("", None)
    parser.feed(b"id: 7\nid: a\0b\nretry: 3000\nretry: soon\nretry: -1\nretry: \xc2\xb2\n\n")
    assert (parser.last_event_id, parser.retry) == ("7", 3000)
    parser.feed(b"id\nretry:" + b"9" * 5000 + b"\n\n")
    assert (parser.last_event_id, parser.retry) == ("", 3000)
    parser.feed(b"retry: " + b"1" * 19 + b"\nretry: " + b"2" * 20 + b"\n")
    assert parser.retry == int("1" * 19)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"hello\n\n", False),
        (b":\n", True),
        (b"id\n", True),
        (b"event: x\n", True),
        (b"data: 1\n\n", True),
        (b"data: 1\n", True),
        (b"", False),
    ],
)
def test_recognized(body: bytes, expected: bool) -> None:
    """Plain text is taken for server-sent events, or a stream of only comments for plain text."""
    parser = SSEParser()
    parser.feed(body)
    assert parser.recognized is expected


@pytest.mark.parametrize("end", [b"", b"\n\n"])
def test_long_line_in_small_chunks_is_linear(end: bytes) -> None:
    """An unfinished line is copied for every chunk: 3 MB in 7-byte chunks would take minutes."""
    body = b"data: " + b"x" * 3_000_000 + end
    parser = SSEParser()
    start = time.process_time()
    for at in range(0, len(body), 7):
        parser.feed(body[at : at + 7])
    rest = parser.close()
    assert time.process_time() - start < 20
    assert not end or not rest


@given(st.lists(st.tuples(st.sampled_from(FRAGMENTS), st.sampled_from(LINE_ENDS)), max_size=8), st.booleans())
def test_any_document_is_split_invariant(lines: list[tuple[bytes, bytes]], bom: bool) -> None:
    """Some cut of some document changes its frames."""
    body = (b"\xef\xbb\xbf" if bom else b"") + b"".join(line + end for line, end in lines)
    whole = frames(body)
    for chunks in every_split(body):
        assert frames(*chunks) == whole


@given(st.binary(max_size=60))
def test_any_bytes(body: bytes) -> None:
    """Some bytes raise, or give other frames when they are cut."""
    whole = frames(body)
    for chunks in every_split(body):
        assert frames(*chunks) == whole
