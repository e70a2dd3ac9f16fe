"""What the bytes of a foreign recording say by themselves, told without our framings and decoders.

Deliberately naive: it knows whole, well-formed recordings only, and reads just the facts that users lose.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from typing import Any, TypedDict


class Facts(TypedDict):
    """text, reasoning: joined. calls: (name, arguments as JSON value or text). reason: the provider's word.
    usage: (input, output) in the normal form's sense, None where the bytes give none."""

    text: str
    reasoning: str
    calls: list[tuple[str, Any]]
    reason: str | None
    usage: tuple[int | None, int | None]


def facts(protocol: str, body: bytes) -> Facts:
    """The facts of one body."""
    return _READERS[protocol](body)


def _sse(body: bytes) -> Iterator[dict[str, Any]]:
    for line in body.decode().replace("\r\n", "\n").split("\n"):
        if line.startswith("data:") and line[5:].strip() != "[DONE]":
            value = json.loads(line[5:])
            if isinstance(value, dict):
                yield value


def _arguments(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _responses(body: bytes) -> Facts:
    events = list(_sse(body))
    first = next((n for n, e in enumerate(events) if _is_terminal(e)), len(events) - 1)
    terminal = events[first].get("response", {})
    done = {e["output_index"]: e["item"] for e in events[:first] if e.get("type") == "response.output_item.done"}
    # The terminal's own output, and the done items where a backend leaves it out.
    output = terminal.get("output") or [done[n] for n in sorted(done)]
    usage = terminal.get("usage") or {}
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    reasoning = [item for item in output if item["type"] == "reasoning"]
    details = terminal.get("incomplete_details") or {}
    return Facts(
        text="".join(part["text"] for part in parts if part["type"] == "output_text"),
        reasoning="".join("".join(p["text"] for p in i.get("content") or i.get("summary") or ()) for i in reasoning),
        calls=[call for item in output if (call := _responses_call(item))],
        reason=details.get("reason") or terminal.get("status"),
        usage=(usage.get("input_tokens"), usage.get("output_tokens")),
    )


def _responses_call(item: dict[str, Any]) -> tuple[str, Any] | None:
    """What the client has to do: its own functions, and the hosted tools' kinds that run on its side."""
    kind = item["type"]
    if kind == "function_call":
        return item["name"], _arguments(item["arguments"])
    if kind == "custom_tool_call":
        return item["name"], _arguments(item["input"])
    local_shell = kind == "shell_call" and (item.get("environment") or {}).get("type") in (None, "local")
    client_search = kind == "tool_search_call" and item.get("execution") == "client"
    if local_shell or client_search or kind in ("local_shell_call", "apply_patch_call", "mcp_approval_request"):
        return kind.removesuffix("_call"), None
    return None


def _is_terminal(event: dict[str, Any]) -> bool:
    return event.get("type") in ("response.completed", "response.incomplete", "response.failed")


def _chat(body: bytes) -> Facts:
    text, reasoning, reason, usage = "", "", None, None
    calls: dict[Any, list[str]] = {}
    for chunk in _sse(body):
        usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage") or usage
        for choice in chunk.get("choices") or ():
            reason = reason or choice.get("finish_reason")
            delta = choice.get("delta") or {}
            content = delta.get("content") or ""
            if isinstance(content, list):  # Mistral
                reasoning += "".join(t["text"] for p in content if p["type"] == "thinking" for t in p["thinking"])
                content = "".join(p["text"] for p in content if p["type"] == "text")
            text += content
            own = delta.get("reasoning_content") or delta.get("reasoning")
            details = delta.get("reasoning_details") or ()
            reasoning += own or "".join(d.get("text") or d.get("summary") or "" for d in details)
            for call in delta.get("tool_calls") or ():
                state = calls.setdefault(call.get("index", call.get("id")), ["", ""])
                state[0] = state[0] or call["function"].get("name") or ""
                state[1] += call["function"].get("arguments") or ""
    return Facts(
        text=text,
        reasoning=reasoning,
        calls=[(name, _arguments(arguments)) for name, arguments in calls.values()],
        reason=reason,
        usage=_chat_usage(usage or {}),
    )


def _chat_usage(usage: dict[str, Any]) -> tuple[int | None, int | None]:
    total_in, out = usage.get("prompt_tokens"), usage.get("completion_tokens")
    thought = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
    if thought and usage.get("total_tokens") == total_in + out + thought:
        out += thought
    return total_in, out


def _messages(body: bytes) -> Facts:
    blocks: dict[int, dict[str, Any]] = {}
    usage: dict[str, Any] = {}
    reason, started = None, None
    for event in _sse(body):
        kind = event["type"]
        if kind == "message_start":
            message = event["message"]
            if started not in (None, message["id"]) or (started and reason):
                break  # a second cycle
            started = message["id"]
            usage |= {k: v for k, v in message["usage"].items() if v is not None}
            reason = reason or message.get("stop_reason")
            blocks |= dict(enumerate(message["content"]))
        elif kind == "content_block_start":
            blocks[event["index"]] = {**event["content_block"], "json": ""}
        elif kind == "content_block_delta":
            block, delta = blocks[event["index"]], event["delta"]
            for key, to in (("text", "text"), ("thinking", "thinking"), ("partial_json", "json")):
                if key in delta:
                    block[to] = block.get(to, "") + delta[key]
        elif kind == "message_delta":
            reason = event["delta"].get("stop_reason") or reason
            usage |= {k: v for k, v in (event.get("usage") or {}).items() if v is not None}
    ordered = [blocks[n] for n in sorted(blocks)]
    total_in = sum(usage.get(k, 0) for k in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"))
    return Facts(
        text="".join(b["text"] for b in ordered if b["type"] == "text"),
        reasoning="".join(b["thinking"] for b in ordered if b["type"] == "thinking"),
        calls=[
            (b["name"], json.loads(b["json"]) if b.get("json") else b["input"])
            for b in ordered
            if b["type"] == "tool_use"
        ],
        reason=reason,
        usage=(total_in, usage.get("output_tokens")),
    )


def _gemini(body: bytes) -> Facts:
    chunks = json.loads(body) if body.lstrip().startswith(b"[") else list(_sse(body))
    parts, reason, usage = [], None, {}
    for chunk in chunks:
        counts = chunk.get("usageMetadata") or {}
        usage = counts if any(key.endswith("TokenCount") for key in counts) else usage
        for candidate in chunk.get("candidates") or ():
            reason = candidate.get("finishReason") or reason
            parts += (candidate.get("content") or {}).get("parts") or ()
    plain = [p["functionCall"] for p in parts if "name" in p.get("functionCall", {})]
    has = "totalTokenCount" in usage
    return Facts(
        text="".join(p["text"] for p in parts if "text" in p and not p.get("thought")),
        reasoning="".join(p["text"] for p in parts if "text" in p and p.get("thought")),
        # Streamed arguments (partialArgs) are beyond this oracle: the name alone is compared.
        calls=[(c["name"], None if c.get("willContinue") else c.get("args", {})) for c in plain],
        reason=reason,
        usage=(
            usage.get("promptTokenCount", 0) + usage.get("toolUsePromptTokenCount", 0) if has else None,
            usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0) if has else None,
        ),
    )


def _converse(body: bytes) -> Facts:
    found = Facts(text="", reasoning="", calls=[], reason=None, usage=(None, None))
    calls: dict[int, list[str]] = {}
    while body:
        total, headers = struct.unpack("!II", body[:8])
        name = body[12 : 12 + headers].partition(b":event-type\x07")[2]
        size = struct.unpack("!H", name[:2])[0]
        kind, payload = name[2 : 2 + size].decode(), json.loads(body[12 + headers : total - 4])
        body = body[total:]
        delta = payload.get("delta", {})
        found["text"] += delta.get("text", "")
        found["reasoning"] += delta.get("reasoningContent", {}).get("text", "")
        tool = payload.get("start", {}).get("toolUse")
        if tool and tool.get("type") != "server_tool_use":
            calls[payload["contentBlockIndex"]] = [tool["name"], ""]
        if "toolUse" in delta and payload["contentBlockIndex"] in calls:
            calls[payload["contentBlockIndex"]][1] += delta["toolUse"]["input"]
        if kind == "messageStop":
            found["reason"] = payload["stopReason"]
        if kind == "metadata":
            usage = payload["usage"]
            cached = usage.get("cacheReadInputTokens", 0) + usage.get("cacheWriteInputTokens", 0)
            found["usage"] = (usage["inputTokens"] + cached, usage["outputTokens"])
    found["calls"] = [(name, _arguments(arguments)) for name, arguments in calls.values()]
    return found


_READERS: dict[str, Callable[[bytes], Facts]] = {
    "openai_responses": _responses,
    "openai_chat": _chat,
    "anthropic_messages": _messages,
    "gemini_generate_content": _gemini,
    "bedrock_converse": _converse,
}
