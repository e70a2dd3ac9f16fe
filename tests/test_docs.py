"""README and docs/ are true: their programs run, and they name what there is.

A Python block after the line `<!-- run -->` is executed; the blocks of one file are one program. A text block right
after such a block is what it prints. Python blocks without the mark must at least compile.
"""

from __future__ import annotations

import ast
import contextlib
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from streamproof.cli import main
from streamproof.completion import PART_TYPES, Choice, Completion, Delta, ErrorInfo, ToolCall, Usage
from streamproof.errors import ERROR_CLASSES
from streamproof.hermetic import hermetic
from streamproof.providers import PROTOCOLS, ROWS

ROOT = Path(__file__).parent.parent
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(
    r"(?P<mark>^<!-- run -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A block of code. line: where its code begins. printed: the text block after it, None when there is none."""

    language: str
    code: str
    line: int
    run: bool
    printed: str | None


def blocks(text: str) -> list[Block]:
    """The blocks of a Markdown text."""
    return [
        Block(
            found["language"],
            found["code"],
            text.count("\n", 0, found.start("code")) + 1,
            found["mark"] is not None,
            found["printed"],
        )
        for found in _BLOCK.finditer(text)
    ]


def compiled(path: Path, block: Block) -> Any:
    """The block's code, with its place in the document for tracebacks."""
    source = "\n" * (block.line - 1) + block.code
    return compile(source, str(path), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT * (not block.run), dont_inherit=True)


def python_blocks(path: Path) -> list[Block]:
    """The Python blocks of a document."""
    return [block for block in blocks(path.read_text("utf-8")) if block.language == "python"]


def words(path: Path) -> set[str]:
    """What stands in backquotes in a document, outside of blocks."""
    text = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return set(re.findall(r"`([^`\n]+)`", text))


def section(path: Path, title: str) -> str:
    """A section of a document, up to the next heading of its level."""
    _, _, rest = path.read_text("utf-8").partition(f"\n## {title}\n")
    assert rest, f"{path.name} has no section {title!r}"
    return rest.partition("\n## ")[0]


def streamproof_commands() -> Iterator[str]:
    """Commands of the README's shell blocks that need nothing but the checkout."""
    for block in blocks((ROOT / "README.md").read_text("utf-8")):
        if block.language == "sh":
            yield from (line for line in block.code.splitlines() if line.startswith("streamproof "))


NORMAL_FORM = ROOT / "docs" / "normal-form.md"


def test_blocks_are_found() -> None:
    """A convention that matched nothing would let every example rot in silence."""
    text = "a\n\n<!-- run -->\n```python\nx = 1\n```\n\n```text\n1\n```\n\n```python\ny\n```\n"
    assert blocks(text) == [Block("python", "x = 1\n", 5, True, "1\n"), Block("python", "y\n", 13, False, None)]
    assert any(block.run for block in python_blocks(ROOT / "docs" / "reference-adapter.md"))
    marks = sum(path.read_text("utf-8").splitlines().count("<!-- run -->") for path in DOCUMENTS)
    assert marks == sum(block.run for path in DOCUMENTS for block in python_blocks(path))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_python_blocks_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An example that no longer works, or prints something else than it says."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in python_blocks(path):
        code = compiled(path, block)
        if not block.run:
            continue
        printed = io.StringIO()
        with hermetic(), contextlib.redirect_stdout(printed):
            exec(code, namespace)
        assert printed.getvalue().splitlines() == (block.printed or "").splitlines(), f"line {block.line} of {path}"


@pytest.mark.parametrize("command", list(streamproof_commands()))
def test_readme_commands_run(command: str) -> None:
    """A command of the README that a newcomer cannot run."""
    arguments = shlex.split(command, comments=True)[1:]
    done = subprocess.run(
        [sys.executable, "-m", "streamproof.cli", *arguments], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert done.stdout


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """A link to a file that is not there, or to a heading that it does not have."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), target
        headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.MULTILINE) if anchor else []
        assert not anchor or anchor in {heading.lower().replace(" ", "-") for heading in headings}, target


@pytest.mark.parametrize("name", PART_TYPES)
def test_normal_form_names_every_part(name: str) -> None:
    """A part type, or a field of one, that the normal form does not explain."""
    rows = [line for line in section(NORMAL_FORM, "content").splitlines() if line.startswith(f"| `{name}` |")]
    assert len(rows) == 1
    missing = [field.name for field in fields(PART_TYPES[name]) if f"`{field.name}`" not in rows[0]]
    assert [name for name in missing if name != "id"] == []


@pytest.mark.parametrize(
    ("part", "title"),
    [
        (Usage, "usage"),
        (ToolCall, "tool_calls"),
        (ErrorInfo, "error"),
        (Choice, "choices"),
        (Delta, "Deltas"),
    ],
)
def test_normal_form_names_every_field(part: type[Any], title: str) -> None:
    """A field of a completion's object, or of a delta, that the normal form does not explain."""
    names = getattr(part, "_fields", None) or [field.name for field in fields(part)]
    text = section(NORMAL_FORM, title)
    assert [name for name in names if f"`{name}`" not in text] == []


def test_normal_form_names_the_completion() -> None:
    """A top-level key, or an error type, that the normal form does not name."""
    known = words(NORMAL_FORM)
    assert {field.name for field in fields(Completion)} <= known
    errors = section(NORMAL_FORM, "error")
    assert [name for name in ERROR_CLASSES if f"| `{name}` |" not in errors] == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_readme_names_protocols_and_providers(protocol: str) -> None:
    """A protocol that the README does not list, or another set of providers than the table's."""
    (line,) = (
        line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if line.startswith(f"| `{protocol}`")
    )
    assert set(re.findall(r"`(\w+)`", line.rpartition(" | ")[2])) == {
        row.name for row in ROWS if row.protocol == protocol
    }


@pytest.mark.parametrize("command", main.commands)
def test_every_command_is_documented(command: str) -> None:
    """A command that neither README nor docs mention."""
    assert any(f"streamproof {command}" in path.read_text("utf-8") for path in DOCUMENTS)
