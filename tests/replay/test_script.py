"""Scripts of the loopback server: what can be played, and the bytes that it makes."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from streamproof.replay.script import End, Gate, Pause, Reset, Response, Send, ShortBody, Stall, Withhold


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": (End(), Send(b"x"))}, "1 steps after End"),
        ({"steps": (Stall(), End())}, "after Stall"),
        ({"steps": (b"x",)}, "no step: b'x'"),
        ({"before": (Send(b"x"),)}, "nothing to send"),
        ({"before": (End(),)}, "no body to end"),
        ({"framing": "close", "steps": (ShortBody(),)}, "no ShortBody"),
        ({"status": 101}, "status 101"),
        ({"headers": [("a b", "c")]}, "no HTTP header"),
        ({"headers": [("a", "b\r\nc: d")]}, "no HTTP header"),
        ({"headers": [("Content-Length", "3")]}, "follows from the framing"),
        ({"headers": [("connection", "close")], "framing": "length"}, "follows from the framing"),
    ],
)
def test_what_cannot_be_played_is_refused_when_it_is_written(arguments: dict[str, Any], message: str) -> None:
    """A faulty script fails where it is made, not in the server's thread."""
    with pytest.raises(ValueError, match=message):
        Response(**arguments)


@pytest.mark.parametrize(
    ("last", "length"), [((), b"3"), ((End(),), b"3"), ((Reset(),), b"4"), ((ShortBody(),), b"4"), ((Stall(),), b"4")]
)
def test_the_declared_length_is_longer_than_a_body_that_does_not_end(last: tuple[Any, ...], length: bytes) -> None:
    """With `content-length` a client must not take a cut body for a whole one."""
    response = Response(steps=(Send(b"ab"), Withhold("x"), Send(b"c"), *last), framing="length")
    assert b"\r\ncontent-length: " + length + b"\r\n" in response.head("POST")


def test_the_head_is_what_the_script_says() -> None:
    """Names and values go out as given, the framing is added, and an unusual status needs no phrase."""
    response = Response(529, [("X-Name", "grün")], reason=None)
    expected = "HTTP/1.1 529 \r\nX-Name: grün\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    assert response.head("POST") == expected.encode()
    assert Response(reason="Fine").head("POST").startswith(b"HTTP/1.1 200 Fine\r\n")


def test_an_answer_without_a_body_announces_none() -> None:
    """RFC 9112 section 6: no transfer coding with 204 or for HEAD."""
    assert b"transfer-encoding" not in Response(204).head("POST")
    assert b"transfer-encoding" not in Response(200, (), (Send(b"x"),)).head("HEAD")
    assert b"content-length" not in Response(204, framing="length").head("POST")


def test_empty_bytes_do_not_end_a_chunked_body() -> None:
    """A chunk of size 0 is the end of the body, so nothing is written for nothing."""
    assert Response().frame(b"") == b""
    assert Response().frame(b"x" * 17) == b"11\r\n" + b"x" * 17 + b"\r\n"


def test_a_gate_opens_for_those_who_wait_and_those_who_come_later() -> None:
    """Release comes from another thread, and before or after the waiting."""

    async def through(gate: Gate) -> bool:
        async with asyncio.timeout(60):
            waiting = [asyncio.create_task(gate.wait()) for _ in range(3)]
            await asyncio.sleep(0)
            waiting.pop().cancel()
            threading.Thread(target=gate.release).start()
            await asyncio.gather(*waiting)
            await gate.wait()
        return gate.is_open

    gate = Gate()
    assert not gate.is_open
    assert asyncio.run(through(gate))
    gate.release()


def test_a_waiter_that_is_cancelled_while_the_gate_opens() -> None:
    """The stream is stopped in the moment of the release: no error in the server's loop."""
    faults: list[object] = []

    async def both() -> None:
        gate = Gate()
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        waiting = asyncio.create_task(gate.wait())
        await asyncio.sleep(0)
        gate.release()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await asyncio.sleep(0)

    asyncio.run(both())
    assert faults == []


def test_steps_are_values() -> None:
    """Equal steps are equal, so that a plan can be compared and kept in a set."""
    assert {Send(b"x"), Send(b"x"), Pause(1), End()} == {End(), Pause(1.0), Send(b"x")}
