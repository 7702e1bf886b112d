"""Measurements for tests, with figures as wanted and the rest unsuspicious."""

from __future__ import annotations

from collections.abc import Mapping

from sophia_cli.core.measurement import ClientUse, FailureCount, Latency, Measurement, Refusal, UpperBounds


def measured(
    p50: float = 2.0,
    p95: float = 4.0,
    p99: float = 6.0,
    *,
    answers: int = 10_000,
    failures: Mapping[str, int] | None = None,
    achieved: float | None = None,
    bounded: bool = True,
    refusal: Refusal | None = None,
) -> Measurement:
    """Return a measurement whose upper bounds equal its percentiles, or that has none."""
    latency = Latency(p50, (p50 + p95) / 2, p95, p99, p99, p99, p50) if answers else None
    return Measurement(
        connections=20,
        rate=None if achieved is None else 100.0,
        duration_s=10.0,
        answers=answers,
        failures=tuple(FailureCount(kind, kind, count) for kind, count in (failures or {}).items()),
        statuses=(),
        throughput_rps=answers / 10,
        achieved=achieved,
        latency=latency,
        bounds=UpperBounds(p50, p95, p99) if bounded and answers else UpperBounds(None, None, None),
        apdex=1.0,
        warm_up_s=1.0,
        was_steady=True,
        client=ClientUse(1, 10.0, 0.1, 0.0, 0.0, None, refusal),
        seconds=(),
        buckets=(),
    )
