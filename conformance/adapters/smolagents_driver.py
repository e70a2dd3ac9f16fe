# /// script
# requires-python = ">=3.11"
# dependencies = ["smolagents[openai]==1.26.0", "openai==3.54.0"]
# ///
"""smolagents: `OpenAIModel.generate_stream()`, its deltas put together by `agglomerate_stream_deltas()`.

https://huggingface.co/docs/smolagents/reference/models. That is what its agents do with `stream_outputs=True`. There is
no reasoning and no finish reason in its messages.
"""

from __future__ import annotations

from typing import Any

from _driver import Answer, Ask, Unsupported, serve
from smolagents import ChatMessage, MessageRole, OpenAIModel, Tool
from smolagents.models import ChatMessageStreamDelta, agglomerate_stream_deltas

PROVIDERS = ("openai", "openai_compatible", "deepseek", "openrouter", "zai", "lmstudio", "minimax", "xai")


def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    if ask.provider not in PROVIDERS:
        raise Unsupported(f"no {ask.provider}")
    given = {
        "tool_choice": ask.function_choice or ("auto" if ask.tools else None),
        "max_tokens": ask.max_output_tokens,
        "reasoning_effort": ask.options.get("reasoning"),
        "n": ask.options.get("n"),
        "temperature": ask.options.get("temperature"),
    }
    model = OpenAIModel(
        ask.model,
        api_base=ask.base_url,
        api_key=ask.api_key,
        client_kwargs={"max_retries": 0, "timeout": ask.timeout},
        retry=False,
        **{name: value for name, value in given.items() if value is not None},
    )
    messages = [ChatMessage(MessageRole(m["role"]), [{"type": "text", "text": m["content"]}]) for m in ask.messages]
    deltas: list[ChatMessageStreamDelta] = []
    stream = model.generate_stream(
        messages,
        stop_sequences=ask.options.get("stop"),
        tools_to_call_from=[_tool(tool) for tool in ask.tools] or None,
    )
    try:
        for delta in stream:
            answer.started = True
            deltas.append(delta)
    except Exception:  # what had come is shown, whatever ended it
        _show(answer, agglomerate_stream_deltas(deltas))
        answer.tokens = answer.tokens if any(delta.token_usage for delta in deltas) else {}
        raise
    _show(answer, agglomerate_stream_deltas(deltas))


def _tool(said: dict[str, Any]) -> Tool:
    """A tool of the given name; the parameters are named, as they are, by its inputs."""

    class Named(Tool):
        skip_forward_signature_validation = True
        name = said["name"]
        description = said.get("description") or said["name"]
        inputs = {  # noqa: RUF012 - as the library has it
            name: {"type": about.get("type", "any"), "description": about.get("description", name)}
            for name, about in (said["parameters"].get("properties") or {}).items()
        }
        output_type = "string"

        def forward(self, *_: Any, **__: Any) -> str:
            raise AssertionError("no tool is run here")

    return Named()


def _show(answer: Answer, message: ChatMessage) -> None:
    if isinstance(message.content, str):
        answer.part("text", text=message.content)
    for call in message.tool_calls or ():
        answer.call(call.function.name, call.function.arguments, id=call.id)
    if message.token_usage is not None:
        answer.usage(message.token_usage.input_tokens, message.token_usage.output_tokens)


serve(
    run,
    adapter="smolagents",
    packages=["smolagents", "openai"],
    protocols=["openai_chat"],
    providers=list(PROVIDERS),
    deltas=False,
    text="joined",
    fields=["content.text", "tool_calls", "-tool_calls.complete", "usage.input_tokens", "usage.output_tokens", "error",
            "partial"],
)  # fmt: skip
