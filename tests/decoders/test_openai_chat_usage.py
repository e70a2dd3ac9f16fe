"""Chat Completions: token counts and where servers put them."""

from __future__ import annotations

from typing import Any

import pytest
from chat_wire import STOP, chunk, decode, event, notes, run, text, trailer, usage
from streamproof.completion import Usage
from streamproof.decoders.base import Quirks
from streamproof.jsontext import loads


def test_usage_last_value_counts() -> None:
    """Usage on every chunk is a running total; it is neither summed nor wiped by a later null."""
    events = [text("a", usage=usage(10, n, prompt_tokens_details={"cached_tokens": 4})) for n in (1, 2, 3)]
    completion = decode(*events, STOP, trailer(None), event({"choices": [], "moderation": {"a": 1}}), trailer({}))
    assert completion.usage == Usage(input_tokens=10, output_tokens=3, cached_input_tokens=4)


def test_usage_absent() -> None:
    """No usage is no usage: nothing is estimated, nothing is zero."""
    completion = decode(text("a", usage=None), STOP)
    assert (completion.usage, completion.raw_usage) == (Usage(), None)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"prompt_tokens_details": None, "completion_tokens_details": None}, {}),
        ({"prompt_tokens_details": {"cached_tokens": 6}, "prompt_cache_hit_tokens": 6}, {"cached_input_tokens": 6}),
        ({"prompt_cache_hit_tokens": 6}, {"cached_input_tokens": 6}),
        ({"cached_tokens": 6}, {"cached_input_tokens": 6}),
        ({"num_cached_tokens": 6}, {"cached_input_tokens": 6}),
        ({"prompt_tokens_details": {"cache_write_tokens": 3}}, {"cache_write_tokens": 3}),
        ({"reasoning_tokens": 0}, {"reasoning_tokens": 0}),
        ({"completion_tokens_details": {"reasoning_tokens": 7}}, {"reasoning_tokens": 7}),
        ({"reasoning_tokens": 3, "total_tokens": 13}, {"reasoning_tokens": 3}),
        ({"reasoning_tokens": 3, "total_tokens": 16}, {"reasoning_tokens": 3, "output_tokens": 7}),
        ({"completion_tokens": "4", "prompt_tokens": 9.0}, {}),
        ({"completion_tokens": -1, "prompt_tokens": True}, {"input_tokens": None, "output_tokens": None}),
        ({"completion_tokens": {}, "prompt_tokens": loads("1e400")}, {"input_tokens": None, "output_tokens": None}),
    ],
)
def test_usage_dialects(raw: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each count is read from the place its server uses, once; additive reasoning is told by the total."""
    counted = decode(text("a", "stop", usage={**usage(9, 4), **raw})).usage
    assert counted == Usage(**{"input_tokens": 9, "output_tokens": 4, **expected})


def test_usage_in_other_places() -> None:
    """`x_groq.usage` and a choice's usage count when the usual place says nothing, in any order."""
    assert decode(chunk({}, "stop", x_groq={"usage": usage(7, 3)})).usage.input_tokens == 7
    assert decode(chunk({}, "stop", choice={"usage": usage(8, 3)})).usage.input_tokens == 8
    both = chunk({}, "stop", usage=usage(1, 1), x_groq={"usage": usage(7, 3)})
    assert decode(both, chunk(choice={"usage": usage(8, 3)})).usage.input_tokens == 1


def test_usage_zero_as_unknown() -> None:
    """A gateway's zeros are unknown counts when its row says so."""
    completion = decode(text("a", "stop", usage=usage(0, 0)), quirks=Quirks(zero_usage_is_unknown=True))
    assert completion.usage == Usage()
    assert completion.raw_usage == usage(0, 0)


def test_odd_usage_is_noted() -> None:
    """Usage that is no object is no usage; one without a known count does not wipe an earlier one."""
    completion, decoder = run(text("a", usage=usage(1, 2)), text("b", usage=[1]), text("c", "stop", usage={"cost": 1}))
    assert (completion.usage.output_tokens, notes(decoder)) == (2, ["malformed_field"])
