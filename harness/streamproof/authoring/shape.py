"""Holding events of the wire against schemas/wire: which words of a stream the published schema does not know.

A validator for the few keywords that our generated schemas use. It picks the member of a union by its constant (`type`
and others) and speaks of that member alone, where a general one would name every member that does not fit, and it is
some fifty times as fast.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from ..jsontext import JSON
from ..paths import Path, format_path
from ..requirements import shown

_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", type(None): "null"}

_KINDS: Mapping[type, tuple[str, ...]] = {
    dict: ("object",),
    list: ("array", "list"),
    str: ("string", "text"),
    bool: ("boolean",),
    type(None): ("null",),
}
"""How a declaration speaks of an event that is none, which has no name."""


class Breach(NamedTuple):
    """Where a value breaks the schema. words: those of which a declaration names one."""

    path: Path
    message: str
    words: tuple[str, ...]

    @property
    def place(self) -> str:
        """`response.output[0].status`."""
        return format_path(self.path)


class Shape:
    """A compiled schema."""

    __slots__ = ("any_of", "by_word", "extra", "items", "key", "members", "required", "types", "words")

    def __init__(self) -> None:
        self.types: frozenset[str] | None = None
        self.words: frozenset[Any] | None = None
        self.members: dict[str, Shape] | None = None
        self.required: tuple[str, ...] = ()
        self.extra: Shape | None = None  # of members without a shape of their own; None: any, where `members` is None
        self.items: Shape | None = None
        self.any_of: list[Shape] = []
        self.key: str | None = None  # the member whose constant tells the members of `any_of` apart
        self.by_word: dict[Any, list[Shape]] = {}


@cache
def shape(protocol: str) -> Shape | None:
    """The shape of one event of a protocol, None when we ship none."""
    file = files("streamproof.schemas").joinpath("wire", f"{protocol}.json")
    if not file.is_file():
        return None
    schema = json.loads(file.read_text("utf-8"))
    compiler = _Compiler(schema.get("$defs", {}))
    return compiler.compile(schema)


class _Compiler:
    """Schemas may be recursive, so a definition has its shape before it is filled."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._known: dict[str, Shape] = {}

    def compile(self, schema: Mapping[str, Any], into: Shape | None = None) -> Shape:
        if "$ref" in schema:
            return self._named(schema["$ref"].removeprefix("#/$defs/"))
        made = Shape() if into is None else into
        if "type" in schema:
            made.types = frozenset({schema["type"]} | ({"integer"} if schema["type"] == "number" else set()))
        if "const" in schema or "enum" in schema:
            made.words = frozenset(schema.get("enum", [schema.get("const")]))
        if "properties" in schema:
            made.members = {name: self.compile(item) for name, item in schema["properties"].items()}
            made.required = tuple(schema.get("required", ()))
        if isinstance(schema.get("additionalProperties"), Mapping):
            made.extra = self.compile(schema["additionalProperties"])
        if "items" in schema:
            made.items = self.compile(schema["items"])
        for member in schema.get("anyOf", ()):
            made.any_of.append(self.compile(member))
        self._index(made, schema.get("anyOf", ()))
        return made

    def _named(self, name: str) -> Shape:
        if name not in self._known:
            self._known[name] = made = Shape()
            found = self.compile(self._definitions[name], made)
            if found is not made:  # a definition that is a reference itself
                self._known[name] = found
        return self._known[name]

    def _index(self, made: Shape, members: Sequence[Mapping[str, Any]]) -> None:
        """The constant by which the objects of a union are told apart."""
        resolved = [(self._resolve(member), each) for member, each in zip(members, made.any_of, strict=True)]
        objects = [(schema, each) for schema, each in resolved if "properties" in schema]
        if len(objects) < 2:
            return
        for key in ("type", "object", "role"):
            words = [self._constants(schema["properties"].get(key, {})) for schema, _ in objects]
            if sum(map(bool, words)) >= len(objects) - 1 and any(words):
                made.key = key
                for found, (_, each) in zip(words, objects, strict=True):
                    for word in found or (None,):
                        made.by_word.setdefault(word, []).append(each)
                return

    def _constants(self, schema: Mapping[str, Any]) -> list[Any]:
        found = self._resolve(schema)
        return [word for each in (found, *found.get("anyOf", ())) for word in each.get("enum", _constant(each))]

    def _resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            schema = self._definitions[schema["$ref"].removeprefix("#/$defs/")]
        return schema


