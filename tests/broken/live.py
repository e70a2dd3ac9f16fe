"""Adapters that are wrong in ways that only a live connection, or a second call, shows.

Each is the reference adapter with one fault; its docstring names who had it. `LIVE` holds them by name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from streamproof.adapters.contract import Adapter, Call, Emit, Endpoint
from streamproof.adapters.reference import ReferenceAdapter
from streamproof.completion import Completion, Delta, TextPart
from streamproof.errors import LLMError

TEXT = ("openai_chat/text", "openai_responses/text", "anthropic_messages/text", "gemini_generate_content/text")


@dataclass(frozen=True, kw_only=True)
class LiveFault:
    """One of them. make: for a sync cell or not. laws: those that it breaks on each of the cases."""

    make: Callable[[bool], Adapter]
    cases: tuple[str, ...]
    laws: tuple[str, ...]


LIVE: dict[str, LiveFault] = {}


def lives(*cases: str, laws: tuple[str, ...]) -> Callable[[type[ReferenceAdapter]], type[ReferenceAdapter]]:
    """Register the decorated class."""

    def register(cls: type[ReferenceAdapter]) -> type[ReferenceAdapter]:
        assert cls.__doc__, cls.__name__
        LIVE[cls.__name__] = LiveFault(make=lambda sync: cls(sync=sync), cases=cases, laws=laws)
        return cls

    return register


@lives(*TEXT, laws=("first-delta-early",))
class CollectsFirst(ReferenceAdapter):
    """ServerlessLLM/ServerlessLLM#302: all chunks are collected, then shown."""

    async def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        deltas: list[Delta] = []
        try:
            return await super().run(call, endpoint, deltas.append)
        finally:
            for delta in deltas:
                emit(delta)


@lives(*TEXT, laws=("one-request",))
class AsksTwice(ReferenceAdapter):
    """A driver that asks once to see whether the server is there, and throws the answer away."""

    async def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        await super().run(call, endpoint, lambda _: None)
        return await super().run(call, endpoint, emit)


@lives(
    "anthropic_messages/http-429-retry-after", "openai_chat/http-error-before-stream-retry-after", laws=("one-request",)
)
class Retries(ReferenceAdapter):
    """coddy-project/coddy-agent#91: openai's and anthropic's clients ask three times unless told not to."""

    async def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        try:
            return await super().run(call, endpoint, emit)
        except LLMError:
            return await super().run(call, endpoint, emit)


@lives(*TEXT, laws=("closing-closes",))
class LeavesTheConnectionOpen(ReferenceAdapter):
    """BerriAI/litellm#36123: who stops early closes an iterator that does not hold the response."""

    reading: ClassVar[set[asyncio.Task[Completion]]] = set()

    async def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        task = asyncio.create_task(super().run(call, endpoint, emit))
        self.reading.add(task)
        return await asyncio.shield(task)


@lives(*TEXT, laws=("sync-is-async",))
class LosesTheFirstTokenAsync(ReferenceAdapter):
    """BerriAI/litellm#802: the async stream lacks the first token, the sync one has it."""

    async def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        completion = await super().run(call, endpoint, emit)
        if self.sync:
            return completion
        return replace(completion, content=tuple(_without_first(part) for part in completion.content))


def _without_first(part: object) -> object:
    return replace(part, text=part.text[3:]) if isinstance(part, TextPart) else part
