"""`new` begins a case, `accept` ends it: what they write, and when they refuse."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sound_case import respoken, sound_case
from streamproof import cassette, jsontext
from streamproof.authoring import suite as suite_module
from streamproof.authoring.lint import lint
from streamproof.authoring.new import new
from streamproof.authoring.suite import suite_root
from streamproof.case import case_at
from streamproof.cli import main
from streamproof.data import ENVIRONMENT
from streamproof.errors import UsageError
from streamproof.providers import PROTOCOLS, ROWS
from streamproof.snapshot import document, path, text
from streamproof.timeline import timeline

KNOWN = """[[known]]
cell = "openai_chat/sound@openai*"
requirement = "snapshot"
reason = "a fault of the SDK's"
upstream = "none-found, searched 2026-11-22"
since = "2026-11-22"
cap = 2
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty suite, which the commands take for theirs."""
    (tmp_path / "cassettes").mkdir()
    (tmp_path / "conformance" / "__snapshots__").mkdir(parents=True)
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path))
    return tmp_path


def invoke(*arguments: str) -> Result:
    """Run a command; a traceback is a failure of the test."""
    result = CliRunner().invoke(main, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_new_writes_a_whole_stream_for_every_row(suite: Path, row: Any) -> None:
    """A skeleton that does not load, does not decode, or breaks the schema of its own protocol."""
    case = case_at(new(suite, f"{row.protocol}/first-steps", row.name))
    (interaction,) = case.cassette.interactions
    completion = timeline(interaction, case.protocol, row.quirks).completion
    assert (completion.status, completion.finish_reason) == ("complete", "stop")
    assert completion.to_json()["content"][0]["text"] == "Hello."
    assert completion.usage.output_tokens
    found = list(lint([case.path]))
    assert {finding.rule for finding in found} == {"unfinished", "snapshot"}
    assert [finding.place for finding in found if finding.rule == "unfinished"] == [
        "metadata.title", "metadata.why", "metadata.provenance.source", "metadata.requirements[0].source.ref",
    ]  # fmt: skip


def test_new_command(suite: Path) -> None:
    """A command that does not say what comes next, or that overwrites an author's work."""
    result = invoke("new", "openai_responses/my-case")
    assert result.exit_code == 0
    assert "streamproof lint" in result.stdout
    assert "streamproof accept openai_responses/my-case" in result.stdout
    written = suite / "cassettes" / "openai_responses" / "my-case.yaml"
    written.write_text("mine", encoding="utf-8")
    again = invoke("new", "openai_responses/my-case")
    assert again.exit_code == 2
    assert written.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "name", ["openai_chat", "openai_chat/", "openai_chat/No", "openai_chat/a--b", "chat/a", "a/../b"]
)
def test_new_refuses_what_is_no_id(suite: Path, name: str) -> None:
    """A file outside the tree, or one that no command would find again."""
    result = invoke("new", name)
    assert result.exit_code == 2
    assert "PROTOCOL/SLUG" in result.stderr
    assert not list((suite / "cassettes").rglob("*.yaml"))


def test_new_refuses_an_id_of_the_past_and_a_foreign_provider(suite: Path) -> None:
    """An id that means two things over time; a stream of somebody who never sends it."""
    (suite / "conformance" / "aliases.toml").write_text(
        '[aliases]\n"openai_chat/old" = "openai_chat/text"\n', encoding="utf-8"
    )
    with pytest.raises(UsageError, match="was the id of openai_chat/text"):
        new(suite, "openai_chat/old")
    with pytest.raises(UsageError, match="no provider"):
        new(suite, "openai_chat/text", "anthropic")


def test_skeletons_share_no_ids(suite: Path) -> None:
    """Two cases with one response id, which a log cannot tell apart."""
    first, second = (cassette.load(new(suite, f"openai_responses/{slug}")) for slug in ("one", "two"))
    assert first.interactions[0].body != second.interactions[0].body


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_accept_writes_the_snapshot_that_the_suite_compares(suite: Path, protocol: str) -> None:
    """A snapshot in another form than syrupy's, or none; a second run that rewrites it."""
    case = case_at(sound_case(suite, protocol))
    result = invoke("accept", case.id)
    assert result.exit_code == 0, result.output
    assert "On the wire" in result.stdout
    assert result.stdout.rstrip().endswith("written")
    story = timeline(case.cassette.interactions[0], protocol, case.row().quirks)
    written = path(suite, case.id).read_text(encoding="utf-8")
    assert written == text(document(story)) == jsontext.dumps(jsontext.loads(written), indent=2) + "\n"
    assert list(lint([case.path])) == []
    assert invoke("accept", case.id).stdout.rstrip().endswith("unchanged")


