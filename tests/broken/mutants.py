"""Small lies about any completion, as functions that change its JSON in place.

A broken adapter has one library's fault and needs the case that shows it. A mutant is the same for every case: whoever
lets all of them pass demands nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .kit import Document, parts

NUMBER = 7


def text_lost(document: Document) -> None:
    """No text."""
    document["content"] = [part for part in document["content"] if part["type"] != "text"]


def text_cut(document: Document) -> None:
    """Every text, refusal and thought ends too early."""
    for part in document["content"]:
        part["text"] = part.get("text", "")[:-1]


def text_twice(document: Document) -> None:
    """Every text, refusal and thought comes twice."""
    for part in document["content"]:
        part["text"] = part.get("text", "") * 2


def reasoning_lost(document: Document) -> None:
    """No reasoning."""
    document["content"] = [part for part in document["content"] if part["type"] != "reasoning"]


def parts_are_text(document: Document) -> None:
    """Every part is text."""
    for part in document["content"]:
        part["type"] = "text"


def parts_lost(document: Document) -> None:
    """No content."""
    document["content"] = []


def part_first(document: Document) -> None:
    """A part that nobody sent stands before the others."""
    document["content"].insert(0, {"type": "text", "text": "\n"})


def part_last(document: Document) -> None:
    """A part that nobody sent stands after the others."""
    document["content"].append({"type": "text", "text": "\n"})


def extras_lost(document: Document) -> None:
    """Parts have their type and text, nothing else."""
    for part in document["content"]:
        for name in part.keys() - {"type", "text", "index"}:
            del part[name]


def lists_longer(document: Document) -> None:
    """Lists inside parts (annotations, summaries) have one item more."""
    for part in document["content"]:
        for value in part.values():
            if isinstance(value, list):
                value.append({"type": "x"})


def calls_lost(document: Document) -> None:
    """No tool calls."""
    document["tool_calls"] = []


def call_invented(document: Document) -> None:
    """A call that nobody asked for."""
    document["tool_calls"].append({"id": "call_9", "name": "f", "arguments": "{}", "complete": True})


def call_first(document: Document) -> None:
    """A call that nobody asked for, before the others."""
    document["tool_calls"].insert(0, {"id": "call_9", "name": "f", "arguments": "{}", "complete": True})


def arguments_cut(document: Document) -> None:
    """Every call's arguments end too early."""
    for call in document["tool_calls"]:
        call["arguments"] = call["arguments"][:-1]


def calls_other(document: Document) -> None:
    """Every call may be run where it may not, and the other way round; with another name and id."""
    for call in document["tool_calls"]:
        call.update(complete=not call["complete"], name="f", id="call_9")


def finish_none(document: Document) -> None:
    """Nobody said why it ended."""
    document.update(finish_reason=None, raw_finish_reason=None)


def finish_stop(document: Document) -> None:
    """Everything ends well."""
    document["finish_reason"] = "stop"


def finish_other(document: Document) -> None:
    """A reason that nobody gave."""
    document.update(finish_reason="whim", raw_finish_reason="whim")


def usage_lost(document: Document) -> None:
    """No counts."""
    document["usage"] = dict.fromkeys(document["usage"])


def usage_zero(document: Document) -> None:
    """Nothing was counted."""
    document["usage"] = dict.fromkeys(document["usage"], 0)


def usage_more(document: Document) -> None:
    """Every count is too high."""
    document["usage"] = {name: (count or 0) + NUMBER for name, count in document["usage"].items()}


def all_is_well(document: Document) -> None:
    """No error, and the stream is whole."""
    document.update(status="complete", error=None)


def nothing_is_well(document: Document) -> None:
    """An error of its own, whatever happened."""
    error: dict[str, Any] = {"type": "server", "code": "1", "message": "?", "status_code": 1, "retry_after": NUMBER}
    document.update(status="failed", error={**error, "request_id": "?"})


def status_interrupted(document: Document) -> None:
    """Nothing is ever whole."""
    document["status"] = "interrupted"


def error_bare(document: Document) -> None:
    """An error of which only the type is known."""
    if document["error"] is not None:
        document["error"] = {"type": document["error"]["type"]}


def heads_lost(document: Document) -> None:
    """Who answered, and what stands beside the completion."""
    document.update(model=None, message_id=None, raw_usage=None, details={}, diagnostics=[])


def heads_invented(document: Document) -> None:
    """Signatures, lists and choices that nobody sent."""
    for part in document["content"]:
        part.update(signature="c2ln", annotations=[{"type": "x"}], summary=["x"])
    document.update(raw_usage={"tokens": NUMBER}, choices=[{"index": 1, "content": []}])


def choices_lost(document: Document) -> None:
    """One choice."""
    document.pop("choices", None)


def server_tools_lost(document: Document) -> None:
    """What the provider ran itself."""
    for part in parts(document, "server_tool"):
        document["content"].remove(part)


MUTANTS: tuple[Callable[[Document], None], ...] = (
    text_lost, text_cut, text_twice, reasoning_lost, parts_are_text, parts_lost, part_first, part_last, extras_lost,
    lists_longer, calls_lost, call_invented, call_first, arguments_cut, calls_other, finish_none, finish_stop,
    finish_other, usage_lost, usage_zero, usage_more, all_is_well, nothing_is_well, status_interrupted, error_bare,
    heads_lost, heads_invented, choices_lost, server_tools_lost,
)  # fmt: skip
