"""The short way for the commonest message lets nothing through that the schema would not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamproof import jsontext
from streamproof.adapters.lines import decode, encode
from streamproof.errors import AdapterError
from streamproof.schemas import problems

DELTA = {"op": "append", "part": [0], "field": "text", "value": "a", "choice": 0}
MESSAGE = {"type": "delta", "id": "1", "delta": DELTA}
ODD = st.sampled_from([None, True, 0, 1.5, -1, "", "append", "x", [], [0], [True], [[0]], {}, {"a": 1}])


def accepted(message: Any) -> bool:
    """Whether a line of this message is taken."""
    try:
        return bool(decode(encode(message), 1) == message)
    except AdapterError:
        return False


@given(st.dictionaries(st.sampled_from([*DELTA, "extra"]), ODD), st.dictionaries(st.sampled_from(["id", "extra"]), ODD))
def test_the_short_way_agrees_with_the_schema(changes: dict[str, Any], outer: dict[str, Any]) -> None:
    """Any delta is taken if and only if the schema takes it."""
    message = {**MESSAGE, **outer, "delta": {**DELTA, **changes}}
    assert accepted(message) == (problems("process", message) == [])


@pytest.mark.parametrize("key", [*DELTA, "id", "delta"])
def test_every_key_is_needed(key: str) -> None:
    """A key less is no message."""
    delta = {name: value for name, value in DELTA.items() if name != key}
    message = {name: value for name, value in {**MESSAGE, "delta": delta}.items() if name != key}
    assert not accepted(message)


@given(st.text())
def test_any_text_goes_through(text: str) -> None:
    """Line ends inside a text, lone surrogates: a line stays a line, and nothing is lost."""
    message = {**MESSAGE, "delta": {**DELTA, "value": text}}
    line = encode(message)
    assert line.count(b"\n") == 1
    assert jsontext.dumps(decode(line, 1)) == jsontext.dumps(message)
