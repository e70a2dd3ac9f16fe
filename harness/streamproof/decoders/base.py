"""What all decoders share: emitting deltas, the end of a stream, and when a tool call is whole.

A decoder is sans-IO: `feed` takes one event and returns its deltas, `end` is called once when no more bytes will come.
It is the only place that knows its protocol; a provider's deviations reach it as `Quirks`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from ..completion import Completion, Delta, Op, Position
from ..errors import classify
from ..fold import Folder
from ..jsontext import JSON, JSONObject, is_json
from ..wire.event import NOTES, WireEvent, new_tuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """How a provider deviates from its protocol; only with evidence, in the provider's row."""

    think_tags: bool = False
    """Split `<think>...</think>` off the text as reasoning."""
    zero_usage_is_unknown: bool = False
    """The gateway writes 0 for counts that it does not know."""
    server_call_prefixes: tuple[str, ...] = ()
    """Ids of calls that the provider runs itself although they look like client calls (xAI `xs_call_`)."""


NO_QUIRKS = Quirks()


class Diagnostic(NamedTuple):
    """Something on the wire that the completion does not show. event: number of the event, from 0."""

    kind: str
    event: int
    detail: str

    def to_json(self) -> dict[str, JSON]:
        """{kind, event, detail}."""
        return self._asdict()


