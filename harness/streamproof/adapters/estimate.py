"""Token counts for a server that reports none. They are guesses, and are marked so."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from .. import jsontext
from ..completion import Completion, ReasoningPart
from ..jsontext import JSON, JSONObject

CHARACTERS_PER_TOKEN = 4
"""OpenAI's rule of thumb for English: https://platform.openai.com/tokenizer."""


@cache
def counter() -> Callable[[str], int]:
    """Counts the tokens of a text: by o200k with the extra `tokenizer` (bpe-openai has its vocabulary in it and works
    offline), else characters divided by four, rounded up."""
    try:
        import bpe_openai  # noqa: PLC0415 - 41 MB that only this needs
    except ImportError:
        return lambda text: -(-len(text) // CHARACTERS_PER_TOKEN)
    encoding = bpe_openai.get_encoding("o200k_base")
    # a lone surrogate, which the library refuses, counts as the one character that it is
    return lambda text: len(encoding.encode_ordinary(text.encode("utf-8", "replace").decode()))


def estimate_usage(request: JSONObject, completion: Completion) -> dict[str, int | bool]:
    """`Usage` fields for a call: every text of the request's content, and all that the model wrote."""
    count = counter()
    thoughts = "".join(part.text for part in completion.content if isinstance(part, ReasoningPart))
    calls = "".join(call.name + call.arguments for call in completion.tool_calls)
    content = {name: request[name] for name in _CONTENT if name in request}
    return {
        "input_tokens": count("".join(_texts(content))),
        "output_tokens": count(completion.text + calls + thoughts),
        "reasoning_tokens": count(thoughts),
        "estimated": True,
    }


_CONTENT = ("messages", "input", "instructions", "system", "contents", "systemInstruction", "tools")

_NO_TEXT = frozenset(
    [
        "role", "type", "id", "tool_call_id", "call_id", "tool_use_id", "status", "cache_control", "signature",
        "thoughtSignature", "thought_signature", "encrypted_content", "data", "url", "image_url", "file_id",
        "file_data", "mimeType", "mime_type", "media_type", "format", "detail", "fileUri", "file_uri",
    ]
)  # fmt: skip
"""Fields of messages whose strings the model does not read as text: labels, ids, ciphertext, and media, whose base64
would outweigh all text. Media itself is not counted."""


def _texts(value: JSON) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        if "parameters" in value or "input_schema" in value or "parametersJsonSchema" in value:
            return [jsontext.dumps(value)]  # a tool definition is read by the model as it stands
        return [text for name, item in value.items() if name not in _NO_TEXT for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []
