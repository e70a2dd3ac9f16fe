"""The command line as a user meets it: what is printed, where, and the exit code."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from case_files import CHAT, CUT_CHAT, TEXT, exchange, requirement, sse, write_case
from click.testing import CliRunner, Result
from seed_streams import SEEDS
from streamproof import cli, schemas
from streamproof.cassette import Cassette, save
from streamproof.cli import main
from streamproof.data import ENVIRONMENT
from streamproof.outcome import SUITE
from streamproof.providers import ROWS
from streamproof.running.report import Report


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite of three cases, which the commands take for theirs."""
    root = tmp_path / "suite"
    write_case(root)
    cut = [requirement("text-kept", "content[0].text", "Hel"), requirement("status", "status", "interrupted")]
    write_case(root, "openai_chat/cut-in-text", CUT_CHAT, title="The body ends after one delta", requirements=cut,
               level="should", providers=["openai"])  # fmt: skip
    seed = next(s for s in SEEDS if s.protocol == "anthropic_messages")
    thought = [requirement("finish-length", "finish_reason", "length")]
    write_case(root, "anthropic_messages/thinking-only", seed.body, title="All tokens go into thinking",
               providers=["anthropic", "bedrock", "deepseek", "zai"], requirements=thought,
               notes="Read twice.\n\nThen once more.")  # fmt: skip
    monkeypatch.setenv(ENVIRONMENT, str(root))
    return root


