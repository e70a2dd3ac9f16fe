"""Plain functions beside an event loop: each in a thread of its own, so that it can be given up."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

CALL_THREAD = "streamproof-call"


async def in_thread(function: Callable[[], T]) -> T:
    """What a function returns or raises. When the waiting is cancelled the thread is left behind, as a daemon.

    `asyncio.to_thread` would do, but waits for a hanging thread when the loop closes.
    """
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
    done = asyncio.Event()
    answer: Any = None
    error: BaseException | None = None

    def work() -> None:
        nonlocal answer, error
        try:
            answer = context.run(function)
        except BaseException as raised:  # noqa: BLE001 - raised again where it is awaited
            error = raised
        with suppress(RuntimeError):  # the loop is closed when this was given up
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=work, name=CALL_THREAD, daemon=True).start()
    await done.wait()
    if error is not None:
        raise error
    result: T = answer
    return result
