"""The parts of a Gemini message: how they go on from chunk to chunk, and how function calls become whole.

Runs. Neighbouring text pieces are one part, so are neighbouring thoughts. A run ends at a part of another kind and at a
`thoughtSignature`: a piece with a signature is added to its run (or begins one), gives the run its signature and ends
it, so that the text after it is a part of its own. An empty piece with a signature is a part of its own (text ""),
which is where the signature has to go when the turn is sent back. An empty piece without one says nothing and ends
nothing. Where one part holds several kinds at once they become parts in the order of `_KINDS`, and the signature
stands on the last: the function call.

Calls. A call without `willContinue` and `partialArgs` is whole at once. Any other is open, and the next `functionCall`
parts of the candidate belong to it: those with its id; else those without a name, and those that repeat its name and
have `partialArgs`. It is closed by the first that lacks `willContinue: true` (often `functionCall: {}`). JSON text
cannot grow from the left, so the arguments are appended when the call is closed, or at the end of the stream as far as
they came. Sources: google.genai.types.FunctionCall, recordings.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final

from ... import jsontext
from ...completion import Position
from ...jsontext import JSON, JSONObject
from ..base import Decoder
from .partial_args import PartialArgs

_CALL = frozenset({"id", "name", "args", "partialArgs", "willContinue"})
_BLOB = frozenset({"mimeType", "data"})
_FILE = frozenset({"mimeType", "fileUri"})
_MODIFIERS = frozenset(
    {
        "videoMetadata", "partMetadata", "mediaResolution", "mediaProcessing", "speechMetadata", "documentMetadata",
        "spreadsheetMetadata", "audioMetadata",
    }
)  # fmt: skip
"""Fields of google.genai.types.Part that say something about the part's content, and are no content."""
_SNAKE = re.compile("_([a-z])")


@dataclass(slots=True)
class OpenCall:
    """A call whose arguments still arrive."""

    part: Position
    id: str | None
    name: str
    signed: bool
    args: PartialArgs = field(default_factory=PartialArgs)

    def goes_on(self, call: JSONObject) -> bool:
        """Whether a further `functionCall` belongs to this one."""
        name, call_id = call.get("name"), call.get("id")
        if call_id and self.id:
            return bool(call_id == self.id)
        return not name or not self.name or (name == self.name and "partialArgs" in call)


@dataclass(slots=True)
class Candidate:
    """What is open in one candidate. run: the kind of text that goes on at `part`, None when none does."""

    choice: int
    parts: int = 0
    run: str | None = None
    part: Position = ()
    call: OpenCall | None = None
    has_calls: bool = False
    sources: dict[str, JSON] = field(default_factory=dict)


