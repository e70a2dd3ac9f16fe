"""The recordings of other projects, whatever tool wrote them, as exchanges of one shape.

| what | told by |
|---|---|
| vcrpy, YAML or JSON, every dialect of cassette_shape.py | `interactions` |
| vcrpy with two lists, of langchain-tests (its `conftest.CustomSerializer`) | `requests`, `responses` |
| Ruby VCR, YAML or JSON (https://github.com/vcr/vcr, features/cassettes/format.feature) | `http_interactions` |
| AI SDK fixtures `.chunks.txt`: one JSON event per line, its framing lost | lines of JSON, or the name |
| a raw body, as `curl -N` prints it | none of these |

Any of them may be gzipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .. import jsontext
from ..cassette import Interaction
from ..cassette_file import MAX_BYTES, parse_bytes, read_bytes
from ..cassette_shape import VERSION, stored_interactions
from ..detect import protocol_of_events
from ..errors import CassetteError
from ..jsontext import JSON
from ..providers import TABLE, provider_of_url
from ..safeyaml import Document
from ..wire.encoding import Decompressor
from ..wire.event import WireEvent
from ..wire.eventstream import encode_frame
from ..wire.reader import Reader

_CASSETTE = re.compile(rb"^[\"']?(http_)?interactions[\"']?:|^requests:|^responses:", re.MULTILINE)
_JSON_CASSETTE = re.compile(rb'\A\s*\{.*?"(http_)?interactions"\s*:', re.DOTALL)
_CASSETTE_NAMES = (".yaml", ".yml", ".json", ".yaml.gz", ".yml.gz")
_CHUNKS_NAME = ".chunks.txt"
_NAMED_EVENTS = ("openai_responses", "anthropic_messages")
_EVENT_STREAM, _AWS_EVENT_STREAM = "text/event-stream", "application/vnd.amazon.eventstream"


class Foreign(NamedTuple):
    """One exchange. number: its place in the file, from 0. rebuilt: what of its bytes was lost and put back, "" for
    nothing. said: what the file says about its origin. day: when it was recorded, as far as the file says so."""

    number: int
    interaction: Interaction
    rebuilt: str = ""
    said: tuple[str, ...] = ()
    day: str = ""


def read_foreign(path: Path, provider: str | None = None) -> list[Foreign]:
    """The exchanges of a file. provider: whose the stream is where the file holds no request.

    Raises CassetteError for a file that cannot be read, or of which nothing can be told.
    """
    data = _plain(read_bytes(path), str(path))
    name = path.name.removesuffix(".gz")
    if name.endswith(_CHUNKS_NAME) or _is_lines(data):
        return [_of_chunks(data, str(path), provider)]
    if not name.endswith(_CASSETTE_NAMES) and not _CASSETTE.search(data) and not _JSON_CASSETTE.match(data[:65536]):
        return [_of_body(data, str(path), provider)]
    document = parse_bytes(data, str(path))
    root = document.data if isinstance(document.data, dict) else {}
    if "http_interactions" in root:
        return list(_of_ruby(root, str(path)))
    if "requests" in root and "responses" in root:
        return list(_of_two_lists(root, str(path)))
    return list(_of_vcrpy(document, str(path)))


def _plain(data: bytes, file: str) -> bytes:
    """The file without gzip."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    decompressor = Decompressor("gzip", limit=MAX_BYTES)
    data = decompressor.feed(data) + decompressor.close()
    if decompressor.error:
        raise CassetteError(f"damaged gzip: {decompressor.error}", file=file, remedy="Fetch the file again.")
    return data


def _of_vcrpy(document: Document, file: str) -> Iterator[Foreign]:
    stored = stored_interactions(document, file)
    said = _said(document.data, ("interactions", "version", "metadata"))
    for number, (each, raw) in enumerate(zip(stored, document.data["interactions"], strict=True)):
        parsed = raw["response"].get("parsed_body") is not None and raw["response"].get("body") is None
        yield Foreign(number, _interaction(each), "the text of the JSON body (`parsed_body`)" if parsed else "", said)


