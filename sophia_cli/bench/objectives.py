"""Whether a measurement keeps its latency objectives."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_cli.core.measurement import Measurement
from sophia_cli.core.measurement_slo import Kept, Objective, Percentile

# More failed requests than that, or fewer answers than that share of what was offered, break every objective.
MOST_ERRORS = 0.01
# (A trial is too short to say it more exactly: what is under way at its end counts as late.)
LEAST_ACHIEVED = 0.95

_OF_TARGET = {Percentile.P50: 0.5, Percentile.P95: 1.0, Percentile.P99: 2.0}


def judge(measured: Measurement, objectives: Sequence[Objective]) -> tuple[Kept, str]:
    """Return whether all objectives were kept, and the figures that say so."""
    if measured.latency is None:
        return Kept.NOT, "no request was answered"
    if measured.error_rate > MOST_ERRORS:
        return Kept.NOT, f"{measured.error_rate:.1%} of the requests failed"
    if measured.achieved is not None and measured.achieved < LEAST_ACHIEVED:
        return Kept.NOT, f"{measured.achieved:.1%} of the offered requests were answered in time"
    kept, reasons = Kept.SURELY, []
    for objective in objectives:
        found = objective.percentile.of(measured.latency)
        bound = objective.percentile.of(measured.bounds)
        assert found is not None  # a latency has all its percentiles
        name = objective.percentile.value
        if found > objective.limit_ms:
            return Kept.NOT, f"{name} is {found:.3g} ms, over {objective.limit_ms:g} ms"
        if bound is None or bound > objective.limit_ms:
            kept = Kept.PROBABLY
        reasons.append(f"{name} is {found:.3g} ms")
    return kept, ", ".join(reasons)


def target_of(objectives: Sequence[Objective]) -> float | None:
    """Return the target of the scale that objectives stand for: A+ is then just what they ask; None for none."""
    return min((o.limit_ms / _OF_TARGET[o.percentile] for o in objectives), default=None)
