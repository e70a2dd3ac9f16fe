"""The rule `secret`: something planted in any place of a cassette is found, and told without being repeated."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from case_files import chat_chunk, exchange, metadata, sse
from streamproof.authoring.lint import lint
from streamproof.authoring.secrets import masked, secrets_of
from streamproof.cassette import Cassette, Interaction, save
from streamproof.wire.eventstream import encode_frame

KEY = "sk-proj-" + "Zq4vT7bN2xK9wL6m" * 2
MAIL = "margit.oravecz" + "@" + "bluewillow-research.io"
ORG = "org-" + "a8Kd93LmQp02xVbn17Tz"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiI0NDIxIn0" + ".c2lnbmF0dXJlLXBhcnQ"
SIGNED = "https://files.bluewillow-research.io/a.png?X-Amz-Date=20261101&X-Amz-Signature=" + "0f3c9a7d51" * 6
CHUNK = chat_chunk({"content": "Hello."})


def findings(tmp_path: Path, interaction: Interaction, **changes: Any) -> list[str]:
    """What `secret` says about a case with this exchange."""
    path = tmp_path / "cassettes" / "openai_chat" / "planted.yaml"
    save(Cassette(metadata=metadata(**changes), interactions=(interaction,)), path)
    return [f"{finding.place}: {finding.message}" for finding in lint([path], ["secret"])]


def frames(*payloads: tuple[str, bytes], **headers: str) -> bytes:
    """An AWS event stream."""
    extra = {f":{name}": value for name, value in headers.items()}
    return b"".join(
        encode_frame({":event-type": name, ":message-type": "event", **extra}, payload) for name, payload in payloads
    )


def chunk(event: dict[str, Any]) -> tuple[str, bytes]:
    """A frame of InvokeModel, whose event is in base64."""
    return "chunk", json.dumps({"bytes": base64.b64encode(json.dumps(event).encode()).decode()}).encode()


FRAMED = {"headers": {"content-type": ["application/vnd.amazon.eventstream"]}}
SPLIT = [chat_chunk({"content": piece}) for piece in (KEY[:12], KEY[12:25], KEY[25:])]
IN_BASE64 = base64.b64encode(f"the key is {KEY} today".encode()).decode()
ZIPPED = base64.b64encode(gzip.compress(f'{{"authorization": "Bearer {KEY}"}}'.encode())).decode()

PLANTED: dict[str, tuple[Interaction, str]] = {
    "request header": (exchange(sse(CHUNK), request_headers={"Authorization": [f"Bearer {KEY}"]}), "request.headers"),
    "request header of a provider": (
        exchange(sse(CHUNK), request_headers={"x-goog-api-key": ["0123456789"]}),
        "request.headers.x-goog-api-key",
    ),
    "request cookie": (exchange(sse(CHUNK), request_headers={"cookie": ["sid=a8d93"]}), "request.headers.cookie"),
    "query": (
        exchange(sse(CHUNK), "https://api.openai.com/v1/chat/completions?key=0f9a8b7c6d5e"),
        "request.uri",
    ),
    "user in the URL": (exchange(sse(CHUNK), "https://me:hunter2@api.openai.com/v1/chat/completions"), "request.uri"),
    "request body": (
        exchange(sse(CHUNK), request={"messages": [{"content": f"use {KEY}"}]}),
        "request.body: messages[0].content",
    ),
    "name in the request body": (
        exchange(sse(CHUNK), request={"metadata": {"client_secret": "tulip"}}),
        "request.body: metadata.client_secret",
    ),
    "compressed request body": (
        exchange(
            sse(CHUNK),
            request_headers={"content-encoding": ["gzip"]},
            request_body=gzip.compress(json.dumps({"input": MAIL}).encode()),
        ),
        "request.body: input",
    ),
    "response header": (
        exchange(sse(CHUNK), headers={"content-type": ["text/event-stream"], "openai-organization": [ORG]}),
        "response.headers.openai-organization",
    ),
    "response cookie": (
        exchange(sse(CHUNK), headers={"content-type": ["text/event-stream"], "Set-Cookie": ["__cf_bm=1; path=/"]}),
        "response.headers.Set-Cookie",
    ),
    "event data": (exchange(sse(chat_chunk({"content": f"It is {KEY}."}))), "event 0: choices[0].delta.content"),
    "e-mail address in event data": (exchange(sse(CHUNK, {"user": MAIL})), "event 1: user"),
    "escaped event data": (
        exchange(sse(CHUNK).replace(b"Hello", KEY.replace("-", "\\u002d").encode())),
        "event 0: choices[0].delta.content",
    ),
    "split over events": (exchange(sse(*SPLIT)), "choices[0].delta.content of 3 events, joined"),
    "SSE comment": (exchange(b": trace " + JWT.encode() + b"\n\n" + sse(CHUNK)), "response.body"),
    "signed URL": (exchange(sse(chat_chunk({"content": SIGNED}))), "event 0: choices[0].delta.content"),
    "base64 in JSON": (exchange(sse(chat_chunk({"image": IN_BASE64}))), "event 0: choices[0].delta.image"),
    "base64 of base64": (
        exchange(sse(chat_chunk({"image": base64.b64encode(IN_BASE64.encode()).decode()}))),
        "event 0: choices[0].delta.image",
    ),
    "gzip in base64": (exchange(sse(chat_chunk({"blob": ZIPPED}))), "event 0: choices[0].delta.blob"),
    "compressed response": (
        exchange(
            gzip.compress(sse(chat_chunk({"content": KEY}))),
            headers={"content-type": ["text/event-stream"], "content-encoding": ["gzip"]},
        ),
        "event 0: choices[0].delta.content",
    ),
    "payload of a frame": (
        exchange(frames(("metadata", json.dumps({"owner": MAIL}).encode())), **FRAMED),
        "event 0: owner",
    ),
    "event inside a frame": (
        exchange(frames(chunk({"type": "ping", "text": f"key {KEY}"})), **FRAMED),
        "event 0: text",
    ),
    "header of a frame": (exchange(frames(("metadata", b"{}"), account=ORG), **FRAMED), "response.body"),
    "error body": (
        exchange(json.dumps({"error": {"message": f"Incorrect API key: {KEY}"}}).encode(), status=401),
        "event 0: error.message",
    ),
    "extra key of the response": (exchange(sse(CHUNK), extras={"chunk_notes": [KEY]}), "chunk_notes[0]"),
}


@pytest.mark.parametrize("place", PLANTED)
def test_a_planted_secret_is_found(tmp_path: Path, place: str) -> None:
    """A place of a recording that the scan does not reach, or that it reports as somewhere else."""
    interaction, where = PLANTED[place]
    found = findings(tmp_path, interaction)
    assert any(where in line for line in found), found


@pytest.mark.parametrize("secret", [KEY, MAIL, ORG, JWT])
def test_metadata_and_comments_are_read(tmp_path: Path, secret: str) -> None:
    """A secret that a person wrote into the metadata or into a comment of the file."""
    (line,) = findings(tmp_path, exchange(sse(CHUNK)), notes=f"Seen with {secret} once.")
    assert line.startswith("line ")
    path = tmp_path / "cassettes" / "openai_chat" / "planted.yaml"
    save(Cassette(metadata=metadata(), interactions=(exchange(sse(CHUNK)),)), path)
    path.write_text(path.read_text(encoding="utf-8") + f"# {secret}\n", encoding="utf-8")
    (finding,) = lint([path], ["secret"])
    assert finding.place == f"line {len(path.read_text(encoding='utf-8').splitlines())}"


def test_what_is_found_is_not_repeated(tmp_path: Path) -> None:
    """A log that publishes the secret which it warns about."""
    for interaction, _ in PLANTED.values():
        text = "\n".join(findings(tmp_path, interaction))
        assert text
        assert not any(secret in text for secret in (KEY, MAIL, ORG, JWT, SIGNED[-60:]))


def test_one_secret_is_one_finding(tmp_path: Path) -> None:
    """The same words reported for the event, the body and the line of the file."""
    assert len(findings(tmp_path, exchange(sse(chat_chunk({"content": KEY}))))) == 1


def test_placeholders_and_reserved_names_are_no_secrets(tmp_path: Path) -> None:
    """A scrubbed recording, or the addresses that RFC 2606 reserves, reported as leaks."""
    headers = {"Authorization": ["Bearer REDACTED"], "x-api-key": ["**REDACTED**"], "cookie": ["[FILTERED]"]}
    request = {"metadata": {"api_key": "REDACTED"}, "user": "ada@example.org", "to": "bob@mail.example.com"}
    arn = "arn:aws:bedrock:us-east-1:123456789012:guardrail/a"
    uri = "https://api.openai.com/v1/chat/completions?key=REDACTED"
    body = sse(
        chat_chunk({"content": arn}), {"usage": {"prompt_tokens": 3}, "logprobs": [{"token": "sk", "logprob": -1}]}
    )
    assert findings(tmp_path, exchange(body, uri, request_headers=headers, request=request)) == []


def test_a_cassette_of_any_project_is_scanned(tmp_path: Path) -> None:
    """A vcrpy cassette without our metadata, with a foreign `metadata` key, or one that is damaged, passed over."""
    path = tmp_path / "foreign.yaml"
    save(Cassette(interactions=(exchange(sse(chat_chunk({"content": KEY}))),)), path)
    text = path.read_text(encoding="utf-8")
    path.write_text(f"metadata: {{sdk: '1'}}\n{text}", encoding="utf-8")
    (finding,) = lint([path], ["secret"])
    assert finding.place.endswith("event 0: choices[0].delta.content")
    path.write_text(f"interactions: [{KEY}\n", encoding="utf-8")
    assert [finding.place for finding in lint([path], ["secret"])] == ["line 1"]


def test_masked_keeps_enough_to_find_it() -> None:
    """A message that does not say which of many keys is meant."""
    assert masked(KEY).startswith("sk-pro")
    assert masked("key=abcdefgh").startswith("key=ab")
    assert KEY not in masked(KEY)


@pytest.mark.parametrize("text", ["user@host", "pip install a@1.2.3", "@decorator.name", "a" * 4000, "\ud800" * 9])
def test_harmless_text(text: str) -> None:
    """Words of code taken for addresses; text that no codec takes."""
    assert secrets_of(text) == ()
