"""Server-sent events: bytes in, frames out, as https://html.spec.whatwg.org/multipage/server-sent-events.html has it.

Beyond the standard, which drops both in silence: lines that are no field become `stray` frames (some servers put an
error there), and a last block that the end of the body left without its blank line comes out marked as such.

Cost is linear in the bytes, however they are cut: pieces of an unfinished line are joined once, when it ends.
A lone CR ends its line at once; the LF that may follow in the next chunk is then skipped.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from .event import new_tuple

_BOM = b"\xef\xbb\xbf"
_LF = 0x0A


class Frame(NamedTuple):
    """One block.

    kind        text
    event       its data lines joined with LF; name is the event type, "" when not given
    stray       consecutive lines whose field name the standard does not know, whole and joined with LF; name is ""

    replaced: bytes that are no UTF-8 became U+FFFD. terminated: False when the body ended inside the block; such an
    event may have no data.
    """

    kind: Literal["event", "stray"]
    name: str
    text: str
    replaced: bool = False
    terminated: bool = True


class SSEParser:
    """An incremental parser: `feed` every chunk, then `close` once."""

    def __init__(self) -> None:
        self.last_event_id = ""
        self.retry: int | None = None
        """Reconnection time in milliseconds, None when the stream did not set it."""
        self.recognized = False
        """Whether any line was a comment or a field of the standard."""
        self._pieces: list[bytes] = []
        self._skip_lf = False
        self._at_start = True
        self._name = ""
        self._data: list[bytes] = []
        self._stray: list[str] = []
        self._replaced = False

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that this chunk completes."""
        if self._skip_lf and chunk:
            self._skip_lf = False
            chunk = chunk.removeprefix(b"\n")
        if not chunk:
            return []
        end = len(chunk) if chunk[-1] == _LF else max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
        if not end:
            self._pieces.append(chunk)
            return []
        self._skip_lf = chunk.endswith(b"\r")
        self._pieces.append(chunk[:end])
        lines = b"".join(self._pieces)
        self._pieces = [chunk[end:]] if end < len(chunk) else []
        return self._take(lines)

    def close(self) -> list[Frame]:
        """The block that the end of the body left open, if any."""
        rest = b"".join(self._pieces)
        frames = self._take(rest + b"\n") if rest else []
        if self._stray and not self._data:
            self._flush_stray(frames, terminated=False)
        if self._data or self._name:
            text = self._text(b"\n".join(self._data))
            frames.append(Frame("event", self._name, text, self._replaced, terminated=False))
            self._data.clear()
        self._flush_stray(frames, terminated=False)
        return frames

    def _take(self, lines: bytes) -> list[Frame]:
        """Parse whole lines; a line end is never inside a UTF-8 sequence."""
        if self._at_start:
            self._at_start = False
            lines = lines.removeprefix(_BOM)
        if b"\r" in lines:
            lines = lines.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        pieces = lines.split(b"\n")
        pieces.pop()  # what follows the last line end
        frames: list[Frame] = []
        data, stray = self._data, self._stray
        for line in pieces:
            if line[:6] == b"data: ":
                if stray and not data:
                    self._flush_stray(frames)
                data.append(line[6:])
            elif line[:7] == b"event: ":
                name = line[7:]
                self._name = name.decode() if name.isascii() else self._text(name)
                self.recognized = True
            elif line:
                self._other_line(line, frames)
            else:
                if data:
                    raw = data[0] if len(data) == 1 else b"\n".join(data)
                    text = raw.decode() if raw.isascii() else self._text(raw)
                    frames.append(new_tuple(Frame, ("event", self._name, text, self._replaced, True)))
                    data.clear()
                    self.recognized = True
                if stray:
                    self._flush_stray(frames)
                self._name, self._replaced = "", False
        if data:
            self.recognized = True
        return frames

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self._replaced = True
            return raw.decode("utf-8", "replace")

    def _other_line(self, line: bytes, frames: list[Frame]) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            if not self._data:
                self._flush_stray(frames)
            self._data.append(value)
        elif field == b"event":
            self._name = self._text(value)
        elif field == b"id":
            self.last_event_id = self.last_event_id if b"\0" in value else self._text(value)
        elif field == b"retry":
            self.retry = int(value) if value.isdigit() and len(value) < 20 else self.retry
        elif field:
            self._stray.append(self._text(line))
            return
        self.recognized = True

    def _flush_stray(self, frames: list[Frame], *, terminated: bool = True) -> None:
        if self._stray:
            frames.append(Frame("stray", "", "\n".join(self._stray), self._replaced, terminated))
            self._stray.clear()
