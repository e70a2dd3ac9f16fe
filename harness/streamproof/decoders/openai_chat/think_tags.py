"""`<think>` tags inside text, for providers whose server leaves them there (`Quirks.think_tags`)."""

from __future__ import annotations

_OPEN, _CLOSE = "<think>", "</think>"


class ThinkTags:
    """Splits text that arrives in pieces into text and reasoning; a tag may be cut anywhere between pieces."""

    def __init__(self) -> None:
        self._held = ""
        self._inside = False

    def feed(self, piece: str) -> list[tuple[str, str]]:
        """What is certain by now, as ("text" or "reasoning", piece), without the tags."""
        rest, out = self._held + piece, []
        while True:
            tag = _CLOSE if self._inside else _OPEN
            before, found, after = rest.partition(tag)
            if not found:
                break
            out.append((self._kind, before))
            rest, self._inside = after, not self._inside
        self._held = _possible_tag(rest, tag)
        out.append((self._kind, rest[: len(rest) - len(self._held)]))
        return [(kind, text) for kind, text in out if text]

    def flush(self) -> list[tuple[str, str]]:
        """What was held back as the possible beginning of a tag and turned out to be none."""
        held, self._held = self._held, ""
        return [(self._kind, held)] if held else []

    @property
    def _kind(self) -> str:
        return "reasoning" if self._inside else "text"


def _possible_tag(text: str, tag: str) -> str:
    """The longest end of `text` that `tag` may begin with."""
    for length in range(min(len(tag) - 1, len(text)), 0, -1):
        if text.endswith(tag[:length]):
            return tag[:length]
    return ""
