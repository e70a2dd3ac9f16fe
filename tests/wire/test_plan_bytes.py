"""A plan's name means the same bytes in every release: of a tiny stream of each kind, what every plan makes of it.

The files in plan_bytes/ hold it. After a plan was added on purpose, `python tests/wire/test_plan_bytes.py` writes them
anew; `git diff` has to show new plans (and other draws) and nothing else: the names stand in others' lists, see
docs/stability.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import accumulate, groupby
from pathlib import Path
from typing import NamedTuple

import pytest
from streamproof.wire.eventstream import encode_frame
from streamproof.wire.gemini_array import json_array
from streamproof.wire.plans import AS_STORED, Plan, applies, drawn, effect, legal, plans, terminals
from streamproof.wire.plans.body import body_kind, spans

FILES = Path(__file__).with_name("plan_bytes")
REWRITE = "python tests/wire/test_plan_bytes.py"


def sse(*payloads: object, end: str = "\n", named: bool = False) -> bytes:
    """Server-sent events; named: each under the name that its `type` says."""
    events = []
    for payload in payloads:
        name = f"event: {payload['type']}{end}" if named and isinstance(payload, dict) else ""
        data = payload if isinstance(payload, str) else json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        events.append(f"{name}data: {data}{end}{end}")
    return "".join(events).encode()


def frames(**payloads: object) -> bytes:
    """Frames of an AWS event stream."""
    return b"".join(
        encode_frame({":message-type": "event", ":event-type": name}, json.dumps(payload).encode())
        for name, payload in payloads.items()
    )


def chat(delta: object, finish_reason: str | None = None) -> object:
    """A chunk with one choice."""
    return {"choices": [{"delta": delta, "finish_reason": finish_reason}]}


CALL = {"id": "t1", "function": {"name": "f", "arguments": '{"a":1}'}}
SEARCH = {"type": "web_search_call", "action": {"type": "search", "query": "a, b"}}
PARTS = ({"text": "süß 🌟"}, {"functionCall": {"name": "f", "args": {"a": {"b": 1}}}})
GEMINI = sse(
    {"candidates": [{"content": {"role": "model", "parts": [PARTS[0]]}}], "responseId": "g1"},
    {"candidates": [{"content": {"role": "model", "parts": [PARTS[1]]}}]},
    {"candidates": [{"finishReason": "STOP"}], "usageMetadata": {"totalTokenCount": 3}},
    end="\r\n",
)
ARRAY = json_array(GEMINI)
assert ARRAY is not None

STREAMS = {
    "chat": (
        "openai_chat",
        sse(chat({"content": "süß 🌟"}), chat({"tool_calls": [CALL]}), chat({}, "tool_calls"), chat({}), "[DONE]"),
    ),
    "responses": (
        "openai_responses",
        sse(
            {"type": "response.created", "response": {"id": "r1", "output": [], "metadata": {"k": "v"}}},
            {"type": "response.output_item.done", "item": SEARCH},
            {"type": "response.output_text.delta", "output_index": 1, "delta": "süß 🌟"},
            {"type": "response.completed", "response": {"status": "completed", "output": [SEARCH]}},
            named=True,
        ),
    ),
    "messages": (
        "anthropic_messages",
        sse(
            {"type": "message_start", "message": {"id": "m1", "content": []}},
            {"type": "content_block_start", "content_block": {"type": "text"}},
            {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "süß 🌟"}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
            {"type": "message_stop"},
            named=True,
        ),
    ),
    "gemini": ("gemini_generate_content", GEMINI),
    "gemini_array": ("gemini_generate_content", ARRAY),
    "bedrock": (
        "bedrock_converse",
        frames(messageStart={"role": "assistant"}, contentBlockDelta={"delta": {"text": "süß"}}, messageStop={}),
    ),
    "document": ("openai_chat", '{"error":{"message":"Zu groß"}}'.encode()),
    "page": ("openai_chat", "<p>Zu groß</p>".encode()),
}
"""Name of the file -> protocol, body."""

MORE = (
    "split:whole",
    "split:at-5",
    "split:random-3",
    "cut:at-20-short",
    "frame:two-lines,no-space,ids,retry,fields,comments,cr,bom",
    "frame:no-names,ids,comments-between,mixed",
    "split:7+frame:unterminated,ids",
    "split:event+frame:crlf+inject:null+cut:after-3-reset+pace:fixed-5+coding:gzip",
    "pace:recorded",
    "split:7+pace:recorded",
    "split:byte+pace:recorded",
    "split:event+pace:fixed-20",
    "split:event+pace:first-250",
)
"""Plans that a sweep does not make by itself, or that join several."""


class Sent(NamedTuple):
    """A body, its name in the file, and how it is shown."""

    name: str
    content: bytes

    def lines(self) -> Iterator[str]:
        """Text line by line with control characters escaped; other bytes in hex, event by event."""
        if body_kind(self.content) == "eventstream":
            yield from (self.content[span.start : span.end].hex() for span in spans(self.content))
        else:
            shown = self.content.decode().replace("\\", "\\\\").replace("\ufeff", "\\ufeff")
            for line in shown.splitlines(keepends=True):
                yield line.replace("\r", "\\r").replace("\n", "\\n")


def counted(numbers: Iterable[float]) -> str:
    """`3*2 1` for 3, 3, 1."""
    runs = ((number, len(list(run))) for number, run in groupby(numbers))
    return " ".join(f"{number:g}*{count}" if count > 1 else f"{number:g}" for number, count in runs)


def recorded(body: bytes) -> list[tuple[float, int]]:
    """Chunks of 10 and 20 bytes and the rest, as they came."""
    return [(0.5, 10), (0.75, 20), (2.0, len(body) - 30)]


def told(plan: Plan, protocol: str, body: bytes, known: dict[bytes, str]) -> Iterator[str]:
    """What a plan sends: of which body, how much, in which pieces, when, and how it ends."""
    yield f"{plan}: {effect(plan, protocol)}"
    delivery = plan.deliver(body, protocol, recorded(body))
    if delivery.content not in known:
        known[delivery.content] = str(plan)
        yield from (f"  {line}" for line in Sent(str(plan), delivery.content).lines())
    sizes = [len(chunk) for chunk in delivery.chunks]
    whole = b"".join(delivery.chunks)
    assert whole == delivery.content[: delivery.cut_at]
    part = "" if delivery.cut_at is None else f" to {delivery.cut_at} {whole[-8:]!r}, {delivery.end}"
    yield f"= {known[delivery.content]}{part}, in {counted(sizes) or 'no piece'}"
    if delivery.waits:
        yield f"  after {counted(round(wait, 6) for wait in delivery.waits)} s"
    if delivery.coding:
        yield f"  {delivery.coding}"


def shown(name: str) -> str:
    """The text of a file."""
    protocol, body = STREAMS[name]
    kind = body_kind(body)
    known = {body: "as stored"}
    ends = [span.end for span in spans(body)]
    lines = [
        f"{protocol}, {kind}, {len(body)} bytes; events end at {ends}, terminals: {tuple(terminals(body, protocol))}",
        "legal: " + " ".join(f"{rule.part}:{rule.name}" for rule in legal(protocol, kind)),
        "",
        "as stored",
        *(f"  {line}" for line in Sent("", body).lines()),
    ]
    for plan in plans(protocol, body):
        lines += told(plan, protocol, body, known)
    lines += ["", "plans that no sweep makes"]
    for text in MORE:
        plan = Plan.parse(text)
        if applies(plan, protocol, body, recorded(body)):
            lines += told(plan, protocol, body, known)
        else:
            lines.append(f"{text}: does not apply")
    lines += ["", "drawn with the seed `streamproof`", *map(str, drawn(protocol, body, 20, "streamproof"))]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", STREAMS)
def test_a_name_means_the_same_bytes(name: str) -> None:
    """A cell of an older release, or a seed, that can no longer be played again; or one that has another effect."""
    stored = (FILES / f"{name}.txt").read_text(encoding="utf-8")
    assert shown(name).splitlines() == stored.splitlines(), f"a plan's bytes changed; if one was added: {REWRITE}"


def test_every_file_is_of_a_stream() -> None:
    """A file that nobody compares any more."""
    assert {path.stem for path in FILES.iterdir()} == set(STREAMS)


def test_the_body_as_stored_is_sent_as_stored() -> None:
    """A plan that does nothing, and does something."""
    for protocol, body in STREAMS.values():
        delivery = AS_STORED.deliver(body, protocol)
        assert delivery == ([body], "clean", body, None, [], None)
        assert delivery.coded is delivery.chunks
        assert not applies(Plan(pace="recorded"), protocol, body, [(0.0, len(body))])
        assert list(accumulate(size for _, size in recorded(body)))[-1] == len(body)


if __name__ == "__main__":
    for each in STREAMS:
        (FILES / f"{each}.txt").write_text(shown(each), encoding="utf-8", newline="\n")