def _refused(suite: Path, *words: str) -> None:
    result = invoke("accept", "openai_chat/sound")
    assert result.exit_code == 1, result.output
    assert "REFUSED" in result.stdout
    for word in words:
        assert word in result.stdout
    assert not path(suite, "openai_chat/sound").exists()


def test_accept_refuses_a_requirement_that_does_not_hold(suite: Path) -> None:
    """A snapshot that pins what the source contradicts."""
    source = {"kind": "documentation", "ref": "https://example.org/streams"}
    fact = {"id": "bye", "level": "must", "path": "content[0].text", "op": "equals", "value": "Bye.", "source": source}
    sound_case(suite, "openai_chat", requirements=[fact])
    _refused(suite, "openai_chat/sound@openai, wire", "bye (must, wrong)", "openai_chat/sound@openai+sync, sdk")


def test_accept_refuses_an_unfinished_case(suite: Path) -> None:
    """A snapshot for a case that does not yet say what it is about."""
    sound_case(suite, "openai_chat", why="TODO: say why")
    _refused(suite, "metadata.why")


def test_accept_refuses_what_an_sdk_loses_unless_it_is_listed(suite: Path) -> None:
    """A snapshot that `nox -s conformance` would refuse a minute later; a listed fault that blocks for ever."""
    written = sound_case(suite, "openai_chat")
    loaded = cassette.load(written)
    body = loaded.interactions[0].body.replace(b'"finish_reason":"stop"', b'"finish_reason":null')
    body = body.replace(b"data: {", b"\xef\xbb\xbfdata: {", 1)  # the openai SDK drops the event after a byte order mark
    metadata = dict(loaded.metadata or {})
    status = {**metadata["requirements"][0], "path": "status", "value": "complete", "id": "status"}
    metadata["requirements"] = [status]
    cassette.save(
        replace(loaded, metadata=metadata, interactions=(replace(loaded.interactions[0], body=body),)), written
    )
    _refused(suite, "openai_chat/sound@openai, sdk")
    expectations = suite / "conformance" / "expectations"
    expectations.mkdir()
    (expectations / "sdk.toml").write_text(KNOWN.replace('requirement = "snapshot"\n', ""), encoding="utf-8")
    with warnings.catch_warnings():
        result = invoke("accept", "openai_chat/sound")
    assert result.exit_code == 0, result.output
    assert "listed in the expectations" in result.stdout


def test_accept_refuses_a_listed_fault_that_is_none(suite: Path) -> None:
    """An exemption that nothing bears out, kept because nobody looked."""
    sound_case(suite, "openai_chat")
    expectations = suite / "conformance" / "expectations"
    expectations.mkdir()
    (expectations / "sdk.toml").write_text(KNOWN, encoding="utf-8")
    _refused(suite, "passes although it is listed")


def test_accept_keeps_the_old_snapshot_when_it_refuses(suite: Path) -> None:
    """A refused run that has already overwritten what was accepted."""
    case = case_at(sound_case(suite, "openai_chat"))
    assert invoke("accept", case.id).exit_code == 0
    before = path(suite, case.id).read_bytes()
    respoken(case.path, lambda e: e[2]["choices"][0].update(finish_reason="length"))
    assert invoke("accept", case.id).exit_code == 1
    assert path(suite, case.id).read_bytes() == before


def test_an_installed_wheel_is_not_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that the next installation throws away."""
    monkeypatch.setattr(suite_module, "data_root", lambda: Path(suite_module.__file__).parent.parent / "data")
    with pytest.raises(UsageError, match="copies"):
        suite_root()
    assert invoke("new", "openai_chat/one").exit_code == 2
    assert invoke("accept", "openai_chat/text").exit_code == 2