def invoke(*arguments: str, stdin: bytes | None = None) -> Result:
    """Run a command; a traceback is a failure of the test."""
    result = CliRunner().invoke(main, arguments, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def documents(result: Result) -> list[Any]:
    """The JSON documents on standard output, one after the other."""
    decoder, rest, found = json.JSONDecoder(), result.stdout, []
    while rest.strip():
        document, end = decoder.raw_decode(rest.lstrip())
        rest = rest.lstrip()[end:]
        found.append(document)
    return found


def terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Make standard output a terminal of this width."""
    monkeypatch.setattr(cli, "_width", lambda: columns)


# -- list


def test_list(suite: Path) -> None:
    """One line per case with id, level, title and providers, for people and for grep."""
    result = invoke("list")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "anthropic_messages/thinking-only", "openai_chat/cut-in-text", "openai_chat/text",
    ]  # fmt: skip
    assert "should" in lines[1]
    assert "The body ends after one delta" in lines[1]
    assert lines[0].endswith("[anthropic, bedrock, deepseek, zai]")
    assert "\x1b" not in result.stdout


def test_list_on_a_terminal(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grouped by protocol, each case on one line however narrow it is."""
    terminal(monkeypatch, 72)
    lines = invoke("list").stdout.splitlines()
    assert lines[0] == "anthropic_messages/  1 case"
    assert "openai_chat/  2 cases" in lines
    assert all(len(line) <= 72 for line in lines[:-1])
    assert lines[1].endswith("All tokens go into thinking [anthropic +3]")
    assert "streamproof show CASE" in lines[-1]
    terminal(monkeypatch, 50)
    assert "All tokens go into think…\n" in invoke("list").stdout
    terminal(monkeypatch, 200)
    assert "[anthropic, bedrock, deepseek, zai]" in invoke("list").stdout


def test_list_patterns(suite: Path) -> None:
    """A glob, a part of an id; one that matches nothing is bad input, with what to do next."""
    assert len(invoke("list", "openai_chat/*").stdout.splitlines()) == 2
    assert len(invoke("list", "thinking", "cut").stdout.splitlines()) == 2
    result = invoke("list", "thinknig")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no case matches 'thinknig'" in result.stderr
    assert "streamproof list" in result.stderr


@pytest.mark.parametrize("command", [["list"], ["run", "--adapter", "wire"]])
def test_a_damaged_case_affects_itself_only(suite: Path, command: list[str]) -> None:
    """It is named with its place, the others are listed and run, and the exit code is 2."""
    bad = suite / "cassettes" / "openai_chat" / "bad.yaml"
    bad.write_text("metadata: {title: 5}\ninteractions: []\n")
    result = invoke(*command)
    assert result.exit_code == 2
    assert str(bad) in result.stderr
    assert "metadata.title" in result.stderr
    assert result.stderr.count("bad.yaml") == 1
    assert "openai_chat/cut-in-text" in result.stdout
    assert invoke("show", "cut-in-text").exit_code == 0


def test_no_data_is_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt override is named."""
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "nowhere"))
    for command in (["list"], ["show", "x"], ["run"]):
        result = invoke(*command)
        assert result.exit_code == 2
        assert "nowhere" in result.stderr


# -- show


def test_show(suite: Path) -> None:
    """What the case is about, every event with its deltas, the completion, the requirements with their sources."""
    result = invoke("show", "openai_chat/text")
    assert (result.exit_code, result.stderr) == (0, "")
    out = result.stdout
    assert "Plain text in two deltas" in out
    assert "The simplest stream" in out
    assert "POST https://api.openai.com/v1/chat/completions -> 200" in out
    assert 'append [0].text "dich"' in out
    assert "[DONE]" in out
    assert '"text": "Grüß dich"' in out
    assert "Requirements: 2 of 2 hold" in out
    assert 'text-kept: content[0].text equals "Grüß dich"' in out
    assert "documentation: https://example.org/streams" in out


def test_show_prints_a_note_as_text(suite: Path) -> None:
    """`notes` is one text with paragraphs, not a list of characters."""
    out = invoke("show", "thinking-only").stdout
    assert "Read twice." in out
    assert "Then once more." in out
    assert "note: R\n" not in out


def test_show_on_a_terminal_cuts_long_lines(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One event is one line; the completion is never cut."""
    terminal(monkeypatch, 60)
    out = invoke("show", "openai_chat/text").stdout
    timeline = out.partition("On the wire")[2].partition("What must come out")[0].splitlines()[1:]
    assert all(len(line) <= 60 for line in timeline)
    assert any(line.endswith("…") for line in timeline)


def test_show_of_a_cut_stream(suite: Path) -> None:
    """The timeline ends with why it is no completion."""
    out = invoke("show", "cut").stdout
    assert 'error status="interrupted" type="interrupted" code="stream_incomplete"' in out


def test_show_names_what_the_completion_leaves_out(suite: Path) -> None:
    """An unknown event is a diagnostic; whoever reads the case has to see it."""
    write_case(suite, "openai_chat/odd", sse({"type": "odd", "n": 1}) + CHAT)
    assert "beside it: event 0: unknown_event: " in invoke("show", "odd").stdout


def test_show_with_a_provider(suite: Path) -> None:
    """Another row's URL and quirks; a provider that does not send these bytes is bad input."""
    assert "https://openrouter.ai/api/v1/chat" in invoke("show", "openai_chat/text", "--provider", "openrouter").stdout
    result = invoke("show", "openai_chat/text", "--provider", "zai")
    assert result.exit_code == 2
    assert "openai, openrouter" in result.stderr


def test_show_says_when_a_requirement_does_not_hold(suite: Path) -> None:
    """With what came and which event decided it; exit code 1."""
    write_case(suite, "openai_chat/wrong", requirements=[requirement("finish", "finish_reason", "length"), TEXT])
    result = invoke("show", "wrong")
    assert result.exit_code == 1
    assert 'FAILS  must    finish: finish_reason equals "length"' in result.stdout
    assert 'got "stop", decided by event' in result.stdout
    assert "1 of 2 hold" in result.stdout


def test_show_needs_one_case(suite: Path) -> None:
    """None and several are bad input."""
    assert invoke("show", "nope").exit_code == 2
    result = invoke("show", "openai_chat")
    assert result.exit_code == 2
    assert "openai_chat/cut-in-text, openai_chat/text" in result.stderr


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("level: must", "levle: must", "metadata.levle"),
        ("version: 1", "version: 7", "version"),
        ("interactions:", "actions:", "interactions"),
        ("  response:\n", "  respnose:\n", "interactions[0]"),
    ],
)
def test_show_of_a_damaged_case(suite: Path, old: str, new: str, place: str) -> None:
    """File, place, what to do; never a traceback."""
    path = suite / "cassettes" / "openai_chat" / "text.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    result = invoke("show", "openai_chat/text")
    assert (result.exit_code, result.stdout) == (2, "")
    assert str(path) in result.stderr
    assert place in result.stderr


