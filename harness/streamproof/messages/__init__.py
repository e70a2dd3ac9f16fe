"""A completion as part of the next request: nothing that the provider demands back is lost on the way.

`to_messages` writes the assistant's turn, `tool_results` the answers to its calls, both as the JSON of the protocol's
request. One module per protocol knows the form; each says in its head what it leaves out and why.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..completion import Completion
from ..errors import UsageError
from ..jsontext import JSONObject
from .anthropic_messages import AnthropicWriter
from .bedrock_converse import ConverseWriter
from .gemini_generate_content import GeminiWriter
from .openai_chat import ChatWriter
from .openai_responses import ResponsesWriter
from .turn import Writer, answers

__all__ = ["to_messages", "tool_results"]

_WRITERS: Mapping[str, type[Writer]] = {
    "openai_chat": ChatWriter,
    "openai_responses": ResponsesWriter,
    "anthropic_messages": AnthropicWriter,
    "gemini_generate_content": GeminiWriter,
    "bedrock_converse": ConverseWriter,
}


def to_messages(
    completion: Completion, protocol: str, *, provider: str | None = None, stored: bool = True
) -> list[JSONObject]:
    """The assistant's turn as it goes into the next request of the protocol that it came by.

    Messages for `openai_chat`, `anthropic_messages` and `bedrock_converse`, items of `input` for `openai_responses`,
    `contents` for `gemini_generate_content`. Empty when the turn holds nothing that may be sent. Numbers in arguments
    keep their text (`jsontext.Number`; `jsontext.dumps` writes it).

    provider: a provider's name (`deepseek`, `openrouter`, `zai`, `mistral`, ...), as some want more back than the
    protocol says, above all their reasoning; None, or a name without such a rule: what the protocol's own provider
    takes. stored: whether the provider keeps what it made (Responses: `store` was not false), so that an id alone
    is enough.

    A tool call that is not complete is left out, as it can be neither run nor answered, and every call that is sent
    has to be answered; a turn under `length` keeps its whole calls: answer each, if only with "not run".
    Raises UsageError for an unknown protocol.
    """
    return _writer(protocol)(completion, provider, stored).turn()


def tool_results(completion: Completion, outputs: Mapping[int, str], protocol: str) -> list[JSONObject]:
    """The answers to a turn's calls, as they follow `to_messages`: all in one message where the protocol wants that.

    outputs: index of the call in `completion.tool_calls` -> what the tool said. Raises UsageError for an unknown
    protocol, a call that is not complete, and a call of a kind whose answer is no text (`computer_call`).
    """
    writer = _writer(protocol)
    return writer.results(answers(completion, outputs)) if outputs else []


def _writer(protocol: str) -> type[Writer]:
    if protocol not in _WRITERS:
        raise UsageError(f"no protocol {protocol!r}", remedy=f"one of: {', '.join(_WRITERS)}")
    return _WRITERS[protocol]
