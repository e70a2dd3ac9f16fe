"""Nothing leaves this machine in a replay, and nothing of the user's gets in."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Any

import pytest
from streamproof.errors import HarnessFault
from streamproof.hermetic import hermetic

ELSEWHERE = ("192.0.2.1", 9)  # TEST-NET-1 (RFC 5737): no host has it


def _socket(family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM) -> socket.socket:
    made = socket.socket(family, kind)
    made.settimeout(2)
    return made


@pytest.mark.parametrize(
    "leave",
    [
        lambda s: s.connect(ELSEWHERE),
        lambda s: s.connect_ex(ELSEWHERE),
        lambda s: s.connect(("example.org", 80)),
        lambda s: socket.create_connection(ELSEWHERE, timeout=1),
        lambda s: socket.getaddrinfo("example.org", 443),
        lambda s: socket.getaddrinfo(b"example.org", 443),
        lambda s: socket.getaddrinfo("192.0.2.1", 443, proto=socket.IPPROTO_TCP),
        lambda s: socket.getaddrinfo("10.0.0.1%eth0", 443),
        lambda s: socket.gethostbyname("example.org"),
        lambda s: socket.gethostbyname_ex("example.org"),
        lambda s: s.connect(("0.0.0.0", 80)),
    ],
)
def test_nothing_leaves(leave: Callable[[socket.socket], Any]) -> None:
    """A connection, a look-up: each is a fault of the harness, which no SDK can swallow or retry."""
    with hermetic(), _socket() as stream, pytest.raises(HarnessFault, match="nothing may leave this machine"):
        leave(stream)


def test_ipv6_and_datagrams_do_not_leave_either() -> None:
    """Name servers are asked with datagrams."""
    with hermetic(), _socket(kind=socket.SOCK_DGRAM) as datagrams:
        with pytest.raises(HarnessFault):
            datagrams.sendto(b"x", ELSEWHERE)
        with pytest.raises(HarnessFault):
            datagrams.sendto(b"x", 0, ELSEWHERE)
    if socket.has_ipv6:
        with hermetic(), _socket(socket.AF_INET6) as stream, pytest.raises(HarnessFault):
            stream.connect(("2001:db8::1", 9, 0, 0))


def test_asyncio_does_not_leave() -> None:
    """The event loop looks names up in a thread and connects by itself."""

    async def leave(host: str) -> None:
        await asyncio.open_connection(host, 9)

    for host in ("example.org", "192.0.2.1"):
        with hermetic(), pytest.raises(HarnessFault):
            asyncio.run(leave(host))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost"])
def test_loopback_works(host: str) -> None:
    """The replay server listens there."""
    with socket.create_server(("0.0.0.0", 0)) as server, hermetic():
        port = server.getsockname()[1]
        with socket.create_connection((host, port), timeout=2) as stream:
            stream.sendall(b"x")
            assert server.accept()[0].recv(1) == b"x"
        with _socket() as stream:
            assert stream.connect_ex((host, port)) == 0


def test_unix_sockets_work(tmp_path: Any) -> None:
    """They cannot leave the machine."""
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("no unix sockets here")
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as stream, hermetic():
        server.bind(path)
        server.listen()
        stream.connect(path)
        stream.sendall(b"x")
        assert server.accept()[0].recv(1) == b"x"


def test_the_environment_is_cleaned_and_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key, a proxy or a base URL of the user's would change what an SDK does."""
    ours = {
        "OPENAI_BASE_URL": "https://example.org",
        "ANTHROPIC_API_KEY": "k",
        "GOOGLE_CLOUD_PROJECT": "p",
        "GEMINI_API_KEY": "k",
        "AZURE_OPENAI_ENDPOINT": "https://example.org",
        "AWS_PROFILE": "x",
        "HTTPS_PROXY": "http://example.org:3128",
        "all_proxy": "http://example.org:3128",
    }
    for name, value in {**ours, "SOMETHING_ELSE": "stays"}.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with hermetic():
        assert not set(ours) & set(os.environ)
        assert os.environ["SOMETHING_ELSE"] == "stays"
        assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"
        os.environ["OPENAI_API_KEY"] = "set by an adapter"
    assert dict(os.environ) == before


def test_everything_is_restored_after_a_fault() -> None:
    """The wall stands for the replay alone; it may also be built twice."""
    names = (socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto, socket.getaddrinfo)
    with pytest.raises(HarnessFault), hermetic(), hermetic():
        socket.getaddrinfo("example.org", 1)
    assert names == (socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto, socket.getaddrinfo)
