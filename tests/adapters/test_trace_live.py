"""The provider trace of real calls: one record and one request per call, and a sink that cannot hurt the stream."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing, closing
from typing import Any

import pytest
from adapter_kit import ANTHROPIC, GOOGLE, OPENAI, pieces_of
from live_kit import (
    PATIENCE,
    adapter_run,
    asked,
    each_library,
    each_sdk,
    each_side,
    ended,
    playing,
    refusing,
    run,
    shows,
    until,
    whole,
)
from streamproof.adapters.reference import ReferenceStream
from streamproof.completion import Delta
from streamproof.providers import Provider
from streamproof.replay.script import Send, Stall, Withhold
from streamproof.trace import JSONLSink, ProviderTrace, Tracer

pytestmark = pytest.mark.filterwarnings("error")

TAGS = {"agent": "a-1", "step": "3"}
EVENTS_TO_TEXT = {"openai_chat": 4, "anthropic_messages": 7, "gemini_generate_content": 2}
IDS = {
    "openai_chat": "chatcmpl-Qm2x",
    "openai_responses": "resp_7f",
    "anthropic_messages": "msg_01Zy",
    "gemini_generate_content": "r-19",
}
is_first = shows("Let me ")


class Seen:
    """A tracer and what its sink was given."""

    def __init__(self, **options: Any) -> None:
        self.records: list[ProviderTrace] = []
        self.tracer = Tracer([self.records.append], **options)

    @property
    def record(self) -> ProviderTrace:
        """The one record there has to be."""
        assert self.tracer.flush(PATIENCE)
        (record,) = self.records
        return record


@pytest.fixture
def seen() -> Iterator[Seen]:
    """A tracer that keeps content."""
    seen = Seen(capture_content=True)
    yield seen
    assert seen.tracer.close(PATIENCE)
    assert seen.tracer.problems == ()


def begun(row: Provider) -> bytes:
    """The small stream up to its first text."""
    return b"".join(pieces_of(row)[: EVENTS_TO_TEXT[row.protocol]])


@each_side
@each_sdk
def test_one_record_for_one_request(row: Provider, sync: bool, seen: Seen) -> None:
    """No record, two of them, a retry, or a record that leaves out what the call was."""
    with playing(row, Send(b"".join(pieces_of(row))), headers=[("x-request-id", "req_1")]) as server:
        got = run(asked(server, row, tracer=seen.tracer, tags=TAGS), sync=sync)
        (exchange,) = server.exchanges
    record = seen.record
    assert (record.provider, record.protocol, record.model) == (row.name, row.protocol, "some-model")
    assert (record.state, record.error, record.completion) == ("completed", None, got.completion)
    assert (record.message_id, record.request_id, record.tags) == (IDS[row.protocol], "req_1", TAGS)
    assert record.raw_usage == got.completion.raw_usage is not None
    assert record.url == server.base_url + exchange.request.path
    sent: Any = exchange.request.json()
    assert {name: record.request[name] for name in sent if name in record.request}.items() <= sent.items()
    assert "Ostrava" in json.dumps(record.request)
    assert record.time_to_first_token is not None
    assert 0 < record.time_to_first_token <= record.latency < PATIENCE
    assert record.started_at > 1_600_000_000 * 10**9


@each_side
def test_the_time_to_the_first_token_is_not_that_to_the_last(sync: bool, seen: Seen) -> None:
    """The clock of the first delta stops at the end, or at the headers."""
    rest = b"".join(pieces_of(OPENAI)[4:])
    with playing(OPENAI, Withhold("head"), Send(begun(OPENAI)), Withhold("rest"), Send(rest)) as server:

        def begin() -> None:
            server.wait_for(lambda exchanges: exchanges and exchanges[0].answered)
            threading.Timer(0.1, server.release, ("head",)).start()

        threading.Thread(target=begin).start()

        def emit(delta: Delta) -> None:
            if is_first(delta):
                threading.Timer(0.2, server.release, ("rest",)).start()

        run(asked(server, OPENAI, tracer=seen.tracer), sync=sync, emit=emit)
    record = seen.record
    assert record.time_to_first_token is not None
    assert record.time_to_first_token >= 0.1
    assert record.latency - record.time_to_first_token >= 0.15


@each_side
@each_library
def test_a_refused_request(row: Provider, sync: bool, seen: Seen) -> None:
    """A failed call leaves no record, or one without its error."""
    with refusing(429, b'{"error": {"message": "slow down"}}', ("x-request-id", "req_1")) as server:
        run(asked(server, row, tracer=seen.tracer, tags=TAGS), sync=sync)
        assert len(server.exchanges) == 1
    record = seen.record
    assert (record.state, record.time_to_first_token, record.request_id) == ("failed", None, "req_1")
    assert record.error is not None
    assert (record.error.type, record.error.message, record.tags) == ("rate_limit", "slow down", TAGS)


@each_side
@each_library
def test_a_stream_that_breaks(row: Provider, sync: bool, seen: Seen) -> None:
    """An interrupted call looks like a completed or a failed one."""
    with playing(row, Send(begun(row)), headers=[("x-request-id", "req_1")]) as server:
        got = run(asked(server, row, tracer=seen.tracer), sync=sync)
    record = seen.record
    assert (record.state, record.request_id) == ("interrupted", "req_1")
    assert record.completion == got.completion
    assert record.error is not None
    assert record.error.code == "stream_incomplete"
    assert record.time_to_first_token is not None


def _by_event(stream: ReferenceStream, cancel: threading.Event) -> None:
    run(stream, sync=True, emit=lambda delta: is_first(delta) and cancel.set())


def _by_event_async(stream: ReferenceStream, cancel: threading.Event) -> None:
    run(stream, sync=False, emit=lambda delta: is_first(delta) and cancel.set())


def _by_closing(stream: ReferenceStream, _: threading.Event) -> None:
    with closing(iter(stream)) as deltas:
        assert any(is_first(delta) for delta in deltas)


def _by_aclosing(stream: ReferenceStream, _: threading.Event) -> None:
    async def main() -> None:
        async with asyncio.timeout(PATIENCE), aclosing(aiter(stream)) as deltas:
            await until(deltas, is_first)

    asyncio.run(main())


def _by_task(stream: ReferenceStream, _: threading.Event) -> None:
    async def main() -> None:
        async with asyncio.timeout(PATIENCE), aclosing(aiter(stream)) as deltas:
            await until(deltas, is_first)
            task = asyncio.ensure_future(until(deltas, lambda _: False))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait({task})
            assert task.cancelled()

    asyncio.run(main())


@each_library
@pytest.mark.parametrize("stop", [_by_event, _by_event_async, _by_closing, _by_aclosing, _by_task])
def test_a_cancelled_call(row: Provider, stop: Callable[[ReferenceStream, threading.Event], None], seen: Seen) -> None:
    """The caller's own stop leaves no record, two, or one that looks like the provider's fault."""
    cancel = threading.Event()
    with playing(row, Send(begun(row)), Stall()) as server:
        stream = asked(server, row, tracer=seen.tracer, cancel=cancel, tags=TAGS)
        stop(stream, cancel)
        assert ended(server, "client_closed")
    record = seen.record
    assert (record.state, record.tags) == ("cancelled", TAGS)
    assert record.completion == stream.completion
    assert record.completion is not None
    assert record.completion.text == "Let me "


@each_side
def test_a_sink_that_raises(sync: bool, caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets the sink's exception, or nobody hears of it."""

    def broken(_: ProviderTrace) -> None:
        raise OSError("disk full")

    seen: list[ProviderTrace] = []
    with Tracer([broken, seen.append]) as tracer, whole(OPENAI) as server:
        got = run(asked(server, OPENAI, tracer=tracer), sync=sync)
        assert (got.error, got.completion.status) == (None, "complete")
        assert tracer.flush(PATIENCE)
        (problem,) = tracer.problems
        assert (problem.failures, problem.last_error, len(seen)) == (1, "OSError: disk full", 1)
    assert "disk full" in caplog.text


