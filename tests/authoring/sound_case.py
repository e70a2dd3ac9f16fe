"""A suite of one sound case per protocol, to be spoiled by tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from streamproof import cassette, jsontext
from streamproof.authoring.lint import lint
from streamproof.authoring.new import new
from streamproof.authoring.subject import Finding

PAGE = "https://example.org/streams#end"
SSE_PROTOCOLS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini_generate_content")


def sound_case(root: Path, protocol: str, **changes: Any) -> Path:
    """What `new` writes, filled in. changes: of the metadata."""
    path = new(root, f"{protocol}/sound")
    loaded = cassette.load(path)
    metadata = dict(loaded.metadata or {})
    requirement = {**metadata["requirements"][0], "source": {"kind": "documentation", "ref": PAGE}}
    metadata |= {
        "title": "One word of text and a natural stop",
        "why": "Whoever fails here need not look further.",
        "provenance": {**metadata["provenance"], "source": PAGE},
        "requirements": [requirement],
        **changes,
    }
    cassette.save(replace(loaded, metadata=metadata), path)
    return path


def respoken(path: Path, change: Callable[[list[Any]], Any]) -> Path:
    """Change the events of a stream in server-sent events: `change` gets the list of payloads and edits it."""
    loaded = cassette.load(path)
    (interaction,) = loaded.interactions
    blocks = [block for block in interaction.body.decode().split("\n\n") if block]
    payloads = [jsontext.loads(block.partition("data: ")[2]) for block in blocks if "[DONE]" not in block]
    named = blocks[0].startswith("event:")
    change(payloads)
    lines = [
        (f"event: {payload['type']}\n" if named else "") + f"data: {jsontext.dumps(payload)}\n\n"
        for payload in payloads
    ]
    done = "data: [DONE]\n\n" if "[DONE]" in blocks[-1] else ""
    body = ("".join(lines) + done).encode()
    cassette.save(replace(loaded, interactions=(replace(interaction, body=body),)), path)
    return path


def declared(path: Path, text: str) -> Path:
    """Say in the metadata what deviates."""
    loaded = cassette.load(path)
    cassette.save(replace(loaded, metadata={**(loaded.metadata or {}), "schema_deviates": text}), path)
    return path


def findings(path: Path, *rules: str) -> list[Finding]:
    """What these rules find in a file."""
    return list(lint([path], rules))