def _constant(schema: Mapping[str, Any]) -> list[Any]:
    return [schema["const"]] if "const" in schema else []


def breaches(protocol: str, name: str, payload: JSON) -> list[Breach]:
    """What of an event its protocol's schema does not allow. name: of the event, which Converse has in its frame."""
    root = shape(protocol)
    if root is None:
        return []
    found: list[Breach] = []
    _check(root, {name: payload} if protocol == "bedrock_converse" else payload, (), found)
    return found


def _check(shape: Shape, value: JSON, path: Path, found: list[Breach]) -> None:
    if shape.any_of:
        _check_union(shape, value, path, found)
        return
    if shape.types is not None and not _is_of(value, shape.types):
        message = f"{shown(value)} where the schema has {' or '.join(sorted(shape.types))}"
        found.append(Breach(path, message, _words(path) or _KINDS.get(type(value), ("number",))))
        return
    if shape.words is not None and not _is_word(value, shape.words):
        known = ", ".join(map(shown, sorted(shape.words, key=str)[:8]))
        message = f"{shown(value)} is none of {known}{', ...' if len(shape.words) > 8 else ''}"
        found.append(Breach(path, message, (*_words(path), *([value] if isinstance(value, str) else []))))
        return
    if isinstance(value, dict):
        _check_object(shape, value, path, found)
    elif isinstance(value, list) and shape.items is not None:
        for number, item in enumerate(value):
            _check(shape.items, item, (*path, number), found)


def _check_object(shape: Shape, value: Mapping[str, JSON], path: Path, found: list[Breach]) -> None:
    members = shape.members
    if members is None:
        if shape.extra is not None:
            for name, item in value.items():
                _check(shape.extra, item, (*path, name), found)
        return
    for name, item in value.items():
        member = members.get(name)
        if member is not None:
            _check(member, item, (*path, name), found)
        elif shape.extra is not None:
            _check(shape.extra, item, (*path, name), found)
        else:
            found.append(Breach((*path, name), "the schema has no such member", _words((*path, name))))
    for name in shape.required:
        if name not in value:
            found.append(Breach((*path, name), "missing, which the schema requires", _words((*path, name))))


def _check_union(shape: Shape, value: JSON, path: Path, found: list[Breach]) -> None:
    candidates = shape.any_of
    if isinstance(value, dict) and shape.key is not None:
        word = value.get(shape.key)
        hashable = word if isinstance(word, str) else None
        candidates = shape.by_word.get(hashable, shape.by_word.get(None, []))
        if not candidates:
            message = f"{shown(word)}: the schema has no such {shape.key}" if word is not None else "missing"
            words = (word, word.rpartition(".")[0]) if isinstance(word, str) else _words((*path, shape.key))
            found.append(Breach((*path, shape.key), message, words))
            return
    best: list[Breach] | None = None
    for candidate in candidates:
        tried: list[Breach] = []
        _check(candidate, value, path, tried)
        if not tried:
            return
        if best is None or _badness(tried, path) < _badness(best, path):
            best = tried
    found += best or []


def _badness(breaches: list[Breach], path: Path) -> tuple[bool, int]:
    """A member of another kind altogether fits worse than one of the right kind with many faults."""
    return any(breach.path == path for breach in breaches), len(breaches)


def _is_of(value: JSON, types: frozenset[str]) -> bool:
    name = _NAMES.get(type(value))
    if name is None:  # a float, or a number that keeps its spelling
        return "number" in types or ("integer" in types and float(value).is_integer())
    return name in types


def _is_word(value: JSON, words: frozenset[Any]) -> bool:
    return isinstance(value, str | int | bool) and value in words


def _words(path: Path, *more: str) -> tuple[str, ...]:
    """The names by which a declaration may speak of this place: its own."""
    names = [step for step in path if isinstance(step, str)]
    return (*names[-1:], *more)
