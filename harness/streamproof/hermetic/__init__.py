"""Keeping a replay on this machine: no connection leaves, no setting of the user's environment gets in."""

from .block import TIER, hermetic

__all__ = ["TIER", "hermetic"]
