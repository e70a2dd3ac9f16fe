"""Stopping a stream: by an event, by closing it, by cancelling the task; seen at the server, which withholds bytes."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, closing
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from adapter_kit import ANTHROPIC, BEDROCK, GOOGLE, OPENAI, RESPONSES_ROW, pieces_of
from live_kit import PATIENCE, Got, adapter_run, asked, each_side, ended, nothing_left, playing, run, shows, until
from streamproof.adapters.clients import Line
from streamproof.adapters.reference import ReferenceStream
from streamproof.completion import Delta
from streamproof.errors import LLMCancelledError, LLMError
from streamproof.providers import Provider
from streamproof.replay.script import End, Send, Stall, Step, Withhold
from streamproof.replay.server import LoopbackServer

pytestmark = pytest.mark.filterwarnings("error")

FIRST = "Let me "
is_first = shows(FIRST)
EVENTS_TO_TEXT = {"openai_chat": 4, "openai_responses": 6, "anthropic_messages": 7, "gemini_generate_content": 2}

each_row = pytest.mark.parametrize("row", [OPENAI, RESPONSES_ROW, ANTHROPIC, BEDROCK, GOOGLE], ids=lambda row: row.key)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with nothing_left(caplog):
        yield


def begun(row: Provider) -> LoopbackServer:
    """A server that sends the stream up to its first text and then nothing."""
    return playing(row, Send(b"".join(pieces_of(row)[: EVENTS_TO_TEXT[row.protocol]])), Stall())


def silent(row: Provider) -> LoopbackServer:
    """A server that takes the request and never answers."""
    return playing(row, before=(Stall(),))


def is_cancelled(stream: ReferenceStream, text: str) -> bool:
    """The completion holds what came, and says that the caller stopped it."""
    completion = stream.completion
    assert completion.error is not None
    assert (completion.error.type, completion.error.code) == ("cancelled", "cancelled")
    assert (completion.text, completion.status, completion.finish_reason) == (text, "interrupted", None)
    assert not any(call.complete for call in completion.tool_calls)
    return stream.stop_reason == "cancelled"


def told_so(got: Got, row: Provider, text: str) -> None:
    """The caller of the event form gets an exception with the partial completion."""
    assert isinstance(got.error, LLMCancelledError)
    assert (got.error.provider, got.error.model, got.error.info.code) == (row.name, "some-model", "cancelled")
    assert got.error.latency is not None
    assert got.error.latency < PATIENCE / 2
    assert is_cancelled(got.stream, text)
    assert got.deltas[-1].op == "error"


def asked_once(server: LoopbackServer) -> None:
    """Wait until the request is at the server."""
    server.wait_for(lambda exchanges: len(exchanges) == 1, PATIENCE)


EVENTS: list[tuple[Callable[[], Any], bool]] = [
    (threading.Event, True),
    (threading.Event, False),
    (asyncio.Event, False),
]
each_event = pytest.mark.parametrize(("event", "sync"), EVENTS, ids=["threading-sync", "threading-async", "asyncio"])


@each_event
@each_row
def test_an_event_in_mid_stream(row: Provider, event: Callable[[], Any], sync: bool) -> None:
    """Set when the first text is seen, while the server withholds the rest: the read goes on until its timeout."""
    cancel = event()
    with begun(row) as server:
        got = run(asked(server, row, cancel=cancel), sync=sync, emit=lambda delta: is_first(delta) and cancel.set())
        told_so(got, row, FIRST)
        assert ended(server, "client_closed")


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
@each_row
def test_an_event_from_another_thread(row: Provider, sync: bool) -> None:
    """Set while the read blocks, from a thread that knows nothing of the stream."""
    cancel, seen = threading.Event(), threading.Event()
    setter = threading.Thread(target=lambda: seen.wait(PATIENCE) and cancel.set())
    setter.start()
    with begun(row) as server:
        got = run(asked(server, row, cancel=cancel), sync=sync, emit=lambda delta: is_first(delta) and seen.set())
        setter.join()
        told_so(got, row, FIRST)
        assert ended(server, "client_closed")


@pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])
@each_row
def test_an_event_before_the_headers(row: Provider, sync: bool) -> None:
    """The server has the request and is silent: the call blocks where no response is there to be closed."""
    cancel = threading.Event()
    with silent(row) as server:

        def stop() -> None:
            asked_once(server)
            cancel.set()

        setter = threading.Thread(target=stop)
        setter.start()
        got = run(asked(server, row, cancel=cancel), sync=sync)
        setter.join()
        told_so(got, row, "")
        assert ended(server, "client_closed")


@each_event
@each_row
def test_an_event_before_the_request(row: Provider, event: Callable[[], Any], sync: bool) -> None:
    """A call that was cancelled before it began is sent, and costs money."""
    cancel = event()
    cancel.set()
    with begun(row) as server:
        got = run(asked(server, row, cancel=cancel), sync=sync)
        told_so(got, row, "")
        assert server.exchanges == []


@each_event
@each_row
def test_an_event_after_the_terminal(row: Provider, event: Callable[[], Any], sync: bool) -> None:
    """The answer is whole, only the connection is still open: it is thrown away as cancelled."""
    cancel = event()
    with playing(row, Send(b"".join(pieces_of(row))), Stall()) as server:

        def last(delta: Delta) -> None:
            if delta.op == "usage" and delta.value["usage"]["output_tokens"] == 7:
                cancel.set()

        got = run(asked(server, row, cancel=cancel), sync=sync, emit=last)
        assert got.error is None
        assert (got.completion.status, got.completion.finish_reason) == ("complete", "tool_calls")
        assert [call.complete for call in got.completion.tool_calls] == [True]
        assert ended(server, "client_closed")


@each_event
@each_row
def test_an_event_that_is_never_set(row: Provider, event: Callable[[], Any], sync: bool) -> None:
    """The option alone changes the result, or leaves a task or thread behind."""
    with playing(row, Send(b"".join(pieces_of(row))), End()) as server:
        got = run(asked(server, row, cancel=event()), sync=sync)
        assert (got.error, got.completion.status) == (None, "complete")
        assert ended(server, "complete")


@each_side
@each_row
def test_a_real_error_beside_an_event(row: Provider, sync: bool) -> None:
    """An event that nobody set turns a broken connection into a cancellation."""
    with playing(row, Send(b"".join(pieces_of(row)[: EVENTS_TO_TEXT[row.protocol]]))) as server:
        got = run(asked(server, row, cancel=threading.Event()), sync=sync)
        assert got.failed.info.code == "stream_incomplete"
        assert got.stream.stop_reason == "error"


@each_row
def test_closing_the_generator(row: Provider) -> None:
    """Closed after the first text: the connection lives on, or the partial completion is lost."""
    with begun(row) as server:
        stream = asked(server, row)
        with closing(iter(stream)) as deltas:
            assert any(is_first(delta) for delta in deltas)
        assert is_cancelled(stream, FIRST)
        assert ended(server, "client_closed")


@each_row
def test_closing_the_async_generator(row: Provider) -> None:
    """As above, while the loop still runs."""

    async def closed(server: LoopbackServer, stream: ReferenceStream) -> bool:
        async with asyncio.timeout(PATIENCE):
            async with aclosing(aiter(stream)) as deltas:
                await until(deltas, is_first)
            assert is_cancelled(stream, FIRST)
            return await asyncio.to_thread(ended, server, "client_closed")

    with begun(row) as server:
        assert asyncio.run(closed(server, asked(server, row)))


@each_row
def test_leaving_the_loop_without_closing(row: Provider) -> None:
    """`break` alone: the event loop closes the generator when it is collected, and that is enough."""

    async def left(server: LoopbackServer, stream: ReferenceStream) -> bool:
        async for delta in stream:
            if is_first(delta):
                break
        return await asyncio.to_thread(ended, server, "client_closed")

    with begun(row) as server:
        stream = asked(server, row)
        assert asyncio.run(left(server, stream))
        assert is_cancelled(stream, FIRST)


def test_leaving_a_sync_loop_without_closing() -> None:
    """`break` alone: the generator is collected and closes its connection."""
    with begun(OPENAI) as server:
        stream = asked(server, OPENAI)
        for delta in stream:
            if is_first(delta):
                break
        assert ended(server, "client_closed")
        assert is_cancelled(stream, FIRST)


def test_an_exception_in_the_loop() -> None:
    """The caller's own exception comes out unchanged, and the connection is closed."""

    async def broken(stream: ReferenceStream) -> None:
        async with asyncio.timeout(PATIENCE), aclosing(aiter(stream)) as deltas:
            await until(deltas, is_first)
            raise KeyError("mine")

    with begun(OPENAI) as server:
        stream = asked(server, OPENAI)
        with pytest.raises(KeyError, match="mine"):
            asyncio.run(broken(stream))
        assert ended(server, "client_closed")
        assert is_cancelled(stream, FIRST)