# -- run


@pytest.mark.parametrize("adapter", ["reference", "sdk", "wire"])
def test_run(suite: Path, adapter: str) -> None:
    """A table of verdicts and a sum; nothing on standard error where it is no terminal."""
    result = invoke("run", "--adapter", adapter, "openai_chat")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "openai_chat/text         pass openai, openrouter" in result.stdout
    assert f"{adapter}: 3 cells in" in result.stdout
    assert "3 pass" in result.stdout


def test_run_is_brief_about_what_passes(suite: Path) -> None:
    """Many providers with one verdict are counted, not listed."""
    assert "pass anthropic +3" in invoke("run", "--adapter", "wire").stdout


def test_run_one_provider(suite: Path) -> None:
    """Only its cells; one that has none is bad input."""
    assert "wire: 1 cell in" in invoke("run", "--adapter", "wire", "--provider", "openrouter").stdout
    result = invoke("run", "--provider", "xai")
    assert result.exit_code == 2
    assert "no case runs for provider 'xai'" in result.stderr


def test_run_sync(suite: Path) -> None:
    """The cells say so."""
    result = invoke("run", "--sync", "--json", "-", "openai_chat/text")
    assert '"openai_chat/text@openai+sync"' in result.stdout


def test_run_reports_failures(suite: Path) -> None:
    """Expected, got, the place and the command that shows it again; exit code 1."""
    write_case(suite, "openai_chat/wrong", requirements=[requirement("finish", "finish_reason", "length"), TEXT])
    result = invoke("run", "--adapter", "wire")
    assert result.exit_code == 1
    assert 'expected equals "length"' in result.stdout
    assert 'got      "stop"' in result.stdout
    assert "decided by event" in result.stdout
    assert "FAILED openai_chat/wrong@openai (and 1 more provider: openrouter)" in result.stdout
    assert "streamproof run openai_chat/wrong --adapter wire --provider openai" in result.stdout
    assert result.stdout.count("FAILED") == 1
    assert "wrong openai, openrouter" in result.stdout


def test_a_should_only_warns(suite: Path) -> None:
    """It is printed, counted, and no failure."""
    should = requirement("model", "model", "m-2", level="should")
    write_case(suite, "openai_chat/warned", requirements=[TEXT, should])
    result = invoke("run", "--adapter", "wire", "warned")
    assert result.exit_code == 0
    assert "warning openai_chat/warned@openai" in result.stdout
    assert "2 pass, 2 warnings" in result.stdout


EXPECTATION = """
[[known]]
cell = "openai_chat/wrong@*"
cap = 2
requirement = "finish"
verdict = "wrong"
reason = "we know"
upstream = "none-found, searched 2026-11-22"
since = "2026-11-22"
"""


def test_known_failures(suite: Path) -> None:
    """A listed failure is known and the run is green; a listed failure that passes fails the run."""
    expectations = suite / "conformance" / "expectations" / "wire.toml"
    expectations.parent.mkdir(parents=True)
    expectations.write_text(EXPECTATION)
    write_case(suite, "openai_chat/wrong", requirements=[requirement("finish", "finish_reason", "length"), TEXT])
    result = invoke("run", "--adapter", "wire", "wrong")
    assert result.exit_code == 0
    assert "known openai, openrouter" in result.stdout
    write_case(suite, "openai_chat/wrong", requirements=[requirement("finish", "finish_reason", "stop"), TEXT])
    result = invoke("run", "--adapter", "wire", "wrong")
    assert result.exit_code == 1
    assert "unexpected openai, openrouter" in result.stdout
    assert "passes although it is listed" in result.stdout
    expectations.write_text("[[known]")
    result = invoke("run", "--adapter", "wire", "wrong")
    assert result.exit_code == 2
    assert str(expectations) in result.stderr


