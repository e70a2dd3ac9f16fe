"""Cells under wire plans: what is graded, what a plan does in process, and plans on the command line."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx2
import pytest
from click.testing import CliRunner
from streamproof.adapters.wire import WireAdapter
from streamproof.case import Case, all_cases
from streamproof.cell import cells, with_plans
from streamproof.cli import main
from streamproof.errors import UsageError
from streamproof.laws import PREFIX
from streamproof.outcome import Outcome
from streamproof.providers import TABLE
from streamproof.replay.transport import Playback
from streamproof.running.run_cell import run_cell
from streamproof.verdict import Verdict
from streamproof.wire.plans import Plan

CASES = {case.id: case for case in all_cases()}
TEXT = CASES["openai_chat/text"]


def run(case: Case, plan: str) -> Outcome:
    """The wire adapter on the first row's cell."""
    return asyncio.run(run_cell(WireAdapter(), replace(cells([case])[0], plan=Plan.parse(plan))))


def facts(outcome: Outcome) -> list[str]:
    """The requirements that were checked."""
    return [finding.requirement for finding, _ in outcome.findings if not finding.requirement.startswith(PREFIX)]


@pytest.mark.parametrize("plan", ["split:byte", "frame:comments,crlf", "inject:field", "split:7+frame:two-lines"])
def test_requirements_hold_where_a_plan_changes_nothing(plan: str) -> None:
    """A cell whose requirements nobody checked, as its bytes came otherwise."""
    outcome = run(TEXT, plan)
    assert (outcome.verdict, outcome.message) == (Verdict.PASS, "")
    assert len(facts(outcome)) == len(TEXT.requirements)
    assert outcome.cell.endswith(plan)


def test_requirements_are_not_those_of_a_cut_stream() -> None:
    """A cut blamed for the end that it took away; but a case written for a plan states what must come out of it."""
    assert facts(run(TEXT, "cut:after-3")) == []
    own = CASES["openai_chat/cut-transport-error"]
    assert str(own.plan) == "cut:after-4-reset"
    outcome = run(own, str(own.plan))
    assert len(facts(outcome)) == len(own.requirements)
    assert outcome.verdict is Verdict.PASS
    assert outcome.completion is not None
    assert outcome.completion.error is not None
    assert outcome.completion.error.code == "connection_lost"


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", "stream_incomplete"),
        ("-reset", "connection_lost"),
        ("-short", "connection_lost"),
        ("-stall", "idle_timeout"),
    ],
)
def test_every_end_is_told(end: str, code: str) -> None:
    """A broken connection that looks like a clean end."""
    outcome = run(TEXT, f"cut:after-3{end}")
    assert outcome.verdict is Verdict.PASS, outcome.message
    assert outcome.completion is not None
    assert outcome.completion.text
    assert outcome.completion.error is not None
    assert outcome.completion.error.code == code


def test_with_plans() -> None:
    """Cells whose plan is not legal for their stream; a request that gives no cell at all."""
    http_error = CASES["anthropic_messages/http-401"]
    both = cells([TEXT, http_error])
    chosen = with_plans(both, [Plan(split="byte"), Plan(cut="after-0")])
    assert {(c.case.id, str(c.plan)) for c in chosen} == {
        (TEXT.id, "split:byte"), (TEXT.id, "cut:after-0"), (http_error.id, "split:byte"),
    }  # fmt: skip
    with pytest.raises(UsageError, match="inject:ping: legal for none"):
        with_plans(both[:1], [Plan(inject="ping")])


@pytest.mark.parametrize(
    ("end", "fault"),
    [("reset", httpx2.ReadError), ("short", httpx2.RemoteProtocolError), ("stall", httpx2.ReadTimeout)],
)
def test_the_transport_raises_what_a_socket_would(end: str, fault: type[Exception]) -> None:
    """A cut that a client over HTTP takes for the end of the body, or that loses the bytes before it."""
    row, plan = TABLE["openai", "openai_chat"], Plan(split="7", cut=f"after-0-{end}")
    playback = Playback(TEXT.cassette, row, "m", plan=plan)
    came: list[bytes] = []
    with playback.client() as client, client.stream("POST", row.url("m")) as response, pytest.raises(fault):
        came.extend(response.iter_raw())
    body = TEXT.cassette.interactions[0].body
    assert all(len(chunk) <= 7 for chunk in came)
    assert b"".join(came) == body[: body.index(b"\n\n") + 2]


def test_plans_on_the_command_line() -> None:
    """A plan that the run forgets, names otherwise, or cannot be repeated by the command it prints."""
    asked = ["run", TEXT.id, "--adapter", "wire", "--provider", TEXT.providers[0]]
    result = CliRunner().invoke(
        main, [*asked, "--plan", "split:byte+frame:crlf", "--plan", "cut:after-1", "--json", "-"]
    )
    assert result.exit_code == 0, result.output
    for plan in ("split:byte+frame:crlf", "cut:after-1"):
        assert f'"{TEXT.id}@{TEXT.providers[0]}+{plan}"' in result.output
    result = CliRunner().invoke(main, [*asked, "--plan", "frame:utf7"])
    assert result.exit_code == 2
    assert "no wire plan frame:utf7" in result.output
