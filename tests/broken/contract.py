"""Faults of a program, not of a reading: what it returns, raises, shows, or never does.

Where no library is named, the fault is that of a driver around one.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from typing import Any

from streamproof.adapters.contract import Emit, Endpoint
from streamproof.adapters.response import Shown
from streamproof.completion import Completion, Delta, ErrorInfo, TextPart
from streamproof.errors import LLMError, llm_error

from .kit import Events, breaks, payloads

TEXT = ("openai_chat/text", "openai_responses/text", "anthropic_messages/text", "gemini_generate_content/text")


@breaks("ending", "openai_chat/text")
def hangs(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """NousResearch/hermes-agent#60683: waits for the end of a body that the server keeps open."""
    threading.Event().wait()


@breaks("events", *TEXT[1:])
def claims_protocols_it_lacks(events: Events) -> Events:
    """A Chat client behind a driver that declares all protocols: there is no `choices`."""
    for event, payload in payloads(events):
        if event.kind == "json":
            payload["choices"]
        yield event


@breaks("ending", *TEXT)
def returns_nothing(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """openai 3.54 on a body that is no stream: zero chunks, no exception, nothing to return."""


@breaks("ending", *TEXT)
def returns_a_dictionary(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """openai 3.54 on `response.done`: an event that it does not know is an untyped dict."""
    return completion.to_json()


@breaks("ending", *TEXT)
def returns_parts_of_its_own(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """A driver that hands on the library's own message objects as `content`, which no JSON can hold."""
    return replace(completion, content=(object(),))


@breaks("ending", "openai_chat/text", "openai_responses/two-messages-phase", laws=("fold", "text-is-fold"))
def shows_other_text_than_it_returns(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """openai/openai-agents-js#1686: streamed and returned message differ, and it depends on who looks."""
    return replace(completion, content=(TextPart(text=f"{completion.text}."),))


@breaks("ending", *TEXT, laws=("one-end", "text-is-fold"))
def shows_every_delta_twice(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """QuantumNous/new-api#6278: the whole text (or call) is shown once more when it is done."""
    emit(Delta("append", next(iter(shown.decoder.folder.positions())), "text", completion.text))  # type: ignore[union-attr]
    return completion


@breaks("ending", *TEXT, laws=("fold",))
def shows_deltas_of_no_part(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """langchain-openai on interleaved calls: fragments without the call that they belong to."""
    emit(Delta("append", (99,), "text", "x"))
    return completion


@breaks("ending", *TEXT)
def shows_what_is_no_delta(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """openai 3.54 on `data: null`: None comes out of the iterator."""
    emit(None)  # type: ignore[arg-type]
    return completion


@breaks("ending", *TEXT)
def raises_on_success(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """google-genai 3.4 on a comment or an `id:` line: an error, although the whole answer came."""
    raise llm_error(ErrorInfo(type="protocol", message="unknown api response"), partial=completion)


@breaks("ending", "openai_chat/cut-clean-eof", "openai_responses/failed-after-partial")
def raises_with_text_for_a_partial(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """A driver whose `partial` is the text that had arrived, and no completion."""
    if completion.error is not None:
        raise LLMError(completion.error, partial=completion.text)  # type: ignore[arg-type]
    return completion


@breaks("ending", "openai_chat/text")
def exits(shown: Shown, completion: Completion, emit: Emit, endpoint: Endpoint) -> Any:
    """ai-forever/gigachat-js#14: a fault in a listener ends the whole process."""
    sys.exit(3)
