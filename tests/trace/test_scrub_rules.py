"""Secrets leave; everything that only looks like one stays."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamproof.jsontext import Number, loads
from streamproof.providers import ROWS
from streamproof.scrub import REDACTED, SECRET_HEADERS, redact, redact_text, redact_url

PLAIN = "hunter2hunter2"  # no shape of its own: only its name tells

TOKENS = {
    "openai": "sk-proj-Abc123Abc123Abc123Abc123",
    "openai-lower": "sk-abcdefghijklmnopqrstuvwx",
    "masked": "sk-proj-*************************wxyz",
    "anthropic": "sk-ant-api03-Abc_123-Abc_123-Abc_123",
    "google": "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "google-oauth": "ya29.a0AfH6SMBx1234567890",
    "groq": "gsk_abcdefghijklmnop1234",
    "xai": "xai-abcdefghijklmnop1234",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "aws-temporary": "ASIAIOSFODNN7EXAMPLE",
    "github": "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github-fine": "github_pat_11ABCDEFG0abcdefghijkl",
    "hugging-face": "hf_abcdefghijklmnopqrstuvwxyzabcdefgh",
    "slack": "xoxb-123456789012-abcdef",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "pem": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----",
}

NAMES = (
    *("api_key", "apiKey", "API-KEY", "openai_api_key", "OPENAI_API_KEY", "secret", "client_secret", "password"),
    *("access_token", "refreshToken", "id_token", "aws_secret_access_key", "private_key", "credentials", "passphrase"),
    *("token", "Authorization", "proxy-authorization", "x-api-key", "Cookie", "set-cookie", "x-amz-security-token"),
)


@pytest.mark.parametrize("token", TOKENS.values(), ids=TOKENS)
@pytest.mark.parametrize("frame", ["{}", "the key ({}) is bad", "a={};b", '{{"note": "{}"}}', "x/{}"])
def test_token_shapes_leave_any_text(token: str, frame: str) -> None:
    """An issuer's token goes wherever it stands in a text, and the text around it stays."""
    text = redact_text(frame.format(token))
    assert token[8:] not in text
    assert text == frame.format(REDACTED)


@pytest.mark.parametrize("name", NAMES)
def test_secret_names_hide_their_value(name: str) -> None:
    """What a secret's name holds goes, whatever it is: text, a list, an object; null says that there is none."""
    value = {name: PLAIN, "kept": "word"}
    assert redact(value) == {name: REDACTED, "kept": "word"}
    assert redact({name: None}) == {name: None}
    assert value[name] == PLAIN, "the original is not changed"
    if name != "token":
        assert redact({name: [PLAIN]}) == {name: [REDACTED]}
        assert redact({name: {"value": PLAIN}}) == {name: {"value": REDACTED}}


@pytest.mark.parametrize("name", sorted(SECRET_HEADERS))
def test_every_secret_header_in_every_shape(name: str) -> None:
    """Headers come as mapping, mapping of lists, pairs and byte pairs."""
    assert redact({name.title(): PLAIN}) == {name.title(): REDACTED}
    assert redact({name: [PLAIN, PLAIN]}) == {name: [REDACTED, REDACTED]}
    assert redact([(name, PLAIN), ("accept", "a/b")]) == [(name, REDACTED), ("accept", "a/b")]
    assert redact([[name.encode(), PLAIN.encode()]]) == [[name.encode(), REDACTED.encode()]]


def test_headers_of_single_providers_count_too() -> None:
    """A provider row's secret headers are redacted without being named twice."""
    assert {header for row in ROWS for header in row.secret_headers} <= SECRET_HEADERS


