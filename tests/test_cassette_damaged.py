"""Damaged and hostile cassettes: one clear error each, and nothing else."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from streamproof import cassette_file, safeyaml
from streamproof.cassette import Cassette, load, load_text
from streamproof.errors import CassetteError
from streamproof.metadata import read_metadata

GOOD = """\
interactions:
- request: {method: POST, uri: 'http://h/'}
  response: {status: {code: 200}, body: {string: a}}
version: 1
"""


@pytest.fixture(params=["libyaml", "pure"], autouse=True)
def _each_loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pure":
        monkeypatch.setattr(safeyaml, "CassetteLoader", safeyaml.safe_loader(yaml.SafeLoader))


def fault(data: bytes | str) -> CassetteError:
    """The one error that loading gives; it always names the file and what to do."""
    with pytest.raises(CassetteError) as caught:
        load_text(data, "bad.yaml")
    assert caught.value.file == "bad.yaml"
    assert caught.value.remedy
    return caught.value


def test_the_good_one_is_good() -> None:
    """What the tests below damage loads."""
    assert len(load_text(GOOD).interactions) == 1


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("", "an empty file", None),
        (" \n\n", "an empty file", None),
        ("# nothing\n", "an empty file", None),
        ("a: [b\nc: d", "not YAML", "line 2:2"),
        ("a: 'b", "not YAML", "line 1:6"),
        ("\ta: b", "not YAML", "line 1:1"),
        ("a: b\n---\nc: d", "second YAML document", "line 2:1"),
        ("a:\n  b: \x07", "U+0007", "line 2:6"),
        ("just text", "not a cassette", "line 1:1"),
        ("<html><body>404</body></html>", "not a cassette", "line 1:1"),
        ("42", "not a cassette", "line 1:1"),
        ("- request: {}", "before vcrpy 1.0", "line 1:1"),
        ('{"interactions": [', "not YAML", None),
        ("version: 1", "no interactions", "interactions (line 1:1)"),
        ("interactions:", "no interactions", "interactions (line 1:1)"),
        ("interactions: []", "no interactions", "interactions (line 1:1)"),
        ("interactions: {a: b}", "a mapping, not a list", "interactions (line 1:1)"),
        ("version: 2\ninteractions: [{}]", "unknown version 2", "version (line 1:1)"),
        ("version: true\ninteractions: [{}]", "unknown version True", "version (line 1:1)"),
        ("interactions: [5]", "0 is a number, not a mapping", "interactions[0] (line 1:16)"),
        ("interactions: [{response: {}}]", "missing request", "interactions[0].request (line 1:16)"),
        ("interactions:\n- request: {}", "missing response", "interactions[0].response (line 2:3)"),
        (GOOD.replace("method: POST, ", ""), "missing method", "interactions[0].request.method (line 2:3)"),
        (GOOD.replace("'http://h/'", "5"), "missing uri", "interactions[0].request.uri (line 2:27)"),
        (GOOD.replace("http://h/", "http://[h"), "not a URI", "interactions[0].request.uri (line 2:27)"),
        (GOOD.replace("http://h/", "http://h:port"), "not a URI", "interactions[0].request.uri (line 2:27)"),
        (GOOD.replace("{code: 200}", "{}"), "missing status code", "interactions[0].response.status (line 3:14)"),
        (GOOD.replace("200", "true"), "missing status code", "interactions[0].response.status (line 3:14)"),
        (GOOD.replace("200", "20000"), "missing status code", "interactions[0].response.status (line 3:14)"),
        (GOOD.replace("status: {code: 200}, ", ""), "missing status", "interactions[0].response.status (line 3:3)"),
        (GOOD.replace(", body: {string: a}", ""), "missing body", "interactions[0].response.body (line 3:3)"),
        (GOOD.replace("{string: a}", "null"), "missing body", "interactions[0].response.body (line 3:35)"),
        (GOOD.replace("string: a", "other: a"), "missing body", "interactions[0].response.body (line 3:35)"),
        (
            GOOD.replace("string: a", "string: 5"),
            "number, not text",
            "interactions[0].response.body.string (line 3:42)",
        ),
        (GOOD.replace("{string: a}", "[a]"), "list, not text", "interactions[0].response.body (line 3:35)"),
        (GOOD.replace("string: a", "base64_string: '*'"), "not base64", "body.base64_string (line 3:42)"),
        (GOOD.replace("string: a", "base64_string: [a]"), "not base64", "body.base64_string (line 3:42)"),
        (GOOD.replace("string: a", "string: !!binary '*'"), "not base64", "line 3:50"),
        (GOOD.replace("body:", "headers: [a], body:"), "list, not a mapping", "response.headers (line 3:35)"),
        (GOOD.replace("body:", "headers: {a: [[b]]}, body:"), "no text", "response.headers.a (line 3:45)"),
        (GOOD + "version: 1\n", "the same key twice", "version (line 5:1)"),
        (GOOD + "metadata: {a: {b: [{c: 1, c: 2}]}}\n", "the same key twice", "metadata.a.b[0].c (line 5:27)"),
        (GOOD + "x: *nowhere\n", "", None),
        (GOOD + "x: !!int a\n", "does not fit", None),
        (GOOD + "x: !!bool a\n", "does not fit", None),
        (GOOD + "x: !!timestamp a\n", "does not fit", None),
        (GOOD + "? {a: b}\n: c\n", "unhashable", "line 5:3"),
    ],
)
def test_damage_is_named(text: str, message: str, place: str | None) -> None:
    """What is wrong, and where."""
    error = fault(text)
    assert message in str(error)
    assert place is None or (error.place or "").endswith(place)


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['touch {0}']",
        "!!python/object/new:subprocess.Popen [['touch', '{0}']]",
        "!!python/object:os.PathLike {{}}",
        "!!python/module:os ''",
        "!!python/name:os.system ''",
        "!!python/object/apply:builtins.eval [\"open('{0}', 'w')\"]",
        "!custom {{a: b}}",
        "!!unheard-of a",
    ],
)
def test_tags_are_refused_and_never_run(tmp_path: Path, tag: str) -> None:
    """A cassette from a stranger cannot run code, wherever in it the tag stands."""
    victim = tmp_path / "victim"
    for text in (f"x: {tag.format(victim)}\n{GOOD}", GOOD.replace("string: a", f"string: {tag.format(victim)}")):
        error = fault(text)
        assert "is not plain data" in error.message
        assert error.place is not None
        assert error.place.startswith("line ")
    assert not victim.exists()


LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}\n" for n in range(1, 30))
LONG_TEXT = f"t: &t '{'x' * 1_000_000}'\nl: [{', '.join(['*t'] * 1000)}]\n"


@pytest.mark.parametrize("bomb", [LAUGHS, MERGES, LONG_TEXT])
def test_alias_bombs_are_defused(bomb: str) -> None:
    """What would expand beyond all bounds is refused before anything is built, in little time."""
    started = time.perf_counter()
    assert "once its aliases are expanded" in fault(bomb).message
    assert time.perf_counter() - started < 60


def test_values_without_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound holds without any alias too, as each value costs memory."""
    monkeypatch.setattr(safeyaml, "MAX_WEIGHT", 1000)
    assert "more than 1000 values" in fault("- [a, b, c, d, e]\n" * 1000).message
    assert "more than 1000 values" in fault('{"a": [%s1]}' % ("1," * 1000)).message


