"""The servers that are recorded: llama.cpp with the scripted model, and llm-rosetta in front of it for generateContent.

Both listen on 127.0.0.1 only, at fixed ports so that recordings of two days compare, and end with the `with` block.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

MODEL = "scripted"
LLAMA_PORT, ROSETTA_PORT = 8183, 8191
LLAMA, ROSETTA = f"http://127.0.0.1:{LLAMA_PORT}", f"http://127.0.0.1:{ROSETTA_PORT}"

START_TIMEOUT = 30.0
"""Seconds; llama.cpp needs a tenth of one."""


class ServerError(Exception):
    """A server that did not start; its log says why."""


@contextmanager
def servers(model: Path, folder: Path) -> Iterator[None]:
    """Both, up. folder: for logs and the gateway's files. Raises ServerError."""
    with ExitStack() as stack:
        stack.enter_context(_running("llama-server-vulkan", _llama(model), LLAMA, folder))
        stack.enter_context(_running("llm-rosetta-gateway", _rosetta(folder), ROSETTA, folder))
        yield


def _llama(model: Path) -> list[str]:
    options = {
        "--host": "127.0.0.1",
        "--port": LLAMA_PORT,
        "-m": model,
        "--alias": MODEL,
        # one thread and slot, temperature 0, no cache: the same bytes on every run
        "-t": 1,
        "-np": 1,
        "-c": 2048,
        "--temp": 0,
        "--seed": 1,
    }
    flags = ["--offline", "--no-ui", "--no-cache-prompt"]
    return [*flags, *(str(word) for pair in options.items() for word in pair)]


def _rosetta(folder: Path) -> list[str]:
    config = folder / "rosetta.json"
    upstream = {"type": "openai_chat", "api_key": "none", "base_url": f"{LLAMA}/v1"}
    listen = {"host": "127.0.0.1", "port": ROSETTA_PORT, "open_on_no_keys": True}
    config.write_text(json.dumps({"providers": {"local": upstream}, "models": {MODEL: "local"}, "server": listen}))
    return ["-c", str(config), "--no-banner", "--data-dir", str(folder / "rosetta")]


@contextmanager
def _running(program: str, arguments: Sequence[str], url: str, folder: Path) -> Iterator[None]:
    """A server from this Python's environment, once it answers."""
    command = [str(Path(sys.executable).parent / program), *arguments]
    environment: Mapping[str, str] = {**os.environ, "HOME": str(folder)}  # the gateway writes to the home folder
    if _answers(url):
        raise ServerError(f"{url} answers already: end what listens there")
    log = folder / f"{program}.log"
    with log.open("wb") as out:
        try:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment)
        except OSError as error:
            raise ServerError(f"{program} does not start: {error}") from error
        try:
            _wait(process, program, url, log)
            yield
        finally:
            process.terminate()
            process.wait()


def _wait(process: subprocess.Popen[bytes], program: str, url: str, log: Path) -> None:
    until = time.monotonic() + START_TIMEOUT
    while not _answers(url):
        if process.poll() is not None or time.monotonic() > until:
            state = "ended" if process.poll() is not None else f"gave no answer within {START_TIMEOUT:g} s"
            raise ServerError(f"{program} {state}; its log ends:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=2) as response:
            return bool(response.status == 200)
    except urllib.error.HTTPError:
        return False
    except OSError:
        return False
