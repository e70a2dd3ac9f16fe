"""The tier for code in other processes on Linux: a network namespace, where nothing but the loopback interface is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .. import jsontext
from .packets import target

_KEEPER = Path(__file__).with_name("keeper.py")
_PATIENCE = 10.0
_PACKET = 2048


class NoNamespace(Exception):
    """There is no network namespace to be had; says why."""


@dataclass(slots=True)
class Namespace:
    """A network without a way out. Our own process stays where it is: the descriptors are for children, and the
    listener, though it belongs to the namespace, is served from here."""

    descriptors: Sequence[int]
    listener: socket.socket | None
    packets: socket.socket | None

    @classmethod
    def make(cls) -> Self:
        """A new one. Raises NoNamespace."""
        if sys.platform != "linux":
            raise NoNamespace("network namespaces are Linux's")
        found = _handed_over()
        named = [found[kind] for kind in ("user", "net") if kind in found]
        packets = socket.socket(fileno=found["packets"]) if "packets" in found else None
        return cls(named, socket.socket(fileno=found["listener"]), packets)

    def tried(self) -> list[str]:
        """What was tried to be reached since it was asked last."""
        found = []
        while self.packets is not None:
            try:
                packet = self.packets.recv(_PACKET)
            except BlockingIOError:
                break
            if (name := target(packet)) is not None:
                found.append(name)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        """Let it go; it ends with the last process in it."""
        for descriptor in self.descriptors:
            os.close(descriptor)
        for each in (self.listener, self.packets):
            if each is not None:
                each.close()


def _handed_over() -> Mapping[str, int]:
    """What the keeper made: kind -> descriptor. Raises NoNamespace."""
    ours, theirs = socket.socketpair()
    with ours:
        ours.settimeout(_PATIENCE)
        with theirs:
            command = [sys.executable, "-I", "-S", str(_KEEPER), str(theirs.fileno())]
            keeper = subprocess.Popen(
                command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        try:
            data, descriptors, _, _ = socket.recv_fds(ours, 4096, 8)
        except OSError as error:
            keeper.kill()
            raise NoNamespace(f"no answer: {error}") from error
        finally:
            _, errors = keeper.communicate()
    if not data:
        last = errors.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise NoNamespace(last[0] if last else f"its maker exited with code {keeper.returncode}")
    told = jsontext.loads(data.decode("utf-8"))
    if "error" in told:
        raise NoNamespace(str(told["error"]))
    return dict(zip(told["kinds"], descriptors, strict=True))
