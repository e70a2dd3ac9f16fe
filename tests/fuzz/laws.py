"""What must hold for every input, whatever its damage; `Broken` says which law does not.

The adapters are run as the suite runs them: a cassette, a playback, a provider's row.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from streamproof import jsontext
from streamproof.adapters.contract import Adapter, Call, Endpoint
from streamproof.adapters.wire import WireAdapter
from streamproof.cassette import Cassette, Interaction
from streamproof.completion import Completion, Delta
from streamproof.errors import LLMError
from streamproof.fold import fold
from streamproof.replay.transport import Playback, Split, whole
from streamproof.schemas import problems

from .limits import MemoryExceededError, limited
from .mutations import Input
from .terminals import holds_terminal

LAWS: Mapping[str, str] = {
    "ends": "an adapter returns a Completion, or raises an LLMError that carries one",
    "time": "it does so in time",
    "memory": "it does so in bounded memory",
    "status": "a completion has an error unless it is complete, and is raised exactly then",
    "terminal": "a completion is complete only when the body holds a terminal event",
    "fold": "the deltas fold to the completion",
    "json": "the completion is the same when it is read back from its JSON",
    "schema": "its JSON is what the schema says",
    "split": "the same bytes in other chunks give the same",
    "agree": "the reference adapter says what the wire adapter says",
}
"""What holds for every input, by name; the last two compare two runs."""


class Broken(Exception):
    """A law that an input breaks. law: a key of LAWS. message: how."""

    def __init__(self, law: str, message: str) -> None:
        super().__init__(f"{law}: {message}")
        self.law, self.message = law, message


class Seen(NamedTuple):
    """What one run of an adapter gave. kinds: of its diagnostics."""

    completion: Completion
    deltas: list[Delta]
    kinds: tuple[str, ...]


Law: TypeAlias = Callable[[Input], Seen]
"""Runs an input through an adapter and checks it. Raises Broken."""


def wire(given: Input) -> Seen:
    """All laws through the wire adapter: in one piece, and in the input's chunks."""
    seen = checked(given, WireAdapter(), whole)
    if given.cuts:
        split = checked(given, WireAdapter(), _chunks(given), again=True)
        if _told(split) != _told(seen):
            raise Broken("split", f"{_difference(seen.completion, split.completion)} in {len(given.cuts) + 1} chunks")
    return seen


class Reference:
    """All laws through the reference adapter, sync and async in turn."""

    def __init__(self) -> None:
        from streamproof.adapters.reference import ReferenceAdapter  # noqa: PLC0415 - the SDKs take a second

        self._adapters = ReferenceAdapter(), ReferenceAdapter(sync=True)
        self._count = 0

    def __call__(self, given: Input) -> Seen:
        self._count += 1
        seen = checked(given, self._adapters[self._count % 2], _chunks(given))
        if given.content_encoding is None:  # otherwise httpx undoes it, with messages of its own
            expected = checked(given, WireAdapter(), whole)
            if seen.completion.to_json() != expected.completion.to_json() and given.status == 200:
                raise Broken("agree", _difference(expected.completion, seen.completion))
        return seen


ADAPTERS: Mapping[str, Callable[[], Law]] = {"wire": lambda: wire, "reference": Reference}


def _chunks(given: Input) -> Split:
    return lambda _: given.chunks()


def checked(given: Input, adapter: Adapter, split: Split, *, again: bool = False) -> Seen:
    """One run, held against all laws that need no other. again: only what a second delivery could change."""
    seen = _run(given, adapter, split)
    completion = seen.completion
    if completion.status == "complete" and given.status >= 300:
        raise Broken("terminal", f"complete under HTTP {given.status}")
    document = completion.to_json()
    if fold(seen.deltas).to_json() != document:
        raise Broken("fold", _difference(completion, fold(seen.deltas)))
    if again:
        return seen
    readable = completion.status == "complete" and given.content_encoding is None
    if readable and not holds_terminal(given.row.protocol, given.body):
        raise Broken("terminal", "complete, and no terminal event in the body")
    text = jsontext.dumps(document)
    if jsontext.dumps(Completion.from_json(jsontext.loads(text)).to_json()) != text:
        raise Broken("json", "another completion when read back from its JSON")
    if (shape := _shape(document)) not in _SOUND:
        if found := problems("completion", document):
            raise Broken("schema", f"{found[0].place}: {found[0].message}")
        _SOUND.add(shape)
    return seen


