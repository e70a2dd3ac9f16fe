"""The parent's side of the process contract: an adapter in another process, in any language.

    launch = Launch(command=["node", "adapter.mjs"], environment=for_child())
    with AdapterProcess(launch) as process:
        hello = process.start()
        adapter = ProcessAdapter(process, cell)   # an ordinary adapter, for one cell

The command writes `hello` first, then answers `call` lines with `delta`, `tried`, and one `result` or `error`; a line
is a JSON object (schemas/process.schema.json). Whatever it does instead costs the cell that it does it in: it is ended,
with all processes that came of it, and started again for the next cell.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Any, Self

from ..capabilities import Capabilities
from ..cell import Cell
from ..completion import Completion, Delta, ErrorInfo
from ..errors import AdapterError, CellFault, llm_error
from ..verdict import Verdict
from .child import Child, Launch
from .contract import Call, Emit, Endpoint
from .limits import DEFAULTS, Limits
from .lines import decode, encode
from .said import Answer, Hello, Shown, call_message, shown_in

FAILED_STARTS = 3
"""So many in a row, and it is not started again: the cells that are left fail at once."""

CANCEL_PATIENCE = 2.0
"""Seconds that an adapter has for giving a call up when it is told to."""

STALL_SECONDS = 1.0
"""How long the adapter's HTTP client is told to wait for bytes where the wire plan sends no more."""