class Decoder(ABC):
    """Events in, deltas out. Subclasses set the class variables and handle `on_json` and `on_document`."""

    protocol: ClassVar[str]
    finish_reasons: ClassVar[Mapping[str, str]]
    """The provider's words that have a normal form; every other word passes through as it is."""
    bad_call_reasons: ClassVar[frozenset[str]] = frozenset()
    """Reasons that say that the tool call itself is bad."""
    calls_have_close: ClassVar[bool] = True
    """Whether the protocol closes a tool call explicitly."""

    requires_approval: Collection[str] = ()
    """Names of tools whose calls a human has to release; set it before the first event."""

    def __init__(self, quirks: Quirks = NO_QUIRKS, *, n: int | None = None) -> None:
        """n: how many choices the request asked for, None when the request is not known."""
        self.quirks, self.n = quirks, n
        self.folder = Folder()
        self.diagnostics: list[Diagnostic] = []
        self.details: dict[str, JSON] = {}
        """What the wire says about the end besides its reason: stop_sequence, stop_details, safety_ratings, ..."""
        self.terminal = False
        """Whether the protocol's terminal has been seen."""
        self.failed = False
        self._events = -1
        self._noted_fields: set[str] = set()
        self._raw_reasons: dict[int, str] = {}
        self._closed: set[tuple[int, Position]] = set()
        self._deltas: list[Delta] = []

    # -- for callers

    def feed(self, event: WireEvent) -> list[Delta]:
        """Take one event of the wire; the deltas it gives, in order."""
        self._events += 1
        deltas: list[Delta] = []
        self._deltas = deltas
        kind = event.kind
        if kind == "json":
            self.on_json(event.name, event.payload)
        elif kind == "done":
            self.on_done()
        elif kind == "document":
            self.on_document(event.payload)
        elif kind == "exception":
            self.on_exception(event.name, event.payload)
        else:
            self.on_malformed(event.name, event.payload)
        return deltas

    def end(self, error: JSONObject | None = None) -> list[Delta]:
        """No more bytes will come. error: why, as `ErrorInfo` fields, when it was not a clean end of the body.

        After the terminal a fault of the transport takes nothing away, so it is noted and is no failure.
        """
        deltas: list[Delta] = []
        self._deltas = deltas
        self.settle_parts()
        self.settle()
        for choice in self.folder.choices():
            self._emit_finish(choice)
            self._mark_calls(choice)
        if self.failed:
            pass  # the provider's own error outranks how the connection ended
        elif self.terminal:
            if error is not None:
                self.note("fault_after_terminal", str(error.get("message", "")))
            self.emit("close")
        else:
            self.emit("error", value={"status": "interrupted", "error": dict(error or _INCOMPLETE)})
        return deltas

    def refuse(self, error: JSONObject, said: JSON = None) -> list[Delta]:
        """There is no stream, the provider answered with an HTTP error. error: `ErrorInfo` fields. said: its error
        object, as for `fail`."""
        self._deltas = deltas = list[Delta]()
        self.failed = True
        self.emit("error", value={"status": "failed", "error": dict(error)})
        if says_more(said, error):
            self.details["error"] = said
        return deltas

    def estimate(self, counts: Mapping[str, int | bool]) -> list[Delta]:
        """Usage that the wire did not report. counts: `Usage` fields, `estimated` among them."""
        self._deltas = deltas = list[Delta]()
        self.emit("usage", value={"usage": dict(counts), "raw_usage": self.completion.raw_usage})
        return deltas

    @property
    def completion(self) -> Completion:
        """The completion so far."""
        return self.folder.completion()

    # -- for subclasses: what they handle

    @abstractmethod
    def on_json(self, name: str, payload: JSON) -> None:
        """One event of the stream."""

    @abstractmethod
    def on_document(self, payload: JSON) -> None:
        """The whole response as one JSON document."""

    def on_done(self) -> None:
        """The sentinel `[DONE]`, which only Chat Completions defines; others send it too."""

    def on_exception(self, name: str, payload: JSON) -> None:
        """An exception frame of an AWS event stream."""
        body = payload if isinstance(payload, Mapping) else {}
        self.fail(
            code=name, message=str(body.get("message", "")), status_code=body.get("originalStatusCode"), said=body
        )

    def on_malformed(self, code: str, payload: JSON) -> None:
        """Bytes that are no event. A cut is left to `end`, a strange line is noted; all else is a loss."""
        if code in NOTES:
            self.note("truncated_event" if code == "truncated" else code, payload["text"][:200])
        elif not self.failed:
            text = f"{payload['reason']}: {payload['text'][:200]!r}"
            self.fail(code=code, message=text, type="protocol", goes_on=True)

    def settle_parts(self) -> None:
        """Show what was held back of the parts: before an error, as no content comes after it, and when the stream is
        over. What has been shown once is not shown again."""

    def settle(self) -> None:
        """The stream is over: what can be said of it only now."""

    # -- for subclasses: what they call

    def emit(
        self, op: Op, part: Position | None = None, field: str | None = None, value: JSON = None, choice: int = 0
    ) -> None:
        """Send one delta."""
        guards = self.requires_approval
        if guards and op == "start" and self._is_guarded(value):
            value = {**value, "requires_approval": True}
        delta = new_tuple(Delta, (op, part, field, value, choice))
        self.folder.apply(delta)
        self._deltas.append(delta)
        if guards and field == "name" and part is not None:
            self._name_came(part, choice)

    def close_part(self, part: Position, choice: int = 0) -> None:
        """The wire closed a part."""
        self._closed.add((choice, part))
        self.emit("close", part, choice=choice)

    def note(self, kind: str, detail: str = "") -> None:
        """Keep what the completion cannot show."""
        self.diagnostics.append(Diagnostic(kind, self._events, detail))

    def check_fields(self, place: str, value: JSONObject, known: frozenset[str]) -> None:
        """Note the fields of a wire object that we do not know, each once: servers repeat them on every event."""
        if not value.keys() <= known:
            unknown = {f"{place}: {name}" for name in value.keys() - known} - self._noted_fields
            self._noted_fields |= unknown
            for field in sorted(unknown):
                self.note("unknown_field", field)

    def finish(self, raw: str | None, choice: int = 0) -> None:
        """The wire gave its reason (None: it stays as it is)."""
        if raw:
            self._raw_reasons[choice] = raw
            self._emit_finish(choice)

    def usage(self, raw: JSON, **counts: int | None) -> None:
        """Usage so far; `counts` are fields of `Usage`."""
        self.emit("usage", value={"usage": counts, "raw_usage": raw})

    def fail(
        self,
        *,
        code: object = None,
        message: str = "",
        status_code: object = None,
        type: str | None = None,
        words: tuple[object, ...] = (),
        retry_after: float | None = None,
        request_id: str | None = None,
        said: JSON = None,
        goes_on: bool = False,
    ) -> None:
        """The provider reported an error, the first one counts. words: further words of it that tell its type.

        said: its error object, which `details` keep when it says more than `ErrorInfo` shows. goes_on: something was
        lost, and the stream continues.
        """
        if self.failed:
            self.note("further_error", message)
            return
        self.failed = True
        status = status_code if isinstance(status_code, int) and not isinstance(status_code, bool) else None
        error = {
            "type": type or classify(code, *words, status_code=status, message=message),
            "code": None if code is None else str(code),
            "message": message,
            "status_code": status,
            "request_id": request_id,
            "retry_after": retry_after,
        }
        if not goes_on:
            self.settle_parts()
        self.emit("error", value={"status": "failed", "error": error})
        if says_more(said, error):
            self.details.setdefault("error", said)

    def normal_reason(self, choice: int = 0) -> str | None:
        """The finish reason in our vocabulary.

        A natural stop of a message that holds a client tool call is `tool_calls`; an abnormal reason beats it.
        """
        raw = self._raw_reasons.get(choice)
        if raw is None:
            return None
        reason = self.finish_reasons.get(raw, raw)
        return "tool_calls" if reason == "stop" and self.folder.has_calls(choice) else reason

    # -- private

    def _is_guarded(self, part: JSON) -> bool:
        """Whether a part that begins is a call of a tool that a human has to release."""
        return isinstance(part, dict) and part.get("type") == "tool_call" and self._needs(part.get("name"))

    def _needs(self, name: JSON) -> bool:
        return isinstance(name, str) and name in self.requires_approval

    def _name_came(self, part: Position, choice: int) -> None:
        """A part got its name late, or another one."""
        if self.folder.get(part, "type", choice) == "tool_call":
            guarded = self._needs(self.folder.get(part, "name", choice))
            if guarded != bool(self.folder.get(part, "requires_approval", choice)):
                self.emit("replace", part, "requires_approval", guarded, choice)

    def _emit_finish(self, choice: int) -> None:
        reason = {"finish_reason": self.normal_reason(choice), "raw_finish_reason": self._raw_reasons.get(choice)}
        if reason["raw_finish_reason"] is not None and reason != self.folder.finish(choice):
            self.emit("finish", value=reason, choice=choice)

    def _mark_calls(self, choice: int) -> None:
        calls = self.folder.positions(choice, type="tool_call")
        for part in calls:
            if self._is_whole(part, choice, last=part == calls[-1]):
                self.emit("replace", part, "complete", True, choice)

    def _is_whole(self, part: Position, choice: int, *, last: bool) -> bool:
        """Whether a call may be run; docs/normal-form.md, `complete`."""
        reason, closed = self.normal_reason(choice), (choice, part) in self._closed
        if self._raw_reasons.get(choice) in self.bad_call_reasons:
            return False
        if not closed and (self.calls_have_close or self.failed or not self.terminal):
            return False
        if not closed and last and reason in ("length", "content_filter"):
            return False
        arguments = self.folder.get(part, "arguments", choice) or ""
        if not arguments:
            return reason == "tool_calls"  # a natural stop beside a call
        return self.arguments_are_whole(part, arguments, choice)

    def arguments_are_whole(self, part: Position, arguments: str, choice: int) -> bool:
        """Whether non-empty arguments are whole; free-text tools override."""
        return is_json(arguments)


def says_more(said: JSON, shown: Mapping[str, object]) -> bool:
    """Whether a provider's error object has a value that none of the `ErrorInfo` fields shows; `p` is AWS padding."""
    if not isinstance(said, Mapping):
        return False
    words = {str(value) for value in shown.values()}
    return any(
        value not in (None, "", [], {}) and str(value) not in words for name, value in said.items() if name != "p"
    )


_INCOMPLETE = {
    "type": "interrupted",
    "code": "stream_incomplete",
    "message": "the stream ended before its terminal event",
}

Handler = Callable[[Any, JSONObject], None]
"""A decoder's method for one event type, as its table holds it."""
