"""Helpers of the adapter tests: small streams of every protocol, playbacks that keep watch, and the ways to ask."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2
from streamproof.adapters.contract import Call, Endpoint
from streamproof.adapters.reference import ReferenceAdapter
from streamproof.adapters.response import SdkAdapter
from streamproof.adapters.sdk import TypedSdkAdapter
from streamproof.adapters.wire import WireAdapter
from streamproof.cassette import Cassette, Interaction
from streamproof.completion import Completion, Delta
from streamproof.errors import LLMError
from streamproof.providers import ROWS, TABLE, Provider
from streamproof.replay.transport import Playback, ReplayTransport
from streamproof.wire.eventstream import encode_frame

SDK_ROWS = [row for row in ROWS if row.sdk != "none"]
WAYS: Mapping[str, Callable[[], SdkAdapter]] = {
    "reference": ReferenceAdapter,
    "reference+sync": lambda: ReferenceAdapter(sync=True),
    "sdk": TypedSdkAdapter,
    "sdk+sync": lambda: TypedSdkAdapter(sync=True),
}
MODEL = "some-model"
CALL = Call(model=MODEL, messages=[{"role": "user", "content": "How warm is it in Ostrava?"}], max_output_tokens=64)


def data(*events: Any, name: Callable[[Any], str] = lambda _: "") -> list[bytes]:
    """Events as blocks of server-sent events, one piece each. name: the SSE event name of an event."""
    pieces = []
    for event in events:
        head = f"event: {name(event)}\n" if name(event) else ""
        text = event if isinstance(event, str) else json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        pieces.append(f"{head}data: {text}\n\n".encode())
    return pieces


def typed(*events: Any) -> list[bytes]:
    """Events whose SSE name is their `type`."""
    return data(*events, name=lambda event: str(event["type"]))


def frames(*events: Any) -> list[bytes]:
    """Anthropic events in Bedrock's InvokeModel frames."""
    return [_frame("chunk", {"bytes": base64.b64encode(json.dumps(event).encode()).decode()}) for event in events]


def _frame(name: str, payload: Any) -> bytes:
    headers = {":message-type": "event", ":event-type": name, ":content-type": "application/json"}
    return encode_frame(headers, json.dumps(payload, separators=(",", ":")).encode())


def _chunk(delta: Any = None, finish: Any = None, **more: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    head = {"id": "chatcmpl-Qm2x", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": MODEL}
    return {**head, "choices": choices, **more}


def _chat_call(**fields: Any) -> dict[str, Any]:
    return _chunk({"tool_calls": [{"index": 0, **fields}]})


CHAT: list[Any] = [
    _chunk({"role": "assistant", "content": ""}),
    _chunk({"reasoning_content": "A look at "}),
    _chunk({"reasoning_content": "the weather."}),
    _chunk({"content": "Let me "}),
    _chunk({"content": "see, häppily."}),
    _chat_call(id="call_Wd83kLm2PqRs", type="function", function={"name": "weather", "arguments": ""}),
    _chat_call(function={"arguments": '{"city":'}),
    _chat_call(function={"arguments": '"Ostrava"}'}),
    _chunk({}, "tool_calls"),
    _chunk(usage={"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}),
    "[DONE]",
]

_ITEMS: list[dict[str, Any]] = [
    {
        "id": "rs_0a",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "A look at the weather."}],
    },
    {
        "id": "msg_0b",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "Let me see, häppily.", "annotations": [], "logprobs": []}],
    },
    {
        "id": "fc_0c",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_Wd83kLm2PqRs",
        "name": "weather",
        "arguments": '{"city":"Ostrava"}',
    },
]


def _response(status: str, output: Any = (), usage: Any = None, **more: Any) -> dict[str, Any]:
    head = {"id": "resp_7f", "object": "response", "created_at": 1_790_000_000, "status": status, "model": MODEL}
    return {**head, "output": list(output), "usage": usage, "error": None, "incomplete_details": None, **more}


