"""Gemini function calls: plain ones, and those whose arguments come in pieces (google.genai.types.FunctionCall)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gemini_wire import STOP, call, calls, chunk, content, decode, notes, piece
from streamproof import jsontext
from streamproof.decoders.gemini_generate_content import GeminiGenerateContentDecoder
from streamproof.wire.event import WireEvent

BAD_CALLS = [
    "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
]  # fmt: skip
# -- function calls


def test_call_then_empty_stop_chunk() -> None:
    """The STOP that comes later still says `tool_calls`; the empty text is no part; the signature is the call's."""
    part = call("lookup", args={"city": "Ulm", "n": 1}, id="pt3") | {"thoughtSignature": "c2ln"}
    completion, _ = decode(chunk(part), chunk({"text": ""}, finish="STOP", finishMessage="Model generated a call."))
    assert content(completion) == [{"type": "tool_call", "index": 0, "signature": "c2ln"}]
    assert calls(completion) == [("pt3", "lookup", '{"city":"Ulm","n":1}', True)]
    assert (completion.finish_reason, completion.raw_finish_reason) == ("tool_calls", "STOP")


@pytest.mark.parametrize(
    ("more", "arguments"),
    [
        ({}, "{}"),
        ({"args": {}}, "{}"),
        ({"args": None}, ""),
        ({"args": {"b": "é", "a": [1, None]}}, '{"b":"é","a":[1,null]}'),
        ({"args": "{}"}, "{}"),
        ({"args": [1]}, "[1]"),
    ],
)
def test_arguments_as_the_wire_has_them(more: dict[str, Any], arguments: str) -> None:
    """Absent args are {}, null is empty, an object is compact JSON in wire order."""
    completion, _ = decode(chunk(call("f", **more), finish="STOP"))
    assert calls(completion) == [(None, "f", arguments, True)]


def test_numbers_in_arguments_keep_their_spelling() -> None:
    """1.50 and a long integer come out as written."""
    text = '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":1.50,"b":1e400}}}]}}]}'
    completion, _ = decode(jsontext.loads(text), STOP)
    assert completion.tool_calls[0].arguments == '{"a":1.50,"b":1e400}'


def test_parallel_calls_without_ids() -> None:
    """Two calls of one function stay two, ids are not invented, the first signature is not copied."""
    completion, _ = decode(chunk(call("f", args={"a": 1}) | {"thoughtSignature": "s"}, call("f", args={"a": 2})), STOP)
    assert calls(completion) == [(None, "f", '{"a":1}', True), (None, "f", '{"a":2}', True)]
    assert content(completion)[1] == {"type": "tool_call", "index": 1}


@pytest.mark.parametrize(("raw", "complete"), [("MAX_TOKENS", True), *[(raw, False) for raw in BAD_CALLS]])
def test_abnormal_reason_beats_the_call(raw: str, complete: bool) -> None:
    """`length` with a whole call stays `length`; a reason that calls the call bad makes it not executable."""
    completion, decoder = decode(chunk(call("f", args={"a": 1})), chunk({"text": ""}, finish=raw, finishMessage="why"))
    assert completion.raw_finish_reason == raw
    assert completion.finish_reason != "tool_calls"
    assert calls(completion) == [(None, "f", '{"a":1}', complete)]
    assert decoder.details == {"finish_message": "why"}


def test_text_and_call_in_one_part() -> None:
    """Both keys of one part count, text first; the signature goes to the call."""
    completion, _ = decode(chunk(call("f", args={}) | {"text": "Let me see.", "thoughtSignature": "s"}, finish="STOP"))
    assert content(completion) == [
        {"type": "text", "text": "Let me see."},
        {"type": "tool_call", "index": 0, "signature": "s"},
    ]


def test_partial_strings() -> None:
    """Two calls in pieces, each ended by an empty functionCall, become two calls and no phantom."""
    completion, decoder = decode(
        chunk({"text": "hm", "thought": True}, call("plain")),
        chunk(call("get", willContinue=True) | {"thoughtSignature": "s"}),
        chunk(piece("$.location", stringValue="Bos")),
        chunk(piece("$.location", stringValue='ton "x"')),
        chunk(piece("$.location", going=False, stringValue="")),
        chunk(call()),
        chunk(call("get", willContinue=True)),
        chunk(piece("$.location", stringValue="Ulm")),
        chunk(call(), finish="STOP"),
    )
    assert calls(completion) == [
        (None, "plain", "{}", True),
        (None, "get", '{"location":"Boston \\"x\\""}', True),
        (None, "get", '{"location":"Ulm"}', True),
    ]
    assert content(completion)[2] == {"type": "tool_call", "index": 1, "signature": "s"}
    assert completion.finish_reason == "tool_calls"
    assert notes(decoder) == []


