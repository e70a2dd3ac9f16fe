"""Laws that a stream written by hand has to obey, per protocol: it says each thing more than once, and always the same.

Each law reads the events of one stream and yields the step at fault with a `Breach`, whose words are those by which
`schema_deviates` may declare it. What a law compares is optional on the wire: it speaks only of what is there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ..jsontext import JSON
from ..requirements import shown
from ..timeline import Step
from .shape import Breach

Found = Iterator[tuple[Step, Breach]]


def _payloads(steps: Sequence[Step]) -> Iterator[tuple[Step, Mapping[str, JSON]]]:
    for step in steps:
        if step.event is not None and step.event.kind == "json" and isinstance(step.event.payload, dict):
            yield step, step.event.payload


def _object(value: JSON) -> Mapping[str, JSON]:
    return value if isinstance(value, dict) else {}


def _objects(value: JSON) -> list[Mapping[str, JSON]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _number(value: JSON) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# -- Responses: https://platform.openai.com/docs/api-reference/responses-streaming

_TEXTS: Mapping[str, tuple[str, str, str]] = {
    "output_text": ("content", "content_index", "text"),
    "refusal": ("content", "content_index", "refusal"),
    "reasoning_text": ("content", "content_index", "text"),
    "reasoning_summary_text": ("summary", "summary_index", "text"),
    "function_call_arguments": ("arguments", "", "arguments"),
    "mcp_call_arguments": ("arguments", "", "arguments"),
    "custom_tool_call_input": ("input", "", "input"),
    "code_interpreter_call_code": ("code", "", "code"),
}
"""`response.<name>.delta` and `.done`: where the item holds it, the index of the part, the member of `.done`."""


@dataclass
class _Item:
    """What the events said about one output item: texts by (place in the item, index of the part)."""

    id: JSON = None
    pieces: defaultdict[tuple[str, int], list[str]] = field(default_factory=lambda: defaultdict(list))


def responses(steps: Sequence[Step]) -> Found:
    """Sequence numbers without gaps, one id per item, deltas that make what every later event repeats."""
    items: dict[Hashable, _Item] = {}
    expected: int | None = None
    for step, payload in _payloads(steps):
        number = payload.get("sequence_number")
        if payload.get("type") == "response.created":
            expected = None
        if isinstance(number, int):
            if expected is not None and number != expected:
                message = f"{number}, where {expected} is next"
                yield step, Breach(("sequence_number",), message, ("sequence_number", "sequence number"))
            expected = number + 1
        if payload.get("type") == "response.created":
            if items:
                yield step, _again("response.created")
            items.clear()
        for breach in _response_event(str(payload.get("type")), payload, items):
            yield step, breach


def _again(word: str) -> Breach:
    message = f"a second {word}: one body holds one answer"
    return Breach((), message, ("second", "two", "again", "cycle", word))


def _response_event(word: str, payload: Mapping[str, JSON], items: dict[Hashable, _Item]) -> Iterator[Breach]:
    name, _, stage = word.removeprefix("response.").rpartition(".")
    index = payload.get("output_index")
    if not isinstance(index, int):
        for number, done in enumerate(_objects(_object(payload.get("response")).get("output"))):
            if number in items:
                yield from _same_item(items[number], done, ("response", "output", number))
        yield from _sums(_object(_object(payload.get("response")).get("usage")), ("response", "usage"), _RESPONSES_SUM)
        return
    item = items.setdefault(index, _Item())
    whole = _object(payload.get("item"))
    yield from _same_id(item, whole.get("id") if whole else payload.get("item_id"), "item" if whole else "item_id")
    if name == "output_item" and stage == "done":
        yield from _same_item(item, whole, ("item",))
    elif name in _TEXTS:
        holder, part_key, member = _TEXTS[name]
        part = payload.get(part_key, 0) if part_key else 0
        key = (holder, part if isinstance(part, int) else 0)
        if stage == "delta" and isinstance(payload.get("delta"), str):
            item.pieces[key].append(payload["delta"])
        elif stage == "done":
            yield from _same_text(item, key, payload.get(member), (member,))


def _same_id(item: _Item, id: JSON, place: str) -> Iterator[Breach]:
    if id is not None and item.id is not None and id != item.id:
        path = (place, "id") if place == "item" else (place,)
        yield Breach(path, f"{shown(id)}, the item began as {shown(item.id)}", ("id", "item_id"))
    item.id = item.id if item.id is not None else id


def _same_item(item: _Item, done: Mapping[str, JSON], path: tuple[str | int, ...]) -> Iterator[Breach]:
    for holder in ("content", "summary"):
        for number, part in enumerate(_objects(done.get(holder))):
            member = "refusal" if "refusal" in part else "text"
            yield from _same_text(item, (holder, number), part.get(member), (*path, holder, number, member))
    for holder in ("arguments", "input", "code"):
        yield from _same_text(item, (holder, 0), done.get(holder), (*path, holder))


def _same_text(item: _Item, key: tuple[str, int], value: JSON, path: tuple[str | int, ...]) -> Iterator[Breach]:
    if key in item.pieces and isinstance(value, str) and value != "".join(item.pieces[key]):
        message = f"{shown(value)}, the deltas make {shown(''.join(item.pieces[key]))}"
        yield Breach(path, message, ("delta", str(path[-1]), "done"))


_Sum = tuple[str, tuple[tuple[str, ...], ...]]
_RESPONSES_SUM: _Sum = ("total_tokens", (("input_tokens", "output_tokens"),))


def _sums(usage: Mapping[str, JSON], path: tuple[str | int, ...], law: _Sum) -> Iterator[Breach]:
    """The total is one of the sums that its provider documents; an absent count is 0."""
    total_name, readings = law
    total = usage.get(total_name)
    if not _number(total) or not any(_number(usage.get(name)) for name in readings[0]):
        return
    counts = [sum(usage[name] for name in reading if _number(usage.get(name))) for reading in readings]
    if total not in counts:
        message = f"{shown(total)}, {' + '.join(readings[0])} is {counts[0]}"
        yield Breach((*path, total_name), message, (total_name, "total", "usage"))


# -- Chat: https://platform.openai.com/docs/api-reference/chat-streaming

_CHAT_SUM: _Sum = ("total_tokens", (("prompt_tokens", "completion_tokens"),))


def chat(steps: Sequence[Step]) -> Found:
    """One id and one `created` in all chunks, calls numbered from 0, usage that adds up."""
    first: dict[str, JSON] = {}
    calls: defaultdict[JSON, int] = defaultdict(int)
    for step, payload in _payloads(steps):
        for name in ("id", "created"):
            value = payload.get(name)
            if value in (None, "", 0):
                continue
            if value != first.setdefault(name, value):
                yield step, Breach((name,), f"{shown(value)}, the stream began with {shown(first[name])}", (name,))
        for breach in _chat_calls(payload, calls):
            yield step, breach
        usage = _object(payload.get("usage"))
        reasoning = _object(usage.get("completion_tokens_details")).get("reasoning_tokens")
        flat = {**usage, "reasoning_tokens": reasoning}  # xAI counts reasoning beside the completion
        readings = (*_CHAT_SUM[1], ("prompt_tokens", "completion_tokens", "reasoning_tokens"))
        for breach in _sums(flat, ("usage",), (_CHAT_SUM[0], readings)):
            yield step, breach


def _chat_calls(payload: Mapping[str, JSON], calls: defaultdict[JSON, int]) -> Iterator[Breach]:
    for choice in _objects(payload.get("choices")):
        for call in _objects(_object(choice.get("delta")).get("tool_calls")):
            index, known = call.get("index"), calls[choice.get("index")]
            if not isinstance(index, int):
                continue  # the schema requires it
            if index > known:
                path = ("choices", "delta", "tool_calls", "index")
                yield Breach(path, f"{index}, {known} calls have begun", ("index", "tool_calls"))
            calls[choice.get("index")] = max(known, index + 1)


# -- Messages: https://docs.anthropic.com/en/docs/build-with-claude/streaming

_DELTAS: Mapping[str, tuple[str, ...]] = {
    "text_delta": ("text",),
    "citations_delta": ("text",),
    "input_json_delta": ("tool_use", "server_tool_use", "mcp_tool_use"),
    "thinking_delta": ("thinking",),
    "signature_delta": ("thinking",),
    "compaction_delta": ("compaction",),
}
"""Delta -> the blocks that it belongs to."""


def messages(steps: Sequence[Step]) -> Found:
    """Blocks numbered from 0, one open at a time, deltas of the open block's kind, all closed before message_stop."""
    blocks: dict[JSON, str] = {}
    still_open: set[JSON] = set()
    for step, payload in _payloads(steps):
        word, index = payload.get("type"), payload.get("index")
        if word == "message_start":
            if blocks:
                yield step, _again(word)
            blocks.clear()
            still_open.clear()
        elif word == "content_block_start":
            if index != len(blocks):
                yield step, Breach(("index",), f"{shown(index)}, {len(blocks)} blocks have begun", ("index",))
            blocks[_key(index)] = str(_object(payload.get("content_block")).get("type"))
            still_open.add(_key(index))
        elif word in ("content_block_delta", "content_block_stop"):
            if _key(index) not in still_open:
                yield step, Breach(("index",), f"no block {shown(index)} is open", ("index", word))
            elif word == "content_block_stop":
                still_open.discard(_key(index))
            else:
                for breach in _block_delta(payload, blocks[_key(index)]):
                    yield step, breach
        elif word == "message_stop" and still_open:
            message = f"block {', '.join(map(shown, still_open))} was never stopped"
            yield step, Breach((), message, ("content_block_stop", "block"))


