"""A case's metadata: reading it fast, checking it strictly."""

from __future__ import annotations

import copy
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from streamproof.cassette import Cassette, Interaction, load, load_text, save
from streamproof.errors import CassetteError
from streamproof.metadata import read_keys, read_metadata, validate_metadata

SOURCE = {"kind": "documentation", "ref": "https://example.org/streams"}
METADATA: dict[str, Any] = {
    "schema": 1,
    "title": "Plain text",
    "why": "The simplest stream; whoever fails here need not look further.",
    "level": "must",
    "providers": ["openai", "azure"],
    "since": "0.1.0",
    "call": {"model": "m-1", "messages": [{"role": "user", "content": "Hello?"}]},
    "provenance": {"kind": "synthetic", "source": "https://example.org/streams", "date": "2026-11-22"},
    "requirements": [
        {"id": "stop", "level": "must", "path": "finish_reason", "op": "equals", "value": "stop", "source": SOURCE},
        {"id": "no-calls", "level": "should", "path": "tool_calls[0]", "op": "absent", "source": SOURCE},
    ],
}
FULL: dict[str, Any] = {
    **METADATA,
    "tags": ["text"],
    "turns": [{"messages": [{"role": "tool", "content": [{"type": "tool_result", "id": "c", "content": "4"}]}]}],
    "plan": {"split": "byte", "cut": "after-3", "pace": "fixed-10", "coding": "gzip"},
    "schema_deviates": "the documentation has no `null` here",
    "notes": 'Read `why`: it says "all".\n\n  indented\n',
    "call": {
        "model": "m-1",
        "messages": [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": [{"type": "media", "media_type": "image/png", "data": "AA=="}]},
            {"role": "assistant", "content": [{"type": "tool_call", "id": None, "name": "f", "arguments": "{}"}]},
        ],
        "tools": [{"name": "f", "parameters": {"type": "object"}}, {"name": "web_search", "kind": "server"}],
        "max_output_tokens": 5,
        "options": {"reasoning": "high", "n": 2, "stop": ["x"], "anything": {"yes": [1.5, None, True]}},
    },
    "provenance": {**METADATA["provenance"], "kind": "recorded", "framing": "original", "server": "llama.cpp b1"},
    "requirements": [
        {
            **METADATA["requirements"][0],
            "op": "one_of",
            "value": ["stop", "length"],
            "alternatives": [{"name": "its own word", "value": ["end"]}],
        },
    ],
}


def changed(path: tuple[str | int, ...], value: Any, base: dict[str, Any] = METADATA) -> dict[str, Any]:
    """A copy with another value at `path`."""
    result = copy.deepcopy(base)
    target: Any = result
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    return result


@pytest.mark.parametrize("metadata", [METADATA, FULL])
def test_good_metadata_passes(metadata: dict[str, Any]) -> None:
    """Required keys alone are enough, and every documented key is known."""
    assert validate_metadata(metadata) == ()


