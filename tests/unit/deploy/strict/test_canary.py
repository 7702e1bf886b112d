"""What share a canary gets, and when it is worse."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.deploy.strict.canary import Sample, chance_of, is_worse, weights_for
from sophia_cli.deploy.strict.model import HIGHEST_WEIGHT


@given(st.integers(1, 99), st.integers(1, 8))
def test_a_canary_gets_nearly_the_share_that_it_is_to_get(percent: int, old: int) -> None:
    weights = weights_for(percent, old)
    assert 1 <= weights.canary <= HIGHEST_WEIGHT
    assert 1 <= weights.old <= HIGHEST_WEIGHT
    share = weights.canary / (weights.canary + old * weights.old)
    # The least that two weights can say is 1 of 257; the more old ones there are, the less the canary can have at most.
    most = HIGHEST_WEIGHT / (HIGHEST_WEIGHT + old)
    assert share == pytest.approx(min(percent / 100, most), abs=0.006)


def test_a_canary_that_is_alone_gets_all() -> None:
    assert weights_for(10, 0).canary == weights_for(10, 0).old


@pytest.mark.parametrize(
    ("canary", "old", "worse"),
    [
        (Sample(100, 0), Sample(900, 0), False),
        (Sample(100, 1), Sample(900, 0), False),
        (Sample(100, 3), Sample(900, 0), True),
        (Sample(100, 50), Sample(900, 450), False),
        (Sample(100, 10), Sample(900, 90), False),
        (Sample(100, 30), Sample(900, 90), True),
        (Sample(2, 2), Sample(3, 0), False),
        (Sample(0, 0), Sample(0, 0), False),
        (Sample(5, 5), Sample(0, 0), True),
        (Sample(4, 4), Sample(0, 0), False),
        (Sample(1000, 0), Sample(10, 9), False),
    ],
)
def test_a_canary_is_worse_when_chance_does_not_explain_it(canary: Sample, old: Sample, worse: bool) -> None:
    assert is_worse(canary, old) is worse


@given(st.integers(1, 30), st.integers(1, 30), st.data())
def test_the_chance_is_the_share_of_the_ways_in_which_failures_fall_so(
    canary_requests: int, old_requests: int, data: st.DataObject
) -> None:
    hits = data.draw(st.integers(0, canary_requests))
    missed = data.draw(st.integers(0, old_requests))
    total, failed = canary_requests + old_requests, hits + missed
    ways = sum(
        math.comb(failed, some) * math.comb(total - failed, canary_requests - some)
        for some in range(hits, min(canary_requests, failed) + 1)
    )
    exact = ways / math.comb(total, canary_requests)
    assert chance_of(Sample(canary_requests, hits), Sample(old_requests, missed)) == pytest.approx(exact, abs=1e-9)
