"""Checking the facts that a case states."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from streamproof.jsontext import loads
from streamproof.requirements import OPS, Requirement, check, check_all, shown
from streamproof.verdict import Verdict

SOURCE = {"kind": "documentation", "ref": "https://example.org"}
DOCUMENT: dict[str, Any] = {
    "content": [{"type": "text", "text": "Hello there"}, {"type": "unknown", "data": {"a": 1, "b": True}}],
    "tool_calls": [{"arguments": '{"city": "Graz", "days": 2}', "complete": True}],
    "usage": {"input_tokens": 1, "output_tokens": 0, "cached_input_tokens": None},
    "finish_reason": "stop",
    "error": None,
    "details": {"stop_sequence": "\n\n", "empty": ""},
    "diagnostics": [{"kind": "unknown_event", "event": 3, "detail": "x"}],
}


def requirement(path: str, op: str, value: Any = None, **more: Any) -> Requirement:
    """A requirement on DOCUMENT."""
    return Requirement.from_json(
        {"id": "r", "level": "must", "path": path, "op": op, "value": value, "source": SOURCE, **more}
    )


def verdict(path: str, op: str, value: Any = None) -> Verdict:
    """What is said of it."""
    return check(requirement(path, op, value), DOCUMENT).verdict


@pytest.mark.parametrize(
    ("path", "op", "value"),
    [
        ("finish_reason", "equals", "stop"),
        ("usage.input_tokens", "equals", 1),
        ("usage.input_tokens", "equals", 1.0),
        ("usage.output_tokens", "equals", 0),
        ("error", "equals", None),
        ("tool_calls[-1].complete", "equals", True),
        ("content[1].data", "equals", {"b": True, "a": 1}),
        ("diagnostics", "equals", [{"kind": "unknown_event", "event": 3, "detail": "x"}]),
        ("details.stop_sequence", "equals", "\n\n"),
        ("error", "absent", None),
        ("content[2]", "absent", None),
        ("nothing.at.all", "absent", None),
        ("content[0].text", "contains", "lo th"),
        ("content", "contains", {"type": "text"}),
        ("content", "contains", {"data": {"a": 1, "b": True}}),
        ("diagnostics[0].kind", "equals", "unknown_event"),
        ("diagnostics", "contains", {"event": 3}),
        ("usage", "contains", {"input_tokens": 1, "output_tokens": 0}),
        ("finish_reason", "one_of", ["end", "stop"]),
        ("error", "one_of", ["x", None]),
        ("tool_calls[0].arguments", "json_equals", {"days": 2, "city": "Graz"}),
    ],
)
def test_what_holds(path: str, op: str, value: Any) -> None:
    """Each operator on a value that satisfies it."""
    assert verdict(path, op, value) is Verdict.PASS


@pytest.mark.parametrize(
    ("path", "op", "value"),
    [
        ("finish_reason", "equals", "length"),
        ("usage.output_tokens", "equals", 1),
        ("usage.input_tokens", "equals", True),
        ("usage.output_tokens", "equals", False),
        ("tool_calls[0].complete", "equals", 1),
        ("content[1].data", "equals", {"a": True, "b": 1}),
        ("content[1].data", "equals", {"a": 1}),
        ("content[1].data", "contains", {"b": 1}),
        ("content[1].data", "contains", "a"),
        ("usage.input_tokens", "contains", 1),
        ("content[0].text", "contains", ["Hello there"]),
        ("content[0].text", "contains", "hello"),
        ("content", "contains", {"type": "refusal"}),
        ("content[0]", "absent", None),
        ("usage.output_tokens", "absent", None),
        ("details.empty", "absent", None),
        ("finish_reason", "one_of", ["end"]),
        ("tool_calls[0].complete", "one_of", [1, "true"]),
        ("tool_calls[0].arguments", "json_equals", {"city": "Graz"}),
        ("tool_calls[0].arguments", "json_equals", {"city": "Graz", "days": True}),
        ("finish_reason", "json_equals", "stop"),
        ("usage.input_tokens", "json_equals", 1),
    ],
)
def test_what_contradicts(path: str, op: str, value: Any) -> None:
    """Something else stands there than the fact: the adapter says what is not so. True is not 1, at any depth."""
    assert verdict(path, op, value) is Verdict.WRONG


@pytest.mark.parametrize(
    ("path", "op", "value"),
    [
        ("error", "equals", {"type": "server"}),
        ("usage.cached_input_tokens", "equals", 0),
        ("content[7].text", "equals", "x"),
        ("details.empty", "equals", "x"),
        ("content[0].annotations", "contains", {"url": "x"}),
        ("tool_calls[1].arguments", "json_equals", {}),
        ("model", "one_of", ["m-1"]),
    ],
)
def test_what_is_lost(path: str, op: str, value: Any) -> None:
    """Nothing stands where the fact should be: lost, not contradicted."""
    assert verdict(path, op, value) is Verdict.LOSSY


def test_finding_says_what_was_expected_and_what_came() -> None:
    """The text of a failure is made of these."""
    finding = check(requirement("usage.input_tokens", "equals", 2, level="should"), DOCUMENT)
    assert (finding.requirement, finding.level, finding.path) == ("r", "should", "usage.input_tokens")
    assert (finding.expected, finding.got, finding.reading) == ("equals 2", "1", None)
    assert check(requirement("content[7]", "absent"), DOCUMENT)[4:6] == ("absent", "absent")


def test_an_alternative_reading_passes_and_is_named() -> None:
    """Where the field accepts several readings the report has to say which one it met."""
    readings = [{"name": "its own word", "value": "end"}, {"name": "stop-dialect", "value": "stop"}]
    finding = check(requirement("finish_reason", "equals", "tool_calls", alternatives=readings), DOCUMENT)
    assert (finding.verdict, finding.reading) == (Verdict.PASS, "stop-dialect")
    finding = check(requirement("finish_reason", "equals", "stop", alternatives=readings), DOCUMENT)
    assert finding.reading is None
    finding = check(requirement("finish_reason", "equals", "length", alternatives=readings[:1]), DOCUMENT)
    assert (finding.verdict, finding.reading) == (Verdict.WRONG, None)


def test_null_as_a_reading_means_nothing_there() -> None:
    """An adapter that lists no call at all would fail for a reading that allows it to have none."""
    whole = requirement(
        "tool_calls[7].arguments", "json_equals", {}, alternatives=[{"name": "unlisted", "value": None}]
    )
    assert check(whole, DOCUMENT).reading == "unlisted"
    assert check(requirement("tool_calls[7].name", "one_of", ["f", None]), DOCUMENT).verdict is Verdict.PASS
    assert check(requirement("tool_calls[7].name", "equals", None), DOCUMENT).verdict is not Verdict.PASS


BILLING = [
    requirement("usage.input_tokens", "equals", 9, alternatives=[{"name": "sum", "value": 1}]),
    requirement("usage.output_tokens", "equals", 0, alternatives=[{"name": "sum", "value": 5}]),
]


def test_readings_are_not_mixed() -> None:
    """The one count by one reading and the other by another is what no reader of the wire could say: it is the reading
    that fails, not the count that is right."""
    first, second = check_all(BILLING, DOCUMENT)
    assert (first.verdict, first.expected, first.got, first.reading) == (Verdict.WRONG, "equals 9", "1", None)
    assert (second.verdict, second.reading) == (Verdict.PASS, None)
    whole = {"usage": {"input_tokens": 1, "output_tokens": 5}}
    assert [(f.verdict, f.reading) for f in check_all(BILLING, whole)] == [(Verdict.PASS, "sum")] * 2
    canonical = {"usage": {"input_tokens": 9, "output_tokens": 0}}
    assert [(f.verdict, f.reading) for f in check_all(BILLING, canonical)] == [(Verdict.PASS, None)] * 2


def test_a_should_does_not_bind_a_must() -> None:
    """Its reading may be another one; the other way round it only warns."""
    may = replace(BILLING[0], level="should")
    assert [f.verdict for f in check_all([may, BILLING[1]], DOCUMENT)] == [Verdict.PASS, Verdict.PASS]
    may = replace(BILLING[1], level="should")
    assert [f.verdict for f in check_all([BILLING[0], may], DOCUMENT)] == [Verdict.PASS, Verdict.WRONG]


def test_what_one_reading_may_leave_out_is_lost_by_another() -> None:
    """An adapter that raises may have no count; one that does not raise has lost it, and is not wrong elsewhere."""
    raises = [
        requirement("status", "equals", "complete", alternatives=[{"name": "raises", "value": "failed"}]),
        requirement("usage.input_tokens", "one_of", [8], alternatives=[{"name": "raises", "value": [8, None]}]),
    ]

    def verdicts(status: str, count: int | None) -> list[Verdict]:
        return [f.verdict for f in check_all(raises, {"status": status, "usage": {"input_tokens": count}})]

    assert verdicts("complete", 8) == verdicts("failed", 8) == verdicts("failed", None) == [Verdict.PASS] * 2
    assert verdicts("complete", None) == [Verdict.PASS, Verdict.LOSSY]


def test_readings_of_other_names_are_free() -> None:
    """A dialect of the finish reason says nothing about tokens."""
    other = requirement("finish_reason", "equals", "end", alternatives=[{"name": "wire-word", "value": "stop"}])
    findings = check_all([BILLING[1], other], DOCUMENT)
    assert [(f.verdict, f.reading) for f in findings] == [(Verdict.PASS, None), (Verdict.PASS, "wire-word")]


def test_numbers_compare_by_value_whatever_their_spelling() -> None:
    """`1.50` on the wire equals 1.5 in the case."""
    assert check(requirement("n", "equals", 1.5), {"n": loads("1.50")}).verdict is Verdict.PASS


def test_long_values_are_cut() -> None:
    """A body of megabytes in a message helps nobody."""
    assert shown("x" * 10) == '"xxxxxxxxxx"'
    assert len(shown("x" * 1000)) == 300
    assert shown("x" * 1000).endswith("...")


def test_operators_are_those_of_the_schema() -> None:
    """An operator that the schema lets pass must not be a KeyError here."""
    assert set(OPS) == {"equals", "absent", "contains", "one_of", "json_equals"}
