"""Where adapters in other processes are run: with no way out, as far as this system can have it.

Best first: a network namespace (Linux), which holds whatever an adapter is made of; else proxy variables, which only
HTTP clients that heed them obey. In a Python adapter audit events refuse and report besides (audit.py).
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ..replay.connection import problem
from ..replay.exchanges import Request
from ..replay.script import Response
from ..replay.server import LoopbackServer
from .environment import for_child
from .namespace import Namespace, NoNamespace

NAMESPACE = "network namespace"
PROXIES = "proxy variables"

SWITCH = "STREAMPROOF_HERMETIC"
"""Environment variable; `proxy` goes without a namespace, `namespace` does not run without one."""


def _nothing() -> list[str]:
    return []


@dataclass(slots=True, kw_only=True)
class Stage:
    """What an adapter's process is given. tier: how the network is kept out, as the run's header says it. environment:
    the whole of its variables. namespaces: descriptors of the Linux namespaces that it is started in. listener: a
    socket for the server that the adapter can reach, None where any of ours will do. tried: what was tried to be
    reached since it was asked last, as `host:port`."""

    tier: str
    environment: Mapping[str, str]
    namespaces: Sequence[int] = ()
    listener: socket.socket | None = None
    tried: Callable[[], list[str]] = field(default=_nothing)


@contextmanager
def stage(environment: Mapping[str, str] | None = None) -> Iterator[Stage]:
    """The best stage that can be had here. environment: ours by default. Raises NoNamespace when it is demanded."""
    wanted = os.environ.get(SWITCH, "")
    try:
        if wanted == "proxy":
            raise NoNamespace(f"{SWITCH}=proxy")
        namespace = Namespace.make()
    except NoNamespace as reason:
        if wanted == "namespace":
            raise
        with _proxied(str(reason), environment) as made:
            yield made
        return
    try:
        yield Stage(
            tier=NAMESPACE,
            environment=for_child(None, environment),
            namespaces=namespace.descriptors,
            listener=namespace.listener,
            tried=namespace.tried,
        )
    finally:
        namespace.close()


@contextmanager
def _proxied(reason: str, environment: Mapping[str, str] | None) -> Iterator[Stage]:
    """A proxy that lets nothing through, and remembers what it was asked for."""
    asked, lock = list[str](), threading.Lock()

    def refuse(request: Request) -> Response:
        with lock:
            asked.append(_wanted(request))
        return problem(502, "no_network", "nothing but this machine is reached in a replay")

    def tried() -> list[str]:
        with lock:
            found = list(dict.fromkeys(asked))
            asked.clear()
        return found

    with LoopbackServer(refuse) as proxy:
        tier = f"{PROXIES} (no {NAMESPACE}: {reason})"
        yield Stage(tier=tier, environment=for_child(proxy.base_url, environment), tried=tried)


def _wanted(request: Request) -> str:
    """`host:port` of a request to a proxy: `CONNECT host:port`, or a whole URL (RFC 9112, section 3.2)."""
    if request.method == "CONNECT":
        return request.target
    scheme, _, rest = request.target.partition("://")
    host = rest.partition("/")[0]
    return host if ":" in host.rpartition("]")[2] else f"{host}:{443 if scheme == 'https' else 80}"
