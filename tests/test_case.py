"""Cases: finding, choosing and refusing them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from case_files import write_case
from streamproof.case import Case, all_cases, case_at, readable, select, the_case
from streamproof.errors import CassetteError, UsageError

IDS = [
    "anthropic_messages/text",
    "openai_chat/cut-in-text",
    "openai_chat/text",
    "openai_chat/text-long",
]


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    """A small suite."""
    for name in IDS:
        providers = ["anthropic"] if name.startswith("anthropic") else ["openai", "azure"]
        write_case(tmp_path, name, providers=providers)
    return list(all_cases(tmp_path))


def names(cases: list[Case]) -> list[str]:
    """Their ids."""
    return [case.id for case in cases]


def test_a_case_knows_what_it_is_about(cases: list[Case]) -> None:
    """Read from the head of its file."""
    case = cases[1]
    assert (case.id, case.protocol, case.level) == ("openai_chat/cut-in-text", "openai_chat", "must")
    assert case.title == "Plain text in two deltas"
    assert case.call.model == "m-1"
    assert [r.id for r in case.requirements] == ["text-kept", "finish-stop"]
    assert [row.key for row in case.rows()] == ["openai/openai_chat", "azure/openai_chat"]
    assert case.row().name == "openai"
    assert case.row("azure").name == "azure"
    with pytest.raises(UsageError, match="is not sent by 'zai'"):
        case.row("zai")
    assert len(case.cassette.interactions) == 1


@pytest.mark.parametrize(
    ("patterns", "chosen"),
    [
        ([], IDS),
        (["openai_chat/*"], IDS[1:]),
        (["text"], IDS),
        (["cut", "anthropic_messages/text"], IDS[:2]),
        (["openai_chat/text"], IDS[2:3]),
        (["openai_chat/tex"], IDS[2:]),
        (["*/text"], [IDS[0], IDS[2]]),
    ],
)
def test_select(cases: list[Case], patterns: list[str], chosen: list[str]) -> None:
    """An id selects its case alone, else a glob or a part of ids; several select the union, in the suite's order."""
    assert names(select(cases, patterns)) == chosen


def test_select_nothing_is_an_error(cases: list[Case]) -> None:
    """A misspelt pattern must not be a green run of no cases."""
    with pytest.raises(UsageError, match="no case matches 'txet'"):
        select(cases, ["text", "txet"])


@pytest.mark.parametrize(
    ("name", "id"),
    [("openai_chat/text", "openai_chat/text"), ("cut", "openai_chat/cut-in-text"), ("text-long", IDS[3])],
)
def test_the_case(cases: list[Case], name: str, id: str) -> None:
    """An id wins over the longer ids that contain it, a slug over parts of others."""
    assert the_case(cases, name).id == id


def test_a_name_of_several_cases_is_an_error(cases: list[Case]) -> None:
    """And lists them."""
    with pytest.raises(UsageError, match="'text' matches 2 cases") as error:
        the_case(cases, "text")
    assert "anthropic_messages/text, openai_chat/text" in str(error.value)


@pytest.mark.parametrize("place", ["cohere/text.yaml", "openai_chat/Text.yaml", "openai_chat/a_b.yaml", "text.yaml"])
def test_a_file_in_the_wrong_place(tmp_path: Path, place: str) -> None:
    """Its id would not be one."""
    path = tmp_path / "cassettes" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("metadata: {}\n")
    with pytest.raises(CassetteError, match="is no case id"):
        case_at(path)


@pytest.mark.parametrize(
    ("head", "place"),
    [
        ("metadata: {title: 5}\n", "metadata.title"),
        ("metadata: {level: [must]}\n", "metadata.level"),
        ("metadata: {providers: null}\n", "metadata.providers"),
        ("metadata: {providers: openai}\n", "metadata.providers"),
        ("metadata: {providers: [1]}\n", "metadata.providers"),
        ("metadata: 7\n", None),
        ("- 1\n", None),
        ("metadata: [\n", None),
        ("", None),
    ],
)
def test_a_damaged_head_affects_itself_only(tmp_path: Path, head: str, place: str | None) -> None:
    """A listing reads before anything is validated: wrong shapes are errors with file and place there too."""
    write_case(tmp_path)
    bad = tmp_path / "cassettes" / "openai_chat" / "bad.yaml"
    bad.write_text(head)
    found: list[CassetteError] = []
    assert names(list(all_cases(tmp_path, found.append))) == ["openai_chat/text"]
    assert [(error.file, error.place) for error in found if place] == ([(str(bad), place)] if place else [])
    assert found[0].file == str(bad)
    with pytest.raises(CassetteError):
        list(all_cases(tmp_path))


def test_readable_leaves_out_what_cannot_run(tmp_path: Path) -> None:
    """A body that is damaged, a provider that does not speak the protocol."""
    good = write_case(tmp_path)
    damaged = write_case(tmp_path, "openai_chat/damaged")
    damaged.path.write_text(damaged.path.read_text().replace("interactions:", "interruptions:"))
    stranger = write_case(tmp_path, "openai_chat/stranger", providers=["openai", "anthropic"])
    found: list[Any] = []
    assert readable([good, damaged, stranger], found.append) == [good]
    assert [error.file for error in found] == [str(damaged.path), str(stranger.path)]
    assert found[1].place == "metadata.providers"


FORMS = [
    "metadata:\n  title: T\n  level: must\n  providers: [openai]\n",
    "metadata:\n    title: T\n    level: must\n    providers: [openai]\n",
    "# a comment\nmetadata:\n  title: T\n  level: must\n  providers:\n  - openai\n",
    "metadata: {title: T, level: must, providers: [openai]}\n",
    "metadata:\r\n  title: T\r\n  level: must\r\n  providers: [openai]\r\n",
    "metadata:\n  'title': T\n  level: must\n  providers: [openai]\n",
    "version: 1\nmetadata:\n  title: T\n  level: must\n  providers: [openai]\n",
    "metadata:\n  why: >-\n    title: not this one\n  title: T\n  level: &l must\n  providers: [openai]\n",
    "metadata:\n  x: &t T\n  title: *t\n  level: must\n  providers: [openai]\n",
]


@pytest.mark.parametrize("head", FORMS)
def test_the_head_may_have_any_form(tmp_path: Path, head: str) -> None:
    """The fast way reads our own form only; every other form has to say the same."""
    path = tmp_path / "cassettes" / "openai_chat" / "text.yaml"
    path.parent.mkdir(parents=True)
    path.write_bytes(f"{head}interactions: []\n".encode())
    case = case_at(path)
    assert (case.title, case.level, case.providers) == ("T", "must", ("openai",))
    assert case.metadata["title"] == "T"


def test_a_key_that_stands_twice_is_an_error(tmp_path: Path) -> None:
    """In a listing too: which of the two titles would it show?"""
    path = tmp_path / "cassettes" / "openai_chat" / "text.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("metadata:\n  title: T\n  level: must\n  providers: [openai]\n  title: U\ninteractions: []\n")
    with pytest.raises(CassetteError, match=r"metadata\.title \(line 5:3\)"):
        case_at(path)


def test_what_a_case_lacks_is_empty_in_a_listing(tmp_path: Path) -> None:
    """Loading it says what is missing; a listing goes on."""
    path = tmp_path / "cassettes" / "openai_chat" / "text.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("metadata:\n  title: T\ninteractions: []\n")
    assert (case_at(path).level, case_at(path).providers) == ("", ())
    with pytest.raises(CassetteError):
        case_at(path).cassette  # noqa: B018 - read for its error
