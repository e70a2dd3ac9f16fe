"""Rules about the metadata of a case: what a reader and a listing may rely on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from ..case import case_at
from ..errors import CassetteError, UsageError
from ..providers import row
from .subject import TODO, Fault, Rule, Subject, texts

_URL = re.compile(r"https?://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+\S*")
_TYPE = re.compile(r"\b[a-z_]\w*(\.\w+)+\b")
_VERSION = re.compile(r"\d+\.\d+")
_ISSUE = re.compile(r"https?://\S+?/(issues|pull|merge_requests|discussions|commit|t|questions)/\S+")


def readable(subject: Subject) -> Iterator[Fault]:
    """A file that is no vcrpy cassette: damaged YAML, no interactions, a body that is none."""
    error = subject.foreign_fault
    if error is not None:
        yield Fault(error.place or "", error.message, error.remedy or "")


def place(subject: Subject) -> Iterator[Fault]:
    """A case that does not stand at cassettes/<protocol>/<slug>.yaml, so that it has no id."""
    try:
        case_at(subject.path)
    except CassetteError as error:
        if error.place is None and error.message.endswith("is no case id"):
            yield Fault("", error.message, error.remedy or "")


def metadata(subject: Subject) -> Iterator[Fault]:
    """Metadata that breaks its schema (schemas/metadata.schema.json), or holds keys that this release does not know."""
    error = subject.fault
    if error is not None and not error.message.endswith("is no case id"):
        yield Fault(error.place or "metadata", error.message, error.remedy or "")
    elif error is None:
        for warning in subject.cassette.warnings:
            yield Fault("metadata", warning)


def unfinished(subject: Subject) -> Iterator[Fault]:
    """A field that `streamproof new` left to the author, and that still says TODO."""
    for where, text in texts(subject.metadata, ("metadata",)):
        if text.startswith(TODO):
            yield Fault(where, "still to be written", f"Write {text.removeprefix(TODO).lstrip(': ') or 'it'}.")


def title(subject: Subject) -> Iterator[Fault]:
    """A title that a listing cannot show in one line, or that is no plain phrase."""
    text = str(subject.metadata["title"])
    if text.startswith(TODO):
        return
    for wrong, message in (
        (not 10 <= len(text) <= 100, f"{len(text)} characters, not 10 to 100"),
        (text.endswith((".", "!", "?")), "ends like a sentence"),
        (text != " ".join(text.split()), "white space that a reader cannot see"),
        (text.partition(" ")[0].lower() in ("test", "case", "should"), "speaks of the suite, not of the stream"),
    ):
        if wrong:
            yield Fault("metadata.title", f"{message}: {text!r}")


def providers(subject: Subject) -> Iterator[Fault]:
    """A provider that the table does not know for this protocol, so that the case would not run for it."""
    for number, name in enumerate(subject.metadata["providers"]):
        try:
            row(name, subject.protocol)
        except UsageError as error:
            yield Fault(f"metadata.providers[{number}]", error.message, f"Name {error.remedy}.")


def provenance(subject: Subject) -> Iterator[Fault]:
    """Bytes of which nobody can say where they come from: no real date, no source, a recording without its server."""
    block = subject.metadata["provenance"]
    try:
        day = date.fromisoformat(block["date"])
    except ValueError:
        yield Fault("metadata.provenance.date", f"{block['date']} is no day of the calendar")
    else:
        if day > date.today() + timedelta(days=1):
            yield Fault("metadata.provenance.date", f"{block['date']} has not come yet")
    if len(block["source"].strip()) < 10:
        yield Fault("metadata.provenance.source", f"{block['source']!r} leads nowhere")
    if block["kind"] == "recorded" and "server" not in block:
        yield Fault("metadata.provenance.server", "a recording that does not say what answered")


def sources(subject: Subject) -> Iterator[Fault]:
    """A requirement whose source a reader cannot look up; our own decoder is none."""
    for number, requirement in enumerate(subject.metadata["requirements"]):
        where, source = f"metadata.requirements[{number}].source.ref", requirement["source"]
        ref = source["ref"]
        if ref.startswith(TODO):
            continue
        if "streamproof" in ref:
            yield Fault(where, f"{requirement['id']}: streamproof itself is no source: {ref!r}")
        elif fault := _bad_source(source):
            yield Fault(where, f"{requirement['id']}: {fault}: {ref!r}")


def _bad_source(source: Mapping[str, str]) -> str:
    kind, ref = source["kind"], source["ref"]
    if kind == "sdk_type":
        named = _TYPE.search(ref) or _URL.search(ref)
        return "" if named and _VERSION.search(ref) else "an SDK type is written package.module.Type (package version)"
    if kind == "issue":
        return "" if _ISSUE.search(ref) else "an issue has a URL"
    if kind in ("documentation", "standard"):
        return "" if _URL.search(ref) or ref.startswith(("RFC ", "docs/")) else "a page has a URL"
    return "" if len(ref) > 8 else "say which recording"


RULES: tuple[Rule, ...] = (
    Rule(id="readable", check=readable, needs="nothing", remedy="Mend the file, or record it again."),
    Rule(id="place", check=place, needs="cassette", remedy="Move it to cassettes/<protocol>/<slug>.yaml."),
    Rule(id="metadata", check=metadata, needs="cassette", remedy="docs/formats.md has the format."),
    Rule(id="unfinished", check=unfinished, remedy="Write it."),
    Rule(id="title", check=title, remedy="Say in 10 to 100 characters what happens on the wire, without a full stop."),
    Rule(id="providers", check=providers, remedy="Name rows of streamproof/providers.py."),
    Rule(
        id="provenance", check=provenance, remedy="Say what the bytes follow, and when they were written or recorded."
    ),
    Rule(id="source", check=sources, remedy="Name what a reader can look up."),
)
