"""The content of one Chat Completions choice while its deltas arrive.

The wire has no blocks, only fields of a delta, so a part is a run of one kind: it grows until a part of another kind
starts, or a signature closes it. Parts are numbered in the order of their appearance. Further deltas of a tool call or
of audio go to the part that they name and end no run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from ...completion import Op, Position
from ...jsontext import JSON, JSONObject
from ..base import Quirks
from .parts import compact, items, thought_signature, word
from .reasoning import DETAIL_FIELDS, PLAIN_FIELDS, Reasoning
from .think_tags import ThinkTags
from .tools import LEGACY_INDEX, ToolCalls

_DELTA_FIELDS = frozenset(
    {
        "role", "content", "refusal", "tool_calls", "function_call", "audio", "images", "annotations",
        *PLAIN_FIELDS, *DETAIL_FIELDS, "executed_tools", "extra_content",
        # known to say nothing about the answer, or to repeat it
        "index", "name", "prefix", "tool_call_id", "token_ids", "logprobs", "p", "obfuscation", "channel",
        "provider_specific_fields", "reasoning_steps",
    }
)  # fmt: skip
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,;]*)*;base64,(.*)", re.DOTALL)


class Sink(Protocol):
    """What a message needs of its decoder."""

    quirks: Quirks
    details: dict[str, JSON]

    def emit(
        self, op: Op, part: Position | None = None, field: str | None = None, value: JSON = None, choice: int = 0
    ) -> None:
        """Send one delta."""

    def note(self, kind: str, detail: str = "") -> None:
        """A diagnostic."""

    def check_fields(self, place: str, value: JSONObject, known: frozenset[str]) -> None:
        """Note the fields of a wire object that we do not know, each once."""


class Message:
    """One choice: deltas (also a whole `message`) in, parts out. number: of the choice."""

    def __init__(self, sink: Sink, number: int) -> None:
        self._sink, self._number = sink, number
        self._emit = sink.emit
        self.calls = ToolCalls(self, sink.quirks.server_call_prefixes)
        self._reasoning = Reasoning(self)
        self._think = ThinkTags() if sink.quirks.think_tags else None
        self.parts = 0
        """How many parts have started."""
        self.run = ""
        """The kind of the part that grows, "" when the next piece starts one."""
        self._at: Position = (0,)
        self._text: Position | None = None
        """The last text part: annotations belong to it."""
        self._annotations: set[str] = set()
        self._unplaced: list[JSONObject] = []
        """Annotations that came before any text."""
        self._audio: Position | None = None
        self._audio_id: str | None = None
        self._executed: dict[int, tuple[Position, JSONObject]] = {}

    # -- what a message is made of

    def start(self, kind: str, **fields: JSON) -> Position:
        """A new part; text that was held back comes before it."""
        if self._think is not None and kind not in ("text", "reasoning"):
            self.flush()
        self._at, self.run = (self.parts,), kind
        self.parts += 1
        self._emit("start", self._at, value={"type": kind, **fields}, choice=self._number)
        if kind == "text":
            self._text = self._at
            self._place_annotations()
        return self._at

    def grow(self, kind: str, piece: str) -> Position:
        """Add text to the run of a kind, or start one; where the run is."""
        if self.run != kind:
            self.start(kind)
        self._emit("append", self._at, "text", piece, self._number)
        return self._at

    def change(self, op: Op, at: Position, field: str, value: JSON) -> None:
        """A step of a part that has started."""
        self._emit(op, at, field, value, self._number)

    def unknown(self, name: JSON, data: JSON) -> None:
        """A part that we do not know. name: its type word, if it is one."""
        self.start("unknown", name=word(name) or "", data=data)

    def note(self, kind: str, detail: str) -> None:
        """A diagnostic."""
        self._sink.note(kind, detail)

    def check_fields(self, place: str, value: JSONObject, known: frozenset[str]) -> None:
        """Note the fields of a wire object that we do not know, each once."""
        self._sink.check_fields(place, value, known)

    def flush(self) -> None:
        """Let go of text that was held back as a possible tag."""
        for kind, held in self._think.flush() if self._think is not None else ():
            self.grow(kind, held)

    # -- what the decoder calls

    def text(self, piece: str) -> None:
        """Visible text; the hot path."""
        if self._think is not None:
            for kind, split in self._think.feed(piece):
                self.grow(kind, split)
        elif self.run == "text":
            self._emit("append", self._at, "text", piece, self._number)
        else:
            self.grow("text", piece)

    def delta(self, delta: JSONObject) -> None:
        """All fields of one delta, or of a whole `message`."""
        if len(delta) == 1 and (entries := delta.get("tool_calls")):  # a hot path, too
            self.calls.feed(entries)
            return
        self._reasoning.feed(delta)
        content = delta.get("content")
        if isinstance(content, str):
            if content:
                self.text(content)
        elif content is not None:
            self._take_content(content)
        for name, take in _FIELDS.items():
            if value := delta.get(name):
                take(self, value)
        self.check_fields("delta", delta, _DELTA_FIELDS)

    def settle(self) -> None:
        """No more deltas will come."""
        self.flush()
        if self._unplaced:
            self.start("citation", citations=self._unplaced)
            self._unplaced = []

    # -- content as a list of parts: https://docs.mistral.ai/capabilities/reasoning, Databricks

    def _take_content(self, content: JSON) -> None:
        for part in items(content):
            if isinstance(part, str):
                if part:
                    self.text(part)
            elif isinstance(part, dict):
                kind = part.get("type")
                take = _CONTENT.get(kind) if isinstance(kind, str) else None
                if take is None or not take(self, part):
                    self.unknown(kind, part)
            else:
                self._malformed("content", part)

    def _text_part(self, part: JSONObject) -> bool:
        text = part.get("text")
        if isinstance(text, str) and text:
            self.text(text)
        if annotations := part.get("annotations"):
            self._take_annotations(annotations)
        return isinstance(text, str)

    def _thinking_part(self, part: JSONObject) -> bool:
        return self._reasoning.thinking(part)

    def _refusal_part(self, part: JSONObject) -> bool:
        self._take_refusal(part.get("refusal"))
        return isinstance(part.get("refusal"), str)

    def _reference_part(self, part: JSONObject) -> bool:
        """Mistral's citation of tool results: https://docs.mistral.ai/capabilities/citations."""
        self.start("citation", citations=[part])
        return True

    def _image_part(self, part: JSONObject) -> bool:
        """A data URL or an address, in the spellings of OpenRouter's `images` and Mistral's `image_url`."""
        image = part.get("image_url", part.get("url"))
        url = image.get("url") if isinstance(image, dict) else image
        if not isinstance(url, str) or not url:
            return False
        data = _DATA_URL.fullmatch(url)
        if data is None:
            self.start("media", url=url)
        else:
            self.start("media", media_type=data[1] or None, data=data[2])
        return True

    # -- the other fields of a delta

    def _take_refusal(self, refusal: JSON) -> None:
        if not isinstance(refusal, str):
            self._malformed("refusal", refusal)
        elif refusal:
            self.grow("refusal", refusal)

    def _take_audio(self, audio: JSON) -> None:
        """openai.types.chat.chat_completion_chunk.ChoiceDeltaAudio; `data` is base64, piece by piece."""
        if not isinstance(audio, dict):
            self._malformed("audio", audio)
            return
        audio_id, data, transcript = (word(audio.get(name)) for name in ("id", "data", "transcript"))
        if audio_id or data or transcript:
            if self._audio is None or (audio_id and self._audio_id and audio_id != self._audio_id):
                self._audio = self.start("media", **({"id": audio_id} if audio_id else {}))
                self._audio_id = audio_id
            elif audio_id and not self._audio_id:
                self._audio_id = audio_id
                self.change("replace", self._audio, "id", audio_id)
            for field, piece in (("data", data), ("text", transcript)):
                if piece:
                    self.change("append", self._audio, field, piece)
        if audio.get("expires_at") is not None:
            self._sink.details["audio_expires_at"] = audio["expires_at"]

    def _take_images(self, images: JSON) -> None:
        for image in items(images):
            if not isinstance(image, dict):
                self._malformed("images", image)
            elif not self._image_part(image):
                self.unknown(image.get("type"), image)

    def _take_annotations(self, annotations: JSON) -> None:
        """Of the text that grows or came last, else of the text to come; the same one twice counts once."""
        for item in items(annotations):
            if not isinstance(item, dict):
                self._malformed("annotations", item)
            elif (seen := compact(item, self.note)) not in self._annotations:
                self._annotations.add(seen)
                self._unplaced.append(item)
        self._place_annotations()

    def _place_annotations(self) -> None:
        if self._text is not None and self._unplaced:
            self.change("append", self._text, "annotations", self._unplaced)
            self._unplaced = []

    def _take_executed(self, tools: JSON) -> None:
        """Tools that Groq ran; an entry comes again with its output: https://console.groq.com/docs/compound."""
        for n, tool in enumerate(items(tools)):
            if not isinstance(tool, dict):
                self._malformed("executed_tools", tool)
                continue
            key = index if type(index := tool.get("index")) is int else n
            if key in self._executed:
                at, before = self._executed[key]
                whole = {**before, **tool}
                self.change("replace", at, "data", whole)
            else:
                at, whole = self.start("server_tool", name=word(tool.get("type")) or "", data=tool), tool
            self._executed[key] = at, whole

    def _take_function_call(self, call: JSON) -> None:
        """The deprecated openai.types.chat.chat_completion_chunk.ChoiceDeltaFunctionCall."""
        self.calls.feed({"index": LEGACY_INDEX, "function": call})

    def _take_tool_calls(self, calls: JSON) -> None:
        self.calls.feed(calls)

    def _take_extra_content(self, extra: JSON) -> None:
        """Gemini's signature on the message closes the run it came with."""
        if (signature := thought_signature(extra)) is not None:
            self.flush()
            if self.run not in ("text", "reasoning"):
                self.start("text")
            self.change("replace", self._at, "signature", signature)
            self.run = ""

    def _malformed(self, place: str, value: JSON) -> None:
        self.note("malformed_field", f"{place}: {type(value).__name__}")


_FIELDS: Mapping[str, Callable[[Message, Any], None]] = {
    "refusal": Message._take_refusal,
    "audio": Message._take_audio,
    "images": Message._take_images,
    "annotations": Message._take_annotations,
    "executed_tools": Message._take_executed,
    "function_call": Message._take_function_call,
    "tool_calls": Message._take_tool_calls,
    "extra_content": Message._take_extra_content,
}
"""Fields of a delta besides content and reasoning, in the order in which one delta's fields become parts."""

_ContentHandler: TypeAlias = Callable[[Message, JSONObject], bool]
_CONTENT: Mapping[str, _ContentHandler] = {
    "text": Message._text_part,
    "output_text": Message._text_part,
    "thinking": Message._thinking_part,
    "reasoning": Message._thinking_part,
    "refusal": Message._refusal_part,
    "reference": Message._reference_part,
    "image_url": Message._image_part,
}
"""Kinds of content parts; a handler says whether it understood the part."""
