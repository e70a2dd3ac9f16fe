"""Wire plans: how the bytes of a body are delivered, as data with a short name.

    split:byte+frame:crlf,bom+inject:ping+cut:after-3-reset+pace:fixed-20+coding:gzip

`inject` changes the events, `frame` their lines, `cut` ends the body early, `split` says in which pieces it comes,
`coding` compresses them, `pace` says when; they are applied in this order. Names stay for ever: they stand in cell ids,
and so in other projects' lists.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from ...errors import UsageError
from ..encoding import is_encoded
from .body import BodyKind, Document, body_kind, spans
from .codings import CODINGS, is_coded
from .ends import terminals
from .frames import FRAMES
from .injections import INJECTIONS, with_error
from .paces import SLOWEST, Recorded, waits
from .paces import ends as recorded_ends
from .rules import KINDS_OF_END, RULES, TABLE, Effect, Part, Rule
from .splits import NUMBERED, SPLITS, pieces

End: TypeAlias = Literal["clean", "reset", "short", "stall"]
"""How the body ends: in order; RST; the connection closed before the body's end; no more bytes and no end."""

PARTS: Final[tuple[Part, ...]] = ("split", "frame", "inject", "cut", "pace", "coding")
_NUMBER = re.compile(r"-(\d+)(?=-|\Z)")
_CUT = re.compile(r"(empty|(?:after|inside|at)-\d+)(?:-(reset|short|stall))?")


Positions: TypeAlias = Literal["all", "some"]
"""Which events are cut at: every one, or the first, the middle and the last."""


