"""Hypothesis strategies for what adapters make."""

from __future__ import annotations

from hypothesis import strategies as st
from streamproof.completion import (
    Choice,
    CitationPart,
    Completion,
    Delta,
    ErrorInfo,
    MediaPart,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    ToolCallPart,
    UnknownPart,
    Usage,
)

TEXTS = st.text(max_size=4)
WORDS = st.none() | TEXTS
COUNTS = st.none() | st.integers()
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
MANY = st.lists(JSONS, max_size=2).map(tuple)
STRINGS = st.lists(TEXTS, max_size=2).map(tuple)
EXTRA = st.none() | st.dictionaries(TEXTS | st.just("type"), JSONS, max_size=2)
PARTS = st.one_of(
    st.builds(TextPart, id=WORDS, text=TEXTS, annotations=MANY, signature=WORDS, phase=WORDS),
    st.builds(
        ReasoningPart, id=WORDS, text=TEXTS, summary=STRINGS, signature=WORDS, encrypted=WORDS, kind=WORDS, extra=EXTRA
    ),
    st.builds(RefusalPart, id=WORDS, text=TEXTS, phase=WORDS),
    st.builds(ToolCallPart, id=WORDS, index=st.integers(0, 9), signature=WORDS, kind=WORDS, extra=EXTRA),
    st.builds(MediaPart, id=WORDS, media_type=WORDS, data=WORDS, url=WORDS, text=TEXTS, signature=WORDS, kind=WORDS),
    st.builds(CitationPart, id=WORDS, citations=MANY),
    st.builds(ServerToolPart, id=WORDS, name=TEXTS, data=JSONS, signature=WORDS),
    st.builds(UnknownPart, id=WORDS, name=TEXTS, data=JSONS),
)
CONTENT = st.lists(PARTS, max_size=3).map(tuple)
CALLS = st.lists(st.builds(ToolCall, id=WORDS, name=TEXTS, arguments=TEXTS, complete=st.booleans()), max_size=2).map(
    tuple
)
ERRORS = st.none() | st.builds(
    ErrorInfo, type=TEXTS, code=WORDS, message=TEXTS, status_code=COUNTS, request_id=WORDS,
    retry_after=st.none() | st.floats(0, 9),
)  # fmt: skip
COMPLETIONS = st.builds(
    Completion,
    content=CONTENT,
    tool_calls=CALLS,
    usage=st.builds(Usage, *[], input_tokens=COUNTS, output_tokens=COUNTS, cached_input_tokens=COUNTS,
                    cache_write_tokens=COUNTS, reasoning_tokens=COUNTS, estimated=st.booleans()),
    finish_reason=WORDS,
    raw_finish_reason=WORDS,
    status=st.sampled_from(["complete", "interrupted", "failed"]),
    error=ERRORS,
    model=WORDS,
    message_id=WORDS,
    raw_usage=JSONS,
    choices=st.lists(
        st.builds(Choice, index=st.integers(1, 9), content=CONTENT, tool_calls=CALLS, finish_reason=WORDS,
                  raw_finish_reason=WORDS), max_size=2).map(tuple),
)  # fmt: skip
DELTAS = st.builds(
    Delta,
    op=st.sampled_from(["start", "append", "replace", "close", "usage", "finish", "error"]),
    part=st.none() | st.lists(st.integers(0, 9), min_size=1, max_size=3).map(tuple),
    field=WORDS,
    value=JSONS,
    choice=st.integers(0, 3),
)