@pytest.mark.parametrize("text", ["a: &a [*a]", "a: &a {<<: *a}", "&a [b, {c: *a}]"])
def test_an_alias_to_itself(text: str) -> None:
    """An endless value is refused."""
    assert "contains itself" in fault(text).message


@pytest.mark.parametrize("piece", ["[", "- ", "{a: ", "? ", "{", '{"a":', "[[", "!!seq [", "&a ["])
def test_deep_nesting(piece: str) -> None:
    """100 000 levels are an error with a place: no RecursionError, and no crash of the process."""
    assert "levels deep" in fault(piece * 100_000).message


def test_deep_json() -> None:
    """Whole JSON, deeper than YAML may be and shallower than Python's own limit, is refused alike."""
    depth = 300
    assert "levels deep" in fault('{"a":' + "[" * depth + "]" * depth + "}").message


def test_not_utf8() -> None:
    """The byte and its place are named; UTF-16 is no exception."""
    error = fault(GOOD.encode() + b"source: caf\xe9\n")
    assert (error.message, error.place) == ("not UTF-8: byte 0xe9", "line 5:12")
    assert "not UTF-8" in fault(GOOD.encode("utf-16")).message


def test_duplicate_keys_in_json() -> None:
    """JSON hides them as YAML does; only those that would lose a case's data are an error."""
    assert fault('{"metadata": {"a": [{"b": 1, "b": 2}]}}').place == "metadata.a[0].b"
    text = '{"interactions": [{"request": {"method": "GET", "method": "GET", "uri": ""}, "response": %s}]}'
    assert load_text(text % '{"status": {"code": 200}, "body": "a"}').interactions[0].method == "GET"


