"""What holds for every completion and protocol."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import COMPLETIONS
from streamproof import jsontext
from streamproof.completion import Completion, TextPart, ToolCall, ToolCallPart
from streamproof.messages import to_messages, tool_results
from streamproof.providers import PROTOCOLS
from streamproof.stop_reason import stop_reason

PROVIDERS = st.sampled_from([None, "deepseek", "openrouter", "mistral", "zai"])


@settings(max_examples=60, deadline=None)
@given(COMPLETIONS, st.sampled_from(PROTOCOLS), PROVIDERS, st.booleans())
def test_any_completion_can_be_written(
    completion: Completion, protocol: str, provider: str | None, stored: bool
) -> None:
    """Odd wire objects, ids that are missing or arguments that are no JSON end in an exception."""
    messages = to_messages(completion, protocol, provider=provider, stored=stored)
    assert isinstance(jsontext.loads(jsontext.dumps(messages)), list)
    assert isinstance(stop_reason(completion), str)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("complete", [True, False])
def test_a_call_is_sent_when_it_is_whole(protocol: str, complete: bool) -> None:
    """A protocol sends back what was cut, or answers it."""
    call = ToolCall(id="call_1", name="look", arguments="{}", complete=complete)
    completion = Completion(
        content=(TextPart(text="a"), ToolCallPart(index=0)),
        tool_calls=(call,),
        status="complete",
        finish_reason="length",
    )
    assert ("look" in jsontext.dumps(to_messages(completion, protocol))) is complete
    if complete:
        assert "call_1" in jsontext.dumps(tool_results(completion, {0: "x"}, protocol))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_empty_turn_is_no_message(protocol: str) -> None:
    """A message without content is sent, which every API refuses."""
    assert to_messages(Completion(), protocol) == []
