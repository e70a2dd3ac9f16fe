"""What the modules of the Chat Completions decoder share: the seam between them, and readings of single values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ...completion import Op, Position
from ...jsontext import JSON, JSONObject, dumps


class Parts(Protocol):
    """The message that reasoning and tool calls are parts of."""

    run: str
    """The kind of the part that grows, "" when the next piece starts one."""

    def start(self, kind: str, **fields: JSON) -> Position:
        """A new part."""

    def grow(self, kind: str, piece: str) -> Position:
        """Add text to the run of a kind, or start one; where the run is."""

    def change(self, op: Op, at: Position, field: str, value: JSON) -> None:
        """A step of a part that has started."""

    def unknown(self, name: JSON, data: JSON) -> None:
        """A part that we do not know."""

    def flush(self) -> None:
        """Let go of text that was held back."""

    def note(self, kind: str, detail: str) -> None:
        """A diagnostic."""

    def check_fields(self, place: str, value: JSONObject, known: frozenset[str]) -> None:
        """Note the fields of a wire object that we do not know, each once."""


def word(value: JSON) -> str | None:
    """A string that says something: "" and null are as good as absent."""
    return value if isinstance(value, str) and value else None


def items(value: JSON) -> list[JSON]:
    """A list as it is, any other value as the only item of one."""
    return value if isinstance(value, list) else [value]


def compact(value: JSON, note: Callable[[str, str], None]) -> str:
    """A JSON value as one line of text; "" with a note when it is nested beyond all reason."""
    try:
        return dumps(value)
    except RecursionError:
        note("malformed_field", "nested too deeply")
        return ""


def thought_signature(extra: JSON) -> str | None:
    """Gemini's signature, of a tool call or of a text: `extra_content.{google,vertex}.thought_signature`.

    Source: https://ai.google.dev/gemini-api/docs/thought-signatures
    """
    for vendor in ("google", "vertex") if isinstance(extra, dict) else ():
        fields = extra.get(vendor)
        if isinstance(fields, dict) and (signature := word(fields.get("thought_signature"))) is not None:
            return signature
    return None
