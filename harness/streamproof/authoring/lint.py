"""`streamproof lint`: every rule over every file, and the rules that need the whole suite."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from .. import snapshot
from ..errors import UsageError
from . import rules_metadata, rules_secret, rules_truth, rules_wire
from .subject import TODO, Fault, Finding, Rule, Subject

RULES: tuple[Rule, ...] = (*rules_metadata.RULES, *rules_secret.RULES, *rules_wire.RULES, *rules_truth.RULES)
"""What is asked of each file, in the order of the findings."""


class SuiteRule(NamedTuple):
    """What is asked of a whole suite. check: takes its root and the subjects; yields (file, fault)."""

    id: str
    check: Callable[[Path, Sequence[Subject]], Iterator[tuple[Path, Fault]]]
    remedy: str

    @property
    def summary(self) -> str:
        """The first line of the check's docstring: what it finds."""
        return (self.check.__doc__ or "").partition("\n")[0]


def orphans(root: Path, subjects: Sequence[Subject]) -> Iterator[tuple[Path, Fault]]:
    """A snapshot that a case left behind when it went away or was renamed."""
    folder, ids = snapshot.folder(root), {subject.id for subject in subjects}
    for path in sorted(folder.rglob("*.json")):
        case = path.relative_to(folder).with_suffix("").as_posix()
        if case not in ids:
            yield path, Fault("", f"there is no case {case}")


def aliases(root: Path, subjects: Sequence[Subject]) -> Iterator[tuple[Path, Fault]]:
    """A renamed id that leads nowhere or to another alias, or that a new case has taken."""
    path, ids = root / "conformance" / "aliases.toml", {subject.id for subject in subjects}
    if not path.exists():
        return
    try:
        renamed = tomllib.loads(path.read_text(encoding="utf-8")).get("aliases", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        yield path, Fault("", str(error))
        return
    for old, new in renamed.items():
        if old in ids:
            yield path, Fault(old, "an id of the past that is a case's again; an id is never used for something else")
        elif new not in ids:
            what = "an alias itself" if new in renamed else "no case"
            yield path, Fault(old, f"leads to {new!r}, {what}")


def titles(root: Path, subjects: Sequence[Subject]) -> Iterator[tuple[Path, Fault]]:  # noqa: ARG001 - as its siblings
    """Two cases of a protocol with one title, which a listing cannot tell apart."""
    known: defaultdict[tuple[str, str], list[Subject]] = defaultdict(list)
    for subject in subjects:
        if subject.fault is None and not str(subject.metadata["title"]).startswith(TODO):
            known[subject.protocol, str(subject.metadata["title"]).lower()].append(subject)
    for first, *others in known.values():
        for other in others:
            yield other.path, Fault("metadata.title", f"that of {first.id} too: {other.metadata['title']!r}")


SUITE_RULES: tuple[SuiteRule, ...] = (
    SuiteRule("orphan", orphans, "Remove it, or restore the case."),
    SuiteRule("alias", aliases, "Mend conformance/aliases.toml: old id = the case's id now."),
    SuiteRule("same-title", titles, "Say what is special about each."),
)
"""What is asked of a suite as a whole, when all of it is under lint."""


UNREADABLE = "readable"
"""The rule whose findings mean that a file could not be checked."""


def checked_rules(ids: Collection[str]) -> Collection[str]:
    """The ids as they are, with `readable`. Raises UsageError for one that is none."""
    known = [*(rule.id for rule in RULES), *(rule.id for rule in SUITE_RULES)]
    for asked in ids:
        if asked not in known:
            raise UsageError(f"no rule {asked!r}", remedy=f"one of: {', '.join(known)}")
    return {*ids, UNREADABLE} if ids else ids


def rule_lines() -> Iterator[str]:
    """Every rule: its id, and what it finds."""
    rules: tuple[Rule | SuiteRule, ...] = (*RULES, *SUITE_RULES)
    for rule in rules:
        yield f"{rule.id:<12}  {rule.summary}"


def nearby(path: Path) -> Path:
    """The path as seen from the working folder, when it is below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def files_of(paths: Iterable[Path]) -> list[Path]:
    """The cassettes that paths mean: files as they are, folders with every .yaml and .yml below them, each once.

    Raises UsageError for a path that is not there, or a folder that holds none.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            below = sorted(p for p in path.rglob("*") if p.suffix in (".yaml", ".yml") and p.is_file())
            if not below:
                raise UsageError("a folder without cassettes", file=str(path), remedy="name a folder that holds some")
            found |= dict.fromkeys(below)
        elif path.exists():
            found[path] = None
        else:
            raise UsageError("no such file or folder", file=str(path), remedy="check the path")
    return list(found)


def lint(
    files: Sequence[Path],
    rules: Collection[str] = (),
    *,
    suite: Path | None = None,
    advance: Callable[[Path], object] = lambda _: None,
) -> Iterator[Finding]:
    """The findings in these files, file by file.

    rules: ids; all without any. suite: its root, when the files are all of its cases, for the rules about the whole.
    advance: called with each file when it is done.
    """
    subjects = []
    for path in files:
        subject = Subject(path)
        yield from _findings(subject, rules)
        advance(path)
        if suite is not None:
            subjects.append(subject)
            _forget(subject)
    if suite is not None:
        for rule in SUITE_RULES:
            if not rules or rule.id in rules:
                for path, fault in rule.check(suite, subjects):
                    yield _finding(path, "", rule, fault)


def _findings(subject: Subject, rules: Collection[str]) -> Iterator[Finding]:
    for rule in RULES:
        if (rules and rule.id not in rules) or not _sound(subject, rule.needs):
            continue
        for fault in rule.check(subject):
            yield _finding(subject.path, subject.id, rule, fault)


def _sound(subject: Subject, needs: str) -> bool:
    if needs == "nothing":
        return True
    return subject.foreign_fault is None if needs == "cassette" else subject.fault is None


def _finding(path: Path, case: str, rule: Rule | SuiteRule, fault: Fault) -> Finding:
    return Finding(str(path), case, fault.place, rule.id, fault.message, fault.remedy or rule.remedy)


def _forget(subject: Subject) -> None:
    """Streams are large, and the rules about the whole need metadata alone."""
    for name in ("stories", "data"):
        subject.__dict__.pop(name, None)
