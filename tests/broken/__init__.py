"""Adapters that are wrong on purpose: proof that the suite can fail.

Each has exactly one fault, which a real library had; its docstring names the library and the fault, `cases` the cases
that are meant to catch it. `BROKEN` holds them all by name. tests/test_broken_adapters.py runs them.
"""

from __future__ import annotations

from . import calls, content, contract, ends, laws, usage, wire
from .kit import BROKEN, BrokenAdapter, Fault

__all__ = ["BROKEN", "BrokenAdapter", "Fault", "calls", "content", "contract", "ends", "laws", "usage", "wire"]
