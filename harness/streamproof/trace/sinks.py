"""Where records go. A sink is any callable that takes a `ProviderTrace`; what it returns does not matter.

It runs on a thread of its own, one record at a time and in order. It may be slow, and an exception loses one record.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from ..jsontext import dumps
from .record import ProviderTrace

Sink: TypeAlias = Callable[[ProviderTrace], object]

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT


class JSONLSink:
    """Appends one JSON line per record to a file, secrets redacted; see `ProviderTrace.to_json` for the keys.

    The file, and its folder, are made on the first record; only its owner may read it. It is opened for each line and
    the line is written at once, so threads and processes may share it, and it may be moved away at any time.
    capture_content: write content too; the tracer has to capture it as well. Raises OSError when a line cannot be
    written.
    """

    def __init__(self, path: str | os.PathLike[str], *, capture_content: bool = False) -> None:
        self.path = Path(path)
        self.capture_content = capture_content

    def __call__(self, record: ProviderTrace) -> None:
        line = dumps(record.to_json(content=self.capture_content)).encode() + b"\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, _APPEND, 0o600)
        try:
            written = os.write(file, line)
            while written < len(line):  # a full disk or a signal; the rest, or the error that stops it
                written += os.write(file, line[written:])
        finally:
            os.close(file)

    def __repr__(self) -> str:
        return f"JSONLSink({str(self.path)!r})"
