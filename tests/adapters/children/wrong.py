"""An adapter over the process contract that goes wrong in one way, at cells of the case `bad`. Needs no package.

    python wrong.py WAY MARK

MARK is a word that finds this process and those that it starts.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

COMPLETION = {
    "content": [{"type": "text", "text": "Grüß dich"}],
    "tool_calls": [],
    "usage": {
        "input_tokens": None,
        "output_tokens": None,
        "cached_input_tokens": None,
        "cache_write_tokens": None,
        "reasoning_tokens": None,
        "estimated": False,
    },
    "finish_reason": "stop",
    "raw_finish_reason": "stop",
    "status": "complete",
    "error": None,
    "model": "m-1",
    "message_id": "chatcmpl-A1",
    "raw_usage": None,
}
ERROR = {
    "type": "server",
    "code": None,
    "message": "it broke",
    "status_code": None,
    "request_id": None,
    "retry_after": None,
}
HELLO = {
    "type": "hello",
    "schema": 1,
    "adapter": "wrong",
    "versions": {"wrong": "1"},
    "capabilities": {
        "protocols": ["openai_chat"],
        "fields": ["content.text", "finish_reason", "raw_finish_reason", "model", "message_id", "error", "partial"],
    },
}


def say(**message: Any) -> None:
    """One message."""
    print(json.dumps(message), flush=True)


def result(call: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A right answer."""
    return {"type": "result", "id": call["id"], "completion": COMPLETION, **more}


def wait_for_ever() -> None:
    """Until somebody ends it."""
    while True:
        time.sleep(60)


def fork_and_hang(leave_the_session: bool = False) -> None:
    """Children that hang too, and hold the pipes open."""
    for _ in range(3):
        if os.fork() == 0:
            if leave_the_session:
                os.setsid()
                if os.fork():
                    os._exit(0)
            wait_for_ever()
    wait_for_ever()


def fork_bomb() -> None:
    """Processes that fork, 300 at most."""
    for _ in range(300):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", sys.argv[2]])
        time.sleep(0.002)
    wait_for_ever()


def flood(stream: Any, line: bytes) -> None:
    """Write until the pipe breaks."""
    while True:
        stream.buffer.write(line * 1000)
        stream.flush()


def flood_with_deltas(call: dict[str, Any]) -> None:
    """Right messages, without end."""
    delta = {"op": "append", "part": [0], "field": "text", "value": "x" * 900, "choice": 0}
    flood(sys.stdout, json.dumps({"type": "delta", "id": call["id"], "delta": delta}).encode() + b"\n")


def eat_memory() -> None:
    """Until the limit; a gigabyte at most."""
    eaten = []
    for _ in range(200):
        eaten.append(os.urandom(5_000_000))
        time.sleep(0.02)
    wait_for_ever()


def twice(call: dict[str, Any]) -> None:
    """Two results in one write."""
    sys.stdout.write(json.dumps(result(call)) + "\n" + json.dumps(result(call)) + "\n")
    sys.stdout.flush()


def leave_a_child_and_exit() -> None:
    """Exit while a process that hangs holds standard output open."""
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", sys.argv[2]], start_new_session=True)
    os._exit(4)


def close_stdout() -> None:
    """No more answers, and no end."""
    os.close(1)
    wait_for_ever()


def error_of(call: dict[str, Any], **more: Any) -> None:
    """An error message; more: what is different about it."""
    say(**{"type": "error", "id": call["id"], "error": ERROR, **more})


def no_text(call: dict[str, Any]) -> None:
    """A line that is no UTF-8."""
    sys.stdout.buffer.write(b'"\xff"\n')
    sys.stdout.flush()


def half_a_line(call: dict[str, Any]) -> None:
    """Exit before the answer is written."""
    sys.stdout.write(json.dumps(result(call))[:40])
    sys.stdout.flush()
    os._exit(3)


