"""The rules about metadata, truth and the suite as a whole, and the command that runs them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sound_case import PAGE, findings, respoken, sound_case
from streamproof import cassette, snapshot
from streamproof.authoring.lint import RULES, SUITE_RULES, SuiteRule, files_of, lint
from streamproof.authoring.subject import Rule, Subject
from streamproof.case import all_cases
from streamproof.cli import main
from streamproof.data import ENVIRONMENT
from streamproof.errors import UsageError
from streamproof.providers import PROTOCOLS


def requirement(**changes: Any) -> dict[str, Any]:
    """A requirement that holds for the sound Chat case."""
    source = {"kind": "documentation", "ref": PAGE}
    fact = {"id": "text-kept", "level": "must", "path": "content[0].text", "op": "equals", "value": "Hello."}
    return {**fact, "source": source, **changes}


def source(kind: str, ref: str) -> dict[str, Any]:
    """Metadata with one requirement from this source."""
    return {"requirements": [requirement(source={"kind": kind, "ref": ref})]}


def provenance(**changes: Any) -> dict[str, Any]:
    """Metadata with this provenance."""
    block = {"kind": "synthetic", "framing": "original", "source": PAGE, "date": "2026-11-22", **changes}
    return {"provenance": block}


SPOILED: dict[str, tuple[dict[str, Any], str, str]] = {
    "short title": ({"title": "Text"}, "title", "metadata.title"),
    "sentence": ({"title": "The stream ends after one delta."}, "title", "metadata.title"),
    "white space": ({"title": "The stream  ends after one delta"}, "title", "metadata.title"),
    "about the suite": ({"title": "Test that the stream ends"}, "title", "metadata.title"),
    "unknown provider": ({"providers": ["openai", "nobody"]}, "providers", "metadata.providers[1]"),
    "no day": (provenance(date="2026-02-31"), "provenance", "metadata.provenance.date"),
    "a day to come": (provenance(date="2999-01-01"), "provenance", "metadata.provenance.date"),
    "no source": (provenance(source="somewhere"), "provenance", "metadata.provenance.source"),
    "no server": (provenance(kind="recorded"), "provenance", "metadata.provenance.server"),
    "page without URL": (source("documentation", "the docs"), "source", "metadata.requirements[0].source.ref"),
    "issue without number": (
        source("issue", "https://github.com/openai/openai-python"),
        "source",
        "metadata.requirements[0].source.ref",
    ),
    "type without version": (
        source("sdk_type", "openai.types.chat.ChatCompletionChunk"),
        "source",
        "metadata.requirements[0].source.ref",
    ),
    "version without type": (source("sdk_type", "openai 3.54.0"), "source", "metadata.requirements[0].source.ref"),
    "ourselves": (
        source("recording", "streamproof decode says so"),
        "source",
        "metadata.requirements[0].source.ref",
    ),
    "contradicted requirement": (
        {"requirements": [requirement(value="Goodbye.")]},
        "requirement",
        "metadata.requirements[0]",
    ),
    "contradicted SHOULD": (
        {"requirements": [requirement(level="should", path="usage.input_tokens", value=10)]},
        "requirement",
        "metadata.requirements[0]",
    ),
    "TODO": ({"why": "TODO: say why"}, "unfinished", "metadata.why"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_fault_is_found_by_its_rule_alone(tmp_path: Path, name: str) -> None:
    """Metadata that nobody can rely on; a rule that objects to what is another's."""
    changes, rule, place = SPOILED[name]
    found = findings(sound_case(tmp_path, "openai_chat", **changes))
    assert [(finding.rule, finding.place) for finding in found] == [(rule, place)]
    assert found[0].remedy.endswith(".")
    assert found[0].case == "openai_chat/sound"


@pytest.mark.parametrize(
    ("kind", "ref"),
    [
        ("documentation", "https://docs.anthropic.com/en/api/messages-streaming"),
        ("standard", "RFC 8259, section 7"),
        ("issue", "https://github.com/BerriAI/litellm/issues/41109, the text doubled"),
        ("issue", "https://community.openai.com/t/some-title/123"),
        ("sdk_type", "openai.types.responses.ResponseUsage (openai 3.54.0)"),
        ("recording", "langchain-openai 1.7.3 tests/cassettes"),
    ],
)
def test_sources_that_can_be_looked_up(tmp_path: Path, kind: str, ref: str) -> None:
    """A good source refused for its form."""
    assert findings(sound_case(tmp_path, "openai_chat", **source(kind, ref)), "source") == []


