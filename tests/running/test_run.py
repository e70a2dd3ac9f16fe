"""Running cells: whatever an adapter does, its cell gets a verdict and the others go on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from case_files import CUT_CHAT, STOP, TEXT, requirement, write_case
from streamproof import jsontext
from streamproof.adapters.contract import Call, Emit, Endpoint
from streamproof.adapters.reference import ReferenceAdapter
from streamproof.adapters.wire import WireAdapter
from streamproof.case import Case
from streamproof.cell import Cell, cells
from streamproof.completion import Completion, Delta, ErrorInfo, TextPart
from streamproof.decoders.base import Diagnostic
from streamproof.errors import HarnessFault, LLMError, Unsupported, UsageError, llm_error
from streamproof.laws import PREFIX
from streamproof.outcome import Outcome
from streamproof.providers import PROTOCOLS
from streamproof.running import ours
from streamproof.running import run_cell as run_module
from streamproof.running.ours import ADAPTERS, run_cells, versions
from streamproof.running.run_cell import run_cell
from streamproof.verdict import Verdict

TRUTH = Completion(content=(TextPart(text="Grüß dich"),), finish_reason="stop", status="complete")
DELTAS = (
    Delta("start", (0,), value={"type": "text"}),
    Delta("append", (0,), "text", "Grüß dich"),
    Delta("finish", value={"finish_reason": "stop", "raw_finish_reason": None}),
    Delta("close"),
)


class Fake:
    """An adapter that does what it is told: `act` gets the emit function and returns or raises."""

    name = "fake"
    protocols = PROTOCOLS

    def __init__(self, act: Callable[[Emit], Any]) -> None:
        self.act = act

    async def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        await asyncio.sleep(0)
        answer: Completion = self.act(emit)
        return answer


class PlainFake(Fake):
    """The same as a plain function, which the contract allows."""

    def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:  # type: ignore[override]
        answer: Completion = self.act(emit)
        return answer


def fails(error: BaseException) -> Callable[[Emit], Any]:
    """An act that raises."""

    def act(_: Emit) -> Any:
        raise error

    return act


def shows(*deltas: Delta, completion: Completion = TRUTH) -> Callable[[Emit], Any]:
    """An act that emits deltas and returns a completion."""

    def act(emit: Emit) -> Completion:
        for delta in deltas:
            emit(delta)
        return completion

    return act


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """A case with two MUSTs and a SHOULD."""
    should = requirement("model-kept", "model", "m-1", level="should")
    return write_case(tmp_path, requirements=[TEXT, STOP, should])


def graded(case: Case, adapter: Any) -> Outcome:
    """What comes out of its first cell."""
    return asyncio.run(run_cell(adapter, cells([case])[0]))


@pytest.fixture(params=[Fake, PlainFake])
def kind(request: pytest.FixtureRequest) -> type[Fake]:
    """Async and plain adapters are graded alike."""
    made: type[Fake] = request.param
    return made


def test_the_truth_passes(case: Case, kind: type[Fake]) -> None:
    """Every MUST holds; the SHOULD that does not only warns."""
    outcome = graded(case, kind(shows(*DELTAS)))
    assert outcome.verdict is Verdict.PASS
    assert [finding.requirement for finding in outcome.warnings] == ["model-kept"]
    assert outcome.completion == TRUTH
    assert outcome.deltas == DELTAS
    assert 0 < outcome.seconds < 5
    assert outcome.cell == "openai_chat/text@openai"


def test_deltas_are_not_demanded(case: Case, kind: type[Fake]) -> None:
    """A library without streaming is graded by its completion."""
    assert graded(case, kind(shows())).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("completion", "verdict", "failed"),
    [
        (Completion(content=(TextPart(text="Gruss"),), finish_reason="stop"), Verdict.WRONG, ["text-kept"]),
        (Completion(content=(TextPart(text="Grüß dich"),)), Verdict.LOSSY, ["finish-stop"]),
        (Completion(finish_reason="length"), Verdict.WRONG, ["text-kept", "finish-stop"]),
    ],
)
def test_wrong_and_lossy(
    case: Case, kind: type[Fake], completion: Completion, verdict: Verdict, failed: list[str]
) -> None:
    """Something else than the fact contradicts the wire, nothing where the fact should be loses it."""
    outcome = graded(case, kind(shows(completion=completion)))
    assert outcome.verdict is verdict
    missed = [f.requirement for f, _ in outcome.findings if f.level == "must" and not f.verdict.ok]
    assert [name for name in missed if not name.startswith(PREFIX)] == failed


def test_a_failed_requirement_points_into_the_stream(case: Case) -> None:
    """The place is that of the wire, not of the adapter's deltas."""
    outcome = graded(case, Fake(shows(completion=Completion())))
    assert {f.requirement: place for f, place in outcome.findings}["text-kept"] == "event 2, data"


