"""Reasoning of one Chat Completions choice, which servers send under several names, some of them at once.

OpenAI itself sends none. Compatible servers send a string, a list of details with signatures, or both, the details
then repeating the string: https://openrouter.ai/docs/guides/best-practices/reasoning-tokens.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...completion import Position
from ...jsontext import JSON, JSONObject
from .parts import Parts, items, word

PLAIN_FIELDS = ("reasoning_content", "reasoning", "reasoning_text")
"""DeepSeek and most local servers; OpenRouter, Groq, Cerebras and newer vLLM; GitHub Copilot. Some send two alike."""

DETAIL_FIELDS = ("reasoning_details", "thinking_blocks")
"""OpenRouter; the LiteLLM proxy: https://docs.litellm.ai/docs/reasoning_content."""

_TEXT_FIELD: Mapping[str, str] = {
    "reasoning.text": "text",
    "reasoning.summary": "summary",
    "thinking": "thinking",
}
"""Kind of a readable detail -> the field of its text."""

_ENCRYPTED = ("reasoning.encrypted", "redacted_thinking")
"""Kinds of details whose `data` only the provider can read."""

_KEPT = ("type", "format", "index")
"""Fields of a detail that have to go back with it: "pass the reasoning_details back unmodified" (OpenRouter)."""


class Reasoning:
    """The reasoning parts of one message."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._at: Position | None = None
        """The last part of readable reasoning."""
        self._item: str | None = None
        """The wire's id of that part."""
        self._kept: Position | None = None
        """The last part whose `_KEPT` fields are known."""
        self._type: str | None = None
        """The kind of detail of that part."""
        self._plain: list[str] = []
        """What plain strings said in that part."""
        self._plain_length = 0
        self._signed: Position | None = None
        self._signature: str | None = None
        self._encrypted: tuple[str, str | None] | None = None

    def feed(self, delta: JSONObject) -> None:
        """The reasoning fields of one delta."""
        said = ""
        for name in PLAIN_FIELDS:
            value = delta.get(name)
            if isinstance(value, str):
                if said and value and value != said:
                    self._parts.note("reasoning_fields_differ", f"{name}: {value}")
                said = said or value
            elif value is not None:
                self._parts.note("malformed_field", f"{name}: {type(value).__name__}")
        details = delta.get(DETAIL_FIELDS[0]) or delta.get(DETAIL_FIELDS[1])
        if details:
            self._feed_details(items(details), said)
        elif said:
            self._say(said)

    def thinking(self, part: JSONObject) -> bool:
        """A content part: Mistral's `thinking` (https://docs.mistral.ai/capabilities/reasoning), a list of texts or
        one, or Databricks' `reasoning` with its `summary`. False: not understood."""
        body: JSON = next((part[name] for name in ("thinking", "summary", "text") if part.get(name) is not None), [])
        entries = items(body)
        if any(_text_of(entry) is None for entry in entries):
            return False
        for entry in entries:
            self._grow(_text_of(entry) or "")
            self._sign(entry.get("signature") if isinstance(entry, dict) else None)
        self._sign(part.get("signature"))
        return True

    def _say(self, piece: str) -> None:
        self._grow(piece)
        self._plain.append(piece)
        self._plain_length += len(piece)

    def _grow(self, piece: str) -> None:
        if not piece:
            return
        self._parts.flush()
        at = self._parts.grow("reasoning", piece)
        if at != self._at:
            self._at, self._item, self._plain, self._plain_length = at, None, [], 0

    def _feed_details(self, details: list[JSON], said: str) -> None:
        """said: the same delta's plain reasoning, which the details repeat."""
        told = "".join(_detail_text(entry) for entry in details)
        if said and told and told != said:
            self._parts.note("reasoning_fields_differ", f"{DETAIL_FIELDS[0]}: {told}")
        if said:
            self._end_other_item(details)
            self._say(said)
        repeated = bool(said) or self._has_said(told)
        for entry in details:
            if isinstance(entry, dict):
                self._feed_detail(entry, "" if repeated else _detail_text(entry))
            else:
                self._parts.note("malformed_field", f"{DETAIL_FIELDS[0]}: {type(entry).__name__}")

    def _feed_detail(self, entry: JSONObject, piece: str) -> None:
        kind, item, data = entry.get("type"), word(entry.get("id")), word(entry.get("data"))
        if isinstance(kind, str) and kind in _TEXT_FIELD:
            if piece:
                self._end_other_item([entry])
                if self._parts.run == "reasoning" and self._kept == self._at and self._type != kind:
                    self._parts.run = ""
                self._grow(piece)
            if item is not None and item != self._item and self._at is not None and self._parts.run == "reasoning":
                self._item = item
                self._parts.change("replace", self._at, "id", item)
            self._sign(entry.get("signature"))
            if self._at is not None and self._at != self._kept:
                self._kept, self._type = self._at, kind
                self._parts.change("replace", self._at, "extra", _kept_fields(entry))
        elif kind in _ENCRYPTED and data is not None:
            if (data, item) != self._encrypted:
                self._encrypted = data, item
                known = {"extra": _kept_fields(entry)} | ({} if item is None else {"id": item})
                self._parts.start("reasoning", encrypted=data, **known)
                self._parts.run = ""
        else:
            self._parts.unknown(kind, entry)

    def _has_said(self, told: str) -> bool:
        """Whether details repeat as a whole what plain strings said before, piece by piece."""
        return bool(told) and len(told) == self._plain_length and told == "".join(self._plain)

    def _end_other_item(self, details: list[JSON]) -> None:
        """A new item id ends the run of the item before."""
        ids = [found for entry in details if isinstance(entry, dict) and (found := word(entry.get("id")))]
        if ids and self._parts.run == "reasoning" and self._item not in (None, ids[0]):
            self._parts.run = ""

    def _sign(self, signature: JSON) -> None:
        """A signature closes the reasoning it came with or after; without any it is a part of its own."""
        if not isinstance(signature, str) or not signature or signature == self._signature:
            return
        if self._at is None or self._at == self._signed:
            self._parts.flush()
            self._at = self._parts.start("reasoning")
        self._signature, self._signed = signature, self._at
        self._parts.change("replace", self._at, "signature", signature)
        if self._parts.run == "reasoning":
            self._parts.run = ""


def _kept_fields(entry: JSONObject) -> dict[str, JSON]:
    return {name: entry[name] for name in _KEPT if entry.get(name) is not None}


def _detail_text(entry: JSON) -> str:
    kind = entry.get("type") if isinstance(entry, dict) else None
    return word(entry.get(_TEXT_FIELD[kind])) or "" if isinstance(kind, str) and kind in _TEXT_FIELD else ""


def _text_of(entry: JSON) -> str | None:
    """The text of a string or of an object with `text`."""
    text = entry.get("text") if isinstance(entry, dict) else entry
    return text if isinstance(text, str) else None
