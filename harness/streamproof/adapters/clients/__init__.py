"""The official SDKs' clients behind one small interface: the raw bytes of a stream, or its typed events as JSON.

One file per SDK, imported only when it is used: an SDK costs up to 1.7 s to import.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from functools import cache
from typing import Any, NamedTuple, Protocol

import httpx2

from ...jsontext import JSON
from ...providers import SdkName
from ..contract import Endpoint


class Raw(NamedTuple):
    """A response whose body has not been read. headers: lower-case names. chunks: the body as it arrives, decoded from
    its content encoding. abort: ends a read that blocks in another thread."""

    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    abort: Callable[[], None]


class RawAsync(NamedTuple):
    """The async twin of `Raw`."""

    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]


class Client(Protocol):
    """One request to one endpoint. Leaving a context, or closing an iterator, closes the connection."""

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


def http_client(endpoint: Endpoint) -> httpx2.Client:
    """The HTTP client that an SDK is given: the replay's, or one that goes to the network."""
    if endpoint.playback is not None:
        return endpoint.playback.client()
    return httpx2.Client(verify=tls(), timeout=endpoint.timeout)


def async_http_client(endpoint: Endpoint) -> httpx2.AsyncClient:
    """The async twin of `http_client`."""
    if endpoint.playback is not None:
        return endpoint.playback.async_client()
    return httpx2.AsyncClient(verify=tls(), timeout=endpoint.timeout)


def aborter(response: httpx2.Response) -> Callable[[], None]:
    """Shuts the response's socket down, if it has one: closing it would not wake a read that blocks on it."""

    def abort() -> None:
        stream = response.extensions.get("network_stream")
        connection = stream.get_extra_info("socket") if stream is not None else None
        if connection is not None:
            with suppress(OSError):  # gone already
                connection.shutdown(socket.SHUT_RDWR)

    return abort


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
    """The client that the provider's row names. Raises KeyError for a row without an SDK (`none`)."""
    return _CLIENTS[endpoint.provider.sdk]()(endpoint, body)
