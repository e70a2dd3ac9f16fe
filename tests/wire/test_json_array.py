"""Bodies that are JSON: the array form of a stream, and a single document."""

from __future__ import annotations

import json
import time

import pytest
from helpers import every_split
from hypothesis import given
from hypothesis import strategies as st
from streamproof.wire.event import WireEvent
from streamproof.wire.json_array import JSONBodyParser

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('ab"\\{}[],:\n\u00e9\U0001f31f', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('k"\\}', max_size=2), inner, max_size=3),
    max_leaves=6,
)


def read(*chunks: bytes) -> list[WireEvent]:
    """All events of a body delivered in these chunks."""
    parser = JSONBodyParser()
    return [event for chunk in chunks for event in parser.feed(chunk)] + parser.close()


def codes(events: list[WireEvent]) -> list[str]:
    """Kinds, for malformed events their codes."""
    return [event.name or event.kind for event in events]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'[{"a":1}\n,\r\n{"a":2}\n]\n', [{"a": 1}, {"a": 2}], id="plain"),
        pytest.param(b'\xef\xbb\xbf \n[{"a":1}]', [{"a": 1}], id="byte order mark and space"),
        pytest.param(b'[{"a":"}]{[,\\"\\\\"},{"b":[[],{}]}]', [{"a": '}]{[,"\\'}, {"b": [[], {}]}], id="in strings"),
        pytest.param(b'[1,"a,]",null,[2,[3]]]', [1, "a,]", None, [2, [3]]], id="elements that are no objects"),
        pytest.param(b"[]", [], id="empty"),
        pytest.param(b"[ ]", [], id="blank"),
        pytest.param(b'[{"a":1},]', [{"a": 1}], id="comma at the end"),
        pytest.param('[{"\u00e9":"\U0001f31f"}]'.encode(), [{"\u00e9": "\U0001f31f"}], id="beyond ASCII"),
    ],
)
def test_array(body: bytes, expected: list[object]) -> None:
    """An element is split, joined or lost, at any chunk border."""
    for chunks in every_split(body):
        assert read(*chunks) == [WireEvent("json", "", value) for value in expected]


def test_element_comes_with_its_last_brace() -> None:
    """An element waits for the comma or bracket behind it."""
    parser = JSONBodyParser()
    assert parser.feed(b'[{"a":{"b":1}') == []
    assert parser.feed(b"}") == [WireEvent("json", "", {"a": {"b": 1}})]
    assert parser.feed(b"\n,{}") == [WireEvent("json", "", {})]


def test_document() -> None:
    """One object is taken for an element of a stream, or is delivered in pieces."""
    for chunks in every_split(b' {"a": ["}", {}], "b": "\\""}\n'):
        assert read(*chunks) == [WireEvent("document", "", {"a": ["}", {}], "b": '"'})]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'[{"a":1}', ["json", "truncated"], id="no bracket"),
        pytest.param(b"[", ["truncated"], id="nothing"),
        pytest.param(b'[{"a":"x\\', ["truncated"], id="inside an escape"),
        pytest.param(b'{"a":1', ["truncated"], id="document"),
        pytest.param(b'[{"a":1}] tail', ["json", "invalid_json"], id="garbage behind"),
        pytest.param(b'{"a":1}{"a":2}', ["document", "invalid_json"], id="second document"),
        pytest.param(b"[{a:1},{}]", ["invalid_json", "json"], id="no JSON inside"),
        pytest.param(b"[nope]", ["invalid_json"], id="a word"),
        pytest.param(b"{oops}", ["invalid_json"], id="document that is no JSON"),
        pytest.param(b'[{"a":"\xff"}]', ["json", "invalid_utf8"], id="no UTF-8"),
        pytest.param(b"[" * 3000 + b"]" * 3000, ["invalid_json"], id="too deep"),
        pytest.param(b'[{"a":1] x', ["invalid_json", "truncated"], id="brackets crossed"),
        pytest.param(b'[{"a":"\\\n"},{"b":"\\\n]"}]', ["invalid_json"] * 2, id="an escaped line end"),
        pytest.param(b"[\x0b1]", ["invalid_json"], id="a control character is no white space"),
        pytest.param(b"[X1]", ["invalid_json"], id="a letter is no white space"),
        pytest.param(b"X[1]", ["invalid_json"], id="a letter first"),
        pytest.param(b" \n", [], id="white space"),
        pytest.param(b"", [], id="empty body"),
    ],
)
def test_damage(body: bytes, expected: list[str]) -> None:
    """Damage raises, hides what is whole, or is not told."""
    for chunks in every_split(body) if len(body) < 100 else [[body]]:
        assert codes(read(*chunks)) == expected


@pytest.mark.parametrize(
    ("body", "reason", "text"),
    [
        (b"[1] \n x \n", "more follows the JSON document", "x"),
        (b"[1]\x0bx\x0b", "more follows the JSON document", "\x0bx\x0b"),
        (b"{}" + b"y" * 5000, "more follows the JSON document", "y" * 4096),
        (b'[ {"a"\n', "the JSON document has no end", '{"a"'),
        (b"[\x0b1\x0b", "the JSON document has no end", "\x0b1\x0b"),
    ],
)
def test_damage_says_where_it_is(body: bytes, reason: str, text: str) -> None:
    """A report without its reason, or with white space or without the bytes at fault."""
    for chunks in every_split(body) if len(body) < 100 else [[body], [body[:3000], body[3000:]]]:
        assert read(*chunks)[-1].payload == {"reason": reason, "text": text}


def test_every_cut_is_noticed() -> None:
    """An array without its closing bracket looks whole."""
    body = b'[{"a":"]"}\n,\n{"a":2}]'
    for at in range(1, len(body)):
        assert codes(read(body[:at]))[-1:] == ["truncated"]


@pytest.mark.parametrize("text", ["x" * 3_000_000, '\\"{' * 1_000_000], ids=["plain", "escapes"])
def test_large_element_in_small_chunks_is_linear(text: str) -> None:
    """An element is scanned or copied anew for every chunk."""
    body = json.dumps([{"t": text}]).encode()
    start = time.process_time()
    events = read(*(body[at : at + 7] for at in range(0, len(body), 7)))
    assert time.process_time() - start < 20
    assert events[0].payload["t"] == text


@given(st.lists(JSON_VALUES, max_size=4), st.sampled_from([None, 1]), st.booleans())
def test_any_array_round_trips(values: list[object], indent: int | None, ascii_only: bool) -> None:
    """Some JSON is cut at the wrong place."""
    body = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode()
    for chunks in (
        [body],
        [body[at : at + 1] for at in range(len(body))],
        [body[: len(body) // 2], body[len(body) // 2 :]],
    ):
        assert read(*chunks) == [WireEvent("json", "", value) for value in values]


@given(st.text('[]{},:"\\ a1\n\u00e9', max_size=40).map(str.encode) | st.binary(max_size=40))
def test_any_bytes(body: bytes) -> None:
    """Some bytes raise, or give other events when they are cut."""
    whole = read(body)
    assert all(read(*chunks) == whole for chunks in every_split(body))
