"""The child's side of the process contract for adapters in Python.

    python -m streamproof.adapters.host package.module:Class

It loads the adapter, says hello, and answers calls until its standard input ends. Standard output belongs to the
contract; what the adapter prints goes to standard error. Nothing is imported that the adapter did not ask for, so that
any version of any library can be its own.
"""

from __future__ import annotations

import asyncio
import faulthandler
import inspect
import os
import platform
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import IO, Any

from .. import jsontext
from ..completion import Completion, Delta, ErrorInfo
from ..errors import AdapterError, LLMError, StreamproofError, Unsupported
from ..hermetic.audit import watch_network
from ..providers import row
from .contract import Adapter, Call, Emit, Endpoint
from .lines import SCHEMA, encode
from .loading import capabilities_of, load_adapter
from .threads import CALL_THREAD, in_thread

_FRAMES = 8


def main() -> None:
    """The program; its one argument names the adapter."""
    calls, answers = _own_pipes()
    host = Host(answers)
    faulthandler.enable()
    watch_network(host.tried)
    try:
        if len(sys.argv) != 2:
            raise AdapterError("one argument is needed", remedy="Name the adapter: package.module:Class.")
        host.adapter = load_adapter(sys.argv[1])
        host.say_hello(sys.argv[1])
    except StreamproofError as error:
        traceback.print_exception(error.__cause__ or error)
        host.send(type="error", id=None, error=_info(str(error)), kind="crash")
        os._exit(1)
    host.serve(calls)
    sys.stderr.flush()
    os._exit(0)  # threads that the adapter's library left behind keep nobody waiting