@pytest.mark.parametrize("key", METADATA)
def test_each_required_key_is_asked_for(key: str) -> None:
    """A missing key is named, with what belongs there."""
    with pytest.raises(CassetteError) as caught:
        validate_metadata({name: value for name, value in METADATA.items() if name != key}, "a.yaml")
    assert (caught.value.file, caught.value.place) == ("a.yaml", f"metadata.{key}")
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("colour",), "red", "metadata.colour"),
        (("requirements", 1, "vlaue"), 1, "metadata.requirements[1].vlaue"),
        (("call", "messages", 0, "name"), "x", "metadata.call.messages[0].name"),
        (("title",), "two\nlines", "metadata.title"),
        (("level",), "maybe", "metadata.level"),
        (("providers",), [], "metadata.providers"),
        (("providers",), ["openai", "openai"], "metadata.providers"),
        (("providers", 0), "Open AI", "metadata.providers[0]"),
        (("since",), 0.1, "metadata.since"),
        (("tags",), "text", "metadata.tags"),
        (("call", "messages"), [], "metadata.call.messages"),
        (("call", "messages", 0, "role"), "developer", "metadata.call.messages[0].role"),
        (("call", "messages", 0, "content"), 5, "metadata.call.messages[0].content"),
        (("call", "messages", 0, "content"), [{"type": "sound"}], "metadata.call.messages[0].content[0].type"),
        (("call", "messages", 0, "content"), [{"type": "text"}], "metadata.call.messages[0].content[0].text"),
        (("call", "tools"), [{"name": "f"}], "metadata.call.tools[0].parameters"),
        (("call", "max_output_tokens"), 0, "metadata.call.max_output_tokens"),
        (("call", "options"), [], "metadata.call.options"),
        (("plan",), {"split": "by te"}, "metadata.plan.split"),
        (("provenance", "kind"), "recorded", "metadata.provenance.framing"),
        (("provenance", "date"), "22.11.2026", "metadata.provenance.date"),
        (("requirements",), [], "metadata.requirements"),
        (("requirements", 0, "op"), "is", "metadata.requirements[0].op"),
        (("requirements", 0, "level"), "edge", "metadata.requirements[0].level"),
        (("requirements", 0, "path"), "a..b", "metadata.requirements[0].path"),
        (("requirements", 0, "op"), "absent", "metadata.requirements[0].value"),
        (("requirements", 0, "op"), "one_of", "metadata.requirements[0].value"),
        (("requirements", 1, "op"), "equals", "metadata.requirements[1].value"),
        (("requirements", 1, "id"), "stop", "metadata.requirements[1].id"),
        (("requirements", 1, "source"), {"kind": "hearsay", "ref": "x"}, "metadata.requirements[1].source.kind"),
        (("requirements", 0, "alternatives"), [{"value": 1}], "metadata.requirements[0].alternatives[0].name"),
        (("schema",), 0, "metadata.schema"),
        (("schema",), "1", "metadata.schema"),
        (("call", "options"), {"a": {1: "one"}}, "metadata.call.options.a"),
    ],
)
def test_a_fault_is_named_by_its_place(path: tuple[str | int, ...], value: Any, place: str) -> None:
    """One error that says where, and what to write instead."""
    with pytest.raises(CassetteError) as caught:
        validate_metadata(changed(path, value), "a.yaml")
    assert (caught.value.file, caught.value.place) == ("a.yaml", place)
    assert caught.value.remedy


def test_a_misspelt_key_is_recognized() -> None:
    """The nearest known key is proposed."""
    with pytest.raises(CassetteError, match=r"'levl'.*write 'level'"):
        validate_metadata(changed(("levl",), "must"))


@pytest.mark.parametrize("metadata", [None, [], "text", 5])
def test_metadata_of_another_kind(metadata: Any) -> None:
    """What is no mapping is an error and no exception of ours."""
    with pytest.raises(CassetteError, match="is not of type 'object'"):
        validate_metadata(metadata)


def test_unknown_keys_of_a_newer_schema_are_warnings() -> None:
    """A newer suite is readable; what we do not know in it is said, and nothing else is forgiven."""
    newer = changed(("requirements", 0, "weight"), 2, changed(("colour",), "red", {**METADATA, "schema": 2}))
    warnings = validate_metadata(newer)
    assert len(warnings) == 2
    assert any("metadata.colour" in warning for warning in warnings)
    assert any("metadata.requirements[0].weight" in warning for warning in warnings)
    with pytest.raises(CassetteError, match="maybe"):
        validate_metadata({**newer, "level": "maybe"})


def case_file(path: Path, metadata: dict[str, Any], body: bytes = b"data: {}\n\n") -> Path:
    """A case of one interaction, written to `path`."""
    save(Cassette(metadata=metadata, interactions=(Interaction(method="POST", uri="https://h/x", body=body),)), path)
    return path


def test_loading_a_case_checks_its_metadata(tmp_path: Path) -> None:
    """A faulty case does not load; the error has file, place and line, whatever the caller asked for."""
    path = case_file(tmp_path / "c.yaml", METADATA)
    path.write_text(path.read_text().replace("op: equals", "op: equal", 1))
    with pytest.raises(CassetteError) as caught:
        load(path)
    assert caught.value.file == str(path)
    assert caught.value.place is not None
    assert caught.value.place.startswith("metadata.requirements[0].op (line ")
    line = int(caught.value.place.partition("(line ")[2].partition(":")[0])
    assert "op: equal" in path.read_text().splitlines()[line - 1]


