"""Foreign recordings through everything we have; STREAMPROOF_CORPUS names the folder, without it these skip."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from corpus_oracle import facts
from streamproof import jsontext
from streamproof.adapters.contract import Adapter, Call, Endpoint
from streamproof.adapters.reference import ReferenceAdapter
from streamproof.adapters.sdk import TypedSdkAdapter
from streamproof.cassette import Cassette, load
from streamproof.completion import Completion, Delta, ReasoningPart
from streamproof.decode import Decoded, Forced, decode
from streamproof.detect import choices_asked
from streamproof.errors import LLMError
from streamproof.fold import fold
from streamproof.hermetic import hermetic
from streamproof.providers import protocol_of_url, provider_of_url
from streamproof.replay.transport import Playback

CORPUS = os.environ.get("STREAMPROOF_CORPUS")
FILES = sorted(Path(CORPUS).glob("*/*.yaml")) if CORPUS else []

BEYOND_THE_ORACLE = {
    "ai--spliced-message-start": "a second message in mid-stream: the first one counts, interrupted",
}
"""Files whose facts the naive oracle cannot tell, with the reason."""

_KEY_ORDER = "openai writes the keys of a typed action in its model's order, not the wire's"
_SERVICE_TIER = "google-genai drops usageMetadata.serviceTier in Google AI mode"
LOST_BY_THE_SDK = {
    "pydantic-ai--openrouter-stream-error": "openai raises at the `error` key, so the usage on that chunk is gone",
    "pydantic-ai--snowflake-model-streaming": "openai does not deliver `[DONE]`, the only terminal of this stream",
    "pydantic-ai--cancel-recorded-provider-stream-google": _SERVICE_TIER,
    "pydantic-ai--google-model-file-search-grounding-gemini-3-true": _SERVICE_TIER,
    "pydantic-ai--google-stream-usage-is-live-mid-stream": _SERVICE_TIER,
    "ai--openai-apply-patch-tool-1": _KEY_ORDER,
    "ai--openai-apply-patch-tool-delete-1": _KEY_ORDER,
    "ai--openai-local-shell-tool-1": _KEY_ORDER,
}
"""Files that the typed events of an SDK cannot show whole, with the reason."""

pytestmark = pytest.mark.skipif(not FILES, reason="STREAMPROOF_CORPUS names no folder of recordings")


def ids(path: Path) -> str:
    """A test's name: folder and file."""
    return f"{path.parent.name}/{path.stem}"


def decoded(path: Path) -> Completion:
    """The one stream of a file."""
    (found,) = decode(str(path), path.read_bytes(), Forced())
    assert isinstance(found, Decoded)
    return found.completion


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_decode_says_what_the_bytes_say(path: Path) -> None:
    """Text, reasoning, a tool call, a reason or a count of a real stream gets lost or made up on the way."""
    completion, cassette = decoded(path), load(path)
    if path.stem in BEYOND_THE_ORACLE:
        pytest.skip(BEYOND_THE_ORACLE[path.stem])
    protocol = protocol_of_url(cassette.interactions[0].uri)
    assert protocol is not None
    told = facts(protocol, cassette.interactions[0].body)
    assert completion.text == told["text"]
    reasoning = "".join(p.text for p in completion.content if isinstance(p, ReasoningPart))
    assert reasoning.replace("\n\n", "") == told["reasoning"].replace("\n\n", "")
    calls = [(call.name, _arguments(call.arguments)) for call in completion.tool_calls]
    assert [name for name, _ in calls] == [name for name, _ in told["calls"]]
    assert all(theirs is None or ours == theirs for (_, ours), (_, theirs) in zip(calls, told["calls"], strict=True))
    assert completion.raw_finish_reason == told["reason"]
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == told["usage"]


@pytest.mark.parametrize("adapter", [ReferenceAdapter(), ReferenceAdapter(sync=True)], ids=["async", "sync"])
@pytest.mark.parametrize("path", FILES, ids=ids)
def test_reference_equals_decode(path: Path, adapter: Adapter) -> None:
    """The SDK's client or our transport changes, drops or reorders bytes; deltas that do not fold to the completion."""
    completion, deltas = replayed(path, adapter)
    if completion is None:
        pytest.skip("no SDK of ours speaks this protocol")
    assert completion == decoded(path)
    assert fold(deltas) == completion


@pytest.mark.parametrize("path", FILES, ids=ids)
def test_sdk_equals_decode(path: Path) -> None:
    """An SDK's typed events lose something that nobody has listed."""
    completion, _ = replayed(path, TypedSdkAdapter())
    if completion is None:
        pytest.skip("no SDK of ours speaks this protocol")
    if path.stem in LOST_BY_THE_SDK:
        assert completion != decoded(path), f"no longer lost: {LOST_BY_THE_SDK[path.stem]}"
    else:
        assert completion == decoded(path)


def replayed(path: Path, adapter: Adapter) -> tuple[Completion | None, list[Delta]]:
    """A file through an adapter; None for a protocol that it does not speak."""
    cassette: Cassette = load(path)
    interaction = cassette.interactions[0]
    protocol = protocol_of_url(interaction.uri)
    assert protocol is not None
    row = provider_of_url(interaction.uri, protocol)
    if protocol not in adapter.protocols:
        return None, []
    n = choices_asked(interaction.request_body)
    call = Call(model="m", messages=[{"role": "user", "content": "?"}], options={} if n is None else {"n": n})
    playback = Playback(cassette, row, "m")
    deltas: list[Delta] = []
    with hermetic():
        try:
            answer: Any = adapter.run(call, Endpoint(provider=row, playback=playback), deltas.append)
            return asyncio.run(answer), deltas
        except LLMError as error:
            return error.partial, deltas


def _arguments(text: str) -> Any:
    try:
        return jsontext.loads(text)
    except ValueError:
        return text
