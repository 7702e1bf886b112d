"""Rank statistics of two samples: the Mann-Whitney test and the Hodges-Lehmann shift with its interval.

Sources: H. B. Mann and D. R. Whitney, "On a test of whether one of two random variables is stochastically larger than
the other" (1947); J. L. Hodges and E. L. Lehmann, "Estimates of location based on rank tests" (1963); the interval is
that of M. Hollander and D. A. Wolfe, "Nonparametric Statistical Methods", 4.2 and 4.3.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from statistics import NormalDist, median

# Up to that many values on both sides the distribution is counted out; beyond, the normal one is as good.
_EXACT_UP_TO = 60


def mann_whitney(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided probability of a difference at least this large when both come from one distribution.

    Exact without ties and for up to 60 values in all, else the normal approximation with continuity and tie correction.
    1 for an empty side.
    """
    if not first or not second:
        return 1.0
    wins = sum((b > a) + (b == a) / 2 for a in first for b in second)
    size = len(first) * len(second)
    extreme = min(wins, size - wins)
    has_ties = len(set(first) | set(second)) < len(first) + len(second)
    if not has_ties and len(first) + len(second) <= _EXACT_UP_TO:
        counts = _ways(len(first), len(second))
        return min(1.0, 2 * sum(counts[: int(extreme) + 1]) / math.comb(len(first) + len(second), len(first)))
    return _normal(first, second, extreme)


def shift(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the Hodges-Lehmann shift: the median of all differences second - first; ValueError for an empty side."""
    return median(b - a for a in first for b in second)


def shift_interval(first: Sequence[float], second: Sequence[float], confidence: float) -> tuple[float, float]:
    """Return the confidence interval of the shift; the whole range of differences where the samples are too few."""
    differences = sorted(b - a for a in first for b in second)
    m, n = len(first), len(second)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    cut = math.floor(m * n / 2 - z * math.sqrt(m * n * (m + n + 1) / 12))
    edge = max(0, min(cut, (len(differences) - 1) // 2))
    return differences[edge], differences[-1 - edge]


def _ways(m: int, n: int) -> list[int]:
    """Return, for every value of U, how many of the arrangements of m and n values have it.

    The generating function is the Gaussian binomial coefficient: the product over i of (1 - x^(n+i)) / (1 - x^i).
    """
    counts = [1] + [0] * (m * n)
    for step in range(1, m + 1):
        for value in range(m * n, n + step - 1, -1):
            counts[value] -= counts[value - n - step]
        for value in range(step, m * n + 1):
            counts[value] += counts[value - step]
    return counts


def _normal(first: Sequence[float], second: Sequence[float], extreme: float) -> float:
    m, n = len(first), len(second)
    total = m + n
    ties = sum(count**3 - count for count in Counter([*first, *second]).values())
    variance = m * n / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = (extreme + 0.5 - m * n / 2) / math.sqrt(variance)
    return min(1.0, 2 * NormalDist().cdf(z))
