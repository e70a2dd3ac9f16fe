"""Which members of the SDKs' own unions a case exercises: `nox -s coverage-wire`.

The rule: a member is exercised when the body of an interaction of some case of its protocol, read in full by
`wire.reader.Reader`, has an event (a JSON event, an exception frame, or a whole JSON document in their place) that
shows it where its union stands on the wire (wire_unions.py). Bytes that are no event do not count.

A member that no case exercises has to stand in conformance/wire_unexercised.toml with the reason; an entry there whose
member is exercised by now, or gone from the SDK, is stale. Both make the exit code 1.

Usage: python -m streamproof.authoring.wire_coverage [--members]
"""

from __future__ import annotations

import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..case import Case, all_cases
from ..cassette import Interaction
from ..data import data_root
from ..errors import CassetteError
from ..wire.event import WireEvent
from ..wire.reader import Reader
from .wire_unions import UNIONS, Union

UNEXERCISED = "conformance/wire_unexercised.toml"
_COUNTED = frozenset({"json", "document", "exception"})


class Unexercised(NamedTuple):
    """One member of an entry of the list. union: its key, `<protocol>: <name>`."""

    union: str
    member: str
    reason: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """One union. cases: each member, to the ids of the cases that exercise it, sorted."""

    union: Union
    cases: Mapping[str, Sequence[str]]

    @property
    def exercised(self) -> set[str]:
        """The members that some case exercises."""
        return {member for member, ids in self.cases.items() if ids}

    @property
    def missing(self) -> set[str]:
        """The members that none exercises."""
        return set(self.cases) - self.exercised


def coverage(cases: Iterable[Case], unions: Sequence[Union] = UNIONS) -> list[Coverage]:
    """How far the cases exercise each union, in the order of the unions. Raises CassetteError for a damaged case."""
    members = {union.key: union.members() for union in unions}
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for case in cases:
        own = [union for union in unions if union.protocol == case.protocol]
        for event in (event for each in case.cassette.interactions for event in events(each)):
            for union in own:
                for word in union.see(event):
                    if isinstance(word, str) and word in members[union.key]:
                        seen[union.key, word].add(case.id)
    return [
        Coverage(union, {member: sorted(seen[union.key, member]) for member in sorted(members[union.key])})
        for union in unions
    ]


def events(interaction: Interaction) -> list[WireEvent]:
    """The events of a response that count."""
    reader = Reader(interaction.header("content-type"), interaction.header("content-encoding"))
    return [event for event in (*reader.feed(interaction.body), *reader.close()) if event.kind in _COUNTED]


def load_unexercised(path: Path) -> list[Unexercised]:
    """The list. Raises CassetteError for a file that is no such list, or an entry twice or without a reason."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))["unexercised"]
        found = [Unexercised(e["union"], member, e["reason"]) for e in entries for member in e["members"]]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        remedy = "Write [[unexercised]] tables of union, members and reason."
        raise CassetteError(f"no list of unexercised members: {error!r}", file=str(path), remedy=remedy) from error
    seen: set[tuple[str, str]] = set()
    for entry in found:
        if not all(isinstance(text, str) and text.strip() for text in entry):
            raise CassetteError(f"an empty text in {entry!r}", file=str(path), remedy="Fill it in.")
        if entry[:2] in seen:
            raise CassetteError(f"{entry.union}: {entry.member} twice", file=str(path), remedy="Remove one.")
        seen.add(entry[:2])
    return found


def faults(covered: Sequence[Coverage], listed: Iterable[Unexercised]) -> Iterator[str]:
    """What is wrong: members that nobody has looked at, and stale entries of the list."""
    listed = list(listed)
    known = {(entry.union, entry.member) for entry in listed}
    for each in covered:
        for member in sorted(each.missing):
            if (each.union.key, member) not in known:
                yield f"{each.union.key}: {member} has no case. Write one, or list it in {UNEXERCISED} with the reason."
    by_key = {each.union.key: each for each in covered}
    for entry in listed:
        found = by_key.get(entry.union)
        if found is None:
            yield f"{UNEXERCISED}: there is no union {entry.union!r}. Remove the entry."
        elif entry.member not in found.cases:
            yield f"{UNEXERCISED}: {entry.union}: {entry.member} is gone from the SDK. Remove it there."
        elif found.cases[entry.member]:
            case = found.cases[entry.member][0]
            yield f"{UNEXERCISED}: {entry.union}: {entry.member} is exercised, by {case}. Remove it there."


def figure(covered: Iterable[Coverage]) -> str:
    """`312 of 340 (91.8 %)`: members exercised, of all."""
    pairs = [(len(each.exercised), len(each.cases)) for each in covered]
    done, total = (sum(column) for column in zip(*pairs, strict=True))
    return f"{done} of {total} ({100 * done / total:.1f} %)"


def table(covered: Sequence[Coverage], *, members: bool = False) -> Iterator[str]:
    """A line per union, then the sum. members: also a line for each member, with the number of cases and the first."""
    width = max(len(each.union.key) for each in covered)
    for each in covered:
        done, total = len(each.exercised), len(each.cases)
        share = f"{100 * done / total:5.0f} %" if total else "      -"
        missing = "" if members or not each.missing else "   not: " + _shortened(sorted(each.missing))
        yield f"{each.union.key:<{width}}  {done:>3} of {total:>3}  {share}{missing}"
        for member, cases in each.cases.items() if members else ():
            yield f"    {member:<44} {len(cases):>4}  {cases[0] if cases else '-'}"
    yield f"{'all':<{width}}  {figure(covered)}"


def _shortened(names: Sequence[str]) -> str:
    more = f", and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more


def main(arguments: list[str]) -> int:
    """Print the table and what is wrong; 1 when something is, 2 for a list that cannot be read."""
    covered = coverage(all_cases())
    for line in table(covered, members="--members" in arguments):
        print(line)
    try:
        wrong = list(faults(covered, load_unexercised(data_root() / UNEXERCISED)))
    except CassetteError as error:
        print(f"streamproof: {error}", file=sys.stderr)
        return 2
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
