"""The published matrix: docs/matrix.html and the table in the README, made from the files in results/.

    python -m streamproof.report.publish            writes both (nox -s matrix)
    python -m streamproof.report.publish --check    says whether they are what the results give; exit code 1 if not

The page holds a digest of the results that it was made from, so that a check takes no time.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..case import all_cases
from ..cell import cells
from ..cli_support import BAD_INPUT, FAILED, complain
from ..errors import StreamproofError, UsageError
from ..providers import PROTOCOLS
from .columns import Column, columns
from .faults import worst
from .html.facts import facts_of
from .html.page import page
from .runs import read_runs
from .summary import SHORT_NAMES, Tally, by_protocol, no_score, percent, ranked, suites
from .visible import one_line

BEGIN, END = "<!-- matrix -->", "<!-- /matrix -->"
OURS = ("reference", "sdk", "wire")
"""Adapters that are a part of streamproof: they show what is possible."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """What some results give. table: Markdown, "" when there are no results. digest: of the files."""

    found: Sequence[Column]
    table: str
    digest: str

    def page(self) -> str:
        """The HTML."""
        ids = {result.name.case for column in self.found for result in column.results.values()}
        return page(self.found, facts_of(ids), made_from=self.digest)


def matrix(results: Path) -> Matrix:
    """Read a folder of NDJSON files. Raises UsageError."""
    paths = sorted(results.glob("*.ndjson"))
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    found = columns(read_runs(paths))
    return Matrix(found, "\n".join(_table(found)) if found else "", f"sha256:{digest.hexdigest()}")


def _table(found: Sequence[Column]) -> Iterator[str]:
    newest = suites(found)[-1:]
    order = sorted(ranked(found), key=lambda item: bool(_reason(item[0], newest)))
    dates = sorted({str(header["date"])[:10] for column in found for header in column.headers if header.get("date")})
    yield "| library | version | protocols | right | offered | worst, with the number of streams |"
    yield "|---|---|---|---:|---:|---|"
    for column, tally in order:
        ours = " (ours)" if column.adapter in OURS else ""
        version = _text(column.label.removeprefix(column.adapter).strip())
        yield f"| {_text(column.adapter)}{ours} | {version} | {' | '.join(_row(column, tally, newest))} |"
    yield ""
    when = " to ".join(dict.fromkeys([*dates[:1], *dates[-1:]]))
    yield f"Suite {_text(', '.join(newest))}, {when}. Right: nothing that the library offers is wrong or lost."
    yield "A cell is a stream from one provider; who speaks other protocols has other cells, so compare within one,"
    yield "as the page does. Offered: of the facts that these cells ask for, how many are about something that the"
    yield "library shows at all ([what a score counts](docs/stability.md#what-a-score-counts))."
    yield "[docs/matrix.html](docs/matrix.html), one file to open in a browser, has every cell with its wire, what was"
    yield "expected and what came."


def _text(text: str) -> str:
    """Text of a run that stays text in a table's cell."""
    return re.sub(r"([\\|<>*_`\[\]])", r"\\\1", one_line(text, 200))


def _row(column: Column, tally: Tally, newest: Sequence[str]) -> Iterator[str]:
    protocols = [name for name, part in by_protocol(column).items() if part.of]
    ordered = sorted(protocols, key=lambda name: PROTOCOLS.index(name) if name in PROTOCOLS else len(PROTOCOLS))
    yield ", ".join(SHORT_NAMES.get(name, _text(name)) for name in ordered)
    reason = _reason(column, newest)
    if reason:
        yield from ("", "", f"no score: {_text(reason)}")
        return
    for number, of in ((tally.right, tally.of), (tally.offered, tally.musts)):
        yield f"{percent(number, of)} ({number}/{of})"
    yield ", ".join(f"{_text(what)} ({number})" for what, number in worst(column)) or "nothing"


def _reason(column: Column, newest: Sequence[str]) -> str:
    """Why a column has no score beside the others."""
    of = suites([column])
    return no_score(column) or (f"it ran on suite {', '.join(of)}" if of != [*newest] else "")


def with_table(readme: str, table: str) -> str:
    """The README with the table between its marks. Raises UsageError when it has none."""
    head, begin, rest = readme.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise UsageError(f"no place for the table: it stands between {BEGIN} and {END}")
    middle = f"\n{table}\n" if table else "\n"
    return f"{head}{begin}{middle}{end}{tail}"


def differences(made: Matrix, readme: Path, html: Path) -> list[str]:
    """What is not as the results give it."""
    text = readme.read_text(encoding="utf-8")
    found = [f"the table in {readme} is another"] if with_table(text, made.table) != text else []
    if made.found and not (html.exists() and made.digest in html.read_text(encoding="utf-8")[:20_000]):
        found.append(f"{html} was made from other results")
    return found


def outdated(found: Sequence[Column], today: Collection[str]) -> list[str]:
    """Columns that lack cells which the suite has by now."""
    gaps = [(column, sum(cell not in column.results for cell in today)) for column in found]
    return [f"{column.label} did not run {gap} of the suite's {len(today)} cells" for column, gap in gaps if gap]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m streamproof.report.publish", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 when something is out of date")
    parser.add_argument("--results", type=Path, default=Path("results"), help="folder of NDJSON files")
    parser.add_argument("--readme", type=Path, default=Path("README.md"))
    parser.add_argument("--html", type=Path, default=Path("docs/matrix.html"))
    return parser.parse_args()


def main() -> int:
    """Write or check; the exit code."""
    asked = _arguments()
    try:
        made = matrix(asked.results)
        if asked.check:
            wrong = differences(made, asked.readme, asked.html)
            for text in wrong:
                complain(f"{text}; nox -s matrix")
            return FAILED if wrong else 0
        text = with_table(asked.readme.read_text(encoding="utf-8"), made.table)
    except (StreamproofError, OSError) as error:
        complain(error)
        return BAD_INPUT
    if not made.found:
        complain(f"no results in {asked.results}; nox -s adapter-<name> makes them")
        return BAD_INPUT
    for told in outdated(made.found, {cell.id for cell in cells(all_cases(damaged=lambda _: None))}):
        complain(told)
    asked.readme.write_text(text, encoding="utf-8")
    asked.html.write_text(made.page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
