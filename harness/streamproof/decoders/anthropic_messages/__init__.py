"""Anthropic Messages, also inside Bedrock's InvokeModel frames."""

from .decoder import AnthropicMessagesDecoder

__all__ = ["AnthropicMessagesDecoder"]
