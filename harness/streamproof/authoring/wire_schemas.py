"""Generates schemas/wire/<protocol>.json from the types of the official SDKs: `nox -s wire-schemas`.

`lint` reads what is shipped and imports no SDK. A schema describes one event of the stream; for Converse, whose events
are named by a header of their frame, an object of the event's name and its payload. Names that the types do not hold
are not allowed: what a published schema does not know is a deviation, which a case has to declare. `ADDITIONS` holds
what a provider's documentation has and the SDK's types have not.

Usage: python -m streamproof.authoring.wire_schemas [--check]
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "schemas" / "wire"

JSONSchema = dict[str, Any]

_KEPT = ("$ref", "type", "const", "enum", "anyOf", "items", "properties", "required", "additionalProperties")
_STRING: JSONSchema = {"type": "string"}
_NUMBERS: JSONSchema = {"type": "object", "additionalProperties": {"type": "number"}}


def openai_chat() -> JSONSchema:
    """The type of a chunk."""
    from openai.types.chat import ChatCompletionChunk  # noqa: PLC0415 - only this module needs SDKs

    return _of_type(ChatCompletionChunk)


def openai_responses() -> JSONSchema:
    """The union of all events."""
    from openai.types.responses import ResponseStreamEvent  # noqa: PLC0415

    return _of_type(ResponseStreamEvent)


def anthropic_messages() -> JSONSchema:
    """The unions of events, stable and beta, with the two events that the documentation has beside them."""
    from anthropic.types import ErrorResponse, RawMessageStreamEvent  # noqa: PLC0415
    from anthropic.types.beta import BetaRawMessageStreamEvent  # noqa: PLC0415

    schema = _of_type(RawMessageStreamEvent | BetaRawMessageStreamEvent | ErrorResponse)
    ping = {"type": "object", "properties": {"type": {"const": "ping"}}, "required": ["type"]}
    return {**schema, "anyOf": [*schema["anyOf"], {**ping, "additionalProperties": False}]}


def gemini_generate_content() -> JSONSchema:
    """The type of a chunk, under the names of the wire, without what the SDK adds itself."""
    from google.genai.types import GenerateContentResponse  # noqa: PLC0415

    schema = _of_type(GenerateContentResponse)
    own = ("sdkHttpResponse", "automaticFunctionCallingHistory", "parsed")
    return {**schema, "properties": {k: v for k, v in schema["properties"].items() if k not in own}}


def bedrock_converse() -> JSONSchema:
    """The service model's ConverseStreamOutput, as botocore ships it."""
    import botocore  # type: ignore[import-untyped]  # noqa: PLC0415

    folder = Path(botocore.__file__).parent / "data" / "bedrock-runtime"
    (file,) = sorted(folder.glob("*/service-2.json*"))
    data = file.read_bytes()
    shapes = json.loads(gzip.decompress(data) if file.suffix == ".gz" else data)["shapes"]
    definitions = {name: _of_shape(shape) for name, shape in shapes.items()}
    return {"$ref": "#/$defs/ConverseStreamOutput", "$defs": definitions}


SOURCES: Mapping[str, tuple[Callable[[], JSONSchema], str]] = {
    "openai_chat": (openai_chat, "openai"),
    "openai_responses": (openai_responses, "openai"),
    "anthropic_messages": (anthropic_messages, "anthropic"),
    "gemini_generate_content": (gemini_generate_content, "google-genai"),
    "bedrock_converse": (bedrock_converse, "botocore"),
}
"""Protocol -> how its schema is made, and the distribution that it is made from."""

ADDITIONS: Mapping[str, tuple[tuple[str, str, JSONSchema, str], ...]] = {
    "openai_responses": (
        (
            r"DeltaEvent$",
            "obfuscation",
            _STRING,
            "https://platform.openai.com/docs/api-reference/responses/create, stream_options.include_obfuscation",
        ),
    ),
    "anthropic_messages": (
        (
            r"^(Beta)?RawMessageStopEvent$",
            "amazon-bedrock-invocationMetrics",
            _NUMBERS,
            "https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html",
        ),
    ),
    "bedrock_converse": (
        (r"Event$", "p", _STRING, "padding, on every event of a recording"),
        (r"Exception$", "p", _STRING, "padding, on every event of a recording"),
    ),
}
"""Protocol -> (which definitions, member, its schema, where it is documented)."""


