"""Keeping a replay on this machine: no connection leaves, no setting of the user's environment gets in."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from ..errors import HarnessFault

TIER = "in-process socket block"
"""What `hermetic` guarantees: sockets of this process. A child process, or a library with its own syscalls, is not
covered."""

_PREFIXES = ("OPENAI_", "ANTHROPIC_", "GOOGLE_", "GEMINI_", "AZURE_", "AWS_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@contextmanager
def hermetic() -> Iterator[None]:
    """Any connection or name look-up beyond loopback raises HarnessFault; SDK variables are taken out of os.environ."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        _check(self.family, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        _check(self.family, address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not _is_loopback(host):
            raise HarnessFault(f"a replay looked up {host!r}: nothing may leave this machine")
        return getaddrinfo(host, *args, **kwargs)

    with (
        mock.patch.object(socket.socket, "connect", guarded_connect),
        mock.patch.object(socket.socket, "connect_ex", guarded_connect_ex),
        mock.patch.object(socket, "getaddrinfo", guarded_getaddrinfo),
        mock.patch.dict(os.environ, _clean(), clear=True),
    ):
        yield


def _clean() -> dict[str, str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(_PREFIXES) and n not in _PROXIES}
    return {**kept, "AWS_EC2_METADATA_DISABLED": "true"}


def _check(family: int, address: Any) -> None:
    if family == getattr(socket, "AF_UNIX", None):
        return
    host = address[0] if isinstance(address, tuple) else address
    if not _is_loopback(host):
        raise HarnessFault(f"a replay tried to connect to {host!r}: nothing may leave this machine")


def _is_loopback(host: Any) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(name).partition("%")[0]).is_loopback
    except ValueError:
        return False
