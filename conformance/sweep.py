"""Every case under every legal wire plan, through our own adapters: `nox -s sweep`. Takes minutes to an hour.

    python conformance/sweep.py [--adapter wire] [--cases GLOB] [--small BYTES] [--jobs N]

Plans: those of docs/wire-plans.md, cuts and errors at every event. Through `wire` also every two-part split and a cut
at every byte of the streams up to `--small` bytes. And the laws that make calls of their own, async and sync. Prints
the failures and a table; exits with 1 when there are any.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from typing import NamedTuple

from law_checks import law_cells, law_complaints
from plan_checks import small, unexcused
from streamproof.case import Case, all_cases, select
from streamproof.cell import Cell, can_play, cells
from streamproof.decoders.stream import StreamDecoder
from streamproof.hermetic import hermetic
from streamproof.laws.check import findings
from streamproof.laws.evidence import Evidence
from streamproof.outcome import explain
from streamproof.replay.serving import CaseServer
from streamproof.running.ours import ADAPTERS
from streamproof.running.run_cell import run_cell
from streamproof.timeline import timeline
from streamproof.wire.plans import Plan, plans


class Swept(NamedTuple):
    """One case through one adapter. cells: how many of each kind. complaints: what is wrong."""

    case: str
    adapter: str
    cells: Counter[str]
    complaints: list[str]


def planned(case: Case, adapter: str) -> Iterator[Cell]:
    """Its cells: one row for each SDK that speaks it, all plans, sync and async in turn."""
    rows = {cell.row.sdk: cell for cell in reversed(cells([case]))}
    chosen = [cells([case])[0]] if adapter == "wire" else [c for sdk, c in rows.items() if sdk != "none"]
    body = case.cassette.interactions[0].body
    for number, plan in enumerate(plans(case.protocol, body, positions="all")):
        for cell in chosen if can_play(case, plan) else ():
            yield replace(cell, plan=plan, sync=adapter != "wire" and number % 2 == 1)


def sweep(case: Case, adapter: str, limit: int) -> Swept:
    """All that there is to run for one case."""
    warnings.simplefilter("ignore")  # of the SDKs, about values that they do not know
    counts: Counter[str] = Counter()
    complaints: list[str] = []
    with hermetic(), asyncio.Runner() as runner:
        for cell in planned(case, adapter) if small(case) else ():
            counts["plans"] += 1
            complaints += unexcused(cell, runner.run(run_cell(ADAPTERS[adapter](cell.sync), cell)))
        if small(case):
            with CaseServer([case]) as server:
                for cell in law_cells(case, adapter):
                    counts["laws"] += 1
                    complaints += runner.run(law_complaints(adapter, cell, server))
    if adapter == "wire" and small(case, limit):
        for kind, wrong in every_byte(case):
            counts[kind] += 1
            complaints += [wrong] if wrong else []
    return Swept(case.id, adapter, counts, complaints)


def every_byte(case: Case) -> Iterator[tuple[str, str]]:
    """Every two-part split and every cut of the stored body: (kind, what is wrong)."""
    cell, first = cells([case])[0], case.cassette.interactions[0]
    if first.status >= 300:
        return
    body = first.body

    def decoder() -> StreamDecoder:
        kind, coding = first.header("content-type"), first.header("content-encoding")
        return StreamDecoder(
            case.protocol, quirks=cell.row.quirks, n=case.call.n, content_type=kind, content_encoding=coding
        )

    def decoded(*chunks: bytes) -> StreamDecoder:
        stream = decoder()
        for chunk in chunks:
            stream.feed(chunk)
        stream.end()
        return stream

    whole = decoded(body)
    expected, noted = whole.completion, whole.diagnostics
    story = timeline(first, case.protocol, cell.row.quirks, case.call.n)
    for at in range(1, len(body)):
        split = decoded(body[:at], body[at:])
        same = (split.completion, split.diagnostics) == (expected, noted)
        yield "splits", "" if same else f"{cell.id}+split:at-{at}: not what the whole body gives"
        cut = decoded(body[:at])
        planned = replace(cell, plan=Plan(cut=f"at-{at}"))
        told = Evidence(cell=planned, story=story, got=cut.completion, diagnostics=cut.diagnostics)
        wrong = [explain(finding, place) for finding, place in findings(told) if not finding.verdict.ok]
        yield "cuts", f"{planned.id}: {'; '.join(wrong)}" if wrong else ""


def run(adapters: Iterable[str], cases: list[Case], limit: int, jobs: int) -> Iterator[Swept]:
    """All of it, in processes of their own, as they end."""
    with ProcessPoolExecutor(jobs) as pool:
        tasks = [pool.submit(sweep, case, adapter, limit) for adapter in adapters for case in cases]
        for done, task in enumerate(as_completed(tasks), 1):
            swept = task.result()
            if sys.stderr.isatty() or done % 50 == 0 or done == len(tasks):
                end = "\r" if sys.stderr.isatty() else "\n"
                print(f"\x1b[2K{done} of {len(tasks)}: {swept.adapter} {swept.case}", end=end, file=sys.stderr)
            yield swept


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--adapter", action="append", choices=list(ADAPTERS), help="default: all three")
    parser.add_argument("--cases", action="append", default=[], metavar="GLOB", help="a glob over case ids, or a part")
    parser.add_argument("--small", type=int, default=4096, metavar="BYTES", help="streams cut at every byte")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    asked = parser.parse_args()
    started = time.perf_counter()
    totals: Counter[tuple[str, str]] = Counter()
    failed = 0
    cases = select(all_cases(), asked.cases)
    for swept in run(asked.adapter or list(ADAPTERS), cases, asked.small, asked.jobs):
        totals.update({(swept.adapter, kind): count for kind, count in swept.cells.items()})
        failed += len(swept.complaints)
        for complaint in swept.complaints:
            print(complaint)
    for (adapter, kind), count in sorted(totals.items()):
        print(f"{adapter:<10} {kind:<7} {count:>9}")
    print(
        f"{sum(totals.values())} cells of {len(cases)} cases in {time.perf_counter() - started:.0f} s: {failed} failed"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
