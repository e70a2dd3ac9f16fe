"""The law about twins: a stream, and the answer to the same request without streaming, say the same.

Twins stand in conformance/twins/<protocol>/<slug>.yaml, under the name of their stream's case. They are no cases: the
body is one JSON document, which our decoders read as if it had been streamed.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ..capabilities import Capabilities, declared_by
from ..case import Case
from ..cassette import Interaction, load
from ..completion import Completion, ReasoningPart, TextPart
from ..jsontext import JSON
from ..requirements import shown
from ..timeline import timeline
from .calling import Probe
from .deltas import same_call
from .evidence import Breach
from .truth import squeezed


async def twin(about: Probe) -> list[Breach] | None:
    """What a stream and its twin say is the same; silent where no twin was recorded."""
    case, got = about.cell.case, about.plain.outcome.completion
    path = twin_of(case)
    if path is None or got is None:
        return None
    told = timeline(_answer(path), case.protocol, about.cell.row.quirks, case.call.n).completion
    capabilities = declared_by(about.make(about.stored), case.protocol) or Capabilities()
    one, other = _facts(told, capabilities), _facts(got, capabilities)
    place = f"conformance/twins/{case.id}.yaml"
    return [Breach(shown(one[name]), shown(other[name]), place, name) for name in one if one[name] != other[name]]


def twin_of(case: Case) -> Path | None:
    """The recording of the answer without streaming, None where there is none."""
    path = case.path.parents[2] / "conformance" / "twins" / f"{case.id}.yaml"
    return path if path.exists() else None


@cache
def _answer(path: Path) -> Interaction:
    return load(path).interactions[0]


def _facts(completion: Completion, capabilities: Capabilities) -> dict[str, JSON]:
    """What is compared of what a library offers. Not ids, models and counts: they are answers to two requests."""
    facts: dict[str, JSON] = {
        "content": _text(completion, TextPart),
        "tool_calls": [list(same_call(call)) for call in completion.tool_calls],
        "status": completion.status,
    }
    if capabilities.offers("content.reasoning"):
        facts["content.reasoning"] = _text(completion, ReasoningPart)
    if capabilities.finish_dialect == "normal":
        facts["finish_reason"] = completion.finish_reason
    return facts


def _text(completion: Completion, kind: type[TextPart | ReasoningPart]) -> str:
    return squeezed([part.text for part in completion.content if isinstance(part, kind)])
