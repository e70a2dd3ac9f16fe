"""The wire adapter as if a library stood in between that does not offer everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from streamproof.adapters.contract import Call, Emit, Endpoint
from streamproof.adapters.response import Shown
from streamproof.adapters.wire import WireAdapter
from streamproof.capabilities import Capabilities
from streamproof.completion import Completion, ErrorInfo, ReasoningPart, TextPart, Usage
from streamproof.errors import LLMError
from streamproof.providers import PROTOCOLS

Change = Callable[[Completion], Completion]


@dataclass
class Limited:
    """What the bytes say, after `changes`. capabilities: as declared, true or not; None for an adapter without."""

    changes: tuple[Change, ...] = ()
    capabilities: Capabilities | None = None
    name: str = "limited"
    protocols: tuple[str, ...] = PROTOCOLS
    told: Shown = field(default_factory=Shown)

    def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        """The first recorded response, as far as the library offers it."""
        wire = WireAdapter()
        try:
            whole = wire.run(call, endpoint, lambda _: None)
        except LLMError as error:
            error.partial = self._changed(error.partial or Completion())
            raise
        return self._changed(whole)

    def _changed(self, completion: Completion) -> Completion:
        for change in self.changes:
            completion = change(completion)
        return completion


def drops_reasoning(completion: Completion) -> Completion:
    """A library that shows the answer only."""
    return replace(completion, content=tuple(p for p in completion.content if not isinstance(p, ReasoningPart)))


def drops(*kinds: str) -> Change:
    """Parts of these types are not shown."""

    def change(completion: Completion) -> Completion:
        return replace(completion, content=tuple(part for part in completion.content if part.type not in kinds))

    return change


def blanks(kind: str, **values: Any) -> Change:
    """Attributes of parts of a type are not shown."""

    def change(completion: Completion) -> Completion:
        parts = (replace(part, **values) if part.type == kind else part for part in completion.content)
        return replace(completion, content=tuple(part for part in parts if part.carries_something()))

    return change


def joins_text(completion: Completion) -> Completion:
    """A library with one string for all reasoning and one for all text, and the calls beside them."""
    content: list[Any] = []
    for kind in (ReasoningPart, TextPart):
        found = [part for part in completion.content if isinstance(part, kind)]
        text = "".join(part.text for part in found)
        if text:
            content.append(replace(found[0], text=text))
    content += [part for part in completion.content if not isinstance(part, ReasoningPart | TextPart)]
    return replace(completion, content=tuple(content))


def says(**values: Any) -> Change:
    """Fields of the completion are these."""
    return lambda completion: replace(completion, **values)


def says_raw_finish(completion: Completion) -> Completion:
    """A library that passes the provider's word through."""
    return replace(completion, finish_reason=completion.raw_finish_reason, raw_finish_reason=None)


def drops_usage(completion: Completion) -> Completion:
    """A library without counts."""
    return replace(completion, usage=Usage(), raw_usage=None)


def only_raises(completion: Completion) -> Completion:
    """A library with one exception for everything."""
    if completion.status == "complete":
        return completion
    return replace(completion, status="failed", error=ErrorInfo(type="provider", message="the request failed"))
