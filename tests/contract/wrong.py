"""Three adapters that are wrong on purpose, each with a fault that a real library had. They run in another process."""

from __future__ import annotations

import time
from dataclasses import replace

from streamproof.adapters.contract import Call, Emit, Endpoint
from streamproof.adapters.reference import ReferenceAdapter
from streamproof.capabilities import Capabilities
from streamproof.completion import Completion
from streamproof.errors import LLMError
from streamproof.providers import PROTOCOLS


class Wrong:
    """The reference adapter with one fault; it shows no steps."""

    protocols = PROTOCOLS[:4]
    capabilities = Capabilities(protocols=protocols, deltas=False)

    async def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        """What the reference adapter makes of it, spoiled."""
        try:
            completion = await ReferenceAdapter().run(call, endpoint, lambda delta: None)
        except LLMError as error:
            completion = error.partial or Completion()
        return self.spoiled(completion)

    def spoiled(self, completion: Completion) -> Completion:
        """The fault."""
        raise NotImplementedError


class EveryEndIsGood(Wrong):
    """A stream that is cut, or fails, looks complete."""

    name = "every-end-is-good"

    def spoiled(self, completion: Completion) -> Completion:
        return replace(completion, status="complete", error=None, finish_reason=completion.finish_reason or "stop")


class NoPartialAnswer(Wrong):
    """What ends at a limit has neither content nor usage: the fault that this suite began with."""

    name = "no-partial-answer"

    def spoiled(self, completion: Completion) -> Completion:
        if completion.finish_reason != "length":
            return completion
        return Completion(finish_reason=None, status="complete", model=completion.model)


class NeverAnswers(Wrong):
    """Waits for an event that a stream without content never brings."""

    name = "never-answers"

    def spoiled(self, completion: Completion) -> Completion:
        if not completion.content:
            time.sleep(3600)
        return completion