class GeminiPartsDecoder(Decoder):
    """What a candidate's `parts` become; the chunks around them are its subclass's."""

    @abstractmethod
    def on_document(self, payload: JSON) -> None: ...

    def on_parts(self, candidate: Candidate, parts: list[JSON]) -> None:
        """The parts of one chunk."""
        for part in parts:
            if type(part) is dict:
                text = part.get("text")
                if type(text) is str:
                    if len(part) == 1:
                        self._add_text(candidate, "text", text)
                        continue
                    if len(part) == 2 and part.get("thought") is True:
                        self._add_text(candidate, "reasoning", text)
                        continue
            self._on_part(candidate, part)

    def leave_call(self, candidate: Candidate) -> None:
        """What came of an open call stays; it was never closed."""
        call, candidate.call = candidate.call, None
        if call is not None:
            self.note("call_never_closed", call.name[:200])
            self._write_arguments(candidate, call)

    def start_part(self, candidate: Candidate, fields: dict[str, JSON], signature: str | None = None) -> Position:
        """A part begins, after all others; it ends the run before it."""
        part = candidate.part = (candidate.parts,)
        candidate.parts += 1
        candidate.run = None
        if signature:
            fields["signature"] = signature
        self.emit("start", part, value=fields, choice=candidate.choice)
        return part

    def unknown_part(self, candidate: Candidate, name: str, data: JSON) -> None:
        """Keep what we do not know as it came."""
        self.start_part(candidate, {"type": "unknown", "name": name, "data": data})

    def malformed(self, name: str, value: JSON) -> None:
        """Note a field whose value is not what the protocol says."""
        self.note("malformed_field", f"{name}: {excerpt(value)}")

    def fields(self, place: str, value: JSONObject, known: frozenset[str]) -> JSONObject:
        """An object with its keys in camelCase; those that stay unknown are noted."""
        value = camel(value, known)
        self.check_fields(place, value, known)
        return value

    # -- parts

    def _add_text(self, candidate: Candidate, kind: str, text: str, signature: str | None = None) -> None:
        if not text:
            if signature:
                self.start_part(candidate, {"type": kind, "text": ""}, signature)
        elif candidate.run == kind:
            self.emit("append", candidate.part, "text", text, candidate.choice)
            if signature:
                self.emit("replace", candidate.part, "signature", signature, candidate.choice)
                candidate.run = None
        else:
            self.start_part(candidate, {"type": kind, "text": text}, signature)
            candidate.run = None if signature else kind

    def _on_part(self, candidate: Candidate, part: JSON) -> None:
        if type(part) is not dict:
            self.unknown_part(candidate, "", part)
            return
        wire, part = part, camel(part, _PART)
        kinds = [kind for kind in _KINDS if part.get(kind) is not None]
        if kinds[-1:] == ["audioTranscription"] and kinds[-2:-1] in (["inlineData"], ["fileData"]):
            kinds.pop()  # it is the text of that part, not a part of its own
        unknown = sorted(map(str, part.keys() - _PART))
        if unknown and (not kinds or (kinds == ["text"] and not part["text"])):
            self.unknown_part(candidate, unknown[0], wire)
            return
        self.check_fields("part", part, _PART)
        signature = part.get("thoughtSignature")
        if signature is not None and not isinstance(signature, str):
            self.malformed("thoughtSignature", signature)
            signature = None
        if part.keys() & _MODIFIERS:
            self.note("part_modifier", ", ".join(sorted(part.keys() & _MODIFIERS)))
        if not kinds and signature:
            self._add_text(candidate, _text_kind(part), "", signature)
        for kind in kinds:
            _KINDS[kind](self, candidate, part, kind, signature if kind == kinds[-1] else None)

    def _on_text(self, candidate: Candidate, part: JSONObject, kind: str, signature: str | None) -> None:
        text = part["text"]
        if not isinstance(text, str):
            self.unknown_part(candidate, kind, part)
            return
        if part.get("thought") not in (None, True, False):
            self.malformed("thought", part["thought"])
        self._add_text(candidate, _text_kind(part), text, signature)

    def _on_media(self, candidate: Candidate, part: JSONObject, kind: str, signature: str | None) -> None:
        known, name, target = (_BLOB, "data", "data") if kind == "inlineData" else (_FILE, "fileUri", "url")
        value = self.fields(kind, part[kind], known) if type(part[kind]) is dict else {}
        data, media_type = value.get(name), value.get("mimeType")
        if not isinstance(data, str) or not isinstance(media_type, str | None):
            self.unknown_part(candidate, kind, part)
            return
        media = {"type": "media", "media_type": media_type, target: data}
        if part.get("thought") is True:
            media["kind"] = "thought"
        self.start_part(candidate, media | _transcript(part), signature)

    def _on_transcription(self, candidate: Candidate, part: JSONObject, kind: str, signature: str | None) -> None:
        self.start_part(candidate, {"type": "media", "text": ""} | _transcript(part), signature)

    def _on_server_tool(self, candidate: Candidate, part: JSONObject, kind: str, signature: str | None) -> None:
        self.start_part(candidate, {"type": "server_tool", "name": kind, "data": part}, signature)

    # -- function calls

    def _on_call(self, candidate: Candidate, part: JSONObject, kind: str, signature: str | None) -> None:
        candidate.run = None
        if type(part[kind]) is not dict:
            self.unknown_part(candidate, kind, part)
            return
        wire = self.fields(kind, part[kind], _CALL)
        call = candidate.call
        if call is None or not call.goes_on(wire):
            self.leave_call(candidate)
            if all(is_empty(wire.get(name)) for name in ("id", "name", "args", "partialArgs")):
                self.note("stray_call_end")
                self._add_text(candidate, "text", "", signature)
                return
            call = self._begin_call(candidate, wire, signature)
            if wire.get("willContinue") is not True and "partialArgs" not in wire:
                self._write_plain_call(candidate, call.part, wire)
                return
            candidate.call = call
        else:
            self._identify_call(candidate, call, wire, signature)
        self._add_arguments(call, wire)
        if wire.get("willContinue") is not True:
            candidate.call = None
            if self._write_arguments(candidate, call):
                self.close_part(call.part, candidate.choice)

    def _begin_call(self, candidate: Candidate, wire: JSONObject, signature: str | None) -> OpenCall:
        candidate.has_calls = True
        call_id, name = self._string(wire, "id"), self._string(wire, "name") or ""
        part = self.start_part(candidate, {"type": "tool_call", "call_id": call_id, "name": name}, signature)
        return OpenCall(part, call_id, name, bool(signature))

    def _identify_call(self, candidate: Candidate, call: OpenCall, wire: JSONObject, signature: str | None) -> None:
        """A further piece may bring what the first did not say."""
        call_id, name = self._string(wire, "id"), self._string(wire, "name")
        if call_id and not call.id:
            call.id = call_id
            self.emit("replace", call.part, "call_id", call_id, candidate.choice)
        if name and not call.name:
            call.name = name
            self.emit("replace", call.part, "name", name, candidate.choice)
        if signature and call.signed:
            self.note("further_signature", signature[:200])
        elif signature:
            call.signed = True
            self.emit("replace", call.part, "signature", signature, candidate.choice)

    def _string(self, wire: JSONObject, name: str) -> str | None:
        value = wire.get(name)
        if value is None or isinstance(value, str):
            return value or None
        self.malformed(f"functionCall.{name}", value)
        return None

    def _write_plain_call(self, candidate: Candidate, part: Position, wire: JSONObject) -> None:
        args = wire.get("args", {})
        try:
            text = "" if args is None else args if isinstance(args, str) else jsontext.dumps(args)
        except RecursionError:
            self.note("nested_too_deeply", "args")
            return
        if not isinstance(args, dict | None):
            self.malformed("functionCall.args", args)
        self.emit("append", part, "arguments", text, candidate.choice)
        self.close_part(part, candidate.choice)

    def _add_arguments(self, call: OpenCall, wire: JSONObject) -> None:
        args, pieces = wire.get("args"), wire.get("partialArgs")
        if isinstance(args, dict):
            try:
                call.args.update(args)
            except (RecursionError, ValueError):
                self.note("nested_too_deeply", "args")
        elif args is not None:
            self.malformed("functionCall.args", args)
        if isinstance(pieces, list):
            for piece in pieces:
                problem = call.args.add(camel(piece, _PIECE) if type(piece) is dict else piece)
                if problem:
                    self.note("partial_args", problem)
        elif pieces is not None:
            call.args.add(pieces)
            self.malformed("functionCall.partialArgs", pieces)

    def _write_arguments(self, candidate: Candidate, call: OpenCall) -> bool:
        """Append the arguments; whether they are whole."""
        self.emit("append", call.part, "arguments", call.args.text(), candidate.choice)
        return call.args.whole