def test_a_requirement_holds_for_every_provider(tmp_path: Path) -> None:
    """A quirk of the second provider's row that changes the result, and nobody runs."""
    changes = {"providers": ["openai", "xai"], "requirements": [requirement(id="t", path="status", value="failed")]}
    (finding,) = findings(sound_case(tmp_path, "openai_responses", **changes), "requirement")
    assert "(must) does not hold for openai: status is" in finding.message
    assert "decided by" in finding.message


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_snapshots(tmp_path: Path, protocol: str) -> None:
    """A case without a snapshot, or whose bytes have changed since; a suite without any asked for them."""
    path = sound_case(tmp_path, protocol)
    assert findings(path, "snapshot") == []
    snapshot.folder(tmp_path).mkdir(parents=True)
    (missing,) = findings(path, "snapshot")
    assert f"streamproof accept {protocol}/sound" in missing.remedy
    accepted = snapshot.path(tmp_path, f"{protocol}/sound")
    accepted.parent.mkdir()
    accepted.write_text(snapshot.text(snapshot.document(Subject(path).stories[0])), encoding="utf-8")
    assert findings(path, "snapshot") == []
    text = accepted.read_text(encoding="utf-8")
    accepted.write_text(text.replace("Hello.", "Hallo."), encoding="utf-8")
    (differs,) = findings(path, "snapshot")
    assert "completion.content is" in differs.message
    accepted.write_text(text.replace("\n", "\n\n"), encoding="utf-8")
    assert "another form" in findings(path, "snapshot")[0].message
    accepted.write_text("{", encoding="utf-8")
    assert "no JSON" in findings(path, "snapshot")[0].message


def test_what_is_no_case_has_one_finding(tmp_path: Path) -> None:
    """A damaged file that is reported by every rule, or by none, or that ends the run."""
    path = sound_case(tmp_path, "openai_chat")
    text = path.read_text(encoding="utf-8")
    for rule, spoiled in (
        ("readable", "interactions: ["),
        ("readable", ""),
        ("readable", "interactions: 5\nversion: 1\n"),
        ("metadata", text.replace("level: should", "level: maybe")),
        ("metadata", text.replace("level: should", "levle: should")),
        ("metadata", text.replace("title: One word of text and a natural stop", "title: [5]")),
        ("metadata", text[text.index("interactions:") :]),
    ):
        path.write_text(spoiled, encoding="utf-8")
        assert [finding.rule for finding in findings(path)] == [rule], spoiled[:40]


def test_a_case_in_the_wrong_place(tmp_path: Path) -> None:
    """A file that no command would ever list."""
    path = sound_case(tmp_path, "openai_chat")
    for name in ("openai_chat/Not_A_Slug.yaml", "openai_chats/sound.yaml"):
        moved = path.parent.parent / name
        moved.parent.mkdir(exist_ok=True)
        moved.write_bytes(path.read_bytes())
        assert [finding.rule for finding in findings(moved)] == ["place"]


def test_rules_about_the_whole_suite(tmp_path: Path) -> None:
    """A snapshot left behind, an alias that leads nowhere, two cases that a listing cannot tell apart."""
    path = sound_case(tmp_path, "openai_chat")
    twin = path.with_name("twin.yaml")
    twin.write_bytes(path.read_bytes())
    orphan = snapshot.path(tmp_path, "openai_chat/gone")
    orphan.parent.mkdir(parents=True)
    orphan.write_text("{}", encoding="utf-8")
    (tmp_path / "conformance" / "aliases.toml").write_text(
        '[aliases]\n"openai_chat/old" = "openai_chat/gone"\n"openai_chat/twin" = "openai_chat/sound"\n',
        encoding="utf-8",
    )
    asked = [rule.id for rule in SUITE_RULES]
    found = list(lint(files_of([tmp_path / "cassettes"]), asked, suite=tmp_path))
    assert [(Path(finding.file).name, finding.rule) for finding in found] == [
        ("gone.json", "orphan"), ("aliases.toml", "alias"), ("aliases.toml", "alias"), ("twin.yaml", "same-title"),
    ]  # fmt: skip
    (tmp_path / "conformance" / "aliases.toml").write_text("[aliases", encoding="utf-8")
    assert [finding.rule for finding in lint([path], ["alias"], suite=tmp_path)] == ["alias"]


