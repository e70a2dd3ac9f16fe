# /// script
# requires-python = ">=3.11"
# dependencies = ["google-genai==3.4.0"]
# ///
"""google-genai: `models.generate_content_stream()`, for Google AI and Vertex AI.

The SDK has no accumulator; its documentation adds up the chunks' parts: https://googleapis.github.io/python-genai/.
So here: neighbouring text is joined up to a signature, the last usage and the last finish reason count.
"""

from __future__ import annotations

import base64
import re
from typing import Any

from _driver import Answer, Ask, compact, get, plain, serve
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

MODES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}
SERVER_PARTS = ("executable_code", "code_execution_result", "tool_call", "tool_response")


def run(ask: Ask, answer: Answer) -> None:
    """One call."""
    client = _client(ask)
    contents = [
        types.Content(role="model" if m["role"] == "assistant" else "user", parts=[types.Part(text=m["content"])])
        for m in ask.turns
    ]
    choices: dict[int, Answer] = {0: answer}
    try:
        for chunk in client.models.generate_content_stream(model=ask.model, contents=contents, config=_config(ask)):
            answer.started = True
            _chunk(answer, choices, chunk)
    finally:
        for one in choices.values():
            for call in one.tool_calls:
                call.pop("open", None)
        names = ("content", "tool_calls", "finish_reason", "raw_finish_reason")
        answer.choices = [
            {"index": index, **{name: getattr(one, name) for name in names}}
            for index, one in sorted(choices.items())
            if index
        ]


def _client(ask: Ask) -> genai.Client:
    vertex = ask.provider == "google_vertex"
    options = types.HttpOptions(
        base_url=ask.base_url, api_version="v1beta1" if vertex else "v1beta", timeout=int(ask.timeout * 1000)
    )
    if vertex:
        key = Credentials(ask.api_key)  # type: ignore[no-untyped-call]
        return genai.Client(
            vertexai=True, project="streamproof", location="us-central1", credentials=key, http_options=options
        )
    return genai.Client(vertexai=False, api_key=ask.api_key, http_options=options)


def _config(ask: Ask) -> types.GenerateContentConfig:
    functions = [
        types.FunctionDeclaration(
            name=t["name"], description=t.get("description"), parameters_json_schema=t["parameters"]
        )
        for t in ask.tools
    ]
    choice = ask.options.get("tool_choice")
    calling = {"mode": MODES.get(choice, "ANY"), "allowed_function_names": None if choice in MODES else [choice]}
    return types.GenerateContentConfig(
        system_instruction=ask.system,
        max_output_tokens=ask.max_output_tokens,
        candidate_count=ask.options.get("n"),
        stop_sequences=ask.options.get("stop"),
        temperature=ask.options.get("temperature"),
        thinking_config=types.ThinkingConfig(include_thoughts=True) if ask.options.get("reasoning") else None,
        tools=[types.Tool(function_declarations=functions)] if functions else None,
        tool_config=types.ToolConfig(function_calling_config=types.FunctionCallingConfig(**calling))
        if choice
        else None,
        automatic_continuation=False,
    )


def _chunk(answer: Answer, choices: dict[int, Answer], chunk: types.GenerateContentResponse) -> None:
    answer.message_id = answer.message_id or chunk.response_id
    answer.model = answer.model or chunk.model_version
    if chunk.usage_metadata is not None:
        _usage(answer, chunk.usage_metadata)
    if chunk.prompt_feedback is not None:
        answer.details["prompt_feedback"] = plain(chunk.prompt_feedback)
        reason = _word(chunk.prompt_feedback.block_reason)
        if reason:
            answer.finish(reason, raw=reason)
    for candidate in chunk.candidates or ():
        one = choices.setdefault(candidate.index or 0, Answer())
        for part in get(candidate, "content", "parts") or ():
            _part(one, part)
        if candidate.finish_reason is not None:
            one.finish(_word(candidate.finish_reason), raw=_word(candidate.finish_reason))
        if candidate.finish_message:
            answer.details["finish_message"] = candidate.finish_message
        if candidate.safety_ratings:
            answer.details["safety_ratings"] = [plain(rating) for rating in candidate.safety_ratings]
        if candidate.grounding_metadata or candidate.citation_metadata:
            answer.part("citation", citations=[plain(candidate.grounding_metadata or candidate.citation_metadata)])


