"""What is said in the process contract, as values: who an adapter is, what it is asked, what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..capabilities import Capabilities
from ..cell import Cell
from ..completion import Completion, ErrorInfo
from ..decoders.base import Diagnostic
from ..errors import CellFault
from ..jsontext import JSON
from ..wire.plans import PARTS
from .contract import Call, Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Who an adapter says that it is."""

    name: str
    versions: Mapping[str, str]
    capabilities: Capabilities


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What an answer holds besides its completion."""

    details: Mapping[str, JSON] = field(default_factory=dict)
    diagnostics: Sequence[Diagnostic] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a call. completion: None when an error came without what had arrived. shown: None when the
    adapter does not show such things. fault: what is to be raised instead; its process goes on."""

    completion: Completion | None = None
    error: ErrorInfo | None = None
    shown: Shown | None = None
    fault: CellFault | None = None


def call_message(number: str, cell: Cell, endpoint: Endpoint) -> dict[str, Any]:
    """A `call`. number: its id."""
    plan = {part: value for part in PARTS if (value := getattr(cell.plan, part)) is not None}
    call = cell.case.call
    return {
        "type": "call",
        "id": number,
        "protocol": cell.row.protocol,
        "provider": cell.row.name,
        "base_url": endpoint.url,
        "api_key": endpoint.api_key,
        "call": _call_document(call),
        "plan": plan or None,
        "sync": cell.sync,
        "timeout": endpoint.timeout,
    }


def _call_document(call: Call) -> dict[str, Any]:
    document: dict[str, Any] = {"model": call.model, "messages": list(call.messages)}
    if call.tools:
        document["tools"] = list(call.tools)
    if call.max_output_tokens is not None:
        document["max_output_tokens"] = call.max_output_tokens
    if call.options:
        document["options"] = dict(call.options)
    return document


def shown_in(message: Mapping[str, Any]) -> Shown | None:
    """What a `result` or `error` shows besides, None where the adapter does not show such things."""
    if "details" not in message and "diagnostics" not in message:
        return None
    diagnostics = tuple(Diagnostic(**each) for each in message.get("diagnostics", ()))
    return Shown(details=message.get("details", {}), diagnostics=diagnostics)
