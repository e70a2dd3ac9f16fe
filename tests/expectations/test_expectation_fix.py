"""`--fix`: the file says what a whole run found, and keeps what people wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from streamproof.errors import UsageError
from streamproof.expectations.file import Expectations, Known, load_expectations
from streamproof.expectations.fix import Fixed, fix_file, fixed, rewritten
from streamproof.outcome import Outcome
from streamproof.requirements import Finding
from streamproof.verdict import Verdict

TODAY = date(2026, 12, 1)
FILE = """# Known failures of my library.

# --- usage

# the provider sends it late
[[known]]
cell = "openai_chat/usage-late@openai"
requirement = "usage-kept"   # only this one
verdict = "lossy"
reason = "reads usage of the last chunk only"
upstream = "https://example.org/issues/1"
since = 2026-11-22

# gone by now
[[known]]
cell = "openai_chat/mended@openai"
reason = "was mended"
upstream = "none-found, searched 2026-11-22"
since = "2026-11-22"

# --- calls

[[known]]
cell = "openai_chat/calls-*@*"
verdict = "wrong"
reason = "mixes up calls"
upstream = "none-found, searched 2026-11-22"
since = "2026-11-22"
cap = 4
"""


def ran(cell: str, *failing: tuple[str, Verdict], level: str = "must", message: str = "") -> Outcome:
    """An outcome with these failures; a message is a crash."""
    findings = tuple((Finding(name, level, verdict, "usage", "equals 1", "2"), "event 3") for name, verdict in failing)
    own = Verdict.CRASH if message else Verdict.PASS
    return Outcome(cell=cell, adapter="mine", findings=findings, message=message, own_verdict=own)


LATE = ran("openai_chat/usage-late@openai", ("usage-kept", Verdict.LOSSY))
MENDED = ran("openai_chat/mended@openai")
CALLS = [
    ran(f"openai_chat/calls-{n}@{provider}", ("id", Verdict.WRONG))
    for n in ("one", "two")
    for provider in ("openai", "azure")
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of an adapter."""
    path = tmp_path / "mine.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_what_still_fails_stays_as_it_is_written(path: Path) -> None:
    """A rewrite that loses reasons, comments or the order of entries."""
    change = fix_file(path, [LATE, MENDED, *CALLS], today=TODAY)
    kept = path.read_text(encoding="utf-8")
    assert kept == FILE.replace(FILE[FILE.index("# gone by now") : FILE.index("# --- calls")], "")
    assert change.summary == "2 entries kept, 0 changed, 1 taken out, 0 added"
    assert fix_file(path, [LATE, MENDED, *CALLS], today=TODAY).summary.startswith("2 entries kept, 0 changed, 0")
    assert path.read_text(encoding="utf-8") == kept


def test_a_glob_that_no_longer_fails_everywhere_is_narrowed(path: Path) -> None:
    """An entry that goes on hiding cells which pass, or that goes although some still fail."""
    fix_file(path, [LATE, MENDED, *CALLS[:3], ran("openai_chat/calls-two@azure")], today=TODAY)
    late, *calls = load_expectations(path)
    assert late.reason == "reads usage of the last chunk only"
    assert [(entry.cell, entry.cap, entry.reason, entry.since) for entry in calls] == [
        ("openai_chat/calls-one@*", 2, "mixes up calls", "2026-11-22"),
        ("openai_chat/calls-two@openai", 1, "mixes up calls", "2026-11-22"),
    ]
    assert "# --- calls" in path.read_text(encoding="utf-8")


