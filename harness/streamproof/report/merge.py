"""Joining runs into one file: every run stays whole, with its header, one after the other.

A slim file holds what reports need and no more, to be kept under version control: no times, so that two runs with the
same result have the same lines, and of a cell in which nothing fails no completion. docs/formats.md has the form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .. import jsontext
from ..verdict import Verdict
from .runs import Result, Run

_WITH_COMPLETION = ("completion", "details", "diagnostics")


def merged(runs: Sequence[Run], *, slim: bool = False, again: str = "") -> Iterator[str]:
    """The lines of one file that holds all runs. What stands there twice is written once; a run that was cut short
    stays without a footer, so that the joined file says so too. again: what runs them again, in place of a command
    that holds on one machine only."""
    seen = set()
    for run in runs:
        header = _header(run.header, slim, again) if run.header is not None else None
        lines = [jsontext.dumps(_slim(result, header) if slim else result.document) for result in run.results]
        head = [jsontext.dumps(header)] if header is not None else []
        foot = [jsontext.dumps(run.footer)] if run.footer is not None else []
        text = "\n".join([*head, *lines, *foot])
        if text not in seen:
            seen.add(text)
            yield text + "\n"


def _header(header: Mapping[str, Any], slim: bool, again: str) -> Mapping[str, Any]:
    changed = {name: value for name, value in header.items() if name != "command" or not again}
    return {**changed, **({"again": again} if again else {}), **({"slim": True} if slim else {})}


def _slim(result: Result, header: Mapping[str, Any] | None) -> dict[str, Any]:
    """A cell line without what does not fail, and without what the suite knows."""
    given = result.document
    told = [item for item in given.get("requirements", ()) if item.get("verdict") != "pass" or item.get("reading")]
    line: dict[str, Any] = {"kind": "cell", "cell": result.cell}
    if header is None or header.get("adapter") != result.adapter:
        line["adapter"] = result.adapter
    line |= {name: given[name] for name in ("level", "verdict") if name in given}
    if given.get("own_verdict", "pass") not in ("pass", "unsupported"):
        line["own_verdict"] = given["own_verdict"]
    line |= {name: given[name] for name in ("message", "known") if given.get(name)}
    if told:
        line["requirements"] = [_short(item) for item in told]
    line["held"] = result.checks - len(told)
    line["held_musts"] = result.musts - sum(
        item.get("level") == "must" and not str(item.get("id")).startswith("law:") for item in told
    )
    if any(not finding.verdict.ok for finding, _ in result.findings) or not result.verdict.ok:
        line |= {name: given[name] for name in _WITH_COMPLETION if name == "completion" or given.get(name)}
    return line


def _short(item: Mapping[str, Any]) -> dict[str, Any]:
    """What is not offered is told by its name; everything else in full, without empty keys."""
    if item["verdict"] == Verdict.NOT_OFFERED.word:
        return {name: item[name] for name in ("id", "level", "verdict")}
    return {name: value for name, value in item.items() if name != "reading" or value}
