"""The JSON Schemas of what streamproof writes, against good and bad documents."""

from __future__ import annotations

import copy
import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from strategies import COMPLETIONS
from streamproof import outcome, schemas
from streamproof.completion import (
    PART_TYPES,
    Completion,
    Delta,
    TextPart,
    ToolCall,
    ToolCallPart,
)
from streamproof.decoders.base import Diagnostic
from streamproof.fold import fold
from streamproof.outcome import Outcome
from streamproof.requirements import Finding
from streamproof.schemas import Problem, problems
from streamproof.verdict import Verdict


@pytest.mark.parametrize("name", schemas.NAMES)
def test_each_is_a_schema_with_its_own_name(name: str) -> None:
    """A schema that is none would let everything pass."""
    schema = schemas.load(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == schemas.URN + name


@given(COMPLETIONS)
@settings(max_examples=100, deadline=None)
def test_every_completion_validates(completion: Completion) -> None:
    """What `to_json` writes is what the schema says, and it reads back the same."""
    document = completion.to_json()
    assert problems("completion", document) == []
    assert Completion.from_json(document) == completion


COMPLETION = Completion(
    content=(TextPart(text="a"), ToolCallPart(index=0)), tool_calls=(ToolCall(name="f"),), status="complete"
).to_json()


@pytest.mark.parametrize("key", COMPLETION)
def test_every_key_of_a_completion_is_required(key: str) -> None:
    """Consumers in any language may rely on all of them."""
    document = {name: value for name, value in COMPLETION.items() if name != key}
    assert [problem.path for problem in problems("completion", document)] == [(key,)]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("extra",), 1),
        (("content", 0, "colour"), "red"),
        (("content", 0, "type"), "song"),
        (("content", 0), {"text": "a"}),
        (("content", 0), {"type": "text"}),
        (("content", 1, "index"), -1),
        (("content", 1, "text"), "a"),
        (("tool_calls", 0, "arguments"), {}),
        (("tool_calls", 0, "complete"), None),
        (("usage",), None),
        (("usage", "input_tokens"), 1.5),
        (("usage", "estimated"), None),
        (("status",), "done"),
        (("error",), {"type": "server"}),
        (("choices",), []),
    ],
)
def test_no_other_completion_validates(path: tuple[str | int, ...], value: Any) -> None:
    """Unknown keys, part types and shapes are breaches."""
    assert problems("completion", put(COMPLETION, path, value)) != []


