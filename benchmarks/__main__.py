"""What streamproof costs: `nox -s bench -- [options]`.

Everything is measured as ratios within one run, contenders in turn, so a busy machine blurs a figure but does not move
it. Nothing here passes or fails: targets are shown beside what was reached.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import logging
import sys
import warnings
from pathlib import Path

GROUPS = ("decoding", "adapters", "serving", "suite", "growth", "others")


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="nox -s bench --", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"some of {', '.join(GROUPS)}; default: all")
    parser.add_argument(
        "--rounds", type=int, default=15, metavar="N", help="how often each contender runs (default 15)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every value, in pyperf's format")
    parser.add_argument(
        "--table", type=Path, metavar="FILE", help="put the tables into this document, between its marks"
    )
    asked = parser.parse_args()
    if unknown := set(asked.groups) - set(GROUPS):
        parser.error(f"no group {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    from . import table  # noqa: PLC0415 - pyperf is not needed for --help

    sections = []
    for group in asked.groups or GROUPS:
        print(f"{group} ...", file=sys.stderr, flush=True)
        found = importlib.import_module(f"benchmarks.{group}").sections(asked.rounds)
        sections += found
        print(table.tables(found), flush=True)
        gc.collect()
    if asked.json:
        table.write_json(asked.json, sections)
    if asked.table:
        given = " ".join(["nox -s bench", *(["--", *sys.argv[1:]] if sys.argv[1:] else [])])
        table.write_table(asked.table, sections, given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
