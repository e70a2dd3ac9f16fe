"""The part of the page that is there without any script: the story in a sentence, the table of scores, the notes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import urlencode

from ...outcome import SUITE
from ...providers import PROTOCOLS
from ...verdict import Verdict
from ..columns import Column
from ..faults import FAULT_VERDICTS, KINDS, faults
from ..summary import FAULTS, SHORT_NAMES, Tally, by_protocol, no_score, notes, percent, suites, tally
from ..visible import one_line, visible

_BAR = (Verdict.PASS, Verdict.NOT_OFFERED, *reversed(FAULTS), Verdict.HARNESS)
_SAYS = {  # of one cell, of several
    Verdict.LOSSY: ("loses what it said", "lose what it said"),
    Verdict.WRONG: ("contradicts it", "contradict it"),
    Verdict.CRASH: ("crashes", "crash"),
    Verdict.HANG: ("hangs", "hang"),
}
_GLYPHS = {Verdict.PASS: "✓", Verdict.LOSSY: "L", Verdict.WRONG: "W", Verdict.CRASH: "C", Verdict.HANG: "H"}
_FAILING, _RIGHT = frozenset("hcwlHCWL"), frozenset("pqn")
_FAULT_WORDS = ",".join(verdict.word for verdict in FAULTS)
_STEPS = (50, 70, 85, 95, 100)
"""From how many per cent of right cells on a protocol's field has the next lighter colour."""
_FAULT_STEPS = (10, 5, 2)
"""Below how many faulty streams per hundred cells the field of a fault has the next lighter colour."""
HARDEST = 8


def slots(columns: Sequence[Column], index: Mapping[str, Any]) -> dict[str, str]:
    """The slots of the template that this module fills. index: as `packed` gives it."""
    tallies = [tally(column.results.values()) for column in columns]
    return {
        "title": _text(_title(columns, index)),
        "heading": _text(_title(columns, index)),
        "made": _made(columns),
        "lede": _lede(tallies) if any(found.of for found in tallies) else "No cell of these runs counts for a score.",
        "alerts": "".join(_alerts(columns)),
        "scores": "".join(_scores(columns, tallies)),
        "hardest": "".join(_hardest(index)),
        "noted": _noted(columns),
        "runs": "".join(_runs(columns)),
    }


def _text(text: object) -> str:
    return escape(visible(str(text)))


def _title(columns: Sequence[Column], index: Mapping[str, Any]) -> str:
    who = f"{len(columns)} adapters" if len(columns) > 1 else one_line(columns[0].label, 80)
    number = len(index["cases"])
    return f"{who}, {number:,} {'stream' if number == 1 else 'streams'}"


def _made(columns: Sequence[Column]) -> str:
    headers = [header for column in columns for header in column.headers]
    versions = suites(columns) or [SUITE]
    dates = sorted({str(header["date"])[:10] for header in headers if header.get("date")})
    when = f" · {_text(' to '.join(dict.fromkeys([dates[0], dates[-1]])))}" if dates else ""
    return f"suite {_text(', '.join(versions))}{when}"


def _lede(tallies: Sequence[Tally]) -> str:
    """Of the cells that a score counts."""
    counts = {verdict: sum(found.counted[verdict] for found in tallies) for verdict in Verdict}
    of, right, offered, musts = (sum(getattr(t, name) for t in tallies) for name in ("of", "right", "offered", "musts"))
    faults = [f"{_counted(v, counts[v])} {words[counts[v] > 1]}" for v, words in _SAYS.items() if counts[v]]
    rest = f" Of the others, {_joined(faults)}." if faults else " None fails."
    return (
        f"Every stream was replayed into every adapter, and what came out was held against what the wire said. "
        f"<b>{right:,}</b> of <b>{of:,}</b> cells are right: nothing that the library offers is wrong or lost.{rest} "
        f"Of <b>{musts:,}</b> facts that these cells ask for, <b>{offered:,}</b> are about something that the library "
        f"offers."
    )


def _counted(verdict: Verdict, number: int) -> str:
    chip = f'<span class="chip v-{verdict.word}" aria-hidden="true">{_GLYPHS[verdict]}</span>'
    return f'<span class="counted">{chip} <b>{number:,}</b></span>'


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _alerts(columns: Sequence[Column]) -> Iterator[str]:
    """What takes a column its score, or part of its cells. Lesser notes stand with the runs."""
    told = [(column, note) for column in columns for note in notes(column) if note not in column.notes]
    versions = suites(columns)
    if not told and len(versions) < 2:
        return
    yield '<ul class="alerts" role="note">'
    if len(versions) > 1:
        yield f"<li>Scores of different suites do not compare, and these are of {_text(', '.join(versions))}.</li>"
    for column, note in told:
        yield f"<li><b>{_text(column.label)}</b> <span>{_text(note)}</span></li>"
    yield "</ul>"


def _scores(columns: Sequence[Column], tallies: Sequence[Tally]) -> Iterator[str]:
    groups = [by_protocol(column) for column in columns]
    protocols = sorted({name for found in groups for name in found if found[name].of}, key=_protocol_place)
    wrong = [faults(column) for column in columns]
    kinds = [kind for kind in KINDS if any(kind in found for found in wrong)]
    yield from _heads(protocols, kinds)
    for column, found, by, by_kind in zip(columns, tallies, groups, wrong, strict=True):
        link = _link(_text(column.adapter), adapter=column.label)
        version = f'<span class="version">{_text(column.label.removeprefix(column.adapter).strip())}</span>'
        flag = "" if column.sound else ' <span class="flag" title="see the notes above">incomplete</span>'
        yield f'<tr><th scope="row">{link} {version}{flag}</th><td class="wide">{_bar(found)}</td>'
        if no_score(column):
            wide = 3 + len(protocols) + len(kinds)
            yield f'<td class="number none" colspan="{wide}" title="see the notes above">no score</td></tr>'
            continue
        yield f'<td class="number share">{percent(found.right, found.of)}</td>'
        yield f'<td class="number of">{_of(found.right, found.of)}</td>'
        share = percent(found.offered, found.musts)
        yield f'<td class="number of" title="{found.offered:,} of {found.musts:,} facts">{share}</td>'
        yield from (_score(column, name, by.get(name)) for name in protocols)
        yield from (_fault(column, kind, by_kind[kind], found.of) for kind in kinds)
        yield "</tr>"
    yield "</tbody>"


