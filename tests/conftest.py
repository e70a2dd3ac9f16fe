"""Stands here so that every test can import `helpers`: pytest puts the folder of a conftest on the path."""

from __future__ import annotations

import os

from hypothesis import settings

# A change is not to blame for an example that only its run happened to find: CI repeats the same ones, and developers'
# runs go on looking.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("streamproof", deadline=None)  # time is measured by benchmarks, not by tests
settings.load_profile("ci" if os.environ.get("CI") else "streamproof")
