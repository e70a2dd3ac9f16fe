"""A recorded response under a wire plan, as the loopback server plays it: plan to script. Data only, no socket."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ..cassette import Interaction
from ..wire.plans import Delivery, Plan
from ..wire.plans import End as PlanEnd
from .script import End, Gate, Pause, Reset, Response, Send, ShortBody, Stall, Step, Withhold
from .server import recorded_response

ENDS: Mapping[PlanEnd, type[End | Reset | ShortBody | Stall]] = {
    "clean": End,
    "reset": Reset,
    "short": ShortBody,
    "stall": Stall,
}
"""How a plan ends a body -> the last step of the script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """The rest of a stream is withheld until the gate opens: after so many bytes of the body, or so many pieces."""

    gate: Gate
    after_bytes: int | None = None
    after_pieces: int | None = None

    def __post_init__(self) -> None:
        given = [number for number in (self.after_bytes, self.after_pieces) if number is not None]
        if len(given) != 1 or given[0] < 0:
            raise ValueError("withhold after a number of bytes, or of pieces")


def played(interaction: Interaction, plan: Plan, protocol: str, hold: Hold | None = None) -> Response:
    """A recorded response as a plan delivers it; each piece is one `Send`, and so one chunk on the wire.

    hold: where the rest is withheld; bytes count before a content coding, a piece that they end in is cut in two.
    """
    response = recorded_response(interaction)
    delivery = plan.deliver(interaction.body, protocol, interaction.chunks)
    return replace(
        response,
        headers=plan.headers(response.headers, interaction.body),
        steps=(*_steps(delivery, hold), ENDS[delivery.end]()),
    )


def _steps(delivery: Delivery, hold: Hold | None) -> Iterator[Step]:
    chunks, waits = list(delivery.chunks), list(delivery.waits)
    at = None if hold is None else _place(chunks, waits, hold)
    for number, chunk in enumerate(delivery.code(chunks)):
        if number == at and hold is not None:
            yield Withhold(hold.gate)
        if waits and waits[number]:
            yield Pause(waits[number])
        yield Send(chunk)
    if at == len(chunks) and hold is not None:
        yield Withhold(hold.gate)


def _place(chunks: list[bytes], waits: list[float], hold: Hold) -> int:
    """Before which chunk to withhold; a chunk that the place lies in is cut in two."""
    if hold.after_pieces is not None:
        return min(hold.after_pieces, len(chunks))
    left = hold.after_bytes or 0
    for number, chunk in enumerate(chunks):
        if left <= 0:
            return number
        if left < len(chunk):
            chunks[number : number + 1] = [chunk[:left], chunk[left:]]
            if waits:
                waits.insert(number + 1, 0.0)
            return number + 1
        left -= len(chunk)
    return len(chunks)