def _heads(protocols: Sequence[str], kinds: Sequence[str]) -> Iterator[str]:
    yield '<thead><tr class="over"><td></td><td class="wide"></td><td colspan="3"></td>'
    for words, names in (("Right, by protocol", protocols), ("Streams with a fault, by its kind", kinds)):
        yield f'<th scope="colgroup" colspan="{len(names)}">{words}</th>' if names else ""
    yield '</tr><tr><th scope="col">Adapter</th><th scope="col" class="wide">Verdicts</th>'
    yield '<th scope="col" class="number" colspan="2">Right</th><th scope="col" class="number">Offered</th>'
    for name in protocols:
        yield f'<th scope="col" class="protocol" title="{_text(name)}">{_text(SHORT_NAMES.get(name, name))}</th>'
    yield from (f'<th scope="col" class="kind">{_text(kind)}</th>' for kind in kinds)
    yield "</tr></thead><tbody>"


def _fault(column: Column, kind: str, number: int, of: int) -> str:
    if not number:
        return '<td class="fault none"><span aria-hidden="true">·</span><span class="unseen">0</span></td>'
    step = sum(100 * number < most * of for most in _FAULT_STEPS)
    link = _link(f"{number:,}", adapter=column.label, verdict=FAULT_VERDICTS.get(kind, _FAULT_WORDS))
    return f'<td class="fault f{step}">{link}</td>'


def _score(column: Column, protocol: str, found: Tally | None) -> str:
    if found is None or not found.of:
        return '<td class="score none"><span aria-hidden="true">&ndash;</span><span class="unseen">no cell</span></td>'
    step = sum(100 * found.share >= least for least in _STEPS)
    link = _link(_of(found.right, found.of), adapter=column.label, protocol=protocol)
    return f'<td class="score s{step}">{link}</td>'


def _of(part: int, of: int) -> str:
    return f"{part:,}<small>/{of:,}</small>"


def _bar(found: Tally) -> str:
    """A bar of the cells that count, each verdict by its share, those that are right first; its words are the title and
    what a screen reader says."""
    words = ", ".join(f"{found.counted[v]:,} {v.word.replace('_', ' ')}" for v in _BAR if found.counted[v])
    rects, at = [], 0.0
    for verdict in _BAR:
        share = 100 * found.counted[verdict] / max(found.of + found.counted[Verdict.HARNESS], 1)
        if share:
            rects.append(f'<rect class="b-{verdict.word}" x="{at:.3f}%" width="{share:.3f}%" height="100%"/>')
        at += share
    return f'<svg class="bar" role="img" aria-label="{words}"><title>{words}</title>{"".join(rects)}</svg>'


def _link(inner: str, **state: str) -> str:
    return f'<a href="#{escape(urlencode(state, errors="replace"))}">{inner}</a>'


def _protocol_place(name: str) -> tuple[int, str]:
    return (PROTOCOLS.index(name) if name in PROTOCOLS else len(PROTOCOLS), name)


def _hardest(index: Mapping[str, Any]) -> Iterator[str]:
    """The cases that most adapters fail, in at least one cell."""
    ranks = []
    for case, title, _, cells in index["cases"]:
        by_adapter = list(zip(*(letters for *_, letters in cells), strict=True))
        failed = sum(not _FAILING.isdisjoint(letters) for letters in by_adapter)
        asked = sum(not (_FAILING | _RIGHT).isdisjoint(letters) for letters in by_adapter)
        if failed:
            ranks.append((-failed, asked, case, title))
    if not ranks:
        return
    several = len(index["adapters"]) > 1
    yield f"<h2>{'Hardest streams' if several else 'Failed streams'}</h2><ol>"
    for failed, asked, case, title in sorted(ranks)[:HARDEST]:
        count = f'<span class="count">{-failed} of {asked}</span>' if several else ""
        yield f"<li>{count}{_link(_text(title or case), case=case)}</li>"
    yield "</ol>"


def _noted(columns: Sequence[Column]) -> str:
    number = sum(len(column.notes) for column in columns)
    return f", and {number} {'note' if number == 1 else 'notes'}" if number else ""


def _runs(columns: Sequence[Column]) -> Iterator[str]:
    for column in columns:
        yield f"<h3>{_text(column.label)}</h3>"
        if column.notes:
            yield f"<ul>{''.join(f'<li>{_text(note)}</li>' for note in column.notes)}</ul>"
        for header in column.headers[:10] or [{}]:
            yield "<dl>"
            for name, value in header.items():
                if name in ("kind", "schema", "adapter") or value in (None, "", [], {}):
                    continue
                yield f"<dt>{_text(name)}</dt><dd>{_text(one_line(_words(value), 600))}</dd>"
            yield "</dl>"


def _words(value: object) -> str:
    """A value of a header for readers."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(part)}" for name, part in value.items())
    if isinstance(value, list):
        return " ".join(map(_words, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
