"""Laws of the Gemini decoder: any JSON gives a completion, and recordings lose nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from gemini_wire import call, chunk, content, decode
from hypothesis import given, settings
from hypothesis import strategies as st
from streamproof import jsontext
from streamproof.wire.event import Kind

# -- laws


KEYS = st.sampled_from(
    [
        "candidates", "content", "parts", "text", "thought", "thoughtSignature", "functionCall", "name", "args", "id",
        "partialArgs", "jsonPath", "stringValue", "numberValue", "willContinue", "inlineData", "fileData", "mimeType",
        "data", "executableCode", "audioTranscription", "finishReason", "index", "safetyRatings", "groundingMetadata",
        "usageMetadata", "promptTokenCount", "totalTokenCount", "promptFeedback", "blockReason", "error", "code",
        "status", "message", "details", "retryDelay", "responseId", "modelVersion", "finish_reason", "novel",
    ]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "STOP", "MAX_TOKENS", "$.a[0]", "$.a[7].b", "$['x']", "\ud800", "5", "x", "CANCELLED", "1s"]),
)  # fmt: skip
ANY = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))
PART = st.dictionaries(KEYS, ANY, max_size=3) | st.fixed_dictionaries(
    {"functionCall": st.dictionaries(KEYS, ANY, max_size=3) | st.builds(lambda p, s: call("f", partialArgs=[
        {"jsonPath": p, "stringValue": s}], willContinue=True)["functionCall"], SCALARS, SCALARS)}
)  # fmt: skip
CHUNK = st.builds(lambda parts, finish: chunk(*parts, finish=finish), st.lists(PART | ANY, max_size=3), SCALARS) | ANY


@settings(max_examples=300, deadline=None)
@given(st.lists(CHUNK, max_size=5), st.sampled_from(get_args(Kind)[:3]), st.sampled_from(["", "error"]))
def test_any_json_gives_a_completion(payloads: list[Any], kind: Kind, name: str) -> None:
    """No JSON value raises, the deltas always fold to the completion, and nothing completes without a terminal."""
    completion, decoder = decode(*payloads, kind=kind, name=name)
    assert completion.status != "complete" or decoder.terminal


# -- recordings


def corpus() -> list[Path]:
    """The recorded streams, when the folder is at hand."""
    folder = os.environ.get("STREAMPROOF_CORPUS")
    return sorted(Path(folder, "gemini").glob("*.yaml")) if folder else []


def wire_says(events: list[Any]) -> dict[str, Any]:
    """What the bytes themselves say, by the shortest way."""
    said: dict[str, Any] = {"text": "", "reasoning": "", "signatures": [], "names": [], "finish": None, "usage": None}
    for event in events:
        usage = event.get("usageMetadata") or {}
        said["usage"] = usage if any(key.endswith("TokenCount") for key in usage) else said["usage"]
        for candidate in event.get("candidates", []):
            said["finish"] = candidate.get("finishReason") or said["finish"]
            for part in (candidate.get("content") or {}).get("parts", []):
                said["reasoning" if part.get("thought") else "text"] += part.get("text", "")
                said["signatures"] += [part["thoughtSignature"]] if "thoughtSignature" in part else []
                said["names"] += [part["functionCall"]["name"]] if part.get("functionCall", {}).get("name") else []
    return said


@pytest.mark.skipif(not corpus(), reason="STREAMPROOF_CORPUS is not set")
@pytest.mark.parametrize("path", corpus(), ids=lambda path: path.stem)
def test_recordings_lose_nothing(path: Path) -> None:
    """Text, thoughts, signatures, calls, reason and usage of real streams come out, and no common field is unknown."""
    for interaction in yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)["interactions"]:
        body = interaction["response"]["body"]["string"]
        lines = (body if isinstance(body, str) else body.decode()).splitlines()
        events = [jsontext.loads(line[5:]) for line in lines if line.startswith("data:")]
        completion, decoder = decode(*events)
        assert {
            "text": completion.text,
            "reasoning": "".join(part["text"] for part in content(completion) if part["type"] == "reasoning"),
            "signatures": [part["signature"] for part in content(completion) if part.get("signature")],
            "names": [made.name for made in completion.tool_calls],
            "finish": completion.raw_finish_reason,
            "usage": completion.raw_usage,
        } == wire_says(events)
        assert all(made.complete for made in completion.tool_calls)
        assert (completion.status, decoder.diagnostics) == ("complete", [])
