"""Secrets out of anything that is written down: traces, recordings, lint.

Three nets, each a table: names that hold a secret (headers, JSON keys, query parameters), text that is shaped like a
token of a known issuer, and `name: value` pairs inside text. What only looks like a secret by its name stays: token
counts are numbers, and a `token` beside a `logprob` is a word of the model.

The shapes are those that the issuers document; a secret without a name or a shape of its own cannot be seen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Any
from urllib.parse import unquote

from .jsontext import MAX_DEPTH
from .providers import ROWS

REDACTED = "REDACTED"

SECRET_HEADERS: frozenset[str] = frozenset(
    {
        "anthropic-organization-id",
        "api-key",
        "authorization",
        "cf-access-client-id",
        "cf-access-client-secret",
        "chatgpt-account-id",
        "cookie",
        "ocp-apim-subscription-key",
        "openai-organization",
        "openai-project",
        "proxy-authorization",
        "set-cookie",
        "x-amz-content-sha256",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-signature",
        "x-api-key",
        "x-auth-token",
        "x-goog-api-key",
        "x-goog-iam-authorization-token",
        "x-goog-user-project",
    }
    | {name.lower() for row in ROWS for name in row.secret_headers}
)
"""Lower case, `-` between words; those of single providers come from their rows."""

_QUERY_NAMES = frozenset(
    [
        "key", "apikey", "accesskey", "accesstoken", "token", "idtoken", "refreshtoken", "authtoken", "auth",
        "authorization", "sig", "signature", "password", "passwd", "secret", "clientsecret", "code",
        "awsaccesskeyid", "googleaccessid",
    ]
)  # fmt: skip
_QUERY_PREFIXES = ("xamz", "xgoog")

# Names without `_`, `-`, case. A name counts when it is one of these or ends with one of the suffixes.
_BODY_NAMES = frozenset(
    [
        "accesstoken", "apitoken", "authkey", "authorization", "authtoken", "authenticationtoken", "bearer",
        "bearertoken", "cookie", "cookies", "credential", "credentials", "csrftoken", "githubtoken", "idtoken",
        "jwt", "oauthtoken", "passphrase", "passwd", "password", "pwd", "refreshtoken", "secret", "secretkey",
        "securitytoken", "serviceaccountjson", "sessionkey", "sessiontoken", "setcookie", "signingkey",
        "subscriptionkey", "webhooksecret",
    ]
) | {name.replace("-", "") for name in SECRET_HEADERS}  # fmt: skip
_BODY_SUFFIXES = (
    "apikey", "accesskey", "accesskeyid", "accesstoken", "authtoken", "clientsecret", "connectionstring",
    "encryptionkey", "password", "passphrase", "privatekey", "refreshtoken", "secretkey", "sessiontoken",
)  # fmt: skip
_AMBIGUOUS = frozenset({"token"})
"""A secret where the value is text, unless a word of the model stands there."""
_LOGPROB_KEYS = frozenset({"logprob", "logProbability", "log_probability", "top_logprobs", "tokenId", "token_id"})
_SCHEMA_KEYS = frozenset({"type", "$ref", "anyOf", "oneOf", "allOf", "enum", "const"})
"""`{"password": {"type": "string"}}` is a JSON Schema's property, not a password."""

# A shape counts only where the text before does not make it a part of a longer word, or of urlsafe base64.
_SHAPES: tuple[str, ...] = (
    r"sk-[A-Za-z0-9_*-]{16,}",  # OpenAI, Anthropic (sk-ant-), OpenRouter (sk-or-), DeepSeek, ...; also masked
    r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,}",  # Stripe
    r"sess-[A-Za-z0-9]{24,}",
    r"AIza[A-Za-z0-9_-]{20,}",  # Google API key
    r"ya29\.[A-Za-z0-9._-]{10,}",  # Google OAuth
    r"(?:gsk|hf|fw|r8)_[A-Za-z0-9]{16,}",  # Groq, Hugging Face, Fireworks, Replicate
    r"(?:pplx|csk)-[A-Za-z0-9]{16,}",  # Perplexity, Cerebras
    r"(?:nvapi|tvly|glpat)-[A-Za-z0-9_-]{16,}",  # NVIDIA, Tavily, GitLab
    r"xai-[A-Za-z0-9]{16,}",
    r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])",  # AWS access key id
    r"ABSK[A-Za-z0-9+/=]{24,}",  # Bedrock API key
    r"bedrock-api-key-[A-Za-z0-9+/=]{16,}",
    r"gh[pousr]_[A-Za-z0-9]{16,}",
    r"github_pat_[A-Za-z0-9_]{16,}",
    r"xox[abprs]-[A-Za-z0-9-]{10,}",  # Slack
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,3}",  # JWT
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
)
_TOKENS = re.compile(rf"(?<![A-Za-z0-9_+-])(?:{'|'.join(_SHAPES)})", re.DOTALL)

