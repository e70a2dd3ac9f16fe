"""Sessions: `nox -s conformance` is the main job; `nox` alone runs what CI's Python part runs."""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "typing", "tests", "conformance"]
nox.needs_version = ">=2025.5"

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
def tests(session: nox.Session) -> None:
    """Unit tests of the harness, with coverage."""
    _install(session)
    session.run("pytest", "-n", "auto", "--cov", "--cov-report=term", "--cov-fail-under=95", *session.posargs)


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