def put(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """A copy with another value at `path`."""
    result = copy.deepcopy(document)
    target = result
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return result


DELTAS = [
    Delta("start", value={"message_id": "m", "model": "x"}),
    Delta("start", (0,), value={"type": "text", "id": "i"}),
    Delta("append", (0,), "text", "Hello"),
    Delta("append", (0,), "annotations", [{"a": 1}]),
    Delta("replace", (0,), "text", "Hello!"),
    Delta("replace", (0,), "signature", None),
    Delta("close", (0,)),
    Delta("start", (1, 0), value={"type": "reasoning"}, choice=1),
    Delta("usage", value={"usage": {"input_tokens": 1}, "raw_usage": {"prompt": 1}}),
    Delta("finish", value={"finish_reason": "stop", "raw_finish_reason": "STOP"}),
    Delta("error", value={"status": "failed", "error": {"type": "server", "message": "no"}}),
    Delta("close"),
]


@pytest.mark.parametrize("delta", DELTAS, ids=lambda delta: delta.op)
def test_deltas_validate_and_read_back(delta: Delta) -> None:
    """Each step survives JSON, positions included."""
    document = json.loads(json.dumps(delta.to_json()))
    assert problems("delta", document) == []
    assert Delta.from_json(document) == delta


def test_deltas_fold_after_a_round_trip() -> None:
    """An adapter in another process gives the same completion."""
    again = [Delta.from_json(json.loads(json.dumps(delta.to_json()))) for delta in DELTAS]
    assert fold(again) == fold(DELTAS)


def test_a_delta_with_unknown_keys_is_refused() -> None:
    """A misspelt key must not become a default."""
    with pytest.raises(TypeError):
        Delta.from_json({"op": "close", "prat": [0]})


@pytest.mark.parametrize(
    "change",
    [
        {"op": "begin"},
        {"op": "append", "part": None},
        {"op": "append", "field": None},
        {"op": "append", "value": 5},
        {"op": "close", "value": 1},
        {"op": "start", "value": {"id": "x"}},
        {"op": "start", "value": {"type": "song"}},
        {"op": "start", "part": None, "value": {"model": "m", "type": "text"}},
        {"op": "usage", "part": None, "field": None, "value": {}},
        {"op": "finish", "part": None, "field": None, "value": {"finish_reason": "stop"}},
        {"op": "error", "part": None, "field": None, "value": {"status": "bad", "error": {"type": "x"}}},
        {"part": []},
        {"part": ["0"]},
        {"choice": None},
        {"extra": 1},
    ],
)
def test_no_other_delta_validates(change: dict[str, Any]) -> None:
    """The op says what the other keys hold."""
    good = Delta("append", (0,), "text", "a").to_json()
    assert problems("delta", {**good, **change}) != []


HEADER = {
    "kind": "header", "schema": 1, "suite": "0.1.0", "adapter": "wire", "versions": {"python": "3.11"},
    "seed": 0, "hermetic": "blocked", "cells": 1,
}  # fmt: skip
CELL = {
    "kind": "cell",
    "cell": "openai_chat/plain-text@openai+split:byte+sync",
    "adapter": "wire",
    "verdict": "wrong",
    "completion": COMPLETION,
    "details": {"stop_sequence": None},
    "diagnostics": [{"kind": "unknown_event", "event": 3, "detail": "x"}],
    "message": None,
    "requirements": [
        {"id": "a", "level": "must", "verdict": "wrong", "expected": "equals 1", "got": "2", "place": "event 3, x",
         "reading": None},
    ],
    "deltas": [DELTAS[2].to_json()],
    "times": {"seconds": 0.1},
}  # fmt: skip
FOOTER = {"kind": "footer", "counts": {"pass": 3, "hang": 1}}


@pytest.mark.parametrize("line", [HEADER, CELL, FOOTER], ids=lambda line: line["kind"])
def test_lines_of_a_run_validate(line: dict[str, Any]) -> None:
    """Header, cell and footer."""
    assert problems("outcome", line) == []


@pytest.mark.parametrize(
    ("line", "change"),
    [
        (HEADER, {"schema": 2}),
        (HEADER, {"cells": -1}),
        (HEADER, {"kind": "head"}),
        (CELL, {"verdict": "good"}),
        (CELL, {"cell": "openai_chat/plain-text"}),
        (CELL, {"completion": {}}),
        (CELL, {"diagnostics": [{"kind": "a", "event": 1}]}),
        (CELL, {"deltas": [{"op": "close"}]}),
        (CELL, {"times": {"seconds": "1"}}),
        (CELL, {"requirements": [{"id": "a"}]}),
        (FOOTER, {"counts": {"good": 1}}),
        (FOOTER, {"cells": 1}),
    ],
)
def test_no_other_line_validates(line: dict[str, Any], change: dict[str, Any]) -> None:
    """What a report could not read is a breach."""
    assert problems("outcome", {**line, **change}) != []


MESSAGES: dict[str, dict[str, Any]] = {
    "hello": {"type": "hello", "schema": 1, "adapter": "mine", "versions": {"mine": "1"},
              "capabilities": {"protocols": ["openai_chat"], "deltas": True, "concurrent": 2}},
    "call": {"type": "call", "id": "1", "protocol": "openai_chat", "provider": "openai", "base_url": "http://127.0.0.1:1",
             "api_key": "k", "call": {"model": "m", "messages": [{"role": "user", "content": "a"}]}, "plan": None,
             "timeout": 5},
    "cancel": {"type": "cancel", "id": "1"},
    "tried": {"type": "tried", "id": None, "target": "192.0.2.1:443"},
    "delta": {"type": "delta", "id": "1", "delta": DELTAS[2].to_json()},
    "result": {"type": "result", "id": "1", "completion": COMPLETION},
    "error": {"type": "error", "id": "1", "partial": None, "error": {
        "type": "timeout", "code": None, "message": "", "status_code": None, "request_id": None, "retry_after": None}},
}  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_messages_of_the_process_contract_validate(message: dict[str, Any]) -> None:
    """One good message of each type."""
    assert problems("process", message) == []


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("hello", {"capabilities": {}}),
        ("hello", {"capabilities": {"protocols": ["telnet"]}}),
        ("hello", {"type": "hi"}),
        ("call", {"timeout": 0}),
        ("call", {"call": {"model": "m"}}),
        ("call", {"plan": {"speed": 1}}),
        ("delta", {"delta": {"op": "close"}}),
        ("delta", {"id": 1}),
        ("cancel", {"id": None}),
        ("tried", {"target": ""}),
        ("result", {"completion": None}),
        ("result", {"extra": 1}),
        ("error", {"error": {"type": "x"}}),
        ("error", {"kind": "bad"}),
    ],
)
def test_no_other_message_validates(name: str, change: dict[str, Any]) -> None:
    """An adapter in any language learns from the schema what it did wrong."""
    assert problems("process", {**MESSAGES[name], **change}) != []


