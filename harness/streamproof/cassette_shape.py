"""From the plain data of any vcrpy v1 file to interactions of one shape, bodies as bytes.

Forms of a body that real cassettes hold (vcr/serializers/compat.py, vcr/stubs/*.py and common extensions of them):
`{string: text or !!binary}`, `{base64_string: ...}`, a bare string, `{}` for none (aiohttp), `content` beside
`status_code` (httpx, before vcrpy 6), and `parsed_body`, a JSON value in place of its text (pydantic-ai's serializer).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from .errors import CassetteError
from .jsontext import dumps
from .safeyaml import Document

VERSION = 1

_RECORD_AGAIN = "Record the cassette again, or mend it by hand."
_RESPONSE_KEYS = {"status", "headers", "body", "status_code", "http_version", "content", "parsed_body"}


def stored_interactions(document: Document, file: str | None) -> list[dict[str, Any]]:
    """The interactions as vcrpy wants them: request {method, uri, headers, body}, response {status {code, message},
    headers, body {string}, extras...}, bodies as bytes, header values as lists.

    Raises CassetteError for anything that is not a cassette of version 1.
    """
    shape = _Shape(document, file)
    root = document.data
    if isinstance(root, list):
        shape.fault("a list, the format before vcrpy 1.0", "Run `python -m vcr.migration` on it, or record it again.")
    if not isinstance(root, dict):
        what = "an empty file" if root is None else f"not a cassette but one {_kind(root)}"
        shape.fault(what, "Name a vcrpy cassette (YAML or JSON).")
    version = root.get("version", VERSION)
    if version != VERSION or isinstance(version, bool):
        shape.fault(f"unknown version {version!r:.50}", f"This release reads version {VERSION}.", "version")
    if root.get("interactions") in (None, []):
        shape.fault("no interactions", _RECORD_AGAIN, "interactions")
    interactions = root["interactions"]
    if not isinstance(interactions, list):
        shape.fault(f"interactions is {_a(interactions)}, not a list", _RECORD_AGAIN, "interactions")
    return [shape.interaction(each, n) for n, each in enumerate(interactions)]


class _Shape:
    """Checks with one document and file to blame."""

    def __init__(self, document: Document, file: str | None) -> None:
        self._document, self._file = document, file

    def fault(self, message: str, remedy: str, *path: str | int) -> NoReturn:
        raise CassetteError(message, file=self._file, place=self._document.place(*path) or None, remedy=remedy)

    def interaction(self, value: Any, n: int) -> dict[str, Any]:
        path = ("interactions", n)
        exchange = self._mapping(value, path)
        for name in ("request", "response"):
            if exchange.get(name) is None:
                self.fault(f"missing {name}", _RECORD_AGAIN, *path, name)
        request, response = (self._mapping(exchange[name], (*path, name)) for name in ("request", "response"))
        return {
            "request": self._request(request, (*path, "request")),
            "response": self._response(response, (*path, "response")),
        }

    def _request(self, request: Mapping[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
        for name in ("method", "uri"):
            if not isinstance(request.get(name), str):
                self.fault(f"missing {name}, a string", _RECORD_AGAIN, *path, name)
        try:
            _ = urlsplit(request["uri"]).port  # vcrpy and the matchers ask for it
        except ValueError as error:
            self.fault(f"not a URI: {error}", "Mend the URI.", *path, "uri")
        body = self._body(request, path) if request.keys() & {"body", "parsed_body"} else b""
        headers = self._headers(request.get("headers"), (*path, "headers"))
        return {"method": request["method"], "uri": request["uri"], "headers": headers, "body": body or b""}

    def _response(self, response: Mapping[str, Any], path: tuple[str | int, ...]) -> dict[str, Any]:
        status = response.get("status", response.get("status_code"))
        code, message = status, None
        if isinstance(status, Mapping):
            code, message = status.get("code"), status.get("message")
        if isinstance(code, str) and code.isascii() and code.isdigit():
            code = int(code)
        if not isinstance(code, int) or isinstance(code, bool) or not 100 <= code <= 999:
            self.fault("missing status code, a number from 100 to 999", _RECORD_AGAIN, *path, "status")
        body = self._body(response, path)
        if body is None:
            self.fault("missing body", "Write `body: {string: ''}` for an empty one.", *path, "body")
        return {
            "status": {"code": code, "message": message if isinstance(message, str) else ""},
            "headers": self._headers(response.get("headers"), (*path, "headers")),
            "body": {"string": body},
            **{key: value for key, value in response.items() if key not in _RESPONSE_KEYS},
        }

    def _body(self, holder: Mapping[str, Any], path: tuple[str | int, ...]) -> bytes | None:
        """None when there is none."""
        name = "body" if holder.get("body") is not None else "content"
        value = holder.get(name)
        if value is None:
            return dumps(holder["parsed_body"]).encode("utf-8") if "parsed_body" in holder else None
        path = (*path, name)
        if isinstance(value, Mapping):
            if value.get("base64_string") is not None:
                return self._base64(value["base64_string"], (*path, "base64_string"))
            if value and "string" not in value:
                self.fault("missing body: neither string nor base64_string", _RECORD_AGAIN, *path)
            path, value = (*path, "string"), value.get("string")
        if value is None:
            return b""
        if not isinstance(value, str | bytes):
            self.fault(f"the body is {_a(value)}, not text", "Put it in quotes.", *path)
        return value if isinstance(value, bytes) else to_bytes(value)

    def _base64(self, value: Any, path: tuple[str | int, ...]) -> bytes:
        try:
            return base64.b64decode("".join(value.split()) if isinstance(value, str) else bytes(value), validate=True)
        except (binascii.Error, ValueError, TypeError) as error:
            self.fault(f"not base64: {error}", _RECORD_AGAIN, *path)

    def _headers(self, value: Any, path: tuple[str | int, ...]) -> dict[str, list[str]]:
        if value is None:
            return {}
        headers = {}
        for name, given in self._mapping(value, path).items():
            values = given if isinstance(given, list | tuple) else [given]
            if any(isinstance(each, Mapping | list | tuple) for each in values):
                self.fault("a header that is no text", "Write a list of strings.", *path, _word(name))
            if values:
                headers[_word(name)] = [_word(each) for each in values]
        return headers

    def _mapping(self, value: Any, path: tuple[str | int, ...]) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            self.fault(f"{path[-1]} is {_a(value)}, not a mapping", _RECORD_AGAIN, *path)
        return value


def to_bytes(text: str) -> bytes:
    """UTF-8; a surrogate pair is one character, as JSON escapes it, and a lone one keeps its three bytes."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return paired.encode("utf-8", "surrogatepass")


def _word(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else "" if value is None else str(value)


def _kind(value: Any) -> str:
    names = {
        dict: "mapping",
        list: "list",
        str: "string",
        bytes: "binary",
        bool: "boolean",
        int: "number",
        float: "number",
    }
    return names.get(type(value), type(value).__name__)


def _a(value: Any) -> str:
    return "empty" if value is None else f"a {_kind(value)}"
