"""Objectives of latency and errors, what a load made of them, and the rate up to which they are kept."""

from __future__ import annotations

from enum import Enum

from sophia_cli.core.measurement import Latency, UpperBounds
from sophia_cli.core.values import dataclass


class Percentile(Enum):
    """The percentiles that an objective may name."""

    P50 = "p50"
    P95 = "p95"
    P99 = "p99"

    def of(self, figures: Latency | UpperBounds) -> float | None:
        """Return this percentile of some figures."""
        match self:
            case Percentile.P50:
                return figures.p50
            case Percentile.P95:
                return figures.p95
            case Percentile.P99:
                return figures.p99


@dataclass(frozen=True, slots=True)
class Objective:
    """A percentile and what it must not exceed, in milliseconds."""

    percentile: Percentile
    limit_ms: float

    def __str__(self) -> str:
        """Return it as it is written on the command line."""
        return f"{self.percentile.value}={self.limit_ms:g}ms"


@dataclass(frozen=True, slots=True)
class ErrorObjective:
    """The share of the requests that may fail, from 0 to 1."""

    most: float

    def __str__(self) -> str:
        """Return it as it is written on the command line."""
        return f"error_rate={100 * self.most:g}%"


# What a service may promise.
Promised = Objective | ErrorObjective


class Kept(Enum):
    """Whether an objective was kept: for sure (95 %), by the figures alone, or not."""

    SURELY = "surely"
    PROBABLY = "probably"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Trial:
    """One rate that was tried. `latency_ms` is that of the objective's percentile nearest to its limit, if any."""

    rate: float
    kept: Kept
    requests: int
    errors: int
    latency_ms: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Capacity:
    """The largest rate that keeps the objectives. `rate` is None when no rate did.

    They were kept at `rate` in a trial of its own and breached at `breached_at` (None when no trial breached them).
    `is_sure` tells whether the trial at `rate` kept them with 95 % confidence, `limit` why the client made no more.
    """

    objectives: tuple[Promised, ...]
    rate: float | None
    breached_at: float | None
    is_sure: bool
    limit: str | None
    trials: tuple[Trial, ...]
