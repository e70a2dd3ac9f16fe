"""The mutants of a source file, as mutmut makes them, each with a name that survives shifted lines.

mutmut's command line mutates only the bodies of functions, and starts pytest for every mutant. Half of a decoder is
tables, and there are thousands of mutants; so its operators are used here, and `checks.py` has a runner of its own.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from types import SimpleNamespace

import libcst as cst
from mutmut import configuration
from mutmut.mutation.file_mutation import Mutation, create_mutations

# mutmut would look for sources by itself; all that making mutants needs is this.
configuration._config = SimpleNamespace(do_not_mutate_patterns=[])

_PROSE = re.compile(r"[A-Za-z']{2,}[,;:]? [a-z]")
_TYPES = re.compile(r"^\w+: TypeAlias = |^\w+ = (Callable|Literal|Union)\[|^\w+ = TypeVar\(|^__all__\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One small change. file: below the package. place: function (`Class.method`) or name of the table that it is in.

    was, now: the lines that differ. nth: of the mutants of this place that read the same, from 0.
    source: the whole mutated module. swaps: whether it is inside of a function. key: for results; it changes when the
    place does.
    """

    file: str
    place: str
    was: str
    now: str
    nth: int
    source: str
    swaps: bool
    key: str

    @property
    def at_import(self) -> bool:
        """Whether it may show while its module is imported: tables do, and functions that are no methods."""
        return not self.swaps or "." not in self.place

    @property
    def name(self) -> tuple[str, str, str, str, int]:
        """What survivors.toml knows it by."""
        return (self.file, self.place, self.was, self.now, self.nth)


def mutants(path: Path, file: str) -> list[Mutant]:
    """All mutants of a source file that are worth a run, in the order of the source."""
    source = path.read_text(encoding="utf-8")
    places = list(_places(source))
    module, mutations, _, _ = create_mutations(str(path), source)
    parents = _parents(module)
    seen: Counter[tuple[str, str, str]] = Counter()
    found: list[Mutant] = []
    for mutation in mutations:
        if _is_noise(mutation):
            continue
        mutated = _replaced(mutation, parents)
        if mutated == source:
            continue
        line, was, now = _difference(source, mutated)
        place = next((place for place in places if place.first <= line <= place.last), None)
        if place is None or _TYPES.search(place.text):
            continue
        nth = seen[place.name, was, now]
        seen[place.name, was, now] += 1
        key = hashlib.sha256("\0".join((file, place.name, place.text, was, now, str(nth))).encode()).hexdigest()[:16]
        found.append(
            Mutant(file=file, place=place.name, was=was, now=now, nth=nth, source=mutated, swaps=place.swaps, key=key)
        )
    return found


_Parents = dict[cst.CSTNode, tuple[cst.CSTNode, str, int | None]]


def _parents(module: cst.Module) -> _Parents:
    """Node -> its parent, and where it stands there: name of the field and, in a sequence, the index."""
    found: _Parents = {}
    rest: list[cst.CSTNode] = [module]
    while rest:
        node = rest.pop()
        for field in fields(node):
            value = getattr(node, field.name)
            for index, child in enumerate(value) if isinstance(value, list | tuple) else [(None, value)]:
                if isinstance(child, cst.CSTNode):
                    found[child] = (node, field.name, index)
                    rest.append(child)
    return found


def _replaced(mutation: Mutation, parents: _Parents) -> str:
    """The module with the mutation in it. mutmut's own way visits the whole module for each."""
    node, new = mutation.original_node, mutation.mutated_node
    while node in parents:
        node, name, index = parents[node]
        if index is not None:
            siblings = list(getattr(node, name))
            siblings[index] = new
            new = node.with_changes(**{name: siblings})
        else:
            new = node.with_changes(**{name: new})
    assert isinstance(new, cst.Module)
    return new.code


def _is_noise(mutation: Mutation) -> bool:
    """Mutants that no test should be asked to kill.

    The wording of messages; another case of a word, beside the mutant that changes it altogether.
    """
    old, new = mutation.original_node, mutation.mutated_node
    if not (isinstance(old, cst.SimpleString) and isinstance(new, cst.SimpleString)):
        return False
    return bool(_PROSE.search(old.value)) or old.value.lower() == new.value.lower()


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    first: int
    last: int
    text: str
    swaps: bool


def _places(source: str) -> Iterator[_Place]:
    """Functions, and what modules and classes assign."""
    lines = source.splitlines()
    for name, node in _named(ast.parse(source).body, ""):
        first, last = node.lineno, node.end_lineno or node.lineno
        swaps = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        yield _Place(name, first, last, "\n".join(lines[first - 1 : last]), swaps)


def _named(body: Iterable[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield prefix + node.name, node
            case ast.ClassDef():
                yield from _named(node.body, f"{prefix}{node.name}.")
            case ast.Assign(targets=[target, *_]) | ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                yield prefix + ast.unparse(target), node
            case ast.If() | ast.For() | ast.With() | ast.Try():
                yield from _named(node.body, prefix)


def _difference(one: str, other: str) -> tuple[int, str, str]:
    """The number of the first line that differs, and the lines that do, before and after."""
    old, new = one.splitlines(), other.splitlines()
    start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    was = "\n".join(line.strip() for line in old[start : len(old) - end])
    now = "\n".join(line.strip() for line in new[start : len(new) - end])
    return start + 1, was, now
