"""Anthropic Messages: token counts."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from anthropic_wire import completion, decoded, finish, raw, start
from streamproof.decoders.base import Quirks


def usage(*events: Any, **options: Any) -> tuple[int | None, ...]:
    """input, output, cached, written, reasoning of a message_start usage and those of message_deltas."""
    first, *rest = events
    result = completion([start(first), *itertools.chain(*(finish(usage=more, stop=False) for more in rest))], **options)
    counts = result.usage
    return (
        counts.input_tokens,
        counts.output_tokens,
        counts.cached_input_tokens,
        counts.cache_write_tokens,
        counts.reasoning_tokens,
    )


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((raw(4, 1, 1165, 0), raw(o=221)), (1169, 221, 1165, 0, None)),  # the cache is told at the start only
        ((raw(542, 62), raw(542, 62)), (542, 62, None, None, None)),  # running totals are not added
        ((raw(2050, 1), raw(31772, 900)), (31772, 900, None, None, None)),  # server tools let the input grow
        ((raw(0, 0), raw(324, 61)), (324, 61, None, None, None)),
        ((raw(8834, 0), raw(18, 426, 8831)), (8849, 426, 8831, None, None)),  # first the sum, then its split
        ((raw(2, 1, 0, 3068), raw(6, 198, 6289, 3337)), (9632, 198, 6289, 3337, None)),
        ((raw(100, 1, 55096), raw(181, 8, 0)), (181, 8, 0, None, None)),  # compaction: a literal 0 is a value
        ((raw(10, 1), raw(0, 4)), (0, 4, None, None, None)),
        ((raw(10), raw(o=59, think=48)), (10, 59, None, None, 48)),
        ((None, raw(o=5)), (None, 5, None, None, None)),
        ((raw(10, 1), None), (10, 1, None, None, None)),
        ((raw(10, 1), {"input_tokens": None, "output_tokens": 2}), (10, 2, None, None, None)),
        ((None, None), (None, None, None, None, None)),
        ((raw(read=7), None), (7, None, 7, None, None)),
        (("many", raw(12.0, "3")), (12, None, None, None, None)),
        ((raw(True, [1]), {"output_tokens_details": 5}), (None, None, None, None, None)),
    ],
)
def test_usage(events: tuple[Any, ...], expected: tuple[int | None, ...]) -> None:
    """Each field is the last non-null value; input includes both caches; what nobody said stays None."""
    assert usage(*events) == expected


def test_zero_usage_quirk() -> None:
    """Where a gateway writes 0 for unknown, it neither erases a count nor is one."""
    quirks = Quirks(zero_usage_is_unknown=True)
    assert usage(raw(10, 0), raw(0, 0), quirks=quirks) == (10, None, None, None, None)


def test_raw_usage_keeps_everything() -> None:
    """raw_usage is the provider's object merged over the events, iterations and unknown keys included."""
    first = {"input_tokens": 1, "service_tier": "standard", "geo": None}
    last = {"input_tokens": None, "output_tokens": 2, "iterations": [{"type": "compaction", "input_tokens": 9}]}
    result = completion([start(first), *finish(usage=last)])
    assert result.raw_usage == {**first, "output_tokens": 2, "iterations": last["iterations"]}


def test_bedrock_metrics_do_not_touch_usage() -> None:
    """InvokeModel's metrics on message_stop differ from the usage; they are details."""
    metrics = {"inputTokenCount": 1, "outputTokenCount": 90}
    stop = {"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics}
    decoder = decoded([start(raw(392)), *finish(usage=raw(o=134), stop=False), stop])
    assert (decoder.completion.usage.input_tokens, decoder.completion.usage.output_tokens) == (392, 134)
    assert decoder.details == {"amazon-bedrock-invocationMetrics": metrics}
    assert decoder.diagnostics == []