def test_not_a_readable_file(tmp_path: Path) -> None:
    """Missing, a folder, a name that no file has: each said in one line, from both ways of reading."""
    for path, message in (
        (tmp_path / "none.yaml", "no such file"),
        (tmp_path, "a folder"),
        (tmp_path / "a\0b", "cannot be read"),
        (tmp_path / ("x" * 300), "cannot be read"),
    ):
        for read in (load, read_metadata):
            with pytest.raises(CassetteError, match=message) as caught:
                read(path)
            assert caught.value.file == str(path)


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file over the limit is refused by its size, before it is read; text at hand is refused too."""
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(cassette_file.MAX_BYTES + 1)
    with pytest.raises(CassetteError, match="more than the limit"):
        load(path)
    with pytest.raises(CassetteError, match="more than the limit"):
        load_text(b" " * (cassette_file.MAX_BYTES + 1))


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs a device without a size")
def test_a_device_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A size of 0 is no promise: reading stops at the limit."""
    monkeypatch.setattr(cassette_file, "MAX_BYTES", 1000)
    with pytest.raises(CassetteError, match="more than 1000 bytes"):
        load("/dev/zero")


DAMAGE = st.lists(
    st.tuples(st.integers(0, len(GOOD)), st.integers(0, 8), st.text("[]{}&*!|>'\"%:-#?\n\t a0", max_size=6))
)


@given(DAMAGE)
@settings(max_examples=300, deadline=None)
def test_random_damage(damage: list[tuple[int, int, str]]) -> None:
    """Any edit of a good file gives a cassette or a CassetteError, never another exception."""
    text = GOOD
    for at, length, new in damage:
        text = text[:at] + new + text[at + length :]
    try:
        result: object = load_text(text, "bad.yaml")
    except CassetteError as error:
        result = error
    assert isinstance(result, Cassette) or (isinstance(result, CassetteError) and result.file == "bad.yaml")


def test_a_fault_without_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML does not always say where; the error comes all the same."""

    def refuse(_: str) -> None:
        raise yaml.YAMLError("no reason")

    monkeypatch.setattr(safeyaml, "CassetteLoader", refuse)
    error = fault("a: b")
    assert (error.message, error.place) == ("not YAML: no reason", None)


def test_aliases_inside_metadata() -> None:
    """Looking for keys that occur twice goes through each value once."""
    text = GOOD + "metadata: {a: &a {b: 1}, c: *a, d: {<<: *a, <<: *a}}\n"
    assert load_text(text).metadata is None


def test_the_place_of_what_is_not_there() -> None:
    """The nearest value that exists is pointed at."""
    document = safeyaml.parse("a:\n- b\n")
    assert document.place("a", 0, "c", "d") == "a[0].c.d (line 2:3)"
    assert document.place("a", 7) == "a[7] (line 1:1)"
    assert document.place() == "line 1:1"
    assert safeyaml.Document({}).place() == ""
