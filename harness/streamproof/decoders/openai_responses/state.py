"""Which item of a Responses stream an event means, while ids and indexes may be missing, change or repeat.

Items are joined by `output_index` and type: ids rotate in every event behind some gateways (GitHub Copilot), so they
only serve where the index is missing (llama-server) or where two items claim one index.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...completion import Position
from ...jsontext import JSONObject
from .items import as_index, as_text

_AFTER_PARTS = 1 << 30
"""Stands after every content index of an item."""


class Item:
    """An item of the output as far as it has come.

    place: where its part stands, or how its parts' places begin. shape: what it becomes (`items.part_type`). data: the
    item as the wire last gave it. added: its `output_item.added` was seen. streamed: an event gave some of its content.
    final: it is as the wire finished it. parts: (content index, part type) -> place. latest: the content index of
    the last event. open: the content that was announced last, until it is done. channels: a reasoning item's texts, by
    list and index. told: the channels that have text.
    """

    __slots__ = (
        "_next",
        "_taken",
        "added",
        "call_id",
        "channels",
        "data",
        "final",
        "id",
        "latest",
        "open",
        "parts",
        "place",
        "shape",
        "streamed",
        "told",
        "type",
        "wire_index",
    )

    def __init__(self, type: str, place: Position, wire_index: int | None) -> None:
        self.type, self.place, self.wire_index = type, place, wire_index
        self.id: str | None = None
        self.call_id: str | None = None
        self.shape = ""
        self.data: JSONObject = {}
        self.added = self.streamed = self.final = False
        self.parts: dict[tuple[int, str], Position] = {}
        self.channels: dict[str, dict[int, list[str]]] = {"content": {}, "summary": {}}
        self.told: set[str] = set()
        self.latest = 0
        self.open: tuple[int, str] | None = None
        self._taken: set[int] = set()
        self._next = 0

    def shares_id(self, data: JSONObject) -> bool:
        """Whether `data` bears this item's id or call id."""
        return any(
            mine is not None and mine == data.get(name) for name, mine in (("id", self.id), ("call_id", self.call_id))
        )

    def part_place(self, index: int, type: str) -> Position:
        """The place of a new content part: its index, or the next one where that is taken by another type."""
        free = self._next if index in self._taken else index
        self._taken.add(free)
        self._next = max(self._next, free + 1)
        place = (*self.place, free)
        self.parts[index, type] = place
        return place


class Items:
    """The items of one response, in the order in which they were seen."""

    def __init__(self) -> None:
        self._all: list[Item] = []
        self._at: dict[tuple[int, str], Item] = {}
        self._by_id: dict[tuple[str, str], Item] = {}
        self._latest: dict[str, Item] = {}
        self._announced: dict[int, Item] = {}
        self._taken: set[int] = set()
        self._next = 0

    def __iter__(self) -> Iterator[Item]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def find(self, event: JSONObject, type: str, id: str | None, *, announced: bool = False) -> Item | None:
        """The item of this type that an event means, None when it means a new one.

        id: the item's id in the event. announced: the event is `output_item.added`; where the index is missing, an
        id of its own tells it from the item before.
        """
        index = as_index(event.get("output_index"))
        if index is not None and (index, type) in self._at:
            return self._at[index, type]
        named = None if id is None else self._by_id.get((type, id))
        if named is not None and (index is None or named.wire_index is None):
            return named
        latest = self._latest.get(type)
        if index is not None or latest is None or latest.final:
            return None
        return None if announced and latest.added and latest.id != id else latest

    def announced(self, event: JSONObject) -> Item | None:
        """The item of whatever type that was begun at the event's index and is still open."""
        index = as_index(event.get("output_index"))
        item = None if index is None else self._announced.get(index)
        return None if item is None or item.final else item

    def new(self, type: str, wire_index: int | None) -> Item:
        """A further item, at its index on the wire, or at the next one where that is missing or taken."""
        index = self._next if wire_index is None or wire_index in self._taken else wire_index
        item = self._enter(Item(type, (index,), wire_index))
        if wire_index is not None:
            self._at[wire_index, type] = self._announced[wire_index] = item
        return item

    def new_in_output(self, type: str, index: int, before: Item | None) -> Item:
        """An item that only the terminal event lists, at `index`: after its predecessor in that list."""
        if index not in self._taken:
            return self.new(type, index)
        return self._enter(Item(type, (-1 if before is None else before.place[0], _AFTER_PARTS, index), None))

    def identify(self, item: Item, data: JSONObject) -> None:
        """Take the ids of an item as the wire gives them now."""
        item.data = data
        item.id = as_text(data.get("id")) or item.id
        item.call_id = as_text(data.get("call_id")) or item.call_id
        if item.id is not None:
            self._by_id[item.type, item.id] = item

    def match(self, output: list[JSONObject]) -> list[Item | None]:
        """For each item of a terminal event's `output` the streamed one: by id, by index, or the next of its type.

        The last rule is for rotating ids in an output that leaves items out: text may not come twice.
        """
        types = [as_text(data.get("type")) or "" for data in output]
        free = dict.fromkeys(self._all)
        found: list[Item | None] = [None] * len(output)

        def claim(n: int, item: Item | None) -> None:
            if found[n] is None and item is not None and item in free and item.type == types[n]:
                del free[item]
                found[n] = item

        by_call = {(item.type, item.call_id): item for item in reversed(self._all)}
        for n, data in enumerate(output):
            claim(n, self._by_id.get((types[n], as_text(data.get("id")) or "")))
            claim(n, by_call.get((types[n], as_text(data.get("call_id")))) if data.get("call_id") else None)
        at = {item.place: item for item in self._all}
        for n, type_ in enumerate(types):
            claim(n, self._at.get((n, type_)))
            claim(n, at.get((n,)))
        rest: dict[str, list[Item]] = {}
        for item in reversed(free):
            rest.setdefault(item.type, []).append(item)
        for n, type_ in enumerate(types):
            if found[n] is None and rest.get(type_):
                claim(n, rest[type_].pop())
        return found

    def _enter(self, item: Item) -> Item:
        self._all.append(item)
        self._latest[item.type] = item
        self._taken.add(item.place[0])
        self._next = max(self._next, item.place[0] + 1)
        return item
