"""Where the suite's data is: `cassettes/` and `conformance/`, in a checkout and in an installed wheel alike.

The wheel holds them in `streamproof/data/` (pyproject.toml, force-include), a plain folder beside this module.
"""

from __future__ import annotations

import os
from pathlib import Path

from .errors import UsageError

ENVIRONMENT = "STREAMPROOF_DATA"


def data_root(package: Path | None = None) -> Path:
    """The folder that holds `cassettes/` and `conformance/`.

    The environment variable STREAMPROOF_DATA wins; then the data of an installed wheel; then the checkout that this
    file stands in. package: the package's folder, for tests. Raises UsageError when there is none.
    """
    package = Path(__file__).parent if package is None else package
    forced = os.environ.get(ENVIRONMENT)
    candidates = [Path(forced)] if forced else [package / "data", package.parent.parent]
    for candidate in candidates:
        if (candidate / "cassettes").is_dir():
            return candidate
    places = " or ".join(str(candidate) for candidate in candidates)
    raise UsageError(
        f"no folder `cassettes` in {places}",
        remedy=f"set {ENVIRONMENT} to the folder that holds `cassettes` and `conformance`",
    )
