"""The tracer: records reach every sink, in order, and no sink can hurt the stream or another sink."""

from __future__ import annotations

import gc
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamproof.trace import Problem, ProviderTrace, Tracer, tracer
from trace_records import CONTENT, trace


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """An event that a blocking sink waits for; set at the end, so that no thread outlives its test."""
    event = threading.Event()
    yield event
    event.set()


def wait_until(met: Callable[[], bool], seconds: float = 5.0) -> None:
    """Fail when the condition is not met in time."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "not met in time"
        time.sleep(0.002)


def ids(records: list[ProviderTrace]) -> list[str]:
    """The ids, in order."""
    return [record.id for record in records]


def test_order_is_kept_and_every_sink_sees_all() -> None:
    """Records reach each sink in the order in which they were submitted."""
    first: list[ProviderTrace] = []
    second: list[ProviderTrace] = []
    with Tracer([first.append, second.append]) as traced:
        for number in range(200):
            traced.submit(trace(id=str(number)))
        assert traced.flush()
    assert ids(first) == ids(second) == [str(number) for number in range(200)]
    assert traced.problems == ()


def test_threads_start_with_the_first_record() -> None:
    """A tracer that is never used costs no thread."""
    before = threading.active_count()
    traced = Tracer([print])
    assert threading.active_count() == before
    assert traced.flush(0)
    traced.close()


def test_a_raising_sink_is_counted_logged_once_and_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """Each failure is counted, the log hears of it once without the secret, other sinks see every record."""
    seen: list[ProviderTrace] = []

    def broken(record: ProviderTrace) -> None:
        raise ValueError(f"no {record.id} with sk-proj-Planted123Planted123Planted")

    with caplog.at_level(logging.WARNING, "streamproof.trace"), Tracer([broken, seen.append]) as traced:
        for number in range(3):
            traced.submit(trace(id=str(number)))
        assert traced.flush()
        (problem,) = traced.problems
    assert problem.failures == 3
    assert problem.dropped == 0
    assert problem.sink.endswith("broken")
    assert problem.last_error == "ValueError: no 2 with REDACTED"
    assert len(seen) == 3
    assert len(caplog.records) == 1
    assert "broken" in caplog.text
    assert "Planted" not in caplog.text


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, RecursionError])
def test_no_exception_ends_the_thread(error: type[BaseException]) -> None:
    """Also exceptions that end threads or programs only lose their record."""
    seen: list[str] = []

    def sink(record: ProviderTrace) -> None:
        if record.id == "bad":
            raise error
        seen.append(record.id)

    with Tracer([sink]) as traced:
        for name in ("1", "bad", "2"):
            traced.submit(trace(id=name))
    assert seen == ["1", "2"]
    assert traced.problems[0].failures == 1


def test_an_exception_that_cannot_be_shown_is_counted() -> None:
    """An exception whose own `__str__` raises is a failure like others."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def sink(_: ProviderTrace) -> None:
        raise Mute

    with Tracer([sink]) as traced:
        traced.submit(trace())
    assert traced.problems[0].failures == 1
    assert "Mute" in str(traced.problems[0].last_error)


@pytest.mark.filterwarnings("error")
def test_a_coroutine_function_is_no_sink() -> None:
    """It would never run: a failure that says so, instead of a warning that nobody awaited it."""

    async def sink(_: ProviderTrace) -> None: ...

    with Tracer([sink]) as traced:
        traced.submit(trace())
    assert "coroutine" in str(traced.problems[0].last_error)


