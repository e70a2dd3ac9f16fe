"""What a run is asked to do, as the command line and the header of its NDJSON say it."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from ..adapters.limits import DEFAULTS, Limits
from ..capabilities import Capabilities
from ..case import all_cases, readable, select
from ..cell import Cell, cells, with_plans
from ..cli_support import Damage
from ..errors import UsageError
from ..outcome import Outcome, header
from ..wire.plans import Plan
from .external import Target, started
from .ours import ADAPTERS, in_process


class Runner(Protocol):
    """An adapter that is ready to be asked."""

    @property
    def name(self) -> str:
        """As the adapter names itself."""
        ...

    @property
    def versions(self) -> Mapping[str, str]:
        """What a result depends on."""
        ...

    @property
    def tier(self) -> str:
        """How the network is kept out."""
        ...

    @property
    def capabilities(self) -> Capabilities | None:
        """What it declares, None for ours, which offer all."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What somebody has to look at, and no cell is to blame for."""
        ...

    def outcomes(self, cells: Sequence[Cell], *, laws: bool = False) -> Iterator[Outcome]:
        """Run cells one by one. laws: those too that make calls of their own."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One run. adapter: a name of ours or `package.module:Class`; command: instead of it. patterns: of cases.
    provider: None for all. plans: texts of wire plans, none for the body as stored. laws: those too that make calls of
    their own."""

    adapter: str = "reference"
    command: str = ""
    patterns: tuple[str, ...] = ()
    provider: str | None = None
    sync: bool = False
    plans: tuple[str, ...] = ()
    laws: bool = False
    seed: int = 0
    limits: Limits = field(default=DEFAULTS)

    def __post_init__(self) -> None:
        if not self.command and ":" not in self.adapter and self.adapter not in ADAPTERS:
            raise UsageError(
                f"no adapter {self.adapter!r}",
                remedy=f"one of {', '.join(ADAPTERS)}, your own as package.module:Class, or --command CMD",
            )

    @property
    def external(self) -> bool:
        """Whether the adapter lives in another process."""
        return bool(self.command) or ":" in self.adapter

    @property
    def option(self) -> str:
        """How the adapter is asked for on the command line."""
        return self._target().option if self.external else f"--adapter {self.adapter}"

    def _target(self) -> Target:
        return Target(command=self.command) if self.command else Target(adapter=self.adapter)

    @property
    def partial(self) -> list[str]:
        """What keeps it from running every case for every provider as stored, in words."""
        said = {
            "only some cases (" + " ".join(self.patterns) + ")": self.patterns,
            f"only provider {self.provider}": self.provider,
            "wire plans (" + " ".join(self.plans) + ")": self.plans,
        }
        return [what for what, is_so in said.items() if is_so]

    def cells(self, damage: Damage) -> list[Cell]:
        """What there is to run. Raises UsageError when that is nothing."""
        cases = readable(select(all_cases(damaged=damage), self.patterns), damage)
        chosen = cells(cases, self.provider, sync=self.sync)
        plans = [Plan.parse(plan) for plan in dict.fromkeys(self.plans)]
        return with_plans(chosen, plans) if plans else chosen

    @contextmanager
    def runner(self) -> Iterator[Runner]:
        """The adapter, ready. Raises AdapterError when it does not start."""
        if not self.external:
            with in_process(self.adapter, self.limits.seconds) as ours:
                yield ours
            return
        with started(self._target(), self.limits) as theirs:
            yield theirs

    # -- as the header holds it

    def header(self, runner: Runner, count: int) -> dict[str, Any]:
        """The first line of the NDJSON: what is needed to run this again. count: of cells."""
        more = {
            **self._asked(),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "date": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "limits": self.limits.to_json() if self.external else {"seconds": self.limits.seconds},
        }
        if runner.capabilities is not None:
            more["capabilities"] = runner.capabilities.to_json()
        return header(runner.name, count, runner.versions, runner.tier, self.seed, more)

    def _asked(self) -> dict[str, Any]:
        document: dict[str, Any] = {"command": self.command} if self.command else {"target": self.adapter}
        return {
            **document,
            "patterns": list(self.patterns),
            "provider": self.provider,
            "plans": list(self.plans),
            "sync": self.sync,
            "laws": self.laws,
            "seed": self.seed,
        }

    @classmethod
    def of_header(cls, header: Mapping[str, Any]) -> Request:
        """The request that a header tells of. Raises UsageError for one that does not tell enough."""
        if not ("command" in header or "target" in header):
            raise UsageError("the header does not say which adapter ran", remedy="begin the run anew")
        limits = {name: header["limits"][name] for name in header.get("limits", {}) if hasattr(DEFAULTS, name)}
        return cls(
            adapter=header.get("target", "reference"),
            command=header.get("command", ""),
            patterns=tuple(header.get("patterns", ())),
            provider=header.get("provider"),
            sync=header.get("sync", False),
            laws=header.get("laws", False),
            plans=tuple(header.get("plans", ())),
            seed=header.get("seed", 0),
            limits=replace(DEFAULTS, **limits),
        )

    def differences(self, other: Request) -> list[str]:
        """Where another request asks for something else that changes results, as `name: this, not that`."""
        mine, theirs = self._asked(), other._asked()
        names = dict.fromkeys([*mine, *theirs])
        return [f"{n}: {mine.get(n)!r}, not {theirs.get(n)!r}" for n in names if mine.get(n) != theirs.get(n)]
