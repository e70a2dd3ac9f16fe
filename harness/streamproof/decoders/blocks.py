"""What the Anthropic and the Converse decoder share: messages made of content blocks that events name by index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import jsontext
from ..completion import Position
from ..jsontext import JSON, JSONObject
from .base import NO_QUIRKS, Decoder, Quirks

FINISH_REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
"""Source: anthropic.types.StopReason; botocore's bedrock-runtime model, StopReason. `pause_turn`, `compaction`,
`malformed_tool_use`, ... have no normal form and pass through."""

RAW_KINDS = frozenset({"server_tool", "unknown", "orphan"})
"""Kinds whose part holds the wire object; its deltas are joined into `data` when the block ends."""


class Block:
    """One content block.

    kind: text, thinking, redacted, tool_call, media, or one of RAW_KINDS (orphan: JSON pieces of a block that never
    started). raw: the object it started with. json: its partial JSON. deltas: those that are kept as they came;
    deltas_name: where the wire object holds them. pending: its part has yet to be brought to its final state.
    """

    __slots__ = ("deltas", "deltas_name", "json", "kind", "open", "part", "pending", "raw")

    def __init__(self, part: Position, kind: str, raw: JSONObject) -> None:
        self.part, self.kind, self.raw = part, kind, raw
        self.json: list[str] = []
        self.deltas: list[JSON] = []
        self.deltas_name = "deltas"
        self.open = True
        self.pending = kind == "tool_call"

    def data(self) -> dict[str, JSON]:
        """The wire object as the deltas made it: `input` parsed (the bare text when it is no JSON), other deltas
        in a list of their own."""
        data = dict(self.raw)
        text = "".join(self.json)
        if text:
            try:
                data["input"] = jsontext.loads(text)
            except ValueError:
                data["input"] = text
        if self.deltas:
            data[self.deltas_name] = list(self.deltas)
        return data


class BlockTable:
    """The blocks of a message by the wire's index.

    A second block at one index (llm-rosetta numbers two parallel calls 0: recording) does not displace the first: it
    stands at (index, 1), the next at (index, 2). A start without an index takes the next free one; other events
    without an index mean the block that started last.
    """

    def __init__(self) -> None:
        self.newest: dict[int, Block] = {}
        self._at: dict[int, list[Block]] = {}
        self._order: list[Block] = []
        self._next = 0

    def add(self, index: JSON, kind: str, raw: JSONObject) -> Block:
        """A new block."""
        place = index if type(index) is int else self._next
        same = self._at.setdefault(place, [])
        block = Block((place, len(same)) if same else (place,), kind, raw)
        same.append(block)
        self._order.append(block)
        self.newest[place] = block
        self._next = max(self._next, place + 1)
        return block

    def at(self, index: JSON) -> list[Block]:
        """The blocks that a delta with `index` may mean, oldest first."""
        return self._at.get(index, []) if type(index) is int else self._order[-1:]

    def find(self, index: JSON, *kinds: str) -> Block | None:
        """The newest block at `index` that is of one of the kinds."""
        return next((block for block in reversed(self.at(index)) if block.kind in kinds), None)

    def all(self) -> list[Block]:
        """All blocks as they came."""
        return self._order


class BlockDecoder(Decoder):
    """A decoder of messages that are made of blocks."""

    finish_reasons = FINISH_REASONS

    def __init__(self, quirks: Quirks = NO_QUIRKS, *, n: int | None = None) -> None:
        super().__init__(quirks, n=n)
        self.blocks = BlockTable()
        self.over = False
        """A second cycle has begun: nothing that follows belongs to the completion."""

    def start_block(self, index: JSON, kind: str, raw: JSONObject, fields: dict[str, Any]) -> Block:
        """A block begins; fields are those of its part."""
        block = self.blocks.add(index, kind, raw)
        self.emit("start", block.part, value=fields)
        return block

    def start_raw(self, index: JSON, kind: str, name: str, raw: JSONObject, id: JSON = None) -> Block:
        """A block begins that is kept as it is; name: the wire's type word."""
        part_type = "server_tool" if kind == "server_tool" else "unknown"
        fields = {"type": part_type, "name": name, "data": raw, "id": text_or_none(id)}
        return self.start_block(index, kind, raw, fields)

    def append(self, block: Block, field: str, piece: JSON) -> None:
        """A text delta. Anything but text is noted; null and empty text say nothing."""
        if type(piece) is str:
            if piece:
                self.emit("append", block.part, field, piece)
        elif piece is not None:
            self.note("malformed_delta", f"{field} of block {block.part} is a {type(piece).__name__}")

    def keep_json(self, block: Block, piece: JSON) -> None:
        """Partial JSON of a block that is kept as it is."""
        if isinstance(piece, str):
            block.json.append(piece)
            block.pending = block.pending or bool(piece)
        elif piece is not None:
            self.note("malformed_delta", f"JSON of block {block.part} is a {type(piece).__name__}")

    def keep_delta(self, block: Block, delta: JSON) -> None:
        """A delta of a block that is kept as it is."""
        block.deltas.append(delta)
        block.pending = True

    def stop_block(self, index: JSON) -> None:
        """The wire closes the newest open block at `index`."""
        candidates = self.blocks.at(index) if type(index) is int else self.blocks.all()
        block = next((block for block in reversed(candidates) if block.open), None)
        if block is None:
            self.note("stop_without_block", f"no open block at {index_text(index)}")
        else:
            self.close_block(block)

    def close_block(self, block: Block) -> None:
        """A block is whole."""
        self._finish_block(block)
        block.open = False
        self.close_part(block.part)

    def settle(self) -> None:
        for block in self.blocks.all():
            self._finish_block(block)
            if block.open and self.terminal:
                self.note("block_not_closed", f"block {block.part}")
        reason = self.folder.finish()
        asked = reason is not None and reason["raw_finish_reason"] == "tool_use"
        if asked and not self.folder.positions(type="tool_call"):
            self.note("no_tool_call", "the reason is tool_use, but no block is a client tool call")

    def begin_second_cycle(self, what: str) -> None:
        """Another message starts in the same body; the completion stays the first."""
        self.over = True
        self.note("second_cycle", f"{what}: what follows is not part of the completion")

    def count(self, usage: JSONObject, name: str) -> int | None:
        """A token count, None when the wire does not know it."""
        value = usage.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is None or (value == 0 and self.quirks.zero_usage_is_unknown):
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.note("malformed_count", f"{name} is a {type(value).__name__}")
        return None

    def keep(self, source: JSONObject, names: tuple[str, ...]) -> None:
        """Put the fields that say something into `details`."""
        for name in names:
            if source.get(name) is not None:
                self.details[name] = source[name]

    def _finish_block(self, block: Block) -> None:
        if not block.pending:
            return
        block.pending = False
        if block.kind in RAW_KINDS:
            self.emit("replace", block.part, "data", block.data())
        elif not self.folder.get(block.part, "arguments"):
            arguments = arguments_text(block.raw.get("input"))
            if arguments:
                self.emit("replace", block.part, "arguments", arguments)


def total(*counts: int | None) -> int | None:
    """The sum of the counts that are known, None when none is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def arguments_text(value: JSON) -> str:
    """A call's arguments where the wire has them as a value: an object as compact JSON, null as ""."""
    if value is None:
        return ""
    return value if isinstance(value, str) else jsontext.dumps(value)


def text_or_none(value: JSON) -> str | None:
    """The value when it is text with something in it."""
    return value if isinstance(value, str) and value else None


def objects(value: JSON) -> list[dict[str, Any]]:
    """The objects of a list; [] for anything that is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def index_text(index: JSON) -> str:
    """An index for a diagnostic."""
    return f"index {index}" if type(index) is int else f"an index that is a {type(index).__name__}"


def shape_text(value: JSON) -> str:
    """What a JSON value is, for a message: never its content, which may be of any size and depth."""
    if not isinstance(value, Mapping):
        return f"a JSON {type(value).__name__}"
    return f"a JSON object with {', '.join(list(value)[:8]) or 'no keys'}"