def test_a_sink_that_blocks_for_ever(gate: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """`submit` returns at once, the other sink goes on, flush and close end in time and the problem is reported."""
    monkeypatch.setattr(tracer, "STUCK_SECONDS", 0.01)
    seen: list[ProviderTrace] = []

    def blocked(_: ProviderTrace) -> None:
        gate.wait()

    traced = Tracer([blocked, seen.append], queue_size=5)
    start = time.monotonic()
    for number in range(20):
        traced.submit(trace(id=str(number)))
        wait_until(lambda n=number: len(seen) > n)  # type: ignore[misc]
    assert time.monotonic() - start < 5
    assert len(seen) == 20
    assert traced.flush(0.05) is False
    (problem,) = traced.problems
    assert problem.dropped == 14, "one at the sink, five waiting"
    assert problem.stuck_for >= 0.01
    start = time.monotonic()
    assert traced.close(0.05) is False
    assert time.monotonic() - start < 1
    assert traced.problems[0].dropped == 19


def test_drops_are_logged_while_the_sink_still_blocks(gate: threading.Event, caplog: pytest.LogCaptureFixture) -> None:
    """A service that never closes its tracer hears of lost records too, once."""
    with caplog.at_level(logging.WARNING, "streamproof.trace"):
        traced = Tracer([lambda _: gate.wait()], queue_size=1)
        for _ in range(10):
            traced.submit(trace())
        wait_until(lambda: bool(caplog.records))
        traced.close(0)
    assert len(caplog.records) == 1


def test_the_oldest_record_is_dropped(gate: threading.Event) -> None:
    """A sink that recovers sees the latest records, in order; the rest is counted."""
    seen: list[str] = []

    def sink(record: ProviderTrace) -> None:
        seen.append(record.id)
        gate.wait()

    traced = Tracer([sink], queue_size=2)
    traced.submit(trace(id="0"))
    wait_until(lambda: seen == ["0"])
    for number in range(1, 6):
        traced.submit(trace(id=str(number)))
    gate.set()
    assert traced.close()
    assert seen == ["0", "4", "5"]
    assert traced.problems == (Problem(sink=traced.problems[0].sink, dropped=3),)


def test_flush_waits_for_a_slow_sink() -> None:
    """`flush` is true only when the sink has finished the last record, and false when the time is too short."""
    done: list[str] = []

    def slow(record: ProviderTrace) -> None:
        time.sleep(0.05)
        done.append(record.id)

    with Tracer([slow]) as traced:
        for number in range(3):
            traced.submit(trace(id=str(number)))
        assert traced.flush(0.01) is False
        assert traced.flush(5) is True
        assert done == ["0", "1", "2"]


def test_flush_does_not_wait_for_later_records(gate: threading.Event) -> None:
    """`flush` is about what was submitted before it, or a busy service could never flush."""
    began = threading.Event()

    def sink(record: ProviderTrace) -> None:
        began.set()
        if record.id == "later":
            gate.wait()

    traced = Tracer([sink])
    traced.submit(trace(id="first"))
    results: list[bool] = []
    flusher = threading.Thread(target=lambda: results.append(traced.flush(5)))
    flusher.start()
    flusher.join(5)
    traced.submit(trace(id="later"))
    assert results == [True]
    assert traced.flush(0.02) is False
    gate.set()
    assert traced.close()


def test_submit_never_raises_and_counts_what_it_cannot_take() -> None:
    """A payload that cannot be copied, or a record after close, is a problem and not an exception."""
    cycle: dict[str, Any] = {"messages": []}
    cycle["messages"].append(cycle)
    seen: list[ProviderTrace] = []
    traced = Tracer([seen.append], capture_content=True)
    traced.submit(trace(request=cycle))
    traced.submit("no record")  # type: ignore[arg-type]
    assert traced.close()
    traced.submit(trace())
    assert seen == []
    assert [(problem.failures, problem.dropped) for problem in traced.problems] == [(2, 0), (0, 1)]
    assert traced.problems[0].sink == "tracer"


def test_submit_costs_little() -> None:
    """A record is handed over in well under a millisecond, whatever the sinks do."""
    with Tracer([lambda _: time.sleep(0.001)]) as traced:
        traced.submit(trace())
        start = time.process_time()
        for _ in range(200):
            traced.submit(trace())
        assert (time.process_time() - start) / 200 < 0.001


def test_many_threads_submit_at_once() -> None:
    """Nothing is lost or doubled when calls end on several threads."""
    seen: list[ProviderTrace] = []
    with Tracer([seen.append]) as traced:
        threads = [
            threading.Thread(target=lambda k=k: [traced.submit(trace(id=f"{k}.{n}")) for n in range(50)])
            for k in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(ids(seen)) == sorted(f"{k}.{n}" for k in range(4) for n in range(50))


def test_sinks_see_no_content_unless_the_tracer_captures_it() -> None:
    """The tracer is the gate: a sink that asks for content cannot get what the tracer did not capture."""
    shown: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for capture, documents in shown.items():
        with Tracer([lambda r, d=documents: d.append(r.to_json(content=True))], capture_content=capture) as traced:  # type: ignore[misc]
            traced.submit(trace())
    assert all(word in str(shown[True]) for word in CONTENT)
    assert not any(word in str(shown[False]) for word in CONTENT)


def test_the_thread_ends_with_its_tracer() -> None:
    """A tracer that is forgotten delivers what it has and leaves no thread behind."""
    seen: list[ProviderTrace] = []
    traced = Tracer([seen.append])
    traced.submit(trace())
    del traced
    gc.collect()
    wait_until(lambda: not any("streamproof-trace" in thread.name for thread in threading.enumerate()))
    assert len(seen) == 1


def test_queue_size_is_checked() -> None:
    """A queue without room would drop every record."""
    with pytest.raises(ValueError, match="queue_size"):
        Tracer([], queue_size=0)


def run(code: str, tmp_path: Path) -> tuple[float, subprocess.CompletedProcess[str]]:
    """A Python program of its own, with the seconds that it took."""
    path = [str(Path(__file__).parent), str(Path(tracer.__file__).parents[2])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "calls.jsonl")],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return time.monotonic() - start, done


PROGRAM = """
import os, sys, threading, time
from streamproof.trace import Tracer, JSONLSink
from trace_records import trace
"""


def test_the_end_of_the_program_delivers_what_is_queued(tmp_path: Path) -> None:
    """A script that ends right after its call loses no record, though it never closes its tracer."""
    code = PROGRAM + "t = Tracer([JSONLSink(sys.argv[1])]); t.submit(trace(id='last'))"
    _, done = run(code, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "calls.jsonl").read_text())["id"] == "last"


