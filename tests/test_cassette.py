"""Cassettes: byte-exact round trips, readable text, vcrpy and its many dialects."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import httpx2
import pytest
import vcr
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from streamproof import cassette_text, safeyaml
from streamproof.cassette import Cassette, Interaction, dumps, load, load_text, load_vcr, save
from streamproof.cassette_text import ReadableSerializer
from streamproof.errors import CassetteError
from vcr.request import Request

METADATA: dict[str, Any] = {
    "schema": 1,
    "title": "Two lines: \"quoted\", 'too' # no comment",
    "why": "word " * 60 + "end",
    "level": "edge",
    "providers": ["openai"],
    "since": "0.1.0",
    "call": {"model": "m", "messages": [{"role": "user", "content": "Hi 👋\ttab\x85\u2028\ufeff end "}]},
    "provenance": {"kind": "synthetic", "source": "https://example.org", "date": "2026-11-22"},
    "requirements": [
        {"id": "r", "level": "must", "path": "status", "op": "equals", "value": value, "source": source}
        for value, source in [
            ("yes", {"kind": "standard", "ref": "RFC 1"}),
        ]
    ],
}
SSE = b'event: a\ndata: {"x": "\xf0\x9f\x91\x8b"}\n\n: comment\n\ndata: [DONE]\n\n'


def cassette(*bodies: bytes, **more: Any) -> Cassette:
    """One interaction for each body."""
    return Cassette(
        interactions=tuple(
            Interaction(
                method="POST",
                uri=f"https://host.example/v1/{n}?a=b",
                request_headers={"Content-Type": ["application/json"]},
                request_body=b'{"stream": true, "text": "it\'s"}',
                headers={"Content-Type": ["text/event-stream"], "x-a": ["1", "2"]},
                body=body,
            )
            for n, body in enumerate(bodies)
        ),
        **more,
    )


@pytest.fixture(params=["libyaml", "pure"])
def _each_loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pure":
        monkeypatch.setattr(safeyaml, "CassetteLoader", safeyaml.safe_loader(yaml.SafeLoader))


PIECES = [
    b"data: ", b"event: a", b"\n", b"\r\n", b"\r", b" ", b"  ", b"\t", b"\0", b"\x7f", b"\x1b", b"\xef\xbb\xbf",
    b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9", b"\xc2\xa0", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"\xff",
    b"\xef\xbf\xbe", b"\xef\xbf\xbf", b"\xf0\x9f\xbf\xbe", b'"', b"'", b"\\", b"\\n", b"#", b": ", b" #", b"-", b"- ",
    b"---", b"...", b"[", b"]", b"{", b"}", b"|", b">", b"!", b"!!binary", b"&a", b"*a", b"%", b"@", b"`", b"?",
    b"null", b"true", b"1", b"1.5", b"2026-11-22", b"12:30", b"=", b"<<", b"~", b"no", b"0x1f", b"1e3", b".inf",
    b"abc", "é".encode(), b"x" * 200, b"word " * 40,
]  # fmt: skip
BODIES = (
    st.binary()
    | st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)
)


@given(st.lists(BODIES, min_size=1, max_size=3))
@example([b""])
@example([b"\n"])
@example([b" \n"])
@example([b"\n\n  a\n\n"])
@example([b"a\n "])
@example([b"\xef\xbb\xbfdata: a\n\n"])
@example([b"data: a\r\n\r\n data\r\r\n"])
@example([bytes(range(256))])
@settings(max_examples=300, deadline=None)
def test_any_body_comes_back_byte_for_byte(bodies: list[bytes]) -> None:
    """Whatever the bytes are, what is loaded is what was saved, and a second save writes the same text."""
    written = cassette(*bodies)
    text = dumps(written)
    again = load_text(text)
    assert [each.body for each in again.interactions] == bodies
    assert again.interactions == written.interactions
    assert dumps(again) == text


@given(BODIES)
@settings(max_examples=200, deadline=None)
def test_every_yaml_reader_sees_the_same_body(body: bytes) -> None:
    """libyaml, PyYAML without it, and vcrpy's own loader agree on what we write."""
    text = dumps(cassette(body))
    pure = yaml.load(text, Loader=safeyaml.safe_loader(yaml.SafeLoader))
    theirs = vcr.serializers.yamlserializer.deserialize(text)
    for document in (pure, theirs):
        string = document["interactions"][0]["response"]["body"]["string"]
        assert (string if isinstance(string, bytes) else string.encode()) == body


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.lists(
        st.sampled_from(PIECES), max_size=4
    ).map(lambda pieces: b"".join(pieces).decode("utf-8", "replace")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
@settings(max_examples=150, deadline=None)
def test_any_metadata_comes_back_as_it_was(options: dict[str, Any]) -> None:
    """Text that looks like a number, a date or YAML syntax stays text, and numbers stay what they are."""
    metadata = {**METADATA, "call": {**METADATA["call"], "options": options}}
    text = dumps(cassette(SSE, metadata=metadata))
    assert repr(load_text(text).metadata) == repr(metadata)
    assert yaml.load(text, Loader=safeyaml.safe_loader(yaml.SafeLoader))["metadata"] == metadata


def body_text(body: bytes) -> str:
    """The lines that hold the response body."""
    return dumps(cassette(body)).partition("      string: ")[2].removesuffix("version: 1\n")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"data: a\n\ndata: b\n\n", "|+\n        data: a\n\n        data: b\n\n"),
        (b"data: a\n\ndata: b", "|-\n        data: a\n\n        data: b\n"),
        (b"  data\n", "|2+\n          data\n"),
        ("data: é 👋\n\n".encode(), "|+\n        data: é 👋\n\n"),
        (b"data: a\r\n\r\n x", '"\\\n        data: a\\r\\n\\\n        \\r\\n\\\n        \\ x"\n'),
        (b"data: a\n\ndata: \n\n", '"\\\n        data: a\\n\\\n        \\n\\\n        data: \\n\\\n        \\n"\n'),
        (b"\tx\n", '"\\tx\\n"\n'),
        (b"\xff\x00", "!!binary |\n        /wA=\n"),
        (b'[{"it\'s": 1}]', "'[{\"it''s\": 1}]'\n"),
        (b"", "''\n"),
    ],
)
def test_bodies_read_like_the_wire(body: bytes, text: str) -> None:
    """The first readable form that keeps the bytes: literal block, one wire line per line in quotes, base64."""
    assert body_text(body) == text


