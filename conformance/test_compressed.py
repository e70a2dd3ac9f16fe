"""The whole suite once more, its bodies compressed on the way (`coding:gzip`): every case, one row, async.

`sdk` meets compressed bodies in the sample of test_wire_plans.py, and in `nox -s sweep`.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from plan_checks import unexcused
from streamproof.case import Case, all_cases
from streamproof.cell import Cell, can_play, cells
from streamproof.running.ours import ADAPTERS
from streamproof.running.run_cell import run_cell
from streamproof.wire.plans import Plan

GZIP = Plan(coding="gzip")
CASES = list(all_cases())
EMPTY = {
    "anthropic_messages/cut-no-message-stop-empty-body",
    "gemini_generate_content/cut-or-empty-or-html-empty",
    "openai_chat/empty-stream-no-bytes",
}
"""Cases without a byte; there is nothing to compress."""


def compressed(case: Case) -> list[tuple[str, Cell]]:
    """(adapter, cell): the first row, and the first that has an SDK (Bedrock's Converse has none)."""
    rows = cells([case])
    with_sdk = [cell for cell in rows if cell.row.sdk != "none"]
    chosen = [("wire", rows[0]), *(("reference", cell) for cell in with_sdk[:1])]
    return [(adapter, replace(cell, plan=GZIP)) for adapter, cell in chosen]


@pytest.mark.parametrize("case", [case for case in CASES if case.id not in EMPTY], ids=lambda case: case.id)
def test_compressed(case: Case) -> None:
    """A body that is read before it is decompressed, late, or not to its end: all requirements hold as ever."""
    assert can_play(case, GZIP)
    for adapter, cell in compressed(case):
        assert not unexcused(cell, asyncio.run(run_cell(ADAPTERS[adapter](False), cell)))


@pytest.mark.parametrize("id", sorted(EMPTY))
def test_nothing_to_compress(id: str) -> None:
    """A case that has a body by now, and is left out without need."""
    case = next(case for case in CASES if case.id == id)
    assert case.cassette.interactions[0].body == b""
    assert not can_play(case, GZIP)
