"""What each plan does to the result, and who says so. One row per name; docs/wire-plans.md shows the same rows."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from .body import BodyKind

Effect: TypeAlias = Literal["nothing", "interrupted", "failed"]
"""nothing: the completion is that of the body as stored. interrupted, failed: before the terminal the completion has
this status and keeps what came; after it, the completion is whole and the fault noted."""

Part: TypeAlias = Literal["split", "frame", "inject", "cut", "pace", "coding"]

_SSE = "https://html.spec.whatwg.org/multipage/server-sent-events.html"
_PARSING = f"{_SSE}#parsing-an-event-stream"
_INTERPRETING = f"{_SSE}#event-stream-interpretation"
_TCP = "RFC 9293, section 2.2 (a byte stream), and RFC 9112, section 7.1: segments and chunks say nothing about content"
_UTF8 = "RFC 3629, section 3: a character has up to four bytes, and any of them may end a segment"
_PACE = "RFC 9112, section 7.1: nothing is said about when a chunk comes"
_CODING = "RFC 9110, section 8.4.1.3 (gzip), and RFC 1951, section 3.2.4: an empty stored block, to flush"
_CUT = "RFC 9112, section 8: a message that ends too early is incomplete; docs/normal-form.md, status"
_OPENAI_COMPATIBLE = (
    "https://platform.openai.com/docs/api-reference/backward-compatibility (new event types, new fields)"
)
_ANTHROPIC_EVENTS = "https://docs.anthropic.com/en/docs/build-with-claude/streaming#other-events"
_ANTHROPIC_VERSIONS = "https://docs.anthropic.com/en/api/versioning (new event types, new fields)"
_GOOGLE = "https://google.aip.dev/180#adding-components (new fields)"

CHAT, RESPONSES, MESSAGES, GEMINI, CONVERSE = (
    "openai_chat",
    "openai_responses",
    "anthropic_messages",
    "gemini_generate_content",
    "bedrock_converse",
)
_SSE_PROTOCOLS = (CHAT, RESPONSES, MESSAGES, GEMINI)
_ALL = (*_SSE_PROTOCOLS, CONVERSE)


class Rule(NamedTuple):
    """One name. sources: documents that say that it is legal, and what it means. kinds: of body, that it can be
    done to. protocols: where it is legal."""

    part: Part
    name: str
    effect: Effect
    does: str
    sources: tuple[str, ...]
    kinds: tuple[BodyKind, ...] = ("sse",)
    protocols: tuple[str, ...] = _SSE_PROTOCOLS


_EVERY: Final[tuple[BodyKind, ...]] = ("sse", "eventstream", "json", "other")
_TEXT: Final[tuple[BodyKind, ...]] = ("sse", "json", "other")
_EVENTS: Final[tuple[BodyKind, ...]] = ("sse", "eventstream", "json")


def _split(
    name: str, does: str, source: str = _TCP, kinds: tuple[BodyKind, ...] = _EVERY, effect: Effect = "nothing"
) -> Rule:
    return Rule("split", name, effect, does, (source,), kinds, _ALL)


def _frame(name: str, does: str, *sources: str, protocols: tuple[str, ...] = _SSE_PROTOCOLS) -> Rule:
    return Rule("frame", name, "nothing", does, sources, ("sse",), protocols)


def _pace(name: str, does: str, *sources: str) -> Rule:
    return Rule("pace", name, "nothing", does, (*sources, _PACE), _EVERY, _ALL)


def _cut(name: str, does: str) -> Rule:
    return Rule("cut", name, "interrupted", does, (_CUT,), _EVENTS, _ALL)


RULES: tuple[Rule, ...] = (
    _split("whole", "one piece"),
    _split("event", "one piece per event", kinds=_EVENTS),
    _split("mid-event", "cut in the middle of every event", kinds=_EVENTS),
    _split("utf8", "cut inside every character of more than one byte", _UTF8, _TEXT),
    _split("crlf", "cut between CR and LF", f"{_PARSING} (end-of-line)", ("sse",)),
    _split("byte", "every byte alone"),
    _split("2", "every two bytes"),
    _split("3", "every three bytes"),
    _split("7", "every seven bytes"),
    _split("random-N", "1 to 64 bytes, drawn with seed N"),
    _split("at-N", "two pieces, cut at byte N"),
    _frame("done", "`[DONE]` at the end, where there is none", "recordings of gateways in front of other protocols"),
    _frame(
        "no-done",
        "no `[DONE]`; legal where the finish reason was sent",
        "recordings of compatible servers; openai_chat/no-done-sentinel",
        protocols=(CHAT,),
    ),
    _frame(
        "unterminated",
        "the last event without its blank line; the standard drops it, the normal form does not",
        f"{_INTERPRETING} (once the end of the file is reached, any pending data must be discarded)",
        "https://github.com/openai/openai-node/issues/2725",
    ),
    _frame("two-lines", "the data over two `data` lines, broken where JSON has white space", _INTERPRETING),
    _frame(
        "no-names",
        "no `event` lines where the payload's `type` says the same",
        f"{_INTERPRETING} (no event field: the type is `message`)",
        "anthropic.types.RawMessageStreamEvent, openai.types.responses.ResponseStreamEvent (`type` is required)",
        protocols=(RESPONSES, MESSAGES),
    ),
    _frame("no-space", "no space after the colon", f"{_PARSING} (one space is optional)"),
    _frame("ids", "an `id` line in every event", f"{_INTERPRETING} (field id)"),
    _frame("retry", "a block with a `retry` line first", f"{_INTERPRETING} (field retry)"),
    _frame("fields", "a line with an unknown field in every event", f"{_INTERPRETING} (otherwise: ignored)"),
    _frame("comments-before", "a comment before the first event", f"{_PARSING} (comment)"),
    _frame("comments-between", "a comment before every further event", f"{_SSE}#authoring-notes (keep-alive)"),
    _frame("comments-inside", "a comment between the lines of every event", f"{_PARSING} (comment)"),
    _frame("comments", "all three", f"{_PARSING} (comment)"),
    _frame("lf", "lines end with LF", f"{_PARSING} (end-of-line)"),
    _frame("crlf", "lines end with CR LF", f"{_PARSING} (end-of-line)"),
    _frame("cr", "lines end with CR", f"{_PARSING} (end-of-line)"),
    _frame("mixed", "LF, CR LF and CR, block by block", f"{_PARSING} (end-of-line)"),
    _frame("bom", "a byte order mark first", f"{_PARSING} (stream = [ bom ] *event)"),
    Rule(
        "inject",
        "event",
        "nothing",
        "an unknown event after every event but the last",
        (_OPENAI_COMPATIBLE, _ANTHROPIC_VERSIONS, _GOOGLE),
    ),
    Rule(
        "inject",
        "ping",
        "nothing",
        "the protocol's keep-alive event after every event but the last",
        (_ANTHROPIC_EVENTS, "recordings of the Codex backend (`keepalive`)"),
        protocols=(RESPONSES, MESSAGES),
    ),
    Rule(
        "inject",
        "field",
        "nothing",
        "an unknown field in every object that is not of free form",
        (_OPENAI_COMPATIBLE, _ANTHROPIC_VERSIONS, _GOOGLE),
    ),
    Rule("inject", "null", "nothing", "`data: null` after every event but the last", (f"{_INTERPRETING} (any data)",)),
    Rule(
        "inject",
        "error-N",
        "failed",
        "the provider's error event after event N, then the clean end",
        (
            "openai.types.responses.ResponseErrorEvent, openai._streaming.Stream.__stream__ (`error` key)",
            "https://docs.anthropic.com/en/docs/build-with-claude/streaming#error-events",
            "https://ai.google.dev/gemini-api/docs/troubleshooting",
        ),
    ),
    _cut("empty", "nothing but the headers"),
    _cut("after-N", "the end after event N"),
    _cut("inside-N", "the end inside event N"),
    _cut("at-N", "the end after byte N"),
    _pace("recorded", "as it was recorded, in its chunks where no split says others", "chunk times of the recording"),
    _pace("fixed-N", "N ms between the pieces of the split"),
    _pace("first-N", "the first piece N ms after the headers"),
    Rule(
        "coding",
        "gzip",
        "nothing",
        "`content-encoding: gzip`, each piece flushed; without its end where the body is cut",
        (_CODING,),
        _EVERY,
        _ALL,
    ),
)

TABLE = {(rule.part, rule.name): rule for rule in RULES}

KINDS_OF_END = ("reset", "short", "stall")
"""How a cut may end besides cleanly, as its last word: RST; a chunked body without its last chunk; no more bytes."""
