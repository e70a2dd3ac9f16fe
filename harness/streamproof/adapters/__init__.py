"""Adapters: the ways from a provider's stream to a completion."""