class Delivery(NamedTuple):
    """What a plan makes of a body. chunks: as they are sent, before a content coding. end: how it ends. content: the
    body before it was cut. cut_at: how much of it is sent, None for all. waits: seconds before each chunk; empty: none.
    coding: the content coding, None for none."""

    chunks: list[bytes]
    end: End
    content: bytes
    cut_at: int | None
    waits: Sequence[float]
    coding: str | None

    @property
    def coded(self) -> list[bytes]:
        """The chunks in their content coding; one that is cut short has no end."""
        return self.code(self.chunks)

    def code(self, chunks: list[bytes]) -> list[bytes]:
        """The same for the same bytes in other chunks."""
        whole = self.cut_at is None and self.end == "clean"
        return chunks if self.coding is None else CODINGS[self.coding](chunks, whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One plan; None: as stored. Raises UsageError for a name that the table (rules.py) does not have."""

    split: str | None = None
    frame: str | None = None
    inject: str | None = None
    cut: str | None = None
    pace: str | None = None
    coding: str | None = None

    def __post_init__(self) -> None:
        for part, name in self.names():
            _rule(part, name)
        slow = _NUMBER.search(self.pace or "")
        if slow is not None and int(slow[1]) > SLOWEST:
            raise UsageError(f"pace:{self.pace} is slower than {SLOWEST} ms", remedy="wait less")
        order = list(FRAMES)
        frames = [order.index(name) for name in (self.frame or "").split(",") if name]
        if frames != sorted(set(frames)):
            raise UsageError(f"frame:{self.frame} names frames out of order", remedy=f"the order: {', '.join(order)}")

    @classmethod
    def parse(cls, text: str) -> Plan:
        """The inverse of `str`; "" is the body as stored. Raises UsageError."""
        given = [part.partition(":") for part in text.split("+") if part]
        names = [name for name, _, _ in given]
        if any(name not in PARTS or not value for name, _, value in given) or len(set(names)) != len(names):
            raise UsageError(
                f"{text!r} is no wire plan",
                remedy=f"write parts of {', '.join(f'{part}:' for part in PARTS)} joined by +; "
                "docs/wire-plans.md has their names",
            )
        return cls(**{name: value for name, _, value in given})

    def __str__(self) -> str:
        return "+".join(f"{part}:{value}" for part in PARTS if (value := getattr(self, part)) is not None)

    def __bool__(self) -> bool:
        return any(getattr(self, part) is not None for part in PARTS)

    def names(self) -> Iterable[tuple[Part, str]]:
        """(part, name) of all that it does."""
        for part in PARTS:
            value = getattr(self, part)
            if value is not None:
                yield from ((part, name) for name in (value.split(",") if part == "frame" else [value]))

    def deliver(self, body: bytes, protocol: str, recorded: Recorded = ()) -> Delivery:
        """The pieces of a body. What cannot be done to it (an event that it does not have) changes nothing.

        recorded: its chunks as they came, for `pace:recorded`: without a split they are the pieces.
        """
        content = _content(self.frame, self.inject, body, protocol)
        cut_at, end = _cut_at(self.cut, content)
        sent = content[:cut_at]
        as_recorded = self.pace == "recorded" and self.split is None
        chunks = pieces(sent, recorded_ends(recorded) if as_recorded else _positions(self.split, sent))
        return Delivery(chunks, end, content, cut_at, waits(self.pace, chunks, recorded), self.coding)

    def headers(self, stored: Iterable[tuple[str, str]], body: bytes) -> list[tuple[str, str]]:
        """The headers of a stored body as they are sent: with the plan's coding, or with the stored one where the body
        is in it (cassettes may hold the decoded body under the header of the encoded one)."""
        sent = [] if self.coding is None else [("content-encoding", self.coding)]
        kept = [
            (name, value)
            for name, value in stored
            if name.lower() != "content-encoding" or (self.coding is None and is_encoded(body, value))
        ]
        return kept + sent


AS_STORED: Final = Plan()


def effect(plan: Plan, protocol: str) -> Effect:
    """What a plan must do to the result; the worst of its parts. Raises UsageError where it is not legal."""
    found: list[Effect] = ["nothing"]
    for part, name in plan.names():
        rule = _rule(part, name)
        if protocol not in rule.protocols:
            raise UsageError(f"{part}:{name} is not legal for {protocol}")
        found.append(rule.effect)
    return max(found, key=get_args(Effect).index)


def applies(plan: Plan, protocol: str, body: bytes, recorded: Recorded = ()) -> bool:
    """Whether a plan is legal for a protocol and this body, and changes what is sent. recorded: its chunks' times."""
    kind = body_kind(body)
    rules = [_rule(part, name) for part, name in plan.names()]
    if not all(protocol in rule.protocols and kind in rule.kinds for rule in rules):
        return False
    if plan.frame is not None and not _ends_are_kept(plan.frame, protocol, body):
        return False
    frames = plan.frame.split(",") if plan.frame else []
    steps = [Plan(frame=name) for name in frames] + [Plan(inject=plan.inject)] * (plan.inject is not None)
    if any(step.deliver(body, protocol).content == body for step in steps):
        return False
    if plan.pace == "recorded" and (frames or plan.inject or sum(size for _, size in recorded) != len(body)):
        return False
    if plan.coding is not None and (not body or is_coded(body)):
        return False
    sent = plan.deliver(body, protocol, recorded)
    if plan.pace is not None and not any(sent.waits):
        return False
    if plan.cut is not None and (sent.cut_at is None or (sent.cut_at >= len(sent.content) and sent.end == "clean")):
        return False
    return plan.split in (None, "whole") or len(sent.chunks) > 1


def legal(protocol: str, kind: BodyKind) -> tuple[Rule, ...]:
    """The rows of the table that are legal for a protocol and a kind of body."""
    return tuple(rule for rule in RULES if protocol in rule.protocols and kind in rule.kinds)


def plans(protocol: str, body: bytes, *, positions: Positions = "some") -> list[Plan]:
    """The legal plans for one body that change what is sent, in a fixed order.

    Every split; every frame and content coding, whole and byte by byte; every injection; cuts and errors after and
    inside every event (`some`: the first, the middle and the last one), with every kind of end. No pace.
    """
    return [plan for plan in _candidates(protocol, body, positions) if applies(plan, protocol, body)]


def drawn(protocol: str, body: bytes, count: int, seed: str) -> list[Plan]:
    """Some of `plans`, the same for the same seed; fewer than `count` where there are fewer."""
    candidates = _candidates(protocol, body, "all")
    random.Random(seed).shuffle(candidates)
    return list(islice((plan for plan in candidates if applies(plan, protocol, body)), count))


def _candidates(protocol: str, body: bytes, positions: Positions) -> list[Plan]:
    numbers = list(range(len(spans(body))))
    if positions == "some":
        numbers = sorted({n for n in (0, len(numbers) // 2, len(numbers) - 1) if 0 <= n < len(numbers)})
    return [plan for rule in legal(protocol, body_kind(body)) for plan in _plans_of(rule, numbers, body, protocol)]


def _plans_of(rule: Rule, numbers: list[int], body: bytes, protocol: str) -> list[Plan]:
    name = rule.name
    if rule.part == "split":
        if name in ("whole", "at-N"):
            return []
        if name == "crlf":
            return [Plan(split=name), Plan(split=name, frame="crlf")]
        return [Plan(split=f"random-{seed}") for seed in (1, 2)] if name == "random-N" else [Plan(split=name)]
    if rule.part == "frame":
        return [Plan(frame=name), Plan(split="byte", frame=name)]
    if rule.part == "pace":
        return []  # a sweep has no time to wait
    if rule.part == "coding":
        return [Plan(coding=name), Plan(split="byte", coding=name)]
    if rule.part == "inject":
        if name != "error-N":
            return [Plan(inject=name)]
        first = terminals(body, protocol).first
        whole = [n for n in numbers if spans(body)[n].ended]
        before = [n for n in whole if first is None or spans(body)[n].data[1] < first]
        return [Plan(inject=f"error-{n}") for n in before]
    if name == "at-N":
        return []
    names = [name] if name == "empty" else [name.replace("N", str(n)) for n in numbers]
    return [Plan(cut=base + end) for base in names for end in ("", *(f"-{end}" for end in KINDS_OF_END))]


def _rule(part: Part, name: str) -> Rule:
    base = re.sub(r"-(reset|short|stall)\Z", "", name) if part == "cut" else name
    rule = TABLE.get((part, _NUMBER.sub("-N", base)))
    if rule is None or base.endswith("-N"):
        known = ", ".join(rule.name for rule in RULES if rule.part == part)
        raise UsageError(f"no wire plan {part}:{name}", remedy=f"one of: {known}")
    return rule


def _ends_are_kept(frame: str, protocol: str, body: bytes) -> bool:
    """Chat's `[DONE]` is a terminal: it may be added or go only where a finish reason says the same."""
    if protocol != "openai_chat" or not {"done", "no-done"} & set(frame.split(",")):
        return True
    return terminals(FRAMES["no-done"](Document.parse(body)).render(), protocol).first is not None


@lru_cache(maxsize=64)
def _content(frame: str | None, inject: str | None, body: bytes, protocol: str) -> bytes:
    if (frame is None and inject is None) or body_kind(body) != "sse":
        return body
    document = Document.parse(body)
    if inject is not None:
        number = _NUMBER.search(inject)
        if number is None:
            document = INJECTIONS[inject](document, protocol)
        elif int(number[1]) < len(document.events):
            document = with_error(document, protocol, int(number[1]))
    for name in frame.split(",") if frame else []:
        document = FRAMES[name](document)
    return document.render()


def _cut_at(cut: str | None, content: bytes) -> tuple[int | None, End]:
    if cut is None:
        return None, "clean"
    match = _CUT.fullmatch(cut)
    assert match is not None
    end: End = match[2] or "clean"  # type: ignore[assignment]
    where, _, number = match[1].partition("-")
    if where == "empty":
        return 0, end
    if where == "at":
        return min(int(number), len(content)), end
    events = spans(content)
    if int(number) >= len(events):
        return None, "clean"
    span = events[int(number)]
    return (span.end if where == "after" else sum(span.data) // 2), end


def _positions(split: str | None, sent: bytes) -> Iterable[int]:
    if split is None:
        return ()
    if split in SPLITS:
        return SPLITS[split](sent)
    name, _, number = split.partition("-")
    return NUMBERED[name](sent, int(number))
