"""Laws: what holds for every stream and every adapter, whatever a case says.

table.py names them, with their reasons; deltas.py and truth.py look at the outcome of one cell, probes.py makes calls
of its own. docs/laws.md is the page for readers.
"""

from __future__ import annotations

from .table import LAWS, PREFIX, Applies, Law

__all__ = ["LAWS", "PREFIX", "Applies", "Law"]
