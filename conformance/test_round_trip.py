"""Cases with a second interaction: a turn that `to_messages` writes holds all that the provider demands back.

The second request of such a case is written by hand from the provider's documentation: it is the oracle.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, zip_longest
from typing import Any

import pytest
from streamproof import jsontext
from streamproof.case import Case, all_cases
from streamproof.cassette import Interaction
from streamproof.completion import Completion
from streamproof.messages import to_messages, tool_results
from streamproof.providers import PROTOCOLS
from streamproof.timeline import timeline

CASES = [case for case in all_cases() if "turns" in case.metadata]

CONVERSATION = {"openai_responses": "input", "gemini_generate_content": "contents"}
"""Where a request holds the conversation, `messages` for the other protocols."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_next_request(case: Case) -> None:
    """A turn that comes back to its provider without a signature, a ciphertext or an id, or changed in any way."""
    row = case.row()
    pairs = list(pairwise(case.cassette.interactions))
    for (before, after), turn in zip(pairs, case.metadata["turns"], strict=True):
        completion = completed(case, before)
        outputs = outputs_of(completion, turn["messages"])
        sent = [
            *to_messages(completion, case.protocol, provider=row.name),
            *tool_results(completion, outputs, case.protocol),
        ]
        found = next(differences(added(case.protocol, before, after), plain(sent)), None)
        assert found is None, f"{case.id}: {found}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_last_answer(case: Case) -> None:
    """A conversation whose last answer is no answer, so that nobody knows whether the provider took what it got."""
    completion = completed(case, case.cassette.interactions[-1])
    assert (completion.status, completion.error) == ("complete", None), case.id
    assert completion.text, case.id
    assert completion.tool_calls == (), case.id


def test_every_protocol_makes_the_round_trip() -> None:
    """A protocol whose turns nobody sends back."""
    assert {case.protocol for case in CASES} == set(PROTOCOLS)


@pytest.mark.parametrize(
    ("expected", "got", "found"),
    [
        ([{"a": 1, "b": [2]}], [{"b": [2], "a": 1}], None),
        ([{"a": {"b": 1}}], [{"a": {"b": 2}}], "[0].a.b: expected 1, got 2"),
        ([{"a": 1}], [{}], "[0].a: expected 1, got nothing"),
        ([], [{"a": 1}], '[0]: expected nothing, got {"a":1}'),
        ([1], [True], "[0]: expected 1, got true"),
        ([None], [], "[0]: expected null, got nothing"),
    ],
)
def test_differences(expected: Any, got: Any, found: str | None) -> None:
    """A comparison that overlooks a field, or that names the wrong place."""
    assert next(differences(expected, got), None) == found


def completed(case: Case, interaction: Interaction) -> Completion:
    """What a response says, as its first provider sends it."""
    return timeline(interaction, case.protocol, case.row().quirks).completion


def outputs_of(completion: Completion, messages: list[Any]) -> dict[int, str]:
    """The results in a turn's messages, by the index of their call."""
    ids = [call.id for call in completion.tool_calls]
    parts = [part for message in messages for part in message["content"]]
    assert {part["type"] for part in parts} == {"tool_result"}, "only results can follow a turn so far"
    return {ids.index(part["id"]): part["content"] for part in parts}


def added(protocol: str, before: Interaction, after: Interaction) -> list[Any]:
    """What the second request has and the first has not; nothing else may differ between them."""
    field = CONVERSATION.get(protocol, "messages")
    first, second = (jsontext.loads(each.request_body.decode()) for each in (before, after))
    known = first[field]
    assert second == {**first, field: second[field]}
    assert second[field][: len(known)] == known
    return list(second[field][len(known) :])


def plain(value: Any) -> Any:
    """As it goes over the wire."""
    return jsontext.loads(jsontext.dumps(value))


NOTHING = object()


def differences(expected: Any, got: Any, path: str = "") -> Iterator[str]:
    """Where two JSON values differ; the order of keys does not matter."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in {**expected, **got}:
            yield from differences(expected.get(key, NOTHING), got.get(key, NOTHING), f"{path}.{key}")
    elif isinstance(expected, list) and isinstance(got, list):
        for at, (one, other) in enumerate(zip_longest(expected, got, fillvalue=NOTHING)):
            yield from differences(one, other, f"{path}[{at}]")
    elif _shown(expected) != _shown(got):
        yield f"{path}: expected {_shown(expected)}, got {_shown(got)}"


def _shown(value: Any) -> str:
    return "nothing" if value is NOTHING else jsontext.dumps(value)
