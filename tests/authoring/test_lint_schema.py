"""The rules `schema` and `consistent`: what a stream says against its published schema, and against itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sound_case import SSE_PROTOCOLS, declared, findings, respoken, sound_case
from streamproof import cassette
from streamproof.authoring.dialects import DIALECTS, is_dialect
from streamproof.authoring.shape import breaches, shape
from streamproof.providers import PROTOCOLS, TABLE

Change = Callable[[list[Any]], Any]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_sound_stream_has_no_findings(tmp_path: Path, protocol: str) -> None:
    """A rule that objects to the shortest valid stream of a protocol."""
    assert findings(sound_case(tmp_path, protocol)) == []


UNDECLARED: dict[str, tuple[str, Change, str, str]] = {
    "unknown member": (
        "openai_chat",
        lambda e: e[1]["choices"][0]["delta"].update(mood="glad"),
        "event 1, data: choices[0].delta.mood",
        "delta.mood is new, seen nowhere",
    ),
    "unknown event": (
        "openai_responses",
        lambda e: e[3].update(type="response.holo.delta"),
        "event 3, response.holo.delta: type",
        "response.holo.delta is invented",
    ),
    "unknown word of an enumeration": (
        "anthropic_messages",
        lambda e: e[4]["delta"].update(stop_reason="quantum_pause"),
        "event 4, message_delta: delta.stop_reason",
        "The stop reason quantum_pause is invented",
    ),
    "unknown kind of block": (
        "anthropic_messages",
        lambda e: e[1]["content_block"].update(type="hologram"),
        "event 1, content_block_start: content_block.type",
        "A hologram block",
    ),
    "missing member": (
        "openai_responses",
        lambda e: e[7]["response"]["usage"].pop("output_tokens_details"),
        "event 7, response.completed: response.usage.output_tokens_details",
        "No output_tokens_details",
    ),
    "null where the schema has none": (
        "openai_responses",
        lambda e: e[3].update(delta=None),
        "event 3, response.output_text.delta: delta",
        "delta is null",
    ),
    "text where the schema has a number": (
        "gemini_generate_content",
        lambda e: e[0]["usageMetadata"].update(promptTokenCount="4"),
        "event 0, data: usageMetadata.promptTokenCount",
        "promptTokenCount is a string",
    ),
    "no object at all": ("openai_chat", lambda e: e.insert(1, 5), "event 1, data", "An event is the number 5"),
}


@pytest.mark.parametrize("name", UNDECLARED)
def test_a_deviation_has_to_be_declared(tmp_path: Path, name: str) -> None:
    """Bytes outside the schema that pass without a word, and a declaration that does not count."""
    protocol, change, place, declaration = UNDECLARED[name]
    path = respoken(sound_case(tmp_path, protocol), change)
    found = findings(path, "schema")
    assert [finding.place for finding in found] == [place]
    assert findings(declared(path, declaration), "schema") == []


def test_a_declaration_covers_only_what_it_names(tmp_path: Path) -> None:
    """One declared deviation that hides every other."""
    path = respoken(
        sound_case(tmp_path, "openai_chat"),
        lambda e: (e[0].update(mood="glad"), e[1].update(mode="fast")),
    )
    (finding,) = findings(declared(path, "The member mood is invented."), "schema")
    assert finding.place == "event 1, data: mode"
    assert "schema_deviates" in finding.remedy


def test_a_deviation_on_every_event_is_one_finding(tmp_path: Path) -> None:
    """A report that nobody reads: the same member named once per event."""
    path = respoken(sound_case(tmp_path, "openai_chat"), lambda e: [event.update(mood=1) for event in e])
    assert len(findings(path, "schema")) == 1


def test_a_dialect_needs_no_declaration(tmp_path: Path) -> None:
    """A member that the provider documents, asked of every case; or granted to providers that do not send it."""
    change: Change = lambda e: e[0].update(provider="Example")  # noqa: E731
    path = respoken(sound_case(tmp_path, "openai_chat", providers=["openrouter"]), change)
    assert findings(path, "schema") == []
    (tmp_path / "other").mkdir()
    other = respoken(sound_case(tmp_path / "other", "openai_chat"), change)
    assert [finding.place for finding in findings(other, "schema")] == ["event 0, data: provider"]


def test_dialects_name_rows_and_evidence() -> None:
    """An entry for a provider that does not exist, or for which nobody can look anything up."""
    for dialect in DIALECTS:
        assert all(name == "*" or (name, dialect.protocol) in TABLE for name in dialect.providers), dialect
        assert "https://" in dialect.evidence or "recording" in dialect.evidence, dialect
    assert is_dialect("openai_chat", ["azure", "openrouter"], "choices[2].delta.reasoning_details[0].text")
    assert not is_dialect("openai_chat", ["openrouter"], "choices[0].delta.reasoning_detail")


def test_lost_bytes_have_to_be_declared(tmp_path: Path) -> None:
    """An event that is no JSON, in a case that does not say so."""
    path = sound_case(tmp_path, "openai_chat")
    loaded = cassette.load(path)
    broken = replace(loaded.interactions[0], body=b"data: {nonsense}\n\n" + loaded.interactions[0].body)
    cassette.save(replace(loaded, interactions=(broken,)), path)
    (finding,) = findings(path, "schema")
    assert "invalid_json" in finding.message
    assert findings(declared(path, "One event is no JSON."), "schema") == []


def test_an_event_name_beside_another_type(tmp_path: Path) -> None:
    """An SSE name that contradicts the payload, and that only some clients read."""
    path = sound_case(tmp_path, "anthropic_messages")
    loaded = cassette.load(path)
    body = loaded.interactions[0].body.replace(b"event: message_stop", b"event: message_end")
    cassette.save(replace(loaded, interactions=(replace(loaded.interactions[0], body=body),)), path)
    (finding,) = findings(path, "schema")
    assert "'message_end'" in finding.message


def _second(events: list[Any]) -> None:
    events += [{**event, "sequence_number": n} for n, event in enumerate(events[:4])]


INCONSISTENT: dict[str, tuple[str, Change, str]] = {
    "deltas and done": ("openai_responses", lambda e: e[3].update(delta="Hi"), "the deltas make"),
    "deltas and item": (
        "openai_responses",
        lambda e: e[6]["item"]["content"][0].update(text="Hi."),
        "the deltas make",
    ),
    "deltas and terminal": (
        "openai_responses",
        lambda e: e[7]["response"]["output"][0]["content"][0].update(text="Hi."),
        "the deltas make",
    ),
    "sequence numbers": ("openai_responses", lambda e: e[5].update(sequence_number=9), "where 5 is next"),
    "item ids": ("openai_responses", lambda e: e[3].update(item_id="msg_other"), "the item began as"),
    "second response": ("openai_responses", _second, "a second response.created"),
    "Responses total": ("openai_responses", lambda e: e[7]["response"]["usage"].update(total_tokens=99), "is 12"),
    "chunk ids": ("openai_chat", lambda e: e[1].update(id="chatcmpl-other"), "the stream began with"),
    "call indexes": (
        "openai_chat",
        lambda e: e[1]["choices"][0]["delta"].update(tool_calls=[{"index": 2, "id": "call_a"}]),
        "0 calls have begun",
    ),
    "Chat total": ("openai_chat", lambda e: e[3]["usage"].update(total_tokens=99), "is 12"),
    "block indexes": ("anthropic_messages", lambda e: e[1].update(index=1), "0 blocks have begun"),
    "delta of no block": ("anthropic_messages", lambda e: e[2].update(index=3), "no block 3 is open"),
    "block never stopped": ("anthropic_messages", lambda e: e.pop(3), "never stopped"),
    "delta of another kind": (
        "anthropic_messages",
        lambda e: e[2].update(delta={"type": "thinking_delta", "thinking": "Hm", "estimated_tokens": None}),
        "thinking_delta in a block of type text",
    ),
    "second message": ("anthropic_messages", lambda e: e.append(e[0]), "a second message_start"),
    "Gemini total": ("gemini_generate_content", lambda e: e[0]["usageMetadata"].update(totalTokenCount=9), "is 6"),
    "response ids": (
        "gemini_generate_content",
        lambda e: e.insert(0, {"candidates": [], "responseId": "another"}),
        "the stream began with",
    ),
}


@pytest.mark.parametrize("name", INCONSISTENT)
def test_a_synthetic_stream_agrees_with_itself(tmp_path: Path, name: str) -> None:
    """A slip of the author's that makes two right answers out of one stream."""
    protocol, change, message = INCONSISTENT[name]
    found = findings(respoken(sound_case(tmp_path, protocol), change), "consistent")
    assert found
    assert any(message in finding.message for finding in found), found


