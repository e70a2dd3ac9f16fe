"""What our adapters share: one response from its first item to its completion, sync or async.

An adapter says where its items come from (`_items`, `_items_async`) and what an item is to the decoder (`_take`).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from contextlib import aclosing, closing
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Generic, TypeVar

from ..completion import Completion, Delta, ErrorInfo
from ..decoders.base import Decoder, Diagnostic
from ..decoders.stream import StreamDecoder
from ..errors import LLMError, llm_error
from ..jsontext import JSON
from ..providers import ROWS
from .clients import Client, client_for
from .contract import Call, Emit, Endpoint
from .faults import lost, sdk_error
from .requests import request_body

Item = TypeVar("Item")

SDK_PROTOCOLS = tuple(dict.fromkeys(row.protocol for row in ROWS if row.sdk != "none"))


@dataclass(slots=True)
class Shown:
    """What a run showed: its decoder once the response began, before that the error that kept it from beginning."""

    decoder: Decoder | None = None
    error: ErrorInfo | None = None

    @property
    def completion(self) -> Completion:
        """The completion so far."""
        if self.decoder is not None:
            return self.decoder.completion
        return Completion(status="failed" if self.error else "interrupted", error=self.error)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """What the completion does not show."""
        return self.decoder.diagnostics if self.decoder else []

    @property
    def details(self) -> dict[str, JSON]:
        """What the wire says about the end besides its reason."""
        return self.decoder.details if self.decoder else {}

    def refused(self, error: ErrorInfo) -> Delta:
        """There is no stream: keep the error; its delta."""
        self.error = error
        return Delta("error", value={"status": "failed", "error": asdict(error)})

    def failure(self, provider: str, model: str | None, latency: float | None = None) -> LLMError | None:
        """The exception that a completion with an error has to be raised as, None when all is well."""
        completion = self.completion
        if completion.error is None:
            return None
        return llm_error(completion.error, partial=completion, provider=provider, model=model, latency=latency)


class ResponseStream(ABC, Generic[Item]):
    """One call. Iterate it once, with `for` or with `async for`: it gives the deltas.

    Raises LLMError, after the last delta, when the stream failed or was cut; its `__cause__` is the SDK's exception,
    where there was one. `shown.completion` holds what came, at any time. To stop early and be sure that the connection
    is closed, close the iterator: `async with aclosing(aiter(stream)) as deltas`.
    """

    def __init__(self, endpoint: Endpoint, body: Mapping[str, Any], n: int | None = None) -> None:
        self.endpoint = endpoint
        self.shown = Shown()
        self._n, self._model = n, body.get("model")
        self._client: Client = client_for(endpoint, body)
        self._stream: StreamDecoder | None = None
        self._fault: ErrorInfo | None = None
        self._cause: Exception | None = None
        self._started: float | None = None

    def __iter__(self) -> Generator[Delta]:
        self._start()
        with closing(self._guarded()) as items:
            for item in items:
                yield from self._take(self._decoder(), item)
        yield from self._end()

    async def __aiter__(self) -> AsyncGenerator[Delta]:
        self._start()
        async with aclosing(self._guarded_async()) as items:
            async for item in items:
                for delta in self._take(self._decoder(), item):
                    yield delta
        for delta in self._end():
            yield delta

    @abstractmethod
    def _items(self) -> Generator[Item]:
        """The response's items as they arrive; calls `_open` once the response has begun."""

    @abstractmethod
    def _items_async(self) -> AsyncGenerator[Item]:
        """The async twin of `_items`."""

    @abstractmethod
    def _take(self, stream: StreamDecoder, item: Item) -> list[Delta]:
        """The deltas of one item."""

    def _start(self) -> None:
        if self._started is not None:
            raise RuntimeError("a response stream is iterated once; make another one to ask again")
        self._started = time.perf_counter()

    def _open(self, content_type: str | None = None) -> None:
        """The response has begun."""
        row = self.endpoint.provider
        self._stream = StreamDecoder(row.protocol, quirks=row.quirks, n=self._n, content_type=content_type)
        self.shown.decoder = self._stream.decoder

    # Nothing of ours but `_open` runs inside these two, so what they catch is the SDK's.

    def _guarded(self) -> Generator[Item]:
        try:
            yield from self._items()
        except ImportError:  # an extra that is not installed is nobody's answer
            raise
        except Exception as exception:  # noqa: BLE001 - whatever an SDK raises becomes an LLMError
            self._fail(exception)

    async def _guarded_async(self) -> AsyncGenerator[Item]:
        try:
            async with aclosing(self._items_async()) as items:
                async for item in items:
                    yield item
        except ImportError:  # as above
            raise
        except Exception as exception:  # noqa: BLE001 - as above
            self._fail(exception)

    def _fail(self, exception: Exception) -> None:
        self._cause = exception
        self._fault = sdk_error(exception) or lost(exception, started=self._stream is not None)

    def _decoder(self) -> StreamDecoder:
        if self._stream is None:
            self._open()
        assert self._stream is not None
        return self._stream

    def _end(self) -> Iterator[Delta]:
        fault = self._fault
        if self._stream is None and fault is not None:
            yield self.shown.refused(fault)
        else:
            yield from self._decoder().end(None if fault is None else asdict(fault))
        assert self._started is not None
        latency = time.perf_counter() - self._started
        failure = self.shown.failure(self.endpoint.provider.name, self._model, latency)
        if failure is not None:
            raise failure from self._cause


class SdkAdapter(ABC):
    """The adapter contract over a `ResponseStream`. sync: use the SDK's sync client instead of its async one."""

    name: ClassVar[str]
    stream_type: ClassVar[type[ResponseStream[Any]]]
    protocols = SDK_PROTOCOLS

    def __init__(self, *, sync: bool = False) -> None:
        self.sync = sync
        self.shown = Shown()
        """What the last run showed."""

    def stream(self, call: Call, endpoint: Endpoint) -> ResponseStream[Any]:
        """The call's deltas, to iterate once."""
        stream = self.stream_type(endpoint, request_body(call, endpoint.provider.protocol), call.n)
        self.shown = stream.shown
        return stream

    async def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        """Ask once and pass every delta on. Raises LLMError when the stream failed or was cut."""
        stream = self.stream(call, endpoint)
        if self.sync:
            with closing(iter(stream)) as deltas:
                for delta in deltas:
                    emit(delta)
        else:
            async with aclosing(aiter(stream)) as deltas_async:
                async for delta in deltas_async:
                    emit(delta)
        return stream.shown.completion
