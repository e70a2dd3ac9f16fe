"""Chat Completions: what holds for any JSON whatever."""

from __future__ import annotations

from typing import Any

from chat_wire import decode
from hypothesis import given, settings
from hypothesis import strategies as st
from streamproof.decoders.base import Quirks
from streamproof.wire.event import WireEvent

_WORDS = [
    "choices", "delta", "content", "index", "finish_reason", "usage", "error", "tool_calls", "function", "name", "data",
    "arguments", "id", "type", "text", "reasoning", "reasoning_details", "signature", "thinking", "audio", "images",
    "annotations", "refusal", "message", "model", "object", "x_groq", "citations", "search_results", "base_resp",
    "executed_tools", "function_call", "extra_content", "custom", "input", "code",
]  # fmt: skip
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)  # no JSON
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([*_WORDS, "stop", "reasoning.text", ""])
)
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=4)
)
_CHUNKS = st.builds(
    lambda delta, more: {"choices": [{"index": 0, "delta": delta, **more}]},
    st.dictionaries(st.sampled_from(_WORDS), _JSON, max_size=4),
    st.dictionaries(st.sampled_from(_WORDS), _JSON, max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["json", "json", "document", "done"]), st.sampled_from(["", "error"]), _CHUNKS | _JSON
        ),
        max_size=5,
    )
)
def test_any_json_gives_a_completion(wire: list[tuple[Any, str, Any]]) -> None:
    """Whatever JSON stands wherever, the decoder ends in a completion whose deltas fold to it."""
    quirks = Quirks(think_tags=True, server_call_prefixes=("id",))
    events = [WireEvent(kind, name, None if kind == "done" else payload) for kind, name, payload in wire]
    completion = decode(*events, quirks=quirks)
    assert completion.status in ("complete", "interrupted", "failed")
