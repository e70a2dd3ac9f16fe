"""What adapters declare, and how a whole run is held against it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from streamproof.capabilities import FIELDS, Capabilities
from streamproof.completion import (
    Completion,
    ErrorInfo,
    ReasoningPart,
    TextPart,
    ToolCall,
    Usage,
)
from streamproof.errors import UsageError
from streamproof.grading.capability_check import Where, complaints, seen
from streamproof.grading.offered import present
from streamproof.grading.view import Told
from streamproof.schemas import problems


@pytest.mark.parametrize(
    ("fields", "name", "offered"),
    [
        (None, "usage.input_tokens", True),
        ((), "usage.input_tokens", True),
        (("usage",), "usage.input_tokens", True),
        (("usage",), "finish_reason", False),
        (("usage.input_tokens",), "usage", False),
        (("-usage",), "usage.input_tokens", False),
        (("-usage",), "finish_reason", True),
        (("-usage", "usage.input_tokens"), "usage.input_tokens", True),
        (("content", "-content.reasoning"), "content.reasoning.signature", False),
        (("content", "-content.reasoning", "content.reasoning.signature"), "content.reasoning.signature", True),
        (("content", "-content"), "content.text", False),
        (("details.stop_sequence",), "details.stop_sequence", True),
        (("details.stop_sequence",), "details.safety_ratings", False),
        (("details",), "details.safety_ratings", True),
    ],
)
def test_the_longest_name_decides(fields: tuple[str, ...] | None, name: str, offered: bool) -> None:
    """A name that covers what merely begins like it, or an exception that is not one."""
    assert Capabilities(fields=fields).offers(name) == offered


def test_some_of_it() -> None:
    """A list of parts can be judged when any kind is offered."""
    assert Capabilities(fields=("content.text",)).offers_some("content")
    assert not Capabilities(fields=("usage",)).offers_some("content")


def test_json_both_ways() -> None:
    """A declaration that means something else after the handshake, or that breaks the schema."""
    declared = Capabilities(
        protocols=("openai_chat",), providers=("openai",), deltas=False, fields=("-usage", "details.stop_sequence"),
        finish_dialect="raw", text="joined", arguments="object", concurrent=4, cancel=True,
        by_protocol={"openai_chat": {"fields": ("usage",), "text": "parts", "deltas": True, "providers": ("azure",)}},
    )  # fmt: skip
    assert Capabilities.from_json(declared.to_json()) == declared
    hello = {"type": "hello", "schema": 1, "adapter": "x", "versions": {}, "capabilities": declared.to_json()}
    assert problems("process", hello) == []
    assert Capabilities.from_json({"protocols": []}) == Capabilities()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"finish_dialect": "odd"}, "'odd'"),
        ({"text": "merged"}, "'merged'"),
        ({"fields": ["content.txt"]}, "'content.txt', which is no field"),
        ({"fields": ["-usage.tokens"]}, "'-usage.tokens', which is no field"),
        ({"protocols": ["openai"]}, "no protocol 'openai'"),
        ({"dialect": "wire"}, "have no dialect"),
        ({"by_protocol": {"openai": {}}}, "by_protocol names 'openai', which is no protocol of this adapter"),
        (
            {"protocols": ["openai_chat"], "by_protocol": {"openai_responses": {}}},
            "by_protocol names 'openai_responses', which is no protocol",
        ),
        ({"by_protocol": {"openai_chat": {"dialect": "wire"}}}, "by_protocol.openai_chat have no dialect"),
        ({"by_protocol": {"openai_chat": {"cancel": True}}}, "by_protocol.openai_chat have no cancel"),
        ({"by_protocol": {"openai_chat": {"text": "merged"}}}, "by_protocol.openai_chat.text is 'merged'"),
        ({"by_protocol": {"openai_chat": {"fields": ["-usge"]}}}, "by_protocol.openai_chat.fields names '-usge'"),
        ({"by_protocol": {"openai_chat": ["text"]}}, "by_protocol.openai_chat is no object"),
        ({"by_protocol": ["openai_chat"]}, "by_protocol is no object"),
    ],
)
def test_words_that_mean_nothing(document: dict[str, object], message: str) -> None:
    """A misspelt word that restricts nothing, or everything, and nobody notices."""
    with pytest.raises(UsageError, match=message):
        Capabilities.from_json(document)


DIFFERS = Capabilities(
    protocols=("openai_chat", "openai_responses"),
    fields=("-content.reasoning",),
    text="joined",
    by_protocol={"openai_responses": {"fields": (), "text": "parts", "finish_dialect": "raw"}},
)


def test_what_differs_in_a_protocol() -> None:
    """An overlay that also changes what it does not name, or other protocols."""
    there = DIFFERS.at("openai_responses")
    assert (there.text, there.finish_dialect, there.arguments) == ("parts", "raw", "text")
    assert there.offers("content.reasoning")
    assert DIFFERS.at("openai_chat").text == "joined"
    assert not DIFFERS.at("openai_chat").offers("content.reasoning")


def test_the_page_lists_every_field() -> None:
    """A field that authors cannot find, or one that is gone."""
    page = (Path(__file__).parents[1] / "docs" / "capabilities.md").read_text(encoding="utf-8")
    listed = [line.split("`")[1] for line in page.partition("## Fields")[2].partition("\n## ")[0].splitlines()
              if line.startswith("| `")]  # fmt: skip
    assert listed == [*FIELDS, "details.NAME"]


def test_fields_of_a_completion() -> None:
    """A field that the check does not see, and so never misses."""
    completion = Completion(
        content=(ReasoningPart(text="hm", signature="s", id="r"), TextPart(text="x", annotations=({"a": 1},))),
        tool_calls=(ToolCall(id="c", name="f", complete=False),),
        usage=Usage(input_tokens=0),
        status="failed",
        error=ErrorInfo(type="server", code="x"),
    )
    assert set(present(completion, {"stop_sequence": "5"}, [])) == {
        "content.reasoning", "content.reasoning.signature", "content.ids", "content.text", "content.text.annotations",
        "tool_calls", "tool_calls.id", "tool_calls.complete", "usage.input_tokens", "error.type", "error.code",
        "partial", "details", "details.stop_sequence",
    }  # fmt: skip


@dataclass
class Ran:
    """An outcome, as far as the check looks."""

    cell: str
    fields: dict[str, Where]


def run_of(name: str, where: Where, count: int) -> list[Ran]:
    """Outcomes of as many cases that all say the same of a field."""
    return [Ran(f"openai_chat/case-{n}@openai", {name: where}) for n in range(count)]


ALL = Capabilities(fields=("-details",))


def test_declared_and_never_seen() -> None:
    """An adapter that claims a field which it never shows."""
    (complaint,) = complaints(ALL, run_of("content.reasoning", "wire", 3))
    assert "declares content.reasoning, and never shows it: the wire has it in 3 cases" in complaint
    assert complaints(ALL, run_of("content.reasoning", "wire", 2)) == []
    once = [*run_of("content.reasoning", "wire", 9), Ran("openai_chat/x@openai", {"content.reasoning": "both"})]
    assert complaints(ALL, once) == []
    assert complaints(Capabilities(fields=("-content.reasoning",)), run_of("content.reasoning", "wire", 3)) == []
    same_case = [Ran(f"openai_chat/text@{p}", {"content.reasoning": "wire"}) for p in ("openai", "azure", "groq")]
    assert complaints(ALL, same_case) == []


def test_seen_and_not_declared() -> None:
    """An adapter that shows what it says it has not, and so is never graded on it."""
    modest = Capabilities(fields=("-content.reasoning",))
    (complaint,) = complaints(modest, run_of("content.reasoning", "both", 1))
    assert "shows content.reasoning in 1 cell, such as openai_chat/case-0@openai" in complaint
    assert complaints(modest, run_of("content.text", "both", 1)) == []
    (invented,) = complaints(modest, run_of("content.reasoning", "shown", 2))
    assert "in 2 cells" in invented


def test_no_declaration_no_complaint() -> None:
    """An adapter that declares nothing is judged by the requirements alone."""
    assert complaints(None, run_of("content.reasoning", "wire", 9)) == []
    assert complaints(Capabilities(), run_of("content.reasoning", "wire", 9)) == []


@pytest.mark.parametrize(
    ("declared", "name", "where", "message"),
    [
        (Capabilities(deltas=True), "deltas", "wire", "declares deltas, and never shows it"),
        (Capabilities(deltas=False), "deltas", "both", "shows deltas in 3 cells"),
        (Capabilities(text="joined"), "text.parts", "both", "shows text in parts in 3 cells"),
        (Capabilities(finish_dialect="raw"), "finish_dialect.raw", "wire", "declares finish_dialect 'raw', and never"),
        (Capabilities(finish_dialect="wire"), "finish_dialect.wire", "wire", "declares finish_dialect 'wire'"),
    ],
)
def test_ways_of_speaking(declared: Capabilities, name: str, where: Where, message: str) -> None:
    """A dialect that nobody speaks, or a form that is not kept."""
    (complaint,) = complaints(declared, run_of(name, where, 3))
    assert message in complaint


def at(protocol: str, runs: list[Ran]) -> list[Ran]:
    """The same outcomes at cases of another protocol."""
    return [Ran(run.cell.replace("openai_chat", protocol), run.fields) for run in runs]


def test_each_protocol_is_held_against_its_own_declaration() -> None:
    """A complaint about parts in the one protocol that says that it gives parts."""
    parts = run_of("text.parts", "both", 3)
    assert complaints(DIFFERS, [*run_of("text.parts", "wire", 3), *at("openai_responses", parts)]) == []
    (complaint,) = complaints(DIFFERS, [*parts, *at("openai_responses", run_of("text.parts", "wire", 3))])
    assert "shows text in parts in 3 cells of openai_chat, such as openai_chat/case-0@openai" in complaint
    assert "declare text: parts in by_protocol.openai_chat" in complaint


def test_a_claim_for_one_protocol_is_not_kept_by_another() -> None:
    """An overlay that claims a dialect or a field which only other protocols show."""
    claimed = replace(DIFFERS, by_protocol={"openai_responses": {"fields": ("usage",), "finish_dialect": "raw"}})
    for name, what in (("usage.input_tokens",) * 2, ("finish_dialect.raw", "finish_dialect 'raw'")):
        shown_in_chat = [*run_of(name, "both", 3), *at("openai_responses", run_of(name, "wire", 3))]
        (complaint,) = complaints(claimed, shown_in_chat)
        assert f"declares {what} for openai_responses, and never shows it" in complaint
        assert "such as openai_responses/case-0@openai" in complaint
        assert "take it out of by_protocol.openai_responses" in complaint


def test_a_claim_for_all_protocols_is_kept_by_any() -> None:
    """Media that Chat has on three wires and Responses shows: the overlay about something else splits the judgement."""
    declared = replace(DIFFERS, by_protocol={"openai_responses": {"text": "parts"}})
    media = [*run_of("content.media", "wire", 3), *at("openai_responses", run_of("content.media", "both", 1))]
    assert complaints(declared, media) == []


def test_what_only_some_protocols_show() -> None:
    """A complaint that sends an author through all protocols, where one differs."""
    declared = Capabilities(text="joined")
    runs = [*run_of("text.parts", "wire", 3), *at("openai_responses", run_of("text.parts", "both", 3))]
    (complaint,) = complaints(declared, runs)
    assert "in 3 cells of openai_responses, such as" in complaint
    assert "declare text: parts in by_protocol.openai_responses, or" in complaint


def test_what_cells_tell() -> None:
    """A cell that says of a field something else than what was on the wire and what was shown."""
    wire = Told(
        Completion(content=(TextPart(text="a"), ReasoningPart(text="b"), TextPart(text="c")), status="complete",
                   finish_reason="tool_calls", raw_finish_reason="STOP"),
        {"stop_sequence": "5"},
    )  # fmt: skip
    got = Told(Completion(content=(TextPart(text="ac"),), finish_reason="stop", model="m", status="complete"), {})
    assert seen(wire, got, Capabilities(), deltas=False) == {
        "content.text": "both", "content.reasoning": "wire", "text.parts": "wire", "deltas": "wire",
        "finish_reason": "both", "raw_finish_reason": "wire", "model": "shown", "details": "wire",
        "details.stop_sequence": "wire", "finish_dialect.raw": "wire", "finish_dialect.wire": "both",
    }  # fmt: skip


def test_what_goes_with_something_that_is_not_offered() -> None:
    """A complaint about ids of reasoning, where reasoning is not shown, or of content that an error took away."""
    wire = Told(Completion(content=(ReasoningPart(text="b", id="rs_1"),), status="complete", model="m"), {})
    nothing = Told(Completion(status="complete"), {})
    declared = Capabilities(fields=("-content.reasoning", "-partial"))
    assert seen(wire, nothing, declared, deltas=True) == {
        "content.reasoning": "wire",
        "model": "wire",
        "deltas": "both",
    }
    cut = Told(replace(wire.completion, status="interrupted", error=ErrorInfo(type="interrupted", code="cut")), {})
    assert set(seen(cut, nothing, declared, deltas=True)) == {"error.type", "error.code", "deltas"}
