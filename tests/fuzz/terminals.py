"""Whether a body holds a terminal event, told without the decoders: what they are checked against.

Every JSON object in the body that is whole is looked at, wherever it stands, so this errs only on one side: `False` is
certain, `True` may be a terminal event that a decoder had reasons not to count. What ends a stream of which protocol
is in docs/normal-form.md, `status`.
"""

from __future__ import annotations

import base64
import json
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_DECODER = json.JSONDecoder(parse_int=lambda _: 0, parse_float=lambda _: 0.0, parse_constant=str)
"""`NaN` and `Infinity`, which are no JSON, are texts here too, so one can stand for a reason (jsontext.py)."""
_LINE_END = re.compile(r"\r\n|\r|\n")
_DATA_LINE = re.compile(r"^\ufeff?data: ?(.*)", re.MULTILINE)
_BEGIN = re.compile(r"[{\[]")


def holds_terminal(protocol: str, body: bytes) -> bool:
    """Whether any part of the body, which has no content encoding, is an end of a stream of this protocol."""
    return any(_ENDS[protocol](name, value) for name, value in _events(body))


def _events(body: bytes) -> Iterator[tuple[str, Any]]:
    """Names and values: those of frames, and all that could be an event in a text; ("", "[DONE]") for the sentinel."""
    for name, payload in _frames(body):
        yield from ((name, value) for value in _values(payload.decode("utf-8", "replace")))
    text = _LINE_END.sub("\n", body.decode("utf-8", "replace"))
    for name in re.findall(r"^event: ?(.*)", text, re.MULTILINE):
        yield name, {}
    if "[DONE]" in text:
        yield "", "[DONE]"
    for value in _values(text):
        yield "", value
    for value in _values("\n".join(_DATA_LINE.findall(text))):  # one event may stand on several lines
        yield "", value


def _values(text: str) -> Iterator[Any]:
    """Every object and array outside of another one that is whole; in arrays and `bytes`, what they hold."""
    at = 0
    while found := _BEGIN.search(text, at):
        try:
            value, at = _DECODER.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            at = found.end()
            continue
        yield from _inside(value)


def _inside(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, list):
        for item in value:
            yield from _inside(item)
    elif isinstance(value, dict) and isinstance(value.get("bytes"), str):
        try:
            yield from _values(base64.b64decode(value["bytes"]).decode("utf-8", "replace"))
        except ValueError:
            return


def _frames(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Event type and payload of each frame of an AWS event stream; checksums are not looked at."""
    at = 0
    while at + 16 <= len(body):
        total, headers = struct.unpack_from("!II", body, at)
        if total < 16 or at + total > len(body):
            return
        named = re.search(rb":event-type\x07..", body[at + 12 : at + 12 + headers], re.DOTALL)
        start = at + 12 + (named.end() if named else 0)
        name = body[start : start + int.from_bytes(named[0][-2:], "big")] if named else b""
        yield name.decode("utf-8", "replace"), body[at + 12 + headers : at + total - 4]
        at += total


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _objects(value: Any, key: str) -> list[Any]:
    """The objects under a key, whether one or a list of them."""
    inner = value.get(key) if isinstance(value, dict) else None
    return [item for item in (inner if isinstance(inner, list) else [inner]) if isinstance(item, dict)]


def _chat(_: str, value: Any) -> bool:
    """`[DONE]`, a choice with a finish reason, or a whole `chat.completion`."""
    choices = _objects(value, "choices")
    return value == "[DONE]" or any(
        _is_word(choice.get("finish_reason")) or isinstance(choice.get("message"), dict) for choice in choices
    )


_NAMES_OF_ENDS = ("response.completed", "response.incomplete", "response.done")
_NO_ENDS = ("queued", "in_progress", "failed", "cancelled")


def _responses(name: str, value: Any) -> bool:
    """The events that end a response, a failed one whose status denies it, or a whole response not under way."""
    if not isinstance(value, dict):
        return False
    if name in _NAMES_OF_ENDS or value.get("type") in _NAMES_OF_ENDS:
        return True
    denied = any(response.get("status") in ("completed", "incomplete") for response in _objects(value, "response"))
    whole = "output" in value or value.get("object") == "response"
    return denied or (whole and value.get("status") not in _NO_ENDS)


def _messages(name: str, value: Any) -> bool:
    """`message_stop`, a `message_delta` with a stop reason, or a whole message with one."""
    if name == "message_stop" or not isinstance(value, dict):
        return name == "message_stop"
    holders = [value, *_objects(value, "delta"), *_objects(value, "message")]
    return value.get("type") == "message_stop" or any(_is_word(holder.get("stop_reason")) for holder in holders)


def _gemini(_: str, value: Any) -> bool:
    """A candidate with a finish reason, or a prompt that was blocked; proxies write snake case."""
    return any(
        _is_word(holder.get(camel)) or _is_word(holder.get(snake))
        for keys, camel, snake in (
            (("candidates",), "finishReason", "finish_reason"),
            (("promptFeedback", "prompt_feedback"), "blockReason", "block_reason"),
        )
        for key in keys
        for holder in _objects(value, key)
    )


def _converse(name: str, value: Any) -> bool:
    """`messageStop`, or a whole response with its stop reason."""
    return name == "messageStop" or (isinstance(value, dict) and ("messageStop" in value or "stopReason" in value))


_ENDS: Mapping[str, Callable[[str, Any], bool]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic_messages": _messages,
    "gemini_generate_content": _gemini,
    "bedrock_converse": _converse,
}
