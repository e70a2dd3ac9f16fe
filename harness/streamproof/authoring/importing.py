"""`streamproof import`: the recordings of other projects as cases to be finished.

A case gets what can be told: request and response without secrets, the call, where the bytes come from, whether their
framing is the wire's own. Title, reason and requirements are left to the author, marked TODO, which `lint` reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from .. import jsontext
from ..cassette import Cassette, Interaction, save
from ..cellid import check_case_id
from ..detect import is_streamed, protocol_of_events
from ..errors import CassetteError, UsageError
from ..outcome import SUITE
from ..providers import TABLE, Provider, protocol_of_url, protocols_of, provider_of_url, row
from ..recording.neutral import call_of
from ..recording.redaction import Redactor
from ..replay.exchanges import Request
from ..scrub import redact_text
from ..wire.encoding import decompressed
from ..wire.event import WireEvent
from ..wire.reader import Reader
from .foreign import Foreign, read_foreign
from .subject import TODO

_KEPT_HEADERS = re.compile(r"content-type|(x-)?(amzn-)?request-?id|apim-request-id|x-amzn-errortype|retry-after(-ms)?")
"""Response headers that say something to a decoder or to a support desk; all others are the recorder's business."""
_SUFFIXES = re.compile(r"(\.(yaml|yml|json|gz|txt|chunks|jsonl|sse|log|vcr|cassette))+\Z", re.IGNORECASE)
_LONGEST_SLUG = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to import, and where to.

    out: the folder that gets <protocol>/<slug>.yaml. case: the id, None to make one from the file's name. interaction:
    its number in the file, from 0; None for all. everything: also answers that are no streams. force: overwrite.
    provider: whose streams they are, None to tell from the request. source: where the file can be found.
    """

    out: Path
    case: str | None = None
    interaction: int | None = None
    everything: bool = False
    force: bool = False
    provider: str | None = None
    source: str | None = None
    written: dict[Path, Path] = field(default_factory=dict)
    """Target -> file, of this run: two files of one name would overwrite each other."""

    def __post_init__(self) -> None:
        protocol = None if self.case is None else check_case_id(self.case).partition("/")[0]
        if self.provider is not None:
            if not protocols_of(self.provider):
                raise UsageError(f"no provider {self.provider!r}", remedy="`streamproof providers` lists them")
            if protocol is not None:
                row(self.provider, protocol)


class Written(NamedTuple):
    """A case that was written."""

    id: str
    path: Path


class Skipped(NamedTuple):
    """An exchange that was not, with the reason; number None stands for the whole file."""

    file: Path
    number: int | None
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: " + ("" if self.number is None else f"interaction {self.number}: ") + self.reason


def import_file(path: Path, wanted: Wanted) -> Iterator[Written | Skipped]:
    """Write the cases of one file. Raises CassetteError or UsageError; what was written before stays."""
    found = _chosen(read_foreign(path, wanted.provider), path, wanted)
    if not found:
        yield Skipped(path, None, "no streamed interaction; --all takes the others too")
    if wanted.case is not None and len(found) > 1:
        numbers = ", ".join(str(each.number) for each in found)
        raise UsageError(f"{path}: {len(found)} streams for one case", remedy=f"--interaction, one of {numbers}")
    for each in found:
        protocol = _protocol(each.interaction, wanted)
        if protocol is None:
            yield Skipped(path, each.number, "no protocol that streamproof knows; --case names it")
            continue
        case = wanted.case or f"{protocol}/{_slug(path, each.number if len(found) > 1 else None)}"
        target = _target(wanted, case, path)
        clean = _clean(each.interaction, protocol, wanted)
        save(Cassette(metadata=_metadata(each, clean, path, protocol, wanted), interactions=(clean,)), target)
        wanted.written[target] = path
        yield Written(case, target)


def _chosen(exchanges: Sequence[Foreign], path: Path, wanted: Wanted) -> list[Foreign]:
    if wanted.interaction is not None:
        if not 0 <= wanted.interaction < len(exchanges):
            what = f"no interaction {wanted.interaction}: there are {len(exchanges)}, counted from 0"
            raise UsageError(f"{path}: {what}", remedy="name another one")
        return [exchanges[wanted.interaction]]
    return [each for each in exchanges if wanted.everything or _is_stream(each.interaction)]


def _is_stream(interaction: Interaction) -> bool:
    return is_streamed(
        uri=interaction.uri,
        request_body=_decoded(interaction.request_body, interaction.request_header("content-encoding")),
        status=interaction.status,
        content_type=interaction.header("content-type"),
        body=_decoded(interaction.body, interaction.header("content-encoding")),
    )


def _protocol(interaction: Interaction, wanted: Wanted) -> str | None:
    """What the user says, else the request's path, else the events."""
    if wanted.case is not None:
        return wanted.case.partition("/")[0]
    return protocol_of_url(interaction.uri) or protocol_of_events(_events(interaction))


