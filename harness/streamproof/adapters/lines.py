"""The lines of the process contract: written, read, and held against schemas/process.schema.json.

A fault is an AdapterError that says which line of the adapter's output it is, in which case, and what to do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from .. import jsontext
from ..errors import ERROR_CLASSES, AdapterError
from ..jsontext import JSONObject
from ..schemas import problems

SCHEMA: Final = 1
"""The version of the contract that we speak."""

FROM_CHILD: Final = frozenset({"hello", "delta", "tried", "result", "error"})
"""What an adapter may send; the rest is ours."""

_SHOWN = 120
_STDERR = "Write messages only to standard output, and everything else to standard error."


def encode(message: JSONObject) -> bytes:
    """A message as a line."""
    return jsontext.dumps(message).encode("utf-8") + b"\n"


def decode(line: bytes, number: int, *, case: str | None = None) -> Mapping[str, Any]:
    """The message of a line that an adapter wrote. number: of the line, from 1. Raises AdapterError."""
    place = f"line {number} of the adapter's output"
    try:
        message = jsontext.loads(line.decode("utf-8"))
    except ValueError as error:  # UnicodeDecodeError is one
        what = "no UTF-8" if isinstance(error, UnicodeDecodeError) else "no JSON"
        raise AdapterError(f"{what}: {shown(line)}", case=case, place=place, remedy=_STDERR) from None
    if not isinstance(message, dict):
        raise AdapterError(f"no JSON object: {shown(line)}", case=case, place=place, remedy=_STDERR)
    fault = _fault(message)
    if fault is not None:
        raise AdapterError(fault[0], case=case, place=place, remedy=fault[1])
    return message


def shown(line: bytes) -> str:
    """The beginning of a line, for messages."""
    text = repr(line[:_SHOWN].decode("utf-8", "replace"))
    return text if len(line) <= _SHOWN else f"{text}... ({len(line)} bytes)"


def _fault(message: JSONObject) -> tuple[str, str] | None:
    """What is wrong with a message, and what to do; None for nothing."""
    kind = message.get("type")
    if kind == "delta" and _is_plain_append(message):
        return None
    if kind == "hello" and (fault := _other_version(message)):
        return fault
    if isinstance(kind, str) and kind not in FROM_CHILD:
        return f"an adapter does not send {kind!r}", f"Send one of: {', '.join(sorted(FROM_CHILD))}."
    found = problems("process", message)
    if found:
        # what concerns a key that is there says more than a missing one, as its misspelling may be the reason
        first = min(found, key=lambda problem: problem.rule == "required")
        return f"{kind or 'message'}: {first.place or 'the message'}: {first.message}", first.remedy
    error = message.get("error")
    if kind == "error" and isinstance(error, dict) and error["type"] not in ERROR_CLASSES:
        return f"error: error.type: {error['type']!r} is no type of error", f"Write one of: {', '.join(ERROR_CLASSES)}."
    return None


def _other_version(hello: JSONObject) -> tuple[str, str] | None:
    version = hello.get("schema")
    if not isinstance(version, int) or isinstance(version, bool) or version == SCHEMA:
        return None
    remedy = "Update streamproof" if version > SCHEMA else "Update the adapter"
    return f"the adapter speaks version {version} of the process contract, we speak {SCHEMA}", (
        f"{remedy}, or let the adapter speak version {SCHEMA}."
    )


_DELTA_KEYS: Final[Collection[str]] = {"type", "id", "delta"}
_APPEND_KEYS: Final[Collection[str]] = {"op", "part", "field", "value", "choice"}


def _is_plain_append(message: JSONObject) -> bool:
    """Whether it is the commonest message, beyond doubt: the schema takes a quarter of a millisecond for each."""
    delta = message.get("delta")
    return (
        isinstance(delta, dict)
        and message.keys() == _DELTA_KEYS
        and delta.keys() == _APPEND_KEYS
        and type(message["id"]) is str
        and message["id"] != ""
        and delta["op"] == "append"
        and type(delta["choice"]) is int
        and type(delta["field"]) is str
        and type(delta["value"]) is str
        and type(delta["part"]) is list
        and len(delta["part"]) > 0
        and all(type(index) is int for index in delta["part"])
    )