@pytest.mark.parametrize("error", [KeyError("choices"), RuntimeError("x"), TimeoutError("read"), StopIteration(1)])
def test_a_crash(case: Case, kind: type[Fake], error: Exception) -> None:
    """An exception that is no LLMError; an adapter's own TimeoutError is no hang of ours."""
    outcome = graded(case, kind(fails(error)))
    assert outcome.verdict is Verdict.CRASH
    assert type(error).__name__ in outcome.message
    assert outcome.completion is None
    assert outcome.findings == ()


@pytest.mark.parametrize("answer", [None, "text", {"content": []}])
def test_an_answer_that_is_no_completion_is_a_crash(case: Case, kind: type[Fake], answer: Any) -> None:
    """It must not pass because there is nothing to check."""
    outcome = graded(case, kind(lambda _: answer))
    assert outcome.verdict is Verdict.CRASH
    assert f"returned {type(answer).__name__}, not a Completion" in outcome.message


def test_a_hang(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """An async adapter that waits for ever is cancelled."""
    monkeypatch.setattr(run_module, "TIMEOUT", 0.05)

    class Waits(Fake):
        async def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
            await asyncio.Event().wait()
            return TRUTH

    outcome = graded(case, Waits(shows()))
    assert (outcome.verdict, outcome.message) == (Verdict.HANG, "no answer within 0.05 s")


def test_a_plain_function_that_hangs(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be cancelled, so it is left behind, and the run ends nevertheless."""
    monkeypatch.setattr(run_module, "TIMEOUT", 0.05)
    gate = threading.Event()
    outcome = graded(case, PlainFake(lambda _: gate.wait(30)))
    gate.set()
    assert outcome.verdict is Verdict.HANG


def test_a_sync_client_that_hangs(case: Case) -> None:
    """It blocks its thread, so that it has one of its own: the run's loop goes on, and the cell is given up."""
    gate = threading.Event()

    class Hangs(ReferenceAdapter):
        def stream(self, call: Call, endpoint: Endpoint) -> Any:
            gate.wait(30)
            return super().stream(call, endpoint)

    outcome = asyncio.run(run_cell(Hangs(sync=True), cells([case], sync=True)[0], seconds=0.05))
    gate.set()
    assert (outcome.verdict, outcome.message) == (Verdict.HANG, "no answer within 0.05 s")


def test_a_fault_with_a_verdict_of_its_own(case: Case, kind: type[Fake]) -> None:
    """An adapter in this process may decline a call as one in another process does."""
    outcome = graded(case, kind(fails(Unsupported("no such model here"))))
    assert (outcome.verdict, outcome.message) == (Verdict.UNSUPPORTED, "no such model here")


def test_a_plain_function_may_return_an_awaitable(case: Case) -> None:
    """A method that hands on somebody's coroutine is no coroutine function itself."""

    async def later() -> Completion:
        return TRUTH

    assert graded(case, PlainFake(lambda _: later())).verdict is Verdict.PASS


def test_an_error_with_its_partial_is_graded(tmp_path: Path, kind: type[Fake]) -> None:
    """Raising with the partial completion tells as much as returning it."""
    facts = [
        requirement("text-kept", "content[0].text", "Hel"),
        requirement("status-interrupted", "status", "interrupted"),
        requirement("no-reason", "finish_reason", None, op="absent"),
    ]
    case = write_case(tmp_path, "openai_chat/cut", CUT_CHAT, requirements=facts)
    info = ErrorInfo(type="interrupted", message="the stream ended early")
    partial = Completion(content=(TextPart(text="Hel"),), error=info)
    outcome = graded(case, kind(fails(llm_error(info, partial=partial))))
    assert (outcome.verdict, outcome.completion, outcome.message) == (Verdict.PASS, partial, "")
    without = graded(case, kind(fails(llm_error(info))))
    assert without.verdict is Verdict.LOSSY
    assert without.message == "LLMInterruptedError without a partial completion: the stream ended early"


@pytest.mark.parametrize(
    ("deltas", "got"),
    [
        (DELTAS[:-1], '"complete"'),
        (DELTAS[1:], "they cannot be folded: KeyError: (0,)"),
        ((Delta("start", (0,), value={"type": "song"}),), "they cannot be folded: ValueError: no part type"),
        ((Delta("start", (0,), value=None),), "they cannot be folded: TypeError"),
        ((Delta("usage", value={}),), "they cannot be folded: KeyError"),
    ],
)
def test_deltas_that_do_not_fold(case: Case, kind: type[Fake], deltas: tuple[Delta, ...], got: str) -> None:
    """Who showed the user something else than what was returned is wrong, though every requirement holds."""
    outcome = graded(case, kind(shows(*deltas)))
    assert outcome.verdict is Verdict.WRONG
    assert {f.requirement: f.got for f, _ in outcome.findings}["law:fold"].startswith(got)


@pytest.mark.parametrize("error", [SystemExit(3), asyncio.CancelledError()])
def test_who_exits_costs_its_cell_only(case: Case, kind: type[Fake], error: BaseException) -> None:
    """`sys.exit` in an adapter, or a cancellation that nobody asked for, must not end the run."""
    outcome = graded(case, kind(fails(error)))
    assert outcome.verdict is Verdict.CRASH
    assert type(error).__name__ in outcome.message


def test_a_run_can_be_cancelled(case: Case) -> None:
    """Whoever cancels the run itself is obeyed: it is no crash of the adapter."""

    async def cancelled() -> None:
        class Waits(Fake):
            async def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
                await asyncio.Event().wait()
                return TRUTH

        task = asyncio.create_task(run_cell(Waits(shows()), cells([case])[0]))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


def test_raising_although_all_is_well(case: Case, kind: type[Fake]) -> None:
    """A whole answer that comes as an error is none to its caller, whatever the partial holds."""
    raised = llm_error(ErrorInfo(type="protocol", message="odd line"), partial=TRUTH)
    outcome = graded(case, kind(fails(raised)))
    assert outcome.verdict is Verdict.WRONG
    assert outcome.message.endswith("raised although the completion is complete: odd line")


@pytest.mark.parametrize(
    "act",
    [
        shows(completion=Completion(content=(object(),))),  # type: ignore[arg-type]
        shows(completion=Completion(finish_reason=object())),  # type: ignore[arg-type]
        shows(completion=Completion(raw_usage=object())),
        shows(completion=Completion(content=("text",))),  # type: ignore[arg-type]
        shows(completion=Completion(usage=None)),  # type: ignore[arg-type]
        fails(LLMError(ErrorInfo(type="server"), partial="text")),  # type: ignore[arg-type]
        fails(LLMError(ErrorInfo(type="server"), partial=Completion(tool_calls=5))),  # type: ignore[arg-type]
    ],
)
def test_an_answer_that_cannot_be_graded_is_a_crash(case: Case, kind: type[Fake], act: Callable[[Emit], Any]) -> None:
    """Objects of another library inside a completion must not end the run."""
    outcome = graded(case, kind(act))
    assert outcome.verdict is Verdict.CRASH
    assert "AdapterError" in outcome.message
    assert outcome.to_json()["completion"] is None


def test_shown_is_no_reserved_word_of_a_crash(case: Case) -> None:
    """A driver may have an attribute of this name that holds something else."""
    adapter = Fake(shows())
    adapter.shown = ["a delta"]  # type: ignore[attr-defined]
    outcome = graded(case, adapter)
    assert (outcome.verdict, outcome.completion) == (Verdict.CRASH, None)


def test_what_is_no_delta(case: Case, kind: type[Fake]) -> None:
    """It must not pass as one, and what no JSON can hold must not keep the outcome from being written."""
    assert graded(case, kind(shows(None))).verdict is Verdict.CRASH  # type: ignore[arg-type]
    odd = Delta("start", (0,), value={"type": "text", "text": object()})
    outcome = graded(case, kind(shows(*DELTAS[:1], odd)))
    assert outcome.verdict is Verdict.WRONG
    assert jsontext.dumps(outcome.to_json()["deltas"]) == jsontext.dumps([DELTAS[0].to_json()])


def test_unsupported(case: Case, tmp_path: Path) -> None:
    """Only what the adapter declares that it does not speak; who claims a protocol is held to it."""
    picky = Fake(fails(AssertionError("must not be asked")))
    picky.protocols = ("anthropic_messages",)
    assert graded(case, picky).verdict is Verdict.UNSUPPORTED
    converse = write_case(tmp_path, "bedrock_converse/text", b"", providers=["bedrock"])
    assert graded(converse, picky).verdict is Verdict.UNSUPPORTED
    assert graded(converse, Fake(fails(KeyError("choices")))).verdict is Verdict.CRASH
    assert graded(converse, ADAPTERS["reference"](False)).verdict is Verdict.UNSUPPORTED
    assert graded(converse, WireAdapter()).verdict is not Verdict.UNSUPPORTED


def test_a_fault_of_the_harness(case: Case, kind: type[Fake]) -> None:
    """It is told apart from what the adapter did."""
    outcome = graded(case, kind(fails(HarnessFault("no further answer"))))
    assert (outcome.verdict, outcome.message) == (Verdict.HARNESS, "no further answer")


def test_a_damaged_cassette_is_no_fault_of_the_adapter(case: Case) -> None:
    """With the file in the message."""
    case.path.write_text("interactions: 5")
    outcome = graded(case, Fake(shows()))
    assert outcome.verdict is Verdict.HARNESS
    assert str(case.path) in outcome.message


def test_what_an_adapter_shows_besides_is_checked_too(tmp_path: Path) -> None:
    """Requirements may speak of details and diagnostics."""
    facts = [requirement("stop-sequence", "details.stop_sequence", "END"),
             requirement("noted", "diagnostics[0].kind", "unknown_event")]  # fmt: skip
    case = write_case(tmp_path, requirements=facts)
    adapter = Fake(shows(*DELTAS))
    assert graded(case, adapter).verdict is Verdict.LOSSY
    adapter.shown = SimpleNamespace(  # type: ignore[attr-defined]
        details={"stop_sequence": "END"}, diagnostics=[Diagnostic("unknown_event", 1, "x")]
    )
    assert graded(case, adapter).verdict is Verdict.PASS


def test_one_bad_cell_costs_itself_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cells after a crash are run."""
    acts = [fails(KeyError(1)), shows(), fails(HarnessFault("x")), shows()]
    monkeypatch.setitem(ADAPTERS, "fake", lambda sync: Fake(acts.pop(0)))  # type: ignore[misc]
    chosen = cells([write_case(tmp_path), write_case(tmp_path, "openai_chat/again")])
    assert [outcome.verdict.word for outcome in run_cells("fake", chosen)] == ["crash", "pass", "harness", "pass"]


@pytest.mark.parametrize("sync", [False, True])
@pytest.mark.parametrize("name", ADAPTERS)
def test_our_adapters_pass(case: Case, name: str, sync: bool) -> None:
    """The whole way through each of them, sync and async, on every provider of the case."""
    outcomes = list(run_cells(name, cells([case], sync=sync)))
    assert [(o.cell.partition("@")[2], o.verdict.word) for o in outcomes] == [
        ("openai+sync" if sync else "openai", "pass"),
        ("openrouter+sync" if sync else "openrouter", "pass"),
    ]
    assert all(outcome.adapter == name for outcome in outcomes)


def test_cells(case: Case) -> None:
    """One per provider; a provider that none has is an error that lists those there are."""
    assert [cell.id for cell in cells([case])] == ["openai_chat/text@openai", "openai_chat/text@openrouter"]
    assert [cell.row.name for cell in cells([case], "openrouter")] == ["openrouter"]
    assert Cell(case=case, row=case.row(), sync=True).id == "openai_chat/text@openai+sync"
    with pytest.raises(UsageError, match="no case runs for provider 'zai'") as error:
        cells([case], "zai")
    assert "openai, openrouter" in str(error.value)


def test_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not installed is left out."""
    assert {"openai", "anthropic", "google-genai", "vcrpy"} <= set(versions())

    def missing(name: str) -> str:
        raise ours.PackageNotFoundError(name)

    monkeypatch.setattr(ours, "version", missing)
    assert versions() == {}
