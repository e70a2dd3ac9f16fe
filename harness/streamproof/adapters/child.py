"""One run of an adapter's command: its pipes, its limits, and its end with all that came of it."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from .. import jsontext
from .limits import Limits, Watch

SUPERVISED = os.name == "posix"
"""Whether supervisor.py stands between; Windows has neither sessions nor fork."""

STDERR_KEPT = 8 * 1024
"""Bytes of the end of standard error that are kept for messages."""

ERROR_LINES = 30
"""Lines of it that a message shows."""

PATIENCE = 7.0
"""Seconds for an ended process to be gone; the supervisor itself gives up a little sooner."""

_READ = 64 * 1024
_MEGABYTE = 1024 * 1024
_SUPERVISOR = Path(__file__).with_name("supervisor.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a command is started. command: program and arguments. environment: the whole of it. directory: None for
    ours. namespaces: descriptors of the Linux namespaces to start in."""

    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path | None = None
    namespaces: Sequence[int] = field(default=())


class Child:
    """A running command. Lines come out of `line`; whatever happens to it, `line` ends with None, and `end` says why.

    Raises OSError when it cannot be started.
    """

    def __init__(self, launch: Launch, limits: Limits) -> None:
        self._limits = limits
        self._calls: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._errors: deque[bytes] = deque()
        self._written = 0
        self._counting = threading.Lock()
        self._beyond, self._half_line = "", b""
        self._ended = False
        self._lifeline: socket.socket | None = None
        self._process = self._start(launch)
        self._writer = _thread(self._write_calls, self._process.stdin)
        self._readers = [
            _thread(self._read_lines, self._process.stdout),
            _thread(self._read_errors, self._process.stderr),
        ]
        self._watch = Watch(self._process.pid, limits, self._stop_for, itself=not SUPERVISED)

    def _start(self, launch: Launch) -> subprocess.Popen[bytes]:
        command, kept = list(launch.command), list(launch.namespaces)
        theirs: socket.socket | None = None
        if SUPERVISED:
            self._lifeline, theirs = socket.socketpair()
            kept.append(theirs.fileno())
            task = {"lifeline": theirs.fileno(), "namespaces": list(launch.namespaces), "command": command}
            command = [sys.executable, "-I", "-S", str(_SUPERVISOR), jsontext.dumps(task)]
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(launch.environment),
                cwd=launch.directory,
                bufsize=0,
                pass_fds=kept if SUPERVISED else (),
                start_new_session=SUPERVISED,
            )
        finally:
            if theirs is not None:
                theirs.close()

    # -- for the conversation

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return not self._ended and self._process.poll() is None

    def begin(self) -> None:
        """A new cell: what was written so far no longer counts."""
        with self._counting:
            self._written = 0

    def write(self, line: bytes) -> None:
        """Send a line. One that nobody reads is lost, as `line` will tell."""
        self._calls.put(line)

    def line(self, until: float) -> bytes | None:
        """The next line without its end; None when there will be no more. until: time.monotonic().

        Raises TimeoutError.
        """
        while True:
            left = until - time.monotonic()
            try:
                return self._lines.get(timeout=max(0.0, min(left, 0.25)))
            except queue.Empty:
                if left <= 0:
                    raise TimeoutError from None
                # its children may hold the pipe open after it has ended
                if self._process.poll() is not None:
                    return self._last_line()

    def waiting(self) -> bytes | None:
        """A line that is there already, None for none."""
        with suppress(queue.Empty):
            return self._lines.get_nowait()
        return None

    def _last_line(self) -> bytes | None:
        self._readers[0].join(0.25)
        with suppress(queue.Empty):
            return self._lines.get_nowait()
        return None

    # -- its end

    def fate(self) -> str:
        """Why there are no more lines, as a sentence with the end of standard error."""
        if self._beyond:
            return self.with_errors(self._beyond)
        code = self.exit_code()
        if code is None:
            return self.with_errors("closed its standard output")
        how = f"was ended by {_signal_name(-code)}" if code < 0 else f"exited with code {code}"
        half = f" within the line {self._half_line[:80].decode('utf-8', 'replace')!r}" if self._half_line else ""
        return self.with_errors(how + half)

    def exit_code(self) -> int | None:
        """Its exit code; negative for a signal, None while it runs, or when it was ended for a limit."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(0.5)  # it closes its pipes a little before it is gone
        return None if self._beyond else self._process.poll()

    @property
    def errors(self) -> str:
        """The end of standard error."""
        text = b"".join(self._errors)[-STDERR_KEPT:].decode("utf-8", "replace")
        return text.strip()

    def with_errors(self, what: str) -> str:
        """A sentence with the end of standard error."""
        self._readers[1].join(0.25)  # the last words may still be in the pipe
        return f"{what}; the end of its standard error:\n{_indented(self.errors)}" if self.errors else what

    def close(self, seconds: float = 2.0) -> None:
        """Close its standard input, give it some time to leave, then end it."""
        self._calls.put(None)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """End it and all that came of it, at once."""
        if self._ended:
            return
        self._ended = True
        self._watch.stop()
        self._let_go()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            _kill_tree(self._process)
        self._calls.put(None)
        for thread, pipe in zip(
            (self._writer, *self._readers),
            (self._process.stdin, self._process.stdout, self._process.stderr),
            strict=True,
        ):
            thread.join(0.5)
            if pipe is not None and not thread.is_alive():
                with suppress(OSError):
                    pipe.close()

    def _let_go(self) -> None:
        if self._lifeline is not None:
            self._lifeline.close()
        else:
            _kill_tree(self._process)

    def _stop_for(self, beyond: str) -> None:
        """End it for a limit; `line` notices by the closed pipe."""
        self._beyond = self._beyond or beyond
        self._let_go()

    # -- threads

    def _write_calls(self, pipe: IO[bytes]) -> None:
        # a thread of its own, as the pipe of who does not read is full some time
        with suppress(OSError, ValueError):
            while (line := self._calls.get()) is not None:
                pipe.write(line)
        with suppress(OSError):
            pipe.close()

    def _read_lines(self, pipe: IO[bytes]) -> None:
        pieces: list[bytes] = []  # of a line that is not complete yet
        with suppress(OSError, ValueError):
            while (chunk := os.read(pipe.fileno(), _READ)) and self._counted(len(chunk)):
                first, *others = chunk.split(b"\n")
                pieces.append(first)
                if others:
                    for line in (b"".join(pieces), *others[:-1]):
                        self._lines.put(line.removesuffix(b"\r"))
                    pieces = others[-1:]
        rest = b"".join(pieces)
        if jsontext.is_json(rest.decode("utf-8", "replace")):
            self._lines.put(rest)
        else:
            self._half_line = rest
        self._lines.put(None)

    def _read_errors(self, pipe: IO[bytes]) -> None:
        kept = 0
        with suppress(OSError, ValueError):
            while chunk := os.read(pipe.fileno(), _READ):
                self._errors.append(chunk)
                kept += len(chunk)
                while kept - len(self._errors[0]) > STDERR_KEPT:
                    kept -= len(self._errors.popleft())
                if not self._counted(len(chunk)):
                    return

    def _counted(self, size: int) -> bool:
        with self._counting:
            self._written += size
            beyond = self._written > self._limits.output_mb * _MEGABYTE
        if beyond:
            self._stop_for(f"wrote more than {self._limits.output_mb} MB in one cell (--output-limit)")
        return not beyond


def _thread(work: Callable[[IO[bytes]], None], pipe: IO[bytes] | None) -> threading.Thread:
    thread = threading.Thread(target=work, args=(pipe,), name="streamproof-adapter", daemon=True)
    thread.start()
    return thread


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process and its descendants where nobody supervises them."""
    with suppress(psutil.Error):
        for each in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.Error):
                each.kill()
    process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines()[-ERROR_LINES:])
