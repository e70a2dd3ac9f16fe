"""The suite as plain JSON, for people without Python: every case, what must come out of it, and all schemas.

DIR/index.json                     {schema, suite, cases: [{id, title, level, providers, file}], aliases}
DIR/cases/<protocol>/<slug>.json   one case (schemas/case.schema.json)
DIR/schemas/*.schema.json
"""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .. import jsontext, snapshot
from ..case import Case, aliases
from ..cassette import Interaction
from ..data import data_root
from ..errors import UsageError
from ..jsontext import JSONObject
from ..outcome import SUITE

SCHEMA = 1


def case_document(case: Case) -> dict[str, Any]:
    """A case with its bytes and what is expected (schemas/case.schema.json). Raises CassetteError."""
    cassette = case.cassette
    return {
        "schema": SCHEMA,
        "suite": SUITE,
        "id": case.id,
        "metadata": dict(cassette.metadata or {}),
        "interactions": [_exchange(interaction) for interaction in cassette.interactions],
        "expected": expected(case),
    }


def expected(case: Case) -> JSONObject:
    """The accepted snapshot: {completion, details, diagnostics}. Raises UsageError for a case that has none yet."""
    path = snapshot.path(data_root(), case.id)
    if not path.exists():
        raise UsageError(f"{case.id} has no snapshot", file=str(path), remedy=f"streamproof accept {case.id}")
    document: JSONObject = jsontext.loads(path.read_text(encoding="utf-8"))
    return document


def export(cases: Iterable[Case], out: Path, advance: Callable[[str], object] = lambda _: None) -> int:
    """Write the suite to a folder, which is made; how many cases. advance: called with each id.

    Raises UsageError for a folder that holds something else: only an earlier export is replaced.
    """
    _clear(out)
    listed = []
    for case in cases:
        file = f"cases/{case.id}.json"
        _write(out / file, case_document(case))
        listed.append(
            {"id": case.id, "title": case.title, "level": case.level, "providers": list(case.providers), "file": file}
        )
        advance(case.id)
    with as_file(files("streamproof.schemas")) as schemas:
        (out / "schemas").mkdir()
        for schema in sorted(schemas.glob("*.schema.json")):
            shutil.copyfile(schema, out / "schemas" / schema.name)
    _write(out / "index.json", {"schema": SCHEMA, "suite": SUITE, "cases": listed, "aliases": dict(aliases())})
    return len(listed)


def _clear(out: Path) -> None:
    """Make room. index.json is written last, so an export that was cut short is cleared by hand."""
    if out.exists() and any(out.iterdir()):
        if not (out / "index.json").exists():
            raise UsageError(f"{out} holds something else", remedy="name an empty or a new folder")
        for name in ("cases", "schemas"):
            shutil.rmtree(out / name, ignore_errors=True)
        (out / "index.json").unlink()
    out.mkdir(parents=True, exist_ok=True)


def _exchange(interaction: Interaction) -> dict[str, Any]:
    return {
        "request": {"method": interaction.method, "path": urlsplit(interaction.uri).path}
        | _body(interaction.request_body),
        "response": {
            "status": interaction.status,
            "reason": interaction.reason,
            "headers": {name: list(values) for name, values in interaction.headers.items()},
        }
        | _body(interaction.body),
    }


def _body(body: bytes) -> dict[str, str]:
    """The exact bytes: as text where they are UTF-8, else as base64."""
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode("ascii")}


def _write(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(jsontext.dumps(document, indent=2) + "\n", encoding="utf-8")
