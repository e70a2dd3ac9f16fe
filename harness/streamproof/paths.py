"""Paths of requirements: which value of a document is meant.

    path  = name, { "." name | index } ;
    name  = character, { character } ;            (* any but  . [ ] " ' and white space *)
    index = "[", [ "-" ], digit, { digit }, "]" ; (* a negative index counts from the end *)

The root is the completion JSON (`content[0].text`, `usage.input_tokens`, `tool_calls[-1].arguments`), beside which
stand `details` (`details.stop_sequence`) and `diagnostics` (`diagnostics[0].kind`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final, Literal, TypeAlias

from .jsontext import JSON

Path: TypeAlias = tuple[str | int, ...]

_STEP = re.compile(r"""(?:^|\.)(?P<name>[^.\[\]"'\s]+)|\[(?P<index>-?[0-9]{1,9})\]""")


class _Absent(Enum):
    ABSENT = "absent"

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = _Absent.ABSENT
"""What a path leads to when nothing is there; None is a value of its own."""


def parse_path(text: str) -> Path:
    """`tool_calls[-1].name` -> `("tool_calls", -1, "name")`. Raises ValueError that says where it went wrong."""
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None or (at == 0 and step["name"] != step[0]):
            raise ValueError(f"not a path: {text!r} at character {at + 1}; write name.name[0].name")
        steps.append(step["name"] if step["name"] is not None else int(step["index"]))
        at = step.end()
    if not steps:
        raise ValueError("not a path: it is empty")
    return tuple(steps)


def format_path(path: Path) -> str:
    """The inverse of `parse_path`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def resolve(document: JSON, path: Path) -> JSON | Literal[_Absent.ABSENT]:
    """The value at `path`, ABSENT when a name or index is not there or the value above it cannot have one."""
    value = document
    for step in path:
        if isinstance(step, str):
            if not isinstance(value, Mapping) or step not in value:
                return ABSENT
        elif not isinstance(value, list | tuple) or not -len(value) <= step < len(value):
            return ABSENT
        value = value[step]
    return value
