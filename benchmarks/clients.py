"""The bare SDKs: what a user without streamproof writes, over a transport that hands out prepared pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx2

Iterate = Callable[[], int]
"""Ask once and iterate the typed events; how many there were."""


class Pieces(httpx2.BaseTransport):
    """Answers every request with the same pieces."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=_Body(self._pieces))


class _Body(httpx2.SyncByteStream):
    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


def bare(protocol: str, pieces: list[bytes]) -> Iterate:
    """The protocol's official SDK, its client built once."""
    return _CLIENTS[protocol](httpx2.Client(transport=Pieces(pieces)))


MESSAGES: Any = [{"role": "user", "content": "Hello?"}]


def _chat(http: httpx2.Client) -> Iterate:
    import openai  # noqa: PLC0415 - an SDK takes a second to import

    client = openai.OpenAI(api_key="x", http_client=http, max_retries=0)
    return lambda: _count(client.chat.completions.create(model="m", messages=MESSAGES, stream=True))


def _responses(http: httpx2.Client) -> Iterate:
    import openai  # noqa: PLC0415 - as above

    client = openai.OpenAI(api_key="x", http_client=http, max_retries=0)
    return lambda: _count(client.responses.create(model="m", input=MESSAGES, stream=True))


def _messages(http: httpx2.Client) -> Iterate:
    import anthropic  # noqa: PLC0415 - as above

    client = anthropic.Anthropic(api_key="x", http_client=http, max_retries=0)
    return lambda: _count(client.messages.create(model="m", max_tokens=9, messages=MESSAGES, stream=True))


def _gemini(http: httpx2.Client) -> Iterate:
    from google import genai  # noqa: PLC0415 - as above
    from google.genai import types  # noqa: PLC0415 - as above

    client = genai.Client(api_key="x", http_options=types.HttpOptions(httpx_client=http))
    return lambda: _count(client.models.generate_content_stream(model="m", contents="Hello?"))


def _count(events: Any) -> int:
    return sum(1 for _ in events)


_CLIENTS: Mapping[str, Callable[[httpx2.Client], Iterate]] = {
    "openai_chat": _chat,
    "openai_responses": _responses,
    "anthropic_messages": _messages,
    "gemini_generate_content": _gemini,
}
