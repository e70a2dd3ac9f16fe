"""What a mutant has to get past: the snapshots of the cases, decoded from their bytes, and the unit tests.

Run one by one in a process of the mutant's own, which ends at the first that fails.
"""

# ruff: noqa: PLC0415 - the package is imported when its mutant is in place

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from _pytest.skipping import evaluate_skip_marks

ROOT = Path(__file__).resolve().parents[2]
HANGS = 3.0
"""Seconds of CPU for one check, beyond ten times what it takes without a mutant: then it counts as a hang."""


class Check(NamedTuple):
    """run: whether it holds."""

    name: str
    run: Callable[[], bool]


class Story(NamedTuple):
    """A case as plain data, so that a process can hold it that has not imported the package."""

    case: str
    protocol: str
    quirks: dict[str, Any]
    n: int | None
    content_type: str | None
    content_encoding: str | None
    body: bytes
    fault: dict[str, Any] | None
    expected: str


def stories() -> list[Story]:
    """Every case that has a stream, once for each way in which its providers' quirks differ."""
    from streamproof.adapters.faults import ERROR_STATUS
    from streamproof.case import all_cases
    from streamproof.cell import cells

    found = {}
    for cell in cells(all_cases()):
        interactions = cell.case.cassette.interactions
        if interactions and interactions[0].status < ERROR_STATUS:
            story = _story(cell)
            found.setdefault((story.case, repr(story.quirks)), story)
    return list(found.values())


def _story(cell: Any) -> Story:
    import httpx2
    from streamproof.adapters.faults import lost
    from streamproof.replay.transport import Playback

    response = next(Playback(cell.case.cassette, cell.row, cell.case.call.model).responses())
    body, fault = b"", None
    try:
        for chunk in response.chunks:
            body += chunk
    except httpx2.TransportError as broken:
        fault = asdict(lost(broken, started=True))
    snapshot = ROOT / "conformance" / "__snapshots__" / f"{cell.case.id}.json"
    return Story(
        cell.case.id, cell.case.protocol, asdict(cell.row.quirks), cell.case.call.n, response.header("content-type"),
        response.header("content-encoding"), body, fault, snapshot.read_text(encoding="utf-8"),
    )  # fmt: skip


def case_checks(told: Iterable[Story], *, splits: bool) -> list[Check]:
    """splits: the same again byte by byte, for short streams; a decoder is given events and cannot see a difference."""
    found = []
    for story in told:
        name = f"{story.case} {story.quirks['think_tags']:d}{story.quirks['zero_usage_is_unknown']:d}"
        found.append(Check(name, lambda story=story: _holds(story, [story.body])))
        if splits and len(story.body) < 4000:
            parts = [story.body[at : at + 1] for at in range(len(story.body))]
            found.append(Check(f"{name} split", lambda story=story, parts=parts: _holds(story, parts)))
    return found


def _holds(story: Story, chunks: Sequence[bytes]) -> bool:
    """Whether the bytes give the accepted snapshot, and the deltas the completion."""
    from streamproof import snapshot
    from streamproof.decoders.base import Quirks
    from streamproof.decoders.stream import StreamDecoder
    from streamproof.fold import fold

    stream = StreamDecoder(
        story.protocol,
        quirks=Quirks(**story.quirks),
        n=story.n,
        content_type=story.content_type,
        content_encoding=story.content_encoding,
    )
    deltas = [delta for chunk in chunks for delta in stream.feed(chunk)] + stream.end(story.fault)
    document = {
        "completion": stream.completion.to_json(),
        "details": dict(stream.details),
        "diagnostics": [diagnostic.to_json() for diagnostic in stream.diagnostics],
    }
    return snapshot.text(document) == story.expected and fold(deltas) == stream.completion


class _Loop:
    """A pytest plugin that gives the collected tests to somebody else instead of running them."""

    def __init__(self, use: Callable[[list[Check]], None]) -> None:
        self._use = use

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:  # pytest's own loop says so too
            raise session.Interrupted(f"{session.testsfailed} errors during collection")
        items = [item for item in session.items if not evaluate_skip_marks(item)]
        self._use([Check(item.nodeid, lambda item=item: _passes(session, item)) for item in items])
        return True


def _passes(session: pytest.Session, item: pytest.Item) -> bool:
    """Set up, call and tear down, without the hooks around them: a failure's report costs more than most tests."""
    try:
        session._setupstate.setup(item)
        item.runtest()
    except pytest.skip.Exception:
        return True
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - whatever a mutant raises, it is found out
        return False
    finally:
        session._setupstate.teardown_exact(None)
    return True


def with_tests(paths: Iterable[str], use: Callable[[list[Check]], None]) -> None:
    """Collect tests and call `use` with them. Raises RuntimeError when they cannot be collected."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = ["-p", "no:cacheprovider", "-p", "no:terminal", "--capture=no", "-o", "addopts="]
    options += ["-p", "pytest_timeout", "--timeout=0"]  # pyproject.toml sets it, and a check has a limit of its own
    code = pytest.main([*options, "--rootdir", str(ROOT), *paths], plugins=[_Loop(use)])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise RuntimeError(f"pytest cannot collect: {code!r}")


def first_failure(checks: Iterable[Check], seconds: dict[str, float]) -> str:
    """The name of the first check that fails, "" when all hold. seconds: what they take without a mutant.

    A check that hangs ends the process with SIGPROF.
    """
    for check in checks:
        signal.setitimer(signal.ITIMER_PROF, HANGS + 10 * seconds.get(check.name, 0.0))
        try:
            holds = check.run()
        except Exception:  # noqa: BLE001 - whatever a mutant raises, it is found out
            holds = False
        if not holds:
            return check.name
    signal.setitimer(signal.ITIMER_PROF, 0)
    return ""


def main() -> None:
    """The stories, pickled, to a file: for a process that must not import the package itself."""
    Path(sys.argv[1]).write_bytes(pickle.dumps([tuple(story) for story in stories()]))


if __name__ == "__main__":
    main()