def test_metadata_stands_first_and_the_text_is_plain() -> None:
    """A reader of the file sees what the case is about, then the exchange."""
    lines = dumps(cassette(SSE, metadata=METADATA)).splitlines()
    assert lines[:2] == ["metadata:", "  schema: 1"]
    assert [line for line in lines if line and line[0] not in " -"] == ["metadata:", "interactions:", "version: 1"]
    assert max(map(len, lines)) <= 120
    assert "  providers: [openai]" in lines


def test_save_and_load_a_file(tmp_path: Path) -> None:
    """Folders are made, the path is kept, and the file holds nothing but UTF-8 and LF."""
    path = tmp_path / "new" / "c.yaml"
    written = cassette(SSE, b"a\r\n", metadata=METADATA)
    save(written, path)
    loaded = load(path)
    assert loaded == Cassette(path=path, metadata=METADATA, interactions=written.interactions)
    assert b"\r" not in path.read_bytes()


def test_what_no_yaml_can_hold_is_refused() -> None:
    """Lone surrogates, odd keys and objects in metadata are an error at save, not a file that does not load."""
    for options in ({"a": "\ud800"}, {"a": object()}, {"k" * 2000: 1}):
        with pytest.raises(CassetteError, match="cannot be written"):
            dumps(cassette(SSE, metadata={**METADATA, "call": {**METADATA["call"], "options": options}}))


def test_vcrpy_replays_the_file(tmp_path: Path) -> None:
    """Plain vcrpy, without any help of ours, answers an HTTP client from it, bytes and headers."""
    path = tmp_path / "c.yaml"
    bodies = [SSE, b"\xef\xbb\xbfdata: a\r\n\r\n", bytes(range(256))]
    save(cassette(*bodies, metadata=METADATA), path)
    with vcr.use_cassette(str(path), record_mode="none"), httpx2.Client() as client:
        answers = [client.post(f"https://host.example/v1/{n}?a=b") for n in range(3)]
    assert [answer.content for answer in answers] == bodies
    assert answers[0].headers["x-a"] == "1, 2"


