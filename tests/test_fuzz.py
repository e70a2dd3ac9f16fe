"""The fuzzer's laws against small streams, and that the fuzzer can fail. `nox -s fuzz` damages all cassettes."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fuzz import laws, limits
from fuzz.engines import BytesRandom, at_random, by_hypothesis
from fuzz.failures import keep, kept, minimized
from fuzz.forms import BINARY, FORMS, Form, body_of
from fuzz.laws import Broken, checked, wire
from fuzz.mutations import Input, mutated
from fuzz.seeds import Seed, all_seeds
from fuzz.streams import NO_VALUE, changed, events, joined
from fuzz.tally import Tally
from fuzz.terminals import holds_terminal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamproof.adapters.wire import WireAdapter
from streamproof.completion import Completion, Delta, TextPart, Usage
from streamproof.decoders.stream import DECODERS
from streamproof.errors import LLMError
from streamproof.providers import ROWS
from streamproof.replay.transport import whole

PROTOCOLS = sorted(DECODERS)
ROW_OF = {row.protocol: row for row in reversed(ROWS)}
FUZZ = settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.too_slow])
RANDOMS = st.randoms(use_true_random=False, note_method_calls=False)


def seed_of(name: str) -> Seed:
    """A small stream as the fuzzer's seed."""
    form = FORMS[name]
    found = events(body_of(form, form.events))
    return Seed(name, form.protocol, (ROW_OF[form.protocol],), None, form.content_type, found)


SEEDS = {name: seed_of(name) for name in FORMS}


def asked(protocol: str, body: bytes, cuts: tuple[int, ...] = (), **headers: Any) -> Input:
    """An input as it is sent, undamaged."""
    plain = {"content_type": None, "content_encoding": None, "status": 200, "n": None, **headers}
    return Input(seed="test", row=ROW_OF[protocol], body=body, cuts=cuts, **plain)


def sent(form: Form, body: bytes) -> Input:
    """A body under its form's own header."""
    return asked(form.protocol, body, content_type=form.content_type)


@pytest.mark.parametrize("name", FORMS)
def test_the_undamaged_streams_are_complete(name: str) -> None:
    """The fuzzer plays with streams that hold nothing, so that it finds nothing."""
    form = FORMS[name]
    body = body_of(form, form.events)
    completion = wire(sent(form, body)).completion
    assert completion.status == "complete"
    assert "Schön" in completion.text
    assert {part.type for part in completion.content} >= {"text", "reasoning", "tool_call"}
    assert completion.usage.output_tokens == 4
    assert holds_terminal(form.protocol, body)
    cut = body_of(form, form.events[:-3])
    assert not holds_terminal(form.protocol, cut)
    assert wire(sent(form, cut)).completion.status == "interrupted"


@pytest.mark.parametrize("name", FORMS)
def test_every_cut_of_a_stream(name: str) -> None:
    """A stream cut at some byte passes for complete, or raises."""
    form = FORMS[name]
    body = body_of(form, form.events)
    ends = {wire(sent(form, body[:end])).completion.status for end in range(0, len(body) + 7, 7)}
    assert ends == {"interrupted", "complete"}


@pytest.mark.parametrize("name", FORMS)
@FUZZ
@given(random=RANDOMS)
def test_damaged_streams(name: str, random: Random) -> None:
    """A damaged stream raises, hangs, depends on its delivery, or passes for complete without a terminal event."""
    damaged = mutated(random, [SEEDS[name], *SEEDS.values()])
    assert wire(damaged).completion.status in ("complete", "interrupted", "failed")


_words = st.sampled_from(
    [b"data:", b"event:", b" ", b"\n", b"\r", b"{", b"}", b"[", b"]", b'"', b",", b":", b"null", b"1e999", b"[DONE]",
     b"\x00", b"\xff", b"\xef\xbb\xbf", b"\x1f\x8b\x08", b"<html>", b'"error":{}', b'"type"', b'"choices"']
)  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
@FUZZ
@given(
    body=st.binary(max_size=300) | st.lists(_words, max_size=40).map(b"".join),
    cuts=st.sets(st.integers(1, 400), max_size=12),
    content_type=st.sampled_from([None, "text/event-stream", "application/json", BINARY]),
    content_encoding=st.sampled_from([None, None, "gzip", "br", "deflate", "zstd", "gzip, br", "odd"]),
)
def test_any_bytes(
    protocol: str, body: bytes, cuts: set[int], content_type: str | None, content_encoding: str | None
) -> None:
    """Bytes that are no stream raise, hang, or pass for an answer."""
    inside = tuple(sorted(cut for cut in cuts if cut < len(body)))
    damaged = asked(protocol, body, inside, content_type=content_type, content_encoding=content_encoding)
    assert wire(damaged).completion.status in ("complete", "interrupted", "failed")


