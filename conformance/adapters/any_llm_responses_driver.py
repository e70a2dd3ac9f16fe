# /// script
# requires-python = ">=3.11"
# dependencies = ["any-llm-sdk[anthropic,deepseek,gemini,openai]==1.40.2", "openai==3.54.0"]
# ///
"""any-llm's `responses()`, an adapter of its own: it shows OpenAI's Response where `completion()` has Chat chunks."""

from __future__ import annotations

from _driver import serve
from any_llm_driver import run

serve(
    run,
    adapter="any-llm-responses",
    packages=["any-llm-sdk", "openai"],
    protocols=["openai_responses"],
    providers=["openai", "openai_compatible"],
    deltas=False,
    finish_dialect="raw",
    fields=["-tool_calls.complete", "-choices", "-details", "-diagnostics"],
)
