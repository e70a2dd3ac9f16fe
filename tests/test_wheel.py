"""The installed wheel: the suite's data is inside, and the command line finds it far from any checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import pytest

pytest.importorskip("hatchling", reason="the build backend is not installed, so no wheel can be built")

ROOT = Path(__file__).parent.parent
DATA = (
    "cassettes",
    "conformance/__snapshots__",
    "conformance/expectations",
    "conformance/twins",
    "conformance/aliases.toml",
    "conformance/adapters/_driver.py",
)
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, check=True)
    (built,) = folder.glob("streamproof-*.whl")
    return built


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment in which the wheel is installed.

    The dependencies are those of the running environment, which follows the new one on the path by a .pth file. What
    .pth files there say is not read, so that an editable install of the checkout stays out of sight.
    """
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True, symlinks=os.name != "nt")
    base = {"base": str(folder), "platbase": str(folder)}
    programs = Path(sysconfig.get_path("scripts", "venv", base))
    pip = [programs / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", wheel], check=True)
    ours = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    Path(sysconfig.get_path("purelib", "venv", base), "dependencies.pth").write_text("\n".join(ours), "utf-8")
    return programs


@pytest.fixture
def run(scripts: Path, tmp_path: Path) -> Run:
    """Runs a program of that environment in a folder that is no checkout; the text of its standard output."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "STREAMPROOF_DATA")}

    def start(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [scripts / program, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", timeout=60, check=False
        )

    return start


def files_of(place: str) -> set[str]:
    """The files at a place of the checkout, as paths of the data folder."""
    path = ROOT / place
    found = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {file.relative_to(ROOT).as_posix() for file in found}


def test_data_is_in_the_wheel(wheel: Path) -> None:
    """A cassette, snapshot, expectation or schema that is left out, or something else that is taken along."""
    with ZipFile(wheel) as archive:
        names = set(archive.namelist())
    data = {name.removeprefix("streamproof/data/") for name in names if name.startswith("streamproof/data/")}
    assert data == {file for place in DATA for file in files_of(place)}
    package = {file.relative_to(ROOT / "harness").as_posix() for file in (ROOT / "harness").rglob("*.json")}
    assert package == {name for name in names if name.endswith(".json")} - {f"streamproof/data/{name}" for name in data}
    assert {f"streamproof/{name}" for name in ("py.typed", "replay/page/index.css", "replay/page/index.js")} <= names


def test_the_package_is_the_installed_one(run: Run, scripts: Path) -> None:
    """The other tests would show nothing if they ran the checkout."""
    found = run("python", "-c", "import streamproof.data as d; print(d.__file__); print(d.data_root())")
    assert found.returncode == 0, found.stderr
    assert all(Path(line).is_relative_to(scripts.parent) for line in found.stdout.splitlines())


def test_list(run: Run) -> None:
    """The cases are found, all of them."""
    done = run("streamproof", "list")
    assert (done.returncode, done.stderr) == (0, "")
    cases = {name.removesuffix(".yaml").removeprefix("cassettes/") for name in files_of("cassettes")}
    assert {line.split()[0] for line in done.stdout.splitlines() if "/" in line.split()[0]} == cases


def test_run(run: Run) -> None:
    """A case runs: its cassette, the metadata schema and the aliases are found."""
    done = run("streamproof", "run", "gemini_generate_content/text", "--adapter", "wire")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gemini_generate_content" in done.stdout


def test_run_knows_what_the_sdks_lose(run: Run) -> None:
    """Without the expectations a known fault of an SDK would be a failure."""
    done = run(
        "streamproof", "run", "openai_chat/error-chunk-with-usage", "--adapter", "sdk", "--provider", "openrouter"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "known" in done.stdout
