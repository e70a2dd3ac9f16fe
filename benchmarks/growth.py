"""Time and memory with the size of a stream: 100 KB, 1 MB, 10 MB."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

from streamproof.decoders.stream import StreamDecoder

from .figures import Figure, Section
from .interleaved import interleaved
from .streams import of_size

SIZES = {"100 KB": 100_000, "1 MB": 1_000_000, "10 MB": 10_000_000}
READ = 16 * 1024


def sections(rounds: int) -> list[Section]:
    """One for each framing of the body."""
    few = max(3, rounds // 4)
    return [_section(protocol, few) for protocol in ("openai_chat", "gemini_generate_content")]


def _section(protocol: str, rounds: int) -> Section:
    bodies = {name: of_size(protocol, size).body for name, size in SIZES.items()}
    contenders = {name: _decoding(protocol, body) for name, body in bodies.items()}
    times = interleaved(contenders, rounds)
    per_byte = {name: [s / len(bodies[name]) for s in times.rounds[name]] for name in SIZES}
    base = sorted(per_byte["100 KB"])[rounds // 2]
    figures = [
        Figure(name, per_byte[name], "s/byte", sorted(per_byte[name])[rounds // 2] / base, 1.25) for name in SIZES
    ]
    for name in SIZES:
        peak, text = _memory(protocol, bodies[name])
        figures.append(Figure(f"{name}: memory per byte of the body", [peak / len(bodies[name])], "B/byte"))
        figures.append(Figure(f"{name}: memory per character of the result", [peak / text], "B/char"))
    work = f"Decoding bodies in reads of {READ // 1024} KB, deltas let go. CPU time per byte; linear is a ratio of 1."
    return Section(f"growth/{protocol}", f"Growth with the size of a stream: {protocol}", work, figures)


def _decoding(protocol: str, body: bytes) -> Callable[[], StreamDecoder]:
    def run() -> StreamDecoder:
        decoder = StreamDecoder(protocol, content_type="text/event-stream")
        for at in range(0, len(body), READ):
            decoder.feed(body[at : at + READ])
        decoder.end()
        assert decoder.completion.status == "complete"
        return decoder

    return run


def _memory(protocol: str, body: bytes) -> tuple[int, int]:
    """The most bytes that decoding held at once, and the characters of what came out."""
    tracemalloc.start()
    completion = _decoding(protocol, body)().completion
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    calls = sum(len(call.arguments) for call in completion.tool_calls)
    return peak, calls + sum(len(getattr(part, "text", "")) for part in completion.content)
