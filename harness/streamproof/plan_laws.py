"""What must hold when a wire plan cuts a stream or puts an error into it, whatever the adapter.

Compared with the whole stream as we decode it: nothing that came is lost, nothing is invented, and what has no terminal
does not look complete.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from .completion import Completion, Part, ReasoningPart, RefusalPart, TextPart, ToolCall
from .decoders.base import Diagnostic
from .decoders.stream import StreamDecoder
from .jsontext import JSON, is_json, loads
from .timeline import Timeline
from .wire.plans import Delivery, Effect, terminals

_COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens")


def broken_law(
    expected: Effect,
    delivery: Delivery,
    whole: Timeline,
    got: Completion,
    diagnostics: Sequence[Diagnostic],
    kept: StreamDecoder,
) -> str:
    """The first broken law, "" for none.

    expected: `interrupted` or `failed`. whole: the stream as stored. kept: a decoder to which nothing has been fed.
    """
    return next(_broken(expected, delivery, whole, got, diagnostics, kept), "")


def _broken(
    expected: Effect,
    delivery: Delivery,
    whole: Timeline,
    got: Completion,
    diagnostics: Sequence[Diagnostic],
    kept: StreamDecoder,
) -> Iterator[str]:
    size = len(delivery.content) if delivery.cut_at is None else delivery.cut_at
    first, last = terminals(delivery.content, kept.decoder.protocol)
    ended = first is not None and size >= first
    second_cycle = any(note.kind == "second_cycle" for note in diagnostics)  # the error is of that one
    if expected == "failed" and got.status != "failed" and not ended and not second_cycle:
        yield f"the provider reported an error, and the status is {got.status}"
    elif got.status == "complete" and not ended:
        yield "the stream was cut before its terminal, and looks complete"
    if expected != "failed" and got.status == "failed" and whole.completion.status != "failed":
        yield f"the connection broke, and the status is failed: {got.error}"
    if got.status != "complete" and got.error is None:
        yield f"the status is {got.status}, and no error says why"
    if got.finish_reason is not None and not ended:
        yield f"finish_reason {got.finish_reason!r} before the wire gave one"
    if last is not None and size >= last and whole.completion.status == "complete":
        yield from _after_the_terminal(delivery, got, diagnostics)
    kept.feed(delivery.content[:size])
    yield from _kept(kept.completion, got, whole)
    yield from _not_invented(got, whole)


def _after_the_terminal(delivery: Delivery, got: Completion, diagnostics: Sequence[Diagnostic]) -> Iterator[str]:
    if got.status != "complete":
        yield f"the terminal came, and the status is {got.status}: {got.error}"
    elif b"[DONE]" in delivery.content[: delivery.cut_at]:
        return  # a client need not read on after the sentinel
    elif delivery.end != "clean" and not any(note.kind == "fault_after_terminal" for note in diagnostics):
        yield f"the connection broke after the terminal ({delivery.end}), and no diagnostic says so"


def _kept(came: Completion, got: Completion, whole: Timeline) -> Iterator[str]:
    """Text that came is there, and is the beginning of the whole; unless a later event said it anew."""
    if not got.text.startswith(came.text) and not _is_beginning(_texts(came.content), _texts(got.content)):
        yield f"text that came is lost: {came.text[-80:]!r} is not in {got.text[-80:]!r}"
    replaced = any(delta.op == "replace" for step in whole.steps for delta in step.deltas)
    if not replaced and not _is_beginning(_texts(got.content), _texts(whole.completion.content)):
        yield f"text that never came: {got.text[-80:]!r} is no beginning of {whole.completion.text[:80]!r}"
    if len(came.tool_calls) > len(got.tool_calls):
        yield f"{len(came.tool_calls)} tool calls came, {len(got.tool_calls)} are there"


def _texts(content: Sequence[Part]) -> list[tuple[str, str]]:
    return [
        (part.type, part.text)
        for part in content
        if isinstance(part, TextPart | ReasoningPart | RefusalPart)
        if part.text
    ]


def _is_beginning(got: Sequence[tuple[str, str]], whole: Sequence[tuple[str, str]]) -> bool:
    """Whether each text begins one of the whole's, in their order."""
    rest = iter(whole)
    return all(any(kind == other and full.startswith(text) for other, full in rest) for kind, text in got)


def _not_invented(got: Completion, whole: Timeline) -> Iterator[str]:
    """Usage and whole tool calls are the wire's own."""
    reported = _reported(whole)
    for name in _COUNTS:
        count = getattr(got.usage, name)
        if count is not None and not got.usage.estimated and count not in reported[name]:
            yield f"usage.{name} is {count}, and the wire never said so"
    calls = [_call(call) for call in whole.completion.tool_calls]
    for call in got.tool_calls:
        if call.complete and _call(call) not in calls:
            yield f"a complete call that the wire never made: {call}"


def _call(call: ToolCall) -> tuple[str | None, str, JSON]:
    """What is compared: some libraries write the arguments anew, with their keys in another order."""
    return call.id, call.name, loads(call.arguments) if is_json(call.arguments) else call.arguments


def _reported(whole: Timeline) -> Mapping[str, set[int | None]]:
    """Every value of every count that the stream reported on its way."""
    usages = [asdict(whole.completion.usage)]
    usages += [delta.value["usage"] for step in whole.steps for delta in step.deltas if delta.op == "usage"]
    return {name: {usage.get(name) for usage in usages} for name in _COUNTS}
