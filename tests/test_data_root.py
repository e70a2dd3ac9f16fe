"""Finding the suite's data."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamproof.data import ENVIRONMENT, data_root
from streamproof.errors import UsageError


@pytest.fixture(autouse=True)
def _no_override(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENVIRONMENT, raising=False)


def test_checkout() -> None:
    """In a checkout it is the folder two levels above the package."""
    assert (data_root() / "pyproject.toml").is_file()
    assert (data_root() / "conformance").is_dir()


def test_wheel_before_checkout(tmp_path: Path) -> None:
    """An installed wheel has its data beside the code, and nothing two levels up is taken for it."""
    package = tmp_path / "lib" / "streamproof"
    (package / "data" / "cassettes").mkdir(parents=True)
    (tmp_path / "cassettes").mkdir()
    assert data_root(package) == package / "data"


def test_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """STREAMPROOF_DATA points at another suite."""
    (tmp_path / "cassettes").mkdir()
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    assert data_root() == tmp_path


def test_wrong_environment_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt override must not fall back to other data in silence."""
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="nowhere"):
        data_root()


def test_nothing_found(tmp_path: Path) -> None:
    """A package without data says where it looked."""
    with pytest.raises(UsageError, match="no folder `cassettes`"):
        data_root(tmp_path / "a" / "streamproof")
