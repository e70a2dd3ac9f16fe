# /// script
# requires-python = ">=3.11"
# dependencies = ["openai-agents==0.24.0", "openai==3.54.0"]
# ///
"""openai-agents over Chat Completions: an adapter of its own, as it offers less there.

It shows a Response whose status is always `completed`: there is no place for a finish reason.
"""

from __future__ import annotations

from _driver import Answer, Ask, serve
from openai_agents_driver import run as run_agents


async def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    try:
        await run_agents(ask, answer)
    finally:
        answer.finish(None)
        answer.message_id = None  # `__fake_id__`, as the library says itself
        for part in answer.content:
            part.pop("id", None)


serve(
    run,
    adapter="openai-agents-chat",
    packages=["openai-agents", "openai"],
    protocols=["openai_chat"],
    deltas=False,
    fields=["-finish_reason", "-raw_finish_reason", "-tool_calls.complete", "-choices", "-diagnostics", "-details",
            "-message_id", "-content.ids", "-content.reasoning.encrypted"],
)  # fmt: skip