def _responses_events() -> list[dict[str, Any]]:
    reasoning, message, call = _ITEMS
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": _response("in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": {**reasoning, "summary": []}},
        {"type": "response.output_item.done", "output_index": 0, "item": reasoning},
        {
            "type": "response.output_item.added",
            "output_index": 1,
            "item": {**message, "content": [], "status": "in_progress"},
        },
        {
            "type": "response.content_part.added",
            "item_id": "msg_0b",
            "output_index": 1,
            "content_index": 0,
            "part": {**message["content"][0], "text": ""},
        },
    ]
    where = {"item_id": "msg_0b", "output_index": 1, "content_index": 0}
    events += [
        {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
        for piece in ("Let me ", "see, häppily.")
    ]
    events += [
        {"type": "response.output_item.done", "output_index": 1, "item": message},
        {
            "type": "response.output_item.added",
            "output_index": 2,
            "item": {**call, "arguments": "", "status": "in_progress"},
        },
        {
            "type": "response.function_call_arguments.delta",
            "item_id": "fc_0c",
            "output_index": 2,
            "delta": call["arguments"],
        },
        {"type": "response.output_item.done", "output_index": 2, "item": call},
        {
            "type": "response.completed",
            "response": _response("completed", _ITEMS, {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}),
        },
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


RESPONSES = _responses_events()


def _block(index: int, block: Any, *deltas: Any) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


MESSAGES: list[dict[str, Any]] = [
    {
        "type": "message_start",
        "message": {
            "id": "msg_01Zy",
            "type": "message",
            "role": "assistant",
            "model": MODEL,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 11, "output_tokens": 1},
        },
    },
    *_block(
        0,
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "thinking_delta", "thinking": "A look at the weather."},
        {"type": "signature_delta", "signature": "c2lnbmVk"},
    ),
    *_block(
        1,
        {"type": "text", "text": ""},
        {"type": "text_delta", "text": "Let me "},
        {"type": "text_delta", "text": "see, häppily."},
    ),
    *_block(
        2,
        {"type": "tool_use", "id": "toolu_01Kd", "name": "weather", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"city":'},
        {"type": "input_json_delta", "partial_json": '"Ostrava"}'},
    ),
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 7},
    },
    {"type": "message_stop"},
]