def _of_two_lists(root: Mapping[str, Any], file: str) -> Iterator[Foreign]:
    requests, responses = root["requests"], root["responses"]
    if not isinstance(requests, list) or not isinstance(responses, list) or len(requests) != len(responses):
        counts = [len(each) if isinstance(each, list) else "no" for each in (requests, responses)]
        raise CassetteError(f"{counts[0]} requests and {counts[1]} responses", file=file, remedy="Record it again.")
    pairs = [{"request": one, "response": other} for one, other in zip(requests, responses, strict=True)]
    said = _said(root, ("requests", "responses"))
    for number, each in enumerate(_stored(pairs, file)):
        yield Foreign(number, _interaction(each), said=said)


def _of_ruby(root: Mapping[str, Any], file: str) -> Iterator[Foreign]:
    given = root["http_interactions"]
    exchanges = [_from_ruby(each) for each in given] if isinstance(given, list) else given
    said = _said(root, ("http_interactions",))
    for number, (each, raw) in enumerate(zip(_stored(exchanges, file, "http_"), given, strict=True)):
        at = raw.get("recorded_at")
        own = (f"recorded_at {at}",) if isinstance(at, str) else ()
        yield Foreign(number, _interaction(each), said=(*said, *own), day=at if isinstance(at, str) else "")


def _from_ruby(exchange: Any) -> Any:
    """vcrpy's form: verbs in upper case, and nothing beside what it knows."""
    if not isinstance(exchange, Mapping):
        return exchange
    request, response = exchange.get("request"), exchange.get("response")
    if isinstance(request, Mapping) and isinstance(request.get("method"), str):
        request = {**request, "method": request["method"].upper()}
    if isinstance(response, Mapping):
        response = {name: response[name] for name in ("status", "headers", "body") if name in response}
    return {"request": request, "response": response}


def _stored(exchanges: Any, file: str, prefix: str = "") -> list[dict[str, Any]]:
    """prefix: what the file's own list is called before `interactions`."""
    try:
        return stored_interactions(Document({"interactions": exchanges, "version": VERSION}), file)
    except CassetteError as error:
        place = error.place and f"{prefix}{error.place}"
        raise CassetteError(error.message, file=file, place=place, remedy=error.remedy) from None


def _interaction(stored: Mapping[str, Any]) -> Interaction:
    request, response = stored["request"], stored["response"]
    return Interaction(
        method=request["method"],
        uri=request["uri"],
        request_headers=request["headers"],
        request_body=request["body"],
        status=response["status"]["code"],
        reason=response["status"]["message"],
        headers=response["headers"],
        body=response["body"]["string"],
    )


def _said(root: Mapping[str, Any], own: Sequence[str]) -> tuple[str, ...]:
    """What stands beside the exchanges, like `recorded_with: VCR 6.2.0`."""
    found = []
    for name, value in root.items():
        pairs = value.items() if isinstance(value, Mapping) and name not in own else [("", value)]
        for inner, text in pairs:
            if name not in own and isinstance(text, str) and 0 < len(text) <= 200:
                found.append(f"{inner or name} {text}")
    return tuple(found)


def _is_lines(data: bytes) -> bool:
    """Whether the lines are events of a protocol that we know; the first one tells."""
    lines = [line for line in data.split(b"\n", 20) if line.strip()]
    if len(lines) < 2 or not lines[0].startswith(b"{"):
        return False  # one line is a JSON body
    try:
        return protocol_of_events([_event(jsontext.loads(lines[0].decode("utf-8")))]) is not None
    except ValueError:
        return False


def _event(payload: JSON) -> WireEvent:
    """An event of a line; Converse's are named by their only key."""
    name = next(iter(payload)) if isinstance(payload, Mapping) and len(payload) == 1 else ""
    return WireEvent("json", name, payload)


