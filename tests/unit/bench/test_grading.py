"""Grades: the scale, every cap, and which rule is named."""

from __future__ import annotations

import math
import random

import pytest
from figures import measured

from sophia_cli.bench.judging.grading import grade_of
from sophia_cli.bench.judging.objectives import judge, target_of
from sophia_cli.bench.judging.order_statistics import is_surely_rarer, upper_rank
from sophia_cli.bench.judging.scale import DEFAULT_TARGET_MS
from sophia_cli.core.grades import Letter, worst
from sophia_cli.core.measurement import Measurement
from sophia_cli.core.measurement_slo import ErrorObjective, Kept, Objective, Percentile

T = DEFAULT_TARGET_MS


def letter(loaded: Measurement, idle: Measurement | None = None, first_ms: float = 1.0, target: float = T) -> str:
    return grade_of(loaded, idle, first_ms, target).letter.value


@pytest.mark.parametrize("step", range(6))
def test_each_letter_doubles_the_target_and_the_worst_percentile_counts(step: int) -> None:
    at_best, next_one = ["A+", "A", "B", "C", "D", "E", "F"][step : step + 2]
    factor = 2**step
    limits = (T / 2 * factor, T * factor, 2 * T * factor)
    assert letter(measured(*limits)) == at_best
    for place in range(3):
        above = [limit * (1.001 if place == number else 0.6) for number, limit in enumerate(limits)]
        above[2] = max(above[1:])
        assert letter(measured(*above)) == next_one


def test_the_target_scales_the_letters() -> None:
    assert letter(measured(100, 200, 400), target=200.0) == "A+"
    assert letter(measured(101, 200, 400), target=200.0) == "A"


def test_the_worse_of_idle_and_loaded_counts() -> None:
    assert letter(measured(), measured(20, 20, 20)) == "B"
    assert letter(measured(20, 20, 20), measured()) == "B"
    assert "with one connection" in grade_of(measured(), measured(20, 20, 20), 1.0, T).reason


@pytest.mark.parametrize(
    ("failed", "expected"), [(1, "A"), (10, "A"), (11, "B"), (100, "B"), (102, "F"), (10_000, "F")]
)
def test_errors_cap_the_grade(failed: int, expected: str) -> None:
    assert letter(measured(answers=10_000 - failed, failures={"timeout": failed})) == expected


def test_errors_with_one_connection_cap_it_too() -> None:
    assert letter(measured(), measured(answers=900, failures={"reset": 100})) == "F"


def test_nothing_answered_is_an_f() -> None:
    assert letter(measured(answers=0, failures={"timeout": 5})) == "F"


@pytest.mark.parametrize(("achieved", "expected"), [(1.0, "A+"), (0.99, "A+"), (0.989, "C")])
def test_falling_behind_the_offered_rate_caps_at_c(achieved: float, expected: str) -> None:
    assert letter(measured(achieved=achieved)) == expected


def test_a_long_tail_costs_the_plus_only_where_it_is_slow_too() -> None:
    assert letter(measured(0.1, 0.2, 1.5)) == "A+"
    assert letter(measured(1.0, 2.0, 13.0)) == "A"
    assert letter(measured(1.3, 2.0, 12.9)) == "A+"


def test_few_samples_and_a_slow_first_request_cost_the_plus() -> None:
    assert letter(measured(answers=999)) == "A"
    assert letter(measured(answers=1000)) == "A+"
    assert letter(measured(bounded=False)) == "A"
    assert letter(measured(), first_ms=40.0) == "A+"
    assert letter(measured(), first_ms=40.1) == "A"


def test_the_rule_that_decided_is_named() -> None:
    assert "achieved" not in grade_of(measured(), None, 1.0, T).reason
    assert "102 timeout" in grade_of(measured(answers=9_898, failures={"timeout": 102}), None, 1.0, T).reason
    assert "fewer than 1000" in grade_of(measured(answers=500), None, 1.0, T).reason


def test_a_grade_carries_its_measurement_and_its_scale() -> None:
    grade = grade_of(measured(p99=37.5), None, 1.0, T)
    assert grade.measured == 1.5
    assert grade.scale.letter(grade.measured) is grade.letter is Letter.A
    assert "12.5 ms" in grade.scale.describe()


