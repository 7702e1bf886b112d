"""Results of a probe become healthy or unhealthy by thresholds, whatever came before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sophia_cli.checks.probe_counter import Health, ProbeCounter

RESULTS = st.lists(st.booleans(), max_size=40)


def after(counter: ProbeCounter, results: list[bool], since_start_s: float = 100.0) -> ProbeCounter:
    for passed in results:
        counter = counter.next(passed, since_start_s)
    return counter


@given(RESULTS, st.integers(1, 5), st.integers(1, 5))
def test_the_last_run_that_is_long_enough_decides(results: list[bool], failures: int, successes: int) -> None:
    expected = Health.UNKNOWN
    run: list[bool] = []
    for passed in results:
        run = [*run, passed] if run and run[-1] == passed else [passed]
        if len(run) >= (successes if passed else failures):
            expected = Health.HEALTHY if passed else Health.UNHEALTHY
    assert after(ProbeCounter(failures, successes), results).health is expected


@given(RESULTS, st.integers(1, 5), st.integers(1, 5))
def test_counts_stay_within_the_thresholds(results: list[bool], failures: int, successes: int) -> None:
    counter = after(ProbeCounter(failures, successes), results)
    assert 0 <= counter.failed_in_row <= failures
    assert 0 <= counter.passed_in_row <= successes
    assert 0 in (counter.failed_in_row, counter.passed_in_row)


def test_failures_of_the_start_period_do_not_count() -> None:
    starting = after(ProbeCounter(2, start_period_s=5.0), [False] * 10, since_start_s=4.9)
    assert starting.health is Health.UNKNOWN
    assert after(starting, [False]).health is Health.UNKNOWN
    assert after(starting, [False, False]).health is Health.UNHEALTHY


def test_failures_count_in_the_start_period_once_it_was_healthy() -> None:
    counter = after(ProbeCounter(2, start_period_s=5.0), [True, False, False], since_start_s=1.0)
    assert counter.health is Health.UNHEALTHY


def test_a_failure_between_passes_starts_their_count_again() -> None:
    counter = after(ProbeCounter(3, 3), [True, True, False, True, True])
    assert counter.health is Health.UNKNOWN
    assert counter.next(True, 100.0).health is Health.HEALTHY
