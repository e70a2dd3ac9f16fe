"""Wire plans: names, what each makes of the bytes, what is legal for which body."""

from __future__ import annotations

import gzip
import re
import struct
import zlib
from pathlib import Path

import pytest
from streamproof.errors import UsageError
from streamproof.wire.eventstream import encode_frame
from streamproof.wire.plans import AS_STORED, RULES, Plan, applies, drawn, effect, legal, plans, terminals, unmarked
from streamproof.wire.plans.body import Document, body_kind, spans
from streamproof.wire.reader import Reader

CHAT = (
    'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"Grüße, "},"finish_reason":null}]}\n\n'
    'data: {"id":"c1","choices":[{"index":0,"delta":{"content":"{\\"a\\":1}"},"finish_reason":"stop"}]}\n\n'
    "data: [DONE]\n\n"
).encode()
MESSAGES = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m1","content":[]}}\n\n'
    b'event: error\ndata: {"error":{"message":"no"}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
ARRAY = b'[{"candidates":[]}\n,\n{"candidates":[{"finishReason":"STOP"}]}\n]'
FRAME = encode_frame({":message-type": "event", ":event-type": "messageStop"}, b'{"stopReason":"end_turn"}')


def content(body: bytes, protocol: str = "openai_chat", **parts: str) -> bytes:
    """The body under a plan."""
    return Plan(**parts).deliver(body, protocol).content


def read(body: bytes) -> list[tuple[str, str, object]]:
    """The events of a body, without notes on what the standard ignores."""
    reader = Reader()
    events = [*reader.feed(body), *reader.close()]
    return [tuple(event) for event in events if event.kind != "malformed"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "split:byte",
        "split:random-3+frame:no-space,crlf,bom",
        "inject:error-2",
        "frame:cr+inject:ping+cut:at-9-reset",
        "split:event+pace:fixed-20+coding:gzip",
        "pace:recorded",
    ],
)
def test_names_are_inverse(text: str) -> None:
    """A plan that cannot be written into a cell id and read again."""
    assert str(Plan.parse(text)) == text
    assert bool(Plan.parse(text)) is bool(text)


