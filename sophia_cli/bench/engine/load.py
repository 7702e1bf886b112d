"""One load on one target: starts the workers, watches the warm-up, says when to measure, and merges what they count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

from sophia_cli.bench.connecting.target import Request, Target, Trust
from sophia_cli.bench.engine.counted import Load, Second, load_of, seconds_of
from sophia_cli.bench.engine.pacing import Pace
from sophia_cli.bench.engine.run_state import Measure
from sophia_cli.bench.engine.steady import is_steady
from sophia_cli.bench.engine.window import Window
from sophia_cli.bench.engine.worker_spec import WorkerSpec, measure_line
from sophia_cli.bench.engine.workers import Worker, early_end, end, listen, start
from sophia_cli.bench.judging.histogram import Histogram
from sophia_cli.core.values import dataclass, replace

_NS = 1_000_000_000
# From the command to its execution: the workers look at their input between two polls.
_LEAD_NS = 30_000_000
_GRACE_S = 10.0
# A worker that needs more than this share of a core while it warms up gets others beside it.
_ENOUGH = 0.6
_SHORTEST_WARM_UP_S = 0.5


class Clock(Protocol):
    """The machine's monotonic clock, the one that the workers read too."""

    def __call__(self) -> int:
        """Return nanoseconds."""
        ...


@dataclass(frozen=True, slots=True)
class LoadSpec:
    """A load: `rate` None is a closed loop, `most_requests` None as many requests as there is time for.

    It is made by `processes` processes, and by more, up to `most_processes`, when these have not enough of a core.
    """

    target: Target
    request: Request
    trust: Trust
    connections: int
    rate: float | None
    duration_s: float
    most_requests: int | None
    warm_up_s: float
    timeout_s: float
    processes: int
    most_processes: int


Observe = Callable[[tuple[Second, ...]], None]


def run_load(spec: LoadSpec, clock: Clock, observe: Observe) -> Load:
    """Make a load and return what was measured; `observe` is called with the windows so far after each of them.

    WorkerKilled when a worker is ended from outside or does not end. Whatever happens, no worker is left afterwards.
    """
    while True:
        load = _attempt(spec, clock, observe)
        if isinstance(load, Load):
            return load
        spec = replace(
            spec,
            processes=min(2 * spec.processes, spec.most_processes, spec.connections),
            warm_up_s=max(_SHORTEST_WARM_UP_S, spec.warm_up_s - load.warm_up_s),
        )


@dataclass(frozen=True, slots=True)
class _TooFew:
    """The workers had not enough of a core, which took that long to find out."""

    warm_up_s: float


def _attempt(spec: LoadSpec, clock: Clock, observe: Observe) -> Load | _TooFew:
    workers: list[Worker] = []
    try:
        started = clock()
        for share in _shares(spec):
            workers.append(start(share))
        observe(())
        was_steady = _warm_up(workers, spec, clock, started)
        if spec.processes < min(spec.most_processes, spec.connections) and _busiest(workers) > _ENOUGH:
            return _TooFew((clock() - started) / _NS)
        begin_ns = clock() + _LEAD_NS
        measure = Measure(begin_ns, begin_ns + int(spec.duration_s * _NS))
        for worker in workers:
            worker.tell(measure_line(measure))
        # One timeout for what was due and not sent by the end, one for what was sent last.
        limit = measure.end_ns + int((2 * spec.timeout_s + _GRACE_S) * _NS)
        counted = [worker.counted for worker in workers]
        while listen(workers, (limit - clock()) / _NS):
            observe(seconds_of(counted))
        if not all(worker.has_ended and worker.counted.measured for worker in workers):
            raise early_end(workers)
        return load_of(counted, was_steady)
    finally:
        end(workers)


def _shares(spec: LoadSpec) -> list[WorkerSpec]:
    count = min(spec.processes, spec.connections)
    return [
        WorkerSpec(
            address=spec.target.address,
            host=spec.target.host,
            trust=spec.trust,
            request=spec.request,
            first_number=sum(_share(spec.connections, before, count) for before in range(number)),
            connections=_share(spec.connections, number, count),
            timeout_s=spec.timeout_s,
            pace=None if spec.rate is None else Pace(spec.rate, number, count),
            most_requests=None if spec.most_requests is None else _share(spec.most_requests, number, count),
        )
        for number in range(count)
    ]


def _share(total: int, number: int, count: int) -> int:
    return total // count + (1 if number < total % count else 0)


def _warm_up(workers: Sequence[Worker], spec: LoadSpec, clock: Clock, started: int) -> bool:
    """Wait until every worker's latency is steady (true) or the time for it is over, reckoned from the first request.

    A worker takes its command to measure only after its first window.
    """
    while not all(worker.counted.warm_up for worker in workers):
        if not listen(workers, _GRACE_S - (clock() - started) / _NS):
            raise early_end(workers)
    limit = min(worker.counted.warm_up[0].start_ns for worker in workers) + int(spec.warm_up_s * _NS)
    steady = False
    while not steady and listen(workers, (limit - clock()) / _NS):
        steady = all(is_steady([_median(window) for window in worker.counted.warm_up]) for worker in workers)
    return steady


def _busiest(workers: Sequence[Worker]) -> float:
    """Return the largest share of a core that a worker used in its last window of the warm-up."""
    shares: list[float] = []
    for worker in workers:
        for before, after in pairwise(worker.counted.warm_up[-2:]):
            used = after.used.cpu_ns - before.used.cpu_ns
            shares.append(used / (after.end_ns - before.end_ns))
    return max(shares, default=0.0)


def _median(window: Window) -> float | None:
    histogram = Histogram()
    histogram.add_packed(window.latencies)
    return histogram.percentile(0.5) if histogram.total else None