def test_run_json(suite: Path, tmp_path: Path) -> None:
    """Header, one line per cell, footer: each as its schema says, and as many as the header promised."""
    target = tmp_path / "outcomes.ndjson"
    assert invoke("run", "--adapter", "wire", "--json", str(target)).exit_code == 0
    lines = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert [problem for line in lines for problem in schemas.problems("outcome", line)] == []
    assert [line["kind"] for line in lines] == ["header", *["cell"] * 7, "footer"]
    assert (lines[0]["cells"], lines[0]["suite"], lines[-1]["counts"]) == (7, SUITE, {"pass": 7})


def test_run_json_to_standard_output(suite: Path) -> None:
    """The table must not stand between the lines."""
    result = invoke("run", "--adapter", "wire", "--json", "-", "cut")
    assert [json.loads(line)["kind"] for line in result.stdout.splitlines()] == ["header", "cell", "footer"]
    assert "wire: 1 cell" in result.stderr


def test_run_json_that_cannot_be_written(suite: Path, tmp_path: Path) -> None:
    """Bad input, not a failed check."""
    result = invoke("run", "--adapter", "wire", "--json", str(tmp_path / "no" / "folder"))
    assert result.exit_code == 2
    assert "folder" in result.stderr


# -- decode


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"{seed.protocol}-{seed.name}")
def test_decode_seed_shapes_from_standard_input(seed: Any) -> None:
    """Reasoning only, content filter, empty content, for every protocol: the answer that started the project."""
    result = invoke("decode", "-", stdin=seed.body)
    assert (result.exit_code, result.stderr) == (0, "")
    (document,) = documents(result)
    assert schemas.problems("completion", document) == []
    assert (document["finish_reason"], document["raw_finish_reason"]) == (seed.finish_reason, seed.raw_finish_reason)
    assert [(part["type"], part.get("text", "")) for part in document["content"]] == seed.parts
    assert document["usage"]["output_tokens"] == seed.output_tokens
    assert document["status"] == "complete"


def test_decode_is_indented_and_readable() -> None:
    """UTF-8 as it is, keys one per line."""
    result = invoke("decode", "-", stdin=CHAT)
    assert '      "text": "Grüß dich"\n' in result.stdout
    assert result.stdout_bytes.decode("utf-8").startswith('{\n  "content": [')


def test_decode_jsonl_with_source(tmp_path: Path) -> None:
    """One line per stream in the order given, each with its file and its place in the cassette."""
    cassette = tmp_path / "a.yaml"
    page = exchange(b"<html>", "https://example.org", {}, headers={"content-type": ["text/html"]})
    save(Cassette(interactions=(page, exchange(CHAT), exchange(CHAT))), cassette)
    raw = tmp_path / "b.txt"
    raw.write_bytes(CHAT)
    result = invoke("decode", "--jsonl", "--with-source", str(raw), str(cassette), str(raw))
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["file"], line["interaction"]) for line in lines] == [
        (str(raw), 0), (str(cassette), 1), (str(cassette), 2), (str(raw), 0),
    ]  # fmt: skip
    assert all(list(line) == ["file", "interaction", "completion"] for line in lines)
    assert result.exit_code == 0


