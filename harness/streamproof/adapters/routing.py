"""Which protocol a request speaks, told by the provider and the shape of the payload."""

from __future__ import annotations

from ..errors import UsageError
from ..jsontext import JSONObject
from ..providers import ROWS, protocols_of

_ALWAYS_RESPONSES = {"chatgpt_oauth"}
"""The Codex backend has nothing but `/responses`."""

_NEVER_RESPONSES = {"lmstudio"}
"""As a proxy it is asked through Chat Completions, whatever the payload looks like; a protocol given outright wins."""


def route(provider: str, request: JSONObject) -> str:
    """The protocol of a request body: Responses when it has `input` and no `messages`, else the provider's first other.

    Raises UsageError, which is a ValueError, for a provider without a row (it lists the rows), and for a body that the
    provider's protocols have no place for.
    """
    spoken = protocols_of(provider)
    if not spoken:
        names = ", ".join(dict.fromkeys(row.name for row in ROWS))
        raise UsageError(f"no provider {provider!r}", remedy=f"one of: {names}")
    others = [protocol for protocol in spoken if protocol != "openai_responses"]
    wants_responses = "input" in request and "messages" not in request
    if provider in _ALWAYS_RESPONSES or (wants_responses and provider not in _NEVER_RESPONSES):
        if "openai_responses" not in spoken:
            raise UsageError(f"{provider} does not speak openai_responses", remedy="give `messages` instead of `input`")
        return "openai_responses"
    if wants_responses:
        raise UsageError(f"{provider} is asked through Chat Completions", remedy="give `messages`, or the protocol")
    return others[0]