def _target(wanted: Wanted, case: str, path: Path) -> Path:
    target = wanted.out / f"{check_case_id(case)}.yaml"
    if target in wanted.written:
        raise CassetteError(
            f"{wanted.written[target]} became {case} in this run",
            file=str(path),
            remedy="import it alone, with --case",
        )
    if target.exists() and not wanted.force:
        raise CassetteError(
            f"{target} is there already", file=str(path), remedy="--case names another, --force overwrites"
        )
    return target


def _slug(path: Path, number: int | None) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", _SUFFIXES.sub("", path.name).lower()).strip("-")[:_LONGEST_SLUG].strip("-")
    return (words or "imported") + ("" if number is None else f"-{number}")


def _provider(interaction: Interaction, protocol: str, wanted: Wanted) -> Provider:
    given = TABLE.get((wanted.provider or "", protocol))
    return given or provider_of_url(interaction.uri, protocol)


def _clean(interaction: Interaction, protocol: str, wanted: Wanted) -> Interaction:
    """Decoded, its headers reduced, and without secrets, known by value from all of its request headers."""
    asked = [(name.lower(), value) for name, values in interaction.request_headers.items() for value in values]
    parts = urlsplit(interaction.uri)
    redactor = Redactor(Request(target=f"{parts.path}?{parts.query}", headers=tuple(asked)))
    request = _decoded(interaction.request_body, interaction.request_header("content-encoding"))
    body = _decoded(interaction.body, interaction.header("content-encoding"))
    kept = [
        (name.lower(), value)
        for name, values in interaction.headers.items()
        for value in values
        if _KEPT_HEADERS.fullmatch(name.lower()) and not _is_blanked(value)
    ]
    if not any(name == "content-type" for name, _ in kept):
        kept.insert(0, ("content-type", _content_type(body)))
    uri = interaction.uri
    if not _is_url(uri):
        uri = _provider(interaction, protocol, wanted).url(str(call_of(interaction)["model"]))
    return replace(
        interaction,
        uri=redactor.url(uri),
        request_headers={"content-type": ["application/json"]} if request else {},
        request_body=redactor.body(request, None).data,
        headers=redactor.headers(kept),
        body=redactor.body(body, None).data,
        extras={},
    )


def _is_url(uri: str) -> bool:
    return urlsplit(uri).scheme in ("http", "https")


def _is_blanked(value: str) -> bool:
    """Whether another recorder has hidden the value: `**REDACTED**`, `<OPENAI_KEY>`, `PLACEHOLDER`."""
    return re.fullmatch(r"\W*(REDACTED|FILTERED|PLACEHOLDER|scrubbed)\W*|<[^<>]+>", value, re.IGNORECASE) is not None


def _content_type(body: bytes) -> str:
    """Of a response whose recorder has dropped it."""
    if body[:1] == b"\0":
        return "application/vnd.amazon.eventstream"
    return "application/json" if body.lstrip()[:1] in (b"{", b"[") else "text/event-stream"


