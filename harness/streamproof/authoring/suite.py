"""Where an author's suite is: a checkout, or a folder that STREAMPROOF_DATA names. An installed wheel holds copies."""

from __future__ import annotations

from pathlib import Path

from ..data import ENVIRONMENT, data_root
from ..errors import UsageError


def suite_root() -> Path:
    """The folder of `cassettes/` and `conformance/`, to write into. Raises UsageError in an installed wheel."""
    root = data_root()
    if root == Path(__file__).parent.parent / "data":
        raise UsageError(
            "the cases of an installed streamproof are copies, and what is written to them is lost",
            remedy=f"run this in a checkout, or set {ENVIRONMENT} to a suite of your own",
        )
    return root