def test_a_declared_inconsistency_stands(tmp_path: Path) -> None:
    """A case whose point is the contradiction, which could never be accepted."""
    path = respoken(sound_case(tmp_path, "openai_responses"), lambda e: e[5].update(sequence_number=9))
    assert findings(path, "consistent")
    assert findings(declared(path, "sequence_number jumps to 9."), "consistent") == []


def test_a_recording_may_contradict_itself(tmp_path: Path) -> None:
    """A real server's contradiction reported as the author's slip."""
    provenance = {
        "kind": "recorded",
        "framing": "original",
        "source": "a server",
        "date": "2026-11-22",
        "server": "x 1",
    }
    path = sound_case(tmp_path, "openai_chat", provenance=provenance)
    assert findings(respoken(path, lambda e: e[1].update(id="chatcmpl-other")), "consistent") == []


def test_a_cut_stream_may_leave_blocks_open(tmp_path: Path) -> None:
    """A cut taken for a block that was never stopped."""
    path = respoken(sound_case(tmp_path, "anthropic_messages"), lambda e: e.__delitem__(slice(3, None)))
    assert findings(path, "consistent") == []


@pytest.mark.parametrize("protocol", SSE_PROTOCOLS)
@pytest.mark.parametrize("value", [None, True, 5, -1.5, "x", [], [[None]], {}, {"type": None}, {"type": {}}, {"": 0}])
def test_any_json_is_checked(protocol: str, value: Any) -> None:
    """A value of the wrong kind that ends the validator with an exception, or passes as an event."""
    assert breaches(protocol, "", value) or (protocol, value) == ("gemini_generate_content", {})


def test_schemas_are_shipped_for_all_protocols() -> None:
    """A protocol whose streams nobody checks."""
    assert all(shape(protocol) is not None for protocol in PROTOCOLS)
    assert shape("smoke_signals") is None
    assert breaches("smoke_signals", "", {}) == []
