"""The pytest plugin: one test per cell, and base URLs for tests of your own.

    pytest --streamproof-adapter mypackage.driver:MyAdapter

    def test_partial_answer(streamproof_url):
        client = openai.OpenAI(base_url=streamproof_url("openai_responses/incomplete-partial-text"), api_key="any")

    @pytest.mark.streamproof("openai_responses/incomplete-*")
    def test_incomplete(streamproof_cell):
        client = openai.OpenAI(base_url=streamproof_cell.base_url, api_key="any")

pytest loads this module in every project in which streamproof is installed, so it imports nothing but pytest before it
is used (pytest_cells.py has the rest). All its names begin with `streamproof`, to live beside other plugins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .pytest_cells import Opened, Url

MARKER = (
    "streamproof(*cases, provider=None, plan=None): run the test for every cell of these cases (ids, globs or parts "
    "of ids), given as the fixture streamproof_cell; the cells of --streamproof-adapter have it too"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options; each of them does nothing without --streamproof-adapter."""
    group = parser.getgroup("streamproof", "streamproof: check an LLM adapter against recorded provider streams")
    group.addoption(
        "--streamproof-adapter",
        metavar="MODULE:CLASS",
        help="add one test per cell of this adapter, or of ours: reference, sdk, wire",
    )
    group.addoption(
        "--streamproof-cases",
        metavar="PATTERN",
        action="append",
        default=[],
        help="only these cases: a glob over case ids, or a part of one; may be given several times",
    )
    group.addoption("--streamproof-provider", metavar="P", help="only the cells of this provider")
    group.addoption(
        "--streamproof-plan",
        metavar="W",
        action="append",
        default=[],
        help="deliver the bytes by this wire plan, e.g. split:byte; several give more cells",
    )
    group.addoption(
        "--streamproof-expectations",
        metavar="FILE",
        help="known failures of the adapter (TOML): they are xfailed, and fail when they pass",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that --strict-markers is content."""
    config.addinivalue_line("markers", MARKER)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what is checked."""
    if config.getoption("--streamproof-adapter") is None:
        return None
    from .pytest_cells import header  # noqa: PLC0415 - see the module's docstring

    return header(config)


@pytest.hookimpl(tryfirst=True)  # so that -k, -m and xdist see the cells as they see other tests
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the cells of the adapter."""
    if config.getoption("--streamproof-adapter") is None:
        return
    from .pytest_cells import collected  # noqa: PLC0415

    items.extend(collected(session, config))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `streamproof_cell` runs once for every cell of its marker."""
    if "streamproof_cell" not in metafunc.fixturenames:
        return
    from .pytest_cells import marked  # noqa: PLC0415

    cells = marked(metafunc.definition.get_closest_marker("streamproof"), metafunc.definition.nodeid)
    metafunc.parametrize("streamproof_cell", cells, indirect=True, ids=[cell.id for cell in cells])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server, if one was started."""
    if config.getoption("--help", default=False):
        return
    from .pytest_stash import stop  # noqa: PLC0415

    stop(config)


@pytest.fixture
def streamproof_url(pytestconfig: pytest.Config) -> Iterator[Url]:
    """`streamproof_url(case, provider=None, plan="")`: a base URL that answers with the stream of a case.

    It is what the official SDK of the protocol is given as `base_url`. Each call gives a fresh one, whose answers come
    in their order, each once.
    """
    from .pytest_cells import urls  # noqa: PLC0415

    with urls(pytestconfig) as url:
        yield url


@pytest.fixture
def streamproof_cell(request: pytest.FixtureRequest) -> Iterator[Opened]:
    """A cell of the test's marker, with `id`, `base_url`, `call`, `expected`, `requirements` and `requests()`."""
    from .pytest_cells import opened  # noqa: PLC0415

    with opened(request.config, request.param) as cell:
        yield cell
