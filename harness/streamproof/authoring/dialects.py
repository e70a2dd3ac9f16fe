"""Members that single providers add to a protocol's published schema, each with where it is documented or was seen.

What stands here is declared for every case of that provider; anything else a case declares itself, in
`schema_deviates`. A member is allowed where one of the case's providers has it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import NamedTuple


class Dialect(NamedTuple):
    """providers: whose it is, "*" for all. places: regular expressions over the places of breaches, without indexes
    (`choices.delta.reasoning`); one covers what is below it too. evidence: a page, or the recordings that show it."""

    protocol: str
    providers: tuple[str, ...]
    places: tuple[str, ...]
    evidence: str


DIALECTS: tuple[Dialect, ...] = (
    Dialect(
        "openai_responses",
        ("*",),
        (r"response\.(store|frequency_penalty|presence_penalty|billing|user)",),
        "recordings of api.openai.com: the request's parameters are echoed, these three beyond the SDK's Response",
    ),
    Dialect(
        "openai_responses",
        ("*",),
        (r"response\.usage\.input_tokens_details\.cache_write_tokens",),
        "openai 3.54.0 requires the count; servers before 2026 and all compatible ones do not send it; recordings",
    ),
)


@cache
def _patterns(protocol: str, provider: str) -> tuple[re.Pattern[str], ...]:
    return tuple(
        re.compile(rf"(?:{place})(?:$|\.)")
        for dialect in DIALECTS
        if dialect.protocol == protocol and ("*" in dialect.providers or provider in dialect.providers)
        for place in dialect.places
    )


def is_dialect(protocol: str, providers: Collection[str], place: str) -> bool:
    """Whether a breach at this place is a known one of these providers."""
    plain = re.sub(r"\[\d+\]", "", place)
    return any(pattern.match(plain) for provider in providers for pattern in _patterns(protocol, provider))
