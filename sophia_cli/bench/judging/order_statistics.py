"""Confidence bounds of percentiles and shares that assume nothing about the distribution."""

from __future__ import annotations

import math

CONFIDENCE = 0.95
_EXACT_UP_TO = 20_000
# The 95 % quantile of the normal distribution.
_Z = 1.6448536269514722


def upper_rank(count: int, share: float) -> int | None:
    """Return the rank of the order statistic that bounds a percentile from above with 95 % confidence.

    With `count` independent samples, the number of them that lie below the true quantile is binomial, so the r-th
    shortest is an upper bound with the probability that at most r - 1 of them do (David and Nagaraja, "Order
    Statistics", 7.1). The result is the least such rank; None when even the largest sample is not sure enough (fewer
    than 299 samples for p99). Beyond 20,000 samples the binomial is taken as normal, with the continuity correction
    and one rank more.
    """
    if count > _EXACT_UP_TO:
        return math.ceil(count * share + _Z * math.sqrt(count * share * (1 - share)) + 0.5) + 1
    above = 1 - share
    # How many samples may lie above the rank: the most for which that many or fewer is still unlikely.
    likely = 0.0
    spare = -1
    for larger in range(count):
        likely += math.exp(
            math.lgamma(count + 1)
            - math.lgamma(larger + 1)
            - math.lgamma(count - larger + 1)
            + larger * math.log(above)
            + (count - larger) * math.log(share)
        )
        if likely > 1 - CONFIDENCE:
            break
        spare = larger
    return None if spare < 0 else count - spare


def is_surely_rarer(hits: int, count: int, share: float) -> bool:
    """Tell whether something that happened `hits` times of `count` has, with 95 % confidence, a smaller share.

    The bound of C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits" (1934): were the share
    that large, so few hits would come in fewer than 5 of 100 runs. Never for a share of 0, always for one of 1.
    """
    if not 0 < share < 1:
        return share >= 1
    if hits >= count * share:
        return False
    step = count * math.log1p(-share)
    odds = math.log(share) - math.log1p(-share)
    likely = 0.0
    for number in range(hits + 1):
        likely += math.exp(step)
        step += odds + math.log((count - number) / (number + 1))
    return likely <= 1 - CONFIDENCE