def _block_delta(payload: Mapping[str, JSON], block: str) -> Iterator[Breach]:
    word = _object(payload.get("delta")).get("type")
    fitting = _DELTAS.get(word) if isinstance(word, str) else None
    if fitting is not None and block not in fitting:
        yield Breach(("delta", "type"), f"{word} in a block of type {block}", (str(word), "delta"))


def _key(index: JSON) -> Hashable:
    return index if isinstance(index, int | str) else shown(index)


# -- generateContent: https://ai.google.dev/api/generate-content#UsageMetadata

_GEMINI_SUM: _Sum = (
    "totalTokenCount",
    (("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "toolUsePromptTokenCount"),),
)


def gemini(steps: Sequence[Step]) -> Found:
    """One responseId in all chunks, usage whose total is the sum of its counts."""
    first: JSON = None
    for step, payload in _payloads(steps):
        own = payload.get("responseId")
        first = own if first is None else first
        if own not in (None, first):
            yield step, Breach(("responseId",), f"{shown(own)}, the stream began with {shown(first)}", ("responseId",))
        for breach in _sums(_object(payload.get("usageMetadata")), ("usageMetadata",), _GEMINI_SUM):
            yield step, breach


# -- Converse: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html

_CONVERSE_SUM: _Sum = (
    "totalTokens",
    (
        ("inputTokens", "outputTokens"),
        ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"),
    ),
)


def converse(steps: Sequence[Step]) -> Found:
    """Deltas of blocks that are open, all closed before messageStop, usage that adds up."""
    still_open: set[JSON] = set()
    closed: set[JSON] = set()
    for step, payload in _payloads(steps):
        name, index = step.event.name if step.event else "", _key(payload.get("contentBlockIndex"))
        if name in ("contentBlockStart", "contentBlockDelta"):
            if index in closed:
                yield step, Breach(("contentBlockIndex",), f"block {index} is closed", ("contentBlockIndex", "index"))
            still_open.add(index)
        elif name == "contentBlockStop":
            still_open.discard(index)
            closed.add(index)
        elif name == "messageStop" and still_open:
            message = f"block {', '.join(map(str, still_open))} was never stopped"
            yield step, Breach((), message, ("contentBlockStop", "block"))
        for breach in _sums(_object(payload.get("usage")), ("usage",), _CONVERSE_SUM):
            yield step, breach


LAWS: Mapping[str, Callable[[Sequence[Step]], Found]] = {
    "openai_responses": responses,
    "openai_chat": chat,
    "anthropic_messages": messages,
    "gemini_generate_content": gemini,
    "bedrock_converse": converse,
}
"""Protocol -> its law."""
