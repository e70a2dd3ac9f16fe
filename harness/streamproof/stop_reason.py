"""What an agent loop does next, told by a completion."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal, NamedTuple, TypeAlias

from .completion import Completion, RefusalPart, TextPart, ToolCallPart

StopReason: TypeAlias = Literal[
    "end_turn",
    "max_tokens_exceeded",
    "continue",
    "requires_approval",
    "content_filtered",
    "cancelled",
    "error",
    "invalid_tool_call",
]


def stop_reason(completion: Completion, *, requires_approval: Collection[str] = ()) -> StopReason:
    """The agent loop's next step. requires_approval: names of tools that a human has to release first.

    The first row that applies counts:

    | rank | what the completion says | step |
    |---|---|---|
    | 1 | cancelled, by the caller or by the provider (`cancelled`; `abort` of vLLM and SGLang) | cancelled |
    | 2 | failed or interrupted, whatever else was seen before | error |
    | 3 | a reason that says that the call itself is bad (`MALFORMED_FUNCTION_CALL`, ...) | invalid_tool_call |
    | 4 | `length` (and `max_messages`): a truncated turn is not run, whole calls in it included | max_tokens_exceeded |
    | 5 | `content_filter` | content_filtered |
    | 6 | a reason that no row knows: nothing says that the turn is whole, so it is neither run nor final | error |
    | 7 | a call that is not complete, or `tool_calls` without a call | invalid_tool_call |
    | 8 | a whole call of a tool in `requires_approval`, or MCP's own request for approval | requires_approval |
    | 9 | whole calls: run them all | continue |
    | 10 | `pause_turn`, `compaction`, `steered`: send the turn back as it is, the model goes on | continue |
    | 11 | a refusal and no text: there is no answer, though the wire says `stop` | content_filtered |
    | 12 | anything else: `stop`, or a whole stream that gave no reason | end_turn |

    A refusal beside text is an answer (12). Other choices than the first (n > 1) have no say. Sources of the words:
    openai.types.responses.response.IncompleteDetails, anthropic.types.beta.BetaStopReason, google.genai.types
    .FinishReason, https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons (`pause_turn`).
    """
    turn = _Turn(completion, requires_approval)
    return next((rule.step for rule in _RULES if rule.applies(turn)), "end_turn")


class _Turn(NamedTuple):
    completion: Completion
    guarded: Collection[str]


class _Rule(NamedTuple):
    step: StopReason
    applies: Callable[[_Turn], bool]


_CANCELLED = frozenset({"cancelled", "abort"})
_BAD_CALL = frozenset(
    {
        "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
        "malformed_tool_use",
    }
)  # fmt: skip
"""Gemini's and Converse's. `MALFORMED_RESPONSE` and `malformed_model_output` do not blame a call: rank 6."""
_LIMITS = frozenset({"length", "max_messages"})
_GOES_ON = frozenset({"pause_turn", "compaction", "steered"})
_NATURAL = frozenset({None, "stop", "tool_calls"}) | _GOES_ON
_ASKS = "mcp_approval_request"


def _said(words: Collection[str | None]) -> Callable[[_Turn], bool]:
    return lambda turn: turn.completion.finish_reason in words


def _is_cancelled(turn: _Turn) -> bool:
    error = turn.completion.error
    return (error is not None and error.type == "cancelled") or turn.completion.finish_reason in _CANCELLED


def _has_bad_call(turn: _Turn) -> bool:
    calls = turn.completion.tool_calls
    return any(not call.complete for call in calls) or (turn.completion.finish_reason == "tool_calls" and not calls)


def _needs_approval(turn: _Turn) -> bool:
    asks = any(isinstance(part, ToolCallPart) and part.kind == _ASKS for part in turn.completion.content)
    return asks or any(call.name in turn.guarded for call in turn.completion.tool_calls)


def _only_refuses(turn: _Turn) -> bool:
    content = turn.completion.content
    refuses = any(isinstance(part, RefusalPart) for part in content)
    return refuses and not any(isinstance(part, TextPart) and part.text for part in content)


_RULES: tuple[_Rule, ...] = (
    _Rule("cancelled", _is_cancelled),
    _Rule("error", lambda turn: turn.completion.status != "complete"),
    _Rule("invalid_tool_call", _said(_BAD_CALL)),
    _Rule("max_tokens_exceeded", _said(_LIMITS)),
    _Rule("content_filtered", _said({"content_filter"})),
    _Rule("error", lambda turn: turn.completion.finish_reason not in _NATURAL),
    _Rule("invalid_tool_call", _has_bad_call),
    _Rule("requires_approval", _needs_approval),
    _Rule("continue", lambda turn: bool(turn.completion.tool_calls)),
    _Rule("continue", _said(_GOES_ON)),
    _Rule("content_filtered", _only_refuses),
)
"""By rank; the docstring of `stop_reason` says why."""
