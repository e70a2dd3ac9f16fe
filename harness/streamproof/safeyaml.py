"""YAML (and JSON) from strangers to plain data: nothing runs, nothing explodes, every fault has a place.

PyYAML alone is not enough: libyaml's composer recurses on the C stack (100 000 `[` kill the process), an alias bomb
is built before anybody can look at it, and a merge key multiplies. So the parser's events are composed here, in one
loop, with a bound on depth and on the size that aliases would expand to; only then is anything constructed.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from .errors import CassetteError
from .paths import format_path

MAX_DEPTH = 100
"""Collections inside one another."""
MAX_WEIGHT = 1_000_000
"""Nodes of the document with every alias and merge key expanded; 256 characters of a scalar count as one more."""
_CHARACTERS_PER_NODE = 256

_CORE = "tag:yaml.org,2002:"
_MERGE = _CORE + "merge"
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""With libyaml 50 to 77 times faster than without."""


def safe_loader(base: Any) -> Any:
    """A subclass of a safe PyYAML loader in which dates stay text and vcrpy's harmless Python tags become data."""
    loader: Any = type("CassetteLoader", (base,), {})
    loader.yaml_implicit_resolvers = {  # `2026-11-22` is a string here, and so is `=`
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_CORE + "timestamp", _CORE + "value")]
        for first, resolvers in base.yaml_implicit_resolvers.items()
    }
    for tag, constructor in _TAGS.items():
        loader.add_constructor(_CORE + tag, constructor)
    loader.add_constructor("!binary", _strict_binary)  # Ruby's Psych writes it so
    return loader


def _python_text(loader: Any, node: yaml.Node) -> Any:
    return loader.construct_scalar(node)


def _python_list(loader: Any, node: yaml.Node) -> Any:
    return loader.construct_sequence(node, deep=True)


def _python_bytesio(loader: Any, node: yaml.Node) -> Any:
    state = loader.construct_mapping(node, deep=True).get("state")
    return state[0] if state else b""


def _python_iterator(loader: Any, node: yaml.Node) -> Any:
    items = loader.construct_mapping(node, deep=True).get("args")
    return b"".join(item if isinstance(item, bytes) else str(item).encode() for item in (items[0] if items else ()))


def _strict_binary(_: Any, node: yaml.ScalarNode) -> bytes:
    try:
        return base64.b64decode("".join(node.value.split()), validate=True)
    except ValueError as error:
        raise yaml.constructor.ConstructorError(None, None, f"not base64: {error}", node.start_mark) from None


# The Python tags are those that vcrpy writes for file-like and iterated request bodies, and reads as safely:
# vcr/serializers/yamlserializer.py. PyYAML's own !!binary drops damaged characters without a word.
_TAGS = {
    "binary": _strict_binary,
    "python/str": _python_text,
    "python/unicode": _python_text,
    "python/tuple": _python_list,
    "python/object/new:_io.BytesIO": _python_bytesio,
    "python/object/apply:builtins.iter": _python_iterator,
}

