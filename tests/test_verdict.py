"""Verdicts and how they add up."""

from __future__ import annotations

import pytest
from streamproof.verdict import Verdict, worst


def test_the_worst_counts() -> None:
    """A hang hides nothing behind it, a pass hides nothing at all; nothing to say is a pass."""
    assert worst(Verdict) is Verdict.HANG
    assert worst([Verdict.PASS, Verdict.LOSSY, Verdict.WRONG]) is Verdict.WRONG
    assert worst([]) is Verdict.PASS


@pytest.mark.parametrize("verdict", Verdict)
def test_ok_is_what_needs_no_mending(verdict: Verdict) -> None:
    """What an adapter declares that it does not do is no failure."""
    assert verdict.ok == (verdict.word in ("unsupported", "not_offered", "pass"))
    assert verdict.word == verdict.name.lower()