async def _cancel(server: LoopbackServer, work: Awaitable[object], ready: Callable[[], Awaitable[object]]) -> None:
    """Cancel the task once it is ready; CancelledError has to come out, and the server has to see it."""
    async with asyncio.timeout(PATIENCE):
        task = asyncio.ensure_future(work)
        await ready()
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        assert await asyncio.to_thread(ended, server, "client_closed")


@pytest.mark.parametrize("cancel", [None, asyncio.Event, threading.Event])
@each_row
def test_cancelling_the_task(row: Provider, cancel: Callable[[], Any] | None) -> None:
    """The task is cancelled while it waits for the next byte, with and without an event beside it."""
    with begun(row) as server:
        stream = asked(server, row, cancel=None if cancel is None else cancel())

        async def work(seen: asyncio.Event) -> None:
            async with aclosing(aiter(stream)) as deltas:
                async for delta in deltas:
                    if is_first(delta):
                        seen.set()

        async def main() -> None:
            seen = asyncio.Event()
            await _cancel(server, work(seen), seen.wait)

        asyncio.run(main())
        assert is_cancelled(stream, FIRST)


@each_row
def test_cancelling_the_task_before_the_headers(row: Provider) -> None:
    """The task is cancelled while the SDK waits for the response."""
    with silent(row) as server:
        stream = asked(server, row)

        async def work() -> None:
            async for _ in stream:
                pass

        asyncio.run(_cancel(server, work(), lambda: asyncio.to_thread(asked_once, server)))
        assert is_cancelled(stream, "")


