"""A badge: the JSON that shields.io's endpoint badge reads (https://shields.io/badges/endpoint-badge)."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UsageError
from ..jsontext import JSONObject
from .columns import Column
from .summary import no_score, percent, tally
from .visible import one_line

_COLOURS = ((100, "brightgreen"), (95, "green"), (80, "yellowgreen"), (60, "yellow"), (40, "orange"), (0, "red"))
"""From how many per cent of right cells on a badge has which colour."""


def badge(columns: Sequence[Column]) -> JSONObject:
    """right/of and the offered share of one adapter. Raises UsageError for several: a badge speaks for one."""
    if len(columns) != 1:
        names = ", ".join(column.label for column in columns)
        raise UsageError(
            f"a badge is for one adapter, these runs are of {names}", remedy="choose one with --adapter NAME"
        )
    column = columns[0]
    found = tally(column.results.values())
    reason = no_score(column)
    if reason:
        message, colour = f"no score: {one_line(reason, 80)}", "lightgrey"
    else:
        message = f"{found.right}/{found.of} right, {percent(found.offered, found.musts)} offered"
        colour = next(name for least, name in _COLOURS if 100 * found.share >= least)
    return {
        "schemaVersion": 1,
        "label": f"streamproof {one_line(column.version, 40)}".strip() if column.version else "streamproof",
        "message": message,
        "color": colour,
        "isError": not column.sound,
    }
