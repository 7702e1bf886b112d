"""The search for a capacity comes near the knee of any service, in few trials."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.bench.capacity import MOST_TRIALS, next_rate
from sophia_cli.core.measurement_slo import Kept, Trial


def search(knee: float, first: float, most: float = 1e6) -> tuple[float | None, int]:
    """Return the best rate that a search finds at a service that keeps up to `knee`, and how many trials it took."""
    trials: list[Trial] = []
    while (rate := next_rate(trials, first, most)) is not None:
        kept = Kept.SURELY if rate <= knee else Kept.NOT
        trials.append(Trial(rate, kept, 1000, 0, 1.0, ""))
    good = [trial.rate for trial in trials if trial.kept is not Kept.NOT]
    return max(good, default=None), len(trials)


@given(st.floats(20, 100_000), st.floats(0.2, 4.0))
def test_a_knee_is_found_within_five_percent_whatever_the_first_guess(knee: float, guess: float) -> None:
    found, trials = search(knee, knee * guess)
    assert found is not None
    assert 0.95 * knee <= found <= knee
    assert trials <= 9


@given(st.floats(1e-3, 1e7), st.floats(1e-3, 1e7))
def test_a_search_always_ends(knee: float, first: float) -> None:
    _, trials = search(knee, first)
    assert trials <= MOST_TRIALS


def test_no_rate_is_found_where_none_is_kept() -> None:
    assert search(0.1, 100)[0] is None


def test_a_rate_beyond_the_most_is_never_tried() -> None:
    assert search(1e9, 100, most=750)[0] == pytest.approx(750)


def test_a_breach_below_a_rate_that_was_kept_counts() -> None:
    """The service was lucky once at 800; at 700 it was not, so the search goes on below."""
    trials = [Trial(800, Kept.PROBABLY, 1, 0, 1.0, ""), Trial(700, Kept.NOT, 1, 0, 1.0, "")]
    assert next_rate(trials, 100, 1e6) == 350
