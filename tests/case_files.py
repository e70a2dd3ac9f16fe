"""Writing small suites into a folder, for tests that need cases of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from streamproof import jsontext
from streamproof.case import Case, case_at
from streamproof.cassette import Cassette, Interaction, save
from streamproof.providers import row

SOURCE = {"kind": "documentation", "ref": "https://example.org/streams"}


def chat_chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    """A Chat Completions chunk."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-A1", "object": "chat.completion.chunk", "model": "m-1", "choices": [choice], **more}


def sse(*events: Any, names: bool = False, done: bool = False) -> bytes:
    """Server-sent events; names: with `event:` lines from their `type`. done: with the sentinel."""
    blocks = [(f"event: {e['type']}\n" if names else "") + f"data: {jsontext.dumps(e)}\n\n" for e in events]
    return ("".join(blocks) + ("data: [DONE]\n\n" if done else "")).encode()


CHAT = sse(
    chat_chunk({"role": "assistant", "content": ""}),
    chat_chunk({"content": "Grüß "}),
    chat_chunk({"content": "dich"}),
    chat_chunk({}, "stop"),
    done=True,
)
CUT_CHAT = sse(chat_chunk({"content": "Hel"}))


def requirement(id: str, path: str, value: Any, op: str = "equals", level: str = "must") -> dict[str, Any]:
    """A requirement as metadata holds it."""
    expected = {} if op == "absent" else {"value": value}
    return {"id": id, "level": level, "path": path, "op": op, **expected, "source": SOURCE}


TEXT = requirement("text-kept", "content[0].text", "Grüß dich")
STOP = requirement("finish-stop", "finish_reason", "stop")


def metadata(**changes: Any) -> dict[str, Any]:
    """A case's metadata block."""
    return {
        "schema": 1,
        "title": "Plain text in two deltas",
        "why": "The simplest stream; whoever fails here need not look further.",
        "level": "must",
        "providers": ["openai", "openrouter"],
        "since": "0.1.0",
        "call": {"model": "m-1", "messages": [{"role": "user", "content": "Hello?"}]},
        "provenance": {"kind": "synthetic", "source": "https://example.org/streams", "date": "2026-11-22"},
        "requirements": [TEXT, STOP],
        **changes,
    }


def exchange(
    body: bytes, uri: str = "https://api.openai.com/v1/chat/completions", request: Any = None, **more: Any
) -> Interaction:
    """One streamed exchange; request: the JSON that was asked."""
    asked = {"model": "m-1", "stream": True} if request is None else request
    headers = {"content-type": ["text/event-stream"]}
    fields = {"headers": headers, "request_body": jsontext.dumps(asked).encode(), **more}
    return Interaction(method="POST", uri=uri, body=body, **fields)


def write_case(root: Path, id: str = "openai_chat/text", body: bytes = CHAT, **changes: Any) -> Case:
    """A case in the suite at `root`; changes: of its metadata."""
    meta = metadata(**changes)
    uri = row(meta["providers"][0], id.partition("/")[0]).url("m-1")
    path = root / "cassettes" / f"{id}.yaml"
    save(Cassette(metadata=meta, interactions=(exchange(body, uri),)), path)
    return case_at(path)
