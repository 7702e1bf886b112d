"""What a load test measured, as values: figures only, no judgement. Latencies are milliseconds, other times seconds."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.values import dataclass


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles (nearest rank), maximum and mean of the latency of valid answers."""

    p50: float
    p90: float
    p95: float
    p99: float
    p999: float
    max: float
    mean: float


@dataclass(frozen=True, slots=True)
class UpperBounds:
    """What a percentile does not exceed with 95 % confidence; None where there are too few samples to say."""

    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class FailureCount:
    """How many requests failed in one way (`timeout`, `refused`, ...), and what that means."""

    kind: str
    meaning: str
    count: int


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How often a status that is not 2xx was answered."""

    status: int
    count: int


@dataclass(frozen=True, slots=True)
class Second:
    """One window of a measurement; the percentiles are None when nothing was answered in it."""

    start_s: float
    length_s: float
    answers: int
    failures: int
    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class LatencyBucket:
    """How many latencies lie from `low_ms` to below `high_ms`."""

    low_ms: float
    high_ms: float
    count: int


class RefusalKind(Enum):
    """Who spoiled a measurement."""

    CLIENT_BOUND = "client-bound"
    NOISY = "noisy"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why figures are not graded: they tell more about the client or the machine than about the service."""

    kind: RefusalKind
    reason: str

    def __str__(self) -> str:
        """Return both in one line."""
        return f"{self.kind.value}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ClientUse:
    """What the load generator itself needed.

    `busiest` is the largest share of a core that one of its processes used, `waited` the largest share of the time
    that one was kept waiting for a core, `stolen` the share of this machine's time that its host took away.
    `lag_p99_ms` is how late requests went out although a connection was free (open loop, else None). `refusal` is None
    when nothing speaks against grading.
    """

    processes: int
    cpu_us_per_request: float
    busiest: float
    waited: float
    stolen: float
    lag_p99_ms: float | None
    refusal: Refusal | None

    @property
    def is_bound(self) -> bool:
        """Whether the figures are refused a grade."""
        return self.refusal is not None


@dataclass(frozen=True, slots=True)
class Measurement:
    """One load and what came of it. `rate` is None for a closed loop.

    `achieved` is the share of the offered requests that were answered in time (None in a closed loop), `apdex` the
    index for the target of the scale. `warm_up_s` was spent before and is in no figure; `was_steady` tells whether
    latency had settled by then. `latency` is None when nothing was answered.
    """

    connections: int
    rate: float | None
    duration_s: float
    answers: int
    failures: tuple[FailureCount, ...]
    statuses: tuple[StatusCount, ...]
    throughput_rps: float
    achieved: float | None
    latency: Latency | None
    bounds: UpperBounds
    apdex: float | None
    warm_up_s: float
    was_steady: bool
    client: ClientUse
    seconds: tuple[Second, ...]
    buckets: tuple[LatencyBucket, ...]

    @property
    def errors(self) -> int:
        """How many requests have no valid answer."""
        return sum(failure.count for failure in self.failures)

    @property
    def requests(self) -> int:
        """How many requests were made."""
        return self.answers + self.errors

    @property
    def error_rate(self) -> float:
        """The share of requests without a valid answer, from 0 to 1."""
        return self.errors / self.requests if self.requests else 0.0
