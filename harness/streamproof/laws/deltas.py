"""The laws about deltas: what an adapter shows on its way to the completion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ..completion import Delta, TextPart, ToolCall
from ..fold import Folder
from ..jsontext import JSON, is_json, loads
from ..requirements import shown
from ..snapshot import names
from ..verdict import Verdict
from .evidence import Breach, Evidence

_NOT_AFTER = {
    "close": frozenset({"start", "append", "replace", "close"}),
    "error": frozenset({"start", "append"}),  # what came is still brought to its final state
}
"""The end of a stream -> what may not be done to a part after it."""
_IDS = ("id", "call_id")
_OF_CALLS = frozenset({"call_id", "name", "arguments", "complete"})


def one_end(evidence: Evidence) -> Iterator[Breach]:
    """One `close` or `error` of the message, and no content after it."""
    end = ""
    for number, delta in enumerate(evidence.deltas):
        if delta.part is None and delta.op in _NOT_AFTER:
            if end:
                yield Breach(f"one end, which was `{end}`", f"also `{delta.op}`", f"delta {number}", "status")
            end = delta.op
        elif end and delta.part is not None and delta.op in _NOT_AFTER[end]:
            got = f"`{delta.op}` {shown(delta.value)}"
            yield Breach(f"no content after the end, `{end}`", got, f"delta {number}", "content")
    if not end:
        yield Breach("an end: `close` or `error` of the message", "none", "the last delta", "status", Verdict.LOSSY)


def folds(evidence: Evidence) -> Iterator[Breach]:
    """The deltas fold to the completion."""
    folded = evidence.folded
    if isinstance(folded, str):
        yield Breach("deltas that fold", f"they cannot be folded: {folded}", "the deltas")
    elif folded != evidence.got:
        one, other = folded.to_json(), evidence.got.to_json()
        for name in names(one, other):
            if one.get(name) != other.get(name):
                yield Breach(
                    f"what the deltas fold to: {shown(one.get(name))}", shown(other.get(name)), "the deltas", name
                )


def text_is_fold(evidence: Evidence) -> Iterator[Breach]:
    """The text deltas make the text; told apart from `fold`, as it is what a user watches."""
    folded = evidence.folded
    shown_text = _text(evidence.deltas) if isinstance(folded, str) else folded.text
    got = evidence.got.text
    if shown_text != got and not (isinstance(folded, str) and not shown_text):
        yield Breach(f"the text that was shown: {_beside(shown_text, got)}", _beside(got, shown_text), "the deltas")


def _text(deltas: Iterable[Delta]) -> str:
    """The text of deltas of which some cannot be folded."""
    folder = Folder()
    for delta in deltas:
        if delta.part is not None and (delta.op == "start" or folder.has(delta.part, delta.choice)):
            folder.apply(delta)
    return "".join(part.text for part in folder.completion().content if isinstance(part, TextPart))


def _beside(text: str, other: str) -> str:
    """A text from shortly before where it leaves another one."""
    at = next((n for n, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
    return shown(text[max(0, at - 20) :])


def calls_once(evidence: Evidence) -> Iterator[Breach]:
    """No call twice, in the completion or as deltas; none of its deltas before its start."""
    if not evidence.agrees:
        yield from _listed_once(evidence)
    yield from _shown_once(evidence.deltas)


def _listed_once(evidence: Evidence) -> Iterator[Breach]:
    sent = Counter(map(same_call, evidence.told.completion.tool_calls))
    for call, count in Counter(map(same_call, evidence.got.tool_calls)).items():
        if count > max(1, sent[call]):
            name, arguments = call
            times = max(1, sent[call])
            yield Breach(
                f"the call {times} time{'s' * (times > 1)}", f"{count} times {name}({arguments})", "the completion",
                "tool_calls",
            )  # fmt: skip


def same_call(call: ToolCall) -> tuple[str, str]:
    """What is compared: some libraries write arguments anew, with other spaces, and make ids of their own."""
    arguments: JSON = loads(call.arguments) if is_json(call.arguments) else call.arguments
    return call.name, _sorted(arguments or {})


def _sorted(value: JSON) -> str:
    """JSON with its keys in order, whole; `shown` would cut it."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{name!r}:{_sorted(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_sorted, value)) + "]"
    return repr(value)


def _shown_once(deltas: Iterable[Delta]) -> Iterator[Breach]:
    kinds: dict[object, str] = {}
    owners: dict[object, object] = {}
    for number, delta in enumerate(deltas):
        if delta.part is None:
            continue
        part = (delta.choice, delta.part)
        if delta.op != "start":
            if part not in kinds and delta.field in _OF_CALLS:
                yield Breach("a part that began", f"`{delta.op}` of {delta.part}", f"delta {number}", "tool_calls")
                kinds[part] = ""
            continue
        again, kinds[part] = kinds.get(part), delta.value["type"]
        if again == kinds[part] == "tool_call":
            yield Breach("one start per call", f"a second one of {delta.part}", f"delta {number}", "tool_calls")
        call_id = delta.value.get("call_id")
        if kinds[part] == "tool_call" and call_id and owners.setdefault(call_id, part) != part:
            yield Breach(f"the call {call_id} in one part", f"also in {delta.part}", f"delta {number}", "tool_calls")


def ids_stable(evidence: Evidence) -> Iterator[Breach]:
    """An id changes only to one that the wire gives too."""
    ids: dict[object, str] = {}
    for number, delta in enumerate(evidence.deltas):
        if delta.op == "append":
            continue
        for name, value in _named(delta):
            place = (delta.choice, delta.part, name)
            before = ids.setdefault(place, value)
            if before != value:
                ids[place] = value
                if not any({before, value} <= same for same in _wire_ids(evidence)):
                    yield Breach(f"{name} {before}, as before", value, f"delta {number}", "tool_calls")


def _named(delta: Delta) -> Iterator[tuple[str, str]]:
    """The ids that a delta gives."""
    if delta.op == "start":
        for name in (*_IDS, "message_id"):
            if delta.value.get(name):
                yield name, delta.value[name]
    elif delta.op == "replace" and delta.field in _IDS and delta.value:
        yield delta.field, delta.value


def _wire_ids(evidence: Evidence) -> Iterable[set[str]]:
    """The ids of one thing each, as the wire gave them in turn."""
    found: dict[object, set[str]] = {}
    for delta in evidence.told.deltas:
        if delta.op != "append":
            for name, value in _named(delta):
                found.setdefault((delta.choice, delta.part, name), set()).add(value)
    return found.values()