def generate(protocol: str) -> str:
    """The text of one schema file."""
    import re  # noqa: PLC0415

    make, package = SOURCES[protocol]
    schema = make()
    definitions = {name: _slim(item) for name, item in schema.get("$defs", {}).items()}
    for pattern, member, kind, _ in ADDITIONS.get(protocol, ()):
        for name, definition in definitions.items():
            if re.search(pattern, name) and "properties" in definition:
                definition["properties"].setdefault(member, kind)
    root = _slim({key: value for key, value in schema.items() if key != "$defs"})
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:streamproof:schema:wire:{protocol}",
        "$comment": f"Generated from {package} {version(package)} by authoring/wire_schemas.py; do not edit.",
        **root,
        "$defs": {name: definitions[name] for name in sorted(_reachable(root, definitions))},
    }
    return _text(document)


def _text(document: JSONSchema) -> str:
    """One definition per line: small, and its difference between two releases can be read."""
    definitions = document.pop("$defs")
    head = json.dumps(document, separators=(",", ":"), ensure_ascii=False)[:-1]
    lines = ",\n".join(
        f"{json.dumps(name)}:{json.dumps(item, separators=(',', ':'), ensure_ascii=False)}"
        for name, item in definitions.items()
    )
    return f'{head},"$defs":{{\n{lines}\n}}}}\n'


def _of_type(kind: Any) -> JSONSchema:
    from pydantic import TypeAdapter  # noqa: PLC0415

    return TypeAdapter(kind).json_schema(by_alias=True)


def _slim(schema: Any) -> Any:
    """Without titles, descriptions and defaults; an object with named members allows no others."""
    if not isinstance(schema, dict):
        return schema
    slim: JSONSchema = {key: schema[key] for key in _KEPT if key in schema}
    for key in ("anyOf",):
        if key in slim:
            slim[key] = [_slim(item) for item in slim[key]]
    for key in ("items", "additionalProperties"):
        if key in slim:
            slim[key] = _slim(slim[key])
    if "properties" in slim:
        slim["properties"] = {name: _slim(item) for name, item in slim["properties"].items()}
        slim["additionalProperties"] = False
    elif slim.get("additionalProperties") is True:
        del slim["additionalProperties"]
    return slim


def _of_shape(shape: JSONSchema) -> JSONSchema:
    """A shape of a service model; every timestamp and blob is a string on this wire."""
    kind = shape["type"]
    if shape.get("document"):
        return {}
    if kind == "structure":
        members = {m.get("locationName", name): _ref(m) for name, m in shape.get("members", {}).items()}
        return {"type": "object", "properties": members, "required": shape.get("required", [])}
    if kind == "list":
        return {"type": "array", "items": _ref(shape["member"])}
    if kind == "map":
        return {"type": "object", "additionalProperties": _ref(shape["value"])}
    if "enum" in shape:
        return {"type": "string", "enum": shape["enum"]}
    return {"type": {"integer": "integer", "long": "integer", "boolean": "boolean"}.get(kind, _scalar(kind))}


def _ref(member: JSONSchema) -> JSONSchema:
    return {"$ref": f"#/$defs/{member['shape']}"}


def _scalar(kind: str) -> str:
    return "number" if kind in ("float", "double") else "string"


def _reachable(root: JSONSchema, definitions: Mapping[str, JSONSchema]) -> set[str]:
    found: set[str] = set()
    stack: list[Any] = [root]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            name = str(value.get("$ref", "")).removeprefix("#/$defs/")
            if name in definitions and name not in found:
                found.add(name)
                stack.append(definitions[name])
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return found


def main(arguments: list[str]) -> int:
    """Write the files; `--check` writes nothing and returns 1 when a shipped one is not what the SDKs say now."""
    stale = 0
    for protocol in SOURCES:
        path, text = FOLDER / f"{protocol}.json", generate(protocol)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale += 1
        print(f"{path}: {'differs' if '--check' in arguments else 'written'}")
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
