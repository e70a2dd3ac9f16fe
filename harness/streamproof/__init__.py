"""streamproof: record/replay test harness and conformance suite for streaming LLM adapters.

The names here need no SDK. Adapters are in `streamproof.adapters`, the decoders in `streamproof.decoders`, cases in
`streamproof.case`; docs/normal-form.md says what a completion holds.
"""

from .completion import (
    Choice,
    CitationPart,
    Completion,
    Delta,
    ErrorInfo,
    MediaPart,
    Part,
    ReasoningPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ToolCall,
    ToolCallPart,
    UnknownPart,
    Usage,
)
from .errors import AdapterError, CassetteError, HarnessFault, LLMError, StreamproofError, UsageError
from .fold import fold

__all__ = [
    "AdapterError",
    "CassetteError",
    "Choice",
    "CitationPart",
    "Completion",
    "Delta",
    "ErrorInfo",
    "HarnessFault",
    "LLMError",
    "MediaPart",
    "Part",
    "ReasoningPart",
    "RefusalPart",
    "ServerToolPart",
    "StreamproofError",
    "TextPart",
    "ToolCall",
    "ToolCallPart",
    "UnknownPart",
    "Usage",
    "UsageError",
    "fold",
]