def test_a_strangers_metadata_is_left_alone() -> None:
    """vcrpy lets anybody keep metadata; without `schema` it is not a case's, unless a case is asked for."""
    text = """
        metadata: {author: me}
        interactions: [{request: {method: GET, uri: "http://h"}, response: {status: {code: 200}, body: {string: a}}}]
    """
    assert load_text(text).metadata is None
    with pytest.raises(CassetteError, match=r"metadata\.author"):
        load_text(text, case=True)
    with pytest.raises(CassetteError, match="no metadata"):
        load_text(text.replace("metadata", "other"), case=True)


def test_a_date_without_quotes_is_text(tmp_path: Path) -> None:
    """YAML would make a date of it; authors should not need to know."""
    path = case_file(tmp_path / "c.yaml", METADATA)
    path.write_text(path.read_text().replace("'2026-11-22'", "2026-11-22"))
    assert load(path).metadata == METADATA


def test_a_faulty_case_is_not_written(tmp_path: Path) -> None:
    """`save` refuses what `load` would refuse, and leaves no file."""
    with pytest.raises(CassetteError, match="maybe"):
        case_file(tmp_path / "c.yaml", {**METADATA, "level": "maybe"})
    assert not list(tmp_path.iterdir())


def test_reading_metadata_does_not_look_at_the_bodies(tmp_path: Path) -> None:
    """A listing works, and is fast, beside bodies that are large or broken."""
    path = case_file(tmp_path / "c.yaml", FULL, b"data: " + b"x" * 5_000_000 + b"\n\n")
    path.write_text(path.read_text() + "\n[[[")
    assert read_metadata(path) == FULL
    started = time.perf_counter()
    for _ in range(10):
        read_metadata(path)
    assert (time.perf_counter() - started) / 10 < 0.02  # some 1 ms; parsing the body takes longer than that


def test_reading_metadata_longer_than_the_first_read(tmp_path: Path) -> None:
    """The block is read to its end, however long it is."""
    metadata = {**METADATA, "notes": "\n".join(f"line {n}" for n in range(50_000)) + "\n"}
    assert read_metadata(case_file(tmp_path / "c.yaml", metadata)) == metadata


@pytest.mark.parametrize(
    "text",
    [
        "metadata:\n  schema: 1\n  title: 'é'\n",
        "# comment\n\nmetadata: {schema: 1, title: é}\nversion: 1\n",
        "---\nversion: 1\nmetadata:\n  schema: 1\n  title: é\n",
        '{"version": 1, "metadata": {"schema": 1, "title": "\\u00e9"}}',
    ],
)
def test_metadata_is_found_wherever_it_stands(tmp_path: Path, text: str) -> None:
    """vcrpy's own save puts it elsewhere; the answer is the same."""
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_metadata(path) == {"schema": 1, "title": "é"}


@pytest.mark.parametrize(
    "text",
    [
        "interactions: []\n",
        "metadata: 5\nversion: 1\n",
        "metadata: [\n",
        "text",
        "metadata:",
        "metadata: \x00\nversion: 1\n",
    ],
)
def test_reading_metadata_that_is_not_there(tmp_path: Path, text: str) -> None:
    """One error with the file's name."""
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(CassetteError) as caught:
        read_metadata(path)
    assert caught.value.file == str(path)


def test_listing_imports_neither_vcrpy_nor_jsonschema() -> None:
    """They cost more than reading a hundred files."""
    code = "import sys, streamproof.metadata, streamproof.cassette; print({'vcr', 'jsonschema'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"


@pytest.mark.parametrize(
    "title",
    ["Plain words", "HTTP 400 null", "yes no", "a #b", "'it: is'", '"a\\tb"', "Ends:", "No: 5", "null", "5 words",
     "é b", "Two\n    lines", "a  b", "[a] b"],
)  # fmt: skip
@pytest.mark.parametrize("providers", ["[openai, xai]", "[no, xai]", "[a,b]", "[]", "openai", "[null]", "[o_p, q_]"])
def test_keys_read_alone_are_those_of_the_block(tmp_path: Path, title: str, providers: str) -> None:
    """A listing shows another title or other providers than the case has, as its short cut reads them without YAML."""
    path = tmp_path / "case.yaml"
    path.write_text(
        f"metadata:\n  schema: 1\n  title: {title}\n  level: must\n  providers: {providers}\ninteractions: []\n",
        "utf-8",
    )
    names = ("title", "level", "providers")
    try:
        whole = read_metadata(path)
    except CassetteError:
        with pytest.raises(CassetteError):
            read_keys(path, names)
    else:
        assert read_keys(path, names) == {name: whole[name] for name in names}
