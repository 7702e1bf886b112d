"""Whether a measurement keeps its objectives of latency and errors."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_cli.bench.judging.order_statistics import is_surely_rarer
from sophia_cli.core.measurement import Measurement
from sophia_cli.core.measurement_slo import ErrorObjective, Kept, Objective, Percentile, Promised

# More failed requests than that break every objective, where no objective says how many may fail.
MOST_ERRORS = 0.01
# As do fewer answers than that share of what was offered. (A trial is too short to say it more exactly: what is under
# way at its end counts as late.)
LEAST_ACHIEVED = 0.95

_OF_TARGET = {Percentile.P50: 0.5, Percentile.P95: 1.0, Percentile.P99: 2.0}


def judge(measured: Measurement, objectives: Sequence[Promised]) -> tuple[Kept, str]:
    """Return whether all objectives were kept, and the figures that say so."""
    if measured.latency is None:
        return Kept.NOT, "no request was answered"
    may_fail = min((o.most for o in objectives if isinstance(o, ErrorObjective)), default=MOST_ERRORS)
    if measured.error_rate > may_fail:
        return Kept.NOT, f"{measured.errors} of {measured.requests} requests failed, more than {100 * may_fail:g} %"
    if measured.achieved is not None and measured.achieved < LEAST_ACHIEVED:
        return Kept.NOT, f"{measured.achieved:.1%} of the offered requests were answered in time"
    verdicts = [_judge_one(measured, objective) for objective in objectives]
    breached = [reason for kept, reason in verdicts if kept is Kept.NOT]
    if breached:
        return Kept.NOT, ", ".join(breached)
    kept = Kept.SURELY if all(kept is Kept.SURELY for kept, _ in verdicts) else Kept.PROBABLY
    return kept, ", ".join(reason for _, reason in verdicts)


def _judge_one(measured: Measurement, objective: Promised) -> tuple[Kept, str]:
    if isinstance(objective, ErrorObjective):
        sure = is_surely_rarer(measured.errors, measured.requests, objective.most)
        return Kept.SURELY if sure else Kept.PROBABLY, f"{measured.errors} of {measured.requests} requests failed"
    assert measured.latency is not None  # asked before
    found = objective.percentile.of(measured.latency)
    bound = objective.percentile.of(measured.bounds)
    assert found is not None  # a latency has all its percentiles
    name = objective.percentile.value
    if found > objective.limit_ms:
        return Kept.NOT, f"{name} is {found:.3g} ms, over {objective.limit_ms:g} ms"
    is_sure = bound is not None and bound <= objective.limit_ms
    return Kept.SURELY if is_sure else Kept.PROBABLY, f"{name} is {found:.3g} ms"


def latency_objectives(objectives: Sequence[Promised]) -> tuple[Objective, ...]:
    """Return those of them that limit a percentile."""
    return tuple(objective for objective in objectives if isinstance(objective, Objective))


def target_of(objectives: Sequence[Promised]) -> float | None:
    """Return the target of the scale that objectives stand for: A+ is then just what they ask; None for none."""
    limits = (o.limit_ms / _OF_TARGET[o.percentile] for o in latency_objectives(objectives))
    return min(limits, default=None)
