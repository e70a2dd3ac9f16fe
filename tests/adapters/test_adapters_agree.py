"""Every provider row through every adapter: the request, the completion, and when the deltas come."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import Iterator
from contextlib import aclosing, closing
from typing import Any

import pytest
from adapter_kit import (
    BEDROCK,
    CALL,
    MODEL,
    OPENAI,
    SDK_ROWS,
    WAYS,
    Watch,
    WatchedPlayback,
    ask,
    cassette,
    pieces_of,
    played,
    rows_by_sdk,
    watched,
)
from streamproof.adapters.clients import client_for
from streamproof.adapters.contract import Adapter, Endpoint
from streamproof.adapters.response import SDK_PROTOCOLS
from streamproof.adapters.wire import WireAdapter
from streamproof.cassette import Cassette
from streamproof.completion import Delta, ReasoningPart
from streamproof.errors import HarnessFault, LLMError, UsageError
from streamproof.fold import fold
from streamproof.hermetic import hermetic
from streamproof.providers import TABLE, Provider
from streamproof.replay.transport import Playback

pytestmark = pytest.mark.filterwarnings("error")

every_row = pytest.mark.parametrize("row", SDK_ROWS, ids=lambda row: row.key)
every_sdk = pytest.mark.parametrize("row", rows_by_sdk(), ids=lambda row: row.key)
every_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture(autouse=True)
def connections(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test here runs in a hermetic replay, in which nobody even tries to reach anything."""
    tried: list[Any] = []

    def refuse(*address: Any, **_: Any) -> None:
        tried.append(address)
        raise OSError("blocked")

    monkeypatch.setenv("OPENAI_BASE_URL", "http://10.1.2.3/v1")
    monkeypatch.setenv("HTTPS_PROXY", "http://10.1.2.3:3128")
    with hermetic(), monkeypatch.context() as patched:
        patched.setattr(socket.socket, "connect", refuse)
        patched.setattr(socket.socket, "connect_ex", refuse)
        patched.setattr(socket, "getaddrinfo", refuse)
        yield
    assert tried == []


@every_way
@every_row
def test_each_row_is_asked_at_its_url_once(row: Provider, way: str) -> None:
    """A client that appends another path, drops the row's headers, forgets to ask for a stream, or asks twice."""
    endpoint, watch = watched(row, pieces_of(row))
    ask(way, endpoint)
    (request,) = watch.requests
    body = json.loads(request.content)
    assert request.method == "POST"
    assert str(request.url.copy_with(query=None)) == row.url(MODEL)
    assert all(request.headers[name] == value for name, value in row.headers.items())
    if row.protocol == "gemini_generate_content":
        assert request.url.params["alt"] == "sse"
    elif row != BEDROCK:  # its path asks for the stream
        assert body["stream"] is True
    assert "extra_body" not in body


@every_row
def test_a_replayed_cassette_holds_no_secret(row: Provider) -> None:
    """The key of a recording, or of the user, gets into what vcrpy holds and may print."""
    playback = Playback(cassette(row, b"".join(pieces_of(row))), row, MODEL)
    transport = playback.transport()
    assert [dict(request.headers) for request in transport._tape.requests] == [{}]


@every_way
@every_row
def test_all_adapters_give_the_completion_of_the_bytes(row: Provider, way: str) -> None:
    """An SDK, our transport or a client changes, drops or reorders what the bytes say."""
    recorded = cassette(row, b"".join(pieces_of(row)))
    told = played("wire", row, recorded).completion
    answer = played(way, row, recorded)
    assert answer.completion == told
    assert fold(answer.deltas) == told
    assert told.text == "Let me see, häppily."
    assert [p.text for p in told.content if isinstance(p, ReasoningPart)] == ["A look at the weather."]
    assert [(call.name, call.arguments, call.complete) for call in told.tool_calls] == [
        ("weather", '{"city":"Ostrava"}', True)
    ]
    assert (told.usage.input_tokens, told.usage.output_tokens) == (11, 7)
    assert (told.status, told.finish_reason) == ("complete", "tool_calls")
    assert answer.adapter.shown.completion == told
    assert answer.adapter.shown.failure("p", "m") is None


@every_way
@every_sdk
def test_byte_by_byte_gives_the_same(row: Provider, way: str) -> None:
    """A client whose result depends on how the network cuts the body."""
    recorded = cassette(row, b"".join(pieces_of(row)))
    playback = Playback(recorded, row, MODEL, lambda body: (body[at : at + 1] for at in range(len(body))))
    answer = ask(way, Endpoint(provider=row, playback=playback))
    assert answer.completion == played("wire", row, recorded).completion