def _part(one: Answer, part: types.Part) -> None:
    signature = base64.b64encode(part.thought_signature).decode() if part.thought_signature else None
    server = next((name for name in SERVER_PARTS if get(part, name) is not None), None)
    if part.function_call is not None:
        one.append("text", part.text)
        _call(one, part.function_call, signature)
    elif part.inline_data is not None:
        data = base64.b64encode(part.inline_data.data or b"").decode()
        kind = "thought" if part.thought else None
        one.part("media", media_type=part.inline_data.mime_type, data=data, kind=kind, signature=signature)
    elif part.file_data is not None:
        one.part("media", media_type=part.file_data.mime_type, url=part.file_data.file_uri)
    elif server:
        one.part("server_tool", name=server, data=plain(part), signature=signature)
    elif part.text or signature:
        _text(one, "reasoning" if part.thought else "text", part.text or "", signature)
    elif part.text is None and part.model_dump(exclude_none=True):
        one.part("unknown", name=next(iter(part.model_dump(exclude_none=True))), data=plain(part))


def _call(one: Answer, call: types.FunctionCall, signature: str | None) -> None:
    """A call, or a further piece of one whose arguments are streamed: `partial_args` and `will_continue`.

    https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling#streaming-fc
    """
    last = one.tool_calls[-1] if one.tool_calls else None
    if last is not None and "open" in last and not call.name:
        arguments = last.pop("open")
    else:
        one.call(call.name, call.args or {}, id=call.id, signature=signature)
        last, arguments = one.tool_calls[-1], dict(call.args or {})
    for piece in call.partial_args or ():
        _place(arguments, piece)
    last["arguments"], last["complete"] = compact(arguments), not call.will_continue
    if call.will_continue:
        last["open"] = arguments


def _place(arguments: dict[str, Any], piece: types.PartialArg) -> None:
    """Put a piece at its JSON path; a string may come in several pieces."""
    value: Any = next((v for v in (piece.string_value, piece.number_value, piece.bool_value) if v is not None), None)
    steps = [int(n) if n else name for name, n in re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", piece.json_path or "")]
    here: Any = arguments
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        empty: Any = None if following is None else [] if isinstance(following, int) else {}
        if isinstance(here, list):
            here.extend([None] * (int(step) + 1 - len(here)))
        else:
            here.setdefault(step, None)
        if following is None:
            here[step] = here[step] + value if isinstance(value, str) and isinstance(here[step], str) else value
        elif here[step] is None:
            here[step] = empty
        here = here[step]


def _text(one: Answer, kind: str, text: str, signature: str | None) -> None:
    """A signature ends a run of text; without text it is a part of its own."""
    last = one.content[-1] if one.content else None
    if text and last is not None and last["type"] == kind and "signature" not in last:
        last["text"] += text
        if signature:
            last["signature"] = signature
    else:
        one.part(kind, text=text, signature=signature)


def _usage(answer: Answer, usage: Any) -> None:
    """`prompt` includes the cache, not the tools' results; `candidates` excludes the thoughts."""
    prompt, candidates, total = usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count
    if total is not None:
        prompt, candidates = prompt or 0, candidates or 0  # the API leaves zeros out of its JSON
    if prompt is None and candidates is None and total is None:
        return
    answer.usage(
        None if prompt is None else prompt + (usage.tool_use_prompt_token_count or 0),
        None if candidates is None else candidates + (usage.thoughts_token_count or 0),
        cached=usage.cached_content_token_count,
        reasoning=usage.thoughts_token_count,
    )
    answer.raw_usage = plain(usage)


def _word(value: Any) -> str | None:
    return None if value is None else str(getattr(value, "value", value))


serve(
    run,
    adapter="google-genai",
    packages=["google-genai"],
    protocols=["gemini_generate_content"],
    deltas=False,
    arguments="object",
    fields=["-tool_calls.complete", "-usage.cache_write_tokens", "-diagnostics", "-content.refusal", "-content.ids"],
    finish_dialect="raw",
    errors={"ValidationError": "protocol"},
)
