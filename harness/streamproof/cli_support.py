"""What all commands share: exit codes, and how a fault is told."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from types import FrameType
from typing import Any

import click

from .errors import HarnessFault, StreamproofError

FAILED, BAD_INPUT = 1, 2


def complain(message: object) -> None:
    """Say what went wrong, on standard error."""
    click.secho(f"streamproof: {message}", err=True, fg="red" if sys.stderr.isatty() else None)


def reported(command: Callable[..., None]) -> Callable[..., None]:
    """A fault that somebody can mend is a line on standard error and exit code 2, never a traceback."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (StreamproofError, HarnessFault) as error:
            complain(error)
            sys.exit(BAD_INPUT)
        except click.FileError as error:  # click opens a file for writing at the first write, and exits with 1
            complain(f"{error.ui_filename}: {error.message}")
            sys.exit(BAD_INPUT)

    return guarded


def width() -> int | None:
    """Columns of the terminal; None when standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


class Damage:
    """Cases that cannot be read: each is named once, the others go on, and the exit code becomes 2."""

    def __init__(self) -> None:
        self.code = 0

    def __call__(self, error: StreamproofError) -> None:
        complain(error)
        self.code = BAD_INPUT


@contextmanager
def stopped_by_signals(stop: Callable[[], object]) -> Iterator[None]:
    """SIGINT and SIGTERM call `stop`, once; a second one ends the process in the usual way."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def handle(_number: int, _frame: FrameType | None) -> None:
        restore()
        stop()

    for number in before:
        signal.signal(number, handle)
    try:
        yield
    finally:
        restore()
