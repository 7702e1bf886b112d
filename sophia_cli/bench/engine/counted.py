"""What the workers of a load counted, put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.engine.window import Stage, Usage, Window
from sophia_cli.bench.judging.histogram import Histogram
from sophia_cli.core.values import dataclass, field

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Second:
    """What all workers measured in one window."""

    start_s: float
    length_s: float
    latencies: Histogram
    failures: int


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load. `answered` counts the answers within the measured time, without those waited for after it.

    `busiest` is the largest share of a core that a worker used, `waited` the largest share of the time that one was
    kept waiting for a core, `wait_ms` how long one such wait took on average.
    """

    warm_up_s: float
    was_steady: bool
    measured_s: float
    seconds: tuple[Second, ...]
    latencies: Histogram
    lags: Histogram
    failures: Counter[Failure]
    statuses: Counter[int]
    answered: int
    cpu_s: float
    busiest: float
    waited: float
    wait_ms: float
    processes: int


@dataclass(frozen=True, slots=True)
class Counted:
    """The windows of one worker so far: of its warm-up, and of what it measured."""

    warm_up: list[Window] = field(default_factory=list)
    measured: list[Window] = field(default_factory=list)

    def add(self, window: Window) -> None:
        """Take in the next window."""
        (self.warm_up if window.stage is Stage.WARM_UP else self.measured).append(window)


def seconds_of(workers: Sequence[Counted]) -> tuple[Second, ...]:
    """Return the windows that every worker has finished, without those for the answers waited for at the end."""
    lists = [[window for window in worker.measured if window.stage is Stage.MEASURED] for worker in workers]
    seconds: list[Second] = []
    start_ns = _begin_ns(workers)
    for group in zip(*lists, strict=False):
        latencies = Histogram()
        for window in group:
            latencies.add_packed(window.latencies)
        begun = min(window.start_ns for window in group)
        length = (max(window.end_ns for window in group) - begun) / _NS
        failures = sum(count for window in group for _, count in window.failures)
        seconds.append(Second((begun - start_ns) / _NS, length, latencies, failures))
    return tuple(seconds)


def load_of(workers: Sequence[Counted], was_steady: bool) -> Load:
    """Return the load that the workers made, all of which have measured."""
    start_ns = _begin_ns(workers)
    latencies, lags = Histogram(), Histogram()
    failures: Counter[Failure] = Counter()
    statuses: Counter[int] = Counter()
    answered = 0
    windows = [window for worker in workers for window in worker.measured]
    for window in windows:
        before = latencies.total
        latencies.add_packed(window.latencies)
        lags.add_packed(window.lags)
        failures.update(dict(window.failures))
        statuses.update(dict(window.statuses))
        if window.stage is Stage.MEASURED:
            answered += latencies.total - before
    uses = [_use(worker) for worker in workers]
    stops = [window.end_ns for window in windows if window.stage is Stage.MEASURED]
    return Load(
        warm_up_s=(start_ns - min(worker.warm_up[0].start_ns for worker in workers)) / _NS,
        was_steady=was_steady,
        measured_s=(max(stops) - start_ns) / _NS,
        seconds=seconds_of(workers),
        latencies=latencies,
        lags=lags,
        failures=failures,
        statuses=statuses,
        answered=answered,
        cpu_s=sum(use.cpu_ns for use, _ in uses) / _NS,
        busiest=max(use.cpu_ns / wall for use, wall in uses),
        waited=max(use.waited_ns / wall for use, wall in uses),
        wait_ms=max(use.waited_ns / max(1, use.slices) for use, _ in uses) / 1e6,
        processes=len(workers),
    )


def _begin_ns(workers: Sequence[Counted]) -> int:
    """Return when the first worker began to measure; 0 before any has."""
    return min((worker.measured[0].start_ns for worker in workers if worker.measured), default=0)


def _use(worker: Counted) -> tuple[Usage, int]:
    """Return what a worker used while it measured, and how long that took."""
    first, last = worker.warm_up[-1], worker.measured[-1]
    use = Usage(
        last.used.cpu_ns - first.used.cpu_ns,
        last.used.waited_ns - first.used.waited_ns,
        last.used.slices - first.used.slices,
    )
    return use, max(1, last.end_ns - first.end_ns)