KNOWN = """
[[known]]
cell = "openai_chat/*@openai*"
requirement = "stop"
verdict = "lossy"
message_prefix = "stop (must"
reason = "The library drops it."
upstream = "https://example.org/issues/1"
since = "2026-11-22"
cap = 3

[[known]]
cell = "openai_chat/a@openai"
reason = "The library drops it."
upstream = "none-found, searched 2026-11-22"
since = "2026-11-22"
"""


def test_expectations_validate() -> None:
    """A full and a short entry, and a file without any."""
    assert problems("expectations", tomllib.loads(KNOWN)) == []
    assert problems("expectations", {}) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('reason = "The library drops it."\n', ""),
        ("none-found, searched 2026-11-22", "none"),
        ("lossy", "pass"),
        ("cap = 3", "cap = 0"),
        ("cap = 3", "cpa = 3"),
        ("[[known]]", "[[unknown]]"),
    ],
)
def test_no_other_expectation_validates(old: str, new: str) -> None:
    """An entry without a reason or an upstream is only an excuse."""
    assert problems("expectations", tomllib.loads(KNOWN.replace(old, new))) != []


def test_problems_name_the_place() -> None:
    """Keys by their own path, long values shortened."""
    found = problems("completion", put(COMPLETION, ("content", 0, "txet"), "a"))
    assert found == [
        Problem(("content", 0, "txet"), "additionalProperties", "unknown key 'txet'", "Remove it, or write 'text'.")
    ]
    assert found[0].place == "content[0].txet"
    assert "known keys are" in problems("outcome", {**FOOTER, "zzz": 1})[0].remedy
    assert len(problems("completion", {**COMPLETION, "status": "x" * 5000})[0].message) < 400


def test_a_schema_for_each_part_type() -> None:
    """A new part type needs its schema."""
    assert {f"{name}_part" for name in PART_TYPES} <= schemas.load("completion")["$defs"].keys()


def test_what_a_run_writes_validates() -> None:
    """The writer of outcomes and the schema say the same."""
    finding = Finding("stop", "must", Verdict.WRONG, "finish_reason", 'equals "stop"', "null")
    done = Outcome(
        cell="openai_chat/plain-text@openai+sync",
        adapter="wire",
        completion=Completion(),
        diagnostics=(Diagnostic("unknown_event", 1, "x"),),
        findings=((finding, "event 3, x"),),
        deltas=tuple(DELTAS),
    )
    crashed = Outcome(cell="openai_chat/plain-text@openai", adapter="sdk", own_verdict=Verdict.CRASH, message="Oops")
    for line in (
        outcome.header("wire", 2, {"python": "3.11"}, "none"),
        done.to_json(),
        crashed.to_json(),
        outcome.footer([done, crashed]),
    ):
        assert problems("outcome", json.loads(json.dumps(line))) == []
