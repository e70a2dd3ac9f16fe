"""Gemini generateContent: `decoder` takes chunks, `parts` their parts, `partial_args` streamed call arguments."""

from .decoder import GeminiGenerateContentDecoder

__all__ = ["GeminiGenerateContentDecoder"]
