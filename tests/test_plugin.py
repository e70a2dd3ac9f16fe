"""The pytest plugin, in a pytest of its own: cells as tests, and base URLs for one's own assertions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

DRIVER = '''
"""An adapter in twenty lines, over the openai SDK; it takes every end for a good one."""

import openai
from streamproof.completion import Completion, TextPart, Usage


class Adapter:
    name = "tiny"
    protocols = ("openai_chat",)

    def run(self, call, endpoint, emit):
        client = openai.OpenAI(base_url=endpoint.base_url, api_key=endpoint.api_key, max_retries=0)
        text, finish = "", None
        for chunk in client.chat.completions.create(model=call.model, messages=list(call.messages), stream=True):
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finish = choice.finish_reason or finish
        content = (TextPart(text=text),) if text else ()
        return Completion(content=content, usage=Usage(), finish_reason=finish or "stop", status="complete")
'''


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of somebody else, with an adapter."""
    pytester.makepyfile(driver=DRIVER)
    pytester.makeconftest("")
    return pytester


def run(project: pytest.Pytester, *args: str) -> pytest.RunResult:
    """pytest as a user calls it, in a process of its own."""
    return project.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:randomly", *args)


def test_one_test_per_cell(project: pytest.Pytester) -> None:
    """Cells that are not there, or whose verdict does not decide the test; the adapter's fault is told."""
    result = run(
        project,
        "--streamproof-adapter=driver:Adapter",
        "--streamproof-cases=openai_chat/cut-clean-eof-mid-json",
        "--streamproof-cases=openai_responses/text",
        "--streamproof-provider=openai",
        "-v",
    )
    result.stdout.fnmatch_lines(["*streamproof*driver:Adapter*", "*openai_chat/cut-clean-eof-mid-json@openai FAILED*"])
    result.stdout.fnmatch_lines(
        ["*finish_reason*", "*expected *", '*got * "stop"*', "again:  streamproof run openai_chat/*"]
    )
    result.stdout.fnmatch_lines(["*openai_responses/text@openai SKIPPED*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_an_adapter_of_this_folder_is_found(pytester: pytest.Pytester) -> None:
    """An adapter that only `python -m pytest`, or a conftest.py beside it, would find; workers find it too."""
    pytester.makepyfile(driver=DRIVER)
    words = ["--streamproof-adapter=driver:Adapter", "--streamproof-cases=openai_chat/cut-clean-eof-mid-json", "-n2"]
    command = [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=pytester.path, capture_output=True, text=True, check=False)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "2 failed" in done.stdout


def test_our_own_adapters_pass(project: pytest.Pytester) -> None:
    """A plugin whose cells cannot pass; `-k`, `-m` and the options choose among them."""
    result = run(
        project,
        "--streamproof-adapter=reference",
        "--streamproof-cases=openai_chat/text*",
        "--streamproof-plan=split:byte",
        "-m",
        "streamproof",
        "-k",
        "azure",
    )
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] >= 1
    assert outcomes["deselected"] >= 5
    assert "failed" not in outcomes


def test_workers_share_the_cells(project: pytest.Pytester) -> None:
    """Cells that xdist cannot distribute: another order in each worker, or ids that differ."""
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    result = run(project, "--streamproof-adapter=wire", "--streamproof-cases=openai_responses/incomplete-*", "-n2")
    outcomes = result.parseoutcomes()
    assert outcomes["passed"] >= 10
    assert outcomes.keys() <= {"passed", "warnings"}


def test_known_failures_are_expected(project: pytest.Pytester) -> None:
    """A listed failure that fails the run, and a listed one that passes and does not."""
    entry = """
    [[known]]
    cell = "openai_chat/{case}@openai"
    verdict = "*"
    reason = "takes every end for a good one"
    upstream = "https://example.com/issues/1"
    since = "2026-01-31"
    """
    project.makefile(".toml", known=entry.format(case="cut-clean-eof-mid-json") + entry.format(case="text-deepseek"))
    result = run(
        project,
        "--streamproof-adapter=driver:Adapter",
        "--streamproof-cases=openai_chat/cut-clean-eof-mid-json",
        "--streamproof-provider=openai",
        "--streamproof-expectations=known.toml",
        "-rx",
    )
    result.assert_outcomes(xfailed=1)
    result.stdout.fnmatch_lines(["*takes every end for a good one*issues/1*"])


def test_a_base_url_for_own_assertions(project: pytest.Pytester) -> None:
    """A URL that does not answer with the case's stream, or a marker that runs no test."""
    project.makepyfile(
        test_mine="""
        import openai
        import pytest

        def test_text(streamproof_url):
            client = openai.OpenAI(base_url=streamproof_url("openai_chat/text", plan="split:byte"), api_key="x")
            stream = client.chat.completions.create(model="m", messages=[], stream=True)
            assert "".join(c.choices[0].delta.content or "" for c in stream if c.choices)

        @pytest.mark.streamproof("openai_responses/incomplete-reasoning-only", provider="openai")
        def test_incomplete(streamproof_cell):
            client = openai.OpenAI(base_url=streamproof_cell.base_url, api_key="x")
            events = list(client.responses.create(model=streamproof_cell.call.model, input="?", stream=True))
            assert events[-1].response.usage.output_tokens == streamproof_cell.expected["usage"]["output_tokens"]
            assert events[-1].type == "response.incomplete"
            assert len(streamproof_cell.requests()) == 1
            assert {fact["id"] for fact in streamproof_cell.requirements} >= {"finish-length"}
        """
    )
    result = run(project, "--strict-markers", "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_incomplete?openai_responses/incomplete-reasoning-only@openai? PASSED*"])


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--streamproof-adapter=driver:Adaptor"], "Adapter"),
        (["--streamproof-adapter=nowhere:Adapter"], "nowhere"),
        (["--streamproof-adapter=wire", "--streamproof-cases=no-such-case"], "no-such-case"),
        (["--streamproof-adapter=wire", "--streamproof-plan=split:never"], "split:never"),
    ],
)
def test_a_mistyped_option_is_told(project: pytest.Pytester, args: list[str], told: str) -> None:
    """A traceback of the plugin's, or a run of nothing that looks green."""
    result = run(project, *args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert told in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_a_test_without_its_marker_is_told(project: pytest.Pytester) -> None:
    """A fixture that silently takes all cases, or none."""
    project.makepyfile(test_mine="def test_it(streamproof_cell): assert streamproof_cell")
    result = run(project)
    assert result.ret != pytest.ExitCode.OK
    assert "@pytest.mark.streamproof" in result.stdout.str() + result.stderr.str()


def test_other_projects_pay_nothing(project: pytest.Pytester) -> None:
    """A plugin that imports SDKs in every pytest run of every project on this machine, or that adds tests unasked."""
    project.makepyfile(
        test_mine="""
        import sys

        def test_it():
            heavy = {"openai", "anthropic", "google.genai", "vcr", "streamproof.pytest_cells"}
            assert heavy.isdisjoint(sys.modules)
        """
    )
    run(project).assert_outcomes(passed=1)


def test_it_is_registered() -> None:
    """A package without the entry point: `--streamproof-adapter` would be unknown to pytest."""
    text = (Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert '[project.entry-points.pytest11]\nstreamproof = "streamproof.pytest_plugin"' in text
    helped = subprocess.run([sys.executable, "-m", "pytest", "--help"], capture_output=True, text=True, check=True)
    assert "--streamproof-adapter" in helped.stdout