def test_decode_of_a_cut_stream() -> None:
    """The partial completion is printed, with why, and the exit code says that it is partial."""
    result = invoke("decode", "-", stdin=CUT_CHAT)
    (document,) = documents(result)
    assert (result.exit_code, document["status"], document["content"]) == (
        1, "interrupted", [{"type": "text", "text": "Hel"}],
    )  # fmt: skip
    assert document["error"]["code"] == "stream_incomplete"


def test_decode_of_a_failed_stream() -> None:
    """The same for what the provider reports in mid-stream."""
    result = invoke("decode", "-", stdin=CUT_CHAT + sse({"error": {"message": "busy", "code": "server_error"}}))
    (document,) = documents(result)
    assert (result.exit_code, document["status"], document["error"]["message"]) == (1, "failed", "busy")


def test_decode_goes_on_after_a_bad_file(tmp_path: Path) -> None:
    """Every bad file is named with what to do, every other is decoded; 2 outranks 1."""
    good, cut, bad = tmp_path / "good.txt", tmp_path / "cut.txt", tmp_path / "bad.yaml"
    good.write_bytes(CHAT)
    cut.write_bytes(CUT_CHAT)
    bad.write_text("interactions:\n- request: 5\n")
    missing = tmp_path / "missing.yaml"
    result = invoke("decode", "--jsonl", str(missing), str(cut), str(bad), str(good), str(tmp_path))
    assert result.exit_code == 2
    assert [json.loads(line)["status"] for line in result.stdout.splitlines()] == ["interrupted", "complete"]
    complaints = result.stderr.splitlines()
    assert len(complaints) == 3
    assert f"{missing}: No such file or directory" in complaints[0]
    assert f"{bad}: interactions[0].response (line 2:3): missing response" in complaints[1]
    assert str(tmp_path) in complaints[2]
    assert "Traceback" not in result.stderr


def test_decode_forced() -> None:
    """What the options say outranks what the bytes tell; nonsense is bad input."""
    assert documents(invoke("decode", "-", "--protocol", "anthropic_messages", stdin=b""))[0]["status"] == "interrupted"
    assert invoke("decode", "-", "--provider", "openai", stdin=CHAT).exit_code == 0
    for options in (["--protocol", "x"], ["--provider", "x"], ["--provider", "xai", "--protocol", "bedrock_converse"]):
        result = invoke("decode", "-", *options, stdin=CHAT)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "xai" in result.stderr or "'x'" in result.stderr


def test_decode_of_what_cannot_be_told() -> None:
    """Standard input is named, and the option that helps."""
    result = invoke("decode", "-", stdin=b"hello")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "<stdin>" in result.stderr
    assert "--protocol" in result.stderr


def test_decode_names_streams_of_others_and_goes_on(tmp_path: Path) -> None:
    """A stream of no protocol of ours is said, not failed; so is a cassette without any."""
    other = exchange(sse({"jsonrpc": "2.0"}), "https://example.org/mcp")
    save(Cassette(interactions=(other, exchange(CHAT))), tmp_path / "a.yaml")
    result = invoke("decode", str(tmp_path / "a.yaml"))
    assert (result.exit_code, len(documents(result))) == (0, 1)
    assert "https://example.org/mcp" in result.stderr
    save(Cassette(interactions=(exchange(b"{}", request={}, headers={}),)), tmp_path / "b.yaml")
    result = invoke("decode", str(tmp_path / "b.yaml"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no streamed interaction" in result.stderr


def test_decode_of_lone_surrogates() -> None:
    """Half an emoji comes out escaped: standard output has to be UTF-8."""
    body = CHAT.replace("Grüß ".encode(), b"\\ud83d")
    result = invoke("decode", "-", stdin=body)
    assert '"\\ud83ddich"' in result.stdout_bytes.decode("utf-8")


# -- the rest


def test_providers() -> None:
    """Every row with its protocol and URL."""
    lines = invoke("providers").stdout.splitlines()
    assert len(lines) == len(ROWS)
    assert lines[0].split() == ["openai", "openai_chat", "https://api.openai.com/v1/chat/completions"]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([], ["streamproof list", "streamproof run", "decode -", "Exit codes", "1 a check failed", "2 bad input"]),
        (["list"], ["PATTERN", "glob", "Examples"]),
        (["show"], ["CASE", "--provider", "requirement"]),
        (["run"], ["--adapter", "reference", "official SDK", "--provider", "--json", "--sync", "Examples", "exits"]),
        (["decode"], ["FILE", "standard", "--provider", "--protocol", "--jsonl", "--with-source", "exit code", "curl"]),
        (["providers"], ["protocols"]),
    ],
)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_teaches(command: list[str], words: list[str], flag: str) -> None:
    """Every option and what it is for, the exit codes, an example to copy."""
    result = invoke(*command, flag)
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert [word for word in words if word not in text] == []
    assert all(len(line) <= 100 for line in result.stdout.splitlines())