def _decoded(body: bytes, encoding: str | None) -> bytes:
    """Without its content encoding; many recorders decode the body and leave the header."""
    return decompressed(body, encoding)


def _events(interaction: Interaction) -> list[WireEvent]:
    reader = Reader(interaction.header("content-type"), interaction.header("content-encoding"))
    return [*reader.feed(interaction.body), *reader.close()]


def _metadata(foreign: Foreign, clean: Interaction, path: Path, protocol: str, wanted: Wanted) -> dict[str, Any]:
    """What is known, and TODO where the author has to write."""
    day = _day(foreign)
    notes = []
    if foreign.rebuilt:
        notes.append(f"Lost in the file and put back: {foreign.rebuilt}.")
    if not day:
        notes.append("The file does not say when it was recorded; the date is that of the import.")
    if not _is_url(foreign.interaction.uri):
        notes.append("The file has hidden the URL; the one here is the provider's usual.")
    source = {"kind": "recording", "ref": f"{TODO}: where it says so"}
    todo = {"id": "todo", "level": "must", "path": "status", "op": "equals", "value": "complete", "source": source}
    return {
        "schema": 1,
        "title": f"{TODO}: what happens on the wire",
        "why": f"{TODO}: who loses what when an adapter gets it wrong.",
        "level": "should",
        "providers": [_provider(foreign.interaction, protocol, wanted).name],
        "since": SUITE,
        "tags": ["imported"],
        "call": call_of(clean),
        "provenance": {
            "kind": "imported",
            "framing": "rebuilt" if foreign.rebuilt else "original",
            "source": _source(foreign, path, clean, wanted),
            "date": day or datetime.now(UTC).date().isoformat(),
            "server": urlsplit(clean.uri).netloc,
        },
        **({"notes": " ".join(notes)} if notes else {}),
        "requirements": [todo],
    }


def _source(foreign: Foreign, path: Path, clean: Interaction, wanted: Wanted) -> str:
    """Where the file is, which exchange of it, and what it says itself. Folders of this machine are not told."""
    name = path.name if path.is_absolute() or ".." in path.parts else path.as_posix()
    asked = f"interaction {foreign.number}, {clean.method} {clean.uri.partition('?')[0]}"
    parts = [wanted.source, name, asked, *foreign.said]
    return redact_text("; ".join(" ".join(part.split()) for part in parts if part))


def _day(foreign: Foreign) -> str:
    """When it was recorded, YYYY-MM-DD: by the file, the server's clock, or the events; "" when none of them says."""
    for text in (foreign.day, foreign.interaction.header("date") or ""):
        found = _parsed_day(text)
        if found:
            return found
    created = (_created(event.payload) for event in _events(foreign.interaction))
    stamp = next((each for each in created if each), None)
    return "" if stamp is None else datetime.fromtimestamp(stamp, UTC).date().isoformat()


def _parsed_day(text: str) -> str:
    """Of an HTTP date (RFC 9110, 5.6.7) or an ISO one."""
    try:
        return parsedate_to_datetime(text).date().isoformat()
    except ValueError:
        iso = re.match(r"\d{4}-\d\d-\d\d", text)
    try:
        return date.fromisoformat(iso[0]).isoformat() if iso else ""
    except ValueError:
        return ""


def _created(payload: jsontext.JSON) -> int | None:
    """Seconds since 1970 in a Chat chunk (`created`) or a Responses object (`created_at`)."""
    if not isinstance(payload, Mapping):
        return None
    inner = payload.get("response")
    stamp = payload.get("created") or (inner.get("created_at") if isinstance(inner, Mapping) else None)
    number = int(stamp) if isinstance(stamp, int | float) and not isinstance(stamp, bool) else 0
    return number if 1_500_000_000 < number < 4_000_000_000 else None
