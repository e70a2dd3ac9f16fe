"""Deltas to a completion: `fold`, and `Folder`, which does it step by step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .completion import (
    Choice,
    Completion,
    Delta,
    ErrorInfo,
    Part,
    Position,
    ToolCall,
    ToolCallPart,
    Usage,
    part_from_json,
)
from .jsontext import JSON


def fold(deltas: Iterable[Delta]) -> Completion:
    """The completion that `deltas` tell. A prefix of a stream folds to `interrupted`, without an error."""
    folder = Folder()
    for delta in deltas:
        folder.apply(delta)
    return folder.completion()


class _Pieces(list[str]):
    """Text that is still growing; joined when it is read."""


class Folder:
    """The state of a message while its deltas arrive. Decoders read it too, so that nothing is kept twice."""

    def __init__(self) -> None:
        self._choices: dict[int, dict[Position, dict[str, Any]]] = {0: {}}
        self._finish: dict[int, dict[str, Any]] = {}
        self._calls: dict[int, int] = {}
        self._head: dict[str, Any] = {}
        self._usage: dict[str, Any] = {"usage": {}, "raw_usage": None}
        self._end: dict[str, Any] = {"status": "interrupted", "error": None}

    def apply(self, delta: Delta) -> None:
        """Take one step. Raises KeyError when an `append`, `replace` or `close` names a part that never started."""
        op, part, name, value, choice = delta
        if part is None:
            self._apply_message(delta)
            return
        if op == "start":
            self._start(choice, part, value)
            return
        fields = self._choices[choice][part]
        if op == "append":
            assert name is not None
            grown = fields.get(name)
            if type(grown) is _Pieces:
                grown.append(value)
            elif isinstance(value, list):
                fields[name] = [*(grown or ()), *value]
            else:
                fields[name] = _Pieces((grown, value)) if grown else _Pieces((value,))
        elif op == "replace":
            assert name is not None
            fields[name] = value

    def _start(self, choice: int, part: Position, value: JSON) -> None:
        parts = self._choices.setdefault(choice, {})
        before = parts.get(part)
        parts[part] = dict(value)
        if before is not None and before["type"] == "tool_call":  # begun anew: it was no call of the client's
            self._calls[choice] -= 1
        if value["type"] == "tool_call":
            self._calls[choice] = self._calls.get(choice, 0) + 1

    def _apply_message(self, delta: Delta) -> None:
        if delta.op == "start":
            self._head.update(delta.value)
        elif delta.op == "usage":
            self._usage = delta.value
        elif delta.op == "finish":
            self._choices.setdefault(delta.choice, {})
            self._finish[delta.choice] = delta.value
        elif delta.op == "error":
            self._end = delta.value
        elif delta.op == "close" and self._end["error"] is None:
            self._end = {"status": "complete", "error": None}

    def positions(self, choice: int = 0, type: str | None = None) -> list[Position]:
        """The parts of a choice so far (of one type), in the order of the wire."""
        parts = self._choices.get(choice, {})
        return sorted(part for part, fields in parts.items() if type is None or fields["type"] == type)

    def has_calls(self, choice: int = 0) -> bool:
        """Whether there is a client tool call."""
        return self._calls.get(choice, 0) > 0

    def visible_positions(self) -> list[Position]:
        """The parts that stand in `Completion.content`, in its order."""
        return [position for position in self.positions() if self._part(self._choices[0][position], 0) is not None]

    def finish(self, choice: int = 0) -> dict[str, str | None] | None:
        """The reasons of a choice so far: {finish_reason, raw_finish_reason}."""
        return self._finish.get(choice)

    def choices(self) -> list[int]:
        """The choices that have been seen; 0 always."""
        return sorted(self._choices)

    def get(self, part: Position, name: str, choice: int = 0) -> Any:
        """A field of a part as it stands, None when it is not set. Raises KeyError when the part never started."""
        value = self._choices[choice][part].get(name)
        return "".join(value) if type(value) is _Pieces else value

    def has(self, part: Position, choice: int = 0) -> bool:
        """Whether the part has started."""
        return part in self._choices.get(choice, ())

    def completion(self) -> Completion:
        """What the deltas so far amount to."""
        content, calls = self._content(0)
        error = self._end["error"]
        return Completion(
            content=content,
            tool_calls=calls,
            usage=Usage(**self._usage["usage"]),
            raw_usage=self._usage["raw_usage"],
            status=self._end["status"],
            error=None if error is None else ErrorInfo(**error),
            choices=tuple(self._choice(n) for n in self.choices() if n != 0),
            **self._head,
            **self._finish.get(0, {}),
        )

    def _choice(self, number: int) -> Choice:
        content, calls = self._content(number)
        return Choice(index=number, content=content, tool_calls=calls, **self._finish.get(number, {}))

    def _content(self, choice: int) -> tuple[tuple[Part, ...], tuple[ToolCall, ...]]:
        parts: list[Part] = []
        calls: list[ToolCall] = []
        for _, state in sorted(self._choices[choice].items()):
            part = self._part(state, len(calls))
            if part is not None:
                parts.append(part)
            if isinstance(part, ToolCallPart):
                calls.append(ToolCall(**{to: _settled(state[of]) for of, to in _CALL.items() if state.get(of)}))
        return tuple(parts), tuple(calls)

    @staticmethod
    def _part(state: dict[str, Any], calls: int) -> Part | None:
        fields = {name: _settled(value) for name, value in state.items() if value is not None}
        if fields["type"] == "tool_call":
            fields = {name: value for name, value in fields.items() if name not in _CALL}
            fields["index"] = calls
        part = part_from_json(fields)
        return part if part.carries_something() else None


_CALL = {"call_id": "id", "name": "name", "arguments": "arguments", "complete": "complete"}
"""Fields of a tool_call part's deltas that belong to the ToolCall, and what they are called there."""


def _settled(value: Any) -> Any:
    if type(value) is _Pieces:
        return "".join(value)
    return value
