"""The one server of a pytest process: started when it is first needed, stopped when pytest ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .replay.serving import CaseServer

_SERVER: pytest.StashKey[CaseServer] = pytest.StashKey()


def server(config: pytest.Config) -> CaseServer:
    """It, running."""
    if _SERVER not in config.stash:
        from .replay.serving import CaseServer  # noqa: PLC0415 - imported when it is needed

        config.stash[_SERVER] = CaseServer()
        config.stash[_SERVER].start()
    return config.stash[_SERVER]


def stop(config: pytest.Config) -> None:
    """End it, if there is one."""
    if _SERVER in config.stash:
        config.stash[_SERVER].stop()
        del config.stash[_SERVER]