@pytest.mark.parametrize("arguments", [["lsit"], ["run", "--adapter", "x"], ["decode"], ["show"], ["--nope"]])
def test_wrong_usage_is_bad_input(arguments: list[str]) -> None:
    """click's own errors have the same exit code as ours."""
    assert invoke(*arguments).exit_code == 2


def test_version() -> None:
    """For bug reports."""
    assert invoke("--version").stdout.strip() == f"streamproof, version {SUITE}"


def test_show_goes_on_with_further_turns() -> None:
    """A case that is about what is sent back, and only half of it to be seen."""
    text = invoke("show", "openai_chat/round-trip-tool-call").stdout
    assert text.count("On the wire") == text.count("What must come out") == 2
    assert text.count("Requirements: ") == 1
    turn = text.partition("Turn 2  ")[2]
    assert turn.startswith('[{"role":"tool"')
    assert '"finish_reason": "stop"' in turn


class Screen(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a bar says how far the run is, and in which cell; it is gone at the end."""
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with Report("wire").progress(2) as advance:
        advance("openai_chat/text@openai")
        advance("openai_chat/text@azure")
    assert "2/2" in screen.getvalue()
    assert "openai_chat/text@azure" in screen.getvalue()


SDKS = ("openai", "anthropic", "google.genai")
WATCH = """
import sys
from streamproof.cli import main
try:
    main(sys.argv[1:], standalone_mode=False)
except SystemExit as end:
    assert not end.code, end.code
print("\\nLOADED", *sorted(name for name in ({names!r}) if name in sys.modules))
"""


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        (["list"], (*SDKS, "vcr", "rich", "jsonschema", "httpx2", "asyncio")),
        (["show", "openai_chat/text"], SDKS),
        (["decode", "BODY"], SDKS),
        (["decode", "CASSETTE"], SDKS),
        (["providers"], (*SDKS, "vcr")),
        (["--help"], (*SDKS, "vcr", "rich")),
    ],
)
def test_what_is_not_imported(suite: Path, tmp_path: Path, arguments: list[str], forbidden: tuple[str, ...]) -> None:
    """A listing starts at once, and decoding works where no SDK is installed: measured in a fresh process."""
    body = tmp_path / "body.txt"
    body.write_bytes(CHAT)
    files = {"BODY": str(body), "CASSETTE": str(suite / "cassettes" / "openai_chat" / "text.yaml")}
    command = [sys.executable, "-c", WATCH.format(names=forbidden), *(files.get(a, a) for a in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "LOADED"
    assert len(done.stdout.splitlines()) > 2


def test_no_color(suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Colours are for terminals whose owner wants them."""
    shown = CliRunner().invoke(main, ["list"], color=True)
    terminal(monkeypatch, 100)
    coloured = CliRunner().invoke(main, ["list"], color=True).stdout
    monkeypatch.setenv("NO_COLOR", "1")
    plain = CliRunner().invoke(main, ["list"], color=True).stdout
    assert "\x1b[" not in shown.stdout
    assert "\x1b[" in coloured
    assert "\x1b[" not in plain
