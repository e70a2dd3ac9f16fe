"""Other plugins that replay HTTP. `nox -s neighbours` installs one at a time; elsewhere there is nothing to test."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("STREAMPROOF_NEIGHBOUR") else ["test_*.py"]
