"""Coverage over the SDKs' unions: what counts as exercised, and what makes `nox -s coverage-wire` fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from case_files import chat_chunk, sse, write_case
from streamproof.authoring import wire_coverage
from streamproof.authoring.wire_coverage import Coverage, Unexercised, coverage, faults, figure, load_unexercised, table
from streamproof.authoring.wire_unions import UNIONS, Union, any_of, at, constants, keys_at, names, words
from streamproof.case import all_cases
from streamproof.errors import CassetteError

ROOT = Path(__file__).parents[2]
REASONS = Union(
    "openai_chat",
    "finish reasons",
    lambda: {"stop", "length", "content_filter"},
    at("choices", "*", "finish_reason"),
)
FIELDS = Union("openai_chat", "delta fields", lambda: {"content", "refusal", "role"}, keys_at("choices", "*", "delta"))
ELSEWHERE = Union("openai_responses", "events", lambda: {"stop"}, at("choices", "*", "finish_reason"))
STREAM = sse(
    chat_chunk({"role": "assistant", "content": None}),
    chat_chunk({"content": "x"}),
    chat_chunk({}, "stop"),
    chat_chunk({}, "unheard_of"),
    done=True,
)


@pytest.fixture
def covered(tmp_path: Path) -> list[Coverage]:
    """Of two small cases, over three small unions."""
    cases = [
        write_case(tmp_path, "openai_chat/one", STREAM),
        write_case(
            tmp_path, "openai_chat/two", sse(chat_chunk({}, "stop"), done=True) + b'\ndata: {"choices": [{"fini'
        ),
    ]
    return coverage(cases, [REASONS, FIELDS, ELSEWHERE])


@pytest.fixture(scope="module")
def real() -> list[Coverage]:
    """Of the suite, over the installed SDKs."""
    return coverage(all_cases(ROOT))


def test_counts(covered: list[Coverage]) -> None:
    """A member counts without a case, twice for one, or for a stream of another protocol; or a null counts."""
    reasons, fields, elsewhere = covered
    assert reasons.cases == {
        "content_filter": [],
        "length": [],
        "stop": ["openai_chat/one", "openai_chat/two"],
    }
    assert fields.exercised == {"content", "role"}
    assert elsewhere.missing == {"stop"}
    assert figure(covered) == "3 of 7 (42.9 %)"


def test_table(covered: list[Coverage]) -> None:
    """The counts of a union, or the names of what is missing, do not stand in the table."""
    lines = list(table(covered))
    assert lines[0] == "openai_chat: finish reasons    1 of   3     33 %   not: content_filter, length"
    assert lines[-1].split()[-6:] == ["all", *figure(covered).split()]
    assert ["stop", "2", "openai_chat/one"] in [line.split() for line in table(covered, members=True)]


def entry(union: Union, member: str) -> Unexercised:
    """An entry of the list."""
    return Unexercised(union.key, member, "no recording is known")


LISTED = [
    entry(REASONS, "content_filter"),
    entry(REASONS, "length"),
    entry(FIELDS, "refusal"),
    entry(ELSEWHERE, "stop"),
]


def test_a_listed_member_is_no_fault(covered: list[Coverage]) -> None:
    """A member that somebody has looked at fails the run all the same."""
    assert list(faults(covered, LISTED)) == []


def test_an_unlisted_member_is_a_fault(covered: list[Coverage]) -> None:
    """What a new release of an SDK brings passes unnoticed."""
    (fault,) = faults(covered, LISTED[1:])
    assert fault.startswith("openai_chat: finish reasons: content_filter has no case.")


@pytest.mark.parametrize(
    ("stale", "said"),
    [
        (entry(REASONS, "stop"), "stop is exercised, by openai_chat/one"),
        (entry(REASONS, "eos"), "eos is gone from the SDK"),
        (Unexercised("openai_chat: nonsense", "x", "y"), "no union 'openai_chat: nonsense'"),
    ],
)
def test_a_stale_entry_is_a_fault(covered: list[Coverage], stale: Unexercised, said: str) -> None:
    """The list keeps what is no longer true."""
    (fault,) = faults(covered, [*LISTED, stale])
    assert said in fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[unexercised]\n", "no list"),
        ("[[unexercised]]\nunion = 'a: b'\nmembers = ['x']\n", "reason"),
        ("[[unexercised]]\nunion = 'a: b'\nmembers = ['x']\nreason = ' '\n", "empty"),
        ("[[unexercised]]\nunion = 'a: b'\nmembers = ['x', 'x']\nreason = 'r'\n", "x twice"),
    ],
)
def test_a_faulty_list_is_named(tmp_path: Path, text: str, said: str) -> None:
    """An entry without a reason counts, or a faulty list ends in a traceback."""
    path = tmp_path / "list.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(CassetteError, match=said) as raised:
        load_unexercised(path)
    assert str(path) in str(raised.value)


def test_types_are_read() -> None:
    """A union, an enumeration or an alias of an SDK gives no members, and so nothing to cover."""
    from google.genai.types import FinishReason, Part  # noqa: PLC0415 - slow to import
    from openai.types.responses import ResponseErrorEvent, ResponseTextDeltaEvent  # noqa: PLC0415

    assert constants(ResponseErrorEvent | ResponseTextDeltaEvent) == {"error", "response.output_text.delta"}
    assert {"STOP", "MAX_TOKENS"} <= words(FinishReason)
    assert "functionCall" in names(Part)


def test_every_union_is_read(real: list[Coverage]) -> None:
    """A union whose types have moved would be covered in full, by nothing."""
    assert len({each.union.key for each in real}) == len(real) == len(UNIONS)
    assert [each.union.key for each in real if len(each.cases) < 2] == []
    sizes = {each.union.key: len(each.cases) for each in real}
    assert sizes["openai_responses: events"] >= 59
    assert sizes["openai_responses: output items"] >= 28
    assert sizes["gemini_generate_content: finish reasons"] >= 24
    assert sizes["anthropic_messages: content blocks"] >= 18


def test_nothing_is_unlisted(real: list[Coverage]) -> None:
    """A member of an SDK's union that no case exercises and nobody has looked at, or a stale entry."""
    assert list(faults(real, load_unexercised(ROOT / wire_coverage.UNEXERCISED))) == []