def test_vcrpys_own_save_keeps_everything(tmp_path: Path) -> None:
    """It may quote differently; metadata, extras and bytes are the same when we load it again."""
    path = tmp_path / "c.yaml"
    written = cassette(SSE, bytes(range(256)), metadata=METADATA)
    extra = Interaction(method="GET", uri="http://h/", body=b"x", extras={"chunk_times": [0.5, 1]})
    save(Cassette(interactions=(*written.interactions, extra), metadata=METADATA), path)
    theirs = vcr.cassette.Cassette.load(path=str(path))
    theirs._save(force=True)
    again = load(path)
    assert again.metadata == METADATA
    assert again.interactions == (*written.interactions, extra)


def test_our_serializer_inside_vcrpy(tmp_path: Path) -> None:
    """Registered with vcrpy it writes the readable form, and vcrpy loads it back."""
    path = tmp_path / "c.yaml"
    save(cassette(SSE), path)
    theirs = vcr.cassette.Cassette.load(path=str(path), serializer=ReadableSerializer)
    theirs._save(force=True)
    assert "string: |+\n" in path.read_text()
    assert load(path).interactions[0].body == SSE


def test_vcrpys_cassette_for_a_transport(tmp_path: Path) -> None:
    """`load_vcr` plays each interaction once, by method and URI or another matcher, and never writes."""
    path = tmp_path / "c.yaml"
    save(cassette(SSE), path)
    tape = load_vcr(path)
    played = tape.play_response(Request("POST", "https://host.example/v1/0?a=b", b"", {}))
    assert played["body"]["string"] == SSE
    with pytest.raises(vcr.errors.UnhandledHTTPRequestError):
        tape.play_response(Request("POST", "https://host.example/v1/0?a=b", b"", {}))
    lenient = load_vcr(load(path), match_on=[vcr.matchers.method], allow_playback_repeats=True)
    for _ in range(2):
        assert lenient.play_response(Request("POST", "https://elsewhere/", b"", {}))["status"]["code"] == 200
    with pytest.raises(CassetteError, match="never written"):
        lenient._save(force=True)


def test_headers_are_found_whatever_their_case() -> None:
    """Header names have no case; several values are joined as HTTP says; absent is None."""
    interaction = cassette(SSE).interactions[0]
    assert interaction.header("content-TYPE") == "text/event-stream"
    assert interaction.header("X-A") == "1, 2"
    assert interaction.header("age") is None
    assert interaction.request_header("content-type") == "application/json"


def foreign(response: str, request: str = "{method: POST, uri: 'http://h/'}", more: str = "") -> Interaction:
    """What we make of an interaction in somebody's YAML."""
    text = f"interactions:\n- request: {request}\n  response: {response}\n{more}"
    return load_text(text).interactions[0]


@pytest.mark.usefixtures("_each_loader")
@pytest.mark.parametrize(
    ("response", "body"),
    [
        ("{status: {code: 200, message: OK}, headers: {}, body: {string: 'é'}}", "é".encode()),
        ("{status: {code: 200, message: null}, headers: null, body: {string: !!binary /wA=}}", b"\xff\0"),
        ("{status: {code: 200}, body: {base64_string: '/w A='}}", b"\xff\0"),
        ("{status: {code: '200'}, body: bare}", b"bare"),
        ("{status: {code: 200}, body: !!binary /wA=}", b"\xff\0"),
        ("{status: {code: 200}, body: {}}", b""),
        ("{status: {code: 200}, body: {string: null}}", b""),
        ("{status: {code: 200}, body: {encoding: utf-8, string: a}}", b"a"),
        ("{status_code: 200, http_version: HTTP/1.1, headers: {a: b}, content: text}", b"text"),
        ("{status: {code: 200}, headers: {}, parsed_body: {a: [1, é]}}", '{"a":[1,"é"]}'.encode()),
        ("{status: {code: 200}, body: {string: !!python/unicode text}}", b"text"),
    ],
)
def test_bodies_of_other_peoples_cassettes(response: str, body: bytes) -> None:
    """All the forms that vcrpy and its users have written are bytes in the end."""
    interaction = foreign(response)
    assert (interaction.status, interaction.body) == (200, body)


