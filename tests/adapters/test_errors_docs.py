"""docs/errors.md says what the tables of the code say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamproof.adapters.faults import LOST, REQUEST_ID_HEADERS
from streamproof.errors import BY_CODE, BY_MESSAGE, BY_STATUS, ERROR_CLASSES, classify

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
_ESCAPED = {"\\|": "\0"}


def table(*head: str) -> list[tuple[str, ...]]:
    """The rows of the table with this head, without code marks."""
    lines = PAGE.read_text(encoding="utf-8").replace("\\|", "\0").splitlines()
    at = lines.index(f"| {' | '.join(head)} |") + 2
    rows = []
    for line in lines[at:]:
        if not line.startswith("|"):
            break
        rows.append(tuple(cell.strip().strip("`").replace("\0", "|") for cell in line.strip("|").split("|")))
    return rows


def test_types() -> None:
    """A type without a row, or with another class."""
    told = [(type_, name) for type_, name, _ in table("type", "class", "meaning")]
    assert told == [(type_, kind.__name__) for type_, kind in ERROR_CLASSES.items()]


@pytest.mark.parametrize(
    ("head", "data"),
    [
        ("word", BY_CODE),
        ("phrase", BY_MESSAGE),
        ("status", {str(status): type_ for status, type_ in BY_STATUS.items()}),
    ],
    ids=["word", "phrase", "status"],
)
def test_what_tells_the_type(head: str, data: dict[str, str]) -> None:
    """A mapping that the page does not have, or has otherwise."""
    assert table(head, "type") == list(data.items())
    assert set(data.values()) <= set(ERROR_CLASSES)


def test_what_happens_on_the_way() -> None:
    """A fault of the connection that the page does not have, or has otherwise."""
    told = table("what happened", "the response had begun", "type", "code")
    assert told == [(what, "yes" if begun else "no", *says) for (what, begun), says in LOST.items()]


def test_request_id_headers() -> None:
    """A header that is read and not documented."""
    (line,) = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("`x-request-id`")]
    assert tuple(re.findall("`([^`]+)`", line)) == REQUEST_ID_HEADERS


@pytest.mark.parametrize("status", sorted(BY_STATUS))
def test_a_phrase_outranks_a_status_and_a_word_outranks_both(status: int) -> None:
    """The order that the page states."""
    said = {"status_code": status, "message": "Your credit balance is too low."}
    assert classify(**said) == "insufficient_credits"
    assert classify("invalid_request_error", **said) == "insufficient_credits"
    assert classify("rate_limit_error", **said) == "rate_limit"
    assert classify("invalid_request_error", status_code=status) == BY_STATUS[status]
