"""Function-call arguments that Gemini streams in pieces, put together again.

With `streamFunctionCallArguments` Vertex AI sends a call as several `functionCall` parts, each with `partialArgs`:
values and the RFC 9535 paths at which they stand, e.g. `{"jsonPath": "$.items[0].name", "stringValue": "app",
"willContinue": true}` (google.genai.types.PartialArg; recordings agree). A string comes in several pieces of one path;
numbers, booleans and nulls come whole. Nothing on the wire says "empty object" or "empty array".

A piece that cannot be placed makes the arguments not `whole`: the call must not be run. Paths come from outside, so
their depth and the gaps that they may leave in an array are limited.
"""

from __future__ import annotations

import itertools
import re
from typing import Any, Final

from ... import jsontext
from ...jsontext import JSON, JSONObject

MAX_DEPTH: Final = 100
"""Segments of a path."""
MAX_GAPS: Final = 100
"""Array elements of one call that were skipped, as an element `[1]` before any `[0]` skips one."""

_SEGMENT = re.compile(
    r"""\.([^.\[\]*]+) | \[([0-9]{1,9})\] | \[('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]""", re.VERBOSE | re.DOTALL
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_MISSING: Final[Any] = object()


class _Text(list[str]):
    """A string that is still growing. open: its last piece said `willContinue`."""

    open = True


class PartialArgs:
    """The arguments of one call so far."""

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}
        self._damaged = False
        self._gaps = self._skipped = 0

    @property
    def whole(self) -> bool:
        """Whether every piece found its place and no array element is missing."""
        return not self._damaged and not self._gaps

    def text(self) -> str:
        """The arguments as compact JSON, members in the order in which they appeared, a missing element as null."""
        return jsontext.dumps(_plain(self._root))

    def update(self, args: JSONObject) -> None:
        """Take members that came whole (`args` beside `partialArgs`).

        Raises RecursionError or ValueError when they are nested too deeply to be written.
        """
        self._root.update(jsontext.loads(jsontext.dumps(args)))

    def add(self, piece: JSON) -> str | None:
        """Put one piece in its place. What is odd about it, None when nothing is."""
        if not isinstance(piece, dict):
            return self._reject("a piece that is no object")
        path = parse_path(piece.get("jsonPath"))
        holder = None if path is None else self._holder(path)
        if path is None or holder is None:
            return self._reject(f"no place for {str(piece.get('jsonPath'))[:200]!r}")
        return self._put(holder, path[-1], piece)

    def _reject(self, why: str) -> str:
        self._damaged = True
        return why

    def _holder(self, path: list[str | int]) -> Any:
        """The object or array that holds the last segment, made where it is missing; None when that cannot be."""
        here: Any = self._root
        for segment, below in itertools.pairwise(path):
            if not self._takes(here, segment):
                return None
            child = _get(here, segment)
            if child is _MISSING:
                child = {} if isinstance(below, str) else []
                self._set(here, segment, child)
            here = child
        return here if self._takes(here, path[-1]) else None

    def _takes(self, holder: Any, segment: str | int) -> bool:
        if isinstance(segment, str):
            return type(holder) is dict
        return type(holder) is list and segment - len(holder) + self._skipped <= MAX_GAPS

    def _set(self, holder: Any, segment: str | int, value: Any) -> None:
        if isinstance(segment, int):
            gap = max(0, segment - len(holder))
            self._skipped += gap
            self._gaps += gap
            holder += [_MISSING] * gap
            if segment == len(holder):
                holder.append(value)
                return
            self._gaps -= holder[segment] is _MISSING
        holder[segment] = value

    def _put(self, holder: Any, segment: str | int, piece: JSONObject) -> str | None:
        old, value = _get(holder, segment), _value(piece)
        path, goes_on = piece["jsonPath"][:200], piece.get("willContinue") is True
        if value is _MISSING:  # the end of a string may come without a value
            if type(old) is not _Text:
                return self._reject(f"no value for {path!r}")
            old.open = goes_on
            return None
        if type(old) is _Text and isinstance(value, str):
            was_open, old.open = old.open, goes_on
            old.append(value)
            return None if was_open else f"{path!r} goes on after its last piece"
        if isinstance(value, str):
            value = _Text((value,))
            value.open = goes_on
        self._set(holder, segment, value)
        return None if old is _MISSING else f"{path!r} has a second value"


def parse_path(path: JSON) -> list[str | int] | None:
    """The segments of a path such as `$.a[0]['b.c']`; None for anything but names and indexes below `$`."""
    if not isinstance(path, str) or not path.startswith("$"):
        return None
    segments: list[str | int] = []
    place = 1
    while place < len(path):
        match = _SEGMENT.match(path, place)
        if match is None or len(segments) == MAX_DEPTH:
            return None
        name, index, quoted = match.groups()
        segments.append(name if name is not None else int(index) if index is not None else _unquoted(quoted))
        place = match.end()
    return segments or None


def _unquoted(quoted: str) -> str:
    if "\\" not in quoted:
        return quoted[1:-1]
    text = _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _ESCAPED.get(m[2], m[2]), quoted[1:-1])
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")  # joins surrogate pairs


def _get(holder: Any, segment: str | int) -> Any:
    if isinstance(segment, int):
        return holder[segment] if segment < len(holder) else _MISSING
    return holder.get(segment, _MISSING)


def _value(piece: JSONObject) -> Any:
    """The one value of a piece. JSON writes google.protobuf.NullValue as null, the SDK as "NULL_VALUE"."""
    for name, kinds in (("stringValue", (str,)), ("numberValue", (int, float)), ("boolValue", (bool,))):
        value = piece.get(name)
        if isinstance(value, kinds) and (name == "boolValue" or not isinstance(value, bool)):
            return value
    return None if "nullValue" in piece else _MISSING


def _plain(value: Any) -> JSON:
    if type(value) is _Text:
        return "".join(value)
    if type(value) is dict:
        return {name: _plain(item) for name, item in value.items()}
    if type(value) is list:
        return [_plain(item) for item in value]
    return None if value is _MISSING else value
