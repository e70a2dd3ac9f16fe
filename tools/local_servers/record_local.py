"""Record the matrix from servers on this machine, without keys or network: `nox -s record-local`.

Compares each recording with the case in `cassettes/`, ids and times aside, and says what differs. `--write` puts the
new bytes into the cassettes, whose metadata stay, and a skeleton where there is no case yet. `--twins` takes answers to
some of the requests without streaming instead; they are no cases, the law `twin` compares them. Not a part of CI: the
recordings are kept, and a release of a server changes them.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from matrix import SCRIPTS, Recording, recordings, twins
from scripted_model import write_model
from servers import ServerError, servers
from streamproof.cassette import Cassette, Interaction, load, save

HERE = Path(__file__).parent
CASSETTES = HERE.parents[1] / "cassettes"
TWINS = HERE.parents[1] / "conformance" / "twins"

TIMEOUT = 60.0
"""Seconds for one answer."""

_LISTENS = re.compile(r"http://127\.0\.0\.1:(\d+)[/\"]")
_VOLATILE = (
    (re.compile(r'"(created|created_at|completed_at|createTime)":\s*[\d.]+'), r'"\1":0'),
    (re.compile(r'"timings":\s*\{[^}]*\}'), '"timings":{}'),
    (re.compile(r"\b(?:[a-z]+[-_])*[A-Za-z0-9]{32}\b"), "ID"),
)


def main() -> int:
    """0 when nothing differs or everything was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="?", default="", help="only cases whose id holds this")
    parser.add_argument("--write", action="store_true", help="put the new bytes into the cassettes")
    parser.add_argument("--twins", action="store_true", help="the answers without streaming instead")
    parser.add_argument("--cassettes", type=Path, help="instead of those of the suite")
    options = parser.parse_args()
    wanted = [each for each in (twins if options.twins else recordings)() if options.pattern in each.id]
    home = options.cassettes or (TWINS if options.twins else CASSETTES)
    changed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_model(folder / "scripted.gguf", SCRIPTS, (HERE / "chat_template.jinja").read_text())
        try:
            with servers(folder / "scripted.gguf", folder):
                for each in wanted:
                    changed += _take(each, folder, home / f"{each.id}.yaml", write=options.write)
        except ServerError as error:
            print(f"record-local: {error}", file=sys.stderr)
            return 2
    print(f"{len(wanted)} recorded, {changed} {'written' if options.write else 'differ'}")
    return 0 if options.write or not changed else 1


def _take(recording: Recording, folder: Path, path: Path, *, write: bool) -> bool:
    """Record one; whether it is not the bytes that the case at `path` has."""
    new = folder / f"{recording.id.replace('/', '-')}.yaml"
    with _recorder(recording, new) as port:
        _ask(port, recording)
    taken = load(new)
    same = path.exists() and list(map(_shape, load(path).interactions)) == list(map(_shape, taken.interactions))
    if not same:
        print(f"{recording.id}: {'differs' if path.exists() else 'is new'}")
    if write and not same:
        kept = load(path) if path.exists() else taken
        save(replace(taken, metadata=_metadata(recording, kept, taken) if recording.is_case else None), path)
    return not same


def _metadata(recording: Recording, old: Cassette, taken: Cassette) -> dict[str, Any]:
    """What the case says already, with the day of the new bytes."""
    kept, fresh = old.metadata or {}, taken.metadata or {}
    provenance = {**kept["provenance"], "date": fresh["provenance"]["date"]}
    return {**kept, "call": recording.call, "provenance": provenance}


@contextmanager
def _recorder(recording: Recording, out: Path) -> Iterator[int]:
    """`streamproof record` for one answer; the port that it listens on."""
    wire = recording.wire
    command = [sys.executable, "-m", "streamproof.cli", "record", "--provider", wire.provider]
    command += ["--case", recording.id] if recording.is_case else []
    process = subprocess.Popen(
        [*command, "--upstream", wire.upstream, "--once", "--out", str(out)], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        lines = iter(process.stderr)
        next(lines)  # names the upstream
        found = _LISTENS.search(next(lines))
        assert found, "it does not say where it listens"
        yield int(found[1])
        process.communicate(timeout=TIMEOUT)
    finally:
        process.kill()
        process.wait()


def _ask(port: int, recording: Recording) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    body = json.dumps(recording.body, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"content-type": "application/json", **recording.wire.headers}
    connection.request("POST", recording.path, body, headers)
    connection.getresponse().read()
    connection.close()


def _shape(interaction: Interaction) -> Interaction:
    """Without what differs from run to run."""
    body = interaction.body.decode("utf-8", "surrogateescape")
    for pattern, replacement in _VOLATILE:
        body = pattern.sub(replacement, body)
    kind = [interaction.header("content-type") or ""]
    return replace(interaction, headers={"content-type": kind}, body=body.encode("utf-8", "surrogateescape"), extras={})


if __name__ == "__main__":
    sys.exit(main())
