"""OpenAI Responses: `decoder` takes events, `parts` turns output items into parts, `items` holds the tables."""

from .decoder import OpenAIResponsesDecoder

__all__ = ["OpenAIResponsesDecoder"]
