"""Text of streams and adapters, made safe to look at.

A stream may hold anything: control characters that XML and terminals choke on, lone surrogates that no UTF-8 file can
hold, and marks that turn the reading order round, so that a reader sees another text than the one that is there.
"""

from __future__ import annotations

import re

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed
    "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"  # invisible, or turning the reading order round
    "\ud800-\udfff\ufdd0-\ufdef\ufff9-\uffff]"  # lone surrogates and what is no character
)


def visible(text: str) -> str:
    """The text with what cannot be seen, or not be written, as an escape: `\\x00`, `\\u202e`, `\\ud800`."""
    return _HIDDEN.sub(lambda found: _escape(found[0]), text)


def one_line(text: str, width: int = 200) -> str:
    """Visible, on one line, at most `width` characters."""
    line = " ".join(visible(text[: 8 * width]).split())
    return line if len(line) <= width else f"{line[: width - 1]}…"


def shortened(text: str, limit: int) -> str:
    """The beginning of a text that is longer than `limit` characters, with how long it is."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text):,} characters in all)"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
