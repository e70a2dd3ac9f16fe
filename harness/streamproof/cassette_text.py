"""The readable text of a cassette: what `save` writes and any vcrpy loads.

A body is written in the first of these forms that reloads to the same bytes:

1. one line: single-quoted;
2. several lines: a literal block, `|+` when the body ends with a newline (`|` would drop the last blank line and with
   it the terminal event), `|-` when it does not;
3. double-quoted, one line of the wire per line of the file, its line end and unusual characters as escapes;
4. `!!binary`.

Literal blocks hold no character that an editor hides, changes or strips: no tab, carriage return, byte order mark,
DEL, U+0085, U+2028, no space at the end of a line. The text is the same for the same data, whatever wrote it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from .errors import CassetteError
from .safeyaml import parse

WIDTH = 110
_FLOWING = ("metadata", "streamproof")
"""Below these keys short lists stand on one line; all else is laid out as vcrpy does it."""
_KEY_LIMIT = 1000
"""Longer keys are no simple keys to a YAML scanner."""

_HIDDEN = "\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff"
_LITERAL = re.compile(f"[^{_HIDDEN}]*")
_SINGLE_LINE = re.compile(f"[^\n{_HIDDEN}]*")
_TRAILING_SPACE = re.compile(r" (?:\n|\Z)")
_WIRE_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_PLAIN = re.compile(r"[\w/(][\w/()\[\]+.,;:=!?%$#@'\"<>*&~ -]*")
_NOT_PLAIN = re.compile(r"[:#] |[ ]#|[ :]\Z|\A[\d.+_-][\da-fxob.+_:eE-]*\Z")  # the last: numbers and dates of any YAML
_PROSE = re.compile(r"\S+(?: \S+)+")
_ESCAPE = re.compile(f'["\\\\\n{_HIDDEN}]')
_NAMED_ESCAPES = {'"': '\\"', "\\": "\\\\", "\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\x1b": "\\e"}
_RESOLVER: Any = yaml.resolver.Resolver()
_STRING = "tag:yaml.org,2002:str"


def render(cassette: Mapping[str, Any]) -> str:
    """The text of {metadata?, interactions, version} in vcrpy's layout; bodies may be str or bytes.

    Raises CassetteError for what no cassette can hold (a value that is not plain data).
    """
    ordered = {key: cassette[key] for key in ("metadata", "interactions", "version") if key in cassette}
    return "".join(_mapping(ordered, 0, flow=False))


class ReadableSerializer:
    """A serializer for `vcr.VCR.register_serializer` and `vcr.cassette.Cassette.load`: safe to read, good to read."""

    @staticmethod
    def serialize(cassette: Mapping[str, Any]) -> str:
        return render(cassette)

    @staticmethod
    def deserialize(text: str) -> Any:
        return parse(text).data


def _value(value: Any, indent: int, *, flow: bool) -> Iterable[str]:
    """What follows `key:` or `-` in a collection at `indent`. flow: short lists may stand on one line."""
    if isinstance(value, Mapping) and value:
        return ["\n", *_mapping(value, indent + 2, flow=flow)]
    if isinstance(value, list | tuple) and value:
        line = _flow_list(value) if flow else None
        return ["\n", *_sequence(value, indent, flow=flow)] if line is None else [f" {line}\n"]
    return [f" {_scalar(value, indent)}\n"]


def _mapping(value: Mapping[Any, Any], indent: int, *, flow: bool) -> Iterable[str]:
    for key, item in value.items():
        if not isinstance(key, str) or len(key) > _KEY_LIMIT:
            raise CassetteError(f"the key {str(key)[:50]!r} cannot be written", remedy="Use a short string as key.")
        yield f"{' ' * indent}{_scalar(key, indent, is_key=True)}:"
        yield from _value(item, indent, flow=flow or key in _FLOWING)


def _sequence(value: Iterable[Any], indent: int, *, flow: bool) -> Iterable[str]:
    for item in value:
        yield f"{' ' * indent}-"
        short = _flow_list(item) if flow and isinstance(item, list | tuple) and item else None
        if short is not None:
            yield f" {short}\n"
        elif isinstance(item, Mapping | list | tuple) and item:
            lines = (
                _mapping(item, indent + 2, flow=flow)
                if isinstance(item, Mapping)
                else _sequence(item, indent + 2, flow=flow)
            )
            yield "".join(lines)[indent + 1 :]
        else:
            yield from _value(item, indent, flow=flow)


def _flow_list(value: Iterable[Any]) -> str | None:
    items = []
    for item in value:
        if isinstance(item, Mapping | list | tuple | bytes):
            return None
        form = _scalar(item, 0)
        # PyYAML's own scanner ends a plain item at a `?`, libyaml does not
        items.append(_quoted(item) if form is item and "?" in item else form)
    line = f"[{', '.join(items)}]"
    return line if len(line) <= WIDTH - 30 and "\n" not in line and _reloads(line, 0, list(value)) else None


def _scalar(value: Any, indent: int, *, is_key: bool = False) -> str:
    if isinstance(value, str):
        return _key(value) if is_key else _text(value, indent)
    if isinstance(value, bytes | bytearray):
        return _body(bytes(value), indent)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    raise CassetteError(f"a {type(value).__name__} cannot be written", remedy="Use text, numbers, lists and mappings.")


def _float(value: float) -> str:
    text = repr(float(value))
    special = {"inf": ".inf", "-inf": "-.inf", "nan": ".nan"}.get(text)
    if special is not None:
        return special
    mantissa, mark, exponent = text.partition("e")
    if not mark:
        return text
    # YAML 1.1 knows a float by its point and the sign of its exponent
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}e{exponent if exponent[0] in '+-' else '+' + exponent}"


def _key(text: str) -> str:
    return text if _is_plain(text) else _quoted(text) if "'" in text else _single_quoted(text) or _quoted(text)


def _text(text: str, indent: int) -> str:
    """A string that is no body: bytes that are no text are not meant."""
    for form in _forms(text, indent):
        if form is not None and _reloads(form, indent, text):
            return form
    raise CassetteError(f"the text {text[:50]!r} cannot be written", remedy="Remove the lone surrogates from it.")


def _body(body: bytes, indent: int) -> str:
    """The readable form of a body, else `!!binary`."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return _binary(body, indent)
    for form in _forms(text, indent):
        if form is not None and _reloads(form, indent, text):
            return form
    return _binary(body, indent)


