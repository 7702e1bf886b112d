"""One load on one target: starts the workers, watches the warm-up, says when to measure, and merges what they count."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import IO, Protocol

from sophia_cli.bench.connecting.errors import Failure
from sophia_cli.bench.connecting.target import Request, Target, Trust
from sophia_cli.bench.engine.pacing import Pace
from sophia_cli.bench.engine.run_state import Measure
from sophia_cli.bench.engine.steady import is_steady
from sophia_cli.bench.engine.window import Stage, Usage, Window, window_of
from sophia_cli.bench.engine.worker_spec import WorkerSpec, measure_line, spec_line
from sophia_cli.bench.judging.histogram import Histogram
from sophia_cli.core.values import dataclass, field, replace

_NS = 1_000_000_000
# From the command to its execution: the workers look at their input between two polls.
_LEAD_NS = 30_000_000
_GRACE_S = 10.0
_LEAVE_S = 2.0
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


Observe = Callable[[tuple[Second, ...]], None]


class WorkerFailed(Exception):
    """A worker ended before its time, which is a mistake in it; the text is what it said."""


class WorkerKilled(Exception):
    """A worker was ended by a signal, or did not end in time."""


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    pending: bytearray = field(default_factory=bytearray)
    warm_up: list[Window] = field(default_factory=list)
    measured: list[Window] = field(default_factory=list)
    has_ended: bool = False


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
    workers: list[_Worker] = []
    try:
        started = clock()
        for share in _shares(spec):
            workers.append(_Worker(_start(share)))
        observe(())
        was_steady = _warm_up(workers, spec, clock, started)
        if spec.processes < min(spec.most_processes, spec.connections) and _busiest(workers) > _ENOUGH:
            return _TooFew((clock() - started) / _NS)
        start = clock() + _LEAD_NS
        measure = Measure(start, start + int(spec.duration_s * _NS))
        for worker in workers:
            _tell(worker, measure_line(measure))
        # One timeout for what was due and not sent by the end, one for what was sent last.
        limit = measure.end_ns + int((2 * spec.timeout_s + _GRACE_S) * _NS)
        while _read(workers, clock, limit):
            observe(_seconds(workers))
        if not all(worker.has_ended and worker.measured for worker in workers):
            raise _early_end(workers)
        return _merged(workers, was_steady)
    finally:
        _end(workers)


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


def _start(spec: WorkerSpec) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "sophia_cli.bench.engine.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    assert process.stdin is not None  # asked for above
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(spec_line(spec))
    return process


def _warm_up(workers: list[_Worker], spec: LoadSpec, clock: Clock, started: int) -> bool:
    """Wait until every worker's latency is steady (true) or the time for it is over, reckoned from the first request.

    A worker takes its command to measure only after its first window.
    """
    while not all(worker.warm_up for worker in workers):
        if not _read(workers, clock, started + int(_GRACE_S * _NS)):
            raise _early_end(workers)
    limit = min(worker.warm_up[0].start_ns for worker in workers) + int(spec.warm_up_s * _NS)
    steady = False
    while not steady and _read(workers, clock, limit):
        steady = all(is_steady([_median(window) for window in worker.warm_up]) for worker in workers)
    return steady


def _busiest(workers: list[_Worker]) -> float:
    """Return the largest share of a core that a worker used in its last window of the warm-up."""
    shares: list[float] = []
    for worker in workers:
        for before, after in pairwise(worker.warm_up[-2:]):
            used = after.used.cpu_ns - before.used.cpu_ns
            shares.append(used / (after.end_ns - before.end_ns))
    return max(shares, default=0.0)


def _median(window: Window) -> float | None:
    histogram = Histogram()
    histogram.add_packed(window.latencies)
    return histogram.percentile(0.5) if histogram.total else None


def _tell(worker: _Worker, line: bytes) -> None:
    assert worker.process.stdin is not None  # asked for when it was started
    with contextlib.suppress(BrokenPipeError):
        worker.process.stdin.write(line)


def _read(workers: list[_Worker], clock: Clock, limit_ns: int) -> bool:
    """Read what workers write until there is a window or an end; false at the limit and when all have ended."""
    open_ones = [worker for worker in workers if not worker.has_ended]
    if not open_ones:
        return False
    with selectors.DefaultSelector() as selector:
        for worker in open_ones:
            selector.register(_output(worker), selectors.EVENT_READ, worker)
        ready = selector.select(max(0.0, (limit_ns - clock()) / _NS))
    for key, _ in ready:
        _take_windows(key.data)
    return bool(ready)


def _take_windows(worker: _Worker) -> None:
    data = os.read(_output(worker).fileno(), 1 << 20)
    worker.has_ended = not data
    worker.pending += data
    while (end := worker.pending.find(b"\n")) >= 0:
        window = window_of(bytes(worker.pending[:end]))
        del worker.pending[: end + 1]
        (worker.warm_up if window.stage is Stage.WARM_UP else worker.measured).append(window)


def _output(worker: _Worker) -> IO[bytes]:
    assert worker.process.stdout is not None  # asked for when it was started
    return worker.process.stdout


def _begin_ns(workers: list[_Worker]) -> int:
    """Return when the first worker began to measure; 0 before any has."""
    return min((worker.measured[0].start_ns for worker in workers if worker.measured), default=0)


def _seconds(workers: list[_Worker]) -> tuple[Second, ...]:
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


def _merged(workers: list[_Worker], was_steady: bool) -> Load:
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
        seconds=_seconds(workers),
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


def _use(worker: _Worker) -> tuple[Usage, int]:
    """Return what a worker used while it measured, and how long that took."""
    first, last = worker.warm_up[-1], worker.measured[-1]
    use = Usage(
        last.used.cpu_ns - first.used.cpu_ns,
        last.used.waited_ns - first.used.waited_ns,
        last.used.slices - first.used.slices,
    )
    return use, max(1, last.end_ns - first.end_ns)


def _early_end(workers: list[_Worker]) -> Exception:
    for worker in workers:
        if worker.has_ended:
            code = worker.process.wait(_LEAVE_S)
            if code > 0 and worker.process.stderr is not None:
                return WorkerFailed(worker.process.stderr.read().decode("utf-8", "replace"))
            if code < 0:
                return WorkerKilled(f"signal {-code}")
    return WorkerKilled("it did not end in time")


def _end(workers: list[_Worker]) -> None:
    """End every worker: their input closed they stop by themselves; one that does not is killed."""
    for worker in workers:
        if worker.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                worker.process.stdin.close()
    for worker in workers:
        process = worker.process
        try:
            process.wait(_LEAVE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
