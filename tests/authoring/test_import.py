"""`streamproof import`: recordings of other tools become cases, with the bytes of the wire and without secrets."""

from __future__ import annotations

import base64
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from case_files import chat_chunk, sse
from click.testing import CliRunner, Result
from streamproof.cassette import Cassette, load
from streamproof.cli import main
from streamproof.decoders.stream import StreamDecoder
from streamproof.wire.eventstream import encode_frame
from streamproof.wire.reader import Reader

KEY = "sk-proj-" + "a1B2c3D4" * 4
CHAT = sse(
    chat_chunk({"role": "assistant", "content": ""}, created=1767225600),
    chat_chunk({"content": "Grüß dich"}),
    chat_chunk({}, "stop"),
    done=True,
)
MESSAGES = [
    {"type": "message_start", "message": {"id": "msg_01", "model": "claude-x", "usage": {"input_tokens": 3}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Moin"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]
ASKED = {"model": "m-1", "stream": True, "max_tokens": 40, "messages": [{"role": "user", "content": "Hello?"}]}


def run(*arguments: object) -> Result:
    """The command line, its two outputs apart."""
    return CliRunner().invoke(main, ["import", *map(str, arguments)], catch_exceptions=False)


def vcrpy(*bodies: bytes, **response: Any) -> dict[str, Any]:
    """A vcrpy cassette as its users record it: with keys, cookies and all headers."""
    return {
        "version": 1,
        "interactions": [
            {
                "request": {
                    "method": "POST",
                    "uri": f"https://api.openai.com/v1/chat/completions?key={KEY}",
                    "headers": {"authorization": [f"Bearer {KEY}"], "user-agent": ["x"]},
                    "body": json.dumps(ASKED),
                },
                "response": {
                    "status": {"code": 200, "message": "OK"},
                    "headers": {
                        "Content-Type": ["text/event-stream; charset=utf-8"],
                        "Set-Cookie": ["id=4242424242424242"],
                        "X-Request-ID": ["req_7"],
                        "openai-organization": ["org-mine"],
                    },
                    "body": {"string": body.decode()},
                    **response,
                },
            }
            for body in bodies
        ],
    }


def written(path: Path, document: Any) -> Path:
    """A file of that document: JSON or YAML by its name, gzipped where the name says so."""
    text = (
        json.dumps(document) if ".json" in path.name else yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
    )
    path.write_bytes(gzip.compress(text.encode()) if path.name.endswith(".gz") else text.encode())
    return path


def imported(tmp_path: Path, file: Path, *options: object) -> Cassette:
    """The one case that a file becomes."""
    done = run(file, "--out", tmp_path / "out", *options)
    assert done.exit_code == 0, done.output
    (path,) = (tmp_path / "out").glob("*/*.yaml")
    return load(path, case=True)


def text_of(cassette: Cassette, protocol: str) -> str:
    """What the stream of a case says."""
    (interaction,) = cassette.interactions
    decoder = StreamDecoder(protocol, content_type=interaction.header("content-type"))
    decoder.feed(interaction.body)
    decoder.end()
    assert decoder.completion.status == "complete"
    return str(decoder.completion.to_json()["content"][0]["text"])


@pytest.mark.parametrize("name", ["a stream.yaml", "stream.json", "stream.yaml.gz"])
def test_vcrpy(tmp_path: Path, name: str) -> None:
    """A cassette of vcrpy loses a byte of its body, or keeps a key, a cookie or a header that says nothing."""
    case = imported(tmp_path, written(tmp_path / name, vcrpy(CHAT)))
    (interaction,) = case.interactions
    assert interaction.body == CHAT
    assert interaction.uri == "https://api.openai.com/v1/chat/completions?key=REDACTED"
    assert interaction.headers == {"content-type": ["text/event-stream; charset=utf-8"], "x-request-id": ["req_7"]}
    assert interaction.request_headers == {"content-type": ["application/json"]}
    assert KEY not in (case.path or Path()).read_text("utf-8")


def test_metadata_says_where_it_is_from(tmp_path: Path) -> None:
    """The author has to look up what the file says: the call, the provider, the day, the source."""
    case = imported(tmp_path, written(tmp_path / "one.yaml", vcrpy(CHAT)), "--source", "https://example.org/r")
    metadata = case.metadata or {}
    assert metadata["providers"] == ["openai"]
    assert metadata["call"] == {k: v for k, v in ASKED.items() if k in ("model", "messages")} | {
        "max_output_tokens": 40
    }
    assert metadata["provenance"] == {
        "kind": "imported",
        "framing": "original",
        "source": "https://example.org/r; one.yaml; interaction 0, POST https://api.openai.com/v1/chat/completions",
        "date": "2026-01-01",
        "server": "api.openai.com",
    }
    assert metadata["title"].startswith("TODO")
    assert metadata["requirements"][0]["source"]["ref"].startswith("TODO")


def test_a_key_in_the_stream_goes(tmp_path: Path) -> None:
    """A secret that the model or the server repeats stays in the body; all other events must stay as they are."""
    events = [chat_chunk({"content": f"your key is {KEY}"}), chat_chunk({}, "stop")]
    case = imported(tmp_path, written(tmp_path / "one.yaml", vcrpy(sse(*events, done=True))))
    body = case.interactions[0].body
    assert KEY.encode() not in body
    assert b"your key is REDACTED" in body
    assert body.endswith(sse(events[1], done=True))


def test_a_key_in_a_frame_goes(tmp_path: Path) -> None:
    """A secret inside a binary frame stays, or its removal breaks the frame's checksum."""
    file = tmp_path / "one.chunks.txt"
    file.write_bytes(
        lines(
            {"messageStart": {"role": "assistant"}},
            {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": f"it is {KEY}"}}},
            {"messageStop": {"stopReason": "end_turn"}},
        )
    )
    case = imported(tmp_path, file)
    assert KEY.encode() not in case.interactions[0].body
    assert text_of(case, "bedrock_converse") == "it is REDACTED"


def test_compressed_body(tmp_path: Path) -> None:
    """A body under `content-encoding` is stored compressed, unreadable in the case, or under a header that lies."""
    document = vcrpy(CHAT)
    response = document["interactions"][0]["response"]
    response["body"] = {"string": gzip.compress(CHAT)}
    response["headers"]["Content-Encoding"] = ["gzip"]
    (interaction,) = imported(tmp_path, written(tmp_path / "one.yaml", document)).interactions
    assert interaction.body == CHAT
    assert interaction.header("content-encoding") is None


def test_parsed_body_is_rebuilt(tmp_path: Path) -> None:
    """The text of a `parsed_body` is not the wire's; a case that says `original` would lie."""
    document = vcrpy(CHAT, parsed_body={"object": "chat.completion", "choices": []})
    del document["interactions"][0]["response"]["body"]
    case = imported(tmp_path, written(tmp_path / "one.yaml", document))
    assert (case.metadata or {})["provenance"]["framing"] == "rebuilt"
    assert case.interactions[0].body == b'{"object":"chat.completion","choices":[]}'


def test_two_lists(tmp_path: Path) -> None:
    """langchain's gzipped cassettes, in which every header and the URL may be hidden."""
    (each,) = vcrpy(CHAT)["interactions"]
    each["request"]["uri"] = "**REDACTED**"
    each["request"]["body"] = each["request"]["body"].encode()
    each["response"]["headers"] = {"content-type": ["**REDACTED**"]}
    document = {"requests": [each["request"]], "responses": [each["response"]]}
    case = imported(tmp_path, written(tmp_path / "TestX.test_stream[v1].yaml.gz", document), "--provider", "openai")
    (interaction,) = case.interactions
    assert (case.path or Path()).name == "testx-test-stream-v1.yaml"
    assert interaction.body == CHAT
    assert interaction.uri == "https://api.openai.com/v1/chat/completions"
    assert interaction.header("content-type") == "text/event-stream"
    assert "URL" in (case.metadata or {})["notes"]


def test_two_lists_of_different_length(tmp_path: Path) -> None:
    """An answer would stand beside a request that it does not belong to."""
    file = written(tmp_path / "one.yaml.gz", {"requests": [], "responses": [{}]})
    done = run(file, "--out", tmp_path)
    assert (done.exit_code, "0 requests and 1 responses" in done.stderr) == (2, True)


def ruby(body: str) -> str:
    """A cassette as Ruby's VCR writes it; body: the lines of the response's body."""
    return (
        "---\nhttp_interactions:\n- request:\n    method: post\n    uri: https://api.anthropic.com/v1/messages\n"
        "    body:\n      encoding: UTF-8\n      string: '" + json.dumps(ASKED) + "'\n"
        "    headers:\n      X-Api-Key:\n      - <ANTHROPIC_API_KEY>\n      Content-Type:\n      - application/json\n"
        "  response:\n    status:\n      code: 200\n      message: OK\n"
        "    headers:\n      Content-Type:\n      - text/event-stream\n      Request-Id:\n      - req_9\n"
        f"    body:\n{body}"
        "  recorded_at: Sun, 08 Jun 2025 09:24:22 GMT\nrecorded_with: VCR 6.3.1\n"
    )


BODY = sse(*MESSAGES, names=True)
B64 = base64.b64encode(BODY).decode()


@pytest.mark.parametrize(
    "body",
    [
        f"      encoding: UTF-8\n      string: {json.dumps(BODY.decode())}\n",
        f"      encoding: ASCII-8BIT\n      string: !binary |-\n        {B64}\n",
        f"      encoding: ASCII-8BIT\n      base64_string: |\n        {B64}\n",
    ],
    ids=["string", "binary", "base64"],
)
def test_ruby_vcr(tmp_path: Path, body: str) -> None:
    """Ruby's VCR in each of the forms that it gives a body."""
    file = tmp_path / "streams_text.yml"
    file.write_text(ruby(body), "utf-8")
    case = imported(tmp_path, file)
    (interaction,) = case.interactions
    assert (interaction.method, interaction.body) == ("POST", BODY)
    assert interaction.headers == {"content-type": ["text/event-stream"], "request-id": ["req_9"]}
    assert text_of(case, "anthropic_messages") == "Moin"
    provenance = (case.metadata or {})["provenance"]
    assert provenance["date"] == "2025-06-08"
    assert "recorded_with VCR 6.3.1; recorded_at Sun, 08 Jun 2025" in provenance["source"]


def test_ruby_damage_is_named_in_its_own_words(tmp_path: Path) -> None:
    """A fault is reported at a place that the file does not have."""
    file = tmp_path / "one.yml"
    file.write_text("http_interactions:\n- request:\n    method: get\n  response: {}\n", "utf-8")
    done = run(file, "--out", tmp_path)
    assert done.exit_code == 2
    assert "http_interactions[0].request.uri: missing uri" in done.stderr


def lines(*events: Any) -> bytes:
    """Events as an AI SDK fixture holds them."""
    return "\n".join(json.dumps(event, ensure_ascii=False) for event in events).encode() + b"\n\n"


RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1767225600, "model": "gpt-x", "status": "in_progress"}
MESSAGE = {"type": "message", "id": "i", "role": "assistant", "content": [{"type": "output_text", "text": "Moin"}]}
RESPONSES = [
    {"type": "response.created", "response": {**RESPONSE, "output": []}},
    {"type": "response.completed", "response": {**RESPONSE, "status": "completed", "output": [MESSAGE]}},
]
GEMINI = [
    {"candidates": [{"content": {"parts": [{"text": "Moin"}]}, "finishReason": "STOP"}], "modelVersion": "g-1"}
] * 2
CHUNKS = [chat_chunk({"content": "Moin"}), chat_chunk({}, "stop")]


@pytest.mark.parametrize(
    ("protocol", "events", "framed"),
    [
        ("openai_chat", CHUNKS, b"data: [DONE]\n\n"),
        ("openai_responses", RESPONSES, b"event: response.completed\ndata: {"),
        ("anthropic_messages", MESSAGES, b"event: message_stop\ndata: {"),
        ("gemini_generate_content", GEMINI, b'\n\ndata: {"candidates"'),
    ],
)
def test_chunks(tmp_path: Path, protocol: str, events: list[Any], framed: bytes) -> None:
    """An AI SDK fixture gets the framing of another protocol, or passes for a recording of the wire."""
    file = tmp_path / "vendor-text.1.chunks.txt"
    file.write_bytes(lines(*events))
    case = imported(tmp_path, file)
    (interaction,) = case.interactions
    assert framed in interaction.body
    assert (case.path or Path()).relative_to(tmp_path / "out").as_posix() == f"{protocol}/vendor-text-1.yaml"
    assert text_of(case, protocol).startswith("Moin")
    assert (case.metadata or {})["provenance"]["framing"] == "rebuilt"
    reader = Reader(interaction.header("content-type"))
    read = [event.payload for event in [*reader.feed(interaction.body), *reader.close()] if event.kind == "json"]
    assert read == events


def test_chunks_of_a_cut_chat_stream(tmp_path: Path) -> None:
    """A `[DONE]` that never was would make a cut stream complete."""
    file = tmp_path / "cut.chunks.txt"
    file.write_bytes(lines(chat_chunk({"content": "Mo"}), chat_chunk({"content": "in"})))
    assert b"[DONE]" not in imported(tmp_path, file).interactions[0].body


def test_chunks_of_converse(tmp_path: Path) -> None:
    """Converse has binary frames, whose name stands in a header."""
    events = [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "Moin"}}},
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"messageStop": {"stopReason": "end_turn"}},
    ]
    file = tmp_path / "one.chunks.txt"
    file.write_bytes(lines(*events))
    case = imported(tmp_path, file)
    headers = {":event-type": "messageStart", ":content-type": "application/json", ":message-type": "event"}
    assert case.interactions[0].body.startswith(encode_frame(headers, b'{"role":"assistant"}'))
    assert text_of(case, "bedrock_converse") == "Moin"


