"""A cassette with two interactions: one call gets the first answer, the next one on the same transport the second."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from streamproof import jsontext
from streamproof.adapters.contract import NO_OPTIONS, Endpoint
from streamproof.adapters.reference import ReferenceAdapter, ReferenceStream
from streamproof.adapters.requests import request_body
from streamproof.adapters.wire import WireAdapter
from streamproof.case import Case, all_cases
from streamproof.completion import Completion, Delta
from streamproof.hermetic import hermetic
from streamproof.messages import to_messages, tool_results
from streamproof.replay.transport import Playback, ReplayTransport
from streamproof.timeline import timeline

CONVERSATIONS = [case for case in all_cases() if "turns" in case.metadata]
ASKED = [case for case in CONVERSATIONS if case.row().sdk != "none"]


class OneTransport(Playback):
    """Gives every client the same transport, as an agent's own client has."""

    def __init__(self, case: Case) -> None:
        super().__init__(case.cassette, case.row(), case.call.model)
        self._only = super().transport()

    def transport(self) -> ReplayTransport:
        """The one transport."""
        return self._only

    @property
    def requests(self) -> list[Any]:
        """The bodies that were asked."""
        return [json.loads(request.content) for request in self._only.requests]


def said(case: Case, number: int) -> Completion:
    """What an answer of the cassette says."""
    return timeline(case.cassette.interactions[number], case.protocol, case.row().quirks).completion


def ids(case: Case) -> str:
    """A test's name."""
    return case.id


def run(case: Case, *, sync: bool) -> tuple[Completion, OneTransport]:
    """One run of the reference adapter."""
    playback = OneTransport(case)
    endpoint = Endpoint(provider=case.row(), playback=playback)
    deltas: list[Delta] = []
    with hermetic():
        answer = ReferenceAdapter(sync=sync).run(case.call, endpoint, deltas.append)
        completion = answer if isinstance(answer, Completion) else asyncio.run(_awaited(answer))
    return completion, playback


async def _awaited(answer: Any) -> Completion:
    completion: Completion = await answer
    return completion


@pytest.mark.parametrize("sync", [False, True], ids=["async", "sync"])
@pytest.mark.parametrize("case", ASKED, ids=ids)
def test_a_call_is_one_request_and_gets_the_first_answer(case: Case, sync: bool) -> None:
    """An adapter that plays the cassette on, or that shows a later answer, when there is more than one."""
    completion, playback = run(case, sync=sync)
    assert completion == said(case, 0)
    assert len(playback.requests) == 1


@pytest.mark.parametrize("case", CONVERSATIONS, ids=ids)
def test_wire_reads_the_first_answer(case: Case) -> None:
    """Snapshots that are written from another answer, or from both."""
    endpoint = Endpoint(provider=case.row(), playback=OneTransport(case))
    assert WireAdapter().run(case.call, endpoint, lambda _: None) == said(case, 0)


@pytest.mark.parametrize("case", ASKED, ids=ids)
def test_the_next_call_on_the_same_transport_gets_the_second_answer(case: Case) -> None:
    """An agent's loop that gets its first answer again, or whose SDK drops what the provider demands back."""
    playback = OneTransport(case)
    endpoint = Endpoint(provider=case.row(), playback=playback)
    first, second = (json.loads(each.request_body) for each in case.cassette.interactions)
    field = next(name for name in ("messages", "input", "contents") if name in first)
    body = {**request_body(case.call, case.protocol), **first}  # with what the client takes out of it
    with hermetic():
        stream = ReferenceStream(endpoint, body, 1, NO_OPTIONS)
        list(stream)
        added = next_messages(case, stream.completion)
        stream_2 = ReferenceStream(endpoint, {**body, field: [*body[field], *added]}, 1, NO_OPTIONS)
        list(stream_2)
    assert (stream.completion, stream_2.completion) == (said(case, 0), said(case, 1))
    assert [plain_base64(request[field]) for request in playback.requests] == [first[field], second[field]]


def next_messages(case: Case, completion: Completion) -> list[Any]:
    """The turn and the results of its calls, in the order of the calls."""
    parts = case.metadata["turns"][0]["messages"][0]["content"]
    results = {number: part["content"] for number, part in enumerate(parts)}
    turn = to_messages(completion, case.protocol, provider=case.row().name)
    made: list[Any] = json.loads(jsontext.dumps([*turn, *tool_results(completion, results, case.protocol)]))
    return made


def plain_base64(value: Any) -> Any:
    """google-genai writes bytes in the URL-safe alphabet; to the API it is the same (protobuf's JSON takes both)."""
    if isinstance(value, list):
        return [plain_base64(each) for each in value]
    if isinstance(value, dict):
        return {
            name: each.replace("-", "+").replace("_", "/") if name == "thoughtSignature" else plain_base64(each)
            for name, each in value.items()
        }
    return value
