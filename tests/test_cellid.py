"""Names of cases and cells."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streamproof.cellid import PROVIDER, SLUG, VALUE, CellId, case_id, check_case_id
from streamproof.errors import UsageError
from streamproof.providers import PROTOCOLS


def matching(pattern: str) -> st.SearchStrategy[str]:
    """Texts of a part's grammar."""
    return st.from_regex(pattern, fullmatch=True, alphabet="abyz019-_.,")


VALUES = st.none() | matching(VALUE)
CELLS = st.builds(
    CellId,
    st.builds("{}/{}".format, st.sampled_from(PROTOCOLS), matching(SLUG)),
    matching(PROVIDER),
    split=VALUES,
    frame=VALUES,
    inject=VALUES,
    cut=VALUES,
    pace=VALUES,
    coding=VALUES,
    sync=st.booleans(),
)


@given(CELLS)
@settings(max_examples=50, deadline=None)
def test_text_and_parts_are_each_others_inverse(cell: CellId) -> None:
    """Every cell id parses to the parts it was made of."""
    assert CellId.parse(str(cell)) == cell


@given(CELLS, CELLS)
@settings(max_examples=50, deadline=None)
def test_file_names_are_portable_and_distinct(one: CellId, other: CellId) -> None:
    """No file system objects to the name, and two cells never share a file."""
    assert not set(one.file_name) & set('<>:"/\\|?*')
    assert (one.file_name == other.file_name) == (one == other)


def test_all_parts_in_their_order() -> None:
    """The documented form of an id."""
    plan = "split:mid-event+frame:crlf,bom+inject:null+cut:after-3-reset+pace:fixed-20+coding:gzip"
    text = f"openai_chat/plain-text@chatgpt_oauth+{plan}+sync"
    cell = CellId.parse(text)
    assert (cell.case, cell.protocol, cell.provider) == ("openai_chat/plain-text", "openai_chat", "chatgpt_oauth")
    assert (cell.split, cell.frame, cell.cut, cell.sync) == ("mid-event", "crlf,bom", "after-3-reset", True)
    assert (cell.inject, cell.pace, cell.coding, cell.plan) == ("null", "fixed-20", "gzip", plan)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "openai_chat/plain-text",
        "openai_chat/Plain@openai",
        "openai_chat/a--b@openai",
        "openai_chat/a_b@openai",
        "openai/plain@openai",
        "openai_chat/a@open-ai",
        "openai_chat/a@openai+split:",
        "openai_chat/a@openai+frame:crlf+split:byte",
        "openai_chat/a@openai+sync+cut:1",
        "openai_chat/a@openai+speed:1",
        "openai_chat/a@openai+coding:gzip+pace:recorded",
        "openai_chat/a@openai+pace:recorded+cut:at-1",
        "openai_chat/a@openai\n",
    ],
)
def test_what_is_no_cell_id_is_refused(text: str) -> None:
    """Ids stay for ever, so a second spelling of one must not come up."""
    with pytest.raises(UsageError, match="no cell id"):
        CellId.parse(text)


def test_parts_are_checked_when_an_id_is_made() -> None:
    """A part that would not parse again is refused at once."""
    with pytest.raises(UsageError, match="no cell id"):
        CellId("openai_chat/a", "openai", split="by te")


def test_case_id_of_a_path() -> None:
    """A case is named by its place in the tree."""
    assert case_id(Path("x/cassettes/anthropic_messages/cut-1.yaml")) == "anthropic_messages/cut-1"
    with pytest.raises(UsageError, match="no case id"):
        case_id("cassettes/other/plain.yaml")
    with pytest.raises(UsageError, match="no case id"):
        check_case_id("openai_chat/Über")
