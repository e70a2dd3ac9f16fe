"""What a library gets wrong, in the words of its users."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .columns import Column
from .runs import Result
from .summary import counts

_WORST = 3
"""Kinds of failure that a row names."""
_STOPPED = {"hang": "hangs", "crash": "crashes"}
_PLACES = {
    "content": "content",
    "choices": "content",
    "tool_calls": "tool calls",
    "usage": "usage",
    "raw_usage": "usage",
    "finish_reason": "finish reasons",
    "raw_finish_reason": "finish reasons",
    "error": "errors",
}
_FALSE_ENDS = {
    "law:cut-is-not-complete": "cut streams pass for complete",
    "law:failed-is-told": "errors pass for answers",
}
_FIRST = (*_STOPPED.values(), *_FALSE_ENDS.values())
"""What stands first, however often it happens."""
FAULT_VERDICTS = {what: word for word, what in _STOPPED.items()}
"""Kinds that are verdicts."""
KINDS = tuple(dict.fromkeys((*_FIRST, *_PLACES.values())))
"""What can be wrong, in the order in which it is shown."""


def worst(column: Column) -> list[tuple[str, int]]:
    """What a library gets wrong, with the number of streams: what stops or deceives an agent first, then what is most
    frequent."""
    place = {what: number for number, what in enumerate(_FIRST)}
    order = sorted(faults(column).items(), key=lambda item: (place.get(item[0], len(place)), -item[1], item[0]))
    return order[:_WORST]


def faults(column: Column) -> Counter[str]:
    """In how many streams that count a library gets what wrong. Keys: of KINDS."""
    cases: dict[str, set[str]] = {}
    for result in column.results.values():
        if counts(result) and not result.verdict.ok:
            for what in _faults(result):
                cases.setdefault(what, set()).add(result.name.case)
    return Counter({what: len(where) for what, where in cases.items()})


def _faults(result: Result) -> Iterator[str]:
    if result.verdict.word in _STOPPED:
        yield _STOPPED[result.verdict.word]
    for finding, _ in result.failing:
        root = finding.path.partition(".")[0].partition("[")[0]
        what = _FALSE_ENDS.get(finding.requirement) or _PLACES.get(root)
        if what:
            yield what