def test_rules_are_told_apart() -> None:
    """Two rules with one id, or one that does not say what it finds and what to do."""
    rules: list[Rule | SuiteRule] = [*RULES, *SUITE_RULES]
    assert len({rule.id for rule in rules}) == len(rules)
    assert all(rule.summary.endswith(".") and rule.remedy.endswith(".") for rule in rules)


def test_the_rules_are_documented() -> None:
    """A rule that a reader of docs/authoring.md does not find, or finds described as something else."""
    page = Path(__file__).parents[2] / "docs" / "authoring.md"
    rules: list[Rule | SuiteRule] = [*RULES, *SUITE_RULES]
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert rows[: len(rules)] == [f"| `{rule.id}` | {rule.summary} |" for rule in rules]


def test_files_of_names_what_is_not_there(tmp_path: Path) -> None:
    """A mistyped path that lints nothing and is happy."""
    with pytest.raises(UsageError, match="no such file"):
        files_of([tmp_path / "nowhere"])
    with pytest.raises(UsageError, match="without cassettes"):
        files_of([tmp_path])
    path = sound_case(tmp_path, "openai_chat")
    assert files_of([path, tmp_path, path.parent]) == [path]


# -- the command


def invoke(*arguments: str) -> Result:
    """Run it; a traceback is a failure of the test."""
    result = CliRunner().invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_lint_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit codes that CI cannot use, and lines that an editor cannot jump by."""
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    path = sound_case(tmp_path, "openai_chat")
    clean = invoke("lint")
    assert (clean.exit_code, clean.stdout, clean.stderr) == (0, "", "1 files, 0 findings\n")
    spoiled = sound_case(tmp_path, "openai_responses", title="Text")
    result = invoke("lint")
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{spoiled}: metadata.title: title: 4 characters, not 10 to 100: 'Text' (Say")
    assert invoke("lint", str(path)).exit_code == 0
    assert invoke("lint", "--rule", "secret").exit_code == 0
    path.write_text("", encoding="utf-8")
    assert invoke("lint", "--rule", "secret").exit_code == 2
    assert invoke("lint", str(tmp_path / "nowhere")).exit_code == 2


def test_lint_command_as_json(tmp_path: Path) -> None:
    """A document that tools cannot read."""
    path = sound_case(tmp_path, "openai_chat", title="Text")
    document = json.loads(invoke("lint", "--json", str(path)).stdout)
    assert document["files"] == 1
    assert [(f["file"], f["case"], f["rule"]) for f in document["findings"]] == [
        (str(path), "openai_chat/sound", "title")
    ]
    assert set(document["findings"][0]) == {"file", "case", "place", "rule", "message", "remedy"}


def test_lint_command_lists_its_rules() -> None:
    """A rule id that can be found nowhere; one that does not exist accepted."""
    listed = invoke("lint", "--rules").stdout
    assert all(listed.count(f"{rule.id} ") for rule in RULES)
    result = invoke("lint", "--rule", "secrets")
    assert result.exit_code == 2
    assert "one of: readable" in result.stderr


def test_our_own_cases_hold_no_secret() -> None:
    """A key in the suite itself."""
    assert [str(finding) for finding in lint([case.path for case in all_cases()][::7], ["secret"])] == []


def test_further_exchanges_are_read(tmp_path: Path) -> None:
    """A fault in the second answer of a case with turns."""
    path = sound_case(tmp_path, "openai_chat")
    loaded = cassette.load(path)
    respoken(path, lambda e: e[1].update(mood=1))
    (odd,) = cassette.load(path).interactions
    cassette.save(replace(loaded, interactions=(*loaded.interactions, odd)), path)
    assert [finding.place for finding in findings(path)] == ["interactions[1]: event 1, data: mood"]