def test_chunks_with_a_broken_line(tmp_path: Path) -> None:
    """A line that is no event is dropped in silence, or nobody is told which."""
    file = tmp_path / "one.chunks.txt"
    file.write_bytes(lines(CHUNKS[0]) + b"{nonsense\n")
    done = run(file, "--out", tmp_path)
    assert done.exit_code == 2
    assert f"{file}: line 3: no JSON" in done.stderr


def test_raw_body(tmp_path: Path) -> None:
    """What `curl -N` printed, without any request."""
    file = tmp_path / "answer.txt"
    file.write_bytes(BODY)
    case = imported(tmp_path, file, "--provider", "minimax", "--case", "anthropic_messages/from-curl")
    assert case.interactions[0].body == BODY
    assert case.interactions[0].uri == "https://api.minimax.io/anthropic/v1/messages"
    assert (case.metadata or {})["providers"] == ["minimax"]


def test_only_streams(tmp_path: Path) -> None:
    """Answers that are no streams crowd the suite, or cannot be had at all."""
    document = vcrpy(CHAT, b'{"object":"chat.completion","choices":[]}', CHAT)
    plain = document["interactions"][1]
    plain["request"]["body"] = "{}"
    plain["response"]["headers"] = {"Content-Type": ["application/json"]}
    file = written(tmp_path / "many.yaml", document)
    assert run(file, "--out", tmp_path / "a").stdout.count(".yaml\n") == 2
    assert {path.stem for path in (tmp_path / "a" / "openai_chat").iterdir()} == {"many-0", "many-2"}
    assert run(file, "--out", tmp_path / "b", "--all").stdout.count(".yaml\n") == 3
    assert run(file, "--out", tmp_path / "c", "--interaction", 1).stdout.startswith("openai_chat/many  ")


