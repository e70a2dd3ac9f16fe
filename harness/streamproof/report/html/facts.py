"""What the suite itself says about the cases of a page: words, the wire event by event, and what must come out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ... import jsontext
from ...case import Case, all_cases
from ...errors import StreamproofError
from ...render import gist
from ...requirements import Requirement, shown
from ...timeline import Step, timeline
from ..visible import shortened

PAYLOAD_LIMIT = 2_000
"""Characters of an event's payload; the few that are longer are there to be long."""
GIST_LIMIT = 600


@dataclass(frozen=True, slots=True)
class Facts:
    """A case. detail: what its drill-down shows, as JSON (keys in data.py's docstring)."""

    title: str
    level: str
    providers: tuple[str, ...]
    detail: Mapping[str, Any]


def facts_of(ids: Collection[str], advance: Callable[[str], None] = lambda _: None) -> dict[str, Facts]:
    """The facts of the cases with these ids, those that the suite has. advance: called with every id that is done."""
    found = {}
    for case in all_cases(damaged=lambda _: None):
        if case.id not in ids:
            continue
        found[case.id] = _facts(case)
        advance(case.id)
    return found


def _facts(case: Case) -> Facts:
    try:
        first, *turns = (_story(case, number) for number in range(len(case.cassette.interactions)))
        detail = {
            **_about(case),
            **first,
            "requirements": [_requirement(r) for r in case.requirements],
            "turns": turns,
        }
    except StreamproofError as error:
        detail = {"about": [["damaged", str(error)]]}
    return Facts(case.title, case.level, case.providers, detail)


def _about(case: Case) -> dict[str, Any]:
    metadata = case.metadata
    provenance = metadata["provenance"]
    facts = {
        "why it matters": metadata["why"],
        "source": f"{provenance['kind']}, {provenance['source']}",
        "deviates": metadata.get("schema_deviates"),
        "note": metadata.get("notes"),
        "written for plan": str(case.plan) if case.plan else None,
    }
    return {"about": [[name, str(fact).strip()] for name, fact in facts.items() if fact]}


def _story(case: Case, number: int) -> dict[str, Any]:
    """One interaction. asked: what a further turn adds, as JSON."""
    row, interaction = case.row(), case.cassette.interactions[number]
    story = timeline(interaction, case.protocol, row.quirks, case.call.n)
    length = f"{len(interaction.body):,} bytes"
    asked = case.metadata["turns"][number - 1]["messages"] if number else None
    return {
        **({"asked": shortened(jsontext.dumps(asked), PAYLOAD_LIMIT)} if asked else {}),
        "where": f"{interaction.method} {row.url(case.call.model)} → {interaction.status}, {length}",
        "events": [_event(step) for step in story.steps],
        "notes": [[note.event, note.kind, shortened(note.detail, GIST_LIMIT)] for note in story.diagnostics],
        "expected": jsontext.dumps(story.completion.to_json()),
    }


def _event(step: Step) -> list[Any]:
    text = "" if step.event is None or step.event.kind == "done" else jsontext.dumps(step.event.payload)
    gists = [shortened(gist(delta), GIST_LIMIT) for delta in step.deltas]
    return [None if step.event is None else step.number, step.name, shortened(text, PAYLOAD_LIMIT), gists]


def _requirement(requirement: Requirement) -> list[Any]:
    value = "absent" if requirement.op == "absent" else f"{requirement.op} {shown(requirement.value)}"
    source = f"{requirement.source['kind']}: {requirement.source['ref']}"
    others = [[str(other["name"]), shown(other["value"])] for other in requirement.alternatives]
    return [requirement.id, requirement.level, requirement.path, value, source, others]
