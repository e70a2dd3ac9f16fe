"""What the terminal shows: listings, a case's timeline, a run's table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from . import jsontext
from .data import data_root
from .providers import ROWS, Provider

if TYPE_CHECKING:
    from .case import Case
    from .outcome import Outcome
    from .run import Cell
    from .timeline import Step

_LEVEL_COLOURS = {"must": "red", "should": "yellow", "edge": "cyan"}
_VERDICT_COLOURS = {"pass": "green", "unsupported": "dim", "not_offered": "dim", "known": "yellow"}


def case_lines(cases: Iterable[Case], colour: bool) -> Iterator[str]:
    """One line per case: id, level, providers, title. Plain text where there is no terminal."""
    rows = [(case.id, case.level, ", ".join(case.providers), case.title) for case in cases]
    id_width = max((len(row[0]) for row in rows), default=0)
    for name, level, providers, title in rows:
        styled = click.style(f"{level:<6}", fg=_LEVEL_COLOURS.get(level)) if colour else f"{level:<6}"
        hint = click.style(f"[{providers}]", dim=True) if colour else f"[{providers}]"
        yield f"{name:<{id_width}}  {styled}  {title} {hint}"


def provider_lines(colour: bool) -> Iterator[str]:
    """One line per row of the provider table."""
    width = max(len(row.name) for row in ROWS)
    protocol_width = max(len(row.protocol) for row in ROWS)
    for row in ROWS:
        name = click.style(f"{row.name:<{width}}", bold=True) if colour else f"{row.name:<{width}}"
        yield f"{name}  {row.protocol:<{protocol_width}}  {row.base_url}{row.path}"


def print_case(case: Case, row: Provider) -> None:
    """A case as a person wants to read it: what it is about, the stream event by event, and what must come out."""
    from rich.console import Console  # noqa: PLC0415 - 60 ms that a listing does not need
    from rich.table import Table  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    from .requirements import check  # noqa: PLC0415 - as above
    from .timeline import timeline  # noqa: PLC0415 - as above

    console = Console(highlight=False)
    story = timeline(case.cassette.interactions[0], case.protocol, row.quirks, case.call.n)
    provenance = case.metadata["provenance"]
    console.print(Text(f"{case.id}@{row.name}", style="bold"), Text(case.level, style=_LEVEL_COLOURS[case.level]))
    console.print(Text(case.title))
    console.print(Text(str(case.metadata["why"]).strip(), style="dim"))
    console.print(Text(f"{provenance['kind']}: {provenance['source']}", style="dim"))
    for note in case.metadata.get("notes", ()):
        console.print(Text(f"note: {note}", style="dim"))

    table = Table(title="on the wire", title_justify="left", box=None, pad_edge=False, expand=True)
    table.add_column("#", justify="right", style="dim")
    table.add_column("event", no_wrap=True)
    table.add_column("deltas", ratio=1)
    for step in story.steps:
        table.add_row(str(step.number) if step.event else "", Text(step.name), Text(_gist(step)))
    console.print(table)
    console.print(Text("must come out", style="italic"))
    completion = story.completion.to_json()
    console.print(Text(jsontext.dumps(completion, indent=2)))
    document = {**completion, "details": story.details, "diagnostics": [list(d) for d in story.diagnostics]}
    for requirement in case.requirements:
        finding = check(requirement, document)
        mark = Text("holds " if finding.verdict.ok else "FAILS ", style="green" if finding.verdict.ok else "red")
        source = f"{requirement.source['kind']}: {requirement.source['ref']}"
        console.print(mark, Text(f"{requirement.id}: {requirement.path} {finding.expected}"), Text(source, style="dim"))


def _gist(step: Step) -> str:
    """The deltas of a step in one short line."""
    parts = []
    for delta in step.deltas[:4]:
        where = "" if delta.part is None else "[" + ",".join(map(str, delta.part)) + "]"
        name = f".{delta.field}" if delta.field else ""
        value = "" if delta.value is None else " " + jsontext.dumps(delta.value)
        parts.append(f"{delta.op}{where}{name}{value if len(value) <= 90 else value[:87] + '...'}")
    more = len(step.deltas) - len(parts)
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")


class Report:
    """Collects the outcomes of a run, and prints them as a table with the failures under it."""

    def __init__(self, adapter: str, total: int) -> None:
        from .expectations import load_expectations  # noqa: PLC0415 - needed by `run` only

        self.adapter, self.total = adapter, total
        self._known = load_expectations(data_root() / "conformance" / "expectations" / f"{adapter}.toml")
        self._rows: dict[str, list[tuple[str, str]]] = {}
        self._complaints: list[tuple[str, str]] = []
        self._counts: dict[str, int] = {}

    @property
    def failed(self) -> bool:
        """Whether the run has to exit with 1."""
        return bool(self._complaints)

    def add(self, cell: Cell, outcome: Outcome) -> str:
        """Take one outcome; gives the cell's id, for the progress bar."""
        from .expectations import SNAPSHOT, failures, unexplained  # noqa: PLC0415 - as above

        found = failures(outcome)
        known = [entry for entry in self._known if entry.requirement != SNAPSHOT]
        complaints = unexplained(cell.id, found, known)
        word = "known" if found and not complaints else outcome.verdict.word
        if complaints and outcome.verdict.ok:
            word = "unexpected"
        self._rows.setdefault(cell.case.id, []).append((cell.row.name, word))
        self._counts[word] = self._counts.get(word, 0) + 1
        self._complaints += [(cell.id, complaint) for complaint in complaints]
        return cell.id

    @contextmanager
    def progress(self) -> Iterator[Callable[[str], None]]:
        """A progress bar on standard error when that is a terminal; yields what advances it by one cell."""
        from rich.console import Console  # noqa: PLC0415 - as above
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 - as above

        console = Console(stderr=True)
        columns = (TextColumn("{task.fields[cell]}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(self.adapter, total=self.total, cell=self.adapter)
            yield lambda cell: bar.update(task, advance=1, cell=cell)

    def print(self) -> None:
        """The table, then every complaint with the command that reproduces it, then the sum."""
        from rich.console import Console  # noqa: PLC0415 - as above
        from rich.table import Table  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415 - as above

        console = Console(highlight=False)
        table = Table(box=None, pad_edge=False)
        table.add_column("case", no_wrap=True)
        table.add_column("verdicts")
        for case, cells in self._rows.items():
            words = Text(" ").join(
                Text(f"{name}:{word}", style=_VERDICT_COLOURS.get(word, "bold red")) for name, word in cells
            )
            table.add_row(Text(case), words)
        console.print(table)
        for cell, complaint in self._complaints:
            console.print(Text(f"\n{cell}", style="bold red"))
            console.print(Text(complaint))
            case, _, rest = cell.partition("@")
            provider = rest.partition("+")[0]
            again = f"streamproof run {case} --adapter {self.adapter} --provider {provider}"
            console.print(Text(f"  again: {again}", style="dim"))
        counts = ", ".join(f"{count} {word}" for word, count in sorted(self._counts.items()))
        console.print(Text(f"\n{self.adapter}: {self.total} cells: {counts}", style="bold"))