def _own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output for us alone; whoever else reads gets nothing, whoever else prints logs."""
    calls = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a text file, as nothing replaced it yet
    return calls, answers


class Host:
    """An adapter and the pipe of its answers."""

    def __init__(self, answers: IO[bytes]) -> None:
        self.adapter: Adapter | None = None
        self._answers, self._writing = answers, threading.Lock()
        self._call: str | None = None
        self._task: asyncio.Task[Any] | None = None
        self._threaded = False
        self._loop = asyncio.new_event_loop()

    def send(self, **message: Any) -> None:
        """Write one message. From any thread."""
        line = encode(message)
        with self._writing:
            try:
                self._answers.write(line)
                self._answers.flush()
            except OSError:
                os._exit(1)  # nobody listens any more

    def tried(self, target: str) -> None:
        """Report what somebody here tried to reach."""
        self.send(type="tried", id=self._call, target=target)

    def say_hello(self, target: str) -> None:
        """The handshake."""
        assert self.adapter is not None
        capabilities = capabilities_of(self.adapter).to_json()
        capabilities["cancel"] = inspect.iscoroutinefunction(self.adapter.run)
        self.send(
            type="hello",
            schema=SCHEMA,
            adapter=self.adapter.name,
            versions=_versions(self.adapter, target),
            capabilities=capabilities,
        )

    def serve(self, calls: IO[bytes]) -> None:
        """Answer calls until there are no more. They are read on a thread, so that a cancel gets through."""
        ended: Future[None] = Future()
        waiting: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()

        def read() -> None:
            for line in calls:
                message = jsontext.loads(line.decode("utf-8"))
                if message["type"] == "cancel":
                    self._cancel(message["id"])
                elif message["type"] == "call":
                    self._loop.call_soon_threadsafe(waiting.put_nowait, message)
            self._loop.call_soon_threadsafe(waiting.put_nowait, None)
            ended.set_result(None)

        threading.Thread(target=read, name="streamproof-calls", daemon=True).start()
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._answer_all(waiting))

    def _cancel(self, id: str) -> None:
        """Give a call up that hangs, and tell where; a thread cannot be given up but with the whole process."""
        if self._call != id or self._task is None:
            return
        _tell_where()
        if self._threaded:
            sys.stderr.flush()
            os._exit(1)
        self._loop.call_soon_threadsafe(self._task.cancel)

    async def _answer_all(self, waiting: asyncio.Queue[Mapping[str, Any] | None]) -> None:
        while (message := await waiting.get()) is not None:
            self._call = message["id"]
            self._task = asyncio.ensure_future(self._answer(message))
            await self._task
            self._task = self._call = None

    async def _answer(self, message: Mapping[str, Any]) -> None:
        """One call, whatever comes of it."""
        number = message["id"]
        try:
            completion = await self._run(message)
            _check(completion)
            self.send(type="result", id=number, completion=completion.to_json(), **self._shown())
        except LLMError as error:
            partial = None if error.partial is None else error.partial.to_json()
            self.send(type="error", id=number, kind="llm", error=asdict(error.info), partial=partial, **self._shown())
        except Unsupported as error:
            self.send(type="error", id=number, kind="unsupported", error=_info(str(error)))
        except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001 - it is told as it is
            traceback.print_exception(error)
            self.send(type="error", id=number, kind="crash", error=_info(_told(error)))

    async def _run(self, message: Mapping[str, Any]) -> Any:
        assert self.adapter is not None
        call = Call.from_json(message["call"])
        endpoint = Endpoint(
            provider=row(message["provider"], message["protocol"]),
            base_url=message["base_url"],
            api_key=message["api_key"],
            timeout=message["timeout"],
        )
        run: Callable[[Call, Endpoint, Emit], Any] = self.adapter.run
        if message.get("sync"):
            run = getattr(self.adapter, "run_sync", run)
        emit = self._emitter(message["id"])
        self._threaded = not inspect.iscoroutinefunction(run)
        if not self._threaded:
            return await run(call, endpoint, emit)
        # in a thread, where there is no event loop: a library may want to start its own
        answer = await in_thread(lambda: run(call, endpoint, emit))
        self._threaded = False
        return await answer if inspect.isawaitable(answer) else answer

    def _emitter(self, id: str) -> Emit:
        def emit(delta: Delta) -> None:
            if not isinstance(delta, Delta):
                raise AdapterError(f"emit was given {type(delta).__name__}, not a Delta")
            self.send(type="delta", id=id, delta=delta.to_json())

        return emit

    def _shown(self) -> dict[str, Any]:
        shown = getattr(self.adapter, "shown", None)
        if shown is None:
            return {}
        return {"details": dict(shown.details), "diagnostics": [each.to_json() for each in shown.diagnostics]}


def _tell_where() -> None:
    """Where every other thread is, the call's last."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    own = threading.get_ident()
    found = [(str(names.get(ident, "?")), frame) for ident, frame in sys._current_frames().items() if ident != own]
    for name, frame in sorted(found, key=lambda item: item[0] == CALL_THREAD):
        print(f"{name} is at:", file=sys.stderr)
        traceback.print_stack(frame, limit=_FRAMES)


def _check(answer: Any) -> None:
    if not isinstance(answer, Completion):
        raise AdapterError(f"run returned {type(answer).__name__}, not a Completion")


def _info(message: str) -> dict[str, Any]:
    return asdict(ErrorInfo(type="provider", message=message))


def _told(error: BaseException) -> str:
    """An exception with the place where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno}, {frames[-1].name})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


def _versions(adapter: Adapter, target: str) -> dict[str, str]:
    """The versions that a result depends on: Python, and the adapter's `versions`, else those of its package."""
    found = {"python": platform.python_version()}
    declared = getattr(adapter, "versions", None)
    if declared is not None:
        given = declared() if callable(declared) else declared
        return {**found, **{str(name): str(value) for name, value in dict(given).items()}}
    package = target.partition(":")[0].partition(".")[0]
    try:
        return {**found, package: version(package)}
    except PackageNotFoundError:  # it is called otherwise, or it is a file beside others
        names = packages_distributions().get(package, ())
        return {**found, **{name: version(name) for name in names}}


if __name__ == "__main__":
    main()
