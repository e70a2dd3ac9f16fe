"""One recorded exchange: what came, when, and how it ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

from ..cassette import Interaction
from ..replay.exchanges import Request
from ..replay.server import CONNECTION_HEADERS
from .redaction import Redactor

End = Literal["complete", "cut", "reset", "client_closed", "stopped"]
"""How a response ended: its clean end; the upstream closed before it; the upstream broke the connection; the client
left first; the recording was stopped."""

EXTRA = "streamproof"
"""The key beside a response's `body`; vcrpy reads only `status`, `headers` and `body`."""

_NOT_KEPT = CONNECTION_HEADERS | {"host", "expect"}


@dataclass(slots=True)
class Kept:
    """An exchange as far as it has come. uri: the upstream's. Secrets are still in it; `interaction` takes them out.

    chunks: [seconds since the request was sent, bytes] for each piece of the body, as the upstream sent it.
    """

    request: Request
    uri: str
    status: int = 0
    reason: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    end: End | None = None
    _started: float = field(default_factory=time.perf_counter)
    _pieces: list[bytes] = field(default_factory=list)
    _chunks: list[tuple[float, int]] = field(default_factory=list)

    def answered(self, status: int, reason: str, headers: list[tuple[str, str]]) -> None:
        """The head of the answer has come."""
        self.status, self.reason, self.headers = status, reason, headers

    def arrived(self, data: bytes) -> None:
        """A piece of the body has come."""
        self._chunks.append((round(time.perf_counter() - self._started, 4), len(data)))
        self._pieces.append(data)

    @property
    def size(self) -> int:
        """Bytes of the body so far."""
        return sum(length for _, length in self._chunks)

    def interaction(self) -> Interaction | None:
        """As the cassette keeps it, without secrets; None as long as no answer has come."""
        if not self.status:
            return None
        redactor = Redactor(self.request)
        asked = redactor.body(self.request.body, self.request.header("content-encoding"))
        encoding = ", ".join(value for name, value in self.headers if name == "content-encoding")
        body = redactor.body(b"".join(self._pieces), encoding, self._chunks)
        headers = redactor.headers(self.headers)
        if not body.encoded:
            del headers["content-encoding"]
        return Interaction(
            method=self.request.method,
            uri=redactor.url(self.uri),
            request_headers=redactor.headers(_kept(self.request.headers, coded=asked.encoded)),
            request_body=asked.data,
            status=self.status,
            reason=self.reason,
            headers=headers,
            body=body.data,
            extras={EXTRA: {"chunks": [list(chunk) for chunk in body.chunks], "end": self.end or "stopped"}},
        )


def _kept(headers: tuple[tuple[str, str], ...], *, coded: bool) -> list[tuple[str, str]]:
    dropped = _NOT_KEPT if coded else _NOT_KEPT | {"content-encoding"}
    return [(name, value) for name, value in headers if name not in dropped]
