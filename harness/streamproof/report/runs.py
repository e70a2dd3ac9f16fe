"""Runs as they stand in NDJSON files: headers, cells, footers, and what is damaged.

A file holds one run, or several one after the other (`report merge` writes such). A run that was cut short, with no
footer and maybe half a line at its end, is read as far as it goes, and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from .. import jsontext
from ..errors import UsageError
from ..jsontext import JSON
from ..outcome import KnownFailure
from ..requirements import Finding
from ..verdict import Verdict

_NOTED_LINES = 5
"""Damaged lines that are named one by one; the others are counted."""

_VERDICTS = {verdict.word: verdict for verdict in Verdict}


class CellName(NamedTuple):
    """The parts of a cell id. Taken apart leniently, since a run of another release may know more of them."""

    case: str
    provider: str
    plan: str
    sync: bool

    @classmethod
    def parse(cls, text: str) -> CellName:
        """`<protocol>/<slug>@<provider>[+plan…][+sync]`; what is missing is empty."""
        case, _, rest = text.partition("@")
        provider, *plan = rest.split("+")
        sync = bool(plan) and plan[-1] == "sync"
        return cls(case, provider, "+".join(plan[:-1] if sync else plan), sync)

    @property
    def protocol(self) -> str:
        """The protocol of the case."""
        return self.case.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Result:
    """One cell line. level: of its case, "" where the line does not say. findings: each with its place in the stream;
    in a slim line without those that hold, which `held` counts, and `held_musts` those of them that are MUSTs of the
    case. known: failures that expectations list. document: the line itself."""

    cell: str
    adapter: str
    verdict: Verdict
    message: str
    findings: tuple[tuple[Finding, str], ...]
    document: Mapping[str, Any]
    level: str = ""
    known: tuple[KnownFailure, ...] = ()
    held: int = 0
    held_musts: int = 0

    @property
    def name(self) -> CellName:
        """The parts of its id."""
        return CellName.parse(self.cell)

    @property
    def failing(self) -> list[tuple[Finding, str]]:
        """The MUSTs that do not hold, worst first."""
        bad = [(f, place) for f, place in self.findings if f.level == "must" and not f.verdict.ok]
        return sorted(bad, key=lambda item: item[0].verdict)

    @property
    def is_known(self) -> bool:
        """Whether it fails, and every failure of it is one that expectations list."""
        listed = {entry.requirement for entry in self.known}
        of_the_whole = self.document.get("own_verdict")
        if isinstance(of_the_whole, str) and of_the_whole in _VERDICTS and not _VERDICTS[of_the_whole].ok:
            if "cell" not in listed:
                return False
        elif not self.failing:
            return False
        return all(finding.requirement in listed for finding, _ in self.failing)

    @property
    def checks(self) -> int:
        """How many requirements and laws were looked at."""
        return len(self.findings) + self.held

    @property
    def musts(self) -> int:
        """How many MUSTs of the case were looked at; laws are not among them."""
        return sum(is_fact(finding) for finding, _ in self.findings) + self.held_musts

    @property
    def offered(self) -> int:
        """How many of `musts` are about something that the library offers."""
        absent = (f.verdict is Verdict.NOT_OFFERED and is_fact(f) for f, _ in self.findings)
        return self.musts - sum(absent)

    @property
    def warnings(self) -> list[tuple[Finding, str]]:
        """The SHOULDs that do not hold."""
        return [(f, place) for f, place in self.findings if f.level != "must" and not f.verdict.ok]

    @property
    def seconds(self) -> float:
        """Wall time of the call, 0 when it was not measured."""
        times = self.document.get("times")
        seconds = times.get("seconds") if isinstance(times, Mapping) else None
        return float(seconds) if isinstance(seconds, int | float) else 0.0


def is_fact(finding: Finding) -> bool:
    """Whether it is a MUST of a case, and no law."""
    return finding.level == "must" and not finding.requirement.startswith("law:")


@dataclass(slots=True)
class Run:
    """One run as it was read. source: the file. header, footer: None where there is none. cut: where it was cut short,
    "" for a run that came to its end. notes: what else is wrong with the file, one sentence each."""

    source: str
    header: Mapping[str, Any] | None = None
    footer: Mapping[str, Any] | None = None
    results: list[Result] = field(default_factory=list)
    cut: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def promised(self) -> int | None:
        """How many cells the header says, None when it does not."""
        cells = (self.header or {}).get("cells")
        return cells if isinstance(cells, int) and not isinstance(cells, bool) else None


def read_runs(paths: Iterable[Path]) -> list[Run]:
    """All runs of some files. Raises UsageError for a file that cannot be read, or holds no line of a run."""
    return [run for path in paths for run in _read_file(path)]


def _read_file(path: Path) -> list[Run]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(error.strerror or str(error), file=str(path)) from None
    runs = parse_runs(data, str(path))
    if not any(run.header or run.results for run in runs):
        raise UsageError(
            "no outcomes in it", file=str(path), remedy="streamproof run --json FILE writes what reports are made from"
        )
    return runs


def parse_runs(data: bytes, source: str) -> list[Run]:
    """The runs in some NDJSON. source: where it is from, for notes."""
    return _Reader(source).read(data)


class _Reader:
    """Takes the lines of one file apart into runs."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._runs: list[Run] = []
        self._run: Run | None = None
        self._damaged: list[str] = []
        self._half = False

    def read(self, data: bytes) -> list[Run]:
        """Every line of the file; the last one may be half a line."""
        lines = data.split(b"\n")
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                self._take(_object(line))
            except ValueError as error:
                self._half = number == len(lines)
                if not self._half:
                    self._damaged.append(f"line {number}: {error}")
        self._close()
        return self._runs

    def _take(self, document: Mapping[str, Any]) -> None:
        kind = document.get("kind")
        if kind == "header":
            self._close()
            self._run = Run(self._source, header=document)
        elif kind == "cell":
            run = self._open()
            run.results.append(_result(document, run.header))
        elif kind == "footer":
            self._open().footer = document
            self._close()
        else:
            raise ValueError(f"neither header nor cell nor footer, but {kind!r}"[:200])

    def _open(self) -> Run:
        if self._run is None:
            self._run = Run(self._source, notes=["it has no header"])
        return self._run

    def _close(self) -> None:
        """Finish the run that is open; what is damaged before the first run is the first one's."""
        run, self._run = self._run, None
        if run is None:
            if self._damaged and self._runs:
                self._runs[-1].notes += self._damage()
            return
        if run.footer is None:
            of = "" if run.promised is None else f" of {run.promised}"
            run.cut = f"cut short after {len(run.results)}{of} cells" + (", within a line" if self._half else "")
        run.notes += [*self._damage(), *_disagreements(run)]
        self._runs.append(run)

    def _damage(self) -> Iterator[str]:
        yield from self._damaged[:_NOTED_LINES]
        if len(self._damaged) > _NOTED_LINES:
            yield f"and {len(self._damaged) - _NOTED_LINES} more damaged lines"
        self._damaged = []


