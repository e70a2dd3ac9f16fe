"""google-genai: `Client` for Google AI and, with `vertexai=True`, for Vertex AI.

The SDK has no public way to the raw bytes of a stream; its HTTP client has one: a response hook takes the body over and
leaves the SDK an empty one. One client per call keeps the hook unambiguous.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, closing, contextmanager
from functools import cache
from typing import Any

import httpx2
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

from ...jsontext import JSON
from ..contract import Endpoint
from . import Line, Raw, RawAsync, async_http_client, http_client, tls

OK = 200
"""The one status that is no error to the SDK."""

_LOST_IN_JSON = ("sdk_http_response",)


class GenaiClient:
    """streamGenerateContent with `alt=sse`."""

    def __init__(self, endpoint: Endpoint, body: Mapping[str, Any]) -> None:
        self._endpoint, self.line = endpoint, Line()
        self._body = body

    @contextmanager
    def raw(self) -> Iterator[Raw]:
        taken: list[httpx2.Response] = []

        def take(response: httpx2.Response) -> None:
            if response.status_code == OK:
                taken.append(_twin(response))
                response.stream = _Empty()

        with http_client(self._endpoint, self.line) as http, self._client(http, None) as client:
            http.event_hooks["response"].append(take)
            stream: Any = client.models.generate_content_stream(**self._arguments())
            with closing(stream):
                next(stream, None)  # sends the request
                with closing(taken[0]) as response:
                    yield Raw(response.headers, response.iter_bytes())

    @asynccontextmanager
    async def raw_async(self) -> AsyncIterator[RawAsync]:
        taken: list[httpx2.Response] = []

        async def take(response: httpx2.Response) -> None:
            if response.status_code == OK:
                taken.append(_twin(response))
                response.stream = _Empty()

        async with async_http_client(self._endpoint) as http:
            http.event_hooks["response"].append(take)
            client = self._client(None, http)
            stream = await client.aio.models.generate_content_stream(**self._arguments())
            await anext(stream, None)  # sends the request
            async with aclosing(taken[0]) as response:
                yield RawAsync(response.headers, response.aiter_bytes())

    def typed(self, opened: Callable[[], None]) -> Generator[JSON]:
        def begun(response: httpx2.Response) -> None:
            if response.status_code == OK:
                opened()

        with http_client(self._endpoint, self.line) as http, self._client(http, None) as client:
            http.event_hooks["response"].append(begun)
            stream: Any = client.models.generate_content_stream(**self._arguments())
            with closing(stream):
                for chunk in stream:
                    yield _json(chunk)

    async def typed_async(self, opened: Callable[[], None]) -> AsyncGenerator[JSON]:
        async with AsyncExitStack() as held:

            async def begun(response: httpx2.Response) -> None:
                if response.status_code == OK:
                    opened()
                    held.push_async_callback(response.aclose)  # the SDK leaves that to the garbage collector

            http = await held.enter_async_context(async_http_client(self._endpoint))
            http.event_hooks["response"].append(begun)
            client = self._client(None, http)  # kept in a name: a collected client closes its stream
            async for chunk in await client.aio.models.generate_content_stream(**self._arguments()):
                yield _json(chunk)

    def _arguments(self) -> dict[str, Any]:
        body = dict(self._body)
        arguments: dict[str, Any] = {"model": body.pop("model"), "contents": body.pop("contents")}
        # By itself the SDK answers a continuationToken with a second request: one call asks once.
        arguments["config"] = types.GenerateContentConfig(
            automatic_continuation=False, http_options=types.HttpOptions(extra_body=body) if body else None
        )
        return arguments

    def _client(self, http: httpx2.Client | None, async_http: httpx2.AsyncClient | None) -> genai.Client:
        endpoint = self._endpoint
        vertex = endpoint.provider.sdk == "genai_vertex"
        options = types.HttpOptions(
            base_url=endpoint.url,
            api_version="v1beta1" if vertex else "v1beta",  # the SDK's own default is v1
            headers=dict(endpoint.provider.headers),
            timeout=int(endpoint.timeout * 1000),
            httpx_client=http or _unused_client(),
            httpx_async_client=async_http or _unused_async_client(),
            async_client_args={"ssl": tls()},  # else every client loads the trust store, for websockets
        )
        if vertex:
            return genai.Client(
                vertexai=True,
                project="streamproof",
                location="us-central1",
                credentials=Credentials(endpoint.api_key),  # type: ignore[no-untyped-call]
                http_options=options,
            )
        return genai.Client(vertexai=False, api_key=endpoint.api_key, http_options=options)


class _Empty(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    async def __aiter__(self) -> AsyncIterator[bytes]:
        return
        yield b""  # makes it a generator


def _twin(response: httpx2.Response) -> httpx2.Response:
    return httpx2.Response(
        response.status_code, headers=response.headers, stream=response.stream, request=response.request
    )


@cache
def _unused_client() -> httpx2.Client:
    return httpx2.Client(transport=httpx2.MockTransport(_refuse))


@cache
def _unused_async_client() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.MockTransport(_refuse))


def _refuse(request: httpx2.Request) -> httpx2.Response:
    raise AssertionError(f"the sync client of an async call (or the other way round) was asked for {request.url}")


def _json(chunk: types.GenerateContentResponse) -> JSON:
    event = chunk.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=set(_LOST_IN_JSON))
    for candidate in event.get("candidates") or ():
        for part in (candidate.get("content") or {}).get("parts") or ():
            if part.get("thoughtSignature"):
                # bytes inside the SDK, written as urlsafe base64; the wire has the standard alphabet
                part["thoughtSignature"] = part["thoughtSignature"].replace("-", "+").replace("_", "/")
            data = part.get("inlineData") or {}
            if data.get("data"):
                data["data"] = data["data"].replace("-", "+").replace("_", "/")
    return event
