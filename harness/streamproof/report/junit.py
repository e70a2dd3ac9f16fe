"""JUnit XML: a test suite per adapter, a test case per cell, as CI systems read it.

The dialect is the one that Jenkins, GitLab, GitHub actions and Azure share: `failure` for what an adapter got wrong,
`error` for a crash, a hang or our own fault, `skipped` for what it does not speak or offer, and
for failures that expectations list.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from ..outcome import explain
from ..verdict import Verdict
from .again import again
from .columns import Column
from .runs import Result
from .summary import complaint
from .visible import one_line, shortened, visible

_ELEMENTS = {
    Verdict.HANG: "error",
    Verdict.CRASH: "error",
    Verdict.WRONG: "failure",
    Verdict.LOSSY: "failure",
    Verdict.HARNESS: "error",
    Verdict.UNSUPPORTED: "skipped",
    Verdict.NOT_OFFERED: "skipped",
}
_TOTALS = {"failure": "failures", "error": "errors", "skipped": "skipped"}
_TEXT_LIMIT = 20_000
"""Characters of one failure's text; some consumers refuse larger ones."""


def junit(columns: Sequence[Column]) -> bytes:
    """The document, in UTF-8. Any string of a stream may be in it: what XML cannot hold is written as an escape."""
    root = ET.Element("testsuites", name="streamproof")
    totals: Counter[str] = Counter()
    for column in columns:
        suite = _suite(column)
        root.append(suite)
        totals.update({name: int(suite.get(name, "0")) for name in ("tests", *_TOTALS.values())})
    for name in ("tests", *_TOTALS.values()):
        root.set(name, str(totals[name]))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.3f}")
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _suite(column: Column) -> ET.Element:
    cases = [_case(column, result, cell) for cell, result in column.results.items()]
    cases += [_case_of_note(column, note) for note in column.cut]
    counts = Counter(child.tag for case in cases for child in case)
    seconds = sum(result.seconds for result in column.results.values())
    suite = ET.Element("testsuite", name=visible(column.label), tests=str(len(cases)))
    for tag, name in _TOTALS.items():
        suite.set(name, str(counts[tag]))
    suite.set("time", f"{seconds:.3f}")
    header = column.headers[0] if column.headers else {}
    if isinstance(header.get("date"), str):
        suite.set("timestamp", visible(header["date"]).removesuffix("Z")[:19])
    suite.append(_properties(header, column.notes))
    suite.extend(cases)
    return suite


def _properties(header: Mapping[str, Any], notes: Sequence[str]) -> ET.Element:
    properties = ET.Element("properties")
    facts = {**header, **(header["versions"] if isinstance(header.get("versions"), dict) else {})}
    for name, value in facts.items():
        if isinstance(value, str | int | float):
            ET.SubElement(properties, "property", name=visible(name), value=visible(str(value)))
    for note in notes:
        ET.SubElement(properties, "property", name="note", value=visible(note))
    return properties


def _case(column: Column, result: Result, cell: str) -> ET.Element:
    name = result.name
    case = ET.Element(
        "testcase",
        classname=visible(f"{column.label}.{name.protocol}"),
        name=visible(cell),
        time=f"{result.seconds:.6f}",
    )
    tag = _ELEMENTS.get(result.verdict)
    if result.is_known:
        told = "; ".join(dict.fromkeys(f"{entry.reason} ({entry.upstream})" for entry in result.known))
        ET.SubElement(case, "skipped", message=one_line(f"known, {result.verdict.word}: {told}"))
    elif tag == "skipped":
        ET.SubElement(case, tag, message=one_line(f"{result.verdict.word}: {result.message}".rstrip(": ")))
    elif tag:
        what, expected, got = complaint(result)
        short = f"{what}: expected {expected}, got {got}" if expected or got else what
        element = ET.SubElement(case, tag, type=result.verdict.word, message=one_line(short))
        element.text = visible(
            shortened(f"{_story(result)}\nagain: {again(name, column.adapter, column.headers)}\n", _TEXT_LIMIT)
        )
    if result.warnings:
        text = "\n".join(explain(finding, place) for finding, place in result.warnings)
        ET.SubElement(case, "system-out").text = visible(shortened(text, _TEXT_LIMIT))
    return case


def _case_of_note(column: Column, note: str) -> ET.Element:
    """A run that was cut short must not look like a short green one."""
    case = ET.Element("testcase", classname=visible(column.label), name="the run came to its end", time="0")
    ET.SubElement(case, "error", type="cut", message=one_line(note)).text = visible(note)
    return case


def _story(result: Result) -> str:
    lines = [result.message] if result.message else []
    return "\n".join([*lines, *(explain(finding, place) for finding, place in result.failing)])
