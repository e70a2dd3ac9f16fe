"""Tool calls of one Chat Completions choice: which entry belongs to which call.

OpenAI numbers its calls (openai.types.chat.chat_completion_chunk.ChoiceDeltaToolCall); compatible servers leave the
number out, use it twice, repeat id and name on each delta, or send them as "" later. The rules, in this order:

* an entry with an index continues the latest call of that index, unless it brings a new id *and* a name (Ollama puts
  all its calls on index 0); an id seen before on that index continues its own call
* an entry without an index continues the call of its id; with a new id, or a name, it starts one; with neither it
  continues the last call (Mistral, Gemini's compatible endpoint)
* id and name are set once, by the first that is not empty
"""

from __future__ import annotations

from dataclasses import dataclass

from ...completion import Position
from ...jsontext import JSON, JSONObject
from .parts import Parts, compact, items, thought_signature, word

_ENTRY_FIELDS = frozenset({"index", "id", "type", "function", "custom", "extra_content", "provider_specific_fields"})
_FUNCTION_FIELDS = frozenset({"name", "arguments", "input", "description", "parameters", "provider_specific_fields"})
LEGACY_INDEX = "function_call"
"""The place of the one call that the deprecated `delta.function_call` can make."""


@dataclass(slots=True)
class _Call:
    at: Position
    index: int | str | None
    id: str | None
    name: str
    server: dict[str, str] | None = None
    """Fields of a call that the provider runs itself: it is a server_tool part."""


class ToolCalls:
    """The calls of one message. server_prefixes: `Quirks.server_call_prefixes`."""

    def __init__(self, parts: Parts, server_prefixes: tuple[str, ...]) -> None:
        self._parts, self._server_prefixes = parts, server_prefixes
        self._by_index: dict[int | str, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._last: _Call | None = None
        self.free: set[Position] = set()
        """Calls of custom tools, whose input is free text instead of JSON."""

    def feed(self, entries: JSON) -> None:
        """The `tool_calls` of one delta."""
        for entry in items(entries):
            if isinstance(entry, dict):
                self._feed_entry(entry)
            else:
                self._parts.note("malformed_field", f"tool_calls: {type(entry).__name__}")

    def _feed_entry(self, entry: JSONObject) -> None:
        if not self._is_call(entry):
            self._parts.unknown(entry.get("type"), entry)
            return
        index, call_id = entry.get("index"), word(entry.get("id"))
        if type(index) not in (int, str):
            index = None
        is_custom = isinstance(entry.get("custom"), dict)
        body = self._body(entry, "custom" if is_custom else "function")
        name, arguments = word(body.get("name")), body.get("input" if is_custom else "arguments")
        call = self._find(index, call_id, name)
        if call is not None:
            self._identify(call, call_id, name)
        elif call_id or name or arguments:
            call = self._open(index, call_id, name or "")
            if is_custom:
                self.free.add(call.at)
            kind = "custom" if is_custom else "function_call" if index == LEGACY_INDEX else None
            if kind is not None and call.server is None:
                self._parts.change("replace", call.at, "kind", kind)
        else:
            return  # nothing to call yet, and nothing lost
        if arguments is not None and arguments != "":
            self._append(call, arguments)
        if (signature := thought_signature(entry.get("extra_content"))) is not None:
            self._parts.change("replace", call.at, "signature", signature)

    @staticmethod
    def _is_call(entry: JSONObject) -> bool:
        return "function" in entry or "custom" in entry or entry.get("type") in (None, "", "function", "custom")

    def _body(self, entry: JSONObject, key: str) -> JSONObject:
        body = entry.get(key)
        self._parts.check_fields("tool_calls", entry, _ENTRY_FIELDS)
        if isinstance(body, dict):
            self._parts.check_fields(f"tool_calls.{key}", body, _FUNCTION_FIELDS)
            return body
        if body is not None:
            self._parts.note("malformed_field", f"tool_calls.{key}: {type(body).__name__}")
        return {}

    def _find(self, index: int | str | None, id: str | None, name: str | None) -> _Call | None:
        """The call that an entry continues, None when it starts one; the rules stand at the head of the file."""
        if index is not None:
            call = self._by_index.get(index)
            if call is None or id is None or call.id is None or id == call.id:
                return call
            earlier = self._by_id.get(id)
            if earlier is not None and earlier.index == index:
                return earlier
            return None if name else call
        if id is not None:
            return self._by_id.get(id)
        if name is not None:
            return self._last if self._last is not None and not self._last.name else None
        return self._last

    def _open(self, index: int | str | None, id: str | None, name: str) -> _Call:
        if id is not None and self._server_prefixes and id.startswith(self._server_prefixes):
            fields = {"id": id, "name": name, "arguments": ""}
            at = self._parts.start("server_tool", id=id, name=name, data=fields)
            call = _Call(at, index, id, name, server=fields)
        else:
            known = {"call_id": id} if id is not None else {}
            call = _Call(self._parts.start("tool_call", name=name, **known), index, id, name)
        if index is not None:
            self._by_index[index] = call
        if id is not None:
            self._by_id[id] = call
        self._last = call
        return call

    def _identify(self, call: _Call, id: str | None, name: str | None) -> None:
        self._last = call
        if id is not None and call.id is None:
            call.id = id
            self._by_id[id] = call
            self._parts.change("replace", call.at, "call_id", id)
        elif id is not None and id != call.id:
            self._parts.note("tool_call_id_changed", f"{call.id} -> {id}")
        if name is not None and not call.name:
            call.name = name
            self._parts.change("replace", call.at, "name", name)
        elif name is not None and name != call.name:
            self._parts.note("tool_call_name_changed", f"{call.name} -> {name}")

    def _append(self, call: _Call, arguments: JSON) -> None:
        text = arguments if isinstance(arguments, str) else compact(arguments, self._parts.note)
        if call.server is None:
            self._parts.change("append", call.at, "arguments", text)
        else:
            call.server = {**call.server, "name": call.name, "arguments": call.server["arguments"] + text}
            self._parts.change("replace", call.at, "data", call.server)