_Handler = Callable[[GeminiPartsDecoder, Candidate, JSONObject, str, str | None], None]

_KINDS: Final[Mapping[str, _Handler]] = {
    "text": GeminiPartsDecoder._on_text,
    "executableCode": GeminiPartsDecoder._on_server_tool,
    "codeExecutionResult": GeminiPartsDecoder._on_server_tool,
    "toolCall": GeminiPartsDecoder._on_server_tool,
    "toolResponse": GeminiPartsDecoder._on_server_tool,
    "functionResponse": GeminiPartsDecoder._on_server_tool,
    "inlineData": GeminiPartsDecoder._on_media,
    "fileData": GeminiPartsDecoder._on_media,
    "audioTranscription": GeminiPartsDecoder._on_transcription,
    "functionCall": GeminiPartsDecoder._on_call,
}
_PART = frozenset(_KINDS) | _MODIFIERS | {"thought", "thoughtSignature"}
_PIECE = frozenset({"jsonPath", "stringValue", "numberValue", "boolValue", "nullValue", "willContinue"})


def _text_kind(part: JSONObject) -> str:
    return "reasoning" if part.get("thought") is True else "text"


def _transcript(part: JSONObject) -> dict[str, JSON]:
    transcription = part.get("audioTranscription")
    text = transcription.get("text") if isinstance(transcription, dict) else None
    return {"text": text} if isinstance(text, str) else {}


def camel(value: JSONObject, known: AbstractSet[str]) -> JSONObject:
    """The object with its snake_case keys in camelCase where that is a known key which is missing."""
    if value.keys() <= known:
        return value
    renamed: dict[str, Any] = {}
    for key, item in value.items():
        name = _SNAKE.sub(lambda m: m[1].upper(), key)
        renamed[name if name in known and name not in value else key] = item
    return renamed


def count(value: JSON) -> int | None:
    """A count that is not negative; protobuf's JSON may write an int64 as a string. None for anything else."""
    if type(value) is int:
        return value if value >= 0 else None
    if isinstance(value, str) and len(value) <= 18 and value.isascii() and value.isdigit():
        return int(value)
    whole = isinstance(value, float) and value.is_integer() and 0 <= value < 2**53
    return int(value) if whole else None


def is_empty(value: JSON) -> bool:
    """Whether a field says nothing: null, or an empty string, array or object."""
    return value is None or (isinstance(value, str | list | dict) and not value)


def excerpt(value: JSON) -> str:
    """The beginning of a value as JSON, for a diagnostic."""
    try:
        return jsontext.dumps(value)[:200]
    except RecursionError:
        return "(nested too deeply)"