# Names in text; a space is `_`, `-` or nothing.
_TEXT_NAMES = (
    "api key", "access key", "access key id", "access token", "auth token", "refresh token", "session token",
    "security token", "client secret", "secret key", "secret access key", "private key", "password", "passwd",
    "passphrase", "secret", "credential", "credentials", "authorization", "cookie", "chatgpt account id",
)  # fmt: skip
_NAME = "(?:" + "|".join(sorted((n.replace(" ", "[_-]?") for n in _TEXT_NAMES), key=len, reverse=True)) + ")"
_NAME_WORDS = tuple({name.replace(" ", sep) for name in _TEXT_NAMES for sep in ("", "_", "-")})


def _rule(words: tuple[str, ...], pattern: str, replacement: str) -> tuple[tuple[str, ...], re.Pattern[str], str]:
    return words, re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement


# (words of which one has to be there in lower case, which is far cheaper to ask; what to look for; what to put).
# What looks ahead is bounded, so that hostile text costs linear time.
_PAIRS = (
    _rule(("bearer",), r"\b(bearer\s+)(?=\S{0,200}\d|\S{20})[a-z0-9._~+/*=-]{8,}", rf"\1{REDACTED}"),
    _rule(("basic",), r"\b(basic\s+)(?=[a-z0-9+/]{0,200}[0-9=])[a-z0-9+/]{12,}={0,2}", rf"\1{REDACTED}"),
    _rule(("aws4-hmac",), r"(\bAWS4-HMAC-SHA256\s+)[^\r\n\"]+", rf"\1{REDACTED}"),
    _rule(("cookie:",), r"(cookie:\s*)(?=[^\r\n\"\\]{0,200}=)[^\r\n\"\\]+", rf"\1{REDACTED}"),
    # user:password@host
    _rule(("://",), r"(\b[a-z][a-z0-9+.-]{0,20}://)[^/?#\s@\"']{1,500}@", rf"\1{REDACTED}@"),
    # "api_key": "…", quotes escaped or not, the value perhaps cut off
    _rule(
        _NAME_WORDS,
        rf"({_NAME}\\{{0,8}}[\"']\s*:\s*(\\{{0,8}}[\"']))(?!\2|{REDACTED}).+?(?=(?<!\\)\2|\Z)",
        rf"\g<1>{REDACTED}",
    ),
    _rule(
        ("token",),
        r"([\"']token\\{0,8}[\"']\s*:\s*(\\{0,8}[\"']))(?=[^\"'\\\s]{0,200}\d)[^\"'\\\s]{8,}(?=\2|\Z)",
        rf"\g<1>{REDACTED}",
    ),
    _rule(
        ("?", "&"),
        r"([?&](?:key|api[_-]?key|access_token|token|sig|signature|x-(?:amz|goog)-[a-z-]+)=)[^&#\s\"'\\]+",
        rf"\1{REDACTED}",
    ),
    # OPENAI_API_KEY=…, x-api-key: …; prose such as "password: required" has no digit
    _rule(
        _NAME_WORDS,
        rf"((?<![a-z0-9]){_NAME}\s*[=:]\s*)(?!{REDACTED})(?=[^\s\"',;&]{{0,200}}\d)[^\s\"',;&]{{8,}}",
        rf"\1{REDACTED}",
    ),
)