def _run(given: Input, adapter: Adapter, split: Split) -> Seen:
    headers = {"content-type": given.content_type, "content-encoding": given.content_encoding}
    interaction = Interaction(
        method="POST",
        uri=given.row.url("m"),
        status=given.status,
        headers={name: [value] for name, value in headers.items() if value is not None},
        body=given.body,
    )
    playback = Playback(Cassette(interactions=(interaction,)), given.row, "m", split)
    options: dict[str, Any] = {} if given.n is None else {"n": given.n}
    call = Call(model="m", messages=[{"role": "user", "content": "?"}], options=options)
    deltas: list[Delta] = []
    raised: LLMError | None = None
    try:
        with limited():
            answer: Any = adapter.run(call, Endpoint(provider=given.row, playback=playback), deltas.append)
            if inspect.isawaitable(answer):
                answer = _loop().run_until_complete(answer)
    except TimeoutError as late:
        raise Broken("time", str(late)) from late
    except (MemoryExceededError, MemoryError) as much:
        raise Broken("memory", str(much)) from much
    except LLMError as error:
        raised, answer = error, error.partial
    except Exception as exception:
        raise Broken("ends", f"{type(exception).__name__}: {exception}") from exception
    if not isinstance(answer, Completion):
        raise Broken("ends", f"{type(raised or answer).__name__} without a completion")
    if not (raised is None) == (answer.error is None) == (answer.status == "complete"):
        how = "returned" if raised is None else f"raised as {type(raised).__name__}"
        raise Broken("status", f"{answer.status} with error {answer.error}, {how}")
    shown = getattr(adapter, "shown", None)
    return Seen(answer, deltas, tuple(d.kind for d in shown.diagnostics) if shown else ())


_LOOPS: list[asyncio.AbstractEventLoop] = []


def _loop() -> asyncio.AbstractEventLoop:
    """One loop for all runs: a new one costs more than a run."""
    if not _LOOPS:
        _LOOPS.append(asyncio.new_event_loop())
    return _LOOPS[0]


def _told(seen: Seen) -> tuple[dict[str, Any], tuple[str, ...]]:
    return seen.completion.to_json(), seen.kinds


def _difference(expected: Completion, got: Completion) -> str:
    """The first field that differs."""
    a, b = expected.to_json(), got.to_json()
    for name in a.keys() | b.keys():
        if a.get(name) != b.get(name):
            return f"{name} is {str(b.get(name))[:200]} instead of {str(a.get(name))[:200]}"
    return "other diagnostics"


_SOUND: set[Any] = set()
"""Shapes of documents that the schema has been held against: validating one costs more than decoding its stream."""

_WORDS = {"type", "status", "kind", "phase"}
_ANYTHING = {"raw_usage", "data", "annotations", "citations", "safety_ratings"}


def _shape(value: Any, key: str = "") -> Any:
    """All that a schema can tell: types, keys, the words that schemas list, signs of numbers."""
    if isinstance(value, dict):
        if key in _ANYTHING or key == "extra":
            return "object"
        return frozenset((name, _shape(inner, name)) for name, inner in value.items())
    if isinstance(value, list):
        return "list" if key in _ANYTHING else ("list", frozenset(_shape(item) for item in value))
    if isinstance(value, str):
        return value if key in _WORDS and len(value) < 40 else "text"
    return (type(value).__name__, value < 0) if isinstance(value, int | float) else "null"
