"""Stopping a stream from outside: by an event, while the next item is awaited."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from ..completion import ErrorInfo

Item = TypeVar("Item")

CANCELLED = ErrorInfo(type="cancelled", code="cancelled", message="cancelled by the caller")

_GLANCE = 0.05
"""Seconds between two looks at an event that belongs to no event loop."""


class Event(Protocol):
    """An `asyncio.Event` (async iteration, set in the loop) or a `threading.Event` (either, set from any thread)."""

    def is_set(self) -> bool:
        """Whether the stream is to stop."""
        ...


async def until_set(items: AsyncGenerator[Item], event: Event | None) -> AsyncGenerator[Item]:
    """The items, until the event is set: then the one that is awaited is given up, which closes its connection."""
    if event is None:
        async for item in items:
            yield item
        return
    waiter = asyncio.ensure_future(_wait(event))
    step: asyncio.Future[Item] | None = None
    try:
        while not event.is_set():
            step = asyncio.ensure_future(anext(items))
            await asyncio.wait({step, waiter}, return_when=asyncio.FIRST_COMPLETED)
            if not step.done():
                return
            try:
                item = step.result()
            except StopAsyncIteration:
                return
            yield item
    finally:
        for pending in (step, waiter):
            if pending is not None:
                pending.cancel()
                await asyncio.wait({pending})
                if not pending.cancelled():
                    pending.exception()  # else the loop complains that nobody asked for it


async def _wait(event: Event) -> None:
    if isinstance(event, asyncio.Event):
        await event.wait()
        return
    while not event.is_set():
        await asyncio.sleep(_GLANCE)


@contextmanager
def aborting(event: Event | None, abort: Callable[[], None]) -> Iterator[None]:
    """Call `abort` from a thread of its own when the event is set: a blocking read can be ended in no other way."""
    if event is None:
        yield
        return
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_GLANCE):
            if event.is_set():
                abort()
                return

    watcher = threading.Thread(target=watch, name="streamproof-cancel", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
