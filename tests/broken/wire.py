"""Faults in reading the wire: bytes, framing, and events that are odd or not known."""

from __future__ import annotations

import re
from typing import Any

from .kit import Document, Events, breaks, chat_deltas, payloads

READ_SIZE = 200
"""Bytes that a reader gets at a time."""


@breaks("body", "openai_chat/sse-utf8-split", laws=("nothing-invented",))
def decodes_utf8_per_chunk(body: bytes) -> bytes:
    """musistudio/claude-code-router#1672, api7/aisix#111: a character cut by two reads becomes U+FFFD."""
    return b"".join(body[at : at + 7].decode("utf-8", "replace").encode() for at in range(0, len(body), 7))


@breaks("body", "openai_chat/text", "openai_responses/text", "anthropic_messages/text", "gemini_generate_content/text")
def loses_half_lines(body: bytes) -> bytes:
    """spiceai/spiceai#12588, graniet/llm#90: each read is taken for whole lines, a line in two reads is lost."""
    reads = [body[at : at + READ_SIZE] for at in range(0, len(body), READ_SIZE)]
    return b"".join(line for read in reads for line in read.splitlines(keepends=True) if line.endswith(b"\n"))


@breaks("body", "openai_chat/sse-no-space", "openai_responses/framing-no-space", "openai_chat/sse-bom")
def wants_data_and_a_space(body: bytes) -> bytes:
    """letta's raw client and google-genai 3.4: only lines that start with `data: ` count."""
    lines = body.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.strip() or line.startswith(b"data: "))


@breaks("body", "openai_chat/sse-crlf", "openai_chat/sse-crlf-cr-only", "openai_responses/framing-crlf")
def splits_at_two_line_feeds(body: bytes) -> bytes:
    """google-gemini/gemini-cli#29059: `split("\\n\\n")`; with other line ends the stream is one long event."""
    return body if b"\r" not in body else b"data: " + body.replace(b"\r", b"").replace(b"\n", b"") + b"\n\n"


@breaks(
    "body", "openai_responses/unicode-separators", "gemini_generate_content/sse-crlf-and-pretty-json-line-separator"
)
def splits_at_unicode_separators(body: bytes) -> bytes:
    """litellm 1.83: lines are cut at U+2028 too, and the event is lost with its text and usage."""
    return re.sub(rb"data: [^\n]*\xe2\x80\xa8[^\n]*\n", b"", body)


@breaks("body", "openai_chat/sse-bom")
def drops_the_event_after_a_bom(body: bytes) -> bytes:
    """openai 3.54 (openai/openai-python#3819): after a byte order mark the first line is no `data` line."""
    return body.partition(b"\n\n")[2] if body.startswith(b"\xef\xbb\xbf") else body


@breaks("body", "openai_chat/sse-multiline-data", "openai_responses/framing-data-in-lines")
def takes_each_data_line_for_an_event(body: bytes) -> bytes:
    """SamSaffron/term-llm#456: one JSON object over two `data:` lines is two broken events."""
    return body.replace(b"\ndata:", b"\n\ndata:")


@breaks("events", "openai_chat/choices-null", "openai_chat/delta-missing")
def crashes_on_missing_delta(events: Events) -> Events:
    """letta, and the openai SDK's own accumulator: `chunk.choices[0].delta` without a look."""
    for event, payload in payloads(events):
        for choice in payload.get("choices", ()):
            choice["delta"].get("content")
        yield event


@breaks("events", "openai_chat/sse-null-chunk")
def crashes_on_a_null_chunk(events: Events) -> Events:
    """langchain-openai, pydantic-ai, letta: `data: null` is a chunk that is None, and None has no `choices`."""
    for event in events:
        if event.kind == "json":
            event.payload.get("choices")
        yield event


@breaks("events", "openai_responses/codex-null-output")
def crashes_on_null_output(events: Events) -> Events:
    """pydantic-ai and langchain-openai: a terminal response whose `output` is null is iterated (TypeError)."""
    for event, payload in payloads(events):
        for _ in payload.get("response", {}).get("output", ()):
            pass
        yield event


@breaks("events", "openai_responses/incomplete-empty-message")
def crashes_on_empty_content(events: Events) -> Events:
    """letta before e8d5922ff: a message item with `content: []` is a ValueError, `Got 0 content parts`."""
    for event, payload in payloads(events):
        if payload.get("type") == "response.output_item.done" and not payload["item"].get("content", True):
            raise ValueError("Got 0 content parts, expected 1")
        yield event


