"""`decode`: inputs of any origin to completions."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from case_files import CHAT, CUT_CHAT, exchange, sse, write_case
from hypothesis import given, settings
from hypothesis import strategies as st
from seed_streams import SEEDS, Seed
from streamproof import decode as decode_module
from streamproof import jsontext
from streamproof.cassette import Cassette, Interaction, dumps
from streamproof.completion import Completion, part_to_json
from streamproof.decode import Decoded, Forced, Skipped, decode, read
from streamproof.errors import CassetteError, UsageError
from streamproof.providers import ROWS, Provider

UNFORCED = Forced()


def one(data: bytes, forced: Forced = UNFORCED, name: str = "<stdin>") -> Completion:
    """The only stream of an input."""
    (found,) = decode(name, data, forced)
    assert isinstance(found, Decoded), found
    return found.completion


def cassette(*interactions: Interaction) -> bytes:
    """A foreign cassette: no metadata."""
    return dumps(Cassette(interactions=interactions)).encode()


def facts(completion: Completion) -> dict[str, Any]:
    """What a seed states."""
    parts = [(part["type"], part.get("text", "")) for part in map(part_to_json, completion.content)]
    return {
        "parts": parts,
        "finish_reason": completion.finish_reason,
        "raw_finish_reason": completion.raw_finish_reason,
        "input_tokens": completion.usage.input_tokens,
        "output_tokens": completion.usage.output_tokens,
        "status": completion.status,
    }


def stated(seed: Seed) -> dict[str, Any]:
    """The same from the seed."""
    known = seed._asdict()
    del known["name"], known["protocol"], known["body"]
    return {**known, "status": "complete"}


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.protocol}-{seed.name}")
def test_seed_shapes_as_raw_bodies(seed: Seed) -> None:
    """Protocol told from the first events; the reason, the usage and what was said are all kept."""
    assert facts(one(seed.body)) == stated(seed)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_seed_shapes_of_every_provider(row: Provider) -> None:
    """The same streams in a cassette, at the URL of each row: its quirks must not spoil them."""
    seeds = [seed for seed in SEEDS if seed.protocol == row.protocol and "-" not in seed.name]
    assert len(seeds) == 3
    for seed in seeds:
        assert facts(one(cassette(exchange(seed.body, row.url("m-1"))))) == stated(seed)


CODINGS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("coding", CODINGS)
def test_content_encoding_is_undone(coding: str) -> None:
    """vcrpy keeps bodies as they came over the wire, unless it was told to decompress."""
    headers = {"Content-Type": ["text/event-stream"], "Content-Encoding": [coding]}
    assert one(cassette(exchange(CODINGS[coding](CHAT), headers=headers))).text == "Grüß dich"


def test_a_content_encoding_that_cannot_be_undone_is_no_exception() -> None:
    """The stream failed; the command goes on."""
    headers = {"content-type": ["text/event-stream"], "content-encoding": ["gzip"]}
    assert one(cassette(exchange(b"\x1f\x8b\x08 no gzip", headers=headers))).status != "complete"


def test_a_foreign_cassette_may_hold_anything_else() -> None:
    """Top-level keys of others, interactions that are no stream and no LLM: all left alone, indexes kept."""
    page = exchange(b"<html>", "https://example.org/", {}, headers={"content-type": ["text/html"]})
    whole = exchange(b"{}", request={"stream": False}, headers={"content-type": ["application/json"]})
    text = cassette(page, whole, exchange(CHAT), exchange(CUT_CHAT)).decode()
    foreign = f"source: https://example.org/repository\nrecorded_by: somebody\n{text}".encode()
    found = list(decode("a.yaml", foreign, UNFORCED))
    assert [(each.interaction, each.completion.status) for each in found if isinstance(each, Decoded)] == [
        (2, "complete"),
        (3, "interrupted"),
    ]


def test_a_stream_of_no_known_protocol_is_named() -> None:
    """An MCP server streams too; whoever misses it has to read why it is not there."""
    other = exchange(sse({"jsonrpc": "2.0", "id": 1, "result": {}}), "https://example.org/mcp")
    found = list(decode("a.yaml", cassette(other, exchange(CHAT)), UNFORCED))
    assert isinstance(found[0], Skipped)
    assert "interaction 0 (POST https://example.org/mcp)" in found[0].reason
    assert isinstance(found[1], Decoded)


def test_a_cassette_without_streams_says_so() -> None:
    """Silence would look like success."""
    found = list(decode("a.yaml", cassette(exchange(b"{}", request={}, headers={})), UNFORCED))
    assert found == [Skipped("a.yaml", "no streamed interaction")]


def test_a_json_cassette_is_recognized_without_a_name() -> None:
    """vcrpy writes JSON too, and standard input has no suffix."""
    request = {"method": "POST", "uri": "https://api.openai.com/v1/chat/completions", "headers": {}, "body": None}
    response = {
        "status": {"code": 200, "message": "OK"},
        "headers": {"content-type": ["text/event-stream"]},
        "body": {"string": CHAT.decode()},
    }
    document = {"version": 1, "interactions": [{"request": request, "response": response}]}
    assert one(jsontext.dumps(document, indent=1).encode()).text == "Grüß dich"


def test_a_response_that_begins_like_a_cassette_is_a_body() -> None:
    """A Responses document may well begin with `metadata`."""
    body = {"metadata": {}, "object": "response", "id": "resp_A1", "status": "completed", "output": []}
    assert one(jsontext.dumps(body).encode()).finish_reason == "stop"


def test_a_yaml_name_is_a_cassette_whatever_it_holds(tmp_path: Path) -> None:
    """A damaged cassette is a cassette with an error, not a raw stream that cannot be told."""
    with pytest.raises(CassetteError, match=r"a\.yaml"):
        list(decode("a.yaml", b"interactions: [", UNFORCED))
    with pytest.raises(CassetteError, match=r"a\.yml"):
        list(decode("a.yml", b"hello", UNFORCED))


def test_a_case_of_ours_is_a_cassette(tmp_path: Path) -> None:
    """Decode reads the suite's own files."""
    case = write_case(tmp_path)
    assert one(read(str(case.path)), name=str(case.path)).text == "Grüß dich"


