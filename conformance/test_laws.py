"""The laws that compare calls or watch connections: a seeded sample; `nox -s sweep` does all cases.

`wire` and `reference` have no exemption; what the SDKs' readers cannot read stands in wire_plans.toml.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import pytest
from law_checks import law_cells, law_complaints
from plan_checks import small
from streamproof.case import Case, all_cases
from streamproof.laws.probes import probe
from streamproof.laws.twins import twin_of
from streamproof.replay.serving import CaseServer
from streamproof.running.ours import ADAPTERS

SEED = "streamproof laws 1"
CASES = [case for case in all_cases() if case.cassette.interactions and small(case)]
WITH_SDK = [case for case in CASES if any(row.sdk != "none" for row in case.rows())]
TWINS = [case for case in CASES if twin_of(case)]


def some(cases: list[Case], count: int, salt: str) -> list[Case]:
    """The same ones every time."""
    return random.Random(f"{SEED}/{salt}").sample(cases, count)


@pytest.fixture(scope="module")
def server() -> Iterator[CaseServer]:
    """The suite behind a loopback server."""
    with CaseServer() as serving:
        yield serving


def complaints(adapter: str, case: Case, server: CaseServer) -> list[str]:
    """What the laws say about one cell of a case; which one depends on the case."""
    cell = random.Random(f"{SEED}/{case.id}").choice(law_cells(case, adapter))
    return asyncio.run(law_complaints(adapter, cell, server))


@pytest.mark.parametrize("case", some(CASES, 40, "wire"), ids=lambda case: case.id)
def test_wire(case: Case, server: CaseServer) -> None:
    """A decoder that notices how bytes come, or what a provider may add."""
    assert complaints("wire", case, server) == []


@pytest.mark.parametrize("case", some(WITH_SDK, 24, "reference"), ids=lambda case: case.id)
def test_reference(case: Case, server: CaseServer) -> None:
    """A second request, a stream that is collected first, a connection left open, a side that reads otherwise."""
    assert complaints("reference", case, server) == []


@pytest.mark.parametrize("case", some(WITH_SDK, 16, "sdk"), ids=lambda case: case.id)
def test_sdk(case: Case, server: CaseServer) -> None:
    """An SDK that retries, collects or keeps connections, and nobody noticed."""
    assert complaints("sdk", case, server) == []


@pytest.mark.parametrize("adapter", ["wire", "reference", "sdk"])
@pytest.mark.parametrize("case", TWINS, ids=lambda case: case.id)
def test_twins(case: Case, adapter: str) -> None:
    """A stream that says something else than the answer without streaming did."""
    (found,) = asyncio.run(
        probe(lambda asked: ADAPTERS[adapter](asked.sync), law_cells(case, adapter)[0], None, ["twin"])
    )
    assert found[0].verdict.ok, found


def test_there_are_twins() -> None:
    """Recordings that no case claims, so that the law would be silent."""
    assert len(TWINS) == 20
    assert len({case.protocol for case in TWINS}) == 4