@breaks("events", "openai_responses/unknown-item")
def crashes_on_unknown_items(events: Events) -> Events:
    """letta: an item of an unknown kind is a message to the SDK, and the length of its content is that of None."""
    for event, payload in payloads(events):
        item = payload.get("item", {})
        if item and item["type"] not in ("reasoning", "function_call"):
            len(item.get("content"))
        yield event


@breaks("events", "gemini_generate_content/unknown-part")
def crashes_on_unknown_parts(events: Events) -> Events:
    """pydantic-ai 2.66: a part of no known kind is an AssertionError."""
    for event, payload in payloads(events):
        for candidate in payload.get("candidates") or ():
            assert all(part.keys() & {"text", "functionCall"} for part in candidate["content"].get("parts", ()))
        yield event


@breaks("events", "openai_responses/two-cycles", "anthropic_messages/second-message-start")
def runs_two_cycles_into_one(events: Events) -> Events:
    """pydantic-ai, litellm (`HelloHello`), and all four on Messages (`AAABBB`): a second cycle is added."""
    events, cycle = list(events), 0
    for event, payload in payloads(events):
        kind = payload.get("type", "")
        cycle += kind in ("response.created", "message_start")
        again = cycle > 1
        for key in ("output_index", "index"):
            if again and isinstance(payload.get(key), int):
                payload[key] += 10
        last = again or kind not in ("response.completed", "message_delta", "message_stop")
        if last and not (again and kind in ("response.created", "message_start")):
            yield event


@breaks(
    "events",
    "openai_chat/n-choices",
    "openai_chat/n-choices-index-1-first",
    "gemini_generate_content/multiple-candidates",
    laws=("nothing-invented",),
)
def blends_choices(events: Events) -> Events:
    """langchain-openai, pydantic-ai, litellm, letta: with n > 1 the texts of all choices run into one."""
    for event, payload in payloads(events):
        for choice in [*(payload.get("choices") or ()), *(payload.get("candidates") or ())]:
            choice["index"] = 0
        yield event


@breaks("events", "openai_chat/content-after-finish", "gemini_generate_content/finish-on-every-chunk")
def stops_at_the_finish_reason(events: Events) -> Events:
    """BerriAI/litellm#2195, ollama/ollama#4357: the first chunk with a finish reason ends the loop."""
    for event, payload in payloads(events):
        yield event
        choices = [*(payload.get("choices") or ()), *(payload.get("candidates") or ())]
        if any(choice.get("finish_reason") or choice.get("finishReason") for choice in choices):
            return


@breaks("events", "openai_chat/finish-with-content-length", "openai_chat/finish-with-content-mistral")
def ignores_the_delta_beside_the_finish(events: Events) -> Events:
    """jeremychone/rust-genai#164: a chunk with a finish reason is only that; its last characters are gone."""
    for event, payload in payloads(events):
        for choice in payload.get("choices") or ():
            if choice.get("finish_reason"):
                choice["delta"] = {}
        yield event


@breaks("events", "openai_chat/content-list-parts")
def takes_content_for_a_string(events: Events) -> Events:
    """litellm on generic routes: `content` as a list of parts (Mistral) is passed over, `44` is left of `144`."""
    events = list(events)
    for delta in chat_deltas(events):
        if isinstance(delta.get("content"), list):
            delta["content"] = None
    return events


@breaks("events", "anthropic_messages/index-out-of-order")
def orders_by_arrival(events: Events) -> Events:
    """pydantic-ai, langchain-anthropic, litellm: blocks stand in the order in which they began."""
    seen: list[Any] = []
    for event, payload in payloads(events):
        if "index" in payload:
            seen += [payload["index"]] if payload["index"] not in seen else []
            payload["index"] = seen.index(payload["index"])
        yield event


@breaks("events", "openai_responses/id-rotation", laws=("calls-once",))
def joins_items_by_id(events: Events) -> Events:
    """pydantic-ai: where ids change from event to event, a new id is a new item: two texts, two calls."""
    seen: list[Any] = []
    for event, payload in payloads(events):
        name = payload.get("item_id") or payload.get("item", {}).get("id")
        if name and "output_index" in payload:
            seen += [name] if name not in seen else []
            payload["output_index"] = seen.index(name)
        payload.get("response", {}).pop("output", None)
        yield event


@breaks("completion", "openai_chat/audio", "gemini_generate_content/inline-data")
def drops_media(document: Document) -> None:
    """litellm, letta: audio and pictures inside the stream are passed over."""
    document["content"] = [part for part in document["content"] if part["type"] != "media"]


@breaks("completion", "anthropic_messages/citations", "openai_responses/annotations-url-citation")
def drops_annotations(document: Document) -> None:
    """pydantic-ai: citations come beside the text and are not looked at."""
    for part in document["content"]:
        part.pop("annotations", None)
