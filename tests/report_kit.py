"""Small runs for the tests of reports: every line validates against the schema, the hostile ones too."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from streamproof import jsontext
from streamproof.completion import Completion, TextPart
from streamproof.outcome import Outcome, footer, header
from streamproof.report.columns import Column, columns
from streamproof.report.runs import read_runs
from streamproof.requirements import Finding
from streamproof.schemas import problems
from streamproof.verdict import Verdict

TEXT = "openai_chat/text"
USAGE = "openai_chat/usage-absent"
MESSAGE = "anthropic_messages/text"

EVIL = (
    "<script>window.pwned = 1</script></script><!-- ]]> &lt; <img src=x onerror='window.pwned=1'> "
    "\u202egnp.exe\u2066 \u2028 \x00 \x07 \x1b[31m \ud800 \ufffe `a` ```` |x| {{y}} ${z} *b* [c](javascript:alert)"
)
"""What nobody should be able to bring into a report as anything but text."""


def finding(verdict: Verdict, *, level: str = "must", **more: Any) -> Finding:
    """A finding about the finish reason."""
    shown = {"requirement": "finish-length", "path": "finish_reason", "expected": 'equals "length"', "got": '"stop"'}
    return Finding(**{**shown, **more, "level": level, "verdict": verdict})


def outcome(cell: str, verdict: Verdict = Verdict.PASS, *, adapter: str = "acme", **more: Any) -> Outcome:
    """What an adapter did. A verdict that a requirement can have comes from one, any other from the cell."""
    if verdict in (Verdict.WRONG, Verdict.LOSSY, Verdict.NOT_OFFERED, Verdict.PASS):
        completion = Completion(content=(TextPart(text="a"),), finish_reason="stop", status="complete")
        given: dict[str, Any] = {"completion": completion, "findings": ((finding(verdict), "event 2, data"),)}
    else:
        given = {"own_verdict": verdict, "message": f"it was a {verdict.word}"}
    return Outcome(**{"cell": cell, "adapter": adapter, "level": "must", "seconds": 0.25, **given, **more})


def lines(
    outcomes: Iterable[Outcome], *, adapter: str = "acme", versions: Mapping[str, str] | None = None, **more: Any
) -> list[str]:
    """The NDJSON lines of a run, validated. more: further fields of the header."""
    outcomes = list(outcomes)
    head = header(adapter, len(outcomes), versions or {adapter: "1.2.3"}, "in-process socket block")
    documents = [{**head, **more}, *(item.to_json() for item in outcomes), footer(outcomes)]
    for document in documents:
        assert problems("outcome", jsontext.loads(jsontext.dumps(document))) == []
    return [jsontext.dumps(document) for document in documents]


def write(path: Path, text: Iterable[str], *, end: str = "\n") -> Path:
    """A file of lines. end: what stands after the last one."""
    path.write_bytes(("\n".join(text) + end).encode())
    return path


def run_file(path: Path, outcomes: Iterable[Outcome], **more: Any) -> Path:
    """A whole run as a file."""
    return write(path, lines(outcomes, **more))


def column(path: Path, outcomes: Iterable[Outcome], **more: Any) -> Column:
    """The one column of a run."""
    (found,) = columns(read_runs([run_file(path, outcomes, **more)]))
    return found


def details_of(page: str) -> list[dict[str, Any]]:
    """The details of the cases of a page, in its order; unpacked as a browser does it."""
    packed = re.findall(r'<script type="text/plain" id="details-\d+">([A-Za-z0-9+/=]*)</script>', page)
    texts = (zlib.decompress(base64.b64decode(block)).decode() for block in packed)
    return [jsontext.loads(line) for text in texts for line in text.split("\n")]


def evil_column(path: Path) -> Column:
    """A run in which every text is hostile."""
    bad = finding(Verdict.WRONG, requirement=EVIL, path=EVIL, expected=f"equals {EVIL}", got=EVIL)
    soft = finding(Verdict.LOSSY, level="should", requirement=EVIL, got=EVIL)
    completion = Completion(content=(TextPart(text=EVIL),), model=EVIL + "x" * 1_000_000)
    told = Outcome(
        cell=f"{TEXT}@openai",
        adapter=EVIL,
        level="must",
        completion=completion,
        message=EVIL,
        own_verdict=Verdict.WRONG,
        findings=((bad, EVIL), (soft, EVIL)),
    )
    return column(path, [told], adapter=EVIL, versions={EVIL: EVIL})
