"""Gemini: arguments in pieces, their limits, and which call a piece belongs to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gemini_wire import STOP, call, calls, chunk, content, decode, notes, piece
from streamproof.decoders.gemini_generate_content import GeminiGenerateContentDecoder
from streamproof.wire.event import WireEvent


def number(path: str, value: float) -> dict[str, Any]:
    """A partial argument."""
    return {"jsonPath": path, "numberValue": value}


def made(*values: Any) -> tuple[Any, bool]:
    """The arguments of a call with these pieces, and whether it may be run."""
    completion, _ = decode(chunk(call("f", partialArgs=list(values)), finish="STOP"))
    (only,) = completion.tool_calls
    return json.loads(only.arguments), only.complete


@pytest.mark.parametrize(("index", "length"), [(100, 101), (101, None)])
def test_how_far_an_array_may_be_left_open(index: int, length: int | None) -> None:
    """A hundred missing elements are made up for, more are refused: a path of 20 bytes must not fill the memory."""
    arguments, whole = made(number(f"$.a[{index}]", 1))
    assert len(arguments["a"]) == (length or 0)
    assert not whole


def test_the_limit_holds_for_all_arrays_of_a_call() -> None:
    """Gaps of several arrays add up, and one that was filled later counts all the same."""
    first = [number("$.a[60]", 1), *(number(f"$.a[{n}]", 0) for n in range(60))]
    arguments, whole = made(*first, number("$.b[40]", 1), number("$.c[1]", 1))
    assert (len(arguments["a"]), len(arguments["b"]), arguments["c"]) == (61, 41, [])
    assert not whole


def test_elements_in_order_have_no_limit() -> None:
    """An array may be as long as it likes when nothing is left out."""
    arguments, whole = made(*(number(f"$.a[{n}]", n) for n in range(250)))
    assert (arguments["a"], whole) == (list(range(250)), True)


def test_depth_has_a_limit() -> None:
    """A hundred segments are read, one more is no path."""
    deep, whole = made(number("$" + ".a" * 100, 1))
    assert whole
    for _ in range(100):
        deep = deep["a"]
    assert deep == 1
    assert made(number("$" + ".a" * 101, 1)) == ({}, False)


def test_a_piece_without_text_says_whether_more_comes() -> None:
    """Only the last piece of a string ends it; one without a value may keep it open."""
    pieces = [piece("$.a", stringValue="x"), piece("$.a"), piece("$.a", stringValue="y"), piece("$.a", going=False)]
    completion, decoder = decode(chunk(call("f", willContinue=True), *pieces, call()), STOP)
    assert calls(completion) == [(None, "f", '{"a":"xy"}', True)]
    assert notes(decoder) == []


def test_half_a_surrogate_pair_in_a_path() -> None:
    """A name that is no valid Unicode is kept as it is, and raises nothing."""
    arguments, whole = made({"jsonPath": "$['\\ud83d']", "stringValue": "x"})
    assert (arguments, whole) == ({"\ud83d": "x"}, True)


def test_a_long_path_is_shown_by_its_beginning() -> None:
    """A diagnostic shows 200 characters of a path."""
    _, decoder = decode(chunk(call("f", willContinue=True), piece("$." + "x" * 300), call()), STOP)
    assert [note.detail for note in decoder.diagnostics] == [f"no value for {'$.' + 'x' * 198!r}"]


@pytest.mark.parametrize(
    ("second", "names"),
    [
        (call("f", args={}), ["f", "f"]),
        (call("g", args={}), ["f", "g"]),
        (call("g", partialArgs=[]), ["f", "g"]),
        (call("f", partialArgs=[]), ["f"]),
        (call(), ["f"]),
        (call("f", id="2", partialArgs=[]), ["f"]),
    ],
)
def test_which_call_goes_on(second: Any, names: list[str]) -> None:
    """An open call goes on without a name, or with its own beside pieces; all else is another call."""
    completion, _ = decode(chunk(call("f", willContinue=True), second), STOP)
    assert [made.name for made in completion.tool_calls] == names


@pytest.mark.parametrize(
    ("first", "second", "ids"),
    [("1", "1", ["1"]), ("1", "2", ["1", "2"]), ("1", None, ["1"]), (None, "2", ["2"])],
)
def test_ids_tell_calls_apart(first: str | None, second: str | None, ids: list[str]) -> None:
    """Where both have an id it alone decides, also against names; a late one is taken over."""
    opened = call("f", **({} if first is None else {"id": first}), willContinue=True)
    then = call("g" if second == first else None, **({} if second is None else {"id": second}))
    completion, _ = decode(chunk(opened, then), STOP)
    assert [made.id for made in completion.tool_calls] == ids


def test_what_a_later_piece_adds() -> None:
    """Id, name and signature of a later piece are taken where the first had none, and never replaced."""
    pieces = [
        {"functionCall": {"willContinue": True, "partialArgs": [number("$.a", 1)]}},
        {"functionCall": {"name": "f", "id": "1", "willContinue": True}, "thoughtSignature": "s"},
        {"functionCall": {"name": "f", "id": "1", "partialArgs": []}, "thoughtSignature": "t"},
    ]
    completion, decoder = decode(chunk(*pieces), STOP)
    assert [(made.id, made.name, made.arguments, made.complete) for made in completion.tool_calls] == [
        ("1", "f", '{"a":1}', True)
    ]
    assert content(completion)[0]["signature"] == "s"
    assert notes(decoder) == ["further_signature"]


def test_parts_stand_in_order_without_gaps() -> None:
    """Each part takes the next place, whatever its kind."""
    decoder = GeminiGenerateContentDecoder()
    parts = [{"text": "a"}, {"text": "b", "thought": True}, call("f"), {"text": "c"}, {"inlineData": {"data": "eA=="}}]
    deltas = decoder.feed(WireEvent("json", "", chunk(*parts)))
    assert [delta.part for delta in deltas if delta.op == "start" and delta.part] == [(n,) for n in range(5)]


def test_a_call_in_pieces_of_another_candidate() -> None:
    """Id, name, signature and arguments that come late reach the call of candidate 1, each once."""
    pieces: list[Any] = [
        {"functionCall": {"willContinue": True, "partialArgs": [number("$.a", 1)]}},
        {"functionCall": {"id": "1", "name": "f", "willContinue": True}, "thoughtSignature": "s"},
        {"functionCall": {"id": "1", "name": "f", "willContinue": True, "partialArgs": [number("$.b", 2)]}},
        {"functionCall": {}},
    ]
    decoder = GeminiGenerateContentDecoder()
    events = [chunk({"text": "a"}), *(chunk(piece, index=1) for piece in pieces), chunk(finish="STOP", index=1), STOP]
    deltas = [delta for event in events for delta in decoder.feed(WireEvent("json", "", event))] + decoder.end()
    assert [delta.field for delta in deltas if delta.op == "replace"] == ["call_id", "name", "signature", "complete"]
    assert content(decoder.completion) == [{"type": "text", "text": "a"}]
    other = decoder.completion.choices[0]
    assert [(made.id, made.name, made.arguments, made.complete) for made in other.tool_calls] == [
        ("1", "f", '{"a":1,"b":2}', True)
    ]
    assert content(other)[0]["signature"] == "s"


def test_a_name_that_came_late_tells_the_next_call() -> None:
    """Once the open call has a name, pieces of another one begin another call."""
    pieces = [
        {"functionCall": {"willContinue": True, "partialArgs": [number("$.a", 1)]}},
        call("f", willContinue=True),
        call("g", partialArgs=[number("$.b", 2)]),
    ]
    completion, _ = decode(chunk(*pieces), STOP)
    assert [(made.name, made.arguments) for made in completion.tool_calls] == [("f", '{"a":1}'), ("g", '{"b":2}')]


@pytest.mark.parametrize("depth", range(50, 1000, 50))
def test_arguments_of_any_depth(depth: int) -> None:
    """Arguments are written, or a note says that they cannot be; then the call must not be run."""
    deep: Any = 1
    for _ in range(depth):
        deep = [deep]
    decoder = GeminiGenerateContentDecoder()
    decoder.feed(WireEvent("json", "", chunk(call("f", args={"x": deep}, willContinue=True), call(), finish="STOP")))
    decoder.end()
    (only,) = decoder.completion.tool_calls
    if only.arguments in ("", "{}"):
        assert [(note.kind, note.detail) for note in decoder.diagnostics] == [("nested_too_deeply", "args")]
        assert not only.complete or only.arguments == "{}"
    else:
        assert (only.arguments, only.complete) == ('{"x":' + "[" * depth + "1" + "]" * depth + "}", True)


@pytest.mark.parametrize(
    ("quoted", "name"),
    [
        (r"\b", "\b"), (r"\f", "\f"), (r"\n", "\n"), (r"\r", "\r"), (r"\t", "\t"), (r"\/", "/"), (r"\\", "\\"),
        (r"\'", "'"), (r"\u0041", "A"), ("\\\n", "\n"), (r"a\x", "ax"),
    ],
)  # fmt: skip
def test_every_escape_of_a_quoted_name(quoted: str, name: str) -> None:
    """RFC 9535 has those of JSON; any other character stands for itself."""
    assert made({"jsonPath": f"$['{quoted}']", "numberValue": 1}) == ({name: 1}, True)


@pytest.mark.parametrize(
    ("field", "value", "read"),
    [("string_value", "x", "x"), ("number_value", 1, 1), ("bool_value", True, True), ("null_value", None, None)],
)
def test_pieces_in_snake_case(field: str, value: Any, read: Any) -> None:
    """Every field of a piece is read in either spelling."""
    assert made({"json_path": "$.a", field: value}) == ({"a": read}, True)
    longer = [{"json_path": "$.a", "string_value": "x", "will_continue": True}, {"jsonPath": "$.a", "stringValue": "y"}]
    _, decoder = decode(chunk(call("f", partialArgs=longer), finish="STOP"))
    assert notes(decoder) == []
