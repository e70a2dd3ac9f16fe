"""anthropic: `Anthropic`, and `AnthropicBedrock` for Bedrock's InvokeModel."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import anthropic

from ...jsontext import JSON
from ..contract import Endpoint
from . import Line, Raw, RawAsync, async_http_client, http_client


class AnthropicClient:
    """Messages, over SSE or in Bedrock's binary frames."""

    def __init__(self, endpoint: Endpoint, body: Mapping[str, Any]) -> None:
        self._endpoint, self.line = endpoint, Line()
        own = {"model", "messages", "max_tokens", "stream"}
        self._arguments = {name: body[name] for name in own if name in body}
        self._arguments["extra_body"] = {name: value for name, value in body.items() if name not in own}

    @contextmanager
    def raw(self) -> Iterator[Raw]:
        with (
            self._client() as client,
            client.messages.with_streaming_response.create(**self._arguments) as response,
        ):
            yield Raw(response.headers, response.iter_bytes())

    @asynccontextmanager
    async def raw_async(self) -> AsyncIterator[RawAsync]:
        async with (
            self._async_client() as client,
            client.messages.with_streaming_response.create(**self._arguments) as response,
        ):
            yield RawAsync(response.headers, response.iter_bytes())

    def typed(self, opened: Callable[[], None]) -> Generator[JSON]:
        with self._client() as client, client.messages.create(**self._arguments) as stream:
            opened()
            for event in stream:
                yield event.to_dict(mode="json", warnings=False)

    async def typed_async(self, opened: Callable[[], None]) -> AsyncGenerator[JSON]:
        async with self._async_client() as client, await client.messages.create(**self._arguments) as stream:
            opened()
            async for event in stream:
                yield event.to_dict(mode="json", warnings=False)

    def _client(self) -> Any:
        return self._build(anthropic.AnthropicBedrock, anthropic.Anthropic, http_client(self._endpoint, self.line))

    def _async_client(self) -> Any:
        return self._build(anthropic.AsyncAnthropicBedrock, anthropic.AsyncAnthropic, async_http_client(self._endpoint))

    def _build(self, bedrock: Any, plain: Any, http_client: Any) -> Any:
        endpoint = self._endpoint
        common = {
            "api_key": endpoint.api_key,
            "base_url": endpoint.url,
            "max_retries": 0,
            "timeout": endpoint.timeout,
            "default_headers": dict(endpoint.provider.headers),
            "http_client": http_client,
        }
        if endpoint.provider.sdk == "anthropic_bedrock":
            return bedrock(aws_region="us-east-1", **common)
        return plain(**common)