@each_row
def test_a_timeout_around_the_call(row: Provider) -> None:
    """`asyncio.timeout` is a cancellation from outside: it must come out as TimeoutError, not as an LLMError."""

    async def main(stream: ReferenceStream) -> None:
        async with asyncio.timeout(PATIENCE) as deadline:
            async for delta in stream:
                if is_first(delta):
                    deadline.reschedule(asyncio.get_running_loop().time())

    with begun(row) as server:
        stream = asked(server, row)
        with pytest.raises(TimeoutError):
            asyncio.run(main(stream))
        assert is_cancelled(stream, FIRST)
        assert ended(server, "client_closed")


@each_side
@each_row
def test_through_the_contract(row: Provider, sync: bool) -> None:
    """`ReferenceAdapter(options=...)` forgets the event on its way."""
    cancel = threading.Event()
    with silent(row) as server:

        def stop() -> None:
            asked_once(server)
            cancel.set()

        setter = threading.Thread(target=stop)
        setter.start()
        with pytest.raises(LLMCancelledError):
            adapter_run(server, row, sync=sync, cancel=cancel)
        setter.join()
        assert ended(server, "client_closed")


def test_a_connection_that_is_made_too_late() -> None:
    """Cancelled during the connect: the request is sent all the same, and its answer awaited."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(PATIENCE)
        line, request = Line(), httpx2.Request("POST", "http://127.0.0.1/")
        line.watch(request)
        line.abort()
        stream = SimpleNamespace(get_extra_info={"socket": ours}.get)
        request.extensions["trace"]("connection.connect_tcp.complete", {"return_value": stream})
        assert theirs.recv(1) == b""


def test_many_streams_of_which_one_is_cancelled() -> None:
    """An event ends a stream that it does not belong to."""

    async def one(server: LoopbackServer, cancel: asyncio.Event | None) -> str:
        stream = asked(server, OPENAI, cancel=cancel)
        try:
            async with aclosing(aiter(stream)) as deltas:
                async for delta in deltas:
                    if cancel is not None and is_first(delta):
                        cancel.set()
                        server.release("rest")
        except LLMError as error:
            return error.info.type
        return stream.completion.status

    async def main(server: LoopbackServer) -> list[str]:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.gather(one(server, None), one(server, asyncio.Event()), one(server, None))

    pieces = pieces_of(OPENAI)
    steps: tuple[Step, ...] = (Send(b"".join(pieces[:4])), Withhold("rest"), Send(b"".join(pieces[4:])))
    with playing(OPENAI, *steps) as server:
        assert asyncio.run(main(server)) == ["complete", "cancelled", "complete"]
