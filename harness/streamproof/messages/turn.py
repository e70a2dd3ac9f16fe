"""What the forms of all protocols need of a completion."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from ..completion import Completion, Part, ToolCall, ToolCallPart
from ..errors import UsageError
from ..jsontext import JSON, JSONObject, loads


@dataclass(frozen=True, slots=True)
class Answer:
    """A call, the part that stands for it, and what the tool said."""

    call: ToolCall
    part: ToolCallPart
    output: str


Maker: TypeAlias = Callable[[Any, Any], dict[str, JSON] | None]
"""A writer's method for one type of part; None: the part is left out."""


class Writer(ABC):
    """The form of one protocol. completion, provider, stored: as for `to_messages`."""

    def __init__(self, completion: Completion, provider: str | None, stored: bool) -> None:
        self.completion, self.provider, self.stored = completion, provider, stored

    @abstractmethod
    def turn(self) -> list[JSONObject]:
        """The assistant's turn; empty when it holds nothing that may be sent."""

    @staticmethod
    @abstractmethod
    def results(answers: list[Answer]) -> list[JSONObject]:
        """The answers to calls."""

    def whole_call(self, part: ToolCallPart) -> ToolCall | None:
        """The call of a part, None when it is not complete."""
        return whole_call(self.completion, part)


class PartsWriter(Writer):
    """A form that is a list with a piece for each part."""

    makers: ClassVar[Mapping[type[Part], Maker]]
    """Part -> its piece; parts that are not in the table have no place in the protocol's request."""

    def pieces(self) -> list[dict[str, JSON]]:
        """What the parts become, in their order."""
        made = (self.makers[type(part)](self, part) for part in self.completion.content if type(part) in self.makers)
        return [piece for piece in made if piece is not None]


def whole_call(completion: Completion, part: ToolCallPart) -> ToolCall | None:
    """The call of a part, None when it is not complete."""
    calls = completion.tool_calls[part.index : part.index + 1]
    return calls[0] if calls and calls[0].complete else None


def parsed(arguments: str) -> JSON:
    """Arguments as the value that they spell: {} for none, the text itself where it is no JSON."""
    try:
        return loads(arguments) if arguments else {}
    except ValueError:
        return arguments


def known(**fields: JSON) -> dict[str, JSON]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def object_of(data: JSON) -> dict[str, JSON] | None:
    """A wire object that was kept whole; None for anything else."""
    return dict(data) if isinstance(data, Mapping) else None


def answers(completion: Completion, outputs: Mapping[int, str]) -> list[Answer]:
    """The outputs beside their calls, in the order of the calls. Raises UsageError for one that was not sent."""
    parts = {part.index: part for part in completion.content if isinstance(part, ToolCallPart)}
    found = []
    for index, output in sorted(outputs.items()):
        part = parts.get(index)
        call = None if part is None else whole_call(completion, part)
        if part is None or call is None:
            raise UsageError(f"no complete call {index} to answer", remedy="`to_messages` leaves such a call out")
        found.append(Answer(call, part, output))
    return found