def test_readme_has_the_figure(real: list[Coverage]) -> None:
    """The README claims another coverage than there is."""
    assert f"The cases exercise {figure(real)} members" in (ROOT / "README.md").read_text("utf-8")


def test_main(covered: list[Coverage], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong is printed and the exit code is 0, or a list that cannot be read passes."""
    monkeypatch.setattr(wire_coverage, "coverage", lambda cases: covered)
    listed = list(LISTED)
    monkeypatch.setattr(wire_coverage, "load_unexercised", lambda path: listed)
    assert wire_coverage.main([]) == 0
    assert figure(covered) in capsys.readouterr().out
    listed.pop()
    assert wire_coverage.main(["--members"]) == 1
    assert "stop has no case" in capsys.readouterr().err
    monkeypatch.setattr(wire_coverage, "load_unexercised", load_unexercised)
    monkeypatch.setattr(wire_coverage, "UNEXERCISED", "conformance/none.toml")
    assert wire_coverage.main([]) == 2


def test_places() -> None:
    """Hostile payloads at a place end in an exception instead of showing nothing."""
    from streamproof.wire.event import WireEvent  # noqa: PLC0415

    see = any_of(at("a", "*", "b"), keys_at("a"))
    hostile = (None, 5, [], {"a": 5}, {"a": [5, None, {"b": None}]}, {"a": {"x": None}})
    assert [list(see(WireEvent("json", "", payload))) for payload in hostile] == [[]] * 6
    assert list(see(WireEvent("json", "", {"a": [{"b": "w"}]}))) == ["w"]
