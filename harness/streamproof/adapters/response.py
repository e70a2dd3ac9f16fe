"""What our adapters share: one response from its first item to its completion, sync or async.

An adapter says where its items come from (`_items`, `_items_async`) and what an item is to the decoder (`_take`).
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, closing
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Generic, TypeVar

from ..completion import Completion, Delta, ErrorInfo, Status, Usage
from ..decoders.base import Decoder, Diagnostic, says_more
from ..decoders.stream import StreamDecoder
from ..errors import LLMError, llm_error
from ..jsontext import JSON
from ..providers import ROWS
from ..trace.otel import current_context
from ..trace.record import ProviderTrace, State
from .cancellation import CANCELLED, until_set
from .clients import Client, client_for
from .contract import NO_OPTIONS, Call, CallOptions, Emit, Endpoint
from .estimate import estimate_usage
from .faults import lost, request_id, sdk_error, sdk_error_object
from .requests import request_body
from .threads import in_thread

Item = TypeVar("Item")

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

SDK_PROTOCOLS = tuple(dict.fromkeys(row.protocol for row in ROWS if row.sdk != "none"))


@dataclass(slots=True)
class Shown:
    """What a run showed: its decoder once the response began, before that the error that kept it from beginning."""

    decoder: Decoder | None = None
    error: ErrorInfo | None = None
    said: JSON = None
    """The provider's error object, where it says more than `error` shows."""

    @property
    def completion(self) -> Completion:
        """The completion so far."""
        if self.decoder is not None:
            return self.decoder.completion
        if self.error is None:
            return Completion()
        return Completion(status=self._refused_as(self.error), error=self.error)

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """What the completion does not show."""
        return self.decoder.diagnostics if self.decoder else []

    @property
    def details(self) -> dict[str, JSON]:
        """What the wire says about the end besides its reason."""
        if self.decoder is not None:
            return self.decoder.details
        return {} if self.said is None else {"error": self.said}

    def refused(self, error: ErrorInfo, said: JSON = None) -> Delta:
        """There is no stream: keep the error; its delta. said: the provider's error object."""
        self.error = error
        fields = asdict(error)
        self.said = said if says_more(said, fields) else None
        return Delta("error", value={"status": self._refused_as(error), "error": fields})

    @staticmethod
    def _refused_as(error: ErrorInfo) -> Status:
        return "interrupted" if error.type == "cancelled" else "failed"

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

    def __init__(
        self,
        endpoint: Endpoint,
        body: Mapping[str, Any],
        n: int | None = None,
        options: CallOptions = NO_OPTIONS,
    ) -> None:
        self.endpoint, self.options = endpoint, options
        self.shown = Shown()
        self._n, self._body, self._model = n, body, body.get("model")
        self._clock = Clock()
        self._client: Client = client_for(endpoint, body)
        self._stream: StreamDecoder | None = None
        self._request_id: str | None = None
        self._fault: ErrorInfo | None = None
        self._cause: Exception | None = None

    def __iter__(self) -> Generator[Delta]:
        self._clock.start()
        try:
            if not self._cancelled():
                with closing(self._guarded()) as items:
                    for item in items:
                        yield from self._took(item)
                        if self._cancelled():
                            break
                self._cancelled()
            yield from self._end()
        except (GeneratorExit, KeyboardInterrupt):
            self._abandon()
            raise
        self._finish()

    async def __aiter__(self) -> AsyncGenerator[Delta]:
        self._clock.start()
        cancel = self.options.cancel
        try:
            if not self._cancelled():
                async with aclosing(self._guarded_async()) as items, aclosing(until_set(items, cancel)) as wanted:
                    async for item in wanted:
                        for delta in self._took(item):
                            yield delta
                self._cancelled()
            for delta in self._end():
                yield delta
        except (GeneratorExit, asyncio.CancelledError):
            self._abandon()
            raise
        self._finish()

    @abstractmethod
    def _items(self) -> Generator[Item]:
        """The response's items as they arrive; calls `_open` once the response has begun."""

    @abstractmethod
    def _items_async(self) -> AsyncGenerator[Item]:
        """The async twin of `_items`."""

    @abstractmethod
    def _take(self, stream: StreamDecoder, item: Item) -> list[Delta]:
        """The deltas of one item."""

    def _open(self, headers: Mapping[str, str] = NO_HEADERS) -> None:
        """The response has begun."""
        row = self.endpoint.provider
        named = {name.lower(): value for name, value in headers.items()}
        content_type, self._request_id = named.get("content-type"), request_id(named)
        self._stream = StreamDecoder(row.protocol, quirks=row.quirks, n=self._n, content_type=content_type)
        self._stream.decoder.requires_approval = self.options.requires_approval
        self.shown.decoder = self._stream.decoder

    def _took(self, item: Item) -> list[Delta]:
        deltas = self._take(self._decoder(), item)
        if deltas:
            self._clock.first()
        return deltas

    def _cancelled(self) -> bool:
        """Whether the caller has set the event; a fault that the abort itself caused does not count."""
        cancel = self.options.cancel
        if cancel is None or not cancel.is_set():
            return False
        self._fault = CANCELLED
        return True

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
        now = None if self.endpoint.playback else time.time()
        self._fault = sdk_error(exception, now) or lost(exception, started=self._stream is not None)

    def _decoder(self) -> StreamDecoder:
        if self._stream is None:
            self._open()
        assert self._stream is not None
        return self._stream

    def _end(self) -> list[Delta]:
        fault = self._fault
        if self._stream is None and fault is not None:
            return [self.shown.refused(fault, sdk_error_object(self._cause))]
        stream = self._decoder()
        deltas = stream.end(None if fault is None else asdict(fault))
        if self.options.estimate_usage and stream.completion.usage == Usage():
            deltas += stream.estimate(estimate_usage(self._body, stream.completion))
        return deltas

    def _abandon(self) -> None:
        """The caller closed the iterator or cancelled its task: what came is kept, nobody is told."""
        if self.shown.completion.error is None and self.shown.completion.status == "interrupted":
            self._fault = CANCELLED
            self._end()
        self._submit()

    def _finish(self) -> None:
        """Hand the trace on, and raise what has to be raised."""
        self._submit()
        failure = self.shown.failure(self.endpoint.provider.name, self._model, self._clock.latency)
        if failure is not None:
            # an error in mid-stream names no request; the response's headers did
            failure.info = replace(failure.info, request_id=failure.info.request_id or self._request_id)
            raise failure from self._cause

    def _submit(self) -> None:
        tracer, row = self.options.tracer, self.endpoint.provider
        if tracer is None:
            return
        completion = self.shown.completion
        tracer.submit(
            ProviderTrace(
                provider=row.name,
                protocol=row.protocol,
                model=self._model,
                request=self._body,
                url=self.endpoint.url + row.path.format(model=self._model),
                started_at=self._clock.started_at,
                latency=self._clock.latency,
                time_to_first_token=self._clock.to_first,
                completion=completion,
                state=_state(completion),
                request_id=self._request_id,
                tags=self.options.tags,
                context=self._clock.context,
            )
        )


