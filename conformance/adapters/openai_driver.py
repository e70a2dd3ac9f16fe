# /// script
# requires-python = ">=3.11"
# dependencies = ["openai==3.54.0"]
# ///
"""openai: `chat.completions.stream()` and `responses.stream()`, the SDK's own accumulators.

https://github.com/openai/openai-python/blob/main/helpers.md. Chat: the snapshot that every `chunk` event carries, as
`get_final_completion()` raises for `length` and `content_filter`. Responses: the response of the terminal event, as
`get_final_response()` knows `response.completed` only.
"""

from __future__ import annotations

from typing import Any

import openai
from _driver import Answer, Ask, get, plain, serve
from _openai_shapes import ResponseSum, show_chat_usage, show_reasoning_details

AZURE_API_VERSION = "2025-04-01-preview"


def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    with _client(ask) as client:
        (_chat if ask.protocol == "openai_chat" else _responses)(client, ask, answer)


def _client(ask: Ask) -> openai.OpenAI:
    common: dict[str, Any] = {"api_key": ask.api_key, "max_retries": 0, "timeout": ask.timeout}
    if ask.provider == "azure":
        return openai.AzureOpenAI(azure_endpoint=ask.base_url, api_version=AZURE_API_VERSION, **common)
    return openai.OpenAI(base_url=ask.base_url, **common)


def _given(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value not in (None, [])}


def _chat(client: openai.OpenAI, ask: Ask, answer: Answer) -> None:
    arguments = _given(
        tools=ask.functions,
        max_tokens=ask.max_output_tokens,
        reasoning_effort=ask.options.get("reasoning"),
        n=ask.options.get("n"),
        stop=ask.options.get("stop"),
        temperature=ask.options.get("temperature"),
        tool_choice=ask.function_choice,
    )
    options = {"include_usage": True}
    snapshot = None
    try:
        with client.chat.completions.stream(
            model=ask.model, messages=ask.messages, stream_options=options, **arguments
        ) as stream:
            for event in stream:
                if event.type == "chunk":
                    snapshot = event.snapshot
    except (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError) as reason:
        snapshot = reason.completion
    finally:
        if snapshot is not None:
            _show_chat(answer, snapshot)


def _show_chat(answer: Answer, completion: Any) -> None:
    answer.clear()
    answer.message_id, answer.model = completion.id, completion.model
    show_chat_usage(answer, completion.usage)
    choices = [_choice(choice) for choice in completion.choices or ()]
    for choice in choices:
        if choice["index"] == 0:
            answer.content, answer.tool_calls = choice["content"], choice["tool_calls"]
            answer.finish_reason, answer.raw_finish_reason = choice["finish_reason"], choice["raw_finish_reason"]
        else:
            answer.choices.append(choice)


def _choice(choice: Any) -> dict[str, Any]:
    one, message = Answer(), choice.message
    details = get(message, "reasoning_details")
    if not show_reasoning_details(one, details):
        one.append("reasoning", get(message, "reasoning_content") or get(message, "reasoning"))
    annotations = [plain(each) for each in message.annotations or ()] or None
    if message.content or annotations:
        one.part("text", text=message.content or "", annotations=annotations)
    one.append("refusal", message.refusal)
    if message.audio:
        one.part("media", text=get(message.audio, "transcript") or "", data=get(message.audio, "data"))
    for call in message.tool_calls or ():
        one.call(get(call, "function", "name"), get(call, "function", "arguments"), id=call.id)
    if message.function_call:
        one.call(message.function_call.name, message.function_call.arguments)
    one.finish(choice.finish_reason, raw=choice.finish_reason)
    names = ("content", "tool_calls", "finish_reason", "raw_finish_reason")
    return {"index": choice.index, **{name: getattr(one, name) for name in names}}


def _responses(client: openai.OpenAI, ask: Ask, answer: Answer) -> None:
    effort = ask.options.get("reasoning")
    choice = ask.function_choice
    arguments = _given(
        tools=[{"type": "function", **tool} for tool in ask.tools],
        max_output_tokens=ask.max_output_tokens,
        reasoning={"effort": effort, "summary": "auto"} if effort else None,
        temperature=ask.options.get("temperature"),
        tool_choice={"type": "function", "name": choice["function"]["name"]} if isinstance(choice, dict) else choice,
        store=False if ask.provider == "chatgpt_oauth" else None,
    )
    total = ResponseSum()
    try:
        with client.responses.stream(model=ask.model, input=ask.messages, **arguments) as stream:
            for event in stream:
                total.add(event)
            if total.final is None and total.failure is None:
                stream.get_final_response()  # says what is missing
    finally:
        total.show(answer)


serve(
    run,
    adapter="openai",
    packages=["openai"],
    protocols=["openai_chat", "openai_responses"],
    deltas=False,
    fields=["-tool_calls.complete", "-details", "-diagnostics"],
    finish_dialect="raw",
    errors={"RuntimeError: Didn't receive": "interrupted"},
)
