"""Reading NDJSON: whole runs, several in a file, cut short, damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_kit import MESSAGE, TEXT, USAGE, lines, outcome, run_file, write
from streamproof import jsontext
from streamproof.errors import UsageError
from streamproof.report.runs import CellName, read_runs
from streamproof.verdict import Verdict

THREE = [outcome(f"{TEXT}@openai"), outcome(f"{USAGE}@azure", Verdict.WRONG), outcome(f"{MESSAGE}@anthropic")]


def test_a_whole_run_reads_without_notes(tmp_path: Path) -> None:
    """What `run --json` writes is read as it was meant, findings with their path and place included."""
    (run,) = read_runs([run_file(tmp_path / "a.ndjson", THREE)])
    assert (run.cut, run.notes, run.promised) == ("", [], 3)
    assert [result.verdict for result in run.results] == [Verdict.PASS, Verdict.WRONG, Verdict.PASS]
    ((found, place),) = run.results[1].failing
    assert (found.requirement, found.path, found.expected, found.got) == (
        "finish-length", "finish_reason", 'equals "length"', '"stop"',
    )  # fmt: skip
    assert place == "event 2, data"
    assert run.results[0].seconds == 0.25


@pytest.mark.parametrize("keep", range(1, 4))
def test_a_run_without_footer_says_where_it_was_cut(tmp_path: Path, keep: int) -> None:
    """A run that was killed must not report as a short green one."""
    (run,) = read_runs([write(tmp_path / "a.ndjson", lines(THREE)[: keep + 1])])
    assert len(run.results) == keep
    assert run.cut == f"cut short after {keep} of 3 cells"


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_half_a_last_line_is_left_out(tmp_path: Path, share: float) -> None:
    """A run that was killed while it wrote: what came before counts."""
    whole = lines(THREE)
    half = whole[3][: int(len(whole[3]) * share)]
    (run,) = read_runs([write(tmp_path / "a.ndjson", [*whole[:3], half], end="")])
    assert len(run.results) == 2
    assert run.cut.startswith("cut short after 2 of 3 cells")
    assert run.cut.endswith(", within a line") is bool(half)


def test_several_runs_stand_one_after_the_other(tmp_path: Path) -> None:
    """A merged file: the first run was cut short, the second is whole."""
    text = [*lines(THREE)[:2], *lines(THREE[1:], adapter="acme")]
    first, second = read_runs([write(tmp_path / "a.ndjson", text)])
    assert (len(first.results), first.cut) == (1, "cut short after 1 of 3 cells")
    assert (len(second.results), second.cut) == (2, "")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 3: "),
        ("[1]", "line 3: no JSON object"),
        ('{"kind":"party"}', "line 3: neither header nor cell nor footer, but 'party'"),
        ('{"kind":"cell","cell":"openai_chat/text","adapter":"a","verdict":"pass"}', "without a cell id"),
        ('{"kind":"cell","cell":"openai_chat/text@openai","adapter":"a","verdict":"meh"}', "unknown verdict 'meh'"),
        ('{"kind":"cell","cell":"openai_chat/text@openai","adapter":7,"verdict":"pass"}', "without an adapter"),
        (
            '{"kind":"cell","cell":"openai_chat/text@openai","adapter":"a","verdict":"pass","requirements":[1]}',
            "requirement without a known verdict",
        ),
        (
            '{"kind":"cell","cell":"openai_chat/text@openai","adapter":"a","verdict":"pass","requirements":"x"}',
            "no list",
        ),
        ('{"a":"\x00"}', "line 3: "),
        ("[" * 9000, "line 3: "),
    ],
)
def test_a_damaged_line_is_named_and_the_others_count(tmp_path: Path, line: str, said: str) -> None:
    """A line that another tool broke costs itself only, and is not passed over in silence."""
    whole = lines(THREE)
    (run,) = read_runs([write(tmp_path / "a.ndjson", [*whole[:2], line, *whole[2:]])])
    assert len(run.results) == 3
    assert said in run.notes[0]


def test_many_damaged_lines_are_counted(tmp_path: Path) -> None:
    """A megabyte of rubbish does not become a megabyte of notes."""
    whole = lines(THREE)
    (run,) = read_runs([write(tmp_path / "a.ndjson", [*whole[:1], *["{"] * 5000, *whole[1:]])])
    assert len(run.notes) == 6
    assert run.notes[-1] == "and 4995 more damaged lines"


def test_invalid_utf8_is_a_damaged_line(tmp_path: Path) -> None:
    """Bytes that no text is made of."""
    path = write(tmp_path / "a.ndjson", lines(THREE)[:2])
    path.write_bytes(path.read_bytes() + b'{"kind":"\xff"}\n' + "\n".join(lines(THREE)[2:]).encode())
    (run,) = read_runs([path])
    assert (len(run.results), len(run.notes)) == (3, 1)


def test_header_fields_are_optional(tmp_path: Path) -> None:
    """A run of an older or newer release, or with no header at all, still reports."""
    bare = [jsontext.dumps({"kind": "header"}), *lines(THREE)[1:]]
    (run,) = read_runs([write(tmp_path / "a.ndjson", bare)])
    assert (len(run.results), run.promised, run.cut, run.notes) == (3, None, "", [])
    (run,) = read_runs([write(tmp_path / "b.ndjson", lines(THREE)[1:])])
    assert (len(run.results), run.notes) == (3, ["it has no header"])


def test_counts_that_do_not_fit_are_told(tmp_path: Path) -> None:
    """A file from which somebody took the failing cells."""
    whole = lines(THREE)
    (run,) = read_runs([write(tmp_path / "a.ndjson", [*whole[:2], *whole[3:]])])
    assert run.notes == ["its header says 3 cells, there are 2", "its footer's counts are not those of its cells"]


@pytest.mark.parametrize("text", ["", "\n\n", "hello\n", '{"openapi":"3.1"}\n', '{"kind":"footer","counts":{}}\n'])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    """An empty report of the wrong file would look like a result."""
    path = tmp_path / "x"
    path.write_text(text)
    with pytest.raises(UsageError, match="no outcomes in it") as caught:
        read_runs([path])
    assert caught.value.remedy is not None
    assert "run --json" in caught.value.remedy


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The error says which file."""
    with pytest.raises(UsageError, match=r"gone\.ndjson"):
        read_runs([tmp_path / "gone.ndjson"])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("openai_chat/text@openai", ("openai_chat/text", "openai", "", False)),
        ("openai_chat/text@openai+sync", ("openai_chat/text", "openai", "", True)),
        (
            "openai_chat/text@openai+split:byte+cut:after-2",
            ("openai_chat/text", "openai", "split:byte+cut:after-2", False),
        ),
        ("openai_chat/text@openai+new:thing+sync", ("openai_chat/text", "openai", "new:thing", True)),
        ("odd@", ("odd", "", "", False)),
    ],
)
def test_cell_names_of_other_releases_are_taken_apart(text: str, parts: tuple[str, str, str, bool]) -> None:
    """A wire plan that this release does not know must not stop a report."""
    assert tuple(CellName.parse(text)) == parts
