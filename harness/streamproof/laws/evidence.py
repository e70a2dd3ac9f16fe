"""What the laws of one cell look at: what the adapter gave, and what the wire said up to where it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import NamedTuple

from ..cell import Cell
from ..completion import Completion, Delta
from ..decoders.base import Diagnostic
from ..decoders.stream import StreamDecoder
from ..fold import fold
from ..jsontext import JSON
from ..requirements import shown
from ..timeline import Timeline
from ..verdict import Verdict
from ..wire.plans import Delivery, Effect, effect, terminals

UNREADABLE = (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading deltas raises that are none, or that name parts which never began."""


class Breach(NamedTuple):
    """How a law is broken. path: the part of the completion concerned, "" for no one part. place: where it shows."""

    expected: str
    got: str
    place: str
    path: str = ""
    verdict: Verdict = Verdict.WRONG


class Told(NamedTuple):
    """What a wire says, as we decode it."""

    completion: Completion
    deltas: Sequence[Delta]
    details: Mapping[str, JSON]
    diagnostics: Sequence[Diagnostic]
    reasons: Mapping[str, str]
    """The provider's words for why it ended, and their normal form."""


class Came(NamedTuple):
    """What came before the body ended (whole events only), and what it amounts to once it has."""

    before_end: Completion
    told: Told


def _everything(_: str) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One cell and its outcome.

    story: the stream as stored. got: the adapter's completion. deltas: what it showed, () for an adapter that shows
    none. diagnostics: None for an adapter that has none. offers: whether the library has a field (`content.text`).
    """

    cell: Cell
    story: Timeline
    got: Completion
    deltas: Sequence[Delta] = ()
    diagnostics: Sequence[Diagnostic] | None = None
    offers: Callable[[str], bool] = _everything

    @cached_property
    def effect(self) -> Effect:
        """What the plan must do to the result."""
        return effect(self.cell.plan, self.cell.case.protocol)

    @cached_property
    def delivery(self) -> Delivery:
        """What was sent."""
        return self.cell.plan.deliver(self._body, self.cell.case.protocol)

    @cached_property
    def sent(self) -> int:
        """How many bytes of the body were sent."""
        return len(self.delivery.content) if self.delivery.cut_at is None else self.delivery.cut_at

    @cached_property
    def may_be_whole(self) -> bool:
        """Whether a terminal was sent, so that the stream may look complete."""
        first = terminals(self.delivery.content, self.cell.case.protocol).first
        return first is not None and self.sent >= first

    @cached_property
    def must_be_whole(self) -> bool:
        """Whether the last terminal was sent, so that the stream has to be complete."""
        last = terminals(self.delivery.content, self.cell.case.protocol).last
        return last is not None and self.sent >= last

    @property
    def unplanned(self) -> bool:
        """Whether the plan must change nothing: the stream as stored says what must come out."""
        return self.effect == "nothing"

    @cached_property
    def broken(self) -> bool:
        """Whether the stream was cut or failed."""
        return not self.unplanned or self.story.completion.status != "complete"

    @cached_property
    def came(self) -> Came:
        """What came of the stream."""
        return _whole(self.story) if self.unplanned else self._beginning()

    @property
    def told(self) -> Told:
        """What the wire said."""
        return self.came.told

    @cached_property
    def folded(self) -> Completion | str:
        """What the deltas amount to; why they cannot be folded."""
        try:
            return fold(self.deltas)
        except UNREADABLE as error:
            return f"{type(error).__name__}: {error}"

    @cached_property
    def agrees(self) -> bool:
        """Whether the adapter says just what the wire does, as ours do: then nothing is lost or invented."""
        return self.unplanned and self.got == self.story.completion

    @property
    def end(self) -> str:
        """Where the body ended, in words."""
        return f"the end of {self.cell.plan}" if self.cell.plan else "the end of the body"

    def accepts(self, path: str, value: JSON) -> bool:
        """Whether a requirement of the case takes this value there, if only as another reading of the field."""
        if not self.unplanned and self.cell.plan != self.cell.case.plan:
            return False
        return any(shown(value) == shown(other) for other in self._readings(lambda named: named == path))

    def readings(self, below: str) -> Iterable[JSON]:
        """The values that requirements about what is below a path take besides the canonical one."""
        return self._readings(lambda named: named.startswith(below))

    def _readings(self, is_meant: Callable[[str], bool]) -> Iterable[JSON]:
        for requirement in self.cell.case.requirements:
            if is_meant(requirement.path):
                others = [other["value"] for other in requirement.alternatives]
                yield from chain(*others) if requirement.op == "one_of" else others
                if requirement.op == "one_of":
                    yield from requirement.value
                elif requirement.op == "equals":
                    yield requirement.value

    @property
    def _body(self) -> bytes:
        return self.cell.case.cassette.interactions[0].body

    def _beginning(self) -> Came:
        case, first = self.cell.case, self.cell.case.cassette.interactions[0]
        stream = StreamDecoder(
            case.protocol,
            quirks=self.cell.row.quirks,
            n=case.call.n,
            content_type=first.header("content-type"),
            content_encoding=first.header("content-encoding"),
        )
        deltas = stream.feed(self.delivery.content[: self.sent])
        before_end = stream.completion
        deltas += stream.end()
        reasons = stream.decoder.finish_reasons
        return Came(before_end, Told(stream.completion, deltas, stream.details, stream.diagnostics, reasons))


def _whole(story: Timeline) -> Came:
    deltas = [delta for step in story.steps for delta in step.deltas]
    told = Told(story.completion, deltas, story.details, story.diagnostics, story.decoder.finish_reasons)
    return Came(story.completion, told)