def test_letters_have_an_order() -> None:
    assert worst([Letter.B, Letter.A_PLUS, Letter.D]) is Letter.D
    assert [letter.rank for letter in Letter] == sorted(letter.rank for letter in Letter)


def binomial_below(count: int, share: float, rank: int) -> float:
    """Return the probability that fewer than `rank` of `count` samples lie below the quantile, by plain summation."""
    return math.fsum(math.comb(count, below) * share**below * (1 - share) ** (count - below) for below in range(rank))


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("count", [5, 59, 298, 299, 300, 500, 900])
def test_the_bound_is_the_least_rank_that_is_sure_enough(count: int, share: float) -> None:
    rank = upper_rank(count, share)
    if rank is None:
        assert binomial_below(count, share, count) < 0.95
    else:
        assert binomial_below(count, share, rank) >= 0.95
        assert binomial_below(count, share, rank - 1) < 0.95


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_the_bound_of_many_samples_continues_that_of_fewer(share: float) -> None:
    exact, approximate = upper_rank(20_000, share), upper_rank(20_001, share)
    assert exact is not None
    assert approximate is not None
    assert 0 <= approximate - exact <= 5


def test_the_bound_holds_in_at_least_95_of_100_draws() -> None:
    chance = random.Random(7)
    rank = upper_rank(500, 0.95)
    assert rank is not None
    held = sum(sorted(chance.random() for _ in range(500))[rank - 1] >= 0.95 for _ in range(1000))
    assert held >= 930


def test_objectives_are_kept_surely_probably_or_not() -> None:
    objective = Objective(Percentile.P99, 25.0)
    assert judge(measured(p99=24.9), (objective,))[0] is Kept.SURELY
    assert judge(measured(p99=24.9, bounded=False), (objective,))[0] is Kept.PROBABLY
    assert judge(measured(p99=25.1), (objective,))[0] is Kept.NOT
    assert judge(measured(answers=0), (objective,))[0] is Kept.NOT
    assert judge(measured(answers=980, failures={"reset": 20}), (objective,))[0] is Kept.NOT
    assert judge(measured(achieved=0.9), (objective,))[0] is Kept.NOT


def test_the_strictest_objective_sets_the_target() -> None:
    assert target_of([Objective(Percentile.P99, 50.0), Objective(Percentile.P95, 30.0)]) == 25.0
    assert target_of([Objective(Percentile.P50, 5.0)]) == 10.0
    assert target_of([]) is None


def test_an_error_objective_takes_the_place_of_the_usual_limit_and_is_sure_only_with_enough_requests() -> None:
    few = measured(5.0, 9.0, 20.0, answers=990, failures={"reset": 10})
    assert judge(few, [ErrorObjective(0.02)])[0] is Kept.SURELY
    assert judge(few, [ErrorObjective(0.016)])[0] is Kept.PROBABLY
    assert judge(few, [ErrorObjective(0.001)]) == (Kept.NOT, "10 of 1000 requests failed, more than 0.1 %")
    assert judge(few, [ErrorObjective(0.001), Objective(Percentile.P99, 50.0)])[0] is Kept.NOT
    assert target_of([ErrorObjective(0.02)]) is None


@pytest.mark.parametrize(
    ("hits", "count", "share", "sure"),
    [
        # The rule of three: without a hit it takes 299 trials to exclude 1 %.
        (0, 298, 0.01, False),
        (0, 299, 0.01, True),
        # Clopper and Pearson: 10 of 1,000 exclude 1.69 % but not 1.68 %.
        (10, 1_000, 0.0169, False),
        (10, 1_000, 0.0170, True),
        (0, 1_000_000, 0.0, False),
        (5, 5, 1.0, True),
        (90_000, 1_000_000, 0.1, True),
    ],
)
def test_a_share_is_excluded_when_so_few_hits_would_be_rare(hits: int, count: int, share: float, sure: bool) -> None:
    assert is_surely_rarer(hits, count, share) is sure
