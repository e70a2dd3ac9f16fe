"""JSON as text that loses nothing."""

from __future__ import annotations

import json
import math
import pickle
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamproof.jsontext import MAX_DEPTH, Number, dumps, is_json, loads, quote

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(DOCUMENTS, st.sampled_from([None, 2]))
def test_loads_and_dumps_are_inverse(document: object, indent: int | None) -> None:
    """What was read can be written and read again, compact and indented alike."""
    assert loads(dumps(document, indent=indent)) == document


@given(DOCUMENTS)
def test_the_text_is_what_other_readers_expect(document: object) -> None:
    """The standard library reads the same value; a compact text has no space between tokens."""
    assert json.loads(dumps(document)) == document
    assert len(dumps(document)) <= len(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


@pytest.mark.parametrize(
    "text",
    ["1.50", "-0", "-0.0", "1e400", "1E5", "0.10000000000000000001", "1" * 5000, "-" + "9" * 4400, "12", "1.5", "1e-9"],
)
def test_numbers_keep_their_spelling(text: str) -> None:
    """A price of 1.50 must not come out as 1.5, nor a huge integer as an error."""
    assert dumps(loads(text)) == text


def test_a_respelt_number_still_computes() -> None:
    """`Number` is a float for whoever compares it, and survives a process boundary with its text."""
    number = loads("1.50")
    assert isinstance(number, Number)
    assert number == 1.5
    assert pickle.loads(pickle.dumps(number)).text == "1.50"


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_becomes_a_string(word: str) -> None:
    """Some servers send NaN; passing it on as a number would make our own output unreadable."""
    assert loads(f'{{"logprob":{word}}}') == {"logprob": word}
    assert not is_json(f"[{word}]")


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_floats_that_json_lacks_are_written_as_strings(value: float) -> None:
    """They arrive from SDK objects, not from text."""
    assert isinstance(json.loads(dumps([value]))[0], str)


def test_lone_surrogates_survive() -> None:
    """Half an emoji, cut by a provider between two deltas, can be written to a UTF-8 file and read back."""
    text = loads('"a\\ud83d"')
    assert text == "a\ud83d"
    assert dumps(text) == '"a\\ud83d"'
    assert dumps(text).encode("utf-8")
    assert loads(dumps({"\udc00": "\udfff"})) == {"\udc00": "\udfff"}


def test_whole_characters_stay_readable() -> None:
    """Only what UTF-8 cannot hold is escaped."""
    assert dumps({"ключ": "naïve 😀\u2028"}) == '{"ключ":"naïve 😀\u2028"}'
    assert quote('tab\t"quoted"\\\x00') == '"tab\\t\\"quoted\\"\\\\\\u0000"'


def test_indented_form() -> None:
    """One member per line, empty containers on one line, keys in their own order."""
    assert dumps({"b": [1, {"a": []}], "a": {}}, indent=2) == (
        '{\n  "b": [\n    1,\n    {\n      "a": []\n    }\n  ],\n  "a": {}\n}'
    )


def test_any_mapping_and_sequence_is_written() -> None:
    """Frozen values hold tuples, and keys that are no strings become strings."""
    assert dumps(OrderedDict([("z", (1, True, None)), (1, "x")])) == '{"z":[1,true,null],"1":"x"}'  # type: ignore[list-item]


def test_what_is_no_json_is_refused() -> None:
    """Bytes in a completion are a fault of ours and must not be written as their repr."""
    with pytest.raises(TypeError, match="bytes is not JSON"):
        dumps({"data": b"x"})


@pytest.mark.parametrize("text", ["", " ", "{", '{"a":}', "[1,]", "{} {}", "nul", "'a'", '"\n"'])
def test_malformed_text_is_a_value_error(text: str) -> None:
    """Nothing else than ValueError may come out of hostile text."""
    with pytest.raises(ValueError, match=r"."):
        loads(text)
    assert not is_json(text)


@pytest.mark.parametrize("text", ["{}", " [1] ", "0", '"a"', "null"])
def test_is_json(text: str) -> None:
    """Scalars and surrounding white space are JSON too."""
    assert is_json(text)


def test_depth_is_limited() -> None:
    """A bomb of brackets is refused before it costs the stack; brackets inside strings do not count."""
    assert loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(ValueError, match="deep"):
        loads("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
    assert not is_json('{"a":' * 100_000)
    flat = "[" + ",".join(['"[{\\"["'] * 300) + "]"
    assert len(loads(flat)) == 300
    assert dumps(loads("[[]," * 150 + "0" + "]" * 150))