@pytest.mark.usefixtures("_each_loader")
@pytest.mark.parametrize(
    ("request_", "body"),
    [
        ("{method: GET, uri: 'http://h/', body: null, headers: {}}", b""),
        ("{method: GET, uri: 'http://h/', body: {string: a}, extra: 1}", b"a"),
        ("{method: GET, uri: 'http://h/', parsed_body: {stream: true}}", b'{"stream":true}'),
        (
            "{method: GET, uri: '', body: !!python/object/new:_io.BytesIO {state: !!python/tuple [abc, 0, null]}}",
            b"abc",
        ),
        ("{method: GET, uri: '', body: !!python/object/new:_io.BytesIO {}}", b""),
        ("{method: GET, uri: '', body: !!python/object/apply:builtins.iter {args: [[a, !!binary Yg==]]}}", b"ab"),
        ("{method: GET, uri: '', body: !!python/object/apply:builtins.iter {}}", b""),
    ],
)
def test_requests_of_other_peoples_cassettes(request_: str, body: bytes) -> None:
    """Missing parts are empty, and the Python tags that vcrpy itself writes are plain data."""
    assert foreign("{status: {code: 200}, body: a}", request_).request_body == body


def test_header_values_of_other_peoples_cassettes() -> None:
    """One value without a list, numbers, bytes, and none at all become lists of strings."""
    interaction = foreign("{status: {code: 200}, headers: {a: b, c: [1, !!binary /w==], d: [], e: null}, body: a}")
    assert interaction.headers == {"a": ["b"], "c": ["1", "ÿ"], "e": [""]}


@pytest.mark.usefixtures("_each_loader")
def test_anchors_and_aliases() -> None:
    """Ordinary ones are what YAML has them for, merge keys too."""
    text = """
interactions:
- request: &r {method: POST, uri: 'http://h/', headers: &h {a: [b]}}
  response: &p {status: {code: 200}, headers: *h, body: {string: &b "data: a\\n\\n"}}
- request: *r
  response: {<<: *p, status: {code: 201}}
- request: {<<: [*r], method: GET}
  response: {status: {code: 202}, body: {string: *b}}
version: 1
source: {anything: [here]}
"""
    interactions = load_text(text).interactions
    assert [each.status for each in interactions] == [200, 201, 202]
    assert {each.body for each in interactions} == {b"data: a\n\n"}
    assert interactions[2].method == "GET"
    assert interactions[2].request_headers == {"a": ["b"]}


def test_json_cassettes() -> None:
    """vcrpy's JSON serializer; a surrogate pair is one character, a lone one keeps its bytes."""
    exchange = {
        "request": {"method": "POST", "uri": "http://h/", "body": "a", "headers": {"A": ["b"]}},
        "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "x👋\ud800\n"}},
    }
    interaction = load_text(json.dumps({"version": 1, "interactions": [exchange]}, indent=1)).interactions[0]
    assert interaction.body == "x👋".encode() + b"\xed\xa0\x80\n"
    assert interaction.request_headers == {"A": ["b"]}


def test_large_binary_bodies_are_kept() -> None:
    """Frames of a binary stream, megabytes of them."""
    body = os.urandom(1_000_000)
    text = dumps(cassette(body))
    assert load_text(text).interactions[0].body == body
    assert base64.b64encode(body)[:76].decode() in text


def test_a_byte_order_mark_before_the_yaml() -> None:
    """Some editors write one; it is no part of the cassette."""
    assert load_text(b"\xef\xbb\xbf" + dumps(cassette(SSE)).encode()).interactions[0].body == SSE


@pytest.mark.skipif("STREAMPROOF_CORPUS" not in os.environ, reason="needs STREAMPROOF_CORPUS")
def test_real_cassettes_load_and_round_trip() -> None:
    """Every recording loads as vcrpy loads it, and comes back from our own text."""
    paths = sorted(Path(os.environ["STREAMPROOF_CORPUS"]).rglob("*.yaml"))
    assert paths
    for path in paths:
        loaded = load(path)
        theirs = vcr.cassette.Cassette.load(path=str(path), record_mode=vcr.mode.NONE)
        assert [each.body for each in loaded.interactions] == [each["body"]["string"] for each in theirs.responses]
        assert load_text(dumps(loaded)).interactions == loaded.interactions


def test_base64_when_no_readable_form_reloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every form is read back before it is taken, so a body is never changed for the sake of its looks."""
    monkeypatch.setattr(cassette_text, "_reloads", lambda form, indent, value: value != SSE.decode())
    text = dumps(cassette(SSE))
    assert "string: !!binary |" in text
    assert load_text(text).interactions[0].body == SSE