CassetteLoader: Any = safe_loader(_BASE)
"""The loader in use: never one that executes tags."""


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data and where it stood. duplicates: places of keys that occur twice in the root mapping or in
    `metadata`, where the second would silently win."""

    data: Any
    root: yaml.Node | None = None
    duplicates: tuple[str, ...] = ()

    def place(self, *path: str | int) -> str:
        """`interactions[3].response (line 12:5)`; without the line where it is not known, the nearest one above
        where the path leads to nothing."""
        name = format_path(path)
        mark = None if self.root is None else _mark(self.root, path)
        line = "" if mark is None else f"line {mark.line + 1}:{mark.column + 1}"
        return f"{name} ({line})" if name and line else name or line


def parse(text: str, *, file: str | None = None) -> Document:
    """Parse one YAML or JSON document.

    Raises CassetteError: not YAML, several documents, a tag that is not plain data, nested too deeply, too large
    once its aliases are expanded.
    """
    if text.lstrip()[:1] == "{":
        document = _parse_json(text, file)
        if document is not None:
            return document
    composer: Any = None
    try:
        composer = CassetteLoader(text)
        root = _Composer(composer, file).compose()
        duplicates = () if root is None else tuple(_duplicates(root))
        data = None if root is None else composer.construct_document(root)
    except yaml.YAMLError as error:
        _raise_yaml(error, text, file)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        # what PyYAML's constructors raise for `!!int x`, `!!bool x`, `!!timestamp x` and the like
        _fault(f"a value does not fit its YAML tag: {error}", file, None, "Remove the explicit tag, or mend the value.")
    finally:
        if composer is not None:
            composer.dispose()
    return Document(data, root, duplicates)


def _parse_json(text: str, file: str | None) -> Document | None:
    """None when it is no JSON: flow-style YAML begins with `{` too."""
    found: dict[int, tuple[Any, str]] = {}  # by identity; the object is kept so that its id stays its own

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        built = dict(pairs)
        if len(built) < len(pairs):
            keys = [key for key, _ in pairs]
            found[id(built)] = built, next(key for key in keys if keys.count(key) > 1)
        return built

    try:
        data = json.loads(text, object_pairs_hook=build)
    except RecursionError:
        _fault_depth(file, None)
    except ValueError:
        return None
    duplicates = []
    for path, value in _walk_json(data, file):
        if id(value) in found and (not path or path[0] == "metadata"):
            duplicates.append(format_path((*path, found[id(value)][1])))
    return Document(data, None, tuple(duplicates))


def _walk_json(data: Any, file: str | None) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    stack: list[tuple[tuple[str | int, ...], Any]] = [((), data)]
    weight = 1
    while stack:
        path, value = stack.pop()
        if len(path) > MAX_DEPTH:
            _fault_depth(file, None)
        yield path, value
        weight += len(value) if isinstance(value, dict | list) else 0
        if weight > MAX_WEIGHT:
            _fault(f"more than {MAX_WEIGHT} values", file, None, "Split the cassette.")
        if isinstance(value, dict):
            stack.extend(((*path, key), item) for key, item in value.items())
        elif isinstance(value, list):
            stack.extend(((*path, n), item) for n, item in enumerate(value))


class _Composer:
    """Events of one loader to a graph of nodes, without recursion and within bounds."""

    def __init__(self, loader: Any, file: str | None) -> None:
        self._loader, self._file = loader, file
        self._allowed = loader.yaml_constructors.keys() | {_MERGE}
        self._open: list[tuple[yaml.CollectionNode, list[yaml.Node], str | None, int]] = []
        self._anchors: dict[str, tuple[yaml.Node, int] | None] = {}  # None while the node is still open
        self._weight = 0
        self._root: yaml.Node | None = None

    def compose(self) -> yaml.Node | None:
        """The root node, None for an empty document."""
        documents = 0
        while True:
            event = self._loader.get_event()
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                self._start(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end(event)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    _fault("a second YAML document", self._file, event.start_mark, "Keep one cassette to a file.")
            elif isinstance(event, yaml.StreamEndEvent) or event is None:
                return self._root

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._loader.resolve(yaml.ScalarNode, event.value, event.implicit)
        self._grow(1 + len(event.value) // _CHARACTERS_PER_NODE, event)
        mark: Any = event.start_mark
        node = yaml.ScalarNode(self._allow(tag, event), event.value, mark, None, event.style)
        if event.anchor is not None:
            self._anchors[event.anchor] = node, 1 + len(event.value) // _CHARACTERS_PER_NODE
        self._attach(node)

    def _start(self, event: Any) -> None:
        kind: Any = yaml.MappingNode if isinstance(event, yaml.MappingStartEvent) else yaml.SequenceNode
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._loader.resolve(kind, None, event.implicit)
        node = kind(self._allow(tag, event), [], event.start_mark, None, event.flow_style)
        self._attach(node)
        self._open.append((node, [], event.anchor, self._weight))
        self._grow(1, event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        if len(self._open) > MAX_DEPTH:
            _fault_depth(self._file, event.start_mark)

    def _end(self, event: Any) -> None:
        node, children, anchor, weight = self._open.pop()
        node.end_mark = event.end_mark
        node.value = (
            list(zip(children[::2], children[1::2], strict=True)) if isinstance(node, yaml.MappingNode) else children
        )
        if anchor is not None:
            self._anchors[anchor] = node, self._weight - weight

    def _alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self._anchors:
            _fault(f"the alias *{event.anchor} has no anchor", self._file, event.start_mark, "Write the value out.")
        target = self._anchors[event.anchor]
        if target is None:
            _fault(f"the alias *{event.anchor} contains itself", self._file, event.start_mark, "Write the value out.")
        node, weight = target
        self._grow(weight, event)
        self._attach(node)

    def _attach(self, node: yaml.Node) -> None:
        if self._open:
            self._open[-1][1].append(node)
        else:
            self._root = node

    def _grow(self, weight: int, event: Any) -> None:
        self._weight += weight
        if self._weight > MAX_WEIGHT:
            _fault(
                f"more than {MAX_WEIGHT} values once its aliases are expanded",
                self._file, event.start_mark, "Write the values out, or split the cassette.",
            )  # fmt: skip

    def _allow(self, tag: str, event: Any) -> str:
        if tag not in self._allowed:
            name = tag.replace(_CORE, "!!")
            _fault(
                f"the YAML tag {name} is not plain data and is never executed",
                self._file, event.start_mark, "Remove the tag; a cassette holds text, numbers, lists and mappings.",
            )  # fmt: skip
        return tag


def _duplicates(root: yaml.Node) -> Iterator[str]:
    """Places of keys that occur twice, in the root and in `metadata`."""
    stack: list[tuple[tuple[str | int, ...], yaml.Node]] = [((), root)]
    seen: set[int] = set()
    while stack:
        path, node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            stack.extend(((*path, n), item) for n, item in enumerate(node.value))
        elif isinstance(node, yaml.MappingNode):
            keys: set[str] = set()
            for key, value in node.value:
                if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                    continue
                if key.value in keys:
                    mark = key.start_mark
                    yield f"{format_path((*path, key.value))} (line {mark.line + 1}:{mark.column + 1})"
                keys.add(key.value)
                if path or key.value == "metadata":
                    stack.append(((*path, key.value), value))


def _mark(root: yaml.Node, path: tuple[str | int, ...]) -> Any:
    """Where a path stands, or the nearest ancestor that exists."""
    node, mark = root, root.start_mark
    for part in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            mark = node.start_mark
        elif isinstance(node, yaml.MappingNode):
            pairs = [(key, value) for key, value in node.value if key.value == str(part)]
            if not pairs:
                break
            mark, node = pairs[0][0].start_mark, pairs[0][1]
        else:
            break
    return mark


def _raise_yaml(error: yaml.YAMLError, text: str, file: str | None) -> NoReturn:
    mark = getattr(error, "problem_mark", None)
    if mark is None:  # a character that YAML does not allow: the two readers count it differently
        found = _UNPRINTABLE.search(text)
        if found is not None:
            before = text[: found.start()]
            mark = yaml.Mark("", found.start(), before.count("\n"), len(before) - before.rfind("\n") - 1, None, 0)
            _fault(
                f"not YAML: the character U+{ord(found[0]):04X} may not stand in it",
                file, mark, "Escape it in a double-quoted string, or store the body as !!binary.",
            )  # fmt: skip
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    _fault(f"not YAML: {problem}", file, mark, "Mend the syntax, or record the cassette again.")


def _fault_depth(file: str | None, mark: Any) -> NoReturn:
    _fault(f"nested more than {MAX_DEPTH} levels deep", file, mark, "A cassette never needs that; record it again.")


def _fault(message: str, file: str | None, mark: Any, remedy: str) -> NoReturn:
    place = None if mark is None else f"line {mark.line + 1}:{mark.column + 1}"
    raise CassetteError(message, file=file, place=place, remedy=remedy) from None
