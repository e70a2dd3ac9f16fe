"""OpenAI Chat Completions and its dialects: `decoder` takes chunks, `message` the deltas of one choice."""

from .decoder import OpenAIChatDecoder

__all__ = ["OpenAIChatDecoder"]
