"""What is taken out of a recording, and that nothing else changes."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

from recording_kit import EVENT, FIRST, SECOND, ask, lengths, proxy, serving
from streamproof.cassette import Cassette as OurCassette
from streamproof.cassette import save
from streamproof.recording.redaction import Redactor, moved
from streamproof.replay.exchanges import Request
from streamproof.replay.script import Response, Send
from streamproof.replay.server import LoopbackServer
from streamproof.scrub import REDACTED
from streamproof.wire.eventstream import EventStreamParser, encode_frame

KEY = "sk-proj-Zq8Lw2Rt6Yu1Io5Pa9Sd3Fg7"
ODD_KEY = "a-key-of-no-known-shape-81"


def test_a_compressed_body_is_kept_as_it_came() -> None:
    """Bytes that no longer fit their `content-encoding`."""
    body = gzip.compress(FIRST)
    with serving(Send(body), content_encoding="gzip") as upstream, proxy(upstream.base_url) as running:
        assert ask(running.port).read() == body
        (kept,) = running.wait()
    assert (kept.body, kept.header("content-encoding"), lengths(kept)) == (body, "gzip", [len(body)])


def test_secrets_are_gone_from_every_place(tmp_path: Path) -> None:
    """A key in a header, the query, a body, an event, a binary frame or compressed; by name, by shape or by value."""
    event = json.dumps({"token": "tok-4815162342", "text": f"your key {KEY}"}).encode()
    frame = encode_frame({":event-type": "chunk"}, json.dumps({"bytes": base64.b64encode(event).decode()}).encode())
    bodies = {
        "/sse": b"data: " + event + b"\n\n" + f"data: you sent {ODD_KEY}\n\n".encode() + SECOND,
        "/json": json.dumps({"error": {"message": f"bad {ODD_KEY}", "api_key": "short"}}).encode(),
        "/frames": frame,
        "/gzip": gzip.compress(b"data: " + event + b"\n\n"),
    }

    def handler(request: Request) -> Response:
        coded = [("content-encoding", "gzip")] if request.path == "/gzip" else []
        headers = [*EVENT, ("set-cookie", "session=abc"), ("openai-organization", "org-mine"), *coded]
        return Response(200, headers, (Send(bodies[request.path]),))

    with LoopbackServer(handler) as upstream, proxy(upstream.base_url) as running:
        for path, body in bodies.items():
            headers = {"authorization": f"Bearer {ODD_KEY}", "x-api-key": KEY, "cookie": "a=b", "x-note": KEY}
            asked = json.dumps({"api_key": "short-secret", "messages": [{"content": f"use {KEY}"}]}).encode()
            assert ask(running.port, f"{path}?key=query-secret&alt=sse", asked, headers).read() == body
        kept = running.wait(len(bodies))
    save(OurCassette(interactions=tuple(kept)), tmp_path / "kept.yaml")
    text = (tmp_path / "kept.yaml").read_text()
    frames = EventStreamParser()
    shown = str(frames.feed(kept[2].body) + frames.close())
    for secret in (
        KEY,
        ODD_KEY,
        "short",
        "tok-48",
        "query-secret",
        "session=abc",
        "org-mine",
        "a=b",
        '"api_key":"short',
    ):
        assert secret not in text, secret
        assert secret not in shown, secret
    assert "your key REDACTED" in shown
    assert kept[0].body.endswith(SECOND)
    assert kept[0].uri.endswith(f"/sse?key={REDACTED}&alt=sse")
    assert kept[3].header("content-encoding") is None
    assert [sum(lengths(each)) for each in kept] == [len(each.body) for each in kept]


def test_chunks_follow_what_was_taken_out() -> None:
    """Boundaries that slip by the length of a secret, so that later chunks end in the middle of an event."""
    pieces = [(b"abcdef", b"X"), (b"ghi", b"ghi"), (b"jk", b"12345")]
    assert moved([(0.1, 2), (0.2, 5), (0.3, 2), (0.4, 2)], pieces) == [(0.1, 1), (0.2, 1), (0.3, 2), (0.4, 5)]


def test_words_that_stand_for_a_key_are_no_secret() -> None:
    """`lm-studio`, which local servers get for a key, taken out of every text."""
    redactor = Redactor(Request(headers=(("authorization", "Bearer lm-studio"),)))
    assert redactor.body(b"data: lm-studio\n", None).data == b"data: lm-studio\n"
    assert redactor.headers([("authorization", "Bearer lm-studio")]) == {"authorization": [REDACTED]}


def test_damaged_bodies_are_kept_as_they_are() -> None:
    """A frame that was cut, base64 that is none, compressed bytes without an end: lost, or an exception."""
    redactor = Redactor(Request(headers=(("authorization", f"Bearer {ODD_KEY}"),)))
    frame = encode_frame({":event-type": "chunk"}, b'{"bytes":"no base64!"}')
    for body in (frame + frame[:20], frame[:30], b"\xff\xfe\x00data: {", b'{"a": 1', b"data: {broken\r\n"):
        assert redactor.body(body, None).data == body
    cut = gzip.compress(FIRST * 200)[:-9]
    assert redactor.body(cut, "gzip").data == cut
    assert redactor.body(FIRST, "identity").data == FIRST


def test_a_secret_in_an_open_ended_body() -> None:
    """A secret after the last whole frame, or in a document that is no JSON in the end."""
    redactor = Redactor(Request(headers=(("authorization", f"Bearer {ODD_KEY}"),)))
    frame = encode_frame({":event-type": "contentBlockDelta"}, f'{{"text":"{ODD_KEY}"}}'.encode())
    rest = redactor.body(frame + f"oh {ODD_KEY}".encode(), None).data
    assert ODD_KEY.encode() not in rest
    assert rest.endswith(f"oh {REDACTED}".encode())
    assert redactor.body(f'{{"text":"{ODD_KEY}'.encode(), None).data == f'{{"text":"{REDACTED}'.encode()
