"""The JSON Schemas (Draft 2020-12) of everything that streamproof writes or reads, and how to check against them.

metadata: a case's block in its cassette. completion, delta: what adapters make. outcome: one line of a run's NDJSON.
process: one message of the process contract. expectations: known failures (TOML). case: an exported case. They refer to
each other by URN.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from ..paths import format_path

NAMES = ("metadata", "completion", "delta", "outcome", "process", "expectations", "case")
URN = "urn:streamproof:schema:"
_LONGEST_MESSAGE = 300


class Problem(NamedTuple):
    """Where a document breaks its schema. rule: the JSON Schema keyword. remedy: what to do."""

    path: tuple[str | int, ...]
    rule: str
    message: str
    remedy: str

    @property
    def place(self) -> str:
        """`requirements[2].op`."""
        return format_path(self.path)


@cache
def load(name: str) -> dict[str, Any]:
    """The schema `name`, one of NAMES."""
    schema: dict[str, Any] = json.loads(files(__name__).joinpath(f"{name}.schema.json").read_text("utf-8"))
    return schema


@cache
def validator(name: str) -> Any:
    """A `jsonschema.Draft202012Validator` that knows all our schemas. Importing jsonschema costs 0.1 s, once."""
    from jsonschema import Draft202012Validator  # noqa: PLC0415
    from referencing import Registry, Resource  # noqa: PLC0415

    registry: Any = Registry().with_resources((URN + other, Resource.from_contents(load(other))) for other in NAMES)
    return Draft202012Validator(load(name), registry=registry)


def problems(name: str, document: Any) -> list[Problem]:
    """Every breach, in the order of the schema; an unknown or missing key is named by its own path."""
    return [problem for error in validator(name).iter_errors(document) for problem in _problems(error)]


def _problems(error: Any) -> Iterator[Problem]:
    path, rule = tuple(error.absolute_path), str(error.validator)
    if rule == "additionalProperties" and error.validator_value is False:
        known = list(error.schema.get("properties", {}))
        for key in error.instance:
            if key not in known:
                yield Problem((*path, key), rule, f"unknown key {key!r}", f"Remove it{_nearest(key, known)}.")
    elif rule == "required":
        for key in error.validator_value:
            if key not in error.instance and repr(key) in error.message:
                yield Problem((*path, key), rule, f"missing key {key!r}", _describe("Add it", error.schema, key))
    else:
        message = error.message if len(error.message) <= _LONGEST_MESSAGE else error.message[:_LONGEST_MESSAGE] + "..."
        message = "this key may not stand here" if rule == "not" else message
        words = error.validator_value if rule == "enum" else None
        remedy = f"Write one of: {', '.join(map(str, words))}." if words else _describe("Mend it", {}, "", error.schema)
        yield Problem(path, rule, message, remedy)


def _nearest(key: object, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(key), known, 1)
    return f", or write {near[0]!r}" if near else f"; known keys are {', '.join(known)}"


def _describe(verb: str, schema: dict[str, Any], key: str, own: dict[str, Any] | None = None) -> str:
    own = schema.get("properties", {}).get(key, {}) if own is None else own
    description = own.get("description", "") if isinstance(own, dict) else ""
    return f"{verb}: {description}" if description else f"{verb}."
