"""JSON as text that loses nothing: number spellings and lone surrogates survive a round trip.

`json` alone would turn `1.50` into `1.5`, `-0` into `0` and `1e400` into `Infinity`, refuse an integer of
5 000 digits, and write an unpaired surrogate that no UTF-8 file can hold. Tool arguments and raw usage have
to come out as the provider wrote them, so numbers that Python would respell are kept as `Number`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any, TypeAlias

JSON: TypeAlias = Any  # object, array, string, number, true, false, null; recursive aliases cost more than they tell
JSONObject: TypeAlias = Mapping[str, Any]

MAX_DEPTH = 200
"""Levels of nesting; real streams have a dozen."""

_ROOM = 2 * MAX_DEPTH
"""A document that is shorter has no room for more levels."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class Number(float):
    """A float that remembers its spelling on the wire (`text`); compares and computes as the float."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Number:
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __reduce__(self) -> tuple[type[Number], tuple[str]]:
        return Number, (self.text,)


def _float(text: str) -> float:
    value = float(text)
    return value if repr(value) == text else Number(text)


def _int(text: str) -> int | float:
    if text == "-0" or len(text) > 4000:  # int() would lose the sign, or refuse the length
        return Number(text)
    return int(text)


def _no_json(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(parse_float=_float, parse_int=_int, parse_constant=str)
_STRICT = json.JSONDecoder(parse_float=_float, parse_int=_int, parse_constant=_no_json)
_PLAIN = json.JSONDecoder(parse_float=_float, parse_constant=str)
"""For texts whose integers need no `_int`: a call for each is a third of the cost."""
_NEGATIVE_ZERO = re.compile("-0(?![0-9.eE])")


def loads(text: str) -> JSON:
    """Parse one JSON document.

    `NaN` and `Infinity`, which some servers send, become strings: they are no JSON and must not come out again.
    Raises ValueError: malformed, or nested more than MAX_DEPTH deep (nothing that is read may be unwritable).
    """
    flat = len(text) < _ROOM or text.count("[") + text.count("{") <= MAX_DEPTH
    if flat and not ("-0" in text and _NEGATIVE_ZERO.search(text)):
        try:
            value, end = _PLAIN.raw_decode(text)
        except ValueError:  # it begins with white space, is malformed, or has an integer that Python refuses
            return _loads(text, _DECODER)
        if end == len(text):
            return value
    return _loads(text, _DECODER)


def _loads(text: str, decoder: json.JSONDecoder) -> JSON:
    if text.count("[") + text.count("{") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise ValueError(f"nested more than {MAX_DEPTH} deep")
    return decoder.decode(text)


def dumps(value: JSON, *, indent: int | None = None) -> str:
    """One canonical text: UTF-8 as it is, lone surrogates as `\\udXXX`, keys in their own order.

    Without `indent` it is compact (`,` and `:` without spaces), as tool arguments are normalized.
    """
    out: list[str] = []
    _write(value, out, None if indent is None else " " * indent, "\n")
    return "".join(out)


def quote(text: str) -> str:
    """A JSON string literal."""
    return _SURROGATE.sub(lambda m: f"\\u{ord(m[0]):04x}", encode_basestring(text))


def is_json(text: str) -> bool:
    """Whether `text` is one whole JSON document; `NaN` and `Infinity` are none."""
    try:
        _loads(text, _STRICT)
    except ValueError:
        return False
    return True


_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        mark = match[0]
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def _write(value: JSON, out: list[str], step: str | None, newline: str) -> None:
    if isinstance(value, str):
        out.append(quote(value))
    elif value is None or isinstance(value, bool):
        out.append("null" if value is None else "true" if value else "false")
    elif isinstance(value, Number):
        out.append(value.text)
    elif isinstance(value, float) and not math.isfinite(value):
        out.append(quote(repr(value)))  # no JSON; a string, as `loads` makes of it
    elif isinstance(value, int | float):
        out.append(repr(value))
    elif isinstance(value, Mapping):
        pairs = [(quote(str(key)) + (":" if step is None else ": "), item) for key, item in value.items()]
        _write_items("{", pairs, "}", out, step, newline)
    elif isinstance(value, list | tuple):
        _write_items("[", [("", item) for item in value], "]", out, step, newline)
    else:
        raise TypeError(f"{type(value).__name__} is not JSON")


def _write_items(
    opening: str, items: list[tuple[str, JSON]], closing: str, out: list[str], step: str | None, newline: str
) -> None:
    inner = "" if step is None else newline + step
    out.append(opening)
    for n, (prefix, item) in enumerate(items):
        out.append(("," if n else "") + inner + prefix)
        _write(item, out, step, newline if step is None else inner)
    out.append(("" if step is None or not items else newline) + closing)