def test_the_end_of_the_program_does_not_wait_for_a_blocked_sink(tmp_path: Path) -> None:
    """A sink that never returns cannot keep the program from ending."""
    code = PROGRAM + "t = Tracer([lambda r: threading.Event().wait()]); t.submit(trace()); t.submit(trace())"
    seconds, done = run(code, tmp_path)
    assert done.returncode == 0
    assert "1 dropped" in done.stderr
    assert seconds < 30


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_traces_on_its_own(tmp_path: Path) -> None:
    """After a fork amid traffic the child's calls go out, the parent's queue does not go out twice, nobody hangs."""
    code = PROGRAM + (
        "gate = threading.Event()\n"
        "def slow(r): gate.wait()\n"
        "t = Tracer([slow, JSONLSink(sys.argv[1])])\n"
        "t.submit(trace(id='parent')); t.flush(0.2)\n"
        "with t._workers[0].changed:\n"  # the worst moment: a lock is held
        "    child = os.fork()\n"
        "if child == 0:\n"
        "    gate.set()\n"
        "    t.submit(trace(id='child'))\n"
        "    os._exit(0 if t.close(10) else 3)\n"
        "status = os.waitpid(child, 0)[1]\n"
        "gate.set()\n"
        "sys.exit(os.waitstatus_to_exitcode(status) or (0 if t.close(10) else 4))\n"
    )
    _, done = run(code, tmp_path)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "calls.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["parent", "child"]


def test_no_thread_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """When no thread can be started `submit` does not raise, and the next record tries again."""
    seen: list[ProviderTrace] = []
    traced = Tracer([seen.append])
    with monkeypatch.context() as patch:
        patch.setattr(
            threading.Thread, "start", lambda _: (_ for _ in ()).throw(RuntimeError("can't start new thread"))
        )
        traced.submit(trace(id="1"))
    assert "can't start" in str(traced.problems[0].last_error)
    traced.submit(trace(id="2"))
    assert traced.close()
    assert ids(seen) == ["1", "2"]
