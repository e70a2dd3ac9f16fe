"""Starts one command and sees to it that nothing of it is left behind. POSIX only.

    python -I -S supervisor.py '{"lifeline": 5, "namespaces": [], "command": ["node", "adapter.mjs"]}'

It stands between streamproof and an adapter: it moves into the network namespace (if any), starts the command in a
session of its own, and waits for the end of one of them. When the command ends, it ends the command's other processes
and exits as the command did. When streamproof closes the lifeline, or dies, it ends them all. On Linux, processes that
have left their parent become children of this one, so that none gets away.

It runs as a script, without site-packages, as it has to start fast; so it imports nothing of ours.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from typing import NoReturn

_PR_SET_CHILD_SUBREAPER = 36
_CANNOT_START = 127
_PATIENCE = 5.0
"""Seconds for killed processes to vanish; one that hangs in the kernel may take for ever."""


def main() -> None:
    """Exit as the command does."""
    task = json.loads(sys.argv[1])
    lifeline = task["lifeline"]
    os.set_inheritable(lifeline, False)
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for descriptor in task["namespaces"]:
        if libc.setns(descriptor, 0) != 0:
            _refuse(f"cannot enter the network namespace: {os.strerror(ctypes.get_errno())}")
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the terminal's are meant for streamproof
        signal.signal(number, signal.SIG_IGN)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    child = _start(task["command"])
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    status = _wait(child, lifeline, woken)
    _end_all(child)
    _exit_like(status)


def _start(command: list[str]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)
    except OSError as error:
        _refuse(f"cannot start {command[0]!r}: {error.strerror}")


def _refuse(reason: str) -> NoReturn:
    os.write(2, f"streamproof: {reason}\n".encode())
    os._exit(_CANNOT_START)


def _wait(child: int, lifeline: int, woken: int) -> int | None:
    """The child's status; None when streamproof wants it ended."""
    while True:
        readable, _, _ = select.select([lifeline, woken], [], [])
        if woken in readable:
            os.read(woken, 4096)
        for pid, status in _reaped():
            if pid == child:
                return status
        if lifeline in readable:
            return None


def _reaped() -> list[tuple[int, int]]:
    ended: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended.append((pid, status))


def _end_all(child: int) -> None:
    """End every process that came of the command."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        _signal_group(child, signal.SIGKILL)
        # Stopped first, all of them: who is stopped forks no more.
        known: set[int] = set()
        while found := _descendants() - known:
            for pid in found:
                _signal(pid, signal.SIGSTOP)
            known |= found
        for pid in known:
            _signal(pid, signal.SIGKILL)
        _reaped()
        if not _descendants():
            return
        time.sleep(0.005)


def _descendants() -> set[int]:
    """The processes under this one, as /proc tells; none where there is no /proc."""
    found: set[int] = set()
    pending = [os.getpid()]
    while pending:
        pid = pending.pop()
        try:
            tasks = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for task in tasks:
            try:
                with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                    children = {int(word) for word in file.read().split()}
            except OSError:
                continue
            pending += children - found
            found |= children
    return found


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        return


def _exit_like(status: int | None) -> NoReturn:
    if status is None:
        os._exit(0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
