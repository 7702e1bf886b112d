"""From a load to a measurement: percentiles, bounds, windows."""

from __future__ import annotations

from typing import Protocol

from sophia_cli.bench.engine.counted import Load
from sophia_cli.bench.engine.counted import Second as LoadSecond
from sophia_cli.bench.judging.histogram import Histogram
from sophia_cli.bench.judging.order_statistics import upper_rank
from sophia_cli.core.measurement import (
    ClientUse,
    FailureCount,
    Latency,
    LatencyBucket,
    Measurement,
    Refusal,
    Second,
    StatusCount,
    UpperBounds,
)


class Offered(Protocol):
    """What a load offers: over how many connections, at which rate, how many requests."""

    @property
    def connections(self) -> int: ...

    @property
    def rate(self) -> float | None: ...

    @property
    def most_requests(self) -> int | None: ...


def measurement_of(spec: Offered, load: Load, target_ms: float, stolen: float, refusal: Refusal | None) -> Measurement:
    """Return the figures of a load; `target_ms` is what Apdex counts as satisfied, `refusal` why it has no grade."""
    latencies = load.latencies
    offered = load.latencies.total + load.failures.total()
    return Measurement(
        connections=spec.connections,
        rate=spec.rate,
        duration_s=load.measured_s,
        answers=latencies.total,
        failures=tuple(FailureCount(f.value, f.meaning, count) for f, count in load.failures.most_common()),
        statuses=tuple(StatusCount(status, count) for status, count in load.statuses.most_common()),
        throughput_rps=load.answered / load.measured_s,
        achieved=achieved_of(spec, load),
        latency=latency_of(latencies),
        bounds=bounds_of(latencies),
        apdex=apdex_of(latencies, target_ms, offered),
        warm_up_s=load.warm_up_s,
        was_steady=load.was_steady,
        client=ClientUse(
            processes=load.processes,
            cpu_us_per_request=load.cpu_s * 1e6 / max(1, offered),
            busiest=load.busiest,
            waited=load.waited,
            stolen=stolen,
            lag_p99_ms=load.lags.percentile(0.99) if load.lags.total else None,
            refusal=refusal,
        ),
        seconds=tuple(second_of(second) for second in load.seconds),
        buckets=tuple(LatencyBucket(b.low_ms, b.high_ms, b.count) for b in latencies.buckets()),
    )


def achieved_of(spec: Offered, load: Load) -> float | None:
    """Return the share of what was due that was answered in time; None where nothing was due.

    What was due within one typical latency of the end cannot have been answered by then, so it is not asked for;
    neither is the last request, which may be due at the very end.
    """
    if spec.rate is None or spec.most_requests is not None or not load.latencies.total:
        return None
    typical_s = min(load.latencies.percentile(0.5) / 1000, load.measured_s / 2)
    return min(1.0, (load.answered + 1) / (spec.rate * (load.measured_s - typical_s)))


def latency_of(latencies: Histogram) -> Latency | None:
    """Return the percentiles of a histogram; None when it is empty."""
    if not latencies.total:
        return None
    p50, p90, p95, p99, p999, longest = latencies.percentiles((0.5, 0.9, 0.95, 0.99, 0.999, 1.0))
    return Latency(p50, p90, p95, p99, p999, longest, latencies.mean())


def bounds_of(latencies: Histogram) -> UpperBounds:
    """Return what p50, p95 and p99 do not exceed with 95 % confidence."""
    ranks = (upper_rank(latencies.total, share) for share in (0.5, 0.95, 0.99))
    return UpperBounds(*(None if rank is None else latencies.at_rank(rank) for rank in ranks))


def apdex_of(latencies: Histogram, target_ms: float, requests: int) -> float | None:
    """Return the Apdex: (satisfied + tolerating / 2) / all, tolerating up to four times the target (Apdex 1.1)."""
    if not requests:
        return None
    satisfied = latencies.at_most(target_ms)
    return (satisfied + (latencies.at_most(4 * target_ms) - satisfied) / 2) / requests


def second_of(second: LoadSecond) -> Second:
    """Return the figures of one window."""
    known = second.latencies.total > 0
    p50, p95, p99 = second.latencies.percentiles((0.5, 0.95, 0.99)) if known else (None, None, None)
    return Second(second.start_s, second.length_s, second.latencies.total, second.failures, p50, p95, p99)
