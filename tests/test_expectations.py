"""Known failures, held against what happens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from streamproof.completion import Completion
from streamproof.errors import UsageError
from streamproof.expectations import Failure, Known, failures, load_expectations, stale, unexplained
from streamproof.outcome import Outcome
from streamproof.requirements import Finding
from streamproof.verdict import Verdict

CELL = "openai_chat/text@openai"
KNOWN = Known(cell=CELL, requirement="usage-kept", verdict="lossy", reason="the SDK drops it",
              upstream="none-found, searched 2026-11-22", since="2026-11-22")  # fmt: skip
LOST = Failure("usage-kept", Verdict.LOSSY, "usage-kept (must, lossy): usage.input_tokens")
WRONG = Failure("finish-stop", Verdict.WRONG, "finish-stop (must, wrong): finish_reason")


def test_a_known_failure_is_explained() -> None:
    """It was expected, so the run has nothing to say."""
    assert unexplained(CELL, [LOST], [KNOWN]) == []


def test_what_is_not_listed_is_complained_about() -> None:
    """A known failure must not excuse another one of the same cell."""
    assert unexplained(CELL, [LOST, WRONG], [KNOWN]) == [WRONG.message]
    assert unexplained(CELL, [LOST], []) == [LOST.message]


def test_an_unexpected_pass_is_complained_about() -> None:
    """The upstream bug was mended: the entry has to go, or it will hide the next one."""
    (complaint,) = unexplained(CELL, [], [KNOWN])
    assert CELL in complaint
    assert "passes although" in complaint
    assert KNOWN.reason in complaint


def test_a_failure_of_another_kind_is_no_pass() -> None:
    """The message says that it fails, and how it was expected to."""
    known = replace(KNOWN, verdict="crash", message_prefix="Key")
    complaints = unexplained(CELL, [LOST], [known])
    assert complaints[0] == LOST.message
    assert "fails otherwise than listed" in complaints[1]
    assert "expected crash that begins 'Key', got lossy" in complaints[1]
    assert "any failure" in unexplained(CELL, [LOST], [replace(KNOWN, verdict="*", message_prefix="no")])[1]


@pytest.mark.parametrize(
    ("prefix", "held"),
    [("", True), ("usage-kept (must", True), ("(must", False), ("usage-kept (must, lossy): usage.output", False)],
)
def test_message_prefix_pins_the_failure(prefix: str, held: bool) -> None:
    """The same verdict for another reason is another failure."""
    assert (unexplained(CELL, [LOST], [replace(KNOWN, message_prefix=prefix)]) == []) == held


@pytest.mark.parametrize(
    ("cell", "covered"),
    [
        (CELL, True),
        ("openai_chat/*@openai", True),
        ("*", True),
        ("openai_chat/text@open*", True),
        ("openai_chat/text", False),
        ("openai_chat/text@azure", False),
        ("OPENAI_CHAT/text@openai", False),
    ],
)
def test_cells_are_named_by_globs(cell: str, covered: bool) -> None:
    """An entry that does not cover the cell explains nothing and is not missed there."""
    entry = replace(KNOWN, cell=cell)
    assert entry.covers(CELL) == covered
    assert unexplained(CELL, [LOST], [entry]) == ([] if covered else [LOST.message])


def test_a_star_covers_every_requirement() -> None:
    """A cell that crashes fails in all of them."""
    entry = replace(KNOWN, requirement="*", verdict="*")
    assert unexplained(CELL, [LOST, WRONG], [entry]) == []


def test_stale_entries_and_caps() -> None:
    """A glob that covers nothing protects nothing; one that covers more than was said hides new failures."""
    cells = [CELL, "openai_chat/text@azure", "openai_chat/cut@openai"]
    assert stale([KNOWN], cells) == []
    (gone,) = stale([replace(KNOWN, cell="openai_chat/gone@*")], cells)
    assert "openai_chat/gone@* names no cell" in gone
    (over,) = stale([replace(KNOWN, cell="*@openai")], cells)
    assert over == "*@openai covers 2 cells, its cap is 1"
    assert stale([replace(KNOWN, cell="*@openai", cap=2)], cells) == []


def test_failures_of_an_outcome() -> None:
    """What befell the cell comes first, then each requirement that does not hold, with its level."""
    findings = tuple(
        (Finding(name, level, verdict, "model", "equals 1", "2"), "event 0")
        for name, level, verdict in (
            ("a", "must", Verdict.PASS), ("b", "must", Verdict.WRONG), ("c", "should", Verdict.LOSSY),
        )
    )  # fmt: skip
    outcome = Outcome(cell=CELL, adapter="x", completion=Completion(), findings=findings,
                      own_verdict=Verdict.CRASH, message="KeyError: 1")  # fmt: skip
    assert [(f.requirement, f.verdict, f.level) for f in failures(outcome)] == [
        ("cell", Verdict.CRASH, "must"),
        ("b", Verdict.WRONG, "must"),
        ("c", Verdict.LOSSY, "should"),
    ]
    assert failures(Outcome(cell=CELL, adapter="x", own_verdict=Verdict.UNSUPPORTED)) == []


GOOD = """
[[known]]
cell = "openai_chat/text@openai"
reason = "the SDK drops it"
upstream = "https://github.com/example/sdk/issues/1"
since = 2026-11-22
cap = 3
"""


def test_loading(tmp_path: Path) -> None:
    """A TOML date is as good as text; what is left out takes its default."""
    path = tmp_path / "sdk.toml"
    path.write_text(GOOD)
    (entry,) = load_expectations(path)
    assert (entry.since, entry.cap, entry.requirement, entry.verdict) == ("2026-11-22", 3, "*", "*")


def test_no_file_is_no_expectation(tmp_path: Path) -> None:
    """Most adapters have nothing to excuse."""
    assert load_expectations(tmp_path / "none.toml") == ()


@pytest.mark.parametrize(
    "text",
    [
        "[[known]",
        GOOD.replace("reason", "raeson"),
        GOOD.replace('cell = "openai_chat/text@openai"\n', ""),
        GOOD.replace("cap = 3", 'cap = "3"'),
        GOOD.replace("cap = 3", 'verdict = "bad"'),
        GOOD.replace("https://github.com/example/sdk/issues/1", "somewhere"),
        GOOD.replace("2026-11-22", '"yesterday"'),
        "known = 5",
        "known = [1]",
        'knwon = "x"',
        "\ud800",
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, text: str) -> None:
    """An entry that is read wrongly would excuse the wrong thing, so nothing is guessed."""
    path = tmp_path / "sdk.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UsageError) as error:
        load_expectations(path)
    assert error.value.file == str(path)
