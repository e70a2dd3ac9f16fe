"""The laws by name. Data only: `streamproof laws` prints it, docs/laws.md explains it.

Names stay for ever: expectations, skip lists and reports hold them as `law:<name>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

PREFIX = "law:"
"""Before a law's name, where requirements stand too."""

Applies: TypeAlias = Literal["always", "deltas", "broken", "process", "asked", "calls", "live"]
"""When a law says something. `calls` and `live` make calls of their own, the others look at the outcome of one cell."""

WHEN: Mapping[Applies, str] = {
    "always": "every cell",
    "deltas": "cells whose adapter showed deltas",
    "broken": "cells whose stream was cut or failed",
    "process": "cells whose adapter runs in a process of its own",
    "asked": "cells whose adapter runs in a process of its own; others, when laws are asked for and it speaks HTTP",
    "calls": "compares several calls; only when laws are asked for",
    "live": "watches a live connection; only when laws are asked for, and the adapter speaks HTTP",
}
"""What the words mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """One law. sentence: what holds. reason: what the user loses where it does not. applies: when it is looked at."""

    name: str
    sentence: str
    reason: str
    applies: Applies

    @property
    def id(self) -> str:
        """As outcomes and expectations name it: `law:<name>`."""
        return PREFIX + self.name

    @property
    def when(self) -> str:
        """When it is looked at, in words."""
        return WHEN[self.applies]


_ALL = (
    Law(
        name="one-end",
        sentence="A stream has one end, a `close` or an `error` of the message, and no content comes after it.",
        reason="An agent acts at the end: with two ends it acts twice, and what comes later is never seen.",
        applies="deltas",
    ),
    Law(
        name="fold",
        sentence="The deltas, folded, are the completion.",
        reason="What the user watched and what the program stores would be two different answers.",
        applies="deltas",
    ),
    Law(
        name="text-is-fold",
        sentence="The completion's text is what the text deltas make.",
        reason="The text on the screen is doubled, cut or reordered, though the stored answer is right.",
        applies="deltas",
    ),
    Law(
        name="calls-once",
        sentence="Each tool call is there once, and nothing of it comes before its start.",
        reason="A call that is handed out twice runs twice: a second mail, a second payment.",
        applies="always",
    ),
    Law(
        name="ids-stable",
        sentence="An id that was shown does not change, unless the wire itself changes it.",
        reason="A result is sent back under the id that was shown first, and the provider refuses the request.",
        applies="deltas",
    ),
    Law(
        name="nothing-invented",
        sentence="No part, tool call, usage number or known finish reason is there that the wire does not support.",
        reason="Bills are paid, calls are run and answers trusted that no provider ever gave.",
        applies="always",
    ),
    Law(
        name="cut-is-not-complete",
        sentence="A stream that ends before its terminal is not complete.",
        reason="Half an answer is taken for a whole one: half a patch is applied, and nobody asks again.",
        applies="broken",
    ),
    Law(
        name="failed-is-told",
        sentence="An error that the provider reported is `failed`, a lost connection is not, and either says why.",
        reason="A swallowed error looks like a short answer; a wrong one makes the caller retry, or not, in error.",
        applies="always",
    ),
    Law(
        name="prefix-kept",
        sentence="What came before a cut or an error is kept.",
        reason="The user saw text that is gone afterwards, and tokens that were paid for are lost.",
        applies="broken",
    ),
    Law(
        name="fault-after-terminal-noted",
        sentence="A connection that breaks after the terminal takes nothing away from the answer, and is noted.",
        reason="A whole answer is thrown away and paid for again, or a failing proxy is never noticed.",
        applies="broken",
    ),
    Law(
        name="network",
        sentence="A replay reaches nothing but this machine.",
        reason="A test that asks a real server costs money, leaks what it was given, and proves nothing.",
        applies="process",
    ),
    Law(
        name="one-request",
        sentence="One call sends one request.",
        reason="A hidden retry doubles cost and waiting, and shows an answer of which half belongs to another.",
        applies="asked",
    ),
    Law(
        name="same-however-split",
        sentence="However the bytes are split and framed, the completion is the same.",
        reason="The answer depends on the network: it is right on the developer's machine, wrong behind a proxy.",
        applies="calls",
    ),
    Law(
        name="unknown-events-change-nothing",
        sentence="Events and fields that a provider adds change nothing.",
        reason="Providers add them on any day, without notice; the program breaks on that day.",
        applies="calls",
    ),
    Law(
        name="first-delta-early",
        sentence="The first delta is shown while the rest of the stream has not yet come.",
        reason="A stream that is collected first is no stream: the user waits for the whole answer.",
        applies="live",
    ),
    Law(
        name="closing-closes",
        sentence="A caller that stops early has the connection closed.",
        reason="The provider goes on generating and counting tokens, and the pool runs out of connections.",
        applies="live",
    ),
    Law(
        name="sync-is-async",
        sentence="The sync and the async side give the same completion.",
        reason="What is tested on one side is used on the other.",
        applies="calls",
    ),
    Law(
        name="twin",
        sentence="The completion is that of the answer without streaming, where one was recorded.",
        reason="Switching streaming on or off changes what the program sees.",
        applies="calls",
    ),
)

LAWS: Mapping[str, Law] = {law.name: law for law in _ALL}
"""Every law by name, in the order of the documentation."""
