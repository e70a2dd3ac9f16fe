"""openai: `OpenAI` for all OpenAI-compatible rows, `AzureOpenAI` for azure."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import openai

from ...jsontext import JSON
from ..contract import Endpoint
from . import Line, Raw, RawAsync, async_http_client, http_client

AZURE_API_VERSION = "2025-04-01-preview"


class OpenAIClient:
    """Chat Completions or Responses, by the row's protocol."""

    def __init__(self, endpoint: Endpoint, body: Mapping[str, Any]) -> None:
        self._endpoint, self.line = endpoint, Line()
        self._chat = endpoint.provider.protocol == "openai_chat"
        own = {"model", "messages" if self._chat else "input", "stream"}
        self._arguments = {name: body[name] for name in own if name in body}
        # What the SDK's signature does not know has to reach the wire as well.
        self._arguments["extra_body"] = {name: value for name, value in body.items() if name not in own}

    @contextmanager
    def raw(self) -> Iterator[Raw]:
        with (
            self._client() as client,
            self._resource(client).with_streaming_response.create(**self._arguments) as response,
        ):
            yield Raw(response.headers, response.iter_bytes())

    @asynccontextmanager
    async def raw_async(self) -> AsyncIterator[RawAsync]:
        async with (
            self._async_client() as client,
            self._resource(client).with_streaming_response.create(**self._arguments) as response,
        ):
            yield RawAsync(response.headers, response.iter_bytes())

    def typed(self, opened: Callable[[], None]) -> Generator[JSON]:
        with self._client() as client, self._resource(client).create(**self._arguments) as stream:
            opened()
            for event in stream:
                yield _json(event)

    async def typed_async(self, opened: Callable[[], None]) -> AsyncGenerator[JSON]:
        async with self._async_client() as client, await self._resource(client).create(**self._arguments) as stream:
            opened()
            async for event in stream:
                yield _json(event)

    def _resource(self, client: Any) -> Any:
        return client.chat.completions if self._chat else client.responses

    def _client(self) -> openai.OpenAI:
        return self._build(openai.AzureOpenAI, openai.OpenAI, http_client(self._endpoint, self.line))  # type: ignore[no-any-return]

    def _async_client(self) -> openai.AsyncOpenAI:
        return self._build(openai.AsyncAzureOpenAI, openai.AsyncOpenAI, async_http_client(self._endpoint))  # type: ignore[no-any-return]

    def _build(self, azure: Any, plain: Any, http_client: Any) -> Any:
        endpoint = self._endpoint
        common = {
            "api_key": endpoint.api_key,
            "max_retries": 0,
            "timeout": endpoint.timeout,
            "default_headers": dict(endpoint.provider.headers),
            "http_client": http_client,
        }
        if endpoint.provider.sdk == "azure":
            return azure(azure_endpoint=endpoint.url, api_version=AZURE_API_VERSION, **common)
        return plain(base_url=endpoint.url, **common)


def _json(event: Any) -> JSON:
    # `data: null` comes out as None. mode="json" equals the wire on every event of 62 recorded streams.
    return None if event is None else event.to_dict(mode="json", warnings=False)