def redact(value: Any) -> Any:
    """A deep copy of JSON-like data in which every secret that can be seen is `REDACTED`.

    Mappings become dicts, sets lists, lists and tuples keep their kind, bytes stay bytes; numbers, true, false and null
    are kept. Anything else becomes its text, scrubbed. What is nested deeper than `jsontext.MAX_DEPTH`, or within
    itself, becomes `REDACTED`. Does not change `value`.
    """
    return _redact(value, 0)


def redact_text(text: str) -> str:
    """The text with token-shaped words and the values of secret names in it replaced."""
    text = _TOKENS.sub(REDACTED, text)
    lower = text.lower()
    for words, pattern, replacement in _PAIRS:
        if any(word in lower for word in words):
            text = pattern.sub(replacement, text)
    return text


def secrets_in(text: str) -> list[str]:
    """What `redact_text` would replace, each as it stands in the text, with the name before it where that tells."""
    found = [match[0] for match in _TOKENS.finditer(text)]
    lower = text.lower()
    for words, pattern, replacement in _PAIRS:
        if any(word in lower for word in words):
            found += [match[0] for match in pattern.finditer(text) if match.expand(replacement) != match[0]]
    return found


def redact_url(url: str) -> str:
    """The URL without credentials: user and password, secret query and fragment parameters, token-shaped parts.

    Never raises; what is no URL is scrubbed as text.
    """
    rest, hash_mark, fragment = url.partition("#")
    path, question_mark, query = rest.partition("?")
    path = redact_text(re.sub(r"^([^/?#]*//)[^/?#]*@", rf"\1{REDACTED}@", path))
    return path + question_mark + _parameters(query) + hash_mark + _parameters(fragment)


def is_secret_name(name: str) -> bool:
    """Whether a header or JSON key of this name holds a secret; `token` alone does not say."""
    plain = _plain(name)
    return plain in _BODY_NAMES or plain.endswith(_BODY_SUFFIXES)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def _parameters(query: str) -> str:
    return "&".join(_parameter(pair) for pair in query.split("&"))


def _parameter(pair: str) -> str:
    name, equals, value = pair.partition("=")
    plain = _plain(unquote(name))
    secret = plain in _QUERY_NAMES or plain.startswith(_QUERY_PREFIXES) or is_secret_name(unquote(name))
    return f"{name}={REDACTED}" if secret and value else redact_text(name) + equals + redact_text(value)


def _redact(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= MAX_DEPTH:
        return REDACTED
    if isinstance(value, Mapping):
        return _redact_mapping(value, depth)
    if isinstance(value, list | tuple):
        return type(value)(_items(value, depth)) if type(value) in (list, tuple) else list(_items(value, depth))
    if isinstance(value, Set):
        return _items(sorted(value, key=repr), depth)
    if isinstance(value, bytes | bytearray):
        return redact_text(bytes(value).decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    return redact_text(str(value))


def _items(values: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
    name = values[0] if len(values) == 2 else None  # a header as a pair
    if isinstance(name, bytes):
        name = name.decode("latin-1")
    if isinstance(name, str) and name.lower() in SECRET_HEADERS:
        return [values[0], _blank(values[1], depth)]
    return [_redact(item, depth + 1) for item in values]


def _redact_mapping(value: Mapping[Any, Any], depth: int) -> dict[Any, Any]:
    ambiguous_is_text = not _LOGPROB_KEYS.isdisjoint(value)
    copy = {}
    for key, item in value.items():
        name = key.decode("latin-1") if isinstance(key, bytes) else str(key)
        kept = redact_text(key) if isinstance(key, str) else key
        ambiguous = _plain(name) in _AMBIGUOUS and isinstance(item, str) and not ambiguous_is_text
        secret = ambiguous or is_secret_name(name)
        copy[kept] = _blank(item, depth) if secret else _redact(item, depth + 1)
    return copy


def _blank(value: Any, depth: int) -> Any:
    """What a secret's name holds: its shape, without what it says."""
    if value is None or isinstance(value, bool) or value in ("", b""):
        return value
    if depth >= MAX_DEPTH:
        return REDACTED
    if isinstance(value, Mapping):
        if not _SCHEMA_KEYS.isdisjoint(value):
            return _redact(value, depth + 1)
        return {redact_text(str(key)): _blank(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_blank(item, depth + 1) for item in value]
    return REDACTED.encode() if isinstance(value, bytes | bytearray) else REDACTED
