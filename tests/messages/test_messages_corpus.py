"""Foreign recordings: every turn can be sent back, and holds what the recorded next request held of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamproof import jsontext
from streamproof.cassette import load
from streamproof.completion import Completion
from streamproof.decode import Decoded, Forced, decode
from streamproof.messages import to_messages
from streamproof.providers import protocol_of_url, provider_of_url
from streamproof.stop_reason import stop_reason

CORPUS = os.environ.get("STREAMPROOF_CORPUS")
FILES = sorted(Path(CORPUS).glob("*/*.yaml")) if CORPUS else []

TURNS = {"messages": "assistant", "contents": "model"}
"""Field of a request -> the role of the model's turns in it; the items of `input` are told by their type."""

OURS = ("user", "system", "developer", "tool")

CHECKED = frozenset(
    {
        "id", "call_id", "tool_use_id", "toolUseId", "signature", "thoughtSignature", "encrypted_content", "phase",
        "namespace", "execution", "name", "arguments", "input", "args", "data",
    }
)  # fmt: skip
"""Fields of a sent turn that the provider demands back as it made them."""

REWRITTEN = {
    "pydantic-ai--google-streaming-tool-call-thought-signature-2": ({"id"}, "the client made an id up"),
    "pydantic-ai--openai-native-tool-search-streaming-2": (
        {"call_id", "arguments"},
        "the client gave a server tool's call its item's id, and arguments of its own form",
    ),
    "pydantic-ai--openai-responses-stream-2": ({"call_id"}, "the client sent the item's id for the call's"),
    "pydantic-ai--reused-tool-call-ids-stream-2": ({"call_id"}, "the client made ids that repeat unique"),
    "pydantic-ai--reused-tool-call-ids-stream-3": ({"call_id"}, "the client made ids that repeat unique"),
}
"""Files whose client changed fields before it sent them back: the fields, and how."""

pytestmark = pytest.mark.skipif(not FILES, reason="STREAMPROOF_CORPUS names no folder of recordings")


def ids(path: Path) -> str:
    """A test's name: folder and file."""
    return f"{path.parent.name}/{path.stem}"


def completed(path: Path) -> Completion:
    """The one stream of a file."""
    (found,) = decode(str(path), path.read_bytes(), Forced())
    assert isinstance(found, Decoded)
    return found.completion


def sent_back(path: Path) -> list[Any]:
    """The turn of a file, as it goes to the provider that it came from."""
    uri = load(path).interactions[0].uri
    protocol = protocol_of_url(uri)
    assert protocol is not None
    return list(to_messages(completed(path), protocol, provider=provider_of_url(uri, protocol).name))


def recorded_turns(path: Path) -> list[Any]:
    """The model's turns in the request of a file."""
    request: Any = jsontext.loads((load(path).interactions[0].request_body or b"{}").decode())
    for field, role in TURNS.items():
        if isinstance(request.get(field), list):
            return [message for message in request[field] if message.get("role") == role]
    items = request.get("input")
    if not isinstance(items, list):
        return []
    return [i for i in items if i.get("role") not in OURS and not str(i.get("type", "")).endswith("_output")]


def facts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Checked fields with their values as text; JSON in a string counts as the value that it spells."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name in CHECKED and item is not None:
                yield name, jsontext.dumps(_plain(item))
            yield from facts(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from facts(item, place)


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in "{[":
        return jsontext.loads(value)
    return value.replace("-", "+").replace("_", "/") if isinstance(value, str) else value


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_every_turn_can_be_sent_back(path: Path) -> None:
    """A real turn cannot be written, or loses all that it said."""
    completion, messages = completed(path), sent_back(path)
    assert jsontext.loads(jsontext.dumps(messages)) is not None
    says = completion.text.strip() or any(call.complete for call in completion.tool_calls)
    assert bool(messages) or not says
    assert stop_reason(completion) != "invalid_tool_call"


FOLLOWED = [
    (path, before)
    for path in FILES
    if (match := re.fullmatch(r"(.*-)(\d)", path.stem)) and recorded_turns(path)
    for before in [[path.with_stem(f"{match[1]}{n}") for n in range(1, int(match[2]))]]
    if before and all(earlier.exists() for earlier in before)
]
"""Files whose request holds turns, with the files that these turns came from."""


@pytest.mark.parametrize(("path", "before"), FOLLOWED, ids=[ids(path) for path, _ in FOLLOWED])
def test_what_was_sent_back_stands_in_our_turn(path: Path, before: list[Path]) -> None:
    """A signature, an id, ciphertext or a call that a client sent back successfully is not in what we would send."""
    ours = {fact for earlier in before for fact in facts(sent_back(earlier))}
    theirs = set(facts(recorded_turns(path)))
    changed, _ = REWRITTEN.get(path.stem, (set(), ""))
    assert {name for name, _ in theirs - ours} == changed