def unheard(call: dict[str, Any]) -> None:
    """Only SIGKILL ends it."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    wait_for_ever()


def misspelt(call: dict[str, Any]) -> None:
    """An unknown key where another is needed."""
    say(type="result", id=call["id"], compeltion=COMPLETION)


def tried(call: dict[str, Any]) -> None:
    """Tell of the network, then answer."""
    say(type="tried", id=call["id"], target="192.0.2.1:443")
    say(**result(call))


WAYS: dict[str, Callable[[dict[str, Any]], object]] = {
    "hangs": lambda call: wait_for_ever(),
    "heeds no signal": unheard,
    "forks and hangs": lambda call: fork_and_hang(),
    "forks away and hangs": lambda call: fork_and_hang(leave_the_session=True),
    "fork-bombs": lambda call: fork_bomb(),
    "floods stdout": flood_with_deltas,
    "floods stdout with one line": lambda call: flood(sys.stdout, b"x" * 1000),
    "floods stderr": lambda call: flood(sys.stderr, b"log line\n"),
    "eats memory": lambda call: eat_memory(),
    "exits 0": lambda call: sys.exit(0),
    "exits 3": lambda call: os._exit(3),
    "exits within a line": half_a_line,
    "raises": lambda call: {}["choices"],
    "aborts": lambda call: os.abort(),
    "is killed": lambda call: os.kill(os.getpid(), signal.SIGKILL),
    "leaves a child": lambda call: leave_a_child_and_exit(),
    "closes stdout": lambda call: close_stdout(),
    "prints garbage": lambda call: print("Loading the model...", flush=True),
    "prints a number": lambda call: print("17", flush=True),
    "prints no UTF-8": no_text,
    "answers another id": lambda call: say(**{**result(call), "id": "x-9"}),
    "answers an earlier id": lambda call: say(**{**result(call), "id": str(int(call["id"]) - 1)}),
    "answers twice": twice,
    "says hello again": lambda call: say(**HELLO),
    "sends a call": lambda call: say(**call),
    "sends an unknown type": lambda call: say(type="resutl", id=call["id"], completion=COMPLETION),
    "misspells a key": misspelt,
    "leaves out the id": lambda call: say(type="result", completion=COMPLETION),
    "invents a part type": lambda call: say(**result(call, completion={**COMPLETION, "content": [{"type": "song"}]})),
    "sends a delta that is none": lambda call: say(type="delta", id=call["id"], delta={"op": "add", "text": "x"}),
    "names no error type": lambda call: error_of(call, error={**ERROR, "type": "ServerError"}),
    "reports a crash": lambda call: error_of(call, kind="crash"),
    "reports a crash of no call": lambda call: error_of(call, id=None, kind="crash"),
    "declines": lambda call: error_of(call, kind="unsupported"),
    "reports an error": error_of,
    "reports its partial": lambda call: error_of(call, partial={**COMPLETION, "status": "failed", "error": ERROR}),
    "tried the network": tried,
}


def no_hello(way: str) -> None:
    """The ways that go wrong before the first call."""
    if way == "never says hello":
        wait_for_ever()
    if way == "speaks a newer version":
        say(**{**HELLO, "schema": 2})
    elif way == "declares no protocol":
        say(**{**HELLO, "capabilities": {"fields": []}})
    elif way == "says something else first":
        say(type="result", id="1", completion=COMPLETION)
    elif way == "logs before hello":
        print("Starting up")
        say(**HELLO)
    elif way == "cannot start":
        error_of({"id": None}, kind="crash")
    elif way == "exits at once":
        print("no such model", file=sys.stderr)
        sys.exit(5)
    else:
        return
    wait_for_ever()


def main() -> None:
    """Say hello, answer calls, go wrong at the bad one."""
    way = sys.argv[1]
    no_hello(way)
    say(**HELLO)
    for line in sys.stdin:
        call = json.loads(line)
        if call["type"] != "call":
            continue
        if "/bad@" in call["base_url"] and way in WAYS:
            WAYS[way](call)
        else:
            say(**result(call))
        if way == "leaves after each answer":
            return


if __name__ == "__main__":
    main()
