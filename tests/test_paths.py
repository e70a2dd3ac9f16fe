"""Paths of requirements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamproof.paths import ABSENT, format_path, parse_path, resolve

NAMES = st.text(st.characters(exclude_characters=".[]\"'", exclude_categories=("Z", "C")), min_size=1)
INDEXES = st.integers(-999_999_999, 999_999_999)


def test_names_and_indexes_in_their_order() -> None:
    """A path is names by dots and indexes in brackets; a negative index is kept as it is."""
    assert parse_path("tool_calls[-1].name") == ("tool_calls", -1, "name")
    assert parse_path("details.safety-ratings[0][1].@type") == ("details", "safety-ratings", 0, 1, "@type")


@pytest.mark.parametrize(
    "text", ["", ".", "a.", ".a", "a..b", "[0]", "a[", "a[]", "a[x]", "a[1.5]", "a b", "a[0]b", "a[--1]", "a[٣]", "a\n"]
)
def test_what_is_no_path_is_refused(text: str) -> None:
    """A misspelt path must not quietly mean something else, or nothing."""
    with pytest.raises(ValueError, match="not a path"):
        parse_path(text)


@given(st.builds(lambda first, rest: (first, *rest), NAMES, st.lists(NAMES | INDEXES)))
def test_text_and_steps_are_each_others_inverse(path: tuple[str | int, ...]) -> None:
    """`format_path` then `parse_path` gives the same steps."""
    assert parse_path(format_path(path)) == path


DOCUMENT = {"content": [{"type": "text", "text": "hi"}], "usage": {"input_tokens": None}, "n": (1, 2)}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("content[0].text", "hi"),
        ("content[-1].type", "text"),
        ("usage.input_tokens", None),
        ("n[1]", 2),
        ("content[1]", ABSENT),
        ("content[-2]", ABSENT),
        ("content[0].text.length", ABSENT),
        ("content.text", ABSENT),
        ("usage[0]", ABSENT),
        ("content[0].text[0]", ABSENT),
        ("usage.input_tokens.x", ABSENT),
        ("error", ABSENT),
    ],
)
def test_a_path_leads_to_a_value_or_to_nothing(path: str, value: object) -> None:
    """None is a value; what is not there, or cannot be there, is ABSENT and no exception."""
    assert resolve(DOCUMENT, parse_path(path)) == value


def test_absent_names_itself_in_messages() -> None:
    """A failed check prints what it got."""
    assert repr(ABSENT) == "absent"