@every_way
@every_sdk
def test_deltas_come_before_later_chunks_are_read(row: Provider, way: str) -> None:
    """An adapter that collects the stream and shows it only when it is over."""
    pieces = pieces_of(row)
    endpoint, watch = watched(row, pieces)
    pulled: list[tuple[Delta, int]] = []
    answer = WAYS[way]().run(CALL, endpoint, lambda delta: pulled.append((delta, watch.pulled)))
    asyncio.run(answer)  # type: ignore[arg-type]
    text = [at for delta, at in pulled if delta.op in ("append", "start") and "Let me" in str(delta.value)]
    holder = next(number for number, piece in enumerate(pieces, 1) if _says(piece, b"Let me "))
    assert pulled[0][1] == 1
    assert text[0] == holder
    assert pulled[-1][1] == len(pieces)


def _says(piece: bytes, words: bytes) -> bool:
    if piece.startswith(b"\x00"):
        return words in base64.b64decode(json.loads(piece[piece.index(b"{") : -4])["bytes"])
    return words in piece


@every_way
@every_sdk
def test_closing_early_closes_the_connection_once(row: Provider, way: str) -> None:
    """A caller that stops: the connection stays open, is closed twice, or goes on being read."""
    endpoint, watch = watched(row, pieces_of(row))
    adapter = WAYS[way]()
    stream = adapter.stream(CALL, endpoint)
    if adapter.sync:
        with closing(iter(stream)) as deltas:
            next(deltas)
    else:
        asyncio.run(_first(stream))
    assert (watch.pulled, watch.closed) == (1, 1)
    assert stream.shown.completion.status == "interrupted"
    assert stream.shown.completion.error is not None
    assert stream.shown.completion.error.code == "cancelled"


async def _first(stream: Any) -> None:
    async with aclosing(aiter(stream)) as deltas:
        await anext(deltas)


@every_way
@every_sdk
def test_what_was_shown_before_a_break_is_kept(row: Provider, way: str, caplog: pytest.LogCaptureFixture) -> None:
    """A plain `break` loses what had come, or leaves a task or a generator behind that complains."""
    pieces = pieces_of(row)
    endpoint, watch = watched(row, pieces)
    adapter = WAYS[way]()
    stream = adapter.stream(CALL, endpoint)
    if adapter.sync:
        for delta in stream:
            if "Let me " in str(delta.value):
                break
        del delta
    else:
        asyncio.run(_broken_off(stream))
    assert stream.shown.completion.text == "Let me "
    assert watch.pulled < len(pieces)
    assert watch.closed == 1
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def _broken_off(stream: Any) -> None:
    async for delta in stream:
        if "Let me " in str(delta.value):
            break
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("way", ["reference", "sdk"])
@every_sdk
def test_a_cancelled_task_closes_the_connection(row: Provider, way: str, caplog: pytest.LogCaptureFixture) -> None:
    """Cancelling the task of a call turns into an LLMError, loses what came, or leaves the connection open."""
    pieces = pieces_of(row)
    endpoint, watch = watched(row, pieces)
    adapter = WAYS[way]()

    async def reader() -> None:
        async with aclosing(aiter(adapter.stream(CALL, endpoint))) as deltas:
            async for delta in deltas:
                if "Let me " in str(delta.value):
                    asyncio.current_task().cancel()  # type: ignore[union-attr]
                await asyncio.sleep(0)

    async def cancelled() -> None:
        task = asyncio.create_task(reader())
        with pytest.raises(asyncio.CancelledError):
            await task
        assert watch.closed == 1

    asyncio.run(cancelled())
    assert adapter.shown.completion.text == "Let me "
    assert watch.pulled < len(pieces)
    assert [record for record in caplog.records if record.name == "asyncio"] == []


@every_way
@every_sdk
def test_a_consumer_that_fails_closes_the_connection(row: Provider, way: str) -> None:
    """An exception of the caller's own in `emit` is taken for the provider's, or leaves the connection open."""
    endpoint, watch = watched(row, pieces_of(row))

    def broken(_: Delta) -> None:
        raise ZeroDivisionError("the caller's own")

    async def run() -> None:
        with pytest.raises(ZeroDivisionError):
            await WAYS[way]().run(CALL, endpoint, broken)
        assert (watch.pulled, watch.closed) == (1, 1)

    asyncio.run(run())


