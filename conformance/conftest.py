"""Fixtures of the suite: the snapshot of a case, and the walls around a replay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamproof import jsontext, snapshot
from streamproof.case import Case
from streamproof.hermetic import hermetic
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

ROOT = Path(__file__).parent
SNAPSHOTS = ROOT / "__snapshots__"


class CaseSnapshot(JSONSnapshotExtension):
    """One language-neutral JSON file per case: `__snapshots__/<protocol>/<slug>.json`.

    syrupy owns that tree: `--snapshot-update` removes every file in it that no test claims.
    """

    file_extension = "json"

    @classmethod
    def dirname(cls, *, test_location: Any) -> str:
        return str(SNAPSHOTS / _case_id(test_location.testname).partition("/")[0])

    @classmethod
    def get_snapshot_name(cls, *, test_location: Any, index: Any) -> str:  # noqa: ARG003 - one snapshot per test
        return _case_id(test_location.snapshot_name).partition("/")[2]

    def serialize(self, data: Any, **_: Any) -> str:
        return snapshot.text(data)


def _case_id(testname: str) -> str:
    return testname.partition("[")[2].rstrip("]")


def stored(case: Case) -> dict[str, Any]:
    """The accepted snapshot of a case, which `streamproof accept` writes."""
    path = SNAPSHOTS / f"{case.id}.json"
    assert path.exists(), f"{case.id} has no snapshot yet: streamproof accept {case.id}, after reading its stream"
    loaded: dict[str, Any] = jsontext.loads(path.read_text(encoding="utf-8"))
    return loaded


def pytest_configure(config: pytest.Config) -> None:
    """Warnings that say nothing here: our snapshot names are case ids on purpose; an SDK meets an unknown word."""
    config.addinivalue_line("filterwarnings", r"ignore:\s*Can not relate snapshot:UserWarning")
    config.addinivalue_line("filterwarnings", "ignore:.* is not a valid (Finish|Blocked)Reason:UserWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Snapshots first: a run that accepts new ones compares the other adapters with what it has just written."""
    items.sort(key=lambda item: not item.name.startswith("test_snapshot"))


@pytest.fixture
def case_snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """The snapshot of the test's case."""
    return snapshot.use_extension(CaseSnapshot)


@pytest.fixture(autouse=True)
def no_network() -> Iterator[None]:
    """Nothing leaves this machine, and no key of the user's is read."""
    with hermetic():
        yield
