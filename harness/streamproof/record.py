"""`streamproof record`: a loopback proxy that writes what passes into a cassette.

Any client in any language takes its base URL. What came is written whenever an exchange has ended, and at SIGINT and
SIGTERM with what there is of the others.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .cassette import Cassette, Interaction, save
from .cellid import check_case_id
from .cli_support import stopped_by_signals
from .errors import StreamproofError, UsageError
from .outcome import SUITE
from .providers import Provider, protocol_of_url, protocols_of, row
from .recording.kept import Kept
from .recording.neutral import TODO, call_of
from .recording.proxy import RecordingProxy
from .recording.upstream import Upstream
from .scrub import redact_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What to record. out: the cassette. port: 0 for a free one. once: end after the first answer.

    case: the id of the case that the cassette begins, None for a plain cassette. command: as it was typed.
    """

    provider: str
    upstream: Upstream
    out: Path
    port: int = 0
    once: bool = False
    case: str | None = None
    command: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not protocols_of(self.provider):
            raise UsageError(f"no provider {self.provider!r}", remedy="`streamproof providers` lists them")
        if self.case is not None:
            row(self.provider, check_case_id(self.case).partition("/")[0])
        if self.out.exists():
            raise UsageError(f"{self.out} is there already", remedy="name another --out, or remove it")

    def rows(self) -> list[Provider]:
        """The provider's rows: of the case's protocol, else those of the upstream's host, else all."""
        wanted = protocols_of(self.provider) if self.case is None else (self.case.partition("/")[0],)
        rows = [row(self.provider, protocol) for protocol in wanted]
        return [each for each in rows if each.host and re.fullmatch(each.host, self.upstream.authority)] or rows


def record(recording: Recording, say: Callable[[str], object]) -> int:
    """Record until SIGINT or SIGTERM, or the first answer with `once`; how many exchanges were kept.

    say: called with each line for the user. Call it on the main thread. Raises UsageError when it cannot listen.
    """
    return asyncio.run(_session(recording, say))


async def _session(recording: Recording, say: Callable[[str], object]) -> int:
    over, faults = asyncio.Event(), list[Exception]()

    def ended(kept: Kept) -> None:
        path = urlsplit(kept.uri).path
        say(f"{kept.request.method} {path}: {kept.status}, {kept.size} bytes, {kept.end}")
        try:
            _write(recording, proxy.kept)
        except (OSError, StreamproofError) as error:
            faults.append(error)
        if recording.once or faults:
            over.set()

    proxy = RecordingProxy(recording.upstream, ended=ended, report=say)
    try:
        await proxy.start(recording.port)
    except OSError as error:
        raise UsageError(f"cannot listen on port {recording.port}: {error}", remedy="name another --port") from error
    loop = asyncio.get_running_loop()
    with stopped_by_signals(lambda: loop.call_soon_threadsafe(over.set)):
        for line in hints(recording, proxy.port):
            say(line)
        await over.wait()
        await proxy.stop()
    if faults:
        raise UsageError(f"cannot write {recording.out}: {faults[0]}", remedy="name another --out") from faults[0]
    count = len(_interactions(proxy.kept))
    say(f"{count} recorded in {recording.out}" if count else "nothing recorded")
    return count


def hints(recording: Recording, port: int) -> Iterator[str]:
    """What to give each SDK as its base URL, a line for each protocol, and an environment variable."""
    here = f"http://127.0.0.1:{port}"
    yield f"recording {recording.upstream.url} to {recording.out}; end with ctrl-C"
    for each in recording.rows():
        path = urlsplit(each.base_url).path.rstrip("/")
        if path.startswith(recording.upstream.path):
            path = path.removeprefix(recording.upstream.path)
        yield f"  {each.protocol}: {_HINTS[each.sdk].format(base=here + path)}"


_HINTS: Mapping[str, str] = {
    "openai": 'OpenAI(base_url="{base}"), or OPENAI_BASE_URL={base}',
    "azure": 'AzureOpenAI(azure_endpoint="{base}"), or AZURE_OPENAI_ENDPOINT={base}',
    "anthropic": 'Anthropic(base_url="{base}"), or ANTHROPIC_BASE_URL={base}',
    "anthropic_bedrock": 'AnthropicBedrock(base_url="{base}") with a bearer token (SigV4 signs the host)',
    "genai": 'genai.Client(http_options={{"base_url": "{base}", "api_version": "v1beta"}})',
    "genai_vertex": 'genai.Client(vertexai=True, ..., http_options={{"base_url": "{base}"}})',
    "none": "endpoint {base} with a bearer token (SigV4 signs the host)",
}


def _interactions(kept: Sequence[Kept]) -> list[Interaction]:
    return [found for each in kept if (found := each.interaction()) is not None]


def _write(recording: Recording, kept: Sequence[Kept]) -> None:
    """The cassette as it stands, in one step: a crash leaves the one before."""
    interactions = _interactions([each for each in kept if each.end])
    metadata = None if recording.case is None else skeleton(recording, recording.case, interactions[0])
    beside = recording.out.with_name(f".{recording.out.name}.new")
    save(Cassette(metadata=metadata, interactions=tuple(interactions)), beside)
    os.replace(beside, recording.out)


def skeleton(recording: Recording, case: str, first: Interaction) -> dict[str, Any]:
    """The metadata of a new case: what is known of the recording, and TODO where the author has to write."""
    source = redact_text(shlex.join(recording.command)) or f"streamproof record --provider {recording.provider}"
    requirement = {"id": "todo", "level": "must", "path": "status", "op": "equals", "value": "complete"}
    protocol = case.partition("/")[0]
    asked = protocol_of_url(first.uri) or protocol
    return {
        "schema": 1,
        "title": f"{TODO}: what happens on the wire",
        "why": f"{TODO}: who loses what when an adapter gets it wrong.",
        "level": "should",
        "providers": [recording.provider],
        "since": SUITE,
        "tags": [],
        "call": call_of(first),
        "provenance": {
            "kind": "recorded",
            "framing": "original",
            "source": source,
            "date": datetime.now(UTC).date().isoformat(),
            "server": recording.upstream.authority,
        },
        "requirements": [{**requirement, "source": {"kind": "recording", "ref": f"{TODO}: {asked}, the source"}}],
    }
