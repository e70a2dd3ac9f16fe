"""From the items of a Responses stream to parts: messages, reasoning, calls and what the provider ran.

What an item holds: `output_item.done`, else the terminal event's `output`, else the `*.done` events of its content,
else its deltas, else `output_item.added`. A done event or list that is empty takes nothing away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...completion import Position
from ...jsontext import JSON, JSONObject
from ..base import NO_QUIRKS, Decoder, Quirks
from . import items
from .items import as_index, as_object, as_text
from .state import Item, Items

_PHASED = ("text", "refusal")
_AUDIO = (1 << 30, 0)  # audio events bear no index: after the contents of the item that came last


class OutputDecoder(Decoder):
    """The part of the decoder that knows items."""

    def __init__(self, quirks: Quirks = NO_QUIRKS, *, n: int | None = None) -> None:
        super().__init__(quirks, n=n)
        self._items = Items()
        self._texts: dict[tuple[int, int], Position] = {}  # (output_index, content_index) of the texts that may grow
        self._calls_at: dict[Position, Item] = {}
        self._shells: dict[str, Item] = {}
        self._audio: Position | None = None
        self._noted: set[tuple[str, str]] = set()

    # -- items

    def settle_parts(self) -> None:
        for item in self._items:
            if not item.final and not item.streamed:
                item.streamed = True
                self._apply(item, item.data, closed=False)
            elif not item.final and item.shape == "reasoning":
                self._show_summary(item)

    def _item_of(self, event: JSONObject, type: str) -> Item | None:
        """The item that an event adds to, begun when it was not announced; None when it is finished already."""
        item = self._items.find(event, type, as_text(event.get("item_id")))
        if item is None:
            item = self._items.new(type, as_index(event.get("output_index")))
            item.data = {"type": type, "id": event.get("item_id")}
            self._items.identify(item, item.data)
            self._begin(item, item.data)
        if item.final:
            self._note_once("after_item_done", str(event.get("type")))
            return None
        item.streamed = True
        return item

    def _on_added(self, event: JSONObject) -> None:
        data = event.get("item")
        if not isinstance(data, dict):
            self._note_once("not_an_object", "item")
            return
        name = as_text(data.get("id"))
        item = self._items.find(event, as_text(data.get("type")) or "", name, announced=True)
        if item is not None and item.added and item.shares_id(data):
            self.note("repeated_item", str(item.id))
            return
        if item is None or item.added or item.final:
            if item is not None:
                self._stop_texts(item)
            item = self._items.new(as_text(data.get("type")) or "", as_index(event.get("output_index")))
        item.added = True
        self._items.identify(item, data)
        self._begin(item, data)

    def _on_done(self, event: JSONObject) -> None:
        data = event.get("item")
        if not isinstance(data, dict):
            self._note_once("not_an_object", "item")
            return
        item = self._items.find(event, as_text(data.get("type")) or "", as_text(data.get("id")))
        if item is not None and item.final and item.shares_id(data):
            self.note("repeated_item", str(item.id))
            return
        if item is None or item.final:
            item = self._items.new(as_text(data.get("type")) or "", as_index(event.get("output_index")))
        self._apply(item, data, closed=True)

    def _begin(self, item: Item, data: JSONObject) -> None:
        """Start the part of an item, or its new shape."""
        shape = items.part_type(data, self.quirks.server_call_prefixes)
        if shape == item.shape:
            return
        item.shape = shape
        if shape == "message":
            return
        first: dict[str, JSON] = {"type": shape, "id": item.id}
        if shape == "tool_call":
            first |= {**items.call_fields(data), "arguments": "", **items.call_extras(data)}
            first["name"] = first["name"] or ""
            self._calls_at[item.place] = item
        elif shape != "reasoning":
            first |= {"name": item.type, "data": data}
        self.emit("start", item.place, value=first)

    def _apply(self, item: Item, data: JSONObject, *, closed: bool) -> None:
        """Bring an item to what `data`, the item as a whole, says. closed: the wire finished it with this."""
        self._items.identify(item, data)
        self._begin(item, data)
        _SHAPES[item.shape](self, item, data, closed)
        if item.type in items.ITEM_FIELDS:
            self.check_fields(item.type, data, items.ITEM_FIELDS[item.type])
        if not closed:
            return
        item.final = True
        for place in item.parts.values() if item.shape == "message" else (item.place,):
            if item.shape != "tool_call" or data.get("status") not in ("incomplete", "failed"):
                self.close_part(place)
        self._stop_texts(item)

    def _stop_texts(self, item: Item) -> None:
        """No delta goes to this item's texts any more."""
        for (index, _), place in item.parts.items():
            if item.wire_index is not None and self._texts.get((item.wire_index, index)) == place:
                del self._texts[item.wire_index, index]

    def _apply_data(self, item: Item, data: JSONObject, closed: bool) -> None:
        """A server tool or an unknown item."""
        self._set(item.place, "id", item.id)
        if self.folder.get(item.place, "data") != data:
            self.emit("replace", item.place, "data", data)
        if item.type == "shell_call_output" and item.call_id is not None:
            self._answered(item.call_id)

    def _answered(self, call_id: str) -> None:
        """A shell call whose environment the wire left open was run by the provider, as its output is there."""
        call = self._shells.pop(call_id, None)
        if call is not None and call.shape == "tool_call":
            call.shape = "server_tool"
            first = {"type": call.shape, "id": call.id, "name": call.type, "data": call.data}
            self.emit("start", call.place, value=first)

    # -- tool calls

    def _apply_call(self, item: Item, data: JSONObject, closed: bool) -> None:
        fields = items.call_fields(data)
        arguments = fields.pop("arguments") or ""
        self._set(item.place, "id", item.id)
        for name, value in (fields | items.call_extras(data)).items():
            self._set(item.place, name, value)
        self._set_text(item.place, "arguments", arguments)
        if item.type == "shell_call" and item.call_id is not None:
            self._shells[item.call_id] = item
        if data.get("pending_safety_checks"):  # the client has to acknowledge these before it acts
            self.details.setdefault("pending_safety_checks", []).append(data["pending_safety_checks"])

    def _on_arguments(self, event: JSONObject, type: str, whole: str | None = None) -> None:
        """A delta of a call's arguments, or all of them in the field `whole`."""
        open_item = self._items.announced(event)
        item = self._item_of(event, type if open_item is None else open_item.type)
        text = self._piece(event, whole or "delta")
        if item is None or item.shape != "tool_call" or not text:
            return  # a server tool's arguments come whole with its item
        if whole is None:
            self.emit("append", item.place, "arguments", text)
        else:
            self._set_text(item.place, "arguments", text)

    def arguments_are_whole(self, part: Position, arguments: str, choice: int = 0) -> bool:
        item = self._calls_at[part]
        if items.CALL_KINDS[item.type].json_text:
            return super().arguments_are_whole(part, arguments, choice)
        # Free text and objects show no cut, so an item that is still in progress counts where nothing was cut.
        return self._raw_reasons.get(choice) == "completed" or item.data.get("status") != "in_progress"

    # -- messages

    def _on_text_delta(self, event: JSONObject) -> None:
        output, content, delta = event.get("output_index"), event.get("content_index"), event.get("delta")
        if type(output) is int and type(content) is int and type(delta) is str:
            place = self._texts.get((output, content))
            if place is not None:
                self.emit("append", place, "text", delta)
                return
        self._on_content(event, "text")

    def _on_content(self, event: JSONObject, type: str, whole: str | None = None) -> None:
        """A delta of a content part, or all of its text in the field `whole`."""
        item = self._item_of(event, "message")
        text = self._piece(event, whole or "delta")
        if item is None or text is None:
            return
        place = self._content(item, as_index(event.get("content_index")), type)
        if whole is not None:
            self._set_text(place, "text", text)
            if item.open == (item.latest, type):
                item.open = None
        elif text:
            self.emit("append", place, "text", text)

    def _content(self, item: Item, index: int | None, type: str, name: str = "", data: JSON = None) -> Position:
        """The place of a message's content, begun when it is new."""
        index = item.latest = item.latest if index is None else index
        place = item.parts.get((index, type))
        if place is None and item.open is not None and item.open[1] == type and item.open[0] != index:
            return item.parts[item.open]  # never announced: vLLM 0.11 counts up with every delta of one content
        if place is None:
            place = item.part_place(index, type)
            phase = {"phase": as_text(item.data.get("phase"))} if type in _PHASED else {}
            unknown = {"name": name, "data": data} if type == "unknown" else {}
            self.emit("start", place, value={"type": type, "id": item.id, **phase, **unknown})
        if type == "text" and item.wire_index is not None:
            self._texts[item.wire_index, index] = place
        return place

    def _on_part(self, event: JSONObject, *, done: bool) -> None:
        """`content_part.added` and `.done`; they serve reasoning items too."""
        part, named = as_object(event.get("part")), as_text(event.get("item_id"))
        kind = as_text(part.get("type")) or ""
        message, reasoning = (self._items.find(event, type_, named) for type_ in ("message", "reasoning"))
        if message is None and reasoning is None:
            is_thought = kind in items.CHANNELS
        else:
            is_thought = message is None or (reasoning is not None and kind in items.CHANNELS)
        if is_thought:
            self._on_reasoning(event, items.CHANNELS.get(kind, "content"), "part" if done else None, opens=not done)
            return
        item = self._item_of(event, "message")
        if item is not None:
            index = as_index(event.get("content_index"))
            if index is None and not done and item.parts:
                index = item.latest + 1
            if not done:
                item.open = None  # one more content, whatever was open
            self._apply_content(item, index, part, done=done)
            item.open = None if done else (item.latest, items.TEXT_TYPES.get(kind, ("unknown", ""))[0])

    def _apply_content(self, item: Item, index: int | None, part: JSONObject, *, done: bool) -> None:
        kind = as_text(part.get("type")) or ""
        type_, field = items.TEXT_TYPES.get(kind, ("unknown", ""))
        place = self._content(item, index, type_, kind, part)
        if not done:
            return
        if type_ == "unknown":
            self.emit("replace", place, "data", part)
            return
        self.check_fields(kind, part, items.CONTENT_FIELDS)
        self._set_text(place, "text", as_text(part.get(field)) or "")
        annotations = items.as_objects(part.get("annotations"))
        if type_ == "text" and annotations and self.folder.get(place, "annotations") != annotations:
            self.emit("replace", place, "annotations", annotations)

    def _on_annotation(self, event: JSONObject) -> None:
        item, annotation = self._item_of(event, "message"), event.get("annotation")
        if item is None or not isinstance(annotation, dict):
            self._note_once("not_an_object", "annotation")
            return
        place = self._content(item, as_index(event.get("content_index")), "text")
        self.emit("append", place, "annotations", [annotation])

    def _apply_message(self, item: Item, data: JSONObject, closed: bool) -> None:
        contents = items.contents(data)
        strays: dict[str, list[int]] = {}  # a server that counts its contents otherwise
        for index, type_ in sorted(item.parts, reverse=True):
            if index >= len(contents):
                strays.setdefault(type_, []).append(index)
        for n, part in enumerate(contents):
            type_, _ = items.TEXT_TYPES.get(str(part.get("type")), ("unknown", ""))
            stray = (n, type_) not in item.parts and strays.get(type_)
            self._apply_content(item, stray.pop() if stray else n, part, done=True)
        for type_, surplus in strays.items() if contents else ():
            for index in surplus:  # vLLM once counted a content per delta; the whole stands in the done item
                if type_ in ("text", "refusal"):
                    self._set(item.parts[index, type_], "text", "")
        for (_, type_), place in item.parts.items():
            self._set(place, "id", item.id)
            if type_ in _PHASED:
                self._set(place, "phase", as_text(data.get("phase")))

    # -- reasoning

    def _on_reasoning(self, event: JSONObject, channel: str, whole: str | None = None, *, opens: bool = False) -> None:
        """A delta of a reasoning item, all of a part's text in the field `whole`, or the opening of a part."""
        item = self._item_of(event, "reasoning")
        text = "" if opens else self._piece(event, whole or "delta")
        if item is None or text is None:
            return
        parts = item.channels[channel]
        index = as_index(event.get("summary_index" if channel == "summary" else "content_index"))
        if index is None:
            index = len(parts) if opens else max(len(parts) - 1, 0)
        if whole and channel == "content" and index not in parts and text == self._thoughts(item):
            return  # all of it again, under an index of its own (vLLM 0.11)
        if opens:
            parts.setdefault(index, [])
        elif text and (whole is None or not parts.get(index)):
            self._grow(item, channel, index, text)
        elif text:
            parts[index] = [text]  # shown when the item is done, should it differ

    def _grow(self, item: Item, channel: str, index: int, text: str) -> None:
        """Show a delta at once; of a channel and its mirror only one, the content first."""
        parts = item.channels[channel]
        first, begun = not parts.get(index), channel in item.told
        parts.setdefault(index, []).append(text)
        item.told.add(channel)
        if channel == "summary" and "content" in item.told:
            return
        if channel == "content" and not begun and "summary" in item.told:
            self._set_text(item.place, "text", text)
            return
        blank = "\n\n" if channel == "summary" and first and begun else ""
        self.emit("append", item.place, "text", blank + text)

    def _thoughts(self, item: Item) -> str:
        """A reasoning item's text: its content, else its summaries with a blank line between."""
        content = item.channels["content"]
        return "".join("".join(content[n]) for n in sorted(content)) or "\n\n".join(self._summary(item))

    def _summary(self, item: Item) -> list[str]:
        parts = item.channels["summary"]
        return [text for n in sorted(parts) if (text := "".join(parts[n]))]

    def _show_summary(self, item: Item) -> None:
        self._set_text(item.place, "text", self._thoughts(item))
        if summary := self._summary(item):
            self._set(item.place, "summary", summary)

    def _apply_reasoning(self, item: Item, data: JSONObject, closed: bool) -> None:
        for channel, parts in item.channels.items():
            if said := items.texts(data.get(channel)):
                parts.clear()
                parts.update({n: [text] for n, text in said.items()})
        self._set(item.place, "id", item.id)
        self._show_summary(item)
        if closed:  # "may be incomplete" in output_item.added: ResponseReasoningItem.encrypted_content
            self._set(item.place, "encrypted", as_text(data.get("encrypted_content")))

    # -- audio

    def _on_audio(self, event: JSONObject, field: str) -> None:
        """`response.audio.delta` (base64) and the transcript; they stand in the SDK and name no item."""
        if self._audio is None:
            self._audio = (max((item.place[0] for item in self._items), default=0), *_AUDIO)
            self.emit("start", self._audio, value={"type": "media"})
        if text := self._piece(event, "delta"):
            self.emit("append", self._audio, field, text)

    # -- helpers

    def _piece(self, event: JSONObject, field: str) -> str | None:
        """A text in an event: a string, or an object with `text` (early reasoning events, `part`); None: nothing."""
        value = event.get(field)
        text = value.get("text") if isinstance(value, dict) else value
        if not isinstance(text, str):
            if text is not None:
                self._note_once("not_a_text", f"{event.get('type')}: {field}")
            return None
        return text

    def _set(self, place: Position, field: str, value: JSON) -> None:
        """Set a field that the wire gave; what it leaves out stays."""
        if value is not None and self.folder.get(place, field) != value:
            self.emit("replace", place, field, value)

    def _set_text(self, place: Position, field: str, text: str) -> None:
        """Bring a text to what a done event says: by what is missing, else anew. An empty one takes nothing away."""
        if not text:
            return
        current = self.folder.get(place, field) or ""
        if text == current:
            return
        if text.startswith(current):
            self.emit("append", place, field, text[len(current) :])
        else:
            self.emit("replace", place, field, text)

    def _note_once(self, kind: str, detail: str) -> None:
        if (kind, detail) not in self._noted:
            self._noted.add((kind, detail))
            self.note(kind, detail)

    def check_fields(self, place: str, value: JSONObject, known: frozenset[str]) -> None:
        """Each unknown field of a place once: it would come with every delta."""
        for name in sorted(value.keys() - known):
            self._note_once("unknown_field", f"{place}: {name}")


_SHAPES: Mapping[str, Callable[[Any, Item, JSONObject, bool], None]] = {
    "message": OutputDecoder._apply_message,
    "reasoning": OutputDecoder._apply_reasoning,
    "tool_call": OutputDecoder._apply_call,
    "server_tool": OutputDecoder._apply_data,
    "unknown": OutputDecoder._apply_data,
}
"""What an item becomes -> how it does."""
