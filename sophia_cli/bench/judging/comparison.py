"""Better, same, worse or unknown: the medians of the windows of two runs, by their ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, median

from sophia_cli.bench.judging.rank_tests import mann_whitney, shift, shift_interval
from sophia_cli.core.measurement_comparison import Change, Comparison

LEVEL = 0.01
LEAST_SHIFT = 0.05
TO_FIND = 0.20
POWER = 0.95
# With fewer windows on each side no arrangement of them is as unlikely as LEVEL.
FEWEST_WINDOWS = 5
FEWEST_RUNS = 3
# What the normal approximation of the interval lacks with few windows, found by simulation.
_FOR_SMALL_SAMPLES = 3


def compare(
    baseline: str, before: Sequence[float], after: Sequence[float], least_shift: float = LEAST_SHIFT
) -> Comparison:
    """Return how the latencies of windows changed; `before` and `after` are positive, one for each window.

    Worse or better takes a Mann-Whitney test at 1 % and a Hodges-Lehmann shift over `least_shift`, for sure: with its
    whole 99 % interval (of the logarithms, so that a shift is a ratio). The same is an interval within `least_shift`
    both ways. All else is unknown. Windows of one run resemble one another more than those of two, so a shift whose
    interval only touches 5 % is what two runs of one service often show.
    """
    sizes = (len(before), len(after))
    if min(sizes) < FEWEST_WINDOWS:
        reason = f"{sizes[0]} and {sizes[1]} windows are too few; it takes {FEWEST_WINDOWS} of each"
        return Comparison(baseline, Change.UNKNOWN, reason, windows=sizes, windows_needed=FEWEST_WINDOWS)
    old, new = [math.log(value) for value in before], [math.log(value) for value in after]
    found = math.expm1(shift(old, new))
    low, high = (math.expm1(edge) for edge in shift_interval(old, new, 1 - LEVEL))
    probability = mann_whitney(old, new)
    needed = windows_needed(old, new, least_shift)
    change, reason = _verdict(found, low, high, probability, least_shift)
    if change is Change.UNKNOWN and min(sizes) < needed:
        reason += f"; to find a change of 20 % takes {needed} windows of each, {needed} s of load"
    return Comparison(baseline, change, reason, found, low, high, probability, sizes, needed)


def usual_shift(medians_ms: Sequence[float]) -> float:
    """Return by how much runs of the same thing differ: 5 %, or more where earlier runs did.

    `medians_ms` are the medians of such runs. Two runs differ by sqrt(2) deviations of one; a difference of 2.58 of
    these is one in a hundred. Fewer than three runs say nothing.
    """
    if len(medians_ms) < FEWEST_RUNS:
        return LEAST_SHIFT
    spread = _deviation([math.log(value) for value in medians_ms])
    return max(LEAST_SHIFT, math.expm1(NormalDist().inv_cdf(1 - LEVEL / 2) * math.sqrt(2) * spread))


def windows_needed(old: Sequence[float], new: Sequence[float], least_shift: float = LEAST_SHIFT) -> int:
    """Return how many windows of each run it takes to find a change of 20 % in 95 of 100 runs.

    For the test of means, n = 2 (z_level + z_power)^2 (deviation / shift)^2; the rank test needs pi / 3 as many where
    the values are normal (Lehmann, "Nonparametrics", 2.4). The deviation is that of the windows about their run's
    median, from the median absolute deviation, which a few odd windows do not move.
    """
    spread = max(_deviation(old), _deviation(new))
    beyond = math.log1p(max(TO_FIND, 2 * least_shift)) - math.log1p(least_shift)
    z = NormalDist().inv_cdf(1 - LEVEL / 2) + NormalDist().inv_cdf(POWER)
    return max(FEWEST_WINDOWS, _FOR_SMALL_SAMPLES + math.ceil(math.pi / 3 * 2 * (z * spread / beyond) ** 2))


def _deviation(values: Sequence[float]) -> float:
    """Return the deviation that the median absolute deviation of some normal values tells of.

    Few values understate it by n / (n - 0.8) (Croux and Rousseeuw, "Time-efficient algorithms for two highly robust
    estimators of scale", 1992, for n > 9; more for fewer).
    """
    middle = median(values)
    missing = len(values) / (len(values) - 0.8)
    return missing * median(abs(value - middle) for value in values) / NormalDist().inv_cdf(0.75)


def _verdict(found: float, low: float, high: float, probability: float, least_shift: float) -> tuple[Change, str]:
    evidence = f"p50 {found:+.1%} (99 % interval {low:+.1%} to {high:+.1%}, Mann-Whitney p = {probability:.2g})"
    if probability < LEVEL and low > least_shift:
        return Change.WORSE, evidence
    if probability < LEVEL and high < 1 / (1 + least_shift) - 1:
        return Change.BETTER, evidence
    if -least_shift <= low and high <= least_shift:
        return Change.SAME, evidence
    return Change.UNKNOWN, f"{evidence}; a change of over {least_shift:.0%} is neither shown nor excluded"