@each_side
@each_library
def test_a_sink_that_blocks(row: Provider, sync: bool) -> None:
    """The stream waits for its sink: it never ends, as the sink is let go only afterwards."""
    go, entered = threading.Event(), threading.Event()

    def stuck(_: ProviderTrace) -> None:
        entered.set()
        assert go.wait(PATIENCE)

    tracer = Tracer([stuck])
    with whole(row) as server:
        for _ in range(3):
            assert run(asked(server, row, tracer=tracer), sync=sync).completion.status == "complete"
        assert entered.wait(PATIENCE)
        assert not go.is_set()
        assert not tracer.flush(0)
    go.set()
    assert tracer.close(PATIENCE)
    assert tracer.problems == ()


@each_side
def test_a_blocked_sink_of_a_failed_call(sync: bool) -> None:
    """The error waits for the sink."""
    go = threading.Event()
    tracer = Tracer([lambda _: go.wait(PATIENCE)])
    with refusing(500, b"{}") as server:
        assert run(asked(server, OPENAI, tracer=tracer), sync=sync).failed.info.type == "server"
        assert not go.is_set()
    go.set()
    assert tracer.close(PATIENCE)


@each_side
def test_records_of_several_calls(sync: bool, seen: Seen) -> None:
    """Each call has its own id and its own end, also on one adapter."""
    with whole(ANTHROPIC) as server:
        for _ in range(3):
            adapter_run(server, ANTHROPIC, sync=sync, tracer=seen.tracer, tags=TAGS)
        assert len(server.exchanges) == 3
    assert seen.tracer.flush(PATIENCE)
    assert len({record.id for record in seen.records}) == 3
    assert [record.state for record in seen.records] == ["completed"] * 3
    assert all(record.tags == TAGS for record in seen.records)


def test_a_stream_that_is_never_iterated(seen: Seen) -> None:
    """A record of a call that was never made."""
    with whole(OPENAI) as server:
        asked(server, OPENAI, tracer=seen.tracer)
        assert server.exchanges == []
    assert seen.tracer.flush(PATIENCE)
    assert seen.records == []


@pytest.mark.parametrize("row", [OPENAI, GOOGLE], ids=lambda row: row.key)
def test_neither_key_nor_content_leaves_the_process(row: Provider, tmp_path: Any) -> None:
    """The API key, the question or the answer stands in the file by default."""
    path = tmp_path / "calls.jsonl"
    with Tracer([JSONLSink(path)]) as tracer, whole(row) as server:
        stream = asked(server, row, tracer=tracer, more={"user": "sk-ant-api03-" + "k" * 40} if row == OPENAI else {})
        run(stream, sync=True)
    text = path.read_text(encoding="utf-8")
    assert json.loads(text)["state"] == "completed"
    for secret in ("Ostrava", "Let me", "kkkk", "häppily"):
        assert secret not in text
