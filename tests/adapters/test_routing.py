"""Which protocol `ask` speaks: told by the provider and the shape of the request, seen at the path that is asked."""

from __future__ import annotations

from typing import Any

import pytest
from adapter_kit import MODEL
from live_kit import PATIENCE, refusing
from streamproof.adapters.reference import ask
from streamproof.adapters.routing import route
from streamproof.errors import LLMError, UsageError
from streamproof.providers import ROWS, protocols_of

SAID = [{"role": "user", "content": "Hello."}]
MESSAGES: dict[str, Any] = {"model": MODEL, "messages": SAID, "max_tokens": 64}
INPUT: dict[str, Any] = {"model": MODEL, "input": SAID}
BOTH: dict[str, Any] = {**MESSAGES, "input": SAID}
CONTENTS: dict[str, Any] = {"model": MODEL, "contents": [{"role": "user", "parts": [{"text": "Hello."}]}]}

CHAT, RESPONSES, ANTHROPIC = "openai_chat", "openai_responses", "anthropic_messages"
GEMINI = "gemini_generate_content"

ROUTES: list[tuple[str, dict[str, Any], str]] = [
    *((name, MESSAGES, CHAT) for name in ("openai", "azure", "deepseek", "openrouter", "xai", "openai_compatible")),
    *((name, INPUT, RESPONSES) for name in ("openai", "azure", "deepseek", "openrouter", "xai", "openai_compatible")),
    ("openai", BOTH, CHAT),
    ("openai_compatible", BOTH, CHAT),
    ("chatgpt_oauth", INPUT, RESPONSES),
    ("chatgpt_oauth", MESSAGES, RESPONSES),
    ("chatgpt_oauth", BOTH, RESPONSES),
    ("lmstudio", MESSAGES, CHAT),
    ("lmstudio", BOTH, CHAT),
    ("zai", MESSAGES, CHAT),
    ("anthropic", MESSAGES, ANTHROPIC),
    ("anthropic_compatible", MESSAGES, ANTHROPIC),
    ("minimax", MESSAGES, ANTHROPIC),
    ("bedrock", MESSAGES, ANTHROPIC),
    ("bedrock", INPUT, RESPONSES),
    ("google_ai", CONTENTS, GEMINI),
    ("google_vertex", CONTENTS, GEMINI),
    ("gemini_compatible", CONTENTS, GEMINI),
]


@pytest.mark.parametrize(("provider", "request_", "protocol"), ROUTES)
def test_the_route(provider: str, request_: dict[str, Any], protocol: str) -> None:
    """A request is sent in a protocol that its payload is not in, or one that the provider does not speak."""
    assert route(provider, request_) == protocol
    assert protocol in protocols_of(provider)


def test_every_provider_is_routed_here() -> None:
    """A new row without a route in this table."""
    assert {provider for provider, _, _ in ROUTES} == {row.name for row in ROWS}


@pytest.mark.parametrize(("provider", "request_", "protocol"), [each for each in ROUTES if each[0] != "bedrock"])
def test_the_route_is_what_is_asked(provider: str, request_: dict[str, Any], protocol: str) -> None:
    """`ask` takes another protocol than `route` tells, seen at the path; or drops what the payload says."""
    with refusing(400, b"{}") as server:
        stream = ask(provider, request_, api_key="key", base_url=server.base_url, timeout=PATIENCE)
        with pytest.raises(LLMError):
            list(stream)
        assert stream.endpoint.provider.protocol == protocol
        asked = server.exchanges[0].request
        assert asked.path == stream.endpoint.provider.path.format(model=MODEL)
        sent: Any = asked.json()
        missing = {name for name in request_.keys() - {"model"} if sent.get(name) != request_[name]}
        assert missing == set()
        assert sent.get("stream") is (None if protocol == GEMINI else True)


@pytest.mark.parametrize("protocol", [None, CHAT, "no_such_protocol"])
def test_an_unknown_provider(protocol: str | None) -> None:
    """A name without a row ends as a KeyError, or as an error that does not say which names there are."""
    with pytest.raises(ValueError, match="no provider 'acme'") as caught:
        ask("acme", MESSAGES, api_key="key", protocol=protocol)
    assert isinstance(caught.value, UsageError)
    known = {row.name for row in ROWS if protocol in (None, row.protocol)}
    if known:
        assert {name.strip() for name in (caught.value.remedy or "").removeprefix("one of: ").split(",")} == known


@pytest.mark.parametrize(
    ("provider", "remedy"),
    [("anthropic", "messages"), ("google_ai", "messages"), ("zai", "messages"), ("lmstudio", "protocol")],
)
def test_input_for_a_provider_that_has_no_responses(provider: str, remedy: str) -> None:
    """A Responses payload goes to a path that cannot read it, instead of an error that says what to give."""
    with pytest.raises(ValueError, match=provider) as caught:
        ask(provider, INPUT, api_key="key")
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    ("provider", "request_", "protocol"),
    [
        ("lmstudio", INPUT, RESPONSES),
        ("lmstudio", MESSAGES, ANTHROPIC),
        ("openai", BOTH, RESPONSES),
        ("deepseek", MESSAGES, ANTHROPIC),
        ("minimax", MESSAGES, CHAT),
    ],
)
def test_a_protocol_given_outright_wins(provider: str, request_: dict[str, Any], protocol: str) -> None:
    """The caller knows better, and the rules of the payload overrule him."""
    stream = ask(provider, request_, api_key="key", protocol=protocol)
    assert (stream.endpoint.provider.name, stream.endpoint.provider.protocol) == (provider, protocol)


def test_a_row_that_no_sdk_speaks() -> None:
    """Converse can be decoded but not asked: a KeyError from inside instead of an error that says so."""
    with pytest.raises(UsageError, match="bedrock/bedrock_converse has no SDK"):
        ask("bedrock", MESSAGES, api_key="key", protocol="bedrock_converse")


def test_the_rows_own_body_and_headers_are_sent() -> None:
    """Codex refuses a request without `store: false` and its headers."""
    with refusing(400, b"{}") as server:
        with pytest.raises(LLMError):
            list(ask("chatgpt_oauth", INPUT, api_key="key", base_url=server.base_url, timeout=PATIENCE))
        asked: Any = server.exchanges[0].request
        assert asked.json()["store"] is False
        assert asked.header("originator") == "streamproof"