def test_partial_array_without_terminator() -> None:
    """A piece that lacks willContinue closes the call; separators between pieces change nothing."""
    last = call(partialArgs=[{"jsonPath": "$.ops[1].price", "numberValue": jsontext.loads("0.30")}])
    completion, _ = decode(
        chunk(call("write", willContinue=True, id="c1")),
        chunk(piece("$.ops[0].name", stringValue="apple")),
        chunk(piece("$.ops[0].ripe", going=False, boolValue=False)),
        chunk(call(willContinue=True)),
        chunk(piece("$.ops[1]['unit \\'x\\'']", going=False, nullValue=None)),
        chunk(last),
        chunk({"text": ""}, finish="STOP"),
    )
    arguments = '{"ops":[{"name":"apple","ripe":false},{"unit \'x\'":null,"price":0.30}]}'
    assert calls(completion) == [("c1", "write", arguments, True)]


def test_call_in_pieces_in_one_go() -> None:
    """A single part with partialArgs and no willContinue is a whole call."""
    values = [{"jsonPath": "$.a", "numberValue": 1}, {"jsonPath": '$["b.c"]', "stringValue": "x"}]
    completion, _ = decode(chunk(call("f", partialArgs=values), finish="STOP"))
    assert calls(completion) == [(None, "f", '{"a":1,"b.c":"x"}', True)]


def test_cut_inside_a_call_in_pieces() -> None:
    """What arrived is shown, and is not complete although it happens to be valid JSON."""
    completion, decoder = decode(chunk(call("f", willContinue=True)), chunk(piece("$.a", stringValue="Bos")))
    assert calls(completion) == [(None, "f", '{"a":"Bos"}', False)]
    assert completion.status == "interrupted"
    assert notes(decoder) == ["call_never_closed"]


def test_a_further_call_leaves_the_open_one_unfinished() -> None:
    """A named call while another is open begins a new call; the open one was never closed."""
    completion, decoder = decode(chunk(call("f", willContinue=True), call("g", args={"a": 1})), chunk(finish="STOP"))
    assert calls(completion) == [(None, "f", "{}", False), (None, "g", '{"a":1}', True)]
    assert notes(decoder) == ["call_never_closed"]


def test_pieces_may_repeat_who_they_belong_to() -> None:
    """A piece with the open call's id or name goes on with it; a late id, name or signature is taken up."""
    first = {"partialArgs": [{"jsonPath": "$.a", "stringValue": "x", "willContinue": True}], "willContinue": True}
    completion, decoder = decode(
        chunk(call(**first)),
        chunk(call("f", **first) | {"thoughtSignature": "s"}),
        chunk(call("f", id="i", **first) | {"thoughtSignature": "t"}),
        chunk(call("f", id="i", args={"b": 2})),
        STOP,
    )
    assert calls(completion) == [("i", "f", '{"a":"xxx","b":2}', True)]
    assert content(completion) == [{"type": "tool_call", "index": 0, "signature": "s"}]
    assert notes(decoder) == ["further_signature"]


def test_another_id_is_another_call() -> None:
    """The same name with another id begins a new call."""
    values = [{"jsonPath": "$.a", "numberValue": 1}]
    completion, _ = decode(chunk(call("f", id="1", willContinue=True), call("f", id="2", partialArgs=values)), STOP)
    assert calls(completion) == [("1", "f", "{}", False), ("2", "f", '{"a":1}', True)]


@pytest.mark.parametrize("value", [{}, {"willContinue": True}, {"args": {}}, {"name": ""}])
def test_an_end_of_nothing_is_no_call(value: dict[str, Any]) -> None:
    """An empty functionCall without an open call is noted, not made a phantom call; a signature stays."""
    completion, decoder = decode(chunk({"functionCall": value, "thoughtSignature": "s"}, finish="STOP"))
    assert (completion.tool_calls, completion.finish_reason) == ((), "stop")
    assert content(completion) == [{"type": "text", "text": "", "signature": "s"}]
    assert notes(decoder) == ["stray_call_end"]