def _forms(text: str, indent: int) -> Iterable[str | None]:
    if "\n" in text.rstrip("\r\n") or text.endswith("\n"):
        yield _literal(text, indent)
    else:
        yield text if _is_plain(text) and len(text) <= WIDTH else None
        yield _folded(text, indent)
        yield _single_quoted(text)
    yield _quoted(text) if len(_WIRE_LINE.findall(text)) < 2 else _quoted_lines(text, indent)


def _is_plain(text: str) -> bool:
    return (
        _PLAIN.fullmatch(text) is not None
        and _SINGLE_LINE.fullmatch(text) is not None
        and _NOT_PLAIN.search(text) is None
        and _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)) == _STRING
    )


def _single_quoted(text: str) -> str | None:
    return f"'{text.replace(chr(39), chr(39) * 2)}'" if _SINGLE_LINE.fullmatch(text) else None


def _literal(text: str, indent: int) -> str | None:
    if not _LITERAL.fullmatch(text) or _TRAILING_SPACE.search(text) or not text.strip("\n"):
        return None
    margin = " " * (indent + 2)
    header = ("|2" if text[0] in " \n" else "|") + ("+" if text.endswith("\n") else "-")
    lines = text.removesuffix("\n").split("\n")
    return "\n".join((header, *(margin + line if line else "" for line in lines)))


def _folded(text: str, indent: int) -> str | None:
    """Prose that is too long for one line; JSON and the like stay on theirs."""
    if len(text) <= WIDTH or text[0] in "{[" or not _PROSE.fullmatch(text) or not _SINGLE_LINE.fullmatch(text):
        return None
    margin = " " * (indent + 2)
    lines, line = [], margin
    for word in text.split(" "):
        if line != margin and len(line) + 1 + len(word) > WIDTH:
            lines.append(line)
            line = margin
        line += word if line == margin else " " + word
    return "\n".join((">-", *lines, line))


def _quoted(text: str) -> str:
    return f'"{_ESCAPE.sub(_escape, text)}"'


def _quoted_lines(text: str, indent: int) -> str:
    margin = " " * (indent + 2)
    lines = []
    for line in _WIRE_LINE.findall(text):
        escaped = _ESCAPE.sub(_escape, line)
        lines.append(margin + ("\\" + escaped if escaped[:1] == " " else escaped))
    return '"\\\n' + "\\\n".join(lines) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    named = _NAMED_ESCAPES.get(character)
    if named is not None:
        return named
    return f"\\x{ord(character):02x}" if character < "\x80" else f"\\u{ord(character):04x}"


def _binary(body: bytes, indent: int) -> str:
    margin = " " * (indent + 2)
    encoded = base64.b64encode(body).decode("ascii")
    return "\n".join(("!!binary |", *(margin + encoded[at : at + 76] for at in range(0, len(encoded), 76))))


def _reloads(form: str, indent: int, value: Any) -> bool:
    """Whether a form, standing at its place, gives the value back."""
    if form is value or ("\n" not in form and form[0] == "'"):
        return True  # plain and single-quoted hold no character that YAML could change
    try:
        return bool(parse(f"{' ' * indent}k: {form}\n{' ' * indent}z: 1\n").data == {"k": value, "z": 1})
    except CassetteError:
        return False
