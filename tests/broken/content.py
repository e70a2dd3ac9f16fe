"""Faults in the content: text, reasoning, signatures, refusals."""

from __future__ import annotations

from streamproof.wire.event import WireEvent

from .kit import Deltas, Document, Events, breaks, chat_deltas, parts, payloads


@breaks("deltas", "openai_responses/text", "openai_responses/text-azure", laws=("nothing-invented",))
def shows_text_twice(deltas: Deltas) -> Deltas:
    """BerriAI/litellm#41109, databricks/databricks-ai-bridge#464: `output_text.done` is added to its deltas."""
    texts: dict[object, str] = {}
    for delta in deltas:
        if delta.op == "append" and delta.field == "text":
            texts[delta.part] = texts.get(delta.part, "") + delta.value
        if delta.op == "close" and delta.part in texts:
            yield delta._replace(op="append", field="text", value=texts[delta.part])
        yield delta


@breaks("events", "openai_responses/text-without-deltas", "openai_responses/text-without-deltas-terminal-only")
def reads_text_deltas_only(events: Events) -> Events:
    """pydantic-ai, langchain-openai, litellm: a text without deltas is lost, and the finish is `stop`."""
    for event, payload in payloads(events):
        if not payload.get("type", "").endswith((".done", "_part.added")):
            payload.get("response", {}).pop("output", None)
            yield event


@breaks("completion", "anthropic_messages/thinking-whitespace-and-two-signatures")
def strips_reasoning(document: Document) -> None:
    """letta: deltas of white space are dropped, the rest is stripped; the signature does not fit any more."""
    for part in parts(document, "reasoning"):
        part["text"] = part["text"].strip()


@breaks("completion", "openai_chat/reasoning-content", "openai_responses/reasoning-text-raw")
def drops_reasoning(document: Document) -> None:
    """langchain-openai 1.7: what the model thought is not read."""
    document["content"] = [part for part in document["content"] if part["type"] != "reasoning"]


@breaks("completion", "openai_responses/reasoning-text-raw-vllm", "openai_responses/reasoning-text-raw-lmstudio")
def drops_reasoning_without_ciphertext(document: Document) -> None:
    """letta: a reasoning item counts only with `encrypted_content`, else its text is lost."""
    document["content"] = [p for p in document["content"] if p["type"] != "reasoning" or p.get("encrypted")]


@breaks("completion", "openai_chat/finish-length-reasoning-only", "openai_chat/cut-clean-eof-reasoning-only")
def shows_reasoning_as_text(document: Document) -> None:
    """letta on deepseek models: where no text came, half a chain of thought is the answer."""
    if not parts(document, "text"):
        for part in parts(document, "reasoning"):
            part["type"] = "text"


@breaks("events", "openai_chat/reasoning-both-fields")
def reads_reasoning_from_both_fields(events: Events) -> Events:
    """MoonshotAI/kimi-code#3928: `reasoning` and `reasoning_content` say the same, and both are shown."""
    events = list(events)
    for delta in chat_deltas(events):
        if delta.get("reasoning") and delta.get("reasoning_content"):
            delta["reasoning"] = delta["reasoning_content"] = delta["reasoning"] * 2
    return events


@breaks("completion", "openai_responses/summary-multi-part")
def joins_summaries_without_separator(document: Document) -> None:
    """litellm 1.83: `**Plan one****Plan two**`."""
    for part in parts(document, "reasoning"):
        part["text"] = "".join(part.get("summary", [part["text"]]))


@breaks(
    "completion",
    "anthropic_messages/thinking-text",
    "openai_chat/reasoning-openrouter",
    "gemini_generate_content/signature-on-visible-text",
)
def drops_the_signature(document: Document) -> None:
    """pydantic-ai, litellm, letta on generic routes: the text stays, and the next request is refused."""
    for part in document["content"]:
        part.pop("signature", None)


@breaks("completion", "anthropic_messages/signature-only-thinking")
def drops_thinking_without_text(document: Document) -> None:
    """letta: a thinking block with a signature and no text is taken for nothing."""
    document["content"] = [p for p in document["content"] if p["type"] != "reasoning" or p["text"]]


@breaks("events", "anthropic_messages/split-signature")
def splits_a_block_at_its_second_signature(events: Events) -> Events:
    """litellm: a signature in two deltas makes two thinking blocks, neither of which is signed rightly."""
    signed = set()
    for event, payload in payloads(events):
        delta = payload.get("delta")
        if isinstance(delta, dict) and delta.get("type") == "signature_delta":
            if payload["index"] in signed:
                payload["index"] += 100
                block = {"type": "thinking", "thinking": "", "signature": ""}
                start = {"type": "content_block_start", "index": payload["index"], "content_block": block}
                yield WireEvent("json", "content_block_start", start)
            signed.add(payload["index"])
        yield event


@breaks("completion", "anthropic_messages/two-redacted-blocks")
def merges_redacted_blocks(document: Document) -> None:
    """letta: the data of two redacted_thinking blocks is joined, and neither can be read any more."""
    hidden = [part for part in parts(document, "reasoning") if part.get("kind") == "redacted"]
    for part in hidden[1:]:
        hidden[0]["encrypted"] += part["encrypted"]
        document["content"].remove(part)


@breaks("completion", "openai_responses/encrypted-content-authority")
def drops_ciphertext(document: Document) -> None:
    """letta's chatgpt_oauth path: `encrypted_content` is not kept, so the reasoning cannot be sent back."""
    for part in document["content"]:
        part.pop("encrypted", None)


@breaks("completion", "openai_responses/refusal", "openai_chat/refusal-delta")
def drops_refusal(document: Document) -> None:
    """langchain-openai, litellm, letta: a refusal looks like an empty answer that stopped."""
    document["content"] = [part for part in document["content"] if part["type"] != "refusal"]


@breaks("completion", "openai_responses/refusal", "openai_responses/refusal-after-text", "openai_chat/refusal-delta")
def shows_refusal_as_text(document: Document) -> None:
    """anomalyco/opencode#43343: the refusal is ordinary text, and structured output is parsed from it."""
    for part in parts(document, "refusal"):
        part["type"] = "text"


@breaks("completion", "openai_responses/two-messages-phase", "anthropic_messages/text-before-thinking")
def runs_texts_together(document: Document) -> None:
    """litellm: `Let me check.It is 4.`, all texts of an answer are one string."""
    texts = parts(document, "text")
    for part in texts[1:]:
        texts[0]["text"] += part["text"]
        document["content"].remove(part)


@breaks("completion", "openai_chat/tool-with-text", "gemini_generate_content/text-and-call-in-one-chunk")
def drops_text_before_a_call(document: Document) -> None:
    """vercel/ai#2568, freelensapp/freelens-ai-extension#149: a turn with a tool call has no text."""
    if document["tool_calls"]:
        document["content"] = [part for part in document["content"] if part["type"] != "text"]


@breaks("completion", "openai_responses/two-messages-phase")
def drops_the_phase(document: Document) -> None:
    """letta: commentary and final answer cannot be told apart any more."""
    for part in document["content"]:
        part.pop("phase", None)
