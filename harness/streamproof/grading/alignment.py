"""Lays the content that an adapter shows on the wire's, where a library does not show all kinds of parts.

Places of the wire that a library cannot show keep the wire's part, so that the others keep their indexes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import NamedTuple, TypeAlias, TypeVar

from ..capabilities import Capabilities
from ..completion import Part, ReasoningPart, RefusalPart, TextPart
from .offered import attribute, stripped

Spoken: TypeAlias = TextPart | ReasoningPart | RefusalPart
"""Parts that a library may join to one string."""
_SPOKEN = (TextPart, ReasoningPart, RefusalPart)
_SEPARATORS = ("\n\n", "\n")
"""What a library may put between the parts that it joins."""
T = TypeVar("T", bound=Part)


class Aligned(NamedTuple):
    """Content in the wire's places. None: what should stand there is missing. fillers: indexes of the wire's own."""

    parts: list[Part | None]
    fillers: frozenset[int]


def aligned(wire: Sequence[Part], got: Sequence[Part], capabilities: Capabilities) -> Aligned:
    """The parts that an adapter shows in the places that they have on the wire; what is too many comes behind."""
    shows = [stripped(part, capabilities) is not None for part in wire]
    left = [each for each in (stripped(part, capabilities) for part in got) if each is not None]
    fillers = frozenset(n for n, shown in enumerate(shows) if not shown)
    lay = _by_kind if capabilities.text == "joined" else _in_order
    laid = lay(wire, left, shows, not capabilities.offers("content.refusal"))
    parts: list[Part | None] = [
        ours if n in fillers else part and _filled(part, ours, capabilities)
        for n, (ours, part) in enumerate(zip(wire, laid, strict=False))
    ]
    parts += laid[len(wire) :]
    return Aligned(parts if any(parts) else [], fillers)


def _filled(part: T, wire: Part, capabilities: Capabilities) -> T:
    """The part with the attributes that are not offered, as the wire has them."""
    if type(part) is not type(wire):
        return part
    names = [f.name for f in fields(part) if not capabilities.offers(attribute(part.type, f.name))]
    return replace(part, **{name: getattr(wire, name) for name in names})


def _in_order(
    wire: Sequence[Part], got: Iterable[Part], shows: Sequence[bool], refusal_is_text: bool
) -> list[Part | None]:
    """Parts come in the wire's order. Where what is not shown stood between two texts, they may be one."""
    left, laid = deque(got), list[Part | None]()
    for n, part in enumerate(wire):
        if not shows[n]:
            laid.append(None)
            if refusal_is_text and isinstance(part, RefusalPart):
                _drop_beginning(left, part.text)
            continue
        first = left.popleft() if left else None
        if isinstance(first, _SPOKEN) and _spans(first, part, wire[n + 1 :], shows[n + 1 :]):
            size = len(part.text) if isinstance(part, _SPOKEN) else 0
            left.appendleft(replace(first, text=first.text[size:]))
            first = replace(first, text=first.text[:size])
        laid.append(first)
    return [*laid, *left]


def _spans(got: Spoken, part: Part, behind: Sequence[Part], shows: Sequence[bool]) -> bool:
    """Whether `got` holds this part's text and goes on with that of the next, from which it cannot be told apart."""
    if not isinstance(part, _SPOKEN) or type(got) is not type(part) or not shows or shows[0]:
        return False
    following = next((other for other, shown in zip(behind, shows, strict=True) if shown), None)
    return type(following) is type(part) and got.text != part.text and got.text.startswith(part.text)


def _drop_beginning(left: deque[Part], text: str) -> None:
    """A refusal that is shown as text: the reader has it, though not what it is."""
    first = left[0] if left else None
    if isinstance(first, TextPart) and first.text.startswith(text):
        left.popleft()
        rest = first.text[len(text) :]
        if rest:
            left.appendleft(replace(first, text=rest))


def _by_kind(
    wire: Sequence[Part], got: Iterable[Part], shows: Sequence[bool], refusal_is_text: bool
) -> list[Part | None]:
    """Each kind for itself, as the library does not say how they were mixed; texts cut as the wire cuts them."""
    lanes: dict[str, list[Part]] = {}
    for part in got:
        lanes.setdefault(part.type, []).append(part)
    said = "".join(part.text for part in lanes.get("text", ()) if isinstance(part, TextPart))
    as_text = {
        n for n, part in enumerate(wire) if refusal_is_text and isinstance(part, RefusalPart) and part.text in said
    }
    places: dict[str, list[int]] = {}
    for n, part in enumerate(wire):
        if shows[n] or n in as_text:
            places.setdefault("text" if n in as_text else part.type, []).append(n)
    laid: list[Part | None] = [None] * len(wire)
    for kind, lane in lanes.items():
        there = places.get(kind, [])
        pieces = _cut([wire[n] for n in there], lane) if there else lane
        for n, piece in zip(there, pieces, strict=False):
            laid[n] = piece
        laid += pieces[len(there) :]
    return laid


def _cut(wire: Sequence[Part], got: Sequence[Part]) -> list[Part | None]:
    """Parts of one kind, cut as the wire cuts them where their text allows it."""
    spoken: list[Spoken] = [part for part in got if isinstance(part, _SPOKEN)]
    if len(spoken) < len(got):
        return list(got)
    if len(got) == len(wire):
        return [_as_sent(part, ours) for part, ours in zip(spoken, wire, strict=True)]
    pieces = _pieces([list(_forms(part)) for part in wire], "".join(part.text for part in spoken))
    made: list[Part | None] = []
    for n, piece in enumerate(pieces):
        base = spoken[n] if n < len(spoken) else type(spoken[0])()
        cut = replace(base, text=piece or "")
        made.append(cut if piece is not None or cut.carries_something() else None)
    return made


def _as_sent(part: Spoken, wire: Part) -> Spoken:
    """The part with the wire's text, where it has another form of it."""
    forms = list(_forms(wire))
    return replace(part, text=forms[0]) if part.text in forms else part


def _forms(part: Part) -> Iterator[str]:
    """How a text may be shown: summaries are texts that nobody need part with blank lines."""
    if isinstance(part, _SPOKEN):
        yield part.text
    if isinstance(part, ReasoningPart) and len(part.summary) > 1:
        yield from (separator.join(part.summary) for separator in ("\n", ""))


def _pieces(forms: Sequence[Sequence[str]], text: str) -> list[str | None]:
    """The text cut into the wire's texts; None where one is missing. What is left over takes the first such place."""
    pieces: list[str | None] = []
    rest = text
    for each in forms:
        begun = next((r for r in _starts(rest, first=not pieces) if any(map(r.startswith, each))), None)
        form = None if begun is None else next(filter(begun.startswith, each))
        pieces.append(None if form is None else each[0])
        rest = rest if begun is None or form is None else begun[len(form) :]
    if rest:
        place = pieces.index(None) if None in pieces else len(pieces) - 1
        pieces[place] = (pieces[place] or "") + rest
    return pieces


def _starts(rest: str, *, first: bool) -> Mapping[str, None]:
    """Where the next text may begin: at once, or behind a separator."""
    return dict.fromkeys([rest, *(rest.removeprefix(separator) for separator in ("", *_SEPARATORS) if not first)])
