"""Rules about the bytes: what the published schema does not allow is declared, and a stream agrees with itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..jsontext import JSON
from ..paths import format_path
from ..timeline import Step
from ..wire.event import LOSSES
from .dialects import is_dialect
from .shape import Breach, breaches
from .stream_laws import LAWS
from .subject import Fault, Rule, Subject


def schema(subject: Subject) -> Iterator[Fault]:
    """Bytes that the protocol's published schema does not allow, and that `schema_deviates` does not name."""
    for prefix, steps in subject.streamed():
        for step, breach in _undeclared(subject, _breaches(subject, steps)):
            yield Fault(f"{prefix}{_event(step, breach)}", breach.message, _remedy(subject, breach))


def consistent(subject: Subject) -> Iterator[Fault]:
    """A synthetic stream that contradicts itself: deltas and `done` events, indexes, sequence numbers, sums."""
    law = LAWS.get(subject.protocol)
    if law is None or subject.metadata["provenance"]["kind"] != "synthetic":
        return  # a recording is what it is
    for prefix, steps in subject.streamed():
        for step, breach in _undeclared(subject, law(steps)):
            yield Fault(f"{prefix}{_event(step, breach)}", breach.message, _remedy(subject, breach))


def _breaches(subject: Subject, steps: Iterable[Step]) -> Iterator[tuple[Step, Breach]]:
    for step in steps:
        event = step.event
        if event is None:
            continue
        if event.kind == "json" and not _is_error(subject.protocol, event.payload):
            for breach in breaches(subject.protocol, event.name, event.payload):
                if not is_dialect(subject.protocol, subject.metadata["providers"], breach.place):
                    yield step, breach
            yield from _misnamed(subject, step)
        elif event.kind == "malformed" and event.name in LOSSES:
            yield step, Breach((), f"{event.name}: {event.payload['reason']}", (event.name, *_LOSS_WORDS[event.name]))


def _is_error(protocol: str, payload: JSON) -> bool:
    """An error object in place of a chunk: no type has it, and both SDKs expect it (`_streaming.py` of openai,
    `errors.py` of google-genai)."""
    chunks = {"openai_chat": "choices", "gemini_generate_content": "candidates"}.get(protocol)
    return chunks is not None and isinstance(payload, dict) and "error" in payload and not payload.get(chunks)


_LOSS_WORDS = {
    "invalid_json": ("JSON", "json", "line", "event", "text"),
    "html": ("HTML",),
    "not_a_stream": ("stream", "text", "body"),
    "bad_frame": ("frame", "checksum"),
    "bad_encoding": ("encoding", "gzip"),
}


def _misnamed(subject: Subject, step: Step) -> Iterator[tuple[Step, Breach]]:
    """An SSE event name beside another `type`, where the protocol repeats it."""
    event = step.event
    if event is None or not event.name or subject.protocol not in ("openai_responses", "anthropic_messages"):
        return
    word = event.payload.get("type") if isinstance(event.payload, dict) else None
    if isinstance(word, str) and word != event.name:
        yield step, Breach(("type",), f"{word!r} in an event named {event.name!r}", (word, event.name, "event name"))


def _undeclared(subject: Subject, found: Iterable[tuple[Step, Breach]]) -> Iterator[tuple[Step, Breach]]:
    """Each breach once: servers repeat them on every event."""
    seen = set[tuple[str, ...]]()
    for step, breach in found:
        key = tuple(name for name in breach.path if isinstance(name, str)) + breach.words
        if key not in seen and not declares(subject.deviates, breach.words):
            seen.add(key)
            yield step, breach


def declares(text: str, words: Iterable[str]) -> bool:
    """Whether a declaration names one of these words, as a whole word, in singular or plural."""
    return bool(text) and any(
        re.search(rf"(?<![A-Za-z0-9_]){re.escape(word)}s?(?![A-Za-z0-9_])", text, re.IGNORECASE)
        for word in words
        if word
    )


def _event(step: Step, breach: Breach) -> str:
    where = format_path(breach.path)
    return f"event {step.number}, {step.name}" + (f": {where}" if where else "")


def _remedy(subject: Subject, breach: Breach) -> str:
    words = " or ".join(repr(word) for word in dict.fromkeys(breach.words))
    verb = "Name it in" if subject.deviates else "Declare it in"
    return (
        f"Mend the bytes. If they are sent so: {verb} metadata.schema_deviates, with the evidence, by the word {words}."
    )


RULES: tuple[Rule, ...] = (
    Rule(id="schema", check=schema, remedy="Mend the bytes, or declare the deviation in metadata.schema_deviates."),
    Rule(id="consistent", check=consistent, remedy="Mend the bytes, or say in metadata.schema_deviates what is odd."),
)