def _candidate(*parts: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": MODEL, "responseId": "r-19", **more}


GEMINI: list[dict[str, Any]] = [
    _candidate({"text": "A look at the weather.", "thought": True}),
    _candidate({"text": "Let me "}),
    _candidate({"text": "see, häppily."}),
    _candidate({"functionCall": {"name": "weather", "args": {"city": "Ostrava"}}, "thoughtSignature": "c2ln+/8="}),
    _candidate(
        {"text": ""},
        finish="STOP",
        usageMetadata={"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18},
    ),
]

_EVENTS: Mapping[str, tuple[Callable[..., list[bytes]], list[Any]]] = {
    "openai_chat": (data, CHAT),
    "openai_responses": (typed, RESPONSES),
    "anthropic_messages": (typed, MESSAGES),
    "gemini_generate_content": (data, GEMINI),
}


def pieces_of(row: Provider, events: Iterable[Any] | None = None) -> list[bytes]:
    """A row's stream, one piece per event. events: instead of the protocol's small stream."""
    framing, small = _EVENTS[row.protocol]
    return (frames if row.sdk == "anthropic_bedrock" else framing)(*(small if events is None else events))


def stream_type(row: Provider) -> str:
    """The content type of a row's stream."""
    return "application/vnd.amazon.eventstream" if row.sdk == "anthropic_bedrock" else "text/event-stream"


def cassette(row: Provider, body: bytes, status: int = 200, **headers: str) -> Cassette:
    """One recorded response. headers: with `_` for `-`."""
    named = {name.replace("_", "-"): [value] for name, value in headers.items()}
    named.setdefault("content-type", [stream_type(row)])
    secret = {"authorization": ["Bearer secret-of-the-recording"]}
    return Cassette(
        interactions=(
            Interaction(
                method="POST", uri=row.url(MODEL), request_headers=secret, status=status, headers=named, body=body
            ),
        )
    )


@dataclass
class Watch:
    """What happened to a replayed body. pulled: chunks handed out; closed: calls of the stream's close."""

    pieces: list[bytes]
    fault: Exception | None = None
    pulled: int = 0
    closed: int = 0
    requests: list[httpx2.Request] = field(default_factory=list)

    def split(self, _: bytes) -> Iterator[bytes]:
        """The pieces, then the fault, if there is one."""
        for piece in self.pieces:
            self.pulled += 1
            yield piece
        if self.fault:
            raise self.fault


class _Counted(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    def __init__(self, inner: Any, watch: Watch) -> None:
        self._inner, self._watch = inner, watch

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._inner)

    def __aiter__(self) -> Any:
        return aiter(self._inner)

    def close(self) -> None:
        self._watch.closed += 1
        self._inner.close()

    async def aclose(self) -> None:
        self._watch.closed += 1
        await self._inner.aclose()


class _WatchedTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    def __init__(self, inner: ReplayTransport, watch: Watch, before: BaseException | None) -> None:
        self._inner, self._watch, self._before = inner, watch, before

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        self._asked(request)
        return self._counted(self._inner.handle_request(request))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        self._asked(request)
        return self._counted(await self._inner.handle_async_request(request))

    def _asked(self, request: httpx2.Request) -> None:
        self._watch.requests.append(request)
        if self._before is not None:
            raise self._before

    def _counted(self, response: httpx2.Response) -> httpx2.Response:
        response.stream = _Counted(response.stream, self._watch)
        return response


class WatchedPlayback(Playback):
    """A playback that counts. before: raised instead of a response."""

    def __init__(self, row: Provider, recorded: Cassette, watch: Watch, before: BaseException | None = None) -> None:
        super().__init__(recorded, row, MODEL, watch.split)
        self.watch, self._before = watch, before

    def transport(self) -> Any:
        return _WatchedTransport(super().transport(), self.watch, self._before)


def watched(
    row: Provider, pieces: list[bytes], fault: Exception | None = None, before: BaseException | None = None
) -> tuple[Endpoint, Watch]:
    """An endpoint that plays `pieces`, and what keeps watch over it."""
    watch = Watch(pieces, fault)
    playback = WatchedPlayback(row, cassette(row, b"".join(pieces) or b"-"), watch, before)
    return Endpoint(provider=row, playback=playback, timeout=5), watch


@dataclass
class Answer:
    """What came of a run."""

    completion: Completion
    deltas: list[Delta]
    error: LLMError | None
    adapter: Any


def ask(way: str, endpoint: Endpoint, call: Call = CALL) -> Answer:
    """Run an adapter, `wire` or one of WAYS."""
    adapter: Any = WireAdapter() if way == "wire" else WAYS[way]()
    deltas: list[Delta] = []
    try:
        if way == "wire":
            return Answer(adapter.run(call, endpoint, deltas.append), deltas, None, adapter)
        awaited: Awaitable[Completion] = adapter.run(call, endpoint, deltas.append)
        return Answer(asyncio.run(_wait(awaited)), deltas, None, adapter)
    except LLMError as error:
        return Answer(error.partial or Completion(), deltas, error, adapter)


async def _wait(answer: Awaitable[Completion]) -> Completion:
    return await answer


def played(way: str, row: Provider, recorded: Cassette, call: Call = CALL) -> Answer:
    """Run an adapter on a cassette."""
    return ask(way, Endpoint(provider=row, playback=Playback(recorded, row, call.model)), call)


def rows_by_sdk() -> list[Provider]:
    """One row for each pair of SDK client and protocol."""
    return list({(row.sdk, row.protocol): row for row in reversed(SDK_ROWS)}.values())


OPENAI = TABLE["openai", "openai_chat"]
RESPONSES_ROW = TABLE["openai", "openai_responses"]
ANTHROPIC = TABLE["anthropic", "anthropic_messages"]
BEDROCK = TABLE["bedrock", "anthropic_messages"]
GOOGLE = TABLE["google_ai", "gemini_generate_content"]
