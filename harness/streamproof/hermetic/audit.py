"""Inside an adapter's own Python: what it tries to reach is refused and reported, by Python's audit events.

The socket module itself raises them, so whatever goes through it is seen: httpx, requests, asyncio, botocore. Libraries
that open sockets in C (grpc, uvloop, curl) are not; the network namespace holds those.
"""

from __future__ import annotations

import errno
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from .block import is_loopback

_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})


def watch_network(tried: Callable[[str], object]) -> None:
    """Refuse what is not this machine, from now on until the process ends. tried: called with each `host:port`."""
    own_names = {"", socket.gethostname()}
    reporting = threading.local()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _CONNECTS and event not in _LOOKUPS:
            return
        target = _address(*arguments) if event in _CONNECTS else _name(arguments[0], own_names)
        if target is None or getattr(reporting, "busy", False):
            return
        reporting.busy = True
        try:
            tried(target)
        finally:
            reporting.busy = False
        told = f"nothing but this machine is reached in a replay: {target}"
        if event in _LOOKUPS:
            raise socket.gaierror(socket.EAI_NONAME, told)
        raise ConnectionRefusedError(errno.ECONNREFUSED, told)

    sys.addaudithook(hook)


def _address(own: Any, address: Any = None) -> str | None:
    """`host:port` of what is not on this machine, None for what is."""
    if own.family == getattr(socket, "AF_UNIX", None) or not isinstance(address, tuple) or is_loopback(address[0]):
        return None
    host = f"[{address[0]}]" if ":" in str(address[0]) else str(address[0])
    return f"{host}:{address[1]}"


def _name(host: Any, own_names: set[str]) -> str | None:
    """A name that would be looked up, None for an address and for our own names."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name is None or name in own_names or is_loopback(name):
        return None
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in name else socket.AF_INET, name.partition("%")[0])
    except OSError:
        return str(name)
    return None
