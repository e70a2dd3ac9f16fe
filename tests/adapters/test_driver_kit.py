"""`conformance/adapters/_driver.py`, the kit that drivers of libraries are made of: what goes over the pipe, and when
the library prints, raises, or shows nothing."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel
from streamproof import errors
from streamproof.completion import Completion
from streamproof.schemas import validator

DRIVERS = Path(__file__).parents[2] / "conformance" / "adapters"

CALL = {
    "type": "call",
    "id": "7",
    "protocol": "openai_chat",
    "provider": "openai",
    "base_url": "http://127.0.0.1:9/v1",
    "api_key": "k",
    "call": {"model": "m", "messages": [{"role": "user", "content": "Hej"}]},
    "plan": None,
    "timeout": 5,
}


@pytest.fixture(scope="module")
def kit() -> ModuleType:
    """The kit as a module."""
    spec = importlib.util.spec_from_file_location("_driver", DRIVERS / "_driver.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["_driver"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def talk(tmp_path: Path, run: str, *calls: dict[str, Any], serve: str = "") -> list[dict[str, Any]]:
    """The lines of a driver whose `run` has this body; every one holds to the contract's schema."""
    script = tmp_path / "driver.py"
    body = "\n".join(f"    {line}" for line in run.splitlines())
    script.write_text(
        f"import sys\nsys.path.insert(0, {str(DRIVERS)!r})\nimport os\nfrom _driver import *\n"
        f"class RateLimitError(Exception):\n    status_code = 429\n"
        f"{'async ' if 'await' in run else ''}def run(ask, answer):\n{body}\n"
        f"serve(run, adapter='mine', packages=['pytest'], protocols=['openai_chat'], deltas=False, {serve})\n"
    )
    sent = "".join(json.dumps(call) + "\n" for call in calls or (CALL,))
    done = subprocess.run([sys.executable, script], input=sent, capture_output=True, text=True, timeout=60, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for line in lines:
        validator("process").validate(line)
    return lines


def test_hello_tells_versions_and_capabilities(tmp_path: Path) -> None:
    """A result can be told from that of another release only by the versions of hello."""
    differs = "by_protocol={'openai_chat': {'text': 'parts'}}"
    hello, _ = talk(tmp_path, "pass", serve=f"fields=['-choices'], text='joined', {differs}")
    assert hello["versions"]["pytest"] == pytest.__version__
    assert hello["capabilities"] == {
        "protocols": ["openai_chat"], "deltas": False, "fields": ["-choices"], "text": "joined",
        "by_protocol": {"openai_chat": {"text": "parts"}},
    }  # fmt: skip


def test_an_answer_is_a_completion(tmp_path: Path) -> None:
    """What a driver filled in comes out as the completion that our own classes read."""
    run = """
answer.message_id, answer.model = "c1", ask.model
answer.append("reasoning", "Hm"); answer.append("text", "Go"); answer.append("text", "d dag"); answer.append("text", "")
answer.call("look", {"at": "sjön"}, id="t1")
answer.usage(3, 4, cached=1)
answer.finish("tool_use", raw="tool_use")
answer.details["stop_sequence"] = "x"
"""
    _, result = talk(tmp_path, run)
    completion = Completion.from_json(result["completion"])
    assert (result["id"], result["details"]) == ("7", {"stop_sequence": "x"})
    assert [part.type for part in completion.content] == ["reasoning", "text", "tool_call"]
    assert completion.text == "God dag"
    assert completion.tool_calls[0].arguments == '{"at":"sjön"}'
    assert completion.tool_calls[0].complete
    assert (completion.usage.input_tokens, completion.usage.cached_input_tokens) == (3, 1)
    assert (completion.status, completion.finish_reason, completion.message_id) == ("complete", "tool_use", "c1")


def test_what_a_library_prints_does_not_reach_the_contract(tmp_path: Path) -> None:
    """A print, and a write to the descriptor itself, would break the line that follows."""
    lines = talk(tmp_path, "print('loading weights', end='')\nos.write(1, b'deep')\nsys.stdout.flush()", CALL, CALL)
    assert [line["type"] for line in lines] == ["hello", "result", "result"]


def test_an_exception_is_an_error_with_what_came_before(tmp_path: Path) -> None:
    """A library that raises has shown its chunks before; they are the partial completion."""
    run = "answer.append('text', 'Half')\nraise RateLimitError('slow down')"
    _, error = talk(tmp_path, run)
    assert error["kind"] == "llm"
    assert (error["error"]["type"], error["error"]["status_code"]) == ("rate_limit", 429)
    partial = Completion.from_json(error["partial"])
    assert (partial.text, partial.status) == ("Half", "failed")
    assert partial.error is not None


def test_a_bug_of_the_library_is_a_crash(tmp_path: Path) -> None:
    """A TypeError tells the user nothing about the stream: it is no report of an error."""
    _, error = talk(tmp_path, "None + 1")
    assert error["kind"] == "crash"


def test_a_driver_may_decline(tmp_path: Path) -> None:
    """A pair of protocol and provider that the library does not have is no failure of it."""
    _, error = talk(tmp_path, "raise Unsupported('no such provider')")
    assert (error["kind"], error["error"]["message"]) == ("unsupported", "no such provider")


def test_an_async_driver_goes_on_after_an_error(tmp_path: Path) -> None:
    """One event loop serves all calls, and one that fails costs itself only."""
    run = "import asyncio\nawait asyncio.sleep(0)\nif ask.api_key == 'bad':\n    raise ValueError('no')"
    lines = talk(tmp_path, run, {**CALL, "api_key": "bad"}, CALL)
    assert [line["type"] for line in lines] == ["hello", "error", "result"]


def test_what_a_call_leaves_open_is_gone_before_the_next(tmp_path: Path) -> None:
    """A stream that nobody closed ends when garbage is collected: within the next request it deadlocks the client's
    pool, and the hang is blamed on a cell that has nothing to do with it."""
    run = """
def body():
    try:
        yield b"half"
    finally:
        ended.append(True)
answer.append("text", str(len(ended)))
left = [body()]
next(left[0])
left.append(left)
"""
    _, first, second = talk(
        tmp_path, "import gc; gc.disable(); ended = sys.__dict__.setdefault('ended', [])" + run, CALL, CALL
    )
    assert [Completion.from_json(line["completion"]).text for line in (first, second)] == ["0", "1"]


def test_a_driver_names_the_exceptions_of_its_library(tmp_path: Path) -> None:
    """`Class: message` tells a cut from other errors of the same class; a cut is `interrupted`, not `failed`."""
    serve = "errors={'ValueError: stream ended': 'interrupted'}"
    for message, status in (("stream ended early", "interrupted"), ("no such model", "failed")):
        _, error = talk(tmp_path, f"raise ValueError({message!r})", serve=serve)
        assert error["partial"]["status"] == status


def test_an_error_that_is_shown_without_raising(kit: ModuleType) -> None:
    """Some libraries hand the failure on as data."""
    answer = kit.Answer()
    answer.fail("server_error", "out of memory")
    completion = Completion.from_json(answer.to_json())
    assert completion.error is not None
    assert (completion.status, completion.error.type, completion.error.code) == ("failed", "server", "server_error")


def test_empty_parts_carry_nothing(kit: ModuleType) -> None:
    """The normal form drops them; a signature alone is something."""
    answer = kit.Answer()
    answer.part("text", text="")
    answer.part("reasoning", text="", signature=None)
    answer.part("reasoning", signature="s")
    assert answer.content == [{"type": "reasoning", "text": "", "signature": "s"}]


def test_arguments_that_are_no_json_are_not_complete(kit: ModuleType) -> None:
    """A library without a word for it leaves its users no other way to tell."""
    answer = kit.Answer()
    for text in ('{"a": 1}', '{"a": ', "", None):
        answer.call("f", text)
    assert [call["complete"] for call in answer.tool_calls] == [True, False, True, True]


def test_objects_inside_of_arguments_are_json(kit: ModuleType) -> None:
    """Libraries hand on lists of pydantic objects: their `repr` is no JSON, and the user of the library has objects."""

    class Action(BaseModel):
        type: str
        x: int | None = None

    answer = kit.Answer()
    answer.call("computer", [Action(type="click", x=3), Action(type="wait")])
    assert answer.tool_calls[0]["arguments"] == '[{"type":"click","x":3},{"type":"wait"}]'


class Refused(Exception):
    """An exception as the official SDKs make them."""

    status_code = 400
    body: Any = None


@pytest.mark.parametrize("word", [*errors.BY_CODE])
def test_words_of_providers_mean_what_they_mean_to_us(kit: ModuleType, word: str) -> None:
    """The kit has its own table, as it stands alone: it must not drift from ours."""
    assert kit.classify((word,), "", None) == errors.classify(word)


@pytest.mark.parametrize("status", [*errors.BY_STATUS, 500, 502])
def test_statuses_mean_what_they_mean_to_us(kit: ModuleType, status: int) -> None:
    """As above, for HTTP statuses."""
    assert kit.classify((), "", status) == errors.classify(status_code=status)


def test_the_provider_s_error_object_is_read(kit: ModuleType) -> None:
    """Code, message and waiting time stand on the exceptions of the SDKs, at different places."""
    error = Refused("Error code: 400")
    error.body = {"error": {"message": "prompt is too long: 9 > 8", "type": "invalid_request_error"}}
    error.response = type("Response", (), {"headers": {"retry-after-ms": "1500", "request-id": "r1"}})  # type: ignore[attr-defined]
    info = kit.error_info(error)
    assert info == {
        "type": "context_window",
        "code": "invalid_request_error",
        "message": "prompt is too long: 9 > 8",
        "status_code": 400,
        "request_id": "r1",
        "retry_after": 1.5,
    }


def test_an_error_object_in_details_is_read(kit: ModuleType) -> None:
    """Libraries with exceptions of their own keep body and status of the provider's in `details`."""
    error = RuntimeError("OpenAI API error")
    error.details = {"body": {"code": "tool_use_failed", "message": "no"}, "status_code": 500}  # type: ignore[attr-defined]
    info = kit.error_info(error)
    assert (info["code"], info["message"], info["status_code"]) == ("tool_use_failed", "no", 500)


def test_a_connection_that_breaks_later_is_a_cut(kit: ModuleType) -> None:
    """Before the first byte there was no connection; after it, the stream was interrupted."""

    class APIConnectionError(Exception):
        pass

    assert kit.error_info(APIConnectionError("x"))["type"] == "connection"
    assert kit.error_info(APIConnectionError("x"), started=True)["type"] == "interrupted"


@pytest.mark.parametrize("script", sorted(DRIVERS.glob("[a-z]*_driver.py")), ids=lambda path: path.stem)
def test_drivers_pin_what_they_drive(script: Path) -> None:
    """A result without a pinned release says nothing a month later."""
    import nox  # noqa: PLC0415 - the tool that reads these blocks

    table = nox.project.load_toml(script)
    assert table["requires-python"].startswith(">=3.")
    assert table["dependencies"]
    assert all("==" in dependency for dependency in table["dependencies"])
