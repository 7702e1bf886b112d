"""Alarms are rare without a change and certain with one; the statistics equal their textbook values."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.bench.judging.comparison import compare, usual_shift, windows_needed
from sophia_cli.bench.judging.rank_tests import mann_whitney, shift, shift_interval
from sophia_cli.core.measurement_comparison import Change


def windows(chance: random.Random, median: float, spread: float, count: int) -> list[float]:
    return [median * math.exp(chance.gauss(0, spread)) for _ in range(count)]


@pytest.mark.parametrize("spread", [0.02, 0.1, 0.4])
def test_the_same_service_raises_the_alarm_in_at_most_one_run_of_a_hundred(spread: float) -> None:
    chance = random.Random(11)
    runs = 1000
    changes = [compare("a", windows(chance, 5, spread, 10), windows(chance, 5, spread, 10)).change for _ in range(runs)]
    assert sum(change in (Change.WORSE, Change.BETTER) for change in changes) <= 0.01 * runs + 6


@pytest.mark.parametrize("spread", [0.02, 0.05, 0.1, 0.2])
def test_a_fifth_more_is_found_in_95_of_100_runs_with_as_many_windows_as_it_asks_for(spread: float) -> None:
    chance = random.Random(13)
    needed = windows_needed([math.log(v) for v in windows(chance, 5, spread, 400)], [0.0] * 5)
    runs = 200
    found = [
        compare("a", windows(chance, 5, spread, needed), windows(chance, 6, spread, needed)).change for _ in range(runs)
    ]
    assert sum(change is Change.WORSE for change in found) >= 0.95 * runs


def test_runs_that_usually_differ_more_raise_the_bar() -> None:
    assert usual_shift([5.0, 5.1]) == 0.05
    assert usual_shift([5.0, 5.01, 5.02, 5.03]) == 0.05
    assert usual_shift([5.0, 5.5, 6.0, 6.6, 4.5]) > 0.2
    before, after = [5.0, 5.01, 5.02, 5.03, 5.04, 5.05], [5.5, 5.51, 5.52, 5.53, 5.54, 5.55]
    assert compare("a", before, after).change is Change.WORSE
    assert compare("a", before, after, 0.2).change is Change.SAME
    assert compare("a", after, before).change is Change.BETTER


def test_a_tenth_of_the_spread_is_the_same_and_a_fifth_less_is_better() -> None:
    chance = random.Random(17)
    steady = windows(chance, 5, 0.005, 20)
    assert compare("a", steady, windows(chance, 5, 0.005, 20)).change is Change.SAME
    assert compare("a", steady, windows(chance, 4, 0.005, 20)).change is Change.BETTER


def test_too_few_or_too_restless_windows_are_unknown_and_say_what_it_takes() -> None:
    few = compare("a", [5.0] * 4, [9.0] * 4)
    assert (few.change, few.windows_needed) == (Change.UNKNOWN, 5)
    chance = random.Random(19)
    restless = compare("a", windows(chance, 5, 0.5, 6), windows(chance, 5, 0.5, 6))
    assert restless.change is Change.UNKNOWN
    assert restless.windows_needed is not None
    assert restless.windows_needed > 6


def test_equal_windows_are_the_same() -> None:
    assert compare("a", [5.0] * 10, [5.0] * 10).change is Change.SAME


def exact(first: list[float], second: list[float]) -> float:
    """Return the two-sided probability by counting every arrangement."""
    pooled = sorted([*first, *second])

    def extreme(group: tuple[float, ...]) -> float:
        rest = [value for value in pooled if value not in group]
        wins = sum(b > a for a in group for b in rest)
        return min(wins, len(first) * len(second) - wins)

    seen = extreme(tuple(first))
    groups = list(itertools.combinations(pooled, len(first)))
    return min(1.0, sum(extreme(group) <= seen for group in groups) / len(groups))


@given(st.permutations(range(9)), st.integers(1, 8))
def test_the_probability_is_that_of_counting_all_arrangements(order: list[int], size: int) -> None:
    first, second = [float(v) for v in order[:size]], [float(v) for v in order[size:]]
    assert mann_whitney(first, second) == pytest.approx(exact(first, second))


def test_many_values_and_ties_are_as_likely_as_few_without() -> None:
    chance = random.Random(23)
    first, second = windows(chance, 5, 0.1, 30), windows(chance, 5.2, 0.1, 30)
    rounded = mann_whitney([round(v, 4) for v in [*first, first[0]]], [round(v, 4) for v in [*second, first[0]]])
    assert mann_whitney(first, second) == pytest.approx(rounded, rel=0.5)
    assert mann_whitney([], [1.0]) == 1.0
    assert mann_whitney([1.0, 1.0], [1.0, 1.0]) == 1.0


def test_the_shift_is_the_median_difference_and_lies_in_its_interval() -> None:
    first, second = [1.0, 2.0, 3.0, 4.0, 5.0], [3.1, 4.2, 5.3, 6.4, 7.5]
    assert shift(first, second) == pytest.approx(2.3)
    low, high = shift_interval(first, second, 0.95)
    assert low < 2.3 < high
    assert shift_interval(first, second, 0.999999)[0] == pytest.approx(-1.9)
