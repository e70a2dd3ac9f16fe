"""Sessions: `nox -s conformance` is the main job; `nox` alone runs what CI's Python part runs."""

from __future__ import annotations

import shutil
from functools import partial, update_wrapper
from pathlib import Path

import nox
import nox.command

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "typing", "tests", "conformance"]
nox.needs_version = ">=2025.5"

AIMOCK = "@copilotkit/aimock@1.43.0"
PYTHONS = ["3.11", "3.12", "3.13"]


def _install(session: nox.Session) -> None:
    session.install(
        "-e", ".[bedrock,otel]", *nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "dev")
    )


@nox.session
def conformance(session: nox.Session) -> None:
    """The suite: every case through wire, reference and sdk. `-- --snapshot-update` accepts new snapshots."""
    _install(session)
    # Workers would write snapshots over each other's.
    workers = () if "--snapshot-update" in session.posargs else ("-n", "auto")
    session.run("pytest", "conformance", *workers, *session.posargs)


@nox.session
def sweep(session: nox.Session) -> None:
    """Every case under every legal wire plan, through wire, reference and sdk. `-- --adapter wire --cases GLOB`."""
    _install(session)
    session.run("python", "conformance/sweep.py", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Damaged streams through wire and reference. `-- --help` has the options, `-- --seconds 600` takes ten minutes."""
    _install(session)
    # atheris has wheels for Linux on x86-64 and some Pythons; the fuzzer says so when it is not there
    atheris = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "fuzz")
    session.install("--only-binary=atheris", *atheris, success_codes=[0, 1])
    session.run("python", "-m", "fuzz", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session
def mutants(session: nox.Session) -> None:
    """Mutation testing of decoders/ and wire/: `-- GLOB` for some of their files. It goes on where it was stopped."""
    _install(session)
    session.install(*nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "mutants"))
    session.run("python", "tools/mutants/run.py", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """What streamproof costs: ratios, and the tables of docs/performance.md. `-- --help` has the options."""
    _install(session)
    session.install(*nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "bench"))
    aimock = Path(session.create_tmp())
    if shutil.which("npm"):  # else the comparison leaves it out
        session.run("npm", "install", "--silent", "--prefix", str(aimock), AIMOCK, external=True, success_codes=[0, 1])
    session.run("python", "-m", "benchmarks", *session.posargs, env={"AIMOCK": str(aimock)})


@nox.session
def tests(session: nox.Session) -> None:
    """Unit tests of the harness, with coverage."""
    _install(session)
    session.run("pytest", "-n", "auto", "--cov", "--cov-report=term", "--cov-fail-under=95", *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """The HTML matrix in headless Chromium. Needs the packages chromium and chromium-driver (or chromedriver)."""
    _install(session)
    session.install(*nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "browser"))
    tests = ("pytest", "tests/browser", *session.posargs)
    try:
        session.run(*tests, env={"STREAMPROOF_BROWSER": "1"})
    except nox.command.CommandFailed:
        session.warn("What failed is tried once more: on a busy machine Chromium may lose a click.")
        session.run(*tests, "--last-failed", env={"STREAMPROOF_BROWSER": "1"})


@nox.session
def node(session: nox.Session) -> None:
    """The process contract with adapters in Node.js, which has to be there."""
    _install(session)
    session.run(
        "pytest",
        "tests/contract",
        "tests/kit/test_new_adapter.py",
        "-k",
        "node",
        *session.posargs,
        env={"STREAMPROOF_NODE": "1"},
    )


@nox.session
@nox.parametrize("plugin", ["pytest-recording", "cassetter"])
def neighbours(session: nox.Session, plugin: str) -> None:
    """The pytest plugin beside others that replay HTTP, one at a time: the two have an option of the same name."""
    _install(session)
    session.install(plugin)
    session.run("pytest", "tests/neighbours", *session.posargs, env={"STREAMPROOF_NEIGHBOUR": plugin})


@nox.session(python=PYTHONS, name="tests-all")
def tests_all(session: nox.Session) -> None:
    """Unit tests and suite on every supported Python that is installed."""
    _install(session)
    for suite in ("tests", "conformance"):  # each has a conftest of its own
        session.run("pytest", "-q", "-n", "auto", suite, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: style, imports, docstrings, formatting."""
    _install(session)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def typing(session: nox.Session) -> None:
    """mypy, strict."""
    _install(session)
    session.run("mypy")


@nox.session(name="wire-schemas")
def wire_schemas(session: nox.Session) -> None:
    """Schemas of the protocols' events, from the SDKs' types. `-- --check` only tells which ones differ."""
    _install(session)
    session.run("python", "-m", "streamproof.authoring.wire_schemas", *session.posargs)


@nox.session(name="coverage-wire")
def coverage_wire(session: nox.Session) -> None:
    """Which members of the SDKs' unions a case exercises. `-- --members` lists them all, each with its first case."""
    _install(session)
    session.run("python", "-m", "streamproof.authoring.wire_coverage", *session.posargs)


@nox.session(name="record-local")
def record_local(session: nox.Session) -> None:
    """Record the llama-cpp and llm-rosetta cases again from servers on this machine; `-- --write` keeps the new bytes.

    Not a part of CI: it installs prebuilt servers (400 MB), and needs Linux on x86-64 with AVX-512.
    """
    session.install("-e", ".", "-r", "tools/local_servers/requirements.txt")
    session.run("python", "tools/local_servers/record_local.py", *session.posargs)


DRIVERS = Path("conformance/adapters")


def _adapter(session: nox.Session, script: Path) -> None:
    """The suite against a library, which has an environment of its own: its pins and ours need not agree."""
    session.install("-e", ".", "uv>=0.8")
    session.run("uv", "sync", "--quiet", "--script", str(script))
    found = session.run("uv", "python", "find", "--script", str(script), silent=True)
    python = str(found).strip()
    _result(session, script.stem.removesuffix("_driver"), "--command", f"{python} {script}")


def _result(session: nox.Session, name: str, *adapter: str) -> None:
    """Run everything and write results/<name>.ndjson. With arguments, run what they ask for and write nothing."""
    if session.posargs:
        session.run("streamproof", "run", *adapter, *session.posargs)
        return
    Path("results").mkdir(exist_ok=True)
    whole = f"{session.create_tmp()}/{name}.ndjson"
    session.run("streamproof", "run", *adapter, "--json", whole, success_codes=[0, 1])  # a red cell is a result
    again = f"nox -s adapter-{name.replace('_', '-')} --"
    session.run("streamproof", "report", "merge", whole, "--slim", "--again", again, "-o", f"results/{name}.ndjson")


def _own(session: nox.Session, name: str) -> None:
    """The suite against an adapter of ours, to stand beside the libraries in the matrix."""
    _install(session)
    _result(session, name, "--adapter", name)


for _name in ("reference", "sdk"):
    nox.session(update_wrapper(partial(_own, name=_name), _own), name=f"adapter-{_name}")


@nox.session
def matrix(session: nox.Session) -> None:
    """docs/matrix.html and the README's table, from results/. `-- --check` only says whether they are up to date."""
    session.install("-e", ".")
    session.run("python", "-m", "streamproof.report.publish", *session.posargs)


for _script in sorted(DRIVERS.glob("[a-z]*_driver.py")):
    _name = _script.stem.removesuffix("_driver").replace("_", "-")
    nox.session(update_wrapper(partial(_adapter, script=_script), _adapter), name=f"adapter-{_name}")


def _node_adapter(session: nox.Session, folder: Path) -> None:
    """The suite against a library for Node.js, by the lock file beside its driver. Needs npm."""
    session.install("-e", ".")
    session.run("npm", "ci", "--silent", "--prefix", str(folder), external=True)
    pinned = folder / "node_modules" / ".bin" / "node"
    node = pinned if pinned.exists() else "node"
    _result(session, folder.name, "--command", f"{node} {folder}/{folder.name}_driver.mjs")


for _folder in sorted(path.parent for path in DRIVERS.glob("*/package.json")):
    _name = _folder.name.replace("_", "-")
    nox.session(update_wrapper(partial(_node_adapter, folder=_folder), _node_adapter), name=f"adapter-{_name}")