@every_way
@every_sdk
def test_reading_to_the_end_closes_the_connection_once(row: Provider, way: str) -> None:
    """A finished call that leaves its connection open."""
    endpoint, watch = watched(row, pieces_of(row))
    ask(way, endpoint)
    assert (watch.pulled, watch.closed) == (len(watch.pieces), 1)


@every_way
@every_sdk
def test_a_request_that_the_cassette_does_not_hold(row: Provider, way: str) -> None:
    """A miss that an SDK retries, wraps, or that is graded as the provider's error."""
    watch = Watch(pieces_of(row))
    playback = WatchedPlayback(row, cassette(row, b"x"), watch)
    endpoint = Endpoint(provider=row, playback=playback, base_url="http://127.0.0.1:1/else")
    with pytest.raises(HarnessFault) as caught:
        ask(way, endpoint)
    assert f"it holds: POST {row.url(MODEL)}" in str(caught.value)
    assert "the cassette holds no further answer to POST http" in str(caught.value)
    assert len(watch.requests) == 1
    assert watch.pulled == 0


def test_a_stream_is_asked_for_once() -> None:
    """Iterating a finished stream again sends the request a second time."""
    endpoint, watch = watched(OPENAI, pieces_of(OPENAI))
    stream = WAYS["reference+sync"]().stream(CALL, endpoint)
    assert list(stream)
    with pytest.raises(RuntimeError, match="iterated once"):
        list(stream)
    assert len(watch.requests) == 1


def test_two_calls_of_one_adapter_do_not_mix() -> None:
    """What the last run showed gets into the next one."""
    adapter = WAYS["reference"]()
    for text in ("one", "two"):
        recorded = cassette(OPENAI, f'data: {{"choices":[{{"delta":{{"content":"{text}"}}}}]}}\n\n'.encode())
        endpoint = Endpoint(provider=OPENAI, playback=Playback(recorded, OPENAI, MODEL))
        with pytest.raises(LLMError):
            asyncio.run(adapter.run(CALL, endpoint, lambda _: None))
        assert adapter.shown.completion.text == text


def test_adapters_say_what_they_speak() -> None:
    """An adapter claims a protocol that it cannot ask for, or hides one that it can."""
    adapters: list[Adapter] = [make() for make in WAYS.values()]
    assert {adapter.name for adapter in adapters} == {"reference", "sdk"}
    assert all(adapter.protocols == SDK_PROTOCOLS for adapter in adapters)
    assert set(WireAdapter.protocols) - set(SDK_PROTOCOLS) == {"bedrock_converse"}


def test_a_row_without_an_sdk_has_no_client() -> None:
    """Converse is asked for through the client of another protocol."""
    with pytest.raises(UsageError, match="bedrock/bedrock_converse has no SDK"):
        client_for(Endpoint(provider=TABLE["bedrock", "bedrock_converse"]), {})


def test_wire_needs_recorded_bytes() -> None:
    """The wire adapter without a response: something else than a fault that says so."""
    with pytest.raises(HarnessFault, match="give it a playback"):
        ask("wire", Endpoint(provider=OPENAI))
    empty = Playback(Cassette(interactions=()), OPENAI, MODEL)
    with pytest.raises(HarnessFault, match="holds no response"):
        ask("wire", Endpoint(provider=OPENAI, playback=empty))


def test_shown_before_anything_came() -> None:
    """A caller that looks at a stream before it has begun."""
    shown = WireAdapter().shown
    assert shown.completion.status == "interrupted"
    assert (shown.diagnostics, shown.details) == ([], {})


@pytest.mark.parametrize("way", ["wire", *WAYS])
def test_diagnostics_and_details_are_shown(way: str) -> None:
    """What the completion does not show is lost on the way through an adapter."""
    row = TABLE["anthropic", "anthropic_messages"]
    events = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": [], "usage": None}},
        {"type": "telemetry", "level": 3},
        {"type": "message_delta", "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END"}, "usage": None},
        {"type": "message_stop"},
    ]
    shown = played(way, row, cassette(row, b"".join(pieces_of(row, events)))).adapter.shown
    assert "unknown_event" in {diagnostic.kind for diagnostic in shown.diagnostics}
    assert shown.details["stop_sequence"] == "END"