def _of_chunks(data: bytes, file: str, provider: str | None) -> Foreign:
    lines: list[str] = []
    events: list[WireEvent] = []
    for number, raw in enumerate(data.split(b"\n"), 1):
        try:
            line = raw.decode("utf-8").strip()
            if line and line != "[DONE]":
                lines.append(line)
                events.append(_event(jsontext.loads(line)))
        except ValueError as error:
            remedy = "Each line of such a file is one JSON event."
            raise CassetteError(f"no JSON: {error}", file=file, place=f"line {number}", remedy=remedy) from None
    protocol = protocol_of_events(events)
    if protocol is None:
        raise CassetteError("no line is an event of a protocol that streamproof knows", file=file)
    body = _framed(protocol, lines, events)
    kind = _AWS_EVENT_STREAM if protocol == "bedrock_converse" else _EVENT_STREAM
    what = "the framing; the request (its URL, model and `stream` alone)"
    return Foreign(0, _asked(protocol, provider, events, body, kind), what)


def _framed(protocol: str, lines: Sequence[str], events: Sequence[WireEvent]) -> bytes:
    """The lines in their protocol's framing, each text as it stands."""
    if protocol == "bedrock_converse":
        return b"".join(map(_frame, events))
    blocks = []
    for line, event in zip(lines, events, strict=True):
        kind = event.payload.get("type") if isinstance(event.payload, Mapping) else None
        named = protocol in _NAMED_EVENTS and isinstance(kind, str)
        blocks.append(f"event: {kind}\ndata: {line}\n\n" if named else f"data: {line}\n\n")
    if protocol == "openai_chat" and any(map(_finishes, events)):
        blocks.append("data: [DONE]\n\n")  # a stream that was cut before its end had none
    return "".join(blocks).encode()


def _frame(event: WireEvent) -> bytes:
    payload = event.payload[event.name] if isinstance(event.payload, Mapping) and event.name else event.payload
    headers = {":event-type": event.name, ":content-type": "application/json", ":message-type": "event"}
    return encode_frame(headers, jsontext.dumps(payload).encode())


def _finishes(event: WireEvent) -> bool:
    choices = event.payload.get("choices") if isinstance(event.payload, Mapping) else None
    found = choices if isinstance(choices, list) else []
    return any(isinstance(each, Mapping) and each.get("finish_reason") for each in found)


def _of_body(data: bytes, file: str, provider: str | None) -> Foreign:
    reader = Reader()
    events = [*reader.feed(data), *reader.close()]
    protocol = protocol_of_events(events)
    if protocol is None:
        remedy = "It takes vcrpy and Ruby VCR cassettes, lines of JSON events, and raw bodies."
        raise CassetteError("neither a cassette nor a stream whose protocol can be told", file=file, remedy=remedy)
    kind = _AWS_EVENT_STREAM if data[:1] == b"\0" else _EVENT_STREAM
    return Foreign(0, _asked(protocol, provider, events, data, kind), said=("a body without its request",))


def _asked(
    protocol: str, provider: str | None, events: Sequence[WireEvent], body: bytes, content_type: str
) -> Interaction:
    """An exchange of which the file holds the answer's events only."""
    row = TABLE.get((provider or "", protocol)) or provider_of_url("", protocol)
    model = next((found for event in events if (found := _model(event.payload))), "unknown")
    request: dict[str, JSON] = {"model": model, "stream": True} if "{model}" not in row.path else {}
    return Interaction(
        method="POST",
        uri=row.url(model),
        request_headers={"content-type": ["application/json"]},
        request_body=jsontext.dumps(request).encode(),
        headers={"content-type": [content_type]},
        body=body,
    )


def _model(payload: JSON) -> str:
    places = [payload, *(payload.get(name) for name in ("response", "message"))] if isinstance(payload, Mapping) else []
    found = (place.get(name) for place in places if isinstance(place, Mapping) for name in ("model", "modelVersion"))
    return next((word for word in found if isinstance(word, str) and word), "")
