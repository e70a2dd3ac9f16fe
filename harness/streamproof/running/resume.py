"""Going on with a run that was cut short: what its file holds, and what is left to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..cell import Cell
from ..errors import UsageError
from ..outcome import SUITE, Outcome
from ..report.runs import Result, read_runs
from ..verdict import Verdict
from .request import Request, Runner

_ANEW = "begin the run anew, or resume it where it ran"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that was cut short. outcomes: of the cells that are done. end: bytes of the file up to its last whole
    line."""

    path: Path
    header: Mapping[str, Any]
    request: Request
    outcomes: tuple[Outcome, ...]
    end: int

    def check(self, asked: Request, runner: Runner, chosen: Iterable[Cell]) -> None:
        """Raises UsageError, which names every difference, when the rest would not be a part of the same run."""
        header = self.header
        found = [f"suite: {header['suite']!r}, not {SUITE!r}"] if header["suite"] != SUITE else []
        found += self.request.differences(asked)
        if header["adapter"] != runner.name:
            found.append(f"adapter: {header['adapter']!r}, not {runner.name!r}")
        versions = header.get("versions", {})
        for name in dict.fromkeys([*versions, *runner.versions]):
            if versions.get(name) != runner.versions.get(name):
                found.append(f"version of {name}: {versions.get(name)}, not {runner.versions.get(name)}")
        ids = {cell.id for cell in chosen}
        if header["cells"] != len(ids):
            found.append(f"cells: {header['cells']}, not {len(ids)}")
        strange = [outcome.cell for outcome in self.outcomes if outcome.cell not in ids]
        if strange:
            found.append(f"{len(strange)} cells of the file are not in this run, such as {strange[0]}")
        if found:
            raise UsageError(
                f"the run that was begun is another: {'; '.join(found)}", file=str(self.path), remedy=_ANEW
            )

    @property
    def text(self) -> str:
        """The whole lines of the file."""
        return self.path.read_bytes()[: self.end].decode()

    def missing(self, chosen: Iterable[Cell]) -> list[Cell]:
        """The cells that are left."""
        done = {outcome.cell for outcome in self.outcomes}
        return [cell for cell in chosen if cell.id not in done]

    def append(self) -> IO[str]:
        """The file, open for what is left; a line that was cut short is taken away."""
        file = self.path.open("r+", encoding="utf-8", newline="\n")
        file.truncate(self.end)
        file.seek(self.end)
        return file


def begun(path: Path) -> Begun:
    """What a file holds of a run. Raises UsageError for a file that is no run, or one that is complete."""
    runs = read_runs([path])
    if len(runs) > 1:
        raise UsageError(f"{len(runs)} runs in it", file=str(path), remedy="resume a file that holds one")
    run = runs[0]
    if run.header is None:
        raise UsageError("no header in it", file=str(path), remedy="resume what streamproof run --json wrote")
    if run.footer is not None:
        raise UsageError("the run is complete", file=str(path), remedy=f"streamproof report {path} shows it")
    if run.header.get("slim"):
        raise UsageError("a slim file does not hold all that a run needs", file=str(path), remedy=_ANEW)
    end = path.read_bytes().rfind(b"\n") + 1
    if run.notes:
        raise UsageError(f"the file is damaged: {'; '.join(run.notes)}", file=str(path), remedy=_ANEW)
    try:
        request = Request.of_header(run.header)
    except UsageError as error:
        raise UsageError(error.message, file=str(path), remedy=error.remedy) from None
    outcomes = tuple({result.cell: _outcome(result) for result in run.results}.values())
    return Begun(path=path, header=run.header, request=request, outcomes=outcomes, end=end)


def _outcome(result: Result) -> Outcome:
    """As far as a table needs it."""
    word = result.document.get("own_verdict", "pass")
    own = next((verdict for verdict in Verdict if verdict.word == word), Verdict.PASS)
    return Outcome(
        cell=result.cell,
        adapter=result.adapter,
        level=result.level,
        findings=result.findings,
        own_verdict=own,
        message=result.message,
        fields=result.document.get("fields", {}),
        seconds=result.seconds,
    )
