"""Requirements: facts that a case states about its completion, and checking them.

They are written by hand from a source (documentation, an SDK type, a recording) and are the oracle of the suite.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from . import jsontext
from .jsontext import JSON, JSONObject
from .paths import ABSENT, parse_path, resolve
from .verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One fact. path: where in the completion (`details.` and `diagnostics` besides it; paths.py has the grammar).
    op: a key of OPS. value: what it compares with. alternatives: other readings that the field accepts, by name."""

    id: str
    level: str
    path: str
    op: str
    value: JSON = None
    source: Mapping[str, str]
    alternatives: Sequence[JSONObject] = ()

    @classmethod
    def from_json(cls, document: JSONObject) -> Requirement:
        """From a case's metadata, which has been validated."""
        return cls(**document)


class Finding(NamedTuple):
    """What a check found. reading: the name of the alternative that held, None for the canonical one."""

    requirement: str
    level: str
    verdict: Verdict
    path: str
    expected: str
    got: str
    reading: str | None = None


def check(requirement: Requirement, document: JSONObject) -> Finding:
    """Hold a completion's JSON (with `details` and `diagnostics` beside its keys) against one requirement."""
    got = resolve(document, parse_path(requirement.path))
    finding = _by_the_canonical(requirement, got)
    if finding.verdict is Verdict.PASS:
        return finding
    reading = next((str(other["name"]) for other in requirement.alternatives if _reads(requirement, other, got)), None)
    return finding if reading is None else finding._replace(verdict=Verdict.PASS, reading=reading)


def _by_the_canonical(requirement: Requirement, got: Any) -> Finding:
    """What the requirement says without its alternatives."""
    verdict = Verdict.PASS if _holds(requirement.op, got, requirement.value) else _blame(requirement.op, got)
    expected = f"{requirement.op} {shown(requirement.value)}" if requirement.op != "absent" else "absent"
    return Finding(requirement.id, requirement.level, verdict, requirement.path, expected, shown(got))


def check_all(requirements: Sequence[Requirement], document: JSONObject) -> list[Finding]:
    """Every requirement of a case.

    A reading counts as a whole: the alternative `billing-sum` of one count is there only for who has it in all that
    have an alternative of this name; all others are held to the canonical values. A SHOULD does not keep a MUST from
    a reading, and is wrong when it has another one than the MUSTs.
    """
    findings = [check(requirement, document) for requirement in requirements]
    if not any(finding.reading for finding in findings):
        return findings
    asked = [(requirement, resolve(document, parse_path(requirement.path))) for requirement in requirements]
    for level in ("must", "should"):
        mixed = {name for pair, finding in zip(asked, findings, strict=True) for name in _denied(*pair, finding, level)}
        findings = [
            _by_the_canonical(requirement, got) if finding.level == level and finding.reading in mixed else finding
            for (requirement, got), finding in zip(asked, findings, strict=True)
        ]
    taken = {finding.reading for finding in findings if finding.reading and finding.level == "must"}
    return [_held_to(*pair, finding, taken) for pair, finding in zip(asked, findings, strict=True)]


def _denied(requirement: Requirement, got: Any, finding: Finding, level: str) -> Iterator[str]:
    """The readings that a finding of this level, which passes, does not have."""
    if finding.level == level and finding.verdict is Verdict.PASS:
        yield from (str(other["name"]) for other in requirement.alternatives if not _reads(requirement, other, got))


def _held_to(requirement: Requirement, got: Any, finding: Finding, taken: Collection[str | None]) -> Finding:
    """A SHOULD that passes, though not by the reading of the MUSTs, is wrong after all."""
    if finding.level == "must" or finding.verdict is not Verdict.PASS:
        return finding
    for other in requirement.alternatives:
        if other["name"] in taken and not _reads(requirement, other, got):
            expected = f"{requirement.op} {shown(other['value'])}, as {other['name']!r} was taken elsewhere"
            return finding._replace(verdict=Verdict.WRONG, expected=expected, reading=None)
    return finding


def _reads(requirement: Requirement, other: JSONObject, got: Any) -> bool:
    """Whether an alternative holds; null is for nothing at all, whatever the operator."""
    return got in (ABSENT, None) if other["value"] is None else _holds(requirement.op, got, other["value"])


def shown(value: JSON) -> str:
    """A value as messages show it: JSON, `absent` for nothing, at most 300 characters."""
    text = "absent" if value is ABSENT else jsontext.dumps(value)
    return text if len(text) <= 300 else f"{text[:297]}..."


def _blame(op: str, got: JSON) -> Verdict:
    # Nothing where something should be is a loss; something else is a contradiction.
    return Verdict.LOSSY if op != "absent" and got in (ABSENT, None, "", [], {}) else Verdict.WRONG


def _holds(op: str, got: Any, value: JSON) -> bool:
    return OPS[op](got, value)


def _equals(got: Any, value: JSON) -> bool:
    """The same JSON value: true is not 1, at any depth, though Python says so; 1 and 1.0 are the same number."""
    if isinstance(got, bool) or isinstance(value, bool):
        return got is value
    if isinstance(got, Mapping) and isinstance(value, Mapping):
        return got.keys() == value.keys() and all(_equals(got[key], value[key]) for key in got)
    if isinstance(got, list | tuple) and isinstance(value, list | tuple):
        return len(got) == len(value) and all(map(_equals, got, value))
    return bool(got == value)


def _contains(got: Any, value: JSON) -> bool:
    if isinstance(got, str):
        return isinstance(value, str) and value in got
    if isinstance(got, Mapping):
        return isinstance(value, Mapping) and all(k in got and _equals(got[k], v) for k, v in value.items())
    return isinstance(got, list | tuple) and any(_equals(item, value) or _contains(item, value) for item in got)


def _json_equals(got: Any, value: JSON) -> bool:
    try:
        return isinstance(got, str) and _equals(jsontext.loads(got), value)
    except ValueError:
        return False


OPS: Mapping[str, Callable[[Any, JSON], bool]] = {
    "equals": _equals,
    "absent": lambda got, _: got in (ABSENT, None, [], {}),
    "contains": _contains,
    "one_of": lambda got, value: any(_equals(None if got is ABSENT else got, item) for item in value),
    "json_equals": _json_equals,
}
"""equals: the same JSON value. absent: not there, null, or an empty list or object. contains: a substring, an item of a
list (or an object with these members), or these members of an object. one_of: equals one of a list, in which null is
also for what is not there. json_equals: a string whose JSON is this value."""