def test_one_case_of_many(tmp_path: Path) -> None:
    """Several streams overwrite each other under one id."""
    file = written(tmp_path / "many.yaml", vcrpy(CHAT, CHAT))
    done = run(file, "--out", tmp_path, "--case", "openai_chat/one")
    assert done.exit_code == 2
    assert "2 streams for one case (--interaction, one of 0, 1)" in done.stderr
    assert run(file, "--out", tmp_path, "--case", "openai_chat/one", "--interaction", 1).exit_code == 0
    assert run(file, "--out", tmp_path, "--case", "openai_chat/two", "--interaction", 2).exit_code == 2
    assert run(file, file, "--out", tmp_path, "--case", "openai_chat/two").exit_code == 2


def test_never_overwrites(tmp_path: Path) -> None:
    """A case that somebody has worked on is replaced."""
    file = written(tmp_path / "one.yaml", vcrpy(CHAT))
    target = tmp_path / "out" / "openai_chat" / "one.yaml"
    target.parent.mkdir(parents=True)
    target.write_text("mine", "utf-8")
    done = run(file, "--out", tmp_path / "out")
    assert (done.exit_code, target.read_text("utf-8")) == (2, "mine")
    assert "--force" in done.stderr
    assert run(file, "--out", tmp_path / "out", "--force").exit_code == 0
    assert load(target, case=True).interactions[0].body == CHAT


