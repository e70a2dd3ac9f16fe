"""Rules that recompute: what a case says about its bytes is held against what the bytes give."""

from __future__ import annotations

from collections.abc import Iterator

from .. import jsontext, snapshot
from ..errors import CassetteError
from ..requirements import check, shown
from ..timeline import timeline
from .subject import TODO, Fault, Rule, Subject


def requirements(subject: Subject) -> Iterator[Fault]:
    """A MUST or SHOULD that the bytes contradict, as some provider's row reads them."""
    try:
        rows = subject.case.rows()
    except CassetteError:
        return  # `providers` says so
    read = {repr(rows[0].quirks): subject.stories[0]}
    for row in rows:
        key = repr(row.quirks)
        if key not in read:
            read[key] = timeline(subject.interactions[0], subject.protocol, row.quirks, subject.n)
        document = snapshot.document(read[key])
        document = {**document.pop("completion"), **document}
        for number, requirement in enumerate(subject.case.requirements):
            finding = check(requirement, document)
            if not finding.verdict.ok:
                yield Fault(
                    f"metadata.requirements[{number}]",
                    f"{finding.requirement} ({finding.level}) does not hold for {row.name}: {finding.path} is "
                    f"{finding.got}, expected {finding.expected}, decided by {read[key].place(requirement.path)}",
                )
        if len(read) == 1:
            return  # all rows read alike


def stored(subject: Subject) -> Iterator[Fault]:
    """A case without an accepted snapshot, or one whose bytes give something else by now."""
    if subject.root is None or not snapshot.folder(subject.root).is_dir():
        return  # a suite of somebody else's, which keeps none
    path = snapshot.path(subject.root, subject.id)
    name = str(path.relative_to(subject.root))
    if not path.exists():
        todo = any(requirement["source"]["ref"].startswith(TODO) for requirement in subject.metadata["requirements"])
        when = "When the requirements stand, run" if todo else "Run"
        yield Fault(name, "no snapshot yet", f"{when} `streamproof accept {subject.id}`.")
        return
    text, got = path.read_text(encoding="utf-8"), snapshot.document(subject.stories[0])
    if text == snapshot.text(got):
        return
    try:
        accepted = jsontext.loads(text)
    except ValueError as error:
        yield Fault(name, f"no JSON: {error}")
        return
    again = f"Read it against the source, then run `streamproof accept {subject.id}`."
    found = False
    for key in snapshot.KEYS:
        one = accepted.get(key) if isinstance(accepted, dict) else None
        for member in snapshot.names(one, got[key]):
            old, new = (tree.get(member) if isinstance(tree, dict) and member else tree for tree in (one, got[key]))
            if old != new:
                found = True
                where = f"{key}.{member}" if member else key
                yield Fault(name, f"{where} is {shown(old)} in the snapshot, the bytes give {shown(new)}", again)
    if not found:
        yield Fault(name, "the same values, written in another form", again)


RULES: tuple[Rule, ...] = (
    Rule(
        id="requirement",
        check=requirements,
        remedy="Mend the bytes, the requirement after its source, or the decoder; `streamproof show` helps to tell.",
    ),
    Rule(id="snapshot", check=stored, remedy="Write it with `streamproof accept`."),
)
