"""`streamproof new-adapter`: an adapter to begin with, which runs at once and has faults to find."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ..data import data_root
from ..errors import UsageError

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
KIT = "conformance/adapters/_driver.py"
"""What a driver needs beside it: the child's side of the process contract."""


@dataclass(frozen=True)
class Kind:
    """A kind of adapter. skeleton: its text. suffix: of the file. run: the options that run it, `{module}` and `{file}`
    filled in. kit: whether the driver kit stands beside it."""

    skeleton: str
    suffix: str
    run: str
    says: str
    kit: bool = False


KINDS: Mapping[str, Kind] = {
    "class": Kind(
        "adapter.py.txt", "_adapter.py", "--adapter {module}:Adapter", "a class, in the environment of streamproof"
    ),
    "driver": Kind(
        "driver.py.txt",
        "_driver.py",
        '--command "python {file}"',
        "a Python program with dependencies of its own",
        kit=True,
    ),
    "node": Kind("adapter.mjs.txt", "_adapter.mjs", '--command "node {file}"', "a program for Node.js, no packages"),
}


def new_adapter(folder: Path, name: str, kind: str) -> tuple[list[Path], str]:
    """Write the files of an adapter; they, and the options of `streamproof run` that run it.

    Raises UsageError for a name that no file or module can have, and for files that are there already.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name for an adapter", remedy="lower case letters, digits, - and _: my-library"
        )
    chosen, stem = KINDS[kind], name.replace("-", "_")
    file = folder / f"{stem}{chosen.suffix}"
    text = files("streamproof.kit.skeletons").joinpath(chosen.skeleton).read_text("utf-8")
    made = {file: text.replace("NAME", name).replace("MODULE", file.stem).replace("FILE", file.name)}
    if chosen.kit:
        made[folder / "_driver.py"] = (data_root() / KIT).read_text("utf-8")
    there = [path for path in made if path.exists() and path.read_text("utf-8") != made[path]]
    if there:
        raise UsageError("the file is there already", file=str(there[0]), remedy="choose another name, or a folder")
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in made.items():
        path.write_text(content, encoding="utf-8")
    return list(made), chosen.run.format(module=file.stem, file=file)
