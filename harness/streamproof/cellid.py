"""Names of cases and cells.

    case     = protocol, "/", slug ;
    cell     = case, "@", provider, [ "+split:", value ], [ "+frame:", value ], [ "+inject:", value ],
               [ "+cut:", value ], [ "+pace:", value ], [ "+coding:", value ], [ "+sync" ] ;
    slug     = word, { "-", word } ;
    provider = word, { "_", word } ;
    value    = word, { ( "-" | "." | "," | "_" ), word } ;
    word     = ( "a".."z" | "0".."9" ), { "a".."z" | "0".."9" } ;

The parts stand in that order. A name stays for ever: expectations and other projects' skip lists hold it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath

from .errors import UsageError
from .providers import PROTOCOLS

SLUG = r"[a-z0-9]+(?:-[a-z0-9]+)*"
PROVIDER = r"[a-z0-9]+(?:_[a-z0-9]+)*"
VALUE = r"[a-z0-9]+(?:[-.,_][a-z0-9]+)*"

_PLAN = ("split", "frame", "inject", "cut", "pace", "coding")
_CASE = re.compile(f"(?P<protocol>{'|'.join(PROTOCOLS)})/(?P<slug>{SLUG})")
_CELL = re.compile(
    rf"(?P<case>{_CASE.pattern})@(?P<provider>{PROVIDER})"
    rf"(?:\+split:(?P<split>{VALUE}))?(?:\+frame:(?P<frame>{VALUE}))?"
    rf"(?:\+inject:(?P<inject>{VALUE}))?(?:\+cut:(?P<cut>{VALUE}))?"
    rf"(?:\+pace:(?P<pace>{VALUE}))?(?:\+coding:(?P<coding>{VALUE}))?(?P<sync>\+sync)?"
)


def check_case_id(text: str) -> str:
    """`text` itself. Raises UsageError when it is no case id."""
    if not _CASE.fullmatch(text):
        raise UsageError(
            f"{text!r} is no case id",
            remedy=f"write <protocol>/<slug>, protocol one of {', '.join(PROTOCOLS)}, slug like plain-text-2",
        )
    return text


def case_id(path: PurePath | str) -> str:
    """The id of the case whose cassette is at `.../<protocol>/<slug>.yaml`. Raises UsageError as `check_case_id`."""
    path = PurePath(path)
    return check_case_id(f"{path.parent.name}/{path.stem}")


def case_of(cell: str) -> str:
    """The case id of a cell id, which is not checked."""
    return cell.partition("@")[0]


def protocol_of(cell: str) -> str:
    """The protocol of a cell id, which is not checked."""
    return cell.partition("/")[0]


@dataclass(frozen=True, slots=True)
class CellId:
    """One case at one provider, delivered in one way. split to coding: words of the wire plan (wire/plans), None = as
    stored. sync: the adapter's synchronous side."""

    case: str
    provider: str
    split: str | None = field(default=None, kw_only=True)
    frame: str | None = field(default=None, kw_only=True)
    inject: str | None = field(default=None, kw_only=True)
    cut: str | None = field(default=None, kw_only=True)
    pace: str | None = field(default=None, kw_only=True)
    coding: str | None = field(default=None, kw_only=True)
    sync: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        if not _CELL.fullmatch(self.format()):
            raise UsageError(f"{self.format()!r} is no cell id", remedy=_REMEDY)

    @classmethod
    def parse(cls, text: str) -> CellId:
        """The inverse of `format`. Raises UsageError."""
        found = _CELL.fullmatch(text)
        if found is None:
            raise UsageError(f"{text!r} is no cell id", remedy=_REMEDY)
        parts = {name: found[name] for name in ("case", "provider", *_PLAN)}
        return cls(**parts, sync=found["sync"] is not None)

    @property
    def protocol(self) -> str:
        """The protocol of the case."""
        return self.case.partition("/")[0]

    @property
    def plan(self) -> str:
        """The wire plan, `split:byte+frame:crlf`; "" for the body as stored."""
        values = ((name, getattr(self, name)) for name in _PLAN)
        return "+".join(f"{name}:{value}" for name, value in values if value is not None)

    def format(self) -> str:
        """`openai_responses/incomplete-reasoning-only@openai+split:byte`."""
        plan = f"+{self.plan}" if self.plan else ""
        return f"{self.case}@{self.provider}{plan}{'+sync' if self.sync else ''}"

    def __str__(self) -> str:
        return self.format()

    @property
    def file_name(self) -> str:
        """A name that every file system takes; different cells have different names."""
        return self.format().replace("/", "--").replace(":", "=")


_REMEDY = (
    "write <protocol>/<slug>@<provider>[+split:...][+frame:...][+inject:...][+cut:...][+pace:...][+coding:...][+sync], "
    "parts in that order"
)
