"""The command that runs one cell again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from .runs import CellName

_RUN = "streamproof run"


def runner(headers: Iterable[Mapping[str, Any]]) -> str:
    """What stands before the case: `streamproof run`, or what a header says (`nox -s adapter-acme --`)."""
    return next((str(header["again"]) for header in headers if header.get("again")), _RUN)


def adapter_option(adapter: str, headers: Iterable[Mapping[str, Any]]) -> str:
    """How `streamproof run` was told which adapter: `--adapter wire`, `--adapter module:Class`, `--command "…"`; ""
    where the runner knows it."""
    headers = list(headers)
    if runner(headers) != _RUN:
        return ""
    for header in headers:
        command, target = header.get("command"), header.get("target")
        if command:
            words = command if isinstance(command, str) else shlex.join(map(str, command))
            return f"--command {shlex.quote(words)}"
        if isinstance(target, str) and target:
            return f"--adapter {shlex.quote(target)}"
    return f"--adapter {shlex.quote(adapter)}"


def again(cell: CellName, adapter: str, headers: Iterable[Mapping[str, Any]]) -> str:
    """One line for a shell. adapter: its name. headers: of its runs."""
    headers = list(headers)
    words = [runner(headers), shlex.quote(cell.case)]
    words += ["--provider", shlex.quote(cell.provider)] if cell.provider else []
    words += ["--plan", shlex.quote(cell.plan)] if cell.plan else []
    words += ["--sync"] if cell.sync else []
    return " ".join([*words, adapter_option(adapter, headers)]).rstrip()