@pytest.mark.parametrize(
    "text",
    [
        "split", "split:", "pace:1", "pace:fixed", "pace:fixed-N", "pace:fixed-60001",
        "coding:br", "coding:", "split:byte+split:2", "split:4", "split:random", "split:at-x", "split:random-N",
        "frame:crlf,no-space", "frame:crlf,crlf", "frame:utf8", "inject:error", "inject:error-N", "cut:after",
        "cut:after-1-now", "cut:empty-1", "cut:after-N", "cut:reset",
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused(text: str) -> None:
    """A second spelling of a plan, or a name that does nothing in silence."""
    with pytest.raises(UsageError):
        Plan.parse(text)


def test_parts_may_come_in_any_order_and_are_written_in_one() -> None:
    """Two spellings of the same cell."""
    assert str(Plan.parse("cut:after-0+frame:bom+split:2")) == "split:2+frame:bom+cut:after-0"


@pytest.mark.parametrize(
    ("split", "body", "pieces"),
    [
        ("whole", b"data: 1\n\n", [b"data: 1\n\n"]),
        ("whole", b"", []),
        ("event", b"data: 1\n\n: c\n\ndata: 2\n\ndata: 3", [b"data: 1\n\n", b": c\n\ndata: 2\n\n", b"data: 3"]),
        ("mid-event", b"data: ab\n\ndata: cd\n\n", [b"data", b": ab\n\ndata", b": cd\n\n"]),
        ("utf8", "data: é🌟\n\n".encode(), [b"data: \xc3", b"\xa9\xf0", b"\x9f", b"\x8c", b"\x9f\n\n"]),
        ("crlf", b"data: 1\r\n\r\n", [b"data: 1\r", b"\n\r", b"\n"]),
        ("byte", b"abc", [b"a", b"b", b"c"]),
        ("2", b"abcde", [b"ab", b"cd", b"e"]),
        ("3", b"abcde", [b"abc", b"de"]),
        ("7", b"abcdefgh", [b"abcdefg", b"h"]),
        ("at-2", b"abc", [b"ab", b"c"]),
        ("at-9", b"abc", [b"abc"]),
    ],
)
def test_splits(split: str, body: bytes, pieces: list[bytes]) -> None:
    """A split that cuts elsewhere than its name says."""
    assert Plan(split=split).deliver(body, "openai_chat").chunks == pieces


@pytest.mark.parametrize("body", [CHAT, MESSAGES, ARRAY, FRAME * 2, b"<html>"])
def test_no_split_changes_a_byte(body: bytes) -> None:
    """A split that loses or doubles bytes, or makes empty pieces; another random split for the same seed."""
    for plan in plans("openai_chat", body):
        if plan == Plan(split=plan.split):
            chunks = plan.deliver(body, "openai_chat").chunks
            assert b"".join(chunks) == body
            assert all(chunks)
            assert chunks == plan.deliver(body, "openai_chat").chunks
    assert content(body, split="random-1") == content(body, split="random-2")


@pytest.mark.parametrize(
    ("frame", "body"),
    [
        ("lf", b"event: a\ndata: {}\n\ndata: 2\n\n"),
        ("crlf", b"event: a\r\ndata: {}\r\n\r\ndata: 2\r\n\r\n"),
        ("cr", b"event: a\rdata: {}\r\rdata: 2\r\r"),
        ("mixed", b"event: a\ndata: {}\n\ndata: 2\r\n\r\n"),
        ("bom", b"\xef\xbb\xbfevent: a\ndata: {}\n\ndata: 2\n\n"),
        ("no-space", b"event:a\ndata:{}\n\ndata:2\n\n"),
        ("ids", b"id: 0\nevent: a\ndata: {}\n\nid: 1\ndata: 2\n\n"),
        ("retry", b"retry: 3000\n\nevent: a\ndata: {}\n\ndata: 2\n\n"),
        ("fields", b"event: a\ndata: {}\nx-trace: 0\n\ndata: 2\nx-trace: 1\n\n"),
        ("comments-before", b": ping\n\nevent: a\ndata: {}\n\ndata: 2\n\n"),
        ("comments-between", b"event: a\ndata: {}\n\n: ping\n\ndata: 2\n\n"),
        ("comments-inside", b"event: a\n: ping\ndata: {}\n\ndata: 2\n: ping\n\n"),
        ("comments", b": ping\n\nevent: a\n: ping\ndata: {}\n\n: ping\n\ndata: 2\n: ping\n\n"),
        ("unterminated", b"event: a\ndata: {}\n\ndata: 2\n"),
        ("done", b"event: a\ndata: {}\n\ndata: 2\n\ndata: [DONE]\n\n"),
        ("no-space,cr,bom", b"\xef\xbb\xbfevent:a\rdata:{}\r\rdata:2\r\r"),
    ],
)
def test_frames(frame: str, body: bytes) -> None:
    """A framing that writes other lines than its name says."""
    assert content(b"event: a\ndata: {}\n\ndata: 2\n\n", frame=frame) == body


def test_two_lines_break_the_json_between_members_only() -> None:
    """A break inside a string, or in data that is no object, which would be another payload."""
    broken = content(b'data: {"a":"x,y","b":[1,2]}\n\ndata: [DONE]\n\ndata: {"a":1}\n\n', frame="two-lines")
    assert broken == b'data: {"a":"x,y",\ndata: "b":[1,2]}\n\ndata: [DONE]\n\ndata: {"a":1}\n\n'


def test_names_go_only_where_the_payload_says_them() -> None:
    """An error that only its event name tells, without its name."""
    assert content(MESSAGES, "anthropic_messages", frame="no-names") == (
        b'data: {"type":"message_start","message":{"id":"m1","content":[]}}\n\n'
        b'event: error\ndata: {"error":{"message":"no"}}\n\n'
        b'data: {"type":"message_stop"}\n\n'
    )


def test_a_space_that_belongs_to_the_value_stays() -> None:
    """`data:  x` without its first space means `x`."""
    assert content(b"data:  x\n\n", frame="no-space") == b"data:  x\n\n"


@pytest.mark.parametrize("name", [rule.name for rule in RULES if rule.part == "frame" and "done" not in rule.name])
@pytest.mark.parametrize(("protocol", "body"), [("openai_chat", CHAT), ("anthropic_messages", MESSAGES)])
def test_a_framing_keeps_the_events(name: str, protocol: str, body: bytes) -> None:
    """A framing variant that is none, as it changes an event (its name apart, where the payload says it)."""
    plain = [(kind, payload) for kind, _, payload in read(body)]
    assert [(kind, payload) for kind, _, payload in read(content(body, protocol, frame=name))] == plain


def test_the_reader_and_the_plans_agree_on_events() -> None:
    """Event numbers of cuts that are not those of the reader."""
    for body, count in ((CHAT, 3), (MESSAGES, 3), (ARRAY, 2), (FRAME * 3, 3), (b"<html>", 0), (b"", 0)):
        found = spans(body)
        assert len(found) == count == len(read(body))
        assert all(
            body[span.start : span.end] and span.start <= span.data[0] < span.data[1] <= span.end for span in found
        )


def test_a_cut_frame_is_an_event_without_an_end() -> None:
    """The half frame at the end of a body is overlooked, or read past."""
    body = FRAME + FRAME[:-3]
    assert [(span.end, span.ended) for span in spans(body)] == [(len(FRAME), True), (len(body), False)]
    assert struct.unpack_from("!I", body)[0] == len(FRAME)


@pytest.mark.parametrize(
    ("cut", "sent", "end"),
    [
        ("empty", b"", "clean"),
        ("empty-stall", b"", "stall"),
        ("after-0", b"data: ab\n\n", "clean"),
        ("after-1-reset", b"data: ab\n\ndata: cd\n\n", "reset"),
        ("inside-1", b"data: ab\n\ndata", "clean"),
        ("at-3-short", b"dat", "short"),
        ("at-99", b"data: ab\n\ndata: cd\n\n", "clean"),
        ("after-9-reset", b"data: ab\n\ndata: cd\n\n", "clean"),
    ],
)
def test_cuts(cut: str, sent: bytes, end: str) -> None:
    """A cut elsewhere than its name says, or with another end."""
    delivery = Plan(cut=cut).deliver(b"data: ab\n\ndata: cd\n\n", "openai_chat")
    assert (b"".join(delivery.chunks), delivery.end) == (sent, end)


def test_cuts_count_the_events_that_are_sent() -> None:
    """A cut under another framing that counts bytes or events of the body as stored."""
    delivery = Plan(split="byte", frame="crlf", cut="after-0").deliver(CHAT, "openai_chat")
    assert b"".join(delivery.chunks) == delivery.content[: delivery.cut_at]
    assert delivery.content[: delivery.cut_at].endswith(b"}]}\r\n\r\n")


def test_unknown_fields_stay_out_of_what_others_wrote() -> None:
    """An unknown field inside tool arguments, which makes other arguments of them."""
    body = b'data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"a":{}}}}]}}]}\n\n'
    marked = content(body, "gemini_generate_content", inject="field").decode()
    assert '"args":{"a":{}}' in marked
    assert marked.count("streamproof_unknown") == 4  # chunk, candidate, content, call
    assert unmarked({"streamproof_unknown": 1, "a": [{"streamproof_unknown": 1}]}) == {"a": [{}]}


def test_injections_stand_between_the_events() -> None:
    """An injected event after the last one, where it would follow the end of the stream."""
    assert content(CHAT, inject="null").count(b"data: null\n\n") == 2
    assert content(CHAT, inject="null").endswith(b"data: [DONE]\n\n")
    pinged = content(MESSAGES, "anthropic_messages", inject="ping")
    assert pinged.count(b'event: ping\ndata: {"type":"ping"}\n\n') == 2
    assert content(CHAT, inject="ping") == CHAT


@pytest.mark.parametrize(
    ("protocol", "word"),
    [
        ("openai_chat", b'{"error":{'),
        ("openai_responses", b'event: error\ndata: {"type":"error"'),
        ("anthropic_messages", b'"overloaded_error"'),
        ("gemini_generate_content", b'"UNAVAILABLE"'),
    ],
)
def test_an_error_ends_the_stream(protocol: str, word: bytes) -> None:
    """Events after the provider's error, or an error of another protocol."""
    sent = content(CHAT, protocol, inject="error-0")
    assert word in sent
    assert len(spans(sent)) == 2
    assert content(CHAT, protocol, inject="error-7") == CHAT


def test_effects() -> None:
    """The worst part of a plan decides what it must do; a plan of another protocol is refused."""
    assert effect(AS_STORED, "openai_chat") == "nothing"
    assert effect(Plan(split="byte", frame="bom"), "openai_chat") == "nothing"
    assert effect(Plan(split="byte", cut="at-3-reset"), "bedrock_converse") == "interrupted"
    assert effect(Plan(frame="bom", inject="error-1"), "openai_chat") == "failed"
    with pytest.raises(UsageError, match="inject:ping is not legal for openai_chat"):
        effect(Plan(inject="ping"), "openai_chat")


def test_binary_and_json_bodies_keep_their_events() -> None:
    """A framing of server-sent events for a body that is none."""
    assert {rule.part for rule in legal("bedrock_converse", "eventstream")} == {"split", "cut", "pace", "coding"}
    assert {rule.part for rule in legal("gemini_generate_content", "json")} == {"split", "cut", "pace", "coding"}
    assert {rule.part for rule in legal("openai_chat", "other")} == {"split", "pace", "coding"}
    for plan in plans("gemini_generate_content", ARRAY):
        assert plan == Plan(split=plan.split, cut=plan.cut, coding=plan.coding)


@pytest.mark.parametrize(
    ("plan", "body", "fits"),
    [
        (Plan(split="utf8"), CHAT, True),
        (Plan(split="utf8"), b"data: 1\n\n", False),
        (Plan(split="crlf"), CHAT, False),
        (Plan(split="crlf", frame="crlf"), CHAT, True),
        (Plan(frame="lf"), CHAT, False),
        (Plan(frame="lf,bom"), CHAT, False),
        (Plan(frame="done"), CHAT, False),
        (Plan(frame="no-done"), CHAT, True),
        (Plan(frame="no-done"), CHAT.replace(b'"stop"', b"null"), False),
        (Plan(frame="done"), CHAT.replace(b"data: [DONE]\n\n", b"").replace(b'"stop"', b"null"), False),
        (Plan(frame="done"), CHAT.replace(b"data: [DONE]\n\n", b""), True),
        (Plan(cut="after-2"), CHAT, False),
        (Plan(cut="after-2-reset"), CHAT, True),
        (Plan(cut="after-3-reset"), CHAT, False),
        (Plan(cut="empty"), b"", False),
        (Plan(inject="ping"), CHAT, False),
        (Plan(frame="bom"), b"<html>", False),
        (Plan(coding="gzip"), CHAT, True),
        (Plan(coding="gzip", cut="empty-reset"), CHAT, True),
        (Plan(coding="gzip"), b"<html>", True),
        (Plan(coding="gzip"), b"", False),
        (Plan(coding="gzip"), gzip.compress(CHAT), False),
        (Plan(pace="fixed-5"), CHAT, False),
        (Plan(split="event", pace="fixed-5"), CHAT, True),
        (Plan(split="event", pace="fixed-0"), CHAT, False),
        (Plan(pace="first-5"), CHAT, True),
        (Plan(pace="first-5"), b"", False),
        (Plan(pace="recorded"), CHAT, False),
    ],
)
def test_a_plan_applies_where_it_is_legal_and_does_something(plan: Plan, body: bytes, fits: bool) -> None:
    """A cell that repeats the stored body under another name, or whose truth another plan has taken away."""
    assert applies(plan, "openai_chat", body) is fits


def _n(match: re.Match[str]) -> str:
    return "-N" if match[1] is None else ""


def test_plans_of_a_body() -> None:
    """A legal plan that no sweep ever runs, or one that stands there twice."""
    found = plans("openai_chat", CHAT.replace(b"\n", b"\r\n"), positions="all")
    assert len(found) == len(set(found))
    used = {re.sub(r"-\d+|-(reset|short|stall)", _n, f"{part}:{name}") for plan in found for part, name in plan.names()}
    every = {f"{rule.part}:{rule.name}" for rule in RULES if "openai_chat" in rule.protocols}
    # done: it has one; crlf: it is so; at-N: the sweep's own; pace: a sweep does not wait
    paces = {f"pace:{rule.name}" for rule in RULES if rule.part == "pace"}
    assert used == every - {"split:whole", "split:at-N", "cut:at-N", "frame:done", "frame:crlf"} - paces
    assert {str(plan) for plan in found if plan.inject and "error" in plan.inject} == {"inject:error-0"}
    assert Plan(cut="inside-2-stall") in found


def test_drawn_plans_are_some_of_them() -> None:
    """A sample that another run cannot repeat, or that holds what is not legal."""
    some = drawn("openai_chat", CHAT, 9, "seed")
    assert len(set(some)) == 9
    assert set(some) <= set(plans("openai_chat", CHAT, positions="all"))
    assert some == drawn("openai_chat", CHAT, 9, "seed") != drawn("openai_chat", CHAT, 9, "other")
    assert set(drawn("openai_chat", b"x", 9, "seed")) == {Plan(coding="gzip")}
    assert len(drawn("openai_chat", b"", 9, "seed")) == 0


RECORDED = ((0.5, 4), (0.75, 3), (0.75, 2))
"""Times of the chunks of nine bytes."""


@pytest.mark.parametrize(
    ("plan", "chunks", "waits"),
    [
        (Plan(pace="recorded"), [b"abcd", b"efg", b"hi"], [0.5, 0.25, 0.0]),
        (Plan(pace="recorded", cut="at-5"), [b"abcd", b"e"], [0.5, 0.25]),
        (Plan(pace="recorded", split="3"), [b"abc", b"def", b"ghi"], [0.5, 0.25, 0.0]),
        (Plan(pace="recorded", split="whole"), [b"abcdefghi"], [0.75]),
        (Plan(pace="fixed-20", split="7"), [b"abcdefg", b"hi"], [0.0, 0.02]),
        (Plan(pace="first-20", split="7"), [b"abcdefg", b"hi"], [0.02, 0.0]),
        (Plan(pace="first-20", cut="empty"), [], []),
        (Plan(split="7"), [b"abcdefg", b"hi"], []),
    ],
    ids=str,
)
def test_paces(plan: Plan, chunks: list[bytes], waits: list[float]) -> None:
    """A piece that comes before the bytes in it were there, a wait that is counted twice, or other pieces."""
    delivery = plan.deliver(b"abcdefghi", "openai_chat", RECORDED)
    assert (delivery.chunks, list(delivery.waits)) == (chunks, waits)


def test_the_recorded_pace_is_of_the_recorded_bytes() -> None:
    """Times of other bytes than those that are sent."""
    recorded = [(0.1, 10), (0.2, len(CHAT) - 10)]
    assert applies(Plan(pace="recorded"), "openai_chat", CHAT, recorded)
    assert not applies(Plan(pace="recorded"), "openai_chat", CHAT, recorded[:1])
    assert not applies(Plan(pace="recorded", frame="bom"), "openai_chat", CHAT, recorded)
    assert not applies(Plan(pace="recorded", inject="null"), "openai_chat", CHAT, recorded)
    assert list(Plan(pace="recorded").deliver(CHAT, "openai_chat").waits) == [0.0]


@pytest.mark.parametrize(
    ("plan", "whole"),
    [
        (Plan(coding="gzip"), True),
        (Plan(coding="gzip", split="byte", frame="crlf,bom", inject="null"), True),
        (Plan(coding="gzip", split="event", cut="after-1"), False),
        (Plan(coding="gzip", cut="inside-1-reset"), False),
    ],
    ids=str,
)
def test_each_coded_piece_can_be_read_when_it_comes(plan: Plan, whole: bool) -> None:
    """A piece that stays in the compressor until the next one; an end of the coding where the body was cut."""
    delivery, codec = plan.deliver(CHAT, "openai_chat"), zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert [codec.decompress(piece) for piece in delivery.coded] == delivery.chunks
    assert codec.eof is whole
    assert plan.deliver(b"", "openai_chat").coded == []


@pytest.mark.parametrize(
    ("plan", "stored", "body", "sent"),
    [
        (AS_STORED, "gzip", gzip.compress(CHAT), ["gzip"]),
        (AS_STORED, "gzip", CHAT, []),
        (Plan(coding="gzip"), "br", CHAT, ["gzip"]),
    ],
)
def test_the_header_says_the_coding_that_is_sent(plan: Plan, stored: str, body: bytes, sent: list[str]) -> None:
    """A client that decodes what is not coded, or does not decode what is."""
    headers = plan.headers([("Content-Encoding", stored), ("x-a", "1")], body)
    assert [value for name, value in headers if name.lower() == "content-encoding"] == sent
    assert ("x-a", "1") in headers


@pytest.mark.parametrize(
    ("protocol", "body", "first", "last"),
    [
        ("openai_chat", CHAT, b"data: [DONE]", None),
        ("openai_chat", CHAT.replace(b'"stop"', b"null"), None, None),
        ("anthropic_messages", MESSAGES, None, None),
        ("gemini_generate_content", ARRAY, b"\n]", b"\n]"),
        ("bedrock_converse", FRAME, None, None),
    ],
)
def test_terminals(protocol: str, body: bytes, first: bytes | None, last: bytes | None) -> None:
    """A stream that may look complete before its terminal, or need not after it. first, last: what follows them."""
    found = terminals(body, protocol)
    assert found.first is not None
    at = body.index(first) if first is not None else len(body)
    assert body[: found.first].rstrip() == body[:at].rstrip()
    assert found.last == (body.index(last) if last is not None else len(body))


def test_a_terminal_without_its_blank_line() -> None:
    """A reader that follows the standard, which drops such an event, blamed for it."""
    body = CHAT[: CHAT.index(b"data: [DONE]")].removesuffix(b"\n\n")
    assert terminals(body, "openai_chat") == (len(body), None)


def test_no_terminal() -> None:
    """A terminal in a stream that has none."""
    assert terminals(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n', "openai_chat") == (None, None)
    assert terminals(b"", "openai_responses") == (None, None)


def test_kinds_of_body() -> None:
    """Headers are not asked, so the bytes must say what may be done to them."""
    kinds = {body_kind(b) for b in (CHAT, MESSAGES, b"\xef\xbb\xbfdata: 1\n\n", b": c\n", b"junk\ndata: 1\n\n")}
    assert kinds == {"sse"}
    assert [body_kind(b) for b in (ARRAY, b" {}", FRAME, b"<html>", b"", b"plain text", b"\x1f\x8b\x08data:")] == [
        "json", "json", "eventstream", "other", "other", "other", "other",
    ]  # fmt: skip


def test_documents_come_out_as_they_were() -> None:
    """Lines, comments, strange fields or blank lines that go under when a body is taken apart."""
    for body in (CHAT, MESSAGES, b"\xef\xbb\xbf: c\r\n\r\n\r\nstray\r\ndata: 1\r\n\r\n", b"data: 1\r\r", b"data: 1\n"):
        assert Document.parse(body).render() == body


def test_the_documentation_shows_the_table() -> None:
    """A name, effect or source that docs/wire-plans.md does not have, or has no longer."""
    text = (Path(__file__).parents[2] / "docs" / "wire-plans.md").read_text(encoding="utf-8")
    shown = {tuple(cell.strip() for cell in line.strip("|").split("|")) for line in text.splitlines() if "`" in line}
    rows = {(f"`{rule.part}:{rule.name}`", rule.does, rule.effect, "; ".join(rule.sources)) for rule in RULES}
    assert {(row[0], row[1], row[2], row[4]) for row in shown if len(row) == 5} == rows