class AdapterProcess:
    """Keeps an adapter's command running, and asks it one call at a time."""

    def __init__(self, launch: Launch, limits: Limits = DEFAULTS, *, tells_where: bool = False) -> None:
        """tells_where: a cancel makes it say where it hangs, whether or not it declares that it takes one (host.py)."""
        self.launch, self.limits, self._tells_where = launch, limits, tells_where
        self.hello: Hello | None = None
        """What it said when it was started first."""
        self.notes: list[str] = []
        """What somebody has to look at, and no cell is to blame for."""
        self.tried: list[str] = []
        """What it says that it tried to reach, and nobody has asked for yet."""
        self._child: Child | None = None
        self._lines = 0
        self._numbers = count(1)
        self._asked: dict[str, str] = {}
        self._failed_starts, self._last_failure = 0, ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let it leave, and end what is left of it."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def all_tried(self) -> list[str]:
        """What it says that it tried to reach since this was asked last."""
        found, self.tried = self.tried, []
        return found

    # -- the handshake

    def start(self) -> Hello:
        """Start it and hear its `hello`. Raises AdapterError when it says something else, or nothing in time."""
        try:
            self._child = Child(self.launch, self.limits)
        except OSError as error:
            reason = f"cannot start {self.launch.command[0]!r}: {error.strerror or error}"
            raise AdapterError(reason, remedy="Check the command (--command) and the folder it runs in.") from error
        self._lines = 0
        try:
            hello = self._greeting(self._child)
        except AdapterError:
            self._end()
            raise
        self.hello = self.hello or hello
        return hello

    def _greeting(self, child: Child) -> Hello:
        until = time.monotonic() + self.limits.patience
        while True:
            try:
                message = self._message(child, until)
            except TimeoutError:
                raise AdapterError(
                    f"no hello within {self.limits.patience:g} s",
                    remedy="Write a `hello` line to standard output before you read calls, and flush it.",
                ) from None
            if message is None:
                raise AdapterError(f"before it said hello it {child.fate()}")
            kind = message["type"]
            if kind == "error":
                raise AdapterError(f"it could not start: {message['error']['message']}")
            if kind == "hello":
                return Hello(
                    name=message["adapter"],
                    versions=message["versions"],
                    capabilities=Capabilities.from_json(message["capabilities"]),
                )
            if kind != "tried":
                raise self._fault(f"{kind!r} came before hello", "Write `hello` first.")
            self.tried.append(message["target"])

    def ready(self) -> None:
        """See to it that it runs, so that its start does not count as a part of the next cell.

        Raises CellFault when it cannot be started.
        """
        if self._child is not None and not self._child.alive:
            if self._child.exit_code() != 0:
                self.notes.append(f"between two cells the adapter {self._child.fate()}")
            self._end()
        if self._child is not None:
            return
        if self._failed_starts >= FAILED_STARTS:
            raise CellFault(
                Verdict.CRASH, f"it was not started again after {FAILED_STARTS} tries: {self._last_failure}"
            )
        try:
            self.start()
        except AdapterError as error:
            self._failed_starts, self._last_failure = self._failed_starts + 1, str(error)
            raise CellFault(Verdict.CRASH, f"the adapter could not be started: {error}") from error
        self._failed_starts = 0

    # -- calls

    def ask(self, cell: Cell, endpoint: Endpoint, emit: Emit) -> Answer:
        """One call and what became of it. Raises CellFault, after which the process does not run any more."""
        for attempt in (1, 2):
            self.ready()
            child = self._child
            assert child is not None
            try:
                return self._conversation(child, cell, endpoint, emit)
            except _Left:
                # a command may leave after each answer, in peace, and not have seen the next call
                self._end()
                if attempt == 2:
                    raise CellFault(Verdict.CRASH, "exited with code 0 instead of answering") from None
            except AdapterError:
                self._end()
                raise
        raise AssertionError("unreachable")

    def _conversation(self, child: Child, cell: Cell, endpoint: Endpoint, emit: Emit) -> Answer:
        number, first = str(next(self._numbers)), self._lines
        served_before = len(self._asked) > 0
        self._asked[number] = cell.id
        child.begin()
        child.write(encode(call_message(number, cell, endpoint)))
        until = time.monotonic() + self.limits.seconds
        try:
            while (message := self._message(child, until, cell)) is not None:
                answer = self._heard(message, number, cell, emit)
                if answer is not None:
                    self._nothing_more(child, number, cell)
                    return answer
        except TimeoutError:
            heard = self._lines - first
            gave_up = self._gave_up(child, number, cell)
            fault = self._hang(child, heard)
            if not gave_up:
                raise fault from None
            return Answer(fault=fault)
        except CellFault:
            raise
        except AdapterError as error:
            raise CellFault(Verdict.CRASH, str(error)) from error
        except BaseException:  # out of `emit`: the caller wants no more
            if not self._gave_up(child, number, cell):
                self._end()
            raise
        if child.exit_code() == 0 and self._lines == first and served_before:
            raise _Left
        raise CellFault(Verdict.CRASH, f"before it answered it {child.fate()}")

    def _heard(self, message: Mapping[str, Any], number: str, cell: Cell, emit: Emit) -> Answer | None:
        """Take a message of a call; the answer when it is one."""
        kind, about = message["type"], message.get("id")
        if kind == "tried":
            self.tried.append(message["target"])
            return None
        if kind == "hello":
            raise self._fault("a second hello", "Say hello once.", cell)
        if about is None:
            raise CellFault(Verdict.CRASH, f"it reports: {message['error']['message']}")
        if about != number:
            raise self._fault(*self._other_id(kind, about, number), cell)
        if kind == "delta":
            emit(Delta.from_json(message["delta"]))
            return None
        return self._answer(message, cell)

    def _answer(self, message: Mapping[str, Any], cell: Cell) -> Answer:
        if message["type"] == "result":
            return Answer(completion=self._completion(message["completion"], cell), shown=shown_in(message))
        kind, error = message.get("kind", "llm"), ErrorInfo(**message["error"])
        if kind != "llm":
            verdict = Verdict.UNSUPPORTED if kind == "unsupported" else Verdict.CRASH
            return Answer(fault=CellFault(verdict, error.message))
        partial = message.get("partial")
        completion = None if partial is None else self._completion(partial, cell)
        return Answer(completion=completion, error=error, shown=shown_in(message))

    def _completion(self, document: Mapping[str, Any], cell: Cell) -> Completion:
        try:
            return Completion.from_json(document)
        except (TypeError, ValueError) as error:
            raise self._fault(f"no completion: {error}", "docs/normal-form.md says what one holds.", cell) from error

    def _nothing_more(self, child: Child, number: str, cell: Cell) -> None:
        """What came right behind the answer must not be about it."""
        while (line := child.waiting()) is not None:
            message = self._read(line, cell)
            if message is None:
                continue
            if message["type"] == "tried":
                self.tried.append(message["target"])
            else:
                raise self._fault(*self._other_id(message["type"], message.get("id"), ""), cell)

    def _other_id(self, kind: str, about: str | None, number: str) -> tuple[str, str]:
        """What is wrong with a message about another call, and what to do."""
        asked = self._asked.get(about or "")
        if asked is None:
            return f"{kind} with id {about!r}, which no call had", f"Answer with the call's id, {number!r}."
        return f"{kind} for the call {about!r} ({asked}), which had been answered", (
            "Send `result` or `error` once for each call, and nothing about it after that."
        )

    def _hang(self, child: Child, heard: int) -> CellFault:
        lines = "1 line" if heard == 1 else f"{heard} lines"
        return CellFault(
            Verdict.HANG, child.with_errors(f"no answer within {self.limits.seconds:g} s, but {lines} before that")
        )

    def _gave_up(self, child: Child, number: str, cell: Cell) -> bool:
        """Whether it gave the call up when it was told to; then it need not be started again."""
        if self.hello is None or not (self.hello.capabilities.cancel or self._tells_where):
            return False
        child.write(encode({"type": "cancel", "id": number}))
        until = time.monotonic() + CANCEL_PATIENCE
        with suppress(TimeoutError, AdapterError):
            while (message := self._message(child, until, cell)) is not None:
                if message.get("id") == number and message["type"] in ("result", "error"):
                    return True
        return False

    # -- lines

    def _message(self, child: Child, until: float, cell: Cell | None = None) -> Mapping[str, Any] | None:
        """The next message, None when no more will come. Raises TimeoutError, AdapterError."""
        while (line := child.line(until)) is not None:
            message = self._read(line, cell)
            if message is not None:
                return message
        return None

    def _read(self, line: bytes, cell: Cell | None) -> Mapping[str, Any] | None:
        self._lines += 1
        return decode(line, self._lines, case=cell.case.id if cell else None) if line.strip() else None

    def _fault(self, what: str, remedy: str, cell: Cell | None = None) -> AdapterError:
        place = f"line {self._lines} of the adapter's output"
        return AdapterError(what, case=cell.case.id if cell else None, place=place, remedy=remedy)

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child = None


class _Left(Exception):
    """It exited in peace, without a word about the call."""


class ProcessAdapter:
    """One cell's view of an adapter in another process; an ordinary adapter for the runner."""

    def __init__(self, process: AdapterProcess, cell: Cell) -> None:
        """Raises AssertionError when the process was never started."""
        assert process.hello is not None
        self.name = process.hello.name
        self.capabilities = process.hello.capabilities
        self.protocols = process.hello.capabilities.protocols
        self.shown: Shown | None = None
        self._process, self._cell = process, cell

    def run(self, call: Call, endpoint: Endpoint, emit: Emit) -> Completion:
        """Raises LLMError for an error that the adapter reports, CellFault for what it did instead of answering."""
        answer = self._process.ask(self._cell, endpoint, emit)
        if answer.fault is not None:
            raise answer.fault
        self.shown = answer.shown
        if answer.error is not None:
            raise llm_error(answer.error, partial=answer.completion, provider=endpoint.provider.name, model=call.model)
        assert answer.completion is not None
        return answer.completion