# -- the fuzzer can fail


CHAT = sent(FORMS["chat"], body_of(FORMS["chat"], FORMS["chat"].events))
CUT = CHAT._replace(body=b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n')


class Liar(WireAdapter):
    """The wire adapter, whose answer is changed."""

    def __init__(self, change: Callable[[Completion], Completion]) -> None:
        super().__init__()
        self._change = change

    def run(self, *given: Any) -> Completion:
        try:
            answer = super().run(*given)
        except LLMError as error:
            answer = error.partial or Completion()
        return self._change(answer)


def _raise(_: Completion) -> Completion:
    raise ZeroDivisionError


LIES: list[tuple[str, Input, Callable[[Completion], Any]]] = [
    ("ends", CHAT, _raise),
    ("ends", CHAT, lambda answer: answer.text),
    ("status", CUT, lambda answer: answer),
    ("status", CHAT, lambda answer: replace(answer, status="interrupted")),
    ("terminal", CHAT._replace(status=500), lambda _: Completion(status="complete")),
    ("fold", CHAT, lambda answer: replace(answer, content=answer.content[:1])),
    ("fold", CHAT, lambda answer: replace(answer, usage=Usage(input_tokens=1))),
]


@pytest.mark.parametrize(("law", "given_to", "change"), LIES)
def test_a_wrong_adapter_is_caught(law: str, given_to: Input, change: Callable[[Completion], Any]) -> None:
    """A law that no adapter can break: the fuzzer runs for hours and proves nothing."""
    with pytest.raises(Broken, match=f"^{law}: "):
        checked(given_to, Liar(change), whole)


class Shows:
    """An adapter that says one thing, whatever it is sent."""

    name = "shows"
    protocols = PROTOCOLS

    def __init__(self, text: Any) -> None:
        self._text = text

    def run(self, _call: Any, _endpoint: Any, emit: Callable[[Delta], None]) -> Completion:
        """The text."""
        emit(Delta("start", (0,), value={"type": "text", "text": self._text}))
        emit(Delta("close"))
        return Completion(status="complete", content=(TextPart(text=self._text),))


@pytest.mark.parametrize(("law", "body", "text"), [("terminal", CUT.body, "Hi"), ("schema", CHAT.body, 5)])
def test_what_no_wire_supports_is_caught(law: str, body: bytes, text: Any) -> None:
    """A made up end, or a text that is none, is an answer like any other."""
    assert checked(CHAT, Shows("Hi"), whole).completion.text == "Hi"
    with pytest.raises(Broken, match=f"^{law}: "):
        checked(CHAT._replace(body=body), Shows(text), whole)


def test_a_reader_that_notices_its_chunks_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The split law compares a delivery with itself."""
    monkeypatch.setattr(Input, "chunks", lambda self: [self.body[:-40]])
    with pytest.raises(Broken, match=r"^split: "):
        wire(CHAT._replace(cuts=(20,)))


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="nothing can interrupt it here")
def test_a_hang_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """An adapter that never ends holds up the fuzzer for ever."""

    class Hanging(WireAdapter):
        def run(self, *given: Any) -> Completion:
            while True:
                pass

    limited = laws.limited
    monkeypatch.setattr(laws, "limited", lambda: limited(seconds=1))
    with pytest.raises(Broken, match=r"^time: "):
        checked(CHAT, Hanging(), whole)


def test_an_input_that_takes_memory_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that blows up is an input like any other."""
    assert limits.peak() > 1
    peaks = iter([100.0, 100.0 + limits.MEGABYTES, 100.0, 101.0 + limits.MEGABYTES, 101.0 + limits.MEGABYTES])
    monkeypatch.setattr(limits, "peak", lambda: next(peaks))
    assert checked(CHAT, WireAdapter(), whole).completion.status == "complete"
    with pytest.raises(Broken, match=r"^memory: "):
        checked(CHAT, WireAdapter(), whole)


# -- its parts


@pytest.mark.parametrize("name", FORMS)
def test_a_terminal_is_found_behind_damage(name: str) -> None:
    """The check says that there is none where a decoder rightly finds one: an alarm for nothing."""
    form = FORMS[name]
    body = body_of(form, form.events)
    if form.content_type != BINARY:
        for damage in (b"\0\n", b"\xef\xbb\xbf", b"{\n", b'{"a":"\n\n'):
            assert holds_terminal(form.protocol, damage + body)
        assert holds_terminal(form.protocol, body.replace(b"\n", b"\r").replace(b"data: {", b"data: {\rdata: "))


def test_events_are_the_body() -> None:
    """A seed is not the stream that its cassette holds."""
    for name, form in FORMS.items():
        body = body_of(form, form.events)
        found = events(body)
        assert len(found) == len(form.events)
        assert joined(list(found)) == body or name == "gemini_array"
        assert [event.value for event in found if event.value is not NO_VALUE]


@pytest.mark.parametrize("name", FORMS)
def test_a_changed_event_is_sent(name: str) -> None:
    """A value is changed where no adapter sees it."""
    found = list(SEEDS[name].events)
    at = next(number for number, event in enumerate(found) if "Sch\\u00f6n" in json.dumps(event.value))
    found[at] = changed(found[at], json.loads(json.dumps(found[at].value).replace("Sch\\u00f6n", "Kalt")))
    completion = wire(sent(FORMS[name], joined(found))).completion
    assert "Kalt" in completion.text or name == "responses"  # there the whole item outranks the delta


def test_seeds_are_the_cassettes() -> None:
    """The fuzzer leaves out most of what there is, or damages streams that no adapter could read anyway."""
    seeds = all_seeds(corpus=False)
    assert {seed.protocol for seed in seeds} == set(PROTOCOLS)
    readable = [event.value is not NO_VALUE for seed in seeds for event in seed.events]
    assert sum(readable) > 0.9 * len(readable)


def test_inputs_depend_on_the_seed_and_their_number() -> None:
    """A failure cannot be found again."""
    streams = list(SEEDS.values())
    runs = []
    for _ in range(2):
        bodies: list[bytes] = []
        tally = Tally("random", "wire", inputs=20)
        at_random(lambda given, bodies=bodies: bodies.append(given.body) or wire(given), streams, tally, _unexpected, 7)
        runs.append(bodies)
    assert runs[0] == runs[1]
    assert len(set(runs[0])) > 10
    assert mutated(Random("7:3"), streams).body == runs[0][3]


def test_bytes_make_choices() -> None:
    """Atheris draws numbers that are out of range, or hangs when its bytes are used up."""
    random = BytesRandom(b"\x05" * 40)
    assert {random.randrange(3) for _ in range(200)} <= {0, 1, 2}
    assert mutated(BytesRandom(b""), list(SEEDS.values())).body == mutated(BytesRandom(b""), list(SEEDS.values())).body


def _unexpected(given: Input, fault: Broken) -> None:
    raise fault


def no_reasoning(given: Input) -> Any:
    """A law that streams with reasoning break."""
    seen = checked(given, WireAdapter(), whole)
    if any(part.type == "reasoning" for part in seen.completion.content):
        raise Broken("terminal", "reasoning")
    return seen


def test_a_failure_is_made_small_and_kept(tmp_path: Path) -> None:
    """The reader of a failure gets a long stream, or one that does not fail when it is run again."""
    small = minimized(no_reasoning, CHAT._replace(cuts=(3, 9, 200)), "terminal")
    assert len(small.body) < 100
    assert small.cuts == ()
    path = keep(tmp_path, small, Broken("terminal", "reasoning"))
    again = kept(path)
    assert (again.body, again.row, again.content_type) == (small.body, small.row, small.content_type)
    with pytest.raises(Broken):
        no_reasoning(again)


def test_hypothesis_finds_and_shrinks() -> None:
    """The hypothesis engine reports nothing, or goes on for ever after a failure."""
    found: list[Input] = []
    tally = Tally("hypothesis", "wire", inputs=50)
    by_hypothesis(no_reasoning, [SEEDS["chat"]], tally, lambda given, _: found.append(given), 1)
    assert tally.failures == 1
    assert b"reasoning_content" in found[0].body