def _state(completion: Completion) -> State:
    if completion.error is not None and completion.error.type == "cancelled":
        return "cancelled"
    return "completed" if completion.status == "complete" else completion.status


class Clock:
    """The times of one call, and the context it was made in."""

    def __init__(self) -> None:
        self.started_at = 0
        """Unix time in nanoseconds."""
        self.to_first: float | None = None
        """Seconds to the first delta, None when there was none."""
        self.context: object = None
        self._start: float | None = None

    def start(self) -> None:
        """The request is about to be sent. Raises RuntimeError the second time: a stream is iterated once."""
        if self._start is not None:
            raise RuntimeError("a response stream is iterated once; make another one to ask again")
        self.started_at, self._start = time.time_ns(), time.perf_counter()
        self.context = current_context()

    def first(self) -> None:
        """A delta is there."""
        if self.to_first is None:
            self.to_first = self.latency

    @property
    def latency(self) -> float:
        """Seconds since the start."""
        assert self._start is not None
        return time.perf_counter() - self._start


class SdkAdapter(ABC):
    """The adapter contract over a `ResponseStream`. sync: use the SDK's sync client instead of its async one."""

    name: ClassVar[str]
    stream_type: ClassVar[type[ResponseStream[Any]]]
    protocols = SDK_PROTOCOLS

    def __init__(self, *, sync: bool = False, options: CallOptions = NO_OPTIONS) -> None:
        self.sync, self.options = sync, options
        self.shown = Shown()
        """What the last run showed."""

    def stream(self, call: Call, endpoint: Endpoint) -> ResponseStream[Any]:
        """The call's deltas, to iterate once."""
        body = {**endpoint.provider.body, **request_body(call, endpoint.provider.protocol)}
        stream = self.stream_type(endpoint, body, call.n, self.options)
        self.shown = stream.shown
        return stream

    async def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        """Ask once and pass every delta on. Raises LLMError when the stream failed or was cut."""
        if self.sync:
            # in a thread, so that whoever waits for it can give it up
            return await in_thread(lambda: self.run_sync(call, endpoint, emit))
        stream = self.stream(call, endpoint)
        async with aclosing(aiter(stream)) as deltas:
            async for delta in deltas:
                emit(delta)
        return stream.shown.completion

    def run_sync(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        """The same through the SDK's sync client."""
        stream = self.stream(call, endpoint)
        with closing(iter(stream)) as deltas:
            for delta in deltas:
                emit(delta)
        return stream.shown.completion
