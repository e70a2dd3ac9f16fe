"""The official SDKs' clients behind one small interface: the raw bytes of a stream, or its typed events as JSON.

One file per SDK, imported only when it is used: an SDK costs up to 1.7 s to import.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from functools import cache
from typing import Any, NamedTuple, Protocol

import httpx2

from ...errors import UsageError
from ...jsontext import JSON
from ...providers import SdkName
from ..contract import Endpoint


class Raw(NamedTuple):
    """A response whose body has not been read. headers: names in any case. chunks: the body as it arrives, decoded from
    its content encoding."""

    headers: Mapping[str, str]
    chunks: Iterator[bytes]


class RawAsync(NamedTuple):
    """The async twin of `Raw`."""

    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class Client(Protocol):
    """One request to one endpoint. Leaving a context, or closing an iterator, closes the connection."""

    line: Line
    """The connection of a sync call, to end it from another thread."""

    def __init__(self, endpoint: Endpoint, body: Mapping[str, Any]) -> None: ...

    def raw(self) -> AbstractContextManager[Raw]:
        """Ask, and hand out the body's bytes. Raises the SDK's exceptions for a status >= 400 or no connection."""
        ...

    def raw_async(self) -> AbstractAsyncContextManager[RawAsync]:
        """The async twin of `raw`."""
        ...

    def typed(self, opened: Callable[[], None]) -> Generator[JSON]:
        """Ask, and give the SDK's typed events back as the JSON of the wire, as far as the SDK kept it.

        opened: called once, when the response has begun and before its first event.
        """
        ...

    def typed_async(self, opened: Callable[[], None]) -> AsyncGenerator[JSON]:
        """The async twin of `typed`."""
        ...


@cache
def tls() -> ssl.SSLContext:
    """The trust store, loaded once: it is nearly all that building a client costs (0.1 s and more)."""
    return ssl.create_default_context()


class Line:
    """The connection of one sync call. `abort`, from any thread, ends a read that blocks on it, also one that waits for
    the response to begin; closing it would not wake such a read. A name lookup or a connect runs to its own end first.

    It hears of the connection through httpcore's trace extension:
    https://www.encode.io/httpcore/extensions/#trace.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._aborted = False
        self._connection: Any = None

    def abort(self) -> None:
        """End the connection there is, and the one that is being made."""
        with self._lock:
            self._aborted = True
            self._shut()

    def watch(self, request: httpx2.Request) -> None:
        """A request hook."""
        request.extensions["trace"] = self._trace

    def _trace(self, name: str, info: Mapping[str, Any]) -> None:
        if name.endswith(("connect_tcp.complete", "start_tls.complete")):
            with self._lock:
                self._connection = info["return_value"].get_extra_info("socket")
                if self._aborted:
                    self._shut()

    def _shut(self) -> None:
        if self._connection is not None:
            with suppress(OSError):  # gone already
                # not SSLSocket's own method, which drops the TLS state that the other thread is reading with
                socket.socket.shutdown(self._connection, socket.SHUT_RDWR)


def http_client(endpoint: Endpoint, line: Line) -> httpx2.Client:
    """The HTTP client that an SDK is given: the replay's, or one that goes to the network."""
    if endpoint.playback is not None:
        return endpoint.playback.client()
    return httpx2.Client(verify=tls(), timeout=endpoint.timeout, event_hooks={"request": [line.watch]})


def async_http_client(endpoint: Endpoint) -> httpx2.AsyncClient:
    """The async twin of `http_client`."""
    if endpoint.playback is not None:
        return endpoint.playback.async_client()
    return httpx2.AsyncClient(verify=tls(), timeout=endpoint.timeout)


def _openai() -> type[Client]:
    from .openai_client import OpenAIClient  # noqa: PLC0415 - the SDK is imported when it is used

    return OpenAIClient


def _anthropic() -> type[Client]:
    from .anthropic_client import AnthropicClient  # noqa: PLC0415 - as above

    return AnthropicClient


def _genai() -> type[Client]:
    from .genai_client import GenaiClient  # noqa: PLC0415 - as above

    return GenaiClient


_CLIENTS: Mapping[SdkName, Callable[[], type[Client]]] = {
    "openai": _openai,
    "azure": _openai,
    "anthropic": _anthropic,
    "anthropic_bedrock": _anthropic,
    "genai": _genai,
    "genai_vertex": _genai,
}


def client_for(endpoint: Endpoint, body: Mapping[str, Any]) -> Client:
    """The client that the provider's row names. Raises UsageError for a row without an SDK (`none`)."""
    client = _CLIENTS.get(endpoint.provider.sdk)
    if client is None:
        remedy = "`streamproof decode` reads a recorded body of it"
        raise UsageError(f"{endpoint.provider.key} has no SDK to ask with", remedy=remedy)
    return client()(endpoint, body)
