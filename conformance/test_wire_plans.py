"""A seeded sample of cases under wire plans; `nox -s sweep` runs all of them.

`wire` and `reference` have no exemption. What the SDKs' readers cannot read stands in wire_plans.toml.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest
from plan_checks import Fault, faults, found, small, unexcused
from streamproof.case import Case, all_cases
from streamproof.cell import Cell, can_play, cells
from streamproof.running.ours import ADAPTERS
from streamproof.running.run_cell import run_cell
from streamproof.wire.plans import Plan, drawn

SEED = "streamproof 1"
CASES = [case for case in all_cases() if case.cassette.interactions and small(case)]
BY_ID = {case.id: case for case in CASES}
WITH_SDK = [case for case in CASES if any(row.sdk != "none" for row in case.rows())]


def some(count: int, salt: str) -> list[Case]:
    """Cases that an SDK can run."""
    return random.Random(f"{SEED}/{salt}").sample(WITH_SDK, count)


def sample(case: Case, count: int, salt: str = "") -> list[Cell]:
    """Cells of a case: the plan that it was written for, and drawn ones; the rows and sync or async take turns."""
    dice = random.Random(f"{SEED}/{salt}/{case.id}")
    body = case.cassette.interactions[0].body
    plans = ([case.plan] if case.plan else []) + drawn(case.protocol, body, count, f"{SEED}/{salt}/{case.id}")
    rows = cells([case])
    return [
        replace(dice.choice(rows), plan=plan, sync=dice.random() < 0.5)
        for plan in dict.fromkeys(plans)
        if can_play(case, plan)
    ]


def complaints(adapter: str, tried: list[Cell]) -> list[str]:
    """What is wrong with these cells."""
    return [
        complaint
        for cell in tried
        for complaint in unexcused(cell, asyncio.run(run_cell(ADAPTERS[adapter](cell.sync), cell)))
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_wire(case: Case) -> None:
    """A decoder or reader that notices how the bytes came, loses what came before a cut, or makes a cut look whole."""
    assert not complaints("wire", [replace(cell, sync=False) for cell in sample(case, 3)])


@pytest.mark.parametrize("case", some(90, "reference"), ids=lambda case: case.id)
def test_reference(case: Case) -> None:
    """A transport between bytes and decoder that loses or changes something on the way."""
    assert not complaints("reference", sample(case, 2, "reference"))


@pytest.mark.parametrize("case", some(60, "sdk"), ids=lambda case: case.id)
def test_sdk(case: Case) -> None:
    """An SDK whose reader fails under a plan that wire_plans.toml does not list."""
    assert not complaints("sdk", sample(case, 2, "sdk"))


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: f"{fault.sdk[0]}-{fault.plans[0].partition(':')[2]}")
def test_listed_faults_are_there(fault: Fault) -> None:
    """A fault that upstream has mended, and whose entry hides the next one."""
    case = BY_ID[fault.witness]
    row = next(cell for cell in cells([case]) if cell.row.sdk in fault.sdk)
    for plan in map(Plan.parse, fault.plans):
        cell = replace(row, plan=plan)
        assert can_play(case, plan), cell.id
        outcome = asyncio.run(run_cell(ADAPTERS["sdk"](False), cell))
        assert found(cell, outcome), f"{cell.id} passes: take {plan} out of wire_plans.toml ({fault.reason})"
        assert not found(cell, asyncio.run(run_cell(ADAPTERS["reference"](False), cell)))
