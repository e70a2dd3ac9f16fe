"""Results as a pyperf file and as the table in docs/performance.md."""

from __future__ import annotations

import platform
import statistics
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from .figures import Figure, Section

BEGIN, END = "<!-- results: written by `nox -s bench` -->", "<!-- end of results -->"
_SCALES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def write_json(path: Path, sections: list[Section]) -> None:
    """Every value of every figure; `python -m pyperf show` reads it."""
    import pyperf  # noqa: PLC0415 - only for the file

    # not what pyperf collects by itself: host name, paths and build flags are nobody's business
    machine = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cpu_model_name": _processor(),
        "platform": f"{platform.system()} {platform.machine()}",
        "python_version": platform.python_version(),
    }
    benchmarks = []
    for section in sections:
        for figure in section.figures:
            named = {"name": f"{section.key}: {figure.name}", "unit": "second", "per": figure.unit}
            metadata: dict[str, str | float] = {**machine, **named}
            if figure.ratio is not None:
                metadata["ratio"] = round(figure.ratio, 4)
            run = pyperf.Run([max(value, 1e-12) for value in figure.values], metadata=metadata, collect_metadata=False)
            benchmarks.append(pyperf.Benchmark([run]))
    pyperf.BenchmarkSuite(benchmarks).dump(str(path), replace=True)


def write_table(path: Path, sections: list[Section], command: str) -> None:
    """Put the tables between the marks of a document."""
    text = path.read_text("utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n\n{described(command)}\n\n{tables(sections)}\n{END}{after}", "utf-8")


def described(command: str) -> str:
    """Machine, date, versions, command."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("openai", "anthropic", "google-genai", "vcrpy"))
    return (
        f"Machine: {_processor()}, {platform.system()} {platform.machine()}.\n"
        f"Python {platform.python_version()}, {versions}.\n"
        f"Date: {datetime.now(UTC):%Y-%m-%d}. Command: `{command}`."
    )


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.processor() or "unknown"


def tables(sections: list[Section]) -> str:
    """All sections."""
    return "\n".join(_table(section) for section in sections)


def _table(section: Section) -> str:
    rows = "\n".join(_row(figure) for figure in section.figures)
    return f"### {section.title}\n\n{section.work}\n\n| | median | ratio | target | |\n|---|---|---|---|---|\n{rows}\n"


def _row(figure: Figure) -> str:
    ratio = "" if figure.ratio is None else f"{figure.ratio:.3g}"
    met = {None: "", True: "met", False: "**missed**"}[figure.met]
    return f"| {figure.name} | {amount(figure)} | {ratio} | {_target(figure)} | {met} |"


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    bound = f"{figure.target:g}" if figure.ratio is not None else _scaled(figure.target, figure.unit)
    return f"at {'least' if figure.at_least else 'most'} {bound}"


def amount(figure: Figure) -> str:
    """The median with its unit."""
    return _scaled(statistics.median(figure.values), figure.unit)


def _scaled(value: float, unit: str) -> str:
    if not unit.startswith("s"):
        return f"{value:.3g} {unit}"
    scale, prefix = next((pair for pair in _SCALES if value >= pair[0]), _SCALES[-1])
    return f"{value / scale:.3g} {prefix}{unit}"
