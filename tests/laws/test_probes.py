"""Laws that make calls of their own: about whom they speak, and what they must not take for a breach."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from streamproof.adapters.contract import Adapter, Call, Emit, Endpoint
from streamproof.adapters.reference import ReferenceAdapter
from streamproof.adapters.wire import WireAdapter
from streamproof.capabilities import Capabilities
from streamproof.case import Case, all_cases
from streamproof.cell import Cell, cells
from streamproof.completion import Completion
from streamproof.laws import PREFIX
from streamproof.laws.calling import Make
from streamproof.laws.pairs import differences
from streamproof.laws.probes import PROBES, probe
from streamproof.replay.serving import CaseServer
from streamproof.requirements import Finding
from streamproof.wire.plans import Plan

CASES = {case.id: case for case in all_cases()}
TEXT, CALL = CASES["openai_chat/text"], CASES["openai_chat/tool-id-missing"]
LIVE = ["one-request", "first-delta-early", "closing-closes"]


@pytest.fixture(scope="module")
def server() -> Iterator[CaseServer]:
    """The suite behind a loopback server."""
    with CaseServer() as serving:
        yield serving


def cell(case: Case, plan: str = "", *, sync: bool = False) -> Cell:
    """The first row's cell."""
    return replace(cells([case])[0], plan=Plan.parse(plan), sync=sync)


def probed(
    make: Make, asked: Cell, server: CaseServer | None = None, laws: Collection[str] = tuple(PROBES)
) -> dict[str, Finding]:
    """The findings by law."""
    found = asyncio.run(probe(make, asked, server, laws))
    return {finding.requirement.removeprefix(PREFIX): finding for finding, _ in found}


def reference(asked: Cell) -> Adapter:
    """The sound adapter."""
    return ReferenceAdapter(sync=asked.sync)


class Silent(ReferenceAdapter):
    """An adapter that shows no steps."""

    async def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        return await super().run(call, endpoint, lambda _: None)


@pytest.mark.parametrize("sync", [False, True])
def test_the_sound_adapter_holds_them_all(server: CaseServer, sync: bool) -> None:
    """A law that no adapter can keep, or that is silent where it should speak; `twin` has nothing to compare here."""
    found = probed(reference, cell(TEXT, sync=sync), server)
    assert set(found) == set(PROBES) - {"twin"}
    assert all(finding.verdict.ok for finding in found.values()), found


def test_without_a_server_only_calls_are_compared() -> None:
    """An adapter without HTTP that is blamed for a connection which it does not have."""
    assert set(probed(lambda _: WireAdapter(), cell(TEXT))) == set(PROBES) - {*LIVE, "twin"}


def test_an_adapter_without_steps(server: CaseServer) -> None:
    """A library that cannot show anything early, blamed for that."""
    assert list(probed(lambda asked: Silent(sync=asked.sync), cell(TEXT), server, LIVE)) == ["one-request"]


def test_an_adapter_that_does_not_speak_the_protocol(server: CaseServer) -> None:
    """Laws about calls that were never made."""
    converse = CASES["bedrock_converse/text"]
    assert probed(reference, cell(converse), server) == {}


def test_an_adapter_that_declares_little(server: CaseServer) -> None:
    """One that cannot be told to stop, and has no sync side, blamed for both."""

    class Modest(ReferenceAdapter):
        capabilities = Capabilities(protocols=("openai_chat",), cancel=False, sync=False)

    found = probed(lambda _: Modest(), cell(TEXT), server, [*LIVE, "sync-is-async"])
    assert list(found) == ["one-request", "first-delta-early"]


class MakesIdsUp(WireAdapter):
    """Gives a call without an id a new one each time, as many libraries do."""

    numbers = count()

    def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        got = super().run(call, endpoint, lambda _: None)
        calls = tuple(replace(each, id=each.id or f"made_up_{next(self.numbers)}") for each in got.tool_calls)
        return replace(got, tool_calls=calls)


def test_what_differs_from_itself_is_no_difference() -> None:
    """An id that a library makes up for each call, taken for an effect of how the bytes came."""
    found = probed(lambda _: MakesIdsUp(), cell(CALL), None, ["same-however-split", "sync-is-async"])
    assert [finding.verdict.ok for finding in found.values()] == [True, True]


def test_the_cell_names_the_plan_to_try() -> None:
    """A plan that was asked for, and another one that is tried; a law that speaks about a plan of the other kind."""

    class Odd(WireAdapter):
        def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
            assert endpoint.playback is not None
            pieces = len(list(next(endpoint.playback.responses()).chunks))
            return replace(super().run(call, endpoint, lambda _: None), model=str(pieces))

    laws = ["same-however-split", "unknown-events-change-nothing"]
    asked = cell(TEXT, "split:event")
    (found,) = asyncio.run(probe(lambda _: Odd(), asked, None, laws))
    assert (found[0].requirement, found[0].path, found[0].expected) == ("law:same-however-split", "model", '"1"')
    assert found[1] == asked.id


def test_a_call_that_gives_nothing() -> None:
    """An adapter that fails under a plan, whose failure is lost as there is nothing to compare."""

    class Picky(WireAdapter):
        def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
            assert endpoint.playback is not None
            chunks = list(next(endpoint.playback.responses()).chunks)
            if len(chunks) > 1:
                raise KeyError("choices")
            return super().run(call, endpoint, emit)

    found = probed(lambda _: Picky(), cell(TEXT, "split:event"), None, ["same-however-split"])
    assert found["same-however-split"].got == "KeyError: 'choices'"


@pytest.mark.parametrize(
    ("one", "other", "paths"),
    [
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, [("a", 1, "b")]),
        ({"a": [1]}, {"a": [1, 2]}, [("a",)]),
        ({"a": 1}, {"b": 1}, [()]),
        ({"a": None}, {"a": None}, []),
    ],
)
def test_differences(one: Any, other: Any, paths: list[tuple[str | int, ...]]) -> None:
    """A place that is not found, so that a difference in it cannot be left out alone."""
    assert [path for path, _, _ in differences(one, other)] == paths
