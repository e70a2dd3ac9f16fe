"""Helpers of the live adapter tests: `ask` against the loopback server, sync and async, and what came of it."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pytest
from adapter_kit import ANTHROPIC, CALL, GOOGLE, OPENAI, pieces_of, rows_by_sdk, stream_type
from streamproof.adapters.contract import CallOptions, Endpoint
from streamproof.adapters.reference import ReferenceAdapter, ReferenceStream, ask
from streamproof.adapters.requests import request_body
from streamproof.completion import Completion, Delta
from streamproof.errors import LLMError
from streamproof.fold import fold
from streamproof.providers import Provider
from streamproof.replay.exchanges import Ended
from streamproof.replay.script import Response, Send, Step
from streamproof.replay.server import LoopbackServer

PATIENCE = 20.0
"""Seconds before a test gives up; nothing here takes more than a fraction of one."""

Emit = Callable[[Delta], object]

each_side = pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
each_library = pytest.mark.parametrize("row", [OPENAI, ANTHROPIC, GOOGLE], ids=lambda row: row.key)
"""Where time passes: one row for each of the three SDKs."""
each_sdk = pytest.mark.parametrize("row", rows_by_sdk(), ids=lambda row: row.key)


def playing(row: Provider, *steps: Step, **more: Any) -> LoopbackServer:
    """A server that plays these steps of the row's stream to everybody. more: fields of the response."""
    headers = [("content-type", stream_type(row)), *more.pop("headers", ())]
    response = Response(more.pop("status", 200), headers, steps, **more)
    return LoopbackServer(lambda _: response)


def whole(row: Provider, events: Iterable[Any] | None = None) -> LoopbackServer:
    """A server that sends the row's small stream, or these events, at once."""
    return playing(row, Send(b"".join(pieces_of(row, events))))


def refusing(status: int, body: bytes, *headers: tuple[str, str], kind: str = "application/json") -> LoopbackServer:
    """A server that answers with a body and no stream."""
    response = Response(status, [("content-type", kind), *headers], (Send(body),), "length")
    return LoopbackServer(lambda _: response)


def asked(
    server: LoopbackServer | str,
    row: Provider,
    *,
    timeout: float = PATIENCE,
    more: Mapping[str, Any] = MappingProxyType({}),
    **options: Any,
) -> ReferenceStream:
    """`ask` the server as this row, with the small call's body and more. options: fields of `CallOptions`."""
    return ask(
        row.name,
        {**request_body(CALL, row.protocol), **more},
        api_key="key",
        base_url=server if isinstance(server, str) else server.base_url,
        protocol=row.protocol,
        options=CallOptions(**options),
        timeout=timeout,
    )


@dataclass
class Got:
    """What a caller of `ask` saw."""

    stream: ReferenceStream
    deltas: list[Delta]
    error: LLMError | None

    @property
    def completion(self) -> Completion:
        """The completion, also the partial one."""
        return self.stream.completion

    @property
    def failed(self) -> LLMError:
        """The error, where there has to be one."""
        assert self.error is not None
        return self.error


def run(stream: ReferenceStream, *, sync: bool, emit: Emit = lambda _: None) -> Got:
    """Iterate to the end; what was shown has to be what the completion says, and the error has to carry it."""
    deltas: list[Delta] = []
    error = None
    try:
        if sync:
            _collect(stream, deltas, emit)
        else:
            asyncio.run(_collect_async(stream, deltas, emit))
    except LLMError as caught:
        error = caught
    assert error is None or error.partial == stream.completion
    assert fold(deltas) == stream.completion
    return Got(stream, deltas, error)


def _collect(stream: ReferenceStream, deltas: list[Delta], emit: Emit) -> None:
    with closing(iter(stream)) as shown:
        for delta in shown:
            deltas.append(delta)
            emit(delta)


async def _collect_async(stream: ReferenceStream, deltas: list[Delta], emit: Emit) -> None:
    async with asyncio.timeout(PATIENCE), aclosing(aiter(stream)) as shown:
        async for delta in shown:
            deltas.append(delta)
            emit(delta)


def decoded(row: Provider, events: list[Any], *, sync: bool = True, **options: Any) -> Got:
    """These events through the server and `ask`. options: fields of `CallOptions`."""
    with whole(row, events) as server:
        return run(asked(server, row, **options), sync=sync)


def ended(server: LoopbackServer, *how: Ended) -> bool:
    """Wait until so many exchanges have ended, and whether they did it this way."""
    found = server.wait_for(lambda exchanges: sum(e.ended is not None for e in exchanges) >= len(how), PATIENCE)
    return tuple(exchange.ended for exchange in found) == how


def shows(text: str) -> Callable[[Delta], bool]:
    """Whether a delta shows this text."""

    def test(delta: Delta) -> bool:
        shown = delta.value.get("text") if isinstance(delta.value, dict) else delta.value
        return delta.op in ("start", "append") and shown == text

    return test


async def until(deltas: AsyncGenerator[Delta], wanted: Callable[[Delta], bool]) -> None:
    """Iterate up to the first such delta."""
    async for delta in deltas:
        if wanted(delta):
            return
    raise AssertionError("it never came")


@contextmanager
def nothing_left(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No complaint of the event loop or the garbage collector, and no thread of ours. With `filterwarnings("error")`
    an unclosed resource fails the test as well."""
    gc.freeze()  # what is there already need not be looked at: it takes 0.2 s, with three SDKs
    yield
    gc.collect()
    gc.unfreeze()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
    assert [thread.name for thread in threading.enumerate() if thread.name == "streamproof-cancel"] == []


def adapter_run(server: LoopbackServer, row: Provider, *, sync: bool, **options: Any) -> Completion:
    """The same call through the contract: `ReferenceAdapter(options=...)`."""
    adapter = ReferenceAdapter(sync=sync, options=CallOptions(**options))
    endpoint = Endpoint(provider=row, base_url=server.base_url, timeout=PATIENCE)
    return asyncio.run(adapter.run(CALL, endpoint, lambda _: None))
