"""The JSONL file: one line per record, for its owner's eyes only."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from streamproof.trace import JSONLSink, Tracer
from trace_records import CONTENT, trace


def test_jsonl_file(tmp_path: Path) -> None:
    """One JSON document per record is appended, in order, for the owner only, without content or secrets."""
    path = tmp_path / "new" / "calls.jsonl"
    with Tracer([JSONLSink(path)]) as traced:
        assert not path.exists(), "opened lazily"
        traced.submit(trace(id="1"))
        traced.submit(trace(id="2", tags={"api_key": "hunter2", "odd": "line\u2028end \ud800"}))
    with Tracer([JSONLSink(path, capture_content=True)], capture_content=True) as traced:
        traced.submit(trace(id="3"))
    lines = path.read_bytes().split(b"\n")
    assert lines.pop() == b""
    documents = [json.loads(line) for line in lines]
    assert [document["id"] for document in documents] == ["1", "2", "3"]
    assert not any(word.encode() in b"".join(lines[:2]) for word in CONTENT)
    assert all(word.encode() in lines[2] for word in CONTENT)
    assert documents[1]["tags"] == {"api_key": "REDACTED", "odd": "line\u2028end \ud800"}
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0


def test_jsonl_lines_of_several_threads_do_not_mix(tmp_path: Path) -> None:
    """Tracers and threads may share a file."""
    sink = JSONLSink(tmp_path / "calls.jsonl", capture_content=True)
    big = trace(request={"messages": [{"role": "user", "content": "x" * 100_000}]})
    threads = [threading.Thread(target=lambda: [sink(big) for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = sink.path.read_text().splitlines()
    assert len(lines) == 20
    assert all(json.loads(line)["id"] == big.id for line in lines)


def test_jsonl_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    """A path that cannot be written fails the record, and says which file."""
    with Tracer([JSONLSink(tmp_path)]) as traced:
        traced.submit(trace())
    (problem,) = traced.problems
    assert problem.failures == 1
    assert str(tmp_path) in problem.sink
