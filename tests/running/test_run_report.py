"""What `streamproof run` prints of failures: each once, what matters first, and where to find the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click
import pytest
from streamproof.expectations.file import Failure
from streamproof.outcome import Outcome
from streamproof.requirements import Finding
from streamproof.running.failure_groups import folded
from streamproof.running.report import MOST, Report
from streamproof.verdict import Verdict

STATUS = Finding("status-interrupted", "must", Verdict.WRONG, "status", 'equals "interrupted"', '"complete"')
CUT = Finding("law:cut-is-not-complete", "must", Verdict.WRONG, "status", "a status that says so", "complete")
USAGE = Finding("usage-kept", "must", Verdict.LOSSY, "usage.input_tokens", "equals 3", "null")


def cell(name: str, *findings: Finding, **more: object) -> Outcome:
    """An outcome with these findings."""
    return Outcome(**{"cell": name, "adapter": "acme", "findings": tuple((f, "end of body") for f in findings), **more})  # type: ignore[arg-type]


def printed(outcomes: Iterable[Outcome], **options: object) -> str:
    """What the run prints."""
    report = Report("acme", option="--adapter acme:A")
    for outcome in outcomes:
        report.add(outcome)
    report.end()
    return click.unstyle("\n".join(report.lines(1.0, **options)))  # type: ignore[arg-type]


def many(number: int) -> list[Outcome]:
    """As many cases, each of which fails."""
    return [cell(f"openai_chat/case-{n}@openai", STATUS, CUT) for n in range(number)]


def test_providers_that_fail_alike_are_told_once() -> None:
    """Nine paragraphs about one fault."""
    names = ("openai", "azure", "zai")
    text = printed(cell(f"openai_chat/cut@{name}", STATUS) for name in names)
    assert text.count("FAILED") == 1
    assert "FAILED openai_chat/cut@openai (and 2 more providers: azure, zai)\nstatus-interrupted (must, wrong)" in text
    assert text.count("again: ") == 1
    assert "  again: streamproof run openai_chat/cut --adapter acme:A --provider openai" in text


def test_what_one_provider_fails_beside_it_stands_apart() -> None:
    """A failure that is hidden since it came with one that others share."""
    cells = [cell("openai_chat/cut@openai", STATUS), cell("openai_chat/cut@azure", STATUS, USAGE)]
    text = printed(cells)
    assert "FAILED openai_chat/cut@openai (and 1 more provider: azure)" in text
    assert "FAILED openai_chat/cut@azure\nusage-kept (must, lossy)" in text
    assert text.count("status-interrupted (") == 1


def test_plans_and_the_sync_side_are_not_mixed() -> None:
    """The command of another delivery would not show the failure."""
    cells = [cell("openai_chat/cut@openai", STATUS), cell("openai_chat/cut@openai+split:byte+sync", STATUS)]
    text = printed(cells)
    assert "FAILED openai_chat/cut@openai+split:byte+sync" in text
    assert "--provider openai --plan split:byte --sync" in text
    assert text.count("FAILED") == 2


def test_a_law_that_says_the_same_is_one_line() -> None:
    """Two paragraphs about one status."""
    text = printed([cell("openai_chat/cut@openai", STATUS, CUT)])
    assert "  decided by end of body\n  also law:cut-is-not-complete\n  again:" in text
    assert "law:cut-is-not-complete (" not in text


@pytest.mark.parametrize(
    ("law", "path", "fact", "same"),
    [
        ("law:nothing-invented", "usage.input_tokens", "usage.input_tokens", True),
        ("law:nothing-invented", "content[0]", "content[0].text", True),
        ("law:nothing-invented", "content[1]", "content[10].text", False),
        ("law:nothing-invented", "content", "content[0].text", False),
        ("law:prefix-kept", "", "status", False),
        ("law:one-end", "status", "status", False),
    ],
)
def test_which_law_says_the_same(law: str, path: str, fact: str, same: bool) -> None:
    """A law about the deltas, or about another place, has something of its own to say."""
    told = folded([Failure("fact", Verdict.WRONG, "m", path=fact), Failure(law, Verdict.WRONG, "l", path=path)])
    assert [item.also for item in told] == ([(law,)] if same else [(), ()])


def kinds(text: str) -> Sequence[str]:
    """The lines that say what fails most."""
    return text.partition("most often\n")[2].partition("\n\n")[0].splitlines()


def test_many_failures_begin_with_what_fails_most() -> None:
    """A thousand lines, and a newcomer who does not know where to begin."""
    crash = cell("openai_chat/crash@openai", own_verdict=Verdict.CRASH, message="KeyError: 'choices'\nand so on")
    text = printed([crash, cell("openai_chat/usage@openai", USAGE), *many(MOST)], file="out.ndjson")
    first, second, third, fourth = kinds(text)
    assert first.startswith("   10 cases,   10 cells  wrong  law:cut-is-not-complete: A stream")
    assert second == "   10 cases,   10 cells  wrong  status-interrupted"
    assert third.split() == ["1", "case,", "1", "cell", "crash:", "KeyError"]
    assert fourth.split() == ["1", "case,", "1", "cell", "lossy", "usage-kept"]
    assert text.count("\nFAILED openai_chat/") == MOST
    assert "FAILED openai_chat/crash@openai\nKeyError: 'choices'" in text
    assert f"{MOST} of 12 failures are shown. All of them: --all; " in text
    assert "streamproof report out.ndjson --format html" in text


def test_all_of_them_are_there_when_asked_for() -> None:
    """`--all`."""
    text = printed(many(30), whole=True)
    assert text.count("\nFAILED openai_chat/") == 30
    assert "most often" not in text


def test_few_failures_are_all_told() -> None:
    """No summary of what can be read at a glance."""
    text = printed(many(MOST))
    assert text.count("\nFAILED openai_chat/") == MOST
    assert "most often" not in text


def test_the_shortest_example_stands_for_a_kind() -> None:
    """A case that fails in everything explains nothing."""
    both = [cell(f"openai_chat/both-{n}@openai", STATUS, USAGE) for n in range(MOST)]
    text = printed([*both, cell("openai_chat/plain@openai", USAGE)])
    assert text.index("FAILED openai_chat/plain@openai") < text.index("FAILED openai_chat/both-1@openai")


@pytest.mark.parametrize("width", [60, 100])
def test_lines_fit_the_terminal_where_they_can(width: int) -> None:
    """What fails most, and the lists of providers."""
    names = ("openai", "azure", "zai", "deepseek", "openrouter", "lmstudio", "minimax", "xai", "openai_compatible")
    shared = [cell(f"openai_chat/cut@{name}", STATUS, CUT) for name in names]
    text = printed([*shared, *many(MOST)], width=width)
    assert max(map(len, kinds(text))) <= width
    (head,) = (line for line in text.splitlines() if line.startswith("FAILED openai_chat/cut@openai"))
    assert len(head) <= 2 * width


def test_many_warnings_are_counted(tmp_path: Path) -> None:
    """SHOULDs that push the failures off the screen."""
    soft = USAGE._replace(level="should")
    text = printed([cell(f"openai_chat/case-{n}@openai", soft) for n in range(30)])
    assert (
        "warning most often\n   30 cases,   30 cells  lossy  usage-kept\n  30 warnings of 1 kind; --all shows them"
        in text
    )
    assert "acme: 30 cells in 1.0 s: 30 pass, 30 warnings" in text
    assert "FAILED" not in text


def test_entries_that_are_not_true_are_failures_too(tmp_path: Path) -> None:
    """A listed failure that passes is told with its cell and command."""
    known = tmp_path / "known.toml"
    known.write_text(
        '[[known]]\ncell = "openai_chat/a@openai"\nreason = "r"\n'
        'upstream = "https://example.org/1"\nsince = "2026-11-22"\n'
    )
    report = Report("acme", expectations=known)
    report.add(cell("openai_chat/a@openai"))
    assert report.failed
    text = click.unstyle("\n".join(report.lines(1.0)))
    assert "FAILED openai_chat/a@openai\nopenai_chat/a@openai passes although it is listed" in text