def test_two_files_of_one_name(tmp_path: Path) -> None:
    """With --force the second file of a name would replace the first one's case."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        written(tmp_path / folder / "one.yaml", vcrpy(CHAT))
    done = run(tmp_path / "a" / "one.yaml", tmp_path / "b" / "one.yaml", "--out", tmp_path / "out", "--force")
    assert done.exit_code == 2
    assert "in this run" in done.stderr


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    """A damaged file in a folder of many, or one without any stream."""
    good = written(tmp_path / "good.yaml", vcrpy(CHAT))
    bad = tmp_path / "bad.yaml"
    bad.write_text("interactions: [}", "utf-8")
    torn = tmp_path / "torn.yaml.gz"
    torn.write_bytes(gzip.compress(good.read_bytes())[:-20])
    other = tmp_path / "notes.txt"
    other.write_text("hello", "utf-8")
    plain = vcrpy(b"<html></html>")
    plain["interactions"][0]["request"]["body"] = "{}"
    plain["interactions"][0]["response"]["headers"] = {}
    done = run(bad, torn, other, tmp_path / "none", written(tmp_path / "p.yaml", plain), good, "--out", tmp_path / "o")
    assert done.exit_code == 2
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["openai_chat/good"]
    for name in (
        "bad.yaml",
        "torn.yaml.gz: damaged gzip",
        "notes.txt: neither",
        "none: no such file",
        "p.yaml: no str",
    ):
        assert name in done.stderr
    assert "1 imported" in done.stderr


@pytest.mark.parametrize("options", [("--case", "nowhere"), ("--provider", "nobody"), ("--interaction", "9")])
def test_options_that_name_nothing(tmp_path: Path, options: tuple[str, str]) -> None:
    """A word that does not exist ends in a traceback."""
    done = run(written(tmp_path / "one.yaml", vcrpy(CHAT)), "--out", tmp_path, *options)
    assert (done.exit_code, done.stderr.startswith("streamproof: ")) == (2, True)


def test_unknown_protocol(tmp_path: Path) -> None:
    """A stream of something else becomes a case of some protocol."""
    document = vcrpy(b'data: {"text": "x"}\n\n')
    document["interactions"][0]["request"]["uri"] = "https://example.org/v1/completions"
    done = run(written(tmp_path / "one.yaml", document), "--out", tmp_path / "out")
    assert "interaction 0: no protocol that streamproof knows" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif("STREAMPROOF_CORPUS" not in os.environ, reason="STREAMPROOF_CORPUS names no corpus")
def test_corpus_keeps_every_byte(tmp_path: Path) -> None:
    """A real recording loses bytes on the way."""
    files = sorted(Path(os.environ["STREAMPROOF_CORPUS"]).glob("*/*.yaml"))
    assert run(*files, "--out", tmp_path).exit_code == 0
    bodies = sorted(each.body for path in tmp_path.glob("*/*.yaml") for each in load(path, case=True).interactions)
    given = sorted(each.body for path in files for each in load(path).interactions)
    assert bodies == given