def test_new_failures_come_in_marked(path: Path) -> None:
    """A new failure that looks as if somebody had searched for its upstream issue."""
    new = [
        ran("openai_chat/new@openai", ("finish", Verdict.WRONG)),
        ran("openai_chat/new@azure", ("finish", Verdict.WRONG)),
        ran("openai_chat/crash@openai", message="KeyError: 'choices' at 0x7f00"),
        ran("openai_chat/crash@azure"),
        ran("openai_chat/warns@openai", ("warned", Verdict.LOSSY), level="should"),
    ]
    change = fix_file(path, [LATE, MENDED, *CALLS, *new], today=TODAY)
    assert [(e.cell, e.requirement, e.verdict, e.message_prefix, e.cap) for e in change.added] == [
        ("openai_chat/crash@openai", "cell", "crash", "KeyError:", 1),
        ("openai_chat/new@*", "finish", "wrong", "", 2),
    ]
    read = load_expectations(path)
    assert {(e.reason, e.upstream, e.since) for e in read[-2:]} == {
        ("not looked at yet", "none-found, not searched", "2026-12-01")
    }
    (note,) = Expectations(read).notes()
    assert note.startswith(
        "2 entries of the expectations have not been looked at yet, such as openai_chat/crash@openai"
    )


def test_after_a_fix_the_run_has_nothing_to_complain_about(path: Path) -> None:
    """A file that the very run which it was made from fails with."""
    outcomes = [LATE, MENDED, *CALLS[1:], ran("openai_chat/x@openai", ("a", Verdict.LOSSY), ("b", Verdict.WRONG))]
    outcomes.append(ran("openai_chat/calls-one@openai"))
    fix_file(path, outcomes, today=TODAY)
    held = Expectations(load_expectations(path), [outcome.cell for outcome in outcomes], whole=True)
    assert not any(held.judge(outcome).fails for outcome in outcomes)
    assert held.end() == []


def test_a_file_is_begun(tmp_path: Path) -> None:
    """A new adapter has no file yet; and one without failures needs none of the entries."""
    path = tmp_path / "new" / "mine.toml"
    fix_file(path, [LATE], today=TODAY)
    assert [entry.cell for entry in load_expectations(path)] == ["openai_chat/usage-late@openai"]
    assert path.read_text(encoding="utf-8").startswith("# Known failures")
    fix_file(path, [ran(LATE.cell)], today=TODAY)
    assert load_expectations(path) == ()


def test_entries_of_wire_plans_stay(path: Path) -> None:
    """A run without plans says nothing about them."""
    planned = Known(
        cell="openai_chat/text@openai+cut:*", reason="r", upstream="none-found, searched 2026-11-22", since="2026-11-22"
    )
    assert fixed([planned], [ran("openai_chat/text@openai")], TODAY).known == (planned,)


def test_a_partial_run_is_refused(path: Path) -> None:
    """A run of one case that throws all other entries away."""
    with pytest.raises(UsageError, match="only for provider openai; without all cases") as error:
        fix_file(path, [LATE], ["only for provider openai", "without all cases"], TODAY)
    assert str(path) in str(error.value)
    assert path.read_text(encoding="utf-8") == FILE


def test_a_file_of_another_form_is_left_alone(tmp_path: Path) -> None:
    """Entries that cannot be told apart in the text."""
    path = tmp_path / "mine.toml"
    entry = 'cell = "openai_chat/a@openai", reason = "r", upstream = "none-found, not searched", since = "2026-11-22"'
    text = f"known = [{{{entry}}}]"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"do not all begin with a line `\[\[known\]\]`"):
        fix_file(path, [LATE], today=TODAY)
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("reason", ['say "no"', "back\\slash", "naïve ✓", "two\nlines", "tab\there", "\x7f"])
def test_any_reason_survives(path: Path, reason: str) -> None:
    """A reason that TOML has to escape, in an entry that is written anew."""
    known = Known(cell="openai_chat/a@*", reason=reason, upstream="none-found, not searched", since="2026-11-22", cap=2)
    passing = ran("openai_chat/a@azure")
    change = fixed([known], [ran("openai_chat/a@openai", ("x", Verdict.WRONG)), passing], TODAY)
    assert change.known == (replace(known, cell="openai_chat/a@openai", cap=1),)
    path.write_text(rewritten("", Fixed([], change.known)), encoding="utf-8")
    assert load_expectations(path) == change.known


def test_our_own_fault_is_no_known_failure() -> None:
    """A fault of the suite that is written down as the adapter's."""
    ours = replace(ran("openai_chat/x@openai", message="ValueError: x"), own_verdict=Verdict.HARNESS)
    assert fixed([], [ours], TODAY).known == ()
