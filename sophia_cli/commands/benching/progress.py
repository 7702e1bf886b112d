"""Live percentiles on standard error while a bench runs: redrawn on a terminal, nothing otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from sophia_cli.bench.engine.counted import Second
from sophia_cli.bench.judging.histogram import Histogram
from sophia_cli.commands.command_line.progress import RedrawnLine


class BenchProgress:
    """Draws `load: 4 s, 5120 answers/s, p50 3.9 p95 6.1 p99 8.0 ms, 0 errors` after every window."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str], quiet: bool) -> None:
        self._line = RedrawnLine(stream, environment, quiet)

    def show(self, part: str, seconds: tuple[Second, ...]) -> None:
        """Draw what was measured so far; nothing where nobody looks."""
        if self._line.is_shown:
            self._line.draw(progress_text(part, seconds))

    def clear(self) -> None:
        """Take the line away; call it before anything else is written."""
        self._line.clear()


def progress_text(part: str, seconds: tuple[Second, ...]) -> str:
    """Return the line for the windows so far."""
    if not seconds:
        return f"{part}: warming up"
    latencies = Histogram()
    for second in seconds:
        latencies.merge(second.latencies)
    elapsed = seconds[-1].start_s + seconds[-1].length_s
    failed = sum(second.failures for second in seconds)
    if not latencies.total:
        return f"{part}: {elapsed:.0f} s, no answer, {failed} errors"
    p50, p95, p99 = latencies.percentiles((0.5, 0.95, 0.99))
    per_second = latencies.total / elapsed
    return f"{part}: {elapsed:.0f} s, {per_second:.0f}/s, p50 {p50:.3g} p95 {p95:.3g} p99 {p99:.3g} ms, {failed} errors"
