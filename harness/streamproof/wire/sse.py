"""Server-sent events: bytes in, frames out, as https://html.spec.whatwg.org/multipage/server-sent-events.html has it.

Beyond the standard, which drops both in silence: lines that are no field become `stray` frames (some servers put an
error there), and a last block that the end of the body left without its blank line comes out marked as such.

Cost is linear in the bytes, however they are cut: pieces of an unfinished line are joined once, when it ends.
A lone CR ends its line at once; the LF that may follow in the next chunk is then skipped.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

_BOM = b"\xef\xbb\xbf"


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
        self._data: list[str] = []
        self._stray: list[str] = []
        self._replaced = False

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that this chunk completes."""
        if self._skip_lf and chunk:
            self._skip_lf = False
            chunk = chunk.removeprefix(b"\n")
        if not chunk:
            return []
        end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r")) + 1
        if not end:
            self._pieces.append(chunk)
            return []
        self._skip_lf = chunk.endswith(b"\r")
        self._pieces.append(chunk[:end])
        lines = b"".join(self._pieces)
        self._pieces = [chunk[end:]]
        return self._take(lines)

    def close(self) -> list[Frame]:
        """The block that the end of the body left open, if any."""
        rest = b"".join(self._pieces)
        frames = self._take(rest + b"\n") if rest else []
        if self._stray and not self._data:
            self._flush_stray(frames, terminated=False)
        if self._data or self._name:
            frames.append(Frame("event", self._name, "\n".join(self._data), self._replaced, terminated=False))
            self._data.clear()
        self._flush_stray(frames, terminated=False)
        return frames

    def _take(self, lines: bytes) -> list[Frame]:
        """Parse whole lines; a line end is never inside a UTF-8 sequence, so they can be decoded together."""
        if self._at_start:
            self._at_start = False
            lines = lines.removeprefix(_BOM)
        if b"\r" in lines:
            lines = lines.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        try:
            texts = lines.decode().split("\n")
        except UnicodeDecodeError:
            return self._take_damaged(lines)
        texts.pop()  # what follows the last line end
        return self._run(texts)

    def _take_damaged(self, lines: bytes) -> list[Frame]:
        """Line by line, to know which blocks lost bytes."""
        frames: list[Frame] = []
        for line in lines.split(b"\n")[:-1]:
            text = line.decode("utf-8", "replace")
            if text.encode("utf-8") != line and not text.startswith(":"):
                self._replaced = True
            frames += self._run([text])
        return frames

    def _run(self, lines: list[str]) -> list[Frame]:
        frames: list[Frame] = []
        data, stray = self._data, self._stray
        for line in lines:
            if line[:6] == "data: ":
                if stray and not data:
                    self._flush_stray(frames)
                data.append(line[6:])
            elif line[:7] == "event: ":
                self._name = line[7:]
                self.recognized = True
            elif line:
                self._other_line(line, frames)
            else:
                if data:
                    text = data[0] if len(data) == 1 else "\n".join(data)
                    frames.append(Frame("event", self._name, text, self._replaced))
                    data.clear()
                    self.recognized = True
                if stray:
                    self._flush_stray(frames)
                self._name, self._replaced = "", False
        if data:
            self.recognized = True
        return frames

    def _other_line(self, line: str, frames: list[Frame]) -> None:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            if not self._data:
                self._flush_stray(frames)
            self._data.append(value)
        elif field == "event":
            self._name = value
        elif field == "id":
            self.last_event_id = self.last_event_id if "\0" in value else value
        elif field == "retry":
            self.retry = int(value) if value.isascii() and value.isdigit() and len(value) < 20 else self.retry
        elif field:
            self._stray.append(line)
            return
        self.recognized = True

    def _flush_stray(self, frames: list[Frame], *, terminated: bool = True) -> None:
        if self._stray:
            frames.append(Frame("stray", "", "\n".join(self._stray), self._replaced, terminated))
            self._stray.clear()