@pytest.mark.parametrize("data", [b"", b"hello", b"\x00\x01", b"<html></html>", b"data: 5\n\n", b"data: [DONE]\n\n"])
def test_a_body_that_tells_no_protocol_is_an_error(data: bytes) -> None:
    """With the option that helps; forced, the same bytes are a stream that was cut or failed."""
    with pytest.raises(CassetteError, match="--protocol"):
        one(data)
    for protocol in ("openai_responses", "anthropic_messages", "gemini_generate_content", "bedrock_converse"):
        assert one(data, Forced(protocol=protocol)).status != "complete"


def test_forced_protocol_outranks_the_url() -> None:
    """A gateway's path may lie."""
    data = cassette(exchange(SEEDS[3].body, "https://gateway.example/v1/chat/completions"))
    assert one(data, Forced(protocol="openai_responses")).finish_reason == "length"
    assert one(data, UNFORCED).status != "complete"


def test_forced_provider_chooses_among_its_protocols() -> None:
    """What the stream tells counts when the provider speaks it; a provider of one protocol needs no telling."""
    assert one(CHAT, Forced(provider="openrouter")).text == "Grüß dich"
    assert one(b"", Forced(provider="anthropic")).status == "interrupted"
    with pytest.raises(CassetteError, match="--protocol"):
        one(SEEDS[-1].body, Forced(provider="openai"))


def test_forced_provider_brings_its_quirks() -> None:
    """xAI's own calls look like client calls; only its row knows."""
    call = {"type": "custom_tool_call", "id": "ctc_A", "call_id": "xs_call_9fQ", "name": "x_search", "input": "{}"}
    item = {"type": "response.output_item.done", "output_index": 0, "item": call}
    end = {"type": "response.completed", "response": {"id": "r", "status": "completed", "output": [call]}}
    body = sse(item, end)
    assert one(body).finish_reason == "tool_calls"
    assert one(body, Forced(provider="xai")).tool_calls == ()
    assert one(cassette(exchange(body, "https://api.x.ai/v1/responses"))).finish_reason == "stop"


@pytest.mark.parametrize(
    ("forced", "message"),
    [
        ({"protocol": "cohere"}, "no protocol 'cohere'"),
        ({"provider": "nobody"}, "no provider 'nobody'"),
        ({"provider": "anthropic", "protocol": "openai_chat"}, "no provider 'anthropic' that speaks 'openai_chat'"),
    ],
)
def test_forcing_what_does_not_exist(forced: dict[str, str], message: str) -> None:
    """A misspelt option must not fall back to guessing."""
    with pytest.raises(UsageError, match=message):
        Forced(**forced)


def test_read_names_what_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a folder."""
    for path in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(CassetteError) as error:
            read(str(path))
        assert error.value.file == str(path)


def test_the_size_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file, or standard input, over the limit is refused before it is parsed."""
    monkeypatch.setattr(decode_module, "MAX_BYTES", 10)
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 11)
    with pytest.raises(CassetteError, match="limit of 10"):
        read(str(path))
    with pytest.raises(CassetteError, match="limit of 10"):
        list(decode("<stdin>", b"x" * 11, UNFORCED))


@pytest.mark.parametrize("uri", ["", "not a url", "https://", "https://example.org/llm?x=1"])
def test_a_uri_that_tells_nothing(uri: str) -> None:
    """Foreign cassettes hold what their authors wrote; the events tell the protocol then."""
    assert one(cassette(exchange(CHAT, uri))).text == "Grüß dich"


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: f"data: {text}\n\n".encode()))
@settings(deadline=None, max_examples=200)
def test_any_bytes_give_a_completion_or_our_error(data: bytes) -> None:
    """Hostile input: never another exception, never `complete` without a terminal."""
    try:
        found = list(decode("<stdin>", data, UNFORCED))
    except CassetteError:
        return
    assert all(isinstance(each, Skipped) or each.completion.status != "complete" for each in found)
