"""A stream event by event, with what each gave: what `show` prints, and where a failed requirement looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from .adapters.faults import ERROR_STATUS, error_object, http_error
from .cassette import Interaction
from .completion import Completion, Delta, Position
from .decoders.base import NO_QUIRKS, Decoder, Diagnostic, Quirks
from .decoders.stream import DECODERS
from .jsontext import JSON
from .paths import parse_path
from .wire.encoding import decompressed
from .wire.event import WireEvent
from .wire.reader import Reader


class Step(NamedTuple):
    """One event of the wire and the deltas it gave. number: from 0; the end of the body has no event."""

    number: int
    event: WireEvent | None
    deltas: list[Delta]

    @property
    def name(self) -> str:
        """The event's own name: its `type`, the SSE event name, or what kind of thing it is."""
        if self.event is None:
            return "end of body"
        payload = self.event.payload
        word = payload.get("type") if isinstance(payload, Mapping) else None
        if self.event.kind != "json":
            return "[DONE]" if self.event.kind == "done" else f"{self.event.kind} {self.event.name}".strip()
        return word if isinstance(word, str) else self.event.name or "data"


@dataclass(frozen=True, slots=True)
class Timeline:
    """A whole stream. decoder: with its completion, diagnostics and details."""

    steps: tuple[Step, ...]
    decoder: Decoder

    @property
    def completion(self) -> Completion:
        """What comes out."""
        return self.decoder.completion

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """What the completion does not show."""
        return self.decoder.diagnostics

    @property
    def details(self) -> dict[str, JSON]:
        """What the wire says about the end besides its reason."""
        return self.decoder.details

    def place(self, path: str) -> str:
        """The last event that had a say in `path`, as messages show it."""
        touches = self._touching(path)
        step = next((s for s in reversed(self.steps) if any(map(touches, s.deltas))), None)
        if step is None:
            return f"none of the {len(self.steps) - 1} events"
        return step.name if step.event is None else f"event {step.number}, {step.name}"

    def _touching(self, path: str) -> Callable[[Delta], bool]:
        """Whether a delta has a say in `path`."""
        head, *rest = parse_path(path)
        if head == "choices":
            return lambda delta: delta.choice != 0
        if head in ("content", "tool_calls"):
            positions = self._positions(str(head), rest)
            return lambda delta: delta.choice == 0 and delta.part in positions
        if head in ("model", "message_id"):
            return lambda delta: delta.op == "start" and delta.part is None and head in delta.value
        op = _OPS.get(str(head))
        if op:
            return lambda delta: delta.op == op and delta.choice == 0
        return lambda delta: delta.op == "error" or (delta.op == "close" and delta.part is None)

    def _positions(self, kind: str, rest: Sequence[str | int]) -> Sequence[Position]:
        """The parts that a path below `content` or `tool_calls` means: all of them when it names none."""
        folder = self.decoder.folder
        positions = folder.positions(type="tool_call") if kind == "tool_calls" else folder.visible_positions()
        if not rest:
            return positions
        index = rest[0]
        return (positions[index],) if isinstance(index, int) and -len(positions) <= index < len(positions) else ()


_OPS = {"usage": "usage", "raw_usage": "usage", "finish_reason": "finish", "raw_finish_reason": "finish"}
"""Keys of a completion and the op of the deltas that set them."""


def timeline(interaction: Interaction, protocol: str, quirks: Quirks = NO_QUIRKS, n: int | None = None) -> Timeline:
    """Read one recorded response event by event."""
    if interaction.status >= ERROR_STATUS:
        return _refused(interaction, DECODERS[protocol](quirks, n=n))
    reader = Reader(interaction.header("content-type"), interaction.header("content-encoding"))
    decoder = DECODERS[protocol](quirks, n=n)
    events = [*reader.feed(interaction.body), *reader.close()]
    steps = [Step(number, event, decoder.feed(event)) for number, event in enumerate(events)]
    steps.append(Step(len(events), None, decoder.end()))
    return Timeline(tuple(steps), decoder)


def _refused(interaction: Interaction, decoder: Decoder) -> Timeline:
    """An HTTP error: there is no stream, its body says why."""
    headers = {name.lower(): ", ".join(values) for name, values in interaction.headers.items()}
    body = decompressed(interaction.body, headers.get("content-encoding"))
    deltas = decoder.refuse(asdict(http_error(interaction.status, headers, body)), error_object(body))
    event = WireEvent("document", f"HTTP {interaction.status}", body.decode("utf-8", "replace"))
    return Timeline((Step(0, event, deltas), Step(1, None, decoder.end())), decoder)
