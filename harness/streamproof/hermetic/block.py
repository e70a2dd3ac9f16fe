"""The tier for code in this process: its own sockets refuse whatever is not this machine."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from ..errors import HarnessFault
from .environment import without_sdks

TIER = "in-process socket block"
"""What `hermetic` guarantees: the sockets of this process. A child process, or a library with its own syscalls, is not
covered."""


@contextmanager
def hermetic() -> Iterator[None]:
    """Any connection or name look-up beyond loopback raises HarnessFault; SDK variables are taken out of os.environ."""
    with ExitStack() as stack:
        for name in ("connect", "connect_ex", "sendto"):
            method = _guarded_method(getattr(socket.socket, name))
            stack.enter_context(mock.patch.object(socket.socket, name, method))
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            stack.enter_context(mock.patch.object(socket, name, _guarded_lookup(getattr(socket, name))))
        stack.enter_context(mock.patch.dict(os.environ, without_sdks(os.environ), clear=True))
        yield


def _guarded_method(method: Callable[..., Any]) -> Callable[..., Any]:
    """A socket's method whose last argument is the address."""

    def guarded(self: socket.socket, *args: Any) -> Any:
        _check(self.family, args[-1])
        return method(self, *args)

    return guarded


def _guarded_lookup(look_up: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_loopback(host):
            raise HarnessFault(f"a replay looked up {host!r}: nothing may leave this machine")
        return look_up(host, *args, **kwargs)

    return guarded


def _check(family: int, address: Any) -> None:
    if family == getattr(socket, "AF_UNIX", None):
        return
    host = address[0] if isinstance(address, tuple) else address
    if not is_loopback(host):
        raise HarnessFault(f"a replay tried to connect to {host!r}: nothing may leave this machine")


def is_loopback(host: Any) -> bool:
    """Whether a host name or address is this machine itself."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(name).partition("%")[0]).is_loopback
    except ValueError:
        return False
