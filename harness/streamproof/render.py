"""What the terminal shows: listings, a case's timeline, what came of accepting one.

Lines are made here and printed by the commands; click takes the colours out where there is no terminal. `width` is the
terminal's, in columns; None stands for a file or a pipe, where nothing is cut.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from . import jsontext
from .providers import ROWS

if TYPE_CHECKING:
    from .authoring.accept import Accepted
    from .case import Case
    from .completion import Delta
    from .providers import Provider
    from .requirements import Finding
    from .timeline import Step, Timeline

_LEVEL_COLOURS = {"must": "red", "should": "yellow", "edge": "cyan"}
BAD: Mapping[str, Any] = {"fg": "red", "bold": True}
_FULL_WIDTH = 400
"""Columns of a payload or value where there is no terminal to fit it into."""


def case_lines(cases: Iterable[Case], width: int | None) -> Iterator[str]:
    """The cases: on a terminal by protocol, each cut to one line; elsewhere id, level, title, providers, tab-free."""
    cases = list(cases)
    if width is None:
        id_width = max((len(case.id) for case in cases), default=0)
        for case in cases:
            yield f"{case.id:<{id_width}}  {case.level:<6}  {case.title} [{', '.join(case.providers)}]"
        return
    slug_width = max((len(_slug(case)) for case in cases), default=0)
    for protocol, group in groupby(cases, lambda case: case.protocol):
        members = list(group)
        yield click.style(f"{protocol}/", bold=True) + click.style(f"  {count(len(members), 'case')}", dim=True)
        for case in members:
            yield _case_line(case, slug_width, width)
        yield ""
    yield click.style("streamproof show CASE prints the stream of one, and what must come out of it", dim=True)


def _case_line(case: Case, slug_width: int, width: int) -> str:
    room = width - slug_width - 12
    title = cut(case.title, max(room, 20))
    providers = f"[{', '.join(case.providers)}]"
    if len(title) + 1 + len(providers) > room:
        providers = f"[{case.providers[0]} +{len(case.providers) - 1}]" if len(case.providers) > 1 else providers
    if len(title) + 1 + len(providers) > room:
        providers = ""
    level = click.style(f"{case.level:<6}", fg=_LEVEL_COLOURS.get(case.level))
    line = f"  {_slug(case):<{slug_width}}  {level}  {title}"
    return f"{line} {click.style(providers, dim=True)}" if providers else line


def provider_lines() -> Iterator[str]:
    """One line per row of the provider table."""
    width = max(len(row.name) for row in ROWS)
    protocol_width = max(len(row.protocol) for row in ROWS)
    for row in ROWS:
        yield f"{click.style(f'{row.name:<{width}}', bold=True)}  {row.protocol:<{protocol_width}}  {row.url('MODEL')}"


def show_lines(case: Case, row: Provider, stories: Sequence[Timeline], width: int | None) -> Iterator[str]:
    """A case as a person wants to read it: what it is about, each stream event by event, and what must come out.

    stories: of every interaction, in order. The requirements are about the first one.
    """
    yield from _about(case, row)
    for number, story in enumerate(stories):
        yield ""
        if number:
            asked = jsontext.dumps(case.metadata["turns"][number - 1]["messages"])
            yield click.style(f"Turn {number + 1}  ", bold=True) + click.style(
                cut(asked, (width or _FULL_WIDTH) - 8), dim=True
            )
            yield ""
        yield from _stream_lines(case, row, number, story, width)
        if number == 0:
            yield ""
            yield from _requirement_lines(case, story)


def _stream_lines(case: Case, row: Provider, number: int, story: Timeline, width: int | None) -> Iterator[str]:
    interaction = case.cassette.interactions[number]
    where = f"{interaction.method} {row.url(case.call.model)} -> {interaction.status}, {len(interaction.body)} bytes"
    yield click.style("On the wire  ", bold=True) + click.style(where, dim=True)
    for step in story.steps:
        yield from _step_lines(step, width or _FULL_WIDTH)
    yield ""
    yield click.style("What must come out", bold=True)
    yield jsontext.dumps(story.completion.to_json(), indent=2)
    for kind, event, detail in story.diagnostics:
        yield click.style(cut(f"beside it: event {event}: {kind}: {detail}", width or _FULL_WIDTH), dim=True)


def _about(case: Case, row: Provider) -> Iterator[str]:
    level = click.style(case.level, fg=_LEVEL_COLOURS.get(case.level))
    yield f"{click.style(case.id, bold=True)}  {level}"
    yield case.title
    yield ""
    provenance = case.metadata["provenance"]
    read_as = f" (here as {row.name})" if len(case.providers) > 1 else ""
    facts = {
        "why": case.metadata["why"],
        "providers": ", ".join(case.providers) + read_as,
        "source": f"{provenance['kind']}, {provenance['source']}",
        "deviates": case.metadata.get("schema_deviates"),
        "note": case.metadata.get("notes"),
        "file": case.path,
    }
    for name, fact in facts.items():
        if fact:
            yield click.wrap_text(
                str(fact).strip(), 100, f"{click.style(f'{name:<10}', dim=True)} ", " " * 11, preserve_paragraphs=True
            )


def _step_lines(step: Step, width: int) -> Iterator[str]:
    """The event as it came, and under it what each delta of it says."""
    event = step.event
    payload = "" if event is None or event.payload is None else jsontext.dumps(event.payload)
    head = f"{step.number if event else '':>4}  {step.name}"
    yield head + click.style(cut(f"  {payload}", max(width - len(head), 0)), dim=True) if payload else head
    for delta in step.deltas:
        yield cut(f"        {gist(delta)}", width)


def gist(delta: Delta) -> str:
    """One delta in a few words: what happens, where, and the value."""
    where = "" if delta.part is None else "[" + ",".join(map(str, delta.part)) + "]"
    choice = f" of choice {delta.choice}" if delta.choice else ""
    field = f".{delta.field}" if delta.field else ""
    value = delta.value
    if delta.op == "usage":
        value = {name: count for name, count in value["usage"].items() if count not in (None, False)} or "not reported"
    words = _members(value) if isinstance(value, Mapping) else "" if value is None else jsontext.dumps(value)
    return f"{delta.op} {where}{field}{choice} {words}".replace("  ", " ").rstrip()


def _members(value: Mapping[str, Any]) -> str:
    inner = {**value, **value["error"]} if isinstance(value.get("error"), Mapping) else value
    return " ".join(
        f"{name}={jsontext.dumps(item)}" for name, item in inner.items() if item is not None and name != "error"
    )


def _requirement_lines(case: Case, story: Timeline) -> Iterator[str]:
    findings = story_findings(case, story)
    held = sum(finding.verdict.ok for finding in findings)
    yield click.style(f"Requirements: {held} of {len(findings)} hold", bold=True)
    for requirement, finding in zip(case.requirements, findings, strict=True):
        mark = click.style("holds", fg="green") if finding.verdict.ok else click.style("FAILS", **BAD)
        reading = f" (as {finding.reading})" if finding.reading else ""
        yield f"  {mark}  {finding.level:<6}  {finding.requirement}: {finding.path} {finding.expected}{reading}"
        if not finding.verdict.ok:
            yield f"{'':17}got {finding.got}, decided by {story.place(finding.path)}"
        yield click.style(f"{'':17}{requirement.source['kind']}: {requirement.source['ref']}", dim=True)


def story_findings(case: Case, story: Timeline) -> list[Finding]:
    """What the requirements of a case say about its own stream as we decode it."""
    from .requirements import check_all  # noqa: PLC0415 - as above

    diagnostics = [diagnostic.to_json() for diagnostic in story.diagnostics]
    document = {**story.completion.to_json(), "details": story.details, "diagnostics": diagnostics}
    return check_all(case.requirements, document)


@contextmanager
def progress(name: str, total: int) -> Iterator[Callable[[str], None]]:
    """A progress bar on standard error when that is a terminal; yields what advances it by one, with what is done."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - 60 ms that nothing else needs
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 - as above

    columns = (TextColumn(name), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[cell]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=total, cell="")
        yield lambda cell: bar.update(task, advance=1, cell=cell)


def accept_lines(accepted: Accepted) -> Iterator[str]:
    """What came of accepting a case."""
    yield ""
    for cell, complaint in accepted.complaints:
        yield f"{click.style('REFUSED', **BAD)} {click.style(cell, bold=True)}"
        yield complaint
    if accepted.complaints:
        yield click.style(f"not accepted, {accepted.path} stays as it is", bold=True)
        yield "Mend the bytes, the requirement or the adapter; where an SDK is at fault, list the cell in "
        yield "conformance/expectations, with its upstream issue."
        return
    known = f", {count(accepted.known, 'difference')} listed in the expectations" if accepted.known else ""
    word = "written" if accepted.changed else "unchanged"
    yield click.style(f"accepted: wire, reference and sdk agree{known}; {accepted.path} {word}", bold=True)


def _slug(case: Case) -> str:
    return case.id.partition("/")[2]


def count(number: int, noun: str) -> str:
    """`1 cell`, `2 cells`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def cut(text: str, width: int) -> str:
    """At most `width` columns of one line."""
    text = " ".join(text.splitlines())
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"