@pytest.mark.parametrize(
    "bad",
    [
        {"jsonPath": "$.a[999999999]", "stringValue": "x"},
        {"jsonPath": "$.a[99999999999999999999]", "stringValue": "x"},
        {"jsonPath": "$" + ".a" * 101, "stringValue": "x"},
        {"jsonPath": "$" + "[0]" * 50_000, "stringValue": "x"},
        {"jsonPath": "$[0]", "stringValue": "x"},
        {"jsonPath": "$.s.t", "stringValue": "x"},
        {"jsonPath": "$.s[0]", "stringValue": "x"},
        {"jsonPath": "$.*", "stringValue": "x"},
        {"jsonPath": "$..a", "stringValue": "x"},
        {"jsonPath": "$", "stringValue": "x"},
        {"jsonPath": "a", "stringValue": "x"},
        {"jsonPath": "$['a", "stringValue": "x"},
        {"jsonPath": 5, "stringValue": "x"},
        {"jsonPath": "$.b", "stringValue": 5},
        {"jsonPath": "$.b", "numberValue": True},
        {"jsonPath": "$.b"},
        {"stringValue": "x"},
        5,
        None,
    ],
)
def test_a_piece_without_a_place_spoils_the_call(bad: Any) -> None:
    """A hostile or unknown path is noted; what could be placed is kept, and the call must not be run."""
    values = [{"jsonPath": "$.s", "stringValue": "ok"}, bad]
    completion, decoder = decode(chunk(call("f", partialArgs=values), finish="STOP"))
    (made,) = completion.tool_calls
    assert made.complete is False
    assert json.loads(made.arguments)["s"] == "ok"
    assert len(made.arguments) < 2000
    assert "partial_args" in notes(decoder)


def test_missing_array_elements() -> None:
    """A skipped element reads null and spoils the call, unless it comes after all."""
    late = [{"jsonPath": "$.a[2]", "numberValue": 3}, {"jsonPath": "$.a[0]", "numberValue": 1}]
    completion, _ = decode(chunk(call("f", partialArgs=late)), STOP)
    assert calls(completion) == [(None, "f", '{"a":[1,null,3]}', False)]
    completion, _ = decode(chunk(call("f", partialArgs=[*late, {"jsonPath": "$.a[1]", "numberValue": 2}])), STOP)
    assert calls(completion) == [(None, "f", '{"a":[1,2,3]}', True)]


def test_contradictory_pieces_lose_nothing_in_silence() -> None:
    """Text after a string's last piece is appended, a second number replaces the first; both are noted."""
    values = [
        {"jsonPath": "$.a", "stringValue": "x"},
        {"jsonPath": "$.a", "stringValue": "y", "willContinue": True},
        {"jsonPath": "$.a"},
        {"jsonPath": "$.b", "numberValue": 1},
        {"jsonPath": "$.b", "numberValue": 2},
    ]
    completion, decoder = decode(chunk(call("f", partialArgs=values)), STOP)
    assert completion.tool_calls[0].arguments == '{"a":"xy","b":2}'
    assert notes(decoder) == ["partial_args", "partial_args"]


def test_quoted_names_in_paths() -> None:
    """Escapes of RFC 9535 names are read, surrogate pairs joined."""
    values = [{"jsonPath": "$['a\\u00e9\\ud83d\\ude00\\n\\'']", "stringValue": "x"}]
    completion, _ = decode(chunk(call("f", partialArgs=values)), STOP)
    assert json.loads(completion.tool_calls[0].arguments) == {"aé😀\n'": "x"}


@pytest.mark.parametrize("value", [5, "x", [1]])
def test_what_is_no_call_is_kept(value: Any) -> None:
    """A functionCall that is no object is an unknown part; the text beside it is unharmed."""
    completion, _ = decode(chunk({"functionCall": value}, {"text": "t"}), STOP)
    assert content(completion)[0] == {"type": "unknown", "name": "functionCall", "data": {"functionCall": value}}
    assert (completion.text, completion.finish_reason) == ("t", "stop")


def test_malformed_fields_of_a_call_are_noted() -> None:
    """Ids, names and arguments of the wrong kind do not raise, and the call is not complete."""
    wrong = {"name": 5, "id": [], "args": 5, "partialArgs": 5}
    completion, decoder = decode(chunk({"functionCall": wrong}, {"functionCall": None}), STOP)
    assert calls(completion) == [(None, "", "{}", False)]
    assert notes(decoder) == ["malformed_field"] * 4


@pytest.mark.parametrize("shape", ['{"a":', "["])
def test_deep_arguments_do_not_raise(shape: str) -> None:
    """Arguments nested deeper than can be written, from a caller that parsed them itself, are noted, no exception."""
    depth = 900
    value = json.loads(shape * depth + "1" + {"[": "]", '{"a":': "}"}[shape] * depth)
    decoder = GeminiGenerateContentDecoder()
    decoder.feed(
        WireEvent("json", "", chunk(call("f", args={"x": value}), call("g", args={"x": value}, willContinue=True)))
    )
    decoder.feed(WireEvent("json", "", value))
    decoder.end()
    assert [made.name for made in decoder.completion.tool_calls] == ["f", "g"]
    assert all(not made.complete for made in decoder.completion.tool_calls)
    assert "nested_too_deeply" in notes(decoder)