@pytest.mark.parametrize(
    "value",
    [
        {"max_tokens": 16, "input_tokens": 5, "total_tokens": 9, "token": 7, "tokens": 3, "totalTokenCount": 4},
        {
            "prompt_tokens_details": {"cached_tokens": 0},
            "max_tokens": "16",
            "next_page_token": "abc",
            "eos_token": "</s>",
        },
        {"token": "Hello", "logprob": -0.5, "bytes": [72]},
        {"token": " world", "tokenId": 12, "logProbability": -1.5},
        {"properties": {"password": {"type": "string"}, "api_key": {"$ref": "#/x"}}, "required": ["password", "user"]},
        {"key": "value", "author": "Ann", "signature": "EqQBCgIYAhIM", "encrypted_content": "gAAAAABo"},
        "the password: is required, and a token is a word; ask-me-sk-short; task-sk-notatokenbutlongenough1234",
        "Bearer authentication is needed; basic understanding; the secret: unknown",
        '{"password": "", "user": "x"}',
        "https://example.test/path?alt=sse&page=2",
        "iVBORw0KGgoAKIAsk+/AIza/eyJhbGci/ghp+sk/" * 20,
    ],
)
def test_what_only_looks_like_a_secret_stays(value: Any) -> None:
    """Token counts, logprobs, JSON Schemas, signatures and prose come out as they went in."""
    assert redact(value) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Authorization: Bearer abc123def456", "Authorization: Bearer REDACTED"),
        ("authorization: Basic dXNlcjpwYXNzd29yZDE=", "authorization: Basic REDACTED"),
        ("Cookie: sid=1; theme=dark\nnext", "Cookie: REDACTED\nnext"),
        ("x-api-key: hunter2hunter2", "x-api-key: REDACTED"),
        ("export OPENAI_API_KEY=hunter2hunter2 now", "export OPENAI_API_KEY=REDACTED now"),
        ('{"api_key":"hunter2hunter2","n":1}', '{"api_key":"REDACTED","n":1}'),
        ('{"password": "with \\" quote", "n": 1}', '{"password": "REDACTED", "n": 1}'),
        ('data: {"arguments":"{\\"password\\": \\"hunter2\\", \\"n\\": 1}"}', None),
        ('{"password": "hunter2hun', '{"password": "REDACTED'),
        ("{'client_secret': 'hunter2'}", "{'client_secret': 'REDACTED'}"),
        ('{"token": "hunter2hunter2"}', '{"token": "REDACTED"}'),
        ("GET https://u:hunter2@host/x?key=hunter2&alt=sse", "GET https://REDACTED@host/x?key=REDACTED&alt=sse"),
        ("AWS4-HMAC-SHA256 Credential=A/1/x, SignedHeaders=h, Signature=f00", "AWS4-HMAC-SHA256 REDACTED"),
    ],
)
def test_named_values_inside_text(text: str, expected: str | None) -> None:
    """Header dumps, env files, JSON inside text (escaped, or cut off) and URLs: the value goes, the name stays."""
    scrubbed = redact_text(text)
    assert "hunter2" not in scrubbed
    assert expected in (None, scrubbed)
    assert redact_text(scrubbed) == scrubbed, "scrubbing twice changes nothing"


def test_json_inside_json_stays_json() -> None:
    """Tool arguments are JSON in a string: they still parse when their secret is gone."""
    event = json.dumps({"arguments": json.dumps({"password": "hunter2", "city": "Oslo"})})
    assert json.loads(json.loads(redact_text(event))["arguments"]) == {"password": REDACTED, "city": "Oslo"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://h/v1?key=hunter2&alt=sse", "https://h/v1?key=REDACTED&alt=sse"),
        ("https://u:hunter2@h:8/p", "https://REDACTED@h:8/p"),
        ("https://h/?X-Amz-Signature=hunter2&X-Amz-Date=1", "https://h/?X-Amz-Signature=REDACTED&X-Amz-Date=REDACTED"),
        ("https://h/?api%5Fkey=hunter2&access_token=hunter2", "https://h/?api%5Fkey=REDACTED&access_token=REDACTED"),
        ("https://h/?sig=hunter2&sv=2024#id_token=hunter2", "https://h/?sig=REDACTED&sv=2024#id_token=REDACTED"),
        ("https://h/?a=b&a=b&empty=&flag", "https://h/?a=b&a=b&empty=&flag"),
        ("https://[::1/?key=hunter2", "https://[::1/?key=REDACTED"),
        ("", ""),
    ],
)
def test_urls(url: str, expected: str) -> None:
    """Credentials leave a URL, everything else keeps its spelling; a broken URL raises nothing."""
    assert redact_url(url) == expected


def test_secrets_in_keys_bytes_sets_and_objects() -> None:
    """No container is a hiding place, and the kinds that JSON knows keep their kind."""
    token = TOKENS["openai"]

    class Holder:
        def __str__(self) -> str:
            return f"holds {token}"

    shown = redact({token: 1, "b": token.encode(), "s": {token}, "o": Holder(), "t": (token, 1), "n": Number("1.50")})
    assert token not in repr(shown)
    assert shown["o"] == "holds REDACTED"
    assert shown["b"] == b"REDACTED"
    assert shown["t"] == (REDACTED, 1)
    assert shown["n"].text == "1.50"


def test_depth_and_cycles_end() -> None:
    """Data nested in itself, or too deep, is cut instead of raising."""
    cycle: dict[str, Any] = {}
    cycle["again"] = cycle
    assert REDACTED in repr(redact(cycle))
    deep: Any = "bottom"
    for _ in range(5000):
        deep = [deep]
    assert REDACTED in repr(redact(deep))
    assert redact(loads("[" * 150 + "]" * 150)) == loads("[" * 150 + "]" * 150)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(NAMES), inner),
        max_leaves=8,
    ),
    st.sampled_from(sorted(TOKENS)),
)
def test_any_value_is_survived(value: Any, token: str) -> None:
    """Any JSON value, surrogates and bytes included, is copied without an error, and a planted token never survives."""
    assert TOKENS[token] not in str(redact([value, TOKENS[token], {"deep": [value, {"x": TOKENS[token]}]}]))


@pytest.mark.parametrize(
    "unit",
    ['"password": "', "sk-", "a.b-c_", "bearer ", "\\", "eyJ", "-----BEGIN PRIVATE KEY-----", "api_key=", "://a"],
)
def test_hostile_text_costs_linear_time(unit: str) -> None:
    """Repeated starts of a pattern do not make the search quadratic."""
    text = unit * (200_000 // len(unit))
    start = time.process_time()
    redact_text(text)
    assert time.process_time() - start < 2
