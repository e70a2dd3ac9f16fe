"""The laws about the completion: nothing is lost, nothing invented, and the end is told as it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ..completion import Completion, Part, ReasoningPart, RefusalPart, TextPart
from ..verdict import Verdict
from .evidence import Breach, Evidence


def cut_is_not_complete(evidence: Evidence) -> Iterator[Breach]:
    """No terminal, not complete."""
    cut = evidence.told.completion.status == "interrupted" if evidence.unplanned else not evidence.may_be_whole
    if cut and evidence.got.status == "complete" and not evidence.accepts("status", "complete"):
        yield Breach("a status that says that the stream was cut", "complete", evidence.end, "status")


def failed_is_told(evidence: Evidence) -> Iterator[Breach]:
    """`failed` for the provider's errors, and for them alone; whatever is not complete says why."""
    status, told = evidence.got.status, evidence.told
    if evidence.offers("error.type") and not evidence.accepts("status", status):
        if _reported(evidence) and status != "failed" and not _told_by_reason(evidence):
            yield Breach("failed, as the provider reported an error", status, evidence.end, "status")
        if evidence.effect == "interrupted" and status == "failed" and told.completion.status != "failed":
            yield Breach(
                "interrupted, as the connection broke", f"failed: {evidence.got.error}", evidence.end, "status"
            )
    if status != "complete" and evidence.got.error is None:
        yield Breach(f"an error that says why it is {status}", "none", evidence.end, "error", Verdict.LOSSY)


def _reported(evidence: Evidence) -> bool:
    """Whether the provider reported an error of this answer; of a second cycle it is not this one's."""
    if evidence.unplanned:
        return evidence.told.completion.status == "failed"
    again = any(note.kind == "second_cycle" for note in evidence.told.diagnostics)
    return evidence.effect == "failed" and not evidence.may_be_whole and not again


def _told_by_reason(evidence: Evidence) -> bool:
    """Whether a failure that stands in the provider's finish reason alone is told by showing that word."""
    told, got = evidence.told.completion, evidence.got
    word = told.raw_finish_reason
    alone = told.error is not None and word is not None and told.error.code == word
    return alone and word in (got.finish_reason, got.raw_finish_reason)


def fault_after_terminal_noted(evidence: Evidence) -> Iterator[Breach]:
    """After the last terminal the answer is whole, however the connection ends."""
    if evidence.unplanned or not evidence.must_be_whole or evidence.story.completion.status != "complete":
        return
    delivery, got = evidence.delivery, evidence.got
    if got.status != "complete":
        yield Breach(
            "complete, as the terminal came", f"{got.status}: {got.error}", evidence.end, "status", Verdict.LOSSY
        )
    elif evidence.diagnostics is None or b"[DONE]" in delivery.content[: delivery.cut_at]:
        return  # an adapter that has none; or one that need not read on after the sentinel
    elif delivery.end != "clean" and all(note.kind != "fault_after_terminal" for note in evidence.diagnostics):
        yield Breach(
            f"a diagnostic `fault_after_terminal` ({delivery.end})", "none", evidence.end, "diagnostics", Verdict.LOSSY
        )


def prefix_kept(evidence: Evidence) -> Iterator[Breach]:
    """Text and calls that came are there."""
    came, got = evidence.came.before_end, evidence.got
    if evidence.agrees or (came.status != got.status and evidence.accepts("status", got.status)):
        return  # the latter is another reading of the whole stream
    if got.status != "complete" and not evidence.offers("partial"):
        return
    for kind, path in _TEXTS.items():
        sent, kept = _texts(came.content, kind), squeezed(_texts(got.content, kind))
        if evidence.offers(path) and not _holds(kept, sent) and not _dialect(got, kind, sent):
            expected = f"what came: ...{squeezed(sent)[-80:]!r}"
            yield Breach(expected, f"...{kept[-80:]!r}", evidence.end, "content", Verdict.LOSSY)
    sent_calls, kept_calls = len(came.tool_calls), len(got.tool_calls)
    unlisted = evidence.accepts("tool_calls[0].complete", None)  # a reading: what is not whole is not listed
    if sent_calls > kept_calls and evidence.offers("tool_calls") and not unlisted:
        expected = f"{sent_calls} tool calls, as they came"
        yield Breach(expected, str(kept_calls), evidence.end, "tool_calls", Verdict.LOSSY)


_TEXTS: Mapping[type[Part], str] = {
    TextPart: "content.text",
    ReasoningPart: "content.reasoning",
    RefusalPart: "content.refusal",
}
"""Parts whose text grows, and what a library calls them that does not offer them."""


def _holds(kept: str, sent: Sequence[str]) -> bool:
    """Whether all texts are there, in whatever order."""
    return kept.startswith(squeezed(sent)) or all(squeezed([text]) in kept for text in sent)


def _dialect(got: Completion, kind: type[Part], sent: Sequence[str]) -> bool:
    """Whether it stands elsewhere: a refusal as text, thoughts under another kind."""
    everything = squeezed([getattr(part, "text", "") for part in got.content])
    return kind is not TextPart and squeezed(sent) in everything


def _texts(content: Sequence[Part], kind: type[Part]) -> list[str]:
    return [getattr(part, "text", "") for part in content if isinstance(part, kind)]


def squeezed(texts: Sequence[str]) -> str:
    """Without white space: some libraries join parts with line ends."""
    return "".join("".join(texts).split())
