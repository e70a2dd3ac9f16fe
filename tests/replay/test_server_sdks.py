"""The loopback server with the official SDKs, through the reference adapter: real HTTP, nothing injected."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from loopback import PATIENCE, cassette, ended, nothing_left_behind
from streamproof.adapters.contract import Call, Endpoint
from streamproof.adapters.reference import ReferenceAdapter
from streamproof.completion import Completion, Delta
from streamproof.errors import LLMError
from streamproof.hermetic import hermetic
from streamproof.providers import TABLE
from streamproof.replay.script import Gate, Reset, Response, Send, ShortBody, Stall, Step, Withhold
from streamproof.replay.server import LoopbackServer, respond_with_cassette

CALL = Call(model="model-1", messages=[{"role": "user", "content": "Say hello."}])
SSE = ("content-type", "text/event-stream")


def sse(*payloads: Any, named: bool = False) -> bytes:
    """Server-sent events of JSON payloads. named: each with its `type` as the event's name."""
    return b"".join(
        (f"event: {payload['type']}\n" if named else "").encode() + f"data: {json.dumps(payload)}\n\n".encode()
        for payload in payloads
    )


def _chat(content: str | None, finish: str | None = None) -> dict[str, Any]:
    delta = {} if content is None else {"content": content}
    return {"id": "c-1", "model": "model-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


CHAT = (sse(_chat("Hel")), sse(_chat("lo"), _chat(None, "stop")) + b"data: [DONE]\n\n")

_TEXT = {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0}
RESPONSES = (
    sse({"type": "response.created", "response": {"id": "r-1", "status": "in_progress"}}, {**_TEXT, "delta": "Hel"}),
    sse(
        {**_TEXT, "delta": "lo"},
        {"type": "response.completed", "response": {"id": "r-1", "model": "model-1", "status": "completed"}},
    ),
)

_MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "model-1", "content": []}
MESSAGES = (
    sse(
        {"type": "message_start", "message": {**_MESSAGE, "usage": {"input_tokens": 1, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
        named=True,
    ),
    sse(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
        named=True,
    ),
)

GEMINI = (
    sse({"candidates": [{"content": {"parts": [{"text": "Hel"}], "role": "model"}}], "responseId": "r-1"}),
    sse({"candidates": [{"content": {"parts": [{"text": "lo"}], "role": "model"}, "finishReason": "STOP"}]}),
)

ROWS = {
    ("openai", "openai_chat"): CHAT,
    ("azure", "openai_chat"): CHAT,
    ("openai", "openai_responses"): RESPONSES,
    ("anthropic", "anthropic_messages"): MESSAGES,
    ("google_ai", "gemini_generate_content"): GEMINI,
    ("google_vertex", "gemini_generate_content"): GEMINI,
}
"""Rows of every SDK and client class, with a stream whose first half shows `Hel` and whose second `lo`."""

each_row = pytest.mark.parametrize("key", ROWS, ids="/".join)
each_side = pytest.mark.parametrize("sync", [True, False], ids=["sync", "async"])


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """Nothing reaches beyond loopback, and the server leaves nothing behind."""
    with hermetic(), nothing_left_behind(sockets=False):  # how the SDKs' clients close is not the server's to say
        yield


def shows_text(delta: Delta) -> bool:
    """Whether a delta shows the first half of the text."""
    shown = delta.value.get("text") if isinstance(delta.value, dict) else delta.value
    return delta.op in ("start", "append") and shown == "Hel"


def endpoint(server: LoopbackServer, key: tuple[str, str]) -> Endpoint:
    """The row, at the server."""
    return Endpoint(provider=TABLE[key], base_url=server.base_url, timeout=PATIENCE)


def playing(*steps: Step) -> LoopbackServer:
    """A server that plays these steps of an SSE stream to everybody."""
    response = Response(200, [SSE], steps)
    return LoopbackServer(lambda _: response)


def run(server: LoopbackServer, key: tuple[str, str], sync: bool, emit: Callable[[Delta], None]) -> Completion:
    """One call through the reference adapter."""
    return asyncio.run(ReferenceAdapter(sync=sync).run(CALL, endpoint(server, key), emit))


def releasing(gate: Gate) -> Callable[[Delta], None]:
    """Opens the gate at the first text."""
    return lambda delta: gate.release() if shows_text(delta) else None


@each_side
@each_row
def test_the_first_delta_is_seen_while_the_rest_is_withheld(key: tuple[str, str], sync: bool) -> None:
    """The rest is released by the first delta, so a client or adapter that buffers never gets it."""
    first, rest = ROWS[key]
    gate = Gate()
    with playing(Send(first), Withhold(gate), Send(rest)) as server:
        completion = run(server, key, sync, releasing(gate))
        assert (completion.text, completion.status) == ("Hello", "complete")
        assert ended(server, "complete")
        assert server.exchanges[0].request.path == TABLE[key].path.format(model="model-1")
        assert server.exchanges[0].request.header("authorization") in (None, "REDACTED")


@each_side
@each_row
@pytest.mark.parametrize("last", [Reset(), ShortBody()])
def test_a_broken_body_is_interrupted_and_keeps_its_prefix(
    key: tuple[str, str], sync: bool, last: Reset | ShortBody
) -> None:
    """A reset and a short chunked body in mid-stream: an LLMError with what had come."""
    gate = Gate()
    with playing(Send(ROWS[key][0]), Withhold(gate), last) as server:
        with pytest.raises(LLMError) as caught:
            run(server, key, sync, releasing(gate))
        partial = caught.value.partial
        assert partial is not None
        assert (partial.text, partial.status, partial.finish_reason) == ("Hel", "interrupted", None)
        assert caught.value.info.type == "interrupted"
        assert ended(server, "reset_by_us" if isinstance(last, Reset) else "short")


@each_row
def test_a_sync_stream_that_is_closed_closes_its_connection(key: tuple[str, str]) -> None:
    """The server stalls; closing the generator after the first text is seen at the socket."""
    with playing(Send(ROWS[key][0]), Stall()) as server:
        with closing(iter(ReferenceAdapter(sync=True).stream(CALL, endpoint(server, key)))) as deltas:
            assert any(shows_text(delta) for delta in deltas)
        assert ended(server, "client_closed")


@each_row
def test_an_async_task_that_is_cancelled_closes_its_connection(key: tuple[str, str]) -> None:
    """The server stalls; cancelling the task after the first text is seen at the socket, while its loop still runs."""

    async def cancelled(server: LoopbackServer) -> bool:
        seen = asyncio.Event()
        adapter = ReferenceAdapter()
        task = asyncio.create_task(
            adapter.run(CALL, endpoint(server, key), lambda delta: seen.set() if shows_text(delta) else None)
        )
        async with asyncio.timeout(PATIENCE):
            await seen.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()
            return await asyncio.to_thread(ended, server, "client_closed")

    with playing(Send(ROWS[key][0]), Stall()) as server:
        assert asyncio.run(cancelled(server))


async def _first_text(deltas: AsyncGenerator[Delta]) -> None:
    async for delta in deltas:
        if shows_text(delta):
            return


@each_row
def test_an_async_stream_that_is_closed_closes_its_connection(key: tuple[str, str]) -> None:
    """The async generator's `aclose` reaches the socket while its loop still runs, not when garbage is collected."""

    async def closed(server: LoopbackServer) -> bool:
        deltas: Any = aiter(ReferenceAdapter().stream(CALL, endpoint(server, key)))
        async with asyncio.timeout(PATIENCE):
            await _first_text(deltas)
            await deltas.aclose()
            return await asyncio.to_thread(ended, server, "client_closed")

    with playing(Send(ROWS[key][0]), Stall()) as server:
        assert asyncio.run(closed(server))


@each_side
def test_a_cassette_behind_a_prefix(sync: bool) -> None:
    """A recording, byte by byte, at a base URL with a path; the call after its last answer is a clear error."""
    recorded = cassette(b"".join(CHAT), content_type="text/event-stream")
    handler = respond_with_cassette(
        recorded, split=lambda body: [body[i : i + 1] for i in range(len(body))], prefix="/c"
    )
    with LoopbackServer(handler) as server:
        at = Endpoint(provider=TABLE["openai", "openai_chat"], base_url=server.base_url + "/c/v1", timeout=PATIENCE)
        adapter = ReferenceAdapter(sync=sync)
        assert asyncio.run(adapter.run(CALL, at, lambda _: None)).text == "Hello"  # type: ignore[arg-type]
        with pytest.raises(LLMError, match="1 requests were answered") as caught:
            asyncio.run(adapter.run(CALL, at, lambda _: None))  # type: ignore[arg-type]
        assert caught.value.info.status_code == 404
        assert len(server.reports) == 1


def test_one_request_per_call_when_the_server_fails() -> None:
    """No hidden retry: a reset ahead of the answer is one request in the log."""
    with LoopbackServer(lambda _: Response(before=(Reset(),))) as server:
        for key in ROWS:
            with pytest.raises(LLMError):
                run(server, key, True, lambda _: None)
        assert ended(server, "reset_by_us", len(ROWS))


def test_sync_streams_from_many_threads() -> None:
    """Twenty threads, each in mid-stream at the same time."""
    first, rest = CHAT
    together = threading.Barrier(20)
    texts: list[str] = []

    def work(server: LoopbackServer) -> None:
        def meet(delta: Delta) -> None:
            if shows_text(delta) and together.wait(PATIENCE) == 0:
                server.release("rest")

        adapter = ReferenceAdapter(sync=True)
        for delta in adapter.stream(CALL, endpoint(server, ("openai", "openai_chat"))):
            if not server.gate("rest").is_open:
                meet(delta)
        texts.append(adapter.shown.completion.text)

    with playing(Send(first), Withhold("rest"), Send(rest)) as server:
        threads = [threading.Thread(target=work, args=(server,)) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert texts == ["Hello"] * 20
        assert ended(server, "complete", 20)
