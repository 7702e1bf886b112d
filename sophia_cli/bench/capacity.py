"""The search for the largest rate that keeps the objectives: doubling, then bisection. Pure: rates out, verdicts in."""

from __future__ import annotations

from collections.abc import Sequence

from sophia_cli.core.measurement_slo import Kept, Trial

# The search ends when what was kept and what was not lie that close together.
PRECISION = 0.04
MOST_TRIALS = 16
LEAST_RATE = 1.0


def next_rate(trials: Sequence[Trial], first: float, most: float) -> float | None:
    """Return the rate to try next, None when the search is over; `most` is never exceeded."""
    low, high = bracket(trials)
    if len(trials) >= MOST_TRIALS:
        return None
    if low is None and high is None:
        return min(max(first, LEAST_RATE), most)
    if high is None:
        assert low is not None  # one of the two is known
        return None if low >= most else min(2 * low, most)
    if low is None:
        return high / 2 if high / 2 >= LEAST_RATE else None
    return None if high - low <= PRECISION * high else (low + high) / 2


def bracket(trials: Sequence[Trial]) -> tuple[float | None, float | None]:
    """Return the largest rate below every breach that was kept, and the smallest that was not; None for none."""
    high = min((trial.rate for trial in trials if trial.kept is Kept.NOT), default=None)
    low = max(
        (trial.rate for trial in trials if trial.kept is not Kept.NOT and (high is None or trial.rate < high)),
        default=None,
    )
    return low, high
