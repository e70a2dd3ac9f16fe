"""Outcomes and their NDJSON."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamproof import jsontext
from streamproof.completion import Completion, Delta, TextPart
from streamproof.decoders.base import Diagnostic
from streamproof.outcome import Outcome, explain, footer, header
from streamproof.requirements import Finding
from streamproof.schemas import problems
from streamproof.verdict import Verdict

HELD = Finding("text-kept", "must", Verdict.PASS, "content[0].text", 'equals "a"', '"a"')
LOST = Finding("usage-kept", "must", Verdict.LOSSY, "usage.input_tokens", "equals 3", "null")
ODD = Finding("raw-kept", "should", Verdict.WRONG, "raw_finish_reason", 'equals "STOP"', '"stop"')
READ = Finding("finish", "must", Verdict.PASS, "finish_reason", 'equals "tool_calls"', '"stop"', "stop-dialect")
GOOD = Outcome(
    cell="openai_chat/text@openai+split:byte",
    adapter="wire",
    completion=Completion(content=(TextPart(text="a"),), status="complete"),
    details={"stop_sequence": "x"},
    diagnostics=(Diagnostic("unknown_event", 3, "x"),),
    findings=((HELD, "event 1, data"), (READ, "event 2, data")),
    seconds=0.0012345678,
)
BAD = replace(
    GOOD,
    findings=((HELD, "event 1, data"), (LOST, "event 9, data"), (ODD, "end of body")),
    deltas=(Delta("start", (0,), value={"type": "text", "text": "a"}), Delta("close")),
)
CRASHED = Outcome(cell="openai_chat/text@openai", adapter="x", own_verdict=Verdict.CRASH, message="KeyError: 1")


@pytest.mark.parametrize("outcome", [GOOD, BAD, CRASHED, replace(GOOD, own_verdict=Verdict.WRONG, message="m")])
def test_every_line_validates(outcome: Outcome) -> None:
    """What `run --json` writes is what the schema says, after a round trip through its text."""
    line = jsontext.dumps(outcome.to_json())
    assert "\n" not in line
    assert problems("outcome", jsontext.loads(line)) == []


def test_header_and_footer_validate() -> None:
    """They frame the file: what is needed to run it again, and a sum without which the run was cut."""
    assert problems("outcome", header("wire", 3, {"openai": "3.54.0"}, "in-process socket block")) == []
    last = footer([GOOD, BAD, CRASHED, CRASHED])
    assert problems("outcome", last) == []
    assert last["counts"] == {"crash": 2, "lossy": 1, "pass": 1}
    assert problems("outcome", footer([])) == []


def test_deltas_are_kept_of_failures_only() -> None:
    """A green run of thousands of cells stays small."""
    assert "deltas" not in GOOD.to_json()
    assert len(BAD.to_json()["deltas"]) == 2


def test_the_worst_must_is_the_verdict() -> None:
    """A SHOULD warns and does not count; what befell the whole cell does."""
    assert GOOD.verdict is Verdict.PASS
    assert BAD.verdict is Verdict.LOSSY
    assert BAD.warnings == [ODD]
    only_should = replace(GOOD, findings=((ODD, ""),))
    assert (only_should.verdict, only_should.warnings) == (Verdict.PASS, [ODD])
    assert CRASHED.verdict is Verdict.CRASH
    assert replace(BAD, own_verdict=Verdict.HANG).verdict is Verdict.HANG


def test_failures_say_expected_got_and_place() -> None:
    """The three things that an adapter's author needs to begin."""
    lost, odd = BAD.failures()
    assert lost == (
        "usage-kept (must, lossy): usage.input_tokens\n"
        "  expected equals 3\n  got      null\n  decided by event 9, data"
    )  # fmt: skip
    assert odd == explain(ODD, "end of body")
    assert "(should, wrong)" in odd
    assert GOOD.failures() == []
    assert CRASHED.failures() == ["KeyError: 1"]


def test_a_requirement_line_names_its_reading() -> None:
    """A dialect that was accepted is visible in the report."""
    readings = [line["reading"] for line in GOOD.to_json()["requirements"]]
    assert readings == [None, "stop-dialect"]
