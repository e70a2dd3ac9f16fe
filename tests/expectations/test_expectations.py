"""Known failures, held against what happens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from streamproof.completion import Completion
from streamproof.errors import UsageError
from streamproof.expectations.file import Expectations, Failure, Known, failures, load_expectations, stale, unexplained
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
        ("openai_chat/text@azure", False),
        ("OPENAI_CHAT/text@openai", False),
        ("openai_chat/*@*", True),
        ("*/text@openai", True),
        ("*@*", True),
        ("openai_*@openai", True),
        ("open*/te?t@[ao]penai", True),
        ("*t@open", False),
        ("openai_chat/text@openai+split:*", False),
        ("openai_chat/text@openai+sync", False),
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


@pytest.mark.parametrize(
    ("glob", "cell", "covered"),
    [
        ("openai_chat/text@openai", "openai_chat/text@openai+sync", True),
        ("openai_chat/text@openai+sync", "openai_chat/text@openai+sync", True),
        ("openai_chat/text@openai", "openai_chat/text@openai+split:byte+frame:crlf", True),
        ("openai_chat/text@openai", "openai_chat/text@openai+cut:after-2", False),
        ("openai_chat/text@openai", "openai_chat/text@openai+inject:ping", False),
        ("openai_chat/text@openai+cut:*", "openai_chat/text@openai+cut:after-2-reset", True),
        ("openai_chat/text@openai+cut:*-reset", "openai_chat/text@openai+cut:after-2", False),
        ("openai_chat/text@openai+cut:after-*+split:byte", "openai_chat/text@openai+split:byte+cut:after-2", True),
        ("openai_chat/text@openai+cut:after-*+split:byte", "openai_chat/text@openai+cut:after-2", False),
        ("*", "openai_chat/text@openai+split:byte+cut:after-2+sync", True),
        ("openai_chat/*@openai*", "openai_chat/text@openai_compatible", True),
        ("openai_chat/text*", "openai_chat/text@openai", None),
        ("openai_chat/text@openai+speed:9", "openai_chat/text@openai", None),
        ("openai_chat/text@openai+byte", "openai_chat/text@openai", None),
        ("@openai", "openai_chat/text@openai", None),
    ],
)
def test_components_are_matched_one_by_one(glob: str, cell: str, covered: bool | None) -> None:
    """A `*` that runs over into the plan and excuses a cut stream for what the whole one lacks; None: no glob."""
    entry = replace(KNOWN, cell=glob)
    if covered is None:
        with pytest.raises(UsageError, match="is no glob over cells"):
            entry.covers(cell)
    else:
        assert entry.covers(cell) == covered


def test_stale_entries_and_caps() -> None:
    """A glob that covers nothing protects nothing; one that covers more than was said hides new failures."""
    cells = [CELL, f"{CELL}+sync", f"{CELL}+split:byte", "openai_chat/text@azure", "openai_chat/cut@openai"]
    assert stale([KNOWN], cells) == []
    (gone,) = stale([replace(KNOWN, cell="openai_chat/gone@*")], cells)
    assert "openai_chat/gone@* names no cell" in gone
    (over,) = stale([replace(KNOWN, cell="*@openai")], cells)
    assert over == "*@openai covers 2 cells, its cap is 1"
    assert stale([replace(KNOWN, cell="*@openai", cap=2)], cells) == []
    assert stale([replace(KNOWN, cell=f"{CELL}+cut:after-1")], cells) == []


def outcome(cell: str = CELL, verdict: Verdict = Verdict.PASS, level: str = "must") -> Outcome:
    """An outcome with one requirement, `usage-kept`."""
    own = verdict if verdict is Verdict.UNSUPPORTED else Verdict.PASS
    finding = Finding("usage-kept", level, verdict, "usage", "equals 1", "2")
    findings = () if own is verdict else ((finding, "event 0"),)
    return Outcome(cell=cell, adapter="x", own_verdict=own, findings=findings)


@pytest.mark.parametrize(
    ("verdict", "complaint"),
    [
        (Verdict.LOSSY, None),
        (Verdict.PASS, "passes although"),
        (Verdict.WRONG, "fails otherwise than listed"),
        (Verdict.UNSUPPORTED, "is skipped (unsupported) although"),
        (Verdict.NOT_OFFERED, "is skipped (not offered) although"),
    ],
)
def test_a_run_is_held_against_its_entries(verdict: Verdict, complaint: str | None) -> None:
    """A listed cell that passes, fails otherwise or is skipped, and nobody hears of it."""
    said = Expectations([KNOWN], [CELL]).judge(outcome(verdict=verdict))
    assert said.warned == []
    if complaint is None:
        assert not said.fails
        assert said.known == [("usage-kept", KNOWN.reason, KNOWN.upstream)]
    else:
        assert complaint in said.untrue[-1]


def test_shoulds_warn() -> None:
    """A SHOULD that does not hold and is not listed must not fail the run."""
    judged = Expectations([]).judge(outcome(verdict=Verdict.LOSSY, level="should"))
    assert not judged.fails
    assert "usage-kept (should, lossy)" in judged.warned[0].message


def test_listed_cells_that_were_not_run() -> None:
    """A whole run that left out what it is known to fail; a part of a run may leave out what it likes."""
    cells = [CELL, "openai_chat/cut@openai"]
    for whole in (True, False):
        held = Expectations([KNOWN], cells, whole=whole)
        held.judge(outcome("openai_chat/cut@openai"))
        assert len(held.end()) == whole
    held.judge(outcome(verdict=Verdict.LOSSY))
    assert held.end() == []
    stale_entry = replace(KNOWN, cell="openai_chat/gone@openai")
    (gone,) = Expectations([stale_entry], cells).end()
    assert "names no cell" in gone


def test_entries_nobody_has_looked_at() -> None:
    """What `--fix` writes must not look like the work of a person for ever."""
    assert Expectations([KNOWN]).notes() == []
    (note,) = Expectations([KNOWN, replace(KNOWN, reason="not looked at yet")]).notes()
    assert note.startswith("an entry of the expectations has not been looked at yet")


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