def _disagreements(run: Run) -> Iterator[str]:
    """Where the footer of a run says something else than its cells, or than the adapter's declared capabilities."""
    if run.footer is None:
        return
    if run.promised is not None and run.promised != len(run.results):
        yield f"its header says {run.promised} cells, there are {len(run.results)}"
    if run.footer.get("counts") != Counter(result.verdict.word for result in run.results):
        yield "its footer's counts are not those of its cells"
    complaints = run.footer.get("capability_complaints")
    yield from map(str, complaints if isinstance(complaints, list) else [])


def _object(line: bytes) -> Mapping[str, Any]:
    document = jsontext.loads(line.decode("utf-8"))
    if not isinstance(document, dict):
        raise ValueError("no JSON object")
    return document


def _result(document: Mapping[str, Any], header: Mapping[str, Any] | None) -> Result:
    """A cell line. Raises ValueError for one that lacks what a report needs."""
    cell, verdict = document.get("cell"), document.get("verdict")
    adapter = document.get("adapter", (header or {}).get("adapter"))
    requirements, message = document.get("requirements", []), document.get("message")
    if not isinstance(cell, str) or "@" not in cell:
        raise ValueError("a cell line without a cell id")
    if not isinstance(adapter, str) or not adapter:
        raise ValueError("a cell line without an adapter")
    if not isinstance(verdict, str) or verdict not in _VERDICTS:
        raise ValueError(f"an unknown verdict {verdict!r}"[:200])
    if not isinstance(requirements, Sequence) or isinstance(requirements, str):
        raise ValueError("requirements that are no list")
    findings = tuple(_finding(item) for item in requirements)
    level, held, held_musts = (document.get(name) for name in ("level", "held", "held_musts"))
    return Result(
        cell,
        adapter,
        _VERDICTS[verdict],
        _text(message),
        findings,
        document,
        level=level if isinstance(level, str) else "",
        known=tuple(_known(document.get("known"))),
        held=held if isinstance(held, int) else 0,
        held_musts=held_musts if isinstance(held_musts, int) else 0,
    )


def _known(entries: JSON) -> Iterator[KnownFailure]:
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping):
            yield KnownFailure(*(_text(entry.get(name)) for name in KnownFailure._fields))


def _finding(document: JSON) -> tuple[Finding, str]:
    if not isinstance(document, Mapping) or document.get("verdict") not in _VERDICTS:
        raise ValueError("a requirement without a known verdict")
    finding = Finding(
        _text(document.get("id")),
        "must" if document.get("level") == "must" else "should",
        _VERDICTS[document["verdict"]],
        _text(document.get("path")),
        _text(document.get("expected")),
        _text(document.get("got")),
        _text(document.get("reading")) or None,
    )
    return finding, _text(document.get("place"))


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else "" if value is None else jsontext.dumps(value)
